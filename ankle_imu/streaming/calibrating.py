"""Alignments from the opening of a session, by the functions of the batch analysis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ankle_imu.analysis import foot as foot_stage
from ankle_imu.analysis import joint as joint_stage
from ankle_imu.analysis.grid import Gridded
from ankle_imu.analysis.sensor import prepare
from ankle_imu.analysis.shank import walk_of_shank
from ankle_imu.settings import Settings
from ankle_imu.values import Alignment

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class FootFinding:
    """How a foot sensor sits, its reading of gravity (m/s^2) and the sample of its first stride."""

    alignment: Alignment
    gravity: float
    first_stride: float


@dataclass(frozen=True, kw_only=True, eq=False)
class PairFinding:
    """How both sensors of a leg sit: segment frames, lever arms (6,) m, gravity readings, coherence, lag (s)."""

    foot: Alignment
    shank: Alignment
    levers: Array
    gravity: tuple[float, float]
    coherence: float
    lag_s: float
    first_stride: float


def calibrate_foot(opening: Gridded, leg: str, sampling_rate: float, settings: Settings) -> FootFinding | None:
    """Align a foot sensor; None while there are no strides or the alignment fails."""
    sensor = prepare(opening, leg, sampling_rate, settings.tau_acc_joint_s)
    motion = foot_stage.follow(sensor, sampling_rate)
    if len(motion.strides) == 0:
        return None
    standing = foot_stage.is_standing(sensor, motion, sampling_rate)
    alignment = foot_stage.align(sensor, motion, standing, sampling_rate)
    if alignment.verdict == "failed":
        return None
    return FootFinding(alignment=alignment, gravity=sensor.gravity, first_stride=float(motion.strides.ic[0]))


def calibrate_pair(
    opening: tuple[Gridded, Gridded],
    leg: str,
    sampling_rate: float,
    known_foot: Alignment | None,
    settings: Settings,
) -> PairFinding | None:
    """Align foot and shank sensor of a leg; None while there are no strides or one alignment fails."""
    tau = settings.tau_acc_joint_s
    foot, shank = (prepare(one, leg, sampling_rate, tau) for one in opening)
    motion = foot_stage.follow(foot, sampling_rate)
    if len(motion.strides) == 0:
        return None
    standing = foot_stage.is_standing(foot, motion, sampling_rate)
    aligned = known_foot or foot_stage.align(foot, motion, standing, sampling_rate)
    heading = joint_stage.relative_heading(foot, shank, motion, sampling_rate)
    if heading is None or aligned.verdict == "failed":
        return None
    shifted = joint_stage.shift(shank, heading.lag_s * sampling_rate)
    carried = joint_stage.carry_axes(foot, shifted, motion, aligned, standing, heading.delta)
    if carried.verdict == "failed":
        return None
    return PairFinding(
        foot=aligned,
        shank=carried,
        levers=heading.levers,
        gravity=(foot.gravity, shank.gravity),
        coherence=heading.coherence,
        lag_s=heading.lag_s,
        first_stride=float(motion.strides.ic[0]),
    )


def calibrate_shank(opening: Gridded, leg: str, sampling_rate: float, settings: Settings) -> FootFinding | None:
    """Align a shank sensor that has no foot sensor beside it; None while there are no strides."""
    sensor = prepare(opening, leg, sampling_rate, settings.tau_acc_joint_s)
    walk = walk_of_shank(sensor, None, sampling_rate)
    if len(walk.strides) == 0 or walk.alignment.verdict == "failed":
        return None
    return FootFinding(alignment=walk.alignment, gravity=sensor.gravity, first_stride=float(walk.strides.ic[0]))
