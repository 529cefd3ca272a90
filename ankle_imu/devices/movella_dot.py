"""Movella DOT (Xsens DOT), both versions: live rate quantities at 60 Hz, and the export of recordings.

60 Hz is all that the sensor streams live; 120 Hz can only be recorded. Ranges are fixed. One notification is one
sample, and its time the only counter.

From the maker's specification and other people's captures only, not proven on hardware of ours; the export from
the specification alone. See `firmware_notes/movella_dot.md`.
"""

from __future__ import annotations

import asyncio
from typing import Final

from ankle_imu.devices import gatt
from ankle_imu.devices.adapter import Deliver, Identity, Link, LogFile, Progress, Sighting, Stream, Wish
from ankle_imu.devices.wishes import nearest_rate
from ankle_imu.errors import ConnectionLost, ProtocolError
from ankle_imu.wire import movella_dot as wire
from ankle_imu.wire import movella_dot_commands as commands


def _uuid(short: int) -> str:
    return f"1517{short:04x}-4947-11e9-8646-d663bd873d93"


CONFIGURATION_SERVICE: Final = _uuid(0x1000)
DEVICE_INFO: Final = _uuid(0x1001)
DEVICE_CONTROL: Final = _uuid(0x1002)
MEASUREMENT_CONTROL: Final = _uuid(0x2001)
MEDIUM_PAYLOAD: Final = _uuid(0x2003)
BATTERY: Final = _uuid(0x3001)
MESSAGE_CONTROL: Final = _uuid(0x7001)
MESSAGE_RECEIPT: Final = _uuid(0x7002)
MESSAGE_NOTICE: Final = _uuid(0x7003)

COMPANY: Final = 2182
RATE_QUANTITIES: Final = 21
RATES_HZ: Final = (1, 4, 10, 12, 15, 20, 30, 60)
ACC_RANGE_G: Final = 16.0
GYR_RANGE_DPS: Final = 2000.0
EXPORTED: Final = (0x00, 0x07, 0x08)
"""Time, acceleration, angular rate."""
MOST_FILES: Final = 0xFE
SILENCE_S: Final = 5.0
ATTEMPTS: Final = 4
SETTLE_S: Final = 0.2


def match(seen: Sighting) -> int:
    """How surely this is one: by its name, or the maker's number."""
    if seen.name.lower().startswith(("movella dot", "xsens dot")):
        return 95
    return 80 if COMPANY in seen.manufacturer_data or CONFIGURATION_SERVICE in seen.service_uuids else 0


