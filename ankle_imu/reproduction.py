"""Is a page still true? Makes it again from the recording and says item by item what holds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ankle_imu import tables
from ankle_imu.errors import AnkleImuError
from ankle_imu.library import load_history, load_trend
from ankle_imu.library.sources import calibration_sources, file_sources
from ankle_imu.mobility import PracticeResult, PracticeSettings
from ankle_imu.report import imprint as making
from ankle_imu.report.page import report_html
from ankle_imu.report.practice_page import practice_html
from ankle_imu.session_io import open_session

if TYPE_CHECKING:
    import pandas as pd

    from ankle_imu.report.imprint import Imprint
    from ankle_imu.trends import PastSession
    from ankle_imu.values import SessionResult


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing that was checked: what, whether it `holds` (None: could not be checked), what was found."""

    name: str
    holds: bool | None
    found: str


def source_digests(session: Path, serials: Iterable[str]) -> dict[str, str]:
    """SHA-256 of everything that the analysis of a session reads, by name; of `session.toml` without the notes.

    Parameters
    ----------
    session : Path of a session folder or of a single file
    serials : iterable of str, the sensors of the session: their calibrations count too
    """
    if session.is_dir():
        sources = {**file_sources(session), **calibration_sources(session, serials)}
        return {name: one.digest() for name, one in sources.items()}
    with session.open("rb") as file:
        return {session.name: hashlib.file_digest(file, "sha256").hexdigest()}


def past_of(session: Path) -> tuple[pd.DataFrame | None, tuple[PastSession, ...]]:
    """Trend table and sessions of the person whose session it is; nothing outside of a library."""
    above = session.parents
    if len(above) < 4 or above[2].name != "people":
        return None, ()
    try:
        return load_trend(above[3], above[0].parent.name), load_history(above[3], above[0].parent.name)
    except (AnkleImuError, ValueError):
        return None, ()


def check_page(
    page: str,
    session: Path | None,
    *,
    path: str = "the page",
    progress: Callable[[str, float], None] | None = None,
) -> tuple[Item, ...]:
    """Check a page of one session against the recording it was made from.

    Parameters
    ----------
    page : str, the HTML text
    session : Path of the session that the page names; None when it could not be found
    path : str, names the page in errors
    progress : called with the stage and the share of the work that is done

    Returns
    -------
    tuple of Item
        The page itself, versions, each file, notes, each table, each figure, the text. Versions never fail: where
        only they differ, the page was made again with others; what another version of this package says cannot be
        compared word by word. Nor do notes: the page is compared with one that shows them as they were then, and
        which of them were edited since is told.

    Raises
    ------
    RecordingError
        If the page says nothing of its making.
    """
    made = making.read_imprint(page, path)
    is_whole = making.is_unchanged(page)
    found = [
        Item(
            name="page", holds=is_whole, found="as it was written" if is_whole else "changed since it was written"
        ),
        _versions(made),
    ]
    if session is None:
        return (*found, Item(name="session", holds=None, found=f"{made.session} is not in this library"))
    found += _files(made, source_digests(session, _serials(session)))
    try:
        result = _analyzed(made, session, progress)
    except AnkleImuError as error:
        return (*found, Item(name="tables", holds=None, found=f"not made again: {error}"))
    found += _notes(made, result)
    result = replace(result, session=replace(result.session, **made.noted))
    found += _compare("table", made.tables, making.table_digests(result))
    return (*found, *_drawn_again(page, made, result, session))


def _analyzed(
    made: Imprint, session: Path, progress: Callable[[str, float], None] | None
) -> SessionResult | PracticeResult:
    """The result of the session as the page says that it was analyzed."""
    from ankle_imu.analysis import analyze
    from ankle_imu.analysis.practice import analyze_practice

    if isinstance(made.settings, PracticeSettings):
        return analyze_practice(open_session(session), settings=made.settings)
    return analyze(open_session(session), settings=made.settings, progress=progress)


def _serials(session: Path) -> list[str]:
    """Serial numbers of the sensors that the session names; none where it cannot be read."""
    from ankle_imu.recording import read_session_info

    try:
        return [sensor.serial for sensor in read_session_info(session).sensors.values()]
    except AnkleImuError:
        return []


def _versions(made: Imprint) -> Item:
    now = making.versions()
    pairs = {name: (then, now.get(name, "none")) for name, then in made.versions.items()}
    other = [f"{name} {then} then, {today} now" for name, (then, today) in pairs.items() if then != today]
    return Item(name="versions", holds=True, found="; ".join(other) or "the same")


def _files(made: Imprint, now: Mapping[str, str]) -> list[Item]:
    if not made.files:
        return [
            Item(name="files", holds=None, found="the page names none: it was not made from a session on disk")
        ]
    items = _compare("file", made.files, now)
    new = [name for name in now if name not in made.files]
    return items + [Item(name=f"file {name}", holds=False, found="new since the page was made") for name in new]


def _notes(made: Imprint, result: SessionResult | PracticeResult) -> list[Item]:
    if not made.noted:
        return []
    edited = [name for name, then in made.noted.items() if getattr(result.session, name) != then]
    names = ", ".join(edited).replace("_", " ")
    return [Item(name="notes", holds=True, found=f"edited since then: {names}" if edited else "the same")]


def _compare(kind: str, then: Mapping[str, str], now: Mapping[str, str]) -> list[Item]:
    items = []
    for name, digest in then.items():
        is_same = now.get(name) == digest
        word = "the same" if is_same else "differs" if name in now else "missing"
        items.append(Item(name=f"{kind} {name}", holds=is_same, found=word))
    return items


def _drawn_again(page: str, made: Imprint, result: SessionResult | PracticeResult, session: Path) -> list[Item]:
    """Figures and text made again, those of the trend from the sessions that there were then."""
    if isinstance(result, PracticeResult):
        return _compared(page, practice_html(result, files=made.files, versions=made.versions), made, result)
    trend, history = past_of(session)
    items = []
    if trend is not None:
        trend = trend[trend["session_id"].isin(made.past)].reset_index(drop=True)
        history = tuple(one for one in history if one.session_id in made.past)
    if made.past:
        is_same = trend is not None and making.table_digest(trend, tables.TREND) == made.past_digest
        items.append(
            Item(name="past sessions", holds=is_same, found="the same" if is_same else "other results than then")
        )
    again = report_html(result, trend=trend, history=history, files=made.files, versions=made.versions)
    return items + _compared(page, again, made, result)


def _compared(page: str, again: str, made: Imprint, result: SessionResult | PracticeResult) -> list[Item]:
    """Each figure, and the text, against the page that was made again."""
    items = _compare("figure", made.figures, making.read_imprint(again).figures)
    return [*items, _text(page, again, made.versions.get("ankle_imu", "none"), result.version)]


def _text(page: str, again: str, then: str, now: str) -> Item:
    """Whether all that the page says is said again; another version may word it otherwise."""
    if page == again or then == now:
        return Item(name="text of the page", holds=page == again, found="the same" if page == again else "differs")
    return Item(name="text of the page", holds=None, found=f"not comparable: ankle_imu {then} then, {now} now")
