"""From the points that a file holds to a track: what is impossible is left out, counted and said."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.errors import RecordingError
from ankle_imu.track import Track

Array = NDArray[np.float64]

EARTH_M: Final = 6_371_008.8
"""Mean radius of the earth, m (IUGG). Against the ellipsoid a distance is wrong by at most 0.6 %."""

EARLIEST_S: Final = 631_065_600.0
"""1989-12-31, where FIT starts to count; no GPX is older (2002). Clocks never set say 1901, 1970 or 1980."""

LATEST_S: Final = 4_102_444_800.0
"""2100-01-01: a date beyond it is no date."""

FARTHEST_S: Final = 14 * 86_400.0
"""No walk lasts longer: a point further from the middle one in time has the date of a receiver that had not found
its own yet (week numbers of GPS begin anew after 1024 weeks)."""

FASTEST_MPS: Final = 12.5
"""A point that could only be reached and left faster than anyone has run (12.4 m/s, 100 m world record of 2009,
its fastest stretch) is a wild one."""

GAP_S: Final = 60.0
"""Between points further apart in time the way is unknown. Ours: three times the longest interval of smart
recording at a walk in the tracks at hand (9-16 s between points, one in twenty longer)."""

STILL_M: Final = 25.0
"""Unless they lie this near to each other: then nobody walked away. Ours: positions wander by 5-10 m."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Points:
    """What a file holds, (n,) each: Unix time, s; deg; deg; m; number of the stretch. NaN where unknown."""

    time: Array
    latitude: Array
    longitude: Array
    elevation: Array
    segment: NDArray[np.int64]
    source: str
    problems: tuple[str, ...] = ()
    is_damaged: bool = False

    def __len__(self) -> int:
        return len(self.time)

    def only(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Points:
        """Those points, by mask or index."""
        columns = ("time", "latitude", "longitude", "elevation", "segment")
        return replace(self, **{name: getattr(self, name)[which] for name in columns})

    def saying(self, *problems: str) -> Points:
        """The same with further sentences."""
        return replace(self, problems=(*self.problems, *problems))


def distances(latitude: Array, longitude: Array, apart: int = 1) -> Array:
    """Horizontal distance from each point to the one `apart` on, (n - apart,) m, on the sphere (haversine)."""
    phi, lam = np.radians(latitude), np.radians(longitude)
    north, east = (np.sin(0.5 * (a[apart:] - a[:-apart])) ** 2 for a in (phi, lam))
    half = north + np.cos(phi[apart:]) * np.cos(phi[:-apart]) * east
    return np.asarray(2.0 * EARTH_M * np.arcsin(np.sqrt(np.minimum(half, 1.0))))


def make_track(points: Points, name: str) -> Track:
    """Keep the points that hold.

    Parameters
    ----------
    points : Points in the order of the file
    name : str, of the file, for words

    Returns
    -------
    Track

    Raises
    ------
    RecordingError
        When fewer than two positions are left.
    """
    points = _placed(points)
    if len(points) < 2:
        told = " ".join(points.problems)
        raise RecordingError(
            f"{name} holds {len(points) or 'no'} usable position{'s' if len(points) != 1 else ''}; a track needs "
            f"at least two. {told}".strip(),
            path=name,
        )
    points = _ordered(_dated(points))
    points = _without_wild_points(points)
    points = points.saying(*_gaps(points), *_heights(points))
    return Track(**{f.name: getattr(points, f.name) for f in fields(points)})


def _count(n: int, of: int, what: str) -> str:
    return f"{n} of {of} points {what}" if n > 1 else f"1 of {of} points {what}"


def _placed(points: Points) -> Points:
    there = np.isfinite(points.latitude) & np.isfinite(points.longitude)
    possible = there & (np.abs(points.latitude) <= 90.0) & (np.abs(points.longitude) <= 180.0)
    possible &= (points.latitude != 0.0) | (points.longitude != 0.0)
    missing, wrong = int((~there).sum()), int((there & ~possible).sum())
    kept = points.only(possible)
    if missing and missing < len(points):
        kept = kept.saying(f"{_count(missing, len(points), 'have no position')} and are left out.")
    if wrong:
        kept = kept.saying(f"{_count(wrong, len(points), 'lie at an impossible place')} and are left out.")
    return kept


def _dated(points: Points) -> Points:
    """Without dates that cannot be; what is left without a time is said."""
    bad = np.isfinite(points.time) & ~((points.time >= EARLIEST_S) & (points.time < LATEST_S))
    rest = points.time[np.isfinite(points.time) & ~bad]
    if len(rest):
        with np.errstate(invalid="ignore"):
            bad |= np.abs(points.time - np.median(rest)) > FARTHEST_S
    if bad.any():
        first = _date(float(points.time[bad][0]))
        told = f"{_count(int(bad.sum()), len(points), f'are dated {first}')}, so the clock was not set."
        points = replace(points, time=np.where(bad, np.nan, points.time)).saying(told)
    untimed = int(np.isnan(points.time).sum())
    if untimed == len(points):
        return points.saying("No point carries a usable time, so no stride can be placed on the track.")
    if untimed:
        what = "carry no usable time: they count for distance and ascent, no stride is placed on them."
        return points.saying(_count(untimed, len(points), what))
    return points


def _date(unix: float) -> str:
    try:
        return datetime.fromtimestamp(unix, tz=UTC).date().isoformat()
    except (OverflowError, OSError, ValueError):
        return "outside of all calendars"


def _ordered(points: Points) -> Points:
    """Stretches in order of their times, and no time twice or before an earlier one.

    Notes
    -----
    Kept is the longest series of points whose times increase, so one wild time costs one point, not all after it.
    """
    numbers = np.unique(points.segment)
    first = [
        np.nanmin(t) if np.isfinite(t := points.time[points.segment == k]).any() else -np.inf for k in numbers
    ]
    known = np.maximum.accumulate(first)
    if (np.asarray(first)[np.isfinite(first)] < known[np.isfinite(first)]).any():
        filled = [f if np.isfinite(f) else before for f, before in zip(first, known, strict=True)]
        order = np.argsort(filled, kind="stable")
        points = points.only(np.concatenate([np.flatnonzero(points.segment == numbers[k]) for k in order]))
        points = points.saying("The stretches of the file were not in order of their times; they were sorted.")
    change = np.concatenate([[False], np.diff(points.segment) != 0])
    points = replace(points, segment=np.cumsum(change))
    timed = np.flatnonzero(np.isfinite(points.time))
    keep = np.isnan(points.time)
    keep[timed[_longest_rise(points.time[timed])]] = True
    dropped = points.time[~keep]
    if len(dropped):
        twice = int(np.isin(dropped, points.time[keep]).sum())
        n, back = len(points), len(dropped) - twice
        points = points.only(keep)
        if twice:
            points = points.saying(f"{_count(twice, n, 'repeat the time of another one')} and are left out.")
        if back:
            points = points.saying(f"{_count(back, n, 'run backwards in time')} and are left out.")
    return points


def _longest_rise(values: Array) -> NDArray[np.int64]:
    """Indices of the longest strictly increasing subsequence."""
    tails: list[float] = []
    ends: list[int] = []
    before = np.full(len(values), -1, dtype=np.int64)
    for k, value in enumerate(values.tolist()):
        at = bisect_left(tails, value)
        before[k] = ends[at - 1] if at else -1
        if at == len(tails):
            tails.append(value)
            ends.append(k)
        elif value < tails[at]:
            tails[at], ends[at] = value, k
    chain, k = [], ends[-1] if ends else -1
    while k >= 0:
        chain.append(k)
        k = int(before[k])
    return np.array(chain[::-1], dtype=np.int64)


def _without_wild_points(points: Points) -> Points:
    """Without single points that nobody could have run to and back from."""
    if len(points) < 3:
        return points
    step, over = (distances(points.latitude, points.longitude, apart) for apart in (1, 2))
    with np.errstate(invalid="ignore"):
        limit = FASTEST_MPS * np.diff(points.time)
        wild = (step[:-1] > limit[:-1]) & (step[1:] > limit[1:]) & (over < limit[:-1] + limit[1:])
    wild = np.concatenate([[False], wild, [False]])
    if not wild.any():
        return points
    told = f"{_count(int(wild.sum()), len(points), 'jump where nobody can run')} and are left out."
    return points.only(~wild).saying(told)


def _gaps(points: Points) -> tuple[str, ...]:
    timed = points.only(np.isfinite(points.time))
    if len(timed) < 2:
        return ()
    wait = np.diff(timed.time)
    gap = wait[(wait > GAP_S) & (distances(timed.latitude, timed.longitude) > STILL_M)]
    if not len(gap):
        return ()
    number = f"{len(gap)} gaps" if len(gap) > 1 else "A gap"
    return (
        f"{number} of more than {GAP_S:.0f} s on the move, {float(gap.sum()) / 60.0:.0f} min together: no stride "
        "is placed there.",
    )


def _heights(points: Points) -> tuple[str, ...]:
    missing = int(np.isnan(points.elevation).sum())
    if missing == len(points):
        return ("The track has no heights, so ascent and descent are unknown.",)
    return (f"{_count(missing, len(points), 'have no height')}.",) if missing else ()
