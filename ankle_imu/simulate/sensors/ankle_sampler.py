"""The motion sensor inside a virtual Ankle IMU, from one boot to the next: what it measured, and when.

Nothing is stored: a sample is made anew from the motion whenever someone asks for it, so the same object is the
ring, the flash and the truth that a recording is held against.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ankle_imu.simulate.sensors.peripheral import Array, Motion, SensorClock
from ankle_imu.wire.ankle import quantise
from ankle_imu.wire.ankle_control import Config

_AHEAD: Final = 256
"""Samples made at once: many cost little more than one."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """Samples at one setting without a pause. `begun`: world time of the first, s; `period`: s of world time."""

    first: int
    begun: float
    period: float
    epoch: int
    config: Config


@dataclass(frozen=True, kw_only=True, eq=False)
class Samples:
    """Counts (n, 6) int16, clip flags (n,) and stamps (n,) int, us, on the motion sensor's clock, without wrap."""

    counts: NDArray[np.int16]
    flags: NDArray[np.uint8]
    t_us: NDArray[np.int64]


class Sampler:
    """All samples of one boot.

    Parameters
    ----------
    motion : Motion
    boot_id : int
    booted : float, s, world time
    ppm : float, how fast the microcontroller's clock runs
    rate_error : float, share by which the motion sensor's oscillator, and so its true rate, is fast

    Attributes
    ----------
    runs : list of Run, in order
    mcu, imu : SensorClock, both zero at boot
    """

    def __init__(self, motion: Motion, *, boot_id: int, booted: float, ppm: float, rate_error: float) -> None:
        self.boot_id = boot_id
        self.runs: list[Run] = []
        self.mcu = SensorClock(booted=booted, ppm=ppm)
        self.imu = SensorClock(booted=booted, ppm=rate_error * 1e6)
        self._motion = motion
        self._ended = booted
        self._cached: tuple[int, Samples] | None = None

    @property
    def is_running(self) -> bool:
        """Whether samples are being made."""
        return self._ended == np.inf

    def start(self, now: float, config: Config, epoch: int) -> None:
        """Begin, or go on, making samples at these settings; the first comes one period from now."""
        period = 1.0 / (config.rate_hz * (1.0 + self.imu.ppm * 1e-6))
        run = Run(first=self.made(now), begun=now + period, period=period, epoch=epoch, config=config)
        if self.runs and self.runs[-1].first == run.first:
            self.runs.pop()
        self.runs.append(run)
        self._ended = np.inf
        self._cached = None

    def stop(self, now: float) -> None:
        """Make no more samples."""
        self._ended = min(self._ended, now)
        self._cached = None

    def made(self, now: float) -> int:
        """Samples made by world time `now`, which is the index of the next."""
        if not self.runs:
            return 0
        run = self.runs[-1]
        return run.first + max(0, int(np.floor((min(now, self._ended) - run.begun) / run.period + 1e-6)) + 1)

    def spans(self, first: int, stop: int) -> list[tuple[Run, int, int]]:
        """Runs that the samples [first, stop) belong to, and the part of them in each."""
        ends = [run.first for run in self.runs[1:]] + [stop]
        found = [(run, max(first, run.first), min(stop, end)) for run, end in zip(self.runs, ends, strict=False)]
        return [(run, a, b) for run, a, b in found if a < b]

    def mcu_us(self, now: float) -> int:
        """The microcontroller's clock, us."""
        return round(self.mcu.read(now) * 1e6)

    def world(self, index: ArrayLike) -> Array:
        """World times, s, at which the samples (n,) were made."""
        wanted = np.asarray(index, dtype=np.int64)
        firsts = np.array([run.first for run in self.runs], dtype=np.int64)
        of = np.searchsorted(firsts, wanted, side="right") - 1
        begun = np.array([run.begun for run in self.runs])
        period = np.array([run.period for run in self.runs])
        return np.asarray(begun[of] + (wanted - firsts[of]) * period[of])

    def samples(self, first: int, stop: int) -> Samples:
        """Samples [first, stop), of one run."""
        if self._cached is None or not self._cached[0] <= first <= stop <= self._cached[0] + len(
            self._cached[1].t_us
        ):
            self._cached = (first, self._make(first, max(stop, first + _AHEAD)))
        at, cached = self._cached
        rows = slice(first - at, stop - at)
        return Samples(counts=cached.counts[rows], flags=cached.flags[rows], t_us=cached.t_us[rows])

    def _make(self, first: int, stop: int) -> Samples:
        (run, _, _), *more = self.spans(first, stop)
        if more:
            stop = more[0][1]
        world = run.begun + (np.arange(first, stop) - run.first) * run.period
        counts, flags = quantise(
            np.hstack(self._motion.at(world)),
            acc_range_g=run.config.acc_range_g,
            gyr_range_dps=run.config.gyr_range_dps,
        )
        stamps = np.round((world - self.imu.booted) * (1e6 + self.imu.ppm)).astype(np.int64)
        return Samples(counts=counts, flags=flags, t_us=stamps)
