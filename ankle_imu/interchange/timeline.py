"""From a sensor's own clock to a series: repeated rows dropped, lost samples left open as NaN, all counted."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.errors import CorruptRecording, RecordingError
from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.values import ImuSeries, Loss, SensorInfo

Array = NDArray[np.float64]

SLOWEST, FASTEST = 5.0, 8000.0
"""Hz. Below, no stride can be followed; above, no worn IMU samples: the time unit must be wrong."""

MOST_REPEATED: Final = 0.05
"""Share of rows whose time does not advance above which the clock is not a sample clock."""

LONGEST_GAP: Final = 86400.0
"""s. One day without a sample is two recordings in one file."""

FULL_SCALE: Final = 0.9995
"""Share of the range from which a value counts as clipped: within eight counts of 16 bits."""


def lay_out(
    time: Array, acc: Array, gyr: Array, *, sensor: SensorInfo, path: str, malformed: int = 0
) -> tuple[ImuSeries, Loss]:
    """Samples as they came, on the sensor's own time, with its gaps left open.

    Parameters
    ----------
    time : (n,) s of the sensor's clock, any zero; NaN where unreadable
    acc : (n, 3) m/s^2, sensor frame; NaN where unreadable
    gyr : (n, 3) rad/s, sensor frame; all three may be taken over as they are and made read-only
    sensor : SensorInfo, whose ranges (where known) decide what counts as clipped
    path : str, for messages
    malformed : int, rows already left out because they could not be read at all

    Returns
    -------
    series : ImuSeries, time from 0 at the first sample; values of received samples unchanged
    loss : Loss; `reasons` counts `missing` (never in the file), `unreadable` (in the file, but not six numbers)
        and, not part of `lost`, `repeated` (time did not advance) and `malformed` rows that were left out

    Raises
    ------
    RecordingError
        If fewer than two samples are left, or the rate is not one of a worn sensor.
    CorruptRecording
        If most samples are unreadable, or the time runs back, or a gap lasts a day.

    Notes
    -----
    A step of the clock that is nearest to k > 1 usual steps means k - 1 lost samples. Where the steps scatter
    (phones), only steps above three usual ones are gaps.
    """
    reach = _reach(acc), _reach(gyr)
    if np.isfinite(reach).all() and _is_even(time):
        return _lay_out_whole(time, acc, gyr, reach, sensor, malformed)
    acc, gyr = acc.copy(), gyr.copy()
    unreadable = np.asarray(~(np.isfinite(acc).all(axis=1) & np.isfinite(gyr).all(axis=1)))
    acc[unreadable], gyr[unreadable] = np.nan, np.nan
    timed = np.isfinite(time)
    time, acc, gyr = time[timed], acc[timed], gyr[timed]
    if np.count_nonzero(~unreadable & timed) < 2:
        raise RecordingError(
            f"{path}: {np.count_nonzero(~unreadable & timed)} readable sample(s) in {len(timed)} rows; "
            "expected at least 2.",
            path=path,
        )
    if unreadable.mean() > 0.5:
        raise CorruptRecording(
            f"{path}: {np.count_nonzero(unreadable)} of {len(unreadable)} rows are not numbers.", path=path
        )
    advances = _advancing(time, path)
    time, acc, gyr = time[advances] - time[advances][0], acc[advances], gyr[advances]
    missing = _missing(time, path)
    series = _open_gaps(time, acc, gyr, missing)
    received = int(series.is_valid.sum())
    reasons = {
        "missing": int(missing.sum()),
        "unreadable": len(time) - received,
        "repeated": int(np.count_nonzero(~advances)),
        "malformed": malformed + int(np.count_nonzero(~timed)),
    }
    return series, Loss(
        expected=len(series.time),
        received=received,
        lost=len(series.time) - received,
        clipped=count_clipped(series, sensor),
        true_rate_hz=series.sampling_rate,
        reasons={name: count for name, count in reasons.items() if count},
    )


def _reach(values: Array) -> float:
    """The largest size of a number; NaN where one is NaN or there is none."""
    return max(float(values.max()), -float(values.min())) if values.size else float("nan")


def _is_even(time: Array) -> bool:
    """Whether plainly no sample is missing between others: steps much alike, a sane rate."""
    if len(time) < 2:
        return False
    steps = np.diff(time)
    return bool(steps.min() > 1.0 / FASTEST and steps.max() < min(1.5 * steps.min(), 1.0 / SLOWEST))


def _lay_out_whole(
    time: Array, acc: Array, gyr: Array, reach: tuple[float, float], sensor: SensorInfo, malformed: int
) -> tuple[ImuSeries, Loss]:
    """What `lay_out` gives where nothing is missing: an hour of samples in a tenth of the time."""
    time = time - time[0] if time[0] else time
    time, acc, gyr = (np.require(values, requirements="O") for values in (time, acc, gyr))
    for values in (time, acc, gyr):
        values.setflags(write=False)
    n = len(time)
    series = ImuSeries(time=time, acc=acc, gyr=gyr, sampling_rate=(n - 1) / float(time[-1]))
    return series, Loss(
        expected=n,
        received=n,
        lost=0,
        clipped=count_clipped(series, sensor) if _may_clip(reach, sensor) else 0,
        true_rate_hz=series.sampling_rate,
        reasons={"malformed": malformed} if malformed else {},
    )


def _may_clip(reach: tuple[float, float], sensor: SensorInfo) -> bool:
    full = sensor.acc_range_g * STANDARD_GRAVITY, sensor.gyr_range_dps * DEGREE
    return any(
        size >= FULL_SCALE * end for size, end in zip(reach, full, strict=True)
    )  # False with an unknown end


def count_clipped(series: ImuSeries, sensor: SensorInfo) -> int:
    """Samples with an axis at the end of the sensor's range; 0 where the range is not known."""
    at_end = np.zeros(len(series.time), dtype=bool)
    for values, full in (
        (series.acc, sensor.acc_range_g * STANDARD_GRAVITY),
        (series.gyr, sensor.gyr_range_dps * DEGREE),
    ):
        if np.isfinite(full):
            at_end |= (np.abs(values) >= FULL_SCALE * full).any(axis=1)
    return int(np.count_nonzero(at_end))


