"""`report` and `trend`: one walk, many walks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ankle_imu.cli import failures, sessions
from ankle_imu.cli.arguments import AsJson, Library, Person, library_root
from ankle_imu.cli.output import progress, say, show, show_json
from ankle_imu.cli.trend_view import outlook_json, show_outlook
from ankle_imu.errors import AnkleImuError, QualityRefusal

if TYPE_CHECKING:
    import pandas as pd

    from ankle_imu.trends import Outlook, PastSession


def report(
    ref: Annotated[str, Parameter(name="SESSION", help="Folder, id or `last`.")],
    /,
    *,
    out: Annotated[Path | None, Parameter(name=("-o", "--out"), help="HTML file; else in the session.")] = None,
    open_page: Annotated[
        bool, Parameter(name="--open", negative="", show_default=False, help="Show it in the browser.")
    ] = False,
    library: Library = None,
    as_json: AsJson = False,
) -> None:
    """Write the page of one session.

    Prints its path. The session is analyzed first when it has no result, or has changed since.
    """
    from ankle_imu.report import write_report
    from ankle_imu.report.verdict import judge

    if out and out.suffix.lower() not in ("", ".html", ".htm"):
        raise failures.UsageError(f"A report is written as .html, found {out.name}; print it from the browser.")
    path = sessions.locate(library_root(library), ref)
    with progress("reading") as tell:
        result = sessions.result_of(path, tell)
        tell("drawing", 0.8)
        target = out or (path / "report.html" if path.is_dir() else path.with_suffix(".html"))
        table, history = _past_of(path)
        page = write_report(result, target, trend=table, history=history).absolute()
    if as_json:
        verdict = judge(result)
        show_json({"session": path, "verdict": {"lines": verdict.lines, "sure": verdict.sure}, "files": [page]})
    else:
        show(page)
    if open_page:
        import webbrowser

        webbrowser.open(page.as_uri())


def trend(
    *,
    person: Person = "",
    metric: Annotated[
        str,
        Parameter(
            name="--metric",
            show_default=False,
            help="Column of the stride table, a measure of steadiness, or `index`; else range in stance.",
        ),
    ] = "",
    out: Annotated[
        Path | None,
        Parameter(name=("-o", "--out"), help="Picture (.png, .svg) or page (.html); else a page in the library."),
    ] = None,
    library: Library = None,
    as_json: AsJson = False,
) -> None:
    """Show how one figure changed over the sessions of a person.

    Each analyzed session has its figure on ground like that of the first five, with a 95 % interval, and as it was
    walked. Nothing is compared across a change of sensor, mount site, shoe or firmware. `--metric index` shows
    the session stability index: how steady a session was against your usual, with its five bars.

    Sessions of different gaits, sensor sets and mount sites are never mixed.
    """
    from ankle_imu.library import load_history, load_trend
    from ankle_imu.report.trend_page import check_ending, write_outlook

    root = library_root(library)
    alias = person or _only_person(root)
    with failures.user_input():
        table = load_trend(root, alias or None)
        if out:
            check_ending(out)
    _say_unanalyzed(root, alias)
    with failures.user_input():
        outlook = _look(table, load_history(root, alias) if alias else (), metric)
    target = out or root / "people" / alias / f"trend_{outlook.metric}.html"
    with failures.user_input():
        page = write_outlook(outlook, target).absolute()
    if as_json:
        show_json({**outlook_json(outlook, alias), "files": [page]})
        return
    show_outlook(outlook, alias)
    show(page)


def _past_of(path: Path) -> tuple[pd.DataFrame | None, tuple[PastSession, ...]]:
    """Trend table and sessions of the person whose session it is; nothing outside of a library."""
    from ankle_imu.library import load_history, load_trend

    root = sessions.library_of(path)
    if root is None:
        return None, ()
    alias = path.parents[1].name
    try:
        return load_trend(root, alias), load_history(root, alias)
    except AnkleImuError:
        return None, ()


def _only_person(root: Path) -> str:
    """The person of the library: the only one there is, else this user."""
    from ankle_imu.library import config_path, default_alias, list_sessions

    people = sorted({entry.alias for entry in list_sessions(root)})
    if len(people) == 1:
        return people[0]
    mine = default_alias() if people and config_path().exists() else ""
    if people and mine not in people:
        raise failures.UsageError(
            f"The library holds {len(people)} people; choose one with --person: {', '.join(people)}."
        )
    return mine


def _say_unanalyzed(root: Path, alias: str) -> None:
    from ankle_imu.library import find_result, list_sessions

    missing = [e.session_id for e in list_sessions(root, alias or None) if find_result(e.path) is None]
    if missing:
        shown = " ".join(missing[:3]) + (" ..." if len(missing) > 3 else "")
        say(f"Left out, not analyzed yet: ankle-imu analyze {shown}")


def _look(table: pd.DataFrame, history: tuple[PastSession, ...], metric: str) -> Outlook:
    """The metric asked for; else the first of the usual ones that has enough sessions."""
    from ankle_imu.report.trend_page import DEFAULT_METRICS
    from ankle_imu.trends import look

    first, *others = [metric] if metric else DEFAULT_METRICS
    try:
        return look(table, history, first)
    except QualityRefusal:
        for other in others:
            try:
                return look(table, history, other)
            except QualityRefusal:
                continue
        raise
