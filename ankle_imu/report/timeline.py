"""The timeline: range of every stride, and below it height, slope, roughness and speed where they are known."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ankle_imu import frames
from ankle_imu.metrics import ground
from ankle_imu.report import series, style, words
from ankle_imu.report.grid import Grid
from ankle_imu.report.per_result import per_result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from ankle_imu.values import SessionResult

    Array = NDArray[np.float64]

_RANGE_PX: Final = 230.0
_THIN_PX: Final = 64.0
_GAP_PX: Final = 30.0
_TOP_PX, _BOTTOM_PX, _LEFT_PX, _RIGHT_PX = 52.0, 46.0, 56.0, 14.0

SHOWN_POINTS: Final = 400
"""Points of a line; a picture of 700 pixels shows no more."""

CROWDED: Final = 1600
"""Strides of a leg beyond which dots run into one another: about two a pixel of the wide picture."""

LARGEST: Final = 0.99
"""Then the strides beyond this quantile are drawn alone."""

LEAST_SHARE: Final = 0.2
"""Share of the strides that must know a quantity for a panel of its own; ours."""

STEEP_CLIMB_M: Final = 1.0
"""A way that never leaves this height, m, has no panel of heights; ours."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Course:
    """One quantity over the session: name with unit, minutes (n,) and levels (n,), NaN in pauses."""

    name: str
    minutes: Array
    levels: Array


@per_result
def courses(result: SessionResult) -> list[Course]:
    """What surrounds the strides, over time: only what is known."""
    strides = result.strides
    accepted = strides["accepted"].to_numpy(bool)
    if not accepted.any():
        return []
    at = strides["start_s"].to_numpy(float)
    quantities = [
        _height(result),
        ("slope, deg (+ uphill)", ground.slope(strides, result.context)),
        ("roughness, deg", ground.known_roughness(strides, result.context)),
        ("speed, m/s", strides["speed_mps"].to_numpy(float)),
    ]
    found = []
    for name, values in quantities:
        known = np.isfinite(values) & (accepted | (name != "speed, m/s"))
        if known.sum() < max(series.MEDIAN_STRIDES, LEAST_SHARE * len(strides)):
            continue
        minutes, smooth = at[known] / 60.0, series.running_median(values[known])
        if name.startswith("height") and float(np.ptp(smooth)) < STEEP_CLIMB_M:
            continue
        found.append(Course(name=name, **_interrupted(minutes, smooth)))
    return found


def _height(result: SessionResult) -> tuple[str, Array]:
    """Height on the track, else the sum of what the foot that tells most of it climbed, m above the lowest."""
    elevation = result.context["elevation_m"].to_numpy(float)
    if np.isfinite(elevation).sum() > LEAST_SHARE * len(elevation):
        return "height, m", elevation - np.nanmin(elevation)
    climb = result.strides["height_change_m"].to_numpy(float)
    legs = [(result.strides["leg"] == leg).to_numpy() & np.isfinite(climb) for leg in frames.LEGS]
    own = max(legs, key=np.count_nonzero)
    out = np.full(len(climb), np.nan)
    if own.any():
        out[own] = np.cumsum(climb[own])
        out -= np.nanmin(out)
    return "height by the feet, m", out


def _interrupted(minutes: Array, values: Array) -> dict[str, Array]:
    """About `SHOWN_POINTS` of the points, with a NaN in each pause of a minute."""
    x, y = series.thin(minutes, values, SHOWN_POINTS)
    breaks = np.flatnonzero(np.diff(x) > max(1.0, 3.0 * float(np.median(np.diff(x))))) + 1
    return {"minutes": np.insert(x, breaks, np.nan), "levels": np.insert(y, breaks, np.nan)}


def timeline_figure(result: SessionResult, *, narrow: bool = False) -> Figure:
    """Range of every stride with gait, events and open gaps; below it thin panels of what surrounds the strides.

    One panel of ranges per angle source; below, height, slope, roughness and speed as running medians of 51
    strides, each only where it is known.
    """
    sources = [s for s in series.sources(result) if series.timeline(result, s)]
    if not sources:
        figure, (ax,) = style.panels(1, 1, 200, narrow)
        style.say(ax, "No accepted stride with an excursion to draw.")
        return figure
    around = courses(result)
    figure, axes = _stack(len(sources), len(around), narrow)
    for ax, source in zip(axes, sources, strict=False):
        _draw_ranges(ax, result, source, narrow)
    for ax, course in zip(axes[len(sources) :], around, strict=True):
        _draw_course(ax, result, course)
    for ax in axes:
        ax.set_xlim(0.0, max(result.duration_s / 60.0, 1e-3))
        ax.set_xlabel("")
        _draw_gaps(ax, result)
    axes[-1].set_xlabel("minutes", fontsize=style.SMALL_PX, color=style.MUTED)
    for ax in axes[:-1]:
        ax.tick_params(labelbottom=False)
    return figure


