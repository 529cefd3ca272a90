"""Where a walk went in metres, without its ends, and how far the spread of the steps went up and down along it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ankle_imu.report import series
from ankle_imu.report.per_result import per_result
from ankle_imu.terrain.points import EARTH_M, GAP_S, distances
from ankle_imu.terrain.privacy import TRIM_M, cut, end_zones
from ankle_imu.terrain.way import smooth_places
from ankle_imu.track import Track

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from ankle_imu.values import SessionResult

    Array = NDArray[np.float64]

SPREAD_STRIDES: Final = 25
"""Strides of one leg behind one figure of spread; ours: that of 25 is known to 14 %, on some 35 m of trail."""

REACH_S: Final = 20.0
"""Farther in time from strides with a spread the line has no colour; ours."""

SMOOTH_S: Final = 8.0
"""Half width of the window over places, s: 3 m of error that holds for 5 s made the line of a walk a saw; ours."""

LEAST_SHOWN_M: Final = 100.0
"""A shorter rest of a way whose ends are hidden is no map but a hint at them; ours."""

MOST_POINTS: Final = 700
"""Points of the line: a picture of 700 pixels shows no more."""

LEAST_STEP_M: Final = 3.0
"""Closer places are taken together: receivers are not better."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TrailLine:
    """The line of the map.

    Parameters
    ----------
    time : (n,) float array, s from session start
    east, north : (n,) float arrays, m from the middle of the line: no place on earth follows from them
    way : (n,) float array, m along the track since session start
    piece : (n,) int array, number of the piece without interruption
    spread : (n,) float array, deg, standard deviation of the range of the 25 strides around; NaN where unknown
    source : str, angle source of the spread, "" without one
    """

    time: Array
    east: Array
    north: Array
    way: Array
    piece: NDArray[np.int64]
    spread: Array
    source: str

    @property
    def length(self) -> float:
        """Way that is shown, m."""
        step = np.diff(self.way)
        return float(step[np.diff(self.piece) == 0].sum())


def has_track(result: SessionResult) -> bool:
    """Whether at least two points of a track lie in the session."""
    return len(_of_session(result)) > 1


@per_result
def trail_line(result: SessionResult, trim_m: float = TRIM_M, key: bytes = b"") -> TrailLine:
    """Find the line of the map.

    Parameters
    ----------
    result : SessionResult
    trim_m : float, m, what is hidden round both ends of the session and of the track; 0 hides nothing
    key : bytes, see `terrain.privacy.zone`

    Returns
    -------
    TrailLine
        Without points where there is no track or all of it is hidden.
    """
    own = _of_session(result)
    track = _track(own)
    if trim_m > 0.0 and len(own):
        zones = (*end_zones(_track(result.track), trim_m, key=key), *end_zones(track, trim_m, key=key))
        track = _or_nothing(cut(track, zones))
    east, north = _local(track)
    way = (
        np.interp(track.time, own["time_s"].to_numpy(float), own["distance_m"].to_numpy(float)) if len(own) else []
    )
    start = float(own["distance_m"].iloc[0]) if len(own) else 0.0
    along, piece = _thin(track.segment, np.array(way) - start, np.stack([track.time, east, north]))
    time, east, north, way = along
    source = next(iter(series.sources(result)), "")
    spread = spread_at(result, source, time)
    return TrailLine(time=time, east=east, north=north, way=way, piece=piece, spread=spread, source=source)


def _or_nothing(track: Track) -> Track:
    """The track without points where too little of it is left."""
    inside = np.diff(track.segment) == 0
    if distances(track.latitude, track.longitude)[inside].sum() >= LEAST_SHOWN_M:
        return track
    none = np.empty(0)
    return Track(time=none, latitude=none, longitude=none, elevation=none, segment=none.astype(np.int64))


def _of_session(result: SessionResult) -> pd.DataFrame:
    time = result.track["time_s"]
    return result.track[(time >= 0.0) & (time <= result.duration_s)]


def _track(table: pd.DataFrame) -> Track:
    """A table `tables.TRACK` as a track by the session's clock."""
    time = table["time_s"].to_numpy(float)
    return Track(
        time=time,
        latitude=table["latitude_deg"].to_numpy(float),
        longitude=table["longitude_deg"].to_numpy(float),
        elevation=table["elevation_m"].to_numpy(float),
        segment=np.concatenate([[0], np.cumsum(np.diff(time) > GAP_S)])[: len(time)],
    )


def _local(track: Track) -> tuple[Array, Array]:
    """Metres east and north of the middle of what is shown."""
    if not len(track.time):
        return np.empty(0), np.empty(0)
    latitude, longitude = _smooth(track)
    north = np.radians(latitude) * EARTH_M
    east = np.radians(longitude) * EARTH_M * np.cos(np.radians(latitude.mean()))
    return east - (east.max() + east.min()) / 2.0, north - (north.max() + north.min()) / 2.0


def _smooth(track: Track) -> tuple[Array, Array]:
    """Places of each piece without the receiver's jitter, longitudes without a jump at the date line."""
    latitude, longitude = track.latitude.copy(), np.unwrap(track.longitude, period=360.0)
    for piece in np.unique(track.segment):
        rows = track.segment == piece
        if rows.sum() > 2:
            latitude[rows], longitude[rows] = smooth_places(
                track.time[rows], latitude[rows], longitude[rows], SMOOTH_S
            )
    return latitude, longitude


def _thin(segment: NDArray[np.int64], way: Array, values: Array) -> tuple[Array, NDArray[np.int64]]:
    """Means of values (k, n) and way over equal lengths of way, (k + 1, m), and the piece of each, (m,)."""
    step = max(LEAST_STEP_M, float(np.ptp(way)) / MOST_POINTS) if len(way) else LEAST_STEP_M
    bins = np.floor(way / step).astype(np.int64)
    is_new = (np.diff(bins) != 0) | (np.diff(segment) != 0)
    own = np.concatenate([[0], np.cumsum(is_new)])[: len(way)].astype(np.int64)
    count = np.maximum(np.bincount(own), 1)
    first = np.flatnonzero(np.concatenate([[True], is_new])[: len(way)])
    return np.stack([np.bincount(own, one) / count for one in (*values, way)]), segment[first]


def spread_at(result: SessionResult, source: str, time: Array) -> Array:
    """Spread of the range around given times (n,) s, mean of the legs, deg; NaN far from strides that have one."""
    legs = series.timeline(result, source).values() if source else ()
    if not legs or not len(time):
        return np.full(len(time), np.nan)
    both = np.stack([_rolling_spread(60.0 * minutes, values, time) for minutes, values, _ in legs])
    known = np.isfinite(both)
    total = np.where(known, both, 0.0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)


def _rolling_spread(at: Array, values: Array, time: Array) -> Array:
    import pandas as pd

    if len(values) < SPREAD_STRIDES:
        return np.full(len(time), np.nan)
    rolling = pd.Series(values).rolling(SPREAD_STRIDES, center=True, min_periods=SPREAD_STRIDES // 2 + 1).std()
    nearest = np.clip(np.searchsorted(at, time), 1, len(at) - 1)
    near = np.minimum(np.abs(at[nearest] - time), np.abs(at[nearest - 1] - time)) <= REACH_S
    return np.where(near, np.interp(time, at, rolling.to_numpy(float)), np.nan)
