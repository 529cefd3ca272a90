"""Results of practice beside their recording: `derived/<digest of the settings>/`, whole or not there.

The same form as results of walks (`library.derived`); `practice.json` instead of `result.json` makes the folder
one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ankle_imu import manifest, tables
from ankle_imu._version import package_version
from ankle_imu.durable import whole_folder
from ankle_imu.errors import RecordingError
from ankle_imu.library.derived import (
    FOLDER,
    PRACTICE,
    damage_told,
    find_practice,
    head_of,
    read_head,
    read_json,
    read_rest,
    read_table,
    sources_of,
    write_json,
    write_rest,
    write_table,
)
from ankle_imu.library.freshness import serials_of
from ankle_imu.library.sources import calibration_sources, file_sources, is_same
from ankle_imu.mobility import SESSION_KIND, PracticeResult, PracticeSettings

__all__ = ["find_practice", "is_practice", "is_practice_up_to_date", "load_practice", "save_practice"]

FORMAT_VERSION: Final = 2
"""2: corrected by the offsets that still poses showed (`calibration.still_poses`); what is older is made anew."""
_FIELDS: Final = {table.name.removeprefix("practice_"): table for table in tables.PRACTICE_TABLES} | {
    "angles": tables.ANGLES
}
"""Field of `PracticeResult` -> its table."""


def is_practice(session_folder: str | Path) -> bool:
    """Whether a folder holds a session of kind `practice`; False for what is no session folder."""
    path = Path(session_folder) / manifest.FILE_NAME
    try:
        return manifest.from_toml(path.read_text(encoding="utf-8"), str(path)).kind == SESSION_KIND
    except (OSError, UnicodeDecodeError, RecordingError):
        return False


def save_practice(
    session_folder: str | Path, result: PracticeResult, *, files: Mapping[str, Any] | None = None
) -> Path:
    """Write all of a practice result into a session folder; an older one with the same settings is replaced.

    Parameters
    ----------
    session_folder : str or Path
    result : PracticeResult
    files : record of the files it was made from (`sources.to_record`); as they are now when None

    Returns
    -------
    Path
        The folder `derived/<digest>`; it has its name only when all of it is on the disk.

    Raises
    ------
    ValueError
        If a table does not have its columns.
    StorageError
        If the disk refuses.
    """
    sources = sources_of(session_folder, result, files)
    target = Path(session_folder) / FOLDER / result.settings.digest()
    with whole_folder(target) as folder:
        for field, table in _FIELDS.items():
            write_table(folder, table, getattr(result, field))
        write_rest(folder, result)
        write_json(folder / PRACTICE, head_of(result, FORMAT_VERSION, sources))
    return target


def is_practice_up_to_date(session_folder: str | Path) -> bool:
    """Whether the newest saved result of practice is what analyzing the session now would give.

    Raises
    ------
    CorruptRecording
        If the result cannot be understood.
    """
    found = find_practice(session_folder)
    if found is None:
        return False
    head = read_json(found / PRACTICE)
    if (head.get("format_version"), head.get("version")) != (FORMAT_VERSION, package_version()):
        return False
    if found.name != PracticeSettings().digest():
        return False
    now = {**file_sources(session_folder), **calibration_sources(session_folder, serials_of(found))}
    return is_same(head.get("sources", {}), now)


def load_practice(session_folder: str | Path) -> PracticeResult:
    """Read the practice result that was written last.

    Raises
    ------
    RecordingError
        If the session has none.
    CorruptRecording
        If a file of the result is missing or damaged.
    UnknownFormatVersion
        If a newer version of the package wrote it.
    """
    folder = find_practice(session_folder)
    if folder is None:
        raise RecordingError(
            f"{session_folder} has no result of practice; analyze it first.", path=str(session_folder)
        )
    head = read_head(folder / PRACTICE, FORMAT_VERSION)
    with damage_told(folder):
        rest = read_rest(folder, Path(session_folder), head, PracticeSettings())
        found: dict[str, Any] = {field: read_table(folder, table) for field, table in _FIELDS.items()}
        return PracticeResult(**found, **rest)
