"""Shared knocks: a stomp or a tap that two sensors felt at one instant shows how far apart their times are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from ankle_imu.timing.clock import Array, Indices
from ankle_imu.units import STANDARD_GRAVITY
from ankle_imu.values import ImuSeries

LEAST_KNOCK: Final = 8.0
"""m/s^2 by which the size of the acceleration must leave its rest (own choice: a stomp felt at the shank is above
1 g; shifting one's weight stays below 0.3 g)."""

STILL_S: Final = 0.6
"""Length of rest before a knock, so that steps are none: between two steps a foot rests less in walking (own
choice; midstance lasts 0.3 to 0.5 s)."""

STILL: Final = 0.8
"""m/s^2, root mean square about the mean of the size of the acceleration in that rest (own choice: standing people
stay below 0.2, feet in swing are above 3)."""

SAME_S: Final = 0.25
"""Two knocks this far apart can be one (own choice: times that are worse are seen without a knock)."""

BURST_S: Final = 1.5
"""Knocks within this time after the first belong to one event of up to a few stamps (own choice)."""

_STEP_S: Final = 0.0005
_LEAST_LIKENESS: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class SyncCheck:
    """How far the times of one sensor are from those of another.

    `knocks`: events that both felt; `offset_s`: median of how much later `placement` has them than `reference`;
    `spread_s`: largest distance of one from the median, s. NaN without knocks.
    """

    placement: str
    reference: str
    knocks: int
    offset_s: float
    spread_s: float


def find_knocks(series: ImuSeries) -> Array:
    """Instants (k,), s, at which a sensor at rest was struck.

    Notes
    -----
    The first sample that leaves the rest by `LEAST_KNOCK`, after `STILL_S` without motion or gaps. Further blows
    within `BURST_S` belong to the same knock.
    """
    size = np.linalg.norm(series.acc, axis=1)
    window = max(2, round(STILL_S * series.sampling_rate))
    if len(size) <= window:
        return np.empty(0)
    mean, deviation = _before(size, window)
    is_rest = (deviation < STILL) & (np.abs(mean - STANDARD_GRAVITY) < 0.2 * STANDARD_GRAVITY)
    struck = np.flatnonzero(is_rest & (np.abs(size - mean) > LEAST_KNOCK))
    times = series.time[struck]
    kept: list[float] = []
    for at in times.tolist():
        if not kept or at - kept[-1] > BURST_S:
            kept.append(at)
    return np.array(kept)


def check_sync(series: Mapping[str, ImuSeries]) -> tuple[SyncCheck, ...]:
    """Compare each sensor with the first by the knocks that both felt.

    Parameters
    ----------
    series : mapping of placement to ImuSeries

    Returns
    -------
    tuple of SyncCheck
        One per sensor but the first.

    Notes
    -----
    Around each pair of knocks, the sizes of both accelerations are laid over each other, at half a millisecond,
    where they are most alike (normalised cross-correlation, with a parabola through its top). Pairs that are
    not alike are passed over. The time that the blow takes from one sensor to the other is in the offset.
    """
    placements = list(series)
    return tuple(_compare(placements[0], other, series) for other in placements[1:])


def _compare(reference: str, placement: str, series: Mapping[str, ImuSeries]) -> SyncCheck:
    one, other = series[reference], series[placement]
    first, second = find_knocks(one), find_knocks(other)
    offsets = []
    for at in first.tolist():
        near = second[np.abs(second - at) <= SAME_S]
        if len(near):
            offset = _offset(one, other, at)
            offsets += [offset] if np.isfinite(offset) else []
    if not offsets:
        return SyncCheck(
            placement=placement, reference=reference, knocks=0, offset_s=float("nan"), spread_s=float("nan")
        )
    middle = float(np.median(offsets))
    return SyncCheck(
        placement=placement,
        reference=reference,
        knocks=len(offsets),
        offset_s=middle,
        spread_s=float(np.max(np.abs(np.array(offsets) - middle))),
    )


def _offset(one: ImuSeries, other: ImuSeries, at: float) -> float:
    """Seconds by which `other` has the knock at `at` later; NaN where the two are not alike or have a gap."""
    grid = np.arange(-SAME_S, SAME_S + BURST_S, _STEP_S)
    a, b = _shape(one, at + grid), _shape(other, at + grid)
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("nan")
    size = 1 << int(np.ceil(np.log2(2 * len(grid))))
    cross = np.fft.irfft(np.conj(np.fft.rfft(a, size)) * np.fft.rfft(b, size), size)
    most = round(SAME_S / _STEP_S)
    lags: Indices = np.arange(-most, most + 1)
    likeness = cross[lags] / np.sqrt((a @ a) * (b @ b))
    top = int(np.argmax(likeness))
    if likeness[top] < _LEAST_LIKENESS or top in (0, len(lags) - 1):
        return float("nan")
    low, mid, high = likeness[top - 1 : top + 2]
    bend = low - 2.0 * mid + high
    return float(lags[top] + (0.5 * (low - high) / bend if bend < 0 else 0.0)) * _STEP_S


def _shape(series: ImuSeries, at: Array) -> Array:
    """How far the size of the acceleration is from its rest, at the times `at`; NaN in gaps and beyond ends."""
    size = np.abs(np.linalg.norm(series.acc, axis=1) - STANDARD_GRAVITY)
    return np.asarray(np.interp(at, series.time, size, left=np.nan, right=np.nan))


def _before(values: Array, window: int) -> tuple[Array, Array]:
    """Mean and standard deviation of the `window` values before each; infinite where there are fewer, or gaps."""
    filled = np.nan_to_num(values - STANDARD_GRAVITY)
    total = np.concatenate([[0.0], np.cumsum(filled)])
    squares = np.concatenate([[0.0], np.cumsum(filled**2)])
    missing = np.concatenate([[0], np.cumsum(np.isnan(values))])
    mean = np.full(len(values), np.inf)
    deviation = np.full(len(values), np.inf)
    stop = np.arange(window, len(values))
    mean[window:] = (total[stop] - total[stop - window]) / window
    power = (squares[stop] - squares[stop - window]) / window - mean[window:] ** 2
    deviation[window:] = np.sqrt(np.maximum(power, 0.0))
    deviation[window:][missing[stop] > missing[stop - window]] = np.inf
    return mean + STANDARD_GRAVITY, deviation
