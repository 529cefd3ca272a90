"""Samples as they arrive, late, lost or twice, put on the session grid in small hops of equal size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ankle_imu.analysis.grid import SHORT_GAP_S
from ankle_imu.orientation.fusion import BREAK_S

Array = NDArray[np.float64]

HOP_S = 0.080
"""Samples are worked on in hops of this length: 17 samples at 208 Hz. Own choice: a live page is sent 15 messages
a second, and a hop costs half as much as its samples (`tests/benchmarks/bench_live.py`). They lie at fixed
places, so that the result does not depend on how the stream was cut."""

MOST_WAITING = 4
"""At most so many hops of rows wait for the end of theirs: a clock that runs backwards fills no memory."""

ON_GRID = 1e-3
"""A sample this close to a grid instant, in sampling intervals, is on it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Hop:
    """Grid samples `number * k .. number * k + k - 1` of one sensor.

    `acc, gyr`: (k, 3), filled across gaps; `lost`: (k,) not received; `broken`: (k,) in a gap of more than 60 ms;
    `is_start`: the first hop, or the first after a gap that ends a filter run.
    """

    number: int
    acc: Array
    gyr: Array
    lost: NDArray[np.bool_]
    broken: NDArray[np.bool_]
    is_start: bool


class Intake:
    """One sensor's samples on the grid `origin + index / sampling_rate`.

    Notes
    -----
    The rules of the batch (`analysis.grid`): values are read linearly between their neighbours, gaps up to 60 ms
    are filled and kept, longer ones filled and `broken`; a gap of more than 0.3 s is left out whole and ends the
    filter run. NaN rows are gaps; rows that are not later than all before are dropped and counted.
    """

    def __init__(self, sampling_rate: float, size: int, origin: float) -> None:
        self._rate, self._size, self._origin = sampling_rate, size, origin
        self._waiting: list[Array] = []
        self._count = 0
        self._rows = np.empty((0, 7))
        self._next: int | None = None
        self._due = -np.inf
        self.dropped = 0

    def push(self, time: Array, acc: Array, gyr: Array) -> list[Hop]:
        """Take in samples (n,), (n, 3), (n, 3); give the hops that are now complete."""
        rows = np.empty((len(time), 7))
        rows[:, 0], rows[:, 1:4], rows[:, 4:] = time, acc, gyr
        self._waiting.append(rows)
        self._count += len(rows)
        if len(time) == 0 or (time[-1] < self._due and self._count < MOST_WAITING * self._size):
            return []
        rows = self._in_order(np.concatenate(self._waiting))
        self._waiting.clear()
        self._count = 0
        rows = np.concatenate([self._rows, rows])
        breaks = np.flatnonzero(np.diff(rows[:, 0]) > BREAK_S + 1.0 / self._rate) + 1
        edges = [0, *breaks.tolist(), len(rows)]
        hops: list[Hop] = []
        for a, b in pairwise(edges):
            if b > a:
                hops += self._fill(rows[a:b], is_closed=b < len(rows))
        return hops

    def _in_order(self, rows: Array) -> Array:
        """Finite rows that are later than every one before."""
        known = rows[np.isfinite(rows.sum(axis=1))]
        last = self._rows[-1, 0] if len(self._rows) else -np.inf
        latest = np.maximum.accumulate(np.concatenate([[last], known[:, 0]]))
        good = known[:, 0] > latest[:-1]
        self.dropped += int(len(good) - good.sum())
        return np.asarray(known[good])

    def _fill(self, rows: Array, *, is_closed: bool) -> list[Hop]:
        """Complete hops of one run without a long gap; keeps what the next ones need."""
        at = (rows[:, 0] - self._origin) * self._rate
        is_start = self._next is None
        first = int(np.ceil(at[0] - ON_GRID)) // self._size * self._size if self._next is None else self._next
        last = int(np.floor(at[-1] + ON_GRID))
        end = (last // self._size + 1) * self._size if is_closed else (last + 1) // self._size * self._size
        end = max(end, first)
        hops = list(self._hops(rows, at, first, end, is_start)) if end > first else []
        if is_closed:
            self._next, self._rows = None, rows[:0]
            return hops
        self._next = end if end > first or not is_start else None
        needed = max(int(np.searchsorted(at, end - ON_GRID)) - 1, 0)
        self._rows = rows[needed:]
        self._due = self._origin + (end + self._size - 1 - ON_GRID) / self._rate
        return hops

    def _hops(self, rows: Array, at: Array, first: int, end: int, is_start: bool) -> Iterator[Hop]:
        index = np.arange(first, end)
        after = at.searchsorted(index - ON_GRID)
        np.maximum(after, min(1, len(at) - 1), out=after)
        np.minimum(after, len(at) - 1, out=after)
        before = np.maximum(after - 1, 0)
        start = at[before]
        apart = at[after] - start
        share = (index - start) / np.maximum(apart, 1e-9)
        np.minimum(np.maximum(share, 0.0, out=share), 1.0, out=share)
        share = share[:, None]
        values = rows[before, 1:] * (1.0 - share) + rows[after, 1:] * share
        lost, broken = self._gaps(at, index, after, before, apart)
        size = self._size
        for k in range(0, len(index), size):
            part = slice(k, k + size)
            yield Hop(
                number=int(index[k]) // size,
                acc=np.ascontiguousarray(values[part, :3]),
                gyr=np.ascontiguousarray(values[part, 3:]),
                lost=lost[part],
                broken=broken[part],
                is_start=is_start and k == 0,
            )

    def _gaps(
        self,
        at: Array,
        index: NDArray[np.int64],
        after: NDArray[np.int64],
        before: NDArray[np.int64],
        apart: Array,
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which grid samples were not received, and which of them lie in a gap of more than 60 ms."""
        if apart.max() <= 1.6 and index[0] >= at[0] - 0.5 and index[-1] <= at[-1] + 0.5:
            none = np.zeros(len(index), dtype=bool)
            return none, none
        distance = np.minimum(np.abs(at[after] - index), np.abs(index - at[before]))
        outside = (index < at[0] - 0.5) | (index > at[-1] + 0.5)
        lost = ((apart > 1.6) & (distance >= 0.48)) | outside
        broken = (lost & (np.round(apart) - 1.0 > SHORT_GAP_S * self._rate)) | outside
        return lost, broken
