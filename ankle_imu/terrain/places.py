"""Where someone was at given times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ankle_imu.terrain.points import GAP_S, STILL_M, distances

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

COLUMNS: Final = ("latitude_deg", "longitude_deg", "elevation_m", "distance_m")


def places(track: pd.DataFrame, times: ArrayLike) -> dict[str, Array]:
    """Place on the track at given times.

    Parameters
    ----------
    track : table `tables.TRACK`, as in `SessionResult.track`
    times : (k,) s from session start

    Returns
    -------
    dict of (k,) float arrays: `latitude_deg`, `longitude_deg`, `elevation_m`, `distance_m`
        NaN before, after and inside the gaps of the track: between points more than 60 s apart, unless they lie
        within 25 m of each other.

    Examples
    --------
    >>> from ankle_imu import tables
    >>> columns = {"time_s": [0, 10], "latitude_deg": [46, 46.0001], "longitude_deg": [14, 14]}
    >>> track = tables.make_table(tables.TRACK, columns)
    >>> places(track, [5.0, 11.0])["latitude_deg"].round(5)
    array([46.00005,      nan])
    """
    at = np.asarray(times, dtype=np.float64)
    time = track["time_s"].to_numpy(dtype=np.float64)
    if len(time) < 2:
        return {name: np.full(at.shape, np.nan) for name in COLUMNS}
    columns = {name: track[name].to_numpy(dtype=np.float64) for name in COLUMNS}
    known = covered(time, columns["latitude_deg"], columns["longitude_deg"], at)
    columns["longitude_deg"] = np.unwrap(columns["longitude_deg"], period=360.0)
    found = {name: np.where(known, np.interp(at, time, values), np.nan) for name, values in columns.items()}
    found["longitude_deg"] = (found["longitude_deg"] + 180.0) % 360.0 - 180.0
    return found


def covered(time: Array, latitude: Array, longitude: Array, at: Array) -> NDArray[np.bool_]:
    """Whether the track knows the place at times `at` (k,); `time` (n,) increasing, both in the same clock."""
    if len(time) < 2:
        return np.zeros(at.shape, dtype=bool)
    joined = (np.diff(time) <= GAP_S) | (distances(latitude, longitude) <= STILL_M)
    inside = (at >= time[0]) & (at <= time[-1])
    after = np.clip(np.searchsorted(time, at), 1, len(time) - 1)
    exact = np.isin(at, time)
    return np.asarray(inside & (joined[after - 1] | exact))
