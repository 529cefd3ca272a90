"""Which sessions fit, from the index: rows to list, entries with all of `session.toml`, and rows of summaries."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ankle_imu.library.index import ask

if TYPE_CHECKING:
    import sqlite3

    import pandas as pd

    from ankle_imu.library.cards import SessionEntry
    from ankle_imu.library.wish import Search

_ORDER: Final = "ORDER BY began, session_id"


class SessionRow(NamedTuple):
    """What a list shows of a session.

    `folder` is the path in the library; `sensors`, `tags` and `gaits` have a line each; `result` is the digest
    of the result written last, "" where there is none.
    """

    session_id: str
    alias: str
    folder: str
    started: str
    kind: str
    surface: str
    sensors: str
    tags: str
    gaits: str
    result: str
    problem: str


def list_rows(root: str | Path, search: Search | None = None) -> list[SessionRow]:
    """Sessions that fit, oldest first, without loading what reads a whole `session.toml`.

    Parameters
    ----------
    root : str or Path of the library
    search : Search, all sessions when None

    Returns
    -------
    list of SessionRow
    """
    return [SessionRow._make(row) for row in select_rows(root, SessionRow._fields, search)]


def select_rows(root: str | Path, columns: Iterable[str], search: Search | None = None) -> list[tuple[str, ...]]:
    """Some columns of the sessions that fit, oldest first.

    Parameters
    ----------
    root : str or Path of the library
    columns : names of fields of `SessionRow`
    search : Search, all sessions when None

    Returns
    -------
    list of tuple of str
    """
    names = ", ".join(columns)
    return ask(root, lambda index: _select(index, names, search))


def search_sessions(root: str | Path, search: Search | None = None) -> tuple[SessionEntry, ...]:
    """Sessions that fit, oldest first.

    Parameters
    ----------
    root : str or Path of the library; one that does not exist holds no sessions
    search : Search, all sessions when None

    Returns
    -------
    tuple of SessionEntry
        A session whose manifest is missing or spoilt is listed with its `problem`.
    """
    from ankle_imu.library.cards import SessionEntry, info_from_json

    columns = "session_id, alias, folder, info, problem, result, gaits"
    base = Path(root)
    return tuple(
        SessionEntry(
            session_id=session_id,
            alias=alias,
            path=(path := base / folder),
            info=info_from_json(info),
            problem=problem,
            result=path / "derived" / result if result else None,
            gaits=tuple(gaits.split()),
        )
        for session_id, alias, folder, info, problem, result, gaits in ask(
            root, lambda index: _select(index, columns, search)
        )
    )


def load_summaries(root: str | Path, search: Search | None = None) -> pd.DataFrame:
    """Summary rows of the sessions that fit, oldest first: one row per session, leg, gait class and angle source.

    Parameters
    ----------
    root : str or Path of the library
    search : Search, all sessions when None

    Returns
    -------
    table `tables.TREND`; empty where no session that fits was analysed

    Raises
    ------
    CorruptRecording
        If the summary of a session that fits is damaged.
    """
    from ankle_imu import tables
    from ankle_imu.errors import CorruptRecording

    names = [{"start_utc": "started"}.get(name, name) for name in tables.TREND.names]
    where, values = search.where() if search else ("1", [])

    def question(index: sqlite3.Connection) -> tuple[list[Any], list[Any]]:
        damage = _select(index, "damage", search, "damage != ''")
        rows = index.execute(
            f"SELECT {', '.join(names)} FROM sessions JOIN summary USING (folder) WHERE {where} "
            f"{_ORDER}, summary.rowid",
            values,
        )
        return damage, rows.fetchall()

    damage, rows = ask(root, question)
    if damage:
        raise CorruptRecording(damage[0][0])
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    return tables.make_table(tables.TREND, dict(zip(tables.TREND.names, columns, strict=True)))


def _select(index: sqlite3.Connection, columns: str, search: Search | None, also: str = "1") -> list[Any]:
    where, values = search.where() if search else ("1", [])
    if search and (search.surface or search.tags):
        index.create_function("fold", 1, str.casefold, deterministic=True)
    return index.execute(f"SELECT {columns} FROM sessions WHERE {where} AND {also} {_ORDER}", values).fetchall()
