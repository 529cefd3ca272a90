"""Tracks that do not show where someone lives: the surroundings of both ends cut out, or no places at all."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.terrain.points import EARTH_M, distances
from ankle_imu.track import Track

Array = NDArray[np.float64]

TRIM_M: Final = 200.0
"""What is cut round an end of a track, m, roughly. Ours, as are the next: no evidence says how much is enough."""

NEAREST, FARTHEST, CELL = 0.75, 1.5, 0.5
"""Of `TRIM_M`: no kept point is nearer than 150 m to an end of the track; the radius is at most 300 m, round the
middle of a cell of 100 m. A circle round the door itself would show the door: it is the middle of the circle that
the cut ends of several walks lie on."""


@dataclass(frozen=True, kw_only=True)
class Zone:
    """A circle that is hidden: its middle, deg, WGS 84, and its radius, m."""

    latitude: float
    longitude: float
    radius_m: float

    def hides(self, latitude: Array, longitude: Array) -> NDArray[np.bool_]:
        """Which of (n,) places lie in it; a place that is not known (NaN) does not."""
        there = np.stack([latitude, np.full(len(latitude), self.latitude)], axis=1).ravel()
        along = np.stack([longitude, np.full(len(longitude), self.longitude)], axis=1).ravel()
        return np.asarray(distances(there, along)[::2] < self.radius_m)


def zone(latitude: float, longitude: float, distance_m: float = TRIM_M, *, key: bytes = b"") -> Zone:
    """The circle that hides a place: the same for all places of one cell of a grid.

    Parameters
    ----------
    latitude, longitude : float, deg, WGS 84
    distance_m : float, m, how much is wanted hidden
    key : bytes, a secret of the library: moves the grid and chooses each radius; who knows it can narrow the place
        down to its cell from a single walk

    Notes
    -----
    Two doors, or two starts at one door, in the same cell have one circle, so that however many walks show no more
    than the cell. Where positions wander across the edge between two cells, both circles show, and the door is
    known to lie near that edge: a strip 100 m long.
    """
    side = CELL * distance_m
    north, east = (n / 2.0**32 for n in _numbers(key, "grid", distance_m))
    row_m = math.radians(latitude) * EARTH_M
    row = math.floor(row_m / side + north)
    middle = (row + 0.5 - north) * side / EARTH_M
    around = EARTH_M * max(math.cos(middle), 1e-6)
    column = math.floor(math.radians(longitude) * around / side + east)
    share = _numbers(key, "radius", row, column, distance_m)[0] / 2.0**32
    least = NEAREST * distance_m + side / math.sqrt(2.0)  # from the middle of a cell to its corner
    return Zone(
        latitude=math.degrees(middle),
        longitude=math.degrees((column + 0.5 - east) * side / around),
        radius_m=least + share * (FARTHEST * distance_m - least),
    )


def end_zones(track: Track, distance_m: float = TRIM_M, *, key: bytes = b"") -> tuple[Zone, ...]:
    """The circles round the first and the last point of a track; none for a track without points."""
    if not len(track.latitude):
        return ()
    ends = ((float(track.latitude[k]), float(track.longitude[k])) for k in (0, -1))
    return tuple(dict.fromkeys(zone(*end, distance_m, key=key) for end in ends))


def hidden(latitude: Array, longitude: Array, zones: Iterable[Zone]) -> NDArray[np.bool_]:
    """Which of (n,) places, deg, lie in one of the zones."""
    found = np.zeros(len(latitude), dtype=bool)
    for one in zones:
        found |= one.hides(latitude, longitude)
    return found


def trim_ends(track: Track, distance_m: float = TRIM_M, *, key: bytes = b"") -> Track:
    """A track without the surroundings of its first and its last point.

    Parameters
    ----------
    track : Track
    distance_m : float, m, positive; 200 m hide 150 to 370 m around each end, fixed per place, see `zone`
    key : bytes, a secret that makes the circles hard to guess

    Returns
    -------
    Track
        All points in the two circles are gone, also those of passing by in the middle of the walk: there the track
        is interrupted (a new `segment`). Nothing is shifted. A walk that never leaves the circles has no points
        left.

    Raises
    ------
    ValueError
        If the distance is not positive.

    Notes
    -----
    It hides the door from a map. The pace and the turns of a recording still tell roughly how the way to it went;
    who must not learn it must not get the recording.

    Examples
    --------
    >>> line = 46.0 + np.arange(100) * 1e-4  # 11 m from point to point, northwards
    >>> columns = {"time": np.arange(100.0), "latitude": line, "longitude": np.full(100, 14.0)}
    >>> whole = Track(**columns, elevation=np.full(100, np.nan), segment=np.zeros(100))
    >>> shown = trim_ends(whole)
    >>> bool(distances(np.array([line[0], shown.latitude[0]]), np.array([14.0, 14.0]))[0] >= 150)
    True
    """
    if not distance_m > 0:
        raise ValueError(f"The distance to cut is {distance_m:g} m; expected more than 0.")
    return cut(track, end_zones(track, distance_m, key=key))


def cut(track: Track, zones: Iterable[Zone]) -> Track:
    """A track without its points in the zones, interrupted where they were."""
    gone = hidden(track.latitude, track.longitude, zones)
    if not gone.any():
        return track
    kept = np.flatnonzero(~gone)
    is_new = (np.diff(track.segment[kept]) > 0) | (np.diff(kept) > 1)
    columns = {name: getattr(track, name)[kept] for name in ("time", "latitude", "longitude", "elevation")}
    told = f"{int(gone.sum())} of {len(gone)} points are left out: they lie near an end of the walk."
    return replace(
        track,
        **columns,
        segment=np.concatenate([[0], np.cumsum(is_new)])[: len(kept)],
        problems=(*track.problems, told),
    )


def _numbers(key: bytes, *what: object) -> tuple[int, int]:
    """Two numbers of 32 bits that follow from key and subject and look like chance."""
    digest = hashlib.blake2b(repr(what).encode(), key=key[:64], digest_size=8).digest()
    return int.from_bytes(digest[:4], "big"), int.from_bytes(digest[4:], "big")
