"""The figures of a practice session: ranges beside published values, holds over time, sway."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ankle_imu.mobility import ACTION_SIGNS, LOAD_FIELDS
from ankle_imu.report import practice_words as told
from ankle_imu.report import style, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ankle_imu.mobility import PracticeResult

_ROW_PX: Final = 42.0
_SWAY_PX: Final = 300.0


def ranges_figure(result: PracticeResult, *, narrow: bool = False) -> Figure:
    """Ranges by itself (filled) and with help (open), each repetition, beside published values."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    rows = told.range_rows(result)
    height = 126.0 + _ROW_PX * max(1, len(rows))
    figure, (ax,) = style.panels(1, 1, height, narrow, left_px=128 if narrow else 210)
    style.dress(ax, "End range of each action", "deg")
    ax.grid(visible=False)
    ax.grid(axis="x", color=style.RULE, linewidth=0.6)
    for k, row in enumerate(rows):
        _draw_range(ax, result, row, float(len(rows) - 1 - k))
    ax.set_yticks(range(len(rows)), [_label(row, narrow) for row in reversed(rows)])
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(-0.6, max(1, len(rows)) - 0.4)
    ax.set_xlim(left=min(0.0, ax.get_xlim()[0]))
    keys = [
        Line2D([], [], color=style.INK, marker="o", linestyle="none", label="by itself"),
        Line2D([], [], color=style.INK, marker="o", markerfacecolor="white", linestyle="none", label="with help"),
        Patch(color=style.RULE, label="published"),
    ]
    style.key(ax, keys, [style.MUTED] * 3, columns=3)
    legend = ax.get_legend()
    if narrow and legend is not None:
        legend.set_bbox_to_anchor((-0.5, 1.0), transform=ax.transAxes)
    return figure


def _label(row: Any, narrow: bool) -> str:
    """Leg, action and load; the load in lines that fit beside a narrow picture."""
    load = told.load(row)
    if not narrow:
        return "\n".join(filter(None, (f"{row.leg} {row.action}", load)))
    return "\n".join([f"{row.leg} {row.action}", *textwrap.wrap(load, 20)])


def _draw_range(ax: Axes, result: PracticeResult, row: Any, y: float) -> None:
    band = told.BANDS.get(row.action)
    if band is not None:
        ax.barh(y, band.high_deg - band.low_deg, left=band.low_deg, height=0.74, color="#ececec", linewidth=0)
        for edge in (band.low_deg, band.high_deg):
            ax.plot([edge, edge], [y - 0.37, y + 0.37], color="#b0b0b0", linewidth=1.0)
    colour, marker = style.LEG_COLOUR[row.leg], style.LEG_MARKER[row.leg]
    if np.isfinite(row.gap_deg):
        ax.plot([row.active_deg, row.assisted_deg], [y, y], color=colour, linewidth=1.2)
    for mode, best, face, up in (
        ("active", row.active_deg, colour, 0.0),
        ("assisted", row.assisted_deg, "white", 0.0),
    ):
        if not np.isfinite(best):
            continue
        ends = _ends(result, row, mode)
        ax.plot(ends, np.full(len(ends), y + up), marker="|", markersize=10, color=colour, linestyle="none")
        ax.plot(
            [best], [y + up], marker=marker, markersize=8, color=colour, markerfacecolor=face, linestyle="none"
        )


def _ends(result: PracticeResult, row: Any, mode: str) -> Any:
    """Accepted end ranges of a row of the ranges."""
    reps = result.reps
    same = (reps["leg"] == row.leg) & (reps["action"] == row.action) & (reps["mode"] == mode) & reps["accepted"]
    for name in LOAD_FIELDS:
        value = getattr(row, name)
        same &= reps[name].isna() if value != value else reps[name] == value
    return reps.loc[same, "end_range_deg"].to_numpy(float)


def ranges_alt(result: PracticeResult) -> str:
    """Alt text of the ranges."""
    parts = [
        f"{told.action(row)}: {words.number(row.active_deg, 'deg')} by itself, "
        f"{words.number(row.assisted_deg, 'deg')} with help"
        for row in told.range_rows(result)
    ]
    return f"End ranges in deg beside published values. {'; '.join(parts)}."


def held(result: PracticeResult) -> list[tuple[str, str]]:
    """Leg and action of the holds, in the order in which they came."""
    return list(dict.fromkeys(zip(result.holds["leg"], result.holds["action"], strict=True)))