def _stack(n_ranges: int, n_thin: int, narrow: bool) -> tuple[Figure, list[Axes]]:
    """Panels one above the other with one time axis."""
    width = float(style.NARROW_PX if narrow else style.WIDE_PX)
    tall = [_TOP_PX + _RANGE_PX] * n_ranges + [_GAP_PX + _THIN_PX] * n_thin
    height = sum(tall) + _BOTTOM_PX
    figure = style.new_figure(width, height)
    axes = []
    top = 0.0
    for k, own in enumerate(tall):
        top += own
        inner = _RANGE_PX if k < n_ranges else _THIN_PX
        box = (_LEFT_PX / width, 1.0 - top / height, 1.0 - (_LEFT_PX + _RIGHT_PX) / width, inner / height)
        axes.append(figure.add_axes(box))
    return figure, axes


def _draw_ranges(ax: Axes, result: SessionResult, source: str, narrow: bool) -> None:
    label = "shank tilt range" if source == "none" else f"{words.FRONTAL[source].lower()} range"
    title = label[0].upper() + label[1:] + ("" if narrow else " of each stride, and its running median")
    style.dress(ax, title, "", "deg")
    legs = series.timeline(result, source)
    for leg, (minutes, values, median) in legs.items():
        _draw_strides(ax, leg, minutes, values)
        line: dict[str, Any] = {"color": style.LEG_INK[leg], "linestyle": style.LEG_LINE[leg]}
        ax.plot(*series.thin(minutes, median, SHOWN_POINTS), linewidth=1.8, label=leg, **line)
    top = max(float(np.quantile(v, 0.998)) for _, v, _ in legs.values()) * 1.25
    ax.set_ylim(-0.12 * top, top * 1.12)
    ax.set_yticks([t for t in ax.get_yticks() if 0.0 <= t <= top * 1.12])
    style.leg_key(ax, {leg: leg for leg in legs})
    _draw_gaits(ax, result, top)
    _draw_events(ax, result, top)


