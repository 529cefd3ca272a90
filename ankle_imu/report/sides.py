"""The left-right figure: how far the legs differ, metric by metric, with the interval of each difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ankle_imu import frames
from ankle_imu.metrics.sides import FORMULA, Sides, compare_sides
from ankle_imu.metrics.summary import MIN_STRIDES_MEDIAN, MIN_STRIDES_SPREAD
from ankle_imu.report import series, style, words
from ankle_imu.report.grid import Grid
from ankle_imu.report.per_result import per_result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ankle_imu.values import SessionResult

Key = tuple[str, str]
"""Angle source and gait class."""

_FORMULA: Final = FORMULA.replace(" x ", " × ").replace("- R", "− R")
_ROW_PX: Final = 34.0
_ABOVE_PX, _BELOW_PX = 62.0, 50.0


@per_result
def compared_sides(result: SessionResult) -> dict[Key, list[Sides]]:
    """Left against right by angle source and gait class, where both legs have strides enough."""
    found = {
        (source, gait): compare_sides(result.strides, gait, source) for source, gait in series.shown_strata(result)
    }
    return {key: sides for key, sides in found.items() if sides}


def sides_figure(result: SessionResult, *, only: Key | None = None, narrow: bool = False) -> Figure:
    """Draw the symmetry index of sizes and the plain difference of angles, a row each, with its interval.

    To the right of the upright line the left leg has more, to the left of it the right leg. A pair of panels per
    gait class and angle source; of one, where `only` names it: all together are longer than a sheet of paper.
    """
    panels = [
        (key, is_ratio, [s for s in sides if s.is_ratio is is_ratio])
        for key, sides in compared_sides(result).items()
        if only in (None, key)
        for is_ratio in (True, False)
    ]
    panels = [panel for panel in panels if panel[2]]
    if not panels:
        figure, (ax,) = style.panels(1, 1, 160, narrow)
        style.say(ax, untold(result))
        return figure
    width = float(style.NARROW_PX if narrow else style.WIDE_PX)
    heights = [_ABOVE_PX + _ROW_PX * len(sides) + _BELOW_PX for _, _, sides in panels]
    figure = style.new_figure(width, sum(heights))
    top = 0.0
    left = 16.0 if narrow else 232.0
    right = 16.0 if narrow else 150.0
    for (key, is_ratio, sides), height in zip(panels, heights, strict=True):
        bottom = sum(heights) - top - height + _BELOW_PX
        box = (left / width, bottom / sum(heights), (width - left - right) / width)
        ax = figure.add_axes((*box, _ROW_PX * len(sides) / sum(heights)))
        _draw(ax, key, is_ratio, sides, result.session.affected_leg, narrow)
        top += height
    return figure


def _draw(ax: Axes, key: Key, is_ratio: bool, sides: list[Sides], affected: str, narrow: bool) -> None:
    what = "sizes" if is_ratio else "angles"
    style.dress(ax, "", "symmetry index, %" if is_ratio else "left minus right, deg")
    title = f"{words.GAIT[key[1]]}: left against right, {what}"
    at: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
    left_px = 0.0 if narrow else -216.0
    ax.annotate(title, (0.0, 1.0), (left_px, 40), fontsize=style.TITLE_PX, color=style.INK, **at)
    reach = 1.15 * max(_reach(s) for s in sides)
    ax.set_xlim(-reach, reach)
    ax.set_ylim(len(sides) - 0.5, -0.75 if narrow else -0.5)
    ax.set_yticks([])
    ax.grid(visible=False)
    ax.grid(axis="x", color=style.RULE, linewidth=0.6)
    ax.spines["left"].set_visible(False)
    ax.axvline(0.0, color=style.INK, linewidth=1.0)
    for name, x, ha in (("right", 0.0, "left"), ("left", 1.0, "right")):
        mark = f"{name}{' (affected)' if name == affected else ''} has more"
        text = f"◂ {mark}" if name == "right" else f"{mark} ▸"
        ax.annotate(text, (x, 1.0), (0, 10), ha=ha, fontsize=style.SMALL_PX, color=style.LEG_INK[name], **at)
    if not narrow:
        ax.annotate("left / right", (1.0, 1.0), (12, 10), fontsize=style.SMALL_PX, color=style.MUTED, **at)
    for row, one in enumerate(sides):
        _draw_row(ax, row, one, narrow)


def _reach(one: Sides) -> float:
    return float(np.nanmax(np.abs([one.value, one.low, one.high, 1.0 if one.is_ratio else 0.5])))


def _draw_row(ax: Axes, row: int, one: Sides, narrow: bool) -> None:
    """One metric: interval, value, name and both medians; a full mark where the interval leaves zero out."""
    if np.isfinite(one.low):
        ax.plot([one.low, one.high], [row, row], color=style.INK, linewidth=2.0, solid_capstyle="butt")
    face = style.INK if one.is_told_apart else "white"
    ax.plot(one.value, row, "D", color=style.INK, markerfacecolor=face, markersize=6.5)
    unit = words.UNITS[one.metric]
    name = words.METRIC[one.metric]
    medians = f"{words.number(one.left, unit)} / {words.quantity(one.right, unit)}"
    at: dict[str, Any] = {"textcoords": "offset points", "annotation_clip": False, "fontsize": style.SMALL_PX}
    x = ("axes fraction", "data")
    if narrow:
        ax.annotate(name, (0.0, row), (0, 8), x, ha="left", va="bottom", color=style.INK, **at)
        ax.annotate(medians, (1.0, row), (0, 8), x, ha="right", va="bottom", color=style.MUTED, **at)
        return
    ax.annotate(name, (0.0, row), (-216, 0), x, ha="left", va="center", color=style.INK, **at)
    ax.annotate(medians, (1.0, row), (12, 0), x, ha="left", va="center", color=style.MUTED, **at)


def sides_grid(result: SessionResult) -> Grid:
    """Both medians with their intervals, index or difference with its own."""
    affected = result.session.affected_leg
    heads = [f"{leg.capitalize()}{' (affected)' if leg == affected else ''}" for leg in frames.LEGS]
    rows = []
    for (source, gait), sides in compared_sides(result).items():
        for one in sides:
            unit = words.UNITS[one.metric]
            medians = [
                f"{words.number(value, unit)}{_interval_of(result, one.metric, leg, gait, source)}"
                for leg, value in zip(frames.LEGS, (one.left, one.right), strict=True)
            ]
            name = f"{words.METRIC[one.metric]}, {unit} ({gait})"
            rows.append((name, *medians, f"{one.n_left:,} / {one.n_right:,}", *_cells(one)))
    head = ("Median [approx. 95 %]", *heads, "Strides", "SI, %", "Left minus right")
    return Grid(caption=f"Left and right; {_FORMULA}", head=head, rows=tuple(rows))


def _interval_of(result: SessionResult, metric: str, leg: str, gait: str, source: str) -> str:
    """Interval of a leg's median, from the summary."""
    own = result.summary
    row = own[(own["leg"] == leg) & (own["gait"] == gait) & (own["angle_source"] == source)]
    if not len(row):
        return ""
    low, high = (float(row[f"{metric}_{end}"].iloc[0]) for end in ("ci_low", "ci_high"))
    return _bracket(low, high, words.UNITS[metric]) if np.isfinite([low, high]).all() else ""


