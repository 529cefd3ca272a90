"""Sessions of one person side by side, from the summaries already written; nothing is analysed here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ankle_imu import tables
from ankle_imu.errors import QualityRefusal
from ankle_imu.library.derived import find_result, read_table
from ankle_imu.library.folders import SessionEntry, list_sessions

if TYPE_CHECKING:
    import pandas as pd

_STATISTICS = ("median", "ci_low", "ci_high", "iqr")


def load_trend(library: str | Path, alias: str | None = None, metric: str | None = None) -> pd.DataFrame:
    """One row per session, leg, gait class, angle source and metric.

    Parameters
    ----------
    library : str or Path of the library
    alias : str, the person; everyone when None
    metric : str of `tables.METRICS`; all when None

    Returns
    -------
    table `tables.TREND`, oldest session first
        NaN where a session has too few strides. Sessions that were not analysed are left out; where several
        results exist for one session, the one written last counts.

    Raises
    ------
    ValueError
        If there is no such metric.
    QualityRefusal
        If the library holds no session of that person, or none was analysed.
    """
    import pandas as pd

    if metric is not None and metric not in tables.METRICS:
        raise ValueError(f"Unknown metric {metric!r}; expected one of {', '.join(tables.METRICS)}.")
    whose = f" of {alias}" if alias else ""
    entries = list_sessions(library, alias)
    if not entries:
        raise QualityRefusal(f"The library at {library} holds no sessions{whose} yet; record or import one first.")
    found = [(entry, folder) for entry in entries if (folder := find_result(entry.path)) is not None]
    if not found:
        raise QualityRefusal(
            f"None of the {len(entries)} sessions{whose} in {library} has been analysed; run `ankle-imu analyze`."
        )
    metrics = tables.METRICS if metric is None else (metric,)
    rows = [row for entry, folder in found for row in _rows(entry, read_table(folder, tables.SUMMARY), metrics)]
    columns = pd.DataFrame(rows, columns=tables.TREND.names)
    return tables.make_table(tables.TREND, {name: columns[name].to_numpy() for name in tables.TREND.names})


def _rows(entry: SessionEntry, summary: pd.DataFrame, metrics: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {
            "session_id": entry.session_id,
            "started_utc": entry.info.started_utc,
            "alias": entry.alias,
            "leg": row["leg"],
            "gait": row["gait"],
            "angle_source": row["angle_source"],
            "mount_site": _mount_site(entry, row["leg"]),
            "metric": metric,
            "n_accepted": row["n_accepted"],
            **{statistic: row[f"{metric}_{statistic}"] for statistic in _STATISTICS},
        }
        for row in summary.to_dict("records")
        for metric in metrics
    ]


def _mount_site(entry: SessionEntry, leg: str) -> str:
    worn = (entry.info.sensors.get(f"{leg}_{segment}") for segment in ("foot", "shank"))
    return next((sensor.mount_site for sensor in worn if sensor is not None), "")
