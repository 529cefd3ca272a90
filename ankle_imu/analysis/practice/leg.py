"""One leg that practises: its angles over the session from what it wears, each claim with its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu import quaternion as qt
from ankle_imu.analysis.practice.alignment import Worn, align_sensor
from ankle_imu.analysis.sensor import Sensor
from ankle_imu.gait.filters import low_pass, low_pass_decimated
from ankle_imu.mobility import ACTION_SIGNS, Block, PracticeSettings
from ankle_imu.orientation.fusion import BREAK_S
from ankle_imu.practice.angles import ankle_from_gravity
from ankle_imu.practice.stretches import stretches
from ankle_imu.practice.sway import SWAY_HZ
from ankle_imu.practice.trace import Trace, make_trace
from ankle_imu.units import DEGREE
from ankle_imu.values import Alignment

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

UPRIGHT = np.array([0.0, 0.0, 1.0])

NO_POSE = "no still neutral pose was found: sit with the foot flat and do not move for 5 s"
NEEDS_FOOT = "it takes a sensor on the foot"
NEEDS_SHANK = "it takes a sensor on the shank"


@dataclass(frozen=True, kw_only=True, eq=False)
class PracticeLeg:
    """Angles of one leg over the session, (n,) deg each, right-leg convention.

    `angles`: name without `_deg` -> as measured; `smooth`: the same, voluntary part; `shank_up`: (n, 3) up
    direction, shank frame, None without its sensor; `turn`: (n,) deg, foot against shank about the vertical,
    heading arbitrary, NaN without both; `speed`: segment -> (n,) deg/s; `broken`: (n,) not received for longer
    than `fusion.BREAK_S`; `missing`: (n,) not received for longer than `grid.SHORT_GAP_S`; `source`: `joint` |
    `foot` | `shank`.
    """

    leg: str
    angles: Mapping[str, Array]
    smooth: Mapping[str, Array]
    shank_up: Array | None
    shank_has_direction: bool
    turn: Array
    speed: Mapping[str, Array]
    broken: Mask
    missing: Mask
    source: str
    sampling_rate: float
    alignment: Mapping[str, Alignment]
    warnings: tuple[str, ...]

    def angle_of(self, block: Block) -> tuple[str, float, str]:
        """Name and sign of the angle that shows the block's movement, and why there is none, "" when there is."""
        if block.exercise == "lunge":
            known = "shank_pitch" in self.angles
            asked = NO_POSE if self.shank_up is None and self.source != "foot" else NEEDS_SHANK
            return "shank_pitch", 1.0, "" if known else asked
        if not block.action:
            return "", 1.0, ""
        name, sign = ACTION_SIGNS[block.action]
        if self.source != "joint":
            name = {"dorsiflexion": "foot_pitch", "inversion": "foot_tilt"}[name]
        if name in self.angles:
            return name, sign, ""
        return name, sign, NEEDS_FOOT if self.source == "shank" else NO_POSE

    def swaying(self, name: str) -> Array:
        """One angle (n,), deg, below the limit of sway."""
        return low_pass(self.angles[name], SWAY_HZ, self.sampling_rate)

    def trace(self, name: str, sign: float, rows: slice, counted: Mask, time: Array, rate: float) -> Trace:
        """One angle over some samples in its action's own direction."""
        return make_trace(
            time[rows],
            sign * self.angles[name][rows],
            sign * self.smooth[name][rows],
            (counted & ~self.broken)[rows],
            rate,
        )


