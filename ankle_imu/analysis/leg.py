"""One leg from ready sensors to angles and stride columns; right-leg convention until the last step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.analysis import foot as foot_stage
from ankle_imu.analysis import joint as joint_stage
from ankle_imu.analysis.foot import FootMotion
from ankle_imu.analysis.rolling import roll_events
from ankle_imu.analysis.sensor import Sensor
from ankle_imu.analysis.shank import ShankWalk, walk_of_shank
from ankle_imu.gait.classes import classify
from ankle_imu.gait.filters import low_pass
from ankle_imu.gait.strides import Strides
from ankle_imu.metrics import inversion as metric
from ankle_imu.metrics.curves import N_POINTS, resample
from ankle_imu.metrics.doubt import range_doubt
from ankle_imu.metrics.settling import find_settling
from ankle_imu.metrics.smoothness import log_jerk
from ankle_imu.orientation.anchor import FLAT_GATE
from ankle_imu.orientation.angles import segment_up
from ankle_imu.settings import Settings
from ankle_imu.units import DEGREE
from ankle_imu.values import Alignment

Array = NDArray[np.float64]

RATE_CUTOFF_HZ = 25.0
"""Low-pass of rates for rolls, smoothness, plantarflexion and the shank, Hz (methods E1: 20-30 Hz, zero phase)."""

PEAK_CUTOFF_HZ = {"walk": 18.0, "jog": 30.0, "run": 30.0}
"""Low-pass of the frontal rate for its peaks, Hz. Own simulation, 3-5 wearers, soft tissue of full and typical
size, median of found / true peaks: walking 1.11 and 1.05 at 25 Hz, 1.07 and 1.02 at 18 Hz; running .94 and .90 at
25 Hz, .97 and .93 at 30 Hz. Soft tissue rings at 5-15 Hz, within the band of a step: one wearer gets .8-1.13."""

TURN_DEG = 20.0
"""A stride that turns more is tagged and left out of the statistics (methods D)."""

SHANK_LONGER = 0.055
"""Share of the stride by which a shank sensor makes the stance too long; taken off for the gait class alone. Own
simulation: 0.06 in walking, 0.04 in jogging, 0.07 in running."""

_VELOCITY = "velocity"
"""Per stride and found with its columns, but a curve, not a number."""

_OF_CONTEXT = ("log_jerk",)
"""Per stride and found with its columns, but a column of the context table."""

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


@dataclass(frozen=True, kw_only=True, eq=False)
class _Joint:
    """Joint angles (n,) deg and rates (n,) deg/s of a leg with two usable sensors; inversion rate unfiltered."""

    dorsiflexion: Array
    inversion: Array
    rotation: Array
    inversion_rate: Array
    plantarflexion_rate: Array
    sigma_yaw: float


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
    pair: _Joint | None = None
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
    strides = _stride_columns(foot, shank, motion, alignment, angles, pair, leg, time, sampling_rate, settings)
    context = {name: strides.pop(name) for name in _OF_CONTEXT if name in strides}
    velocity = strides.pop(_VELOCITY, np.full((len(motion.strides), N_POINTS), np.nan))
    events, rose_s, told = _rolls(
        strides, motion, foot, shank, alignment["foot"], angles, pair, time, sampling_rate, settings
    )
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
) -> tuple[_Joint | None, Sensor]:
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
        _Joint(
            dorsiflexion=angles.dorsiflexion / DEGREE,
            inversion=angles.inversion / DEGREE,
            rotation=angles.rotation / DEGREE,
            inversion_rate=angles.inversion_rate / DEGREE,
            plantarflexion_rate=low_pass(angles.plantarflexion_rate / DEGREE, RATE_CUTOFF_HZ, sampling_rate),
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


def _stride_columns(
    foot: Sensor,
    shank: Sensor | None,
    motion: FootMotion,
    alignment: dict[str, Alignment],
    angles: dict[str, Array],
    pair: _Joint | None,
    leg: str,
    time: Array,
    sampling_rate: float,
    settings: Settings,
) -> dict[str, Any]:
    strides = motion.strides
    columns = _timing(strides, leg, time, sampling_rate)
    columns |= _way(foot, motion, alignment["foot"], leg, sampling_rate)
    columns["gait"] = classify(
        columns["duty_factor"],
        columns["stride_time_s"],
        columns["speed_mps"],
        columns["ic_s"],
        settings.jog_below_mps,
    )
    columns["ff_s"] = np.where(strides.flat_score < FLAT_GATE, time[strides.flat], np.nan)
    blunt = foot.blunt if pair is None or shank is None else foot.blunt | shank.blunt
    columns |= _frontal(strides, foot, alignment["foot"], angles, pair, columns["gait"], blunt, sampling_rate)
    if pair is not None and shank is not None and shank.broken.any():
        alone = _frontal(
            strides, foot, alignment["foot"], angles, None, columns["gait"], foot.blunt, sampling_rate
        )
        torn = count_within(shank.broken, strides) > 0
        columns |= {name: np.where(torn, alone[name].T, columns[name].T).T for name in alone}
    columns |= _sagittal(strides, angles, pair, alignment["foot"], sampling_rate)
    if shank is not None and "shank_tilt" in angles:
        columns |= _shank_columns(strides, shank, alignment["shank"], angles["shank_tilt"], sampling_rate)
    lost = foot.lost if shank is None else foot.lost | shank.lost
    columns["lost_samples"] = count_within(lost, strides)
    columns |= _acceptance(columns, count_within(foot.broken, strides) > 0, alignment["foot"])
    if "inv_at_ic_deg" in columns:
        frontal = pair.inversion if pair is not None else angles["foot_tilt"]
        usable = columns["accepted"] & (columns["angle_source"] == ("foot" if pair is None else "joint"))
        columns |= find_settling(
            frontal,
            columns["inv_at_ic_deg"],
            strides.ic,
            strides.to,
            strides.end,
            columns["gait"],
            usable.astype(bool),
            sampling_rate,
        )
    return columns


def _timing(strides: Strides, leg: str, time: Array, sampling_rate: float) -> dict[str, Any]:
    ic, to, end = (time[0] + x / sampling_rate for x in (strides.ic, strides.to, strides.end))
    return {
        "leg": np.full(len(strides), leg),
        "start_s": ic,
        "end_s": end,
        "ic_s": ic,
        "to_s": to,
        "stride_time_s": end - ic,
        "stance_time_s": to - ic,
        "duty_factor": (to - ic) / (end - ic),
        "cadence_spm": 120.0 / (end - ic),
    }


def _way(
    foot: Sensor, motion: FootMotion, alignment: Alignment, leg: str, sampling_rate: float
) -> dict[str, Array]:
    """Length, height, speed and turn of each stride, foot-flat to foot-flat."""
    strides = motion.strides
    way = motion.position[strides.next_flat] - motion.position[strides.flat]
    length = np.hypot(way[:, 0], way[:, 1])
    turn = foot_stage.turns(foot, strides, alignment.segment_from_sensor[0])
    return {
        "stride_length_m": length,
        "height_change_m": way[:, 2],
        "speed_mps": length * sampling_rate / (strides.end - strides.ic),
        "turn_deg": frames.turn_to_the_left(turn, leg) / DEGREE,
    }


def _frontal(
    strides: Strides,
    foot: Sensor,
    alignment: Alignment,
    angles: dict[str, Array],
    pair: _Joint | None,
    gait: NDArray[np.str_],
    blunt: NDArray[np.bool_],
    sampling_rate: float,
) -> dict[str, Any]:
    """The inv_, ev_ and range_ columns and log_jerk: from the joint where there is one, else the foot's tilt."""
    if len(strides) == 0 or "foot_tilt" not in angles:
        return {"angle_source": np.full(len(strides), "none")}
    if pair is not None:
        angle, rate, leak, sigma = pair.inversion, pair.inversion_rate, pair.dorsiflexion, pair.sigma_yaw
    else:
        angle, leak = angles["foot_tilt"], angles["foot_pitch"]
        rate = foot_rate(foot, alignment)
        sigma = alignment.sigma_yaw_deg * DEGREE
    up, down, velocity = _peak_rates(rate, blunt, strides, gait, sampling_rate)
    sharp = np.where(blunt, np.nan, low_pass(rate, RATE_CUTOFF_HZ, sampling_rate))
    is_flat = strides.flat_score < FLAT_GATE
    at_flat = np.where(is_flat, angle[strides.flat], np.nan)
    tilt = metric.row_mean(_around(angles["foot_tilt"], strides.flat, sampling_rate))
    return {
        "angle_source": np.full(len(strides), "foot" if pair is None else "joint"),
        **metric.excursions(angle, at_flat, strides.ic, strides.to, sampling_rate),
        "peak_inv_vel_dps": up,
        "peak_ev_vel_dps": down,
        "angle_sd_deg": range_doubt(angle, leak, strides.ic, strides.to, sigma, gait, sampling_rate),
        "tilt_ff_deg": np.where(is_flat, tilt, np.nan),
        "log_jerk": log_jerk(sharp, strides.ic, strides.to),
        _VELOCITY: velocity,
    }