def holds_figure(result: PracticeResult, *, narrow: bool = False) -> Figure:
    """Angle over the time of each hold, with the line that makes a hold and the range of the day."""
    groups = held(result)
    figure, axes = style.panels(len(groups), 2, 250.0, narrow)
    for ax, (leg, action) in zip(axes, groups, strict=True):
        style.dress(ax, f"{leg.capitalize()} {action}", "s held", "deg")
        own = told.rows_of(result.holds[(result.holds["leg"] == leg) & (result.holds["action"] == action)])
        for k, row in enumerate(own):
            time, angle = _during(result, row)
            ax.plot(time, angle, color=style.LEG_COLOUR[leg], linewidth=1.4, alpha=1.0 if k == 0 else 0.65)
            end = angle[-1] if len(angle) else row.level_deg
            ax.text(row.duration_s, end, f" {k + 1}", fontsize=style.SMALL_PX, color=style.INK, va="center")
        share = own[0].range_share
        if np.isfinite(share) and share > 0.0:
            end_range = own[0].level_deg / share
            ax.axhline(end_range, color=style.MUTED, linewidth=1.0)
            ax.axhline(0.8 * end_range, color=style.MUTED, linewidth=1.0, linestyle=(0, (4, 3)))
            ax.set_ylim(min(ax.get_ylim()[0], 0.72 * end_range), max(ax.get_ylim()[1], 1.08 * end_range))
        ax.set_xlim(0.0, 1.06 * max(row.duration_s for row in own))
    return figure


def _during(result: PracticeResult, row: Any) -> tuple[Any, Any]:
    name, sign = ACTION_SIGNS[row.action]
    if row.angle_source != "joint":
        name = {"dorsiflexion": "foot_pitch", "inversion": "foot_tilt"}[name]
    time = result.angles["time_s"].to_numpy()
    rows = slice(*np.searchsorted(time, [row.start_s, row.end_s]))
    step = max(1, (rows.stop - rows.start) // 400)
    angle = sign * result.angles[f"{row.leg}_{name}_deg"].to_numpy(float)
    return time[rows][::step] - row.start_s, angle[rows][::step]


def holds_alt(result: PracticeResult) -> str:
    """Alt text of the holds."""
    parts = [
        f"{told.action(row)} {row.duration_s:.1f} s at {row.level_deg:.1f} deg"
        for row in told.rows_of(result.holds)
    ]
    return f"Angle during each hold. {'; '.join(parts)}."


def stances(result: PracticeResult) -> list[Any]:
    """Stances with a direction, one per block: of the shank where it wears a sensor, else of the foot."""
    best: dict[int, Any] = {}
    for row in told.rows_of(result.sway):
        if row.block_id not in best or row.segment == "shank":
            best[row.block_id] = row
    return list(best.values())


def sway_figure(result: PracticeResult, *, narrow: bool = False) -> Figure:
    """The way of the leg in the plane of its tilts, one panel per stance, all on one scale."""
    rows = stances(result)
    figure, axes = style.panels(len(rows), 2, _SWAY_PX, narrow)
    ways = [_way(result, row) for row in rows]
    reach = 1.1 * max((float(np.nanmax(np.abs(w))) for w in ways if np.isfinite(w).any()), default=1.0)
    for ax, row, way in zip(axes, rows, ways, strict=True):
        style.dress(
            ax, f"{row.leg.capitalize()} {row.segment}, eyes {row.eyes}", "side to side, deg", "fore and aft, deg"
        )
        ax.plot(way[:, 0], way[:, 1], color=style.LEG_COLOUR[row.leg], linewidth=0.9)
        ax.axvline(0.0, color=style.RULE, linewidth=0.8, zorder=0)
        ax.set_xlim(-reach, reach)
        ax.set_ylim(-reach, reach)
        style.note(ax, 0.98, 0.95, f"{row.rms_deg:.2f} deg RMS", ha="right", va="top")
    return figure


def _way(result: PracticeResult, row: Any) -> Any:
    time = result.angles["time_s"].to_numpy()
    rows = slice(*np.searchsorted(time, [row.start_s, row.end_s]))
    step = max(1, (rows.stop - rows.start) // 600)
    names = [f"{row.leg}_{row.segment}_{axis}_deg" for axis in ("tilt", "pitch")]
    way = result.angles[names].to_numpy(float)[rows][::step]
    return way - np.nanmean(way, axis=0) if np.isfinite(way).any() else np.zeros((1, 2))


def sway_alt(result: PracticeResult) -> str:
    """Alt text of the sway."""
    parts = [f"{row.leg} {row.segment}, eyes {row.eyes}: {row.rms_deg:.2f} deg RMS" for row in stances(result)]
    return f"Sway on one leg. {'; '.join(parts)}."
