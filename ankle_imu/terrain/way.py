"""The way along a track: distance, speed, and ascent and descent by a stated rule."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.terrain.points import EARTH_M, distances
from ankle_imu.track import Track

Array = NDArray[np.float64]

SPEED_NOISE: Final = 0.1
"""Part of the speed that errors of places may leave in it: it makes a distance too long by half its square. Errors
of places make every distance too long, the more the shorter the steps (Ranacher et al. 2016). Own simulation,
errors of 3 m that hold for 0 / 5 / 30 s, a point a second, 10 min at 1.4 m/s in bends and with stops: the plain
sum is 358 / 123 / 44 % too long, this one -0 / 10 / 8 %. Where the receiver has smoothed already, nothing is taken
away: 9.0 km of a watch's run 0.3 % less than its own figure, 158 m 1.5 % more."""

WIDEST_S: Final = 10.0
"""Largest half width of the window over places, s: a wider one cuts the corners of a walk."""

SLOPE_M: Final = 30.0
"""The slope that lengthens the way is taken over so far to both sides, m: errors of heights of 4 m then lengthen
it by under 1 %, not by a fifth. Ours."""

STEEPEST: Final = 1.0
"""Nobody walks on steeper ground for 60 m."""

HEIGHT_WINDOW_S: Final = 15.0
HEIGHT_WINDOW_POINTS: Final = 5
"""Running median over heights: so long and at least so many points. It takes out what a device says for a few
seconds after the start (87 m for 3 s in a watch's file at hand) and leaves slopes as they are."""

CLIMB_M: Final = 2.0
CLIMB_NOISY_M: Final = 10.0
"""A climb counts from its low to its high point when it is higher than this; the same downwards. Rule and figures
are those that Strava documents: smoothed heights, more than 2 m where they come from a barometer, 10 m where they
do not ("Elevation on Strava: FAQs"). Plain sums are too high, and watches differ by 10 % on one hill (Ammann et
al. 2016)."""

