"""What surrounds the strides: the track joined to them by time, their place on it, and the slope under them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ankle_imu import manifest, tables
from ankle_imu.analysis.grid import SHORT_GAP_S
from ankle_imu.terrain import Join, Motion, Way, follow, grade, join_clocks, places
from ankle_imu.terrain.joining import motion_of_strides
from ankle_imu.track import Track
from ankle_imu.units import DEGREE
from ankle_imu.values import Recording

Array = NDArray[np.float64]

AWAY_S: Final = 2.0
"""A gap in the recording that is longer says nothing of moving or standing."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Joined:
    """The track of a session.

    `table` is `tables.TRACK`, `quality` its entry there, `warnings` are sentences on what makes places doubtful.
    """

    table: pd.DataFrame
    quality: dict[str, Any]
    warnings: tuple[str, ...] = ()


def join_track(recording: Recording, strides: pd.DataFrame, gaps: pd.DataFrame) -> Joined:
    """Put the track of a recording into the time of its session.

    Parameters
    ----------
    recording : Recording
    strides : table `tables.STRIDES`
    gaps : table `tables.GAPS`

    Returns
    -------
    Joined
        With an empty table when there is no track, or none of its points has a time.
    """
    track = recording.track
    if track is None:
        return Joined(table=tables.make_table(tables.TRACK, {}), quality={})
    way = follow(track)
    join = join_clocks(track, _motion(strides, gaps, recording.duration), _started(recording))
    table = _table(track, way, join)
    placed = np.isfinite(places(table, strides["ic_s"])["latitude_deg"])
    doubts = [join.told] if len(table) and join.source == "clocks" else []
    if len(table) and len(placed) and not placed.any():
        doubts.append("The track does not cover the walk: no stride lies on it. Is it the track of this walk?")
    found = [join.told] if len(table) and join.source != "clocks" else []
    quality = {
        "source": track.source,
        "points": len(track.time),
        "timed_points": int(track.is_timed.sum()),
        "start_s": float(table["time_s"].iloc[0]) if len(table) else float("nan"),
        "end_s": float(table["time_s"].iloc[-1]) if len(table) else float("nan"),
        "distance_m": way.length,
        "ascent_m": way.ascent,
        "descent_m": way.descent,
        "least_climb_m": way.least_climb,
        "offset_s": join.offset_s,
        "offset_doubt_s": join.doubt_s,
        "offset_source": join.source,
        "correlation": join.correlation,
        "coverage": float(placed.mean()) if len(placed) else 0.0,
        "is_damaged": track.is_damaged,
        "told": [*track.problems, *found, *doubts],
    }
    return Joined(table=table, quality=quality, warnings=tuple(f"track: {doubt}" for doubt in doubts))


def _started(recording: Recording) -> float:
    text = recording.session.started_utc
    return manifest.parse_utc(text).timestamp() if text else float("nan")


def _motion(strides: pd.DataFrame, gaps: pd.DataFrame, duration: float) -> Motion:
    """Velocity by the leg that tells most of it."""
    told = strides.groupby("leg")["speed_mps"].agg(["count", "size"])
    leg = str(told.sort_values(["count", "size"]).index[-1]) if len(told) else ""
    own = strides[strides["leg"] == leg]
    start, end, speed, turn = (
        own[c].to_numpy(dtype=np.float64) for c in ("ic_s", "end_s", "speed_mps", "turn_deg")
    )
    away = gaps[gaps["placement"].str.startswith(leg) & (gaps["end_s"] - gaps["start_s"] > AWAY_S)]
    spans = list(zip(away["start_s"].tolist(), away["end_s"].tolist(), strict=True)) if leg else []
    return motion_of_strides(start, end, speed, turn * DEGREE, duration, spans)


def _table(track: Track, way: Way, join: Join) -> pd.DataFrame:
    timed = track.is_timed
    columns = {
        "time_s": track.time - join.started - join.offset_s,
        "latitude_deg": track.latitude,
        "longitude_deg": track.longitude,
        "elevation_m": way.elevation,
        "distance_m": way.distance,
        "speed_mps": way.speed,
    }
    return tables.make_table(tables.TRACK, {name: values[timed] for name, values in columns.items()})


def context_table(strides: pd.DataFrame, track: pd.DataFrame, sampling_rate: float) -> pd.DataFrame:
    """What surrounds each stride, row by row of the strides table.

    Parameters
    ----------
    strides : table `tables.STRIDES`
    track : table `tables.TRACK`
    sampling_rate : float, Hz

    Returns
    -------
    table `tables.CONTEXT`
    """
    at = strides["ic_s"].to_numpy(dtype=np.float64)
    found = places(track, at)
    return tables.make_table(
        tables.CONTEXT,
        {
            "stride_id": strides["stride_id"].to_numpy(),
            "time_s": at,
            "grade": _grade(strides, found["elevation_m"], sampling_rate),
            "latitude_deg": found["latitude_deg"],
            "longitude_deg": found["longitude_deg"],
            "elevation_m": found["elevation_m"],
            "track_distance_m": found["distance_m"],
        },
    )


def _grade(strides: pd.DataFrame, elevation: Array, sampling_rate: float) -> Array:
    rise, length, pitch = (
        strides[name].to_numpy(dtype=np.float64) for name in ("height_change_m", "stride_length_m", "slope_deg")
    )
    return grade(
        strides["leg"].to_numpy(dtype=object),
        strides["ic_s"].to_numpy(dtype=np.float64),
        rise,
        length,
        pitch,
        strides["lost_samples"].to_numpy() > SHORT_GAP_S * sampling_rate,
        elevation,
    )
