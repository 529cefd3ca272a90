"""What of a wish a sensor can fulfil."""

from __future__ import annotations

import math
from collections.abc import Iterable


def nearest_rate(rates: Iterable[float], wanted: float) -> float:
    """Of the rates a sensor has, the one nearest by ratio.

    Raises
    ------
    ValueError
        If there is none.

    Examples
    --------
    >>> nearest_rate([50, 100, 200, 400], 208)
    200
    """
    return min(rates, key=lambda rate: abs(math.log(rate / wanted)))


def sufficient_range(ranges: Iterable[float], wanted: float) -> float:
    """Of the ranges a sensor has, the smallest that is not below the wish, else the largest.

    Raises
    ------
    ValueError
        If there is none.

    Examples
    --------
    >>> sufficient_range([2, 4, 8, 16], 10), sufficient_range([2, 4, 8], 16)
    (16, 8)
    """
    known = sorted(ranges)
    return next((r for r in known if r >= wanted), known[-1])
