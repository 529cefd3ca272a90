"""Foot-to-earth and foot-to-shank angles from segment orientations."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ankle_imu import frames
from ankle_imu import quaternion as qt

Array = NDArray[np.float64]


def ankle_angles(foot_quat: ArrayLike, shank_quat: ArrayLike, side: str) -> tuple[Array, Array, Array]:
    """Dorsiflexion, inversion and internal rotation of an ankle.

    Parameters
    ----------
    foot_quat, shank_quat : (n, 4) float arrays, earth-from-segment quaternions of one common heading; segment
        axes x anterior, y left, z up on both sides
    side : `left` or `right`

    Returns
    -------
    dorsiflexion, inversion, rotation : (n,) float arrays, rad; positive alike on both sides

    Raises
    ------
    ValueError
        If `side` is neither `left` nor `right`, or the quaternions are not (n, 4) of length one (1 % off at most;
        NaN rows stay NaN).

    References
    ----------
    Wu G. et al. (2002) J. Biomech. 35:543-548, doi:10.1016/S0021-9290(01)00222-6 (joint coordinate system).

    Examples
    --------
    >>> foot = qt.from_rotation_vector([[np.radians(20), 0.0, 0.0]])   # medial edge up, right foot
    >>> [round(float(np.degrees(a[0])), 6) for a in ankle_angles(foot, [[1.0, 0, 0, 0]], "right")]
    [-0.0, 20.0, 0.0]
    """
    if side not in frames.LEGS:
        raise ValueError(f"side must be 'left' or 'right', found {side!r}.")
    foot = frames.mirror_rotation(_unit_rows(foot_quat, "foot_quat"), side)
    shank = frames.mirror_rotation(_unit_rows(shank_quat, "shank_quat"), side)
    if len(foot) != len(shank) and 1 not in (len(foot), len(shank)):
        raise ValueError(f"foot_quat has {len(foot)} rows and shank_quat {len(shank)}; expected as many.")
    dorsiflexion, inversion, rotation = frames.joint_angles(qt.multiply(qt.conjugate(shank), foot))
    return dorsiflexion, inversion, rotation


def _unit_rows(quat: ArrayLike, name: str) -> Array:
    q = np.asarray(quat, dtype=np.float64)
    if q.ndim != 2 or q.shape[1] != 4:
        raise ValueError(f"{name} has shape {q.shape}; expected (n, 4), scalar first.")
    size = qt.length(q)
    if (np.abs(size - 1.0) > 0.01).any():
        worst = float(size[np.nanargmax(np.abs(size - 1.0))])
        raise ValueError(f"{name} holds a quaternion of length {worst:.3g}; expected unit quaternions.")
    return np.asarray(q / size[:, None])


def segment_up(earth_from_sensor: Array, segment_from_sensor: Array) -> Array:
    """The earth's up direction in the segment frame, (n, 3), for a fixed mounting (3, 3)."""
    return np.asarray(sensor_up(earth_from_sensor) @ segment_from_sensor.T)


def sensor_up(earth_from_sensor: Array) -> Array:
    """The earth's up direction in the sensor frame, (n, 3)."""
    q = earth_from_sensor
    w, x, y, z = q[:, 0], q[:, 1], q[:, 2], q[:, 3]
    up = np.empty((len(q), 3))
    up[:, 0] = 2.0 * (x * z - w * y)
    up[:, 1] = 2.0 * (y * z + w * x)
    up[:, 2] = 1.0 - 2.0 * (x * x + y * y)
    return up
