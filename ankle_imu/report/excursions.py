"""The excursion figure: how large range, eversion and angle at contact were, and how often beyond the marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ankle_imu import frames
from ankle_imu.metrics.excursions import EXCEEDANCE_MARKS_DEG, count_exceedances
from ankle_imu.metrics.summary import MIN_STRIDES_MEDIAN
from ankle_imu.report import series, style, words
from ankle_imu.report.grid import Grid
from ankle_imu.report.per_result import per_result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from ankle_imu.values import SessionResult

    Array = NDArray[np.float64]

Key = tuple[str, str, str]
"""Angle source, gait class, column of the stride table."""

NOTABLE_DEG: Final = 1.0
"""Inversion excursions up to this are told as none; ours: tenths of a degree of a sensor on a shoe say nothing."""

SIGNED: Final = ("inv_at_ic_deg",)
"""Angles about zero; all other columns are sizes."""

ROLL_LIKE: Final = "inv_excursion_deg"
"""0 in strides that land at their most inverted, next to 0 in most others: told as a share, not drawn."""


_SHORT: Final = {
    "range_stance_deg": "Range in stance",
    "inv_at_ic_deg": "Angle at contact",
    "shank_range_stance_deg": "Shank range in stance",
}


def drawn_metrics(source: str) -> tuple[str, ...]:
    """Columns of the figure that an angle source may claim."""
    if source == "none":
        return ("shank_range_stance_deg",)
    return ("range_stance_deg", "ev_excursion_deg", "inv_at_ic_deg")


@per_result
def drawn_keys(result: SessionResult) -> list[Key]:
    """Panels of the figure: those with 25 strides of a leg or more."""
    keys = [(s, g, m) for s, g in series.shown_strata(result) for m in drawn_metrics(s)]
    return [
        key for key in keys if any(len(x) >= MIN_STRIDES_MEDIAN for x in series.excursions(result, *key).values())
    ]


def excursion_figure(result: SessionResult) -> Figure:
    """Distribution of the range, the eversion excursion and the angle at contact, a row per gait and angle source.

    Steps give the share of strides per degree; the marks at 15, 20 and 25 deg carry the share beyond them.
    """
    keys = drawn_keys(result)
    columns = max((sum(k[:2] == key[:2] for k in keys) for key in keys), default=2)
    figure, axes = style.panels(max(1, len(keys)), max(2, columns), 250)
    if not keys:
        style.say(axes[0], f"Fewer than {MIN_STRIDES_MEDIAN} usable strides of one leg: no distribution.")
    for k, (ax, key) in enumerate(zip(axes, keys, strict=False)):
        is_first = k == 0 or keys[k - 1][:2] != key[:2]
        _draw(ax, key, _enough(series.excursions(result, *key)), is_first)
    return figure


def _enough(values: dict[str, Array]) -> dict[str, Array]:
    """The legs with 25 strides or more."""
    return {leg: x for leg, x in values.items() if len(x) >= MIN_STRIDES_MEDIAN}


def _draw(ax: Axes, key: Key, values: dict[str, Array], is_first: bool) -> None:
    source, gait, metric = key
    name = _SHORT.get(metric, words.METRIC[metric])
    style.dress(ax, f"{words.GAIT[gait]}: {name[0].lower()}{name[1:]}", _axis(source, metric), "% of strides")
    every = np.concatenate(list(values.values()))
    low = np.floor(np.quantile(every, 0.002)) - 1.0 if metric in SIGNED else 0.0
    high = max(float(np.ceil(np.quantile(every, 0.998))) + 1.0, low + 10.0)
    bins = np.arange(low, high + 1.0)
    for leg, x in values.items():
        share, edges = np.histogram(np.clip(x, low, high), bins=bins)
        line: dict[str, Any] = {"color": style.LEG_COLOUR[leg], "linestyle": style.LEG_LINE[leg]}
        ax.stairs(100.0 * share / len(x), edges, linewidth=1.8, label=leg, **line)
    ax.set_xlim(low, high)
    ax.set_ylim(0.0, ax.get_ylim()[1] * 1.7)
    if metric in SIGNED:
        ax.axvline(0.0, color=style.MUTED, linewidth=0.6)
    _draw_marks(ax, values, high)
    if is_first:
        unit = "" if len(values) > 1 else " strides"
        style.leg_key(ax, {leg: f"{leg}, {len(x):,}{unit}" for leg, x in values.items()})


def _axis(source: str, metric: str) -> str:
    if metric == "shank_range_stance_deg":
        return "range of shank tilt in stance, deg"
    angle = words.FRONTAL[source].lower().removeprefix("ankle ")
    return {
        "range_stance_deg": f"range of {angle} in stance, deg",
        "ev_excursion_deg": "contact to most everted, deg",
        "inv_at_ic_deg": f"{angle} at contact, deg",
    }[metric]


def _draw_marks(ax: Axes, values: dict[str, Array], high: float) -> None:
    """Lines at the marks, and in the corner the share of each leg's strides beyond them."""
    for mark in (m for m in EXCEEDANCE_MARKS_DEG if m < high):
        ax.axvline(mark, ymax=0.58, color=style.MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    corner = {"ha": "right", "va": "baseline", "linespacing": 1.3}
    beyond = {leg: count_exceedances(x) for leg, x in values.items()}
    if not any(sum(counts.values()) for counts in beyond.values()):
        style.note(ax, 1.0, 0.92, f"none beyond {EXCEEDANCE_MARKS_DEG[0]:g} deg", **corner)
        return
    width = ax.get_window_extent().width
    step = 44.0 / width
    names = "\n".join(["beyond", *(f"{mark:g} deg" for mark in EXCEEDANCE_MARKS_DEG)])
    style.note(ax, 1.0 - step * len(values) - 4.0 / width, 0.64, names, **corner)
    for column, (leg, x) in enumerate(reversed(values.items())):
        shares = "\n".join([leg, *(words.percent(n, len(x)) for n in beyond[leg].values())])
        style.note(ax, 1.0 - step * column, 0.64, shares, color=style.LEG_INK[leg], **corner)


def excursion_caption(result: SessionResult) -> str:
    """What is drawn, and how often the inversion excursion was more than nothing."""
    sources = {source for source, _ in series.shown_strata(result)}
    parts = ["Share of strides per degree; the corner tells the share beyond 15, 20 and 25 deg (dotted lines)."]
    parts.append("The range is largest minus smallest angle from initial contact to 85 % of stance.")
    if sources - {"none"}:
        parts.append(
            "Eversion excursion: from the angle at contact to the most everted one. The angle at contact is "
            "positive on the inversion side."
        )
    return " ".join(parts)


def further_grid(result: SessionResult) -> Grid:
    """How many strides went further into inversion than at contact and foot-flat; a row a gait, a column a leg."""
    found = []
    for source, gait in series.shown_strata(result):
        own = {leg: _roll_like(result, leg, gait, source) for leg in frames.LEGS if source != "none"}
        cells = [_further(own[leg]) for leg in own]
        if any(cell != "–" for cell in cells):
            found.append((f"{words.GAIT[gait]}, {words.FRONTAL[source].lower()}", *cells))
    head = ("Share of strides (half of them by more than)", *(leg.capitalize() for leg in frames.LEGS))
    caption = f"Strides that went {NOTABLE_DEG:g} deg or more further into inversion than at contact and foot-flat"
    return Grid(caption=caption, head=head, rows=tuple(found)).without_blanks()


def _further(x: Array) -> str:
    some = x[x > NOTABLE_DEG]
    if len(x) < MIN_STRIDES_MEDIAN:
        return "–"
    share = words.percent(len(some), len(x))
    return f"{share} ({words.quantity(float(np.median(some)), 'deg')})" if len(some) else share


def _roll_like(result: SessionResult, leg: str, gait: str, source: str) -> Array:
    values = series.strides_of(result, leg, gait, source)[ROLL_LIKE].to_numpy(np.float64)
    return np.asarray(values[np.isfinite(values)])


def excursion_grid(result: SessionResult) -> Grid:
    """Percentiles and exceedances; of the inversion excursion the percentiles of what is beyond 1 deg."""
    head = ("Excursion", "Strides", "10 %", "Median", "90 %", *(f"> {m:g} deg" for m in EXCEEDANCE_MARKS_DEG))
    rows = []
    for source, gait in series.shown_strata(result):
        for metric in drawn_metrics(source):
            for leg, x in series.excursions(result, source, gait, metric).items():
                rows.append(_row(f"{leg}, {gait}: {words.METRIC[metric].lower()}", x, x))
        for leg in frames.LEGS if source != "none" else ():
            x = _roll_like(result, leg, gait, source)
            some = x[x > NOTABLE_DEG]
            if len(some):
                share = words.percent(len(some), len(x))
                rows.append(
                    _row(f"{leg}, {gait}: inversion excursion where > {NOTABLE_DEG:g} deg ({share})", some, x)
                )
    return Grid(caption="Excursions per stride, deg", head=head, rows=tuple(rows))


def _row(name: str, x: Array, of: Array) -> tuple[str, ...]:
    """Percentiles of `x`, and the share of `of` beyond the marks."""
    beyond = [f"{n:,} ({words.percent(n, len(of))})" for n in count_exceedances(of).values()]
    levels = [words.number(float(q), "deg") for q in np.quantile(x, [0.1, 0.5, 0.9])]
    return (name, f"{len(x):,}", *levels, *beyond)


def excursion_alt(result: SessionResult) -> str:
    """Alt text of the distributions."""
    parts = [f"{r[0]}: median {r[3]} deg, beyond 15 deg {r[5]}" for r in excursion_grid(result).rows]
    return "Distribution of excursions per stride. " + ("; ".join(parts) or "No stride to draw") + "."
