"""Remove sessions, people or results: renamed aside first, so that a kill leaves all of it or a named leftover."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ankle_imu import recording
from ankle_imu.durable import ASIDE, aside_of, storage_error, sync_folder
from ankle_imu.errors import AnkleImuError, RecordingError
from ankle_imu.keeping.verify import size_of, tree_size
from ankle_imu.library.derived import FOLDER as DERIVED
from ankle_imu.library.derived import PAGES, PRACTICE, find_result, load_result
from ankle_imu.library.folders import list_sessions
from ankle_imu.library.person import FILE as PERSON
from ankle_imu.manifest import FILE_NAME, is_alias
from ankle_imu.recording.lock import NAME as LOCK
from ankle_imu.recording.sums import raw_files
from ankle_imu.terrain import FILE_NAMES

_PAGES_OF_PERSON: Final = ("trend_", "practice_")
_ENDINGS: Final = (".html", ".png", ".svg")
_LITTER: Final = (".DS_Store", "Thumbs.db", "desktop.ini", ".directory")
"""What file managers leave in every folder that is looked at."""


@dataclass(frozen=True, kw_only=True)
class Doomed:
    """What goes with a session: how long it was, s (NaN when unknown), bytes of raw files, track and results."""

    path: Path
    duration_s: float
    raw_bytes: int
    result_bytes: int
    has_track: bool
    results: int


def doomed(folder: Path) -> Doomed:
    """Look at a session that is to be removed; nothing is changed.

    Parameters
    ----------
    folder : Path of a session folder of a library

    Raises
    ------
    RecordingError
        If it is no session of a library: what is not ours is not removed.
    """
    library_of(folder)
    results = [p for p in (folder / DERIVED).glob("*/") if p.is_dir()]
    return Doomed(
        path=folder,
        duration_s=_duration(folder),
        raw_bytes=sum(size_of(p) for p in raw_files(folder).values()),
        result_bytes=sum(tree_size(p) for p in _results(folder)),
        has_track=any((folder / name).exists() for name in FILE_NAMES.values()),
        results=len(results),
    )


def library_of(folder: Path) -> Path:
    """Library that a session folder lies in; raises `RecordingError` where it lies in none, or is no session."""
    parents = folder.parents
    if len(parents) < 4 or parents[2].name != "people" or not _is_session(folder):
        raise RecordingError(
            f"{folder} is no session of a library; only those are removed here. Delete it yourself.",
            path=str(folder),
        )
    return parents[3]


def _is_session(folder: Path) -> bool:
    """Whether a folder holds what a session does, or nothing: others have folders named `people`, too."""
    if not folder.is_dir():
        return False
    is_ours = any(
        any(folder.glob(one))
        for one in (FILE_NAME, "raw/part-*.mcap", f"{DERIVED}/*/result.json", f"{DERIVED}/*/{PRACTICE}")
    )
    return is_ours or all(path.name == LOCK for path in folder.iterdir())


def remove_session(folder: Path) -> None:
    """Remove a session with its raw files.

    Parameters
    ----------
    folder : Path of a session folder of a library

    Raises
    ------
    RecordingError
        If it is no session of a library, or is being recorded; then nothing is changed.
    StorageError
        If the disk refuses; then the session is whole, or what is left of it has a name that `leftovers` finds.
    """
    library_of(folder)
    with not_recorded([folder]):
        aside = _rename(folder, folder.parent)
    _delete(aside)
    with suppress(OSError):
        folder.parent.rmdir()  # the year, when it was its last session


def remove_person(root: Path, alias: str) -> None:
    """Remove a person: all sessions, `person.toml` and pages of trends.

    Parameters
    ----------
    root : Path of the library
    alias : str

    Raises
    ------
    RecordingError
        If there is no such person, one of the folders is no session, files of others lie there, or one of the
        sessions is being recorded; then nothing is changed.
    StorageError
        If the disk refuses, as for `remove_session`.
    """
    sessions = sessions_of_person(root, alias)
    folder = root / "people" / alias
    with not_recorded(sessions):
        aside = _rename(folder, root)  # not under people/, where it would look like a person
    _delete(aside)


def sessions_of_person(root: Path, alias: str) -> list[Path]:
    """Sessions of a person who can be removed; raises `RecordingError` as `remove_person` where not."""
    folder = root / "people" / alias
    if not is_alias(alias) or not folder.is_dir():
        raise RecordingError(f"There is no person {alias!r} in the library at {root}.", path=str(root))
    sessions = [entry.path for entry in list_sessions(root, alias)]
    others = [path.relative_to(folder).as_posix() for path in _files_of_others(folder, sessions)]
    if others:
        more = f" and {len(others) - 5} more" if len(others) > 5 else ""
        raise RecordingError(
            f"In {folder} lies what is not ours: {', '.join(others[:5])}{more}. Nothing was removed; move it "
            "elsewhere, or delete it, then try again.",
            path=str(folder),
        )
    for session in sessions:
        library_of(session)
    return sessions


def _files_of_others(folder: Path, sessions: Iterable[Path]) -> Iterator[Path]:
    """Files and links in the folder of a person, in no session, that neither we nor a file manager put there."""
    own = set(sessions)
    for parent, folders, names in os.walk(folder):
        here = Path(parent)
        links = [name for name in folders if (here / name).is_symlink()]
        folders[:] = [n for n in folders if here / n not in own and n not in links and not n.startswith(ASIDE)]
        yield from (here / name for name in (*links, *names) if not _is_of_person(here, name, folder))


def _is_of_person(here: Path, name: str, folder: Path) -> bool:
    is_page = name.startswith(_PAGES_OF_PERSON) and name.endswith(_ENDINGS)
    is_own = here == folder and (name == PERSON or is_page)
    return is_own or name in _LITTER or name.startswith((ASIDE, "._"))


def remove_results(folder: Path) -> int:
    """Remove what was calculated from a session; raw files, track, answers and `session.toml` stay.

    Returns
    -------
    int
        Bytes that were freed.

    Raises
    ------
    RecordingError, StorageError
        As `remove_session`.
    """
    library_of(folder)
    with recording.sole_writer(folder):
        found = [*_results(folder)]
        freed = sum(tree_size(path) for path in found)
        asides = [_rename(path, folder) for path in found]
    for aside in asides:
        _delete(aside)
    return freed


def _results(folder: Path) -> Iterator[Path]:
    yield from (path for name in (DERIVED, *PAGES) if (path := folder / name).exists())


def _duration(folder: Path) -> float:
    """Length of a session, s: of its result, else of what its parts hold; NaN where neither tells."""
    with suppress(AnkleImuError):
        if find_result(folder):
            return load_result(folder).duration_s
        log = recording.read_log(recording.part_paths(folder))
        return max((packet[0] for stream in log.streams for packet in stream.packets[-1:]), default=float("nan"))
    return float("nan")


@contextmanager
def not_recorded(folders: Iterable[Path]) -> Iterator[None]:
    """Refuse where one of the sessions is being recorded, and keep writers out within the block.

    Not on Windows, which renames no folder with an open file in it: there it is looked at the moment before.
    """
    with ExitStack() as locks:
        for folder in folders:
            if recording.is_being_recorded(folder):
                raise recording.being_recorded(folder)
            if os.name != "nt":
                locks.enter_context(recording.sole_writer(folder))
        yield


def _rename(path: Path, beside: Path) -> Path:
    """Take a name away: the one instant at which something is removed."""
    aside = aside_of(beside / path.name, "removed")
    try:
        path.rename(aside)
        sync_folder(path.parent)
    except OSError as error:
        raise storage_error(error, path) from error
    return aside


def _delete(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError as error:
        raise storage_error(error, path) from error
