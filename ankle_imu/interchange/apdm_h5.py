"""HDF5 files that APDM's Mobility Lab and Motion Studio write (format version 5): one group for each Opal sensor.

`/Sensors/<serial>/Time` is in us since 1970 UTC, `Accelerometer` (n, 3) in m/s^2 with gravity, `Gyroscope` (n, 3)
in rad/s, sensor frame; the label stands in the attribute `Label 0` of `Configuration`. Read by h5py, the library
that everyone reads HDF5 with (extra `formats`). Made from the documents; no real file was at hand.

References
----------
APDM, Motion Studio User Guide, HDF5 file format; scikit-digital-health, ReadApdmH5 (MIT): groups and units.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from ankle_imu import frames
from ankle_imu.errors import CorruptRecording, RecordingError
from ankle_imu.interchange.assembly import assemble, choose
from ankle_imu.interchange.bytes_of import need_library, read_head
from ankle_imu.interchange.imported import Imported, utc_text_from_epoch
from ankle_imu.values import SensorInfo

NAME: Final = "apdm_h5"
VERSION: Final = 1

_MAGIC: Final = b"\x89HDF\r\n\x1a\n"


def recognises_bytes(head: bytes) -> bool:
    """Whether it is an HDF5 file; whose, its groups tell when it is read."""
    return head.startswith(_MAGIC)


def read(path: Path, placement: str, *, device: str = "") -> Imported:
    """Read one sensor out of an APDM HDF5 file.

    Parameters
    ----------
    path : Path
    placement : str, one of `frames.PLACEMENTS`; a sensor labelled so (`Left Foot`) is taken
    device : str, label of the sensor or an unambiguous part of it

    Returns
    -------
    Imported

    Raises
    ------
    NotTold
        If several sensors are in the file and neither `placement` nor `device` names one.
    RecordingError
        If h5py is not installed, or the file has no sensors with acc, gyr and time.
    CorruptRecording
        If it is no whole HDF5 file.
    """
    frames.check_placement(placement)
    if not recognises_bytes(read_head(path)):
        raise CorruptRecording(f"{path} is no HDF5 file.", path=str(path))
    h5py = need_library("h5py", path)
    try:
        with h5py.File(path, "r") as file:
            serial, label, data = _sensor(file, placement, device, path)
    except (OSError, RuntimeError, KeyError) as error:
        raise CorruptRecording(f"{path} is a damaged HDF5 file: {error}.", path=str(path)) from error
    n = len(data["Time"])
    if data["Accelerometer"].shape != (n, 3) or data["Gyroscope"].shape != (n, 3):
        raise CorruptRecording(f"{path}: Time, Accelerometer and Gyroscope differ in length.", path=str(path))
    if n < 2:
        raise RecordingError(f"{path}: {n} sample(s); expected at least 2.", path=str(path))
    start = float(data["Time"][0]) * 1e-6
    return assemble(
        (data["Time"] - data["Time"][0]) * 1e-6,
        np.asarray(data["Accelerometer"], dtype=np.float64),
        np.asarray(data["Gyroscope"], dtype=np.float64),
        sensor=SensorInfo(placement=placement, serial=serial, model="APDM Opal", protocol=NAME),
        path=path,
        version=VERSION,
        acc_unit="m/s^2",
        gyr_unit="rad/s",
        started_utc=utc_text_from_epoch(start) if 1e9 < start < 5e9 else "",
        clock_start_s=start,
        notes=(f"sensor {label}; acc in m/s^2 with gravity, gyr in rad/s; time in us since 1970",),
    )


def _sensor(file: Any, placement: str, device: str, path: Path) -> tuple[str, str, dict[str, Any]]:
    sensors = file.get("Sensors")
    whole = {
        serial: group
        for serial, group in (sensors.items() if sensors is not None else ())
        if {"Time", "Accelerometer", "Gyroscope"} <= set(group)
    }
    if not whole:
        raise RecordingError(
            f"{path} has no /Sensors with Time, Accelerometer and Gyroscope; expected an APDM file of version 5.",
            path=str(path),
        )
    labels = {_label(group) or serial: serial for serial, group in whole.items()}
    label = choose(placement, device, tuple(labels), path)
    group = whole[labels[label]]
    return labels[label], label, {name: group[name][()] for name in ("Time", "Accelerometer", "Gyroscope")}


def _label(group: Any) -> str:
    told = group["Configuration"].attrs.get("Label 0", b"") if "Configuration" in group else b""
    text = told.decode("utf-8", errors="replace") if isinstance(told, bytes) else str(told)
    return text.strip("\0 ")
