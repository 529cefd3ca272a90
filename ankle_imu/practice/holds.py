"""Holds: when, how long, how far, how steady; and what is lost when a support is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.mobility import PracticeSettings
from ankle_imu.practice.stretches import is_still, stretches
from ankle_imu.practice.trace import Trace

Array = NDArray[np.float64]

LEFT: Final = "left the band"
GAP: Final = "gap"
BLOCK_ENDED: Final = "block ended"

MARKS_S: Final = (5.0, 10.0, 20.0)
"""After so long without support the lost angle is read, s."""

REACTION_S: Final = 2.0
"""Within so long after the word the support is left, s. Ours: four times a spoken reaction."""


LINE_DOUBT_DEG: Final = 0.5
"""So well is it known which side of the 80 % line a hold is on, deg. Ours: 24 simulated people with ranges of 5 to
14 deg and the largest errors of sensors, 95 % of their holds within 0.43 to 0.63 deg, SD 0.27. To count what lies
so little below would invent five holds for each one that it saves."""


@dataclass(frozen=True, kw_only=True)
class Hold:
    """One hold: samples `[start, stop)`, level deg, and why it ended."""

    start: int
    stop: int
    level_deg: float
    end_reason: str


@dataclass(frozen=True, kw_only=True)
class Steadiness:
    """Of one hold: slope, deg/s; dose above 80 % of the range, deg s; rms tremor of 4 to 12 Hz, deg/s."""

    drift_dps: float
    dose_deg_s: float
    tremor_dps: float


def find_holds(trace: Trace, end_range: float, settings: PracticeSettings, begin: int = 0) -> list[Hold]:
    """Find the holds of a block.

    Parameters
    ----------
    trace : Trace
    end_range : float, deg, today's active end range
    settings : PracticeSettings
    begin : samples before it are passed over

    Notes
    -----
    A hold begins where the angle is still (below 5 deg/s, until above 8) at 80 % of the range or more for 1 s,
    and goes on while it stays within 3 deg of the median of its first second; it ends where that band is left
    for more than 0.5 s (methods G2). It never reaches across missing samples: what the ankle did there is not
    known.
    """
    still = is_still(trace.rate, trace.is_valid, settings.still_dps, settings.moving_dps)
    ready = still & (trace.angle >= settings.hold_share * end_range)
    least = trace.samples(settings.shortest_hold_s)
    holds: list[Hold] = []
    for start, stop in stretches(ready, least):
        at = max(start, begin, holds[-1].stop if holds else 0)
        while stop - at >= least:
            holds.append(_follow(trace, at, settings))
            at = holds[-1].stop
    return holds


def just_below(
    trace: Trace, end_range: float, settings: PracticeSettings, counted: Sequence[Hold], begin: int = 0
) -> list[Hold]:
    """What would be a hold if the line were `LINE_DOUBT_DEG` lower, and is none; parameters as of `find_holds`.

    Parameters
    ----------
    counted : the holds of the same trace
    """
    lower = end_range - LINE_DOUBT_DEG / settings.hold_share
    return [
        one
        for one in find_holds(trace, lower, settings, begin)
        if not any(one.start < other.stop and other.start < one.stop for other in counted)
        and one.level_deg < settings.hold_share * end_range
    ]


def _follow(trace: Trace, start: int, settings: PracticeSettings) -> Hold:
    """The hold that begins at a sample."""
    level = float(np.median(trace.angle[start : start + trace.samples(1.0)]))
    lost = stretches(~trace.is_valid[start:])
    end = start + lost[0][0] if lost else len(trace)
    away = np.abs(trace.angle[start:end] - level) > settings.band_deg
    left = stretches(away, trace.samples(settings.leave_s) + 1)
    tail = [a for a, b in stretches(away) if start + b == end]
    if left:
        return Hold(start=start, stop=start + left[0][0], level_deg=level, end_reason=LEFT)
    stop = start + tail[0] if tail else end
    return Hold(start=start, stop=stop, level_deg=level, end_reason=GAP if lost else BLOCK_ENDED)


def steadiness(
    trace: Trace, hold: Hold, tremor_rate: Array, end_range: float, settings: PracticeSettings
) -> Steadiness:
    """How steady one hold was.

    Parameters
    ----------
    trace : Trace
    hold : Hold
    tremor_rate : (n,) float array, deg/s, rate of the action in 4 to 12 Hz
    end_range : float, deg
    """
    rows = slice(hold.start, hold.stop)
    time, angle = trace.time[rows] - trace.time[hold.start], trace.angle[rows]
    above = np.clip(angle - settings.hold_share * end_range, 0.0, None)
    slope = float(np.polyfit(time, angle, 1)[0]) if len(time) > 2 else float("nan")
    return Steadiness(
        drift_dps=slope,
        dose_deg_s=float(above.sum() / trace.sampling_rate),
        tremor_dps=float(np.sqrt(np.mean(tremor_rate[rows] ** 2))),
    )


@dataclass(frozen=True, kw_only=True)
class LiftOff:
    """Supported end range, deg; angle lost at lift-off and after 5, 10, 20 s (NaN when the hold was shorter)."""

    supported_deg: float
    lost_deg: float
    later_deg: tuple[float, ...]


def supported_end(trace: Trace, lifted: int | None, settings: PracticeSettings) -> tuple[int, float]:
    """Where the support was left, sample, and the end range on it, deg.

    Notes
    -----
    The last plateau of 1 s that ends before the word to lift, or reaches over it; without that word the first
    plateau of 2 s, which ends with the first movement. (0, NaN) when there is none.
    """
    still = is_still(trace.rate, trace.is_valid, settings.still_dps, settings.moving_dps)
    if lifted is None:
        top = float(np.max(trace.angle, initial=0.0, where=trace.is_valid))
        far = stretches(still & (trace.angle > 0.5 * top), trace.samples(2.0))
        plateau = far[:1]
    else:
        far = stretches(still[:lifted], trace.samples(settings.plateau_s))
        plateau = far[-1:]
    if not plateau:
        return 0, float("nan")
    start, stop = plateau[0]
    left = stop if lifted is None else _leaving(trace, lifted)
    return left, float(np.median(trace.raw[max(start, stop - trace.samples(settings.plateau_s)) : stop]))


def _leaving(trace: Trace, lifted: int) -> int:
    """Sample of the fastest movement within 2 s of the word to lift: a hold before it is still supported."""
    after = np.abs(trace.rate[lifted : lifted + trace.samples(REACTION_S)])
    return lifted + (int(np.argmax(after)) if len(after) else 0)


def lift_off(trace: Trace, supported: float, hold: Hold) -> LiftOff:
    """What was lost when the support was left, from the first hold after it."""

    def around(second: float, before: float, after: float) -> float:
        at = hold.start + round(second * trace.sampling_rate)
        rows = slice(at - round(before * trace.sampling_rate), at + round(after * trace.sampling_rate))
        return supported - float(np.median(trace.raw[rows])) if at < hold.stop else float("nan")

    return LiftOff(
        supported_deg=supported,
        lost_deg=around(0.0, 0.0, 0.5),
        later_deg=tuple(around(mark, 0.25, 0.25) for mark in MARKS_S),
    )
