"""`practice report`, which `report` hands sessions of practice to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ankle_imu.cli import failures, sessions
from ankle_imu.cli.arguments import AsJson, Library, Session
from ankle_imu.cli.output import progress, show_json, show_pages

if TYPE_CHECKING:
    from ankle_imu.mobility import PracticeResult


def practice_report(
    ref: Session,
    /,
    *,
    out: Annotated[
        Path | None, Parameter(name=("-o", "--out"), help="File (.html, .pdf); else in the session.")
    ] = None,
    pdf: Annotated[
        bool, Parameter(name="--pdf", negative="", show_default=False, help="Print it to PDF as well.")
    ] = False,
    open_page: Annotated[
        bool, Parameter(name="--open", negative="", show_default=False, help="Show it in the browser.")
    ] = False,
    library: Library = None,
    as_json: AsJson = False,
) -> int:
    """Write the page of one session of practice.

    Prints its path. Ranges by itself and with help, their gap with what can be told apart, holds with time under
    tension, lift-off, lunge, balance, and what moved along; published values are context. `ankle-imu report`
    does the same.
    """
    if out and out.suffix.lower() not in ("", ".html", ".htm", ".pdf"):
        raise failures.UsageError(f"A report is written as .html or .pdf, found {out.name}.")
    with progress("reading") as tell:
        path = sessions.locate_practice(library, ref)
        result = sessions.practice_of(path)
        tell("drawing", 0.6)
        pages, printer = write_pages(result, out or path / "report.html", pdf)
    if as_json:
        from ankle_imu import batch

        show_json({**batch.describe_practice(path, result), "files": pages, "printed_by": printer or None})
    else:
        show_pages(pages, printer)
    if open_page:
        import webbrowser

        webbrowser.open(pages[0].as_uri())
    return 0


def write_pages(result: PracticeResult, target: Path, pdf: bool) -> tuple[list[Path], str]:
    """Write what is wanted; the paths, and what printed the PDF, "" without one."""
    from ankle_imu.report.practice_page import print_practice, write_practice

    is_pdf_only = target.suffix.lower() == ".pdf"
    pages = [] if is_pdf_only else [write_practice(result, target).absolute()]
    printer = ""
    if pdf or is_pdf_only:
        paper = target.with_suffix(".pdf")
        printer = print_practice(result, paper)
        pages.append(paper.absolute())
    return pages, printer
