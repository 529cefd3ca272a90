"""The trail figure: the way in metres, coloured by how much the steps varied, with the events on it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ankle_imu.report import series, style, words
from ankle_imu.report.grid import Grid
from ankle_imu.report.trail_line import LEAST_SHOWN_M, SPREAD_STRIDES, TrailLine, has_track, trail_line
from ankle_imu.terrain.privacy import TRIM_M

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from ankle_imu.values import SessionResult

    Array = NDArray[np.float64]

CLASSES: Final = 5
"""Most classes of spread: more shades of one line cannot be told apart; ours."""

_WIDTHS: Final = (2.2, 5.6)
"""Widths of the line from least to most spread, px: the classes are told apart without colour as well."""

_LABELS_PX: Final = 150.0
"""Ends nearer than two labels are long: one is named above and one below."""

_SIDE_PX: Final = 3.5
"""The line keeps to the right of the way by so much, so that the way back lies beside the way out."""

_MARGIN_PX, _TOP_PX, _KEY_PX = 26.0, 34.0, 62.0
_TALLEST_PX, _LOWEST_PX = 560.0, 190.0
_CASING: Final = "#6b6b6b"


def trail_figure(
    result: SessionResult, *, trim_m: float = TRIM_M, key: bytes = b"", narrow: bool = False
) -> Figure:
    """Draw the way of a session seen from above, north up, in metres, its ends left out.

    Parameters
    ----------
    result : SessionResult
    trim_m : float, m, what is hidden round the ends; 0 draws all
    key : bytes, see `terrain.privacy.zone`
    narrow : bool, for a telephone

    Notes
    -----
    Colour and width go with the standard deviation of the range of 25 strides around, mean of both legs; grey
    where it is not known.
    """
    line = trail_line(result, trim_m, key)
    if len(line.time) < 2:
        figure, (ax,) = style.panels(1, 1, 200, narrow)
        style.say(ax, untold(result))
        return figure
    figure, ax, metres = _paper(line, narrow)
    edges = classes(line.spread)
    _draw_line(ax, line, edges, metres)
    _draw_way(ax, line, metres)
    _draw_events(ax, result, line, metres)
    _draw_scale(ax, metres)
    _draw_north(ax)
    _draw_key(figure, edges, line.source)
    return figure


def is_shown(result: SessionResult, *, trim_m: float = TRIM_M, key: bytes = b"") -> bool:
    """Whether anything of the way is left to show."""
    return len(trail_line(result, trim_m, key).time) > 1


def untold(result: SessionResult) -> str:
    """Why there is no map."""
    if not has_track(result):
        return "No track of this session."
    return f"No map: without the surroundings of its ends less than {LEAST_SHOWN_M:g} m of the way are left."


def classes(spread: Array) -> Array:
    """Edges of the classes of spread, (k,) deg, round numbers; empty where no spread is known."""
    from matplotlib.ticker import MaxNLocator

    known = spread[np.isfinite(spread)]
    if not len(known):
        return np.empty(0)
    low, high = np.quantile(known, [0.02, 0.98])
    edges = MaxNLocator(CLASSES, steps=[1, 2, 2.5, 5, 10], min_n_ticks=2).tick_values(low, max(high, low + 0.1))
    return np.asarray(edges[: np.searchsorted(edges, high) + 1], dtype=np.float64)


def _class_of(spread: Array, edges: Array) -> NDArray[np.int64]:
    """Class of each point, 0 first; -1 where the spread is not known."""
    if not len(edges):
        return np.full(len(spread), -1)
    own = np.clip(np.searchsorted(edges, spread, side="right") - 1, 0, len(edges) - 2)
    return np.where(np.isfinite(spread), own, -1)


def _look(n: int) -> list[dict[str, Any]]:
    """Colour and width of each of n classes, from light and thin to dark and thick."""
    from matplotlib import colormaps

    shade = colormaps["cividis_r"](np.linspace(0.05, 1.0, n)) if n > 1 else colormaps["cividis_r"]([0.6])
    width = np.linspace(*_WIDTHS, n) if n > 1 else [np.mean(_WIDTHS)]
    return [{"color": tuple(c), "linewidth": float(w)} for c, w in zip(shade, width, strict=True)]


def _paper(line: TrailLine, narrow: bool) -> tuple[Figure, Axes, float]:
    """A figure as tall as the way asks for, its axes in metres, and the metres of one pixel."""
    width = float(style.NARROW_PX if narrow else style.WIDE_PX)
    box = width - 2.0 * _MARGIN_PX
    across, along = (max(float(np.ptp(x)), 20.0) for x in (line.east, line.north))
    metres = max(across / (box - 60.0), along / (_TALLEST_PX - 60.0))
    tall = float(np.clip(along / metres + 60.0, _LOWEST_PX, _TALLEST_PX))
    height = tall + _TOP_PX + _KEY_PX
    figure = style.new_figure(width, height)
    ax = figure.add_axes((_MARGIN_PX / width, _KEY_PX / height, box / width, tall / height))
    ax.set_xlim(-0.5 * box * metres, 0.5 * box * metres)
    ax.set_ylim(-0.5 * tall * metres, 0.5 * tall * metres)
    ax.set_axis_off()
    ax.set_title("The way, from above", loc="left", fontsize=style.TITLE_PX, color=style.INK, pad=12)
    return figure, ax, metres


def _beside(line: TrailLine, metres: float) -> Array:
    """The line moved to the right of the way, (n, 2) m."""
    place = np.stack([line.east, line.north], axis=1)
    out = place.copy()
    for piece in np.unique(line.piece):
        rows = np.flatnonzero(line.piece == piece)
        if len(rows) > 1:
            ahead = np.gradient(_smooth(place[rows]), axis=0)
            ahead /= np.maximum(np.hypot(*ahead.T), 1e-9)[:, None]
            out[rows] += _SIDE_PX * metres * np.stack([ahead[:, 1], -ahead[:, 0]], axis=1)
    return out


def _smooth(place: Array) -> Array:
    """Running mean of five points, (n, 2): where the way goes, not where the receiver jumped."""
    padded = np.pad(place, ((2, 2), (0, 0)), mode="edge")
    return np.asarray(sum(padded[k : k + len(place)] for k in range(5)) / 5.0)


def _draw_line(ax: Axes, line: TrailLine, edges: Array, metres: float) -> None:
    """One stroke for each stretch of one class, over a grey casing that shows light colours on white."""
    place, own = _beside(line, metres), _class_of(line.spread, edges)
    looks = _look(max(len(edges) - 1, 1))
    for piece in np.unique(line.piece):
        rows = line.piece == piece
        ax.plot(*place[rows].T, color=_CASING, linewidth=_WIDTHS[0] + 1.0, solid_capstyle="round", zorder=1)
    breaks = np.flatnonzero((np.diff(own) != 0) | (np.diff(line.piece) != 0)) + 1
    for first, last in pairwise([0, *breaks.tolist(), len(own)]):
        if own[first] < 0:
            continue
        stop = last + 1 if last < len(own) and line.piece[last] == line.piece[first] else last
        ax.plot(*place[first:stop].T, **looks[own[first]], solid_capstyle="round", zorder=2, gid=f"c{own[first]}")


def _draw_way(ax: Axes, line: TrailLine, metres: float) -> None:
    """Arrows along the way, and open ends where it is cut."""
    place = _beside(line, metres)
    for share in (0.15, 0.4, 0.65, 0.9):
        at = int(share * (len(place) - 1))
        near = slice(max(at - 3, 0), at + 4)
        if line.piece[near].min() == line.piece[near].max():
            ahead = place[near][-1] - place[near][0]
            turned = float(np.degrees(np.arctan2(ahead[1], ahead[0]))) - 90.0
            arrow: dict[str, Any] = {"marker": (3, 0, turned), "color": style.INK, "markeredgecolor": "white"}
            ax.plot(*place[at], markersize=9.0, markeredgewidth=0.8, zorder=3, **arrow)
    apart = float(np.hypot(*(place[0] - place[-1]))) / metres
    ends = [(0, 3, "from and to here")] if apart < 34.0 else [(0, 3, "from here"), (-1, -4, "to here")]
    for at in (0, -1):
        ax.plot(*place[at], "o", markerfacecolor="white", markeredgecolor=style.INK, markersize=5.5, zorder=3)
    for at, inner, name in ends:
        away = place[at] - place[max(inner, -len(place)) if inner < 0 else min(inner, len(place) - 1)]
        x, y = 12.0 * away / max(float(np.hypot(*away)), 1e-9)
        if 34.0 <= apart < _LABELS_PX:
            y = 12.0 if at == 0 else -12.0
        ax.annotate(
            name, tuple(place[at]), (x, y), "data", "offset points", ha="left" if x > 0.0 else "right",
            va="bottom" if y > 0.0 else "top", zorder=4, fontsize=style.SMALL_PX, color=style.MUTED,
        )  # fmt: skip


def shown_on(result: SessionResult, line: TrailLine) -> list[tuple[str, float]]:
    """Number and time, s, of the events that lie on the line; those at its hidden ends do not."""
    found = []
    for event in series.rows(series.shown_events(result)):
        after = int(np.searchsorted(line.time, event.time_s))
        if 0 < after < len(line.time) and line.piece[after - 1] == line.piece[after]:
            found.append((str(event.event_id), float(event.time_s)))
    return found


def _draw_events(ax: Axes, result: SessionResult, line: TrailLine, metres: float) -> None:
    """Numbers in circles, moved out of each other's way."""
    taken: list[tuple[float, float]] = []
    place = _beside(line, metres)
    for number, time in shown_on(result, line):
        x, y = (float(np.interp(time, line.time, values)) for values in place.T)
        ax.plot(x, y, "x", color=style.INK, markersize=6.0, markeredgewidth=1.6, zorder=5)
        angle, reach = np.pi / 2.0, 19.0
        for _ in range(24):
            at = (x + reach * metres * np.cos(angle), y + reach * metres * np.sin(angle))
            if all(np.hypot(at[0] - a, at[1] - b) > 21.0 * metres for a, b in taken):
                break
            angle += np.pi / 4.0
            reach += 2.5
        taken.append(at)
        box = {"boxstyle": "circle,pad=0.25", "facecolor": "white", "edgecolor": style.INK, "linewidth": 0.8}
        ax.annotate(
            number, (x, y), at, ha="center", va="center", zorder=6, fontsize=style.SMALL_PX, color=style.INK,
            fontweight="bold", bbox=box, arrowprops={"arrowstyle": "-", "color": style.INK, "linewidth": 0.8},
        )  # fmt: skip


