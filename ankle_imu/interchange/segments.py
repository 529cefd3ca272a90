"""Orientation of foot and shank from the table of angles, for formats that want rotations rather than angles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu import quaternion as qt
from ankle_imu.units import DEGREE

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


def segment_orientations(angles: pd.DataFrame) -> dict[str, Array]:
    """Orientation of each segment whose angles are known.

    Parameters
    ----------
    angles : table `tables.ANGLES`

    Returns
    -------
    dict of placement to (n, 4) float array
        Earth-from-segment quaternions, scalar first; segment axes x anterior, y left, z up on both sides, earth z
        up; NaN where an angle is not known. Placements without any known row are absent.

    Notes
    -----
    Inertial sensors know no heading: every shank, and a foot without a shank, heads along the earth's x axis, so
    turns of the walk do not show. A foot with a shank on its leg is put on it by the joint angles, so that
    `orientation.ankle_angles` gives those back; its tilt then follows from shank and joint. Standing is the zero
    of the joint and of the foot; the shank's zero is the vertical.
    """
    found: dict[str, Array] = {}
    for leg in frames.LEGS:
        tilt, pitch, shank_tilt, shank_pitch, inversion, dorsiflexion, rotation = (
            angles[f"{leg}_{kind}_deg"].to_numpy(dtype=np.float64) * DEGREE
            for kind in (
                *("foot_tilt", "foot_pitch", "shank_tilt", "shank_pitch"),
                *("inversion", "dorsiflexion", "rotation"),
            )
        )
        shank = frames.shank_from_angles(shank_tilt, shank_pitch)
        joint = frames.foot_on_shank(dorsiflexion, inversion, rotation)
        foot = qt.multiply(shank, joint)
        if np.isnan(foot[:, 0]).all():
            foot = frames.foot_from_angles(tilt, pitch)
        for segment, quat in (("foot", foot), ("shank", shank)):
            if np.isfinite(quat[:, 0]).any():
                found[f"{leg}_{segment}"] = frames.mirror_rotation(quat, leg)
    return found
