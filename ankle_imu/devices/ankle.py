"""Ankle IMU over Bluetooth: the open protocol of `firmware_notes/protocol.md`, version 1.

Payloads are delivered as they came: `packet` from Data, `status` from Status, and `clock` from Time: one byte when
a question leaves, 13 bytes when its answer arrives, so that the two arrivals are the host's side of the exchange.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from ankle_imu.devices.adapter import Deliver, Identity, Link, LogFile, Progress, Sighting, Stream, Wish
from ankle_imu.devices.ankle_fetch import Fetch, list_logs
from ankle_imu.devices.ankle_ledger import Ledger, Span
from ankle_imu.devices.ankle_talk import RequestFailed, Talk
from ankle_imu.devices.answers import ANSWER_S
from ankle_imu.devices.wishes import nearest_rate, sufficient_range
from ankle_imu.errors import ProtocolError
from ankle_imu.wire import ankle_control as control
from ankle_imu.wire import ankle_log
from ankle_imu.wire.ankle_control import Config, Op
from ankle_imu.wire.ankle_packets import peek
from ankle_imu.wire.ankle_state import Feature, Info, decode_info, decode_status

BATCH_MAX_MS: Final = 100
"""Longest that a sample waits in the sensor (own choice: a status line is renewed more seldom)."""
EXCHANGES: Final = 8
"""Time questions at a start: the shortest round trip of several is the one to believe."""
BLINK_S: Final = 3
_LEAST_PER_S: Final = 50.0
"""Samples a second that a replay is expected to bring at the very least, at the smallest MTU."""
_UNDER_WAY_S: Final = 0.5
"""Longest that notifications may come behind the answer to STOP (own choice: a dozen connection intervals)."""
_PAUSE_S: Final = 0.05


def match(seen: Sighting) -> int:
    """How surely this is one: by its service, or by its name where the service is not told."""
    if control.SERVICE in seen.service_uuids:
        return 100
    return 80 if seen.name.startswith(control.NAME_PREFIX) else 0


class AnkleAdapter:
    """One Ankle IMU, see `devices.adapter.Adapter`, `Healing`, `Logging` and `Blinking`.

    Parameters
    ----------
    is_logging : bool
        Whether a sensor with flash also logs while it streams, so that long holes can be filled. The log is
        deleted at the end when nothing is missing.
    """

    model = "ankle"

    def __init__(self, *, is_logging: bool = True) -> None:
        self._is_logging = is_logging
        self._ledger = Ledger()
        self._talk = Talk(self._hear)
        self._fetch = Fetch(self._talk)
        self._healing = asyncio.Lock()
        self._deliver: Deliver | None = None
        self._time_seq = 0
        self._own_log: tuple[int, int] | None = None
        """Boot and log id of the log that this adapter started."""

    async def identify(self, link: Link) -> Identity:
        """See `Adapter.identify`."""
        info = await self._info(link)
        return Identity(
            serial=f"{info.device_id:016X}",
            model=self.model,
            firmware=info.firmware,
            battery=await self.battery(link),
        )

    async def start(self, link: Link, wish: Wish, deliver: Deliver) -> Stream:
        """See `Adapter.start`."""
        self._deliver = deliver
        info = await self._info(link)
        config = await self._configure(link, info, wish)
        await link.subscribe(control.STATUS, lambda payload: deliver("status", payload))
        await link.subscribe(control.TIME, lambda payload: deliver("clock", payload))
        await link.subscribe(control.DATA, self._take_packet)
        await self.exchange_time(link)
        if self._is_logging and Feature.FLASH_LOG in info.features:
            await self._start_log(link, info.boot_id)
        begun = await self._talk.ask(link, Op.START_STREAM)
        settings = {name: value for name, value in config.items() if name != "epoch"}
        return _stream(Config(**settings), begun["epoch"])

    async def stop(self, link: Link) -> None:
        """See `Adapter.stop`."""
        ended = await self._talk.ask(link, Op.STOP_STREAM)
        self._ledger.note_made(ended["next_index"])
        for _ in range(round(_UNDER_WAY_S / _PAUSE_S)):
            if not self._ledger.missing():
                break
            await asyncio.sleep(_PAUSE_S)

    async def end_log(self, link: Link, *, is_safe: bool) -> None:
        """See `Healing.end_log`. A log of which something is missing here is kept in the sensor too."""
        log, self._own_log = self._own_log, None
        if log is None:
            return
        await self._talk.ask(link, Op.STOP_LOG)
        if is_safe and not self._ledger.missing() and not self._ledger.abandoned:
            await self._talk.ask(link, Op.DELETE_LOG, log_id=log[1])

    async def battery(self, link: Link) -> float:
        """See `Adapter.battery`."""
        percent = decode_status(await link.read(control.STATUS)).battery_pct
        return percent / 100.0 if percent <= 100 else math.nan

    async def heal(self, link: Link) -> int:
        """See `Healing.heal`. Waits until the sensor has sent what it still has."""
        async with self._healing:
            spans = self._ledger.missing()
            for span in spans:
                await self._replay(link, span)
        return sum(stop - first for first, stop in spans)

    def tally(self) -> tuple[int, int]:
        """See `Counting.tally`."""
        return self._ledger.received, self._ledger.lost

    async def exchange_time(self, link: Link, n: int = EXCHANGES) -> None:
        """Ask the sensor's time `n` times; question and answer are delivered as `clock`."""
        for _ in range(n):
            self._time_seq = (self._time_seq + 1) % 256
            question = control.TIME_REQUEST.pack(seq=self._time_seq)
            if self._deliver is not None:
                self._deliver("clock", question)
            await link.write(control.TIME, question, response=False)

    async def blink(self, link: Link) -> None:
        """See `Blinking.blink`."""
        await self._talk.ask(link, Op.IDENTIFY, seconds=BLINK_S)

    async def list_logs(self, link: Link) -> list[LogFile]:
        """See `Logging.list_logs`."""
        info = await self._info(link)
        if Feature.FLASH_LOG not in info.features:
            return []
        return await list_logs(self._talk, link)

    async def fetch_log(self, link: Link, log: LogFile, have: bytes, progress: Progress) -> tuple[bytes, bool]:
        """See `Logging.fetch_log`."""
        return await self._fetch.fetch(link, log, have, progress)

    def log_stream(self, log: LogFile, data: bytes) -> tuple[Stream, list[bytes]]:
        """See `Logging.log_stream`.

        Raises
        ------
        ProtocolError
            If no page is whole.
        """
        pages = ankle_log.decode_log(data).pages
        if not pages:
            raise ProtocolError(f"The {len(data)} bytes of log {log.key} hold no whole page; fetch it again.")
        settings = Counter((head.epoch, head.config) for head, _ in pages)
        (epoch, config), _ = settings.most_common(1)[0]
        return _stream(config, epoch), [packet for _, packets in pages for packet in packets]

    # Within

    async def _info(self, link: Link) -> Info:
        return decode_info(await link.read(control.INFO))

    def _hear(self, answer: bytes) -> None:
        """In the callback: the first packets may come before the one who asked to start goes on."""
        if answer[:1] == bytes((Op.START_STREAM | 0x80,)):
            with suppress(ProtocolError, KeyError):
                begun = control.decode_answer(answer).values
                self._ledger.start(begun["boot_id"], begun["next_index"])

    def _take_packet(self, payload: bytes) -> None:
        if self._deliver is not None:
            self._deliver("packet", payload)
        head = peek(payload)
        if head is not None:
            self._ledger.take(head)

    async def _configure(self, link: Link, info: Info, wish: Wish) -> Mapping[str, int]:
        """Set what is wished, as far as the sensor can; gives what is in force then."""
        if not (info.rates_hz and info.acc_ranges_g and info.gyr_ranges_dps):
            raise ProtocolError(f"{link.identifier} has no rate or range to set.", identifier=link.identifier)
        return await self._talk.ask(
            link,
            Op.SET_CONFIG,
            rate_hz=round(nearest_rate(info.rates_hz, wish.rate_hz)),
            acc_range_g=round(sufficient_range(info.acc_ranges_g, wish.acc_range_g)),
            gyr_range_dps=round(sufficient_range(info.gyr_ranges_dps, wish.gyr_range_dps)),
            low_pass_hz=0,
            batch_max_ms=BATCH_MAX_MS,
        )

    async def _start_log(self, link: Link, boot_id: int) -> None:
        if self._own_log is not None and self._own_log[0] == boot_id:
            return
        self._own_log = None
        with suppress(RequestFailed):  # mostly none goes on; one that a killed recorder left is closed and kept
            await self._talk.ask(link, Op.STOP_LOG)
        with suppress(RequestFailed):  # full: streaming needs none
            begun = await self._talk.ask(link, Op.START_LOG, started_s=round(time.time()))
            self._own_log = boot_id, begun["log_id"]

    async def _replay(self, link: Link, span: Span) -> None:
        """Ask for samples again and wait until all came that the sensor has."""
        self._ledger.expect(span)
        granted, _ = await self._talk.ask_to_end(
            link,
            Op.REPLAY,
            lambda reply, ref: reply[:2] == bytes((Op.REPLAY | 0xC0, ref)),
            seconds=ANSWER_S + (span[1] - span[0]) / _LEAST_PER_S,
            first=span[0] % 2**32,
            last=(span[1] - 1) % 2**32,
        )
        self._ledger.settle(span, (granted["first"], granted["first"] + granted["count"]))


def _stream(config: Config, epoch: int) -> Stream:
    return Stream(
        protocol=AnkleAdapter.model,
        config={
            "acc_range_g": float(config.acc_range_g),
            "gyr_range_dps": float(config.gyr_range_dps),
            "nominal_rate_hz": float(config.rate_hz),
            "low_pass_hz": float(config.low_pass_hz),
            "epoch": epoch,
        },
    )
