"""SessionResult -> one HTML file that needs nothing but a browser, or the same on paper."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ankle_imu.durable import write_whole
from ankle_imu.errors import QualityRefusal
from ankle_imu.report import (
    contents,
    curves,
    excursions,
    figures,
    ledger,
    manner,
    sides,
    stabilising,
    timeline,
    trail,
    typical,
)
from ankle_imu.report.closeup import closeups
from ankle_imu.report.imprint import imprint_of, sealed
from ankle_imu.report.paper import write_paper
from ankle_imu.report.printing import print_page
from ankle_imu.report.render import panelled, picture, pictures, render
from ankle_imu.report.trend_page import DEFAULT_METRICS, show_part
from ankle_imu.report.verdict import judge
from ankle_imu.report.way import way_sentences
from ankle_imu.trends import select_trend, usual_curves, with_adjusted

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from ankle_imu.trends import PastSession
    from ankle_imu.values import SessionResult


def write_report(
    result: SessionResult,
    path: str | os.PathLike[str],
    *,
    trend: pd.DataFrame | None = None,
    history: Sequence[PastSession] = (),
    files: Mapping[str, str] | None = None,
) -> Path:
    """Write the page of one session.

    Parameters
    ----------
    result : SessionResult
    path : where the HTML file goes; an existing one is replaced as a whole or not at all
    trend : table `tables.TREND` of the same person, or None; with 2 sessions or more the page shows them
    history : the same sessions with their strides: the figures are then those at like ground
    files : SHA-256 of each file of the session, by its path in there: what `report --verify` compares

    Returns
    -------
    path : Path of the file

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    html = report_html(result, trend=trend, history=history, files=files)
    return write_whole(Path(path), html.encode())


def print_report(
    result: SessionResult,
    path: str | os.PathLike[str],
    *,
    trend: pd.DataFrame | None = None,
    history: Sequence[PastSession] = (),
    files: Mapping[str, str] | None = None,
) -> str:
    """Write the page of one session as PDF; parameters as of `write_report`.

    Returns
    -------
    str
        What printed it: the name of a browser's program, or `matplotlib` where none is installed.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    values = _values(result, trend, history, files)
    html = sealed(render("report.html.j2", **values))
    browser = print_page(html, Path(path))
    if browser is not None:
        return browser.name
    write_paper(html, {one.name: one.draw for one in pictures(values)}, Path(path))
    return "matplotlib"


def report_html(
    result: SessionResult,
    *,
    trend: pd.DataFrame | None = None,
    history: Sequence[PastSession] = (),
    files: Mapping[str, str] | None = None,
    versions: Mapping[str, str] | None = None,
) -> str:
    """Make the page of one session as text; the same result gives the same text.

    `versions` are those that the page names, today's when None: to make a page again that was made with others.
    """
    return sealed(render("report.html.j2", **_values(result, trend, history, files, versions)))


def _values(
    result: SessionResult,
    trend: pd.DataFrame | None,
    history: Sequence[PastSession],
    files: Mapping[str, str] | None,
    versions: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """All that the template needs; the pictures are drawn here."""
    result = _as_kept(result)
    shown = _pictures(result) | _curves(result, history)
    past = _trend_part(trend, history)
    rolls = closeups(result)
    return {
        "session": result.session,
        "result": result,
        "verdict": judge(result),
        "contents": contents,
        "ledger": ledger,
        "manner": manner,
        "stabilising": stabilising,
        "typical": typical,
        "has_strides": bool(result.strides["accepted"].any()),
        "way_sentences": way_sentences,
        "closeups": rolls,
        "trend": past,
        "imprint": imprint_of(result, pictures([shown, rolls, past]), files or {}, trend, versions),
        **shown,
    }


def _pictures(result: SessionResult) -> dict[str, Any]:
    """Pictures by their names in the template, False where there is too little to draw; captions, tables."""
    is_enough = contents.has_enough(result)
    return {
        "quality": contents.has_loss(result)
        and picture(figures.quality_figure, result, "quality", contents.quality_alt(result)),
        "excursions": bool(excursions.drawn_keys(result))
        and panelled(figures.excursion_figure, result, "excursions", excursions.excursion_alt(result)),
        "sides": [
            picture(partial(sides.sides_figure, only=key), result, f"sides-{k}", sides.sides_alt(result, only=key))
            for k, key in enumerate(sides.compared_sides(result))
        ],
        "sides_told": sides.sides_sentences(result),
        "timeline": is_enough
        and picture(figures.timeline_figure, result, "timeline", timeline.timeline_alt(result)),
        "trail": trail.is_shown(result) and picture(trail.trail_figure, result, "trail", trail.trail_alt(result)),
        "trail_told": trail.untold(result),
        "captions": {
            "excursions": excursions.excursion_caption(result),
            "sides": sides.sides_caption(result),
            "timeline": timeline.timeline_caption(result),
            "trail": trail.trail_caption(result),
        },
        "grids": {
            "excursions": excursions.excursion_grid(result),
            "further": excursions.further_grid(result),
            "sides": sides.sides_grid(result),
            "timeline": timeline.timeline_grid(result),
            "trail": trail.trail_grid(result),
        },
    }


def _curves(result: SessionResult, history: Sequence[PastSession]) -> dict[str, Any]:
    """The curves over the stride, with the person's own usual, and what is told below them."""
    usual = usual_curves(history, result.session.session_id, result.session.started_utc)
    draw, alt = partial(curves.curves_figure, usual=usual), curves.curves_alt(result, usual=usual)
    return {
        "curves": bool(curves.drawn_curves(result)) and panelled(draw, result, "curves", alt),
        "curves_caption": curves.curves_caption(result, usual=usual),
        "curves_told": curves.untold_sentences(result),
        "curves_grid": curves.curves_grid(result, usual=usual),
    }


def _as_kept(result: SessionResult) -> SessionResult:
    """The result with its angles as float32, as the disk keeps them: fresh or read back, it draws the same."""
    import pandas as pd

    kept = {
        name: column.to_numpy() if name == "time_s" else column.to_numpy(np.float32)
        for name, column in result.angles.items()
    }
    return replace(result, angles=pd.DataFrame(kept, index=result.angles.index, copy=False))


def _trend_part(table: pd.DataFrame | None, history: Sequence[PastSession]) -> dict[str, Any] | None:
    if table is None:
        return None
    for metric in DEFAULT_METRICS:
        try:
            trend = select_trend(table, metric)
        except QualityRefusal:
            continue
        return show_part(with_adjusted(trend, history) if history else trend)
    return None
