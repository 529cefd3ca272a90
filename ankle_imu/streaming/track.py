"""One sensor's orientation as it comes: online VQF, and the last few seconds of what it saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.analysis.sensor import Sensor
from ankle_imu.calibration.rest import Rests
from ankle_imu.orientation.fusion import between_samples
from ankle_imu.streaming.intake import Hop
from ankle_imu.units import STANDARD_GRAVITY

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Tracked:
    """A hop in right-leg convention: acc (k, 3), gyr (k, 3) without bias, quat (k, 4) earth from sensor."""

    number: int
    acc: Array
    gyr: Array
    quat: Array
    broken: NDArray[np.bool_]
    is_start: bool


class Track:
    """Online VQF of one sensor; starts anew after a long gap and keeps the gyroscope bias it knew.

    References
    ----------
    Laidig D., Seel T. (2023) Information Fusion 91:187-204, doi:10.1016/j.inffus.2022.10.014.
    """

    def __init__(self, leg: str, sampling_rate: float, tau_acc: float) -> None:
        self._leg, self._rate, self._tau = leg, sampling_rate, tau_acc
        self._filter = self._new_filter()
        self._last = np.empty((0, 3))

    def _new_filter(self) -> Any:
        from vqf import VQF

        return VQF(1.0 / self._rate, tauAcc=self._tau)

    def follow(self, hop: Hop) -> Tracked:
        """Orientation of the sensor over one hop."""
        if hop.is_start:
            bias, sigma = self._filter.getBiasEstimate()
            self._filter = self._new_filter()
            self._filter.setBiasEstimate(bias, sigma)
            self._last = np.empty((0, 3))
        acc, gyr = frames.mirror_acc(hop.acc, self._leg), frames.mirror_gyr(hop.gyr, self._leg)
        rates = between_samples(np.concatenate([self._last, gyr]))[len(self._last) :]
        self._last = gyr[-1:]
        out = self._filter.updateBatch(np.ascontiguousarray(rates), acc)
        return Tracked(
            number=hop.number,
            acc=acc,
            gyr=gyr - out["bias"],
            quat=out["quat6D"],
            broken=hop.broken,
            is_start=hop.is_start,
        )


class Recent:
    """The last seconds of a tracked sensor, by sample index.

    Notes
    -----
    Rows lie in one array of twice the length; when it is full the newer half moves to the front.
    """

    def __init__(self, length: int) -> None:
        self._length = length
        self._rows = np.empty((2 * length, 10))
        self._broken = np.zeros(2 * length, dtype=bool)
        self._count = 0
        self.end = 0

    @property
    def start(self) -> int:
        """First sample still known."""
        return self.end - self._count

    def append(self, hop: Tracked) -> None:
        """Add a hop; one that does not follow the last, or starts anew, clears what was before."""
        size = len(hop.acc)
        if hop.is_start or hop.number * size != self.end:
            self._count, self.end = 0, hop.number * size
        if self._count + size > len(self._rows):
            keep = self._length
            for values in (self._rows, self._broken):
                values[:keep] = values[self._count - keep : self._count]
            self._count = keep
        part = slice(self._count, self._count + size)
        rows = self._rows[part]
        rows[:, :3], rows[:, 3:6], rows[:, 6:] = hop.acc, hop.gyr, hop.quat
        self._broken[part] = hop.broken
        self._count += size
        self.end += size

    def between(self, start: int, stop: int, gravity: float = STANDARD_GRAVITY) -> Sensor | None:
        """Samples `[start, stop)` as a `Sensor`; None where some are gone, not yet there or broken."""
        if start < self.start or stop > self.end or stop <= start:
            return None
        part = slice(start - self.start, stop - self.start)
        if self._broken[part].any():
            return None
        rows = self._rows[part]
        none, index = np.zeros(stop - start, dtype=bool), np.empty(0, np.int64)
        empty = np.empty((0, 3))
        return Sensor(
            acc=rows[:, :3],
            gyr=rows[:, 3:6],
            quat=rows[:, 6:],
            broken=none,
            lost=none,
            blunt=none,
            rests=Rests(start=index, stop=index, gyr=empty, acc=empty),
            gravity=gravity,
        )
