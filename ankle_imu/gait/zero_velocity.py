"""When a foot stands still, and how fast its sensor moves even then."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ankle_imu import quaternion as qt
from ankle_imu.gait.filters import moving_mean, runs

Array = NDArray[np.float64]

WINDOW_S = 0.060
"""Of the two root mean squares that decide on stillness."""

SENSOR_HEIGHT_M = 0.08
"""Of the sensor above the ground, on the instep of a shoe. Stances of `pyshoe_vicon` show 0.08-0.11 m against an
optical marker; 0.06-0.10 m give the same position error.
"""


def zero_velocity(
    acc: Array, gyr: Array, sampling_rate: float, gravity: float, stances: tuple[Array, Array]
) -> NDArray[np.bool_]:
    """Instants at which the foot stands on the ground and its contact point does not move.

    Parameters
    ----------
    acc, gyr : (n, 3) float arrays, m/s^2 and rad/s, sensor frame
    gravity : float, m/s^2, length of this sensor's reading at rest
    stances : start and stop, (k,) samples, of each stance; each gets at least one such instant

    Returns
    -------
    (n,) bool array

    Notes
    -----
    RMS of the rate over 60 ms below twice its local minimum (0.6 s), within 0.5-1.6 rad/s, and RMS of
    |acc| - g over 60 ms below 0.5 m/s^2; gaps under 30 ms are bridged, runs under 50 ms dropped. The first half
    window of a run still looks back into the landing, while the sole gives way at 2-3 cm/s, and is left out.

    A stance without such a run, as in running, gets the one instant of its lowest rate: a running foot never
    rests, it rolls, and 15 ms later its contact has moved on (simulated running: +-15 ms raise each stride by
    3 cm, one instant by 0.4 cm).

    Own experiments on 23 trials of walking and running (`pyshoe_vicon`): an acceleration gate of 5 or 1 m/s^2
    made the position error .26 and .098 m instead of .071; without the fallback faster running finds none for up
    to 33 s; without the half window .058 instead of .055.
    """
    from scipy.ndimage import minimum_filter1d

    window = round(WINDOW_S * sampling_rate)
    rate = np.sqrt(np.maximum(moving_mean(qt.squared_length(gyr), window), 0.0))
    force = qt.length(acc) - gravity
    force = np.sqrt(np.maximum(moving_mean(force * force, window), 0.0))
    lowest = minimum_filter1d(rate, max(3, round(0.6 * sampling_rate)))
    still = (rate < np.clip(2.0 * lowest, 0.5, 1.6)) & (force < 0.5)
    start, stop = runs(~still)
    _set(still, start, stop, (stop - start) < 0.030 * sampling_rate, True)
    start, stop = runs(still)
    _set(still, start, stop, (stop - start) < 0.050 * sampling_rate, False)
    start, stop = runs(still)
    settled = np.minimum(start + round(0.5 * WINDOW_S * sampling_rate), stop - round(0.040 * sampling_rate))
    _set(still, start, settled, (start > 0) & (settled > start), False)
    _force_one_per_stance(still, rate, stances)
    return still


def _set(
    flags: NDArray[np.bool_],
    start: NDArray[np.int64],
    stop: NDArray[np.int64],
    chosen: NDArray[np.bool_],
    value: bool,
) -> None:
    for a, b in zip(start[chosen], stop[chosen], strict=True):
        flags[a:b] = value


def _force_one_per_stance(still: NDArray[np.bool_], rate: Array, stances: tuple[Array, Array]) -> None:
    low = np.clip(np.ceil(stances[0]).astype(np.int64), 0, len(still) - 1)
    high = np.clip(np.ceil(stances[1]).astype(np.int64), 0, len(still))
    count = np.concatenate([[0], np.cumsum(still)])
    for a, b in zip(low, high, strict=True):
        if b > a and count[b] == count[a]:
            still[a + int(rate[a:b].argmin())] = True


def rolling_velocity(earth_rate: Array) -> Array:
    """Velocity of a sensor on a foot that rolls over a contact point below it.

    Parameters
    ----------
    earth_rate : (n, 3) float array, rad/s, earth frame, smooth

    Returns
    -------
    (n, 3) float array, m/s, earth frame; horizontal

    Notes
    -----
    v = w x r with r = (0, 0, `SENSOR_HEIGHT_M`). A foot on the ground is nowhere at rest: it turns toe-down at
    0.05-0.3 rad/s in mid-stance, 0.4 rad/s when the heel begins to rise, and 2 rad/s and more in running, which
    moves a sensor on the instep by 1-5 cm/s in walking and 20 cm/s in running. Zero velocity instead makes
    strides 1.5-3 % short: the length of all 23 trials of `pyshoe_vicon` went from 0.97-0.985 of the optical one
    to 0.99-1.01. Where along the sole the contact lies cannot be told from inside the stance, and a lever
    towards it made the height worse (position error .055 -> .068 m and more), so it is left out.
    """
    out = np.zeros_like(earth_rate)
    out[:, 0] = SENSOR_HEIGHT_M * earth_rate[:, 1]
    out[:, 1] = -SENSOR_HEIGHT_M * earth_rate[:, 0]
    return out
