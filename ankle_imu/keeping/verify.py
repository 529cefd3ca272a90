"""Is what was recorded still what was recorded: raw files against their sums, and traces of unfinished work."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ankle_imu import recording
from ankle_imu.durable import ASIDE, is_abandoned
from ankle_imu.errors import RecordingError, StorageError
from ankle_imu.recording.sums import SUMS, Read, raw_files, read_sums, sha256_of, write_sums

REMOVED: Final = f"{ASIDE}removed-"
"""Start of the name of what is being removed."""

SET_ASIDE: Final = "set-aside"
"""Folder of a library for what a backup held and could not be given its name."""


@dataclass(frozen=True, kw_only=True)
class SessionCheck:
    """What a check of one session found.

    `state` is `ok`; `no sums` when there were none to check against and they were made now; `empty` when nothing
    was recorded; `being recorded`, untouched; or `damaged`, when raw files are `changed` or `missing`, cannot be
    read, or a `problem` says what is wrong with `session.toml` or the sums themselves. `extra` files have no sum:
    someone put them there.
    """

    path: Path
    state: str
    files: int = 0
    bytes: int = 0
    changed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """Something that was never finished, or set aside: where, what it is, and how much."""

    path: Path
    what: str
    bytes: int


def check_session(folder: Path, read: Read | None = None) -> SessionCheck:
    """Check the raw files of a session against their sums; make the sums where there are none.

    Parameters
    ----------
    folder : Path of a session folder
    read : called with the number of bytes read since the last call

    Returns
    -------
    SessionCheck

    Raises
    ------
    StorageError
        If sums cannot be read or written.
    """
    if recording.is_being_recorded(folder):
        return SessionCheck(path=folder, state="being recorded")
    problems = [*_manifest_problem(folder)]
    files = raw_files(folder)
    size = sum(size_of(path) for path in files.values())
    had = read_sums(folder)
    if had is None:
        if files:
            write_sums(folder, read=read)
        state = "damaged" if problems else "no sums" if files else "empty"
        return SessionCheck(path=folder, state=state, files=len(files), bytes=size, problems=tuple(problems))
    sums, spoilt = had
    if spoilt:
        problems.append(f"raw/{SUMS} is damaged: {spoilt} of its lines cannot be read.")
    changed, unreadable = _changed(files, sums, read)
    missing = tuple(name for name in sums if name not in files)
    problems += unreadable
    return SessionCheck(
        path=folder,
        state="damaged" if changed or missing or problems else "ok",
        files=len(files),
        bytes=size,
        changed=tuple(changed),
        missing=missing,
        extra=tuple(name for name in files if name not in sums),
        problems=tuple(problems),
    )


def leftovers(root: Path) -> tuple[Leftover, ...]:
    """Traces of writing and removing that were cut short, and what a restore set aside.

    Parameters
    ----------
    root : Path of a library

    Returns
    -------
    tuple of Leftover
        What an import or a restore is writing at this moment is among them.
    """
    found = [Leftover(path=p, what=_what(p, root), bytes=tree_size(p)) for p in _aside(root)]
    kept = root / SET_ASIDE
    if kept.is_dir():
        whats = "from a backup that was damaged, or that differs from what the library has"
        found += [Leftover(path=p, what=whats, bytes=tree_size(p)) for p in sorted(kept.iterdir()) if tree_size(p)]
    return tuple(found)


def size_of(path: Path) -> int:
    """Bytes of a file; 0 when it is gone."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def tree_size(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    if not path.is_dir():
        return size_of(path)
    return sum(size_of(Path(parent, name)) for parent, _, names in os.walk(path) for name in names)


def _manifest_problem(folder: Path) -> Iterator[str]:
    try:
        recording.read_session_info(folder)
    except (RecordingError, StorageError) as error:
        yield str(error)


def _changed(files: dict[str, Path], sums: dict[str, str], read: Read | None) -> tuple[list[str], list[str]]:
    """Names of files that differ from their sum, and a sentence on each that cannot be read."""
    changed, problems = [], []
    for name, path in files.items():
        if name in sums:
            try:
                if sha256_of(path, read) != sums[name]:
                    changed.append(name)
            except StorageError as error:
                problems.append(str(error))
    return changed, problems


def _aside(root: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(root):
        aside = [name for name in (*folders, *names) if name.startswith(ASIDE)]
        yield from sorted(Path(parent, name) for name in aside)
        folders[:] = sorted(name for name in folders if name not in (*aside, SET_ASIDE))


def _what(path: Path, root: Path) -> str:
    if path.name.startswith(REMOVED):
        return "was being removed when that was interrupted; delete it to finish"
    is_session = path.is_dir() and any(path.glob("raw/part-*.mcap"))
    holds = ", holds recorded data" if is_session else ""
    now = "" if is_abandoned(path) else ", or is being written now"
    return f"was being written when that was interrupted{now}{holds}"
