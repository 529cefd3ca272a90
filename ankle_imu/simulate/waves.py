"""Curves that are no single moves: vibrations, free flights, circles; each with its rate and acceleration."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ankle_imu.simulate.moves import Curve, Moves

Array = NDArray[np.float64]


class Part(Protocol):
    """A curve that is nothing, at rest, outside [start, end]."""

    @property
    def start(self) -> float:
        """Where it begins, s."""
        ...

    @property
    def end(self) -> float:
        """Where it ends, s."""
        ...

    def evaluate(self, time: Array) -> Curve:
        """Value, rate and acceleration at increasing instants within [start, end]."""
        ...


@dataclass
class Motion(Moves):
    """Moves with further `parts` added to them."""

    parts: list[Part] = field(default_factory=list)

    def evaluate(self, time: Array) -> Curve:
        """Value, rate and acceleration at increasing instants `time` (n,), s."""
        total = super().evaluate(time)
        for part in self.parts:
            rows = slice(*np.searchsorted(time, [part.start, part.end]))
            if rows.start < rows.stop:
                curve = part.evaluate(time[rows])
                total.value[rows] += curve.value
                total.rate[rows] += curve.rate
                total.acceleration[rows] += curve.acceleration
        return total


@dataclass(frozen=True, kw_only=True, eq=False)
class Waves:
    """A sum of sine waves that swells and dies away over `ramp` s at its ends.

    `size`, `frequency`, `phase`: (k,) float arrays, unit of the coordinate, Hz, rad.
    """

    start: float
    end: float
    size: Array
    frequency: Array
    phase: Array
    ramp: float = 0.5

    def evaluate(self, time: Array) -> Curve:
        """Value, rate and acceleration at increasing instants within [start, end]."""
        swell = Moves()
        ramp = min(self.ramp, 0.5 * (self.end - self.start))
        swell.add([self.start, self.end - ramp], [self.start + ramp, self.end], [1.0, -1.0])
        e = swell.evaluate(time)
        w = 2.0 * np.pi * self.frequency
        angle = np.outer(time - self.start, w) + self.phase
        sine, cosine = np.sin(angle), np.cos(angle)
        value, rate, bend = sine @ self.size, cosine @ (self.size * w), -(sine @ (self.size * w**2))
        return Curve(
            e.value * value,
            e.rate * value + e.value * rate,
            e.acceleration * value + 2.0 * e.rate * rate + e.value * bend,
        )


def shaking(
    start: float, end: float, acceleration: float, band: tuple[float, float], rng: np.random.Generator, k: int = 10
) -> Waves:
    """Random vibration of a coordinate.

    Parameters
    ----------
    start, end : float, s
    acceleration : float, root mean square of the coordinate's second derivative
    band : lowest and highest frequency, Hz; the spectrum of the acceleration is flat between
    rng : numpy random generator
    k : number of sine waves

    Returns
    -------
    Waves
    """
    frequency = np.sort(rng.uniform(*band, k))
    size = acceleration * np.sqrt(2.0 / k) / (2.0 * np.pi * frequency) ** 2
    return Waves(start=start, end=end, size=size, frequency=frequency, phase=rng.uniform(0.0, 2.0 * np.pi, k))


class Path:
    """A curve through given values, rates and accelerations: quintic in between, as smooth as its ends ask.

    Parameters
    ----------
    time : (k,) float array, s, increasing
    value, rate, acceleration : (k,) float arrays; a part of a `Motion` begins and ends at nothing
    """

    def __init__(self, time: ArrayLike, value: ArrayLike, rate: ArrayLike, acceleration: ArrayLike) -> None:
        from scipy.interpolate import BPoly

        knots = np.asarray(time, dtype=float)
        self.start, self.end = float(knots[0]), float(knots[-1])
        self._curve = BPoly.from_derivatives(knots, np.stack([value, rate, acceleration], axis=1))
        self._rate, self._bend = self._curve.derivative(1), self._curve.derivative(2)

    def evaluate(self, time: Array) -> Curve:
        """Value, rate and acceleration at increasing instants within [start, end]."""
        return Curve(*(np.asarray(c(time), dtype=float) for c in (self._curve, self._rate, self._bend)))


def spun(time: Array, rate: Array) -> Path:
    """Angle of something that turns at the given rates at the given times, from 0 on, rad."""
    value = np.concatenate([[0.0], np.cumsum(0.5 * (rate[1:] + rate[:-1]) * np.diff(time))])
    return Path(time, value, rate, np.zeros(len(time)))


@dataclass(frozen=True, eq=False)
class Circling:
    """`size` times the cosine of a turning angle and a lag, less what that is at the start.

    The angle comes to a whole number of turns, so that the end is the start.
    """

    angle: Path
    size: float
    lag: float

    @property
    def start(self) -> float:
        """Start of the turning, s."""
        return self.angle.start

    @property
    def end(self) -> float:
        """End of the turning, s."""
        return self.angle.end

    def evaluate(self, time: Array) -> Curve:
        """Value, rate and acceleration at increasing instants within [start, end]."""
        a = self.angle.evaluate(time)
        cos, sin = self.size * np.cos(a.value + self.lag), self.size * np.sin(a.value + self.lag)
        return Curve(cos - self.size * np.cos(self.lag), -sin * a.rate, -sin * a.acceleration - cos * a.rate**2)
