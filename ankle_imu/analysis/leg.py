"""One leg from ready sensors to angles, stride columns and events; right-leg convention until the last step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.analysis import columns as table
from ankle_imu.analysis import foot as foot_stage
from ankle_imu.analysis import joint as joint_stage
from ankle_imu.analysis.columns import Joint, Leg, stride_columns
from ankle_imu.analysis.foot import FootMotion
from ankle_imu.analysis.rolling import roll_events
from ankle_imu.analysis.sensor import Sensor
from ankle_imu.analysis.shank import ShankWalk, walk_of_shank
from ankle_imu.gait.classes import classify
from ankle_imu.gait.filters import low_pass
from ankle_imu.gait.strides import Strides
from ankle_imu.metrics.curves import N_POINTS, resample
from ankle_imu.orientation.angles import segment_up
from ankle_imu.settings import Settings
from ankle_imu.units import DEGREE
from ankle_imu.values import Alignment

Array = NDArray[np.float64]

SHANK_LONGER = 0.055
"""Share of the stride by which a shank sensor makes the stance too long; taken off for the gait class alone. Own
simulation: 0.06 in walking, 0.04 in jogging, 0.07 in running."""

NEEDS_BOTH = "needs a foot and a shank sensor on the same leg"
NEEDS_FOOT = "needs a foot sensor on this leg"
NEEDS_SHANK = "needs a shank sensor on this leg"


@dataclass(frozen=True, kw_only=True, eq=False)
class LegResult:
    """What one leg gave.

    `angles`: angle kind -> (n,) deg, only those that could be measured; `strides`, `events`: columns of the
    tables without ids; `context`: columns of the context table that the sensors tell; `velocity`: (strides, 101)
    deg/s, frontal rate over each stride; `rose_s`: (events,) s, when each event began; `alignment`, `sync`:
    entries of `quality`; `unmeasurable`: angle kind -> reason.
    """

    angles: dict[str, Array]
    strides: dict[str, Any]
    events: dict[str, Any]
    alignment: dict[str, Alignment]
    rose_s: Array = field(default_factory=lambda: np.empty(0))
    sync: dict[str, float] = field(default_factory=dict)
    unmeasurable: dict[str, str] = field(default_factory=dict)
    context: dict[str, Any] = field(default_factory=dict)
    velocity: Array = field(default_factory=lambda: np.empty((0, N_POINTS)))
    warnings: tuple[str, ...] = ()


def analyze_leg(
    sensors: dict[str, Sensor],
    leg: str,
    time: Array,
    sampling_rate: float,
    known: dict[str, Alignment],
    settings: Settings,
    other_lead: Callable[[], float] | None = None,
) -> LegResult:
    """Analyze one leg.

    Parameters
    ----------
    sensors : `foot` and/or `shank` -> Sensor
    leg : `left` or `right`; only words and the sign of turns depend on it
    time : (n,) s
    known : `foot` and/or `shank` -> Alignment that replaces its estimation
    settings : Settings
    other_lead : see `foot.align`
    """
    if "foot" not in sensors:
        return _shank_alone(sensors["shank"], leg, time, sampling_rate, known.get("shank"), settings)
    foot = sensors["foot"]
    motion = foot_stage.follow(foot, sampling_rate)
    foot_stage.check_signs(foot, motion, f"{leg}_foot")
    standing = foot_stage.is_standing(foot, motion, sampling_rate)
    alignment = {"foot": known.get("foot") or foot_stage.align(foot, motion, standing, sampling_rate, other_lead)}
    reasons: dict[str, str] = {}
    angles = _foot_angles(foot, motion, alignment["foot"], sampling_rate, reasons)
    sync: dict[str, float] = {}
    pair: Joint | None = None
    shank = sensors.get("shank")
    if shank is None:
        reasons |= dict.fromkeys(("inversion", "dorsiflexion", "rotation"), NEEDS_BOTH)
        reasons |= dict.fromkeys(("shank_tilt", "shank_pitch"), NEEDS_SHANK)
    else:
        pair, shank = _pair(
            foot, shank, motion, alignment, standing, sampling_rate, known, settings, sync, reasons
        )
        angles |= _shank_angles(shank, alignment.get("shank"), reasons)
    if pair is not None:
        angles |= {
            "inversion": pair.inversion,
            "dorsiflexion": pair.dorsiflexion,
            "rotation": about_stride_mean(pair.rotation, motion.strides),
        }
    no_shank = shank.broken if shank is not None else np.zeros(len(time), dtype=bool)
    for kind, values in angles.items():
        if not kind.startswith("shank"):
            values[foot.broken] = np.nan
        if not kind.startswith("foot"):
            values[no_shank] = np.nan
    walked = Leg(
        name=leg,
        time=time,
        sampling_rate=sampling_rate,
        settings=settings,
        foot=foot,
        shank=shank,
        motion=motion,
        alignment=alignment,
        angles=angles,
        joint=pair,
    )
    strides = stride_columns(walked)
    context = {name: strides.pop(name) for name in table.OF_CONTEXT if name in strides}
    velocity = strides.pop(table.VELOCITY, np.full((len(motion.strides), N_POINTS), np.nan))
    events, rose_s, told = _rolls(walked, strides)
    return LegResult(
        angles=angles,
        strides=strides,
        context=context,
        velocity=velocity,
        events=events,
        rose_s=rose_s,
        alignment=alignment,
        sync=sync,
        unmeasurable=reasons,
        warnings=told,
    )


def _foot_angles(
    foot: Sensor, motion: FootMotion, alignment: Alignment, sampling_rate: float, reasons: dict[str, str]
) -> dict[str, Array]:
    if alignment.verdict == "failed":
        reasons |= dict.fromkeys(("foot_tilt", "foot_pitch"), alignment.reason)
        return {}
    tilt, pitch = foot_stage.tilt_and_pitch(foot, motion, alignment.segment_from_sensor, sampling_rate)
    return {"foot_tilt": tilt / DEGREE, "foot_pitch": pitch / DEGREE}


def _shank_angles(shank: Sensor, alignment: Alignment | None, reasons: dict[str, str]) -> dict[str, Array]:
    if alignment is None or alignment.verdict == "failed":
        reason = alignment.reason if alignment is not None else "the shank's axes could not be found"
        reasons |= dict.fromkeys(("shank_tilt", "shank_pitch"), reason)
        return {}
    tilt, pitch = frames.shank_angles_from_up(segment_up(shank.quat, alignment.segment_from_sensor))
    return {"shank_tilt": tilt / DEGREE, "shank_pitch": pitch / DEGREE}


def _pair(
    foot: Sensor,
    shank: Sensor,
    motion: FootMotion,
    alignment: dict[str, Alignment],
    standing: NDArray[np.bool_],
    sampling_rate: float,
    known: dict[str, Alignment],
    settings: Settings,
    sync: dict[str, float],
    reasons: dict[str, str],
) -> tuple[Joint | None, Sensor]:
    """Joint angles where foot and shank agree on one ankle centre; the shank in the foot's time."""
    joint_kinds = ("inversion", "dorsiflexion", "rotation")
    heading = joint_stage.relative_heading(foot, shank, motion, sampling_rate)
    if heading is None or alignment["foot"].verdict == "failed":
        reasons |= dict.fromkeys(joint_kinds, "no strides in which both sensors of the leg were received")
        return None, shank
    sync |= {"lag_s": heading.lag_s, "coherence": heading.coherence}
    shank = joint_stage.shift(shank, heading.lag_s * sampling_rate)
    seen = np.where(heading.is_seen, heading.delta, np.nan)
    carried = joint_stage.carry_axes(foot, shank, motion, alignment["foot"], standing, seen)
    alignment["shank"] = known.get("shank") or carried
    if heading.coherence < settings.coherence_needed:
        reason = (
            f"foot and shank sensor do not feel the same ankle (coherence {heading.coherence:.2f}, "
            f"{settings.coherence_needed:.2f} is needed): check that both sit firmly on the same leg "
            "and that their times come from one clock"
        )
        reasons |= dict.fromkeys(joint_kinds, reason)
        alignment["shank"] = replace(alignment["shank"], verdict="doubtful", reason=reason)
        return None, shank
    chosen = (alignment["foot"].segment_from_sensor, alignment["shank"].segment_from_sensor)
    angles = joint_stage.joint(foot, shank, chosen, heading.delta)
    return (
        Joint(
            dorsiflexion=angles.dorsiflexion / DEGREE,
            inversion=angles.inversion / DEGREE,
            rotation=angles.rotation / DEGREE,
            inversion_rate=angles.inversion_rate / DEGREE,
            plantarflexion_rate=low_pass(angles.plantarflexion_rate / DEGREE, table.RATE_CUTOFF_HZ, sampling_rate),
            sigma_yaw=alignment["shank"].sigma_yaw_deg * DEGREE,
        ),
        shank,
    )


