"""The last seconds before it was clear that a walk begins: held in memory, and kept when it does."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import Final

from ankle_imu.capture.sink import SessionSink
from ankle_imu.capture.wanted import Listener, Wanted
from ankle_imu.devices.adapter import Identity, Stream

Begun = tuple[Wanted, Identity, Stream]
Taken = tuple[str, str, float, bytes]

MOST: Final = 1 << 17
"""Payloads held at most: two minutes of four sensors that send each of 208 samples a second by itself."""


class Preroll:
    """A `wanted.Sink` that holds the last seconds until `open`, and from then on hands everything on.

    Parameters
    ----------
    sink : SessionSink, which begins its session with the first packet that is held when it is opened
    hold_s : float, s that are held
    listener : Listener or None, told of every packet, held or handed on; its times are the event loop's
    """

    def __init__(self, sink: SessionSink, hold_s: float, listener: Listener | None = None) -> None:
        self.is_open = False
        self._sink, self._hold_s, self._listener = sink, hold_s, listener
        self._before: dict[str, Begun] = {}
        self._held: deque[Begun | Taken] = deque(maxlen=MOST)

    def begin(self, wanted: Wanted, identity: Identity, stream: Stream) -> None:
        """See `wanted.Sink.begin`."""
        if self._listener is not None:
            with suppress(Exception):
                self._listener.begin(wanted.placement, stream)
        if self.is_open:
            self._sink.begin(wanted, identity, stream)
        else:
            self._hold((wanted, identity, stream))

    def take(self, placement: str, kind: str, arrival: float, payload: bytes) -> None:
        """See `wanted.Sink.take`."""
        if self._listener is not None and kind == "packet":
            with suppress(Exception):
                self._listener.take(placement, arrival, payload)
        if self.is_open:
            self._sink.take(placement, kind, arrival, payload)
        else:
            self._hold((placement, kind, arrival, payload))

    def note(self, placement: str, event: str, text: str) -> None:
        """See `wanted.Sink.note`; the session's sink holds notes by itself until the session begins."""
        self._sink.note(placement, event, text)

    def settle(self) -> bool:
        """See `wanted.Sink.settle`; nothing of what is only held is wanted, so that it is safe to forget it."""
        return self._sink.settle() if self.is_open else True

    def open(self) -> None:
        """Begin the session with what is held; a second call does nothing."""
        if self.is_open:
            return
        self.is_open = True
        self._forget_old(_now())
        held, self._held = self._held, deque()
        arrivals = [one[2] for one in held if len(one) == 4]
        self._sink.begin_at(min(arrivals, default=_now()))
        for begun in self._before.values():
            self._sink.begin(*begun)
        for one in held:
            if len(one) == 4:
                self._sink.take(*one)
            else:
                self._sink.begin(*one)

    def _hold(self, one: Begun | Taken) -> None:
        if len(self._held) == MOST:
            self._drop_first()
        self._held.append(one)
        if len(one) == 4:
            self._forget_old(one[2])

    def _forget_old(self, now: float) -> None:
        def is_old(one: Begun | Taken) -> bool:
            return len(one) == 3 or one[2] < now - self._hold_s

        while self._held and is_old(self._held[0]):
            self._drop_first()

    def _drop_first(self) -> None:
        """Forget the oldest; how a sensor streams is kept, for the packets that follow."""
        first = self._held.popleft()
        if len(first) == 3:
            self._before[first[0].placement] = first


def _now() -> float:
    return asyncio.get_running_loop().time()
