"""Research measures: local dynamic stability and sample entropy of stride series.

They are here for study, not for advice: both are biased by length and noise, depend on speed, and say nothing of
a single walk to the person who walked it. They enter no index, comparison or sentence.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ankle_imu.errors import QualityRefusal

Array = NDArray[np.float64]

DYNAMIC_STRIDES: Final = 150
"""Strides behind one exponent, always as many: the estimate is biased by their number (methods F1)."""

POINTS_PER_STRIDE: Final = 100
DIMENSION: Final = 5
DELAY: Final = 10
"""State of 5 dimensions, 10 samples apart, at 100 samples a stride (methods F1, its source C85)."""

FIT_STRIDES: Final = 0.5
"""The divergence is fitted over the first half stride (methods F1, C85)."""

ENTROPY_STRIDES: Final = 200
"""Strides behind one entropy, always as many; ours: 10^2 to 10^3 points for m = 2 (Richman & Moorman 2000)."""

ENTROPY_LENGTH: Final = 2
ENTROPY_TOLERANCE: Final = 0.2
"""m = 2 and r = 0.2 SD (methods F1)."""


def local_dynamic_stability(signal: ArrayLike, starts: ArrayLike) -> float:
    """Short-term local divergence exponent of a signal over 150 strides, per stride (research).

    Parameters
    ----------
    signal : (n,) float array, such as the frontal rate of a foot, without NaN
    starts : (k,) int array, k >= 151, samples at which strides begin, in order; the first 150 strides count

    Returns
    -------
    float
        Mean rate, per stride, at which neighbouring states part; larger means that small differences grow faster.

    Raises
    ------
    QualityRefusal
        With fewer than 150 strides, or a NaN among them.

    Notes
    -----
    Rosenstein's algorithm: each state's nearest neighbour that lies at least a stride away is followed; the slope
    of the mean logarithm of their distance over the first half stride. Neighbours by a k-d tree.

    References
    ----------
    Rosenstein M.T., Collins J.J., De Luca C.J. (1993) A practical method for calculating largest Lyapunov
    exponents from small data sets, Physica D 65:117-134, doi:10.1016/0167-2789(93)90009-P. Settings: methods
    F1 (C85); bias by length and noise: C86.
    """
    x, edges = np.asarray(signal, dtype=float), np.asarray(starts, dtype=np.int64)
    if len(edges) < DYNAMIC_STRIDES + 1:
        raise QualityRefusal(
            f"Found {max(len(edges) - 1, 0)} strides; local dynamic stability takes {DYNAMIC_STRIDES}."
        )
    first, last = int(edges[0]), int(edges[DYNAMIC_STRIDES])
    part = x[first:last]
    if not np.isfinite(part).all():
        raise QualityRefusal("Samples are missing among the strides; local dynamic stability takes whole ones.")
    # In the mean 100 points a stride: strides keep their own lengths (C85).
    n = DYNAMIC_STRIDES * POINTS_PER_STRIDE
    even = np.interp(np.linspace(0.0, len(part) - 1.0, n), np.arange(len(part)), part)
    steps = round(FIT_STRIDES * POINTS_PER_STRIDE)
    apart = divergence(even, DIMENSION, DELAY, POINTS_PER_STRIDE, steps)
    return float(np.polyfit(np.arange(len(apart)) / POINTS_PER_STRIDE, apart, 1)[0])


def divergence(signal: Array, dimension: int, delay: int, apart: int, steps: int) -> Array:
    """Mean logarithm of the distance of nearest neighbours 0..steps samples on, (steps + 1,).

    Parameters
    ----------
    signal : (n,) float array, finite
    dimension, delay : int, of the state
    apart : int, samples that a neighbour must lie away in time, more than
    steps : int
    """
    states = np.lib.stride_tricks.sliding_window_view(signal, (dimension - 1) * delay + 1)[:, ::delay]
    last = len(states) - steps
    neighbour = _nearest(states[:last], apart)
    own = np.flatnonzero(neighbour >= 0)
    ahead = np.arange(steps + 1)
    out = np.empty(steps + 1)
    for step in ahead:
        distance = np.linalg.norm(states[own + step] - states[neighbour[own] + step], axis=1)
        out[step] = np.log(distance[distance > 0.0]).mean()
    return out


def _nearest(states: Array, apart: int) -> NDArray[np.int64]:
    """Index of each state's nearest neighbour more than `apart` samples away, -1 where there is none."""
    from scipy.spatial import KDTree

    tree = KDTree(states)
    found = np.full(len(states), -1, dtype=np.int64)
    open_ = np.arange(len(states))
    k = 32
    while len(open_):
        k = min(k, len(states))
        index = np.asarray(tree.query(states[open_], k=k)[1])
        far = np.abs(index - open_[:, None]) > apart
        has = far.any(axis=1)
        found[open_[has]] = index[has, far[has].argmax(axis=1)]
        if k == len(states):
            break
        open_, k = open_[~has], 4 * k
    return found


def sample_entropy(values: ArrayLike) -> float:
    """Sample entropy of the first 200 values of a stride series, m = 2, r = 0.2 SD (research).

    Parameters
    ----------
    values : (n,) float array, n >= 200, one value per stride in the order walked, finite

    Returns
    -------
    float
        Nats; larger is less regular. Infinite where no two stretches of three are alike.

    Raises
    ------
    QualityRefusal
        With fewer than 200 values, a NaN among them, or values that do not vary.

    References
    ----------
    Richman J.S., Moorman J.R. (2000) Physiological time-series analysis using approximate entropy and sample
    entropy, Am. J. Physiol. 278:H2039-H2049, doi:10.1152/ajpheart.2000.278.6.H2039. Settings: methods F1.
    """
    x = np.asarray(values, dtype=float)[:ENTROPY_STRIDES]
    if len(x) < ENTROPY_STRIDES or not np.isfinite(x).all():
        raise QualityRefusal(
            f"Found {int(np.isfinite(x).sum())} values; sample entropy takes {ENTROPY_STRIDES} without a gap."
        )
    tolerance = ENTROPY_TOLERANCE * float(np.std(x))
    if tolerance == 0.0:
        raise QualityRefusal("The values do not vary; sample entropy needs values that do.")
    shorter, longer = (_alike(x, length, tolerance) for length in (ENTROPY_LENGTH, ENTROPY_LENGTH + 1))
    return float(np.log(shorter / longer)) if longer else float("inf")


def _alike(x: Array, length: int, tolerance: float) -> int:
    """Pairs of stretches of that length whose values differ by at most `tolerance` throughout."""
    from scipy.spatial import KDTree

    stretches = np.lib.stride_tricks.sliding_window_view(x, length)[: len(x) - ENTROPY_LENGTH]
    tree = KDTree(stretches)
    return (int(tree.count_neighbors(tree, tolerance, p=np.inf)) - len(stretches)) // 2
