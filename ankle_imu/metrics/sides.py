"""Left against right within one session: symmetry index or plain difference, with an interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.metrics.summary import MIN_STRIDES_MEDIAN, MIN_STRIDES_SPREAD, WIDEN

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

FORMULA: Final = "SI = (L - R) / (0.5 (L + R)) x 100"
"""Robinson R.O., Herzog W., Nigg B.M. (1987) Use of force platform variables to quantify the effects of
chiropractic manipulation on gait symmetry, J Manipulative Physiol Ther 10:172-176; L and R are medians."""

RATIOS: Final = (
    "range_stance_deg",
    "ev_excursion_deg",
    "peak_inv_vel_dps",
    "peak_ev_vel_dps",
    "df_range_deg",
    "peak_pf_vel_dps",
    "shank_range_stance_deg",
    "peak_shank_vel_dps",
    "stance_time_s",
    "settle_s",
)
"""Sizes, which cannot be negative: a ratio says something. Stride time and speed are the same on both legs."""

DIFFERENCES: Final = ("inv_at_ic_deg", "tilt_ff_deg", "df_at_ic_deg", "pf_at_to_deg", "strike_angle_deg")
"""Angles about zero: half the sum of the legs may be nothing, so the plain difference is given."""

WINDOWS: Final = 30
BLOCK: Final = 5
"""The session in 30 parts with as many strides, drawn in blocks of 5: a sixth, as `summary.block_length`."""

DRAWS: Final = 400
"""Draws of the bootstrap; its standard deviation is then known to 4 %."""

LEVELS: Final = 200
"""Steps of the sorted values between which a drawn median is read off by a line: 0.5 % of the strides each."""


@dataclass(frozen=True, kw_only=True)
class Sides:
    """One metric of both legs.

    Parameters
    ----------
    metric : column of the stride table
    left, right : float, medians
    n_left, n_right : int, strides behind them
    value : float, symmetry index in % where `is_ratio`, else left minus right in the metric's unit
    low, high : float, approximate 95 % interval; NaN below 50 strides of a leg
    is_ratio : bool
    """

    metric: str
    left: float
    right: float
    n_left: int
    n_right: int
    value: float
    low: float
    high: float
    is_ratio: bool

    @property
    def is_told_apart(self) -> bool:
        """Whether the interval leaves zero out."""
        return bool(self.low > 0.0 or self.high < 0.0)


def symmetry_index(left: Array | float, right: Array | float) -> Array:
    """(L - R) / (0.5 (L + R)) x 100, in %; NaN where the sum is not positive.

    Examples
    --------
    >>> round(float(symmetry_index(11.0, 9.0)), 1)
    20.0
    """
    a, b = np.asarray(left, dtype=float), np.asarray(right, dtype=float)
    total = a + b
    return np.asarray(np.where(total > 0.0, 200.0 * (a - b) / np.where(total > 0.0, total, 1.0), np.nan))


def compare_sides(strides: pd.DataFrame, gait: str, source: str, seed: int = 0) -> list[Sides]:
    """Set left against right, metric by metric.

    Parameters
    ----------
    strides : table `tables.STRIDES`
    gait, source : gait class and angle source, never pooled
    seed : of the draws

    Returns
    -------
    list of Sides
        Metrics of which both legs have 25 accepted strides or more; in the order of `RATIOS`, `DIFFERENCES`.

    Notes
    -----
    Both legs walk the same ground at the same time, so parts of the session are drawn with the strides of both
    legs in them, in blocks, wrapped around (Politis and Romano 1992): what the ground does to both cancels. Half
    the interval is the standard deviation of the draws, for so few blocks, times Student's t, times 1.3 (methods
    sheet F4), as for the medians of the summary.
    """
    keep = strides["accepted"].astype(bool) & (strides["gait"] == gait) & (strides["angle_source"] == source)
    own = strides[keep].sort_values("start_s", kind="stable")
    window = np.arange(len(own)) * WINDOWS // max(len(own), 1)
    counts = _draw(np.random.default_rng(seed))
    is_left = (own["leg"] == frames.LEGS[0]).to_numpy()
    found = []
    for metric in (*RATIOS, *DIFFERENCES):
        values = own[metric].to_numpy(float)
        known = np.isfinite(values)
        legs = [(values[known & side], window[known & side]) for side in (is_left, ~is_left)]
        if min(len(x) for x, _ in legs) >= MIN_STRIDES_MEDIAN:
            found += _sides(metric, legs, counts)
    return found


def _draw(rng: np.random.Generator) -> Array:
    """How often each of the windows is in each draw, (draws, windows)."""
    start = rng.integers(0, WINDOWS, size=(DRAWS, WINDOWS // BLOCK))
    drawn = (start[:, :, None] + np.arange(BLOCK)).reshape(DRAWS, -1) % WINDOWS
    counts = np.zeros((DRAWS, WINDOWS))
    np.add.at(counts, (np.arange(DRAWS)[:, None], drawn), 1.0)
    return counts


def _sides(metric: str, legs: list[tuple[Array, NDArray[np.int64]]], counts: Array) -> list[Sides]:
    """The metric of both legs; nothing where the ratio of what is nothing would be asked for."""
    is_ratio = metric in RATIOS
    left, right = (float(np.median(x)) for x, _ in legs)
    value = float(symmetry_index(left, right)) if is_ratio else left - right
    if not np.isfinite(value):
        return []
    half = float("nan")
    if min(len(x) for x, _ in legs) >= MIN_STRIDES_SPREAD:
        a, b = (_medians(x, window, counts) for x, window in legs)
        half = _half_width(symmetry_index(a, b) if is_ratio else a - b)
    (x, _), (y, _) = legs
    numbers = {"left": left, "right": right, "value": value, "low": value - half, "high": value + half}
    return [Sides(metric=metric, n_left=len(x), n_right=len(y), is_ratio=is_ratio, **numbers)]


def _medians(values: Array, window: NDArray[np.int64], counts: Array) -> Array:
    """Median of each draw, (draws,): where the strides of the drawn windows reach one half."""
    edges = np.quantile(values, np.linspace(0.0, 1.0, LEVELS + 1))
    level = np.clip(np.searchsorted(edges, values, side="left"), 1, LEVELS)
    below = np.zeros((WINDOWS, LEVELS + 1))
    np.add.at(below, (window, level), 1.0)
    reached = counts @ np.cumsum(below, axis=1)
    half = 0.5 * reached[:, -1:]
    at = np.clip((reached < half).sum(axis=1), 1, LEVELS)
    rows = np.arange(len(counts))
    low, high = reached[rows, at - 1], reached[rows, at]
    share = np.clip((half[:, 0] - low) / np.maximum(high - low, 1e-9), 0.0, 1.0)
    return np.asarray(edges[at - 1] + share * (edges[at] - edges[at - 1]))


def _half_width(drawn: Array) -> float:
    from scipy.special import stdtrit

    blocks = WINDOWS // BLOCK
    deviation = float(np.nanstd(drawn, ddof=1)) * np.sqrt(blocks / (blocks - 1.0))
    return float(WIDEN * stdtrit(blocks - 1.0, 0.975) * deviation)
