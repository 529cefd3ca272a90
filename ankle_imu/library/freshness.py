"""Whether the saved result of a session is what analysing it now would give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ankle_imu._version import package_version
from ankle_imu.errors import CorruptRecording
from ankle_imu.library.derived import find_result, read_json, result_head
from ankle_imu.library.person import own_settings
from ankle_imu.library.sources import file_sources, is_same, session_sources
from ankle_imu.manifest import FILE_NAME, from_toml


def is_up_to_date(session_folder: str | Path) -> bool:
    """Whether the newest saved result of a session is what analysing it now would give.

    Parameters
    ----------
    session_folder : str or Path

    Returns
    -------
    bool
        True where settings, version of the package and everything the analysis read are as they were. False
        without a result. A result that was written before its sources were recorded is judged by the times of
        the files, the limits of a roll, and whether it knew the track.

    Raises
    ------
    CorruptRecording, UnknownFormatVersion, StorageError
        If the result or `person.toml` cannot be understood or read.
    """
    session = Path(session_folder)
    found = find_result(session)
    if found is None:
        return False
    head = result_head(found)
    recorded = head.get("sources")
    if not isinstance(recorded, dict):
        return _is_younger(found, session) and _has_limits(found, session) and _knows_track(found, session)
    if found.name != own_settings(session).digest() or head.get("version") != package_version():
        return False
    return is_same(recorded, session_sources(session, serials_of(found)))


def serials_of(result_folder: Path) -> list[str]:
    """Serial numbers of the sensors that a result was made of."""
    path = result_folder / FILE_NAME
    try:
        info = from_toml(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise CorruptRecording(f"{path} cannot be read; analyse the session again.", path=str(path)) from error
    return [sensor.serial for sensor in info.sensors.values()]


def _is_younger(result_folder: Path, session: Path) -> bool:
    """Whether a result was written after the last change of the session's own files."""
    times = [one.modified_us or 0 for one in file_sources(session).values()]
    return (result_folder / "result.json").stat().st_mtime_ns // 1000 >= max(times, default=0)


def _has_limits(result_folder: Path, session: Path) -> bool:
    """Whether a result was made with the person's limits of a roll as they are now."""
    made, own = read_json(result_folder / "settings.json"), own_settings(session)
    return (made.get("roll_deg"), made.get("roll_dps")) == (own.roll_deg, own.roll_dps)


def _knows_track(result_folder: Path, session: Path) -> bool:
    """Whether a result had a word to say of the track; one laid beside the recording may be older than it."""
    quality: dict[str, Any] = read_json(result_folder / "quality.json")
    told = bool(quality.get("track")) or any(str(w).startswith("track:") for w in quality.get("warnings", ()))
    return told or not any(name.startswith("track.") for name in file_sources(session))
