"""A session folder: where its files are, and its `session.toml`."""

from __future__ import annotations

from pathlib import Path

from ankle_imu.durable import write_whole
from ankle_imu.errors import CorruptRecording, RecordingError, StorageError
from ankle_imu.manifest import FILE_NAME, from_toml, to_toml
from ankle_imu.values import SessionInfo


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


def write_session_info(folder: Path, info: SessionInfo) -> Path:
    """Write `session.toml`, whole or not at all; the folder is made when missing.

    Raises
    ------
    StorageError
        If the disk refuses; an older file stays as it was.
    """
    return write_whole(folder / FILE_NAME, to_toml(info).encode())
