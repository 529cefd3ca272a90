"""Files and folders that are whole or not there: written aside, brought to the disk, then renamed.

A reader, a crash or a full disk never meets a half-written file under its final name. What the operating
system refuses (no space, no permission) becomes a `StorageError` that says which path and why.
"""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import re
import secrets
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Final

from ankle_imu.errors import StorageError

ASIDE: Final = ".unfinished-"
"""Start of the name of everything that is still being written; such names are never read as data."""

ABANDONED_S: Final = 7 * 86400.0
"""Age from which what another computer left is taken for abandoned, s; ours: no writing takes a week."""

_WRITER: Final = re.compile(rf"{re.escape(ASIDE)}(?:[a-z]+-)?([0-9a-f]{{8}})-(\d{{1,10}})-[0-9a-f]{{8}}-")


def aside_of(path: Path, why: str = "") -> Path:
    """A free name beside `path` for what is not finished; it tells which process of which computer writes it.

    Parameters
    ----------
    path : Path of what it is or is to become
    why : str, a word of small letters that stands first; "" while something is written
    """
    word = f"{why}-" if why else ""
    return path.with_name(f"{ASIDE}{word}{_computer()}-{os.getpid()}-{secrets.token_hex(4)}-{path.name[-64:]}")


def is_abandoned(path: Path) -> bool:
    """Whether nobody is going to finish what lies under such a name.

    Parameters
    ----------
    path : Path whose name begins with `ASIDE`

    Returns
    -------
    bool
        True where the process that wrote it, on this computer, is gone. What another computer wrote, or an
        earlier version, whose names do not tell: True when it was last changed `ABANDONED_S` ago.

    Notes
    -----
    A process number is given again some day; then what lies there stays until that process ends, too.
    """
    writer = _WRITER.match(path.name)
    if writer and writer[1] == _computer():
        return not _is_running(int(writer[2]))
    try:
        return time.time() - path.stat().st_mtime > ABANDONED_S
    except OSError:
        return False


def _computer() -> str:
    """A word for this computer and, where it has several, its space of process numbers (containers)."""
    try:
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        space = ""
    return hashlib.sha256(f"{platform.node()} {space}".encode()).hexdigest()[:8]


def _is_running(pid: int) -> bool:
    """Whether a process has not ended; a dead one whose parent has not asked for its end yet has."""
    if sys.platform == "win32":
        return _is_running_on_windows(pid)
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2][:1]
    except OSError:
        return True
    return state not in (b"Z", b"X")


if sys.platform == "win32":

    def _is_running_on_windows(pid: int) -> bool:
        """As `_is_running`: there signal 0 is no question but Ctrl-C."""
        import ctypes

        system = ctypes.WinDLL("kernel32", use_last_error=True)
        handle = system.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
        if not handle:
            return ctypes.get_last_error() == 5  # ERROR_ACCESS_DENIED: it is somebody else's
        code = ctypes.c_ulong()
        system.GetExitCodeProcess(handle, ctypes.byref(code))
        system.CloseHandle(handle)
        return code.value == 259  # STILL_ACTIVE


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


def sync_tree(folder: Path) -> None:
    """Bring a folder with all that is in it to the disk."""
    for parent, _, names in os.walk(folder):
        for name in names:
            sync_file(Path(parent, name))
        sync_folder(Path(parent))


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
    aside = aside_of(path)
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
    aside = aside_of(path)
    try:
        aside.mkdir(parents=True)
        yield aside
        sync_tree(aside)
        _replace_folder(aside, path)
    except OSError as error:
        shutil.rmtree(aside, ignore_errors=True)
        raise storage_error(error, path) from error
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def _replace_folder(aside: Path, path: Path) -> None:
    old = aside.with_name(f"{aside.name}-old")
    if path.exists():
        path.rename(old)
    aside.rename(path)
    sync_folder(path.parent)
    shutil.rmtree(old, ignore_errors=True)
