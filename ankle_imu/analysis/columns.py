"""The stride columns of one leg, from its aligned sensors and its angles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.analysis import foot as foot_stage
from ankle_imu.analysis.foot import FootMotion
from ankle_imu.analysis.sensor import Sensor
from ankle_imu.gait.classes import classify
from ankle_imu.gait.filters import low_pass
from ankle_imu.gait.strides import Strides
from ankle_imu.metrics import inversion as metric
from ankle_imu.metrics.curves import N_POINTS, resample
from ankle_imu.metrics.doubt import range_doubt
from ankle_imu.metrics.manner import TURN_DEG
from ankle_imu.metrics.settling import find_settling
from ankle_imu.metrics.smoothness import log_jerk
from ankle_imu.orientation.anchor import FLAT_GATE
from ankle_imu.settings import Settings
from ankle_imu.units import DEGREE
from ankle_imu.values import Alignment

Array = NDArray[np.float64]

RATE_CUTOFF_HZ: Final = 25.0
"""Low-pass of rates for rolls, smoothness, plantarflexion and the shank, Hz (methods E1: 20-30 Hz, zero phase)."""

PEAK_CUTOFF_HZ: Final = {"walk": 18.0, "jog": 30.0, "run": 30.0}
"""Low-pass of the frontal rate for its peaks, Hz. Own simulation, 3-5 wearers, soft tissue of full and typical
size, median of found / true peaks: walking 1.11 and 1.05 at 25 Hz, 1.07 and 1.02 at 18 Hz; running .94 and .90 at
25 Hz, .97 and .93 at 30 Hz. Soft tissue rings at 5-15 Hz, within the band of a step: one wearer gets .8-1.13."""

FLAT_HALF_S: Final = 0.04
"""Half of the time round foot-flat over which the foot's pose is meant, s (ours: short against foot-flat)."""

VELOCITY: Final = "velocity"
"""Per stride and found with its columns, but a curve, not a number."""

OF_CONTEXT: Final = ("log_jerk",)
"""Per stride and found with its columns, but a column of the context table."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Joint:
    """Joint angles (n,) deg and rates (n,) deg/s of a leg with two usable sensors; inversion rate unfiltered."""

    dorsiflexion: Array
    inversion: Array
    rotation: Array
    inversion_rate: Array
    plantarflexion_rate: Array
    sigma_yaw: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Leg:
    """One leg with a foot sensor, its sensors followed and aligned; right-leg convention.

    `name`: `left` or `right`; `time`: (n,) s; `sampling_rate`: Hz; `shank`: None without one, else in the foot's
    time; `alignment`: `foot` and, where found, `shank`; `angles`: kind -> (n,) deg, NaN where samples are lost;
    `joint`: None unless both sensors feel one ankle.
    """

    name: str
    time: Array
    sampling_rate: float
    settings: Settings
    foot: Sensor
    shank: Sensor | None
    motion: FootMotion
    alignment: dict[str, Alignment]
    angles: dict[str, Array]
    joint: Joint | None

    @property
    def strides(self) -> Strides:
        """The strides of the foot."""
        return self.motion.strides

    @property
    def blunt(self) -> NDArray[np.bool_]:
        """Samples whose frontal rate is not to be believed, (n,)."""
        return self.foot.blunt if self.joint is None or self.shank is None else self.foot.blunt | self.shank.blunt

    @property
    def frontal_rate(self) -> Array:
        """Rate of the ankle's inversion, else of the foot about its own long axis, (n,) deg/s, unfiltered."""
        if self.joint is not None:
            return self.joint.inversion_rate
        return np.asarray(self.foot.gyr @ self.alignment["foot"].segment_from_sensor[0] / DEGREE)

    @property
    def frontal_angle(self) -> Array:
        """Inversion of the ankle, else the foot's tilt, (n,) deg."""
        return self.joint.inversion if self.joint is not None else self.angles["foot_tilt"]


