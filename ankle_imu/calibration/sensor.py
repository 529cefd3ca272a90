"""What a sensor's readings are off by: from rests in six poses, and taken out again."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import manifest
from ankle_imu.calibration.faces import FACES, find_faces
from ankle_imu.calibration.rest import Rests, find_rests
from ankle_imu.errors import CalibrationError, NotStill
from ankle_imu.units import STANDARD_GRAVITY
from ankle_imu.values import ImuSeries, SensorCalibration, SensorInfo

Array = NDArray[np.float64]

OLDEST_DAYS: Final = 180.0
"""A calibration further than this from the session is not used: the offset of a small accelerometer wanders by
some mg over months (own choice, no figure was at hand)."""

LARGEST_ERROR: Final = 0.15
"""Share of gravity by which offset or scale may be off before a wrong range or unit is likelier; as in `selfcheck`
(own choice)."""

LARGEST_RESIDUAL: Final = 0.05
"""m/s^2, 5 mg: more is left when the sensor was held by hand or its axes are not what they seem (own choice)."""

_ROUNDS: Final = 20
_SEEN: Final = 0.15
"""Least singular value of the unit-scaled problem at which cross-axis terms count as seen: rests 6-10 deg off
the axes give 0.03-0.12, three rests on edges more 0.20, on all edges 0.41 (own calculation)."""


def calibrate(
    series: ImuSeries, *, serial: str, made_utc: str, mount_site: str = "", temperature_c: float = float("nan")
) -> SensorCalibration:
    """Calibrate a sensor that lay still on each of its six faces.

    Parameters
    ----------
    series : ImuSeries, raw; further rests on edges and corners show the cross-axis errors too
    serial, made_utc, mount_site, temperature_c : see `SensorCalibration`

    Returns
    -------
    SensorCalibration

    Raises
    ------
    NotStill
        If the sensor never lay still for 1.5 s.
    CalibrationError
        If a face is missing, or the errors found are larger than a sound sensor has.

    Notes
    -----
    Gravity is one length whatever the pose: offset and scale of each axis make |M (a - b)| equal to it over all
    rests (least squares, Gauss-Newton from no error; Frosio et al. 2009). Tilted poses do no harm. The symmetric
    part of the cross-axis errors is estimated only when rests lie off the axes enough to show it; a rotation of
    the axes cannot be seen and is part of the mounting. Gravity is taken as 9.80665 m/s^2; at sea level it is
    off by -0.27 .. +0.26 %, which goes into the scale and does not matter to angles. The gyroscope's bias is its
    mean at rest.

    References
    ----------
    Frosio I., Pedersini F., Borghese N. A. (2009) Autocalibration of MEMS accelerometers, IEEE Trans. Instrum.
    Meas. 58(6):2034-2041, doi:10.1109/TIM.2008.2006137.
    """
    valid = series.is_valid
    acc, gyr = series.acc[valid], series.gyr[valid]
    rests = find_rests(acc, gyr, series.sampling_rate) if valid.any() else None
    if rests is None or not len(rests):
        raise NotStill("The sensor never lay still for 1.5 s; lay it on a table, face by face, and let go of it.")
    missing = [name for name in FACES if name not in find_faces(acc, gyr, series.sampling_rate)]
    if missing:
        raise CalibrationError(
            f"The sensor did not lie still with {', '.join(missing)} up; lay it for 3 s on each of its six faces "
            "(within 20 deg; a book holds it upright)."
        )
    offset, matrix, residual = _fit(rests)
    _check(offset, matrix, residual)
    weight = (rests.stop - rests.start).astype(float)
    return SensorCalibration(
        serial=serial,
        made_utc=made_utc,
        acc_offset=offset,
        acc_matrix=matrix,
        gyr_bias=np.average(rests.gyr, axis=0, weights=weight),
        residual=residual,
        n_poses=len(rests),
        mount_site=mount_site,
        temperature_c=temperature_c,
    )


def _fit(rests: Rests) -> tuple[Array, Array, float]:
    """Offset (3,), matrix (3, 3) and what is left per spare rest, m/s^2; NaN when there is none to spare."""
    read = rests.acc / STANDARD_GRAVITY
    terms = 9 if _shows_cross_axis(read) else 6
    x = np.zeros(terms)
    for _ in range(_ROUNDS):
        left, jacobian = gravity_errors(read, x)
        step = np.linalg.lstsq(jacobian, -left, rcond=None)[0]
        x = x + step
        if np.abs(step).max() < 1e-12:
            break
    spare = len(read) - terms
    squares = float((gravity_errors(read, x)[0] ** 2).sum())
    residual = STANDARD_GRAVITY * float(np.sqrt(squares / spare)) if spare > 0 else float("nan")
    return x[:3] * STANDARD_GRAVITY, matrix_of(x), residual


CROSS: Final = ((0, 1), (0, 2), (1, 2))
"""The axes of each cross-axis term, in their order."""


def matrix_of(x: Array) -> Array:
    """Matrix (3, 3) of errors (6,) or (9,): offset, which it does not use, scale, cross-axis terms."""
    matrix = np.eye(3) + np.diag(x[3:6])
    if len(x) == 9:
        for value, (i, j) in zip(x[6:], CROSS, strict=True):
            matrix[i, j] = matrix[j, i] = value
    return matrix


def gravity_errors(read: Array, x: Array) -> tuple[Array, Array]:
    """Error of gravity's length in each rest (k,), in g, and its Jacobian (k, 6) or (k, 9).

    Parameters
    ----------
    read : (k, 3) float array, g, as read at rest
    x : (6,) or (9,) float array: offset in g, scale, and with nine of them the cross-axis terms of `CROSS`
    """
    centred = read - x[:3]
    true = centred @ matrix_of(x)
    length = np.linalg.norm(true, axis=1)
    unit = true / length[:, None]
    columns = [-(unit @ matrix_of(x)), unit * centred]
    if len(x) == 9:
        columns.append(
            np.stack([unit[:, i] * centred[:, j] + unit[:, j] * centred[:, i] for i, j in CROSS], axis=1)
        )
    return length - 1.0, np.hstack(columns)


def _shows_cross_axis(read: Array) -> bool:
    if len(read) < 9:
        return False
    jacobian = gravity_errors(read, np.zeros(9))[1] / np.sqrt(len(read))
    return bool(np.linalg.svd(jacobian, compute_uv=False)[-1] > _SEEN)


def _check(offset: Array, matrix: Array, residual: float) -> None:
    largest = max(float(np.abs(offset).max()) / STANDARD_GRAVITY, float(np.abs(matrix - np.eye(3)).max()))
    if largest > LARGEST_ERROR:
        raise CalibrationError(
            f"The accelerometer is off by {100 * largest:.0f} % of gravity; no sound sensor is. Its range or unit "
            "is not what it says: look with `ankle-imu selfcheck`."
        )
    if residual > LARGEST_RESIDUAL:  # not so when it is unknown
        raise CalibrationError(
            f"Gravity still differs by {1e3 * residual / STANDARD_GRAVITY:.0f} mg between the poses, "
            f"{1e3 * LARGEST_RESIDUAL / STANDARD_GRAVITY:.0f} are expected: lay the sensor on something firm and "
            "let go of it."
        )


def correct(series: ImuSeries, calibration: SensorCalibration | None) -> ImuSeries:
    """The series with the sensor's errors taken out; itself without a calibration."""
    if calibration is None:
        return series
    return replace(
        series,
        acc=(series.acc - calibration.acc_offset) @ calibration.acc_matrix.T,
        gyr=series.gyr - calibration.gyr_bias,
    )


def misfit(calibration: SensorCalibration, sensor: SensorInfo, started_utc: str) -> str:
    """Why a calibration does not belong to a sensor in a session; "" when it does.

    Parameters
    ----------
    calibration : SensorCalibration
    sensor : SensorInfo of the session
    started_utc : str, ISO 8601, start of the session; "" when unknown
    """
    if not sensor.serial or sensor.serial != calibration.serial:
        return f"it was made for the sensor {calibration.serial}, this one is {sensor.serial or 'unknown'}"
    if calibration.mount_site and sensor.mount_site and calibration.mount_site != sensor.mount_site:
        return f"it was made for the mount site {calibration.mount_site}, this session has {sensor.mount_site}"
    if not started_utc:
        return "the session's date is not known"
    made, started = (manifest.parse_utc(text) for text in (calibration.made_utc, started_utc))
    days = abs((started - made).total_seconds()) / 86_400.0
    if days > OLDEST_DAYS:
        return f"{days:.0f} days lie between it and the session, {OLDEST_DAYS:.0f} are allowed"
    return ""
