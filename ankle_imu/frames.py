"""Axes, sides and signs: the only home of a minus sign.

Segment frame of foot and shank: x anterior, y left, z up, right-handed. A left leg is mirrored at the door
(`mirror_acc`, `mirror_gyr`) and then goes through right-leg code, so that inversion, dorsiflexion and internal
rotation are positive on both feet and no other module knows which side it works on.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ankle_imu import quaternion

PLACEMENTS: Final = ("left_foot", "right_foot", "left_shank", "right_shank")
"""Where a sensor may be worn."""

LEGS: Final = ("left", "right")

MOUNT_SITES: Final = {
    "foot": ("instep", "lateral", "heel"),
    "shank": ("above_ankle", "mid_shank"),
}
"""Mount sites of each segment; they are stored and never pooled."""

_MIRROR_POLAR: Final = np.array([1.0, -1.0, 1.0])
_MIRROR_AXIAL: Final = np.array([-1.0, 1.0, -1.0])


def leg_of(placement: str) -> str:
    """`left` or `right`."""
    return placement.split("_")[0]


def segment_of(placement: str) -> str:
    """`foot` or `shank`."""
    return placement.split("_")[1]


def check_placement(placement: str) -> str:
    """Return `placement` if it is one of `PLACEMENTS`, else raise `ValueError`."""
    if placement not in PLACEMENTS:
        raise ValueError(f"Unknown placement {placement!r}; expected one of {', '.join(PLACEMENTS)}.")
    return placement


def mirror_acc(acc: ArrayLike, leg: str) -> NDArray[np.float64]:
    """Accelerations (n, 3) of a leg as a right leg would measure them (y changes sign on the left).

    Notes
    -----
    Mirroring the sagittal plane keeps polar vectors but for their y component; axial vectors (angular rates)
    change x and z instead. Applied in the sensor frame it is as good as in the segment frame: the mirrored
    sensor is simply mounted differently, and the alignment finds that.
    """
    acc = np.asarray(acc, dtype=float)
    return acc * _MIRROR_POLAR if leg == "left" else acc


def mirror_gyr(gyr: ArrayLike, leg: str) -> NDArray[np.float64]:
    """Angular rates (n, 3) of a leg as a right leg would measure them (x and z change sign on the left)."""
    gyr = np.asarray(gyr, dtype=float)
    return gyr * _MIRROR_AXIAL if leg == "left" else gyr


def mirror_rotation(quaternion: ArrayLike, leg: str) -> NDArray[np.float64]:
    """Orientations (n, 4) of a leg as those of a right leg: the rotation vector is axial."""
    q = np.asarray(quaternion, dtype=float)
    return q * np.concatenate([[1.0], _MIRROR_AXIAL]) if leg == "left" else q


def turn_to_the_left(turn: ArrayLike, leg: str) -> NDArray[np.float64]:
    """Turns about the vertical (n,) seen in the mirrored world of a left leg, given back to the real one."""
    turn = np.asarray(turn, dtype=float)
    return -turn if leg == "left" else turn


def moves_to_the_right(leg: str) -> str:
    """Which of `inversion` and `eversion` tips that foot to the walker's right: inversion tips it outwards."""
    return "eversion" if leg == "left" else "inversion"


