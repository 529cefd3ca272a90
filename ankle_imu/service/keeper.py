"""The shell around `states`: looks once a second, and does what follows."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from ankle_imu.capture import Captured, End, Order, Recorder, Wanted
from ankle_imu.devices.adapter import Adapter, Radio, Wish
from ankle_imu.devices.deadline import drop, within
from ankle_imu.errors import AnkleImuError, BluetoothUnavailable
from ankle_imu.service.computer import Computer
from ankle_imu.service.dating import UNSURE, redate, redate_all
from ankle_imu.service.mending import mend
from ankle_imu.service.movement import Movement
from ankle_imu.service.notify import notify
from ankle_imu.service.search import GRACE_S, Search
from ankle_imu.service.signs import Signs
from ankle_imu.service.states import HOLD_S, Action, Event, Situation, State, step
from ankle_imu.service.told import told_situation
from ankle_imu.values import SessionInfo

TICK_S: Final = 1.0
REMEDY_S: Final = 30.0
"""Longest wait for a remedy; switching the adapter off and on may take 20 s of D-Bus (`bluez_adapter`)."""
CONNECT_S: Final = 30.0
"""Sensors that advertise and do not stream so long after: connecting takes 10 s each (own choice)."""
LEAVE_S: Final = 10.0
"""Longest wait for what is still under way when the program ends."""
CLOCK_EVERY_S: Final = 15.0
STUCK_S: Final = 300.0
"""What takes longer to end than this never will: LAST_HEAL_S and the disconnections take half of it. The
watchdog is fed no more, and systemd starts the program anew."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What to record.

    Parameters
    ----------
    root : Path of the library
    sensors : gives the sensors to wait for, with a new adapter each
    info : SessionInfo, completed by each recording
    wish : Wish
    """

    root: Path
    sensors: Callable[[], Mapping[Wanted, Adapter]]
    info: SessionInfo = field(default_factory=SessionInfo)
    wish: Wish = field(default_factory=Wish)


class Keeper:
    """Runs unattended; `run` once.

    Parameters
    ----------
    radio : Radio
    setup : Setup
    say : takes one line for the journal
    signs : Signs
    computer : Computer
    """

    def __init__(
        self,
        radio: Radio,
        setup: Setup,
        say: Callable[[str], None],
        signs: Signs | None = None,
        computer: Computer | None = None,
    ) -> None:
        self._radio, self._setup = radio, setup
        self._signs, self._computer, self._say = signs or Signs(), computer or Computer(), say
        self.situation = Situation()
        self.last_session: Path | None = None
        self._left: Path | None = None
        self._movement = Movement()
        self._recorder: Recorder | None = None
        self._recording: asyncio.Task[Captured] | None = None
        self._search = Search(radio, self._identifiers, self._note)
        self._clock_at = float("-inf")
        self._errands: set[asyncio.Task[Any]] = set()
        self._leave = asyncio.Event()
        self._is_kept = self._is_clock_set = False
        self._problems: dict[str, str] = {}

    def leave(self) -> None:
        """End as soon as all is saved; may be called from a signal handler of the event loop."""
        self._leave.set()

    async def run(self) -> None:
        """Wait for the sensors, record, and wait again, until `leave`."""
        notify("READY=1")
        actions: tuple[Action, ...] = ()
        try:
            while Action.LEAVE not in actions:
                now = self._computer.steady_s()
                event = self._gather(now)
                before = self.situation.state
                self.situation, actions = step(self.situation, event, now)
                if self.situation.state is not before:
                    self._say(f"{before} -> {self.situation.state}")
                for action in actions:
                    self._do(action)
                self._show(now)
                if Action.LEAVE not in actions:
                    await self._pause()
        finally:
            notify("STOPPING=1")
            self._search.cancel()
            if self._errands:
                _, late = await asyncio.wait(self._errands, timeout=LEAVE_S)
                await asyncio.gather(*map(drop, late))
            await self._signs.close()

    async def _pause(self) -> None:
        if self._leave.is_set():
            await asyncio.sleep(TICK_S)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._leave.wait(), TICK_S)

    def _gather(self, now: float) -> Event:
        """All that can be seen at this moment."""
        if self.situation.state is State.IDLE and now >= self.situation.rest_until and not self._leave.is_set():
            self._search.look(now)
        self._look_at_clock(now)
        ended = self._ended()
        is_moving = self._movement.look()
        self._look_at_connecting(now)
        is_kept, self._is_kept = self._is_kept, False
        has_room = self._computer.has_room(self._setup.root)
        self._note("disk", "" if has_room else "The disk is nearly full; nothing is recorded until there is room.")
        return Event(
            is_seen=self._search.has_met(),
            is_streaming=self._movement.is_streaming,
            is_moving=is_moving,
            has_ended=ended,
            has_session=ended and self._left is not None,
            is_kept=is_kept,
            has_room=has_room,
            is_broken=not {"bluetooth", "connecting"}.isdisjoint(self._problems),
            is_clock_set=self._is_clock_set,
            is_leaving=self._leave.is_set(),
        )

    def _identifiers(self) -> set[str]:
        return {wanted.identifier for wanted in self._setup.sensors()}

    def _look_at_connecting(self, now: float) -> None:
        """Notice sensors that are seen and cannot be had; they are given up when they are out of sight."""
        if self._movement.is_streaming:
            self._note("connecting", "")
        elif self.situation.state is State.ARMED and now - self.situation.since >= CONNECT_S:
            told = self._recorder.status().sensors if self._recorder else ()
            why = next((f": {one.problem}" for one in told if one.problem), "")
            self._note("connecting", f"The sensors are seen but do not connect{why}".rstrip(".") + ".")

    def _look_at_clock(self, now: float) -> None:
        if not self._is_clock_set and now >= self._clock_at + CLOCK_EVERY_S:
            self._clock_at = now
            self._errand(self._ask_clock())

    async def _ask_clock(self) -> None:
        with suppress(TimeoutError):
            self._is_clock_set = await within(GRACE_S, self._computer.is_clock_set())

    def _ended(self) -> bool:
        """Whether the recorder is at its end; what it left is in `_left`."""
        if self._recording is None or not self._recording.done():
            return False
        recording, recorder = self._recording, self._recorder
        self._recording = self._recorder = None
        self._left = recorder.status().folder if recorder else None
        self.last_session = self._left or self.last_session
        error = recording.exception()
        if error is None:
            reason = recording.result().reason
            if reason is not End.INTERRUPTED:
                self.situation = replace(self.situation, why=str(reason))
        else:
            self.situation = replace(self.situation, why=str(error))
            self._say(str(error) if isinstance(error, AnkleImuError) else _trace(error))
            if isinstance(error, BluetoothUnavailable):
                self._note("bluetooth", str(error))
        return True

    def _do(self, action: Action) -> None:
        if action not in (Action.BEGIN, Action.LEAVE, Action.CONNECT):
            self._say(str(action))
        _DO[action](self)

    def _mend(self) -> None:
        async def work() -> None:
            for folder, problem in await asyncio.to_thread(mend, self._setup.root):
                self._say(f"{folder.name}: {problem or 'is whole again'}")

        self._errand(work())

    def _connect(self) -> None:
        sensors = self._setup.sensors()
        info = self._setup.info
        if not self._is_clock_set:
            info = replace(info, tags=(*info.tags, UNSURE))
        order = Order(
            sensors=sensors,
            root=self._setup.root,
            info=info,
            wish=self._setup.wish,
            find_s=float("inf"),
            hold_s=HOLD_S,
        )
        self._movement = Movement()
        self._recorder = Recorder(self._radio, order, listener=self._movement)
        self._recording = asyncio.ensure_future(self._recorder.run())

    def _begin(self) -> None:
        if self._recorder is not None:
            self._recorder.begin()

    def _finish(self) -> None:
        if self._recorder is not None:
            self._recorder.stop()

    def _keep(self) -> None:
        folder, moment = self._left, self._computer.moment()

        def work() -> None:
            mend(self._setup.root)
            if folder is not None and self._is_clock_set:
                redate(folder, moment)

        async def keep() -> None:
            try:
                await asyncio.to_thread(work)
            except (AnkleImuError, OSError) as error:
                self._say(f"{folder}: {error}")
            finally:
                self._is_kept = True

        self._errand(keep())

    def _redate(self) -> None:
        async def work() -> None:
            moment = self._computer.moment()
            for folder in await asyncio.to_thread(redate_all, self._setup.root, moment):
                self._say(f"{folder.name}: its date is right now")

        self._errand(work())

    def _cycle(self) -> None:
        self._errand(self._try(self._computer.power_cycle()))

    def _restart(self) -> None:
        self._errand(self._try(self._computer.restart_bluetooth()))

    async def _try(self, remedy: Awaitable[str]) -> None:
        try:
            told = await within(REMEDY_S, remedy)
        except TimeoutError:
            told = f"no answer in {REMEDY_S:g} s"
        self._say(f"... {told or 'done'}")
        self._search.hurry()

    def _leave_nothing(self) -> None:
        """The loop of `run` ends by itself."""

    def _errand(self, work: Awaitable[Any]) -> None:
        task = asyncio.ensure_future(work)
        self._errands.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._errands.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._say(_trace(error))

    def _note(self, about: str, problem: str) -> None:
        if problem and self._problems.get(about) != problem:
            self._say(problem)
        self._problems.pop(about, None)
        if problem:
            self._problems[about] = problem

    def _show(self, now: float) -> None:
        status = self._recorder.status() if self._recorder is not None else None
        told = told_situation(self.situation, now, status, self._problems, self.last_session)
        self._signs.show(told)
        is_stuck = (self.situation.is_finishing or self.situation.state is State.SAVED) and (
            now - self.situation.since > STUCK_S
        )
        notify(f"STATUS={told['words']}", *(() if is_stuck else ("WATCHDOG=1",)))


_DO: Final[Mapping[Action, Callable[[Keeper], None]]] = {
    Action.MEND: Keeper._mend,
    Action.CONNECT: Keeper._connect,
    Action.BEGIN: Keeper._begin,
    Action.FINISH: Keeper._finish,
    Action.KEEP: Keeper._keep,
    Action.REDATE: Keeper._redate,
    Action.CYCLE: Keeper._cycle,
    Action.RESTART: Keeper._restart,
    Action.LEAVE: Keeper._leave_nothing,
}


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)).rstrip()
