"""One action of practice over weeks beside the walks of the same weeks -> a picture or a page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ankle_imu.durable import write_whole
from ankle_imu.errors import QualityRefusal
from ankle_imu.report import style, words
from ankle_imu.report.grid import Grid
from ankle_imu.report.render import picture, render
from ankle_imu.trends.mobility import Mobility, Point, Rung, suggest

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANEL_PX: Final = 210.0
_LADDER: Final = "What you did so far; range, sag and tremor are medians, of the same source and knee only"


def mobility_figure(one: Mobility, *, narrow: bool = False) -> Figure:
    """Range, time under tension, share of the range used in walking and stability, one above the other."""
    from importlib import import_module

    from matplotlib.lines import Line2D

    dates: Any = import_module("matplotlib.dates")  # without types

    shown = _panels(one)
    figure, axes = style.panels(len(shown), 1, _PANEL_PX, narrow)
    spans = [_when(p) for _, _, some in shown for _, points, _ in some for p in points]
    low, high = min(spans), max(spans)
    pad = max((high - low) * 0.05, (high - low).__class__(days=1))
    for ax, (title, unit, some) in zip(axes, shown, strict=True):
        style.dress(ax, title, "", unit)
        for _, points, is_open in some:
            _draw(ax, points, is_open)
        ax.set_xlim(dates.date2num(low - pad), dates.date2num(high + pad))
        locator = dates.AutoDateLocator(minticks=2, maxticks=4 if narrow else 7)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
        if unit in ("s", "%"):
            ax.set_ylim(0.0, 1.12 * max(p.value for _, points, _ in some for p in points))
    legs = list(dict.fromkeys(p.leg for _, _, some in shown for _, points, _ in some for p in points))
    keys = [
        Line2D([], [], color=style.LEG_COLOUR[leg], marker=style.LEG_MARKER[leg], linestyle="none", label=leg)
        for leg in legs
    ]
    inks = [style.LEG_INK[leg] for leg in legs]
    if one.assisted and one.active:
        keys.append(Line2D([], [], color=style.INK, marker="o", markerfacecolor="white", label="with help"))
        inks.append(style.MUTED)
    style.key(axes[0], keys, inks, columns=3)
    return figure


def _panels(one: Mobility) -> list[tuple[str, str, list[tuple[str, tuple[Point, ...], bool]]]]:
    """Title, unit and point series (name, points, open markers) of each panel that has points."""
    what = "Lunge" if one.action == "lunge" else f"Range of {one.action}"
    share = tuple(
        Point(session_id=p.session_id, start_utc=p.start_utc, leg=p.leg, value=100.0 * p.value) for p in one.used
    )
    used = "both active flexion ranges" if "flexion" in one.action else "the active range"
    every = [
        (what, "deg", [("by itself", one.active, False), ("with help", one.assisted, True)]),
        ("Practised: time under tension, all loads", "s", [("held", one.tension, False)]),
        (f"Walking used of {used}", "%", [("used", share, False)]),
        (one.stability_name, "", [("walks", one.stability, False)]),
    ]
    return [(title, unit, some) for title, unit, some in every if any(points for _, points, _ in some)]


def _draw(ax: Axes, points: Sequence[Point], is_open: bool) -> None:
    for leg in dict.fromkeys(p.leg for p in points):
        own = sorted((p for p in points if p.leg == leg), key=lambda p: p.start_utc)
        x: list[Any] = [_when(p) for p in own]
        y = [p.value for p in own]
        colour = style.LEG_COLOUR[leg]
        for at, p in zip(x, own, strict=True):
            if p.low == p.low:
                ax.plot([at, at], [p.low, p.high], color=colour, linewidth=1.0, alpha=0.6)
        ax.plot(x, y, color=colour, linestyle=style.LEG_LINE[leg], marker=style.LEG_MARKER[leg], markersize=5,
                linewidth=1.2, markerfacecolor="white" if is_open else colour)  # fmt: skip


def _when(point: Point) -> datetime:
    return datetime.fromisoformat(point.start_utc.replace("Z", "+00:00"))


def mobility_alt(one: Mobility) -> str:
    """Alt text of the picture."""
    parts = []
    for title, unit, some in _panels(one):
        for name, points, _ in some:
            if points:
                first, last = points[0].value, points[-1].value
                parts.append(
                    f"{title}, {name}: {first:.1f} {unit} at first, {last:.1f} {unit} at last".replace("  ", " ")
                )
    return f"{'; '.join(parts)}."


def mobility_grid(one: Mobility) -> Grid:
    """Every point of the picture."""
    rows = tuple(
        (
            p.start_utc[:10],
            p.leg,
            title + (f", {name}" if name == "with help" else ""),
            _value(p, unit),
            p.session_id,
        )
        for title, unit, some in _panels(one)
        for name, points, _ in some
        for p in points
    )
    return Grid(caption="Every point", head=("Date", "Leg", "What", "Value", "Session"), rows=rows)


def _value(point: Point, unit: str) -> str:
    return f"{point.value:.1f} {unit}".strip()


def ladder_grid(one: Mobility) -> Grid:
    """The rungs that were done."""
    rows = tuple(
        (
            f"{rung.leg.capitalize()}: {rung.words}",
            str(rung.sessions),
            str(rung.holds),
            _told(rung.longest_s, 0),
            _reached(rung),
            _told(rung.drift_dps, 2),
            _told(rung.tremor_dps, 1),
            rung.last_utc[:10],
        )
        for rung in one.rungs
    )
    head = (
        "Load, lightest first", "Sessions", "Holds", "Longest, s", "Range, deg", "Sag, deg/s", "Tremor, deg/s",
        "Last",
    )  # fmt: skip
    return Grid(caption=_LADDER, head=head, rows=rows)


def _told(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if value == value else "–"


def _reached(rung: Rung) -> str:
    """How far it went under this load, by itself where that was measured."""
    if rung.active_deg == rung.active_deg or rung.assisted_deg != rung.assisted_deg:
        return _told(rung.active_deg, 1)
    return f"{rung.assisted_deg:.1f} with help"


def mobility_html(one: Mobility) -> str:
    """The page as text."""
    return render("mobility.html.j2", **_values(one))


def write_mobility(one: Mobility, path: str | os.PathLike[str]) -> Path:
    """Write the trend of one action as a page (.html) or a picture (.png, .svg).

    Raises
    ------
    ValueError
        If the name ends in none of these.
    QualityRefusal
        If there is no point to draw.
    StorageError
        If the file cannot be written.
    """
    import io

    target = Path(path)
    kind = target.suffix.lower()
    if kind not in (".html", ".htm", ".png", ".svg"):
        raise ValueError(f"A trend is written as .html, .png or .svg, found {target.name}.")
    if not _panels(one):
        raise QualityRefusal(f"No session of practice has a usable figure of {one.action} yet; measure it again.")
    if kind in (".html", ".htm"):
        return write_whole(target, mobility_html(one).encode())
    sink = io.BytesIO()
    mobility_figure(one).savefig(sink, format=kind[1:], dpi=144)
    return write_whole(target, sink.getvalue())


def _values(one: Mobility) -> dict[str, Any]:
    return {
        "one": one,
        "title": "Lunge" if one.action == "lunge" else one.action.capitalize(),
        "picture": picture(mobility_figure, one, "mobility", mobility_alt(one)),
        "grid": mobility_grid(one),
        "ladder": ladder_grid(one),
        "suggestions": suggest(one.rungs),
        "left_out": [words.sentence(text) for text in one.left_out],
    }
