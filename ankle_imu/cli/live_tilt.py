"""How far a segment is turned from the neutral pose, from the packets as they arrive: what can be told live."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from ankle_imu.frames import segment_of

if TYPE_CHECKING:
    from ankle_imu.devices.adapter import Adapter, Deliver, Link, Stream, Wish

WINDOW_S: Final = 0.25
"""Gravity is the mean of the accelerometer over so long: a movement of 2 s adds less than 3 deg. Ours."""

NEUTRAL_S: Final = 2.0
"""The neutral pose is the mean of the last so many seconds of its block."""


class LiveTilt:
    """Up directions of each sensor, as of now and as of the neutral pose.

    Notes
    -----
    Turned from the neutral pose by so many deg, whatever the direction, needs no alignment. It is not the joint's
    angle: that is measured afterwards, against the shank and in the action's own direction.
    """

    def __init__(self) -> None:
        self._recent: dict[str, deque[tuple[float, Any]]] = {}
        self._neutral: dict[str, Any] = {}

    def take(self, placement: str, stream: Stream, arrival: float, payload: bytes) -> None:
        """Take in a packet."""
        from ankle_imu import wire

        kept = self._recent.setdefault(placement, deque())
        for block in wire.decode(stream.protocol, [(arrival, payload)], stream.config):
            if len(block.acc):
                kept.append((arrival, block.acc.mean(axis=0)))
        while kept and kept[0][0] < arrival - NEUTRAL_S:
            kept.popleft()

    def set_neutral(self) -> None:
        """Take what came last as the neutral pose."""
        for placement in self._recent:
            up = self._up(placement, NEUTRAL_S)
            if up is not None:
                self._neutral[placement] = up

    def words(self, leg: str, exercise: str) -> str:
        """How far a leg's foot, in a lunge its shank, is turned now; "" where that is not known."""
        import numpy as np

        wanted = "shank" if exercise == "lunge" else "foot"
        for placement, zero in self._neutral.items():
            if placement.startswith(leg) and segment_of(placement) == wanted:
                now = self._up(placement, WINDOW_S)
                if now is not None:
                    turned = np.degrees(np.arccos(np.clip(float(now @ zero), -1.0, 1.0)))
                    return f"{wanted} turned {turned:.0f} deg from the neutral pose"
        return ""

    def _up(self, placement: str, seconds: float) -> Any:
        import numpy as np

        kept = self._recent[placement]
        if not kept:
            return None
        up = np.mean([acc for at, acc in kept if at >= kept[-1][0] - seconds], axis=0)
        size = float(np.linalg.norm(up))
        return up / size if size > 0.0 else None


class Tapped:
    """An adapter whose packets are also given to a `LiveTilt`; in all else the adapter itself."""

    def __init__(self, adapter: Adapter, placement: str, live: LiveTilt) -> None:
        self._adapter, self._placement, self._live = adapter, placement, live
        self._stream: Stream | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

    async def start(self, link: Link, wish: Wish, deliver: Deliver) -> Stream:
        """Start the sensor; packets before the stream is described are not looked at."""

        def both(kind: str, payload: bytes) -> None:
            self._look(kind, payload)
            deliver(kind, payload)

        self._stream = await self._adapter.start(link, wish, both)
        return self._stream

    def _look(self, kind: str, payload: bytes) -> None:
        import asyncio

        if self._stream is None or kind != "packet":
            return
        try:
            self._live.take(self._placement, self._stream, asyncio.get_running_loop().time(), payload)
        except (ValueError, KeyError, IndexError):
            self._stream = None  # what cannot be read live is read afterwards, and told there
