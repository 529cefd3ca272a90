"""What `trend` prints: a table and sentences, or one JSON object."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ankle_imu.cli.output import person_names, show, show_heading, show_table

if TYPE_CHECKING:
    from ankle_imu.trends import Change, Index, Outlook, Trend

_POINT: tuple[str, ...] = (
    "session_id", "start_utc", "leg", "n_accepted", "median", "ci_low", "ci_high", "iqr",
    "adjusted", "adjusted_low", "adjusted_high", "overlap",
)  # fmt: skip


def show_outlook(outlook: Outlook, alias: str) -> None:
    """Print the sessions, what they show, the index and the ladder."""
    from ankle_imu.trends import describe_index

    alias = person_names().get(alias, alias)
    if outlook.trend is None:
        _show_index(outlook, alias)
    else:
        _show_trend(outlook.trend, alias)
    for line in (*outlook.sentences, *(outlook.trend.left_out if outlook.trend else ())):
        show(line)
    if outlook.trend is not None:
        for line in describe_index(outlook.indices):
            show(line)
    if outlook.ladder is not None:
        for one in outlook.ladder.suggestions:
            show(one.words)


def _show_trend(trend: Trend, alias: str) -> None:
    from ankle_imu.report.trend_figure import title_of
    from ankle_imu.report.trend_page import trend_grid
    from ankle_imu.trends import describe_stratum

    unit = "" if trend.unit in ("", "1") else f", {trend.unit}"
    stratum = describe_stratum(trend.gait, trend.angle_source, trend.mount_site)
    show_heading(f"{title_of(trend.metric)}{unit}  {alias}  {stratum}")
    grid = trend_grid(trend)
    head = [name.replace("Approx. ", "") for name in grid.head[:-1]]
    right = [name for name in head if name not in ("Date", "Leg", "95 % interval")]
    show_table(head, [list(row[:-1]) for row in grid.rows], right=tuple(right))


def _show_index(outlook: Outlook, alias: str) -> None:
    show_heading(f"Session stability index  {alias}  50 = your usual, more = steadier")
    rows = [
        [one.start_utc[:10], one.leg, one.gait, f"{one.value:.0f}", f"{one.low:.0f} to {one.high:.0f}", _bars(one)]
        for one in outlook.indices
        if not one.reason
    ]
    show_table(("Date", "Leg", "Gait", "Index", "95 % interval", "Its five bars"), rows, right=("Index",))


def _bars(one: Index) -> str:
    from ankle_imu.report.trend_figure import BAR

    return ", ".join(f"{BAR[name]} {'–' if bar != bar else f'{bar:.0f}'}" for name, bar in one.bars.items())


def outlook_json(outlook: Outlook, alias: str) -> dict[str, Any]:
    """The content of `trend --json`, without the files."""
    trend = outlook.trend
    told: dict[str, Any] = {
        "alias": alias,
        "metric": outlook.metric,
        **(_trend_json(trend) if trend is not None else {"unit": "1", "points": []}),
        "sentences": outlook.sentences,
        "left_out": trend.left_out if trend is not None else (),
        "index": [asdict(one) | {"words": one.words} for one in outlook.indices],
    }
    if outlook.ladder is not None:
        told["ladder"] = asdict(outlook.ladder)
    return told


def _trend_json(trend: Trend) -> dict[str, Any]:
    from ankle_imu.trends import find_changes

    points: list[dict[Any, Any]] = trend.points[list(_POINT)].to_dict("records")
    return {
        "unit": trend.unit,
        "gait": trend.gait,
        "angle_source": trend.angle_source,
        "mount_site": trend.mount_site,
        "is_adjusted": trend.is_adjusted,
        "points": points,
        "changes": [_change_json(one) for one in find_changes(trend)],
        "breaks": [asdict(one) for one in trend.breaks],
    }


def _change_json(one: Change) -> dict[str, Any]:
    return asdict(one) | {"is_changed": one.is_changed}