def scale_m(metres: float) -> float:
    """Round length, m, of a scale bar of 60 to 150 px where a pixel is so many metres."""
    most = 150.0 * metres
    power = 10.0 ** np.floor(np.log10(most))
    return float(max(step for step in (1.0, 2.0, 5.0) if step * power <= most) * power)


def _draw_scale(ax: Axes, metres: float) -> None:
    length = scale_m(metres)
    left, bottom = ax.get_xlim()[0] + 2.0 * metres, ax.get_ylim()[0] + 6.0 * metres
    x = [left, left, left + length, left + length]
    y = [bottom + 5.0 * metres, bottom, bottom, bottom + 5.0 * metres]
    ax.plot(x, y, color=style.INK, linewidth=1.4, solid_joinstyle="miter", clip_on=False)
    text = f"{length / 1000.0:g} km" if length >= 1000.0 else f"{length:g} m"
    at = {"transform": ax.transData, "va": "bottom", "ha": "left", "color": style.INK}
    style.note(ax, left, bottom + 7.0 * metres, text, **at)


def _draw_north(ax: Axes) -> None:
    arrow = {"arrowstyle": "-|>", "color": style.INK, "linewidth": 1.2}
    ax.annotate(
        "N", (1.0, 1.0), (0, -30), "axes fraction", "offset points", ha="center", va="top", color=style.INK,
        fontsize=style.TITLE_PX, arrowprops=arrow, annotation_clip=False,
    )  # fmt: skip