def _peak_rates(
    rate: Array, blunt: NDArray[np.bool_], strides: Strides, gait: NDArray[np.str_], sampling_rate: float
) -> tuple[Array, Array, Array]:
    """Largest inversion and eversion rate of each stance, and the rate over it, deg/s, in the band of its gait."""
    peaks, curves = np.full((2, len(strides)), np.nan), np.full((len(strides), N_POINTS), np.nan)
    for cutoff in sorted(set(PEAK_CUTOFF_HZ.values())):
        own = np.isin(gait, [name for name, its in PEAK_CUTOFF_HZ.items() if its == cutoff])
        if own.any():
            smooth = np.where(blunt, np.nan, low_pass(rate, cutoff, sampling_rate))
            peaks[:, own] = metric.peak_rates(smooth, strides.ic[own], strides.to[own])
            curves[own] = resample(smooth, strides.ic[own], strides.end[own])
    return peaks[0], peaks[1], curves


def foot_rate(foot: Sensor, alignment: Alignment) -> Array:
    """Frontal rate of the foot about its own long axis, (n,) deg/s, + = inversion direction."""
    return np.asarray(foot.gyr @ alignment.segment_from_sensor[0] / DEGREE)


def _around(values: Array, at: NDArray[np.int64], sampling_rate: float) -> Array:
    half = max(1, round(0.04 * sampling_rate))
    index = np.clip(at[:, None] + np.arange(-half, half + 1), 0, len(values) - 1)
    return np.asarray(values[index])


