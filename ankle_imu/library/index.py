"""`index.sqlite`: what the sessions of a library say, kept so that one query answers. A cache and nothing more.

The folders are the truth. Every question compares the marks of all sessions (`library.marks`) with those the index
was made from and first reads the sessions that differ, so the answer is that of the folders whoever changed them.
Where the index cannot be written, a copy in memory is brought in step instead; where it is missing, damaged or of
another version, it is made anew from the folders.

Every change is one transaction: a process killed at any instant leaves the content before or after it. There is no
write-ahead log, which needs memory that two computers on a network file system do not share. The file is never
replaced while it can be read: SQLite would play the journal of the old file into the new one.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from ankle_imu.library.marks import Mark, YearMarks, is_sure, join, read_marks, young_since

if TYPE_CHECKING:
    from ankle_imu.library.cards import Card

T = TypeVar("T")

FILE: Final = "index.sqlite"
VERSION: Final = 1
"""Of the tables; an index of another one is made anew."""

WAIT_S: Final = 5.0
"""How long another process may hold the index before a copy is used; ours: it is held while rows are written, not
while sessions are read, and 10,000 sessions are written in under 2 s."""

_ROUNDS: Final = 4
"""How often the index is brought in step again because something changed meanwhile."""

Done = Callable[[int, int], None]
"""Called with the number of sessions read and of those to read."""

_Known = dict[str, "tuple[Mark, Card]"]


class _Change(NamedTuple):
    """What differs in one folder of a year."""

    stored: Mapping[str, Mark]
    found: Mapping[str, Mark]
    names: tuple[str, ...]


def ask(root: str | os.PathLike[str], question: Callable[[sqlite3.Connection], T], done: Done | None = None) -> T:
    """Answer a question from the index of a library, in step with its folders.

    Parameters
    ----------
    root : path of the library; one that does not exist holds no sessions
    question : makes its queries on tables `sessions` (`folder`, the path in the library, and `cards.CARD_COLUMNS`)
        and `summary` (`folder` and `cards.SUMMARY_COLUMNS`), all of which see one state; may be called again
    done : told of progress where sessions have to be read

    Returns
    -------
    whatever the question gave
    """
    path, known = Path(root), _Known()
    for source in (_on_disk, _copied):
        with suppress(sqlite3.Error, OSError, ValueError), closing(source(path)) as connection:
            if _bring_in_step(connection, path, known, done):
                return question(connection)
    with closing(_anew(path, known, done)) as connection:
        if path.is_dir():
            with suppress(sqlite3.Error, OSError):
                _keep(connection, path, wait_s=0.1)
        return question(connection)


def reindex(root: str | os.PathLike[str], done: Done | None = None) -> tuple[int, int]:
    """Make the index anew from the folders.

    Parameters
    ----------
    root : path of the library
    done : told of progress

    Returns
    -------
    (int, int)
        Sessions, and those of them with a result.

    Raises
    ------
    StorageError
        If the index cannot be written.
    """
    from ankle_imu.durable import storage_error

    with closing(_anew(Path(root), _Known(), done)) as connection:
        counts = connection.execute("SELECT count(*), count(nullif(result, '')) FROM sessions").fetchone()
        try:
            _keep(connection, Path(root), WAIT_S)
        except (OSError, sqlite3.Error) as error:
            cause = error if isinstance(error, OSError) else OSError(str(error))
            raise storage_error(cause, Path(root) / FILE) from error
    return int(counts[0]), int(counts[1])


def _on_disk(root: Path) -> sqlite3.Connection:
    """The index as it lies in the library; `sqlite3.Error` where there is none that can be used."""
    address = f"{(root / FILE).absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(address, uri=True, timeout=WAIT_S, isolation_level=None)
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != VERSION:
            raise sqlite3.DatabaseError(f"The index has version {version}; expected {VERSION}.")
    except BaseException:
        connection.close()
        raise
    return connection


def _copied(root: Path) -> sqlite3.Connection:
    """A copy of the index in memory, for a library that cannot be written, or that another process holds."""
    with closing(_on_disk(root)) as disk, ExitStack() as undo:
        memory = undo.enter_context(closing(sqlite3.connect(":memory:", isolation_level=None)))
        disk.backup(memory)
        undo.pop_all()
    return memory


def _anew(root: Path, known: _Known, done: Done | None) -> sqlite3.Connection:
    """An index in memory, filled from the folders."""
    with ExitStack() as undo:
        memory = undo.enter_context(closing(sqlite3.connect(":memory:", isolation_level=None)))
        _make(memory, "main")
        _bring_in_step(memory, root, known, done)
        undo.pop_all()
    return memory


def _keep(memory: sqlite3.Connection, root: Path, wait_s: float) -> None:
    """Put an index from memory in the place of the one on disk, in one transaction; a file that is none goes."""
    path = root / FILE
    try:
        _copy_to(memory, path, wait_s)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        for spoilt in (path, Path(f"{path}-journal")):
            spoilt.unlink(missing_ok=True)
        _copy_to(memory, path, wait_s)


def _copy_to(memory: sqlite3.Connection, path: Path, wait_s: float) -> None:
    if memory.in_transaction:
        memory.execute("ROLLBACK")
    memory.execute(f"PRAGMA busy_timeout = {round(1000 * wait_s)}")
    memory.execute("ATTACH ? AS disk", (str(path),))
    try:
        memory.execute("PRAGMA disk.journal_mode = DELETE")
        memory.execute("BEGIN IMMEDIATE")
        _make(memory, "disk")
        for table in _TABLES:
            memory.execute(f"INSERT INTO disk.{table} SELECT * FROM main.{table}")
        memory.execute("COMMIT")
    finally:
        if memory.in_transaction:
            memory.execute("ROLLBACK")
        memory.execute("DETACH disk")


_TABLES: Final = ("years", "sessions", "summary")


def _make(connection: sqlite3.Connection, schema: str) -> None:
    """Make the tables, in place of those that are there."""
    from ankle_imu.library.cards import CARD_COLUMNS, SUMMARY_COLUMNS

    for table in _TABLES:
        connection.execute(f"DROP TABLE IF EXISTS {schema}.{table}")
    connection.execute(
        f"CREATE TABLE {schema}.years (year TEXT PRIMARY KEY, names TEXT, numbers BLOB, is_sure INT)"
    )
    connection.execute(f"CREATE TABLE {schema}.sessions (folder TEXT PRIMARY KEY, {', '.join(CARD_COLUMNS)})")
    connection.execute(f"CREATE INDEX {schema}.by_person ON sessions (alias, began)")
    connection.execute(f"CREATE TABLE {schema}.summary (folder TEXT, {', '.join(SUMMARY_COLUMNS)})")
    connection.execute(f"CREATE INDEX {schema}.by_session ON summary (folder)")
    connection.execute(f"PRAGMA {schema}.user_version = {VERSION}")


def _bring_in_step(connection: sqlite3.Connection, root: Path, known: _Known, done: Done | None) -> bool:
    """Read what changed since the index was made; gives True in a transaction in which nothing differs."""
    young = young_since()
    for _ in range(_ROUNDS):
        marks = read_marks(root, young)
        connection.execute("BEGIN")
        changes = _changes(connection, marks, known)
        if not changes:
            return True
        connection.execute("ROLLBACK")
        _read_cards(root, changes, known, done)
        connection.execute("BEGIN IMMEDIATE")
        for year, change in _changes(connection, marks, {}).items():
            _apply(connection, year, change, known)
        connection.execute("COMMIT")
    return False


def _changes(connection: sqlite3.Connection, marks: Mapping[str, YearMarks], known: _Known) -> dict[str, _Change]:
    """Year -> how it differs from what the index holds; a mark that is not sure does, unless read in this call."""
    rows = connection.execute("SELECT year, names, numbers, is_sure FROM years").fetchall()
    stored = {year: (YearMarks(names, numbers), sure) for year, names, numbers, sure in rows}
    changes = {}
    for year in {**stored, **marks}:
        before, sure = stored.get(year, (_NONE, True))
        now = marks.get(year, _NONE)
        if before == now and sure and year in stored:
            continue
        old, new = before.by_name(), now.by_name()
        names = tuple(n for n in {**old, **new} if not _is_same(old.get(n), new.get(n), known.get(f"{year}/{n}")))
        if names:
            changes[year] = _Change(old, new, names)
    return changes


_NONE: Final = YearMarks("", b"")


def _is_same(stored: Mark | None, found: Mark | None, known: tuple[Mark, Card] | None) -> bool:
    if stored is None or found is None or stored != found:
        return False
    return is_sure(found) or (known is not None and known[0] == found)


def _read_cards(root: Path, changes: Mapping[str, _Change], known: _Known, done: Done | None) -> None:
    """Read the sessions that differ into `known`."""
    from ankle_imu.library.cards import read_card

    todo = [(f"{year}/{n}", c.found[n]) for year, c in changes.items() for n in c.names if n in c.found]
    todo = [(folder, mark) for folder, mark in todo if folder not in known or known[folder][0] != mark]
    for i, (folder, mark) in enumerate(todo):
        known[folder] = (mark, read_card(root / folder))
        if done:
            done(i + 1, len(todo))


def _apply(connection: sqlite3.Connection, year: str, change: _Change, known: _Known) -> None:
    """Write what was read of the sessions of a year, and the marks it was read at."""
    marks = dict(change.stored)
    cards: list[tuple[str, Card]] = []
    for name in change.names:
        folder, found = f"{year}/{name}", change.found.get(name)
        if found is None:
            del marks[name]
        elif folder in known and known[folder][0] == found:
            marks[name] = found
            cards.append((folder, known[folder][1]))
        else:
            continue
        connection.execute("DELETE FROM sessions WHERE folder = ?", (folder,))
        connection.execute("DELETE FROM summary WHERE folder = ?", (folder,))
    _insert(connection, "sessions", [(folder, *card.values) for folder, card in cards])
    _insert(connection, "summary", [(folder, *row) for folder, card in cards for row in card.summary])
    if marks:
        names, numbers = join(sorted(marks.items()))
        row = (year, names, numbers, all(map(is_sure, marks.values())))
        connection.execute("INSERT OR REPLACE INTO years VALUES (?, ?, ?, ?)", row)
    else:
        connection.execute("DELETE FROM years WHERE year = ?", (year,))


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    rows = list(rows)
    if rows:
        places = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO {table} VALUES ({places})", rows)