def _draw_key(figure: Figure, edges: Array, source: str) -> None:
    """The classes in a row below the map, as wide as they are on it."""
    width, height = figure.get_size_inches() * 72.0
    ax = figure.add_axes(
        (_MARGIN_PX / width, 8.0 / height, 1.0 - 2.0 * _MARGIN_PX / width, (_KEY_PX - 14.0) / height)
    )
    ax.set_axis_off()
    box = width - 2.0 * _MARGIN_PX
    ax.set_xlim(0.0, box)
    ax.set_ylim(0.0, _KEY_PX - 14.0)
    if not len(edges):
        style.note(ax, 0.0, 0.5, "Too few strides for a spread.", va="center")
        return
    name = "shank tilt" if source == "none" else words.FRONTAL[source].lower()
    style.note(ax, 0.0, 0.62, f"spread of {name} range, {SPREAD_STRIDES} strides, deg (SD)", va="bottom")
    step = min(70.0, (box - 20.0) / (len(edges) - 1))
    for k, look in enumerate(_look(len(edges) - 1)):
        ends = [8.0 + k * step, 8.0 + (k + 1) * step]
        ax.plot(ends, [20.0, 20.0], color=_CASING, linewidth=look["linewidth"] + 1.0, solid_capstyle="butt")
        ax.plot(ends, [20.0, 20.0], **look, solid_capstyle="butt")
    for k, edge in enumerate(edges):
        style.note(ax, 8.0 + k * step, 12.0, f"{edge:g}", transform=ax.transData, ha="center", va="top")


