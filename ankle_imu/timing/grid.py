"""A sensor's own even grid on the session's time, with a row for every sample that should have come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from ankle_imu.timing.clock import Array, Clock, Indices
from ankle_imu.timing.stretches import MOST_HOLES, MOST_S


class Cause(IntEnum):
    """Why a row has no sample."""

    NONE = 0
    LOST = 1
    OVERRUN = 2
    RESTART = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class SampleGrid:
    """Where each sample belongs.

    Parameters
    ----------
    time : (m,) float array, s from session start, strictly increasing
    source : (m,) int array, row of the sample that belongs there; -1 where it was lost
    sampling_rate : float, Hz, true rate on the session clock
    clock : Clock of the longest stretch, None when times were given
    duplicates, restarts, misplaced : int, samples that came twice; restarts of the sensor; samples whose count
        contradicts their clock
    is_late : (m,) bool array, the sample came after a later one and filled a hole; nowhere when left out
    cause : (m,) int array of `Cause`; `LOST` wherever `source` is -1 when left out
    residual : float, s, bound of the error of `time`, the largest of all stretches; NaN when times were given
    """

    time: Array
    source: Indices
    sampling_rate: float
    clock: Clock | None = None
    duplicates: int = 0
    restarts: int = 0
    misplaced: int = 0
    cause: NDArray[np.int8] = field(default_factory=lambda: np.empty(0, dtype=np.int8))
    is_late: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, dtype=bool))
    residual: float = float("nan")

    def __post_init__(self) -> None:
        if len(self.is_late) != len(self.source):
            object.__setattr__(self, "is_late", np.zeros(len(self.source), dtype=bool))
        if len(self.cause) != len(self.source):
            cause = np.where(self.source < 0, Cause.LOST, Cause.NONE).astype(np.int8)
            object.__setattr__(self, "cause", cause)

    @property
    def healed(self) -> int:
        """Samples that came after a later one and filled a hole."""
        return int(self.is_late.sum())


def join_grids(grids: Sequence[SampleGrid]) -> tuple[SampleGrid, int]:
    """One grid of several stretches of a sensor, with lost rows between them.

    Parameters
    ----------
    grids : sequence of SampleGrid, in any order, not empty

    Returns
    -------
    grid, overlapping
        Rate and clock are those of the first; samples that two stretches claim stay with the earlier one.
        `overlapping` counts the others, and those that come after an absence of many hours.
    """
    ordered = sorted(grids, key=lambda grid: float(grid.time[0]))
    time, source, cause, is_late = ordered[0].time, ordered[0].source, ordered[0].cause, ordered[0].is_late
    overlapping = 0
    for grid in ordered[1:]:
        step = 1.0 / grid.sampling_rate
        first = int(np.searchsorted(grid.time, time[-1] + 0.5 * step))
        overlapping += int((grid.source[:first] >= 0).sum())
        if first == len(grid.time):
            continue
        start = float(grid.time[first])
        n = max(0, round((start - time[-1]) / step) - 1)
        if n > MOST_HOLES * int((source >= 0).sum()) + MOST_S / step:
            overlapping += int((grid.source >= 0).sum())
            continue
        time = np.concatenate([time, np.linspace(time[-1], start, n + 2)[1:-1], grid.time[first:]])
        source = np.concatenate([source, np.full(n, -1, dtype=np.int64), grid.source[first:]])
        cause = np.concatenate([cause, np.full(n, Cause.RESTART, dtype=np.int8), grid.cause[first:]])
        is_late = np.concatenate([is_late, np.zeros(n, dtype=bool), grid.is_late[first:]])
    joined = replace(
        grids[0],
        time=time,
        source=source,
        cause=cause,
        is_late=is_late,
        duplicates=sum(grid.duplicates for grid in grids),
        restarts=len(grids) - 1 + sum(grid.restarts for grid in grids),
        residual=max(grid.residual for grid in grids),
    )
    return joined, overlapping
