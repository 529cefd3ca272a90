"""The slope of the ground under each stride: from the foot's way and from how it lies, each by its doubt."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

STRIDES: Final = 10
"""Strides behind each figure (methods D)."""

LEAST: Final = 5
"""Fewer leave it unknown."""

RISE_ERROR_M: Final = 0.02
"""Error of every stride's height that does not average out, m. Simulation, 3 walkers and 2 feet each: walking
0.0-1.2 cm with typical sensors, 0.3-3.6 with the worst; running 1.1-3.7 and 0.2-12; a real loop 1.5
(`gait.trajectory`)."""

RISE_SCATTER_M: Final = 0.02
"""Error of one stride's height that does, m: 0.7-1.4 cm walking, 1.4-4.6 running, from the same simulations."""

STANDING_ERROR_DEG: Final = 1.5
"""Error of the pitch that does not average out, deg: the standing pose may itself be on a slope (methods D:
1-2)."""

APART_S: Final = 30.0
"""Strides this far from another one say nothing of the ground there."""

BESIDE_S: Final = 3.0
"""A stride of the other foot that begins this near lies on the same ground."""

HEIGHT_LASTS_S: Final = 60.0
"""Errors of a track's heights are independent after about so long: satellites and weather change slowly. Ours."""

HEIGHT_DRIFT_MPS: Final = 10.0 / 3600.0
"""Heights of a barometer follow the weather, by about 1 hPa or 8 m an hour when it changes. Ours, generous."""


class Drift(NamedTuple):
    """What every stride of a leg gains in height by error, and the 1-sigma that is left, m."""

    rise: float = 0.0
    doubt: float = RISE_ERROR_M


def height_drift(time: Array, rise: Array, elevation: Array) -> Drift:
    """Find what the heights of one leg's strides are off by from the heights of a track.

    Parameters
    ----------
    time : (n,) float array, s, of the strides, increasing
    rise : (n,) float array, m, `height_change_m`
    elevation : (n,) float array, m, of the track at those times; NaN where it has none

    Returns
    -------
    Drift
        The most probable error given both: hardly anything is corrected on a short walk, most on a long one.

    Notes
    -----
    Track less strides is a straight line over the number of strides in every stretch without a pause, all of one
    slope. Its doubt comes from its own residuals, of which one a minute is independent, and the weather.
    """
    number, climbed = np.arange(len(time), dtype=np.float64), np.cumsum(np.nan_to_num(rise))
    known = np.isfinite(elevation) & np.isfinite(rise)
    stretch = np.cumsum(np.diff(time, prepend=time[:1]) > APART_S)[known]
    if known.sum() < LEAST * STRIDES:
        return Drift()
    count = np.maximum(np.bincount(stretch), 1)

    def centred(values: Array) -> Array:
        return np.asarray(values - (np.bincount(stretch, values) / count)[stretch])

    x, y = centred(number[known]), centred((climbed - elevation)[known])
    power = float(x @ x)
    slope = float(x @ y) / power
    minutes = (time[known][-1] - time[known][0]) / HEIGHT_LASTS_S
    scatter = float(np.mean((y - slope * x) ** 2)) * len(x) / power / max(minutes - 2.0, 0.1)
    weather = (HEIGHT_DRIFT_MPS * float(np.median(np.diff(time)))) ** 2
    variance = scatter * len(x) / max(len(x) - 2, 1) + weather
    share = RISE_ERROR_M**2 / (RISE_ERROR_M**2 + variance)
    return Drift(rise=share * slope, doubt=float(np.sqrt(share * variance)))


