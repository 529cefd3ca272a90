"""Initial contact and toe-off of one foot from its gyroscope, for walking and running, level or not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ankle_imu import quaternion as qt
from ankle_imu.gait.filters import moving_mean, runs

Array = NDArray[np.float64]
Index = NDArray[np.int64]

CUTOFF_HZ = 15.0
"""Low-pass of the gyroscope for events, Hz."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Swings:
    """Foot swings in time order; all (k,) arrays.

    `start, stop`: sample indices of the moving interval, heel rise to loading; `to, ic`: toe-off and the
    initial contact that ends the swing, in fractional samples; `run_to, run_ic`: the same by the rule for
    running.
    """

    start: Index
    stop: Index
    to: Array
    ic: Array
    run_to: Array
    run_ic: Array

    def __len__(self) -> int:
        return len(self.start)


HEEL_RATE = -0.2
"""A heel that comes down after the toe turns the foot toe-up, rad/s; after heel contact the rate stays above."""

TOE_IMPACT_RATIO = 2.5
"""See `locate_contacts`."""

FLAT_WITHIN_DEG = 35.0
"""A still foot tilted further from its usual stance pose is in the air: it hangs toe-down after push-off."""

PLANTED_WITHIN = 0.6
"""A foot on the ground feels gravity alone, give or take 0.6 g in running; one that turns round in the air feels
2-6 g of its swing.
"""


def moving_intervals(
    gyr: Array, acc: Array, up: Array, sampling_rate: float, gravity: float
) -> tuple[Index, Index, Array]:
    """Intervals in which the foot may swing: between two still phases, fast enough, of a stride's length.

    Parameters
    ----------
    gyr : (n, 3) float array, rad/s, any fixed frame, bias removed, low-passed at `CUTOFF_HZ`
    acc : (n, 3) float array, m/s^2
    up : (n, 3) float array, the earth's up direction in the same frame
    sampling_rate : float, Hz
    gravity : float, m/s^2, length of this sensor's reading at rest

    Returns
    -------
    start, stop : (k,) integer arrays, samples
    flat_up : (3,) usual up direction of the still foot

    Notes
    -----
    Still is slower than 0.8 rad/s or 15 % of the running 90th percentile over 3 s, for 120 ms, or 40 ms where
    that threshold exceeds 1.04 rad/s (running). An interval lasts 0.25-1.8 s and peaks above 2.5 rad/s. Own
    experiments on walking, running and stairs: F1 of swings >= 0.97 over many walkers; a share of 0.25 counts
    running steps twice, one of 0.10 loses steps.
    """
    from scipy.ndimage import percentile_filter

    speed = qt.length(gyr)
    step = max(1, round(sampling_rate / 20.0))
    coarse = speed[::step]
    window = max(3, round(3.0 * sampling_rate / step))
    busy = np.repeat(percentile_filter(coarse, 90, size=window), step)[: len(speed)]
    threshold = np.maximum(0.8, 0.15 * busy)
    start, stop = runs(speed < threshold)
    middle = (start + stop - 1) // 2
    needed = np.where(threshold[middle] > 1.04, 0.040, 0.120)
    keep = (stop - start) >= needed * sampling_rate
    keep &= _mean_within(np.abs(qt.length(acc) - gravity), start, stop) < PLANTED_WITHIN * gravity
    start, stop, middle = start[keep], stop[keep], middle[keep]
    none = np.empty(0, np.int64)
    if len(start) < 2:
        return none, none, np.array([0.0, 0.0, 1.0])
    flat_up = _usual_direction(up[middle])
    keep = up[middle] @ flat_up > np.cos(np.radians(FLAT_WITHIN_DEG))
    start, stop = start[keep], stop[keep]
    if len(start) < 2:
        return none, none, flat_up
    flat = up @ flat_up > np.cos(np.radians(FLAT_WITHIN_DEG))
    low, high = _split_merged(stop[:-1], start[1:], speed, busy, flat, sampling_rate)
    peak = np.maximum.reduceat(speed, np.stack([low, high], axis=1).ravel())[::2]
    duration = (high - low) / sampling_rate
    keep = (duration >= 0.25) & (duration <= 1.8) & (peak > 2.5)
    return low[keep], high[keep], flat_up


def _mean_within(values: Array, start: Index, stop: Index) -> Array:
    total = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray((total[stop] - total[start]) / np.maximum(stop - start, 1))


