"""Whether the saved result of a session is what analysing it now would give."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ankle_imu._version import package_version
from ankle_imu.durable import ASIDE
from ankle_imu.errors import CorruptRecording
from ankle_imu.library.derived import FORMAT_VERSION, find_result, result_head
from ankle_imu.library.person import own_settings
from ankle_imu.library.sources import Source, calibration_sources, file_sources, is_same
from ankle_imu.manifest import FILE_NAME, from_toml


def is_up_to_date(session_folder: str | Path, files: Mapping[str, Source] | None = None) -> bool:
    """Whether the newest saved result of a session is what analysing it now would give.

    Parameters
    ----------
    session_folder : str or Path
    files : sources of the session, where only `session.toml` of its files need lie in the folder; those of the
        folder when None

    Returns
    -------
    bool
        True where settings, version of the package, form of the result and everything the analysis read are as
        they were. False without a result, and for a folder that was never finished.

    Raises
    ------
    CorruptRecording, UnknownFormatVersion, StorageError
        If the result or `person.toml` cannot be understood or read.
    """
    session = Path(session_folder)
    found = None if session.name.startswith(ASIDE) else find_result(session)
    if found is None:
        return False
    head = result_head(found)
    made = (head.get("format_version"), head.get("version"), found.name)
    if made != (FORMAT_VERSION, package_version(), own_settings(session).digest()):
        return False
    here = file_sources(session)
    now = (
        here
        if files is None
        else {**files, **{n: one for n, one in here.items() if n in files and not one.is_whole}}
    )
    return is_same(head.get("sources", {}), {**now, **calibration_sources(session, serials_of(found))})


def serials_of(result_folder: Path) -> list[str]:
    """Serial numbers of the sensors that a result was made of."""
    path = result_folder / FILE_NAME
    try:
        info = from_toml(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise CorruptRecording(f"{path} cannot be read; analyse the session again.", path=str(path)) from error
    return [sensor.serial for sensor in info.sensors.values()]