def follow_leg(
    sensors: Mapping[str, Sensor],
    leg: str,
    blocks: Sequence[Block],
    time: Array,
    sampling_rate: float,
    known: Mapping[str, Alignment],
    settings: PracticeSettings,
) -> PracticeLeg:
    """Angles of one leg from gravity.

    Parameters
    ----------
    sensors : segment -> Sensor
    leg : `left` or `right`
    blocks : of this leg
    time : (n,) s
    sampling_rate : float, Hz
    known : segment -> Alignment from elsewhere
    settings : PracticeSettings

    Notes
    -----
    With both sensors the joint's angles; with the foot's alone, or a shank sensor of unknown direction beside
    it, the foot's angle with the shank assumed upright and still; with the shank's alone its tilt.
    """
    worn = {
        segment: align_sensor(sensor, segment, blocks, time, sampling_rate, known.get(segment))
        for segment, sensor in sensors.items()
    }
    ups = {segment: one.up(sensors[segment]) for segment, one in worn.items() if one is not None}
    directed = [segment for segment, one in worn.items() if one is not None and one.has_direction]
    angles = leg_angles(ups, directed)
    source = "joint" if "inversion" in angles else ("foot" if "foot" in sensors else "shank")
    missing = np.any([one.broken for one in sensors.values()], axis=0)
    return PracticeLeg(
        leg=leg,
        angles=angles,
        smooth={name: _voluntary(values, settings, sampling_rate) for name, values in angles.items()},
        shank_up=ups.get("shank"),
        shank_has_direction="shank" in directed,
        turn=foot_turn(sensors, worn, len(time)),
        speed={segment: _speed(one, sampling_rate) for segment, one in sensors.items()},
        broken=_long(missing, BREAK_S * sampling_rate),
        missing=missing,
        source=source,
        sampling_rate=sampling_rate,
        alignment={segment: one.alignment for segment, one in worn.items() if one is not None},
        warnings=tuple(_warnings(leg, worn)),
    )


def leg_angles(ups: Mapping[str, Array], directed: Sequence[str]) -> dict[str, Array]:
    """Angles (n,), deg, from the up directions (n, 3) of the segments, of those whose direction is known."""
    angles: dict[str, Array] = {}
    if "foot" in directed:
        pitch, tilt = ankle_from_gravity(ups["foot"], UPRIGHT)
        angles |= {"foot_tilt": tilt / DEGREE, "foot_pitch": pitch / DEGREE}
    if "shank" in directed:
        tilt, pitch = frames.shank_angles_from_up(ups["shank"])
        angles |= {"shank_tilt": tilt / DEGREE, "shank_pitch": pitch / DEGREE}
    if "foot" in directed and "shank" in directed:
        flexion, inversion = ankle_from_gravity(ups["foot"], ups["shank"])
        angles |= {"inversion": inversion / DEGREE, "dorsiflexion": flexion / DEGREE}
    return angles


def _long(missing: Mask, longest: float) -> Mask:
    """Only those stretches of missing samples that are longer than so many samples.

    Notes
    -----
    Across shorter ones the orientation goes on, and nothing that ends a hold, which takes 0.5 s, can hide in them.
    """
    out = np.zeros(len(missing), dtype=bool)
    for start, stop in stretches(missing, longest):
        out[start:stop] = True
    return out


def _voluntary(values: Array, settings: PracticeSettings, sampling_rate: float) -> Array:
    """An angle without its tremor; NaN stays where it was."""
    hidden = ~np.isfinite(values)
    if hidden.all():
        return values
    filled = np.interp(np.arange(len(values)), np.flatnonzero(~hidden), values[~hidden])
    smooth = low_pass(filled, settings.voluntary_hz, sampling_rate)
    return np.where(hidden, np.nan, smooth)


def _speed(sensor: Sensor, sampling_rate: float) -> Array:
    smooth = low_pass_decimated(sensor.gyr, 10.0, sampling_rate, 1)
    return np.asarray(np.linalg.norm(smooth, axis=1) / DEGREE)


def foot_turn(sensors: Mapping[str, Sensor], worn: Mapping[str, Worn | None], n: int) -> Array:
    """Turn (n,) of the foot against the shank about its vertical axis, deg, up to a constant; NaN without both."""
    foot, shank = worn.get("foot"), worn.get("shank")
    if foot is None or shank is None or not (foot.has_direction and shank.has_direction):
        return np.full(n, np.nan)
    segments = {}
    for name, one in (("foot", foot), ("shank", shank)):
        parts = []
        stops = np.append(one.starts[1:], n)
        for start, stop, frame in zip(one.starts, stops, one.frames, strict=True):
            parts.append(qt.multiply(sensors[name].quat[start:stop], qt.from_matrix(frame.T)))
        segments[name] = np.concatenate(parts)
    _, _, rotation = frames.joint_angles(qt.multiply(qt.conjugate(segments["shank"]), segments["foot"]))
    return np.asarray(rotation / DEGREE)


def _warnings(leg: str, worn: Mapping[str, Worn | None]) -> list[str]:
    told = []
    for segment, one in worn.items():
        if one is None:
            told.append(f"{leg} {segment}: {NO_POSE}")
        else:
            told += [f"{leg} leg: {words}" for words in one.warnings]
            told += [f"{leg} {segment}: {one.alignment.reason}"] if not one.has_direction else []
    return told
