"""What the file system says of every session without opening one: enough to see that something changed.

Of a session two things are looked at: its `session.toml` (an edit moves the times or the size) and its `derived/`
(a result that comes, goes or is replaced is a renaming in that folder). Measured on ext4: 10,000 sessions take
0.05 s, all of it in the calls `stat`; the names alone take 0.004 s.
"""

from __future__ import annotations

import os
import time
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

PEOPLE: Final = "people"
UNFINISHED: Final = ".unfinished-"
"""`durable.ASIDE`, repeated because its module loads more than a listing needs."""

SETTLED_NS: Final = 2_000_000_000
"""Age of a time stamp from which a later change is sure to move it. FAT, the coarsest file system, counts in steps
of 2 s; within a step two edits of one length look alike."""

_UNSURE: Final = -1
_ABSENT: Final = -2
WIDTH: Final = 4
"""Numbers in a mark."""

_SIZE: Final = 2
"""Which of them is no time."""

Mark = tuple[int, int, int, int]
"""Modified, changed and size of `session.toml`, modified of `derived/`; times in ns."""


class YearMarks(NamedTuple):
    """The sessions in one folder `people/<alias>/<year>`: their names, and `WIDTH` numbers of each, end to end."""

    names: str
    numbers: bytes

    def by_name(self) -> dict[str, Mark]:
        """Mark of each session."""
        values = array("q", self.numbers)
        marks = zip(*(values[i::WIDTH] for i in range(WIDTH)), strict=True)
        return dict(zip(self.names.split("\n"), marks, strict=True)) if self.names else {}


def young_since() -> int:
    """Instant in ns from which on a time stamp is too young to be sure, as of now."""
    return time.time_ns() - SETTLED_NS


def read_marks(root: str | os.PathLike[str], young_ns: int) -> dict[str, YearMarks]:
    """Marks of all sessions of a library.

    Parameters
    ----------
    root : path of the library; one that does not exist holds no sessions
    young_ns : int, see `young_since`

    Returns
    -------
    dict of `people/<alias>/<year>` -> YearMarks
        A time stamp from `young_ns` on, which an edit might not move, is given as unsure.
    """
    base = os.fspath(root)
    return {year: _year_marks(f"{base}/{year}", young_ns) for year in years(base)}


def years(base: str) -> Iterator[str]:
    """`people/<alias>/<year>` of all people of a library, in order."""
    for alias in _folders(f"{base}/{PEOPLE}"):
        for year in _folders(f"{base}/{PEOPLE}/{alias}"):
            yield f"{PEOPLE}/{alias}/{year}"


def session_names(root: str | os.PathLike[str]) -> Iterator[tuple[str, str]]:
    """`people/<alias>/<year>` and name of every session folder, from the names alone."""
    base = os.fspath(root)
    for year in years(base):
        for name in _folders(f"{base}/{year}"):
            yield year, name


def is_sure(mark: Mark) -> bool:
    """Whether a stored mark would differ after any later change."""
    return _UNSURE not in mark


def join(marks: Iterable[tuple[str, Mark]]) -> YearMarks:
    """The marks of sessions as one `YearMarks`."""
    pairs = list(marks)
    numbers = array("q", (number for _, mark in pairs for number in mark))
    return YearMarks("\n".join(name for name, _ in pairs), numbers.tobytes())


def _year_marks(path: str, young: int) -> YearMarks:
    numbers: list[int] = []
    stat = os.stat
    with _beside(path) as (base, folder):
        names = _folders(path)
        for name in names:
            try:
                manifest = stat(f"{base}{name}/session.toml", dir_fd=folder)
                times = (manifest.st_mtime_ns, manifest.st_ctime_ns, manifest.st_size)
            except OSError:
                times = (_ABSENT, _ABSENT, _ABSENT)
            try:
                numbers += (*times, stat(f"{base}{name}/derived", dir_fd=folder).st_mtime_ns)
            except OSError:
                numbers += (*times, _ABSENT)
    if numbers and max(numbers) >= young:
        for i in (i for i, number in enumerate(numbers) if number >= young and i % WIDTH != _SIZE):
            numbers[i] = _UNSURE
    return YearMarks("\n".join(names), array("q", numbers).tobytes())


@contextmanager
def _beside(path: str) -> Iterator[tuple[str, int | None]]:
    """Start of the paths in a folder, and the open folder they are relative to, where the system has such paths.

    From an open folder the system walks two names instead of eight: 5 ms less for 10,000 sessions.
    """
    if os.stat not in os.supports_dir_fd:
        yield f"{path}/", None
        return
    folder = os.open(path, os.O_RDONLY)
    try:
        yield "", folder
    finally:
        os.close(folder)


def _folders(path: str) -> list[str]:
    """Names of the folders in a folder, in order; none where it cannot be read."""
    try:
        with os.scandir(path) as entries:
            return sorted(e.name for e in entries if e.is_dir() and not e.name.startswith(UNFINISHED))
    except OSError:
        return []