def _sagittal(
    strides: Strides, angles: dict[str, Array], pair: _Joint | None, alignment: Alignment, sampling_rate: float
) -> dict[str, Array]:
    columns: dict[str, Array] = {}
    if len(strides) and "foot_pitch" in angles:
        flat = metric.row_mean(_around(angles["foot_pitch"], strides.flat, sampling_rate))
        columns["strike_angle_deg"] = metric.before_contact(angles["foot_pitch"], strides.ic, sampling_rate) - flat
        if alignment.method.startswith("standing"):
            quiet = strides.flat_score < FLAT_GATE
            columns["slope_deg"] = np.where(quiet, flat, np.nan)
    if len(strides) and pair is not None:
        to = np.clip(np.round(strides.to).astype(int), 0, len(pair.dorsiflexion) - 1)
        columns["df_at_ic_deg"] = metric.before_contact(pair.dorsiflexion, strides.ic, sampling_rate)
        columns["df_range_deg"] = metric.spread(pair.dorsiflexion, strides.ic, strides.end)
        columns["pf_at_to_deg"] = -pair.dorsiflexion[to]
        columns["peak_pf_vel_dps"] = metric.highest(pair.plantarflexion_rate, strides.ic, strides.end)
    return columns


def _shank_columns(
    strides: Strides, shank: Sensor, alignment: Alignment, tilt: Array, sampling_rate: float
) -> dict[str, Array]:
    if len(strides) == 0:
        return {}
    rate = _shank_rate(shank, alignment, sampling_rate)
    stop = strides.ic + metric.STANCE_SHARE * (strides.to - strides.ic)
    return {
        "shank_range_stance_deg": metric.spread(tilt, strides.ic, stop),
        "peak_shank_vel_dps": metric.highest(np.abs(rate), strides.ic, strides.to),
    }


