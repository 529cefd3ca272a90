"""The figures of one session: each is `figure(result) -> matplotlib Figure`, for the page and for notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ankle_imu import frames
from ankle_imu.metrics.curves import strata
from ankle_imu.metrics.excursions import EXCEEDANCE_MARKS_DEG, count_exceedances
from ankle_imu.metrics.summary import MIN_STRIDES_MEDIAN
from ankle_imu.report import series, style, words
from ankle_imu.report.curves import curves_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from ankle_imu.values import SessionResult

__all__ = ["curves_figure", "excursion_figure", "quality_figure", "timeline_figure"]


def excursion_figure(result: SessionResult, *, narrow: bool = False) -> Figure:
    """Distribution of range and inversion excursion per stride, per leg, a row per angle source and gait class.

    Steps give the share of strides per degree; the marks at 15, 20 and 25 deg carry the share beyond them.
    """
    keys = [(s, g, m) for s, g in strata(result.strides) for m in series.excursion_metrics(s)]
    keys = [
        key for key in keys if any(len(x) >= MIN_STRIDES_MEDIAN for x in series.excursions(result, *key).values())
    ]
    figure, axes = style.panels(max(1, len(keys)), 2, 250, narrow)
    if not keys:
        style.say(axes[0], f"Fewer than {MIN_STRIDES_MEDIAN} usable strides of one leg: no distribution.")
    for ax, key in zip(axes, keys, strict=False):
        _draw_distribution(ax, key, series.excursions(result, *key))
    return figure


def _draw_distribution(ax: Axes, key: tuple[str, str, str], values: dict[str, NDArray[np.float64]]) -> None:
    source, gait, metric = key
    name = words.METRIC[metric]
    style.dress(ax, f"{words.GAIT[gait]}: {name[0].lower()}{name[1:]}", _axis_of(source, metric), "% of strides")
    top = max(30.0, float(np.ceil(max(v.max() for v in values.values()))) + 1.0)
    for leg, x in values.items():
        share, edges = np.histogram(x, bins=np.arange(0.0, top + 1.0))
        line: dict[str, Any] = {"color": style.LEG_COLOUR[leg], "linestyle": style.LEG_LINE[leg]}
        ax.stairs(100.0 * share / len(x), edges, linewidth=1.8, label=leg, **line)
    _draw_marks(ax, values)
    ax.set_xlim(0.0, top)
    ax.set_ylim(0.0, ax.get_ylim()[1] * 1.1)
    style.leg_key(ax, {leg: f"{leg}, {words.plural(len(x), 'stride')}" for leg, x in values.items()})


def _axis_of(source: str, metric: str) -> str:
    return "shank tilt, deg" if metric.startswith("shank") else f"{words.FRONTAL[source].lower()}, deg"


def _draw_marks(ax: Axes, values: dict[str, NDArray[np.float64]]) -> None:
    """Lines at the marks, and in the corner the share of each leg's strides beyond them."""
    for mark in EXCEEDANCE_MARKS_DEG:
        ax.axvline(mark, color=style.MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    corner = {"ha": "right", "va": "baseline", "linespacing": 1.4, "bbox": paper}
    names = "\n".join(["beyond", *(f"{mark:g} deg" for mark in EXCEEDANCE_MARKS_DEG)])
    style.note(ax, 1.0 - 0.19 * len(values), 0.64, names, **corner)
    for column, (leg, x) in enumerate(reversed(values.items())):
        beyond = count_exceedances(x).values()
        shares = "\n".join([leg, *(words.percent(n, len(x)) for n in beyond)])
        style.note(ax, 0.99 - 0.19 * column, 0.64, shares, color=style.LEG_INK[leg], **corner)


def timeline_figure(result: SessionResult, *, narrow: bool = False) -> Figure:
    """Range of every stride against time, with gait, events and open gaps; a panel per angle source."""
    sources = [s for s in series.sources(result) if series.timeline(result, s)]
    figure, axes = style.panels(max(1, len(sources)), 1, 290, narrow)
    if not sources:
        style.say(axes[0], "No accepted stride with an excursion to draw.")
    for ax, source in zip(axes, sources, strict=False):
        _draw_timeline(ax, result, source, narrow)
    return figure


def _draw_timeline(ax: Axes, result: SessionResult, source: str, narrow: bool) -> None:
    label = "shank tilt range" if source == "none" else f"{words.FRONTAL[source].lower()} range"
    title = label[0].upper() + label[1:] + ("" if narrow else " of each stride, and its running median")
    style.dress(ax, title, "minutes", "deg")
    legs = series.timeline(result, source)
    for leg, (minutes, values, median) in legs.items():
        colour, crowded = style.LEG_COLOUR[leg], len(values) > 800
        ax.plot(
            minutes, values, style.LEG_MARKER[leg], color=colour, markeredgewidth=0,
            markersize=2.2 if crowded else 3.4, alpha=0.3 if crowded else 0.5, rasterized=True,
        )  # fmt: skip
        line: dict[str, Any] = {"color": style.LEG_INK[leg], "linestyle": style.LEG_LINE[leg]}
        ax.plot(*series.thin(minutes, median, 400), linewidth=1.8, label=leg, **line)
    ax.set_xlim(0.0, max(result.duration_s / 60.0, 1e-3))
    top = max(float(np.quantile(v, 0.998)) for _, v, _ in legs.values()) * 1.25
    ax.set_ylim(-0.12 * top, top * 1.12)
    ax.set_yticks([t for t in ax.get_yticks() if 0.0 <= t <= top * 1.12])
    style.leg_key(ax, {leg: leg for leg in legs})
    _draw_gaits(ax, result, top)
    _draw_events(ax, result, top)
    for start, end in series.open_gaps(result):
        ax.axvspan(start / 60.0, end / 60.0, color=style.FILLED_COLOUR, alpha=0.35, linewidth=0)


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
    for event in series.rows(series.shown_events(result)):
        ax.axvline(event.time_s / 60.0, color=style.INK, linewidth=0.8)
        at = {"transform": ax.transData, "ha": "center", "va": "top", "color": style.INK, "fontweight": "bold"}
        box = {"boxstyle": "circle,pad=0.25", "facecolor": "white", "edgecolor": style.INK, "linewidth": 0.8}
        style.note(ax, event.time_s / 60.0, 1.09 * top, str(event.event_id), bbox=box, **at)


def quality_figure(result: SessionResult, *, narrow: bool = False) -> Figure:
    """Share of lost samples over time, one strip per sensor: bridged losses and open gaps apart."""
    sensors = [p for p in frames.PLACEMENTS if p in result.quality.get("sensors", {})]
    figure, (ax,) = style.panels(1, 1, 98 + 48 * max(1, len(sensors)), narrow, left_px=92)
    style.dress(ax, "Samples lost over time", "minutes")
    ax.grid(visible=False)
    for row, placement in enumerate(reversed(sensors)):
        _draw_loss(ax, result, placement, float(row))
    ax.set_yticks(range(len(sensors)), [_loss_label(result, p) for p in reversed(sensors)])
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(-0.3, max(1, len(sensors)))
    ax.set_xlim(0.0, max(result.duration_s / 60.0, 1e-3))
    ax.spines["left"].set_visible(False)
    _loss_key(ax)
    return figure


def _loss_label(result: SessionResult, placement: str) -> str:
    ledger = result.quality["sensors"][placement]
    return f"{words.side(placement)}\n{words.percent(ledger['lost'], ledger['expected'])} lost"


def _loss_key(ax: Axes) -> None:
    from matplotlib.patches import Patch

    patches = [Patch(color=style.LOSS_COLOUR, label="open gap"), Patch(color=style.FILLED_COLOUR, label="bridged")]
    style.key(ax, list(patches), [style.MUTED, style.MUTED])


def _draw_loss(ax: Axes, result: SessionResult, placement: str, row: float) -> None:
    edges, filled, lost = series.loss_over_time(result, placement)
    ax.axhline(row, color="#56B4E9", linewidth=3.0, solid_capstyle="butt")
    width = np.diff(edges)
    for share, base, colour in ((lost, 0.0, style.LOSS_COLOUR), (filled, lost, style.FILLED_COLOUR)):
        some = share > 0.0
        height = np.maximum(0.8 * share, 0.1)[some]
        bottom = row + 0.8 * np.broadcast_to(base, share.shape)[some]
        ax.bar(edges[:-1][some], height, width[some], bottom=bottom, align="edge", color=colour, linewidth=0)
