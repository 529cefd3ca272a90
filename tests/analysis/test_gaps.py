"""The table of gaps tells what the ledger knows, span by span."""

from __future__ import annotations

import numpy as np

import ankle_imu as ai
from ankle_imu.analysis.grid import put_on_grid, session_grid
from ankle_imu.analysis.session import gaps_table
from ankle_imu.values import Gap, Loss


def test_reasons_of_the_ledger_stand_in_the_table() -> None:
    n = 1000
    acc, gyr = np.tile([0.0, 0.0, 9.81], (n, 1)), np.zeros((n, 3))
    acc[100:103] = np.nan
    acc[400:460] = np.nan
    acc[800:802] = np.nan
    series = ai.Recording.from_arrays(100.0, {"left_foot": (acc, gyr)}).series
    known = (
        Gap(start_s=0.99, end_s=1.03, samples=3, reason="packets lost"),
        Gap(start_s=3.99, end_s=4.20, samples=21, reason="overrun in the sensor"),
        Gap(start_s=4.20, end_s=4.60, samples=39, reason="link lost"),
    )
    time, rate = session_grid(series)
    gridded = {"left_foot": put_on_grid(series["left_foot"], time, rate)}
    loss = Loss(expected=n, received=n - 65, lost=65, gaps=known)
    table = gaps_table({"left_foot": loss}, gridded, time)
    assert table["reason"].tolist() == ["packets lost", "overrun in the sensor", "link lost", "not received"]
    np.testing.assert_allclose(table["start_s"], [0.99, 3.99, 4.20, 7.99])
    np.testing.assert_allclose(table["end_s"], [1.03, 4.20, 4.60, 8.02])
    assert table["filled"].tolist() == [True, False, False, True]


def test_a_shank_that_misses_walking_beside_long_gaps_still_gives_axes() -> None:
    """Gaps of half a second, at each of which both filters begin with a heading of their own."""
    plan = ai.simulate.Plan(
        duration_s=150,
        sampling_rate=104.0,
        gait="run",
        errors="typical",
        terrain="uneven",
        loss=0.06,
        gap_s=0.5,
        placements=("left_foot", "left_shank"),
    )
    result = ai.analyze(ai.simulate.walk(plan, seed=1)[0])
    assert np.isfinite(result.angles["left_inversion_deg"]).mean() > 0.7
