"""What one sensor did since a routine began, thinned out to one row per hop of 40 ms."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.analysis.practice.session import TAU_ACC_S
from ankle_imu.analysis.sensor import Sensor
from ankle_imu.calibration.rest import Rests
from ankle_imu.streaming.intake import Intake
from ankle_imu.streaming.track import Track, Tracked
from ankle_imu.units import STANDARD_GRAVITY

Array = NDArray[np.float64]

LONGEST_S: Final = 3600.0
"""So much is kept, s; a routine lasts 20 min, and pauses may triple it. What comes later is not shown. Ours."""


class Past:
    """Rows of one sensor, one per hop: its orientation, its rate, and whether they are to be believed.

    Parameters
    ----------
    leg : `left` | `right`; a left leg is mirrored here
    rate : float, Hz, of the grid
    size : int, samples of a hop
    origin : float, s, time of the first row

    Attributes
    ----------
    end : int, rows so far
    """

    def __init__(self, leg: str, rate: float, size: int, origin: float) -> None:
        self._intake = Intake(rate, size, origin)
        self._track = Track(leg, rate, TAU_ACC_S)
        self._most = round(LONGEST_S * rate / size)
        self._rows = np.zeros((256, 7))
        self._rows[:, 0] = 1.0
        self._known = np.zeros(256, dtype=bool)
        self.end = 0

    def push(self, time: Array, acc: Array, gyr: Array) -> None:
        """Take in samples (n,) s, (n, 3) m/s^2, (n, 3) rad/s, sensor frame."""
        for hop in self._intake.push(time, acc, gyr):
            self._append(self._track.follow(hop))

    def _append(self, hop: Tracked) -> None:
        """Keep a hop; those between it and the last are not known."""
        if not 0 <= hop.number < self._most:
            return
        while hop.number >= len(self._rows):
            blank = np.zeros_like(self._rows)
            blank[:, 0] = 1.0
            self._rows = np.concatenate([self._rows, blank])
            self._known = np.concatenate([self._known, np.zeros_like(self._known)])
        self._rows[hop.number, :4], self._rows[hop.number, 4:] = hop.quat[-1], hop.gyr.mean(axis=0)
        self._known[hop.number] = not hop.broken.any()
        self.end = max(self.end, hop.number + 1)

    def sensor(self, rows: slice | NDArray[np.int64]) -> Sensor:
        """Some rows as a `Sensor`."""
        chosen = self._rows[rows]
        broken, none = ~self._known[rows], np.empty(0, np.int64)
        empty = np.empty((0, 3))
        return Sensor(
            acc=np.zeros((len(chosen), 3)),
            gyr=chosen[:, 4:],
            quat=chosen[:, :4],
            broken=broken,
            lost=broken,
            blunt=broken,
            rests=Rests(start=none, stop=none, gyr=empty, acc=empty),
            gravity=STANDARD_GRAVITY,
        )
