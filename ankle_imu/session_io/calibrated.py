"""Calibrations that the session's library keeps of its sensors: those that belong to this session."""

from __future__ import annotations

from pathlib import Path

from ankle_imu import library
from ankle_imu.calibration import store
from ankle_imu.calibration.sensor import misfit
from ankle_imu.errors import RecordingError, StorageError
from ankle_imu.values import SensorCalibration, SessionInfo


def saved_calibrations(path: Path, info: SessionInfo) -> tuple[dict[str, SensorCalibration], tuple[str, ...]]:
    """Calibration of each sensor of a session that lies in a library.

    Parameters
    ----------
    path : Path of the session's folder
    info : SessionInfo; serial numbers, mount sites and the date decide

    Returns
    -------
    calibrations : dict of placement to SensorCalibration
        Empty outside of a library, `<library>/people/<alias>/<year>/<session>`.
    warnings : tuple of str
        A sentence on each that is there and not used.
    """
    root = _library_of(path)
    found: dict[str, SensorCalibration] = {}
    warnings: list[str] = []
    for placement, sensor in info.sensors.items() if root else ():
        if not sensor.serial:
            continue
        try:
            content = library.load_calibration(root or path, sensor.serial)
            if content is None:
                continue
            calibration = store.from_json(content)
            reason = misfit(calibration, sensor, info.started_utc)
        except (RecordingError, StorageError, ValueError) as error:
            reason = str(error)
        if reason:
            warnings.append(f"{placement}: the saved calibration is not used: {reason}")
        else:
            found[placement] = calibration
    return found, tuple(warnings)


def _library_of(path: Path) -> Path | None:
    above = path.resolve().parents
    if len(above) < 4 or above[2].name != "people" or not (above[3] / "sensors").is_dir():
        return None
    return above[3]
