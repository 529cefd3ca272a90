"""The life of one sensor in a recording: find, connect, start, watch over it, and all again when it is lost."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ankle_imu.capture.back_off import BackOff
from ankle_imu.capture.meter import Meter
from ankle_imu.devices.adapter import Adapter, Counting, Healing, Identity, Link, Radio, Sighting, Stream, Wish
from ankle_imu.errors import AnkleImuError, BluetoothUnavailable, ConnectionLost, DeviceError, DeviceNotFound

SCAN_S: Final = 5.0
"""Longest scan in one turn; sensors advertise every 0.1 to 1 s."""
CONNECT_S: Final = 10.0
START_S: Final = 20.0
"""Longest time from connection to stream: a dozen questions to the sensor at most."""
SILENT_S: Final = 4.0
"""A streaming sensor that says nothing for so long is taken for dead (own choice: beyond the 2 s after which a
lost link is usually noticed, and a fraction of the 10 s that a sensor's buffer should hold)."""
HEAL_S: Final = 3.0
BATTERY_S: Final = 60.0
EMPTY: Final = 0.02
"""Charge at which a sensor is stopped while it can still close its own log (own choice)."""
STOP_S: Final = 6.0
LOST: Final = "lost"
STOPPED: Final = "stopped"
"""Last event of a sensor that was stopped and not lost."""
STEADY_S: Final = 3.0
"""A link that held so long clears the record of failures: the next loss is answered at once."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One sensor to record.

    Parameters
    ----------
    identifier : str, address, or on macOS this host's UUID for it
    placement : str, see `frames.PLACEMENTS`
    model : str, name of its adapter in `devices.catalog`
    mount_site : str
    serial : str, "" when not known
    """

    identifier: str
    placement: str
    model: str
    mount_site: str = ""
    serial: str = ""


class Sink(Protocol):
    """Where a sensor's payloads go; every method returns at once."""

    def begin(self, wanted: Wanted, identity: Identity, stream: Stream) -> None:
        """The sensor streams; payloads that follow are of this stream."""
        ...

    def take(self, placement: str, kind: str, arrival: float, payload: bytes) -> None:
        """A payload as received, `arrival` on the event loop's clock."""
        ...

    def note(self, placement: str, event: str, text: str) -> None:
        """Something happened to the link."""
        ...


class Finder:
    """The one who scans and connects, for all sensors of a recording, one at a time.

    A scan for one sensor ends early when another that is waited for is seen, so that a sensor that is away does
    not hold up those that are here.
    """

    def __init__(self, radio: Radio) -> None:
        self._radio = radio
        self._turn = asyncio.Lock()
        self._waiting: dict[str, int] = {}
        self._seen: dict[str, Sighting] = {}

    async def link_to(self, identifier: str) -> Link:
        """Find and connect.

        Raises
        ------
        DeviceNotFound, ConnectionLost, BluetoothUnavailable
        """
        self._waiting[identifier] = self._waiting.get(identifier, 0) + 1
        try:
            async with self._turn:
                seen = self._seen.pop(identifier, None) or await self._look_for(identifier)
                return await self._radio.connect(seen, timeout=CONNECT_S)
        finally:
            del self._waiting[identifier]

    async def _look_for(self, identifier: str) -> Sighting:
        found = await self._radio.scan(SCAN_S, is_enough=lambda s: s.identifier in self._waiting)
        self._seen |= {s.identifier: s for s in found if s.identifier in self._waiting}
        seen = self._seen.pop(identifier, None)
        if seen is None:
            raise DeviceNotFound(f"{identifier} is not in reach.", identifier=identifier)
        return seen


class Supervisor:
    """One sensor, from the first search until it is told to stop.

    Parameters
    ----------
    wanted : Wanted
    adapter : Adapter
    finder : Finder
    sink : Sink
    wish : Wish

    Attributes
    ----------
    state : `searching` | `connecting` | `streaming` | `waiting` | `stopped`
    meter : Meter
    identity : Identity, None before the first connection
    battery : float, share 0..1, NaN when unknown; at `EMPTY` the sensor is stopped
    links : int, connections made so far
    problem : str, what went wrong last, "" while it streams
    """

    def __init__(self, wanted: Wanted, adapter: Adapter, finder: Finder, sink: Sink, wish: Wish) -> None:
        self.wanted = wanted
        self.meter = Meter(tally=adapter.tally if isinstance(adapter, Counting) else None)
        self.state = "searching"
        self.identity: Identity | None = None
        self.battery = float("nan")
        self.links = 0
        self.problem = ""
        self._adapter, self._finder, self._sink, self._wish = adapter, finder, sink, wish
        self._back_off = BackOff()
        self._stop = asyncio.Event()
        self._is_streaming = False
        self._streaming_since = float("nan")
        self._silence: asyncio.Future[str] | None = None
        self._early: list[tuple[str, float, bytes]] = []

    def stop(self) -> None:
        """End cleanly: what the sensor still has is fetched, then it is stopped and the link closed."""
        self._stop.set()

    async def run(self) -> None:
        """Keep the sensor streaming until `stop`.

        Raises
        ------
        BluetoothUnavailable
            If Bluetooth is not there to begin with; later it is waited for.
        """
        while not self._stop.is_set():
            try:
                self.state = "searching"
                link = await self._find()
                if link is not None:
                    await self._live(link)
            except (DeviceError, BluetoothUnavailable) as error:
                await self._wait_after(error)
        self.state = "stopped"

    async def _find(self) -> Link | None:
        """A link; None when it was time to stop first."""
        finding = asyncio.ensure_future(self._finder.link_to(self.wanted.identifier))
        stopping = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({finding, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return finding.result() if finding.done() else None
        finally:
            finding.cancel()
            stopping.cancel()
            await asyncio.gather(finding, stopping, return_exceptions=True)

    async def _live(self, link: Link) -> None:
        """From connection to its end."""
        self.state = "connecting"
        self.links += 1
        started = _now()
        try:
            await self._start_in_time(link)
            await self._watch(link)
        finally:
            self._is_streaming = False
            self._early.clear()
            if _now() - started > STEADY_S:
                self._back_off = BackOff()
            await link.close()

    async def _start_in_time(self, link: Link) -> None:
        try:
            async with asyncio.timeout(START_S):
                await self._start(link)
        except TimeoutError as error:
            raise ConnectionLost(
                f"{link.identifier} could not be started in {START_S:g} s.", identifier=link.identifier
            ) from error

    async def _start(self, link: Link) -> None:
        identity = await self._adapter.identify(link)
        stream = await self._adapter.start(link, self._wish, self._deliver)
        self.identity, self.battery, self.problem = identity, identity.battery, ""
        self.meter.begin(stream)
        self._sink.begin(self.wanted, identity, stream)
        early, self._early = self._early, []
        self._is_streaming = True
        for kind, arrival, payload in early:
            self._hand_on(kind, arrival, payload)
        self.state = "streaming"
        self._sink.note(self.wanted.placement, "connected", identity.serial or link.identifier)

    def _deliver(self, kind: str, payload: bytes) -> None:
        """In the radio's callback: stamp and pass on."""
        if self._is_streaming:
            self._hand_on(kind, _now(), payload)
        else:
            self._early.append((kind, _now(), payload))

    def _hand_on(self, kind: str, arrival: float, payload: bytes) -> None:
        if kind == "packet":
            self.meter.take(arrival, payload)
        self._sink.take(self.wanted.placement, kind, arrival, payload)

    def look(self, now: float) -> None:
        """Count what came, and notice silence; to be called about once a second."""
        self.meter.tick(now)
        if self._silence is not None and not self._silence.done():
            last = self.meter.last if self.meter.last > self._streaming_since else self._streaming_since
            if now - last > SILENT_S:
                self._silence.set_result(f"nothing for {SILENT_S:g} s")

    async def _watch(self, link: Link) -> None:
        """Until the link is lost, the sensor falls silent, or it is time to stop."""
        lost, stop = asyncio.ensure_future(link.wait_lost()), asyncio.ensure_future(self._stop.wait())
        chores = [asyncio.ensure_future(chore) for chore in (self._heal(link), self._ask_battery(link))]
        self._silence = silence = asyncio.get_running_loop().create_future()
        self._streaming_since = _now()
        try:
            ends: set[asyncio.Future[Any]] = {lost, stop, silence}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if silence.done():
                self._sink.note(self.wanted.placement, "silent", silence.result())
            if not stop.done():
                why = silence.result() if silence.done() else lost.result()
                raise ConnectionLost(f"{link.identifier}: {why}", identifier=link.identifier)
            await self._finish(link)
        except ConnectionLost as error:
            self._sink.note(self.wanted.placement, LOST, str(error))
            raise
        finally:
            self._silence = None
            for task in (lost, stop, *chores):
                task.cancel()
            await asyncio.gather(lost, stop, *chores, return_exceptions=True)

    async def _finish(self, link: Link) -> None:
        with suppress(DeviceError, TimeoutError):
            async with asyncio.timeout(STOP_S):
                if isinstance(self._adapter, Healing):
                    await self._adapter.heal(link)
                await self._adapter.stop(link)
        self._sink.note(self.wanted.placement, STOPPED, "")

    async def _heal(self, link: Link) -> None:
        if not isinstance(self._adapter, Healing):
            return
        while True:
            with suppress(DeviceError, TimeoutError):
                asked = await self._adapter.heal(link)
                if asked:
                    self._sink.note(self.wanted.placement, "healing", f"{asked} samples asked for again")
            await asyncio.sleep(HEAL_S)

    async def _ask_battery(self, link: Link) -> None:
        while True:
            await asyncio.sleep(BATTERY_S)
            with suppress(DeviceError, TimeoutError):
                self.battery = await self._adapter.battery(link)
                self._sink.note(self.wanted.placement, "battery", f"{100 * self.battery:.0f} %")
                if self.battery <= EMPTY:
                    self.stop()

    async def _wait_after(self, error: AnkleImuError) -> None:
        if isinstance(error, BluetoothUnavailable) and not self.links:
            raise error
        if str(error) != self.problem and not isinstance(error, ConnectionLost | DeviceNotFound):
            self._sink.note(self.wanted.placement, "problem", str(error))
        self.problem = str(error)
        self.state = "waiting"
        seconds = self._back_off.after(error)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)


def _now() -> float:
    return asyncio.get_running_loop().time()