def stride_columns(leg: Leg) -> dict[str, Any]:
    """Columns of `tables.STRIDES` without ids, with `OF_CONTEXT` and the curves `VELOCITY`, (strides, 101)."""
    strides, shank = leg.strides, leg.shank
    columns = timing(strides, leg.name, leg.time, leg.sampling_rate) | _way(leg)
    columns["gait"] = classify(
        columns["duty_factor"],
        columns["stride_time_s"],
        columns["speed_mps"],
        columns["ic_s"],
        leg.settings.jog_below_mps,
    )
    columns["ff_s"] = np.where(strides.flat_score < FLAT_GATE, leg.time[strides.flat], np.nan)
    columns |= _frontal(leg, columns["gait"])
    columns |= _sagittal(leg)
    if shank is not None and "shank_tilt" in leg.angles:
        columns |= shank_columns(
            strides, shank, leg.alignment["shank"], leg.angles["shank_tilt"], leg.sampling_rate
        )
    lost = leg.foot.lost if shank is None else leg.foot.lost | shank.lost
    columns["lost_samples"] = count_within(lost, strides)
    columns |= acceptance(columns, count_within(leg.foot.broken, strides) > 0, leg.alignment["foot"])
    return columns | _settling(leg, columns)


def timing(strides: Strides, leg: str, time: Array, sampling_rate: float) -> dict[str, Any]:
    """Contacts and durations of the strides of a `leg` in session time."""
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


def shank_columns(
    strides: Strides, shank: Sensor, alignment: Alignment, tilt: Array, sampling_rate: float
) -> dict[str, Array]:
    """Range of the shank's tilt (n,) deg in stance and its fastest frontal rate."""
    if len(strides) == 0:
        return {}
    rate = shank_rate(shank, alignment, sampling_rate)
    stop = strides.ic + metric.STANCE_SHARE * (strides.to - strides.ic)
    return {
        "shank_range_stance_deg": metric.spread(tilt, strides.ic, stop),
        "peak_shank_vel_dps": metric.highest(np.abs(rate), strides.ic, strides.to),
    }


def shank_rate(shank: Sensor, alignment: Alignment, sampling_rate: float) -> Array:
    """Frontal rate of the shank, (n,) deg/s."""
    return low_pass(shank.gyr @ alignment.segment_from_sensor[0] / DEGREE, RATE_CUTOFF_HZ, sampling_rate)


def count_within(flags: NDArray[np.bool_], strides: Strides) -> NDArray[np.int64]:
    """Number of flagged samples in each stride."""
    total = np.concatenate([[0], np.cumsum(flags)])
    start = np.clip(np.ceil(strides.ic).astype(int), 0, len(flags))
    stop = np.clip(np.ceil(strides.end).astype(int), 0, len(flags))
    return np.asarray(total[stop] - total[start], dtype=np.int64)


def acceptance(columns: dict[str, Any], broken: NDArray[np.bool_], alignment: Alignment) -> dict[str, Any]:
    """Which strides count, and the reason of each that does not; `broken`: (strides,), samples are lost in it."""
    n = len(columns["ic_s"])
    reason = np.full(n, "", dtype=object)
    reason[np.abs(columns["turn_deg"]) > TURN_DEG] = f"turns more than {TURN_DEG:.0f} deg"
    reason[broken] = "samples lost for more than 60 ms"
    if alignment.verdict == "failed":
        reason[:] = "sensor could not be aligned to the foot"
    return {"reject_reason": reason, "accepted": reason == ""}


def _way(leg: Leg) -> dict[str, Array]:
    """Length, height, speed and turn of each stride, foot-flat to foot-flat."""
    strides = leg.strides
    way = leg.motion.position[strides.next_flat] - leg.motion.position[strides.flat]
    length = np.hypot(way[:, 0], way[:, 1])
    turn = foot_stage.turns(leg.foot, strides, leg.alignment["foot"].segment_from_sensor[0])
    return {
        "stride_length_m": length,
        "height_change_m": way[:, 2],
        "speed_mps": length * leg.sampling_rate / (strides.end - strides.ic),
        "turn_deg": frames.turn_to_the_left(turn, leg.name) / DEGREE,
    }


def _frontal(leg: Leg, gait: NDArray[np.str_]) -> dict[str, Any]:
    """The frontal columns: of the joint, and of the foot alone where the shank's samples are lost."""
    columns = _one_frontal(leg, gait)
    if leg.joint is None or leg.shank is None or not leg.shank.broken.any():
        return columns
    alone = _one_frontal(replace(leg, joint=None), gait)
    torn = count_within(leg.shank.broken, leg.strides) > 0
    return columns | {name: np.where(torn, alone[name].T, columns[name].T).T for name in alone}


