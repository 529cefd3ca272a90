"""What a virtual Ankle IMU says by itself over one connection: live packets, clocks, replays, pieces of a log."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from ankle_imu.simulate.sensors.ankle_sampler import Sampler
from ankle_imu.simulate.sensors.peripheral import Said
from ankle_imu.wire.ankle_control import CONTROL, DATA, LOG_DATA, Answer, Op, encode_answer
from ankle_imu.wire.ankle_packets import SAMPLE_BYTES, SAMPLES_LAYOUT, Flag, pack_clock, pack_compact, pack_samples

ATT_BYTES: Final = 3
"""Of each notification these are not payload."""
SECOND: Final = 1.0
EXTRA_PER_S: Final = 200.0
"""Replayed packets and log pieces a second, so that they do not hold up the live ones (own choice: half of what
6 packets in each 15 ms event carry)."""
_BURST_S: Final = 0.1
_NO_FLAGS: Final = Flag(0)


@dataclass
class _Replay:
    """Samples [next, stop) of request `ref` still to be repeated; the request ends with them if `is_last`."""

    ref: int
    next: int
    stop: int
    is_last: bool


class Sender:
    """One connection's worth of talk; silent until `start`."""

    def __init__(self, sampler: Sampler, mtu: int, now: float) -> None:
        self.mtu = mtu
        self.is_streaming = False
        self._sampler = sampler
        self._seq = self._next = self._replayed = 0
        self._next_clock = now
        self._replays: deque[_Replay] = deque()
        self._pieces: deque[bytes] = deque()
        self._budget, self._paced_at = 0.0, now

    @property
    def is_fetching(self) -> bool:
        """Whether pieces of a log still wait."""
        return bool(self._pieces)

    def start(self, now: float) -> int:
        """Stream from the next sample on; gives its index."""
        self.is_streaming = True
        self._next, self._next_clock = self._sampler.made(now), now
        return self._next

    def stop(self, now: float) -> list[Said]:
        """The rest of the stream."""
        said = [*self.live(now, is_last=True), (DATA, self.clock(now))] if self.is_streaming else []
        self.is_streaming = False
        return said

    def replay(self, ref: int, spans: list[tuple[int, int]]) -> None:
        """Repeat the samples [first, stop) of some spans, then say that it is done."""
        for k, (first, stop) in enumerate(spans or [(0, 0)]):
            is_last = k >= len(spans) - 1
            self._replays.append(_Replay(ref=ref, next=first, stop=stop, is_last=is_last))

    def fetch(self, pieces: Iterable[bytes]) -> None:
        """Send pieces of a log."""
        self._pieces.extend(pieces)

    def poll(self, now: float) -> list[Said]:
        """All that is due."""
        said: list[Said] = []
        if self.is_streaming:
            if now >= self._next_clock:
                self._next_clock = max(self._next_clock + SECOND, now)
                said.append((DATA, self.clock(now)))
            said += self.live(now, is_last=False)
        if self._replays or self._pieces:
            self._budget = min(self._budget + EXTRA_PER_S * (now - self._paced_at), EXTRA_PER_S * _BURST_S)
            said += [*self._repeat(), *self._piece_out()]
        self._paced_at = now
        return said

    def live(self, now: float, *, is_last: bool) -> list[Said]:
        """Packets that are full, or waited long enough; all samples when `is_last`."""
        made, room = self._sampler.made(now), self._room()
        said: list[Said] = []
        while self._next < made:
            run, start, stop = self._sampler.spans(self._next, made)[0]
            n = min(stop - start, room)
            is_due = n == room or stop < made or is_last
            if not is_due:
                longest = run.config.batch_max_ms * 1e-3
                if not longest or now - float(self._sampler.world([start])[0]) < longest:
                    break
            said.append((DATA, self._packet(start, n, _NO_FLAGS)))
            self._next = start + n
        return said

    def clock(self, now: float) -> bytes:
        """Both clocks at this moment."""
        return pack_clock(
            epoch=self._sampler.runs[-1].epoch,
            boot_id=self._sampler.boot_id,
            index=self._sampler.made(now),
            imu_us=round(self._sampler.imu.read(now) * 1e6),
            mcu_us=self._sampler.mcu_us(now),
        )

    def _repeat(self) -> list[Said]:
        said: list[Said] = []
        while self._replays and self._budget >= 1:
            replay = self._replays[0]
            if replay.next < replay.stop:
                _, start, stop = self._sampler.spans(replay.next, replay.stop)[0]
                n = min(stop - start, self._room())
                said.append((DATA, self._packet(start, n, Flag.REPLAYED)))
                self._budget -= 1
                replay.next, self._replayed = start + n, self._replayed + n
            if replay.next >= replay.stop:
                self._replays.popleft()
                if replay.is_last:
                    values = {"count": self._replayed}
                    end = Answer(op=Op.REPLAY, ref=replay.ref, values=values, is_end=True)
                    said.append((CONTROL, encode_answer(end)))
                    self._replayed = 0
        return said

    def _piece_out(self) -> list[Said]:
        n = min(len(self._pieces), int(self._budget))
        self._budget -= n
        return [(LOG_DATA, self._pieces.popleft()) for _ in range(n)]

    def _room(self) -> int:
        """Samples that fit a packet; one goes compact where the usual head leaves no room."""
        return min(max((self.mtu - ATT_BYTES - SAMPLES_LAYOUT.size) // SAMPLE_BYTES, 1), 255)

    def _packet(self, first: int, n: int, flags: Flag) -> bytes:
        run = self._sampler.spans(first, first + n)[0][0]
        found = self._sampler.samples(first, first + n)
        flags |= Flag(int(np.bitwise_or.reduce(found.flags)))
        if first == run.first and run is not self._sampler.runs[0]:
            flags |= Flag.TIME_JUMP
        t_us, counts = int(found.t_us[0]), found.counts.tobytes()
        if self.mtu - ATT_BYTES < SAMPLES_LAYOUT.size + SAMPLE_BYTES:
            return pack_compact(epoch=run.epoch, index=first, t_us=t_us, flags=flags, counts=counts)
        self._seq += 1
        return pack_samples(epoch=run.epoch, seq=self._seq - 1, index=first, t_us=t_us, flags=flags, counts=counts)
