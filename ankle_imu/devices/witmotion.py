"""WitMotion BLE 5.0 sensors: WT901BLE67/68, WT9011DCL-BT50, WT901SDCL-BT50.

Such a sensor streams from the moment it is connected; what can be told it are registers. Every setting is a
transaction: unlock, write, save, wait until it has saved, read back. Sources contradict each other about the
code for 200 Hz, so the rate is measured after each change and the other code tried when the first gives half.

From documents and other people's captures only, not proven on hardware of ours; the flash log of the SDCL model
not even on that of others. See `firmware_notes/witmotion.md`.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import Final

from ankle_imu.devices.adapter import Deliver, Identity, Link, LogFile, Progress, Sighting, Stream, Wish
from ankle_imu.devices.answers import Answers, IsAnswer
from ankle_imu.devices.wishes import nearest_rate
from ankle_imu.errors import ConnectionLost, ProtocolError
from ankle_imu.wire import witmotion as wire
from ankle_imu.wire import witmotion_commands as log_wire

SERVICE: Final = "0000ffe5-0000-1000-8000-00805f9a34fb"
NOTIFY: Final = "0000ffe4-0000-1000-8000-00805f9a34fb"
WRITE: Final = "0000ffe9-0000-1000-8000-00805f9a34fb"
"""The base is not that of the Bluetooth SIG: 9a34fb, not 9b34fb."""

SETTLE_S: Final = 0.1
SAVE_S: Final = 0.5
"""A save keeps the sensor busy for some 0.3 s, in which registers read 0."""
MEASURE_S: Final = 2.0
"""50 notifications at 200 Hz: 100 and 200 Hz cannot be mistaken for each other."""
QUIET_S: Final = 0.5
"""A list of files is over when nothing more came for so long (own choice)."""
ATTEMPTS: Final = 3

_VERSION: Final = 0x2E
_OTHER_200_HZ: Final = 0x0A
_WIDEST: Final = 0
_HEAD: Final = b"\x55\x61"
_REPLY: Final = b"\x55\x71"
_LOG_ANSWERS: Final = (b"\x55\xaa", b"\x55\xbb", b"\x55\xff")


def match(seen: Sighting) -> int:
    """How surely this is one: 0 no, 100 yes. Its service is rarely advertised; its name holds "WT"."""
    if SERVICE in seen.service_uuids:
        return 90
    name = seen.name.upper()
    return 70 if name.startswith(("WT", "HWT")) else 0


class WitMotionAdapter:
    """One WitMotion sensor, see `devices.adapter.Adapter` and `Logging`."""

    model = "witmotion"

    def __init__(self) -> None:
        self._answers = Answers()
        self._link: Link | None = None
        self._deliver: Deliver | None = None
        self._turn = asyncio.Lock()
        self._arrivals: list[tuple[float, int]] | None = None
        self._listing: list[bytes] = []
        self._settings: dict[int, int] = {}
        self._stream: Stream | None = None

    async def identify(self, link: Link) -> Identity:
        """Firmware version and charge; it tells no serial number."""
        await self._listen(link)
        values = await self._read(link, _VERSION)
        return Identity(
            model="WitMotion",
            firmware=".".join(str(value & 0xFFFF) for value in values[:2]),
            battery=await self.battery(link),
        )

    async def start(self, link: Link, wish: Wish, deliver: Deliver) -> Stream:
        """Set rate and bandwidth, measure the rate, hand on what comes.

        After a reconnection the sensor streams already: when its settings are still those of before, it goes on
        without a pause.
        """
        known = self._stream
        if known is not None:
            self._deliver = deliver
        await self._listen(link)
        if known is not None and await self._is_set(link):
            return known
        self._deliver = None
        rate = nearest_rate(wire.RATE_CODES, wish.rate_hz)
        self._stream = await self._set_rate(link, int(rate))
        self._deliver = deliver
        return self._stream

    async def stop(self, link: Link) -> None:
        """End the deliveries; the sensor itself streams as long as it is connected."""
        self._stream = None
        if self._link is link:
            self._link = None
            await link.unsubscribe(NOTIFY)
        self._deliver = None

    async def battery(self, link: Link) -> float:
        """Charge by its voltage; NaN when it does not answer, or only with 0 as it does while it saves."""
        await self._listen(link)
        for _ in range(ATTEMPTS):
            try:
                volts = (await self._read(link, wire.BATTERY))[0]
            except ProtocolError:
                return math.nan
            if volts > 0:
                return log_wire.read_charge(volts)
            await asyncio.sleep(SAVE_S)
        return math.nan

    async def list_logs(self, link: Link) -> list[LogFile]:
        """Files in flash; only the SDCL model has any, the others do not answer.

        Raises
        ------
        ProtocolError
            If it does not answer.
        """
        await self._listen(link)
        self._listing = []
        await self._write(link, log_wire.LIST_FILES)
        heard = -1
        while heard < len(self._listing):
            heard = len(self._listing)
            await asyncio.sleep(QUIET_S)
        if not heard:
            raise ProtocolError(
                f"{link.identifier} did not answer with a list of files; only the SDCL model records.",
                identifier=link.identifier,
            )
        names = [name for payload in self._listing for name in log_wire.read_file_names(payload)]
        return [LogFile(key=name, size=await self._size(link, name)) for name in dict.fromkeys(names)]

    async def fetch_log(self, link: Link, log: LogFile, have: bytes, progress: Progress) -> tuple[bytes, bool]:
        """Fetch the pieces after the whole ones in `have`, see `Logging.fetch_log`."""
        await self._listen(link)
        pieces = await self._size(link, log.key) // log_wire.PIECE_BYTES
        begin = min(len(have) // log_wire.PIECE_BYTES, pieces)
        data = bytearray(have[: begin * log_wire.PIECE_BYTES])
        await self._write(link, log_wire.BEGIN_READING)
        try:
            for number in range(begin, pieces):
                piece = await self._piece(link, number)
                data += piece
                progress(len(data), pieces * log_wire.PIECE_BYTES, piece)
            await self._write(link, log_wire.END_READING)
        except ConnectionLost:
            return bytes(data), False
        return bytes(data), True

    def log_stream(self, log: LogFile, data: bytes) -> tuple[Stream, list[bytes]]:
        """Frames with the time of day, in pieces of the file."""
        size = log_wire.PIECE_BYTES
        config = {"frame_bytes": 28, "acc_range_g": wire.ACC_RANGE_G, "gyr_range_dps": wire.GYR_RANGE_DPS}
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        return Stream(protocol="witmotion", config=config), pieces

    def _receive(self, payload: bytes) -> None:
        if payload[:2] in _LOG_ANSWERS:
            self._listing.append(payload)
            self._answers.take(payload)
            return
        if _REPLY in payload:
            self._answers.take(payload)
        if self._arrivals is not None:
            self._arrivals.append((asyncio.get_running_loop().time(), payload.count(_HEAD)))
        if self._deliver is not None:
            self._deliver("packet", payload)

    async def _listen(self, link: Link) -> None:
        if self._link is not link:
            await link.subscribe(NOTIFY, self._receive)
            self._link = link

    async def _write(self, link: Link, command: bytes) -> None:
        await link.write(WRITE, command, response=False)

    async def _set_rate(self, link: Link, rate: int) -> Stream:
        """Write the settings and measure; a sensor whose code for 200 Hz gives 100 is told the other one."""
        codes = [wire.RATE_CODES[rate]] + ([_OTHER_200_HZ] if rate == 200 else [])
        measured = {}
        for code in codes:
            self._settings = {wire.RATE: code, wire.BANDWIDTH: _WIDEST, wire.DISPLACEMENT: 0}
            await self._transact(link)
            measured[code] = await self._measure(link)
            if measured[code] > 0.75 * rate:
                break
        else:
            best = max(measured, key=lambda code: measured[code])
            if best != self._settings[wire.RATE]:
                self._settings[wire.RATE] = best
                await self._transact(link)
            rate = int(nearest_rate(wire.RATE_CODES, measured[best]))
        config = {
            "acc_range_g": wire.ACC_RANGE_G,
            "gyr_range_dps": wire.GYR_RANGE_DPS,
            "nominal_rate_hz": float(rate),
            "rate_code": self._settings[wire.RATE],
        }
        return Stream(protocol="witmotion", config=config)

    async def _transact(self, link: Link) -> None:
        """Unlock, write, save, wait, read back; as often as `ATTEMPTS`."""
        for _ in range(ATTEMPTS):
            await self._write(link, wire.UNLOCK)
            for register, value in self._settings.items():
                await asyncio.sleep(SETTLE_S)
                await self._write(link, wire.write_register(register, value))
            await asyncio.sleep(SETTLE_S)
            await self._write(link, wire.SAVE)
            await asyncio.sleep(SAVE_S)
            if await self._is_set(link):
                return
        raise ProtocolError(
            f"{link.identifier} does not keep its settings: expected registers {_hex(self._settings)}; "
            "switch it off and on again.",
            identifier=link.identifier,
        )

    async def _is_set(self, link: Link) -> bool:
        """Whether the registers that tell rate and bandwidth hold what was written."""
        told = {r: (await self._read(link, r))[0] for r in (wire.RATE, wire.BANDWIDTH)}
        return all(self._settings.get(register) == value for register, value in told.items())

    async def _measure(self, link: Link) -> float:
        """Frames per second by their arrival, Hz.

        Raises
        ------
        ProtocolError
            If nothing comes.
        """
        self._arrivals = []
        await asyncio.sleep(MEASURE_S)
        arrivals, self._arrivals = self._arrivals, None
        passed = arrivals[-1][0] - arrivals[0][0] if arrivals else 0.0
        if passed <= 0.0:
            raise ProtocolError(
                f"{link.identifier} sent {len(arrivals)} notifications in {MEASURE_S:g} s; "
                "expected a stream. Switch it off and on again.",
                identifier=link.identifier,
            )
        return sum(n for _, n in arrivals[1:]) / passed

    async def _read(self, link: Link, register: int) -> tuple[int, ...]:
        """Values of a register and those after it. One question at a time: the sensor confuses two."""
        async with self._turn:
            payload = await self._insist(
                link,
                wire.read_register(register),
                lambda told: any(reply.first == register for reply in wire.read_replies([(0.0, told)])),
                f"a reading of register {register:#04x}",
            )
        return next(r.values for r in wire.read_replies([(0.0, payload)]) if r.first == register)

    async def _insist(self, link: Link, command: bytes, is_answer: IsAnswer, what: str) -> bytes:
        """Answer to a command that is written again when none came."""
        for _ in range(ATTEMPTS - 1):
            with suppress(ProtocolError):
                return await self._answers.ask(
                    link, lambda: self._write(link, command), is_answer, what=what, seconds=1.0
                )
        return await self._answers.ask(link, lambda: self._write(link, command), is_answer, what=what, seconds=1.0)

    async def _size(self, link: Link, name: str) -> int:
        """Bytes of a file, in whole pieces; the file becomes the one that is read."""
        payload = await self._insist(
            link, log_wire.choose_file(name), lambda told: told[:2] == b"\x55\xbb", f"the size of {name}"
        )
        told = log_wire.read_file_size(payload)
        if told is None or told[0] != name:
            raise ProtocolError(
                f"{link.identifier} told the size of {name} as {payload!r}; expected a number of pieces.",
                payload=payload,
                identifier=link.identifier,
            )
        return told[1] * log_wire.PIECE_BYTES

    async def _piece(self, link: Link, number: int) -> bytes:
        """Content of a piece; asked again when it does not come."""
        command = log_wire.fetch_piece(number)
        told = await self._insist(link, command, lambda told: told.startswith(command), f"piece {number}")
        return told[len(command) :]


def _hex(settings: dict[int, int]) -> str:
    return ", ".join(f"{register:#04x} = {value:#04x}" for register, value in settings.items())
