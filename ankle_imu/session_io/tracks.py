"""The track file of a session folder: find it, read it, put one there."""

from __future__ import annotations

from pathlib import Path

from ankle_imu import manifest, recording
from ankle_imu.durable import storage_error, sync_folder, write_whole
from ankle_imu.errors import RecordingError
from ankle_imu.terrain import FILE_NAMES, read_track
from ankle_imu.terrain.reading import format_of
from ankle_imu.track import Track


def load_track(session: Path) -> tuple[Track | None, tuple[str, ...]]:
    """The track that lies in a session folder, and a sentence on what could not be used.

    Parameters
    ----------
    session : Path of a session folder, or of a single file, which has none
    """
    paths = [session / name for name in FILE_NAMES.values() if (session / name).is_file()]
    if not paths:
        return None, ()
    doubts = (f"track: {paths[1].name} is passed over, as there is {paths[0].name}, too.",) if paths[1:] else ()
    try:
        return read_track(_bytes(paths[0]), paths[0].name), doubts
    except RecordingError as error:
        return None, (*doubts, f"track: {error}")


def attach_track(session: Path, file: Path) -> tuple[Track, Path, Path | None]:
    """Copy a track file into a session folder, as `track.gpx` or `track.fit`; another that was there is set aside.

    Parameters
    ----------
    session : Path of a session folder
    file : Path of a GPX or FIT file

    Returns
    -------
    track : Track
    path : Path of the copy, whole or not there
    before : Path at which the track that was there lies now (`track.gpx.old`), None when there was none

    Raises
    ------
    RecordingError
        When `session` is no session folder, there is no such file, or nothing of it can be used; then nothing is
        changed.
    StorageError
        When the disk refuses.
    """
    if not session.is_dir() or not ((session / manifest.FILE_NAME).exists() or recording.part_paths(session)):
        raise RecordingError(
            f"{session} is no session folder, so there is no place for a track in it.", path=str(session)
        )
    if not file.is_file():
        raise RecordingError(f"There is no file {file}.", path=str(file))
    data = _bytes(file)
    track = read_track(data, file.name)
    name = FILE_NAMES[format_of(data, file.name)]
    aside = None
    for there in (session / other for other in FILE_NAMES.values()):
        if there.is_file() and _bytes(there) != data:
            aside = write_whole(there.with_name(f"{there.name}.old"), _bytes(there))
    path = write_whole(session / name, data)
    for other in set(FILE_NAMES.values()) - {name}:
        try:
            (session / other).unlink(missing_ok=True)
        except OSError as error:
            raise storage_error(error, session / other) from error
    sync_folder(session)
    return track, path, aside


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror or error}.", path=str(path)) from error
