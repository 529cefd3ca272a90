"""A shank sensor alone: strides from its swings, its own tilt, and nothing about the foot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ankle_imu import quaternion as qt
from ankle_imu.analysis.foot import OPENING_S
from ankle_imu.analysis.sensor import Sensor
from ankle_imu.calibration import alignment as al
from ankle_imu.gait.shank_events import shank_swings
from ankle_imu.gait.strides import Strides, pair_swings
from ankle_imu.values import Alignment

SIGMA_SHANK_ALONE_DEG = 8.0
"""1-sigma of the shank's yaw from its own swing axis, deg: the leg swings out of the tibia's plane."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ShankWalk:
    """Strides of a leg by its shank sensor, and how that sits."""

    strides: Strides
    alignment: Alignment


def walk_of_shank(sensor: Sensor, known: Alignment | None, sampling_rate: float) -> ShankWalk:
    """Find strides and axes from the shank sensor alone."""
    swings, axis = shank_swings(sensor.gyr, sampling_rate)
    strides = pair_swings(swings, np.zeros(len(sensor.acc)), sampling_rate)
    return ShankWalk(strides=strides, alignment=known or _align(sensor, strides, axis, sampling_rate))


def _align(sensor: Sensor, strides: Strides, axis: np.ndarray, sampling_rate: float) -> Alignment:
    if len(strides) == 0:
        return Alignment(
            segment_from_sensor=np.eye(3),
            sigma_yaw_deg=180.0,
            method="none",
            verdict="failed",
            reason="no strides were found that would show which way the shank points",
        )
    rests = sensor.rests
    middle = np.round(0.5 * (strides.ic + strides.to)).astype(int)
    walking = al.unit(np.median(qt.rotate(qt.conjugate(sensor.quat[middle]), [0.0, 0.0, 1.0]), axis=0))
    upright = al.unit(rests.acc) @ walking > np.cos(np.radians(25.0))
    opening = upright & (rests.stop <= strides.ic[0]) & (rests.stop > strides.ic[0] - OPENING_S * sampling_rate)
    chosen = opening if opening.any() else upright
    if chosen.any():
        weight = (rests.stop - rests.start)[chosen].astype(float)
        up = al.unit(np.average(rests.acc[chosen], axis=0, weights=weight))
    else:
        up = walking
    return Alignment(
        segment_from_sensor=al.frame_from(up, axis),
        sigma_yaw_deg=SIGMA_SHANK_ALONE_DEG,
        method="standing + swing axis" if chosen.any() else "mean pose in stance + swing axis",
        verdict="fair" if chosen.any() else "doubtful",
        reason="the shank's direction was taken from its swing, good to about 8 deg",
    )
