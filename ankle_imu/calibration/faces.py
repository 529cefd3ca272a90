"""Gravity on the six faces of a sensor: what its accelerometer reads lying still on each, and so its errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from ankle_imu.calibration.rest import Array, find_rests
from ankle_imu.units import STANDARD_GRAVITY

FACES: Final = ("+x", "-x", "+y", "-y", "+z", "-z")
"""The axis that points up, against gravity: there an accelerometer reads +1 g."""

_TILT: Final = float(np.cos(np.radians(20.0)))
"""A face counts when its axis is within 20 deg of the vertical; gravity's length is read whatever the tilt."""


@dataclass(frozen=True, kw_only=True)
class Face:
    """One face: length of gravity, m/s^2, as read while it pointed up, and for how long it lay still, s."""

    gravity: float
    seconds: float


def find_faces(acc: Array, gyr: Array, sampling_rate: float) -> dict[str, Face]:
    """Faces on which the sensor lay still.

    Parameters
    ----------
    acc, gyr : (n, 3) float arrays, m/s^2 and rad/s, sensor frame; n > 0
    sampling_rate : float, Hz

    Returns
    -------
    dict of face to Face
        In the order of `FACES`; of several rests on one face the longest. Rests on an edge are passed over.
    """
    rests = find_rests(acc, gyr, sampling_rate)
    found: dict[str, Face] = {}
    for start, stop, mean in zip(rests.start, rests.stop, rests.acc, strict=True):
        length = float(np.linalg.norm(mean))
        axis = int(np.argmax(np.abs(mean)))
        if length == 0.0 or abs(mean[axis]) < _TILT * length:
            continue
        name = ("+" if mean[axis] > 0 else "-") + "xyz"[axis]
        seconds = float(stop - start) / sampling_rate
        if name not in found or seconds > found[name].seconds:
            found[name] = Face(gravity=length, seconds=seconds)
    return {name: found[name] for name in FACES if name in found}


def accelerometer_errors(faces: Mapping[str, Face]) -> dict[str, tuple[float, float]]:
    """Offset and scale error of each axis whose two faces were seen.

    Parameters
    ----------
    faces : mapping of face to Face

    Returns
    -------
    dict of axis to (offset, scale)
        Offset in m/s^2; scale as a share, 0.01 for an axis that reads 1 % too much of standard gravity.

    Notes
    -----
    Half the difference of the two readings is the offset, half their sum the gravity that the axis reads. The
    length of gravity is taken for the axis: a tilt of 5 deg leaves 0.4 % of it to the others. Gravity itself
    differs from the standard by -0.27 to +0.26 % at sea level (WGS 84: 9.780 to 9.832 m/s^2).
    """
    errors = {}
    for axis in "xyz":
        if f"+{axis}" in faces and f"-{axis}" in faces:
            up, down = faces[f"+{axis}"].gravity, faces[f"-{axis}"].gravity
            errors[axis] = ((up - down) / 2.0, (up + down) / 2.0 / STANDARD_GRAVITY - 1.0)
    return errors
