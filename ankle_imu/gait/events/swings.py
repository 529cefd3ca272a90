"""Where a foot may swing, about which axis, and how still it is in between."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ankle_imu import quaternion as qt
from ankle_imu.gait.filters import moving_mean, runs

Array = NDArray[np.float64]
Index = NDArray[np.int64]

CUTOFF_HZ = 15.0
"""Low-pass of the gyroscope for events, Hz."""

FLAT_WITHIN_DEG = 35.0
"""A still foot tilted further from its usual stance pose is in the air: it hangs toe-down after push-off."""

PLANTED_WITHIN = 0.6
"""A foot on the ground feels gravity alone, give or take 0.6 g in running; one that turns round in the air feels
2-6 g of its swing.
"""

RESTLESS_S = 6.0
"""At walking rates a foot that has not rested for so long does not walk: it pedals. The longest movement between
two rests of walking was 2.3 s, in seven data sets of real people and 80 rolls of simulated ones; of simulated
cycling 50 s and more.
"""

RUNNING_RATE = 7.0
"""90th percentile of a running foot's rate, rad/s, is above this."""


def moving_intervals(
    gyr: Array, acc: Array, up: Array, sampling_rate: float, gravity: float
) -> tuple[Index, Index, Array]:
    """Intervals in which the foot may swing: between two still phases, fast enough, of a stride's length.

    Parameters
    ----------
    gyr : (n, 3) float array, rad/s, any fixed frame, bias removed, low-passed at `CUTOFF_HZ`
    acc : (n, 3) float array, m/s^2
    up : (n, 3) float array, the earth's up direction in the same frame
    sampling_rate : float, Hz
    gravity : float, m/s^2, length of this sensor's reading at rest

    Returns
    -------
    start, stop : (k,) integer arrays, samples
    flat_up : (3,) usual up direction of the still foot

    Notes
    -----
    Still is slower than 0.8 rad/s or 15 % of the running 90th percentile over 3 s, for 120 ms, or 40 ms where
    that threshold exceeds 1.04 rad/s (running). An interval lasts 0.25-1.8 s and peaks above 2.5 rad/s. Own
    experiments on walking, running and stairs: F1 of swings >= 0.97 over many walkers; a share of 0.25 counts
    running steps twice, one of 0.10 loses steps.
    """
    from scipy.ndimage import percentile_filter

    speed = qt.length(gyr)
    step = max(1, round(sampling_rate / 20.0))
    coarse = speed[::step]
    window = max(3, round(3.0 * sampling_rate / step))
    busy = np.repeat(percentile_filter(coarse, 90, size=window), step)[: len(speed)]
    threshold = np.maximum(0.8, 0.15 * busy)
    start, stop = runs(speed < threshold)
    middle = (start + stop - 1) // 2
    needed = np.where(threshold[middle] > 1.04, 0.040, 0.120)
    keep = (stop - start) >= needed * sampling_rate
    keep &= _mean_within(np.abs(qt.length(acc) - gravity), start, stop) < PLANTED_WITHIN * gravity
    start, stop, middle = start[keep], stop[keep], middle[keep]
    none = np.empty(0, np.int64)
    if len(start) < 2:
        return none, none, np.array([0.0, 0.0, 1.0])
    flat_up = _usual_direction(up[middle])
    keep = up[middle] @ flat_up > np.cos(np.radians(FLAT_WITHIN_DEG))
    start, stop = start[keep], stop[keep]
    if len(start) < 2:
        return none, none, flat_up
    flat = up @ flat_up > np.cos(np.radians(FLAT_WITHIN_DEG))
    low, high = _split_merged(stop[:-1], start[1:], speed, busy, flat, sampling_rate)
    peak = np.maximum.reduceat(speed, np.stack([low, high], axis=1).ravel())[::2]
    duration = (high - low) / sampling_rate
    keep = (duration >= 0.25) & (duration <= 1.8) & (peak > 2.5)
    return low[keep], high[keep], flat_up


def _mean_within(values: Array, start: Index, stop: Index) -> Array:
    total = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray((total[stop] - total[start]) / np.maximum(stop - start, 1))


