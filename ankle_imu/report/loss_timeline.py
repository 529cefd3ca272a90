"""The loss ledger as a picture: one lane per sensor, and in it what became of every sample."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.report import style, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ankle_imu.values import ImuSeries, LinkEvent, Recording

Array = NDArray[np.float64]

COLOUR: Final = {"received": "#56B4E9", "healed": "#009E73", "lost": style.LOSS_COLOUR}
"""Okabe M., Ito K. (2008) Color universal design: sky blue, bluish green, vermillion."""

MARK: Final[Mapping[str, Mapping[str, Any]]] = {
    "lost": {"label": "link lost", "marker": "x", "color": "#A84300"},
    "silent": {"label": "silent", "marker": "d", "color": "#B07A00"},
    "connected": {"label": "connected", "marker": "^", "color": "#00694C"},
    "restarted": {"label": "sensor restarted", "marker": "*", "color": "#8A3A68"},
    "problem": {"label": "problem", "marker": "s", "color": style.INK},
}
"""Events of a link that are drawn; all others are in the ledger only."""

_LANE_PX, _TOP_PX, _BOTTOM_PX, _LEFT_PX, _RIGHT_PX = 62.0, 70.0, 46.0, 84.0, 100.0
_WIDTH_PX: Final = style.WIDE_PX - _LEFT_PX - _RIGHT_PX
_BAR: Final = 0.52
"""Height of the bar in its lane."""
_COLUMN_PX: Final = 2.0


def loss_figure(
    recording: Recording,
    events: Iterable[LinkEvent] = (),
    healed: Mapping[str, Array] | None = None,
    *,
    title: str = "",
) -> Figure:
    """Lanes of all sensors against time.

    Parameters
    ----------
    recording : Recording
    events : iterable of LinkEvent
    healed : mapping of placement to (k,) s, times of samples that came late and filled a hole
    title : str

    Notes
    -----
    The height of a colour is its share of the samples of that moment. A loss too small to be seen has its tick
    under the lane.
    """
    placements = list(recording.series)
    height = _TOP_PX + _BOTTOM_PX + _LANE_PX * max(1, len(placements))
    figure = style.new_figure(style.WIDE_PX, height)
    ax = figure.add_axes(
        (
            _LEFT_PX / style.WIDE_PX,
            _BOTTOM_PX / height,
            _WIDTH_PX / style.WIDE_PX,
            1.0 - (_TOP_PX + _BOTTOM_PX) / height,
        )
    )
    end = max(recording.duration, 1e-9)
    edges = np.linspace(0.0, end, 1 + int(_WIDTH_PX / _COLUMN_PX))
    drawn = [event for event in events if event.event in MARK and event.placement in recording.series]
    for lane, placement in enumerate(placements):
        counts = count_samples(recording.series[placement], edges, (healed or {}).get(placement, np.empty(0)))
        _draw_lane(ax, -lane, edges, counts)
        _label_lane(ax, -lane, recording, placement)
        _draw_events(ax, -lane, [event for event in drawn if event.placement == placement])
    _draw_markers(ax, recording)
    _dress(ax, end, title, unit=60.0 if end > 180.0 else 1.0)
    ax.set_ylim(0.5 - max(1, len(placements)), 0.75 if recording.markers else 0.55 if drawn else 0.4)
    _explain(ax, {event.event for event in drawn}, bool(recording.markers), bool(healed))
    return figure


def count_samples(series: ImuSeries, edges: Array, healed: Array) -> dict[str, Array]:
    """Samples received in time, healed and lost between the edges.

    Parameters
    ----------
    series : ImuSeries
    edges : (k + 1,) s
    healed : (n,) s

    Returns
    -------
    dict
        `received`, `healed`, `lost`: (k,) float arrays; lost rows are those that are not finite.
    """
    here = np.clip(np.asarray(series.time), edges[0], edges[-1])
    all_rows = np.histogram(here, edges)[0].astype(float)
    good = np.histogram(here[series.is_valid], edges)[0].astype(float)
    late = np.minimum(np.histogram(np.clip(healed, edges[0], edges[-1]), edges)[0].astype(float), good)
    return {"received": good - late, "healed": late, "lost": all_rows - good}


def _draw_lane(ax: Axes, y: float, edges: Array, counts: Mapping[str, Array]) -> None:
    total = sum(counts.values(), start=np.zeros(len(edges) - 1))
    is_any = total > 0
    level = np.full(len(total), y - _BAR / 2)
    for kind, colour in COLOUR.items():
        top = level + _BAR * np.divide(counts[kind], total, out=np.zeros_like(total), where=is_any)
        ax.stairs(top, edges, baseline=level, fill=True, color=colour, linewidth=0)
        level = top
    ticks = ((edges[1:] + edges[:-1]) / 2)[counts["lost"] > 0]
    ax.vlines(ticks, y - _BAR / 2 - 0.10, y - _BAR / 2 - 0.03, color=COLOUR["lost"], linewidth=_COLUMN_PX)


def _label_lane(ax: Axes, y: float, recording: Recording, placement: str) -> None:
    series, loss = recording.series[placement], recording.loss.get(placement)
    name = words.side(placement).replace(" ", "\n")
    beside: dict[str, Any] = {"va": "center", "linespacing": 1.35, "fontsize": 11.5}
    ax.annotate(
        name, (0, y), (-10, 0), ("axes fraction", "data"), "offset points", ha="right", color=style.INK, **beside
    )
    lost = loss.lost if loss else int((~series.is_valid).sum())
    expected = loss.expected if loss else len(series.time)
    told = f"{words.percent(lost, expected)} lost\n{loss.true_rate_hz if loss else series.sampling_rate:.1f} Hz"
    ink = "#A84300" if lost else style.MUTED
    ax.annotate(told, (1, y), (10, 0), ("axes fraction", "data"), "offset points", ha="left", color=ink, **beside)


def _draw_events(ax: Axes, y: float, events: Iterable[LinkEvent]) -> None:
    for event in events:
        mark = {name: value for name, value in MARK[event.event].items() if name != "label"}
        ax.plot(event.time_s, y + _BAR / 2 + 0.12, markersize=6, linestyle="", clip_on=False, **mark)


def _draw_markers(ax: Axes, recording: Recording) -> None:
    """Thin lines; with their words where these have room."""
    free_s = 0.0
    for marker in recording.markers:
        ax.axvline(marker.time_s, color=style.MUTED, linewidth=0.8, linestyle=(0, (1, 2)), zorder=0)
        width_s = (len(marker.text) * 6.5 + 8.0) * recording.duration / _WIDTH_PX
        if free_s <= marker.time_s <= recording.duration - width_s:
            ax.annotate(
                marker.text, (marker.time_s, 1.0), (3, -2), ("data", "axes fraction"), "offset points", va="top",
                fontsize=10.5, color=style.MUTED,
            )  # fmt: skip
            free_s = marker.time_s + width_s


def _dress(ax: Axes, end: float, title: str, *, unit: float) -> None:
    style.dress(ax, "", "min from start" if unit == 60.0 else "s from start")
    ax.set_title(title, loc="left", fontsize=13, color=style.INK, pad=34)
    ax.grid(False)
    ax.spines["left"].set_visible(False)
    ax.set_yticks([])
    ax.set_xlim(0.0, end)
    ax.xaxis.set_major_locator(_ticks(end / unit, unit))
    ax.xaxis.set_major_formatter(lambda seconds, _: f"{seconds / unit:g}")


def _ticks(end: float, unit: float) -> Any:
    from matplotlib.ticker import MultipleLocator

    steps = (0.5, 1, 2, 5, 10, 20, 30, 60, 120)
    return MultipleLocator(unit * next((s for s in steps if end / s <= 9), end / 8))


def _explain(ax: Axes, events: set[str], has_markers: bool, has_healed: bool) -> None:
    from matplotlib.artist import Artist
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Artist] = [
        Patch(color=colour, label=kind) for kind, colour in COLOUR.items() if kind != "healed" or has_healed
    ]
    handles += [Line2D([], [], linestyle="", markersize=6, **MARK[name]) for name in MARK if name in events]
    if has_markers:
        handles.append(Line2D([], [], color=style.MUTED, linewidth=1.0, linestyle=(0, (1, 2)), label="marker"))
    ax.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(-4.4 / _WIDTH_PX, 1.0), ncols=len(handles),
        fontsize=11, handlelength=1.2, handletextpad=0.5, columnspacing=1.3, borderaxespad=0.4, borderpad=0.0,
        labelcolor=style.MUTED, frameon=False,
    )  # fmt: skip
