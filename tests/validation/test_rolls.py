"""Rolls in simulated days: the counting by hand, and a short day through it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ankle_imu.validation import rolls
from ankle_imu.validation.rolls import MIXES, SOURCES, Tally, score_rolls
from ankle_imu.validation.simulation import FULL, QUICK, Extent


def test_times_are_given_to_their_activity():
    acts = pd.DataFrame({"start_s": [10.0, 20.0], "end_s": [18.0, 30.0], "activity": ["sit", "walk"]})
    assert rolls._activities(np.array([5.0, 10.0, 17.9, 19.0, 20.0, 30.0]), acts) == ["sit", "sit", "walk"]
    assert rolls._activities(np.array([5.0]), acts.iloc[:0]) == []


def test_false_alarms_are_per_hour():
    tally = Tally()
    tally.hours.update({"sit": 0.5, "walk": 1.5})
    tally.false.update(["walk", "walk", "sit"])
    assert tally.false_per_h() == pytest.approx(1.5)


def test_a_short_day_gives_every_figure(full):
    extent = FULL if full else Extent(day_hours=(0.05, 0.08, 0.08))
    rows = list(score_rolls(extent))
    assert {row.dataset for row in rows} == {"rolls"}
    quantities = {row.quantity for row in rows}
    assert {f"false rolls, {mix}" for mix in MIXES} <= quantities
    assert "strides where there are none" in quantities
    found = [row for row in rows if "or more found" in row.quantity]
    assert len(found) == len(SOURCES)
    assert all(0.0 <= row.value <= 1.0 and row.n > 0 for row in found)
    if full:
        assert all(row.n >= 200 for row in found)
        assert [f"{row.case}: {row.quantity} {row.value:.3g}" for row in rows if row.verdict == "missed"] == []


def test_the_long_suite_has_the_hours_it_is_meant_to_have():
    assert FULL.day_hours[0] >= 20.0
    assert sum(QUICK.day_hours) >= 2.0
