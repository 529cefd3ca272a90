"""Sensor clocks -> session time, and samples -> the sensor's own even grid.

A sensor counts its samples and stamps them with its own clock; the host knows when each packet arrived. Lost
samples are found by the sensor's count, before anything else; its clock is laid under the arrivals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

MAX_STEP_S: Final = 1.0
"""A jump of the sensor's clock against its own sample count by more than this is a restart (own choice: longer
than any jitter of a stamp, shorter than any boot)."""

MAX_BACKLOG_S: Final = 60.0
"""Longest time that a sensor is believed to hold back samples and still send them in order (own choice; the
packet format asks for a buffer of 10 s)."""

MIN_STRETCH: Final = 256
"""Fewer samples than this (1 to 2 s) beside a longer stretch are damaged headers, not a restart (own choice)."""

MAX_SLOPE_SD: Final = 100e-6
"""A measured clock rate less certain than this is not used: crystals keep within 100 ppm (Bluetooth Core
Specification, vol. 6 part B, 4.2: active clock 50 ppm; and as much again for the host)."""


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Session time = `offset` + `rate` x device time.

    `ppm` is how much faster than the host the sensor's clock runs (0 where it could not be measured and was
    taken to be right); `residual` the median delay of a packet above the fastest ones, s.
    """

    offset: float
    rate: float
    ppm: float
    residual: float


@dataclass(frozen=True, kw_only=True, eq=False)
class SampleGrid:
    """Where each sample belongs.

    Parameters
    ----------
    time : (m,) float array, s from session start, strictly increasing
    source : (m,) int array, row of the sample that belongs there; -1 where it was lost
    sampling_rate : float, Hz, true rate on the session clock
    clock : Clock of the longest stretch, None when times were given
    duplicates, healed, restarts, misplaced : int, samples that came twice; that came late and filled a hole;
        restarts of the sensor; samples whose count contradicts their clock
    """

    time: Array
    source: Indices
    sampling_rate: float
    clock: Clock | None = None
    duplicates: int = 0
    healed: int = 0
    restarts: int = 0
    misplaced: int = 0


def unwrap_ticks(ticks: ArrayLike, arrival: ArrayLike, tick_s: float, wrap: float) -> Array:
    """Undo the wrap-around of a sensor's clock with the help of the arrival times.

    Parameters
    ----------
    ticks : (n,) float array, in [0, wrap)
    arrival : (n,) float array, s, any order
    tick_s : float, s per tick
    wrap : float, ticks per turn; 0 when the clock never wraps

    Returns
    -------
    (n,) float array, ticks

    Notes
    -----
    Each tick takes the turn that is nearest to its arrival, so neither pauses nor late packets matter, as long
    as a packet is not late by half a turn (36 min for 32-bit microseconds).
    """
    t = np.asarray(ticks, dtype=float)
    if wrap <= 0 or len(t) == 0:
        return t.copy()
    host = np.asarray(arrival, dtype=float)
    expected = t[0] + (host - host[0]) / tick_s
    turns: Array = np.round((expected - t) / wrap)
    return t + wrap * turns


def fit_clock(device: ArrayLike, arrival: ArrayLike) -> Clock:
    """Lay the line of a sensor's clock under the arrival times.

    Parameters
    ----------
    device : (n,) float array, s, sensor's clock at the last sample of each packet
    arrival : (n,) float array, s, host clock

    Returns
    -------
    Clock

    Notes
    -----
    A packet is never early. Of all lines that lie below every arrival, the one with the least sum of distances
    is the edge of the lower convex hull over the mean device time. The constant part of the radio delay stays
    in the offset. Where delays are so large against the duration that the slope would be less certain than
    `MAX_SLOPE_SD`, the sensor's clock is taken to run right.

    References
    ----------
    Moon S.B., Skelly P., Towsley D. (1999) Estimation and removal of clock skew from network delay
    measurements, Proc. IEEE INFOCOM, doi:10.1109/INFCOM.1999.749287.
    """
    x, y = np.asarray(device, dtype=float), np.asarray(arrival, dtype=float)
    if len(x) == 0 or x.shape != y.shape:
        raise ValueError(f"Found device times {x.shape} and arrivals {y.shape}; expected one n > 0.")
    rate = 1.0
    span = float(np.ptp(x))
    if span > 0:
        slope = _lower_slope(x, y)
        delay = y - slope * x
        if float(np.median(delay - delay.min())) / span <= MAX_SLOPE_SD:
            rate = slope
    above = y - rate * x
    offset = float(above.min())
    return Clock(offset=offset, rate=rate, ppm=(1.0 / rate - 1.0) * 1e6, residual=float(np.median(above - offset)))


