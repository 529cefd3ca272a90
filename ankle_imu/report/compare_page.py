"""Two sessions compared -> sentences, a table, a picture, a page."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ankle_imu import frames
from ankle_imu.comparison import Comparison, Difference
from ankle_imu.comparison.contrast import COMPARED
from ankle_imu.durable import write_whole
from ankle_imu.metrics.summary import GAITS
from ankle_imu.report import style, words
from ankle_imu.report.grid import Grid
from ankle_imu.report.render import panelled, render
from ankle_imu.report.svg import svg_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEAD: Final = ("Leg", "Gait", "Figure", "First", "Second", "Change", "95 % interval", "In words")


def _in_words(d: Difference) -> str:
    """The verdict of one row; a difference beyond chance may still be what two walks of one person differ by."""
    is_apart = d.low > 0.0 or d.high < 0.0
    if d.verdict == "changed":
        return f"changed: beyond the {_usual(d)} that two walks differ by anyway"
    if d.verdict == "differs":
        return "beyond chance; how much two walks differ by anyway is not known"
    if is_apart:
        return f"beyond chance, within the {_usual(d)} that two walks differ by anyway"
    return "may be chance"


def _usual(d: Difference) -> str:
    return f"{d.limit * _shown(d)[1]:g} {_shown(d)[0]}".rstrip()


def describe_comparison(found: Comparison) -> list[str]:
    """Sentences: what changed, what else differs, and what could not be compared."""
    lines = [_leg_sentence(leg, gait, part) for (leg, gait), part in _groups(found)]
    lines += [f"{caution}." for caution in found.cautions]
    lines += [f"Not compared: {reason}." for reason in found.left_out]
    return [*lines, _basis(found)]


def _groups(found: Comparison) -> list[tuple[tuple[str, str], list[Difference]]]:
    pairs = [
        ((leg, gait), [d for d in found.differences if (d.leg, d.gait) == (leg, gait)])
        for leg, gait in product(frames.LEGS, GAITS)
    ]
    return [(key, part) for key, part in pairs if part]


def _leg_sentence(leg: str, gait: str, part: Sequence[Difference]) -> str:
    name = f"{words.GAIT[gait]}, {leg} leg"
    sure, open_ = ([_change(d) for d in part if d.verdict == verdict] for verdict in ("changed", "differs"))
    if not sure and not open_:
        return f"{name}: nothing differs by more than chance, or than two walks of one person differ by anyway."
    said = [f"{name}."]
    if sure:
        said.append(f"Changed by more than two walks differ by anyway: {words.listing(sure)}.")
    if open_:
        said.append(
            f"Beyond chance, though how much two walks differ by anyway is not known: {words.listing(open_)}."
        )
    return " ".join([*said, "The rest may be chance or noise."] if len(sure + open_) < len(part) else said)


def _change(d: Difference) -> str:
    name = COMPARED[d.measure]
    side = ""
    if d.high_is_steadier is not None:
        side = ", steadier" if (d.delta > 0.0) == d.high_is_steadier else ", less steady"
    return f"{name[0].lower()}{name[1:]} ({_value(d, d.before[0])} to {_value(d, d.after[0])}{side})"


def _basis(found: Comparison) -> str:
    shares = [d.overlap for d in found.differences]
    others = found.n_sessions - 2
    helped = f", with {words.plural(others, 'other session')} to tell what the ground does" if others else ""
    share = words.percent(min(shares), 1.0)
    return f"All figures are given at the ground of the first session; the second walked on {share} of it{helped}."


def rows_of(found: Comparison) -> list[list[str]]:
    """Rows under `HEAD`."""
    return [
        [
            d.leg, d.gait, _title(d), _value(d, d.before[0]), _value(d, d.after[0]), _value(d, d.delta, sign=True),
            f"{_number(d, d.low, sign=True)} to {_number(d, d.high, sign=True)}", _in_words(d),
        ]
        for d in found.differences
    ]  # fmt: skip


def _title(d: Difference) -> str:
    if d.measure in ("range_stance_deg", "successive_range_stance_deg"):
        angle = words.FRONTAL[d.angle_source]
        return f"{COMPARED[d.measure]} ({angle[0].lower()}{angle[1:]})"
    return COMPARED[d.measure]


def _shown(d: Difference) -> tuple[str, float, int]:
    """Unit, factor and digits in which a measure is shown."""
    if d.measure == "stride_time_log_sd":
        return "%", 100.0, 1
    return {"deg": ("deg", 1.0, 1), "deg/s": ("deg/s", 1.0, 0), "1/1000 strides": ("in 1000", 1.0, 1)}.get(
        d.unit, ("", 1.0, 2)
    )


def _number(d: Difference, value: float, *, sign: bool = False) -> str:
    _, factor, digits = _shown(d)
    text = f"{value * factor:+.{digits}f}" if sign else f"{value * factor:.{digits}f}"
    return text.replace("-", "−")


def _value(d: Difference, value: float, *, sign: bool = False) -> str:
    return f"{_number(d, value, sign=sign)} {_shown(d)[0]}".rstrip()


def comparison_figure(found: Comparison) -> Figure:
    """Both sessions with their intervals, one panel per measure and gait, legs in their colours."""
    kinds = list(dict.fromkeys((d.measure, d.gait) for d in found.differences))
    figure, axes = style.panels(len(kinds), 3, 230)
    for ax, (measure, gait) in zip(axes, kinds, strict=True):
        part = [d for d in found.differences if (d.measure, d.gait) == (measure, gait)]
        unit = _shown(part[0])[0]
        style.dress(ax, COMPARED[measure] + (f", {unit}" if unit else ""))
        for d in part:
            _draw(ax, d)
        style.leg_key(ax, {d.leg: f"{d.leg}, {d.gait}" for d in part})
        ax.set_xticks([0.0, 1.0], _dates(found))
        ax.set_xlim(-0.35, 1.35)
        ax.margins(y=0.15)
    return figure


def _draw(ax: Axes, d: Difference) -> None:
    x = np.array([0.0, 1.0]) + {"left": -0.04, "right": 0.04}[d.leg]
    value, low, high = _shown(d)[1] * np.array([d.before, d.after]).T
    ax.errorbar(
        x, value, yerr=np.maximum(np.vstack([value - low, high - value]), 0.0), color=style.LEG_COLOUR[d.leg],
        marker=style.LEG_MARKER[d.leg], linestyle=style.LEG_LINE[d.leg], markersize=5.5, elinewidth=1.4,
        linewidth=0.9,
    )  # fmt: skip


def _dates(found: Comparison) -> list[str]:
    days = [s.start_utc[:10] for s in (found.before, found.after)]
    return ["first", "second"] if days[0] == days[1] or not all(days) else days


def comparison_alt(found: Comparison) -> str:
    """Alt text of the picture."""
    parts = [
        f"{d.leg} {d.gait} {COMPARED[d.measure]} {_value(d, d.before[0])} then {_value(d, d.after[0])}"
        for d in found.differences
    ]
    return f"Figures of two sessions at the ground of the first: {'; '.join(parts)}."


def comparison_grid(found: Comparison) -> Grid:
    """Every number of the picture."""
    rows = tuple((f"{r[0]} {r[1]}", *r[2:]) for r in rows_of(found))
    return Grid(caption="Two sessions at the ground of the first", head=("Leg", *HEAD[2:]), rows=rows)


def write_comparison(found: Comparison, path: str | os.PathLike[str]) -> Path:
    """Write a comparison as a page (.html) or a picture (.png, .svg).

    Parameters
    ----------
    found : Comparison
    path : its ending decides what is written

    Returns
    -------
    path : Path of the file

    Raises
    ------
    ValueError
        If the ending is unknown.
    StorageError
        If the file cannot be written.
    """
    target = Path(path)
    kind = target.suffix.lower()
    if kind == ".html":
        return write_whole(target, comparison_html(found).encode())
    if kind not in (".png", ".svg"):
        raise ValueError(
            f"Cannot write a comparison as {kind or 'a file without ending'}; use .png, .svg or .html."
        )
    figure = comparison_figure(found)
    if kind == ".svg":
        return write_whole(target, svg_text(figure, "compare").encode())
    sink = io.BytesIO()
    figure.savefig(sink, format="png", dpi=144, metadata={"Software": None})
    return write_whole(target, sink.getvalue())


def _left_out_told(found: Comparison) -> str:
    """How many figures of each leg could not be compared, in one sentence."""
    counts = {leg: sum(reason.startswith(f"{leg} leg") for reason in found.left_out) for leg in frames.LEGS}
    parts = [f"{n} of the {leg} leg" for leg, n in counts.items() if n]
    return f"{len(found.left_out)} figures" + (f": {words.listing(parts)}." if parts else ".")


def comparison_html(found: Comparison) -> str:
    """Make the page as text; the same comparison gives the same text."""
    part: dict[str, Any] = {
        "before": found.before,
        "after": found.after,
        "sentences": [_leg_sentence(leg, gait, some) for (leg, gait), some in _groups(found)],
        "cautions": found.cautions,
        "left_out": found.left_out,
        "left_out_told": _left_out_told(found),
        "basis": _basis(found),
        "picture": panelled(comparison_figure, found, "compare", comparison_alt(found)),
        "grid": comparison_grid(found),
    }
    return render("compare.html.j2", compared=part)
