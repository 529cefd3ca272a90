"""Are the sensors worn as their names say, and did they stay so? The verdict, and what becomes of the strides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu import quaternion as qt
from ankle_imu.analysis.grid import Gridded
from ankle_imu.analysis.leg import LegResult
from ankle_imu.calibration import sides
from ankle_imu.calibration.sensor_range import range_end
from ankle_imu.calibration.slip import find_slip, stride_frames
from ankle_imu.calibration.traits import Traits, describe, in_step
from ankle_imu.calibration.wearing import FOOT_FROM, Wrong, judge, not_worn
from ankle_imu.metrics.manner import TURN_DEG
from ankle_imu.units import DEGREE
from ankle_imu.values import Alignment

Array = NDArray[np.float64]

STRAIGHT_DEG: Final = 15.0

LEAST_STRIDES: Final = 3
"""Fewer are no walk that says how the sensors are worn."""

LEAST_WALK_S: Final = 10.0
"""A sensor is judged by what it does in walking alone, where there is so much of it: who cycles in the same
session turns the foot as a walking shank turns."""

MOST_SLIPS: Final = 3

FLIPPED_DEG: Final = 45.0
"""Mean acceleration of a worn foot or shank is within 25 deg of its z axis in all recordings at hand; beyond this
the sensor does not sit as its saved alignment says."""


@dataclass(frozen=True, kw_only=True)
class Slipped:
    """A sensor that slipped: `time_s` of the first slip, s from session start; `degrees` it turned then."""

    placement: str
    time_s: float
    degrees: float

    @property
    def words(self) -> str:
        """What happened and what to do."""
        return (
            f"{self.placement}: the sensor slipped by {self.degrees:.0f} deg at {clock(self.time_s)} (hours from "
            "the start); strides after that are left out. Strap it tighter, and stand and tap your toes anew"
        )


def clock(seconds: float) -> str:
    """Hours, minutes and seconds, `00:12:30`."""
    whole = round(seconds)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def find_wrong(
    gridded: Mapping[str, Gridded], legs: Mapping[str, LegResult], time: Array, sampling_rate: float
) -> tuple[Wrong, ...]:
    """What is worn otherwise than it is named.

    Parameters
    ----------
    gridded : placement -> Gridded
    legs : leg -> LegResult, of the same sensors
    time : (n,) float array, s
    sampling_rate : float, Hz

    Returns
    -------
    tuple of Wrong; without a walk only what is plainly not worn; nothing of a sensor that was not received in it
    """
    walking = _is_walking(legs, time)
    heard = {p: walking & ~one.broken for p, one in gridded.items()}
    enough = min(LEAST_WALK_S * sampling_rate, 0.5 * walking.sum())
    traits = {p: _traits(one, heard[p], sampling_rate) for p, one in gridded.items() if heard[p].sum() >= enough}
    if not any(len(leg.strides["ic_s"]) >= LEAST_STRIDES for leg in legs.values()):
        return not_worn(traits)
    pairs = [(f, s) for f in gridded for s in gridded if f.endswith("foot") and s.endswith("shank")]
    agreement = {(f, s): _agreement(gridded[f], gridded[s], sampling_rate) for f, s in pairs}
    feet = [p for p in traits if p.endswith("foot") and traits[p].rest > FOOT_FROM]
    turned_in = [_turn_in(gridded[p], legs[frames.leg_of(p)], frames.leg_of(p), time, sampling_rate) for p in feet]
    width, error = float("nan"), float("nan")
    if len(feet) == 2:
        width, error = sides.track_width(*(_ways(legs[leg]) for leg in frames.LEGS))
    return judge(traits, agreement, sides.side_odds(turned_in, width, error))


def _is_walking(legs: Mapping[str, LegResult], time: Array) -> NDArray[np.bool_]:
    """Where any leg makes strides, a second before and after too, (n,); everywhere when that is too little."""
    change = np.zeros(len(time) + 1, dtype=np.int64)
    for leg in legs.values():
        start, end = np.asarray(leg.strides["start_s"]), np.asarray(leg.strides["end_s"])
        np.add.at(change, np.searchsorted(time, start - 1.0), 1)
        np.add.at(change, np.searchsorted(time, end + 1.0), -1)
    walking = np.cumsum(change[:-1]) > 0
    return walking if walking.sum() * (time[-1] - time[0]) > LEAST_WALK_S * len(time) else np.ones_like(walking)


def _agreement(first: Gridded, second: Gridded, sampling_rate: float) -> float:
    """Whether two sensors move in step while both were received."""
    both = ~(first.broken | second.broken)
    return in_step(first.gyr[both], second.gyr[both], sampling_rate)


def _traits(one: Gridded, heard: NDArray[np.bool_], sampling_rate: float) -> Traits:
    """How a sensor moves in walking; nothing on its segment when its gyroscope clips."""
    traits = describe(one.acc[heard], one.gyr[heard], sampling_rate)
    return replace(traits, rest=float("nan")) if range_end(one.gyr)[1] else traits


def _turn_in(one: Gridded, result: LegResult, leg: str, time: Array, sampling_rate: float) -> float:
    strides = result.strides
    straight = np.abs(strides["turn_deg"]) < STRAIGHT_DEG
    walking = straight & (np.asarray(strides["gait"]) == "walk")
    chosen = walking if walking.sum() >= LEAST_STRIDES else straight
    ic, to, end = ((strides[name][chosen] - time[0]) * sampling_rate for name in ("ic_s", "to_s", "end_s"))
    acc, gyr = frames.mirror_acc(one.acc, leg), frames.mirror_gyr(one.gyr, leg)
    return sides.turn_in(acc, gyr, ic, to, end, sampling_rate)


def _ways(result: LegResult) -> tuple[Array, Array, Array]:
    strides = result.strides
    middle = 0.5 * (strides["start_s"] + strides["end_s"])
    return middle, strides["stride_length_m"], strides["turn_deg"] * DEGREE


def straighten(
    placement: str, one: Gridded, result: LegResult, time: Array, sampling_rate: float
) -> tuple[Gridded, Slipped | None]:
    """The sensor as if it had not slipped.

    Parameters
    ----------
    placement : str, one of the leg's sensors
    one : Gridded, its data
    result : LegResult
    time : (n,) float array, s
    sampling_rate : float, Hz

    Returns
    -------
    one : Gridded, after each slip turned back by what the strides show; the same when there is none
    slipped : Slipped or None, the first slip
    """
    strides = result.strides
    if not len(strides["ic_s"]):
        return one, None
    turn = np.nan_to_num(np.asarray(strides["turn_deg"], dtype=float))
    start = np.asarray(strides["start_s"])
    first, last = ((np.asarray(strides[name]) - time[0]) * sampling_rate for name in ("start_s", "end_s"))
    straight = np.flatnonzero((np.abs(turn) < TURN_DEG) & _is_whole(one, first, last))
    gait, slope = np.asarray(strides["gait"]).astype(str), _slope(strides)
    found: list[Slipped] = []
    for _ in range(MOST_SLIPS):
        seen = stride_frames(one.acc, one.gyr, sampling_rate, first, last)
        slip = find_slip(seen[straight], gait[straight], slope[straight])
        if slip is None:
            break
        at = int(straight[slip.stride])
        found.append(Slipped(placement=placement, time_s=float(start[at]), degrees=slip.degrees))
        one = _turned_back(one, slip.turn, int(first[at]))
    return one, min(found, key=lambda slipped: slipped.time_s, default=None)


def _is_whole(one: Gridded, first: Array, last: Array) -> NDArray[np.bool_]:
    """Strides (k,), in samples, during which the sensor was received."""
    lost = np.concatenate([[0], np.cumsum(one.broken)])
    low, high = (np.clip(at.astype(np.int64), 0, len(one.broken)) for at in (first, np.ceil(last)))
    return np.asarray(lost[high] == lost[low])


def _slope(strides: Mapping[str, Any]) -> Array:
    if "height_change_m" not in strides:
        return np.zeros(len(strides["ic_s"]))
    return np.asarray(np.nan_to_num(np.arctan2(strides["height_change_m"], strides["stride_length_m"])))


def _turned_back(one: Gridded, turn: Array, at: int) -> Gridded:
    back = qt.from_rotation_vector(turn)
    acc, gyr = one.acc.copy(), one.gyr.copy()
    acc[at:], gyr[at:] = qt.rotate(back, acc[at:]), qt.rotate(back, gyr[at:])
    return replace(one, acc=acc, gyr=gyr)


def believable(
    known: Mapping[str, Alignment], gridded: Mapping[str, Gridded]
) -> tuple[dict[str, Alignment], list[str]]:
    """The saved alignments that fit how the sensors sit today, and a sentence on each other one."""
    fitting, doubts = dict(known), []
    for placement, alignment in known.items():
        if placement not in gridded:
            continue
        one = gridded[placement]
        acc = frames.mirror_acc(one.acc[~one.broken].mean(axis=0), frames.leg_of(placement))
        up = alignment.segment_from_sensor @ (acc / max(float(np.linalg.norm(acc)), 1e-9))
        off = float(np.degrees(np.arccos(np.clip(up[2], -1.0, 1.0))))
        if off > FLIPPED_DEG:
            del fitting[placement]
            how = "upside down" if off > 135.0 else f"turned by about {off:.0f} deg"
            doubts.append(
                f"{placement}: the sensor sits {how} against its saved alignment, which is not used; "
                "the alignment was found anew. Turn the sensor round, or save a new alignment"
            )
    return fitting, doubts


def mark(
    legs: Mapping[str, LegResult], wrong: Sequence[Wrong], slips: Mapping[str, Slipped]
) -> dict[str, LegResult]:
    """The legs with every verdict attached: alignment, reject reasons, warnings.

    Notes
    -----
    A sensor that is certainly worn wrongly spoils all strides of its leg, one that slipped those that end later.
    A stride that was left out already keeps its reason.
    """
    marked = {}
    for leg, result in legs.items():
        for one in wrong:
            own = [p for p in one.placements if frames.leg_of(p) == leg]
            if own:
                result = _with_verdict(result, own, "failed" if one.is_certain else "doubtful", one.words)
                if one.is_certain:
                    result = _rejected(result, np.ones(len(result.strides["ic_s"]), bool), "sensors worn wrongly")
        for slipped in (s for p, s in slips.items() if frames.leg_of(p) == leg):
            result = _with_verdict(result, [slipped.placement], "doubtful", slipped.words)
            late = np.asarray(result.strides["end_s"]) > slipped.time_s
            result = _rejected(result, late, f"sensor slipped at {clock(slipped.time_s)}")
        marked[leg] = result
    return marked


def _with_verdict(result: LegResult, placements: Sequence[str], verdict: str, words: str) -> LegResult:
    alignment = dict(result.alignment)
    for placement in placements:
        segment = frames.segment_of(placement)
        if segment in alignment:
            reason = words.removeprefix(f"{placement}: ")
            alignment[segment] = replace(alignment[segment], verdict=verdict, reason=reason)
    return replace(result, alignment=alignment)


def _rejected(result: LegResult, which: NDArray[np.bool_], reason: str) -> LegResult:
    reasons = np.asarray(result.strides["reject_reason"], dtype=object).copy()
    reasons[which & (reasons == "")] = reason
    return replace(result, strides={**result.strides, "reject_reason": reasons, "accepted": reasons == ""})
