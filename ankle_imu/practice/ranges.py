"""Repetitions of an action, their end ranges, and what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.mobility import PracticeSettings
from ankle_imu.practice.stretches import between, is_still, stretches
from ankle_imu.practice.trace import Trace

Mask = NDArray[np.bool_]

LEAST_TRAVEL_DEG: Final = 4.0
"""A block whose angle travels less has no repetitions, deg: twice the error of an end range (own simulation)."""

GO_SHARE: Final = 0.5
BACK_SHARE: Final = 0.35
"""A repetition begins where the angle rises over half of the block's travel and ends where it falls below 35 %: a
plateau, which is within 80 % of the range, lies well inside. Ours."""

NO_PLATEAU: Final = "no plateau of 1 s at the end range"
GAP: Final = "data are missing at the end range"
HEEL_LIFTED: Final = "the heel lifted"


@dataclass(frozen=True, kw_only=True)
class Rep:
    """One repetition: samples `[start, stop)` and its plateau's, (0, 0) without one; why it is rejected."""

    start: int
    stop: int
    plateau: tuple[int, int]
    end_range_deg: float
    reason: str = ""


def find_reps(trace: Trace, settings: PracticeSettings, heel_is_up: Mask | None = None) -> list[Rep]:
    """Find the repetitions of a block and their end ranges.

    Parameters
    ----------
    trace : Trace
    settings : PracticeSettings
    heel_is_up : (n,) bool; where it is, the angle of a lunge does not count

    Returns
    -------
    list of Rep, in order of time

    Notes
    -----
    The end range is the median of the last second of the stillest far part (methods G2). Rest and far end of the
    block's travel are its 10th and 95th percentile, so that neither the starting pose nor the order matters.
    """
    known = trace.angle[trace.is_valid]
    if len(known) < trace.samples(settings.shortest_hold_s):
        return []
    rest, far = np.percentile(known, [10.0, 95.0])
    travel = float(far - rest)
    if travel < LEAST_TRAVEL_DEG:
        return []
    share = np.where(np.isfinite(trace.angle), (trace.angle - rest) / travel, 0.0)
    out = between(share > GO_SHARE, share > BACK_SHARE)
    shortest = trace.samples(0.3)
    return [_measure(trace, a, b, rest, settings, heel_is_up) for a, b in stretches(out, shortest)]


def _measure(
    trace: Trace, start: int, stop: int, rest: float, settings: PracticeSettings, heel_is_up: Mask | None
) -> Rep:
    rows = slice(start, stop)
    valid = trace.is_valid[rows]
    nothing = Rep(start=start, stop=stop, plateau=(0, 0), end_range_deg=float("nan"), reason=GAP)
    if not valid.any():
        return nothing
    angle = trace.angle[rows]
    top = float(np.max(angle[valid]))
    still = is_still(trace.rate[rows], valid, settings.still_dps, settings.moving_dps)
    still &= angle >= rest + settings.hold_share * (top - rest)
    found = stretches(still, trace.samples(settings.shortest_hold_s))
    if not found:
        gap = not valid.all()
        return Rep(
            start=start,
            stop=stop,
            plateau=(0, 0),
            end_range_deg=float("nan"),
            reason=GAP if gap else NO_PLATEAU,
        )
    ends = [float(np.median(trace.raw[rows][max(a, b - trace.samples(settings.plateau_s)) : b])) for a, b in found]
    best = int(np.argmax(ends))
    a, b = found[best]
    plateau = (start + a, start + b)
    if heel_is_up is not None and bool(heel_is_up[plateau[0] : plateau[1]].mean() > 0.5):
        down = valid & ~heel_is_up[rows]
        before = float(np.max(angle[down])) if down.any() else float("nan")
        return Rep(start=start, stop=stop, plateau=plateau, end_range_deg=before, reason=HEEL_LIFTED)
    return Rep(start=start, stop=stop, plateau=plateau, end_range_deg=ends[best])


@dataclass(frozen=True, kw_only=True)
class Range:
    """What accepted repetitions come to: best, median, spread (largest minus smallest; NaN for one), how many."""

    best_deg: float
    median_deg: float
    spread_deg: float
    n: int


def range_of(end_ranges: Sequence[float]) -> Range:
    """Best, median, spread and number of end ranges, deg; NaN where there are too few."""
    values = np.asarray(end_ranges, dtype=float)
    if len(values) == 0:
        return Range(best_deg=float("nan"), median_deg=float("nan"), spread_deg=float("nan"), n=0)
    spread = float(np.ptp(values)) if len(values) > 1 else float("nan")
    return Range(
        best_deg=float(values.max()), median_deg=float(np.median(values)), spread_deg=spread, n=len(values)
    )


def why_repeat(name: str, found: Range, settings: PracticeSettings) -> str:
    """Why repetitions should be done again, "" when they need not."""
    if 0 < found.n < settings.reps:
        return f"{name}: {found.n} of the {settings.reps:g} repetitions that a range takes could be used"
    if found.spread_deg > settings.repeat_spread_deg:
        return f"{name}: repetitions differ by {found.spread_deg:.1f} deg"
    return ""


def detectable_gap(active: Sequence[float], assisted: Sequence[float], settings: PracticeSettings) -> float:
    """Detectable change of the gap, deg: the published one, or what the day's own scatter makes of it.

    Notes
    -----
    1.96 sqrt(2) SEM with SEM^2 = s_active^2 + s_assisted^2 of single repetitions; the wider of the two.
    """
    if min(len(active), len(assisted)) < 2:
        return settings.gap_mdc_deg
    sem = float(np.hypot(np.std(active, ddof=1), np.std(assisted, ddof=1)))
    return max(settings.gap_mdc_deg, 1.96 * float(np.sqrt(2.0)) * sem)
