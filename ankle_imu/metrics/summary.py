"""Strides -> one summary row per leg, gait class and angle source, each median with an approximate interval."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ankle_imu import frames, tables

if TYPE_CHECKING:
    import pandas as pd

MIN_STRIDES_MEDIAN: Final = 25
"""Running kinematics are stable from 25 steps on (methods sheet F2, its source C33)."""

MIN_STRIDES_SPREAD: Final = 50
"""Variability of walking needs at least 50 cycles (methods sheet F2, its source C32)."""

WIDEN: Final = 1.3
"""Block intervals of strides over changing ground are too narrow by about this factor (methods sheet F4)."""

GAITS: Final = ("walk", "jog", "run")
ANGLE_SOURCES: Final = ("joint", "foot", "none")


def summarize(strides: pd.DataFrame) -> pd.DataFrame:
    """Give the summary table of a stride table.

    Parameters
    ----------
    strides : table `tables.STRIDES`, any order

    Returns
    -------
    summary : table `tables.SUMMARY`, one row per leg, gait class and angle source that occur; a median and its
        interval are NaN below 25 accepted strides with a value, an interquartile range below 50

    Notes
    -----
    Strides measured against the shank (`joint`) and against gravity (`foot`) are never pooled. Rejected strides
    are counted in `n_strides` and enter no figure. The interval is `median_interval`.
    """
    rows: dict[str, list[Any]] = {name: [] for name in tables.SUMMARY.names}
    ordered = strides.sort_values("start_s", kind="stable")
    for key in product(frames.LEGS, GAITS, ANGLE_SOURCES):
        leg, gait, source = key
        group = ordered[(ordered["leg"] == leg) & (ordered["gait"] == gait) & (ordered["angle_source"] == source)]
        if len(group):
            _append_row(rows, key, group)
    return tables.make_table(tables.SUMMARY, rows)


def _append_row(rows: dict[str, list[Any]], key: tuple[str, str, str], group: pd.DataFrame) -> None:
    accepted = group[group["accepted"].astype(bool)]
    for name, label in zip(("leg", "gait", "angle_source"), key, strict=True):
        rows[name].append(label)
    rows["n_strides"].append(len(group))
    rows["n_accepted"].append(len(accepted))
    values = accepted[list(tables.METRICS)].to_numpy(float)
    for metric, column in zip(tables.METRICS, values.T, strict=True):
        for statistic, value in _statistics(column).items():
            rows[f"{metric}_{statistic}"].append(value)


def _statistics(values: NDArray[np.float64]) -> dict[str, float]:
    values = values[np.isfinite(values)]
    out = dict.fromkeys(("median", "iqr", "ci_low", "ci_high"), float("nan"))
    if len(values) >= MIN_STRIDES_MEDIAN:
        out["median"] = float(np.median(values))
        out["ci_low"], out["ci_high"] = median_interval(values)
    if len(values) >= MIN_STRIDES_SPREAD:
        low, high = np.quantile(values, [0.25, 0.75])
        out["iqr"] = float(high - low)
    return out


def block_length(n_strides: int) -> int:
    """Strides per block: a sixth of the session.

    Notes
    -----
    A block must outlast a stretch of like ground (50-200 strides on a trail) and there must be several of them;
    a fixed 100 strides covered less in long sessions, a quarter of the session gave intervals twice as wide.
    """
    return max(n_strides // 6, 1)


def median_interval(values: ArrayLike, widen: float = WIDEN) -> tuple[float, float]:
    """Approximate 95 % interval of the median of strides that depend on one another.

    Parameters
    ----------
    values : (n,) float array in the order walked, finite, n >= 8
    widen : float, factor on the half-width, in ranks

    Returns
    -------
    low, high : float, unit of `values`

    Raises
    ------
    ValueError
        With fewer than 8 values.

    Notes
    -----
    The limit of the moving-block bootstrap, taken without drawing: the share of strides below the median has
    the variance of its means over all overlapping blocks (`block_length`), corrected for blocks that are a
    large part of the session; a Student quantile with (number of blocks - 1) degrees of freedom times `widen`
    turns that into a rank interval, read off the sorted strides.

    Own simulation, 600 sessions each, ground level switching after 60 / 120 / 200 strides on average, coverage
    of the long-run median: 100 strides 0.66 / 0.55 / 0.52, 400 strides 0.87 / 0.72 / 0.65, 800 strides 0.94 /
    0.85 / 0.76, 1600 strides 0.97 / 0.96 / 0.88, 3000 strides 0.98 / 0.98 / 0.95; independent strides 0.99.
    The bootstrap itself, 500 draws of 100-stride blocks with the same factor, covered 0.71 / 0.81 / 0.71 at
    800, 1600 and 3000 strides with 120 per level. A short session sees too few changes of ground to know how
    much they matter: the interval is approximate.

    References
    ----------
    Woodruff R.S. (1952) Confidence intervals for medians and other position measures, J. Am. Stat. Assoc.
    47:635-646, doi:10.1080/01621459.1952.10483443. Kunsch H.R. (1989) The jackknife and the bootstrap for
    general stationary observations, Ann. Stat. 17:1217-1241, doi:10.1214/aos/1176347265.

    Examples
    --------
    >>> low, high = median_interval([1.0, 2.0, 3.0, 4.0] * 25)
    >>> low <= 2.5 <= high
    True
    """
    from scipy.special import stdtrit

    x = np.asarray(values, dtype=float)
    n = len(x)
    if n < 8:
        raise ValueError(f"Found {n} values; an interval of the median needs at least 8.")
    length = block_length(n)
    median = np.median(x)
    share = (x < median) + 0.5 * (x == median) - 0.5
    total = np.concatenate([[0.0], np.cumsum(share)])
    block_means = (total[length:] - total[:-length]) / length
    blocks = n / length
    variance = float(np.mean(block_means**2)) / (blocks - 1.0)
    variance = max(variance, 0.25 / n)
    half = widen * float(stdtrit(blocks - 1.0, 0.975)) * variance**0.5
    low, high = np.quantile(x, [max(0.0, 0.5 - half), min(1.0, 0.5 + half)])
    return float(low), float(high)
