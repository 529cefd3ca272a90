"""Whether a leg's figure changed, and the sentence that says so without claiming more than it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ankle_imu.trends.selection import MIN_SESSIONS, Series, Trend
from ankle_imu.trends.statistics import (
    BASELINE_SESSIONS,
    MIN_SESSIONS_SLOPE,
    Slope,
    detectable_change,
    gear_factor,
    own_noise,
    theil_sen,
)

MIN_SESSIONS_TREND: Final = 5
"""No trend and no "usual" below 5 sessions (methods sheet F2, its sources C35, C94)."""

DETECTABLE_CHANGE: Final = {
    "inv_excursion_deg": 4.0,
    "ev_excursion_deg": 4.0,
    "range_stance_deg": 4.0,
    "peak_inv_vel_dps": 60.0,
    "peak_ev_vel_dps": 60.0,
}
"""Minimal detectable change until a person's own repeated sessions give a better one (methods sheet F5)."""


RATES: Final = ("roll_rate_per_1000",)
"""Counts of rare events: where most sessions have none, a line through them says nothing."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a leg's figure did since the last break.

    Parameters
    ----------
    leg : str
    n_sessions : int, since the last break
    first, last : float, figures of the first and the last of them
    delta, low, high : float, change and its 95 % interval: slope times time from 8 sessions on, else last minus
        first with the intervals of the two sessions
    limit : float, smallest change that noise alone does not make; NaN where unknown
    is_own_limit : bool, whether the limit comes from the person's own sessions
    is_apart : bool, whether the interval leaves out zero
    slope : Slope or None
    """

    leg: str
    n_sessions: int
    first: float
    last: float
    delta: float
    low: float
    high: float
    limit: float
    is_own_limit: bool
    is_apart: bool
    slope: Slope | None

    @property
    def is_beyond_noise(self) -> bool:
        """More than the smallest detectable change."""
        return bool(abs(self.delta) > self.limit)

    @property
    def is_changed(self) -> bool:
        """Both hold: more than noise makes, and an interval that leaves out zero."""
        return self.is_beyond_noise and self.is_apart


def baseline_band(trend: Trend, leg: str) -> tuple[float, float] | None:
    """Lowest and highest figure of a leg's first five sessions since the last break; None below five."""
    first = trend.series(leg).last_stretch().value[:BASELINE_SESSIONS]
    return (float(first.min()), float(first.max())) if len(first) == BASELINE_SESSIONS else None


def fit_slopes(trend: Trend) -> list[Slope]:
    """Slope since the last break of each leg that has 8 sessions there; see `statistics.theil_sen`."""
    fits = [_slope(series) for series in _last_stretches(trend)]
    return [slope for slope in fits if slope is not None]


def _slope(series: Series) -> Slope | None:
    return theil_sen(series.days, series.value, series.leg, inflate=gear_factor(series.days, series.gear))


def _last_stretches(trend: Trend) -> list[Series]:
    return [trend.series(leg).last_stretch() for leg in trend.legs]


def find_changes(trend: Trend) -> list[Change]:
    """What each leg with at least two sessions since its last break did."""
    return [_change(trend, series) for series in _last_stretches(trend) if len(series.value) >= MIN_SESSIONS]


def _change(trend: Trend, series: Series) -> Change:
    limit, is_own = _limit(trend, series)
    slope = _slope(series)
    first, last = float(series.value[0]), float(series.value[-1])
    if slope is None:
        reach = np.hypot(_half(series, 0), _half(series, -1))
        delta, low, high = last - first, last - first - reach, last - first + reach
        is_apart = bool(series.high[0] < series.low[-1] or series.high[-1] < series.low[0])
    else:
        delta, low, high = (x * slope.days / 30.0 for x in (slope.per_30_days, slope.low, slope.high))
        is_apart = slope.is_clear
    return Change(
        leg=series.leg, n_sessions=len(series.value), first=first, last=last, delta=delta, low=float(low),
        high=float(high), limit=limit, is_own_limit=is_own, is_apart=is_apart, slope=slope,
    )  # fmt: skip


def _half(series: Series, i: int) -> float:
    """Half the width of a session's interval; nothing where it has none."""
    width = float(series.high[i] - series.low[i]) / 2.0
    return width if np.isfinite(width) else 0.0


def _limit(trend: Trend, series: Series) -> tuple[float, bool]:
    """Smallest detectable change: the person's own once the figures are adjusted and five, else the sheet's.

    Few sessions can agree by chance; they are not taken to be surer than the interval of each one says.
    """
    sem = own_noise(series.value) if trend.is_adjusted else float("nan")
    if np.isfinite(sem):
        stated = (series.high - series.low) / 3.92
        known = stated[np.isfinite(stated)]
        floor = float(np.sqrt(np.mean(known**2))) if len(known) else 0.0
        return detectable_change(max(sem, floor)), True
    return DETECTABLE_CHANGE.get(trend.metric, float("nan")), False


def describe_trend(trend: Trend) -> list[str]:
    """One entry per leg, plain words first, then on what the sessions cannot show."""
    told = [_leg_words(trend, series) for series in _last_stretches(trend)]
    return told + _caution(trend) + _break_words(trend) + _earlier(trend)


def _earlier(trend: Trend) -> list[str]:
    """What changed before the last break, where it did."""
    found = []
    for leg in trend.legs:
        for series in trend.series(leg).stretches()[:-1]:
            if len(series.value) >= MIN_SESSIONS_SLOPE:
                change = _change(trend, series)
                found += [f"Before that: {_slope_words(trend, change)}"] if change.is_changed else []
    return found


