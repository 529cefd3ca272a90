"""The opening of a session kept in memory, until standing, toe taps and first strides have told the alignment."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from ankle_imu.analysis.foot import OPENING_S
from ankle_imu.analysis.grid import Gridded
from ankle_imu.streaming.intake import Hop
from ankle_imu.streaming.steps import SWING_RATE

WALK_S = 60.0
"""So much after the first stride the last calibration is made. Own choice: 50 strides, the walking cues and the
lever arms no longer move."""

FIRST_BUSY_S = 2.5
MORE_BUSY = 1.5
"""A calibration is tried after 2.5 s of fast turning, which is four to six strides, and then each time there is
half as much more: with a trial costing as much as seconds of streaming, their share falls to nothing."""

MOST_BUSY_S = 60.0
"""Without strides it is tried again after so much more fast turning at most."""


class Opening:
    """Hops of the sensors of one leg from the start of a session, and when to try a calibration on them.

    Notes
    -----
    Holds at most `OPENING_S` + `WALK_S`, 150 s. Without strides it slides along, so that a walker may stand about
    for an hour before starting.
    """

    def __init__(self, sampling_rate: float, size: int) -> None:
        self._rate, self._size = sampling_rate, size
        self._span = round((OPENING_S + WALK_S) * sampling_rate / size)
        self._hops: deque[tuple[Hop, ...]] = deque()
        self._busy_s, self._next_s = 0.0, FIRST_BUSY_S
        self._last_number: float = np.inf
        self.is_done = False

    def add(self, hops: tuple[Hop, ...], speed: float) -> bool:
        """Keep one hop of each sensor; True when it is time to try. `speed`: fastest turning in it, rad/s."""
        if self.is_done:
            return False
        number = hops[0].number
        self._hops.append(hops)
        while number - self._hops[0][0].number >= self._span:
            self._hops.popleft()
        if speed > SWING_RATE:
            self._busy_s += self._size / self._rate
        return self._busy_s >= self._next_s or number >= self._last_number

    def gridded(self) -> list[Gridded]:
        """What was kept, one `Gridded` per sensor; hops left out in long gaps come as broken."""
        return [_joined([hops[k] for hops in self._hops], self._size) for k in range(len(self._hops[0]))]

    @property
    def first_sample(self) -> int:
        """Grid index of the first sample kept."""
        return self._hops[0][0].number * self._size

    def tried(self, first_stride: float | None) -> None:
        """Note the outcome of a trial: sample of the first stride after `first_sample`, None without strides."""
        self._next_s = MORE_BUSY * self._busy_s
        if first_stride is None:
            self._next_s, self._last_number = min(self._next_s, self._busy_s + MOST_BUSY_S), np.inf
            return
        first = self._hops[0][0].number + first_stride / self._size
        self._last_number = min(self._last_number, first + WALK_S * self._rate / self._size)
        if self._hops[-1][0].number >= self._last_number:
            self.is_done = True
            self._hops.clear()


def _joined(hops: Sequence[Hop], size: int) -> Gridded:
    numbers = np.array([hop.number for hop in hops])
    first, count = int(numbers[0]), int(numbers[-1] - numbers[0]) + 1
    source = np.searchsorted(numbers, np.arange(first, first + count), side="right") - 1
    missing = np.repeat(numbers[source] != np.arange(first, first + count), size)
    acc, gyr, lost, broken = (
        np.concatenate([getattr(hops[k], name) for k in source]) for name in ("acc", "gyr", "lost", "broken")
    )
    return Gridded(acc=acc, gyr=gyr, lost=lost | missing, broken=broken | missing, blunt=lost | missing)
