"""The stride figure: frontal and sagittal angle and frontal velocity over 0-100 % of the stride."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ankle_imu import frames
from ankle_imu.metrics.curves import CURVE_KINDS, N_POINTS, SLOPES, curves_table, stride_curves
from ankle_imu.metrics.summary import MIN_STRIDES_SPREAD
from ankle_imu.report import series, style, words
from ankle_imu.report.grid import Grid
from ankle_imu.report.per_result import per_result

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from ankle_imu.trends import UsualCurve
    from ankle_imu.values import SessionResult

    Array = NDArray[np.float64]
    Usual = Mapping[tuple[str, str, str, str, str], UsualCurve]

FEWEST_DRAWN: Final = 8
"""Strides of one leg below which they are told, not drawn; ours: a picture of three lines shows no pattern."""

_DRAWN: Final = slice(None, None, 2)
"""Every second per cent is drawn: a line of 51 points, at 760 px no different from one of 101."""

COLUMNS: Final = (
    ("frontal_deg", "frontal_sd_deg"),
    ("sagittal_deg", "sagittal_sd_deg"),
    ("velocity_dps", "velocity_sd_dps"),
)
_VELOCITY_AXIS: Final = {
    "joint": "inversion velocity (+), deg/s",
    "foot": "tilt velocity, inversion side (+), deg/s",
    "none": "shank tilt velocity, deg/s",
}
_TENTHS: Final = range(0, 101, 10)
_SLOPE: Final = {"up": "Uphill", "level": "Level", "down": "Downhill"}
_UPHILL: Final = {"all": "", "up": " uphill", "level": " on the level", "down": " downhill"}

_LINES: Final = (
    "Line: mean, full for the left leg, dashed for the right. Band: one standard deviation to each side, drawn "
    "from 50 strides on; with fewer than 25, the strides themselves. Beside each leg: its "
    "strides. The thin upright line is toe-off. Zero is your own standing pose."
)
_VELOCITY: Final = (
    "Velocity is the gyroscopes' own, about the long axis of the foot, below 18 Hz in walking and 30 Hz in "
    "jogging and running (a shank alone: 25 Hz)."
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """One leg's curves of one stratum.

    Parameters
    ----------
    leg, gait, source, slope : str
    n_strides : int
    toe_off_percent : float
    known : column of `tables.CURVES` -> (101,) float array; NaN where there is none
    strides : column -> (n, 101) the strides themselves; only where they are drawn instead of a mean
    """

    leg: str
    gait: str
    source: str
    slope: str
    n_strides: int
    toe_off_percent: float
    known: Mapping[str, Array]
    strides: Mapping[str, Array]

    @property
    def stratum(self) -> tuple[str, str, str]:
        """Angle source, gait class, slope."""
        return self.source, self.gait, self.slope


@per_result
def drawn_curves(result: SessionResult) -> list[Curve]:
    """Curves of the figure, stratum by stratum, left leg first.

    A gait is drawn by slope where two slope classes or more have 50 strides of a leg, else all of it together.
    """
    table = _table_of(result)
    found: list[Curve] = []
    for source, gait in series.shown_strata(result):
        own = table[(table["angle_source"] == source) & (table["gait"] == gait)]
        many = own[own["n_strides"] >= MIN_STRIDES_SPREAD]["slope"].unique()
        slopes = [slope for slope in SLOPES if slope in many]
        for slope in slopes if len(slopes) > 1 else ["all"]:
            for leg in frames.LEGS:
                rows = own[(own["slope"] == slope) & (own["leg"] == leg)]
                key = {"leg": leg, "gait": gait, "source": source, "slope": slope}
                found += [_from_table(key, rows)] if len(rows) else _one_by_one(result, key)
    return found


def _table_of(result: SessionResult) -> pd.DataFrame:
    """The curves kept with the result; without velocity where an older version analysed it."""
    if len(result.curves):
        return result.curves
    return curves_table(result.strides, result.context, result.angles, {})


def _from_table(key: dict[str, str], rows: pd.DataFrame) -> Curve:
    return Curve(
        **key,
        n_strides=int(rows["n_strides"].iloc[0]),
        toe_off_percent=float(rows["toe_off_percent"].iloc[0]),
        known={name: rows[name].to_numpy(float) for pair in COLUMNS for name in pair},
        strides={},
    )


def _one_by_one(result: SessionResult, key: dict[str, str]) -> list[Curve]:
    """Strides too few for a mean, where they are enough to be drawn and the gait is not split by slope."""
    if key["slope"] != "all":
        return []
    kinds = CURVE_KINDS[key["source"]]
    every = [stride_curves(result, key["leg"], key["gait"], kind, key["source"]) for kind in kinds]
    whole = [curves[np.isfinite(curves).all(axis=1)] for curves in every]
    if len(whole[0]) < FEWEST_DRAWN:
        return []
    blank = np.full(N_POINTS, np.nan)
    return [
        Curve(
            **key,
            n_strides=len(whole[0]),
            toe_off_percent=float("nan"),
            known={name: blank for pair in COLUMNS for name in pair},
            strides=dict(zip(("frontal_deg", "sagittal_deg"), whole, strict=True)),
        )
    ]


def curves_figure(result: SessionResult, *, usual: Usual | None = None) -> Figure:
    """Frontal angle, sagittal angle and frontal velocity over the stride, a row per gait, slope and angle source.

    Parameters
    ----------
    result : SessionResult
    usual : as `trends.usual_curves` gives it: drawn in grey behind
    """
    curves = drawn_curves(result)
    panels = _panels(curves)
    columns = max((sum(p[0] == key for p in panels) for key, _ in panels), default=2)
    figure, axes = style.panels(max(1, len(panels)), max(2, columns), 250)
    if not panels:
        style.say(axes[0], "No gait with enough strides to draw; they are told in the text.")
    place: dict[tuple[str, str, str], int] = {}
    for ax, (stratum, names) in zip(axes, panels, strict=False):
        place[stratum] = place.get(stratum, -1) + 1
        own = [c for c in curves if c.stratum == stratum]
        n_sessions = _draw(ax, own, names, usual or {}, place[stratum] == 0)
        _key(ax, own if place[stratum] == 0 else [], n_sessions if place[stratum] == 1 else 0)
    return figure


def _panels(curves: list[Curve]) -> list[tuple[tuple[str, str, str], tuple[str, str]]]:
    """Stratum and columns of each panel; what no leg has makes none."""
    found = []
    for stratum in dict.fromkeys(c.stratum for c in curves):
        own = [c for c in curves if c.stratum == stratum]
        found += [(stratum, names) for names in COLUMNS if any(_has(c, names[0]) for c in own)]
    return found


def _has(curve: Curve, name: str) -> bool:
    return bool(np.isfinite(curve.known[name]).any()) or name in curve.strides


def _name(source: str, column: str) -> str:
    """What a column holds, in words."""
    if column == "velocity_dps":
        return {"joint": "Inversion velocity", "foot": "Tilt velocity", "none": "Shank tilt velocity"}[source]
    return (words.FRONTAL if column == "frontal_deg" else words.SAGITTAL)[source]


def _title(stratum: tuple[str, str, str], column: str, is_headed: bool) -> str:
    """Gait, slope and what is drawn; of the panels of one slope the first names the gait."""
    source, gait, slope = stratum
    where = f"{words.GAIT[gait]}{_UPHILL[slope]}" if is_headed or slope == "all" else _SLOPE[slope]
    name = _name(source, column).lower().removeprefix("ankle ")
    return f"{where}: {name}"


def _axis(source: str, column: str) -> str:
    if column == "velocity_dps":
        return _VELOCITY_AXIS[source]
    return words.AXIS[CURVE_KINDS[source][0 if column == "frontal_deg" else 1]]


def _draw(ax: Axes, own: list[Curve], names: tuple[str, str], usual: Usual, is_headed: bool) -> int:
    """Draw one panel, spread below usual below means; sessions behind the usual."""
    source, gait, slope = own[0].stratum
    style.dress(ax, _title(own[0].stratum, names[0], is_headed), "% of stride", _axis(source, names[0]))
    ax.axhline(0.0, color=style.MUTED, linewidth=0.6)
    for curve in own:
        _draw_spread(ax, curve, names)
    bands = {c.leg: usual.get((c.leg, gait, source, slope, names[0])) for c in own}
    for leg, band in bands.items():
        if band is not None:
            _draw_usual(ax, leg, band)
    for curve in own:
        _draw_mean(ax, curve, names[0])
    ax.set_xlim(0.0, 100.0)
    ax.set_xticks([0, 20, 40, 60, 80, 100])
    low, high = ax.get_ylim()
    ax.set_ylim(low - 0.1 * (high - low), high)
    _label_toe_off(ax, own)
    return max((band.n_sessions for band in bands.values() if band is not None), default=0)


def _draw_usual(ax: Axes, leg: str, band: UsualCurve) -> None:
    at = np.arange(N_POINTS)[_DRAWN]
    low, high = band.low[_DRAWN], band.high[_DRAWN]
    ax.fill_between(
        at,
        low,
        high,
        facecolor=(style.USUAL, 0.55),
        edgecolor=style.MUTED,
        linestyle=style.LEG_LINE[leg],
        linewidth=0.5,
    )


def _draw_spread(ax: Axes, curve: Curve, names: tuple[str, str]) -> None:
    colour = style.LEG_COLOUR[curve.leg]
    at = np.arange(N_POINTS)[_DRAWN]
    mean, sd = (curve.known[name][_DRAWN] for name in names)
    if np.isfinite(sd).all():
        ax.fill_between(at, mean - sd, mean + sd, color=colour, alpha=0.16, linewidth=0)
    for stride in curve.strides.get(names[0], ()):
        ax.plot(at, stride[_DRAWN], color=colour, linestyle=style.LEG_LINE[curve.leg], linewidth=0.8, alpha=0.5)


def _draw_mean(ax: Axes, curve: Curve, name: str) -> None:
    line: dict[str, Any] = {"color": style.LEG_COLOUR[curve.leg], "linestyle": style.LEG_LINE[curve.leg]}
    mean = curve.known[name][_DRAWN]
    if np.isfinite(mean).all():
        ax.plot(np.arange(N_POINTS)[_DRAWN], mean, linewidth=2.0, label=curve.leg, **line)
    if np.isfinite(curve.toe_off_percent):
        ax.axvline(curve.toe_off_percent, linewidth=0.9, **line)


def _label_toe_off(ax: Axes, own: list[Curve]) -> None:
    toe_off = [c.toe_off_percent for c in own if np.isfinite(c.toe_off_percent)]
    if toe_off:
        inside = {"transform": ax.get_xaxis_transform(), "ha": "left", "va": "bottom"}
        style.note(ax, max(toe_off) + 1.5, 0.02, f"toe-off {np.mean(toe_off):.0f} %", **inside)


def _key(ax: Axes, legs: list[Curve], n_sessions: int) -> None:
    """Name the legs with their strides, and the grey band where there is one."""
    from matplotlib.patches import Patch

    unit = " strides" if len(legs) == 1 else ""
    labels = [f"{c.leg}, {c.n_strides:,}{unit}" for c in legs]
    handles: list[Artist] = [
        ax.plot([], [], color=style.LEG_COLOUR[c.leg], linestyle=style.LEG_LINE[c.leg], linewidth=2.0, label=text)[
            0
        ]
        for c, text in zip(legs, labels, strict=True)
    ]
    inks = [style.LEG_INK[c.leg] for c in legs]
    if n_sessions:
        label = f"your usual ({n_sessions} sessions)"
        handles.append(Patch(facecolor=style.USUAL, edgecolor=style.MUTED, linewidth=0.5, label=label))
        inks.append(style.MUTED)
    if handles:
        style.key(ax, handles, inks, columns=3)


def curves_caption(result: SessionResult, *, usual: Usual | None = None) -> str:
    """What line, band and grey mean, and what is not drawn."""
    curves = drawn_curves(result)
    parts = [_LINES, _VELOCITY] if any(_has(c, "velocity_dps") for c in curves) else [_LINES]
    drawn = {(c.leg, c.gait, c.source, c.slope) for c in curves}
    counts = {band.n_sessions for key, band in (usual or {}).items() if key[:4] in drawn}
    if counts:
        n = f"{min(counts)}" if len(counts) == 1 else f"{min(counts)} to {max(counts)}"
        parts.append(
            f"Grey, your usual: the mean curves of your first {n} sessions with the same gait, slope class, "
            "sensors and shoe lie within it. The mean line of a session like them leaves it now and then."
        )
    return " ".join([*parts, *untold_sentences(result)])


def untold_sentences(result: SessionResult) -> list[str]:
    """One sentence for each gait that has strides but no panel, and for slopes left out beside others."""
    drawn = drawn_curves(result)
    shown = {(c.source, c.gait) for c in drawn}
    accepted = result.strides[result.strides["accepted"].astype(bool)]
    sentences = []
    for source, gait in series.shown_strata(result):
        own = accepted[(accepted["angle_source"] == source) & (accepted["gait"] == gait)]
        n = sum(c.n_strides for c in drawn if (c.source, c.gait) == (source, gait))
        if (source, gait) not in shown:
            sentences.append(f"Too few to draw: {words.plural(len(own), 'stride')} {words.GAIT[gait].lower()}.")
        elif n < len(own) and any(c.slope != "all" for c in drawn if c.gait == gait):
            rest = words.plural(len(own) - n, "stride")
            sentences.append(f"{words.GAIT[gait]}: {rest} on slopes walked too little, or not known throughout.")
    return sentences


def curves_grid(result: SessionResult, *, usual: Usual | None = None) -> Grid:
    """Mean and SD every 10 % of the stride, and the usual beside it."""
    head = ("Angle or velocity", *(f"{p} %" for p in _TENTHS))
    rows = []
    for curve in drawn_curves(result):
        for mean, sd in COLUMNS:
            if not np.isfinite(curve.known[mean]).all():
                continue
            unit = "deg/s" if mean == "velocity_dps" else "deg"
            rows.append((_row_name(curve, mean), *_cells(curve.known[mean], curve.known[sd], unit)))
            band = (usual or {}).get((curve.leg, curve.gait, curve.source, curve.slope, mean))
            if band is not None:
                ends = [
                    f"{words.number(band.low[p], unit)} to {words.number(band.high[p], unit)}" for p in _TENTHS
                ]
                rows.append((f"{curve.leg}, your usual ({band.n_sessions} sessions)", *ends))
    return Grid(caption="Mean (SD) over the stride, deg and deg/s", head=head, rows=tuple(rows))


def _row_name(curve: Curve, column: str) -> str:
    name = _name(curve.source, column).lower()
    unit = "deg/s" if column == "velocity_dps" else "deg"
    where = f"{curve.gait}{_UPHILL[curve.slope]}"
    return f"{curve.leg} {name}, {unit}, {where}, n = {curve.n_strides:,}"


def _cells(mean: Array, sd: Array, unit: str) -> list[str]:
    return [
        words.number(mean[p], unit) + (f" ({words.number(sd[p], unit)})" if np.isfinite(sd[p]) else "")
        for p in _TENTHS
    ]


def curves_alt(result: SessionResult, *, usual: Usual | None = None) -> str:
    """Alt text: where each mean curve has its lowest and highest value."""
    parts: list[str] = []
    for curve in drawn_curves(result):
        for name, _ in COLUMNS:
            mean, unit = curve.known[name], "deg/s" if name == "velocity_dps" else "deg"
            label = _row_name(curve, name)
            if np.isfinite(mean).all():
                ends = [
                    f"{words.quantity(mean[i], unit)} at {i} %" for i in (int(mean.argmin()), int(mean.argmax()))
                ]
                parts.append(f"{label}: from {ends[0]} to {ends[1]}{_against(curve, name, usual or {})}")
            elif name in curve.strides:
                parts.append(f"{label}: too few strides for a mean")
    return "Angles and velocity over the stride. " + ("; ".join(parts) or "No stride to draw") + "."


def _against(curve: Curve, name: str, usual: Usual) -> str:
    band = usual.get((curve.leg, curve.gait, curve.source, curve.slope, name))
    if band is None:
        return ""
    mean = curve.known[name]
    inside = (mean >= band.low) & (mean <= band.high)
    return f", within your usual for {words.percent(float(inside.sum()), float(len(mean)))} of the stride"
