"""The sensors a library knows: one JSON file each, by serial number.

<library>/sensors/<serial>.json
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ankle_imu import manifest
from ankle_imu.durable import ASIDE, write_whole
from ankle_imu.errors import CorruptRecording, DeviceNotFound, StorageError, UnknownFormatVersion
from ankle_imu.frames import check_placement

FORMAT_VERSION: Final = 1

_REMEDY: Final = "Put it right or delete it; `ankle-imu sensors add` saves a sensor anew."


@dataclass(frozen=True, kw_only=True)
class KnownSensor:
    """One sensor and where it is worn.

    Parameters
    ----------
    serial : str, read from the sensor; its identifier where it tells none
    identifier : str, address, or on macOS the UUID that this computer gave it
    model : str, name of its adapter in `devices.catalog`
    placement : str, see `frames.PLACEMENTS`; "" while it is not worn
    mount_site : str, "" when not said
    name : str, as it advertises itself
    firmware : str
    last_seen_utc : str, ISO 8601
    """

    serial: str
    identifier: str
    model: str
    placement: str
    mount_site: str = ""
    name: str = ""
    firmware: str = ""
    last_seen_utc: str = ""

    def __post_init__(self) -> None:
        if self.placement:
            check_placement(self.placement)
        if not self.serial:
            raise ValueError("A sensor needs a serial number, or its address in its place.")


def save_sensor(root: str | Path, sensor: KnownSensor) -> Path:
    """Remember a sensor; one that had its placement before is kept, but not worn any more.

    Parameters
    ----------
    root : str or Path of the library
    sensor : KnownSensor; an empty `last_seen_utc` becomes the present

    Returns
    -------
    Path
        The sensor's file.

    Raises
    ------
    StorageError
        If the disk refuses.
    """
    others = load_sensors(root)
    seen = sensor.last_seen_utc or manifest.format_utc(datetime.now(UTC).replace(microsecond=0))
    path = _write(root, replace(sensor, last_seen_utc=seen))
    for other in others:
        if sensor.placement and other.placement == sensor.placement and other.serial != sensor.serial:
            _write(root, replace(other, placement="", mount_site=""))
    return path


def load_sensors(root: str | Path) -> tuple[KnownSensor, ...]:
    """Sensors of a library in the order of their placements, those not worn last; none without such a folder.

    Raises
    ------
    CorruptRecording, UnknownFormatVersion, StorageError
        If a file cannot be understood or read.
    """
    paths = sorted((Path(root) / "sensors").glob("*.json"))
    found = [_sensor(path) for path in paths if not path.name.startswith(ASIDE)]
    return tuple(sorted(found, key=lambda sensor: (not sensor.placement, sensor.placement)))


def find_sensor(root: str | Path, ref: str) -> KnownSensor:
    """The saved sensor of that serial, identifier, name or placement.

    Raises
    ------
    DeviceNotFound
        If there is none.
    """
    known = load_sensors(root)
    for sensor in known:
        names = (sensor.serial, sensor.identifier, sensor.name, sensor.placement)
        if ref and ref.casefold() in (name.casefold() for name in names):
            return sensor
    saved = ", ".join(f"{s.serial} ({s.placement or 'not worn'})" for s in known) or "none"
    raise DeviceNotFound(
        f"No sensor {ref!r} is saved; saved are: {saved}. `ankle-imu sensors add` saves one.", identifier=ref
    )


def forget_sensor(root: str | Path, serial: str) -> None:
    """Remove a sensor's file; nothing happens when there is none."""
    try:
        _path(root, serial).unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{_path(root, serial)} could not be removed: {error.strerror or error}.") from error


def save_calibration(root: str | Path, serial: str, calibration: Mapping[str, Any]) -> Path:
    """Put a calibration into the file of a saved sensor, in place of an earlier one.

    Parameters
    ----------
    root : str or Path of the library
    serial : str
    calibration : mapping of plain values, see `calibration.store`

    Returns
    -------
    Path
        The sensor's file.

    Raises
    ------
    DeviceNotFound
        If no such sensor is saved.
    StorageError
        If the disk refuses.
    """
    path = _path(root, serial)
    content = _read(path)
    if not content:
        raise DeviceNotFound(f"No sensor of serial {serial!r} is saved.", identifier=serial)
    return write_whole(path, (json.dumps({**content, "calibration": dict(calibration)}, indent=2) + "\n").encode())


def load_calibration(root: str | Path, serial: str) -> dict[str, Any] | None:
    """The calibration saved with a sensor, plain values; None when there is none.

    Raises
    ------
    CorruptRecording, UnknownFormatVersion, StorageError
        If the sensor's file cannot be understood or read.
    """
    found = _read(_path(root, serial)).get("calibration")
    return found if isinstance(found, dict) else None


def sensor_folder(root: str | Path, serial: str) -> Path:
    """Folder for what belongs to a sensor beside its file; it need not exist."""
    return Path(root) / "sensors" / re.sub(r"[^A-Za-z0-9._-]", "-", serial)


def _write(root: str | Path, sensor: KnownSensor) -> Path:
    """Write what is known of a sensor; what others keep in its file stays."""
    path = _path(root, sensor.serial)
    content = {**_read(path), "format_version": FORMAT_VERSION, **asdict(sensor)}
    return write_whole(path, (json.dumps(content, indent=2) + "\n").encode())


def _path(root: str | Path, serial: str) -> Path:
    folder = sensor_folder(root, serial)
    return folder.with_name(f"{folder.name}.json")


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StorageError(f"{path} could not be read: {error.strerror or error}.", path=str(path)) from error
    except ValueError as error:
        raise CorruptRecording(f"{path} is no valid JSON: {error}. {_REMEDY}", path=str(path)) from error
    if not isinstance(content, dict) or not isinstance(content.get("format_version"), int):
        raise CorruptRecording(f"{path} describes no sensor: it has no format_version. {_REMEDY}", path=str(path))
    if content["format_version"] > FORMAT_VERSION:
        raise UnknownFormatVersion(
            f"{path} has format_version {content['format_version']}, this package reads up to {FORMAT_VERSION}; "
            "update ankle-imu.",
            path=str(path),
        )
    return content


def _sensor(path: Path) -> KnownSensor:
    content = _read(path)
    try:
        return KnownSensor(**{name: str(content.get(name, "")) for name in KnownSensor.__dataclass_fields__})
    except ValueError as error:
        raise CorruptRecording(f"{path}: {error} {_REMEDY}", path=str(path)) from error
