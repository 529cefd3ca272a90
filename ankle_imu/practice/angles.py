"""The ankle's angles from gravity alone: no heading, no magnetometer.

Both sensors feel the same vertical. While the foot does not turn about its long axis against the shank, that shows
both flexion and inversion at any posture of the shank.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STEEP: Final = np.cos(np.radians(70.0))
"""A foot whose toes point up or down by more than 70 deg hides its inversion from gravity: an error of 1 deg of
the vertical is then one of 3 deg."""


def ankle_from_gravity(foot_up: Array, shank_up: Array) -> tuple[Array, Array]:
    """Dorsiflexion and inversion of an ankle whose foot is not turned inwards or outwards.

    Parameters
    ----------
    foot_up : (n, 3) float array, the earth's up direction in the foot frame (right-leg convention, unit vectors)
    shank_up : (n, 3) or (3,) float array, the same in the shank frame; (0, 0, 1) for a shank that stands upright

    Returns
    -------
    dorsiflexion, inversion : (n,) float arrays, rad; inversion is NaN where the foot is steep

    Notes
    -----
    With R = Ry(-d) Rx(i) Rz(r) (intrinsic, Wu et al. 2002) and R foot_up = shank_up, r = 0 leaves two equations:
    Rx(i) foot_up = Ry(d) shank_up, of which the y component gives i and the others d. A turn r that is there
    all the same shortens the main angle by 1 - cos r, 1.5 % at 10 deg, and leaks sin r of it into the other one.

    References
    ----------
    Wu G. et al. (2002) J. Biomech. 35:543-548, doi:10.1016/S0021-9290(01)00222-6 (joint coordinate system).

    Examples
    --------
    >>> toe_up = np.array([[np.sin(0.3), 0.0, np.cos(0.3)]])
    >>> [round(float(a[0]), 6) for a in ankle_from_gravity(toe_up, np.array([0.0, 0.0, 1.0]))]
    [0.3, 0.0]
    """
    a, b, c = np.moveaxis(np.asarray(foot_up, dtype=float), -1, 0)
    p, q, r = np.moveaxis(np.asarray(shank_up, dtype=float), -1, 0)
    size = np.copysign(np.hypot(b, c), c)
    with np.errstate(invalid="ignore", divide="ignore"):
        inversion = np.arctan(b / c) - np.arcsin(np.clip(q / size, -1.0, 1.0))
    inversion = np.where(np.abs(size) > STEEP, inversion, np.nan)
    level = b * np.sin(inversion) + c * np.cos(inversion)
    level = np.where(np.isnan(inversion), size, level)
    flexion = np.arctan2(a, level) - np.arctan2(p, r)
    return np.asarray((flexion + np.pi) % (2.0 * np.pi) - np.pi), np.asarray(inversion)


def tilt_change(up: Array, reference: Array) -> Array:
    """Angle (n,), rad, between up directions (n, 3) and a reference (3,): how far a segment left its pose."""
    cross = np.linalg.norm(np.cross(up, reference), axis=1)
    return np.asarray(np.arctan2(cross, up @ reference))
