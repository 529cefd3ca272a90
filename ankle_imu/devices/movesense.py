"""Movesense sensors with GSP firmware ("GATT SensorData Protocol"): live IMU6 and the flash logbook.

Commands carry a reference of ours, answers and data repeat it. The protocol cannot set a range: the sensor keeps
the firmware's, which is read where the sensor tells it. A log is always sent from its beginning and nothing is
sent twice: holes are filled by fetching again.

From documents and other people's captures only, not proven on hardware of ours; above 52 Hz no capture is known
at all, nor one of a `Config` answer. See `firmware_notes/movesense.md`.
"""

from __future__ import annotations

import asyncio
import math
from typing import Final

from ankle_imu.devices.adapter import Deliver, Identity, Link, LogFile, Progress, Sighting, Stream, Wish
from ankle_imu.devices.answers import Answers
from ankle_imu.devices.wishes import nearest_rate
from ankle_imu.errors import ConnectionLost, ProtocolError
from ankle_imu.wire import movesense as wire
from ankle_imu.wire import movesense_commands as gsp
from ankle_imu.wire.movesense_commands import Command

SERVICE: Final = "34802252-7185-4d5d-b431-630e7050e8f0"
WRITE: Final = "34800001-7185-4d5d-b431-630e7050e8f0"
NOTIFY: Final = "34800002-7185-4d5d-b431-630e7050e8f0"
SHARED_SERVICE: Final = "0000fdf3-0000-1000-8000-00805f9b34fb"
"""What it advertises: its own 128 bits do not fit beside the name."""

RATES_HZ: Final = (13, 26, 52, 104, 208, 416, 833, 1666)
STREAM_REF: Final = 99
ANSWER_S: Final = 5.0
AT_ONCE: Final = 2
"""More requests in flight exhaust the sensor's pool (status 429), which only a reboot refills."""
FETCHES: Final = 4
SILENCE_S: Final = 3.0
"""A log of which nothing came for so long has stopped in the middle (it comes at some 11 kB/s)."""

OK: Final = (200, 202)
_NOT_FOUND, _CONFLICT, _EXHAUSTED = 404, 409, 429
_ADVICE: Final = {
    _NOT_FOUND: "it has no such resource",
    _CONFLICT: "it is recording into flash; stop that first",
    _EXHAUSTED: "its memory for requests is used up; restart it (take it off the strap for a minute)",
}


def match(seen: Sighting) -> int:
    """How surely this is one: by its name `Movesense <serial>`."""
    if SERVICE in seen.service_uuids:
        return 95
    if seen.name.startswith("Movesense"):
        return 90
    return 20 if SHARED_SERVICE in seen.service_uuids else 0


