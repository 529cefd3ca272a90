"""Intervals of spreads, tails and other statistics of strides that depend on one another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ankle_imu.metrics.summary import block_length

Array = NDArray[np.float64]

DRAWS: Final = 500
"""Bootstrap draws (methods F4)."""

WIDEN_SPREAD: Final = 1.6
"""Factor on the half-width; ours, see `block_interval`: 1.3 (methods F4) covers too little at 600 strides."""

LEAST_STRIDES: Final = 50
"""No interval of a spread below this (methods F2)."""


def block_interval(
    values: ArrayLike, statistic: Callable[[Array], Array], *, is_ratio: bool = True, seed: int = 0
) -> tuple[float, float]:
    """Approximate 95 % interval of a statistic of strides over changing ground.

    Parameters
    ----------
    values : (n,) float array in the order walked; NaN where a stride has none
    statistic : (k, n) -> (k,), of each row, NaN left out, such as those of `metrics.stability`
    is_ratio : bool, whether the statistic is positive and its doubt a share of it, as with spreads
    seed : int

    Returns
    -------
    low, high : float; NaN with fewer than 50 values or where the statistic is 0

    Notes
    -----
    Moving-block bootstrap: the standard deviation of the statistic over 500 draws of blocks of a sixth of the
    session, times a Student quantile with (number of blocks - 1) degrees of freedom and 1.6, about the statistic.
    All draws are taken at once. It says how well a session tells what its kind of outing is like in the long run,
    not how it compares with one on other ground: that is `comparison.adjusted`.

    Coverage of the long-run figure in `validation.stride_tables` (three kinds of ground, changing every 90 strides
    on average), 200 sessions each; successive differences, MAD, stride-time log SD, 95th percentile:

    ======== ==== ==== ==== ====
    200      0.70 0.82 0.66 0.74
    600      0.86 0.90 0.84 0.86
    1200     0.96 0.96 0.94 0.92
    3000     0.97 0.98 0.98 0.98
    ======== ==== ==== ==== ====

    Blocks of 100 strides with a factor of 1.3 gave 0.79 0.87 0.83 0.80 at 600 and 0.83 0.87 0.86 0.87 at 3000.

    References
    ----------
    Kunsch H.R. (1989) The jackknife and the bootstrap for general stationary observations, Ann. Stat.
    17:1217-1241, doi:10.1214/aos/1176347265.

    Examples
    --------
    >>> from ankle_imu.metrics.stability import standard_deviation
    >>> low, high = block_interval(np.sin(np.arange(300.0) ** 2), standard_deviation)
    >>> low < 0.7 < high
    True
    """
    from scipy.special import stdtrit

    x = np.asarray(values, dtype=float)
    unknown = float("nan"), float("nan")
    if int(np.isfinite(x).sum()) < LEAST_STRIDES:
        return unknown
    centre = float(statistic(x[None, :])[0])
    if is_ratio and not centre > 0.0:
        return unknown
    length = block_length(len(x))
    drawn = statistic(_draw(x, length, np.random.default_rng(seed)))
    if is_ratio:
        drawn = np.log(drawn[drawn > 0.0] / centre)
    half = WIDEN_SPREAD * float(stdtrit(len(x) / length - 1.0, 0.975)) * float(np.std(drawn))
    return (
        (centre * float(np.exp(-half)), centre * float(np.exp(half)))
        if is_ratio
        else (centre - half, centre + half)
    )


def _draw(x: Array, length: int, rng: np.random.Generator) -> Array:
    """Rows of whole blocks put together at random, (draws, about n)."""
    blocks = max(round(len(x) / length), 1)
    start = rng.integers(0, len(x) - length + 1, size=(DRAWS, blocks))
    return np.asarray(x[(start[:, :, None] + np.arange(length)).reshape(DRAWS, -1)])