def _split_merged(
    low: Index, high: Index, speed: Array, busy: Array, flat: NDArray[np.bool_], sampling_rate: float
) -> tuple[Index, Index]:
    """Part swings between which no instant was still enough: running, or a stance spent on a roll.

    An interval of more than 1.4 s, or 0.9 s at running speeds (90th percentile above 7 rad/s), is cut where the
    flat foot turns least: below 40 % of that percentile, 0.35 s from the ends and from the next cut. Of two such
    instants within 0.3 s the later one is the stance, the earlier one the crossing before contact.
    """
    from scipy.signal import argrelmin

    cuts: list[Index] = []
    for a, b in zip(low, high, strict=True):
        longest = 0.9 if busy[(a + b) // 2] > 7.0 else 1.4
        if b - a < longest * sampling_rate:
            continue
        minima = a + argrelmin(speed[a:b], order=max(1, round(0.03 * sampling_rate)))[0]
        minima = minima[flat[minima] & (speed[minima] < 0.4 * busy[minima])]
        minima = minima[(minima - a > 0.35 * sampling_rate) & (b - minima > 0.35 * sampling_rate)]
        if len(minima):
            cuts.append(minima[np.append(np.diff(minima) > 0.3 * sampling_rate, True)])
    if not cuts:
        return low, high
    at = np.concatenate(cuts)
    return np.sort(np.concatenate([low, at])), np.sort(np.concatenate([high, at]))


def _usual_direction(up: Array) -> Array:
    """Median direction, and again of those within 45 deg of it."""
    centre = np.median(up, axis=0)
    centre /= max(float(np.linalg.norm(centre)), 1e-12)
    near = up[up @ centre > np.cos(np.radians(45.0))]
    if len(near):
        centre = np.median(near, axis=0)
    return np.asarray(centre / max(float(np.linalg.norm(centre)), 1e-12))


def flexion_axis(gyr: Array, up: Array, flat_up: Array, start: Index, stop: Index) -> tuple[Array, float]:
    """Mediolateral axis of the foot, pointing left on a right leg, from its swings.

    Parameters
    ----------
    gyr, up : (n, 3) float arrays, rad/s (low-passed) and the earth's up direction, sensor frame
    flat_up : (3,) up direction of the flat foot
    start, stop : (k,) swings

    Returns
    -------
    axis : (3,) unit vector, sensor frame; rotation about it is toe-down when positive
    share : float, part of the swing's rotation energy about this axis

    Notes
    -----
    First principal component of the angular rate. Its sign follows from gravity: in every gait a foot tilts
    further toe-down (50-80 deg at push-off) than toe-up (15-30 deg before contact).
    """
    inside = _mask(len(gyr), start, stop)
    w = gyr[inside]
    values, vectors = np.linalg.eigh(w.T @ w)
    axis = vectors[:, -1]
    toe_up = up[inside] @ np.cross(axis, flat_up)
    down, upward = np.percentile(toe_up, [2.0, 98.0])
    if -down < upward:
        axis = np.negative(axis)
    return axis, float(values[-1] / max(values.sum(), 1e-12))


ONSET_SHARE = 0.4
"""Share of the largest jerk at which an impact begins; own choice between late contacts, which cost range (0.5:
5 % are 20 ms late, range error 1.3 deg rms in own simulation at 104 Hz; 0.4: 13 ms, 1.1), and the ringing of the
sensor's own filter before the impact (0.3: median error 11 ms at 104 Hz instead of 7)."""


def locate_contacts(rate: Array, acc: Array, start: Index, stop: Index, sampling_rate: float) -> Swings:
    """Toe-off and initial contact of each swing from the mediolateral rate.

    Parameters
    ----------
    rate : (n,) float array, rad/s, toe-down positive, low-passed at `CUTOFF_HZ`
    acc : (n, 3) float array, m/s^2, not filtered
    start, stop : (k,) moving intervals

    Returns
    -------
    Swings, without the intervals that do not show push-off, recovery and contact in this order

    Notes
    -----
    p1 is the push-off peak (first 60 % of the interval), z1 the zero crossing after it, p2 the first point after
    z1 that is half as deep as the deepest (the recovery), z2 the crossing after p2. Toe-off is the midpoint of p1
    and z1, initial contact is z2. Own comparison with optical events, 57 walking strides, 204.8 and 102.4 Hz:
    median absolute error 1.7-3.6 ms (toe-off) and 2.9 ms (contact).

    On stairs and on an edge the toe lands first: the foot already turns toe-down in the air, and the ground turns
    it back. The impact then stands at the end of the toe-down rotation, not at its beginning, and the heel comes
    down after it; contact is the onset of that impact. In 12 recordings of 8 walkers the ratio of the two sides'
    largest changes of |a| is below 1.3 in nine of ten level strides and 17-100 on stairs.

    A running foot turns toe-down before it lands and leaves the ground at its fastest: contact is close to the
    largest toe-down rate within 80 ms after z2, toe-off is p1 (Falbriard et al. 2018,
    doi:10.3389/fphys.2018.00610: extremes of the pitch rate; precision 2 and 4 ms). The rate peaks a few ms
    after the impact that drives it, so contact is the onset of the impact near that peak: the first change of
    |a| of at least `ONSET_SHARE` of the largest. Own simulation: within 2 ms at 208 Hz, 7 ms at 104 Hz; no real
    running recording with events was at hand.

    Intervals that do not carry the foot anywhere (toe taps, tapping in a chair) are to be left out before.
    """
    if len(start) == 0:
        return no_swings()
    pad = round(0.25 * sampling_rate)
    length = int((stop - start).max()) + pad
    index = np.minimum(start[:, None] + np.arange(length)[None, :], len(rate) - 1)
    column = np.arange(length)[None, :]
    span = (stop - start)[:, None]
    y = rate[index]
    inside = column < span
    p1 = np.where(column < 0.6 * span, y, -np.inf).argmax(axis=1)
    z1 = _crossing(y, p1, falling=True, allowed=column < span + pad)
    deepest = np.where((column > p1[:, None]) & inside, y, np.inf).min(axis=1, keepdims=True)
    p2 = ((column > np.nan_to_num(z1)[:, None]) & inside & (y <= 0.5 * deepest)).argmax(axis=1)
    z2 = _crossing(y, p2, falling=False, allowed=column < span + pad)
    good = np.isfinite(z1) & np.isfinite(z2) & (z2 > z1)
    first = np.nan_to_num(np.ceil(z2))[:, None]
    slap = np.where((column >= first) & (column < first + 0.08 * sampling_rate), y, -np.inf).argmax(axis=1)
    back = _crossing(y, first[:, 0].astype(np.int64), falling=True, allowed=column < span + pad)
    heel = (column >= back[:, None]) & (column < back[:, None] + 0.1 * sampling_rate)
    heel_rate = np.where(heel, y, 0.0).min(axis=1)
    force = qt.length(acc)
    jerk = np.abs(np.diff(force, prepend=force[:1]))
    run_ic = _impact_onset(jerk, 0.5 * (z2 + slap) + start, start + slap, good, sampling_rate)
    toe_ic, by_toe = _toe_contact(jerk, start + z2, start + back, good & (heel_rate < HEEL_RATE), sampling_rate)
    return Swings(
        start=start[good],
        stop=stop[good],
        to=(start + 0.5 * (p1 + z1))[good],
        ic=np.where(by_toe, toe_ic, start + z2)[good],
        run_to=(start + p1)[good].astype(float),
        run_ic=np.where(by_toe, toe_ic, run_ic)[good],
    )


def _impact_onset(jerk: Array, low: Array, high: Array, chosen: NDArray[np.bool_], sampling_rate: float) -> Array:
    """First change of |a| of at least `ONSET_SHARE` of the largest, `low` to 10 ms after `high`; NaN if not chosen."""
    out = np.full(len(low), np.nan)
    if chosen.any():
        start = np.floor(low[chosen])
        block = _windows(jerk, start, np.ceil(high[chosen] + 0.010 * sampling_rate) + 1)
        out[chosen] = start + (block >= ONSET_SHARE * block.max(axis=1, keepdims=True)).argmax(axis=1) - 0.5
    return out


def _toe_contact(
    jerk: Array, begin: Array, end: Array, chosen: NDArray[np.bool_], sampling_rate: float
) -> tuple[Array, NDArray[np.bool_]]:
    """Impact onset at the end of a toe-down rotation, and whether the impact stands there, for each swing."""
    by_toe = np.zeros(len(begin), dtype=bool)
    if chosen.any():
        middle = 0.5 * (begin + end)[chosen]
        early = _windows(jerk, np.floor(begin[chosen] - 0.030 * sampling_rate), middle)
        late = _windows(jerk, middle, np.ceil(end[chosen] + 0.020 * sampling_rate) + 1)
        by_toe[chosen] = late.max(axis=1) > TOE_IMPACT_RATIO * early.max(axis=1)
    return _impact_onset(jerk, 0.5 * (begin + end), end, by_toe, sampling_rate), by_toe


def _windows(values: Array, low: Array, high: Array) -> Array:
    """Rows of values over [low, high), one after another, -inf beyond; at least one value each."""
    start = np.clip(low.astype(np.int64), 0, len(values) - 1)
    length = np.clip(high.astype(np.int64) - start, 1, None)
    column = np.arange(int(length.max()))
    return np.where(
        column < length[:, None], values[np.minimum(start[:, None] + column, len(values) - 1)], -np.inf
    )


def no_swings() -> Swings:
    """Swings of a foot that never swung."""
    index, none = np.empty(0, np.int64), np.empty(0)
    return Swings(start=index, stop=index, to=none, ic=none, run_to=none, run_ic=none)


def choose_by_gait(swings: Swings, sampling_rate: float) -> Swings:
    """Take the running rule for contact and toe-off of stances that are running.

    Notes
    -----
    A stance runs when its share of the stride, measured by the running rule, is below 0.47 (median of 5). The
    rule makes walking stances about 65 ms too short, which leaves them well above.
    """
    if len(swings) < 2:
        return swings
    stance = swings.run_to[1:] - swings.run_ic[:-1]
    share = stance / np.maximum(swings.ic[1:] - swings.ic[:-1], 1.0)
    whole = swings.ic[1:] - swings.ic[:-1] < 2.5 * sampling_rate
    running = _majority(whole & (share < 0.47))
    at_ic = np.append(running, running[-1:])
    at_to = np.append(running[:1], running)
    return replace(
        swings,
        ic=np.where(at_ic, swings.run_ic, swings.ic),
        to=np.where(at_to, swings.run_to, swings.to),
    )


def _majority(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """True where at least 3 of the 5 neighbours are, ends repeated."""
    padded = np.concatenate([flags[:1], flags[:1], flags, flags[-1:], flags[-1:]]).astype(np.int64)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, 5).sum(axis=1) >= 3)


