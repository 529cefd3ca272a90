"""Stretches of a condition over samples, with hysteresis: what holds, plateaus and repetitions are made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def stretches(condition: Mask, shortest: float = 1.0) -> list[tuple[int, int]]:
    """Stretches `[start, stop)` in which a condition (n,) holds for at least so many samples."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], condition, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[0::2], edges[1::2], strict=True) if b - a >= shortest]


def between(enter: Mask, stay: Mask) -> Mask:
    """(n,) True from a sample where `enter` holds on, as long as `stay` does.

    Examples
    --------
    >>> between(np.array([False, True, False, False]), np.array([True, True, True, False])).tolist()
    [False, True, True, False]
    """
    change = np.where(enter, 1, np.where(stay, 0, -1))
    last = np.maximum.accumulate(np.where(change != 0, np.arange(len(change)), -1))
    return np.asarray((last >= 0) & (change[np.maximum(last, 0)] == 1))


def is_still(rate: Array, is_valid: Mask, still: float, moving: float) -> Mask:
    """(n,) True where a rate (n,) fell below `still` and did not rise above `moving` since; not where invalid."""
    size = np.abs(rate)
    return between((size < still) & is_valid, (size < moving) & is_valid)
