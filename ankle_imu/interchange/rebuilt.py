"""Acceleration with gravity and angular rate, where a logger kept only its own orientation and free acceleration.

Both are exact inversions of what the logger computed: gravity is put back and turned into the sensor, and the turn
from one orientation to the next over its time is the mean rate between them. What the logger's filter corrected is
in them as if the sensor had turned, and an offset of gyr that it removed is gone; so this is done on demand only.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import quaternion as qt
from ankle_imu.units import STANDARD_GRAVITY

Array = NDArray[np.float64]

_UP: Final = np.array([0.0, 0.0, STANDARD_GRAVITY])
_LONG_STEP: Final = 1.5
"""Usual steps of time from which one holds a lost sample; the turn over it says nothing about its ends."""


def rebuild(time: Array, earth_from_sensor: Array, free_acc: Array) -> tuple[Array, Array]:
    """What the sensor felt, from what its filter made of it.

    Parameters
    ----------
    time : (n,) s, increasing; NaN where unreadable
    earth_from_sensor : (n, 4) unit quaternions, scalar first, earth z up
    free_acc : (n, 3) m/s^2 without gravity, earth frame

    Returns
    -------
    acc : (n, 3) m/s^2 with gravity, sensor frame
    gyr : (n, 3) rad/s, sensor frame: mean of the rates before and after; NaN between two gaps

    Examples
    --------
    >>> still = np.tile([1.0, 0.0, 0.0, 0.0], (3, 1))
    >>> rebuild(np.arange(3) / 60, still, np.zeros((3, 3)))[0][0].tolist()
    [0.0, 0.0, 9.80665]
    """
    acc = qt.rotate(qt.conjugate(earth_from_sensor), free_acc + _UP)
    steps = np.diff(time)
    turns = qt.multiply(qt.conjugate(earth_from_sensor[:-1]), earth_from_sensor[1:])
    between = qt.to_rotation_vector(turns) / steps[:, None]
    between[~(steps < _LONG_STEP * np.nanmedian(steps))] = np.nan
    sides = np.full((2, len(time), 3), np.nan)
    sides[0, 1:], sides[1, :-1] = between, between
    known = np.isfinite(sides)
    count = known.sum(axis=0)
    gyr = np.where(known, sides, 0.0).sum(axis=0) / np.where(count, count, np.nan)
    return acc, gyr
