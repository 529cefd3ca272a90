"""The sessions of one person with their strides: figures at like ground, beside those as walked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames, tables
from ankle_imu.comparison import SessionStrides, adjusted
from ankle_imu.metrics.stability import MEASURES
from ankle_imu.trends.breaks import Break, Worn, find_breaks
from ankle_imu.trends.selection import MIN_SESSIONS, Trend, build_trend

if TYPE_CHECKING:
    import pandas as pd

AS_WALKED: Final = frozenset({"speed_mps", "slope_deg", "height_change_m", "stride_length_m", "cadence_spm"})
"""What the adjustment itself goes by, or what follows from it: shown as walked."""

LEAST_ADJUSTED: Final = 0.5
"""Share of the sessions that must be comparable before a trend rests on them; ours: else most would be silent."""


def no_curves() -> pd.DataFrame:
    """An empty table of curves: of a session analysed by a version that did not keep them."""
    return tables.make_table(tables.CURVES, {})


@dataclass(frozen=True, kw_only=True, eq=False)
class PastSession:
    """One analysed session of a person.

    Parameters
    ----------
    alias : str
    strides : SessionStrides
    worn : Worn
    surface : str, as noted by the person
    alignment : placement -> verdict of the calibration gate, `good` | `fair` | `doubtful` | `failed`
    read_curves : gives the table `tables.CURVES`, when it is asked for: few of many sessions are
    """

    alias: str
    strides: SessionStrides
    worn: Worn
    surface: str = ""
    alignment: Mapping[str, str] = field(default_factory=dict)
    read_curves: Callable[[], pd.DataFrame] = no_curves

    @property
    def session_id(self) -> str:
        """Name of the session."""
        return self.strides.session_id

    @property
    def start_utc(self) -> str:
        """Start, ISO 8601."""
        return self.strides.start_utc


def usual_gait(history: Sequence[PastSession]) -> str:
    """The gait class with accepted strides in most sessions; of equal ones the one with more strides."""
    sessions: dict[str, int] = {}
    strides: dict[str, int] = {}
    for past in history:
        table = past.strides.strides
        for gait, n in table["gait"][table["accepted"].to_numpy(bool)].value_counts().items():
            sessions[str(gait)] = sessions.get(str(gait), 0) + 1
            strides[str(gait)] = strides.get(str(gait), 0) + int(n)
    return max(sessions, key=lambda g: (sessions[g], strides[g]), default="walk")


def breaks_of(history: Sequence[PastSession], adjusted_for: str = "") -> tuple[Break, ...]:
    """Breaks of the sessions; a shoe whose effect was taken out of the figures is none.

    Notes
    -----
    The comparison takes a shoe out where pairs were worn in turn, for only then can the shoe be told from the
    person. A pair that was worn up to a day and another one since stays a break.
    """
    worn = [past.worn for past in history]
    if "footwear" in adjusted_for:
        worn = [replace(one, shoe="") for one in worn]
    return tuple(find_breaks(worn))


def with_adjusted(trend: Trend, history: Sequence[PastSession]) -> Trend:
    """Set the figures at like ground beside those as walked, and let the statistics rest on them.

    Parameters
    ----------
    trend : Trend, as `select_trend` gives it
    history : the same person's sessions

    Returns
    -------
    Trend
        With the breaks of the sessions. The figures stay as walked, with the reason in `left_out`, where fewer
        than half of the sessions can be compared on like ground or the metric is itself what is adjusted for.
    """
    if trend.metric in AS_WALKED:
        return replace(trend, breaks=breaks_of(history))
    strides = [past.strides for past in history]
    found = {
        leg: adjusted(strides, trend.metric, leg, trend.gait, angle_source=trend.angle_source)
        for leg in trend.legs
    }
    return _rest_on(trend, found, history)


def _rest_on(trend: Trend, found: Mapping[str, pd.DataFrame], history: Sequence[PastSession]) -> Trend:
    """Let the statistics rest on the adjusted figures where enough of the sessions have one."""
    points, reasons = _join(trend.points, {leg: table.set_index("session_id") for leg, table in found.items()})
    reached = int(np.isfinite(points["adjusted"].to_numpy(float)).sum())
    if reached < max(MIN_SESSIONS, LEAST_ADJUSTED * len(points)):
        causes = [reason.split(":")[0] for reason in reasons]
        why = f" ({max(sorted(set(causes)), key=causes.count)})" if causes else ""
        return replace(
            trend,
            points=points,
            breaks=breaks_of(history),
            left_out=(*trend.left_out, f"Figures are as walked: too few sessions met like ground{why}"),
        )
    how = " ".join(str(name) for table in found.values() for name in table["adjusted_for"])
    return replace(
        trend,
        points=points,
        breaks=breaks_of(history, how),
        left_out=(*trend.left_out, *_left_out(points)),
        is_adjusted=True,
        gear={leg: _gear(trend.of_leg(leg)[1]["session_id"], table) for leg, table in found.items()},
    )


def _gear(session_ids: pd.Series[Any], table: pd.DataFrame) -> NDArray[np.float64]:
    """A column for each shoe and brace beside the usual one, and one for the load, where they were taken out."""
    taken = {part.strip() for names in table["adjusted_for"] for part in str(names).split(",")}
    own = table.set_index("session_id").reindex(session_ids)
    columns = [
        (own[name] == kind).to_numpy(float)
        for name in ("footwear", "brace")
        if name in taken
        for kind in own[name].value_counts().index[1:]
    ]
    columns += [own["load_kg"].to_numpy(float)] if "load_kg" in taken else []
    return np.column_stack(columns) if columns else np.zeros((len(own), 0))


def follow(history: Sequence[PastSession], measure: str, *, gait: str = "", angle_source: str = "") -> Trend:
    """Follow a measure of steadiness over the sessions.

    Parameters
    ----------
    history : sessions of one person
    measure : one of `metrics.stability.MEASURES`
    gait, angle_source : the stratum; the usual one where left open

    Raises
    ------
    ValueError
        If the measure is unknown.
    QualityRefusal
        With fewer than 2 sessions that have the measure.
    """
    if measure not in MEASURES:
        raise ValueError(f"Unknown measure {measure!r}; expected one of {', '.join(MEASURES)}.")
    gait = gait or usual_gait(history)
    strides = [past.strides for past in history]
    found = {leg: adjusted(strides, measure, leg, gait, angle_source=angle_source) for leg in frames.LEGS}
    points = _joined([_points(table, leg, gait, history) for leg, table in found.items()])
    source, site = (_most(points, name) for name in ("angle_source", "mount_site"))
    points = points[(points["angle_source"] == source) & (points["mount_site"] == site)]
    trend = build_trend(points, measure, MEASURES[measure].unit, (gait, source, site))
    return _rest_on(trend, {leg: found[leg] for leg in trend.legs}, history)


def _most(points: pd.DataFrame, name: str) -> str:
    return str(points[name].mode().iloc[0]) if len(points) else ""


def _joined(rows: list[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    full = [one for one in rows if len(one)]
    return pd.concat(full, ignore_index=True) if full else tables.make_table(tables.TREND_POINTS, {})


def _points(table: pd.DataFrame, leg: str, gait: str, history: Sequence[PastSession]) -> pd.DataFrame:
    alias = {past.session_id: past.alias for past in history}
    table = table[np.isfinite(table["unadjusted"].to_numpy(float))]
    n = len(table)
    columns = {
        "session_id": table["session_id"].to_numpy(),
        "start_utc": table["start_utc"].to_numpy(),
        "alias": [alias[name] for name in table["session_id"]],
        "leg": [leg] * n,
        "gait": [gait] * n,
        "angle_source": table["angle_source"].to_numpy(),
        "mount_site": table["mount_site"].to_numpy(),
        "n_accepted": table["n_strides"].to_numpy(),
        "median": table["unadjusted"].to_numpy(),
    }
    return tables.make_table(tables.TREND_POINTS, columns)


def _join(points: pd.DataFrame, found: Mapping[str, pd.DataFrame]) -> tuple[pd.DataFrame, list[str]]:
    """Points with the adjusted columns filled in, and why they could not be where they could not."""
    names = {"adjusted": "value", "adjusted_low": "low", "adjusted_high": "high", "overlap": "overlap"}
    columns = {name: np.full(len(points), np.nan) for name in names}
    reasons: list[str] = []
    for leg, table in found.items():
        rows = (points["leg"] == leg).to_numpy()
        own = table.reindex(points["session_id"][rows])
        for name, theirs in names.items():
            columns[name][rows] = own[theirs].to_numpy(float)
        reasons += [str(reason) for reason in own["reason"] if reason]
    return points.assign(**columns), reasons


def _left_out(points: pd.DataFrame) -> tuple[str, ...]:
    missing = int(points["session_id"][~np.isfinite(points["adjusted"].to_numpy(float))].nunique())
    if not missing:
        return ()
    sessions = "1 session" if missing == 1 else f"{missing} sessions"
    return (f"{sessions} on other ground than the first ones: drawn thinly, not compared",)
