"""How a sensor sits on its segment, and what it reads when it comes loose."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ankle_imu import quaternion
from ankle_imu.simulate.moves import Moves

Array = NDArray[np.float64]

SLIP_S = 0.3
"""A strap gives way within this."""


def slipped(acc: Array, gyr: Array, time: Array, *, at: float, turn: Array) -> tuple[Array, Array]:
    """Readings of a sensor that turns against its segment once and stays so.

    Parameters
    ----------
    acc, gyr : (n, 3) float arrays, sensor frame of before; NaN rows stay NaN
    time : (n,) float array, s, increasing
    at : float, s, start of the slip; it lasts `SLIP_S`
    turn : (3,) float array, rad, rotation vector of the sensor against where it was, in that frame

    Returns
    -------
    acc, gyr : (n, 3) float arrays, sensor frame

    Notes
    -----
    The turn is about one axis, so the rate that the gyroscope adds is `turn` times the rate of the move. The
    sensor's few millimetres of travel are left out.
    """
    move = Moves()
    move.add(at, at + SLIP_S, 1.0)
    share = move.evaluate(time)
    new_from_old = quaternion.from_rotation_vector(-share.value[:, None] * turn)
    return quaternion.rotate(new_from_old, acc), quaternion.rotate(new_from_old, gyr) + share.rate[:, None] * turn


def random_turn(angle: float, rng: np.random.Generator) -> Array:
    """Rotation vector (3,) of length `angle`, rad, in a direction that no axis is favoured by."""
    direction = rng.standard_normal(3)
    return np.asarray(angle * direction / np.linalg.norm(direction))
