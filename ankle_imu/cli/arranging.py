"""`library tag`, `library move` and `library reindex`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ankle_imu.cli import failures, sessions
from ankle_imu.cli.arguments import AsJson, Library, Person, Session, library_root
from ankle_imu.cli.output import progress, say, show, show_json


def tag(
    ref: Session,
    words: Annotated[
        tuple[str, ...], Parameter(name="TAG", help="Tags to add; without any, those it has are shown.")
    ] = (),
    /,
    *,
    remove: Annotated[
        tuple[str, ...], Parameter(name="--remove", negative="", show_default=False, help="Tag to take away.")
    ] = (),
    library: Library = None,
    as_json: AsJson = False,
) -> None:
    """Add tags to a session, or take them away.

    Only the line of the tags in `session.toml` is written anew; comments stay.
    """
    from ankle_imu.library import change_tags

    path = sessions.locate(library_root(library), ref)
    with failures.user_input():
        tags = change_tags(path, words, remove)
    if as_json:
        show_json({"session": path.name, "tags": tags, "files": [path / "session.toml"]})
    elif tags:
        show("\n".join(tags))
    else:
        say(f"{path.name} has no tags.")


def move(
    ref: Session,
    /,
    *,
    person: Person = "",
    to: Annotated[Path | None, Parameter(help="Folder of the other library.")] = None,
    library: Library = None,
    as_json: AsJson = False,
) -> None:
    """Move a session to another person, another library, or both.

    One that is being recorded is not moved. Another library may lie on another disk: the copy is compared with the
    original before that goes.
    """
    from ankle_imu.keeping import move_session

    path = sessions.locate(library_root(library), ref)
    if not person and to is None:
        raise failures.UsageError("Where to? Expected --person ALIAS, --to LIBRARY, or both.")
    with failures.user_input():
        moved = move_session(path, alias=person, library=to.expanduser() if to else None)
    if as_json:
        show_json({"session": moved.name, "from": path, "files": [moved]})
        return
    if person and (moved / "report.html").exists():
        say(f"Its page still names the person from before: ankle-imu report {moved}")
    show(moved)


def reindex(*, library: Library = None, as_json: AsJson = False) -> None:
    """Make the index of the library anew from its folders.

    Never needed: each command looks for what changed. It helps where a file of a result was changed by hand.
    """
    from ankle_imu.library import reindex as remake

    root = library_root(library)
    with progress("reading the sessions") as tell:
        sessions_found, analyzed = remake(root, lambda done, of: tell(f"{done} of {of} sessions", done / of))
    path = root / "index.sqlite"
    if as_json:
        show_json({"library": root, "sessions": sessions_found, "analyzed": analyzed, "files": [path]})
        return
    say(f"{sessions_found} sessions, {analyzed} of them analyzed.")
    show(path)
