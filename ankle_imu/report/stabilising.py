"""Side-to-side stabilising on the page: both directions side by side, and what that says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ankle_imu.metrics.settling import compare_directions
from ankle_imu.report import words
from ankle_imu.report.grid import Grid

if TYPE_CHECKING:
    from ankle_imu.values import SessionResult


def directions_grid(result: SessionResult) -> Grid:
    """Median of both directions and their difference, where there are enough steps."""
    rows = []
    for r in _rows(result):
        if not np.isfinite(r.difference):
            continue
        unit = words.UNITS[r.metric]
        name = f"{words.GAIT[r.gait]}, {r.leg} {_what(r)}: {words.METRIC[r.metric].lower()}"
        both = [
            f"{words.quantity(value, unit)} ({n})"
            for value, n in ((r.left_to_right, r.n_left_to_right), (r.right_to_left, r.n_right_to_left))
        ]
        interval = f"[{words.number(r.ci_low, unit)} to {words.number(r.ci_high, unit)}]".replace(" ", "\u00a0")
        rows.append((name, *both, f"{words.quantity(r.difference, unit)} {interval}"))
    head = ("Stabilising", "Left to right (steps)", "Right to left (steps)", "Difference [approx. 95 % interval]")
    return Grid(
        caption="Steps that first swerve to the other side than the step before", head=head, rows=tuple(rows)
    )


def directions_sentence(result: SessionResult) -> str:
    """Which direction took longer, where the data can tell; empty where no step changed its direction."""
    rows = _rows(result)
    known = [r for r in rows if r.metric == "settle_s" and np.isfinite(r.difference)]
    if not rows:
        return ""
    if not known:
        return "There are too few such steps to compare the two directions: 25 of each are needed."
    told = []
    for r in known:
        if r.ci_low > 0 or r.ci_high < 0:
            slow, fast = (
                ("left to right", "right to left") if r.difference > 0 else ("right to left", "left to right")
            )
            more = f"{1000 * abs(r.difference):.0f} ms longer to settle from {slow} than from {fast}"
            told.append(f"{words.GAIT[r.gait]}, the {r.leg} {_what(r)} took {more}.")
    return " ".join(told) or "No difference between the two directions stands out from chance."


def _what(row: Any) -> str:
    return "ankle" if row.angle_source == "joint" else "foot"


def _rows(result: SessionResult) -> list[Any]:
    return list(compare_directions(result.strides).itertuples())
