"""The ablation table: its parts by hand, and that each part is measured with and without."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ankle_imu import simulate
from ankle_imu.validation.ablation import drawn_through, score_ablation
from ankle_imu.validation.simulation import FULL, Extent


def test_lines_are_drawn_through_gaps_alone():
    plan = simulate.Plan(duration_s=12.0, movements=False, placements=("left_foot",))
    whole, _ = simulate.walk(plan, seed=2)
    torn, _ = simulate.walk(replace(plan, loss=0.05, gap_s=0.1), seed=2)
    before, after = torn.series["left_foot"], drawn_through(torn).series["left_foot"]
    assert np.array_equal(after.acc[before.is_valid], whole.series["left_foot"].acc[before.is_valid])
    assert after.is_valid.all()
    at = int(np.flatnonzero(~before.is_valid)[0])
    stop = at + int(np.argmax(before.is_valid[at:]))
    middle = after.gyr[at - 1] + (after.gyr[stop] - after.gyr[at - 1]) / (stop - at + 1)
    assert np.allclose(after.gyr[at], middle)


def test_each_part_with_and_without(full):
    extent = FULL if full else Extent(session_s=60.0, rates=(104.0,), wearers=1, wearer_s=50.0)
    rows = {row.quantity: row.value for row in score_ablation(extent)}
    assert all(np.isfinite(value) for value in rows.values())
    for gait in ("walk", "run"):
        variants = [name for name in rows if f"inversion in stance, {gait}" in name]
        assert any("coupling" in name for name in variants)
        assert any("mean axes" in name for name in variants)
        assert rows[f"inversion range, {gait}, mean absolute error: gaps, none"] < 3.0
    # the coupling is there because people walk with a turned foot, which the mean axes take for heading
    kept, other = (
        rows[f"inversion in stance, walk, SD: {rule}, median of 9 strides"]
        for rule in ("acceleration coupling", "mean axes")
    )
    assert kept < 0.7 * other
