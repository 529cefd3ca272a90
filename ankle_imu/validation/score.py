"""One row per figure: what was measured, what was aimed at, and what others reach on the same data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ankle_imu.metrics.inversion import STANCE_SHARE

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure of the validation table.

    `target` is the value it should not exceed (or reach, where `at_least`), NaN where none is set; `least` is the
    lower end where a value should lie in between; `reference` says what is known of others or of the best case;
    `how` names the alignment that was used.
    """

    dataset: str
    case: str
    quantity: str
    n: int
    value: float
    unit: str
    target: float = float("nan")
    at_least: bool = False
    least: float = float("nan")
    reference: str = ""
    how: str = ""

    @property
    def verdict(self) -> str:
        """`met` | `missed` | `` where no target is set."""
        if not np.isfinite(self.target):
            return ""
        good = self.value >= self.target if self.at_least else self.value <= self.target
        good = good and not self.value < self.least
        return "met" if good else "missed"

    @property
    def aim(self) -> str:
        """The target in words, `` where none is set."""
        if not np.isfinite(self.target):
            return ""
        if np.isfinite(self.least):
            return f"{self.least:.3g} to {self.target:.3g}"
        return f"{'≥' if self.at_least else '≤'} {self.target:.3g}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with the verdict; NaN becomes None."""
        plain = asdict(self) | {"verdict": self.verdict, "aim": self.aim}
        return {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in plain.items()}


def spread(error: ArrayLike) -> float:
    """Standard deviation of the finite errors: one constant offset is removed."""
    values = np.asarray(error, dtype=float)
    values = values[np.isfinite(values)]
    return float(values.std()) if len(values) else float("nan")


def rms(values: Iterable[float]) -> float:
    """Root mean square of the finite values."""
    known = np.array([v for v in values if np.isfinite(v)])
    return float(np.sqrt(np.mean(known**2))) if len(known) else float("nan")


def correlation(a: Array, b: Array) -> float:
    """Pearson's r over the rows where both are finite."""
    both = np.isfinite(a) & np.isfinite(b)
    return float(np.corrcoef(a[both], b[both])[0, 1]) if both.sum() > 2 else float("nan")


def stance_mask(time: Array, ic: Array, to: Array) -> NDArray[np.bool_]:
    """(n,) True in [IC, IC + 85 % of stance) of any of the given stances, all in s."""
    change = np.zeros(len(time) + 1)
    np.add.at(change, np.searchsorted(time, ic), 1)
    np.add.at(change, np.searchsorted(time, ic + STANCE_SHARE * (to - ic)), -1)
    return np.asarray(np.cumsum(change[:-1]) > 0)


def pair_events(found: Array, true: Array, within: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of found and true instants that belong together, one to one, nearest first within `within` s."""
    if len(found) == 0 or len(true) == 0:
        none = np.empty(0, np.int64)
        return none, none
    nearest = np.abs(found[:, None] - true[None, :]).argmin(axis=0)
    gap = np.abs(found[nearest] - true)
    order = np.argsort(gap, kind="stable")
    _, first = np.unique(nearest[order], return_index=True)
    kept = np.sort(order[first])
    kept = kept[gap[kept] <= within]
    return nearest[kept].astype(np.int64), kept.astype(np.int64)


def f1_score(n_paired: int, n_found: int, n_true: int) -> float:
    """Harmonic mean of precision and recall."""
    return 2.0 * n_paired / (n_found + n_true) if n_found + n_true else float("nan")


def markdown_table(figures: Iterable[Row]) -> str:
    """One line per data set and quantity, the cases of each as smallest to largest value (median when many)."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in figures:
        groups.setdefault((row.dataset, row.quantity), []).append(row)
    lines = [
        "| data set | figure | cases, n | value | target | known of others | alignment |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (dataset, quantity), rows in groups.items():
        cells = [
            dataset,
            quantity,
            f"{len(rows)}, {sum(row.n for row in rows):,}",
            _range_text(rows),
            _target_text(rows),
            "; ".join(dict.fromkeys(row.reference.split("; r here")[0] for row in rows if row.reference)),
            "; ".join(dict.fromkeys(row.how for row in rows)),
        ]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") or "–" for cell in cells) + " |")
    return "\n".join(lines)


def _range_text(rows: Sequence[Row]) -> str:
    values = np.array([row.value for row in rows])
    unit = "" if rows[0].unit == "1" else f" {rows[0].unit}"
    low, high = f"{np.nanmin(values):.3g}", f"{np.nanmax(values):.3g}"
    text = f"{low}{unit}" if low == high else f"{low} to {high}{unit}"
    if len(rows) > 8:
        text += f" (median {np.nanmedian(values):.3g}, mean {np.nanmean(values):.3g})"
    shown = [row.reference.split("r here ")[1] for row in rows if "r here " in row.reference]
    return text + (f", r {' / '.join(shown)}" if shown else "")


def _target_text(rows: Sequence[Row]) -> str:
    aims = sorted({row.aim for row in rows if row.aim})
    missed = sum(row.verdict == "missed" for row in rows)
    return " / ".join([*aims[:1], *(aim.lstrip("≤≥ ") for aim in aims[1:])]) + (
        f", {missed} missed" if missed else ""
    )
