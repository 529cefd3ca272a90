"""Who may write to a session folder: one program at a time.

A file in the folder is locked by way of the operating system, which takes the lock back when the program ends,
however it ends: what a killed recorder leaves behind holds nobody up.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from ankle_imu.errors import RecordingError

NAME: Final = ".being-recorded"
"""The locked file, in the session folder; its presence alone says nothing."""

_TRIES, _PAUSE_S = 4, 0.05
"""One who only looks holds the lock for an instant."""


class SessionLock:
    """The right to write to a session folder, from now until `release`.

    Parameters
    ----------
    folder : Path, it must exist

    Raises
    ------
    RecordingError
        If another program, or another writer of this one, has it.

    Notes
    -----
    Where the file system knows no locks, or the file cannot be made, there is no protection, and all goes on.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._descriptor = -1
        for _ in range(_TRIES):
            if self._take():
                return
            time.sleep(_PAUSE_S)
        raise being_recorded(folder)

    def release(self) -> None:
        """Let others write; a second call does nothing."""
        if self._descriptor >= 0:
            with suppress(OSError):  # Windows removes no open file: there it goes after the lock
                self._path.unlink()
            os.close(self._descriptor)
            self._descriptor = -1
            if sys.platform == "win32":
                with suppress(OSError):
                    self._path.unlink()

    def _take(self) -> bool:
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError:
            return True
        is_ours = _try_lock(descriptor) and _is_still_there(descriptor, self._path)
        if is_ours:
            self._descriptor = descriptor
        else:
            os.close(descriptor)
        return is_ours


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Keep all others from writing to a session folder within the block.

    Raises
    ------
    RecordingError
        If it is being recorded.
    """
    lock = SessionLock(folder)
    try:
        yield
    finally:
        lock.release()


def is_being_recorded(path: Path) -> bool:
    """Whether a program writes to a session at this moment; False for a single file."""
    try:
        may_write = os.access(path / NAME, os.W_OK)
        descriptor = os.open(path / NAME, os.O_RDWR if may_write else os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _try_lock(descriptor)
    finally:
        os.close(descriptor)


def being_recorded(folder: Path) -> RecordingError:
    """What one is told who wants to change a session that another program writes to."""
    return RecordingError(
        f"{folder.name} is being recorded; end that recording first, then try again.", path=str(folder)
    )


def _is_still_there(descriptor: int, path: Path) -> bool:
    """Whether the locked file still has its name: the one who had it before may just have removed it."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


def _try_lock(descriptor: int) -> bool:
    """Lock an open file until it is closed; False if another has it. True too where there are no locks."""
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
