"""Pictures over many sessions: one figure with its breaks and bands, the index, its five bars."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.errors import QualityRefusal
from ankle_imu.metrics.stability import MEASURES
from ankle_imu.report import style, words
from ankle_imu.trends import COMPONENTS, Index, Trend, change_points, describe_stratum, ewma, loess
from ankle_imu.trends.statistics import BASELINE_SESSIONS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

_NUDGE: Final = {"left": -0.004, "right": 0.004}
MIN_SMOOTH: Final = 6
"""Sessions from which on a smooth line is drawn; ours: below, it would only join the points."""
_BREAK_INK: Final = "#7a7a7a"


def title_of(metric: str) -> str:
    """Plain name of a metric or measure."""
    if metric in words.METRIC:
        return words.METRIC[metric]
    title = MEASURES[metric].title
    return title[:1].upper() + title[1:]


def trend_figure(trend: Trend, *, narrow: bool = False) -> Figure:
    """Sessions with their intervals, both legs; the first five as a band, the figures as walked thinly beside."""
    figure, (ax,) = style.panels(1, 1, 340, narrow)
    unit = f", {trend.unit}" if trend.unit not in ("", "1") else ""
    what = "on similar ground" if trend.is_adjusted else "as walked"
    style.dress(ax, title_of(trend.metric) + ("" if narrow else f": {_gait(trend)}, by session"))
    ax.set_ylabel(f"{what}{unit}", fontsize=11.0, color=style.MUTED)
    for leg in trend.legs:
        _draw_leg(ax, trend, leg)
    style.leg_key(
        ax, {leg: f"{leg}, {words.plural(len(trend.series(leg).days), 'session')}" for leg in trend.legs}
    )
    _date_axis(ax, trend.days, str(trend.points["start_utc"].iloc[0]))
    _draw_breaks(ax, trend.broken_at())
    return figure


def _gait(trend: Trend) -> str:
    return describe_stratum(trend.gait, "", "").rstrip(", ")


def _draw_leg(ax: Axes, trend: Trend, leg: str) -> None:
    colour = style.LEG_COLOUR[leg]
    nudge = _NUDGE[leg] * max(1.0, float(np.ptp(trend.days)))
    if trend.is_adjusted:
        days, rows = trend.of_leg(leg)
        ax.plot(
            days + nudge, rows["median"].to_numpy(float), linestyle="none", marker=style.LEG_MARKER[leg],
            markersize=4.0, markerfacecolor="none", markeredgecolor=colour, markeredgewidth=0.7, alpha=0.55,
            label=f"{leg} as walked",
        )  # fmt: skip
    series = trend.series(leg)
    reach = np.vstack([series.value - series.low, series.high - series.value])
    ax.errorbar(
        series.days + nudge, series.value, yerr=np.nan_to_num(np.maximum(reach, 0.0)), color=colour,
        fmt=style.LEG_MARKER[leg], markersize=5.5, elinewidth=1.4, capsize=0, label=leg,
    )  # fmt: skip
    for part in series.stretches():
        _draw_stretch(ax, part.days, part.value, leg, nudge)


def _draw_stretch(ax: Axes, days: Array, value: Array, leg: str, nudge: float) -> None:
    """Band, line and marks of one unbroken stretch; nothing is drawn across a break."""
    from matplotlib.patches import Rectangle

    colour = style.LEG_COLOUR[leg]
    if len(days) >= MIN_SMOOTH and len(np.unique(days)) >= MIN_SMOOTH:
        at = np.linspace(days[0], days[-1], 80)
        line = np.clip(
            loess(days, value, at), value.min(), value.max()
        )  # it may overshoot; rates are never below 0
        ax.plot(at, line, color=colour, linestyle=style.LEG_LINE[leg], linewidth=1.2, alpha=0.8)
    else:
        ax.plot(days + nudge, value, color=colour, linestyle=style.LEG_LINE[leg], linewidth=0.9, alpha=0.7)
    if len(value) >= BASELINE_SESSIONS:
        low, high = value[:BASELINE_SESSIONS].min(), value[:BASELINE_SESSIONS].max()
        ax.add_patch(
            Rectangle((days[0], low), days[-1] - days[0], high - low, color=colour, alpha=0.09, linewidth=0)
        )
    for i in unusual_sessions(value):
        ax.plot(
            days[i] + nudge, value[i], marker="o", markersize=12.0, markerfacecolor="none",
            markeredgecolor=colour, markeredgewidth=1.0, label=f"{leg} unusual",
        )  # fmt: skip
    for i in level_changes(value):
        ax.plot(
            [0.5 * (days[i - 1] + days[i])] * 2, [0.0, 0.05], color=colour, linewidth=2.0,
            transform=ax.get_xaxis_transform(), label=f"{leg} level",
        )  # fmt: skip


def unusual_sessions(value: Array) -> list[int]:
    """Places at which the running mean left its band, each time only the first."""
    chart = ewma(value)
    if chart is None:
        return []
    outside = chart.is_unusual
    return [int(i) for i in np.flatnonzero(outside & ~np.concatenate([[False], outside[:-1]]))]


def level_changes(value: Array) -> list[int]:
    """Places of changes of level; none where the library that finds them is not installed."""
    try:
        return change_points(value)
    except QualityRefusal:
        return []


def _draw_breaks(ax: Axes, breaks: Sequence[tuple[float, str]]) -> None:
    """A vertical line for each break, its word beside it."""
    left, right = ax.get_xlim()
    for day, word in breaks:
        ax.axvline(day, color=_BREAK_INK, linewidth=1.0, linestyle=(0, (1, 2)), label="break")
        is_late = day > left + 0.8 * (right - left)
        ax.text(
            day, 0.985, f"{word} " if is_late else f" {word}", transform=ax.get_xaxis_transform(), fontsize=10.0,
            color=style.MUTED, va="top", ha="right" if is_late else "left",
        )  # fmt: skip


def _date_axis(ax: Axes, days: Array, first_utc: str) -> None:
    span = float(np.max(days, initial=0.0))
    start = datetime.fromisoformat(first_utc)
    ticks = np.linspace(0.0, span, 4 if span > 0.0 else 1)
    dates = [start + timedelta(days=t) for t in ticks]
    pattern = "%d %b %Y" if span > 300.0 else "%d %b" if span > 4.0 else "%d %b %H:%M"
    ax.set_xticks(ticks, [date.strftime(pattern).lstrip("0") for date in dates])
    ax.margins(x=0.08, y=0.12)


def index_figure(indices: Sequence[Index], *, narrow: bool = False) -> Figure:
    """Index of each session with its interval, 50 drawn as the person's usual."""
    figure, (ax,) = style.panels(1, 1, 300, narrow)
    style.dress(ax, "Session stability index" + ("" if narrow else f": {indices[0].gait}, by session"))
    ax.set_ylabel("50 = your usual, more = steadier", fontsize=11.0, color=style.MUTED)
    first = min(one.start_utc for one in indices)
    ax.axhline(50.0, color=style.MUTED, linewidth=1.0)
    for leg in _legs(indices):
        own = [one for one in indices if one.leg == leg and not one.reason]
        days = np.array([_days(one.start_utc, first) for one in own])
        value, low, high = (np.array([getattr(one, name) for one in own]) for name in ("value", "low", "high"))
        nudge = _NUDGE[leg] * max(1.0, _days(max(one.start_utc for one in indices), first))
        ax.errorbar(
            days + nudge, value, yerr=np.vstack([value - low, high - value]), color=style.LEG_COLOUR[leg],
            fmt=style.LEG_MARKER[leg], markersize=5.5, elinewidth=1.4, capsize=0, label=leg,
        )  # fmt: skip
        for k in sorted({one.stretch for one in own}):
            part = np.array([one.stretch == k for one in own])
            ax.plot(
                (days + nudge)[part], value[part], color=style.LEG_COLOUR[leg], linestyle=style.LEG_LINE[leg],
                linewidth=0.9,
            )  # fmt: skip
    style.leg_key(ax, {leg: leg for leg in _legs(indices)})
    ax.set_ylim(0.0, 100.0)
    _date_axis(ax, np.array([_days(one.start_utc, first) for one in indices]), first)
    _draw_breaks(ax, [(_days(start, first), "new usual") for start in _new_usuals(indices)])
    return figure