NOISY_M: Final = 1.0
"""Heights that scatter more than this about their running median (robust 1-sigma) are no barometer's: 0.0-0.1 m in
all six real tracks at hand, 1.6-4.2 m where a simulated receiver errs by 4-7 m. Errors that change slowly are not
seen."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Way:
    """The way along a track.

    Parameters
    ----------
    distance : (n,) float array, m since the first point, uphill and downhill included; nothing between stretches
    elevation : (n,) float array, m, without spikes
    speed : (n,) float array, m/s over ground; NaN for a point without a time
    ascent, descent : float, m; NaN without heights
    least_climb : float, m, what a climb had to exceed to count
    """

    distance: Array
    elevation: Array
    speed: Array
    ascent: float
    descent: float
    least_climb: float

    @property
    def length(self) -> float:
        """Whole distance, m."""
        return float(self.distance[-1])


def follow(track: Track) -> Way:
    """Distance, height, speed, ascent and descent of a track.

    Parameters
    ----------
    track : Track

    Returns
    -------
    Way

    Notes
    -----
    Each stretch for itself: between two of them the receiver was off, and what happened there is unknown. Distance
    goes with the slope, as feet do.

    References
    ----------
    Ranacher et al. 2016, Why GPS makes distances bigger than they are, Int J Geogr Inf Sci 30:316 (arXiv
    1504.04504). Ammann et al. 2016, Accuracy of elevation recording using sport watches while walking and running
    on hilly and flat terrain, Sports Engineering 19. Strava, Elevation on Strava: FAQs, support.strava.com.
    """
    n = len(track.time)
    step, height, speed = np.zeros(n), np.full(n, np.nan), np.full(n, np.nan)
    edges = np.flatnonzero(np.diff(track.segment, prepend=track.segment[0] - 1, append=track.segment[-1] + 1))
    for a, b in pairwise(edges):
        rows = slice(int(a), int(b))
        height[rows] = _height(track.time[rows], track.elevation[rows])
        moved = _steps(track.time[rows], track.latitude[rows], track.longitude[rows])
        moved = moved * np.hypot(1.0, _steepness(moved, height[rows]))
        step[int(a) + 1 : int(b)] = moved
        speed[rows] = _speed(track.time[rows], moved)
    known = np.isfinite(height)
    scatter = 1.4826 * float(np.nanmedian(np.abs(track.elevation - height)[known])) if known.any() else 0.0
    least = CLIMB_NOISY_M if scatter > NOISY_M else CLIMB_M
    stretches = [height[known & (track.segment == k)] for k in np.unique(track.segment[known])]
    sums = np.sum([climbs(stretch, least) for stretch in stretches], axis=0) if stretches else [np.nan, np.nan]
    return Way(
        distance=np.cumsum(step),
        elevation=height,
        speed=speed,
        ascent=float(sums[0]),
        descent=float(sums[1]),
        least_climb=least,
    )


def climbs(height: Array, least: float) -> tuple[float, float]:
    """Ascent and descent: the sums of all climbs and falls of more than `least`, each from turn to turn.

    Parameters
    ----------
    height : (n,) float array, m
    least : float, m

    Returns
    -------
    ascent, descent : float, m

    Examples
    --------
    >>> climbs(np.array([0.0, 5.0, 4.0, 9.0, 3.0]), 2.0)
    (9.0, 6.0)
    """
    sums = {1: 0.0, -1: 0.0}
    turn = extreme = float(height[0])
    way = 0
    for value in height.tolist():
        if way == 0:
            if abs(value - turn) > least:
                way, extreme = (1 if value > turn else -1), value
        elif way * (value - extreme) > 0.0:
            extreme = value
        elif way * (extreme - value) > least:
            sums[way] += way * (extreme - turn)
            turn, extreme, way = extreme, value, -way
    if way:
        sums[way] += way * (extreme - turn)
    return sums[1], sums[-1]


def _height(time: Array, height: Array) -> Array:
    """Heights of one stretch without spikes; between known heights linear in the points."""
    known = np.flatnonzero(np.isfinite(height))
    if not len(known):
        return height
    inside = np.arange(known[0], known[-1] + 1)
    filled = np.interp(inside, known, height[known])
    spacing = float(np.median(np.diff(time))) if len(time) > 1 else np.nan
    wanted = HEIGHT_WINDOW_S / spacing if np.isfinite(spacing) and spacing > 0.0 else 0.0
    half = max(HEIGHT_WINDOW_POINTS // 2, round(0.5 * (wanted - 1.0)))
    padded = np.pad(filled, half, mode="edge")
    out = np.full(len(height), np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
    out[inside] = np.median(windows, axis=1)
    return out


def smooth_places(
    time: Array, latitude: Array, longitude: Array, window: float | None = None
) -> tuple[Array, Array]:
    """Positions of one stretch under a triangular window of time; untimed ones as they are.

    Parameters
    ----------
    time : (n,) float array, s
    latitude, longitude : (n,) float arrays, deg
    window : float, s, half width; None finds it from how much the places jitter

    Returns
    -------
    latitude, longitude : (n,) float arrays, deg
    """
    if not np.isfinite(time).all() or len(time) < 3:
        return latitude, longitude
    unwrapped = np.unwrap(longitude, period=360.0)
    width = _window(time, latitude, unwrapped) if window is None else window
    return _triangle(time, latitude, width), _triangle(time, unwrapped, width)


def _window(time: Array, latitude: Array, longitude: Array) -> float:
    """Half width, s, that leaves `SPEED_NOISE` of the errors of places in the speed.

    Notes
    -----
    Independent errors s at points dt apart leave s sqrt(2 dt) / w^1.5 in the speed under a triangle of half width
    w; s is seen in the second differences of the places, where a walker's own changes of speed are small.
    """
    metres = np.radians(latitude) * EARTH_M, np.radians(longitude) * EARTH_M * np.cos(np.radians(latitude[0]))
    jitter = np.hypot(*(np.diff(m, 2) for m in metres))
    error = float(np.median(jitter)) / (1.177 * np.sqrt(6.0))  # median of a Rayleigh distribution
    spacing = float(np.median(np.diff(time)))
    step = max(1, round(WIDEST_S / spacing))
    far = np.hypot(*(m[step:] - m[:-step] for m in metres)) / np.maximum(time[step:] - time[:-step], 1e-9)
    speed = float(np.median(far)) if len(far) else 0.0
    if speed <= 0.0:
        return WIDEST_S
    return float(min(WIDEST_S, (error * np.sqrt(2.0 * spacing) / (SPEED_NOISE * speed)) ** (2.0 / 3.0)))


def _triangle(time: Array, values: Array, width_s: float) -> Array:
    """Mean with weights that fall to nothing at `width_s`, or at the nearer end of the stretch."""
    t, v = time - time[0], values - values[0]
    width = np.minimum(width_s, np.minimum(t, t[-1] - t))
    alone = width <= np.diff(t).min()
    width = np.where(alone, 1.0, width)
    zero, one, of, by = (np.concatenate([[0.0], np.cumsum(x)]) for x in (np.ones(len(t)), t, v, t * v))
    first, here, last = (
        np.searchsorted(t, t - width),
        np.arange(1, len(t) + 1),
        np.searchsorted(t, t + width, "right"),
    )

    def weighted(plain: Array, with_time: Array) -> Array:
        before = (plain[here] - plain[first]) * (1.0 - t / width) + (with_time[here] - with_time[first]) / width
        after = (plain[last] - plain[here]) * (1.0 + t / width) - (with_time[last] - with_time[here]) / width
        return np.asarray(before + after)

    return np.where(alone, values, values[0] + weighted(of, by) / weighted(zero, one))


def _steps(time: Array, latitude: Array, longitude: Array) -> Array:
    lat, lon = smooth_places(time, latitude, longitude)
    return distances(lat, lon)


def _steepness(moved: Array, height: Array) -> Array:
    """Rise over run of each step, from the heights `SLOPE_M` before and after its middle; 0 where unknown."""
    known = np.isfinite(height)
    if not len(moved) or not known.all():
        return np.zeros(len(moved))
    at = np.concatenate([[0.0], np.cumsum(moved)])
    middle = 0.5 * (at[1:] + at[:-1])
    ends = np.clip(middle[:, None] + [-SLOPE_M, SLOPE_M], 0.0, at[-1])
    rise = np.diff(np.interp(ends, at + 1e-9 * np.arange(len(at)), height), axis=1)[:, 0]
    run = np.maximum(ends[:, 1] - ends[:, 0], 1.0)
    return np.asarray(np.clip(rise / run, -STEEPEST, STEEPEST))


def _speed(time: Array, moved: Array) -> Array:
    """Speed at each point: over the steps before and after it."""
    if len(time) < 2:
        return np.full(len(time), np.nan)
    total = np.concatenate([[0.0], np.cumsum(moved)])
    ends = np.clip(np.arange(len(time))[:, None] + [-1, 1], 0, len(time) - 1)
    return np.asarray((total[ends[:, 1]] - total[ends[:, 0]]) / (time[ends[:, 1]] - time[ends[:, 0]]))