def _one_frontal(leg: Leg, gait: NDArray[np.str_]) -> dict[str, Any]:
    """The inv_, ev_ and range_ columns and log_jerk: from the joint where there is one, else the foot's tilt."""
    strides, angles, sampling_rate = leg.strides, leg.angles, leg.sampling_rate
    if len(strides) == 0 or "foot_tilt" not in angles:
        return {"angle_source": np.full(len(strides), "none")}
    angle, rate, blunt = leg.frontal_angle, leg.frontal_rate, leg.blunt
    if leg.joint is not None:
        leak, sigma = leg.joint.dorsiflexion, leg.joint.sigma_yaw
    else:
        leak, sigma = angles["foot_pitch"], leg.alignment["foot"].sigma_yaw_deg * DEGREE
    up, down, velocity = _peak_rates(rate, blunt, strides, gait, sampling_rate)
    sharp = np.where(blunt, np.nan, low_pass(rate, RATE_CUTOFF_HZ, sampling_rate))
    is_flat = strides.flat_score < FLAT_GATE
    at_flat = np.where(is_flat, angle[strides.flat], np.nan)
    tilt = metric.row_mean(_around(angles["foot_tilt"], strides.flat, sampling_rate))
    return {
        "angle_source": np.full(len(strides), "foot" if leg.joint is None else "joint"),
        **metric.excursions(angle, at_flat, strides.ic, strides.to, sampling_rate),
        "peak_inv_vel_dps": up,
        "peak_ev_vel_dps": down,
        "angle_sd_deg": range_doubt(angle, leak, strides.ic, strides.to, sigma, gait, sampling_rate),
        "tilt_ff_deg": np.where(is_flat, tilt, np.nan),
        "log_jerk": log_jerk(sharp, strides.ic, strides.to),
        VELOCITY: velocity,
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


def _around(values: Array, at: NDArray[np.int64], sampling_rate: float) -> Array:
    """Values in the `FLAT_HALF_S` to either side of each index, (len(at), k)."""
    half = max(1, round(FLAT_HALF_S * sampling_rate))
    index = np.clip(at[:, None] + np.arange(-half, half + 1), 0, len(values) - 1)
    return np.asarray(values[index])


def _sagittal(leg: Leg) -> dict[str, Array]:
    """Strike angle and slope from the foot; dorsiflexion and plantarflexion from the joint."""
    strides, sampling_rate = leg.strides, leg.sampling_rate
    columns: dict[str, Array] = {}
    if len(strides) and "foot_pitch" in leg.angles:
        pitch = leg.angles["foot_pitch"]
        flat = metric.row_mean(_around(pitch, strides.flat, sampling_rate))
        columns["strike_angle_deg"] = metric.before_contact(pitch, strides.ic, sampling_rate) - flat
        if leg.alignment["foot"].method.startswith("standing"):
            columns["slope_deg"] = np.where(strides.flat_score < FLAT_GATE, flat, np.nan)
    if len(strides) and leg.joint is not None:
        dorsiflexion = leg.joint.dorsiflexion
        to = np.clip(np.round(strides.to).astype(int), 0, len(dorsiflexion) - 1)
        columns["df_at_ic_deg"] = metric.before_contact(dorsiflexion, strides.ic, sampling_rate)
        columns["df_range_deg"] = metric.spread(dorsiflexion, strides.ic, strides.end)
        columns["pf_at_to_deg"] = -dorsiflexion[to]
        columns["peak_pf_vel_dps"] = metric.highest(leg.joint.plantarflexion_rate, strides.ic, strides.end)
    return columns


def _settling(leg: Leg, columns: dict[str, Any]) -> dict[str, Any]:
    """How long after contact the frontal angle needs to come to rest, of the strides that count."""
    if "inv_at_ic_deg" not in columns:
        return {}
    strides = leg.strides
    usable = columns["accepted"] & (columns["angle_source"] == ("foot" if leg.joint is None else "joint"))
    return find_settling(
        leg.frontal_angle,
        columns["inv_at_ic_deg"],
        strides.ic,
        strides.to,
        strides.end,
        columns["gait"],
        usable.astype(bool),
        leg.sampling_rate,
    )
