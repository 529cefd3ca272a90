"""Typical values of a session: the few that most readers want, and all of them per gait and angle source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ankle_imu.metrics.summary import MIN_STRIDES_MEDIAN
from ankle_imu.report import series, words
from ankle_imu.report.grid import Grid

if TYPE_CHECKING:
    import pandas as pd

    from ankle_imu.values import SessionResult

_FIRST: Final = {
    "joint": ("range_stance_deg", "inv_at_ic_deg", "peak_inv_vel_dps", "df_range_deg"),
    "foot": ("range_stance_deg", "tilt_ff_deg", "peak_inv_vel_dps", "strike_angle_deg"),
    "none": ("shank_range_stance_deg", "peak_shank_vel_dps", "stride_time_s", "cadence_spm"),
}
"""What stands in the short table, by angle source."""


def short_grids(result: SessionResult) -> list[Grid]:
    """One row per gait and leg with four values: a table per angle source."""
    grids = []
    for source, part in _measured(result).groupby("angle_source", sort=False):
        names = _FIRST[str(source)]
        own = sorted(part.to_dict("records"), key=lambda row: list(words.GAIT).index(row["gait"]))
        rows = tuple(
            (f"{words.GAIT[row['gait']]}, {row['leg']}", f"{row['n_accepted']:,}", *(_cell(row, m) for m in names))
            for row in own
        )
        head = ("Gait, leg", "Strides", *(_label(name) for name in names))
        grids.append(Grid(caption=f"Medians, {words.SOURCE[str(source)]}", head=head, rows=rows))
    return grids


def summary_grids(result: SessionResult) -> list[Grid]:
    """One table per gait class and angle source, a column per leg: median, interval, n."""
    grids = []
    for (gait, source), part in _measured(result).groupby(["gait", "angle_source"], sort=False):
        legs = part.to_dict("records")
        rows = [_row(metric, part, legs) for metric in words.METRIC]
        head = ("Median [approx. 95 % interval]", *(_head(r) for r in series.rows(part)))
        caption = f"{words.GAIT[str(gait)]}, {words.SOURCE[str(source)]}"
        grids.append(Grid(caption=caption, head=head, rows=tuple(row for row in rows if row)))
    return grids


def too_few_sentence(result: SessionResult) -> str:
    """Which legs, gaits and sources have strides, but too few for a median; empty where none."""
    shown = set(series.shown_strata(result))
    parts = [
        f"{words.GAIT[r.gait].lower()}, {r.leg} ({r.n_accepted})"
        for r in series.rows(result.summary)
        if 0 < r.n_accepted < MIN_STRIDES_MEDIAN and (r.angle_source, r.gait) in shown
    ]
    return f"Too few strides for a typical value: {'; '.join(parts)}." if parts else ""


def zeros_sentence(result: SessionResult) -> str:
    """Which values are zero in the median of every leg and gait, and therefore have no row."""
    part = _measured(result)
    names = [words.METRIC[m].lower() for m in words.METRIC if _is_measured(m, part) and _is_zero(m, part)]
    if not names:
        return ""
    return f"In most steps there was none: {words.listing(names)}."


def _measured(result: SessionResult) -> pd.DataFrame:
    return result.summary[result.summary["n_accepted"] >= MIN_STRIDES_MEDIAN]


def _is_measured(metric: str, part: pd.DataFrame) -> bool:
    return bool(np.isfinite(part[f"{metric}_median"].to_numpy(float)).any())


def _is_zero(metric: str, part: pd.DataFrame) -> bool:
    """Whether a row would show nothing but zeros."""
    values = part[[f"{metric}_{s}" for s in ("median", "ci_low", "ci_high")]].to_numpy(float)
    unit = words.UNITS[metric]
    return all(words.number(v, unit).strip("0.") == "" for v in values[np.isfinite(values)])


def _head(row: Any) -> str:
    return f"{row.leg}, n = {row.n_accepted:,} of {row.n_strides:,}"


def _label(metric: str) -> str:
    unit = words.UNITS[metric]
    return f"{words.METRIC[metric]}{f', {unit}' if unit else ''}"


def _row(metric: str, part: pd.DataFrame, legs: list[Any]) -> tuple[str, ...]:
    if not _is_measured(metric, part) or _is_zero(metric, part):
        return ()
    return (_label(metric), *(_cell(row, metric) for row in legs))


def _cell(row: Any, metric: str) -> str:
    unit = words.UNITS[metric]
    median, low, high = (float(row[f"{metric}_{s}"]) for s in ("median", "ci_low", "ci_high"))
    if not np.isfinite(median):
        return "–"
    ends = f"[{words.number(low, unit)} to {words.number(high, unit)}]".replace(" ", "\u00a0")
    interval = f" {ends}" if np.isfinite([low, high]).all() else ""
    return words.number(median, unit) + interval
