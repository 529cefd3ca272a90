"""Samples -> the sensor's own even grid on the session's time, with a row for every one that is missing.

A sensor counts its samples and stamps them with its own clock; the host knows when each packet arrived. Lost
samples are found by the sensor's count, before anything else; its clock is laid under the arrivals. A sensor
that lacks either gets one made of the other, and a larger doubt.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ankle_imu.timing.clock import WINDOW_S, Array, Clock, Indices, fit_clock, unwrap_ticks
from ankle_imu.timing.frame_count import check_spacing, count_by_arrival, count_by_clock, measure_spacing
from ankle_imu.timing.grid import Cause, SampleGrid, join_grids
from ankle_imu.timing.stretches import find_stretches

COUNT_WINDOW_S: Final = 60.0
"""Length of a window where only the sampling itself is the clock: an oscillator of a sensor wanders with its
temperature by 1 in 1000 and more (own choice)."""

WANDER: Final = 1e-3
"""Share of a gap's samples by which clock and count may differ before the sensor is said to have lost some."""

_LOOK: Final = 64
"""Samples on either side of a step of clock against count over which it must last (own choice: four packets)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Counted:
    """Samples with clock and count, measured or made; `doubt` in s is what the making adds."""

    device: Array
    host: Array
    count: Indices
    spacing: float
    window_s: float = WINDOW_S
    doubt: float = 0.0


def place_samples(
    ticks: ArrayLike | None,
    arrival: ArrayLike,
    sequence: ArrayLike | None,
    *,
    tick_s: float = float("nan"),
    tick_wrap: float = 0.0,
    nominal_rate: float = float("nan"),
    content: ArrayLike | None = None,
) -> SampleGrid:
    """Put the samples of one sensor on its own grid and give each its session time.

    Parameters
    ----------
    ticks : (n,) float array, sensor's clock as sent; None when it sends none
    arrival : (n,) float array, s from session start, of the packet of each sample; n in order of arrival
    sequence : (n,) int array, sensor's own count of samples; None when it sends none
    tick_s, tick_wrap : float, s per tick and ticks per turn (0: never wraps)
    nominal_rate : float, Hz, a first guess for a sensor without clock and count
    content : (n,) float array, any number made of the sample's values: tells a sample that came twice from one of
        a restarted sensor with the same count; the sensor's clock when None

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
    Without a count, losses are read from the clock; without a clock, the steady count is the clock; without
    either, losses are read from the arrivals (`count_by_arrival`).
    """
    host = np.asarray(arrival, dtype=float)
    raw = None if ticks is None else np.asarray(ticks, dtype=float)
    number = None if sequence is None else np.asarray(sequence, dtype=np.int64)
    if len(host) < 2 or any(x is not None and x.shape != host.shape for x in (raw, number)):
        shapes = [None if x is None else x.shape for x in (raw, host, number)]
        raise ValueError(
            f"Found ticks {shapes[0]}, arrival {shapes[1]}, sequence {shapes[2]}; expected one n >= 2."
        )
    device = None if raw is None else unwrap_ticks(raw, host, tick_s, tick_wrap) * tick_s
    samples = _counted(device, host, number, nominal_rate)
    tell = samples.device if content is None else np.nan_to_num(np.asarray(content, dtype=float))
    stretches, misplaced = find_stretches(samples.device, host, samples.count, samples.spacing, tell)
    longest = max(stretches, key=len)
    clock = _fit(longest, samples, 1.0)
    rate = float(np.median(clock.rates))
    clocks = [clock if rows is longest else _fit(rows, samples, rate) for rows in stretches]
    grids = [_place_stretch(rows, samples, fitted) for rows, fitted in zip(stretches, clocks, strict=True)]
    joined, overlapping = join_grids(grids)
    return replace(
        joined,
        sampling_rate=next(g.sampling_rate for g, rows in zip(grids, stretches, strict=True) if rows is longest),
        clock=replace(clock, ppm=clock.ppm if device is not None else float("nan")),
        misplaced=misplaced + overlapping,
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


def _counted(device: Array | None, host: Array, number: Indices | None, nominal_rate: float) -> _Counted:
    if device is not None and number is not None:
        spacing = measure_spacing(np.diff(device), np.diff(number).astype(float))
        return _Counted(device=device, host=host, count=number, spacing=spacing)
    if device is not None:
        count, spacing = count_by_clock(device)
        return _Counted(device=device, host=host, count=count, spacing=spacing, doubt=spacing / 2)
    if number is not None:
        spacing = _spacing_by_arrival(host, number)
        return _Counted(
            device=number.astype(np.float64) * spacing,
            host=host,
            count=number,
            spacing=spacing,
            window_s=COUNT_WINDOW_S,
            doubt=spacing,
        )
    count, spacing, doubt = count_by_arrival(host, nominal_rate)
    return _Counted(
        device=count.astype(np.float64) * spacing,
        host=host,
        count=count,
        spacing=spacing,
        window_s=COUNT_WINDOW_S,
        doubt=doubt,
    )


def _spacing_by_arrival(host: Array, number: Indices) -> float:
    """Host seconds per sample over long steps, so that neither delays nor restarts matter."""
    lag = max(1, len(host) // 4)
    rows, passed = number[lag:] - number[:-lag], host[lag:] - host[:-lag]
    usable = (rows > 0) & (passed > 0)
    if not usable.any():
        raise ValueError("The sensor's count does not run: no two samples differ in both count and arrival.")
    return check_spacing(float(np.median(passed[usable] / rows[usable])))


def _fit(rows: Indices, samples: _Counted, usual_rate: float) -> Clock:
    device, host = samples.device[rows], samples.host[rows]
    is_last = np.append(host[1:] != host[:-1], True)
    return fit_clock(device[is_last], host[is_last], window_s=samples.window_s, usual_rate=usual_rate)


def _place_stretch(rows: Indices, samples: _Counted, clock: Clock) -> SampleGrid:
    device, count = samples.device[rows], samples.count[rows]
    unique, first = np.unique(count, return_index=True)
    overrun = _overrun(device[first], unique, samples.spacing)
    place = unique - unique[0] + np.concatenate([[0], np.cumsum(overrun)])
    ticks = _increasing(device[first], place, samples.spacing)
    source, cause = _rows_of(place, overrun, rows[first])
    time = clock.at(np.interp(np.arange(len(source)), place, ticks))
    is_late = np.zeros(len(source), dtype=bool)
    is_late[place] = (count < np.maximum.accumulate(count))[first]
    return SampleGrid(
        time=time,
        source=source,
        cause=cause,
        sampling_rate=float((len(time) - 1) / (time[-1] - time[0])),
        clock=clock,
        duplicates=len(count) - len(unique),
        is_late=is_late,
        residual=clock.residual + samples.doubt,
    )


def _rows_of(place: Indices, overrun: Indices, rows: Indices) -> tuple[Indices, NDArray[np.int8]]:
    """Source and cause of each row; what the sensor lost stands at the end of its gap."""
    n = int(place[-1]) + 1
    source = np.full(n, -1, dtype=np.int64)
    source[place] = rows
    cause = np.where(source < 0, Cause.LOST, Cause.NONE).astype(np.int8)
    for i in np.flatnonzero(overrun):
        cause[place[i + 1] - overrun[i] : place[i + 1]] = Cause.OVERRUN
    return source, cause


def _overrun(ticks: Array, count: Indices, spacing: float) -> Indices:
    """Samples that passed between neighbours by the clock and not by the count, (n - 1,)."""
    ahead = ticks / spacing - count
    steps = np.diff(ahead)
    at = np.flatnonzero(steps > 1.5 + WANDER * np.diff(count))
    found = np.zeros(len(steps), dtype=np.int64)
    bounds = np.concatenate([[-1], at, [len(steps)]])
    for i, previous, following in zip(at, bounds[:-2], bounds[2:], strict=True):
        before = ahead[max(previous + 1, i + 1 - _LOOK) : i + 1]
        after = ahead[i + 1 : min(following + 1, i + 1 + _LOOK)]
        lasting = float(np.median(after) - np.median(before))
        if lasting > 1.5:
            found[i] = round(lasting)
    return found


def _increasing(ticks: Array, place: Indices, spacing: float) -> Array:
    """Ticks as they are when they increase; else smoothed over two seconds against a steady count."""
    if (np.diff(ticks) > 0).all():
        return ticks
    off = ticks - place * spacing
    half = max(1, round(1.0 / spacing))
    total = np.concatenate([[0.0], np.cumsum(off)])
    low, high = np.maximum(np.arange(len(off)) - half, 0), np.minimum(np.arange(len(off)) + half + 1, len(off))
    smooth = place * spacing + (total[high] - total[low]) / (high - low)
    if (np.diff(smooth) > 0).all():
        return np.asarray(smooth)
    return np.asarray(np.polyval(np.polyfit(place, ticks, 1), place))