def about_stride_mean(rotation: Array, strides: Strides) -> Array:
    """Internal rotation less its mean over each stride, (n,) deg: its mean is not observable.

    Beside the strides, the means of the nearest ones are taken off.
    """
    if len(strides) == 0:
        return np.full(len(rotation), np.nan)
    total = np.concatenate([[0.0], np.cumsum(rotation)])
    start, stop = np.ceil(strides.ic).astype(int), np.ceil(strides.end).astype(int)
    mean = (total[stop] - total[start]) / np.maximum(stop - start, 1)
    at = np.arange(len(rotation))
    off = np.interp(at, 0.5 * (start + stop), mean)
    own = np.maximum(np.searchsorted(start, at, side="right") - 1, 0)
    inside = (at >= start[own]) & (at < stop[own])
    off[inside] = mean[own[inside]]
    return np.asarray(rotation - off)


def _rolls(leg: Leg, columns: dict[str, Any]) -> tuple[dict[str, Any], Array, tuple[str, ...]]:
    if "foot_tilt" not in leg.angles:
        return {}, np.empty(0), ()
    return roll_events(
        columns,
        leg.motion,
        leg.frontal_angle,
        low_pass(leg.frontal_rate, table.RATE_CUTOFF_HZ, leg.sampling_rate),
        leg.angles["foot_tilt"],
        leg.blunt,
        source="foot" if leg.joint is None else "joint",
        gravity=leg.foot.gravity,
        time=leg.time,
        sampling_rate=leg.sampling_rate,
        settings=leg.settings,
    )


