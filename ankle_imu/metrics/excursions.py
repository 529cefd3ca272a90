"""How often an excursion went beyond a mark, and what a count of events says about its rate."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

EXCEEDANCE_MARKS_DEG: Final = (15.0, 20.0, 25.0)
"""Marks of the excursion picture; 20 deg is where the event ladder begins to say "roll" (methods sheet E3)."""


def count_exceedances(values: ArrayLike, marks: tuple[float, ...] = EXCEEDANCE_MARKS_DEG) -> dict[float, int]:
    """Count the values beyond each mark; NaN counts as not beyond.

    Examples
    --------
    >>> count_exceedances([3.0, 15.0, 16.0, 22.0, float("nan")])
    {15.0: 2, 20.0: 1, 25.0: 0}
    """
    x = np.asarray(values, dtype=float)
    return {mark: int(np.count_nonzero(x > mark)) for mark in marks}


def rate_per_1000(n_events: int, n_strides: int) -> tuple[float, float, float]:
    """Events per 1000 strides and the exact Poisson 95 % interval.

    Parameters
    ----------
    n_events : int
    n_strides : int, at least 1

    Returns
    -------
    rate, low, high : float, per 1000 strides

    References
    ----------
    Garwood F. (1936) Fiducial limits for the Poisson distribution, Biometrika 28:437-442,
    doi:10.1093/biomet/28.3-4.437.

    Examples
    --------
    >>> [round(x, 1) for x in rate_per_1000(0, 3000)]
    [0.0, 0.0, 1.2]
    """
    from scipy.special import chdtri

    if n_strides < 1:
        raise ValueError(f"A rate needs at least 1 stride, found {n_strides}.")
    low = chdtri(2.0 * n_events, 0.975) / 2.0 if n_events else 0.0
    high = chdtri(2.0 * (n_events + 1), 0.025) / 2.0
    return tuple(1000.0 * float(x) / n_strides for x in (n_events, low, high))  # type: ignore[return-value]
