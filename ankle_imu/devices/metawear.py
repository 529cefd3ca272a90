"""MbientLab MetaMotion boards (MetaWear protocol) with BMI160 or BMI270: stream and flash log.

Plain streams carry neither time nor count. So the board is told to keep the latest angular rate in a buffer, to
put it behind each acceleration (fuser) and the time before both (accounter): one stream with a clock, at the
100 Hz that the maker names as the limit of such a chain. A board whose firmware has no fuser sends two packed
streams without a clock instead.

From the maker's sources and tests only, not proven on hardware of ours; whether a download can be broken off and
begun again is not documented at all. See `firmware_notes/metawear.md`.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable
from typing import Any, Final

from ankle_imu.devices import gatt
from ankle_imu.devices.adapter import Deliver, Identity, Link, LogFile, Progress, Sighting, Stream, Wish
from ankle_imu.devices.answers import Answers
from ankle_imu.devices.wishes import nearest_rate, sufficient_range
from ankle_imu.errors import ConnectionLost, ProtocolError
from ankle_imu.wire import metawear as wire
from ankle_imu.wire import metawear_commands as commands

SERVICE: Final = "326a9000-85cb-9195-d9dd-464cfbbae75a"
COMMAND: Final = "326a9001-85cb-9195-d9dd-464cfbbae75a"
NOTIFY: Final = "326a9006-85cb-9195-d9dd-464cfbbae75a"

FUSED_RATES_HZ: Final = (25, 50, 100)
PACKED_RATES_HZ: Final = (25, 50, 100, 200)
FUSER_REVISION: Final = 3
PAGED_REVISION: Final = 3
SETTLE_S: Final = 0.5
SILENCE_S: Final = 5.0
"""A download of which nothing came for so long has stopped in the middle."""

_ACC, _PROCESSORS, _LOG, _SETTINGS, _GYR = 0x03, 0x09, 0x0B, 0x11, 0x13
_SAMPLE_BYTES: Final = 6
_GYR_REGISTERS: Final = {"bmi160": 0x05, "bmi270": 0x04}
_ACC_REGISTER: Final = 0x04
_STREAMS: Final = {
    "bmi160": (b"\x09\x03", b"\x03\x1c", b"\x13\x07"),
    "bmi270": (b"\x09\x03", b"\x03\x05", b"\x13\x05"),
}
_ENTRIES, _PROGRESS, _PAGE_DONE = b"\x0b\x07", b"\x0b\x08", b"\x0b\x0d"


def match(seen: Sighting) -> int:
    """How surely this is one: by its service or its name."""
    if SERVICE in seen.service_uuids:
        return 95
    return 80 if seen.name.startswith(("MetaWear", "MetaMotion")) else 0


class MetaWearAdapter:
    """One MetaMotion board, see `devices.adapter.Adapter` and `Logging`."""

    model = "metawear"

    def __init__(self) -> None:
        self._answers = Answers()
        self._link: Link | None = None
        self._deliver: Deliver | None = None
        self._chip = ""
        self._processor = -1
        self._download: tuple[list[bytes], asyncio.Queue[bytes]] | None = None
        self._log_config: dict[str, Any] = {}

    async def identify(self, link: Link) -> Identity:
        """Device information and charge."""
        return await gatt.read_identity(link)

    async def start(self, link: Link, wish: Wish, deliver: Deliver) -> Stream:
        """Find out the chip, set rate and ranges, build the chain, start gyroscope and accelerometer."""
        await self._listen(link)
        self._chip = await self._find_chip(link)
        await self._halt(link)
        info = await self._ask(link, commands.read_register(_PROCESSORS, 0), "the processor module")
        has_fuser = len(info) > 3 and info[3] >= FUSER_REVISION
        rate = nearest_rate(FUSED_RATES_HZ if has_fuser else PACKED_RATES_HZ, wish.rate_hz)
        acc_range = int(sufficient_range(wire.ACC_RANGES_G, wish.acc_range_g))
        gyr_range = int(sufficient_range(wire.GYR_RANGES_DPS, wish.gyr_range_dps))
        await self._write(link, commands.configure_acc(self._chip, rate, acc_range))
        await self._write(link, commands.configure_gyr(rate, gyr_range))
        config: dict[str, Any] = {
            "chip": self._chip,
            "acc_range_g": acc_range,
            "gyr_range_dps": gyr_range,
            "nominal_rate_hz": float(rate),
        }
        if has_fuser:
            self._processor = await self._build_chain(link)
            config["processors"] = {self._processor: {"prefix": "time", "signal": "acc_gyr"}}
            switches = commands.notify_processor(self._processor, is_on=True)
        else:
            switches = commands.notify_packed(self._chip, is_on=True)
        self._deliver = deliver
        for command in (*switches, *commands.START_GYR, *commands.START_ACC):
            await self._write(link, command)
        return Stream(protocol="metawear", config=config)

    async def stop(self, link: Link) -> None:
        """Stop both sensors and remove the chain."""
        if self._link is link:
            if self._chip:
                await self._halt(link)
                await asyncio.sleep(SETTLE_S)
            self._link = None
            await link.unsubscribe(NOTIFY)
        self._deliver = None

    async def battery(self, link: Link) -> float:
        """Charge by the battery service, else by the board's own; NaN when it does not tell."""
        if link.has(gatt.BATTERY_LEVEL):
            return await gatt.read_battery(link)
        await self._listen(link)
        try:
            told = await self._ask(link, commands.ASK_BATTERY, "its charge", reply=b"\x11\x8c")
        except ProtocolError:
            return math.nan
        return told[2] / 100.0 if len(told) > 2 and told[2] <= 100 else math.nan

    async def list_logs(self, link: Link) -> list[LogFile]:
        """The log; there is at most one. Also reads what its loggers record, which the entries do not tell."""
        await self._listen(link)
        length = await self._ask(link, commands.ASK_LOG_LENGTH[-1], "the length of its log")
        n = int.from_bytes(length[2:6], "little")
        if n == 0:
            return []
        return [LogFile(key="log", size=-1, n=n, note="entries of 4 bytes, not samples")]

    async def fetch_log(self, link: Link, log: LogFile, have: bytes, progress: Progress) -> tuple[bytes, bool]:
        """Stop logging and fetch all entries, see `Logging.fetch_log`.

        The board always sends from the beginning; what `have` holds already is not kept twice.
        """
        await self._listen(link)
        known = dict.fromkeys(_split(have))
        received: list[bytes] = []
        is_complete = False
        try:
            self._log_config = await self._read_log_config(link)
            is_complete = await self._download_all(link, received, progress)
        except ConnectionLost:
            pass
        finally:
            self._download = None
        if received and next(iter(known), received[0]) != received[0]:
            known = {}  # the log was erased, and another begun
        known.update(dict.fromkeys(received))
        return _joined(known), is_complete

    def log_stream(self, log: LogFile, data: bytes) -> tuple[Stream, list[bytes]]:
        """The notifications as they came. Only after `fetch_log` of the same adapter, which read the loggers."""
        return Stream(protocol="metawear", config=dict(self._log_config)), _split(data)

    def _receive(self, payload: bytes) -> None:
        if self._download is not None and payload[:2] in (_ENTRIES, _PROGRESS, _PAGE_DONE):
            if payload[:2] == _ENTRIES:
                self._download[0].append(payload)
            self._download[1].put_nowait(payload)
        elif self._deliver is not None and payload[:2] in _STREAMS[self._chip]:
            self._deliver("packet", payload)
        else:
            self._answers.take(payload)

    async def _listen(self, link: Link) -> None:
        if self._link is not link:
            self._deliver = None
            await link.subscribe(NOTIFY, self._receive)
            self._link = link

    async def _write(self, link: Link, command: bytes) -> None:
        await link.write(COMMAND, command, response=False)

    async def _ask(self, link: Link, command: bytes, what: str, *, reply: bytes = b"") -> bytes:
        head = reply or command[:2]
        return await self._answers.ask(
            link, lambda: self._write(link, command), lambda told: told.startswith(head), what=what
        )

    async def _find_chip(self, link: Link) -> str:
        acc = await self._ask(link, commands.read_register(_ACC, 0), "the acceleration module")
        gyr = await self._ask(link, commands.read_register(_GYR, 0), "the gyroscope module")
        try:
            return commands.read_chip(acc, gyr)
        except ValueError as error:
            raise ProtocolError(f"{link.identifier}: {error}", payload=acc, identifier=link.identifier) from error

    async def _halt(self, link: Link) -> None:
        """Stop the sensors and what an earlier connection had set up: its routes would swallow the new ones."""
        for command in (*commands.STOP_ACC, *commands.STOP_GYR, commands.REMOVE_PROCESSORS):
            await self._write(link, command)
        for command in commands.notify_packed(self._chip, is_on=False):
            await self._write(link, command)

    async def _build_chain(self, link: Link) -> int:
        """Buffer, fuser, accounter; gives the id of the last."""
        gyr_register, size = _GYR_REGISTERS[self._chip], _SAMPLE_BYTES
        buffer = await self._create(link, commands.create_buffer(_GYR, gyr_register, size), "a buffer")
        fuser = await self._create(link, commands.create_fuser(_ACC, _ACC_REGISTER, size, buffer), "a fuser")
        accounter = commands.create_accounter(_PROCESSORS, 0x03, 2 * size, "time", fuser)
        return await self._create(link, accounter, "an accounter")

    async def _create(self, link: Link, command: bytes, what: str) -> int:
        told = await self._ask(link, command, f"the creation of {what}")
        if len(told) < 3:
            raise ProtocolError(
                f"{link.identifier} created {what} without telling its id ({told.hex()}).",
                payload=told,
                identifier=link.identifier,
            )
        return told[2]

    async def _read_log_config(self, link: Link) -> dict[str, Any]:
        """Chip, ranges, and what each logger records."""
        self._chip = await self._find_chip(link)
        acc = await self._ask(link, commands.read_register(_ACC, 3), "the settings of the accelerometer")
        gyr = await self._ask(link, commands.read_register(_GYR, 3), "the settings of the gyroscope")
        try:
            ranges = commands.read_ranges(self._chip, acc, gyr)
        except ValueError as error:
            raise ProtocolError(f"{link.identifier}: {error}", payload=acc, identifier=link.identifier) from error
        signals = {
            bytes([_ACC, _ACC_REGISTER]): "acc",
            bytes([_GYR, _GYR_REGISTERS[self._chip]]): "gyr",
        }
        info = await self._ask(link, commands.read_register(_LOG, 0), "the logging module")
        loggers = {}
        for key in range(info[4] if len(info) > 4 else 0):
            told = await self._ask(
                link, commands.read_register(_LOG, 2) + bytes([key]), f"logger {key}", reply=b"\x0b\x82"
            )
            signal = signals.get(told[2:4])
            if signal is not None and len(told) > 5:
                loggers[key] = [signal, told[5] & 0x1F, (told[5] >> 5 & 0x03) + 1]
        return {"chip": self._chip, "acc_range_g": ranges[0], "gyr_range_dps": ranges[1], "loggers": loggers}

    async def _download_all(self, link: Link, received: list[bytes], progress: Progress) -> bool:
        """Fetch entries into `received`; whether the board said that none is left."""
        info = await self._ask(link, commands.read_register(_LOG, 0), "the logging module")
        await self._write(link, commands.STOP_LOG)
        if len(info) > 3 and info[3] >= PAGED_REVISION:
            await self._write(link, commands.FLUSH_LOG_PAGE)
            await asyncio.sleep(SETTLE_S)
        heard: asyncio.Queue[bytes] = asyncio.Queue()
        self._download = (received, heard)
        for command in commands.ASK_LOG_LENGTH[:-1]:
            await self._write(link, command)
        told = await self._ask(link, commands.ASK_LOG_LENGTH[-1], "the length of its log")
        n = int.from_bytes(told[2:6], "little")
        if n == 0:
            return True
        await self._write(link, commands.download_log(n, min(20, n)))
        left, counted, size, seen = n, 0, 0, set[bytes]()
        while left:
            try:
                payload = await asyncio.wait_for(heard.get(), SILENCE_S)
            except TimeoutError:
                return False
            if payload[:2] == _PAGE_DONE:
                await self._write(link, commands.CONFIRM_LOG_PAGE)
            elif payload[:2] == _PROGRESS:
                left = int.from_bytes(payload[2:6], "little")
                fresh = dict.fromkeys(payload for payload in received[counted:] if payload not in seen)
                seen |= fresh.keys()
                piece = _joined(fresh)
                counted, size = len(received), size + len(piece)
                progress(size, round(size * n / max(1, n - left)), piece)
        return True


def _joined(payloads: Iterable[bytes]) -> bytes:
    """Notifications, each led by its length."""
    return b"".join(bytes([len(payload)]) + payload for payload in payloads)


def _split(data: bytes) -> list[bytes]:
    """Notifications out of their lengths and bytes; a last one that is cut is dropped."""
    found, at = [], 0
    while at < len(data) and at + 1 + data[at] <= len(data):
        found.append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
    return found
