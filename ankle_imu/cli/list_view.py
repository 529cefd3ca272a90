"""What `library list` prints, fast also where there are thousands of sessions.

Rows go from the index to the terminal as tuples; each different list of sensors or tags is put into words once.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from ankle_imu.cli import failures
from ankle_imu.cli.output import person_names, say, show_columns, show_json_rows, show_table
from ankle_imu.cli.roots import reading_root, store_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ankle_imu.library import Search, SessionRow

_HEAD: Final = ("Session", "Person", "Kind", "Sensors", "Ground", "Analyzed")
_SHOWN: Final = ("session_id", "alias", "sensors", "kind", "surface", "result", "problem")

_BOTH: Final = {"foot": "feet", "shank": "shanks"}

_ANALYZED: Final = ("no", "yes")

_FOLDED: Final = 200
"""Rows up to which the table is folded to the width of the terminal; ours: rich needs 0.5 ms for each."""


def show_list(
    *,
    person: str = "",
    since: str = "",
    until: str = "",
    gait: str = "",
    tag: tuple[str, ...] = (),
    surface: str = "",
    kind: str = "",
    text: str = "",
    library: str | None = None,
    as_json: bool = False,
) -> None:
    """Print the sessions that fit; the arguments are those of `listing.list_`."""
    root = reading_root(library)
    search = None
    if any((person, since, until, gait, tag, surface, kind, text)):
        from ankle_imu.library import Search

        with failures.user_input():
            search = Search(
                person=person, since=since, until=until, gait=gait, tags=tag, surface=surface, kind=kind, text=text
            )
    if as_json:
        from ankle_imu.library import list_rows

        show_json_rows({"library": root}, "sessions", _json_lines(root, list_rows(root, search)))
    elif not _show_rows(root, search):
        where = f"library at {store_of(library) or root}"
        if any((since, until, gait, tag, surface, kind, text)):
            say(f"No session of the {where} fits.")
        else:
            say(f"The {where} holds no sessions{f' of {person}' if person else ''} yet.")


def _show_rows(root: Path, search: Search | None) -> bool:
    """Print the table; whether there was anything to print."""
    from ankle_imu.library import select_rows

    rows = select_rows(root, _SHOWN, search)
    if rows:
        names = person_names()
        table = show_table if len(rows) <= _FOLDED else show_columns
        table(
            _HEAD,
            [
                (session, names.get(alias, alias), "", "cannot be read", "", "")
                if problem
                else (
                    session,
                    names.get(alias, alias),
                    kind,
                    _worn(sensors),
                    surface,
                    "yes" if result else "no",
                )
                for session, alias, sensors, kind, surface, result, problem in rows
            ],
        )
        for session, *_, problem in rows:
            if problem:
                say(f"{session}: {problem}")
    return bool(rows)


def _json_lines(root: Path, rows: list[SessionRow]) -> Iterator[str]:
    """The objects of the sessions, a line each; as `json.dumps` would give them, in a third of the time."""
    import json
    from json.encoder import encode_basestring as quote

    listed = cache(lambda words: json.dumps(words.split(), ensure_ascii=False))
    tagged = cache(lambda words: json.dumps(words.strip("\n").split("\n") if words else [], ensure_ascii=False))
    base = quote(f"{root}/")[:-1]
    for session, alias, folder, started, kind, surface, sensors, tags, gaits, result, problem in rows:
        path = base + quote(folder)[1:]
        newest = f"{path[:-1]}/derived/{quote(result)[1:]}" if result else "null"
        yield (
            f'{{"session": {quote(session)}, "alias": {quote(alias)}, "path": {path}, '
            f'"started_utc": {quote(started)}, "kind": {quote(kind)}, "sensors": {listed(sensors)}, '
            f'"surface": {quote(surface)}, "tags": {tagged(tags)}, "gaits": {listed(gaits)}, '
            f'"result": {newest}, "problem": {quote(problem)}}}'
        )


@cache
def _worn(sensors: str) -> str:
    """`left foot+shank, right foot`, in their order; `feet+shanks` where both legs wear the same."""
    worn: dict[str, list[str]] = {}
    for placement in sensors.split():
        leg, segment = placement.split("_")
        worn.setdefault(leg, []).append(segment)
    first, *others = worn.values() or [[]]
    if others == [first]:
        return "+".join(_BOTH.get(segment, segment) for segment in first)
    return ", ".join(f"{leg} {'+'.join(segments)}" for leg, segments in worn.items())
