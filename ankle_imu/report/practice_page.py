"""PracticeResult -> one HTML file of the family of the walk's page, or the same on paper."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ankle_imu import tables
from ankle_imu.durable import write_whole
from ankle_imu.report import practice_figures, practice_tables
from ankle_imu.report.paper import write_paper
from ankle_imu.report.practice_words import judge_practice
from ankle_imu.report.printing import print_page
from ankle_imu.report.render import picture, pictures, render

if TYPE_CHECKING:
    import os

    from ankle_imu.mobility import PracticeResult

_TEMPLATE = "practice.html.j2"


def practice_html(result: PracticeResult) -> str:
    """Make the page of one practice session as text; the same result gives the same text."""
    return render(_TEMPLATE, **_values(result))


def write_practice(result: PracticeResult, path: str | os.PathLike[str]) -> Path:
    """Write the page of one practice session.

    Parameters
    ----------
    result : PracticeResult
    path : where the HTML file goes; an existing one is replaced as a whole or not at all

    Returns
    -------
    path : Path of the file

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    return write_whole(Path(path), practice_html(result).encode())


def print_practice(result: PracticeResult, path: str | os.PathLike[str]) -> str:
    """Write the page as PDF; gives the name of what printed it, `matplotlib` where no browser is installed."""
    values = _values(result)
    html = render(_TEMPLATE, **values)
    browser = print_page(html, Path(path))
    if browser is not None:
        return browser.name
    write_paper(html, {one.name: one.draw for one in pictures(values)}, Path(path))
    return "matplotlib"


def _values(result: PracticeResult) -> dict[str, Any]:
    result = _as_kept(result)
    figures = practice_figures
    return {
        "session": result.session,
        "result": result,
        "verdict": judge_practice(result),
        "grids": practice_tables,
        "ranges": bool(len(result.ranges))
        and picture(figures.ranges_figure, result, "ranges", figures.ranges_alt(result)),
        "holds": bool(len(result.holds))
        and picture(figures.holds_figure, result, "holds", figures.holds_alt(result)),
        "sway": bool(figures.stances(result))
        and picture(figures.sway_figure, result, "sway", figures.sway_alt(result)),
        "unseen": [f"{leg} leg: {one}" for leg, all_ in result.quality.get("unseen", {}).items() for one in all_],
    }


def _as_kept(result: PracticeResult) -> PracticeResult:
    """The result with its angles as float32, as the disk keeps them: fresh or read back, it draws the same."""
    angles = result.angles.copy()
    names = [name for name in tables.ANGLES.names if name != "time_s"]
    angles[names] = angles[names].astype("float32").astype("float64")
    return replace(result, angles=angles)