def place_samples(
    ticks: ArrayLike, arrival: ArrayLike, sequence: ArrayLike, *, tick_s: float, tick_wrap: float = 0.0
) -> SampleGrid:
    """Put the samples of one sensor on its own grid and give each its session time.

    Parameters
    ----------
    ticks : (n,) float array, sensor's clock as sent
    arrival : (n,) float array, s from session start, of the packet of each sample; n in order of arrival
    sequence : (n,) int array, sensor's own count of samples
    tick_s, tick_wrap : float, s per tick and ticks per turn (0: never wraps)

    Returns
    -------
    SampleGrid
        Every count between the first and the last has its row; those that never came have `source` -1.

    Raises
    ------
    ValueError
        If there are fewer than two samples, shapes differ or the clock does not run.

    Notes
    -----
    A restart of the sensor begins a stretch with its own clock fit; between stretches rows are lost samples.
    Where the clock says that more samples passed than the count (overrun inside the sensor), rows are added.
    """
    raw, host = np.asarray(ticks, dtype=float), np.asarray(arrival, dtype=float)
    count = np.asarray(sequence, dtype=np.int64)
    if len(raw) < 2 or host.shape != raw.shape or count.shape != raw.shape:
        raise ValueError(
            f"Found ticks {raw.shape}, arrival {host.shape}, sequence {count.shape}; expected one n >= 2."
        )
    device = unwrap_ticks(raw, host, tick_s, tick_wrap) * tick_s
    spacing = _spacing(device, count)
    stretches, misplaced = _stretches(device - count * spacing, host - device, count)
    grids = [_place_stretch(rows, device[rows], host[rows], count[rows], spacing) for rows in stretches]
    longest = max(grids, key=lambda grid: len(grid.time))
    time, source = _join(grids)
    return SampleGrid(
        time=time,
        source=source,
        sampling_rate=longest.sampling_rate,
        clock=longest.clock,
        duplicates=sum(grid.duplicates for grid in grids),
        healed=sum(grid.healed for grid in grids),
        restarts=len(grids) - 1,
        misplaced=misplaced,
    )


def place_times(time: ArrayLike) -> SampleGrid:
    """Find the holes in given times (imported rows) and add a row for each lost sample.

    Parameters
    ----------
    time : (n,) float array, s from session start, strictly increasing, n >= 2

    Returns
    -------
    SampleGrid
        Given times stay as they are; rows inside holes are spread evenly.

    Notes
    -----
    A hole is a step above 1.5 median steps, above 2.5 where steps vary by more than a tenth of the median
    (median absolute deviation): there a single long step is more likely late than lost.
    """
    t = np.asarray(time, dtype=float)
    if len(t) < 2 or not (np.diff(t) > 0).all():
        raise ValueError("Times must be at least two and strictly increasing.")
    steps = np.diff(t)
    usual = float(np.median(steps))
    is_even = float(np.median(np.abs(steps - usual))) <= 0.1 * usual
    is_hole = steps > (1.5 if is_even else 2.5) * usual
    lost = np.where(is_hole, np.round(steps / usual).astype(np.int64) - 1, 0)
    place = np.arange(len(t)) + np.concatenate([[0], np.cumsum(lost)])
    grid = np.arange(place[-1] + 1)
    source = np.full(len(grid), -1, dtype=np.int64)
    source[place] = np.arange(len(t))
    return SampleGrid(time=np.interp(grid, place, t), source=source, sampling_rate=1.0 / usual)


def _lower_slope(x: Array, y: Array) -> float:
    """Slope of the lower convex hull's edge over the mean of x (Andrew's monotone chain)."""
    order = np.lexsort((y, x))
    hull: list[tuple[float, float]] = []
    for px, py in zip(x[order].tolist(), y[order].tolist(), strict=True):
        if hull and px == hull[-1][0]:
            continue
        while len(hull) > 1 and (hull[-1][0] - hull[-2][0]) * (py - hull[-2][1]) <= (hull[-1][1] - hull[-2][1]) * (
            px - hull[-2][0]
        ):
            hull.pop()
        hull.append((px, py))
    corners = np.array(hull)
    edge = int(np.clip(np.searchsorted(corners[:, 0], x.mean()), 1, len(corners) - 1))
    (x0, y0), (x1, y1) = corners[edge - 1], corners[edge]
    return float((y1 - y0) / (x1 - x0))


def _spacing(device: Array, count: Indices) -> float:
    """Device seconds per sample: the median over neighbours in order of arrival."""
    steps, rows = np.diff(device), np.diff(count)
    usable = (rows > 0) & (steps > 0)
    if not usable.any():
        raise ValueError("The sensor's clock does not run: no two samples differ in both count and time.")
    return float(np.median(steps[usable] / rows[usable]))


