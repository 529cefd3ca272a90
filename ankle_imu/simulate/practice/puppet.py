"""A simulated person who waits, skips and begins anew as a coach does, while being recorded."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ankle_imu.simulate.sensors.peripheral import Motion
from ankle_imu.values import ImuSeries

Array = NDArray[np.float64]


class Puppet(Motion):
    """The movement of a whole routine, played as the coach leads.

    Parameters
    ----------
    series : ImuSeries of the undisturbed routine, without gaps
    start : float, s, world time of its first sample

    Examples
    --------
    >>> series = ImuSeries(
    ...     time=np.arange(5.0), acc=np.arange(15.0).reshape(5, 3), gyr=np.ones((5, 3)), sampling_rate=1.0
    ... )
    >>> puppet = Puppet(series)
    >>> puppet.follow(1.0, 1.0, is_waiting=True)
    >>> [x.tolist() for x in puppet.at([3.0])]
    [[[3.0, 4.0, 5.0]], [[0.0, 0.0, 0.0]]]
    """

    def __init__(self, series: ImuSeries, start: float = 0.0) -> None:
        super().__init__(series, start)
        self._turns = [(start, start, 1.0)]

    def follow(self, world: float, planned: float, *, is_waiting: bool) -> None:
        """From `world` time on do what was planned for `planned`, or stay as then.

        Parameters
        ----------
        world, planned : float, s, world time
        is_waiting : bool
        """
        rate = 0.0 if is_waiting else 1.0
        begun, at, before = self._turns[-1]
        if rate != before or abs(at + before * (world - begun) - planned) > 1e-3:
            self._turns.append((world, planned, rate))

    def at(self, world: ArrayLike) -> tuple[Array, Array]:
        """See `Motion.at`."""
        t = np.asarray(world, dtype=float)
        begun, planned, rate = np.array(self._turns).T
        turn = np.maximum(np.searchsorted(begun, t, side="right") - 1, 0)
        acc, gyr = super().at(planned[turn] + rate[turn] * (t - begun[turn]))
        return acc, gyr * rate[turn][:, None]
