"""Many sessions of one person -> a picture or a page of one figure, the index and the ladder."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ankle_imu.durable import write_whole
from ankle_imu.report import series, words
from ankle_imu.report.grid import Grid
from ankle_imu.report.render import panelled, picture, render
from ankle_imu.report.svg import svg_text
from ankle_imu.report.trend_figure import BAR, bars_figure, index_figure, title_of, trend_figure
from ankle_imu.trends import (
    COMPONENTS,
    Index,
    Ladder,
    Outlook,
    PastSession,
    Trend,
    bars_of,
    baseline_band,
    describe_index,
    describe_stratum,
    describe_trend,
    look,
    select_trend,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

DEFAULT_METRICS: Final = ("range_stance_deg", "shank_range_stance_deg")


def trend_alt(trend: Trend) -> str:
    """Alt text of the trend picture."""
    parts = []
    for leg in trend.legs:
        value = trend.series(leg).value
        if len(value):
            first, last = (_cell(trend, float(x)) for x in (value[0], value[-1]))
            parts.append(f"{leg}: {words.plural(len(value), 'session')}, {first} at first, {last} at last")
    broken = "".join(f"; {word} changed" for _, word in trend.broken_at())
    return f"{title_of(trend.metric)} ({trend.unit}) by session; {'; '.join(parts)}{broken}."


def trend_grid(trend: Trend) -> Grid:
    """Every point of the picture."""
    head: tuple[str, ...]
    if trend.is_adjusted:
        head = ("Date", "Leg", "On similar ground", "Approx. 95 % interval", "As walked", "Strides", "Session")
    else:
        head = ("Date", "Leg", "Median", "Approx. 95 % interval", "Strides", "Session")
    rows = tuple(_point_cells(trend, r) for r in series.rows(trend.points))
    unit = f", {trend.unit}" if trend.unit not in ("", "1") else ""
    return Grid(caption=f"{title_of(trend.metric)}{unit}", head=head, rows=rows)


def _point_cells(trend: Trend, row: Any) -> tuple[str, ...]:
    ends = (row.adjusted_low, row.adjusted_high) if trend.is_adjusted else (row.ci_low, row.ci_high)
    interval = f"{_cell(trend, ends[0])} to {_cell(trend, ends[1])}" if ends[0] == ends[0] else "–"
    figures = (row.adjusted, interval, row.median) if trend.is_adjusted else (row.median, interval)
    cells = [one if isinstance(one, str) else _cell(trend, one) for one in figures]
    return (row.start_utc[:10], row.leg, *cells, f"{row.n_accepted:,}", row.session_id)


def _cell(trend: Trend, value: float) -> str:
    small = trend.unit in ("", "1") and abs(value) < 0.1
    return f"{value:.3f}" if small else words.number(value, trend.unit)


def trend_part(table: pd.DataFrame, metric: str, **stratum: Any) -> dict[str, Any]:
    """Everything the templates need to show one metric over the sessions of a `tables.TREND` table."""
    return show_part(select_trend(table, metric, **stratum))


def show_part(trend: Trend) -> dict[str, Any]:
    """Everything the templates need to show a trend."""
    return {
        "title": title_of(trend.metric),
        "stratum": describe_stratum(trend.gait, trend.angle_source, trend.mount_site),
        "sentences": describe_trend(trend),
        "left_out": trend.left_out,
        "picture": picture(trend_figure, trend, "trend", trend_alt(trend)),
        "caption": _caption(trend),
        "grid": trend_grid(trend),
        "alias": str(trend.points["alias"].iloc[0]),
    }


def _caption(trend: Trend) -> str:
    stratum = describe_stratum(trend.gait, trend.angle_source, trend.mount_site)
    what = "the figure of one session on ground like that of the first five" if trend.is_adjusted else (
        "the median of one session as walked"
    )  # fmt: skip
    parts = [f"Each point is {what}, with its approximate 95 % interval ({stratum})."]
    if trend.is_adjusted:
        parts.append("Small open points: the same as walked, with the ground still in it.")
    if any(baseline_band(trend, leg) for leg in trend.legs):
        parts.append("The pale band spans the first five sessions.")
    if trend.broken_at():
        parts.append("A dotted upright line is a change of what was worn; nothing is compared across it.")
    labels = " ".join(str(line.get_label()) for line in trend_figure(trend).axes[0].lines)
    if "unusual" in labels:
        parts.append("A ring marks where the running mean left its usual band (EWMA, 2.7 sigma).")
    if "level" in labels:
        parts.append("A short bar at the foot marks where the level seems to have shifted (PELT).")
    return " ".join(parts)


def index_part(indices: Sequence[Index]) -> dict[str, Any]:
    """Everything the templates need to show the index of the usual gait class and its five bars."""
    gait = next((one.gait for one in indices if not one.reason), indices[0].gait)
    own = [one for one in indices if one.gait == gait]
    newest = bars_of(own)
    has = bool(newest)
    return {
        "gait": gait,
        "sentences": describe_index(indices),
        "picture": has and picture(index_figure, own, "index", _index_alt(own)),
        "bars": has and panelled(bars_figure, newest, "bars", _bars_alt(newest)),
        "grid": _index_grid(own),
        "bars_grid": _bars_grid(newest),
    }


def _index_alt(indices: Sequence[Index]) -> str:
    told = [f"{one.start_utc[:10]} {one.leg} {one.value:.0f}" for one in indices if not one.reason]
    return f"Session stability index by session, 50 is usual: {', '.join(told)}."


def _bars_alt(newest: Sequence[Index]) -> str:
    return "Five bars of the newest index. " + "; ".join(
        f"{one.leg}: " + ", ".join(f"{BAR[name]} {_bar(bar)}" for name, bar in one.bars.items()) for one in newest
    )


def _bar(value: float) -> str:
    return "not measured" if value != value else f"{value:.0f}"


def _index_grid(indices: Sequence[Index]) -> Grid:
    rows = tuple(
        (
            one.start_utc[:10],
            one.leg,
            *(
                ("–", "–", one.reason)
                if one.reason
                else (f"{one.value:.0f}", f"{one.low:.0f} to {one.high:.0f}", "–")
            ),
        )
        for one in indices
    )
    head = ("Date", "Leg", "Index", "Approx. 95 % interval", "Why there is none")
    return Grid(caption="Session stability index", head=head, rows=rows)


def _bars_grid(newest: Sequence[Index]) -> Grid:
    bars = [list(one.bars.values()) for one in newest]
    rows = tuple((BAR[name], *(_bar(one[i]) for one in bars)) for i, name in enumerate(COMPONENTS))
    head = ("Bar, 50 = usual, more = steadier", *(f"{one.leg.capitalize()} leg" for one in newest))
    return Grid(caption="The five bars of the newest index", head=head, rows=rows if newest else ())


def ladder_grid(ladder: Ladder) -> Grid:
    """What was done so far on each rung."""
    names = {"surface": "ground", "gait": "gait", "load": "load on the leg"}
    rows = tuple(
        (
            f"{names[r.ladder][:1].upper()}{names[r.ladder][1:]}: {r.rung}",
            f"{r.sessions}",
            f"{r.strides:,}",
            f"{r.minutes:.0f}",
            f"{r.steady_sessions}",
        )
        for r in ladder.rungs
    )
    return Grid(
        caption="What you did so far; strides and minutes of one leg",
        head=("Rung", "Sessions", "Strides", "Minutes", "Steady sessions"),
        rows=rows,
    )


def write_trend(
    table: pd.DataFrame,
    path: str | os.PathLike[str],
    metric: str = DEFAULT_METRICS[0],
    *,
    gait: str = "",
    angle_source: str = "",
    mount_site: str | None = None,
    history: Sequence[PastSession] = (),
) -> Path:
    """Write the trend of one metric as a picture (.png, .svg) or a page (.html).

    Parameters
    ----------
    table : table `tables.TREND`, of one person
    path : its ending decides what is written
    metric : one of `trends.KNOWN`; `index` is the session stability index
    gait, angle_source, mount_site : as in `trends.select_trend`
    history : the same sessions with their strides: figures at like ground, index and ladder come from them

    Returns
    -------
    path : Path of the file

    Raises
    ------
    ValueError
        If the ending or the metric is unknown, or the rows belong to several people.
    QualityRefusal
        With fewer than 2 comparable sessions; for the index, when no session has one.
    StorageError
        If the file cannot be written.
    """
    check_ending(path)
    stratum = {"gait": gait, "angle_source": angle_source}
    return write_outlook(look(table, history, metric, mount_site=mount_site, **stratum), path)


def check_ending(path: str | os.PathLike[str]) -> str:
    """The ending that decides what is written, else `ValueError`."""
    kind = Path(path).suffix.lower()
    if kind not in (".png", ".svg", ".html"):
        raise ValueError(f"Cannot write a trend as {kind or 'a file without ending'}; use .png, .svg or .html.")
    return kind


def write_outlook(outlook: Outlook, path: str | os.PathLike[str]) -> Path:
    """Write what `trends.look` found; see `write_trend`."""
    kind, target = check_ending(path), Path(path)
    if kind == ".html":
        return write_whole(target, outlook_html(outlook).encode())
    figure = _main_figure(outlook)
    if kind == ".svg":
        return write_whole(target, svg_text(figure, "trend").encode())
    sink = io.BytesIO()
    figure.savefig(sink, format="png", dpi=144, metadata={"Software": None})
    return write_whole(target, sink.getvalue())


def _main_figure(outlook: Outlook) -> Figure:
    if outlook.trend is not None:
        return trend_figure(outlook.trend)
    gait = next(one.gait for one in outlook.indices if not one.reason)
    return index_figure([one for one in outlook.indices if one.gait == gait])


def outlook_html(outlook: Outlook) -> str:
    """Make the page as text; the same sessions give the same text."""
    return render(
        "trend.html.j2",
        alias=outlook.alias,
        trend=show_part(outlook.trend) if outlook.trend is not None else None,
        index=index_part(outlook.indices) if outlook.indices else None,
        ladder=outlook.ladder,
        ladder_grid=ladder_grid(outlook.ladder) if outlook.ladder is not None else None,
    )
