"""`compare`: two walks of one person at like ground."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from ankle_imu.cli import failures, sessions
from ankle_imu.cli.arguments import AsJson, Library, complete_sessions, library_root
from ankle_imu.cli.output import Tell, person_names, progress, show, show_heading, show_json, show_table
from ankle_imu.errors import AnkleImuError

if TYPE_CHECKING:
    from ankle_imu.comparison import Comparison, Difference, SessionStrides


def compare(
    first: Annotated[
        str,
        Parameter(
            name="SESSION", help="Folder, id or `last`: the walk to compare with.", completer=complete_sessions
        ),
    ],
    second: Annotated[str, Parameter(name="SESSION", help="The other walk.", completer=complete_sessions)],
    /,
    *,
    out: Annotated[
        Path | None, Parameter(name=("-o", "--out"), help="Write a page (.html) or picture (.png, .svg) too.")
    ] = None,
    library: Library = None,
    as_json: AsJson = False,
) -> None:
    """Say what differs between two walks at like ground.

    Each figure is given at the ground of the first walk, with a 95 % interval.
    Other walks of the same person help to tell what the ground does.
    Legs, gaits, sensor sets and mount sites are never mixed.
    """
    from ankle_imu.comparison import compare as compare_sessions
    from ankle_imu.report.compare_page import describe_comparison, write_comparison
    from ankle_imu.trends import DETECTABLE_CHANGE

    root = library_root(library)
    paths = [sessions.locate(root, ref) for ref in (first, second)]
    with progress("reading") as tell:
        before, after = (_strides_of(path, tell) for path in paths)
        others = _others(paths)
    with failures.user_input():
        _check_one_person(paths)
        found = compare_sessions(before, after, others, DETECTABLE_CHANGE)
        files = [write_comparison(found, out).absolute()] if out else []
    sentences = describe_comparison(found)
    if as_json:
        show_json(_as_json(found, sentences, files))
        return
    _show(found, sentences, _person(paths[0]))
    for file in files:
        show(file)


def _strides_of(path: Path, tell: Tell) -> SessionStrides:
    """The strides of a session; analyzed first when it has no result, or was edited since."""
    from dataclasses import replace

    from ankle_imu.comparison import SessionStrides

    sessions.refuse_practice(path, "walks are compared here (`ankle-imu practice trend` shows many)")
    taken = SessionStrides.from_result(sessions.result_of(path, tell))
    return replace(taken, session_id=taken.session_id or path.name)


def _others(paths: list[Path]) -> list[SessionStrides]:
    """Every analyzed session of the same person, where both lie in one library."""
    from ankle_imu.comparison import SessionStrides
    from ankle_imu.library import list_sessions, load_result

    roots = {sessions.library_of(path) for path in paths}
    root = next(iter(roots))
    if len(roots) > 1 or root is None:
        return []
    found = []
    for entry in list_sessions(root, paths[0].parents[1].name):
        if entry.path.resolve() not in paths and entry.result is not None:
            try:
                found.append(SessionStrides.from_result(load_result(entry.path)))
            except AnkleImuError:
                continue
    return found


def _check_one_person(paths: list[Path]) -> None:
    people = {path.parents[1].name for path in paths if sessions.library_of(path) is not None}
    if len(people) > 1:
        raise ValueError(f"The two sessions are of {' and '.join(sorted(people))}; compare walks of one person.")


def _person(path: Path) -> str:
    """Who walked, as the terminal calls them; "" for a recording outside of a library."""
    if sessions.library_of(path) is None:
        return ""
    alias = path.parents[1].name
    return person_names().get(alias, alias)


def _show(found: Comparison, sentences: list[str], person: str) -> None:
    from ankle_imu.report.compare_page import HEAD, rows_of

    show_heading(f"{found.before.session_id}  ->  {found.after.session_id}" + (f"  {person}" if person else ""))
    show_table(HEAD, rows_of(found), right=("First", "Second", "Change"))
    for line in sentences:
        show(line)


def _as_json(found: Comparison, sentences: list[str], files: list[Path]) -> dict[str, Any]:
    return {
        "before": found.before.session_id,
        "after": found.after.session_id,
        "sessions_used": found.n_sessions,
        "differences": [_difference(one) for one in found.differences],
        "sentences": sentences,
        "left_out": found.left_out,
        "cautions": found.cautions,
        "files": files,
    }


def _difference(one: Difference) -> dict[str, Any]:
    ends = ("value", "low", "high")
    names = ("measure", "unit", "leg", "gait", "angle_source", "delta", *ends[1:], "limit", "overlap", "method")
    return {
        **{name: getattr(one, name) for name in names},
        "verdict": one.verdict,
        "before": dict(zip(ends, one.before, strict=True)),
        "after": dict(zip(ends, one.after, strict=True)),
    }
