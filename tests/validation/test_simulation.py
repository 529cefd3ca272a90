"""The simulation suite: its figures by hand, and a short form of it against its targets."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ankle_imu import frames, quaternion
from ankle_imu.simulate import Plan
from ankle_imu.units import DEGREE
from ankle_imu.validation import simulation
from ankle_imu.validation.score import rms
from ankle_imu.validation.simulated import middle_range, range_errors, simulate_errors, up_from_angles, yaw_between
from ankle_imu.validation.simulation import FULL, QUICK, Extent, score_simulation


@pytest.mark.parametrize("segment", ["foot", "shank"])
def test_the_vertical_from_its_angles(segment):
    rng = np.random.default_rng(2)
    up = rng.normal(size=(50, 3))
    up[:, 2] = np.abs(up[:, 2])
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    angles = (frames.foot_angles_from_up if segment == "foot" else frames.shank_angles_from_up)(up)
    assert np.allclose(up_from_angles(segment, *angles), up)


def test_yaw_of_a_turned_frame():
    rng = np.random.default_rng(3)
    real = rng.normal(size=(30, 3))
    frame = quaternion.about_z(7.0 * DEGREE)  # the estimated axes, 7 deg toe-in of the true ones
    seen = quaternion.rotate(quaternion.conjugate(frame), real)
    assert yaw_between(seen, real) / DEGREE == pytest.approx(7.0)


def test_the_middle_range_leaves_the_ends_out():
    time = np.arange(201) / 100.0
    angle = np.where(np.arange(201) == 50, 90.0, np.arange(201.0))
    # 100 samples in [0, 0.85 * 1.1764...): one is 5 % of a 20th; the spike is beyond the 95 % quantile
    found = middle_range(angle, time, pd.Series([0.0]), pd.Series([1.0 / 0.85]))
    assert found == pytest.approx([94.0 - 4.0])


def test_a_yaw_of_the_movements_is_seen_as_one():
    plan = Plan(duration_s=60.0, sampling_rate=104.0, placements=("right_foot", "right_shank"))
    straight, turned = (
        simulate_errors(Plan(**{**vars(plan), "yaw_misalignment_deg": yaw}), 3)[0] for yaw in (0.0, 5.0)
    )
    assert turned.yaw_deg["foot"] - straight.yaw_deg["foot"] == pytest.approx(5.0, abs=0.5)
    assert turned.yaw_deg["shank"] - straight.yaw_deg["shank"] == pytest.approx(5.0, abs=0.5)
    told = simulate_errors(plan, 3, is_aligned=True)[0]
    assert abs(told.yaw_deg["foot"]) < 0.5
    assert told.sigma_yaw_deg == {"foot": 0.0, "shank": 0.0}
    cut = simulate_errors(plan, 3, is_cut=True)[0]
    assert "walking" in cut.how
    assert cut.f1 > 0.95


def test_ranges_of_foot_tilt_are_no_ranges_of_inversion():
    strides = pd.DataFrame(
        {
            "accepted": [True, True, False, True],
            "angle_source": ["joint", "foot", "joint", "joint"],
            "range_stance_deg": [11.0, 30.0, 30.0, np.nan],
            "true_range_stance_deg": [10.0, 10.0, 10.0, 10.0],
        }
    )
    assert range_errors(strides).tolist() == [1.0]


def test_rms_leaves_out_what_could_not_be_measured():
    assert rms([3.0, np.nan, 4.0]) == pytest.approx(np.sqrt(12.5))
    assert np.isnan(rms([]))


def test_the_suite_says_what_was_measured_on_what(monkeypatch, full):
    if not full:
        monkeypatch.setattr(simulation, "score_wearers", lambda plan, walks: iter(()))
    extent = FULL if full else Extent(session_s=60.0, rates=(104.0,), drift_s=60.0)
    rows = list(score_simulation(extent))
    assert all(row.case and row.how and row.n > 0 and np.isfinite(row.value) for row in rows)
    quantities = {row.quantity for row in rows}
    for gait in ("walk", "run"):
        assert {
            f"foot tilt, true alignment in stance, {gait}, SD",
            f"inversion in stance, {gait}, SD",
            f"dorsiflexion in stance, {gait}, SD",
            f"inversion range, {gait}, bias",
            f"peak inversion velocity, {gait}, median of found / true",
        } <= quantities
    assert QUICK.session_s < FULL.session_s
