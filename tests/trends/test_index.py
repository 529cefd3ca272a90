"""The index: by hand, its five bars, its interval, and every case in which it is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ankle_imu.comparison import adjusted
from ankle_imu.trends import COMPONENTS, stability_index
from ankle_imu.trends.bootstrap import block_counts
from ankle_imu.trends.index import percentile

BASE = np.array([2.0, 3.0, 4.0, 5.0, 6.0])


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1.0, 75.0), (7.0, 25.0), (4.0, 50.0), (3.5, 55.0), (2.0, 70.0)],  # (steadier + 2.5) / 10
)
def test_percentile_by_hand(value, expected):
    assert percentile(value, BASE, is_high_steadier=False) == pytest.approx(expected)
    assert percentile(value, BASE, is_high_steadier=True) == pytest.approx(100.0 - expected)


def test_percentile_of_what_is_not_known():
    assert np.isnan(percentile(np.nan, BASE, is_high_steadier=False))
    assert np.isnan(percentile(4.0, BASE[:4], is_high_steadier=False))
    assert percentile(0.0, np.zeros(5), is_high_steadier=False) == 50.0  # no roll, as always


def test_steadier_usual_and_less_steady(outings):
    found = stability_index(outings([0, 0, 0, 0, 0, -0.5, 0.6]), "left")
    assert [bool(one.reason) for one in found] == [True] * 5 + [False] * 2
    steadier, less = found[5:]
    assert steadier.value > 65
    assert steadier.low > 50
    assert less.value < 35
    assert less.high < 50
    assert "Steadier than your usual on similar ground" in steadier.words
    assert "Less steady than your usual on similar ground" in less.words
    assert "one of the five sessions that make your usual" in found[0].words
    for one in (steadier, less):
        assert set(one.bars) == set(COMPONENTS)
        assert one.value == pytest.approx(np.mean(list(one.bars.values())))
        assert 25 <= one.low <= one.value <= one.high <= 75
    again = stability_index(outings([0, 0, 0, 0, 0, -0.5, 0.6]), "left")
    assert [one.words for one in again] == [one.words for one in found]


def spoiled(past, **columns):
    return replace(past, strides=replace(past.strides, strides=past.strides.strides.assign(**columns)))


def last(history, leg="left"):
    return stability_index(history, leg, gait="walk")[-1]


def test_refuses_with_too_few_strides(outings):
    history = outings([0.0] * 6)
    own = history[5].strides
    few = own.strides.index < 299
    short = replace(history[5], strides=replace(own, strides=own.strides[few], context=own.context[few]))
    assert "usable walk strides of the left leg, 300 are needed" in last((*history[:5], short)).reason
    assert "0 usable walk strides of the right leg" in last(history, "right").reason


def test_refuses_with_too_small_a_valid_fraction(outings):
    history = outings([0.0] * 6)
    accepted = np.arange(len(history[5].strides.strides)) % 100 < 79
    assert "79 % of the left leg's strides are usable, 80 %" in last(
        (*history[:5], spoiled(history[5], accepted=accepted))
    ).reason.replace("79%", "79 %").replace("80%", "80 %")


def test_refuses_when_the_calibration_gate_failed(outings):
    history = outings([0.0] * 6)
    failed = replace(history[5], alignment={"left_foot": "failed", "left_shank": "good"})
    assert last((*history[:5], failed)).reason == "the alignment of the left foot sensor failed"
    other = replace(history[5], alignment={"right_foot": "failed", "left_foot": "doubtful"})
    assert not last((*history[:5], other)).reason


def test_refuses_on_other_ground(outings):
    history = outings([0.0] * 6)
    steep = spoiled(history[5], slope_deg=25.0, height_change_m=0.6)
    steep = replace(steep, strides=replace(steep.strides, context=steep.strides.context.assign(grade=0.47)))
    found = last((*history[:5], steep))
    assert "of your usual ground was walked on, 30 % are needed" in found.reason


def test_refuses_before_there_is_a_usual(outings):
    found = stability_index(outings([0.0] * 4), "left")
    assert {one.reason for one in found} == {
        "your usual takes 5 usable sessions with the same sensor and shoe, there are 4"
    }
    assert np.isnan(found[-1].value)
    assert stability_index((), "left") == []


def test_a_new_shoe_begins_a_new_usual(outings):
    history = outings([0.0] * 7)
    worn = [replace(p, worn=replace(p.worn, shoe="old" if i < 6 else "new")) for i, p in enumerate(history)]
    found = stability_index(worn, "left")
    assert not found[5].reason
    assert "there are 1" in found[6].reason


def foot_alone(past):
    return spoiled(past, angle_source="foot")


def test_a_shank_sensor_added_on_the_way_begins_a_usual_of_its_own(outings):
    """Three walks with the foot sensor alone do not spoil the five with both that follow."""
    history = outings([0.0] * 9)
    found = stability_index([*map(foot_alone, history[:3]), *history[3:]], "left")
    assert [bool(one.reason) for one in found] == [True] * 8 + [False]
    assert (
        "5 usable sessions with the same sensor and shoe and the foot sensor alone, there are 3" in found[0].reason
    )
    assert "one of the five sessions that make your usual" in found[3].reason
    assert found[0].stretch != found[8].stretch == found[3].stretch
    alone = stability_index(history[3:], "left")[-1]
    assert found[8].bars == pytest.approx(alone.bars)


def test_two_ways_of_wearing_in_turn_have_a_usual_each(outings):
    turns = [foot_alone(p) if i % 2 else p for i, p in enumerate(outings([0.0] * 12))]
    found = stability_index(turns, "left")
    assert [one.session_id for one in found] == [p.session_id for p in turns]
    for k in (0, 1):
        alone = stability_index(turns[k::2], "left")
        assert [one.reason for one in found[k::2]] == [one.reason for one in alone]
        assert found[10 + k].bars == pytest.approx(alone[5].bars, nan_ok=True)
    assert not found[11].reason


@pytest.mark.parametrize(("kept", "n_breaks"), [("none", 0), ("log_jerk", 11)])
def test_shoes_begin_no_new_usual_only_where_every_component_is_without_them(monkeypatch, season, kept, n_breaks):
    """One component that still holds the shoe is enough to keep pairs worn in turn apart."""
    pytest.importorskip("statsmodels")

    def some(sessions, name, *args, **options):
        table = adjusted(sessions, name, *args, **options)
        return table.assign(adjusted_for="slope_deg") if name == kept else table

    monkeypatch.setattr("ankle_imu.trends.usual.adjusted", some)
    turns = [
        replace(p, strides=replace(p.strides, footwear=shoe), worn=replace(p.worn, shoe=shoe))
        for p, shoe in zip(season(seed=203), ["a", "b"] * 6, strict=True)
    ]
    assert len({one.stretch for one in stability_index(turns, "left")}) == n_breaks + 1


@pytest.mark.parametrize("short", [COMPONENTS[0], COMPONENTS[-1]])
def test_every_measured_component_needs_the_shared_ground(monkeypatch, outings, short):
    history = outings([0.0] * 6)

    def some(sessions, name, *args, **options):
        table = adjusted(sessions, name, *args, **options)
        return table.assign(overlap=0.2) if name == short else table

    monkeypatch.setattr("ankle_imu.trends.index.adjusted", some)
    assert "only 20 % of your usual ground" in last(history).reason


def test_one_bar_may_be_missing_two_may_not(outings):
    history = [
        replace(p, strides=replace(p.strides, context=p.strides.context.assign(log_jerk=np.nan)))
        for p in outings([0.0] * 6)
    ]
    one = last(history)
    assert not one.reason
    assert np.isnan(one.bars["log_jerk"])
    assert one.value == pytest.approx(np.nanmean(list(one.bars.values())))
    two = last([spoiled(p, peak_inv_vel_dps=np.nan) for p in history])
    assert "not measured" in two.reason


def test_draws_take_whole_blocks():
    counts = block_counts(12, 50, np.random.default_rng(0))
    assert (counts.sum(axis=1) == 12).all()
    assert counts.mean(axis=0) == pytest.approx(np.ones(12), abs=0.35)
    assert block_counts(3, 2, np.random.default_rng(0)).sum() == 6
