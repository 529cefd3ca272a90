"""A session folder: where its files are, and its `session.toml`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ankle_imu.durable import write_whole
from ankle_imu.errors import CorruptRecording, RecordingError, StorageError
from ankle_imu.manifest import FILE_NAME, from_toml, sensor_toml, to_toml
from ankle_imu.values import SensorInfo, SessionInfo


def read_session_info(folder: Path) -> SessionInfo:
    """Read the `session.toml` of a session folder.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    SessionInfo

    Raises
    ------
    RecordingError
        If there is none.
    CorruptRecording, UnknownFormatVersion
        If it cannot be understood, see `manifest.from_toml`.
    StorageError
        If the system does not let it be read.
    """
    path = folder / FILE_NAME
    try:
        return from_toml(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError as error:
        raise RecordingError(f"{folder} has no {FILE_NAME}.", path=str(path)) from error
    except UnicodeDecodeError as error:
        raise CorruptRecording(f"{path} is no text: {error.reason}.", path=str(path)) from error
    except OSError as error:
        raise StorageError(f"{path} could not be read: {error.strerror or error}.", path=str(path)) from error


def write_session_info(folder: Path, info: SessionInfo, *, before: SessionInfo | None = None) -> Path:
    """Write `session.toml`, whole or not at all; the folder is made when missing.

    Parameters
    ----------
    folder : Path
    info : SessionInfo
    before : SessionInfo, what was written last: where the file says something else now, a person or another
        command edited it, and only sensors that are new in `info`, or other than before, are written into it

    Raises
    ------
    StorageError
        If the disk refuses; an older file stays as it was.
    """
    path = folder / FILE_NAME
    text = to_toml(info) if before is None else _with_edits(path, info, before)
    return write_whole(path, text.encode())


def _with_edits(path: Path, info: SessionInfo, before: SessionInfo) -> str:
    """The text as it was edited, with the sensors that came since; comments stay while no sensor is replaced."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return to_toml(info)
    if text == to_toml(before):
        return to_toml(info)
    came = [s for p, s in info.sensors.items() if repr(s) != repr(before.sensors.get(p))]  # NaN is no number
    try:
        edited = from_toml(text)
    except RecordingError:  # half edited: what was typed stays, and it can still be put right
        return text + "".join(sensor_toml(s) for s in came if f"[sensors.{s.placement}]" not in text)
    longer = f"{text.rstrip()}\n" + "".join(map(sensor_toml, came))
    try:
        from_toml(longer)
    except RecordingError:  # a sensor that is there already
        return to_toml(replace(edited, sensors={**edited.sensors, **_worn_as(came, edited, before)}))
    return longer


def _worn_as(came: list[SensorInfo], edited: SessionInfo, before: SessionInfo) -> dict[str, SensorInfo]:
    """What sensors say of themselves; where they sit, as a person corrected it."""
    found = {sensor.placement: sensor for sensor in came}
    for place in found.keys() & edited.sensors.keys() & before.sensors.keys():
        site = edited.sensors[place].mount_site
        if site != before.sensors[place].mount_site:
            found[place] = replace(found[place], mount_site=site)
    return found
