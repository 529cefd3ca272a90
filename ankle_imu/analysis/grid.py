"""One uniform time base for all sensors of a session, with every missing sample accounted for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ankle_imu.analysis.repeat import fill_from_strides
from ankle_imu.errors import RecordingError
from ankle_imu.gait.filters import runs
from ankle_imu.values import ImuSeries

Array = NDArray[np.float64]

MOST_HOLES = 20.0
"""A session with more than this many empty instants per sample, and an hour of them, is no one session."""

SHORT_GAP_S = 0.060
"""Gaps up to this long are filled and kept (own simulation at 104 Hz: `repeat.fill_from_strides`)."""

PEAK_GAP_S = 0.030
"""Across a filled gap longer than this no peak rate is read: it is off by 30 deg/s and more (same simulation)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Gridded:
    """One sensor on the session grid.

    `acc, gyr`: (n, 3), filled everywhere inside the sensor's span, so that filters run through; `lost`: (n,)
    sample was not received; `broken`: (n,) part of a gap longer than `SHORT_GAP_S`, or outside the span;
    `blunt`: (n,) part of a gap longer than `PEAK_GAP_S`.
    """

    acc: Array
    gyr: Array
    lost: NDArray[np.bool_]
    broken: NDArray[np.bool_]
    blunt: NDArray[np.bool_]

    @property
    def gapped(self) -> tuple[Array, Array]:
        """Acc and gyr with NaN rows where broken."""
        if not self.broken.any():
            return self.acc, self.gyr
        acc, gyr = self.acc.copy(), self.gyr.copy()
        acc[self.broken] = np.nan
        gyr[self.broken] = np.nan
        return acc, gyr


def session_grid(series: Mapping[str, ImuSeries]) -> tuple[Array, float]:
    """Common sample times (n,), s, and rate, Hz: the fastest sensor's, from first to last sample of any sensor."""
    rate = max(s.sampling_rate for s in series.values())
    start = min(float(s.time[0]) for s in series.values())
    stop = max(float(s.time[-1]) for s in series.values())
    samples = sum(int(s.is_valid.sum()) for s in series.values())
    if (stop - start) * rate > MOST_HOLES * samples + rate * 3600.0:
        raise RecordingError(
            f"The times of the sensors span {(stop - start) / 3600.0:,.1f} h but hold only {samples:,} samples; "
            "expected one clock for all sensors and no long pauses: put them on one clock, or split the session."
        )
    return start + np.arange(int(np.floor((stop - start) * rate + 1e-6)) + 1) / rate, rate


def put_on_grid(series: ImuSeries, time: Array, sampling_rate: float) -> Gridded:
    """Read one sensor at the session's sample times.

    Parameters
    ----------
    series : ImuSeries with at least two valid samples
    time : (n,) s, uniform
    sampling_rate : float, Hz, of the grid

    Returns
    -------
    Gridded
    """
    valid = series.is_valid
    same = len(series.time) == len(time) and bool(np.abs(series.time - time).max() < 1e-3 / sampling_rate)
    if same and valid.all():
        none = np.zeros(len(time), dtype=bool)
        return Gridded(acc=np.asarray(series.acc), gyr=np.asarray(series.gyr), lost=none, broken=none, blunt=none)
    known, values = series.time[valid], np.hstack([series.acc[valid], series.gyr[valid]])
    lost = ~valid if same else _between_distant_samples(known, time, 1.6 / series.sampling_rate)
    filled = np.stack([np.interp(time, known, values[:, k]) for k in range(6)], axis=1)
    outside = (time < known[0] - 0.5 / sampling_rate) | (time > known[-1] + 0.5 / sampling_rate)
    lost = lost | outside
    start, stop = runs(lost)
    broken, blunt = (
        _covered(lost, start, stop, sampling_rate, longer_than) for longer_than in (SHORT_GAP_S, PEAK_GAP_S)
    )
    broken |= outside
    short = lost & ~broken
    if short.any():
        _fill_smoothly(filled, short, time, known, values)
        fill_from_strides(filled, short, sampling_rate)
    return Gridded(acc=filled[:, :3], gyr=filled[:, 3:], lost=lost, broken=broken, blunt=blunt)


def _covered(
    lost: NDArray[np.bool_],
    start: NDArray[np.int64],
    stop: NDArray[np.int64],
    sampling_rate: float,
    longer_than: float,
) -> NDArray[np.bool_]:
    """Samples in gaps of more than so many seconds."""
    covered = np.zeros(len(lost), dtype=bool)
    long = (stop - start) / sampling_rate > longer_than
    for a, b in zip(start[long], stop[long], strict=True):
        covered[a:b] = True
    return covered


def _between_distant_samples(known: Array, time: Array, longest: float) -> NDArray[np.bool_]:
    after = np.clip(np.searchsorted(known, time), 1, len(known) - 1)
    apart = known[after] - known[after - 1] > longest
    near = np.minimum(np.abs(time - known[after]), np.abs(time - known[after - 1])) < 0.3 * longest
    return np.asarray(apart & ~near)


def _fill_smoothly(filled: Array, holes: NDArray[np.bool_], time: Array, known: Array, values: Array) -> None:
    """Replace short holes by monotone cubic interpolation between their neighbours."""
    from scipy.interpolate import PchipInterpolator

    at = np.flatnonzero(holes)
    centre = np.searchsorted(known, time[at])
    near = np.unique(np.clip(centre[:, None] + np.arange(-4, 4), 0, len(known) - 1))
    filled[at] = PchipInterpolator(known[near], values[near], axis=0)(time[at])
