"""The folders of a library: where a session belongs, which there are, and which one is meant.

<library>/people/<alias>/<YYYY>/<session id>/
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ankle_imu.durable import ASIDE
from ankle_imu.errors import RecordingError
from ankle_imu.manifest import FILE_NAME, check_alias, from_toml, new_session_id
from ankle_imu.values import SessionInfo

LAST: Final = "last"
"""The reference that means the session that began last."""


@dataclass(frozen=True, kw_only=True)
class SessionEntry:
    """One session of a library; `problem` says why its `session.toml` could not be read, "" when it could."""

    session_id: str
    alias: str
    path: Path
    info: SessionInfo
    problem: str = ""


def session_folder(root: str | Path, alias: str, started: datetime, *, session_id: str = "") -> Path:
    """Path of a new session; nothing is made.

    Parameters
    ----------
    root : str or Path of the library
    alias : str
    started : datetime with its zone
    session_id : str, a new one when empty

    Raises
    ------
    ValueError
        If `alias` or `session_id` cannot name a folder.
    """
    utc = started.astimezone(UTC)
    name = check_alias(session_id) if session_id else new_session_id(utc)
    return Path(root) / "people" / check_alias(alias) / f"{utc:%Y}" / name


def list_sessions(root: str | Path, alias: str | None = None) -> tuple[SessionEntry, ...]:
    """Sessions of a library, oldest first.

    Parameters
    ----------
    root : str or Path of the library; one that does not exist holds no sessions
    alias : str, only this person's

    Returns
    -------
    tuple of SessionEntry
        A session whose manifest is missing or spoilt is listed with its `problem`.
    """
    folders = Path(root).glob(f"people/{alias or '*'}/*/*/")
    return tuple(
        sorted(
            (_entry(f) for f in folders if f.is_dir() and not f.name.startswith(ASIDE)),
            key=lambda entry: (entry.info.started_utc or entry.session_id, entry.session_id),
        )
    )


def find_session(root: str | Path, ref: str | Path) -> Path:
    """Folder or file of the session that is meant.

    Parameters
    ----------
    root : str or Path of the library
    ref : `last`, the id of a session or an unambiguous beginning of it, or a path

    Returns
    -------
    Path

    Raises
    ------
    RecordingError
        If there is none, or several fit.
    """
    if str(ref) not in ("", LAST) and Path(ref).exists():
        return Path(ref)
    entries = list_sessions(root)
    if not entries:
        missing = "" if str(ref) in ("", LAST) else f"there is no file {ref}, and "
        sentence = f"{missing}the library at {root} holds no sessions yet."
        raise RecordingError(sentence[0].upper() + sentence[1:], path=str(root))
    if str(ref) == LAST:
        return entries[-1].path
    fitting = [e for e in entries if str(ref) and e.path.name.startswith(str(ref))]
    exact = [e for e in fitting if e.path.name == str(ref)]
    if len(exact or fitting) == 1:
        return (exact or fitting)[0].path
    problem = f"{len(fitting)} sessions begin with" if fitting else "There is no session"
    raise RecordingError(
        f"{problem} {str(ref)!r} in the library at {root}; `ankle-imu library list` shows them.", path=str(root)
    )


def _entry(folder: Path) -> SessionEntry:
    info, problem = SessionInfo(), ""
    try:
        info = from_toml((folder / FILE_NAME).read_text(encoding="utf-8"), str(folder / FILE_NAME))
    except FileNotFoundError:
        problem = f"{folder} has no {FILE_NAME}."
    except UnicodeDecodeError:
        problem = f"{folder / FILE_NAME} is no text."
    except OSError as error:
        problem = f"{folder / FILE_NAME} could not be read: {error.strerror or error}."
    except RecordingError as error:
        problem = str(error)
    return SessionEntry(
        session_id=folder.name, alias=folder.parent.parent.name, path=folder, info=info, problem=problem
    )
