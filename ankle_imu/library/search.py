"""Which sessions fit, from the index: rows to list, entries with all of `session.toml`, and rows of summaries."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ankle_imu.library.index import ask

if TYPE_CHECKING:
    import pandas as pd

    from ankle_imu.library.cards import SessionEntry

_DATE: Final = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01])(T([01]\d|2[0-3])(:?[0-5]\d)?)?)?)?")
_ORDER: Final = "ORDER BY began, session_id"


@dataclass(frozen=True, kw_only=True)
class Search:
    """What a session must be to be found; where a word is empty, any.

    person, kind : as noted. since, until : start in UTC, as far as it is given (`2026`, `2026-05`, `2026-05-02`,
    `2026-05-02T08`), both included. gait : found in the result. tags : all of them, whole words. surface : in the
    noted surface. text : in anything a person wrote, or the id. Capitals make no difference in the last three.
    """

    person: str = ""
    since: str = ""
    until: str = ""
    gait: str = ""
    tags: tuple[str, ...] = ()
    surface: str = ""
    kind: str = ""
    text: str = ""

    def __post_init__(self) -> None:
        for date in (self.since, self.until):
            if date and not _DATE.fullmatch(date):
                raise ValueError(f"{date!r} is no date; expected for example 2026, 2026-05 or 2026-05-02.")

    def where(self) -> tuple[str, list[str]]:
        """Condition of the query, and its values."""
        since, until = (_with_colon(date) for date in (self.since, self.until))
        conditions = [
            ("alias = ?", self.person),
            ("began >= ?", since),
            (f"substr(began, 1, {len(until)}) <= ?", until),
            ("instr(gaits, ?)", self.gait and f"\n{self.gait}\n"),
            *(("instr(fold(tags), ?)", f"\n{tag.casefold()}\n") for tag in self.tags),
            ("instr(fold(surface), ?)", self.surface.casefold()),
            ("kind = ?", self.kind),
            ("instr(words, ?)", self.text.casefold()),
        ]
        used = [(condition, value) for condition, value in conditions if value]
        return " AND ".join(c for c, _ in used) or "1", [value for _, value in used]


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
    rows = ask(root, lambda index: _select(index, ", ".join(SessionRow._fields), search or Search()))
    return [SessionRow._make(row) for row in rows]


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
            root, lambda index: _select(index, columns, search or Search())
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
    where, values = (search or Search()).where()

    def question(index: sqlite3.Connection) -> tuple[list[Any], list[Any]]:
        damage = _select(index, "damage", search or Search(), "damage != ''")
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


def _select(index: sqlite3.Connection, columns: str, search: Search, also: str = "1") -> list[Any]:
    where, values = search.where()
    if search.surface or search.tags:
        index.create_function("fold", 1, str.casefold, deterministic=True)
    return index.execute(f"SELECT {columns} FROM sessions WHERE {where} AND {also} {_ORDER}", values).fetchall()


def _with_colon(date: str) -> str:
    """`2026-05-02T0810` as `2026-05-02T08:10`."""
    return re.sub(r"(T\d\d)(\d\d)$", r"\1:\2", date)
