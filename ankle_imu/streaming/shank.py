"""A shank sensor without a foot sensor beside it, as it comes: its own tilt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu import quaternion as qt
from ankle_imu.orientation.angles import segment_up
from ankle_imu.settings import Settings
from ankle_imu.streaming.calibrating import calibrate_shank
from ankle_imu.streaming.intake import Hop
from ankle_imu.streaming.opening import Opening
from ankle_imu.streaming.track import Track
from ankle_imu.units import DEGREE
from ankle_imu.values import Alignment

Array = NDArray[np.float64]


class ShankStream:
    """One shank sensor, hop by hop."""

    def __init__(
        self, leg: str, sampling_rate: float, size: int, known: Alignment | None, settings: Settings
    ) -> None:
        self._leg, self._rate, self._settings = leg, sampling_rate, settings
        self.alignment, self._is_known = known, known is not None
        self._track = Track(leg, sampling_rate, settings.tau_acc_joint_s)
        self._opening = Opening(sampling_rate, size)
        self._unknown = np.full(size, np.nan)

    def push(self, hop: Hop) -> tuple[Array, Array]:
        """Tilt and pitch of the shank, (k,) deg."""
        tracked = self._track.follow(hop)
        tilt = pitch = self._unknown
        if self.alignment is not None:
            up = segment_up(tracked.quat, self.alignment.segment_from_sensor)
            tilt, pitch = (angle / DEGREE for angle in frames.shank_angles_from_up(up))
            tilt[hop.broken] = pitch[hop.broken] = np.nan
        if not self._is_known and self._opening.add((hop,), float(qt.length(tracked.gyr).max())):
            found = calibrate_shank(self._opening.gridded()[0], self._leg, self._rate, self._settings)
            self.alignment = found.alignment if found else self.alignment
            self._opening.tried(found.first_stride if found else None)
        return tilt, pitch
