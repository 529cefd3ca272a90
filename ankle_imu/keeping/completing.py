"""A session of a backup that the library has already: what it lacks comes back, what differs stays as it is."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ankle_imu import recording
from ankle_imu.durable import sync_file, sync_folder, sync_tree
from ankle_imu.errors import StorageError
from ankle_imu.library.derived import FOLDER as DERIVED
from ankle_imu.library.derived import PAGES
from ankle_imu.recording.sums import SUMS, read_sums, sha256_of, write_sums
from ankle_imu.terrain import FILE_NAMES

_TRACKS: Final = tuple(FILE_NAMES.values())
_SUMS: Final = f"raw/{SUMS}"


@dataclass(frozen=True, kw_only=True)
class Completed:
    """Files by their path in the session: `brought` back (the folder of a result as one), and `differing`."""

    brought: tuple[str, ...]
    differing: tuple[str, ...]


def is_other_recording(folder: Path, found: Mapping[str, str]) -> bool:
    """Whether a session has a raw file of the same name as one of these, and another content."""
    raw = {n: digest for n, digest in found.items() if n.startswith("raw/") and n != _SUMS}
    return any(os.path.lexists(folder / n) and not _is_same(folder / n, digest) for n, digest in raw.items())


def complete_session(folder: Path, aside: Path, found: Mapping[str, str], *, has_all_positions: bool) -> Completed:
    """Bring back what a session of a library lacks; nothing is overwritten.

    Parameters
    ----------
    folder : Path of the session; none of its raw files is another than in the backup
    aside : Path of the folder that holds the backup's files
    found : file of the backup, by its path in the session -> SHA-256
    has_all_positions : nothing of the backup was trimmed; if something was, its track is only taken where there is
        none at all, and its results are not

    Returns
    -------
    Completed
        Those that differ are left in `aside`. What can be made again (results, pages, sums) is not compared.

    Raises
    ------
    RecordingError
        If the session is being recorded.
    OSError, StorageError
        If the disk refuses.
    """
    with recording.sole_writer(folder):
        has_track = any((folder / name).exists() for name in _TRACKS)
        brought, differing = [], []
        for name, digest in _units(found):
            target = folder / name
            if _is_blocked(target, folder):
                differing += [name] if digest else []
            elif os.path.lexists(target):
                is_compared = digest and (has_all_positions or name not in _TRACKS)
                differing += [name] if is_compared and not _is_same(target, digest) else []
            elif (has_all_positions or digest) and not (has_track and name in _TRACKS):
                _bring(aside / name, target)
                brought.append(name)
        _complete_sums(folder, found)
    return Completed(brought=tuple(brought), differing=tuple(differing))


def keep_only(aside: Path, names: tuple[str, ...]) -> None:
    """Remove all other files from a folder."""
    for parent, _, files in os.walk(aside, topdown=False):
        for file in files:
            path = Path(parent, file)
            if path.relative_to(aside).as_posix() not in names:
                path.unlink()
        if Path(parent) != aside and not any(Path(parent).iterdir()):
            Path(parent).rmdir()


def _units(found: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What comes as one: files, and folders of results; "" instead of a sum where nothing is compared."""
    results = {}
    for name, digest in found.items():
        parts = name.split("/")
        if parts[0] == DERIVED:
            results["/".join(parts[:2])] = ""
        else:
            yield name, "" if name in PAGES or name == _SUMS else digest
    yield from results.items()


def _is_same(path: Path, digest: str) -> bool:
    try:
        return sha256_of(path) == digest
    except StorageError:
        return False


def _is_blocked(target: Path, folder: Path) -> bool:
    """Whether a file stands where a folder on the way to `target` would have to be."""
    return any(p.exists() and not p.is_dir() for p in target.parents if p.is_relative_to(folder))


def _bring(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    (sync_tree if path.is_dir() else sync_file)(path)
    path.rename(target)
    sync_folder(target.parent)


def _complete_sums(folder: Path, found: Mapping[str, str]) -> None:
    """Make the sums of raw files that were brought back, now or by a call that was killed."""
    had = read_sums(folder) if (folder / "raw").is_dir() else None
    raw = {name.removeprefix("raw/") for name in found if name.startswith("raw/") and name != _SUMS}
    if had is not None and raw - set(had[0]):
        write_sums(folder)
