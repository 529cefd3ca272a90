"""`library page`: the home page of the library."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from cyclopts import Parameter

from ankle_imu.cli import failures
from ankle_imu.cli.arguments import AsJson, Library, library_root
from ankle_imu.cli.output import show, show_json

if TYPE_CHECKING:
    import pandas as pd

    from ankle_imu.library.search import SessionRow
    from ankle_imu.report.library_page import Line, Shelf

NAME = "library.html"


def page(
    *,
    out: Annotated[Path | None, Parameter(name=("-o", "--out"), help="HTML file; else in the library.")] = None,
    library: Library = None,
    as_json: AsJson = False,
) -> None:
    """Write the home page of the library: people, small trend pictures, sessions newest first, links to reports.

    It links to the pages that exist when it is made. Sessions beyond the newest of each person are counted.
    """
    from ankle_imu.report.library_page import write_library

    root = library_root(library)
    target = (out or root / NAME).absolute()
    if target.suffix.lower() not in (".html", ".htm"):
        raise failures.UsageError(f"The page is written as .html, found {target.name}.")
    shelves = _shelves(root, target.parent)
    written = write_library(shelves, target)
    if as_json:
        people = {one.alias: len(one.lines) for one in shelves}
        show_json({"library": root, "people": people, "files": [written]})
    else:
        show(written)


def _shelves(root: Path, base: Path) -> list[Shelf]:
    """The people of a library with their sessions, links relative to the folder of the page."""
    from ankle_imu.library.search import list_rows, load_summaries
    from ankle_imu.report.library_page import Shelf, shown_of

    rows: dict[str, list[SessionRow]] = {}
    for row in list_rows(root):
        rows.setdefault(row.alias, []).append(row)
    table = load_summaries(root)
    shown = shown_of(len(rows))
    shelves = []
    for alias, own in rows.items():
        metric, about, figures = _figures(table[table["alias"] == alias])
        lines = [_line(root, base, row, figures, k >= len(own) - shown) for k, row in enumerate(own)]
        shelves.append(
            Shelf(alias=alias, lines=lines, metric=metric, about=about, href=_trend_page(root, alias, base))
        )
    return shelves


def _figures(table: pd.DataFrame) -> tuple[str, str, dict[str, dict[str, float]]]:
    """The metric that a person's sessions have, in their usual gait: session -> leg -> figure as walked."""
    from ankle_imu.report import words
    from ankle_imu.report.trend_page import DEFAULT_METRICS

    for metric in DEFAULT_METRICS:
        known = table[table[f"{metric}_median"].notna()]
        if not len(known):
            continue
        gait, source = Counter(zip(known["gait"], known["angle_source"], strict=True)).most_common(1)[0][0]
        own = known[(known["gait"] == gait) & (known["angle_source"] == source)]
        found: dict[str, dict[str, float]] = {}
        for row in own.to_dict("records"):
            found.setdefault(str(row["session_id"]), {})[str(row["leg"])] = float(row[f"{metric}_median"])
        return metric, f"{words.GAIT[gait]}, {words.SOURCE[source]}, as walked.", found
    return "", "", {}


def _line(root: Path, base: Path, row: SessionRow, figures: dict[str, dict[str, float]], is_shown: bool) -> Line:
    from ankle_imu.report.library_page import Line

    report = root / row.folder / "report.html"
    kind = [] if row.kind == "walk" else [row.kind]
    gaits = row.gaits.split() if row.result else ["not analyzed yet"]
    return Line(
        session_id=row.session_id,
        began=row.started,
        about=", ".join([*kind, *filter(None, (row.surface,)), *gaits]),
        figures=figures.get(row.session_id, {}),
        href=_relative(report, base) if is_shown and report.is_file() else "",
        problem=row.problem and "cannot be read",
    )


def _trend_page(root: Path, alias: str, base: Path) -> str:
    found: list[Any] = sorted((root / "people" / alias).glob("trend_*.html"), key=lambda p: p.stat().st_mtime)
    return _relative(found[-1], base) if found else ""


def _relative(path: Path, base: Path) -> str:
    """Link from the page to a file; absolute where they share no root (drives of Windows)."""
    try:
        return quote(Path(os.path.relpath(path, base)).as_posix())
    except ValueError:
        return path.as_uri()
