"""A session to another person or another library: whole at one place or whole at the other."""

from __future__ import annotations

import errno
import hashlib
import shutil
from contextlib import suppress
from pathlib import Path

from ankle_imu.durable import aside_of, storage_error, sync_folder, whole_folder
from ankle_imu.errors import CorruptRecording, RecordingError
from ankle_imu.keeping.removal import not_recorded
from ankle_imu.library.derived import FOLDER as DERIVED
from ankle_imu.library.derived import PAGES
from ankle_imu.library.marks import PEOPLE
from ankle_imu.library.tags import noted, set_value, with_value
from ankle_imu.manifest import FILE_NAME, check_alias, quoted
from ankle_imu.recording.lock import NAME as LOCK


def move_session(session_folder: str | Path, *, alias: str = "", library: str | Path | None = None) -> Path:
    """Move a session of a library.

    Parameters
    ----------
    session_folder : str or Path, `<library>/people/<alias>/<year>/<session id>`
    alias : str, of the person it goes to; the same person when empty
    library : str or Path of the library it goes to; the same one when None

    Returns
    -------
    Path
        Where the session is now.

    Raises
    ------
    ValueError
        If `alias` cannot name a folder.
    RecordingError
        If the folder lies in no library, is being recorded, or one of that id is there already and not the same in
        all that cannot be made again.
    CorruptRecording
        If `session.toml` cannot be understood, or a copy differs from what it was made from.
    StorageError
        If the disk refuses; the session is then still where it was.

    Notes
    -----
    Within a file system the folder is renamed. To another one it is copied aside, compared by SHA-256, brought to
    the disk and renamed; only then the original goes. Killed in between, the session is whole at both places, and
    the same call once more finishes. Pages that were made before still show the alias of then.
    """
    source = Path(session_folder).resolve()
    root = _library_of(source)
    person = check_alias(alias) if alias else source.parents[1].name
    target = (Path(library).resolve() if library else root) / PEOPLE / person / source.parent.name / source.name
    if target == source:
        return source
    there = [target] if target.is_dir() else []
    with not_recorded([source, *there]):
        if target.exists():
            _finish(source, target, person)
        else:
            _move(source, target, person)
    for folder in (source, target):
        (folder / LOCK).unlink(missing_ok=True)  # held until now, it went along
    _remove_empty(source.parent)
    return target


def _finish(source: Path, target: Path, person: str) -> None:
    """Remove the session that a copy was made of before, where it has nothing that the copy lacks."""
    if _kept(source, person) != _kept(target, person):
        raise RecordingError(
            f"Another session, or one with other notes, answers or another track, is at {target} already; "
            "nothing was moved.",
            path=str(target),
        )
    _note_alias(target, person)
    _remove(source)


def _move(source: Path, target: Path, person: str) -> None:
    before = noted(source).alias
    try:
        _note_alias(source, person)
        target.parent.mkdir(parents=True, exist_ok=True)
        _rename_or_copy(source, target)
    except BaseException as error:
        _note_alias(source, before)
        if isinstance(error, OSError):
            raise storage_error(error, target) from error
        raise


def _rename_or_copy(source: Path, target: Path) -> None:
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with whole_folder(target) as aside:
            shutil.copytree(source, aside, dirs_exist_ok=True, symlinks=True)
            if _hashes(source) != _hashes(aside):
                raise CorruptRecording(
                    f"The copy of {source} for {target} differs from it, so it was not kept; move it once more.",
                    path=str(target),
                ) from error
        _remove(source)
    else:
        sync_folder(target.parent)
        sync_folder(source.parent)


def _library_of(session: Path) -> Path:
    parents = session.parents
    if len(parents) < 4 or parents[2].name != PEOPLE or not session.is_dir():
        raise RecordingError(
            f"{session} is no session of a library; expected <library>/{PEOPLE}/<alias>/<year>/<session id>.",
            path=str(session),
        )
    return parents[3]


def _note_alias(session: Path, alias: str) -> None:
    """Write the person into `session.toml` where another one is noted."""
    if (session / FILE_NAME).exists() and noted(session).alias != alias:
        set_value(session, "alias", quoted(alias))


def _kept(session: Path, alias: str) -> dict[str, str]:
    """SHA-256 of all files that cannot be made again, `session.toml` as it is with `alias` noted."""
    found = {n: h for n, h in _hashes(session).items() if not n.startswith(f"{DERIVED}/") and n not in PAGES}
    if FILE_NAME in found:
        text = (session / FILE_NAME).read_bytes().decode("utf-8", "surrogateescape")
        noted_as = with_value(text, "alias", quoted(alias)).encode("utf-8", "surrogateescape")
        found[FILE_NAME] = hashlib.sha256(noted_as).hexdigest()
    return found


def _hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, but the one that keeps writers out, by its path there."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path != folder / LOCK:
            with path.open("rb") as file:
                found[path.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _remove(session: Path) -> None:
    """Take a session away so that no half of it is ever listed."""
    aside = aside_of(session, "removed")
    session.rename(aside)
    sync_folder(session.parent)
    shutil.rmtree(aside)


def _remove_empty(year: Path) -> None:
    """Remove the folders of a year and of a person that hold nothing any more."""
    with suppress(OSError):
        year.rmdir()
        year.parent.rmdir()
