"""Draw the pictures of `placement.md`: `python drawings.py` writes them beside itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.patches import Circle, FancyBboxPatch, Polygon

SKIN, SHOE, SENSOR, STRAP, INK = "#f1d9c5", "#8fa3b5", "#c0392b", "#4a5560", "#222222"
LEG = [(3.2, 32), (2.9, 16), (2.75, 12), (2.7, 8.4), (6.3, 8.2), (6.6, 12), (7.6, 16), (7.9, 32)]
UPPER = [
    (2.5, 8.9), (2.2, 6.0), (2.1, 3.0), (2.2, 1.2), (15.5, 1.2), (16.6, 1.7), (16.8, 2.6), (15.6, 3.6),
    (12.4, 4.6), (9.3, 6.4), (7.4, 7.9), (6.6, 8.9),
]  # fmt: skip
SOLE = [(2.0, 1.4), (2.0, 0.2), (15.6, 0.2), (16.9, 1.2), (16.8, 1.8), (15.5, 1.4)]
BONE = (4.7, 8.0)
"""Outer ankle bone, cm, like all here; a leg from the outside, toes to the right."""


def draw_leg(axes: Any) -> None:
    """Shank and shoe, from the outside."""
    axes.add_patch(Polygon(smooth(LEG), closed=True, facecolor=SKIN, edgecolor=INK, lw=1))
    axes.add_patch(Polygon(smooth(UPPER), closed=True, facecolor=SHOE, edgecolor=INK, lw=1))
    axes.add_patch(Polygon(SOLE, closed=True, facecolor="#5d6d7e", edgecolor=INK, lw=1))
    axes.add_patch(Circle(BONE, 0.85, facecolor="#e6c2a5", edgecolor=INK, lw=0.8))
    axes.set(xlim=(-4, 22), ylim=(-0.5, 19.5), aspect="equal")
    axes.axis("off")


def smooth(points: list[tuple[float, float]]) -> np.ndarray:
    """A polygon with its corners cut twice (Chaikin)."""
    at = np.array(points)
    for _ in range(2):
        after = np.roll(at, -1, axis=0)
        at = np.stack([0.8 * at + 0.2 * after, 0.2 * at + 0.8 * after], axis=1).reshape(-1, 2)
    return at


def box(axes: Any, x: float, y: float, angle: float) -> None:
    """A sensor of 3.4 x 2.2 cm."""
    turn = mpl.transforms.Affine2D().rotate_deg_around(x, y, angle) + axes.transData
    shape = FancyBboxPatch(
        (x - 1.1, y - 1.7), 2.2, 3.4, boxstyle="round,pad=0,rounding_size=0.4", fc=SENSOR, ec=INK, lw=1, zorder=5
    )
    shape.set_transform(turn)
    axes.add_patch(shape)


def arrow(axes: Any, start: tuple[float, float], end: tuple[float, float], text: str, **where: Any) -> None:
    """An arrow with a word at its end."""
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1.4}, zorder=6)
    axes.text(*end, text, fontsize=9, color=INK, zorder=6, **where)


def draw_shank(axes: Any) -> None:
    """Above the outer ankle bone."""
    draw_leg(axes)
    axes.add_patch(Polygon([(2.8, 11.4), (6.45, 11.4), (6.75, 13.6), (2.8, 13.6)], fc=STRAP, ec=INK, lw=0.8))
    box(axes, 4.7, 12.5, 0)
    arrow(axes, (4.7, 14.2), (4.7, 17.6), "x, up", ha="center", va="bottom")
    axes.annotate("", (9.4, 8.0), (9.4, 12.5), arrowprops={"arrowstyle": "<->", "color": INK, "lw": 1})
    for y in (8.0, 12.5):
        axes.plot([5.9, 9.8], [y, y], color=INK, lw=0.6, ls=":")
    axes.text(9.9, 10.3, "4 to 5 cm from the\nouter ankle bone to\nthe sensor's middle", fontsize=9, va="center")
    axes.text(9.9, 13.5, "strap over the sock,\nflat on the bone", fontsize=9, va="center")
    axes.set_title("above_ankle: on the shank, outside", fontsize=11)


def draw_foot(axes: Any) -> None:
    """On the laces."""
    draw_leg(axes)
    box(axes, 10.5, 6.75, 59)
    arrow(axes, (12.0, 5.85), (15.6, 3.9), "x, to the toes", ha="left", va="bottom")
    arrow(axes, (11.2, 7.9), (12.7, 10.6), "z, out of the shoe", ha="left", va="bottom")
    axes.text(9.6, 14.2, "under two crossings of\nthe laces; must not rock", fontsize=9, va="center")
    axes.plot([10.3, 10.6], [13.1, 7.8], color=INK, lw=0.6, ls=":")
    axes.set_title("instep: on the shoe", fontsize=11)


def main() -> None:
    """Write the pictures."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.8), layout="constrained")
    draw_shank(axes[0])
    draw_foot(axes[1])
    figure.savefig(Path(__file__).with_name("placement.png"), dpi=100)
    plt.close(figure)


if __name__ == "__main__":
    main()
