"""Files and folders that are whole or not there: written aside, brought to the disk, then renamed.

A reader, a crash or a full disk never meets a half-written file under its final name. What the operating
system refuses (no space, no permission) becomes a `StorageError` that says which path and why.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Final

from ankle_imu.errors import StorageError

ASIDE: Final = ".unfinished-"
"""Start of the name of everything that is still being written; such names are never read as data."""


def storage_error(error: OSError, path: Path) -> StorageError:
    """Translate what the operating system said about `path` into one sentence."""
    if error.errno == errno.ENOSPC:
        return StorageError(f"The disk is full: {path} could not be written.", path=str(path))
    reason = error.strerror or str(error)
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        blocking = next((p for p in path.parents if p.exists()), path)
        reason = "it is there already" if blocking.is_dir() else f"{blocking} is not a folder"
    return StorageError(f"{path} could not be written: {reason}.", path=str(path))


def sync_file(path: Path) -> None:
    """Bring one file to the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Bring a folder's list of names to the disk (Windows has no such call and does it by itself)."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_or_undo(file: FileIO, data: bytes) -> None:
    """Append all of `data` to an unbuffered file; when the system refuses, none of it stays."""
    start, rest = file.tell(), memoryview(data)
    try:
        while rest:
            rest = rest[file.write(rest) or 0 :]
    except OSError:
        with suppress(OSError):
            file.truncate(start)
            file.seek(start)
        raise


def write_whole(path: Path, data: bytes, *, mode: int = 0o666) -> Path:
    """Write a file so that `path` holds either its old content or all of `data`.

    Parameters
    ----------
    path : Path, its folder is made when missing
    data : bytes
    mode : int, permissions of the file from its first moment on; the system may allow less

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    StorageError
        If the disk refuses; what was at `path` before is still there.
    """
    with whole_file(path, mode=mode) as file:
        file.write(data)
    return path


@contextmanager
def whole_file(path: Path, *, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Fill a file aside and give it its name when all of it is on the disk.

    Parameters
    ----------
    path : Path, its folder is made when missing; a file that exists already is replaced
    mode : int, permissions, as for `write_whole`

    Yields
    ------
    binary file
        The file to fill; it vanishes when the block ends with an exception.

    Raises
    ------
    StorageError
        If the disk refuses, or the block raised an `OSError`; what was at `path` before is still there.
    """
    aside = path.with_name(f"{ASIDE}{secrets.token_hex(4)}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        sync_folder(path.parent)
    except BaseException as error:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise storage_error(error, path) from error
        raise


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Fill a folder aside and give it its name when all of it is on the disk.

    Parameters
    ----------
    path : Path of the folder; one that exists already is replaced

    Yields
    ------
    Path
        The folder to fill; it vanishes when the block ends with an exception.

    Raises
    ------
    StorageError
        If the disk refuses.
    """
    aside = path.with_name(f"{ASIDE}{secrets.token_hex(4)}-{path.name}")
    try:
        aside.mkdir(parents=True)
        yield aside
        _sync_tree(aside)
        _replace_folder(aside, path)
    except OSError as error:
        shutil.rmtree(aside, ignore_errors=True)
        raise storage_error(error, path) from error
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def _sync_tree(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        for name in names:
            sync_file(Path(parent, name))
        sync_folder(Path(parent))


def _replace_folder(aside: Path, path: Path) -> None:
    old = aside.with_name(f"{aside.name}-old")
    if path.exists():
        path.rename(old)
    aside.rename(path)
    sync_folder(path.parent)
    shutil.rmtree(old, ignore_errors=True)
