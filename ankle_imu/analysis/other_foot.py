"""What the other foot's walk says of this one's direction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ankle_imu.analysis import foot as foot_stage
from ankle_imu.analysis.grid import Gridded
from ankle_imu.analysis.sensor import prepare

LOOKED_AT_S = 300.0
"""The first five minutes of a session hold the opening and strides enough (15 s of walking suffice)."""


def lead_of(gridded: Gridded, leg: str, sampling_rate: float, tau_acc: float) -> float:
    """By how much a foot's progression leads its heel's rise axis in yaw, rad; NaN without straight walking.

    Parameters
    ----------
    gridded : Gridded, a foot's sensor
    leg : `left` or `right`
    sampling_rate : float, Hz
    tau_acc : float, s, see `orientation.fuse`
    """
    n = min(round(LOOKED_AT_S * sampling_rate), len(gridded.acc))
    opening = replace(
        gridded, **{name: getattr(gridded, name)[:n] for name in ("acc", "gyr", "lost", "broken", "blunt")}
    )
    if opening.broken.all():
        return float("nan")
    sensor = prepare(opening, leg, sampling_rate, tau_acc)
    motion = foot_stage.follow(sensor, sampling_rate)
    if len(motion.strides) == 0:
        return float("nan")
    cues = foot_stage.walking_cues(sensor, motion, foot_stage.walking_up(sensor, motion))
    return cues.lead if cues is not None and cues.is_straight else float(np.nan)
