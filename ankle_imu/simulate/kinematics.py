"""Rigid bodies as chains of turns about their own axes, with exact angular velocity and acceleration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ankle_imu import quaternion
from ankle_imu.simulate.moves import Curve

Array = NDArray[np.float64]

_AXES = {"x": 0, "y": 1, "z": 2}


@dataclass(frozen=True, eq=False)
class Attitude:
    """Orientation of a body and its motion.

    Parameters
    ----------
    earth_from_body : (n, 4) float array
    velocity, acceleration : (n, 3) float arrays, rad/s and rad/s^2, angular, in the body's own frame
    """

    earth_from_body: Array
    velocity: Array
    acceleration: Array

    def turned(self, axis: str, angle: Curve) -> Attitude:
        """Attitude of a body that is turned by `angle` about this one's x, y or z axis.

        Notes
        -----
        With the turn T(angle) about the unit axis e: w' = T^T w + e angle_rate, and its derivative
        w'_dot = T^T w_dot - angle_rate e x (T^T w) + e angle_acceleration.
        """
        i = _AXES[axis]
        j, k = (i + 1) % 3, (i + 2) % 3
        cos, sin = np.cos(angle.value), np.sin(angle.value)
        velocity, acceleration = np.empty_like(self.velocity), np.empty_like(self.acceleration)
        for new, old in ((velocity, self.velocity), (acceleration, self.acceleration)):
            new[:, i] = old[:, i]
            new[:, j] = cos * old[:, j] + sin * old[:, k]
            new[:, k] = cos * old[:, k] - sin * old[:, j]
        acceleration[:, j] += angle.rate * velocity[:, k]
        acceleration[:, k] -= angle.rate * velocity[:, j]
        velocity[:, i] += angle.rate
        acceleration[:, i] += angle.acceleration
        turn = np.zeros((len(cos), 4))
        turn[:, 0], turn[:, 1 + i] = np.cos(0.5 * angle.value), np.sin(0.5 * angle.value)
        return Attitude(quaternion.multiply(self.earth_from_body, turn), velocity, acceleration)

    def to_earth(self, vector: Array) -> Array:
        """Vectors (n, 3) of the body frame in the earth frame."""
        return quaternion.rotate(self.earth_from_body, vector)

    def from_earth(self, vector: Array) -> Array:
        """Vectors (n, 3) of the earth frame in the body frame."""
        return quaternion.rotate(quaternion.conjugate(self.earth_from_body), vector)

    def arm_acceleration(self, arm: Array, rate: Array | None = None, bend: Array | None = None) -> Array:
        """Acceleration (n, 3), body frame, of a point at `arm` against the body's origin.

        Parameters
        ----------
        arm : (3,) or (n, 3) float array, m, body frame
        rate, bend : (n, 3) float arrays, first and second derivative of `arm` in the body frame; None is fixed
        """
        w = self.velocity
        total = np.cross(self.acceleration, arm) + np.cross(w, np.cross(w, arm))
        if rate is not None and bend is not None:
            total += 2.0 * np.cross(w, rate) + bend
        return total


def resting(n: int) -> Attitude:
    """The earth itself, n times."""
    return Attitude(np.tile([1.0, 0.0, 0.0, 0.0], (n, 1)), np.zeros((n, 3)), np.zeros((n, 3)))
