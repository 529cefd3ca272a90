"""What arrives, counted while it arrives: rate, losses, age. For a person who watches; the ledger comes later."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ankle_imu import wire
from ankle_imu.devices.adapter import Stream

WINDOW_S: Final = 10.0

TAIL_PACKETS: Final = 8
"""Packets that are decoded again with those that follow: so a counter is followed over its wraps, and a line of
text that is cut in pieces is whole (a line of 150 letters in notifications of 20 bytes)."""

Counts = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(kw_only=True)
class _Tick:
    at: float
    received: int
    lost: int


@dataclass(kw_only=True)
class _Run:
    """Samples by count since the sensor's start; counts that are late fill holes."""

    first: int
    last: int
    received: int = 0

    @property
    def lost(self) -> int:
        return max(0, self.last - self.first + 1 - self.received)


@dataclass(kw_only=True)
class Meter:
    """Running counts of one sensor.

    Parameters
    ----------
    tally : gives samples received and missing so far, where the adapter follows the sensor's count; without it
        the packets are decoded once more, just to be counted
    stream : Stream, what the sensor sends; None until it runs, see `begin`

    Attributes
    ----------
    received, lost : int, samples so far; `lost` is what the sensor's own count or clock says, less what came late
    last : float, s, arrival of the last packet; NaN before the first
    """

    tally: Callable[[], tuple[int, int]] | None = None
    stream: Stream | None = None
    received: int = 0
    last: float = float("nan")
    _lost_before: int = 0
    _run: _Run | None = None
    _waiting: list[tuple[float, bytes]] = field(default_factory=list)
    _context: list[tuple[float, bytes]] = field(default_factory=list)
    _n_known: int = 0
    _newest: int = 0
    _ticks: deque[_Tick] = field(default_factory=deque)
    _has_count: bool = False
    _is_new_link: bool = False
    _first: float = float("nan")

    def begin(self, stream: Stream) -> None:
        """The sensor streams, for the first time or again."""
        self.stream = stream
        self._is_new_link = True
        self._context, self._n_known = [], 0

    def take(self, arrival: float, payload: bytes) -> None:
        """Note one packet; cheap, for the radio's callback."""
        if self.tally is None:
            self._waiting.append((arrival, payload))
        if math.isnan(self.last):
            self._first = arrival
        self.last = arrival

    @property
    def lost(self) -> int:
        """Samples missing so far."""
        if self.tally is not None:
            return self.tally()[1]
        return self._lost_before + (self._run.lost if self._run else 0)

    @property
    def can_tell_losses(self) -> bool:
        """Whether the sensor counts its samples."""
        return self._has_count or (self.tally is not None and self.received > 0)

    def rate(self, now: float) -> float:
        """Samples per second over the last `WINDOW_S`, or since the first packet; NaN before."""
        if not self._ticks:
            return float("nan")
        span = now - max(self._ticks[0].at, now - WINDOW_S)
        return sum(t.received for t in list(self._ticks)[1:]) / span if span > 0 else float("nan")

    def lost_lately(self, now: float) -> float:
        """Share of samples lost in the last `WINDOW_S`, 0..1; NaN where the sensor does not count."""
        if not self.can_tell_losses:
            return float("nan")
        received = sum(t.received for t in self._ticks)
        lost = max(0, self.lost - self._ticks[0].lost) if self._ticks else 0
        return lost / (received + lost) if received + lost else 0.0

    def tick(self, now: float) -> None:
        """Count what came since the last tick."""
        if not self._ticks:
            if math.isnan(self.last):
                return
            self._ticks.append(_Tick(at=self._first, received=0, lost=0))
        received = self._count_new()
        self.received += received
        self._ticks.append(_Tick(at=now, received=received, lost=self.lost))
        while self._ticks and self._ticks[0].at < now - WINDOW_S:
            self._ticks.popleft()

    def _count_new(self) -> int:
        """Samples that came since the last tick."""
        if self.tally is not None:
            return self.tally()[0] - self.received
        batch, self._waiting = self._waiting, []
        if self.stream is None or not batch:
            return 0
        known, packets = self._n_known, self._context + batch
        n, counts = _decode(self.stream, packets)
        self._context = _ends(packets, has_header=self.stream.config.get("header") is True)
        self._n_known = min(n, _decode(self.stream, self._context)[0])
        if len(counts) == n > known:
            self._has_count = True
            counts = counts + (self._newest - counts[known - 1] if known else 0)
            self._newest = int(counts[-1])
            self._take_counts(np.unique(counts[known:]))
        return max(0, n - known)

    def _take_counts(self, counts: Counts) -> None:
        first, last = int(counts[0]), int(counts[-1])
        has_restarted = self._run is not None and self._is_new_link and last <= self._run.last
        self._is_new_link = False
        if self._run is None or has_restarted:
            self._lost_before = self.lost
            self._run = _Run(first=first, last=last)
        self._run.first = min(self._run.first, first)
        self._run.last = max(self._run.last, last)
        self._run.received += len(counts)


def _ends(packets: list[tuple[float, bytes]], *, has_header: bool) -> list[tuple[float, bytes]]:
    """The last packets, led by the first where those tell what all others hold."""
    head = packets[:TAIL_PACKETS] if has_header else []
    return head + packets[max(len(head), len(packets) - TAIL_PACKETS) :]


def _decode(stream: Stream, payloads: list[tuple[float, bytes]]) -> tuple[int, Counts]:
    """How many samples are in some payloads, and the sensor's count of each; none where it does not count."""
    blocks = wire.decode(stream.protocol, payloads, stream.config)
    counts = [np.asarray(b.sequence, dtype=np.int64) for b in blocks if b.sequence is not None]
    return sum(len(b) for b in blocks), np.concatenate(counts) if counts else np.empty(0, dtype=np.int64)
