"""Strides from a shank sensor alone: mid-swing peaks, the trough before and the crossing after each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ankle_imu import quaternion as qt
from ankle_imu.gait.events import Swings, no_swings
from ankle_imu.gait.filters import low_pass

Array = NDArray[np.float64]


SLOWEST_SWING = 2.5
"""A walking shank swings faster than this, rad/s: 4.9-12 in three data sets of real people, 3.6 on simulated
stairs. Slower: a leg that is shaken, crossed, set a half step aside (simulated: 1.1-2.5).
"""

PEDAL_SWING = 4.5
PEDAL_RATIO = (0.9, 1.1)
"""A pedalling shank goes to and fro alike, and not fast: its fastest forward rate is below 4.5 rad/s and within
10 % of its fastest backward rate (simulated cycling at 45-100 turns a minute: 2.6-3.8 rad/s, 0.97-1.02). In
walking the swing is 1.4-2 times as fast as the stance; in running 0.9-1.6 times, but above 5 rad/s.
"""


def shank_swings(gyr: Array, sampling_rate: float) -> tuple[Swings, Array]:
    """Swings of the leg from the shank's angular rate.

    Parameters
    ----------
    gyr : (n, 3) float array, rad/s, sensor frame, bias removed

    Returns
    -------
    swings : Swings
    axis : (3,) unit vector, sensor frame, pointing left on a right leg (the shank swings forward about -axis);
        zeros when nothing swings

    Notes
    -----
    The swing axis is the first principal component of the strong rates, its sign that of the longer tail, since
    the swing is faster than anything in stance. Peaks of at least 1 rad/s or 35 % of the local 95th percentile,
    0.42 s apart, are mid-swings. Toe-off is the last trough before a peak (Catalfamo et al. 2010,
    doi:10.3390/s100605683: within about 75 ms). Initial contact is where the forward swing ends, the zero
    crossing after the peak. Against the foot sensor of the same leg it is 4-8 ms early (`qmt_fullbody`,
    `neura_s02_walk`, `osim_walk`; middle half within 8 ms), 24 ms early in simulated running; the trough after
    it, in wider use, is 22-74 ms late. Every stride of 1643 simulated and 100 of 102 real ones were found.
    """
    from scipy.ndimage import percentile_filter
    from scipy.signal import find_peaks

    empty = no_swings()
    speed = qt.length(gyr)
    strong = gyr[speed > max(1.0, float(np.percentile(speed, 80)))] if len(gyr) else gyr
    if len(strong) < sampling_rate:
        return empty, np.zeros(3)
    axis = np.linalg.eigh(strong.T @ strong)[1][:, -1]
    rate = low_pass(gyr @ axis, 5.0, sampling_rate)
    if ((rate - rate.mean()) ** 3).mean() < 0:
        axis, rate = np.negative(axis), -rate
    step = max(1, round(sampling_rate / 20.0))
    busy = np.repeat(percentile_filter(rate[::step], 95, size=max(3, round(5.0 * sampling_rate / step))), step)
    peaks, _ = find_peaks(rate, height=np.maximum(1.0, 0.35 * busy[: len(rate)]), distance=0.42 * sampling_rate)
    sharp = low_pass(gyr @ axis, 15.0, sampling_rate)
    before, after = round(0.45 * sampling_rate), round(0.40 * sampling_rate)
    rows = [(_trough(sharp, int(p), before), _end_of_swing(sharp, int(p), after)) for p in peaks]
    good = [(a, b) for a, b in rows if a is not None and b is not None]
    if not good:
        return empty, np.zeros(3)
    to, ic = (np.array(x, dtype=float) for x in zip(*good, strict=True))
    keep = np.concatenate([[True], to[1:] > ic[:-1]]) & _is_walking(sharp, to, ic, sampling_rate)
    to, ic = to[keep], ic[keep]
    if not len(to):
        return empty, np.zeros(3)
    swings = Swings(start=to.astype(np.int64), stop=ic.astype(np.int64) + 1, to=to, ic=ic, run_to=to, run_ic=ic)
    return swings, np.negative(axis)


def _is_walking(rate: Array, to: Array, ic: Array, sampling_rate: float) -> NDArray[np.bool_]:
    """Swings (k,) that are fast enough for walking and no half turns of a pedal."""
    starts, ends = to.astype(np.int64), np.ceil(ic).astype(np.int64) + 1
    reach = round(0.6 * sampling_rate)
    forward = np.array([rate[a:b].max() for a, b in zip(starts, ends, strict=True)])
    backward = np.array([-rate[b - 1 : b + reach].min() for b in ends])
    ratio = forward / np.maximum(backward, 1e-6)
    pedals = (forward < PEDAL_SWING) & (ratio > PEDAL_RATIO[0]) & (ratio < PEDAL_RATIO[1])
    return np.asarray((forward > SLOWEST_SWING) & ~pedals)


def _trough(rate: Array, peak: int, reach: int) -> float | None:
    """Last local minimum below zero within `reach` samples before `peak`; None where there is none."""
    for k in range(peak - 1, max(peak - reach, 0), -1):
        if rate[k] < 0 and rate[k] <= rate[k - 1] and rate[k] <= rate[k + 1]:
            return float(k)
    return None


def _end_of_swing(rate: Array, peak: int, reach: int) -> float | None:
    """First falling zero crossing within `reach` samples after `peak`, interpolated; None where there is none."""
    for k in range(peak, min(peak + reach, len(rate) - 1)):
        if rate[k + 1] <= 0.0:
            return k + float(rate[k] / (rate[k] - rate[k + 1]))
    return None
