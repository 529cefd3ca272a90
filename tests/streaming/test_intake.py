"""Samples on the grid: cut anywhere, late, twice, with gaps."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu.streaming.intake import ON_GRID, Hop, Intake

RATE, SIZE = 100.0, 4


def samples(index: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Samples whose every value is a line in time, so that reading between them is exact."""
    index = np.asarray(index, dtype=float)
    line = index[:, None] * np.ones(3)
    return index / RATE, line, -line


def hops_of(index: np.ndarray, cuts: list[int] | None = None) -> list[Hop]:
    intake = Intake(RATE, SIZE, 0.0)
    edges = [0, *sorted(cuts or []), len(index)]
    found = []
    for a, b in pairwise(edges):
        found += intake.push(*samples(index[a:b]))
    return found


def test_on_the_grid_nothing_changes() -> None:
    hops = hops_of(np.arange(10))
    assert [h.number for h in hops] == [0, 1], "the third hop is not complete"
    np.testing.assert_allclose(np.concatenate([h.acc[:, 0] for h in hops]), np.arange(8), atol=1e-12)
    np.testing.assert_allclose(hops[1].gyr[:, 2], [-4, -5, -6, -7], atol=1e-12)
    assert not any(h.lost.any() or h.broken.any() for h in hops)
    assert [h.is_start for h in hops] == [True, False]


def test_off_the_grid_it_is_read_between_neighbours() -> None:
    _, hop = hops_of(np.arange(9) - 0.3)
    np.testing.assert_allclose(hop.acc[:, 1], [4, 5, 6, 7], atol=1e-12)


@pytest.mark.parametrize(("missing", "is_broken"), [(1, False), (6, False), (7, True), (25, True)])
def test_short_gaps_are_filled_and_longer_ones_marked(missing: int, is_broken: bool) -> None:
    """60 ms at 100 Hz are six samples."""
    index = np.concatenate([np.arange(10), np.arange(10 + missing, 60)])
    hops = hops_of(index)
    lost = np.concatenate([h.lost for h in hops])
    broken = np.concatenate([h.broken for h in hops])
    assert np.flatnonzero(lost).tolist() == list(range(10, 10 + missing))
    assert (np.flatnonzero(broken).tolist() == np.flatnonzero(lost).tolist()) == is_broken
    assert broken.any() == is_broken
    np.testing.assert_allclose(np.concatenate([h.acc[:, 0] for h in hops])[:56], np.arange(56), atol=1e-9)


def test_a_long_gap_is_left_out_and_starts_anew() -> None:
    hops = hops_of(np.concatenate([np.arange(10), np.arange(1002, 1020)]))
    assert [h.number for h in hops] == [0, 1, 2, 250, 251, 252, 253, 254]
    assert [h.number for h in hops if h.is_start] == [0, 250]
    assert hops[2].broken.tolist() == [False, False, True, True]
    assert hops[3].broken.tolist() == [True, True, False, False]


def test_rows_that_come_twice_or_too_late_are_dropped_and_counted() -> None:
    intake = Intake(RATE, SIZE, 0.0)
    hops = intake.push(*samples(np.array([0, 1, 2, 2, 1, 3, 4, 5, 3, 6, 7])))
    np.testing.assert_allclose(np.concatenate([h.acc[:, 0] for h in hops]), np.arange(8), atol=1e-12)
    assert intake.dropped == 3


def test_a_clock_that_runs_backwards_fills_no_memory() -> None:
    intake = Intake(RATE, SIZE, 0.0)
    intake.push(*samples(np.array([1000])))
    for k in range(999, 0, -1):
        assert intake.push(*samples(np.array([k]))) == []
    assert intake.dropped > 999 - 4 * SIZE


def test_nan_rows_are_gaps() -> None:
    time, acc, gyr = samples(np.arange(24))
    acc[9], gyr[10] = np.nan, np.nan
    hops = Intake(RATE, SIZE, 0.0).push(time, acc, gyr)
    assert np.flatnonzero(np.concatenate([h.lost for h in hops])).tolist() == [9, 10]
    assert all(np.isfinite(h.acc).all() for h in hops)


def test_a_sensor_that_starts_before_the_origin_is_taken_in() -> None:
    hops = hops_of(np.arange(-6, 6))
    assert [h.number for h in hops] == [-2, -1, 0]
    assert hops[0].broken.tolist() == [True, True, False, False]


@given(
    keep=st.lists(st.booleans(), min_size=30, max_size=150),
    jump=st.integers(0, 60),
    cuts=st.lists(st.integers(0, 150), max_size=12),
    offset=st.floats(-0.4, 0.4),
)
def test_cut_anywhere_the_hops_are_the_same(keep: list[bool], jump: int, cuts: list[int], offset: float) -> None:
    """Of a stream with any losses and one jump in the middle; what is nearly on the grid counts as on it."""
    near = abs(offset) if abs(offset) <= ON_GRID else 0.0
    index = np.flatnonzero(keep) + offset
    index[len(index) // 2 :] += jump
    whole, pieces = hops_of(index), hops_of(index, [min(c, len(index)) for c in cuts])
    assert [h.number for h in whole] == [h.number for h in pieces]
    for a, b in zip(whole, pieces, strict=True):
        assert a.is_start == b.is_start
        for name in ("acc", "gyr", "lost", "broken"):
            np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=0, atol=near + 1e-12)
