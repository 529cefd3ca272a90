"""The life of one sensor in a recording: find it, attend to it, and all again when it is lost."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from ankle_imu.capture.back_off import BackOff
from ankle_imu.capture.finder import Finder
from ankle_imu.capture.linked import Linked, tell
from ankle_imu.capture.meter import Meter
from ankle_imu.capture.wanted import Sink, Standing, Wanted
from ankle_imu.devices.adapter import Adapter, Counting, Link, Wish
from ankle_imu.errors import AnkleImuError, BluetoothUnavailable, ConnectionLost, DeviceError, DeviceNotFound

STEADY_S: Final = 3.0
"""A sensor that streamed so long clears the record of failures: the next loss is answered at once."""
FOREIGN_S: Final = 15.0
"""Wait after an error that is none of a sensor's: it will hardly go away by itself."""


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
    standing : Standing
    failure : Exception, what none of our errors explains; None as long as there was none
    """

    def __init__(self, wanted: Wanted, adapter: Adapter, finder: Finder, sink: Sink, wish: Wish) -> None:
        meter = Meter(tally=adapter.tally if isinstance(adapter, Counting) else None)
        self.standing = Standing(wanted=wanted, meter=meter)
        self.failure: Exception | None = None
        self._adapter, self._finder, self._sink, self._wish = adapter, finder, sink, wish
        self._back_off = BackOff()
        self._stop, self._hurry = asyncio.Event(), asyncio.Event()
        self._linked: Linked | None = None

    def stop(self) -> None:
        """End cleanly: what the sensor still has is fetched, then the link is closed."""
        if self.standing.wanted_until is None:
            self.standing.wanted_until = asyncio.get_running_loop().time()
        self._stop.set()

    def hurry(self) -> None:
        """End without waiting for what the sensor still has."""
        self.stop()
        self._hurry.set()

    def look(self, now: float) -> None:
        """Count what came, and notice silence; to be called about once a second."""
        self.standing.meter.tick(now)
        if self._linked is not None:
            self._linked.look(now)

    async def run(self) -> None:
        """Keep the sensor streaming until `stop`.

        Raises
        ------
        BluetoothUnavailable
            If Bluetooth is not there to begin with; later it is waited for.
        """
        while not self._stop.is_set():
            try:
                self.standing.state = "searching"
                link = await self._find()
                if link is not None:
                    await self._attend(link)
            except BluetoothUnavailable as error:
                if not self._finder.has_scanned:
                    raise
                await self._wait_after(error, self._back_off.after(error))
            except DeviceError as error:
                await self._wait_after(error, self._back_off.after(error))
            except Exception as error:  # one sensor's trouble must not end the recording of the others
                self.failure = error
                await self._wait_after(error, FOREIGN_S)
        self.standing.state = "stopped"

    async def _find(self) -> Link | None:
        """A link; None when it was time to stop first."""
        finding = asyncio.ensure_future(self._finder.link_to(self.standing.wanted.identifier))
        stopping = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({finding, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return finding.result() if finding.done() else None
        finally:
            finding.cancel()
            stopping.cancel()
            await asyncio.gather(finding, stopping, return_exceptions=True)

    async def _attend(self, link: Link) -> None:
        self.standing.links += 1
        self._linked = linked = Linked(link, self._adapter, self._sink, self._wish, self.standing)
        try:
            await linked.run(self._stop, self._hurry)
        finally:
            self._linked = None
            if asyncio.get_running_loop().time() - linked.streamed_since > STEADY_S:
                self._back_off = BackOff()

    async def _wait_after(self, error: Exception, seconds: float) -> None:
        told = str(error) if isinstance(error, AnkleImuError) else tell(error)
        if told != self.standing.problem and not isinstance(error, ConnectionLost | DeviceNotFound):
            self._sink.note(self.standing.wanted.placement, "problem", told)
        self.standing.problem = told
        self.standing.state = "waiting"
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
