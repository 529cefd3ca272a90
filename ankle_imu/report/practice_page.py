"""PracticeResult -> one HTML file of the family of the walk's page, or the same on paper."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ankle_imu import tables
from ankle_imu.durable import write_whole
from ankle_imu.report import practice_figures, practice_tables
from ankle_imu.report.imprint import imprint_of, sealed
from ankle_imu.report.ledger import making_grid
from ankle_imu.report.paper import write_paper
from ankle_imu.report.practice_words import judge_practice
from ankle_imu.report.printing import print_page
from ankle_imu.report.render import Picture, picture, pictures, render

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from ankle_imu.mobility import PracticeResult

_TEMPLATE = "practice.html.j2"


def practice_html(
    result: PracticeResult,
    *,
    files: Mapping[str, str] | None = None,
    versions: Mapping[str, str] | None = None,
) -> str:
    """Make the page of one practice session as text; the same result gives the same text.

    `files` as of `write_practice`; `versions` are those that the page names, today's when None.
    """
    return sealed(render(_TEMPLATE, **_values(result, files, versions)))


def write_practice(
    result: PracticeResult, path: str | os.PathLike[str], *, files: Mapping[str, str] | None = None
) -> Path:
    """Write the page of one practice session.

    Parameters
    ----------
    result : PracticeResult
    path : where the HTML file goes; an existing one is replaced as a whole or not at all
    files : SHA-256 of each file of the session, by its path in there: what `report --verify` compares

    Returns
    -------
    path : Path of the file

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    return write_whole(Path(path), practice_html(result, files=files).encode())


def print_practice(
    result: PracticeResult, path: str | os.PathLike[str], *, files: Mapping[str, str] | None = None
) -> str:
    """Write the page as PDF; gives the name of what printed it, `matplotlib` where no browser is installed."""
    values = _values(result, files)
    html = sealed(render(_TEMPLATE, **values))
    browser = print_page(html, Path(path))
    if browser is not None:
        return browser.name
    write_paper(html, {one.name: one.draw for one in pictures(values)}, Path(path))
    return "matplotlib"


def _values(
    result: PracticeResult, files: Mapping[str, str] | None, versions: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """All that the template needs; the pictures are drawn here."""
    result = _as_kept(result)
    shown = _pictures(result)
    return {
        "session": result.session,
        "result": result,
        "verdict": judge_practice(result),
        "grids": practice_tables,
        "making": making_grid,
        "imprint": imprint_of(result, pictures(shown), files or {}, made_with=versions),
        "unseen": [f"{leg} leg: {one}" for leg, all_ in result.quality.get("unseen", {}).items() for one in all_],
        **shown,
    }


def _pictures(result: PracticeResult) -> dict[str, Picture | bool]:
    """Pictures by their names in the template, False where there is nothing to draw."""
    figures = practice_figures
    return {
        "ranges": bool(len(result.ranges))
        and picture(figures.ranges_figure, result, "ranges", figures.ranges_alt(result)),
        "holds": bool(len(result.holds))
        and picture(figures.holds_figure, result, "holds", figures.holds_alt(result)),
        "sway": bool(figures.stances(result))
        and picture(figures.sway_figure, result, "sway", figures.sway_alt(result)),
    }


def _as_kept(result: PracticeResult) -> PracticeResult:
    """The result with its angles as float32, as the disk keeps them: fresh or read back, it draws the same."""
    angles = result.angles.copy()
    names = [name for name in tables.ANGLES.names if name != "time_s"]
    angles[names] = angles[names].astype("float32").astype("float64")
    return replace(result, angles=angles)
