"""Ankle IMU over Bluetooth: the open protocol of `firmware_notes/protocol.md`, version 1.

Payloads are delivered as they came: `packet` from Data, `status` from Status, and `clock` from Time: one byte when
a question leaves, 13 bytes when its answer arrives, so that the two arrivals are the host's side of the exchange.
"""

from __future__ import annotations

import asyncio
import math
import time
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from ankle_imu.devices.adapter import Deliver, Identity, Link, LogFile, Sighting, Stream, Wish
from ankle_imu.devices.ankle_ledger import Ledger, Span
from ankle_imu.devices.answers import ANSWER_S, Answers
from ankle_imu.devices.wishes import nearest_rate, sufficient_range
from ankle_imu.errors import ConnectionLost, DeviceError, ProtocolError
from ankle_imu.wire import ankle_control as control
from ankle_imu.wire import ankle_log
from ankle_imu.wire.ankle_control import Config, Op, Outcome
from ankle_imu.wire.ankle_packets import peek
from ankle_imu.wire.ankle_state import Feature, Info, decode_info, decode_status

BATCH_MAX_MS: Final = 100
"""Longest that a sample waits in the sensor (own choice: a status line is renewed more seldom)."""
EXCHANGES: Final = 8
"""Time questions at a start: the shortest round trip of several is the one to believe."""
BLINK_S: Final = 3
_LEAST_PER_S: Final = 50.0
"""Samples a second that a replay is expected to bring at the very least, at the smallest MTU."""
_WINDOW_PIECES: Final = 64
_FETCH_TRIES: Final = 5
_BUSY_S: Final = 0.5
_UNDER_WAY_S: Final = 0.5
"""Longest that notifications may come behind the answer to STOP (own choice: a dozen connection intervals)."""
_PAUSE_S: Final = 0.05
_ATT_BYTES: Final = 3


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
        self._answers, self._pieces = Answers(), Answers()
        self._turn, self._healing = asyncio.Lock(), asyncio.Lock()
        self._link: Link | None = None
        self._deliver: Deliver | None = None
        self._fetched: dict[int, bytes] = {}
        self._ref = self._time_seq = 0
        self._own_log: int | None = None

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
        await self._listen(link)
        config = await self._configure(link, info, wish)
        await link.subscribe(control.STATUS, lambda payload: deliver("status", payload))
        await link.subscribe(control.TIME, lambda payload: deliver("clock", payload))
        await link.subscribe(control.DATA, self._take_packet)
        await self.exchange_time(link)
        if self._is_logging and Feature.FLASH_LOG in info.features:
            await self._start_log(link, info.boot_id)
        begun = await self._ask(link, Op.START_STREAM)
        settings = {name: value for name, value in config.items() if name != "epoch"}
        return _stream(Config(**settings), begun["epoch"])

    async def stop(self, link: Link) -> None:
        """See `Adapter.stop`: what is missing is asked for once more."""
        ended = await self._ask(link, Op.STOP_STREAM)
        self._ledger.note_made(ended["next_index"])
        for _ in range(round(_UNDER_WAY_S / _PAUSE_S)):
            if not self._ledger.missing():
                break
            await asyncio.sleep(_PAUSE_S)
        with suppress(DeviceError):
            await self.heal(link)
            await self._end_log(link)

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
        await self._ask(link, Op.IDENTIFY, seconds=BLINK_S)

    async def list_logs(self, link: Link) -> list[LogFile]:
        """See `Logging.list_logs`."""
        info = await self._info(link)
        if Feature.FLASH_LOG not in info.features:
            return []
        logs: list[LogFile] = []
        count = 1
        while len(logs) < count:
            told = await self._ask(link, Op.LIST_LOGS, position=len(logs))
            count = told["count"]
            if len(logs) < count:
                logs.append(_log_file(told))
        return logs

    async def fetch_log(
        self, link: Link, log: LogFile, have: bytes, progress: Callable[[int, int], None]
    ) -> tuple[bytes, bool]:
        """See `Logging.fetch_log`."""
        data, size, tries = bytearray(have), max(log.size, 0), 0
        try:
            await self._listen(link)
            await link.subscribe(control.LOG_DATA, self._take_piece)
            while len(data) < size and tries < _FETCH_TRIES:
                piece = await self._fetch_window(link, int(log.key), len(data), size)
                tries = 0 if piece else tries + 1
                data += piece
                progress(len(data), size)
        except ConnectionLost:
            return bytes(data), False
        return bytes(data), len(data) >= size

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

    async def _listen(self, link: Link) -> None:
        """Have answers come through this link."""
        if self._link is not link:
            await link.subscribe(control.CONTROL, self._take_answer)
            self._link = link

    def _take_answer(self, payload: bytes) -> None:
        if payload[:1] == bytes((Op.START_STREAM | 0x80,)):
            with suppress(ProtocolError):
                self._begin(control.decode_answer(payload).values)
        self._answers.take(payload)

    def _begin(self, begun: Mapping[str, int]) -> None:
        """In the callback: the first packets may come before the one who asked goes on."""
        if begun:
            self._ledger.start(begun["boot_id"], begun["next_index"])

    def _take_packet(self, payload: bytes) -> None:
        if self._deliver is not None:
            self._deliver("packet", payload)
        head = peek(payload)
        if head is not None:
            self._ledger.take(head)

    def _take_piece(self, payload: bytes) -> None:
        if payload[:1] == bytes((ankle_log.PIECE,)) and len(payload) > ankle_log.PIECE_LAYOUT.size:
            head = ankle_log.PIECE_LAYOUT.unpack_prefix(payload)
            if head["ref"] == self._ref:
                self._fetched[head["offset"]] = payload[ankle_log.PIECE_LAYOUT.size :]
        else:
            self._pieces.take(payload)

    async def _configure(self, link: Link, info: Info, wish: Wish) -> Mapping[str, int]:
        """Set what is wished, as far as the sensor can; gives what is in force then."""
        if not (info.rates_hz and info.acc_ranges_g and info.gyr_ranges_dps):
            raise ProtocolError(f"{link.identifier} has no rate or range to set.", identifier=link.identifier)
        return await self._ask(
            link,
            Op.SET_CONFIG,
            rate_hz=round(nearest_rate(info.rates_hz, wish.rate_hz)),
            acc_range_g=round(sufficient_range(info.acc_ranges_g, wish.acc_range_g)),
            gyr_range_dps=round(sufficient_range(info.gyr_ranges_dps, wish.gyr_range_dps)),
            low_pass_hz=0,
            batch_max_ms=BATCH_MAX_MS,
        )

    async def _ask(self, link: Link, op: Op, **values: int) -> Mapping[str, int]:
        """Ask and have the answer, one request at a time.

        Raises
        ------
        ProtocolError
            No answer in time, or the sensor refuses.
        ConnectionLost
        """
        await self._listen(link)
        async with self._turn:
            answer = await self._request(link, op, self._next_ref(), **values)
        if answer.outcome != Outcome.OK:
            raise RequestFailed(link.identifier, op, answer.outcome)
        return answer.values

    async def _request(self, link: Link, op: Op, ref: int, **values: int) -> control.Answer:
        payload = control.encode_request(op, ref, **values)
        told = await self._answers.ask(
            link,
            lambda: link.write(control.CONTROL, payload),
            lambda reply: reply[:2] == bytes((op | 0x80, ref)),
            what=op.name,
        )
        return control.decode_answer(told)

    def _next_ref(self) -> int:
        self._ref = (self._ref + 1) % 256
        return self._ref

    async def _start_log(self, link: Link, boot_id: int) -> None:
        if self._own_log is not None and self._ledger.boot_id == boot_id:
            return
        self._own_log = None
        with suppress(RequestFailed):  # full, or someone else's log goes on: streaming needs none
            self._own_log = (await self._ask(link, Op.START_LOG, started_s=round(time.time())))["log_id"]

    async def _end_log(self, link: Link) -> None:
        log, self._own_log = self._own_log, None
        if log is None:
            return
        await self._ask(link, Op.STOP_LOG)
        if not self._ledger.missing():
            await self._ask(link, Op.DELETE_LOG, log_id=log)

    async def _replay(self, link: Link, span: Span) -> None:
        """Ask for samples again and wait until all came that the sensor has."""
        self._ledger.expect(span)
        granted: list[Span] = []
        async with self._turn:
            ref = self._next_ref()

            async def ask() -> None:
                answer = await self._request(
                    link, Op.REPLAY, ref, first=span[0] % 2**32, last=(span[1] - 1) % 2**32
                )
                if answer.outcome != Outcome.OK:
                    raise RequestFailed(link.identifier, Op.REPLAY, answer.outcome)
                first = answer.values["first"]
                granted.append((first, first + answer.values["count"]))

            await self._answers.ask(
                link,
                ask,
                lambda reply: reply[:2] == bytes((Op.REPLAY | 0xC0, ref)),
                what="REPLAY to its end",
                seconds=ANSWER_S + (span[1] - span[0]) / _LEAST_PER_S,
            )
        self._ledger.settle(span, granted[0])

    async def _fetch_window(self, link: Link, log_id: int, offset: int, size: int) -> bytes:
        """The next bytes of a log, without holes; fewer than asked for, or none, where pieces were lost."""
        length = min(_WINDOW_PIECES * (link.mtu - _ATT_BYTES - ankle_log.PIECE_LAYOUT.size), size - offset)
        async with self._turn:
            ref = self._next_ref()
            self._fetched = {}

            async def ask() -> None:
                answer = await self._request(link, Op.READ_LOG, ref, log_id=log_id, offset=offset, length=length)
                if answer.outcome != Outcome.OK:
                    raise RequestFailed(link.identifier, Op.READ_LOG, answer.outcome)

            try:
                end = await self._pieces.ask(
                    link,
                    ask,
                    lambda piece: piece[:2] == bytes((ankle_log.PIECE_END, ref)),
                    what="READ_LOG to its end",
                )
                told = ankle_log.PIECE_END_LAYOUT.unpack(end)
            except RequestFailed as error:
                if error.outcome != Outcome.BUSY:
                    raise
                await asyncio.sleep(_BUSY_S)
                return b""
            except ProtocolError:
                told = {}
        data = _without_holes(self._fetched, offset)
        is_damaged = len(data) == told.get("length") and zlib.crc32(data) != told["crc32"]
        return b"" if is_damaged else data


class RequestFailed(ProtocolError):
    """The sensor answered a request with another outcome than OK."""

    def __init__(self, identifier: str, op: Op, outcome: int) -> None:
        known = next((known.name for known in Outcome if known == outcome), f"0x{outcome:02x}")
        super().__init__(f"{identifier} refused {op.name}: {known}.", identifier=identifier)
        self.outcome = outcome


def _without_holes(pieces: Mapping[int, bytes], offset: int) -> bytes:
    data = bytearray()
    while piece := pieces.get(offset + len(data)):
        data += piece
    return bytes(data)


def _log_file(told: Mapping[str, int]) -> LogFile:
    return LogFile(
        key=str(told["log_id"]),
        size=told["size"],
        n=told["n"],
        started_s=float(told["started_s"]) if told["started_s"] else math.nan,
    )


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
