"""`report` and `trend`: one walk, many walks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ankle_imu.cli import failures, sessions
from ankle_imu.cli.arguments import (
    AsJson,
    Library,
    Person,
    complete_sessions,
    library_root,
    reading_root,
    store_of,
)
from ankle_imu.cli.output import progress, say, show, show_json, show_pages
from ankle_imu.cli.trend_view import outlook_json, show_outlook
from ankle_imu.errors import QualityRefusal

if TYPE_CHECKING:
    import pandas as pd

    from ankle_imu.trends import Outlook, PastSession
    from ankle_imu.values import SessionResult


def report(
    ref: Annotated[
        str,
        Parameter(
            name="SESSION", help="Folder, id or `last`; with --verify also a page.", completer=complete_sessions
        ),
    ],
    /,
    *,
    out: Annotated[
        Path | None, Parameter(name=("-o", "--out"), help="File (.html, .pdf); else in the session.")
    ] = None,
    pdf: Annotated[
        bool, Parameter(name="--pdf", negative="", show_default=False, help="Print it to PDF as well.")
    ] = False,
    verify: Annotated[
        bool,
        Parameter(
            name="--verify", negative="", show_default=False, help="Check that the recording still gives the page."
        ),
    ] = False,
    open_page: Annotated[
        bool, Parameter(name="--open", negative="", show_default=False, help="Show it in the browser.")
    ] = False,
    library: Library = None,
    as_json: AsJson = False,
) -> int:
    """Write the page of one session, walk or practice.

    Prints its path. The session is analyzed first when it has no result, or has changed since.

    A PDF is printed by an installed Chromium, Chrome or Edge, without network; where there is none, matplotlib
    sets the same figures and tables. --verify makes the page again from the recording with the settings that the
    page names, and says item by item what holds; exit code 5 when something does not.
    """
    from ankle_imu.cli.practice_report import practice_report
    from ankle_imu.library import is_practice

    if verify:
        from ankle_imu.cli import verifying

        if pdf or open_page or (out and out.suffix.lower() == ".pdf"):
            raise failures.UsageError("--verify only reads a page (.html): it goes with neither --pdf nor --open.")
        if out and Path(ref).suffix.lower() in verifying.PAGES:
            raise failures.UsageError(f"Which page? Both {ref} and {out} were given; expected one of them.")
        return verifying.verify(ref, out, library_root(library), as_json)
    if not store_of(library) and is_practice(sessions.locate(library_root(library), ref)):
        return practice_report(ref, out=out, pdf=pdf, open_page=open_page, library=library, as_json=as_json)
    is_pdf_only = out is not None and out.suffix.lower() == ".pdf"
    if out and out.suffix.lower() not in ("", ".html", ".htm", ".pdf"):
        raise failures.UsageError(f"A report is written as .html or .pdf, found {out.name}.")
    _need_file(library, out)
    with progress("reading") as tell:
        path, result = sessions.open_result(library, ref, tell)
        tell("drawing", 0.8)
        target = out or (path / "report.html" if path.is_dir() else path.with_suffix(".html"))
        pages, printer = _write(result, path, target, pdf or is_pdf_only, not is_pdf_only)
    if as_json:
        from ankle_imu.report.verdict import judge

        verdict = judge(result)
        told = {"session": path, "verdict": {"lines": verdict.lines, "sure": verdict.sure}, "files": pages}
        show_json({**told, "printed_by": printer} if printer else told)
    else:
        show_pages(pages, printer)
    if open_page:
        import webbrowser

        webbrowser.open(pages[0].as_uri())
    return 0


def _write(result: SessionResult, path: Path, target: Path, is_pdf: bool, is_html: bool) -> tuple[list[Path], str]:
    """Write what is wanted; the paths, and what printed the PDF, "" without one."""
    from ankle_imu.report import write_report
    from ankle_imu.report.page import print_report
    from ankle_imu.reproduction import past_of, source_digests

    table, history = past_of(path)
    files = source_digests(path, (sensor.serial for sensor in result.session.sensors.values()))
    pages, printer = [], ""
    if is_html:
        pages.append(write_report(result, target, trend=table, history=history, files=files).absolute())
    if is_pdf:
        paper = target.with_suffix(".pdf")
        printer = print_report(result, paper, trend=table, history=history, files=files)
        pages.append(paper.absolute())
    return pages, printer


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

    _need_file(library, out)
    root = reading_root(library)
    alias = person or only_person(root)
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


def _need_file(library: str | None, out: Path | None) -> None:
    """Pages are not written into a store."""
    if store_of(library) and not out:
        raise failures.UsageError(f"{store_of(library)} is a store: name the file to write with -o.")


def only_person(root: Path) -> str:
    """The person of the library: the only one there is, else this user."""
    from ankle_imu.library import config_path, default_alias, select_rows

    people = sorted({alias for (alias,) in select_rows(root, ("alias",))})
    if len(people) == 1:
        return people[0]
    mine = default_alias() if people and config_path().exists() else ""
    if people and mine not in people:
        raise failures.UsageError(
            f"The library holds {len(people)} people; choose one with --person: {', '.join(people)}."
        )
    return mine


def _say_unanalyzed(root: Path, alias: str) -> None:
    from ankle_imu.library import Search, select_rows

    rows = select_rows(root, ("session_id", "result"), Search(person=alias))
    missing = [session for session, result in rows if not result]
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