def _split_merged(
    low: Index, high: Index, speed: Array, busy: Array, flat: NDArray[np.bool_], sampling_rate: float
) -> tuple[Index, Index]:
    """Part swings between which no instant was still enough: running, or a stance spent on a roll.

    An interval of 1.4 to 6 s, or of more than 0.9 s at running rates, is cut where the flat foot turns least:
    below 40 % of the 90th percentile, 0.35 s from the ends and from the next cut. Of two such instants within
    0.3 s the later one is the stance, the earlier one the crossing before contact.
    """
    from scipy.signal import argrelmin

    cuts: list[Index] = []
    for a, b in zip(low, high, strict=True):
        runs_now = busy[(a + b) // 2] > RUNNING_RATE
        if b - a < (0.9 if runs_now else 1.4) * sampling_rate or (
            not runs_now and b - a > RESTLESS_S * sampling_rate
        ):
            continue
        minima = a + argrelmin(speed[a:b], order=max(1, round(0.03 * sampling_rate)))[0]
        minima = minima[flat[minima] & (speed[minima] < 0.4 * busy[minima])]
        minima = minima[(minima - a > 0.35 * sampling_rate) & (b - minima > 0.35 * sampling_rate)]
        if len(minima):
            cuts.append(minima[np.append(np.diff(minima) > 0.3 * sampling_rate, True)])
    if not cuts:
        return low, high
    at = np.concatenate(cuts)
    return np.sort(np.concatenate([low, at])), np.sort(np.concatenate([high, at]))


def _usual_direction(up: Array) -> Array:
    """Median direction, and again of those within 45 deg of it."""
    centre = np.median(up, axis=0)
    centre /= max(float(np.linalg.norm(centre)), 1e-12)
    near = up[up @ centre > np.cos(np.radians(45.0))]
    if len(near):
        centre = np.median(near, axis=0)
    return np.asarray(centre / max(float(np.linalg.norm(centre)), 1e-12))


def flexion_axis(gyr: Array, up: Array, flat_up: Array, start: Index, stop: Index) -> tuple[Array, float]:
    """Mediolateral axis of the foot, pointing left on a right leg, from its swings.

    Parameters
    ----------
    gyr, up : (n, 3) float arrays, rad/s (low-passed) and the earth's up direction, sensor frame
    flat_up : (3,) up direction of the flat foot
    start, stop : (k,) swings

    Returns
    -------
    axis : (3,) unit vector, sensor frame; rotation about it is toe-down when positive
    share : float, part of the swing's rotation energy about this axis

    Notes
    -----
    First principal component of the angular rate. Its sign follows from gravity: in every gait a foot tilts
    further toe-down (50-80 deg at push-off) than toe-up (15-30 deg before contact).
    """
    inside = _mask(len(gyr), start, stop)
    w = gyr[inside]
    values, vectors = np.linalg.eigh(w.T @ w)
    axis = vectors[:, -1]
    toe_up = up[inside] @ np.cross(axis, flat_up)
    down, upward = np.percentile(toe_up, [2.0, 98.0])
    if -down < upward:
        axis = np.negative(axis)
    return axis, float(values[-1] / max(values.sum(), 1e-12))


def _mask(n: int, start: Index, stop: Index) -> NDArray[np.bool_]:
    change = np.zeros(n + 1, dtype=np.int64)
    np.add.at(change, np.clip(start, 0, n), 1)
    np.add.at(change, np.clip(stop, 0, n), -1)
    return np.cumsum(change[:-1]) > 0


def stillness(acc: Array, gyr: Array, sampling_rate: float, gravity: float) -> Array:
    """Score of movement at each instant: below 1 the foot is flat and quiet.

    Parameters
    ----------
    acc, gyr : (n, 3) float arrays, m/s^2 and rad/s
    gravity : float, m/s^2, length of this sensor's reading at rest

    Returns
    -------
    (n,) float array

    Notes
    -----
    mean over 80 ms of (|a| - g)^2 / (0.5 m/s^2)^2 + |w|^2 / (0.3 rad/s)^2. In walking stances the smallest value
    is 0.06-0.5, in running 25-200 (own experiments), so the gate at 1 also keeps corrections out of running. The
    instant of the lowest angular rate alone is no safe foot-flat.
    """
    force = qt.length(acc) - gravity
    score = force * force / 0.25 + qt.squared_length(gyr) / 0.09
    return moving_mean(score, round(0.080 * sampling_rate))