def _draw_strides(ax: Axes, leg: str, minutes: Array, values: Array) -> None:
    """Every stride as a dot; where these would be a haze, the middle 80 % as a band and the largest as dots."""
    colour, marker = style.LEG_COLOUR[leg], style.LEG_MARKER[leg]
    if len(values) <= CROWDED:
        size, alpha = (2.2, 0.3) if len(values) > CROWDED // 2 else (3.4, 0.5)
        look: dict[str, Any] = {"color": colour, "markeredgewidth": 0, "markersize": size, "alpha": alpha}
        ax.plot(minutes, values, marker, rasterized=True, **look)
        return
    x, low = series.thin(minutes, series.running_quantile(values, 0.1), SHOWN_POINTS // 2)
    _, high = series.thin(minutes, series.running_quantile(values, 0.9), SHOWN_POINTS // 2)
    ax.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
    largest = values > np.quantile(values, LARGEST)
    ax.plot(minutes[largest], values[largest], marker, color=colour, markeredgewidth=0, markersize=3.0)


def _draw_gaits(ax: Axes, result: SessionResult, top: float) -> None:
    for gait, part in result.bouts.groupby("gait", sort=False):
        spans = np.column_stack([part["start_s"], part["end_s"] - part["start_s"]]) / 60.0
        ax.broken_barh(
            spans.tolist(), (-0.1 * top, 0.05 * top), color=style.GAIT_GREY.get(str(gait), style.RULE), linewidth=0
        )
        longest = int(np.argmax(spans[:, 1]))
        if spans[longest, 1] > 0.04 * result.duration_s / 60.0:
            middle = spans[longest, 0] + spans[longest, 1] / 2.0
            style.note(ax, middle, -0.04 * top, str(gait), transform=ax.transData, ha="center", va="bottom")


def _draw_events(ax: Axes, result: SessionResult, top: float) -> None:
    """A numbered line for each event, with the words of a marker where there is room for them."""
    shown = series.rows(series.shown_events(result))
    minutes_per_px = max(result.duration_s / 60.0, 1e-3) / ax.get_window_extent().width
    before, level = -np.inf, 0
    ends = [event.time_s for event in shown[1:]] + [result.duration_s]
    style.uprights(ax, _minutes_of_events(result), style.INK, linewidth=0.8)
    for event, end_s in zip(shown, ends, strict=False):
        at_min = event.time_s / 60.0
        level = (level + 1) % 3 if at_min - before < 20.0 * minutes_per_px else 0
        before, high = at_min, (1.09 - 0.1 * level) * top
        at = {"transform": ax.transData, "ha": "center", "va": "top", "color": style.INK, "fontweight": "bold"}
        box = {"boxstyle": "circle,pad=0.25", "facecolor": "white", "edgecolor": style.INK, "linewidth": 0.8}
        style.note(ax, at_min, high, str(event.event_id), bbox=box, **at)
        room = (end_s / 60.0 - at_min) / minutes_per_px - 24.0
        if event.kind == "marker" and event.note and 6.6 * len(event.note) < room:
            beside = {"transform": ax.transData, "ha": "left", "va": "top"}
            style.note(ax, at_min + 13.0 * minutes_per_px, high - 0.01 * top, event.note, **beside)


def _minutes_of_events(result: SessionResult) -> Array:
    return series.shown_events(result)["time_s"].to_numpy(np.float64) / 60.0


def _draw_gaps(ax: Axes, result: SessionResult) -> None:
    spans = [(start / 60.0, (end - start) / 60.0) for start, end in series.open_gaps(result)]
    if spans:
        look: dict[str, Any] = {"color": style.FILLED_COLOUR, "alpha": 0.35, "linewidth": 0}
        ax.broken_barh(spans, (0.0, 1.0), transform=ax.get_xaxis_transform(), **look)


def _draw_course(ax: Axes, result: SessionResult, course: Course) -> None:
    style.dress(ax, "")
    ax.set_title(course.name, loc="left", fontsize=style.SMALL_PX, color=style.INK, pad=5)
    ax.locator_params(axis="y", nbins=3)
    ax.plot(course.minutes, course.levels, color=style.INK, linewidth=1.4)
    if np.nanmin(course.levels) < 0.0 < np.nanmax(course.levels):
        ax.axhline(0.0, color=style.MUTED, linewidth=0.6)
    style.uprights(ax, _minutes_of_events(result), style.INK, linewidth=0.5, linestyles=[(0, (1, 2))])


def timeline_caption(result: SessionResult) -> str:
    """What dots, lines, bars and panels are."""
    n = max((len(v) for s in series.sources(result) for _, v, _ in series.timeline(result, s).values()), default=0)
    dots = "Each dot is a stride" if n <= CROWDED else "Band: the middle 80 % of strides; dots: the largest 1 %"
    parts = [
        f"{dots}; the line is the running median of 51 strides. Grey bar: gait. Yellow: open gaps. "
        "Numbers: events, listed below."
    ]
    names = [course.name.split(",")[0] for course in courses(result)]
    if names:
        parts.append(
            f"Below, on the same time: {words.listing(names)}, running medians of 51 strides of both legs."
        )
    if "height by the feet" in names:
        parts.append("Height by the feet is the sum of what each stride climbed and drifts by metres.")
    if "height" in names:
        parts.append("Height is that of the track above its lowest point.")
    if "roughness" in names:
        parts.append("Roughness is the spread of the foot's attitude on the ground over 20 strides.")
    return " ".join(parts)


def timeline_grid(result: SessionResult) -> Grid:
    """Median and largest range in equal parts of the session, and the median of what surrounds the strides."""
    parts = 12 if result.duration_s > 600.0 else 6
    edges = np.linspace(0.0, result.duration_s / 60.0, parts + 1)
    names = {"joint": "inversion", "foot": "foot tilt", "none": "shank tilt"}
    cells = {
        f"{leg} {names[source]}": own
        for source in series.sources(result)
        for leg, own in series.timeline(result, source).items()
    }
    if not cells:
        return Grid(caption="Median range in deg (largest; strides)", head=("From",), rows=())
    around = courses(result)
    rows = tuple(
        (
            words.clock(60.0 * a),
            *(_part(own, a, b) for own in cells.values()),
            *(_median(course, a, b) for course in around),
        )
        for a, b in pairwise(edges)
    )
    head = ("From", *cells, *(course.name for course in around))
    return Grid(caption="Median range in deg (largest; strides), and medians around it", head=head, rows=rows)


def _part(cell: Any, start: float, end: float) -> str:
    minutes, values, _ = cell
    x = values[(minutes >= start) & (minutes < end)]
    return f"{np.median(x):.1f} ({x.max():.1f}; {len(x)})" if len(x) else "–"


def _median(course: Course, start: float, end: float) -> str:
    own = course.levels[(course.minutes >= start) & (course.minutes < end) & np.isfinite(course.levels)]
    return words.number(float(np.median(own)), "deg") if len(own) else "–"


def timeline_alt(result: SessionResult) -> str:
    """Alt text: how the range went, and between what the rest lay."""
    parts = []
    for source in series.sources(result):
        for leg, (_, values, _) in series.timeline(result, source).items():
            third = max(1, len(values) // 3)
            first, last = np.median(values[:third]), np.median(values[-third:])
            parts.append(f"{leg}: median {first:.1f} deg in the first third, {last:.1f} deg in the last")
    for course in courses(result):
        low, high = np.nanmin(course.levels), np.nanmax(course.levels)
        name, unit = course.name.split(", ")
        parts.append(f"{name} from {words.number(low, 'deg')} to {words.number(high, 'deg')} {unit}")
    events = words.plural(len(result.events), "event")
    return (
        f"Range of every stride over {words.span(result.duration_s)}; {'; '.join(parts) or 'no stride'}; {events}."
    )
