"""Single steps on a force plate: the analysis of a leg from its parts, since there is no walk to find them in.

Alignment, coupling of the two sensors and joint angle are those of every analysis. Given from outside are only
the contact and toe-off of each step, by the force plate; there is no standing pose, no toe tap and no second
stance, so the foot's direction comes from its heel rise alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu import quaternion as qt
from ankle_imu.analysis import joint as joint_stage
from ankle_imu.analysis.foot import FootMotion, WalkingCues
from ankle_imu.analysis.grid import put_on_grid, session_grid
from ankle_imu.analysis.sensor import Sensor, prepare
from ankle_imu.calibration import alignment as al
from ankle_imu.gait import events
from ankle_imu.gait.filters import low_pass
from ankle_imu.gait.strides import Strides, stillest
from ankle_imu.orientation.angles import sensor_up
from ankle_imu.settings import Settings
from ankle_imu.units import DEGREE
from ankle_imu.values import Alignment, Recording

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class StepAngles:
    """Joint angles of single steps.

    `time`: (n,) s, of one `sampling_rate`, Hz; `inversion`, `dorsiflexion`: (n,) deg; `flat`: (k,) samples of
    foot-flat; `how`: the alignment.
    """

    time: Array
    sampling_rate: float
    inversion: Array
    dorsiflexion: Array
    flat: NDArray[np.int64]
    how: str


def analyze_steps(recording: Recording, contact: Array, toe_off: Array) -> StepAngles:
    """Joint angles of a right leg from isolated steps.

    Parameters
    ----------
    recording : Recording of `right_foot` and `right_shank`; pauses between the steps are gaps
    contact, toe_off : (k,) s, one step each
    """
    time, rate, foot, shank = _sensors(recording)
    motion = _motion(foot, (contact - time[0]) * rate, (toe_off - time[0]) * rate, rate)
    cues = _cues(foot, motion)
    frame = Alignment(
        segment_from_sensor=al.turn_about_z(cues.frame, cues.rise - al.HEEL_RISE_YAW_DEG * DEGREE),
        sigma_yaw_deg=al.SIGMA_WALKING_DEG,
        method="the foot's mean pose in stance + heel rise",
        verdict="fair",
        reason="",
    )
    heading = joint_stage.relative_heading(foot, shank, motion, rate)
    if heading is None:
        raise ValueError("No step holds both sensors; expected foot and shank in the same seconds.")
    shank = joint_stage.shift(shank, heading.lag_s * rate)
    no_pose = np.zeros(len(foot.rests), dtype=bool)
    carried = joint_stage.carry_axes(foot, shank, motion, frame, no_pose, heading.delta)
    # The markers take the shank's direction from the foot's in the same pose, without the usual rotation.
    shank_frame = al.turn_about_z(carried.segment_from_sensor, -joint_stage.GAIT_ROTATION_DEG * DEGREE)
    axes = (frame.segment_from_sensor, shank_frame)
    angles = joint_stage.joint(foot, shank, axes, heading.delta)
    return StepAngles(
        time=time,
        sampling_rate=rate,
        inversion=angles.inversion / DEGREE,
        dorsiflexion=angles.dorsiflexion / DEGREE,
        flat=motion.strides.flat,
        how=frame.method,
    )


def step_cues(
    recording: Recording, contact: Array, toe_off: Array
) -> tuple[WalkingCues, Sensor, FootMotion, Array]:
    """What isolated steps say of the foot's direction; the foot's sensor, motion and times, (n,) s."""
    time, rate, foot, _ = _sensors(recording)
    motion = _motion(foot, (contact - time[0]) * rate, (toe_off - time[0]) * rate, rate)
    return _cues(foot, motion), foot, motion, time


def _sensors(recording: Recording) -> tuple[Array, float, Sensor, Sensor]:
    series = recording.series
    time, rate = session_grid(series)
    foot, shank = (
        prepare(put_on_grid(series[f"right_{segment}"], time, rate), "right", rate, Settings().tau_acc_joint_s)
        for segment in ("foot", "shank")
    )
    return time, rate, foot, shank


def _motion(foot: Sensor, ic: Array, to: Array, rate: float) -> FootMotion:
    """The steps as strides that end at toe-off."""
    score = events.stillness(foot.acc, foot.gyr, rate, foot.gravity)
    flat = stillest(score, ic, to)
    return FootMotion(
        gyr_smooth=low_pass(foot.gyr, events.CUTOFF_HZ, rate),
        axis=np.zeros(3),
        swings=events.no_swings(),
        strides=Strides(ic=ic, to=to, end=to, flat=flat, next_flat=flat, flat_score=score[flat]),
        force=foot.specific_force(),
        score=score,
        position=np.zeros_like(foot.acc),
    )


def _cues(foot: Sensor, motion: FootMotion) -> WalkingCues:
    strides = motion.strides
    up = al.unit(np.median(sensor_up(foot.quat[strides.flat]), axis=0))
    rise = al.heel_rise_axis(motion.gyr_smooth, up, strides.flat.astype(float), strides.to)
    return WalkingCues(frame=al.frame_from(up, rise), rise=0.0, way=np.nan, is_straight=True)


def marker_angles(
    foot: tuple[Array, Array, Array], shank: tuple[Array, Array, Array, Array], flat: NDArray[np.int64]
) -> tuple[Array, Array]:
    """Dorsiflexion and inversion, (n,) deg, of a right leg from markers, by the pose that the sensors use.

    Parameters
    ----------
    foot : heel, second and fifth metatarsal head, (n, 3) each, lab frame with z up
    shank : lateral and medial malleolus, lateral and medial epicondyle, (n, 3) each
    flat : (k,) samples of foot-flat

    Notes
    -----
    z of both segments is the lab's vertical at foot-flat; the foot's x runs from the heel to the middle of the
    metatarsal heads; the shank takes its y from the foot at foot-flat. The malleoli stand 26 deg rotated against
    the epicondyles in the person recorded, so either line alone would make another angle.
    """
    heel, second, fifth = foot
    lateral, medial, knee_lateral, knee_medial = shank
    ahead = 0.5 * (second + fifth) - heel
    foot_body = foot_frame_by_markers(heel, second, fifth)
    long_axis = 0.5 * (knee_lateral + knee_medial - lateral - medial)
    shank_body = _body(long_axis, np.cross(medial - lateral, long_axis))
    x = np.median(_seen_from(foot_body[flat], ahead[flat]), axis=0)
    foot_up, shank_up = (al.unit(np.median(body[flat][:, 2, :], axis=0)) for body in (foot_body, shank_body))
    foot_frame = al.frame_from(foot_up, np.cross(foot_up, x))
    y_lab = foot_body[flat] @ foot_frame[1]
    shank_frame = al.frame_from(shank_up, np.median(_seen_from(shank_body[flat], y_lab), axis=0))
    relative = shank_frame @ shank_body.transpose(0, 2, 1) @ foot_body @ foot_frame.T
    dorsiflexion, inversion, _ = frames.joint_angles(qt.from_matrix(relative))
    return dorsiflexion / DEGREE, inversion / DEGREE


def foot_frame_by_markers(heel: Array, second: Array, fifth: Array) -> Array:
    """Lab-from-foot rotations (n, 3, 3) of a right foot by heel, second and fifth metatarsal head, (n, 3) each."""
    ahead = 0.5 * (second + fifth) - heel
    return _body(np.cross(ahead, second - fifth), ahead)


def _body(z: Array, x: Array) -> Array:
    """Lab-from-body rotations (n, 3, 3) with the given z and the given x made orthogonal to it."""
    z = al.unit(z)
    x = al.unit(x - (x * z).sum(axis=1, keepdims=True) * z)
    return np.stack([x, np.cross(z, x), z], axis=-1)


def _seen_from(body: Array, v: Array) -> Array:
    """Lab vectors (n, 3) in the body frame."""
    return np.asarray(np.einsum("nji,nj->ni", body, v))
