"""`library list`: which sessions there are, fast also where there are thousands."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from cyclopts import Parameter

from ankle_imu.cli import failures
from ankle_imu.cli.arguments import AsJson, Library, Person, reading_root
from ankle_imu.cli.output import say, show_columns, show_json_rows, show_table

if TYPE_CHECKING:
    from ankle_imu.library import SessionRow

_HEAD: Final = ("Session", "Person", "Sensors", "Ground", "Analyzed")

_FOLDED: Final = 200
"""Rows up to which the table is folded to the width of the terminal; ours: rich needs 0.5 ms for each."""


def list_(
    *,
    person: Person = "",
    since: Annotated[
        str, Parameter(name="--from", show_default=False, help="Not before: 2026, 2026-05 or 2026-05-02, in UTC.")
    ] = "",
    until: Annotated[
        str,
        Parameter(name="--to", show_default=False, help="Not after; the whole of that year, month or day counts."),
    ] = "",
    gait: Annotated[str, Parameter(show_default=False, help="Found in the result: walk, jog or run.")] = "",
    tag: Annotated[
        tuple[str, ...],
        Parameter(show_default=False, negative="", help="With this tag; several: with all of them."),
    ] = (),
    surface: Annotated[str, Parameter(show_default=False, help="Words of the noted ground.")] = "",
    kind: Annotated[str, Parameter(show_default=False, help="walk or practice.")] = "",
    text: Annotated[
        str, Parameter(show_default=False, help="Words anywhere in the note, tags, ground, shoes, brace or id.")
    ] = "",
    library: Library = None,
    as_json: AsJson = False,
) -> None:
    """List the sessions of the library, oldest first; with options, those that fit all of them."""
    from ankle_imu.library import Search, list_rows

    root = reading_root(library)
    with failures.user_input():
        search = Search(
            person=person, since=since, until=until, gait=gait, tags=tag, surface=surface, kind=kind, text=text
        )
    rows = list_rows(root, search)
    if as_json:
        show_json_rows({"library": root}, "sessions", (_entry(root, row) for row in rows))
    elif rows:
        table = show_table if len(rows) <= _FOLDED else show_columns
        table(_HEAD, [_cells(row) for row in rows])
        for row in rows:
            if row.problem:
                say(f"{row.session_id}: {row.problem}")
    elif search == Search(person=person):
        say(f"The library at {root} holds no sessions{f' of {person}' if person else ''} yet.")
    else:
        say(f"No session of the library at {root} fits.")


def _entry(root: Path, row: SessionRow) -> dict[str, Any]:
    folder = f"{root}/{row.folder}"
    return {
        "session": row.session_id,
        "alias": row.alias,
        "path": folder,
        "started_utc": row.started,
        "kind": row.kind,
        "sensors": row.sensors.split(),
        "surface": row.surface,
        "tags": row.tags.strip("\n").split("\n") if row.tags else [],
        "gaits": row.gaits.split(),
        "result": f"{folder}/derived/{row.result}" if row.result else None,
        "problem": row.problem,
    }


def _cells(row: SessionRow) -> tuple[str, ...]:
    if row.problem:
        return (row.session_id, row.alias, "cannot be read", "", "")
    return (row.session_id, row.alias, _worn(row.sensors), _what(row), "yes" if row.result else "no")


def _what(row: SessionRow) -> str:
    """The ground, and the kind where it is no walk."""
    return ", ".join(filter(None, ("" if row.kind == "walk" else row.kind, row.surface)))


@cache
def _worn(sensors: str) -> str:
    """`left foot+shank, right foot`, in their order."""
    placements = sensors.split()
    legs = dict.fromkeys(placement.split("_")[0] for placement in placements)
    return ", ".join(f"{leg} {'+'.join(p.split('_')[1] for p in placements if p.startswith(leg))}" for leg in legs)