def _leg_words(trend: Trend, series: Series) -> str:
    leg, n = series.leg.capitalize(), len(series.value)
    if n < MIN_SESSIONS:
        since = " since the last break" if len(trend.of_leg(series.leg)[1]) >= MIN_SESSIONS else ""
        how_many = "one session" if n else "no comparable session"
        return f"{leg} leg: {how_many}{since}, so there is nothing to compare it with."
    if trend.metric in RATES and float(np.median(series.value)) == 0.0:
        none = int((series.value == 0.0).sum())
        return f"{leg} leg: {none} of {n} sessions had none, which is too rare for a trend."
    change = _change(trend, series)
    return _slope_words(trend, change) if change.slope else _two_point_words(trend, change)


def _two_point_words(trend: Trend, c: Change) -> str:
    unit = _unit(trend)
    moved = (
        f"{c.leg.capitalize()} leg: over {c.n_sessions} sessions the {_figure(trend)} went from "
        f"{_number(c.first)} to {_number(c.last)}{unit}"
    )
    if not np.isfinite(c.limit):
        return f"{moved}. No minimal detectable change is known for this number, so small changes say little."
    limit = f"{_number(c.limit) if c.is_own_limit else f'{c.limit:g}'}{unit}"
    if not c.is_beyond_noise:
        return f"{moved}; changes below {limit} cannot be told from noise, so this counts as no change."
    if not c.is_apart:
        return f"{moved}; that is more than {limit}, but the two intervals overlap, so it may be chance."
    return f"{moved}; that is more than the {limit} that noise alone can make."


def _slope_words(trend: Trend, c: Change) -> str:
    """The verdict of eight and more sessions: one of four, so that none contradicts another."""
    unit = _unit(trend)
    size, limit = _told_apart(c.delta, c.limit)
    size += unit
    span = f"95 % interval {_signed(c.low)} to {_signed(c.high)}{unit}"
    way = "up" if c.delta > 0.0 else "down"
    head = f"{c.leg.capitalize()} leg, {c.n_sessions} sessions"
    noise = f"the {limit}{unit} by which {_whose(c)} differ without any change"
    if c.is_changed:
        return f"{head}: it changed. The {_figure(trend)} went {way}, {size} ({span}), more than {noise}."
    if c.is_apart and not np.isfinite(c.limit):
        return (
            f"{head}: the {_figure(trend)} went {way}, {size} ({span}). How much of that two sessions differ by "
            "anyway is not known for this number, so it is not called a change."
        )
    if c.is_apart:
        return (
            f"{head}: a small steady drift {way}wards, not yet a change. It adds up to {size} ({span}), less than "
            f"{noise}."
        )
    if c.is_beyond_noise:
        return (
            f"{head}: no change can be told. The line through them goes {way}, {size}, but the sessions "
            f"scatter so much that this may be chance ({span})."
        )
    return f"{head}: no change to be seen. The line through them goes {size} ({span})."


def _whose(c: Change) -> str:
    return "two of your own sessions" if c.is_own_limit else "two sessions of one person"


def _caution(trend: Trend) -> list[str]:
    n = max((len(series.value) for series in _last_stretches(trend)), default=0)
    since = " since the last break" if n < trend.n_sessions and trend.broken_at() else ""
    if n < MIN_SESSIONS_TREND:
        sessions = "1 session" if n == 1 else f"{n} sessions"
        are = "is" if n == 1 else "are"
        return [f"{sessions}{since} {are} too few to speak of a trend; that takes {MIN_SESSIONS_TREND}."]
    if n < MIN_SESSIONS_SLOPE:
        return [f"A slope is fitted from {MIN_SESSIONS_SLOPE} sessions on."]
    return []


def _break_words(trend: Trend) -> list[str]:
    broken = [word for _, word in trend.broken_at()]
    if not broken:
        return []
    what = ", ".join(dict.fromkeys(part for word in broken for part in word.split(", ")))
    times = "once" if len(broken) == 1 else f"{len(broken)} times"
    return [f"Changed on the way, {times}: {what}. Nothing here compares sessions across that."]


def _figure(trend: Trend) -> str:
    return "figure on similar ground" if trend.is_adjusted else "median"


def _unit(trend: Trend) -> str:
    return {"": "", "1": "", "1/1000 strides": " per 1,000 strides"}.get(trend.unit, f" {trend.unit}")


def _number(value: float) -> str:
    size = abs(value)
    return f"{value:.0f}" if size >= 20.0 else f"{value:.1f}" if size >= 2.0 else f"{value:.2g}"


def _told_apart(delta: float, limit: float) -> tuple[str, str]:
    """A change with its sign and the limit it is held against, with so many digits that they differ where they do.

    Examples
    --------
    >>> _told_apart(0.994, 0.989)
    ('+0.994', '0.989')
    """
    if _number(abs(delta)) != _number(limit) or not np.isfinite(limit):
        return _signed(delta), _number(limit)
    pairs = [(f"{abs(delta):.{digits}g}", f"{limit:.{digits}g}") for digits in (3, 4, 5, 6)]
    size, shown = next((pair for pair in pairs if pair[0] != pair[1]), pairs[0])
    return f"{'−' if delta < 0.0 else '+'}{size}", shown


def _signed(value: float) -> str:
    text = _number(value)
    return text.replace("-", "−") if text.startswith("-") else f"+{text}"
