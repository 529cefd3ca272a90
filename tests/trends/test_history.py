"""Figures at like ground: what the statistics rest on, what is left out, and what a shoe does to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ankle_imu import tables
from ankle_imu.errors import QualityRefusal
from ankle_imu.metrics.stability import MEASURES
from ankle_imu.trends import INDEX, find_changes, fit_slopes, follow, look
from ankle_imu.trends.statistics import detectable_change, gear_factor, own_noise

MEASURE = "successive_inv_excursion_deg"


def test_statistics_rest_on_like_ground(season):
    history = season(seed=203, change=0.75)
    trend = follow(history, MEASURE)
    assert trend.is_adjusted
    assert trend.unit == MEASURES[MEASURE].unit
    series = trend.series("left")
    np.testing.assert_allclose(series.value, trend.points["adjusted"])
    assert not np.allclose(series.value, trend.points["median"])
    assert np.std(series.value) < np.std(trend.points["median"])


def test_shoes_worn_in_turn_are_taken_out_and_widen_the_doubt(season):
    trend = follow(season(seed=203), MEASURE)
    assert trend.breaks == ()
    assert trend.gear["left"].shape == (12, 1)
    (wide,) = fit_slopes(trend)
    (narrow,) = fit_slopes(replace(trend, gear={}))
    assert wide.high - wide.low >= narrow.high - narrow.low


def test_a_shoe_changed_for_good_is_a_break(season):
    history = [
        replace(
            p,
            strides=replace(p.strides, footwear="old" if i < 6 else "new"),
            worn=replace(p.worn, shoe="old" if i < 6 else "new"),
        )
        for i, p in enumerate(season(seed=203))
    ]
    trend = follow(history, MEASURE)
    assert [word for _, word in trend.broken_at()] == ["shoe"]
    assert fit_slopes(trend) == []
    assert find_changes(trend)[0].n_sessions == 6


def test_gear_factor_by_hand():
    days = np.arange(12.0)
    turn = np.tile([0.0, 1.0], 6)
    # turn against time: r^2 = 3 / 143; one effect of eleven
    assert gear_factor(days, turn) == pytest.approx(11 / 10 / (1 - 3 / 143))
    assert gear_factor(days, np.zeros((12, 0))) == 1.0
    assert gear_factor(days, np.ones(12)) == 1.0
    assert gear_factor(days, days > 5) > 3.0


def test_own_limit_is_not_below_what_each_session_says_of_itself(season):
    trend = follow(season(seed=203), MEASURE)
    (change,) = find_changes(trend)
    series = trend.series("left")
    stated = np.sqrt(np.mean(((series.high - series.low) / 3.92) ** 2))
    assert change.is_own_limit
    assert change.limit == pytest.approx(detectable_change(max(own_noise(series.value), stated)))


def test_other_ground_is_left_out_by_name(outings):
    history = list(outings([0.0] * 6))
    steep = history[5].strides
    strides = steep.strides.assign(slope_deg=25.0, height_change_m=0.6)
    context = steep.context.assign(grade=0.47)
    history[5] = replace(history[5], strides=replace(steep, strides=strides, context=context))
    found = look(tables.make_table(tables.TREND, {}), history, "log_jerk").trend
    assert found is not None
    assert found.n_sessions == 6
    kept = np.isfinite(found.points["adjusted"].to_numpy(float))
    assert kept[:5].all()


def test_look_refuses_and_names(season, outings):
    table = tables.make_table(tables.TREND, {})
    with pytest.raises(ValueError, match="Unknown metric 'beauty'"):
        look(table, (), "beauty")
    with pytest.raises(QualityRefusal, match="at least 2"):
        look(table, outings([0.0]), MEASURE)
    with pytest.raises(QualityRefusal, match=r"No session has an index yet.*there are 3"):
        look(table, outings([0.0] * 3), INDEX)
    with pytest.raises(QualityRefusal, match="five usable sessions"):
        look(table, (), INDEX)


def test_outlook_of_the_index(season):
    found = look(tables.make_table(tables.TREND, {}), season(seed=203), INDEX)
    assert found.trend is None
    assert found.sentences[0].startswith("Last session, left leg, walk: ")
    assert found.ladder is not None
    assert {r.rung for r in found.ladder.rungs if r.ladder == "gait"} == {"walk"}
