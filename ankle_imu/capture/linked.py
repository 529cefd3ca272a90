"""One connection of one sensor, from its making to its end."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from ankle_imu.capture.wanted import Sink, Standing
from ankle_imu.devices.adapter import Adapter, Healing, Link, Wish
from ankle_imu.errors import ConnectionLost, DeviceError

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
LAST_HEAL_S: Final = 120.0
"""Longest time that a recording waits at its end for what a sensor still has; the sensor's log keeps the rest."""
CLOSE_S: Final = 8.0
"""Longest wait for a disconnection (own choice: BlueZ takes about 2 s)."""

LOST: Final = "lost"
STOPPED: Final = "stopped"
"""Last event of a sensor that was stopped and not lost."""


Take = Callable[[str, float, bytes], None]


class Linked:
    """One connection; `run` once.

    Parameters
    ----------
    link : Link
    adapter : Adapter
    sink : Sink
    wish : Wish
    standing : Standing, kept up to date
    """

    def __init__(self, link: Link, adapter: Adapter, sink: Sink, wish: Wish, standing: Standing) -> None:
        self.streamed_since = float("nan")
        self._link, self._adapter, self._sink, self._wish = link, adapter, sink, wish
        self._standing = standing
        self._placement = standing.wanted.placement
        self._early: list[tuple[str, float, bytes]] = []
        self._take: Take = self._take_early
        self._silence: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def run(self, stop: asyncio.Event, hurry: asyncio.Event) -> None:
        """Start the sensor and attend to it until it is lost, or until `stop`.

        Parameters
        ----------
        stop : Event, end cleanly: what the sensor still has is fetched first
        hurry : Event, and do not wait for that

        Raises
        ------
        ConnectionLost
            The link was lost, the sensor fell silent or could not be started in time.
        DeviceError, Exception
            Whatever the adapter raises in `identify` and `start`.
        """
        self._standing.state = "connecting"
        try:
            if await _before(stop, self._start_in_time()):
                await self._attend(stop, hurry)
        finally:
            self._take = _ignore
            await _in_time(self._link.close(), CLOSE_S)

    def look(self, now: float) -> None:
        """Notice silence; to be called about once a second."""
        if not self._silence.done() and self.streamed_since <= now:
            last = self._standing.meter.last
            if now - (last if last > self.streamed_since else self.streamed_since) > SILENT_S:
                self._silence.set_result(f"nothing for {SILENT_S:g} s")

    async def _start_in_time(self) -> None:
        try:
            async with asyncio.timeout(START_S):
                await self._start()
        except TimeoutError as error:
            raise self._is_lost(f"could not be started in {START_S:g} s") from error

    async def _start(self) -> None:
        standing = self._standing
        identity = await self._adapter.identify(self._link)
        stream = await self._adapter.start(self._link, self._wish, self._deliver)
        standing.identity, standing.battery, standing.problem = identity, identity.battery, ""
        standing.meter.begin(stream)
        self._sink.begin(standing.wanted, identity, stream)
        early, self._early = self._early, []
        self._take = self._hand_on
        for kind, arrival, payload in early:
            self._hand_on(kind, arrival, payload)
        standing.state, standing.lost_at = "streaming", None
        self.streamed_since = _now()
        self._sink.note(self._placement, "connected", identity.serial or self._link.identifier)

    def _deliver(self, kind: str, payload: bytes) -> None:
        """In the radio's callback: stamp and pass on."""
        self._take(kind, _now(), payload)

    def _take_early(self, kind: str, arrival: float, payload: bytes) -> None:
        self._early.append((kind, arrival, payload))

    def _hand_on(self, kind: str, arrival: float, payload: bytes) -> None:
        if kind == "packet":
            self._standing.meter.take(arrival, payload)
        self._sink.take(self._placement, kind, arrival, payload)

    async def _attend(self, stop: asyncio.Event, hurry: asyncio.Event) -> None:
        lost, stopping = asyncio.ensure_future(self._link.wait_lost()), asyncio.ensure_future(stop.wait())
        chores = [
            asyncio.ensure_future(self._again(self._heal, every=HEAL_S)),
            asyncio.ensure_future(self._again(lambda: self._ask_battery(stop), every=BATTERY_S, after=BATTERY_S)),
        ]
        try:
            ends: set[asyncio.Future[Any]] = {lost, stopping, self._silence}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            await _cancel(*chores)
            if self._silence.done():
                self._sink.note(self._placement, "silent", self._silence.result())
            if not stopping.done():
                raise self._is_lost(self._silence.result() if self._silence.done() else lost.result())
            await self._finish(hurry)
        except ConnectionLost as error:
            self._standing.lost_at = _now()
            self._sink.note(self._placement, LOST, str(error))
            raise
        finally:
            await _cancel(lost, stopping, *chores)

    async def _finish(self, hurry: asyncio.Event) -> None:
        """Stop the sensor, fetch what it still has, and only then let it forget."""
        try:
            async with asyncio.timeout(STOP_S):
                await self._adapter.stop(self._link)
        except (DeviceError, TimeoutError) as error:
            raise self._is_lost(f"could not be stopped ({error or 'no answer'})") from error
        self._sink.note(self._placement, STOPPED, "")
        if not isinstance(self._adapter, Healing):
            return
        self._standing.state = "healing"
        with suppress(DeviceError, TimeoutError):
            async with asyncio.timeout(LAST_HEAL_S):
                await _before(hurry, self._heal())
        with suppress(DeviceError, TimeoutError):
            async with asyncio.timeout(STOP_S):
                await self._adapter.end_log(self._link, is_safe=self._sink.settle())

    async def _again(self, chore: Callable[[], Awaitable[None]], *, every: float, after: float = 0.0) -> None:
        """Do a chore over and over; what goes wrong with it is noted and tried again."""
        await asyncio.sleep(after)
        while True:
            try:
                await chore()
            except (DeviceError, TimeoutError):
                pass  # the link tells by itself when it is gone
            except Exception as error:
                self._sink.note(self._placement, "problem", tell(error))
            await asyncio.sleep(every)

    async def _heal(self) -> None:
        if isinstance(self._adapter, Healing):
            asked = await self._adapter.heal(self._link)
            if asked:
                self._sink.note(self._placement, "healing", f"{asked} samples asked for again")

    async def _ask_battery(self, stop: asyncio.Event) -> None:
        self._standing.battery = await self._adapter.battery(self._link)
        self._sink.note(self._placement, "battery", f"{100 * self._standing.battery:.0f} %")
        if self._standing.battery <= EMPTY:
            stop.set()

    def _is_lost(self, why: str) -> ConnectionLost:
        identifier = self._link.identifier
        return ConnectionLost(f"{identifier}: {why}", identifier=identifier)


def tell(error: Exception) -> str:
    """An exception in words, with the place it came from where it is none of ours."""
    if isinstance(error, DeviceError):
        return str(error)
    where = "".join(
        f" at {frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-1:]
    )
    return f"bug: {type(error).__name__}: {error}{where}"


async def _before(event: asyncio.Event, work: Awaitable[None]) -> bool:
    """Do `work` unless the event comes first; whether it was done."""
    doing, waiting = asyncio.ensure_future(work), asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({doing, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            doing.result()
        return doing.done()
    finally:
        await _cancel(doing, waiting)


async def _in_time(work: Awaitable[None], seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await work


async def _cancel(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _ignore(kind: str, arrival: float, payload: bytes) -> None:
    """What comes when the link has ended belongs to nobody."""


def _now() -> float:
    return asyncio.get_running_loop().time()
