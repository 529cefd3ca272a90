"""The slope under strides: by hand, by symmetry, and with the heights of a track."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu.terrain import grade
from ankle_imu.terrain.slope import RISE_ERROR_M, height_drift


def leg_of(n: int, rise: float, pitch: float = np.nan, leg: str = "left", start: float = 0.0):
    return (
        np.array([leg] * n, dtype=object),
        start + 1.1 * np.arange(n),
        np.full(n, rise),
        np.full(n, 1.4),
        np.full(n, pitch),
        np.zeros(n, dtype=bool),
    )


def test_by_the_way_alone() -> None:
    np.testing.assert_allclose(grade(*leg_of(30, 0.14)), 0.1)


def test_by_the_lie_alone() -> None:
    columns = list(leg_of(30, np.nan, pitch=5.0))
    np.testing.assert_allclose(grade(*columns), np.tan(np.radians(5.0)))


def test_weighed_by_doubt_between_both() -> None:
    found = grade(*leg_of(30, 0.0, pitch=6.0))
    assert (found > 0.0).all()
    assert (found < 0.5 * np.tan(np.radians(6.0))).all(), "the way is the surer one"


def test_few_strides_tell_nothing() -> None:
    assert np.isnan(grade(*leg_of(4, 0.1))).all()
    assert grade(*(column[:0] for column in leg_of(4, 0.1))).shape == (0,)


def test_strides_before_a_pause_say_nothing_of_those_after_it() -> None:
    first, then = leg_of(12, 0.14), leg_of(12, -0.14, start=300.0)
    found = grade(*(np.concatenate(pair) for pair in zip(first, then, strict=True)))
    np.testing.assert_allclose(found, [0.1] * 12 + [-0.1] * 12)


def test_broken_strides_are_left_out() -> None:
    leg, time, rise, length, pitch, lost = leg_of(30, 0.14)
    rise[10:13], lost[10:13] = 5.0, True
    np.testing.assert_allclose(grade(leg, time, rise, length, pitch, lost), 0.1)


def test_two_feet_are_taken_together() -> None:
    left, right = leg_of(30, 0.16), leg_of(30, 0.12, leg="right", start=0.55)
    both = [np.concatenate(pair) for pair in zip(left, right, strict=True)]
    order = np.argsort(both[1])
    np.testing.assert_allclose(grade(*(column[order] for column in both)), 0.1, atol=5e-4)  # the ends have fewer


@given(st.lists(st.floats(-0.3, 0.3), min_size=5, max_size=40), st.integers(0, 2**32 - 1))
def test_downhill_is_uphill_turned_round(rises, seed: int) -> None:
    rng = np.random.default_rng(seed)
    leg, time, _, length, _, lost = leg_of(len(rises), 0.0)
    rise, pitch = np.array(rises), rng.normal(0.0, 5.0, len(rises))
    up, down = (grade(leg, time, s * rise, length, s * pitch, lost) for s in (1.0, -1.0))
    np.testing.assert_allclose(up, -down, atol=1e-12)


def test_a_track_takes_out_the_drift_of_a_long_walk() -> None:
    rng = np.random.default_rng(1)
    leg, time, _, length, pitch, lost = leg_of(3000, 0.0)
    true = 0.1 * np.sin(time / 200.0)
    elevation = 600.0 + np.cumsum(true) + np.repeat(rng.normal(0.0, 3.0, 100), 30)
    drift = height_drift(time, true + 0.05, elevation)
    assert drift.rise == pytest.approx(0.05, abs=0.01)
    assert drift.doubt < 0.5 * RISE_ERROR_M
    found = grade(leg, time, true + 0.05, length, pitch, lost, elevation)
    assert np.abs(found - true / 1.4).max() < 0.015


def test_a_short_walk_is_hardly_corrected() -> None:
    rng = np.random.default_rng(1)
    time, elevation = 1.1 * np.arange(120), 600.0 + np.cumsum(rng.normal(0.0, 0.5, 120))
    drift = height_drift(time, np.zeros(120), elevation)
    assert abs(drift.rise) < 0.01
    assert drift.doubt > 0.5 * RISE_ERROR_M
    assert height_drift(time, np.zeros(120), np.full(120, np.nan)).rise == 0.0