def describe(series: ImuSeries, loss: Loss) -> tuple[str, ...]:
    """Length, rate, gaps and left-out rows as sentences for a person."""
    said = [f"{loss.received} samples in {series.duration:.1f} s at {series.sampling_rate:.4g} Hz"]
    if loss.lost:
        longest, count = _longest_gap(series)
        said.append(f"{loss.lost} samples lost in {count} gap(s), the longest {longest:.2f} s")
    reasons: Mapping[str, int] = loss.reasons
    if reasons.get("repeated"):
        said.append(f"{reasons['repeated']} repeated row(s) dropped")
    if reasons.get("malformed"):
        said.append(f"{reasons['malformed']} row(s) left out because they could not be read")
    if loss.clipped:
        said.append(f"{loss.clipped} samples at the end of the sensor's range")
    return tuple(said)


def _longest_gap(series: ImuSeries) -> tuple[float, int]:
    lost = np.concatenate([[False], ~series.is_valid, [False]])
    starts, ends = np.flatnonzero(lost[1:] & ~lost[:-1]), np.flatnonzero(lost[:-1] & ~lost[1:])
    return float(np.max(ends - starts) / series.sampling_rate), len(starts)


def _advancing(time: Array, path: str) -> NDArray[np.bool_]:
    """Rows whose time is later than that of every row before."""
    before = np.concatenate([[-np.inf], np.maximum.accumulate(time)[:-1]])
    advances = time > before
    stuck = np.count_nonzero(~advances)
    if stuck > 2 and stuck > MOST_REPEATED * len(time):
        at = int(np.argmin(advances))
        word = "runs back" if time[at] < before[at] else "stands still"
        raise CorruptRecording(
            f"{path}: time {word} in {stuck} of {len(time)} rows, first in row {at + 1}; "
            "it is not the clock of one sensor's samples.",
            path=path,
        )
    return np.asarray(advances)


def _missing(time: Array, path: str) -> NDArray[np.int64]:
    """Lost samples after each but the last row, (n - 1,)."""
    if len(time) < 2:
        raise RecordingError(f"{path}: one sample is left; expected at least 2.", path=path)
    steps = np.diff(time)
    usual = float(np.median(steps))
    if not SLOWEST <= 1.0 / usual <= FASTEST:
        raise RecordingError(
            f"{path}: one sample every {usual:.3g} s ({1.0 / usual:.3g} Hz) is not the rate of a worn sensor "
            f"({SLOWEST:g} to {FASTEST:g} Hz); is the time column in another unit?",
            path=path,
        )
    if steps.max() > LONGEST_GAP:
        at = int(np.argmax(steps))
        raise CorruptRecording(
            f"{path}: {steps[at] / 3600:.0f} h without a sample after row {at + 1}; split the file there.",
            path=path,
        )
    usual = float(steps[steps < 1.5 * usual].mean())  # coarse time stamps alternate, e.g. 4 and 5 ms
    whole = np.maximum(np.rint(steps / usual), 1.0)
    is_regular = np.mean(np.abs(steps - whole * usual) < 0.25 * usual) > 0.9
    gap = steps > (1.5 if is_regular else 3.0) * usual
    return np.where(gap, whole - 1.0, 0.0).astype(np.int64)


def _open_gaps(time: Array, acc: Array, gyr: Array, missing: NDArray[np.int64]) -> ImuSeries:
    place = np.concatenate([[0], np.cumsum(missing + 1)])
    n = int(place[-1]) + 1
    grid = np.interp(np.arange(n), place, time)
    rate = (n - 1) / float(grid[-1] - grid[0])
    wide = np.full((2, n, 3), np.nan)
    wide[0, place], wide[1, place] = acc, gyr
    return ImuSeries(time=grid, acc=wide[0], gyr=wide[1], sampling_rate=rate)


def spread_batches(arrival: Array) -> Array:
    """Sample times behind the arrival times of samples that came several at once.

    Parameters
    ----------
    arrival : (n,) s, host clock, not decreasing but for jitter; samples of one radio message share a time

    Returns
    -------
    time : (n,) s, evenly spaced between interruptions; an interruption keeps its length

    Notes
    -----
    Samples are counted, the rate is their number over the time between the first and last message of the
    uninterrupted stretches. A lost radio message is seen only where the arrivals pause for longer than both
    0.25 s and four usual pauses; a shorter loss is closed up. Within a stretch the offset is the median one, so a
    constant transmission delay stays in.
    """
    arrival = np.maximum.accumulate(arrival)
    starts = np.flatnonzero(np.diff(arrival, prepend=-np.inf) > 0)
    pauses = np.diff(arrival[starts])
    if len(pauses) == 0:
        return arrival
    is_break = pauses > max(0.25, 4.0 * float(np.median(pauses)))
    counts = np.diff(starts)
    span = float(pauses[~is_break].sum())
    if span <= 0.0:
        return arrival
    rate = float(counts[~is_break].sum()) / span
    time = np.empty(len(arrival))
    edges = np.concatenate([[0], starts[1:][is_break], [len(arrival)]])
    for first, last in pairwise(edges):
        count = np.arange(last - first) / rate
        time[first:last] = count + np.median(arrival[first:last] - count)
    return time
