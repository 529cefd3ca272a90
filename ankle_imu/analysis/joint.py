"""Foot against shank: relative heading, the shank's axes carried over from the foot, joint angles."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu import quaternion as qt
from ankle_imu.analysis.foot import FootMotion
from ankle_imu.analysis.sensor import Sensor
from ankle_imu.calibration import alignment as al
from ankle_imu.gait.filters import low_pass_decimated, runs
from ankle_imu.orientation import heading as coupling
from ankle_imu.orientation.fusion import BREAK_S
from ankle_imu.units import DEGREE
from ankle_imu.values import Alignment

Array = NDArray[np.float64]

COUPLING_RATE_HZ = 52.0
"""Rate at which the coupling is computed; its signals are low-passed at 10 Hz."""

GAIT_ROTATION_DEG = 9.5
"""How far the foot stands externally rotated against the shank in mid-stance of walking: 6-13 deg in people's
joint angles from motion capture. Used for the shank's axes only when there is no standing pose."""

SIGMA_STANDING_DEG = 4.5
"""1-sigma of the shank's yaw carried over while standing, deg: the foot then stands some 4 deg externally rotated
against the shank in a body model (own experiments: 2-4); how much in a person is unknown, 2 deg to either side."""

SIGMA_GAIT_POSE_DEG = 5.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Heading:
    """Heading difference over time and the lag of the clocks.

    `delta`: (n,) rad, shank's earth minus foot's; `is_seen`: (n,) bool, a stride of the same filter run shows it;
    `coherence`: median over the strides; `lag_s`: by how much the shank's clock was found to be late; `levers`:
    (6,) m, sensor to ankle centre of foot and shank, sensor frames.
    """

    delta: Array
    is_seen: NDArray[np.bool_]
    coherence: float
    lag_s: float
    levers: Array


