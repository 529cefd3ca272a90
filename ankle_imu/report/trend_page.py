"""Many sessions of one person -> a picture or a page of one metric."""

from __future__ import annotations

import io
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ankle_imu.durable import write_whole
from ankle_imu.report import series, style, words
from ankle_imu.report.contents import Grid
from ankle_imu.report.render import picture, render
from ankle_imu.report.svg import svg_text
from ankle_imu.trends import Trend, baseline_band, describe_stratum, describe_trend, select_trend

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DEFAULT_METRICS: Final = ("range_stance_deg", "shank_range_stance_deg")
_NUDGE: Final = {"left": -0.004, "right": 0.004}


def trend_figure(trend: Trend, *, narrow: bool = False) -> Figure:
    """Session medians with their intervals, one panel with both legs; the first five sessions' range as a band."""
    figure, (ax,) = style.panels(1, 1, 320, narrow)
    unit = f", {trend.unit}" if trend.unit not in ("", "1") else ""
    name = words.METRIC[trend.metric]
    style.dress(
        ax, name + ("" if narrow else f": {describe_stratum(trend.gait, '', '').rstrip(', ')}, by session")
    )
    ax.set_ylabel(f"median{unit}", fontsize=11.0, color=style.MUTED)
    for leg in trend.legs:
        _draw_leg(ax, trend, leg)
    style.leg_key(ax, {leg: f"{leg}, {words.plural(len(trend.of_leg(leg)[1]), 'session')}" for leg in trend.legs})
    _date_axis(ax, trend)
    return figure


def _draw_leg(ax: Axes, trend: Trend, leg: str) -> None:
    days, rows = trend.of_leg(leg)
    x = days + _NUDGE[leg] * max(1.0, float(np.ptp(trend.days)))
    median = rows["median"].to_numpy(float)
    reach = np.vstack([median - rows["ci_low"].to_numpy(float), rows["ci_high"].to_numpy(float) - median])
    colour = style.LEG_COLOUR[leg]
    ax.errorbar(
        x, median, yerr=np.nan_to_num(np.maximum(reach, 0.0)), color=colour, fmt=style.LEG_MARKER[leg],
        markersize=5.5, elinewidth=1.4, capsize=0, label=leg,
    )  # fmt: skip
    ax.plot(x, median, color=colour, linestyle=style.LEG_LINE[leg], linewidth=0.9, alpha=0.7)
    band = baseline_band(trend, leg)
    if band:
        ax.axhspan(*band, color=colour, alpha=0.09, linewidth=0)


def _date_axis(ax: Axes, trend: Trend) -> None:
    span = float(np.ptp(trend.days))
    start = datetime.fromisoformat(trend.points["start_utc"].iloc[0])
    ticks = np.linspace(0.0, span, 4 if span > 0.0 else 1)
    dates = [start + timedelta(days=t) for t in ticks]
    pattern = "%d %b %Y" if span > 300.0 else "%d %b" if span > 4.0 else "%d %b %H:%M"
    ax.set_xticks(ticks, [date.strftime(pattern).lstrip("0") for date in dates])
    ax.margins(x=0.08, y=0.12)


def trend_alt(trend: Trend) -> str:
    """Alt text of the trend picture."""
    parts = []
    for leg in trend.legs:
        _, rows = trend.of_leg(leg)
        values = f"{rows['median'].iloc[0]:.1f} at first, {rows['median'].iloc[-1]:.1f} at last"
        parts.append(f"{leg}: {words.plural(len(rows), 'session')}, {values}")
    return f"{words.METRIC[trend.metric]} ({trend.unit}) by session; {'; '.join(parts)}."


def trend_grid(trend: Trend) -> Grid:
    """Every point of the picture."""
    rows = tuple(
        (r.start_utc[:10], r.leg, _cell(trend, r.median), _interval(trend, r), f"{r.n_accepted:,}", r.session_id)
        for r in series.rows(trend.points)
    )
    head = ("Date", "Leg", "Median", "Approx. 95 % interval", "Strides", "Session")
    return Grid(caption=f"{words.METRIC[trend.metric]}, {trend.unit}", head=head, rows=rows)


def _interval(trend: Trend, row: Any) -> str:
    return f"{_cell(trend, row.ci_low)} to {_cell(trend, row.ci_high)}"


def _cell(trend: Trend, value: float) -> str:
    return words.number(value, trend.unit)


def trend_part(table: pd.DataFrame, metric: str, **stratum: Any) -> dict[str, Any]:
    """Everything the templates need to show one metric over the sessions of a `tables.TREND` table."""
    trend = select_trend(table, metric, **stratum)
    return {
        "title": words.METRIC[metric],
        "stratum": describe_stratum(trend.gait, trend.angle_source, trend.mount_site),
        "sentences": describe_trend(trend),
        "left_out": trend.left_out,
        "picture": picture(trend_figure, trend, "trend", trend_alt(trend)),
        "grid": trend_grid(trend),
        "has_band": any(baseline_band(trend, leg) for leg in trend.legs),
        "alias": str(trend.points["alias"].iloc[0]),
    }


def write_trend(
    table: pd.DataFrame,
    path: str | os.PathLike[str],
    metric: str = DEFAULT_METRICS[0],
    *,
    gait: str = "",
    angle_source: str = "",
    mount_site: str | None = None,
) -> Path:
    """Write the trend of one metric as a picture (.png, .svg) or a page (.html).

    Parameters
    ----------
    table : table `tables.TREND`, of one person
    path : its ending decides what is written
    metric : one of `tables.METRICS`
    gait, angle_source, mount_site : as in `trends.select_trend`

    Returns
    -------
    path : Path of the file

    Raises
    ------
    ValueError
        If the ending or the metric is unknown, or the rows belong to several people.
    QualityRefusal
        With fewer than 2 comparable sessions.
    StorageError
        If the file cannot be written.
    """
    target = Path(path)
    kind = target.suffix.lower()
    if kind not in (".png", ".svg", ".html"):
        raise ValueError(f"Cannot write a trend as {kind or 'a file without ending'}; use .png, .svg or .html.")
    stratum = {"gait": gait, "angle_source": angle_source, "mount_site": mount_site}
    if kind == ".html":
        return write_whole(target, render("trend.html.j2", trend=trend_part(table, metric, **stratum)).encode())
    figure = trend_figure(select_trend(table, metric, gait=gait, angle_source=angle_source, mount_site=mount_site))
    if kind == ".svg":
        return write_whole(target, svg_text(figure, "trend").encode())
    sink = io.BytesIO()
    figure.savefig(sink, format="png", dpi=144, metadata={"Software": None})
    return write_whole(target, sink.getvalue())
