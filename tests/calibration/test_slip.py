"""Slips of made-up stride frames, by hand: which stride, how far, and what is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu import quaternion as qt
from ankle_imu.calibration.slip import find_slip, stride_frames
from ankle_imu.units import DEGREE

WALK = np.full(40, "walk")
LEVEL = np.zeros(40)


def frames(turns: np.ndarray) -> np.ndarray:
    """Frames whose sensor was turned by each rotation vector (k, 3), rad, from lying square on its segment."""
    # The segment's axes, seen from a sensor that turned by R, are turned back by R.
    return np.swapaxes(qt.to_matrix(qt.conjugate(qt.from_rotation_vector(turns))), 1, 2)


def jitter(n: int = 40, size: float = 1.0) -> np.ndarray:
    return np.random.default_rng(2).normal(0.0, size * DEGREE, (n, 3))


@given(
    st.floats(8.0, 25.0),
    st.tuples(*[st.floats(-1.0, 1.0)] * 3).filter(lambda v: np.linalg.norm(v) > 0.2),
    st.integers(6, 34),
)
def test_a_step_is_found_where_and_as_large_as_it_is(degrees: float, axis: tuple[float, ...], at: int) -> None:
    turn = degrees * DEGREE * np.array(axis) / np.linalg.norm(axis)
    turns = jitter(size=0.6)
    turns[at:] = qt.to_rotation_vector(
        qt.multiply(qt.from_rotation_vector(np.tile(turn, (40 - at, 1))), qt.from_rotation_vector(turns[at:]))
    )
    slip = find_slip(frames(turns), WALK, LEVEL)
    assert slip is not None
    assert slip.stride == at
    assert np.degrees(np.linalg.norm(slip.turn - turn)) < 0.06 * degrees + 0.8, "the way back is the way it went"


def test_steady_strides_have_not_slipped() -> None:
    assert find_slip(frames(jitter(size=2.0)), WALK, LEVEL) is None
    assert find_slip(frames(jitter(8)), WALK[:8], LEVEL[:8]) is None, "too few to tell"


def test_a_slow_turn_is_no_slip() -> None:
    turns = jitter(120)
    turns[:, 1] += np.linspace(0.0, 12.0 * DEGREE, 120)
    assert find_slip(frames(turns), np.full(120, "walk"), np.zeros(120)) is None


def test_a_change_of_gait_is_no_slip() -> None:
    turns = jitter()
    turns[20:, 1] += 10.0 * DEGREE
    assert find_slip(frames(turns), np.repeat(["walk", "run"], 20), LEVEL) is None
    assert find_slip(frames(turns), WALK, LEVEL) is not None


def test_a_hill_is_no_slip() -> None:
    turns, slope = jitter(), np.repeat([0.0, 8.0 * DEGREE], 20)
    turns[:, 1] += 0.5 * slope
    assert find_slip(frames(turns), WALK, slope) is None


def test_frames_of_strides_by_hand() -> None:
    """Gravity along the sensor's x, rotation about its z: up is x, the axis z."""
    acc, gyr = np.tile([9.81, 0.0, 0.0], (400, 1)), np.zeros((400, 3))
    gyr[:, 2] = 2.0 * np.sin(np.arange(400) / 8.0)
    found = stride_frames(acc, gyr, 100.0, np.array([0.0, 100.0, 200.0]), np.array([100.0, 200.0, 300.0]))
    assert found.shape == (3, 3, 3)
    assert found[:, 2] == pytest.approx(np.tile([1.0, 0.0, 0.0], (3, 1)), abs=1e-9)
    assert np.abs(found[:, 1]) == pytest.approx(np.tile([0.0, 0.0, 1.0], (3, 1)), abs=1e-6)
    assert np.linalg.det(found) == pytest.approx(1.0)
