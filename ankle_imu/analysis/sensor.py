"""One sensor made ready: gaps bridged, bias taken out, turned into right-leg convention, fused."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu import quaternion as qt
from ankle_imu.analysis.grid import Gridded
from ankle_imu.calibration.rest import Rests, bias_over_time, find_rests
from ankle_imu.orientation.fusion import between_samples, bridge, fuse
from ankle_imu.units import STANDARD_GRAVITY

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Sensor:
    """A sensor on the session grid, right-leg convention.

    `acc, gyr`: (n, 3) m/s^2 and rad/s without bias; `quat`: (n, 4) earth from sensor, finite everywhere;
    `broken`: (n,) not to be believed; `lost`: (n,) not received; `blunt`: (n,) filled across a gap too long for
    peak rates; `gravity`: m/s^2 as this sensor reads it.
    """

    acc: Array
    gyr: Array
    quat: Array
    broken: NDArray[np.bool_]
    lost: NDArray[np.bool_]
    blunt: NDArray[np.bool_]
    rests: Rests
    gravity: float

    def specific_force(self) -> Array:
        """Acceleration in the earth frame, gravity included, (n, 3) m/s^2; vertical where the sensor is broken."""
        force = qt.rotate(self.quat, self.acc)
        force[self.broken] = [0.0, 0.0, self.gravity]
        return force


def prepare(gridded: Gridded, leg: str, sampling_rate: float, tau_acc: float) -> Sensor:
    """Make one sensor ready.

    Parameters
    ----------
    gridded : Gridded
    leg : `left` or `right`; a left leg is mirrored here and nowhere later
    sampling_rate : float, Hz
    tau_acc : float, s, see `orientation.fuse`
    """
    acc = frames.mirror_acc(gridded.acc, leg)
    gyr = frames.mirror_gyr(gridded.gyr, leg)
    rests = find_rests(acc, gyr, sampling_rate)
    gyr = gyr - bias_over_time(rests, len(gyr))
    mirrored = replace(gridded, acc=acc, gyr=gyr)
    acc_gapped, gyr_gapped = mirrored.gapped
    quat = fuse(acc_gapped, between_samples(gyr_gapped), sampling_rate, tau_acc=tau_acc)
    broken = gridded.broken | np.isnan(quat[:, 0])
    quat = bridge(quat) if np.isfinite(quat[:, 0]).any() else np.tile([1.0, 0.0, 0.0, 0.0], (len(quat), 1))
    return Sensor(
        acc=acc,
        gyr=gyr,
        quat=quat,
        broken=broken,
        lost=gridded.lost,
        blunt=gridded.blunt,
        rests=rests,
        gravity=_gravity(rests),
    )


def _gravity(rests: Rests) -> float:
    """Length of gravity as the sensor reads it at rest; the standard value when it never rests."""
    if len(rests) == 0:
        return STANDARD_GRAVITY
    weight = (rests.stop - rests.start).astype(float)
    return float(np.average(np.linalg.norm(rests.acc, axis=1), weights=weight))