def _bracket(low: float, high: float, unit: str) -> str:
    return f" [{words.number(low, unit)} to {words.number(high, unit)}]"


def _cells(one: Sides) -> tuple[str, str]:
    unit = "deg" if one.is_ratio else words.UNITS[one.metric]
    interval = _bracket(one.low, one.high, unit) if np.isfinite(one.low) else " (too few strides for an interval)"
    text = f"{words.number(one.value, unit)}{interval}"
    return (text, "–") if one.is_ratio else ("–", text)


def sides_caption(result: SessionResult) -> str:
    """The formula, what the marks mean, and what else makes legs differ."""
    affected = result.session.affected_leg
    text = (
        f"Sizes: symmetry index {_FORMULA} of the medians L and R; 0 is alike. Angles, which may be zero: left "
        "minus right. Line: approximate 95 % interval, from blocks of strides of both legs on the same ground. "
        "Open mark: the interval holds 0 or is not known, so it cannot be told whether the legs differ. Numbers: "
        "median left / right. Legs also differ because each sensor sits in its own way, most of all in the angles."
    )
    return f"{text} Noted as affected: {affected}." if affected else text


def sides_sentences(result: SessionResult) -> list[str]:
    """What differs beyond its interval, and of how many that cannot be told; or why nothing is compared."""
    found = compared_sides(result)
    if not found:
        return [untold(result)]
    sentences = []
    for (_, gait), sides in found.items():
        apart = [s for s in sides if s.is_told_apart]
        named = words.listing([f"{words.METRIC[s.metric].lower()} ({_more(s)})" for s in apart])
        where = words.GAIT[gait]
        told = (
            f"{where}: the legs differ in {named}."
            if apart
            else f"{where}: no difference of the legs can be told."
        )
        rest = len(sides) - len(apart)
        if apart and rest:
            told += f" For the other {words.plural(rest, 'figure')} it cannot be told."
        sentences.append(told)
    return sentences


def _more(one: Sides) -> str:
    side = frames.LEGS[0] if one.value > 0.0 else frames.LEGS[1]
    size = f"{abs(one.value):.0f} %" if one.is_ratio else words.quantity(abs(one.value), words.UNITS[one.metric])
    return f"{side} more, {size}"


def untold(result: SessionResult) -> str:
    """Why left and right are not compared."""
    accepted = result.strides[result.strides["accepted"].astype(bool)]
    legs = [leg for leg in frames.LEGS if (accepted["leg"] == leg).any()]
    if len(legs) < len(frames.LEGS):
        worn = f"only the {legs[0]} leg has usable strides" if legs else "no leg has usable strides"
        return f"Left and right are not compared: {worn}."
    return (
        f"Left and right are not compared: no gait has {MIN_STRIDES_MEDIAN} usable strides of both legs by the "
        f"same sensors ({MIN_STRIDES_SPREAD} for an interval)."
    )


def sides_alt(result: SessionResult, *, only: Key | None = None) -> str:
    """Alt text: each index and difference with its interval."""
    parts = []
    for key, sides in compared_sides(result).items():
        gait = key[1]
        for one in sides if only in (None, key) else ():
            unit = "%" if one.is_ratio else words.UNITS[one.metric]
            cell = next(c for c in _cells(one) if c != "–").replace(" [", f" {unit} [")
            parts.append(f"{gait}, {words.METRIC[one.metric].lower()}: {cell}")
    return "Left against right, positive where left has more. " + ("; ".join(parts) or untold(result)) + "."
