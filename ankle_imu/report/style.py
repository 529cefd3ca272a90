"""The look all figures share: sizes in screen pixels, Okabe-Ito colours, one line style per leg."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE_PX: Final = 760
NARROW_PX: Final = 340
INK: Final = "#222222"
MUTED: Final = "#595959"
RULE: Final = "#d9d9d9"
LEG_COLOUR: Final = {"left": "#0072B2", "right": "#D55E00"}
"""Okabe M., Ito K. (2008) Color universal design: blue and vermillion."""
LEG_INK: Final = {"left": "#005A8E", "right": "#A84300"}
"""The same hues, dark enough for letters (contrast above 4.5:1 on white)."""
LEG_LINE: Final = {"left": "-", "right": (0, (5, 2))}
LEG_MARKER: Final = {"left": "o", "right": "s"}
LOSS_COLOUR: Final = "#D55E00"
FILLED_COLOUR: Final = "#E69F00"
USUAL: Final = "#b0b0b0"
"""The person's own usual, behind the curves."""
GAIT_GREY: Final = {"walk": "#d9d9d9", "jog": "#a3a3a3", "run": "#5f5f5f"}

SMALL_PX, TITLE_PX = 11.0, 12.5
_TOP, _RIGHT, _BOTTOM = 52.0, 14.0, 46.0


def new_figure(width_px: float, height_px: float) -> Figure:
    """Make an empty figure in which one point is one screen pixel (72 dots per inch)."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width_px / 72.0, height_px / 72.0), dpi=72, facecolor="white")


def panels(
    n: int, columns: int, height_px: float, narrow: bool = False, left_px: float = 56.0
) -> tuple[Figure, list[Axes]]:
    """Make a figure with `n` panels in a grid of `columns` (one column when narrow).

    Margins are fixed in pixels: an automatic layout costs more than all the drawing. A page takes a grid of two
    columns or more apart (`svg.inline_panels`), so that its panels stand one below the other on a telephone.
    """
    columns = 1 if narrow else columns
    rows = max(1, -(-n // columns))
    width, height = float(NARROW_PX if narrow else WIDE_PX), rows * height_px
    inner_width, inner_height = width / columns - left_px - _RIGHT, height_px - _TOP - _BOTTOM
    figure = new_figure(width, height)
    grid = {
        "left": left_px / width, "right": 1.0 - _RIGHT / width, "wspace": (left_px + _RIGHT) / inner_width,
        "bottom": _BOTTOM / height, "top": 1.0 - _TOP / height, "hspace": (_TOP + _BOTTOM) / inner_height,
    }  # fmt: skip
    cells = figure.add_gridspec(rows, columns, **grid)
    return figure, [figure.add_subplot(cells[k]) for k in range(n)]


def dress(ax: Axes, title: str, x: str = "", y: str = "") -> None:
    """Title on the left in plain weight, two quiet spines, faint horizontal grid."""
    ax.set_title(title, loc="left", fontsize=TITLE_PX, color=INK, pad=28)
    ax.set_xlabel(x, fontsize=SMALL_PX, color=MUTED)
    ax.set_ylabel(y, fontsize=SMALL_PX, color=MUTED)
    ax.tick_params(labelsize=SMALL_PX, labelcolor=MUTED, color=RULE, length=3)
    for name, spine in ax.spines.items():
        spine.set_visible(name in ("left", "bottom"))
        spine.set_color(RULE)
    ax.locator_params(nbins=6)
    ax.grid(axis="y", color=RULE, linewidth=0.6)
    ax.set_axisbelow(True)


def note(ax: Axes, x: float, y: float, text: str, **kwargs: Any) -> None:
    """Write a small remark in axes fractions."""
    options = {"fontsize": SMALL_PX, "color": MUTED, "transform": ax.transAxes, **kwargs}
    ax.text(x, y, text, **options)


def uprights(ax: Axes, at: Any, colour: str, **kwargs: Any) -> None:
    """Draw lines from the floor to the ceiling of a panel at `at` (n,), all at once and without widening it."""
    ax.vlines(at, 0.0, 1.0, colors=colour, transform=ax.get_xaxis_transform(), **kwargs)


def say(ax: Axes, text: str) -> None:
    """One sentence instead of a picture."""
    ax.set_axis_off()
    note(ax, 0.5, 0.5, text, ha="center", va="center", fontsize=13.0, wrap=True)


def leg_key(ax: Axes, labels: dict[str, str]) -> None:
    """Name the line of each leg between title and axes, in the leg's own colour."""
    handles = [
        ax.plot([], [], color=LEG_COLOUR[leg], linestyle=LEG_LINE[leg], linewidth=2.0, label=text)[0]
        for leg, text in labels.items()
    ]
    key(ax, handles, [LEG_INK[leg] for leg in labels])


def key(ax: Axes, handles: Sequence[Artist], inks: list[str], columns: int = 2) -> None:
    """Put a legend without a frame between title and axes, its words in the given inks."""
    legend = ax.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=columns, frameon=False, borderpad=0.2,
        fontsize=SMALL_PX, handlelength=2.2 if columns < 3 else 1.8, columnspacing=1.4 if columns < 3 else 1.0,
        borderaxespad=0.0,
    )  # fmt: skip
    for text, ink in zip(legend.get_texts(), inks, strict=True):
        text.set_color(ink)
