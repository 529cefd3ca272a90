"""Which samples of an Ankle IMU came, and which are missing. Whole numbers only: no radio, no bytes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from typing import Final

from ankle_imu.wire.ankle_packets import Flag, Head

Span = tuple[int, int]
"""Samples [first, stop)."""

_REPLAYED: Final = int(Flag.REPLAYED)

MAX_TRIES: Final = 3
"""A sample that was promised this often and never came is not asked for again (own choice)."""


class Ledger:
    """Samples that came since the stream of a boot was first started.

    Indices here are whole: they go on above 2^32, where the sensor's begin again at zero.

    Attributes
    ----------
    boot_id : int; -1 before the first start
    abandoned : int, samples of this boot that the sensor has and that never came, however often asked for
    received : int, samples that came, each once, over all boots
    """

    def __init__(self) -> None:
        self.boot_id = -1
        self.abandoned = self.received = 0
        self._lost_before = self._received_before = 0
        self._spans: list[Span] = []
        self._begun = self._made = self._replaying = 0
        self._tries: Counter[Span] = Counter()

    def start(self, boot_id: int, next_index: int) -> None:
        """The stream begins, or goes on after a lost link; another boot voids what was missing of the last."""
        if boot_id != self.boot_id:
            self._lost_before, self._received_before = self.lost, self.received
            self.boot_id, self._spans, self._tries, self.abandoned = boot_id, [], Counter(), 0
            self._begun = self._made = self._replaying = next_index
        self.note_made(next_index)

    def note_made(self, next_index: int) -> None:
        """The sensor says that the sample of this index, modulo 2^32, will be the next to come."""
        self._made = max(self._made, _near(next_index, self._made, 32))

    def take(self, head: Head) -> int:
        """Note the samples of a packet; gives how many were new."""
        if head.n == 0:
            return 0
        is_live = not head.flags & _REPLAYED
        first = _near(head.first, self._made if is_live else self._replaying, head.bits)
        stop = first + head.n
        if is_live and stop > self._made:
            self._made = stop
        new = self._add(first, stop)
        self.received += new
        return new

    @property
    def lost(self) -> int:
        """Samples that were made, as far as is known, and did not come, over all boots."""
        return self._lost_before + self._made - self._begun - (self.received - self._received_before)

    def missing(self) -> list[Span]:
        """Samples that were made and never came, oldest first."""
        edges = [self._begun, *(edge for span in self._spans for edge in span), self._made]
        return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b]

    def expect(self, span: Span) -> None:
        """Replayed packets are of about here from now on."""
        self._replaying = span[0]

    def settle(self, span: Span, granted: Span) -> None:
        """The answer to a request for `span` has come whole; what the sensor no longer has is given up.

        Parameters
        ----------
        span : what was asked for
        granted : from the first sample that the sensor still had, and as many as it had; empty when none
        """
        first = _near(granted[0], span[0], 32)
        if granted[0] == granted[1]:
            self._add(*span)
        elif span[0] < first <= span[1]:
            self._add(span[0], first)
        for left in self.missing():
            if span[0] <= left[0] < span[1]:
                self._tries[left] += 1
                if self._tries[left] >= MAX_TRIES:
                    self.abandoned += self._add(*left)

    def _add(self, first: int, stop: int) -> int:
        spans = self._spans
        if spans and spans[-1][1] == first:
            spans[-1] = (spans[-1][0], stop)
            return stop - first
        low = bisect_left(spans, first, key=lambda span: span[1])
        high = bisect_right(spans, stop, key=lambda span: span[0])
        touched = spans[low:high]
        if touched:
            first, stop = min(first, touched[0][0]), max(stop, touched[-1][1])
        spans[low:high] = [(first, stop)]
        return stop - first - sum(b - a for a, b in touched)


def _near(index: int, expected: int, bits: int) -> int:
    """The whole index nearest to what is expected that has these low bits."""
    turn = 1 << bits
    return max(index, expected + (index - expected + turn // 2) % turn - turn // 2)
