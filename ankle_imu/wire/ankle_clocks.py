"""Where and when: whole sample counts of an Ankle IMU's packets, and their times on the microcontroller's clock.

The stamps in the packets are the motion sensor's, whose oscillator may be per cents off and wraps after 71.6
min; the host can ask only for the microcontroller's time. A clock packet, once a second, holds the two together,
with the sample count and the boot they belong to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ankle_imu.wire.ankle_heads import Clocks, Heads
from ankle_imu.wire.block import Array, Indices

TURN: Final = 2**32
"""Counts and microseconds after which `index` and `t_us` begin again at zero."""
_SMALL_TURN: Final = 2**16
_MAX_RATE_ERROR: Final = 0.1
"""Clock packets of one boot that differ by a larger share are damaged. Oscillators of motion sensors are a few
per cent off (ST, data sheets of the LSM6 family, "ODR accuracy")."""
_MAX_STEP_US: Final = 1e6
_DRIFT: Final = 1e-3
"""Share by which a clock is trusted less, away from its packets (own choice: well above how much an oscillator
changes within a session)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Placement:
    """Of each packet, (n,) arrays.

    Parameters
    ----------
    index : int, count of its first sample, whole and without wrap
    ticks : float, time of its first sample, us
    step : float, us from sample to sample; NaN when nothing tells
    wrap : float, 0 where clock packets were found: ticks are the microcontroller's, without wrap. Else ticks are
        the motion sensor's as sent, with their wrap
    """

    index: Indices
    ticks: Array
    step: Array
    wrap: float


def place(heads: Heads, clocks: Clocks, nominal_rate: float | None) -> Placement:
    """Whole count and time of each packet.

    Parameters
    ----------
    heads, clocks : of one session, in order of arrival
    nominal_rate : float, Hz, used only when the packets themselves leave the rate open; or None

    Returns
    -------
    Placement

    Notes
    -----
    A packet belongs to the boot of the clock packet before or after it, whichever foretells its stamp from its
    count more closely. Between clock packets times are interpolated, beyond them extrapolated.
    """
    clocks = clocks.select(_is_credible(clocks))
    step = _ticks_per_sample(heads, nominal_rate)
    index, clock_index = _unwrap(_whole_index(heads, clocks, step), clocks.index)
    if not len(clocks):
        return Placement(
            index=index, ticks=heads.t_us.astype(float), step=np.full(len(heads), step), wrap=float(TURN)
        )
    ticks, slope = _on_mcu_clock(heads, index, clocks, clock_index, step)
    return Placement(index=index, ticks=ticks, step=step * slope, wrap=0.0)


