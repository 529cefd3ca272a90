"""What came of a simulated roll when the recording breaks off for a while after it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ankle_imu import simulate
from ankle_imu.analysis import analyze


@pytest.mark.parametrize("lost_s", [0.0, 5.0])
def test_a_gap_after_a_caught_roll_is_no_stop(lost_s: float) -> None:
    plan = simulate.Plan(
        duration_s=150.0,
        sampling_rate=104.0,
        terrain="uneven",
        errors="typical",
        rolls=1,
        roll_from_deg=30.0,
        placements=("left_foot", "left_shank"),
    )
    recording, truth = simulate.walk(plan, seed=6)
    roll = truth.events.iloc[0]
    cut = {}
    for placement, series in recording.series.items():
        lost = (series.time > roll["time_s"] + 3.0) & (series.time < roll["time_s"] + 3.0 + lost_s)
        acc, gyr = (np.where(lost[:, None], np.nan, values) for values in (series.acc, series.gyr))
        cut[placement] = replace(series, acc=acc, gyr=gyr)
    events = analyze(replace(recording, series=cut, loss={})).events
    (found,) = events[np.abs(events["time_s"] - roll["time_s"]) < 0.5].itertuples()
    assert (roll["outcome"], found.outcome) == ("save", "na" if lost_s else "save")
