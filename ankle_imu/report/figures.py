"""The figures of one session: each is `figure(result) -> matplotlib Figure`, for the page and for notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ankle_imu import frames
from ankle_imu.report import series, style, words
from ankle_imu.report.curves import curves_figure
from ankle_imu.report.excursions import excursion_figure
from ankle_imu.report.sides import sides_figure
from ankle_imu.report.timeline import timeline_figure
from ankle_imu.report.trail import trail_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ankle_imu.values import SessionResult

__all__ = [
    "curves_figure",
    "excursion_figure",
    "quality_figure",
    "sides_figure",
    "timeline_figure",
    "trail_figure",
]


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
