"""`track attach`: where a watch or phone was during a session."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import App, Group, Parameter

from ankle_imu.cli import sessions
from ankle_imu.cli.arguments import AsJson, Library, Session, library_root
from ankle_imu.cli.output import progress, say, show, show_heading, show_json, show_table

_INCOMPLETE: Final = 5
_DAY_S: Final = 86_400.0


def build(group: Group, options: Group) -> App:
    """Give the sub-commands of `track`."""
    app = App(
        name="track",
        group=group,
        group_commands=Group("Commands"),
        group_parameters=options,
        help="Give a session the track of a watch or phone.",
        help_epilogue="Example:  ankle-imu track attach last walk.gpx",
    )
    app.command(attach, help_epilogue="Example:  ankle-imu track attach last walk.gpx")
    return app


def attach(
    ref: Session,
    file: Annotated[Path, Parameter(name="FILE", help="GPX or FIT file of a watch or phone.")],
    /,
    *,
    library: Library = None,
    as_json: AsJson = False,
) -> int:
    """Copy a GPX or FIT file into a session, and analyze the session with it.

    Tells what was understood: points, distance, ascent, how the two clocks differ, how much of the walk it covers.
    The clocks are compared by pace and turns; where these say nothing, they are trusted, and that is said.
    A track that is cut off, has no times or is of another walk is used as far as it goes (exit code 5).
    """
    from ankle_imu.session_io import attach_track

    path = sessions.locate(library_root(library), ref)
    with progress("reading the track") as tell:
        track, copy, before = attach_track(path, file.expanduser())
        result, saved = sessions.analyze_and_save(path, tell)
    told = result.quality["track"]
    files = [copy, *([before] if before else []), *([saved] if saved else [])]
    if as_json:
        show_json({"session": path.name, "path": path, "track": told, "files": files})
    else:
        _show(path.name, told)
        for written in files:
            show(written)
        for sentence in told["told"]:
            say(sentence)
        if before:
            say(f"The track that was there before is kept as {before.name}; attach it again to go back.")
    is_of_use = bool(told["coverage"] > 0.0 or result.strides.empty)
    return 0 if is_of_use and not track.is_damaged and track.is_timed.any() else _INCOMPLETE


def _show(session: str, told: Mapping[str, Any]) -> None:
    from ankle_imu.report import words

    show_heading(f"{session}  {told['source']}")
    is_timed = told["timed_points"] > 0
    points = f"{told['points']:,}"
    if told["timed_points"] < told["points"]:
        points += f", {told['timed_points']:,} with a time"
    rows = [("points", points)]
    if is_timed:
        rows.append(("time", f"{words.span(told['end_s'] - told['start_s'])}, {_start(told['start_s'])}"))
    rows.append(("distance", f"{told['distance_m'] / 1000.0:.2f} km"))
    if told["ascent_m"] == told["ascent_m"]:
        climb = f"climbs of more than {told['least_climb_m']:.0f} m"
        rows.append(("up, down", f"{told['ascent_m']:.0f} m, {told['descent_m']:.0f} m ({climb})"))
    if is_timed:
        rows.append(("clock", _clock(told)))
        rows.append(("coverage", f"{words.percent(told['coverage'], 1.0)} of the strides"))
    show_table(("", ""), [list(row) for row in rows])


def _start(start_s: float) -> str:
    from ankle_imu.report import words

    side = "after" if start_s > 0.0 else "before"
    if abs(start_s) > 2 * _DAY_S:
        return f"from {abs(start_s) / _DAY_S:,.0f} days {side} the session"
    return f"from {words.span(abs(start_s))} {side} the start of the session"


def _clock(told: Mapping[str, Any]) -> str:
    if told["offset_source"] == "clocks":
        return "trusted, offset not found"
    side = "ahead of" if told["offset_s"] >= 0.0 else "behind"
    return f"{abs(told['offset_s']):.1f} s {side} the session's (±{told['offset_doubt_s']:.1f} s)"
