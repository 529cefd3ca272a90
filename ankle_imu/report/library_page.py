"""The home page of a library: its people with small pictures of their trend, their sessions, and links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ankle_imu.durable import write_whole
from ankle_imu.report import words
from ankle_imu.report.render import render
from ankle_imu.report.sparkline import sparkline

if TYPE_CHECKING:
    import os

NEWEST: Final = 20
"""Sessions of all people at the top of the page."""

ROWS: Final = 3000
"""Sessions on the page at most, below their people: 250 bytes each keep it under 1 MB."""

MOST, FEWEST = 100, 5
"""Sessions below one person."""

DRAWN: Final = 60
"""Sessions in a small picture: 160 pixels hold no more."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One session: id, start (UTC), what it was in words, its figures by leg, link to its page or ""."""

    session_id: str
    began: str
    about: str
    figures: Mapping[str, float]
    href: str = ""
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """One person: alias, sessions oldest first, what the figures are (metric and words), link to the trend."""

    alias: str
    lines: Sequence[Line]
    metric: str = ""
    about: str = ""
    href: str = ""


def shown_of(n_people: int) -> int:
    """How many sessions stand below each person."""
    return max(FEWEST, min(MOST, ROWS // max(1, n_people)))


def library_html(shelves: Sequence[Shelf]) -> str:
    """Make the home page as text.

    Parameters
    ----------
    shelves : the people; the one who walked last comes first on the page
    """
    people = sorted(shelves, key=lambda one: one.lines[-1].began if one.lines else "", reverse=True)
    everything = sorted(
        ((line, one.alias) for one in people for line in one.lines[-NEWEST:]),
        key=lambda pair: pair[0].began,
        reverse=True,
    )
    return render(
        "library.html.j2",
        people=[_part(one, shown_of(len(people))) for one in people],
        newest=[_row(line, alias) for line, alias in everything[:NEWEST]],
        n_sessions=sum(len(one.lines) for one in people),
    )


def write_library(shelves: Sequence[Shelf], path: str | os.PathLike[str]) -> Path:
    """Write the home page; parameters as of `library_html`; raises `StorageError` if it cannot be written."""
    return write_whole(Path(path), library_html(shelves).encode())


def _part(one: Shelf, shown: int) -> dict[str, Any]:
    unit = words.UNITS.get(one.metric, "")
    drawn = one.lines[-DRAWN:]
    legs = [leg for leg in ("left", "right") if any(leg in line.figures for line in drawn)]
    values = {leg: [line.figures.get(leg, float("nan")) for line in drawn] for leg in legs}
    what = words.METRIC.get(one.metric, one.metric)
    return {
        "alias": one.alias,
        "n": len(one.lines),
        "since": one.lines[0].began[:10] if one.lines else "",
        "last": one.lines[-1].began[:10] if one.lines else "",
        "figure": sparkline(values, unit, what),
        "caption": f"{what}{f', {unit}' if unit else ''}. {one.about}" if legs else "",
        "href": one.href,
        "rows": [_row(line, "", unit) for line in reversed(one.lines[-shown:])],
        "hidden": max(0, len(one.lines) - shown),
    }


def _row(line: Line, alias: str = "", unit: str = "deg") -> dict[str, str]:
    figures = " · ".join(f"{leg} {words.number(value, unit)}" for leg, value in line.figures.items())
    return {
        "began": line.began[:16].replace("T", " "),
        "session_id": line.session_id,
        "alias": alias,
        "about": line.problem or line.about or "–",
        "figures": figures or "–",
        "href": line.href,
    }
