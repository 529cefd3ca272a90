"""The bytes of a file, or one sentence why not."""

from __future__ import annotations

import errno
import importlib
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ankle_imu.errors import CorruptRecording, RecordingError, StorageError


def read_bytes(path: Path) -> bytes:
    """Bytes of a file.

    Parameters
    ----------
    path : Path

    Raises
    ------
    RecordingError
        If there is no such file, or it is empty.
    StorageError
        If the disk refuses.
    """
    with _told(path):
        data = path.read_bytes()
    if not data:
        raise RecordingError(f"{path} is empty.", path=str(path))
    return data


def read_head(path: Path, size: int = 65536) -> bytes:
    """First bytes of a file; raises as `read_bytes`, but an empty file is b""."""
    with _told(path), path.open("rb") as file:
        return file.read(size)


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip to read from; whatever is wrong with it, also while it is read, becomes one sentence.

    Parameters
    ----------
    path : Path

    Raises
    ------
    RecordingError
        If there is no such file, or it has a password.
    CorruptRecording
        If it is damaged, cut off or no zip.
    StorageError
        If the disk refuses.
    """
    try:
        with _told(path, damaged="is a damaged or cut-off zip"), zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        raise CorruptRecording(f"{path} is a damaged or cut-off zip: {error}.", path=str(path)) from error
    except RuntimeError as error:  # what zipfile raises for a password
        raise RecordingError(f"{path} cannot be unpacked: {error}.", path=str(path)) from error


@contextmanager
def _told(path: Path, damaged: str = "") -> Iterator[None]:
    """What the disk refuses, as our errors; `damaged`: what a place before the beginning says of the file."""
    try:
        yield
    except (FileNotFoundError, IsADirectoryError) as error:
        raise RecordingError(f"{path}: {error.strerror}.", path=str(path)) from error
    except OSError as error:
        if damaged and error.errno == errno.EINVAL:
            raise CorruptRecording(f"{path} {damaged}.", path=str(path)) from error
        raise StorageError(f"{path}: {error.strerror or error}.", path=str(path)) from error


def need_library(name: str, path: Path) -> Any:
    """A library of the extra `formats`, or a sentence that tells how to get it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise RecordingError(
            f"{path} needs {name}; install it with: pip install 'ankle-imu[formats]'.", path=str(path)
        ) from error
