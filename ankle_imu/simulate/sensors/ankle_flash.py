"""The flash of a virtual Ankle IMU: logs that outlive a boot; a power cut takes only the page in the making."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ankle_imu.simulate.sensors.ankle_sampler import Run, Sampler
from ankle_imu.wire.ankle_log import PAGE_BYTES, PageHead, encode_page
from ankle_imu.wire.ankle_packets import Flag, pack_clock, pack_samples

_SAMPLES_PER_PACKET: Final = 20
"""Longest packet whose length fits a byte."""
_SAMPLES_PER_PAGE: Final = 15 * _SAMPLES_PER_PACKET


@dataclass(frozen=True, kw_only=True)
class FlashLog:
    """One log: the samples [first, stop) of a boot; `stop` is None as long as it goes on."""

    log_id: int
    sampler: Sampler
    first: int
    started_s: int
    stop: int | None = None

    def pages(self, now: float) -> list[tuple[Run, int, int]]:
        """Settings and samples [first, stop) of each page in flash."""
        stop = self.sampler.made(now) if self.stop is None else self.stop
        found = [
            (run, k, min(k + _SAMPLES_PER_PAGE, b))
            for run, a, b in self.sampler.spans(self.first, stop)
            for k in range(a, b, _SAMPLES_PER_PAGE)
        ]
        is_in_making = self.stop is None and found and found[-1][2] - found[-1][1] < _SAMPLES_PER_PAGE
        return found[:-1] if is_in_making else found

    def read(self, offset: int, length: int, now: float) -> bytes:
        """Bytes [offset, offset + length) of the log."""
        pages = self.pages(now)
        wanted = range(offset // PAGE_BYTES, min(len(pages), -(-(offset + length) // PAGE_BYTES)))
        data = b"".join(self._page(k, *pages[k]) for k in wanted)
        skip = offset - wanted.start * PAGE_BYTES
        return data[skip : skip + length]

    def _page(self, page: int, run: Run, first: int, stop: int) -> bytes:
        sampler = self.sampler
        found = sampler.samples(first, stop)
        world = float(sampler.world([first])[0])
        packets = [
            pack_clock(
                epoch=run.epoch,
                boot_id=sampler.boot_id,
                index=first,
                imu_us=int(found.t_us[0]),
                mcu_us=sampler.mcu_us(world),
            )
        ]
        for seq, k in enumerate(range(0, stop - first, _SAMPLES_PER_PACKET)):
            rows = slice(k, k + _SAMPLES_PER_PACKET)
            is_jump = first + k == run.first and run is not sampler.runs[0]
            packets.append(
                pack_samples(
                    epoch=run.epoch,
                    seq=page * 15 + seq,
                    index=first + k,
                    t_us=int(found.t_us[k]),
                    flags=int(np.bitwise_or.reduce(found.flags[rows])) | is_jump * Flag.TIME_JUMP,
                    counts=found.counts[rows].tobytes(),
                )
            )
        head = PageHead(
            log_id=self.log_id,
            page=page,
            boot_id=sampler.boot_id,
            epoch=run.epoch,
            config=run.config,
            first_index=first,
            t_us=int(found.t_us[0]),
            started_s=self.started_s,
        )
        return encode_page(head, packets)


class Flash:
    """All logs, oldest first.

    Parameters
    ----------
    size : int, bytes; 0: there is no flash
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.logs: list[FlashLog] = []
        self._next_id = 1

    @property
    def running(self) -> FlashLog | None:
        """The log that goes on, if one does."""
        return self.logs[-1] if self.logs and self.logs[-1].stop is None else None

    def used(self, now: float) -> int:
        """Bytes in use."""
        return sum(len(log.pages(now)) for log in self.logs) * PAGE_BYTES

    def begin(self, sampler: Sampler, now: float, started_s: int) -> FlashLog:
        """Start a log at the next sample."""
        log = FlashLog(log_id=self._next_id, sampler=sampler, first=sampler.made(now), started_s=started_s)
        self._next_id += 1
        self.logs.append(log)
        return log

    def end(self, now: float) -> FlashLog:
        """End the running log; what is in the page in the making is written too."""
        return self._end(self.logs[-1].sampler.made(now))

    def cut_power(self, now: float) -> None:
        """The page in the making is lost."""
        if self.running:
            pages = self.running.pages(now)
            self._end(pages[-1][2] if pages else self.running.first)

    def end_if_full(self, now: float) -> None:
        """Nothing is overwritten: a log ends where the flash does."""
        log = self.running
        if log is None or self.used(now) < self.size:
            return
        pages = log.pages(now)
        others = (self.used(now) // PAGE_BYTES) - len(pages)
        room = self.size // PAGE_BYTES - others
        self._end(pages[room - 1][2] if room else log.first)

    def delete(self, is_meant: Callable[[FlashLog], bool]) -> int:
        """Delete logs; gives how many."""
        before = len(self.logs)
        self.logs = [log for log in self.logs if not is_meant(log)]
        return before - len(self.logs)

    def spans(self, sampler: Sampler, now: float) -> list[tuple[int, int]]:
        """Samples [first, stop) of a boot that are in flash."""
        logs = [log for log in self.logs if log.sampler is sampler]
        return [(pages[0][1], pages[-1][2]) for log in logs if (pages := log.pages(now))]

    def _end(self, stop: int) -> FlashLog:
        self.logs[-1] = replace(self.logs[-1], stop=stop)
        return self.logs[-1]
