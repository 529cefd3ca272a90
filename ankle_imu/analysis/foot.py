"""A foot sensor's walk: swings, strides, trajectory, alignment and tilt. Right-leg convention throughout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu import quaternion as qt
from ankle_imu.analysis.sensor import Sensor
from ankle_imu.calibration import alignment as al
from ankle_imu.errors import ImplausibleUnits
from ankle_imu.gait import events, trajectory
from ankle_imu.gait.filters import low_pass
from ankle_imu.gait.strides import Strides, pair_swings, stances
from ankle_imu.gait.zero_velocity import zero_velocity
from ankle_imu.orientation import anchor
from ankle_imu.orientation.angles import segment_up, sensor_up
from ankle_imu.units import DEGREE
from ankle_imu.values import Alignment

Array = NDArray[np.float64]

SHORTEST_SWING_M = 0.15
"""A movement that carries the foot less far is no swing: toe taps, tapping in a chair, shifting weight."""

STRAIGHT_DEG = 15.0
"""A stride that turns less counts as straight on for the alignment."""

OPENING_S = 90.0
"""Standing and toe taps are looked for in this time before the first strides."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FootMotion:
    """What one foot did, before its alignment is known.

    `gyr_smooth`: (n, 3) rad/s low-passed at 15 Hz; `axis`: (3,) mediolateral axis found in walking, zeros when
    there are no swings; `force`: (n, 3) m/s^2, earth frame, gravity included; `score`: (n,) stillness;
    `position`: (n, 3) m, earth frame of this sensor's heading.
    """

    gyr_smooth: Array
    axis: Array
    swings: events.Swings
    strides: Strides
    force: Array
    score: Array
    position: Array


def follow(sensor: Sensor, sampling_rate: float) -> FootMotion:
    """Find swings and strides of a foot and integrate its way."""
    smooth = low_pass(sensor.gyr, events.CUTOFF_HZ, sampling_rate)
    force = sensor.specific_force()
    axis, swings = _find_swings(sensor, smooth, force, sampling_rate)
    score = events.stillness(sensor.acc, sensor.gyr, sampling_rate, sensor.gravity)
    still = zero_velocity(
        sensor.acc, sensor.gyr, sampling_rate, sensor.gravity, stances(swings, len(score), sampling_rate)
    )
    earth_rate = qt.rotate(sensor.quat, smooth)
    _, position = trajectory.follow_path(force, earth_rate, still, sensor.lost, sensor.gravity, sampling_rate)
    return FootMotion(
        gyr_smooth=smooth,
        axis=axis,
        swings=swings,
        strides=pair_swings(swings, score, sampling_rate),
        force=force,
        score=score,
        position=position,
    )


def _find_swings(sensor: Sensor, smooth: Array, force: Array, sampling_rate: float) -> tuple[Array, events.Swings]:
    """Mediolateral axis (3,) of the foot and its swings: the movements that carry it somewhere."""
    up = sensor_up(sensor.quat)
    start, stop, flat_up = events.moving_intervals(smooth, sensor.acc, up, sampling_rate, sensor.gravity)
    earth_acc = force - np.array([0.0, 0.0, sensor.gravity])
    way = trajectory.displacements(earth_acc, start, stop, sampling_rate)
    carried = np.linalg.norm(way, axis=1) > SHORTEST_SWING_M
    start, stop = start[carried], stop[carried]
    if len(start) == 0:
        return np.zeros(3), events.no_swings()
    axis, _ = events.flexion_axis(smooth, up, flat_up, start, stop)
    contacts = events.locate_contacts(smooth @ axis, sensor.acc, start, stop, sampling_rate)
    return axis, events.choose_by_gait(contacts, sampling_rate)


CONTRADICTION_DEG = 20.0
"""Gravity felt by a quiet flat foot and gravity carried there by the gyroscope differ by 1-3 deg in sound data."""


