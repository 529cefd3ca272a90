"""What is stored where, and what it tells about people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ankle_imu.durable import ASIDE
from ankle_imu.errors import AnkleImuError
from ankle_imu.keeping.verify import leftovers, size_of, tree_size
from ankle_imu.library.cards import SessionEntry
from ankle_imu.library.config import config_path
from ankle_imu.library.derived import FOLDER as DERIVED
from ankle_imu.library.derived import PAGES
from ankle_imu.library.folders import list_sessions
from ankle_imu.library.index import FILE as INDEX
from ankle_imu.library.names import load_names, names_path, open_to_others
from ankle_imu.library.remote import mirrors
from ankle_imu.library.reviews import FILE as REVIEWS
from ankle_imu.library.sensors import load_sensors
from ankle_imu.terrain import FILE_NAMES

_TEXTS: Final = ("note", "surface", "footwear", "brace", "consent")


@dataclass(frozen=True, kw_only=True)
class Stored:
    """One kind of thing that is stored: how many files or folders, bytes, what they reveal, and what to do."""

    what: str
    where: tuple[Path, ...]
    count: int
    bytes: int
    reveals: str
    advice: str = ""


def inventory(root: Path) -> tuple[Stored, ...]:
    """List what a library and the settings of this user hold; nothing is changed, and no content is shown.

    Parameters
    ----------
    root : Path of the library; it need not exist

    Returns
    -------
    tuple of Stored
        Only kinds of which there is something.
    """
    entries = list_sessions(root)
    every = (*_of_sessions(root, entries), *_of_library(root), *_of_user())
    return tuple(stored for stored in every if stored.count)


def _of_sessions(root: Path, entries: Sequence[SessionEntry]) -> Iterator[Stored]:
    folders = [entry.path for entry in entries]
    people = sorted({entry.alias for entry in entries})
    yield Stored(
        what="people",
        where=tuple(root / "people" / alias for alias in people),
        count=len(people),
        bytes=0,
        reveals=f"{len(entries)} sessions with day and time, under {_aliases(people)}",
    )
    raw = [folder / "raw" for folder in folders]
    yield Stored(
        what="raw recordings",
        where=(root / "people",),
        count=sum(path.is_dir() for path in raw),
        bytes=sum(map(tree_size, raw)),
        reveals="how someone moves, step by step: a gait can be recognised like a voice, and pace and turns tell "
        "roughly the way that was walked. Files of other makers kept there may hold positions",
    )
    yield _files(
        "tracks",
        [p for f in folders for n in FILE_NAMES.values() for p in (f / n, f / f"{n}.old")],
        "where someone walked and when; a walk from the door shows where someone lives",
        "`ankle-imu library backup --positions trim` makes a copy to give away with both ends cut, `none` one "
        "without any positions",
    )
    results = [folder / DERIVED for folder in folders]
    yield Stored(
        what="results",
        where=(root / "people",),
        count=sum(path.is_dir() for path in results),
        bytes=sum(map(tree_size, results)),
        reveals="strides, angles and ankle rolls; with a track also the place of every stride",
        advice="`ankle-imu library rm SESSION --results` removes them; they can be calculated again",
    )
    yield _files(
        "reports",
        [p for f in folders for n in PAGES for p in (f / n,)],
        "a whole walk to whoever opens the page; ones saved elsewhere are not seen here",
    )
    noted = [e for e in entries if any(getattr(e.info, name, "") for name in _TEXTS) or e.info.tags]
    yield _files(
        "notes and free text",
        [e.path / "session.toml" for e in noted] + [f / REVIEWS for f in folders] + [*_person_files(root)],
        "what was typed: notes, shoes, brace, leg that was hurt, answers about rolls; they may name anybody",
    )


def _of_library(root: Path) -> Iterator[Stored]:
    try:
        sensors = len(load_sensors(root))
    except AnkleImuError:
        sensors = 0
    paths = [p for p in (root / "sensors").rglob("*") if p.is_file()]
    yield Stored(
        what="sensors",
        where=(root / "sensors",),
        count=len(paths),
        bytes=sum(map(size_of, paths)),
        reveals=f"serial numbers and Bluetooth addresses of {sensors} sensors; who hears these addresses on the "
        "way knows whose they are. Serial numbers stand in session.toml, too",
    )
    index = [p for p in root.glob(f"{INDEX}*") if p.is_file()]
    yield _files("index", index, "the list of sessions once more, as a cache; it may be deleted at any time")
    pages = [*root.glob("*.html"), *root.glob("people/*/trend_*")]
    yield _files(
        "pages of many sessions",
        sorted(pages),
        "who was here, when, and how the figures went; they keep it after a session is removed",
        "`ankle-imu library page` and `trend` make them anew; delete those that nobody needs",
    )
    left = leftovers(root)
    yield Stored(
        what="leftovers",
        where=tuple(item.path for item in left),
        count=len(left),
        bytes=sum(item.bytes for item in left),
        reveals="parts of sessions; `ankle-imu library verify` says what each is",
        advice="delete those that nobody needs",
    )
    if root.is_dir():
        mode = open_to_others(root)
        yield Stored(
            what="the library folder",
            where=(root,),
            count=1,
            bytes=0,
            reveals=f"others on this computer may look into it (permissions {mode})"
            if mode
            else "only its owner may look into it, as far as permissions tell",
            advice=f"chmod 700 '{root}'" if mode else "",
        )


def _of_user() -> Iterator[Stored]:
    config = config_path()
    yield _files("settings", [config], "the alias of whoever records here")
    yield _files(
        "secret of places",
        [config.with_name("places.key")],
        "with a trimmed track, more exactly where it began",
        _closed(config.with_name("places.key")),
    )
    copies = mirrors()
    yield Stored(
        what="copies of stores",
        where=copies,
        count=len(copies),
        bytes=sum(map(tree_size, copies)),
        reveals="of libraries in object stores all but recordings and angles: sessions, notes, tracks, results",
        advice="delete them when you are done; they are fetched again when needed",
    )
    path = names_path()
    try:
        names = f"who is behind {len(load_names())} of the aliases"
    except AnkleImuError:
        names = "who is behind the aliases; it cannot be read"
    yield _files("names", [path], names, _closed(path))


def _files(what: str, paths: Sequence[Path], reveals: str, advice: str = "") -> Stored:
    there = [path for path in paths if path.is_file() and not path.name.startswith(ASIDE)]
    return Stored(
        what=what,
        where=tuple(there),
        count=len(there),
        bytes=sum(map(size_of, there)),
        reveals=reveals,
        advice=advice,
    )


def _person_files(root: Path) -> Iterator[Path]:
    yield from sorted(root.glob("people/*/person.toml"))


def _closed(path: Path) -> str:
    mode = open_to_others(path)
    return f"others may read it (permissions {mode}): chmod 600 '{path}'" if mode else ""


def _aliases(people: Sequence[str]) -> str:
    plain = [alias for alias in people if not alias.startswith("P-")]
    s = "es" if len(people) != 1 else ""
    if plain:
        return f"{len(people)} alias{s}, of which {len(plain)} none of our pseudonyms (P-...)"
    return f"{len(people)} pseudonym{s[-1:]}"