def _is_credible(clocks: Clocks) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Clock packets that agree with the others of their boot; a single one counts only if no boot has more."""
    good = np.zeros(len(clocks), dtype=bool)
    boots, size = np.unique(clocks.boot, return_counts=True)
    for boot in boots[size == size.max()] if len(size) and size.max() == 1 else boots[size > 1]:
        rows = np.flatnonzero(clocks.boot == boot)
        imu, ahead = clocks.imu_us[rows], clocks.mcu_us[rows] - clocks.imu_us[rows]
        off = np.abs(ahead - np.median(ahead))
        good[rows] = off <= _MAX_RATE_ERROR * np.abs(imu - np.median(imu)) + _MAX_STEP_US
    return good


def _ticks_per_sample(heads: Heads, nominal_rate: float | None) -> float:
    """Median over neighbouring packets of clock difference / index difference; NaN when nothing tells."""
    rows, ticks = np.diff(heads.index) % _SMALL_TURN, np.diff(heads.t_us) % TURN
    usable = (rows > 0) & (ticks > 0) & (ticks < TURN // 2)
    if usable.any():
        return float(np.median(ticks[usable] / rows[usable]))
    return 1e6 / nominal_rate if nominal_rate and nominal_rate > 0 else float("nan")


def _whole_index(heads: Heads, clocks: Clocks, step: float) -> Indices:
    """Index with all its 32 bits, also of compact packets."""
    index = heads.index.copy()
    small = np.flatnonzero(heads.is_compact)
    if not len(small):
        return index
    full = np.flatnonzero(~heads.is_compact)
    order = np.argsort(np.concatenate([heads.row[full], clocks.row]), kind="stable")
    row = np.concatenate([heads.row[full], clocks.row])[order]
    if not len(row):
        return _chain(index, heads.t_us, step)
    known = np.concatenate([heads.index[full], clocks.index])[order]
    t_us = np.concatenate([heads.t_us[full], clocks.imu_us % TURN])[order]
    after = np.searchsorted(row, heads.row[small])
    per_us = 0.0 if np.isnan(step) else 1.0 / step
    found = []
    for reference in (np.maximum(after - 1, 0), np.minimum(after, len(row) - 1)):
        expected = known[reference] + _signed(heads.t_us[small] - t_us[reference]) * per_us
        turns = np.round((expected - index[small]) / _SMALL_TURN).astype(np.int64)
        found.append((index[small] + turns * _SMALL_TURN, expected))
    (before, guess_before), (later, guess_later) = found
    is_before = np.abs(before - guess_before) <= np.abs(later - guess_later)
    index[small] = np.maximum(np.where(is_before, before, later), 0) % TURN
    return index


def _chain(index: Indices, t_us: Indices, step: float) -> Indices:
    """Whole counts of compact packets alone, each from the one before: by time, or the nearest if that is open."""
    rows = np.diff(index)
    expected = np.zeros(len(rows)) if np.isnan(step) else _signed(np.diff(t_us)) / step
    turns = np.round((expected - rows) / _SMALL_TURN).astype(np.int64)
    chained: Indices = index[0] + np.concatenate([[0], np.cumsum(rows + turns * _SMALL_TURN)])
    return chained - min(0, int(chained.min())) // _SMALL_TURN * _SMALL_TURN


def _signed(difference: Indices) -> Indices:
    """Difference of two 32-bit stamps, the shorter way round."""
    return (difference + TURN // 2) % TURN - TURN // 2


def _unwrap(index: Indices, clock_index: Indices) -> tuple[Indices, Indices]:
    """Counts that go on above 2^32 where the sensor's began again at zero; untouched when all are close."""
    if not len(index) or int(index.max()) - int(index.min()) < TURN // 2:
        middle = int(index[0]) if len(index) else 0
    else:
        middle = int(np.sort(index)[len(index) // 2])
    near, clock_near = middle + _signed(index - middle), middle + _signed(clock_index - middle)
    lift = TURN if len(near) and int(near.min()) < 0 else 0
    return near + lift, clock_near + lift


def _on_mcu_clock(
    heads: Heads, index: Indices, clocks: Clocks, clock_index: Indices, step: float
) -> tuple[Array, Array]:
    """Microcontroller's time of each packet, us, and how fast that clock runs against the motion sensor's."""
    after = np.searchsorted(clocks.row, heads.row)
    before = clocks.boot[np.maximum(after - 1, 0)]
    later = clocks.boot[np.minimum(after, len(clocks) - 1)]
    ticks, slope = np.zeros(len(heads)), np.ones(len(heads))
    least = np.full(len(heads), np.inf)
    for boot in np.unique(clocks.boot):
        rows = np.flatnonzero((before == boot) | (later == boot))
        order = np.argsort(clocks.imu_us, kind="stable")
        knots = order[clocks.boot[order] == boot]
        imu, misfit = _unwrapped_stamp(
            heads.t_us[rows], index[rows], clock_index[knots], clocks.imu_us[knots], step
        )
        misfit = misfit + np.where(before[rows] == boot, 0.0, 0.5)  # of two equals, the one before
        better = misfit < least[rows]
        rows, imu = rows[better], imu[better]
        least[rows] = misfit[better]
        x, y = clocks.imu_us[knots].astype(float), clocks.mcu_us[knots].astype(float)
        slope[rows] = (y[-1] - y[0]) / (x[-1] - x[0]) if x[-1] > x[0] and y[-1] > y[0] else 1.0
        ticks[rows] = _follow(imu, x, y, float(slope[rows[0]]) if len(rows) else 1.0)
    return ticks, slope


def _unwrapped_stamp(
    t_us: Indices, index: Indices, knot_index: Indices, knot_imu: Indices, step: float
) -> tuple[Array, Array]:
    """Stamps without wrap, us, and how badly each fits: to its count, and the worse the farther from the knots."""
    expected = _follow(
        index.astype(float), knot_index.astype(float), knot_imu.astype(float), 0.0 if np.isnan(step) else step
    )
    whole = t_us + TURN * np.round((expected - t_us) / TURN)
    beyond = np.maximum(knot_imu.min() - whole, 0.0) + np.maximum(whole - knot_imu.max(), 0.0)
    return whole, np.abs(whole - expected) + _DRIFT * beyond


def _follow(x: Array, knots_x: Array, knots_y: Array, slope: float) -> Array:
    """Straight lines from knot to knot, and with `slope` beyond the first and the last."""
    order = np.argsort(knots_x, kind="stable")
    xs, ys = knots_x[order], knots_y[order]
    inside = np.interp(x, xs, ys)
    return np.asarray(inside + slope * (np.minimum(x - xs[0], 0.0) + np.maximum(x - xs[-1], 0.0)))
