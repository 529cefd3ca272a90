"""Several who look on at one recording; one that fails is let go, the others stay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ankle_imu.capture.wanted import Listener
from ankle_imu.devices.adapter import Stream


class Together:
    """All of some listeners as one, see `wanted.Listener`."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._listeners = list(listeners)

    def begin(self, placement: str, stream: Stream) -> None:
        """See `wanted.Listener.begin`."""
        self._tell(lambda one: one.begin(placement, stream))

    def take(self, placement: str, time_s: float, payload: bytes) -> None:
        """See `wanted.Listener.take`."""
        self._tell(lambda one: one.take(placement, time_s, payload))

    def mark(self, time_s: float, text: str) -> None:
        """See `wanted.Listener.mark`."""
        self._tell(lambda one: one.mark(time_s, text))

    def end(self) -> None:
        """See `wanted.Listener.end`."""
        self._tell(lambda one: one.end())

    def _tell(self, word: Callable[[Listener], Any]) -> None:
        for one in list(self._listeners):
            try:
                word(one)
            except Exception:
                self._listeners.remove(one)
