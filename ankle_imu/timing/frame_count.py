"""A sample count for sensors that send none: by their clock, or, without one, by the arrival of their frames."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from ankle_imu.timing.clock import Array, Indices, fit_clock, lower_slope

AHEAD_S: Final = 3.0
"""A level that the fastest packets do not go below for so long is where they now are: a stall of the radio clears
sooner (own choice; measured stalls of notifications last up to a second)."""

BEHIND_S: Final = 4.0
"""Span over which the level before is taken; a rate wrong by 1 in 1000 moves it by 4 ms (own choice)."""

MAX_BACK_S: Final = 1.0
"""Packets overtake one another by less (own choice)."""

FASTEST_S: Final = 1e-4
"""s per sample; motion sensors make at most 8000 samples/s (7680 is the highest rate in the driver of the
LSM6DSV320X)."""

_LEAST_RISE: Final = 0.6
"""Share of a lost packet's length by which the level must rise."""
_LEAST_AHEAD: Final = 5
_ROUNDS: Final = 4
_NEAR: Final = 4
_EXCERPT: Final = 4000
"""Packets from which the rate is guessed: more than a minute."""
_SHARES: Final = np.arange(0.988, 1.08, 0.004)
"""Rates tried, against what came per second: up to 8 % of it may be lost; closer steps find nothing new."""


def measure_spacing(steps: Array, counts: Array) -> float:
    """Time per sample: the mean over steps that are within a half of the median.

    Parameters
    ----------
    steps : (n,) float array, s
    counts : (n,) float array, samples in each step, positive

    Returns
    -------
    float
        A clock that ticks coarsely has its mean right, not its median.

    Raises
    ------
    ValueError
        If no step is positive, or the usual one is shorter than any sensor's.
    """
    usable = (steps > 0) & (counts > 0)
    if not usable.any():
        raise ValueError("The sensor's clock does not run: no two samples differ in both count and time.")
    each = steps[usable] / counts[usable]
    usual = check_spacing(float(np.quantile(each, 0.5, method="lower")))  # one of them: two need not be alike
    is_usual = np.abs(each - usual) <= 0.5 * usual
    return float(steps[usable][is_usual].sum() / counts[usable][is_usual].sum())


def check_spacing(spacing: float) -> float:
    """`spacing`, s per sample; a ValueError when no sensor is so fast."""
    if not spacing >= FASTEST_S:
        raise ValueError(f"The sensor seems to give {1 / spacing:,.0f} samples/s; no motion sensor is so fast.")
    return spacing


def count_by_clock(device: ArrayLike) -> tuple[Indices, float]:
    """Number samples by the sensor's own clock.

    Parameters
    ----------
    device : (n,) float array, s, unwrapped, in order of arrival

    Returns
    -------
    count, spacing
        (n,) int array, a step above 1.5 spacings skips the samples that fit in; s per sample.

    Raises
    ------
    ValueError
        If the clock does not run.

    Notes
    -----
    A lost sample is exact over short gaps; over a long one as exact as the rate is steady (1 in 1000: one sample
    in 5 s at 208 Hz). A sample that came before has the same number. Where the clock falls back by more than
    `MAX_BACK_S`, the sensor may have started anew: what follows is numbered for itself, from the same zero.
    """
    t = np.asarray(device, dtype=float)
    boots = np.split(np.arange(len(t)), np.flatnonzero(np.diff(t) < -MAX_BACK_S) + 1)
    sorts = [rows[np.argsort(t[rows], kind="stable")] for rows in boots]
    positive = np.concatenate([np.diff(t[rows]) for rows in sorts])
    positive = positive[positive > 0]
    spacing = measure_spacing(positive, np.ones(len(positive)))
    count = np.empty(len(t), dtype=np.int64)
    for rows in sorts:
        steps = np.diff(t[rows])
        # neighbours closer than half a sample are one and the same
        jumps = np.where(steps < 0.5 * spacing, 0, np.maximum(1, np.round(steps / spacing))).astype(np.int64)
        first = round(float(t[rows[0]] - t.min()) / spacing)
        count[rows] = first + np.concatenate([[0], np.cumsum(jumps)])
    return count, spacing