class MovellaDotAdapter:
    """One Movella DOT, see `devices.adapter.Adapter`, `Logging` and `Blinking`."""

    model = "movella_dot"

    def __init__(self) -> None:
        self._notices: asyncio.Queue[bytes] = asyncio.Queue()
        self._listened: Link | None = None

    async def identify(self, link: Link) -> Identity:
        """Serial number, product code and firmware."""
        try:
            info = commands.read_device_info(await link.read(DEVICE_INFO))
        except ValueError as error:
            raise ProtocolError(f"{link.identifier}: {error}", identifier=link.identifier) from error
        return Identity(
            serial=info.serial, model=info.product, firmware=info.firmware, battery=await self.battery(link)
        )

    async def start(self, link: Link, wish: Wish, deliver: Deliver) -> Stream:
        """Stop what runs, set the rate, subscribe, start; and read back that it runs."""
        await link.write(MEASUREMENT_CONTROL, wire.encode_measurement(RATE_QUANTITIES, is_on=False))
        rate = int(nearest_rate(RATES_HZ, wish.rate_hz))
        await link.write(DEVICE_CONTROL, commands.set_rate(rate))
        await asyncio.sleep(SETTLE_S)
        told = await link.read(DEVICE_CONTROL)
        try:
            in_force = commands.read_rate(told)
        except ValueError as error:
            raise ProtocolError(f"{link.identifier}: {error}", payload=told, identifier=link.identifier) from error
        if in_force != rate:
            raise ProtocolError(
                f"{link.identifier} keeps a rate of {in_force} Hz instead of {rate} Hz; is it synchronised or "
                "recording?",
                payload=told,
                identifier=link.identifier,
            )
        await link.subscribe(MEDIUM_PAYLOAD, lambda payload: deliver("packet", payload))
        await link.write(MEASUREMENT_CONTROL, wire.encode_measurement(RATE_QUANTITIES, is_on=True))
        running = await link.read(MEASUREMENT_CONTROL)
        if running[1:3] != bytes((1, RATE_QUANTITIES)):
            raise ProtocolError(
                f"{link.identifier} does not measure (state {running.hex()}); is it recording?",
                payload=running,
                identifier=link.identifier,
            )
        config = {
            "payload_mode": RATE_QUANTITIES,
            "nominal_rate_hz": float(rate),
            "acc_range_g": ACC_RANGE_G,
            "gyr_range_dps": GYR_RANGE_DPS,
        }
        return Stream(protocol="movella_dot", config=config)

    async def stop(self, link: Link) -> None:
        """Stop, then unsubscribe, as the maker asks."""
        await link.write(MEASUREMENT_CONTROL, wire.encode_measurement(RATE_QUANTITIES, is_on=False))
        await asyncio.sleep(SETTLE_S)
        await link.unsubscribe(MEDIUM_PAYLOAD)

    async def battery(self, link: Link) -> float:
        """Charge."""
        return await gatt.read_battery(link, BATTERY)

    async def blink(self, link: Link) -> None:
        """Flash its light for 10 s."""
        await link.write(DEVICE_CONTROL, commands.identify())

    async def list_logs(self, link: Link) -> list[LogFile]:
        """Recordings by their number, until the sensor says that there is none of the next."""
        await self._listen(link)
        logs = []
        for number in range(1, MOST_FILES + 1):
            await self._command(link, commands.recording_command(commands.FILE_INFO, bytes([number])))
            started = float("nan")
            while True:
                kind, content = await self._notice(link, f"the information on file {number}")
                if kind == commands.FILE_INFO_TOLD and len(content) >= 16:
                    started = float(commands.read_file_info(content)[0])
                elif kind in (commands.FILE_INFO_DONE, commands.NO_FILE):
                    break
            if kind == commands.NO_FILE:
                break
            logs.append(LogFile(key=str(number), started_s=started))
        return logs

    async def fetch_log(self, link: Link, log: LogFile, have: bytes, progress: Progress) -> tuple[bytes, bool]:
        """Export a recording from the first message that `have` lacks, see `Logging.fetch_log`.

        How many messages there are is not told: it is complete when one more export brought nothing new.
        """
        await self._listen(link)
        messages = _split(have)
        try:
            await self._command(link, commands.select_quantities(EXPORTED))
            for _ in range(ATTEMPTS):
                before = len(messages)
                is_whole = await self._export(link, int(log.key), messages, progress)
                if is_whole and len(messages) == before:
                    return b"".join(messages), True
        except ConnectionLost:
            pass
        return b"".join(messages), False

    def log_stream(self, log: LogFile, data: bytes) -> tuple[Stream, list[bytes]]:
        """Export messages, one sample each."""
        config = {"quantities": [*EXPORTED], "acc_range_g": ACC_RANGE_G, "gyr_range_dps": GYR_RANGE_DPS}
        return Stream(protocol="movella_dot", config=config), _split(data)

    async def _listen(self, link: Link) -> None:
        if self._listened is not link:
            await link.subscribe(MESSAGE_NOTICE, lambda payload: self._notices.put_nowait(payload))
            self._listened = link
        while not self._notices.empty():
            self._notices.get_nowait()

    async def _command(self, link: Link, message: bytes) -> None:
        """Write a message and read its receipt at once: the next one overwrites it.

        Raises
        ------
        ProtocolError
            If the receipt is damaged, for something else, or no success.
        """
        await link.write(MESSAGE_CONTROL, message)
        receipt = await link.read(MESSAGE_RECEIPT)
        try:
            result = commands.read_receipt(receipt, message[2])
        except ValueError as error:
            raise ProtocolError(
                f"{link.identifier}: {error}", payload=receipt, identifier=link.identifier
            ) from error
        if result:
            word = commands.RESULT_WORDS.get(result, "unknown result")
            raise ProtocolError(
                f"{link.identifier} refused command {message[2]:#04x} with result {result:#04x}: {word}.",
                payload=receipt,
                identifier=link.identifier,
            )

    async def _notice(self, link: Link, what: str) -> tuple[int, bytes]:
        """The next notice with a right sum."""
        while True:
            try:
                payload = await asyncio.wait_for(self._notices.get(), SILENCE_S)
            except TimeoutError:
                raise ProtocolError(
                    f"{link.identifier} did not tell {what} in {SILENCE_S:g} s.", identifier=link.identifier
                ) from None
            try:
                return commands.read_notice(payload)
            except ValueError:
                continue

    async def _export(self, link: Link, file: int, messages: list[bytes], progress: Progress) -> bool:
        """Take messages in the order of their numbers; ask again from the first that is missing.

        Returns
        -------
        bool
            Whether the export came to its end with nothing missing before the last message that was seen.
        """
        await self._command(link, commands.recording_command(commands.FILE_DATA, bytes([file])))
        asked, highest, size = -1, -1, sum(map(len, messages))
        if messages:
            asked = await self._go_on(link, len(messages) - 1)
        while True:
            try:
                payload = await asyncio.wait_for(self._notices.get(), SILENCE_S)
            except TimeoutError:
                return False
            if not wire.is_message(payload) or payload[0] != wire.RECORDING:
                continue
            kind = payload[2]
            if kind == commands.EXPORT_DONE:
                return highest < len(messages)
            if kind not in (commands.SAMPLE, commands.DAMAGED_SAMPLE):
                continue
            number = int.from_bytes(payload[3:7], "little")
            highest = max(highest, number)
            if number == len(messages):
                messages.append(payload)
                size += len(payload)
                progress(size, -1, payload)
            elif number > len(messages) and asked != len(messages):
                asked = await self._go_on(link, len(messages))

    async def _go_on(self, link: Link, number: int) -> int:
        await self._command(link, commands.retransmit(number))
        return number


def _split(data: bytes) -> list[bytes]:
    """Messages out of their bytes; a last one that is cut is dropped."""
    found, at = [], 0
    while at + 2 <= len(data) and at + data[at + 1] + 3 <= len(data):
        found.append(data[at : at + data[at + 1] + 3])
        at += data[at + 1] + 3
    return found
