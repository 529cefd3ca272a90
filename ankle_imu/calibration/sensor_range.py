"""Whether a sensor was read with the range it has, and whether that range is wide enough."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import quaternion as qt
from ankle_imu.calibration.means import block_means
from ankle_imu.units import DEGREE

Array = NDArray[np.float64]

WORKING_RATE: Final = 25.0
"""Hz. Gravity turns below 3 Hz even in running."""

RANGE_FACTORS: Final = (2.0, 0.5, 4.0, 0.25, 8.0, 0.125)
"""Ranges of a sensor are each twice the next (2, 4, 8, 16 g; 125 .. 4000 deg/s), so numbers scaled with the wrong
one are off by a power of two."""

SWUNG_WINDOW: Final = 2.5
"""s. Over this the mean acceleration of a walking limb is gravity, within its change of speed (0.5 m/s^2)."""

MOST_WINDOWS: Final = 24

SCALE_DOUBT: Final = 0.03
"""Relative error of gravity, carried by the gyroscope over `SWUNG_WINDOW`, up to which nothing is wrong."""

SCALE_DOUBT_LARGE: Final = 0.10
"""The same where smaller numbers would fit better: they turn less, and so hide an error of the accelerometer. Own
comparison, 130 simulated sensors with the largest errors of data sheets: right up to 0.08, doubled from 0.26."""

SCALE_RATIO: Final = 0.35
"""A wrong scale is believed when the right one leaves this share of that error. Own comparison, 15 simulated
sessions and 8 real recordings of walking, running and stairs: a factor of two raises the error 3 to 20 times."""

CLIPPED_SHARE: Final = 0.005
"""Share of samples at one reading from which a range is too small; a few clipped impacts are none (own choice)."""

CLIPPED_LEAST: Final = 10
"""Samples; fewer at the largest reading are chance in a recording of a second."""

SMALLEST_RANGE: Final = 120.0 * DEGREE
"""rad/s. The smallest range of a gyroscope in use is 125 deg/s."""


def range_end(gyr: Array) -> tuple[float, float]:
    """Largest reading, rad/s, of the axis that stays longest at its own, and the share of samples it does so.

    Parameters
    ----------
    gyr : (n, 3) float array, rad/s, without gaps

    Returns
    -------
    reading, share : float
        Zeros when no axis stays at it for `CLIPPED_SHARE` of the samples: the range is large enough.
    """
    top = np.array([max(column.max(), -column.min()) for column in gyr.T])
    at_top = [np.count_nonzero(np.abs(gyr[:, k]) >= 0.9995 * top[k]) for k in range(3)]
    share = np.array(at_top) / len(gyr)
    axis = int(share.argmax())
    if share[axis] < max(CLIPPED_SHARE, CLIPPED_LEAST / len(gyr)) or top[axis] < SMALLEST_RANGE:
        return 0.0, 0.0
    return float(top[axis]), float(share[axis])


def gyr_range_factor(acc: Array, gyr: Array, sampling_rate: float) -> tuple[float, float]:
    """Power of two that a gyroscope's numbers must be multiplied by, and the error that shows it.

    Parameters
    ----------
    acc : (n, 3) float array, in gravities of this sensor
    gyr : (n, 3) float array, rad/s
    sampling_rate : float, Hz

    Returns
    -------
    factor, error : float
        The factor is 0 where the range is right or cannot be told; the error is that of gravity, as a share.

    Notes
    -----
    Turned into the frame of the window's start by the gyroscope, the acceleration of a swung limb averages to one
    gravity. With a wrong scale the turns do not close and the mean has another length.
    """
    length = round(SWUNG_WINDOW * sampling_rate)
    count = len(acc) // max(length, 1)
    if count < 3:
        return 0.0, 0.0
    acc, gyr = (values[: count * length].reshape(count, length, 3) for values in (acc, gyr))
    lively = np.percentile(np.linalg.norm(gyr[:, ::8], axis=2), 90, axis=1)
    half = np.argsort(-lively, kind="stable")[: max(3, count // 2)]
    chosen = half[np.linspace(0, len(half) - 1, min(MOST_WINDOWS, len(half))).astype(int)]
    size = max(1, round(sampling_rate / (2.0 * WORKING_RATE)))
    a, w = (np.stack([block_means(x[k], size) for k in chosen]) for x in (acc, gyr))
    turns = w * (size / sampling_rate)
    error = float(_gravity_errors(a, turns, (1.0,))[0])
    if error <= SCALE_DOUBT:
        return 0.0, error
    factors = (*RANGE_FACTORS, DEGREE, DEGREE / 1000.0, 1.0 / DEGREE)
    errors = _gravity_errors(a, turns, factors)
    best = int(errors.argmin())
    doubt = SCALE_DOUBT if factors[best] > 1.0 else SCALE_DOUBT_LARGE
    is_wrong = factors[best] in RANGE_FACTORS and error > doubt and errors[best] < SCALE_RATIO * error
    return (factors[best] if is_wrong else 0.0), error


def _gravity_errors(acc: Array, turns: Array, factors: tuple[float, ...]) -> Array:
    """Median error of gravity over windows of acc (k, m, 3), g, carried to the window's start, (factors,).

    Each factor stands on `turns` (k, m, 3), rad per step.
    """
    windows, steps = acc.shape[:2]
    quat = np.tile([1.0, 0.0, 0.0, 0.0], (len(factors) * windows, 1))
    total = np.zeros((len(quat), 3))
    for k in range(steps):
        half_turn = qt.from_rotation_vector(0.5 * np.multiply.outer(factors, turns[:, k]).reshape(-1, 3))
        quat = qt.multiply(quat, half_turn)
        total += qt.rotate(quat, np.tile(acc[:, k], (len(factors), 1)))
        quat = qt.multiply(quat, half_turn)
    length = np.linalg.norm(total, axis=1).reshape(len(factors), windows) / steps
    return np.asarray(np.median(np.abs(length - 1.0), axis=1))