@dataclass
class _Stretch:
    """Runs of samples between two restarts of the sensor, as far as they are known."""

    runs: list[Indices]
    base: float
    delay: float

    def takes(self, run: Indices, base: Array, delay: Array, count: Indices) -> bool:
        """Whether `run` belongs here: same clock and count, on time, or late as late packets are."""
        if abs(base[run[0]] - self.base) > MAX_STEP_S:
            return False
        lateness = delay[run].min() - self.delay
        if abs(lateness) <= MAX_STEP_S:
            return True
        seen = count[np.concatenate(self.runs)]
        if count[run[0]] > seen.max():
            return bool(0 < lateness < MAX_BACKLOG_S)
        is_inside = count[run] >= seen.min()
        is_hole = is_inside & ~np.isin(count[run], seen)
        is_repeat = len(run) < MIN_STRETCH and is_inside.all()
        return bool(lateness > 0 and (is_hole.mean() > 0.5 or is_repeat))

    def take(self, run: Indices, base: Array, delay: Array) -> None:
        """Add `run`; the usual delay follows long runs, as clocks drift, and not single late packets."""
        self.runs.append(run)
        self.base = float(base[run[-1]])
        least = float(delay[run].min())
        is_steady = len(run) >= MIN_STRETCH and abs(least - self.delay) <= MAX_STEP_S
        self.delay = least if is_steady else min(self.delay, least)


def _stretches(base: Array, delay: Array, count: Indices) -> tuple[list[Indices], int]:
    """Rows of each stretch between restarts, and the number of samples that fit none.

    `base` is the device time at which the count would have been zero, `delay` host minus device time: both stay
    until the sensor restarts, but for packets that come late.
    """
    is_jump = (np.abs(np.diff(base)) > MAX_STEP_S) | (np.abs(np.diff(delay)) > MAX_STEP_S)
    stretches: list[_Stretch] = []
    for run in np.split(np.arange(len(base)), np.flatnonzero(is_jump) + 1):
        home = next((s for s in reversed(stretches) if s.takes(run, base, delay, count)), None)
        if home is None:
            stretches.append(_Stretch([run], float(base[run[-1]]), float(delay[run].min())))
        else:
            home.take(run, base, delay)
    joined = [np.concatenate(stretch.runs) for stretch in stretches]
    longest = max(len(rows) for rows in joined)
    kept = [
        rows for rows in joined if np.ptp(count[rows]) > 0 and (len(rows) >= MIN_STRETCH or len(rows) == longest)
    ]
    if not kept:
        raise ValueError("The sensor's sample count contradicts its clock throughout.")
    return kept, len(base) - sum(len(rows) for rows in kept)


def _place_stretch(rows: Indices, device: Array, arrival: Array, count: Indices, spacing: float) -> SampleGrid:
    is_last = np.append(arrival[1:] != arrival[:-1], True)
    clock = fit_clock(device[is_last], arrival[is_last])
    unique, first = np.unique(count, return_index=True)
    is_late = count < np.maximum.accumulate(count)
    ticks = device[first]
    steps = np.diff(ticks) / spacing - np.diff(unique)
    place = unique - unique[0] + np.concatenate([[0], np.cumsum(np.where(steps > 1.5, np.round(steps), 0))])
    place = place.astype(np.int64)
    if (np.diff(ticks) <= 0).any():
        ticks = np.polyval(np.polyfit(place, ticks, 1), place)
    grid = np.arange(place[-1] + 1)
    source = np.full(len(grid), -1, dtype=np.int64)
    source[place] = rows[first]
    time = clock.offset + clock.rate * np.interp(grid, place, ticks)
    rate = (len(time) - 1) / (time[-1] - time[0])
    return SampleGrid(
        time=time,
        source=source,
        sampling_rate=float(rate),
        clock=clock,
        duplicates=len(count) - len(unique),
        healed=int(is_late[first].sum()),
    )


def _join(grids: list[SampleGrid]) -> tuple[Array, Indices]:
    """One grid of several stretches, with lost rows between them."""
    time, source = grids[0].time, grids[0].source
    for grid in grids[1:]:
        step = 1.0 / grid.sampling_rate
        later = grid.time > time[-1] + 0.5 * step
        if not later.any():
            continue
        start = float(grid.time[later][0])
        n = max(0, round((start - time[-1]) / step) - 1)
        between = np.linspace(time[-1], start, n + 2)[1:-1]
        time = np.concatenate([time, between, grid.time[later]])
        source = np.concatenate([source, np.full(n, -1, dtype=np.int64), grid.source[later]])
    return time, source