def grade(
    leg: NDArray[np.object_],
    time: Array,
    rise: Array,
    length: Array,
    pitch: Array,
    lost: Mask,
    elevation: Array | None = None,
) -> Array:
    """Rise over run of the ground, mean of the 10 strides around each one.

    Parameters
    ----------
    leg : (n,) array of str
    time : (n,) float array, s, increasing
    rise, length : (n,) float arrays, m, `height_change_m` and `stride_length_m`
    pitch : (n,) float array, deg, `slope_deg`; NaN where the foot never lay flat
    lost : (n,) bool array, strides whose way was broken by lost samples
    elevation : (n,) float array, m, of a track at those times, NaN where unknown; takes the drift out of `rise`

    Returns
    -------
    (n,) float array; + = uphill; NaN with fewer than 5 strides within half a minute

    Notes
    -----
    The way gives the sum of the rises over the sum of the lengths; its doubt is the drift of every stride's height
    over the length. The foot on the ground gives the tangent of its mean pitch; its doubt is the standing pose,
    and the scatter of the ground under single steps, which is seen in the strides themselves. The two are weighed
    by the inverse squares of their doubts, and so are the two feet where both are worn. A running foot hardly ever
    lies still, so there the way speaks alone.
    """
    told: dict[str, tuple[NDArray[np.int64], Array, Array]] = {}
    for one in np.unique(leg.astype(str)):
        own = np.flatnonzero(leg == one)
        drift = Drift() if elevation is None else height_drift(time[own], rise[own], elevation[own])
        told[one] = (own, *_of_leg(time[own], rise[own], length[own], pitch[own], lost[own], drift))
    out = np.full(len(time), np.nan)
    for own, value, weight in told.values():
        total, weights = value * weight, weight.copy()
        for others, seen, sure in told.values():
            if others is not own:
                near = _nearest(time[others], time[own])
                beside = np.where(np.abs(time[others][near] - time[own]) < BESIDE_S, sure[near], 0.0)
                total, weights = total + seen[near] * beside, weights + beside
        out[own] = np.where(weights > 0.0, total / np.maximum(weights, 1e-12), np.nan)
    return out


def _nearest(times: Array, at: Array) -> NDArray[np.int64]:
    after = np.clip(np.searchsorted(times, at), 1, max(len(times) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(times) - 1)
    return np.where(at - times[before] < times[after] - at, before, after)


def _of_leg(
    time: Array, rise: Array, length: Array, pitch: Array, lost: Mask, drift: Drift
) -> tuple[Array, Array]:
    """Grade of each stride of one leg, 0 where unknown, and its weight: 1 / variance, 0 where unknown."""
    n = len(time)
    index = np.arange(n)[:, None] + np.arange(STRIDES)[None, :] - STRIDES // 2
    inside = (index >= 0) & (index < n)
    index = np.clip(index, 0, n - 1)
    inside &= np.abs(time[index] - time[:, None]) < APART_S
    way, by_way = _by_way(rise[index] - drift.rise, length[index], inside & ~lost[index], drift.doubt)
    lie, by_lie = _by_lie(pitch[index], inside)
    weight = by_way + by_lie
    return np.where(weight > 0.0, (way * by_way + lie * by_lie) / np.maximum(weight, 1e-12), 0.0), weight


def _by_way(rise: Array, length: Array, inside: Mask, doubt: float) -> tuple[Array, Array]:
    known = inside & np.isfinite(rise) & np.isfinite(length)
    n, run = known.sum(axis=1), np.where(known, length, 0.0).sum(axis=1)
    is_told = (n >= LEAST) & (run > 0.0)
    run = np.where(is_told, run, 1.0)
    variance = ((n * doubt) ** 2 + n * RISE_SCATTER_M**2) / run**2
    weight = np.where(is_told, 1.0 / np.maximum(variance, 1e-12), 0.0)
    return np.where(known, rise, 0.0).sum(axis=1) / run, weight


def _by_lie(pitch: Array, inside: Mask) -> tuple[Array, Array]:
    known = inside & np.isfinite(pitch)
    n = known.sum(axis=1)
    many = np.maximum(n, 1)
    mean = np.where(known, pitch, 0.0).sum(axis=1) / many
    scatter = np.where(known, (pitch - mean[:, None]) ** 2, 0.0).sum(axis=1) / np.maximum(n - 1, 1)
    variance = np.radians(np.sqrt(STANDING_ERROR_DEG**2 + scatter / many)) ** 2
    return np.tan(np.radians(mean)), np.where(n >= LEAST, 1.0 / variance, 0.0)
