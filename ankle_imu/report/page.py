"""SessionResult -> one HTML file that needs nothing but a browser."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ankle_imu.durable import write_whole
from ankle_imu.errors import QualityRefusal
from ankle_imu.report import contents, curves, excursions, figures, manner, sides, stabilising, timeline, trail
from ankle_imu.report.closeup import closeups
from ankle_imu.report.render import picture, render
from ankle_imu.report.trend_page import DEFAULT_METRICS, show_part
from ankle_imu.report.verdict import judge
from ankle_imu.report.way import way_sentences
from ankle_imu.trends import select_trend, usual_curves, with_adjusted

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    import pandas as pd

    from ankle_imu.trends import PastSession
    from ankle_imu.values import SessionResult


def write_report(
    result: SessionResult,
    path: str | os.PathLike[str],
    *,
    trend: pd.DataFrame | None = None,
    history: Sequence[PastSession] = (),
) -> Path:
    """Write the page of one session.

    Parameters
    ----------
    result : SessionResult
    path : where the HTML file goes; an existing one is replaced as a whole or not at all
    trend : table `tables.TREND` of the same person, or None; with 2 sessions or more the page shows them
    history : the same sessions with their strides: the figures are then those at like ground

    Returns
    -------
    path : Path of the file

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    return write_whole(Path(path), report_html(result, trend=trend, history=history).encode())


def report_html(
    result: SessionResult, *, trend: pd.DataFrame | None = None, history: Sequence[PastSession] = ()
) -> str:
    """Make the page of one session as text; the same result gives the same text."""
    has_strides = bool(result.strides["accepted"].any())
    usual = usual_curves(history, result.session.session_id, result.session.started_utc)
    return render(
        "report.html.j2",
        session=result.session,
        result=result,
        verdict=judge(result),
        contents=contents,
        manner=manner,
        has_strides=has_strides,
        quality=picture(figures.quality_figure, result, "quality", contents.quality_alt(result)),
        curves=bool(curves.drawn_curves(result))
        and picture(
            partial(curves.curves_figure, usual=usual), result, "curves", curves.curves_alt(result, usual=usual)
        ),
        curves_caption=curves.curves_caption(result, usual=usual),
        curves_told=curves.untold_sentences(result),
        curves_grid=curves.curves_grid(result, usual=usual),
        excursions=bool(excursions.drawn_keys(result))
        and picture(figures.excursion_figure, result, "excursions", excursions.excursion_alt(result)),
        timeline=has_strides
        and picture(figures.timeline_figure, result, "timeline", timeline.timeline_alt(result)),
        captions={
            "excursions": excursions.excursion_caption(result),
            "timeline": timeline.timeline_caption(result),
            "sides": sides.sides_caption(result),
            "trail": trail.trail_caption(result),
        },
        grids={
            "excursions": excursions.excursion_grid(result),
            "timeline": timeline.timeline_grid(result),
            "sides": sides.sides_grid(result),
            "trail": trail.trail_grid(result),
        },
        sides=bool(sides.compared_sides(result))
        and picture(sides.sides_figure, result, "sides", sides.sides_alt(result)),
        sides_told=sides.sides_sentences(result),
        trail=trail.is_shown(result) and picture(trail.trail_figure, result, "trail", trail.trail_alt(result)),
        trail_told=trail.untold(result),
        way_sentences=way_sentences,
        closeups=closeups(result),
        stabilising=stabilising,
        trend=_trend_part(trend, history),
    )


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