def foot_angles_from_up(up: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frontal tilt and sagittal pitch of a right-leg segment from gravity alone.

    Parameters
    ----------
    up : (n, 3) float array, the earth's up direction in the segment frame (unit vectors)

    Returns
    -------
    tilt : (n,) float array, rad, + = medial edge up (inversion direction)
    pitch : (n,) float array, rad, + = toe up

    Notes
    -----
    asin(z_earth . y_foot) and asin(z_earth . x_foot): heading-free, and defined at every pitch below 90 deg.
    """
    up = np.asarray(up, dtype=float)
    return np.arcsin(np.clip(up[:, 1], -1.0, 1.0)), np.arcsin(np.clip(up[:, 0], -1.0, 1.0))


def shank_angles_from_up(up: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Tilt (+ = knee lateral of the ankle) and pitch (+ = knee forward of the ankle) of a right shank, rad.

    Parameters
    ----------
    up : (n, 3) float array, the earth's up direction in the shank frame

    Notes
    -----
    The knee leans forward when the shank's x axis points down, and to the side (right, -y) when y points up.
    """
    up = np.asarray(up, dtype=float)
    return np.arcsin(np.clip(up[:, 1], -1.0, 1.0)), np.arcsin(np.clip(-up[:, 0], -1.0, 1.0))


def joint_angles(shank_from_foot: ArrayLike) -> tuple[NDArray[np.float64], ...]:
    """Dorsiflexion, inversion and internal rotation of a right ankle.

    Parameters
    ----------
    shank_from_foot : (n, 4) float array, orientation of the foot seen from the shank

    Returns
    -------
    dorsiflexion, inversion, rotation : (n,) float arrays, rad

    Notes
    -----
    Intrinsic Y-X-Z sequence: flexion about the shank's mediolateral axis, rotation about the foot's long axis,
    inversion about the floating axis, as in the joint coordinate system of the ankle.

    References
    ----------
    Wu G. et al. (2002) ISB recommendation on definitions of joint coordinate system, part I: ankle, hip, and
    spine, J. Biomech. 35:543-548, doi:10.1016/S0021-9290(01)00222-6.
    """
    q = np.asarray(shank_from_foot, dtype=float)
    w, x, y, z = q[..., 0], q[..., 1], q[..., 2], q[..., 3]
    dorsiflexion = -np.arctan2(2.0 * (x * z + w * y), 1.0 - 2.0 * (x * x + y * y))
    inversion = np.arcsin(np.clip(-2.0 * (y * z - w * x), -1.0, 1.0))
    rotation = np.arctan2(2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z))
    return dorsiflexion, inversion, rotation


def foot_from_angles(tilt: ArrayLike, pitch: ArrayLike) -> NDArray[np.float64]:
    """Orientation (n, 4), earth from segment, of a right foot that heads along the earth's x axis.

    Parameters
    ----------
    tilt, pitch : (n,) float arrays, rad, as `foot_angles_from_up` gives them; NaN rows stay NaN

    Examples
    --------
    >>> foot_from_angles([0.0], [0.0]).tolist()
    [[1.0, 0.0, 0.0, 0.0]]
    """
    return _leaning(np.asarray(tilt, dtype=float), -np.asarray(pitch, dtype=float))


def shank_from_angles(tilt: ArrayLike, pitch: ArrayLike) -> NDArray[np.float64]:
    """Orientation (n, 4) of a right shank likewise, from the angles of `shank_angles_from_up`, rad."""
    return _leaning(np.asarray(tilt, dtype=float), np.asarray(pitch, dtype=float))


def _leaning(tilt: NDArray[np.float64], forward: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lean forward about y, then about the segment's own x so far that its y axis rises by `tilt`."""
    about_x = np.arcsin(np.clip(np.sin(tilt) / np.cos(forward), -1.0, 1.0))
    zero = np.zeros_like(tilt)
    lean = quaternion.from_rotation_vector(np.stack([zero, forward, zero], axis=-1))
    return quaternion.multiply(lean, quaternion.from_rotation_vector(np.stack([about_x, zero, zero], axis=-1)))


def foot_on_shank(dorsiflexion: ArrayLike, inversion: ArrayLike, rotation: ArrayLike) -> NDArray[np.float64]:
    """Orientation (n, 4) of a right foot seen from the shank: what `joint_angles` takes apart.

    Parameters
    ----------
    dorsiflexion, inversion, rotation : (n,) float arrays, rad; NaN rows stay NaN

    Examples
    --------
    >>> [round(float(a[0]), 12) for a in joint_angles(foot_on_shank([0.1], [0.2], [-0.3]))]
    [0.1, 0.2, -0.3]
    """
    angles = (-np.asarray(dorsiflexion, dtype=float), np.asarray(inversion, dtype=float), rotation)
    turns = [
        quaternion.from_rotation_vector(np.asarray(angle, dtype=float)[..., None] * axis)
        for angle, axis in zip(angles, np.eye(3)[[1, 0, 2]], strict=True)
    ]
    return quaternion.multiply(quaternion.multiply(turns[0], turns[1]), turns[2])