class MovesenseAdapter:
    """One Movesense sensor, see `devices.adapter.Adapter` and `Logging`."""

    model = "movesense"

    def __init__(self) -> None:
        self._answers = Answers()
        self._link: Link | None = None
        self._deliver: Deliver | None = None
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._last_ref = 0
        self._log: tuple[int, list[bytes], asyncio.Event] | None = None

    async def identify(self, link: Link) -> Identity:
        """Serial number, product and firmware from HELLO."""
        await self._listen(link)
        told = await self._ask(link, Command.HELLO, what="HELLO")
        hello = gsp.read_hello(told[2:])
        return Identity(
            serial=hello.serial,
            model=hello.product or "Movesense",
            firmware=f"{hello.app} {hello.app_version}".strip(),
            battery=await self.battery(link),
        )

    async def start(self, link: Link, wish: Wish, deliver: Deliver) -> Stream:
        """Subscribe to IMU6 at the nearest rate the sensor lists; the ranges are the firmware's."""
        await self._listen(link)
        rates = await self._rates(link)
        rate = int(nearest_rate(rates, wish.rate_hz))
        path = f"/Meas/IMU6/{rate}"
        config: dict[str, object] = {"subscriptions": {STREAM_REF: path}, "nominal_rate_hz": float(rate)}
        for name, where in (("acc_range_g", "/Meas/Acc/Config"), ("gyr_range_dps", "/Meas/Gyro/Config")):
            value = await self._range(link, where)
            if not math.isnan(value):
                config[name] = value
        await self._ask(link, Command.UNSUBSCRIBE, what="UNSUBSCRIBE", ref=STREAM_REF)
        self._deliver = deliver
        await self._command(
            link, Command.SUBSCRIBE, gsp.path_payload(path), what=f"SUBSCRIBE {path}", ref=STREAM_REF
        )
        return Stream(protocol="movesense", config=config)

    async def stop(self, link: Link) -> None:
        """Unsubscribe; what was under way comes before the answer."""
        if self._deliver is not None and self._link is link:
            await self._ask(link, Command.UNSUBSCRIBE, what="UNSUBSCRIBE", ref=STREAM_REF)
        self._deliver = None
        if self._link is link:
            self._link = None
            await link.unsubscribe(NOTIFY)

    async def battery(self, link: Link) -> float:
        """Charge by /System/Energy/Level; NaN when it does not tell."""
        await self._listen(link)
        try:
            data = await self._get(link, "/System/Energy/Level")
        except ProtocolError:
            return math.nan
        return data[0] / 100.0 if data and data[0] <= 100 else math.nan

    async def list_logs(self, link: Link) -> list[LogFile]:
        """Logs in flash. The answer holds only as many as fit in a notification; the ids after them count on."""
        await self._listen(link)
        n, entries = gsp.read_log_entries(await self._get(link, "/Mem/Logbook/entries"))
        logs = [LogFile(key=str(entry.id), size=entry.size) for entry in entries]
        following = entries[-1].id + 1 if entries else 1
        for key in range(following, following + n - len(entries)):
            logs.append(LogFile(key=str(key), note="size not told"))
        return logs

    async def fetch_log(self, link: Link, log: LogFile, have: bytes, progress: Progress) -> tuple[bytes, bool]:
        """Fetch a log, again and again while pieces are missing, see `Logging.fetch_log`.

        The data end before the first hole when one remains.
        """
        await self._listen(link)
        pieces: list[bytes] = [bytes((wire.DATA, 0)) + bytes(4) + have] if have else []
        file = gsp.LogFile(data=have, holes=(), is_ended=False)
        try:
            for _ in range(FETCHES):
                received = await self._fetch_once(link, int(log.key), log.size, progress)
                pieces += [payload[:1] + b"\0" + payload[2:] for payload in received]
                file = gsp.join_log(((0.0, piece) for piece in pieces), 0)
                if file.is_ended and not file.holes:
                    return file.data, True
        except ConnectionLost:
            pieces += [payload[:1] + b"\0" + payload[2:] for payload in self._heard()]
            file = gsp.join_log(((0.0, piece) for piece in pieces), 0)
        finally:
            self._log = None
        return file.data[: file.holes[0][0]] if file.holes else file.data, False

    def log_stream(self, log: LogFile, data: bytes) -> tuple[Stream, list[bytes]]:
        """The file as one payload."""
        return Stream(protocol="movesense_sbem", config={}), [data]

    def _receive(self, payload: bytes) -> None:
        if len(payload) < 2:
            return
        kind, ref = payload[0], payload[1]
        if kind == wire.ANSWER:
            self._answers.take(payload)
        elif self._log is not None and ref == self._log[0]:
            self._log[1].append(payload)
            self._log[2].set()
        elif ref == STREAM_REF and self._deliver is not None:
            self._deliver("packet", payload)

    async def _listen(self, link: Link) -> None:
        """Subscribe on a new link; nothing of the old one is waited for."""
        if self._link is not link:
            await link.subscribe(NOTIFY, self._receive)
            self._link = link
            self._deliver = None
            self._slots = asyncio.Semaphore(AT_ONCE)

    def _next_ref(self) -> int:
        self._last_ref = self._last_ref % (STREAM_REF - 1) + 1
        return self._last_ref

    async def _ask(
        self, link: Link, command: Command, payload: bytes = b"", *, what: str, ref: int | None = None
    ) -> bytes:
        """Answer to a command, whatever its status."""
        reference = self._next_ref() if ref is None else ref
        async with self._slots:
            return await self._answers.ask(
                link,
                lambda: link.write(WRITE, gsp.command(command, reference, payload)),
                lambda told: told[:2] == bytes((wire.ANSWER, reference)),
                what=what,
                seconds=ANSWER_S,
            )

    async def _command(
        self, link: Link, command: Command, payload: bytes = b"", *, what: str, ref: int | None = None
    ) -> bytes:
        """Data of the answer to a command.

        Raises
        ------
        ProtocolError
            If the status is not success.
        """
        told = await self._ask(link, command, payload, what=what, ref=ref)
        status = int.from_bytes(told[2:4], "little")
        if len(told) < 4 or status not in OK:
            advice = _ADVICE.get(status, "expected 200")
            raise ProtocolError(
                f"{link.identifier} answered {what} with status {status}: {advice}.",
                payload=told,
                identifier=link.identifier,
            )
        return told[4:]

    async def _get(self, link: Link, path: str) -> bytes:
        return await self._command(link, Command.GET, gsp.path_payload(path), what=f"GET {path}")

    async def _rates(self, link: Link) -> list[int]:
        """Rates the sensor lists; the usual ones when it does not tell."""
        path = "/Meas/Acc/Info"
        try:
            rates, _ = gsp.read_info(path, await self._get(link, path))
        except (ProtocolError, ValueError):
            return [*RATES_HZ]
        return [rate for rate in rates if rate in RATES_HZ] or [*RATES_HZ]

    async def _range(self, link: Link, path: str) -> float:
        """Range in force; NaN when the sensor does not tell or tells one that it cannot have."""
        try:
            told = gsp.read_range(path, await self._get(link, path))
        except (ProtocolError, ValueError):
            return math.nan
        known = (2, 4, 8, 16) if "/Acc/" in path else (125, 245, 500, 1000, 2000)
        return float(told) if told in known else math.nan

    def _heard(self) -> list[bytes]:
        return self._log[1] if self._log is not None else []

    async def _fetch_once(self, link: Link, log_id: int, size: int, progress: Progress) -> list[bytes]:
        """Pieces of one sending, until its end or until it falls silent."""
        ref = self._next_ref()
        self._log = (ref, [], asyncio.Event())
        _, pieces, more = self._log
        await self._command(
            link, Command.FETCH_LOG, log_id.to_bytes(4, "little"), what=f"FETCH_LOG {log_id}", ref=ref
        )
        lost = asyncio.ensure_future(link.wait_lost())
        told = 0
        try:
            while not (pieces and len(pieces[-1]) == 6):
                more.clear()
                wait = asyncio.ensure_future(more.wait())
                done, _ = await asyncio.wait({wait, lost}, timeout=SILENCE_S, return_when=asyncio.FIRST_COMPLETED)
                wait.cancel()
                if lost in done and wait not in done:
                    raise ConnectionLost(
                        f"The connection to {link.identifier} is gone while log {log_id} was fetched.",
                        identifier=link.identifier,
                    )
                if wait not in done:
                    break
                for piece in pieces[told:]:
                    if piece[0] in (wire.DATA, wire.SECOND_PART) and len(piece) >= 6:
                        progress(int.from_bytes(piece[2:6], "little") + len(piece) - 6, size, piece[6:])
                told = len(pieces)
        finally:
            lost.cancel()
        return pieces