def check_signs(sensor: Sensor, motion: FootMotion, placement: str) -> None:
    """Refuse a foot whose gyroscope has a wrong sign or left-handed axes.

    Raises
    ------
    ImplausibleUnits
        When the gyroscope carries gravity elsewhere than the accelerometer finds it at foot-flat.

    Notes
    -----
    An accelerometer with all signs turned cannot be seen: with the gyroscope as it is, that is exactly the
    mirror image, a foot of the other leg.
    """
    strides = motion.strides
    quiet = strides.flat[strides.flat_score < anchor.FLAT_GATE]
    if len(quiet) >= 5:
        felt = al.unit(qt.rotate(sensor.quat[quiet], sensor.acc[quiet]))
        apart = float(np.degrees(np.median(np.arccos(np.clip(felt[:, 2], -1.0, 1.0)))))
        if apart > CONTRADICTION_DEG:
            raise ImplausibleUnits(
                f"{placement}: at foot-flat the gyroscope says that down is {apart:.0f} deg away from where the "
                "accelerometer feels it; expected both in one right-handed frame: check signs and axis order.",
                quantity="gyr",
                likely_unit="other sign or axes",
            )


def is_standing(sensor: Sensor, motion: FootMotion, sampling_rate: float) -> NDArray[np.bool_]:
    """Which rests of the sensor are its wearer standing: (k,) bool.

    The foot must then lie as it does in the middle of its stances (within 20 deg), and the rest must belong to
    the opening; without such a rest any later stop counts.
    """
    rests = sensor.rests
    standing = np.ones(len(rests), dtype=bool)
    if len(motion.strides) and len(rests):
        up = al.unit(rests.acc)
        standing = up @ walking_up(sensor, motion) > np.cos(20.0 * DEGREE)
        first = motion.strides.ic[0]
        opening = standing & (rests.stop <= first) & (rests.stop > first - OPENING_S * sampling_rate)
        if opening.any():
            return np.asarray(opening)
    return np.asarray(standing)


def walking_up(sensor: Sensor, motion: FootMotion) -> Array:
    """Median up direction of the sensor at the stillest instants of its stances, (3,)."""
    up = qt.rotate(qt.conjugate(sensor.quat[motion.strides.flat]), [0.0, 0.0, 1.0])
    return al.unit(np.median(up, axis=0))


def align(
    sensor: Sensor,
    motion: FootMotion,
    standing: NDArray[np.bool_],
    sampling_rate: float,
    other_lead: Callable[[], float] | None = None,
) -> Alignment:
    """Find how the sensor sits on the foot, from standing and toe taps or from walking alone.

    Parameters
    ----------
    sensor : Sensor
    motion : FootMotion
    standing : (k,) bool, which rests are standing
    sampling_rate : float, Hz
    other_lead : gives the other foot's `WalkingCues.lead`, rad; asked for only when walking alone must do

    Returns
    -------
    Alignment; verdict `failed` with the identity when there is neither standing nor walking
    """
    rests = sensor.rests
    has_pose = bool(standing.any())
    if has_pose:
        weight = (rests.stop - rests.start)[standing].astype(float)
        up = al.unit(np.average(rests.acc[standing], axis=0, weights=weight))
    elif len(motion.strides):
        up = walking_up(sensor, motion)
    else:
        return _failed("no standing pose of 1.5 s and no strides were found")
    walking = _walking_frame(sensor, motion, up)
    taps = _opening_taps(sensor, motion, up, walking, sampling_rate) if has_pose else None
    if walking is not None and (taps is None or taps.problem) and other_lead is not None:
        walking = walking.beside(other_lead())
    return _choose(walking, taps, up, has_pose)


