"""When a sensor really samples, and what its time stamps say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ankle_imu.simulate.plan import Plan

Array = NDArray[np.float64]

_FURTHEST_JITTER = 0.45
"""Time stamps stay in order: none moves by more than this part of a sample."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Clock:
    """One sensor's sampling: true rate, Hz; share by which its clock is fast; jitter of its stamps, s."""

    nominal_rate: float
    sampling_rate: float
    fast: float
    jitter: float
    rng: np.random.Generator

    def sample(self, acc: Array, gyr: Array, every: int) -> tuple[Array, Array]:
        """The motion at the instants at which this sensor looks, `every` times as fast as it sends.

        Parameters
        ----------
        acc, gyr : ((n - 1) * every + 1, 3) float arrays at `every` times the nominal rate
        every : int

        Returns
        -------
        acc, gyr : ((m - 1) * every + 1, 3) float arrays at `every` times its own rate; the same when it is the
            nominal one, else by cubic interpolation of a motion sampled far above its bandwidth
        """
        ratio = self.sampling_rate / self.nominal_rate
        if ratio == 1.0:
            return acc, gyr
        from scipy.interpolate import CubicSpline

        sent = int((len(acc) - 1) * ratio / every)
        at = np.arange(sent * every + 1) / ratio
        # In stretches: one spline over an hour would need as much memory as the whole walk.
        whole = [self._stretches(values, at, CubicSpline) for values in (acc, gyr)]
        return whole[0], whole[1]

    @staticmethod
    def _stretches(values: Array, at: Array, spline: type) -> Array:
        parts = []
        for begin in range(0, len(at), _STRETCH):
            wanted = at[begin : begin + _STRETCH]
            low, high = max(int(wanted[0]) - 8, 0), min(int(wanted[-1]) + 10, len(values))
            parts.append(spline(np.arange(low, high), values[low:high])(wanted))
        return np.concatenate(parts)

    def times(self, n: int, offset: float) -> Array:
        """Time stamps (n,), s, `offset` late."""
        times = np.arange(n) / self.sampling_rate * (1.0 + self.fast) + offset
        if self.jitter > 0.0:
            most = _FURTHEST_JITTER / self.sampling_rate
            times += np.clip(self.jitter * self.rng.standard_normal(n), -most, most)
        return times


_STRETCH = 1 << 16


def draw_clock(plan: Plan, rng: np.random.Generator) -> Clock:
    """Draw the clock of one sensor."""
    odr, fast = rng.uniform(-1.0, 1.0, 2)
    return Clock(
        nominal_rate=plan.sampling_rate,
        sampling_rate=plan.sampling_rate * (1.0 + plan.odr_error * odr),
        fast=plan.clock_ppm * 1e-6 * fast,
        jitter=plan.jitter_s,
        rng=rng,
    )
