"""The ladder counts what was done and suggests; it never judges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ankle_imu import tables
from ankle_imu.trends import Index, climb
from ankle_imu.trends.ladder import surface_rung


def steady(history, low=45.0):
    return [
        Index(session_id=p.session_id, start_utc=p.start_utc, leg="left", gait="walk", value=55.0, low=low,
              high=65.0, bars={}) for p in history
    ]  # fmt: skip


def on(history, *surfaces):
    return [replace(p, surface=surface) for p, surface in zip(history, surfaces, strict=True)]


def of(ladder, name):
    return next(one for one in ladder.suggestions if one.ladder == name)


@pytest.mark.parametrize(
    ("words", "rung"),
    [("Flat road", "flat"), ("meadow", "grass"), ("gravel, some rocks", "rock"), ("uneven", "gravel"), ("", "")],
)
def test_ground_in_words(words, rung):
    assert surface_rung(words) == rung


def test_exposure_by_hand(outings):
    history = on(outings([0.0] * 4), "flat", "grass", "grass", "moon")
    ladder = climb(history, [])
    rows = {(r.ladder, r.rung): r for r in ladder.rungs}
    assert (rows["surface", "flat"].sessions, rows["surface", "grass"].sessions) == (1, 2)
    assert rows["surface", "grass"].strides == 1800
    seconds = sum(p.strides.strides["stride_time_s"].sum() for p in history[1:3])
    assert rows["surface", "grass"].minutes == pytest.approx(seconds / 60)
    assert rows["gait", "walk"].sessions == 4
    assert rows["load", "0 kg"].sessions == 4
    assert "rock" not in {r.rung for r in ladder.rungs}


def test_suggested_after_three_steady_sessions(outings):
    history = on(outings([0.0] * 3), "grass", "grass", "grass")
    found = of(climb(history, steady(history)), "surface")
    assert (found.current, found.next, found.is_offered) == ("grass", "gravel", True)
    assert "If you like, gravel could come next." in found.words
    for few in (steady(history[:2]), steady(history, low=39.9), []):
        assert not of(climb(history, few), "surface").is_offered
    assert of(climb(history, steady(history)), "gait").next == "jog"
    assert of(climb(history, steady(history)), "load").next == "0.5 kg"


def test_one_thing_is_suggested_at_a_time(outings):
    """All three ladders have earned a rung; ground comes first, the others wait for it."""
    history = on(outings([0.0] * 3), "grass", "grass", "grass")
    ladder = climb(history, steady(history))
    assert [one.is_offered for one in ladder.suggestions] == [True, False, False]
    assert "not together with gravel" in of(ladder, "gait").words
    top = on(outings([0.0] * 3), "rock", "rock", "rock")
    assert of(climb(top, steady(top)), "gait").is_offered


def hard_roll(past, verdict="none"):
    row = {"event_id": [0], "leg": ["left"], "time_s": [9.0], "kind": ["hard_roll"], "verdict": [verdict]}
    return replace(past, strides=replace(past.strides, events=tables.make_table(tables.EVENTS, row)))


def test_nothing_new_after_a_hard_roll(outings):
    history = on(outings([0.0] * 7), *["grass"] * 7)  # three days apart: 18 days
    late = [*history[:-2], hard_roll(history[-2]), history[-1]]
    assert not of(climb(late, steady(late)), "surface").is_offered
    assert "nothing new is suggested" in of(climb(late, steady(late)), "surface").words
    early = [hard_roll(history[0]), *history[1:]]
    assert of(climb(early, steady(early)), "surface").is_offered
    denied = [*history[:-1], hard_roll(history[-1], "false")]
    assert of(climb(denied, steady(denied)), "surface").is_offered


def test_top_of_a_ladder_and_nothing_at_all(outings):
    history = on(outings([0.0] * 3), "rock", "rock", "rock")
    assert of(climb(history, steady(history)), "surface").next == ""
    assert climb([], []).rungs == ()


def test_load_is_told_apart_to_half_a_kilogram(outings):
    history = [
        replace(p, strides=replace(p.strides, load_kg={"left": kg, "right": 0.0}))
        for p, kg in zip(outings([0.0] * 3), (0.0, 0.9, 1.1), strict=True)
    ]
    ladder = climb(history, steady(history))
    assert [(r.rung, r.sessions) for r in ladder.rungs if r.ladder == "load"] == [("0 kg", 1), ("1 kg", 2)]
    assert of(ladder, "load").next == "1.5 kg"
    assert isinstance(history[0].strides.strides, pd.DataFrame)
    assert np.isfinite([r.minutes for r in ladder.rungs]).all()
