"""How much less the windows of a session say because each is like the one before."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

LAGS: Final = 8
"""Windows of 20 strides over which likeness is counted: 160 strides, a long stretch of ground (methods F4)."""

LARGEST: Final = 9.0
"""Bound of the factor; ours: beyond it a session would be one or two independent stretches."""


def stretch(residual: NDArray[np.float64], owner: NDArray[np.int64]) -> float:
    """Factor on the variance of a session's mean, 1..9.

    Parameters
    ----------
    residual : (k,) float array, windows in the order walked, less their session's own mean
    owner : (k,) int array, session of each; windows of one session stand together

    Returns
    -------
    float

    Notes
    -----
    One plus twice the sum of autocorrelations with falling weights, pooled over sessions, over at most a quarter
    of a session's windows. Taking off a session's mean lowers each autocorrelation by the factor sought over the
    number of its windows, which is put back.

    References
    ----------
    Newey W.K., West K.D. (1987) A simple, positive semi-definite, heteroskedasticity and autocorrelation
    consistent covariance matrix, Econometrica 55:703-708, doi:10.2307/1913610.
    """
    power = float((residual**2).mean()) if len(residual) else 0.0
    if power == 0.0:
        return 1.0
    windows = len(residual) / len(set(owner))
    lags = min(LAGS, int(windows) // 4)
    weights = 1.0 - np.arange(1, lags + 1) / (lags + 1.0)
    likeness = np.array([_likeness(residual, owner, lag) for lag in range(1, lags + 1)]) / power
    total = (1.0 + 2.0 * float(weights @ likeness)) / (1.0 - 2.0 * float(weights.sum()) / windows)
    return float(np.clip(total, 1.0, LARGEST))


def _likeness(residual: NDArray[np.float64], owner: NDArray[np.int64], lag: int) -> float:
    """Mean product of windows of one session that are `lag` apart, 0 where there are none."""
    same = owner[lag:] == owner[:-lag]
    return float((residual[lag:] * residual[:-lag])[same].mean()) if same.any() else 0.0
