"""Packets of one sensor as they come -> samples on the session's clock, at once and without looking ahead."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.decode import Samples, decode_packets
from ankle_imu.wire import quick_decoder

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

    Packets that tell all about themselves are read one by one (4 x 208 Hz, all that makes messages: 54 -> 30 ms
    of processor time a second); what cannot be (`compact` packets, other protocols) is decoded with those before.
    """

    def __init__(self, protocol: str, config: Mapping[str, Any]) -> None:
        self._protocol, self._config = protocol, dict(config)
        rate = float(config.get("nominal_rate_hz", math.nan))
        self.rate = rate if math.isfinite(rate) and rate > 0 else 100.0
        self._context: list[tuple[float, bytes]] = []
        self._n_known = 0
        self._last = math.nan
        self._quick = quick_decoder(protocol)
        self._newest: int | None = None

    def take(self, packets: list[tuple[float, bytes]]) -> tuple[Array, Array, Array]:
        """Times (n,) s, acc (n, 3) m/s^2, gyr (n, 3) rad/s of the samples in some packets (arrival s, payload)."""
        if self._quick is not None:
            parts = [self._quick(payload, self._config) for _, payload in packets]
            known = [part for part in parts if part is not None]
            if len(known) == len(parts):
                return self._join(known, [arrival for arrival, _ in packets])
            self._quick = None
        together = self._context + packets
        samples = decode_packets(self._protocol, together, self._config)
        n_known = self._n_known
        self._keep(together, samples)
        if samples is None or len(samples) <= n_known:
            return np.empty(0), np.empty((0, 3)), np.empty((0, 3))
        time = self._times(samples, n_known, packets[-1][0])
        return time[n_known:], samples.acc[n_known:], samples.gyr[n_known:]

    def _join(self, parts: list[tuple[int, Array, Array]], arrivals: list[float]) -> tuple[Array, Array, Array]:
        """Samples of packets that were read one by one, less those that came before."""
        times: list[Array] = [np.empty(0)]
        accs: list[Array] = [np.empty((0, 3))]
        gyrs: list[Array] = [np.empty((0, 3))]
        for (index, acc, gyr), arrival in zip(parts, arrivals, strict=True):
            n = len(acc)
            ahead = n if self._newest is None else _signed(index + n - 1 - self._newest)
            if not n or -JUMP_S * self.rate < ahead <= 0:
                continue
            self._newest = index + n - 1
            self._place(ahead, arrival)
            times.append(np.asarray(self._last + (np.arange(n) - (n - 1.0)) / self.rate, dtype=np.float64))
            accs.append(acc)
            gyrs.append(gyr)
        return np.concatenate(times), np.concatenate(accs), np.concatenate(gyrs)

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
        self._place(ahead, arrival)
        return np.asarray(self._last + steps * period)

    def _place(self, ahead: float, arrival: float) -> None:
        """The newest sample, so many after the newest before, came in a packet of this arrival."""
        due = self._last + ahead / self.rate
        late = arrival - due
        if not abs(late) < JUMP_S:
            self._last = arrival
        elif ahead > 0:
            self._last = due + (late if late < 0 else FOLLOW * late)


def _signed(steps: int) -> int:
    """A difference of two counts of 32 bits."""
    return (steps + 2**31) % 2**32 - 2**31
