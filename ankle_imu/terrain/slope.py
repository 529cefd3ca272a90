"""The slope of the ground under each stride: from the foot's way and from how it lies, each by its doubt."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STRIDES: Final = 10
"""Strides behind each figure (methods D)."""

LEAST: Final = 5
"""Fewer leave it unknown."""

RISE_ERROR_M: Final = 0.015
"""Error of the height of every stride that does not average out, m: 0.2-1.1 cm in simulation, 1.5 cm on a real
loop (`gait.trajectory.follow_path`)."""

RISE_SCATTER_M: Final = 0.03
"""Error of the height of one stride that does, m, from the same data."""

STANDING_ERROR_DEG: Final = 1.5
"""Error of the pitch that does not average out, deg: the standing pose may itself be on a slope (methods D: 1-2
deg)."""


def grade(
    leg: NDArray[np.object_], time: Array, rise: Array, length: Array, pitch: Array, lost: NDArray[np.bool_]
) -> Array:
    """Rise over run of the ground, mean of the 10 strides around each one.

    Parameters
    ----------
    leg : (n,) array of str
    time : (n,) float array, s, increasing
    rise, length : (n,) float arrays, m, `height_change_m` and `stride_length_m`
    pitch : (n,) float array, deg, `slope_deg`; NaN where the foot never lay flat
    lost : (n,) bool array, strides whose way was broken by lost samples

    Returns
    -------
    (n,) float array; + = uphill; NaN with fewer than 5 strides within a minute

    Notes
    -----
    The way gives the sum of the rises over the sum of the lengths; its doubt is the drift of every stride's height
    over the length. The foot on the ground gives the tangent of its mean pitch; its doubt is the standing pose,
    and the scatter of the ground under single steps, which is seen in the strides themselves. The two are weighed
    by the inverse squares of their doubts. The legs are followed one by one and their means taken together where
    both are worn.
    """
    out = np.full(len(time), np.nan)
    told = {}
    for one in np.unique(leg.astype(str)):
        own = np.flatnonzero(leg == one)
        told[one] = own, *_of_leg(time[own], rise[own], length[own], pitch[own], lost[own])
    for own, value, variance in told.values():
        total, weight = np.nan_to_num(value / variance), np.where(np.isfinite(value), 1.0 / variance, 0.0)
        for others, seen, doubt in told.values():
            if others is own or len(others) == 0:
                continue
            near = np.clip(np.searchsorted(time[others], time[own]), 0, len(others) - 1)
            usable = np.isfinite(seen[near]) & (np.abs(time[others][near] - time[own]) < 3.0)
            total += np.where(usable, seen[near] / doubt[near], 0.0)
            weight += np.where(usable, 1.0 / doubt[near], 0.0)
        out[own] = np.where(weight > 0.0, total / np.maximum(weight, 1e-12), np.nan)
    return out


def _of_leg(time: Array, rise: Array, length: Array, pitch: Array, lost: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Grade and its variance for each stride of one leg."""
    n = len(time)
    index = np.arange(n)[:, None] + np.arange(STRIDES)[None, :] - STRIDES // 2
    inside = (index >= 0) & (index < n)
    index = np.clip(index, 0, max(n - 1, 0))
    inside &= np.abs(time[index] - time[:, None]) < 30.0
    travelled = inside & np.isfinite(rise[index]) & np.isfinite(length[index]) & ~lost[index]
    flat = inside & np.isfinite(pitch[index])
    n_way, n_flat = travelled.sum(axis=1), flat.sum(axis=1)
    run = np.where(travelled, length[index], 0.0).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        way = np.where(travelled, rise[index], 0.0).sum(axis=1) / run
        way_doubt = (n_way * RISE_ERROR_M / run) ** 2 + n_way * (RISE_SCATTER_M / run) ** 2
        mean = np.where(flat, pitch[index], 0.0).sum(axis=1) / n_flat
        scatter = np.where(flat, (pitch[index] - mean[:, None]) ** 2, 0.0).sum(axis=1) / np.maximum(n_flat - 1, 1)
        lie = np.tan(np.radians(mean))
        lie_doubt = np.radians(np.sqrt(STANDING_ERROR_DEG**2 + scatter / n_flat)) ** 2
    by_way = np.where((n_way >= LEAST) & (run > 0.0), 1.0 / way_doubt, 0.0)
    by_lie = np.where(n_flat >= LEAST, 1.0 / lie_doubt, 0.0)
    weight = by_way + by_lie
    with np.errstate(invalid="ignore", divide="ignore"):
        value = (np.where(by_way > 0.0, way * by_way, 0.0) + np.where(by_lie > 0.0, lie * by_lie, 0.0)) / weight
    return np.where(weight > 0.0, value, np.nan), np.where(weight > 0.0, 1.0 / np.maximum(weight, 1e-12), np.inf)