def count_by_arrival(arrival: ArrayLike, nominal_rate: float = float("nan")) -> tuple[Indices, float, float]:
    """Number samples by when they came, for a sensor that sends neither clock nor count.

    Parameters
    ----------
    arrival : (n,) float array, s, of the packet of each sample, never decreasing
    nominal_rate : float, Hz, a first guess; NaN when unknown

    Returns
    -------
    count, spacing, doubt
        (n,) int array; s per sample; s by which a lost packet may be misplaced or miscounted

    Raises
    ------
    ValueError
        If the samples came in fewer than two packets.

    Notes
    -----
    The delay of the fastest packets, against a steady count, is level. A lost packet lifts it for good by its
    length; a late one lifts it for a moment. The rate is the one under which the delays spread least, among those
    that the recording and the nominal rate suggest. Packets shorter than the radio's connection interval are
    counted only nearly, and one that is lost among late ones is misplaced by as much as they are late.
    """
    host = np.asarray(arrival, dtype=float)
    ends = np.flatnonzero(np.append(host[1:] != host[:-1], True))
    t, k = host[ends], (ends + 1).astype(float)
    if len(t) < 2:
        raise ValueError("All samples came at one instant; without clock or count their times are unknown.")
    n = np.diff(k, prepend=0.0)
    frames = int(np.median(n))
    some = slice(0, _EXCERPT)
    guesses = _rates(t[some], k[some], nominal_rate)
    tried = [_refine(t[some], k[some], guess, frames) for guess in guesses]
    _, spacing = min(tried, key=lambda found: _spread(t[some], k[some], *found))
    lost, spacing = _refine(t, k, spacing, frames)
    check_spacing(spacing)
    number = np.searchsorted(ends, np.arange(len(host)))
    count = np.arange(len(host)) + _lost_before(lost).astype(np.int64)[number]
    return count, spacing, _doubt(t, k, lost, spacing, frames)


def _rates(t: Array, k: Array, nominal_rate: float) -> list[float]:
    """Guesses of the time per sample: what came per second, more for what was lost, and what the maker says."""
    lag = int(np.clip(round(5.0 * len(t) / max(t[-1] - t[0], 1e-9)), 1, max(1, len(t) // 2)))
    usual = float(np.median((t[lag:] - t[:-lag]) / (k[lag:] - k[:-lag])))
    guesses = [check_spacing(usual) / share for share in _SHARES]
    return [*guesses, 1.0 / nominal_rate] if 0.8 < usual * nominal_rate < 1.5 else guesses


def _refine(t: Array, k: Array, spacing: float, frames: int) -> tuple[Array, float]:
    """Samples lost after each packet, and the time per sample that goes with them."""
    lost = np.zeros(len(t))
    for _ in range(_ROUNDS):
        lost = _find_losses(t, k, spacing, frames)
        spacing = lower_slope(k + _lost_before(lost), t, spacing)
    return lost, spacing


def _spread(t: Array, k: Array, lost: Array, spacing: float) -> float:
    """Mean delay, s, off a steady count with these losses; enough losses explain anything, so they cost."""
    device = (k + _lost_before(lost)) * spacing
    above = t - fit_clock(device, t, window_s=60.0).at(device)
    return float(np.mean(np.abs(above))) * (1.0 + 4.0 * float(lost.sum() / k[-1]))


def _doubt(t: Array, k: Array, lost: Array, spacing: float, frames: int) -> float:
    """One packet at the ends; where some were lost, also which of those that came late together."""
    if not lost.any():
        return frames * spacing
    device = (k + _lost_before(lost)) * spacing
    above = t - fit_clock(device, t, window_s=60.0).at(device)
    return 2.0 * frames * spacing + float(np.quantile(above, 0.95))


def _lost_before(lost: Array) -> Array:
    return np.concatenate([[0.0], np.cumsum(lost)[:-1]])


def _find_losses(t: Array, k: Array, spacing: float, frames: int) -> Array:
    """Samples lost after each packet: where the level of the fastest packets rises for good."""
    delay = t - k * spacing
    per_s = len(t) / max(float(t[-1] - t[0]), spacing)
    ahead, behind = max(8, round(AHEAD_S * per_s)), max(8, round(BEHIND_S * per_s))
    after = _least(delay[::-1], ahead)[::-1]
    after = np.append(after[1:], np.inf)
    after[max(0, len(t) - _LEAST_AHEAD) :] = -np.inf
    packet = frames * spacing
    threshold = _LEAST_RISE * packet
    hits = np.flatnonzero(after - _least(delay, behind) > threshold)
    lost = np.zeros(len(t))
    start = 0
    while start < len(t):
        stop = min(start + behind, len(t))
        before = np.minimum.accumulate(delay[start:stop])
        early = np.flatnonzero(after[start:stop] - before > threshold)
        later = int(np.searchsorted(hits, stop))
        if len(early):
            at = start + int(early[0])
        elif later < len(hits):
            at = int(hits[later])
        else:
            break
        hole = at + int(np.argmax(np.diff(t[at : at + _NEAR + 1])))
        level = float(delay[max(start, hole - behind + 1) : hole + 1].min())
        rise = float(after[hole]) - level
        if rise > 0.5 * packet:
            lost[hole] = round(rise / packet) * frames
            start = hole + 1
        else:
            start = max(start, at + 1 - behind)
            hits = hits[hits > at]
            after[at] = -np.inf
    return lost


def _least(values: Array, width: int) -> Array:
    """Least of each value and the `width` - 1 before it."""
    from scipy.ndimage import minimum_filter1d

    return np.asarray(minimum_filter1d(values, width, mode="nearest", origin=(width - 1) // 2))
