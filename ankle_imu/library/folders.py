"""The folders of a library: where a session belongs, which there are, and which one is meant.

<library>/people/<alias>/<YYYY>/<session id>/
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ankle_imu.errors import RecordingError
from ankle_imu.library.cards import SessionEntry
from ankle_imu.library.marks import session_names
from ankle_imu.library.search import list_rows, search_sessions
from ankle_imu.library.wish import Search
from ankle_imu.manifest import check_alias, new_session_id

LAST: Final = "last"
"""The reference that means the session that began last."""


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
    return search_sessions(root, Search(person=alias or ""))


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

    Notes
    -----
    An id is looked for among the names of the folders, which takes less than opening the index.
    """
    if str(ref) not in ("", LAST) and Path(ref).exists():
        return Path(ref)
    if str(ref) == LAST:
        rows = list_rows(root)
        if rows:
            return Path(root) / rows[-1].folder
    names = list(session_names(root))
    if not names:
        missing = "" if str(ref) in ("", LAST) else f"there is no file {ref}, and "
        sentence = f"{missing}the library at {root} holds no sessions yet."
        raise RecordingError(sentence[0].upper() + sentence[1:], path=str(root))
    fitting = [Path(root) / year / name for year, name in names if str(ref) and name.startswith(str(ref))]
    exact = [path for path in fitting if path.name == str(ref)]
    if len(exact or fitting) == 1:
        return (exact or fitting)[0]
    problem = f"{len(fitting)} sessions begin with" if fitting else "There is no session"
    raise RecordingError(
        f"{problem} {str(ref)!r} in the library at {root}; `ankle-imu library list` shows them.", path=str(root)
    )
