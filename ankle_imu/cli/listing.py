"""`library list`: its options."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from ankle_imu.cli.arguments import AsJson, Library, Person
from ankle_imu.cli.list_view import show_list


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
    gait: Annotated[
        Literal["walk", "jog", "run"] | None, Parameter(show_default=False, help="Found in the result.")
    ] = None,
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
    show_list(
        person=person,
        since=since,
        until=until,
        gait=gait or "",
        tag=tag,
        surface=surface,
        kind=kind,
        text=text,
        library=library,
        as_json=as_json,
    )