def trail_grid(result: SessionResult, *, trim_m: float = TRIM_M, key: bytes = b"") -> Grid:
    """Spread and events on equal parts of what the map shows."""
    line = trail_line(result, trim_m, key)
    head = ("On the way", "Spread, deg: median (largest)", "Events")
    if len(line.time) < 2:
        return Grid(caption="Along the way", head=head, rows=())
    edges = np.linspace(line.way[0], line.way[-1], (11 if np.ptp(line.way) > 2000.0 else 6))
    at = {number: float(np.interp(time, line.time, line.way)) for number, time in shown_on(result, line)}
    rows = []
    for low, high in pairwise(edges):
        is_last = high == edges[-1]
        own = line.spread[(line.way >= low) & (line.way < high)]
        own = own[np.isfinite(own)]
        spread = f"{np.median(own):.1f} ({own.max():.1f})" if len(own) else "–"
        here = [number for number, way in at.items() if low <= way < high or (is_last and way == high)]
        rows.append((f"{_far(low)} to {_far(high)}", spread, ", ".join(here) or "–"))
    return Grid(caption="Along the way", head=head, rows=tuple(rows))


def _far(metres: float) -> str:
    return f"{metres / 1000.0:.2f} km"


def trail_caption(result: SessionResult, *, trim_m: float = TRIM_M, key: bytes = b"") -> str:
    """How to read the map, and what it leaves out."""
    line = trail_line(result, trim_m, key)
    text = (
        f"Darker and wider: the range of the {SPREAD_STRIDES} strides around varied more (mean of both legs). "
        "Ground, pace and gait vary it as well. The line keeps to the right of the way, so that the way back lies "
        "beside the way out; arrows show where it goes. Crosses with numbers: events, as listed."
    )
    parts = [text]
    if trim_m > 0.0:
        parts.append("The surroundings of start and end are left out, so that the picture does not show a door.")
    hidden = len(series.shown_events(result)) - len(shown_on(result, line))
    if hidden:
        is_one = hidden == 1
        parts.append(
            f"{words.plural(hidden, 'event')} {'is' if is_one else 'are'} not on what is shown of the way."
        )
    return " ".join(parts)


def trail_alt(result: SessionResult, *, trim_m: float = TRIM_M, key: bytes = b"") -> str:
    """Alt text: length, extent, spread and events; no place."""
    line = trail_line(result, trim_m, key)
    if len(line.time) < 2:
        return "No way to show."
    extent = " by ".join(f"{np.ptp(x):.0f} m" for x in (line.east, line.north))
    parts = [f"{_far(line.length)} of the way, {extent} from west to east and south to north"]
    known = np.flatnonzero(np.isfinite(line.spread))
    if len(known):
        low, middle, high = np.quantile(line.spread[known], [0.1, 0.5, 0.9])
        most = known[int(line.spread[known].argmax())]
        parts.append(
            f"spread of the range from {low:.1f} to {high:.1f} deg, median {middle:.1f}, most "
            f"({line.spread[most]:.1f} deg) at {_far(float(line.way[most]))}"
        )
    parts.append(words.plural(len(shown_on(result, line)), "event") + " on it")
    return "The way from above: " + "; ".join(parts) + "."
