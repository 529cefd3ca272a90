"""Where and when: whole sample counts of an Ankle IMU's packets, and their times on the microcontroller's clock.

The stamps in the packets are the motion sensor's, whose oscillator may be per cents off and wraps after 71.6
min; the host can ask only for the microcontroller's time. A clock packet, once a second, holds the two together,
with the sample count and the boot they belong to.
"""

from __future__ import annotations

from collections import Counter
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
_NEAR_US: Final = 60e6
"""Clock packets are held against samples of this time round them (own choice: they come every second)."""
_MAX_STEP_SAMPLES: Final = 64
"""A count farther than this from what the last clock packet foretells may belong to another boot (own choice: more
than is made in the second between two of them through an error of the rate)."""
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
    heads, clocks : of one session, in order of arrival; clocks that are to be believed
    nominal_rate : float, Hz, used only when the packets themselves leave the rate open; or None

    Returns
    -------
    Placement

    Notes
    -----
    A packet belongs to the boot of the clock packet before or after it, whichever foretells its stamp from its
    count more closely. Between clock packets times are interpolated, beyond them extrapolated.
    """
    step = _ticks_per_sample(heads, nominal_rate)
    index, clock_index = _unwrap(_whole_index(heads, clocks, step), clocks.index)
    if not len(clocks):
        return Placement(
            index=index, ticks=heads.t_us.astype(float), step=np.broadcast_to(step, len(heads)), wrap=float(TURN)
        )
    ticks, slope = _on_mcu_clock(heads, index, clocks, clock_index, step)
    return Placement(index=index, ticks=ticks, step=step * slope, wrap=0.0)


def believe(heads: Heads, clocks: Clocks, nominal_rate: float | None, errors: Counter[str]) -> Clocks:
    """Clock packets that agree with each other, one of each boot at least with the samples beside it.

    Parameters
    ----------
    heads, clocks : of one session, in order of arrival
    nominal_rate : float, Hz, used only when the packets themselves leave the rate open; or None
    errors : Counter, to which the others are added, as `foreign`
    """
    good, step = np.zeros(len(clocks), dtype=bool), _ticks_per_sample(heads, nominal_rate)
    for boot in np.unique(clocks.boot):
        rows = np.flatnonzero(clocks.boot == boot)
        imu, ahead = clocks.imu_us[rows], clocks.mcu_us[rows] - clocks.imu_us[rows]
        if len(rows) == 1:  # both clocks are zero at boot
            is_near = np.abs(ahead) <= _tolerance(imu)
        else:
            is_near = np.abs(ahead - np.median(ahead)) <= _tolerance(imu - int(np.median(imu)))
        good[rows] = is_near & any(_fits(heads, clocks, row, step) for row in rows[is_near].tolist())
    if not good.all():
        errors["foreign"] += int(np.count_nonzero(~good))
    return clocks.select(good)


def _fits(heads: Heads, clocks: Clocks, row: int, step: float) -> bool:
    """Whether the packet before or after a clock packet has the count that the clock foretells at its stamp."""
    after = int(np.searchsorted(heads.row, clocks.row[row]))
    beside = np.arange(max(after - 1, 0), min(after + 1, len(heads)))
    passed = _signed(heads.t_us[beside] - clocks.imu_us[row] % TURN)
    expected = passed / step if step > 0 else np.zeros(len(beside))
    turn = np.where(heads.is_compact[beside], _SMALL_TURN, TURN)
    off = (heads.index[beside] - clocks.index[row] - expected + turn / 2) % turn - turn / 2
    allowed = _tolerance(passed) / step if step > 0 else float(_MAX_STEP_SAMPLES)
    return bool(((np.abs(passed) <= _NEAR_US) & (np.abs(off) <= allowed)).any())


def _tolerance(passed_us: Indices) -> Array:
    """How far two clocks may be apart after this time, us."""
    return np.asarray(_MAX_RATE_ERROR * np.abs(passed_us) + _MAX_STEP_US)


def _ticks_per_sample(heads: Heads, nominal_rate: float | None) -> float:
    """Median over neighbouring packets of clock difference / index difference; NaN when nothing tells."""
    rows, ticks = np.diff(heads.index) & (_SMALL_TURN - 1), np.diff(heads.t_us) & (TURN - 1)
    usable = (rows > 0) & (ticks > 0) & (ticks < TURN // 2)
    if usable.any():
        return float(np.median(ticks[usable] / rows[usable]))
    return 1e6 / nominal_rate if nominal_rate and nominal_rate > 0 else float("nan")


def _whole_index(heads: Heads, clocks: Clocks, step: float) -> Indices:
    """Index with all its 32 bits, also of compact packets."""
    if not heads.is_compact.any():
        return heads.index
    small: slice | Indices = slice(None) if heads.is_compact.all() else np.flatnonzero(heads.is_compact)
    full = np.flatnonzero(~heads.is_compact)
    order = np.argsort(np.concatenate([heads.row[full], clocks.row]), kind="stable")
    row = np.concatenate([heads.row[full], clocks.row])[order]
    if not len(row):
        return _chain(heads.index, heads.t_us, step)
    known = np.concatenate([heads.index[full], clocks.index])[order]
    t_us = np.concatenate([heads.t_us[full], clocks.imu_us % TURN])[order]
    own, stamp = heads.index[small], heads.t_us[small]
    after = np.searchsorted(row, heads.row[small])
    per_us = 0.0 if np.isnan(step) else 1.0 / step
    before = np.maximum(after - 1, 0)
    guess = known[before] + _signed(stamp - t_us[before]) * per_us
    whole = _nearest(own, guess)
    doubtful = np.flatnonzero(np.abs(whole - guess) > _MAX_STEP_SAMPLES)
    later = np.minimum(after[doubtful], len(row) - 1)
    again = known[later] + _signed(stamp[doubtful] - t_us[later]) * per_us
    other = _nearest(own[doubtful], again)
    is_better = np.abs(other - again) < np.abs(whole - guess)[doubtful]
    whole[doubtful[is_better]] = other[is_better]
    index = heads.index.copy()
    index[small] = np.maximum(whole, 0) & (TURN - 1)
    return index


def _nearest(index: Indices, expected: Array) -> Indices:
    """Whole counts nearest to what is expected that have these low 16 bits."""
    return index + _SMALL_TURN * np.rint((expected - index) / _SMALL_TURN).astype(np.int64)


def _chain(index: Indices, t_us: Indices, step: float) -> Indices:
    """Whole counts of compact packets alone, each from the one before: by time, or the nearest if that is open."""
    rows = np.diff(index)
    expected = np.zeros(len(rows)) if np.isnan(step) else _signed(np.diff(t_us)) / step
    chained: Indices = index[0] + np.concatenate([[0], np.cumsum(_nearest(rows, expected))])
    return chained - min(0, int(chained.min())) // _SMALL_TURN * _SMALL_TURN


def _signed(difference: Indices) -> Indices:
    """Difference of two 32-bit stamps, the shorter way round."""
    return (difference + TURN // 2 & (TURN - 1)) - TURN // 2


def _unwrap(index: Indices, clock_index: Indices) -> tuple[Indices, Indices]:
    """Counts that go on above 2^32 where the sensor's began again at zero; untouched when all are close."""
    if not len(index):
        return index, clock_index
    ends = [(int(one.min()), int(one.max())) for one in (index, clock_index) if len(one)]
    if max(high for _, high in ends) - min(low for low, _ in ends) < TURN // 2:
        return index, clock_index
    middle = int(np.sort(index)[len(index) // 2])
    near, clock_near = middle + _signed(index - middle), middle + _signed(clock_index - middle)
    lift = TURN if int(near.min()) < 0 else 0
    return near + lift, clock_near + lift


def _on_mcu_clock(
    heads: Heads, index: Indices, clocks: Clocks, clock_index: Indices, step: float
) -> tuple[Array, Array]:
    """Microcontroller's time of each packet, us, and how fast that clock runs against the motion sensor's."""
    boots = np.unique(clocks.boot)
    if len(boots) == 1:
        clock = _BootClock(clocks, clock_index, int(boots[0]), step)
        imu = clock.whole_stamp(heads.t_us, index)[0]
        return clock.on_mcu(imu), np.broadcast_to(clock.slope, len(heads))
    after = np.searchsorted(clocks.row, heads.row)
    before = clocks.boot[np.maximum(after - 1, 0)]
    later = clocks.boot[np.minimum(after, len(clocks) - 1)]
    ticks, slope = np.zeros(len(heads)), np.ones(len(heads))
    least = np.full(len(heads), np.inf)
    for boot in boots.tolist():
        clock = _BootClock(clocks, clock_index, boot, step)
        rows = np.flatnonzero((before == boot) | (later == boot))
        imu, misfit = clock.whole_stamp(heads.t_us[rows], index[rows])
        misfit = misfit + np.where(before[rows] == boot, 0.0, 0.5)  # of two equals, the one before
        better = misfit < least[rows]
        rows, imu = rows[better], imu[better]
        least[rows] = misfit[better]
        slope[rows] = clock.slope
        ticks[rows] = clock.on_mcu(imu)
    return ticks, slope


class _BootClock:
    """The clock packets of one boot: from counts to stamps, from stamps to the microcontroller's time."""

    def __init__(self, clocks: Clocks, clock_index: Indices, boot: int, step: float) -> None:
        order = np.argsort(clocks.imu_us, kind="stable")
        knots = order[clocks.boot[order] == boot]
        self._index = clock_index[knots].astype(float)
        self._imu, self._mcu = clocks.imu_us[knots].astype(float), clocks.mcu_us[knots].astype(float)
        self._step = 0.0 if np.isnan(step) else step
        imu, mcu = float(np.ptp(self._imu)), float(self._mcu[-1] - self._mcu[0])
        self.slope = mcu / imu if imu > 0 and mcu > 0 else 1.0

    def whole_stamp(self, t_us: Indices, index: Indices) -> tuple[Array, Array]:
        """Stamps without wrap, us, and how badly each fits its count, the worse the farther from a knot."""
        expected = _follow(index.astype(float), self._index, self._imu, self._step)
        whole = t_us + TURN * np.rint((expected - t_us) / TURN)
        beyond = np.maximum(self._imu[0] - whole, 0.0) + np.maximum(whole - self._imu[-1], 0.0)
        return whole, np.abs(whole - expected) + _DRIFT * beyond

    def on_mcu(self, imu: Array) -> Array:
        """Microcontroller's time, us, at whole stamps."""
        return _follow(imu, self._imu, self._mcu, self.slope)


def _follow(x: Array, knots_x: Array, knots_y: Array, slope: float) -> Array:
    """Straight lines from knot to knot, and with `slope` beyond the first and the last."""
    order = np.argsort(knots_x, kind="stable")
    xs, ys = knots_x[order], knots_y[order]
    found = np.interp(x, xs, ys)
    outside = np.flatnonzero((x < xs[0]) | (x > xs[-1]))
    found[outside] += slope * (x[outside] - np.clip(x[outside], xs[0], xs[-1]))
    return found