def _shank_alone(
    shank: Sensor, leg: str, time: Array, sampling_rate: float, known: Alignment | None, settings: Settings
) -> LegResult:
    walk: ShankWalk = walk_of_shank(shank, known, sampling_rate)
    reasons = dict.fromkeys(("foot_tilt", "foot_pitch"), NEEDS_FOOT)
    reasons |= dict.fromkeys(("inversion", "dorsiflexion", "rotation"), NEEDS_BOTH)
    angles = _shank_angles(shank, walk.alignment, reasons)
    for values in angles.values():
        values[shank.broken] = np.nan
    strides = walk.strides
    columns = table.timing(strides, leg, time, sampling_rate)
    unknown = np.full(len(strides), np.nan)
    duty = columns["duty_factor"] - SHANK_LONGER
    columns["gait"] = classify(duty, columns["stride_time_s"], unknown, columns["ic_s"], settings.jog_below_mps)
    columns |= {"angle_source": np.full(len(strides), "none"), "turn_deg": unknown, "ff_s": unknown}
    if "shank_tilt" in angles:
        columns |= table.shank_columns(strides, shank, walk.alignment, angles["shank_tilt"], sampling_rate)
    columns["lost_samples"] = table.count_within(shank.lost, strides)
    with np.errstate(invalid="ignore"):
        columns |= table.acceptance(columns, table.count_within(shank.broken, strides) > 0, walk.alignment)
    rate = np.where(shank.blunt, np.nan, table.shank_rate(shank, walk.alignment, sampling_rate))
    return LegResult(
        angles=angles,
        strides=columns,
        velocity=resample(rate, strides.ic, strides.end),
        events={},
        alignment={"shank": walk.alignment},
        unmeasurable=reasons,
    )
