"""Whether a worn sensor moves, from its packets as they come."""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np

from ankle_imu import wire
from ankle_imu.devices.adapter import Stream
from ankle_imu.wire import Block

RATE_RAD_S: Final = 0.5
"""A second with more turning than this, root mean square, is one of movement. Ours, measured on simulated walks: a
second of walking has 2.2 or more on foot and shank, toe taps 0.8 on the foot, standing 0.02."""
ACC_M_S2: Final = 1.0
"""The same for the change of acceleration, of sensors without gyroscope: walking 5.7 or more, toe taps 1.8,
standing 0.03."""
WINDOW: Final = 10
ENOUGH: Final = 5
"""It moves when so many of the last WINDOW looks, one a second, saw movement: a knock is none, toe taps are."""
TAIL: Final = 8
"""Packets that are decoded again with those that follow, see `capture.meter`."""
MOST: Final = 4096
"""Packets that wait for a look; those beyond are not looked at."""


class Movement:
    """Looks at all sensors of a recording; a `capture.Listener`."""

    def __init__(self) -> None:
        self._streams: dict[str, Stream] = {}
        self._waiting: dict[str, deque[tuple[float, bytes]]] = {}
        self._tails: dict[str, list[tuple[float, bytes]]] = {}
        self._seen: dict[str, deque[bool]] = {}
        self.is_streaming = False

    def begin(self, placement: str, stream: Stream) -> None:
        """See `capture.Listener.begin`."""
        self._streams[placement] = stream
        self._waiting[placement] = deque(maxlen=MOST)
        self._tails[placement] = []
        self._seen.setdefault(placement, deque(maxlen=WINDOW))

    def take(self, placement: str, time_s: float, payload: bytes) -> None:
        """See `capture.Listener.take`."""
        self._waiting[placement].append((time_s, payload))

    def mark(self, time_s: float, text: str) -> None:
        """See `capture.Listener.mark`."""

    def end(self) -> None:
        """See `capture.Listener.end`."""

    def look(self) -> bool:
        """Whether any sensor moves; to be asked once a second. Sets `is_streaming`."""
        self.is_streaming = any(self._waiting.values())
        for placement, seen in self._seen.items():
            seen.append(self._has_moved(placement))
        return any(sum(seen) >= ENOUGH for seen in self._seen.values())

    def _has_moved(self, placement: str) -> bool:
        fresh = list(self._waiting[placement])
        self._waiting[placement].clear()
        if not fresh:
            return False
        stream, packets = self._streams[placement], self._tails[placement] + fresh
        self._tails[placement] = packets[-TAIL:]
        return any(map(moves, wire.decode(stream.protocol, packets, stream.config)))


def moves(block: Block) -> bool:
    """Whether the samples of about a second show movement.

    Parameters
    ----------
    block : Block

    Returns
    -------
    bool
        False without samples.
    """
    if not len(block):
        return False
    if block.gyr is not None:
        return bool(np.sqrt(np.nanmean(np.sum(block.gyr**2, axis=1))) > RATE_RAD_S)
    return bool(np.nanmax(np.nanstd(block.acc, axis=0)) > ACC_M_S2)