def _crossing(y: Array, after: Index, *, falling: bool, allowed: NDArray[np.bool_]) -> Array:
    """Column, interpolated, of the first zero crossing of each row after column `after`; NaN where none."""
    a, b = y[:, :-1], y[:, 1:]
    hit = (a > 0) & (b <= 0) if falling else (a < 0) & (b >= 0)
    hit &= (np.arange(a.shape[1])[None, :] >= after[:, None]) & allowed[:, :-1]
    at = hit.argmax(axis=1)
    row = np.arange(len(y))
    with np.errstate(divide="ignore", invalid="ignore"):
        fraction = a[row, at] / (a[row, at] - b[row, at])
    return np.where(hit.any(axis=1), at + np.clip(np.nan_to_num(fraction), 0.0, 1.0), np.nan)


def stillness(acc: Array, gyr: Array, sampling_rate: float, gravity: float) -> Array:
    """Score of movement at each instant: below 1 the foot is flat and quiet.

    Parameters
    ----------
    acc, gyr : (n, 3) float arrays, m/s^2 and rad/s
    gravity : float, m/s^2, length of this sensor's reading at rest

    Returns
    -------
    (n,) float array

    Notes
    -----
    mean over 80 ms of (|a| - g)^2 / (0.5 m/s^2)^2 + |w|^2 / (0.3 rad/s)^2. In walking stances the smallest value
    is 0.06-0.5, in running 25-200 (own experiments), so the gate at 1 also keeps corrections out of running. The
    instant of the lowest angular rate alone is no safe foot-flat.
    """
    force = qt.length(acc) - gravity
    score = force * force / 0.25 + qt.squared_length(gyr) / 0.09
    return moving_mean(score, round(0.080 * sampling_rate))


def _mask(n: int, start: Index, stop: Index) -> NDArray[np.bool_]:
    change = np.zeros(n + 1, dtype=np.int64)
    np.add.at(change, np.clip(start, 0, n), 1)
    np.add.at(change, np.clip(stop, 0, n), -1)
    return np.cumsum(change[:-1]) > 0
