"""A trend as small as a word: one line per leg, drawn as SVG without matplotlib."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from ankle_imu.report import style, words

WIDTH, HEIGHT = 168.0, 40.0
_EDGE: Final = 5.0


def sparkline(values: Mapping[str, Sequence[float]], unit: str, what: str) -> str:
    """Draw one figure of the last sessions, oldest left.

    Parameters
    ----------
    values : leg -> figures of sessions, oldest first; NaN where a session has none
    unit : str, of the figures
    what : str, names the figure in the alt text

    Returns
    -------
    svg : str, an `<svg role="img">` element; "" where there is nothing to draw
    """
    known = {leg: [v for v in some if math.isfinite(v)] for leg, some in values.items()}
    flat = [v for some in known.values() for v in some]
    if not flat:
        return ""
    low, high = min(flat), max(flat)
    parts = [_line(leg, some, low, high) for leg, some in values.items() if known[leg]]
    told = "; ".join(f"{leg} {_told(some, unit)}" for leg, some in known.items() if some)
    label = escape(f"{what}: {told}.")
    return (
        f'<svg class="spark" role="img" aria-label="{label}" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" '
        f'width="{WIDTH:g}" height="{HEIGHT:g}">{"".join(parts)}</svg>'
    )


def _told(some: Sequence[float], unit: str) -> str:
    first, last = words.quantity(some[0], unit), words.quantity(some[-1], unit)
    return last if len(some) == 1 else f"{first} at first, {last} at last, {len(some)} sessions"


def _line(leg: str, values: Sequence[float], low: float, high: float) -> str:
    step = (WIDTH - 2.0 * _EDGE) / max(1, len(values) - 1)
    scale = (HEIGHT - 2.0 * _EDGE) / (high - low) if high > low else 0.0
    base = HEIGHT - _EDGE if scale else HEIGHT / 2.0
    points = [(_EDGE + step * i, base - scale * (v - low)) for i, v in enumerate(values) if math.isfinite(v)]
    dash = "" if leg == "left" else ' stroke-dasharray="5 2"'
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    colour = style.LEG_COLOUR[leg]
    return (
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"{dash}/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{colour}"/>'
    )