def _shank_rate(shank: Sensor, alignment: Alignment, sampling_rate: float) -> Array:
    """Frontal rate of the shank, (n,) deg/s."""
    return low_pass(shank.gyr @ alignment.segment_from_sensor[0] / DEGREE, RATE_CUTOFF_HZ, sampling_rate)


def count_within(flags: NDArray[np.bool_], strides: Strides) -> NDArray[np.int64]:
    """Number of flagged samples in each stride."""
    total = np.concatenate([[0], np.cumsum(flags)])
    start = np.clip(np.ceil(strides.ic).astype(int), 0, len(flags))
    stop = np.clip(np.ceil(strides.end).astype(int), 0, len(flags))
    return np.asarray(total[stop] - total[start], dtype=np.int64)


def _acceptance(columns: dict[str, Any], broken: NDArray[np.bool_], alignment: Alignment) -> dict[str, Any]:
    n = len(columns["ic_s"])
    reason = np.full(n, "", dtype=object)
    reason[np.abs(columns["turn_deg"]) > TURN_DEG] = f"turns more than {TURN_DEG:.0f} deg"
    reason[broken] = "samples lost for more than 60 ms"
    if alignment.verdict == "failed":
        reason[:] = "sensor could not be aligned to the foot"
    return {"reject_reason": reason, "accepted": reason == ""}


def _rolls(
    columns: dict[str, Any],
    motion: FootMotion,
    foot: Sensor,
    shank: Sensor | None,
    alignment: Alignment,
    angles: dict[str, Array],
    pair: _Joint | None,
    time: Array,
    sampling_rate: float,
    settings: Settings,
) -> tuple[dict[str, Any], Array, tuple[str, ...]]:
    if "foot_tilt" not in angles:
        return {}, np.empty(0), ()
    joint = pair is not None
    rate = pair.inversion_rate if pair is not None else foot_rate(foot, alignment)
    return roll_events(
        columns,
        motion,
        pair.inversion if pair is not None else angles["foot_tilt"],
        low_pass(rate, RATE_CUTOFF_HZ, sampling_rate),
        angles["foot_tilt"],
        foot.blunt | shank.blunt if joint and shank is not None else foot.blunt,
        source="joint" if joint else "foot",
        gravity=foot.gravity,
        time=time,
        sampling_rate=sampling_rate,
        settings=settings,
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
    columns = _timing(strides, leg, time, sampling_rate)
    unknown = np.full(len(strides), np.nan)
    duty = columns["duty_factor"] - SHANK_LONGER
    columns["gait"] = classify(duty, columns["stride_time_s"], unknown, columns["ic_s"], settings.jog_below_mps)
    columns |= {"angle_source": np.full(len(strides), "none"), "turn_deg": unknown, "ff_s": unknown}
    if "shank_tilt" in angles:
        columns |= _shank_columns(strides, shank, walk.alignment, angles["shank_tilt"], sampling_rate)
    columns["lost_samples"] = count_within(shank.lost, strides)
    with np.errstate(invalid="ignore"):
        columns |= _acceptance(columns, count_within(shank.broken, strides) > 0, walk.alignment)
    rate = np.where(shank.blunt, np.nan, _shank_rate(shank, walk.alignment, sampling_rate))
    return LegResult(
        angles=angles,
        strides=columns,
        velocity=resample(rate, strides.ic, strides.end),
        events={},
        alignment={"shank": walk.alignment},
        unmeasurable=reasons,
    )
