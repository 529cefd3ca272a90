"""N sensors -> one session, until it is told to stop.

The callback of the radio only stamps and queues; the disk is touched by the writer's own thread. The session
begins with the first sensor that streams. Whatever happens, what was received is in the session's folder.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ankle_imu.capture import host
from ankle_imu.capture.finder import Finder
from ankle_imu.capture.preroll import Preroll
from ankle_imu.capture.sink import SessionSink
from ankle_imu.capture.status import Captured, End, Status, sensor_status
from ankle_imu.capture.supervisor import Supervisor
from ankle_imu.capture.wanted import Listener, Wanted
from ankle_imu.devices.adapter import Adapter, Radio, Wish
from ankle_imu.errors import DeviceNotFound, StorageError
from ankle_imu.values import ABSENT, SessionInfo

STATUS_S: Final = 1.0
HOST_S: Final = 5.0
CLOCK_S: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to record.

    Parameters
    ----------
    sensors : mapping of Wanted to its Adapter
    root : Path of the library
    info : SessionInfo, completed by alias, start, id and sensors where they are missing
    wish : Wish
    duration_s : float, s from the first sensor that streams
    find_s : float, s to wait for the first sensor
    hold_s : float, s; above 0 nothing is written until `Recorder.begin`, and so much of what came before is kept

    Raises
    ------
    ValueError
        If there is no sensor, or two have the same placement or identifier.
    """

    sensors: Mapping[Wanted, Adapter]
    root: Path
    info: SessionInfo = field(default_factory=SessionInfo)
    wish: Wish = field(default_factory=Wish)
    duration_s: float = float("inf")
    find_s: float = 60.0
    hold_s: float = 0.0

    def __post_init__(self) -> None:
        if not self.sensors:
            raise ValueError("No sensor is given to record from.")
        for name in ("placement", "identifier"):
            given = [getattr(wanted, name) for wanted in self.sensors]
            twice = sorted({one for one in given if given.count(one) > 1})
            if twice:
                raise ValueError(f"Two sensors have the {name} {twice[0]}; each needs its own.")


