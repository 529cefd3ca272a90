"""Smooth curves as sums of moves: value, rate and acceleration are all known in closed form.

A move takes one coordinate from where it is to where it was told, over its own stretch of time; moves may
overlap, and their changes add up. Each is the seventh-degree smoothstep, whose first three derivatives vanish
at both ends, so a sum of moves is three times continuously differentiable and exactly still where no move runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curve:
    """Value, rate and acceleration of one coordinate at the same instants."""

    value: Array
    rate: Array
    acceleration: Array

    def __add__(self, other: Curve) -> Curve:
        return Curve(self.value + other.value, self.rate + other.rate, self.acceleration + other.acceleration)

    def __neg__(self) -> Curve:
        return Curve(-self.value, -self.rate, -self.acceleration)


@dataclass
class Moves:
    """The moves of one coordinate: `initial` value, then starts, ends and changes."""

    initial: float = 0.0
    starts: list[Array] = field(default_factory=list)
    ends: list[Array] = field(default_factory=list)
    changes: list[Array] = field(default_factory=list)

    def add(self, start: ArrayLike, end: ArrayLike, change: ArrayLike) -> None:
        """Add moves by `change` over [start, end], s; arrays broadcast."""
        arrays = np.broadcast_arrays(
            np.asarray(start, dtype=float), np.asarray(end, dtype=float), np.asarray(change, dtype=float)
        )
        for store, values in zip((self.starts, self.ends, self.changes), arrays, strict=True):
            store.append(values.ravel())

    def pass_through(self, start: Array, end: Array, target: Array) -> None:
        """Add moves, in reading order of the arrays, that lead from each target to the next.

        Parameters
        ----------
        start, end : (strides, keys) float arrays, s
        target : (strides, keys) float array; the first move starts from `initial`
        """
        flat = target.ravel()
        self.add(start, end, np.diff(flat, prepend=self.initial).reshape(target.shape))

    def bump(self, start: ArrayLike, end: ArrayLike, height: ArrayLike) -> None:
        """Add an excursion of `height` that is back to nothing at `end`."""
        start, end = np.asarray(start, dtype=float), np.asarray(end, dtype=float)
        middle = 0.5 * (start + end)
        self.add(start, middle, height)
        self.add(middle, end, -np.asarray(height, dtype=float))

    def evaluate(self, time: Array) -> Curve:
        """Value, rate and acceleration at increasing instants `time` (n,), s."""
        n = len(time)
        if not self.starts:
            return Curve(np.full(n, self.initial), np.zeros(n), np.zeros(n))
        start, end, change = (np.concatenate(a) for a in (self.starts, self.ends, self.changes))
        first, last = np.searchsorted(time, start), np.searchsorted(time, end)
        done = np.bincount(last, weights=change, minlength=n + 1)[:n].cumsum()
        counts = last - first
        running = counts > 0
        start, length, change = start[running], (end - start)[running], change[running]
        first, counts = first[running], counts[running]
        which = np.repeat(np.arange(len(counts)), counts)
        at = np.arange(len(which)) + np.repeat(first - counts.cumsum() + counts, counts)
        u = (time[at] - start[which]) / length[which]
        v = u * (1.0 - u)
        rate, size = change / length, change
        step = u**4 * (35.0 + u * (-84.0 + u * (70.0 - 20.0 * u)))
        bell = 140.0 * v**3
        slope = 420.0 * v**2 * (1.0 - 2.0 * u)

        def gather(weights: Array) -> Array:
            return np.bincount(at, weights=weights, minlength=n).astype(float)  # whole numbers when empty

        return Curve(
            self.initial + done + gather(size[which] * step),
            gather(rate[which] * bell),
            gather((rate / length)[which] * slope),
        )


PEAK_RATE = 140.0 / 64.0
"""Largest rate of a move by 1 over 1 s."""