def relative_heading(foot: Sensor, shank: Sensor, motion: FootMotion, sampling_rate: float) -> Heading | None:
    """Heading difference of the two sensors, and the lag between them; None without usable strides."""
    step = max(1, round(sampling_rate / COUPLING_RATE_HZ))
    rate = sampling_rate / step
    strides = motion.strides
    start = np.ceil(strides.ic / step).astype(np.int64)
    stop = np.minimum(np.ceil(strides.end / step).astype(np.int64), (len(foot.acc) - 1) // step)
    broken = np.concatenate([[0], np.cumsum(foot.broken | shank.broken)])
    whole = broken[np.minimum(stop * step, len(foot.acc))] == broken[start * step]
    usable = np.flatnonzero((stop - start >= 4) & whole)
    if len(usable) == 0:
        return None
    gravity = (foot.gravity, shank.gravity)
    a, b = (smooth_motion(s, sampling_rate, step) for s in (foot, shank))
    centre = 0.5 * (strides.ic + strides.end)[usable]
    restart = _restarts(foot.broken, shank.broken, sampling_rate)
    run = np.searchsorted(restart, centre, side="right")
    lag = _find_lag(a, b, start[usable], stop[usable], run, gravity, rate)
    result = coupling.couple(a, _delayed(b, lag * rate), start[usable], stop[usable], gravity, run=run)
    smooth = coupling.smooth_angles(result.delta, coupling.MEDIAN_STRIDES, run)
    delta, is_seen = _over_time(centre, smooth, run, restart, len(foot.acc))
    levers = np.concatenate([result.foot_lever, result.shank_lever])
    coherence = float(np.median(result.coherence))
    return Heading(delta=delta, is_seen=is_seen, coherence=coherence, lag_s=lag, levers=levers)


def _restarts(foot: NDArray[np.bool_], shank: NDArray[np.bool_], sampling_rate: float) -> NDArray[np.int64]:
    """Ends of the gaps after which a filter begins anew with its heading, samples, ascending."""
    ends = [np.empty(0, np.int64)]
    for broken in (foot, shank):
        start, stop = runs(broken)
        ends.append(stop[(stop - start) / sampling_rate > BREAK_S])
    return np.unique(np.concatenate(ends))


def _over_time(
    centre: Array, values: Array, run: NDArray[np.int64], restart: NDArray[np.int64], n: int
) -> tuple[Array, NDArray[np.bool_]]:
    """Values at the strides' centres over n samples, held at the ends of their filter run, and where it has any.

    A run without a stride takes what its neighbours have.
    """
    out = np.interp(np.arange(n), centre, values)
    is_seen = np.zeros(n, dtype=bool)
    edges = np.concatenate([[0], restart, [n]])
    for k in np.unique(run):
        at = np.arange(edges[k], edges[k + 1])
        out[at] = np.interp(at, centre[run == k], values[run == k])
        is_seen[at] = True
    return out, is_seen


def smooth_motion(sensor: Sensor, sampling_rate: float, step: int) -> coupling.Motion:
    """The sensor's motion for the coupling, every `step`-th sample."""
    acc, gyr = (
        low_pass_decimated(values, coupling.CUTOFF_HZ, sampling_rate, step) for values in (sensor.acc, sensor.gyr)
    )
    return coupling.Motion(
        quat=np.ascontiguousarray(sensor.quat[::step]),
        acc=acc,
        gyr=gyr,
        gyr_dot=np.gradient(gyr, step / sampling_rate, axis=0),
    )


LAG_SCAN_S = 0.040
LAG_STEP_S = 0.008
LAG_STRIDES = 30
LAG_BELIEVED_S = 0.003


def _find_lag(
    foot: coupling.Motion,
    shank: coupling.Motion,
    start: NDArray[np.int64],
    stop: NDArray[np.int64],
    run: NDArray[np.int64],
    gravity: tuple[float, float],
    rate: float,
) -> float:
    """Lag of the shank's clock, s, at which the coupling is most coherent; 0 when it is below 3 ms.

    Notes
    -----
    Scan of -40..40 ms in 8 ms steps on at most 30 strides, parabola through the best three values of
    1 - coherence. Own simulation: error at most 0.7 ms in 9 of 9 cases.
    """
    pick = np.unique(np.linspace(0, len(start) - 1, min(LAG_STRIDES, len(start))).astype(int))
    lags = np.arange(-LAG_SCAN_S, LAG_SCAN_S + 1e-9, LAG_STEP_S)
    strides = (start[pick], stop[pick])
    a, b, strides = _only_strides(foot, shank, strides, margin=round(0.1 * rate))
    first = coupling.couple(a, b, *strides, gravity, run=run[pick])
    levers = np.concatenate([first.foot_lever, first.shank_lever])
    lost = np.array(
        [
            1.0
            - coupling.couple(
                a, _delayed(b, lag * rate), *strides, gravity, run=run[pick], levers=levers, rounds=3
            ).coherence.mean()
            for lag in lags
        ]
    )
    best = int(lost.argmin())
    if best in (0, len(lags) - 1):
        return 0.0
    left, middle, right = lost[best - 1 : best + 2]
    bend = left - 2.0 * middle + right
    lag = float(lags[best] + (0.5 * LAG_STEP_S * (left - right) / bend if bend > 0 else 0.0))
    return lag if abs(lag) > LAG_BELIEVED_S else 0.0


def _only_strides(
    foot: coupling.Motion,
    shank: coupling.Motion,
    strides: tuple[NDArray[np.int64], NDArray[np.int64]],
    margin: int,
) -> tuple[coupling.Motion, coupling.Motion, tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Both motions cut down to the given strides with a margin on each side, and the strides in the cut."""
    start, stop = strides
    low, high = np.maximum(start - margin, 0), np.minimum(stop + margin, len(foot.acc))
    rows = np.concatenate([np.arange(a, b) for a, b in zip(low, high, strict=True)])
    offset = np.concatenate([[0], np.cumsum(high - low)[:-1]])
    cut = [
        coupling.Motion(quat=m.quat[rows], acc=m.acc[rows], gyr=m.gyr[rows], gyr_dot=m.gyr_dot[rows])
        for m in (foot, shank)
    ]
    return cut[0], cut[1], (start - low + offset, stop - low + offset)


def _delayed(motion: coupling.Motion, samples: float) -> coupling.Motion:
    """The motion read `samples` later on its own clock: what a clock that is late shows at our time."""
    if samples == 0.0:
        return motion
    return coupling.Motion(
        quat=qt.normalize(_read_later(motion.quat, samples)),
        acc=_read_later(motion.acc, samples),
        gyr=_read_later(motion.gyr, samples),
        gyr_dot=_read_later(motion.gyr_dot, samples),
    )


def shift(sensor: Sensor, samples: float) -> Sensor:
    """The sensor read `samples` later, to undo a clock that is late by that much."""
    if samples == 0.0:
        return sensor
    nearest = np.clip(np.round(np.arange(len(sensor.acc)) + samples), 0, len(sensor.acc) - 1).astype(np.int64)
    return replace(
        sensor,
        quat=qt.normalize(_read_later(sensor.quat, samples)),
        acc=_read_later(sensor.acc, samples),
        gyr=_read_later(sensor.gyr, samples),
        broken=sensor.broken[nearest],
        lost=sensor.lost[nearest],
    )


def _read_later(values: Array, samples: float) -> Array:
    """Values (n, k) at each index plus a fraction of samples, linear between neighbours, held at the ends."""
    at = np.clip(np.arange(len(values)) + samples, 0, len(values) - 1)
    low = np.minimum(at.astype(np.int64), len(values) - 2)
    share = (at - low)[:, None]
    return np.asarray(values[low] * (1.0 - share) + values[low + 1] * share)


def carry_axes(
    foot: Sensor,
    shank: Sensor,
    motion: FootMotion,
    foot_alignment: Alignment,
    standing: NDArray[np.bool_],
    delta: Array,
) -> Alignment:
    """Shank axes from the foot's, in the standing pose or else in the middle of the stances.

    Parameters
    ----------
    foot, shank : Sensor
    motion : FootMotion
    foot_alignment : Alignment
    standing : (k,) bool, which rests of the foot are standing
    delta : (n,) rad, relative heading; a standing pose where it is NaN is passed over

    Notes
    -----
    z is gravity as the shank feels it; y is the foot's y, carried over through the relative heading. Neutral is
    then zero by construction. Own experiments: yaw within 2-4 deg (the wearer's own standing rotation), where
    the axis of knee bends is 11-13 deg off.
    """
    at = _standing_samples(foot, shank, standing)
    at = at[np.isfinite(delta[at])]
    has_pose = len(at) > 0
    if not has_pose:
        is_seen = np.isfinite(delta[motion.strides.flat])
        walking = motion.strides.flat[is_seen & (motion.strides.stance_share() > 0.5)]
        at = walking if len(walking) else motion.strides.flat[is_seen]
    up = al.unit(np.median(qt.rotate(qt.conjugate(shank.quat[at]), [0.0, 0.0, 1.0]), axis=0))
    y_earth = qt.rotate(foot.quat[at], foot_alignment.segment_from_sensor[1])
    y_earth = qt.rotate(qt.about_z(delta[at]), y_earth)
    y = al.unit(np.median(qt.rotate(qt.conjugate(shank.quat[at]), y_earth), axis=0))
    frame = al.frame_from(up, y)
    if not has_pose:
        frame = al.turn_about_z(frame, GAIT_ROTATION_DEG * DEGREE)
    own = SIGMA_STANDING_DEG if has_pose else SIGMA_GAIT_POSE_DEG
    return Alignment(
        segment_from_sensor=frame,
        sigma_yaw_deg=float(np.hypot(foot_alignment.sigma_yaw_deg, own)),
        method="carried over from the foot while standing" if has_pose else "carried over from the foot in stance",
        verdict=foot_alignment.verdict if has_pose else "doubtful",
        reason=""
        if has_pose
        else "there was no standing pose; angles are relative to the middle of your stances, not to standing",
    )


def _standing_samples(foot: Sensor, shank: Sensor, standing: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Samples, about 20 per s at most, at which the foot stands and the shank is still too."""
    chosen: list[NDArray[np.int64]] = []
    for k in np.flatnonzero(standing):
        for a, b in zip(shank.rests.start, shank.rests.stop, strict=True):
            low, high = max(a, foot.rests.start[k]), min(b, foot.rests.stop[k])
            if high - low > 0:
                chosen.append(np.linspace(low, high - 1, 20).astype(np.int64))
    return np.concatenate(chosen) if chosen else np.empty(0, np.int64)


@dataclass(frozen=True, kw_only=True, eq=False)
class JointAngles:
    """Joint angles, (n,) rad, and rates from both gyroscopes, (n,) rad/s.

    The inversion rate is about the foot's long axis, the plantarflexion rate about the shank's mediolateral axis.
    """

    dorsiflexion: Array
    inversion: Array
    rotation: Array
    inversion_rate: Array
    plantarflexion_rate: Array


def joint(foot: Sensor, shank: Sensor, frames_from_sensor: tuple[Array, Array], delta: Array) -> JointAngles:
    """Angles and rates of the foot against the shank.

    Parameters
    ----------
    foot, shank : Sensor, in one time
    frames_from_sensor : segment-from-sensor rotations (3, 3) of foot and shank
    delta : (n,) rad, heading of the shank's earth minus that of the foot's
    """
    foot_from_sensor, shank_from_sensor = frames_from_sensor
    left, right = qt.from_matrix(shank_from_sensor), qt.from_matrix(foot_from_sensor.T)
    found = np.empty((5, len(delta)))
    for rows in qt.blocks(foot.quat):
        relative = qt.multiply(qt.conjugate(shank.quat[rows]), qt.turn_about_z(delta[rows], foot.quat[rows]))
        relative = qt.between(left, relative, right)
        found[:3, rows] = frames.joint_angles(relative)
        found[3:, rows] = _rates(
            relative, foot.gyr[rows] @ foot_from_sensor.T, shank.gyr[rows] @ shank_from_sensor.T
        )
    dorsiflexion, inversion, rotation, inversion_rate, plantarflexion_rate = found
    return JointAngles(
        dorsiflexion=dorsiflexion,
        inversion=inversion,
        rotation=rotation,
        inversion_rate=inversion_rate,
        plantarflexion_rate=plantarflexion_rate,
    )


def _rates(relative: Array, f: Array, s: Array) -> tuple[Array, Array]:
    """Inversion and plantarflexion rate from the turning of foot and shank, each in its own frame."""
    w, x, y, z = relative.T
    shank_about_foot_x = (
        (1.0 - 2.0 * (y * y + z * z)) * s[:, 0] + 2.0 * (x * y + w * z) * s[:, 1] + 2.0 * (x * z - w * y) * s[:, 2]
    )
    foot_about_shank_y = (
        2.0 * (x * y + w * z) * f[:, 0] + (1.0 - 2.0 * (x * x + z * z)) * f[:, 1] + 2.0 * (y * z - w * x) * f[:, 2]
    )
    return f[:, 0] - shank_about_foot_x, foot_about_shank_y - s[:, 1]
