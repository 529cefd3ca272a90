"""Packets of one sensor as they come -> samples on the session's clock, at once and without looking ahead."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.decode import Samples, decode_packets

Array = NDArray[np.float64]

TAIL_PACKETS: Final = 8
"""Packets that are decoded again with those that follow, as in `capture.meter`."""

FOLLOW: Final = 0.02
"""Share by which the clock follows packets that come later than expected. Radio delays come in bursts, a sensor's
clock drifts by 1e-4 at most: at 15 packets a second 0.02 follows in 3 s and lets one late packet move the clock
by a fiftieth of its delay (own choice)."""

JUMP_S: Final = 1.0
"""A packet that is this much off begins a new clock: the sensor was away or restarted."""


class Arrivals:
    """Samples of one sensor, packet by packet.

    Parameters
    ----------
    protocol : str, see `wire.protocols`
    config : mapping, of the stream

    Notes
    -----
    Time is the sensor's count times its nominal period, laid along the lower edge of the arrivals: a packet can be
    late but never early. For drawing; the analysis of the recording fits the clocks over the whole walk.
    """

    def __init__(self, protocol: str, config: Mapping[str, Any]) -> None:
        self._protocol, self._config = protocol, dict(config)
        rate = float(config.get("nominal_rate_hz", math.nan))
        self.rate = rate if math.isfinite(rate) and rate > 0 else 100.0
        self._context: list[tuple[float, bytes]] = []
        self._n_known = 0
        self._last = math.nan

    def take(self, packets: list[tuple[float, bytes]]) -> tuple[Array, Array, Array]:
        """Times (n,) s, acc (n, 3) m/s^2, gyr (n, 3) rad/s of the samples in some packets (arrival s, payload)."""
        together = self._context + packets
        samples = decode_packets(self._protocol, together, self._config)
        n_known = self._n_known
        self._keep(together, samples)
        if samples is None or len(samples) <= n_known:
            return np.empty(0), np.empty((0, 3)), np.empty((0, 3))
        time = self._times(samples, n_known, packets[-1][0])
        return time[n_known:], samples.acc[n_known:], samples.gyr[n_known:]

    def _keep(self, together: list[tuple[float, bytes]], samples: Samples | None) -> None:
        """Keep the last packets, led by the first where those tell what all others hold."""
        head = together[:TAIL_PACKETS] if self._config.get("header") is True else []
        self._context = head + together[max(len(head), len(together) - TAIL_PACKETS) :]
        came = [arrival for arrival, _ in self._context]
        self._n_known = 0 if samples is None else int(np.isin(samples.arrival, came).sum())

    def _times(self, samples: Samples, known: int, arrival: float) -> Array:
        """Times of all samples decoded; the last of the new ones is placed by when it came."""
        period = 1.0 / self.rate
        n = len(samples)
        if samples.sequence is not None:
            steps = (samples.sequence - samples.sequence[-1]).astype(float)
        else:
            steps = np.arange(n) - (n - 1.0)
        ahead = float(steps[-1] - steps[known - 1]) if known else float(n)
        due = self._last + ahead * period
        late = arrival - due
        if not abs(late) < JUMP_S:
            self._last = arrival
        elif ahead > 0:
            self._last = due + (late if late < 0 else FOLLOW * late)
        return np.asarray(self._last + steps * period)