class Recorder:
    """Records one session; `run` once.

    Parameters
    ----------
    radio : Radio
    order : Order
    on_status : called once a second
    listener : Listener or None, told of each packet once it is kept; with `hold_s`, of each that comes
    """

    def __init__(
        self,
        radio: Radio,
        order: Order,
        on_status: Callable[[Status], None] = lambda status: None,
        listener: Listener | None = None,
    ) -> None:
        self._order, self._on_status = order, on_status
        self._preroll: Preroll | None = None
        if order.hold_s > 0:
            self._sink = SessionSink(order.root, order.info)
            self._preroll = Preroll(self._sink, order.hold_s, listener)
        else:
            self._sink = SessionSink(order.root, order.info, listener)
        finder = Finder(radio)
        self._supervisors = [
            Supervisor(wanted, adapter, finder, self._preroll or self._sink, order.wish)
            for wanted, adapter in order.sensors.items()
        ]
        self._reason: End | None = None
        self._stopping = asyncio.Event()

    def begin(self) -> None:
        """Begin the session of an order with `hold_s`, with what is held; without, sensors begin it themselves."""
        if self._preroll is not None and not self._stopping.is_set():
            self._preroll.open()

    def stop(self, reason: End = End.INTERRUPTED) -> None:
        """End cleanly; only the first reason counts. May be called from a signal handler of the event loop.

        Called again while it ends, it no longer waits for what the sensors still have.
        """
        if self._stopping.is_set():
            for supervisor in self._supervisors:
                supervisor.hurry()
        self._reason = self._reason or reason
        self._stopping.set()

    def mark(self, text: str, leg: str = "", at_s: float | None = None) -> bool:
        """Keep a word said now, or at `at_s` of the session; False while no sensor streams: it has no time yet."""
        return self._sink.mark(text, leg, at_s)

    def elapsed(self) -> float:
        """Seconds since the session began; 0 before."""
        return self._sink.elapsed()

    async def run(self) -> Captured:
        """Record until `stop`, the duration is over, a battery is empty or the disk is full.

        Returns
        -------
        Captured

        Raises
        ------
        DeviceNotFound
            If no sensor streamed within `find_s`; nothing was written.
        BluetoothUnavailable
            If Bluetooth is not there to begin with; nothing was written.
        StorageError
            If the disk refused or is nearly full; everything before is kept.
        Exception
            What none of our errors explains, if it kept every sensor from being recorded.
        """
        tasks = [asyncio.ensure_future(supervisor.run()) for supervisor in self._supervisors]
        try:
            await self._keep_watch(tasks)
            self._sink.end(self._reason or End.INTERRUPTED)
            for supervisor in self._supervisors:
                supervisor.stop()
            await self._see_out(tasks)
        finally:  # also when this very task is cancelled: what was received is kept
            for task in tasks:
                task.cancel()
            outcome = await asyncio.gather(*tasks, return_exceptions=True)
            self._sink.end(self._reason or End.INTERRUPTED)
            self._note_absent()
            self._sink.close()
        self._complain([e for e in outcome if isinstance(e, Exception)])
        return Captured(
            folder=self._sink.folder,
            duration_s=self._sink.elapsed(),
            reason=self._reason or End.INTERRUPTED,
            sensors=self.status().sensors,
        )

    def status(self) -> Status:
        """The recording at this moment."""
        now = asyncio.get_running_loop().time()
        return Status(
            elapsed_s=self._sink.elapsed(),
            sensors=tuple(sensor_status(supervisor.standing, now) for supervisor in self._supervisors),
            free_bytes=host.free_bytes(self._order.root),
            folder=self._sink.folder,
            markers=self._sink.markers,
            is_ending=self._stopping.is_set(),
        )

    async def _keep_watch(self, tasks: Sequence[asyncio.Future[None]]) -> None:
        loop = asyncio.get_running_loop()
        stopping = asyncio.ensure_future(self._stopping.wait())
        begun = clocked = loop.time()
        looked = float("-inf")
        while not self._stopping.is_set():
            if loop.time() - looked >= HOST_S:
                looked = loop.time()
                self._look_at_host()
            pending: set[asyncio.Future[Any]] = {stopping, *(task for task in tasks if not task.done())}
            await asyncio.wait(pending, timeout=self._pause(), return_when=asyncio.FIRST_COMPLETED)
            self._tick()
            if self._sink.failure is not None:
                self.stop(End.DISK)
            elif any(task.done() and task.exception() for task in tasks):
                self.stop(End.FAILED)
            elif all(task.done() for task in tasks):
                self.stop(End.BATTERY)
            elif self._sink.elapsed() >= self._order.duration_s:
                self.stop(End.DURATION)
            elif self._sink.folder is None and loop.time() - begun >= self._order.find_s:
                self.stop(End.NOT_FOUND)
            if loop.time() - clocked >= CLOCK_S:
                clocked = loop.time()
                self._sink.write_clock()
        stopping.cancel()

    async def _see_out(self, tasks: Sequence[asyncio.Future[None]]) -> None:
        """Wait until every sensor is stopped, and keep showing how they stand."""
        while waiting := [task for task in tasks if not task.done()]:
            await asyncio.wait(waiting, timeout=STATUS_S)
            self._tick()

    def _pause(self) -> float:
        if self._stopping.is_set():
            return 0.0
        left = self._order.duration_s - self._sink.elapsed()
        return max(0.01, min(STATUS_S, left))

    def _tick(self) -> None:
        now = asyncio.get_running_loop().time()
        for supervisor in self._supervisors:
            supervisor.look(now)
        self._sink.heed()
        with suppress(OSError):  # whoever looks on may have gone
            self._on_status(self.status())

    def _look_at_host(self) -> None:
        if 0 <= host.free_bytes(self._order.root) < host.MIN_FREE_BYTES:
            self.stop(End.DISK)
        elif self._sink.folder is not None and host.charge() <= host.MIN_CHARGE:
            self.stop(End.BATTERY)

    def _note_absent(self) -> None:
        """Say in the recording which sensors were wanted and never came."""
        for supervisor in self._supervisors:
            wanted = supervisor.standing.wanted
            if not supervisor.standing.meter.received:
                why = supervisor.standing.problem or f"{wanted.identifier} was not seen"
                self._sink.note(wanted.placement, ABSENT, why)

    def _complain(self, failures: Sequence[Exception]) -> None:
        """Raise what kept the recording from being one."""
        folder = self._sink.folder
        if (failure := self._sink.failure) is not None:
            if folder is None or not any(s.standing.meter.received for s in self._supervisors):
                raise failure
            kept = f"{failure} What came before is in {folder}; make room, then `ankle-imu repair {folder.name}`."
            raise StorageError(kept, path=failure.path) from failure
        if self._reason is End.DISK:
            kept = f", so the recording was ended; it is kept in {folder}" if folder else "; nothing was recorded"
            raise StorageError(f"The disk is nearly full{kept}. Make room.", path=str(folder or self._order.root))
        failures = [*failures, *(s.failure for s in self._supervisors if s.failure is not None)]
        if failures and folder is None:
            raise failures[0]
        if folder is None and self._reason is not End.INTERRUPTED:
            raise DeviceNotFound(self._why_nothing_came())

    def _why_nothing_came(self) -> str:
        stands = [supervisor.standing for supervisor in self._supervisors]
        told = "; ".join(
            f"{s.wanted.placement}: {s.problem or f'{s.wanted.identifier} was not seen'}" for s in stands
        )
        return (
            f"No sensor could be started within {self._order.find_s:g} s ({told}). "
            "Wake the sensors, come nearer, and see whether `ankle-imu scan` finds them."
        )
