"""Ankle rolls: which stances went too far too fast."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ankle_imu.metrics.inversion import windows

Array = NDArray[np.float64]

HARD_DEG, HARD_DPS, HARD_FAST_DEG = 45.0, 500.0, 25.0
FOOT_ALONE_SHARE = 0.9
"""A foot sensor alone is asked for 18 where two sensors are asked for 20 deg."""

LEAST_S = 0.020


def find_rolls(
    angle: Array, rate: Array, ic: Array, to: Array, sampling_rate: float, roll_deg: float, roll_dps: float
) -> dict[str, Array]:
    """Stances in which the ankle rolled inward.

    Parameters
    ----------
    angle : (n,) float array, deg, + = inversion
    rate : (n,) float array, deg/s, from the gyroscope
    ic, to : (k,) fractional samples
    roll_deg, roll_dps : thresholds of `Settings`

    Returns
    -------
    dict of arrays, one entry per roll: stride (index), sample (of the peak), peak_deg, peak_dps, duration_s,
    is_hard

    Notes
    -----
    From 20 ms before contact to toe-off: the inversion rate stays at `roll_dps` or more for 20 ms and the angle
    rises by `roll_deg` above its value at contact or the lowest point before the peak's rise. Hard: 45 deg, or
    500 deg/s with 25 deg. Figures: methods E2, E3 (24 recorded sprains: mean 67 deg and 974 deg/s).
    """
    w = windows(ic - LEAST_S * sampling_rate, to, len(angle))
    r, a = w.of(rate), w.of(angle)
    lost = (np.isnan(r) | np.isnan(a)) & w.inside
    fast = np.where(w.inside & ~lost, r >= roll_dps, False)
    longest = _longest_run(fast)
    filled = np.where(w.inside & ~lost, a, np.nan)
    at = np.where(np.isfinite(filled), filled, -np.inf).argmax(axis=1)
    column = np.arange(a.shape[1])
    early = np.where(np.isfinite(filled) & (column <= at[:, None]), filled, np.inf).min(axis=1)
    top = filled[np.arange(len(ic)), at]
    with np.errstate(invalid="ignore"):
        rise = top - early
        peak_rate = np.where(np.isfinite(r), r, -np.inf).max(axis=1)
        is_roll = (longest >= max(1.0, LEAST_S * sampling_rate)) & (rise >= roll_deg) & ~lost.any(axis=1)
    which = np.flatnonzero(is_roll)
    hard = (rise >= HARD_DEG) | ((peak_rate >= HARD_DPS) & (rise >= HARD_FAST_DEG))
    return {
        "stride": which,
        "sample": w.index[which, at[which]].astype(float),
        "peak_deg": rise[which],
        "peak_dps": peak_rate[which],
        "duration_s": longest[which] / sampling_rate,
        "is_hard": hard[which],
    }


def _longest_run(block: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Length of the longest run of True in each row."""
    longest = np.zeros(len(block), dtype=np.int64)
    current = np.zeros(len(block), dtype=np.int64)
    for column in block.T:
        current = np.where(column, current + 1, 0)
        longest = np.maximum(longest, current)
    return longest