def _failed(reason: str) -> Alignment:
    return Alignment(
        segment_from_sensor=np.eye(3), sigma_yaw_deg=180.0, method="none", verdict="failed", reason=reason
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class WalkingCues:
    """What walking says of the foot's direction.

    `frame`: (3, 3) segment-from-sensor with y on the axis of the swings; `rise`, `way`: yaw against it, rad, of
    the heel's rise axis and of the direction of progression, NaN where unknown, their usual offsets still in;
    `is_straight`: whether there were straight strides.
    """

    frame: Array
    rise: float
    way: float
    is_straight: bool

    @property
    def lead(self) -> float:
        """Yaw of the progression less that of the heel's rise, rad."""
        return self.way - self.rise


def walking_cues(sensor: Sensor, motion: FootMotion, up: Array) -> WalkingCues | None:
    """Both cues from the straight strides, None without strides; `up` (3,) is the flat foot's up direction."""
    if len(motion.strides) == 0:
        return None
    frame = al.frame_from(up, motion.axis)
    turn = turns(sensor, motion.strides, frame[0])
    chosen = _straight_walking(motion.strides, turn)
    flat, following = motion.strides.flat[chosen], motion.strides.next_flat[chosen]
    rise = al.heel_rise_axis(motion.gyr_smooth, up, flat.astype(float), motion.strides.to[chosen])
    way = motion.position[following] - motion.position[flat]
    seen = [al.unit(qt.rotate(qt.conjugate(sensor.quat[at]), way) @ frame.T) for at in (flat, following)]
    ahead = np.median(seen[0] + seen[1], axis=0)
    return WalkingCues(
        frame=frame,
        rise=al.yaw_between(rise, frame),
        way=float(np.arctan2(ahead[1], ahead[0])),
        is_straight=bool((np.abs(turn[chosen]) < STRAIGHT_DEG * DEGREE).sum() >= 3),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Walking:
    """Frame from walking, its cues' lead in rad and disagreement in deg, and whether strides were straight."""

    frame: Array
    lead: float
    disagreement_deg: float
    is_straight: bool

    def beside(self, other_lead: float) -> _Walking:
        """The same where the other foot walks, too: what the cues' leads differ by is the heel rises' doing.

        People turn both feet out alike (the sides differ by 2-3 deg, persons by 5-6), while the axes of the heels'
        rise do not mirror each other: progression alone tells the sides apart. Against references, left and right:
        -5.3 and 2.8 deg become -3.6 and 1.1 (own experiments, 1 person; a body model stays at 0.5).
        """
        apart = self.lead - other_lead
        if not abs(apart) <= al.DOUBTFUL_DISAGREEMENT_DEG * DEGREE:
            return self
        return replace(self, frame=al.turn_about_z(self.frame, 0.25 * apart))


def _walking_frame(sensor: Sensor, motion: FootMotion, up: Array) -> _Walking | None:
    cues = walking_cues(sensor, motion, up)
    if cues is None:
        return None
    rise, way = cues.rise - al.HEEL_RISE_YAW_DEG * DEGREE, cues.way - al.PROGRESSION_YAW_DEG * DEGREE
    return _Walking(
        frame=al.turn_about_z(cues.frame, 0.5 * (rise + way) if np.isfinite(rise) else way),
        lead=cues.lead,
        disagreement_deg=float(np.degrees(abs(rise - way))),
        is_straight=cues.is_straight,
    )


def _straight_walking(strides: Strides, turn: Array) -> NDArray[np.int64]:
    """Walking strides that go straight on; without three of them, the five straightest of all."""
    walking = (strides.stance_share() > 0.5) & (strides.flat_score < anchor.FLAT_GATE)
    straight = np.flatnonzero(walking & (np.abs(turn) < STRAIGHT_DEG * DEGREE))
    return straight if len(straight) >= 3 else np.argsort(np.abs(turn), kind="stable")[:5]


def turns(sensor: Sensor, strides: Strides, forward: Array) -> Array:
    """Heading change of the foot from this foot-flat to the next, (k,) rad, + = to the left of a right leg.

    `forward` (3,) is any vector near the foot's long axis, sensor frame.
    """
    here, there = (qt.rotate(sensor.quat[at], forward) for at in (strides.flat, strides.next_flat))
    sine = here[:, 0] * there[:, 1] - here[:, 1] * there[:, 0]
    cosine = here[:, 0] * there[:, 0] + here[:, 1] * there[:, 1]
    return np.asarray(np.arctan2(sine, cosine))


def _opening_taps(
    sensor: Sensor, motion: FootMotion, up: Array, walking: _Walking | None, sampling_rate: float
) -> al.Taps | None:
    """Toe taps before the first strides, None when there is nothing that says which way is toe-up."""
    if walking is None:
        return None
    stop = int(motion.strides.ic[0])
    begin = max(0, stop - round(OPENING_S * sampling_rate))
    first_swing = motion.swings.start[motion.swings.start > begin]
    stop = min(stop, int(first_swing[0])) if len(first_swing) else stop
    window = slice(begin, stop)
    _, pitch = frames.foot_angles_from_up(segment_up(sensor.quat[window], walking.frame))
    return al.find_taps(pitch, motion.gyr_smooth[window], up, sampling_rate)


def _choose(walking: _Walking | None, taps: al.Taps | None, up: Array, has_pose: bool) -> Alignment:
    if walking is None:
        return _failed("no strides were found that would show which way the foot points")
    pose = "standing" if has_pose else "the foot's mean pose in stance"
    if taps is not None and not taps.problem:
        frame = al.frame_from(up, taps.axis)
        apart = float(np.degrees(al.yaw_between(walking.frame[1], frame)))
        far = abs(apart) > al.DOUBTFUL_DISAGREEMENT_DEG
        return Alignment(
            segment_from_sensor=frame,
            sigma_yaw_deg=float(np.hypot(al.SIGMA_TAPS_DEG, taps.error_deg)),
            method=f"{pose} + toe taps",
            verdict="fair" if far else "good",
            reason=f"{taps.count} toe taps, {100 * taps.share:.0f} % about one axis"
            + (
                f"; walking suggests {abs(apart):.0f} deg more {'toe-in' if apart > 0 else 'toe-out'}"
                if far
                else ""
            ),
        )
    doubtful = walking.disagreement_deg > al.DOUBTFUL_DISAGREEMENT_DEG or not (has_pose and walking.is_straight)
    sigma = al.SIGMA_WALKING_DEG if walking.is_straight else al.SIGMA_TURNING_DEG
    if taps is None:
        missing = "there was no standing pose before the first strides"
    elif taps.count < 2:
        missing = "no toe taps were found"
    else:
        missing = taps.problem
    return Alignment(
        segment_from_sensor=walking.frame,
        sigma_yaw_deg=sigma,
        method=f"{pose} + walking",
        verdict="doubtful" if doubtful else "fair",
        reason=f"{missing}; the foot's direction was taken from "
        f"{'walking' if walking.is_straight else 'walking in curves only'}, good to about {sigma:.0f} deg",
    )


def tilt_and_pitch(
    sensor: Sensor, motion: FootMotion, segment_from_sensor: Array, sampling_rate: float
) -> tuple[Array, Array]:
    """Foot tilt and pitch against gravity, (n,) rad each, relative to the pose that defined the frame."""
    at, rotation = anchor.tilt_corrections(
        motion.force, np.append(motion.strides.flat, motion.strides.next_flat[-1:]), _scores(motion), sampling_rate
    )
    if len(at) == 0:
        return frames.foot_angles_from_up(segment_up(sensor.quat, segment_from_sensor))
    level = anchor.correct_up(at, rotation, len(sensor.quat))
    tilt, pitch = np.empty(len(level)), np.empty(len(level))
    for rows in qt.blocks(level):
        up = qt.rotate(qt.conjugate(sensor.quat[rows]), level[rows])
        tilt[rows], pitch[rows] = frames.foot_angles_from_up(up @ segment_from_sensor.T)
    return tilt, pitch


def _scores(motion: FootMotion) -> Array:
    last = motion.strides.next_flat[-1:]
    return np.append(motion.strides.flat_score, motion.score[last])