def _new_usuals(indices: Sequence[Index]) -> list[str]:
    """Starts of the first session of each stretch but the first."""
    starts: dict[int, str] = {}
    for one in indices:
        starts[one.stretch] = min(one.start_utc, starts.get(one.stretch, one.start_utc))
    return [starts[k] for k in sorted(starts)[1:]]


def _legs(indices: Sequence[Index]) -> list[str]:
    return [leg for leg in frames.LEGS if any(one.leg == leg and not one.reason for one in indices)]


def _days(start_utc: str, first: str) -> float:
    return (datetime.fromisoformat(start_utc) - datetime.fromisoformat(first)).total_seconds() / 86400.0


def bars_figure(newest: Sequence[Index]) -> Figure:
    """The five bars of the newest index, one panel for each leg; they start at 50, to the right is steadier."""
    figure, axes = style.panels(len(newest), 2, 250, left_px=176.0)
    for ax, one in zip(axes, newest, strict=True):
        style.dress(ax, f"{one.leg.capitalize()} leg, {one.start_utc[:10]}: {one.value:.0f}")
        ax.title.set_position((0.0, 1.0))
        _draw_bars(ax, one)
    return figure


def _draw_bars(ax: Axes, one: Index) -> None:
    place = np.arange(len(COMPONENTS))[::-1]
    bars = np.array(list(one.bars.values()))
    ax.barh(place, np.nan_to_num(bars - 50.0), left=50.0, height=0.5, color=style.LEG_COLOUR[one.leg])
    for y in place[np.isnan(bars)]:
        ax.text(50.0, y, " not measured", fontsize=10.0, color=style.MUTED, va="center")
    ax.axvline(50.0, color=style.MUTED, linewidth=1.0)
    ax.set_xlim(20.0, 80.0)
    ax.set_xticks([25.0, 50.0, 75.0], ["less steady", "usual", "steadier"])
    ax.set_yticks(place, [BAR[name] for name in one.bars])
    ax.grid(visible=False)


BAR: Final = {
    "successive_inv_excursion_deg": "step-to-step change",
    "successive_range_stance_deg": "step-to-step change",
    "p95_peak_inv_vel_dps": "fastest inversions",
    "roll_rate_per_1000": "rolls and wobbles",
    "stride_time_log_sd": "evenness of stride time",
    "log_jerk": "smoothness",
}
"""Short names of the five bars."""
