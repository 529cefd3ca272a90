"""`practice trend`: mobile and stable, on one time axis."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from ankle_imu.cli import failures
from ankle_imu.cli.arguments import AsJson, Library, Person, library_root
from ankle_imu.cli.output import show, show_heading, show_json, show_table
from ankle_imu.errors import QualityRefusal

if TYPE_CHECKING:
    import pandas as pd

    from ankle_imu.trends.mobility import Mobility, Point


def practice_trend(
    *,
    action: Annotated[
        Literal["dorsiflexion", "plantarflexion", "inversion", "eversion", "lunge"], Parameter(help="Which one.")
    ] = "dorsiflexion",
    person: Person = "",
    out: Annotated[
        Path | None,
        Parameter(name=("-o", "--out"), help="Page (.html) or picture (.png, .svg); else a page in the library."),
    ] = None,
    library: Library = None,
    as_json: AsJson = False,
) -> None:
    """Show range, gap, holds and load of one action over weeks, beside the walks of the same weeks.

    Ranges are compared only within one load, source of the angle and knee. Below stands how much of the active
    range walking used, and how steady the walks were. The ladder goes from thick blanket to thin, to none, to
    ankle weight.
    """
    from ankle_imu.cli.reporting import only_person
    from ankle_imu.report.mobility_page import ladder_grid, mobility_grid, write_mobility
    from ankle_imu.trends.mobility import suggest

    root = library_root(library)
    alias = person or only_person(root)
    one = look_at(root, alias, action)
    with failures.user_input():
        page = write_mobility(one, out or root / "people" / alias / f"practice_{action}.html").absolute()
    if as_json:
        show_json({**asdict(one), "suggestions": suggest(one.rungs), "files": [page]})
        return
    show_heading(f"{action.capitalize()}  {one.alias}  {one.basis}")
    grid = mobility_grid(one)
    show_table(grid.head[:-1], [row[:-1] for row in grid.rows], right=("Value",))
    for line in (*one.sentences, *one.left_out):
        show(line)
    ladder = ladder_grid(one)
    if ladder.rows:
        show_table(ladder.head, ladder.rows, right=ladder.head[1:7])
    for line in suggest(one.rungs):
        show(line)
    show(page)


def look_at(root: Path, alias: str, action: str) -> Mobility:
    """One action of one person of a library, beside that person's walks."""
    from ankle_imu.library.practice_trend import load_practice_trend
    from ankle_imu.trends.mobility import look_mobility

    with failures.user_input():
        practice = load_practice_trend(root, alias)
        walks, stability, name = _walks(root, alias)
    return look_mobility(practice, walks, action, stability, name)


def _walks(root: Path, alias: str) -> tuple[pd.DataFrame, tuple[Point, ...], str]:
    """Walks of a person; their index where there is one, else the range in stance; the name of it."""
    from ankle_imu import tables
    from ankle_imu.library import load_history, load_trend
    from ankle_imu.trends import look
    from ankle_imu.trends.mobility import Point

    nothing = tables.make_table(tables.TREND, {})
    try:
        table = load_trend(root, alias)
        outlook = look(table, load_history(root, alias), "range_stance_deg") if len(table) else None
    except QualityRefusal:
        return nothing, (), ""
    if outlook is None:
        return nothing, (), ""
    index = tuple(
        Point(session_id=i.session_id, start_utc=i.start_utc, leg=i.leg, value=i.value, low=i.low, high=i.high)
        for i in outlook.indices
        if not i.reason and i.gait == "walk"
    )
    if index:
        return table, index, "Walks: stability index, 50 = usual"
    own = table[(table["gait"] == "walk") & table["range_stance_deg_median"].notna()]
    points = tuple(
        Point(
            session_id=str(r["session_id"]), start_utc=str(r["start_utc"]), leg=str(r["leg"]),
            value=float(r["range_stance_deg_median"]), low=float(r["range_stance_deg_ci_low"]),
            high=float(r["range_stance_deg_ci_high"]),
        )
        for r in own[own["angle_source"] == (own["angle_source"].iloc[-1] if len(own) else "")].to_dict("records")
    )  # fmt: skip
    return table, points, "Walks: range in stance, deg"
