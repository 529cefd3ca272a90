"""The track of a watch or phone: places by its own clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Track:
    """Where a watch or phone was: the points of a GPX or FIT file that hold, in order of time.

    Parameters
    ----------
    time : (n,) float array, s, Unix time by the track's own clock, increasing; NaN for a point without a time
    latitude, longitude : (n,) float array, deg, WGS 84
    elevation : (n,) float array, m, as the file has it; NaN where it has none
    segment : (n,) int array, number of the stretch without interruption that a point belongs to, not falling
    source : str, what the file is, e.g. `GPX, Garmin Connect`
    problems : tuple of str, a sentence on everything that was left out or looks odd
    is_damaged : bool, the file is cut off or broken and more may have been in it
    """

    time: Array
    latitude: Array
    longitude: Array
    elevation: Array
    segment: NDArray[np.int64]
    source: str = ""
    problems: tuple[str, ...] = ()
    is_damaged: bool = False

    def __post_init__(self) -> None:
        columns = ("time", "latitude", "longitude", "elevation", "segment")
        for name in columns:
            values = np.array(getattr(self, name), dtype=np.int64 if name == "segment" else np.float64)
            values.setflags(write=False)
            object.__setattr__(self, name, values)
        if len({getattr(self, name).shape for name in columns}) > 1:
            raise ValueError("time, latitude, longitude, elevation and segment must be (n,) with one n.")
        if not (np.isfinite(self.latitude).all() and np.isfinite(self.longitude).all()):
            raise ValueError("Every point of a track needs a latitude and a longitude.")
        if (np.diff(self.time[np.isfinite(self.time)]) <= 0).any() or (np.diff(self.segment) < 0).any():
            raise ValueError("The times of a track must increase, and its segments must not fall.")

    @property
    def is_timed(self) -> NDArray[np.bool_]:
        """(n,) True for points that carry a time."""
        return np.asarray(np.isfinite(self.time))

    def __repr__(self) -> str:
        return (
            f"Track({len(self.time)} points, {int(self.is_timed.sum())} with a time, {self.source or 'no file'})"
        )
