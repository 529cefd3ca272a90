"""A routine with sensors: recorded while the coach leads, on the terminal and where asked for on a page."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from ankle_imu.cli import bluetooth, failures, practising_page
from ankle_imu.cli import practising_run as runs
from ankle_imu.cli.practising_view import PracticeView, coaching

if TYPE_CHECKING:
    from ankle_imu.capture import Captured, Recorder, Status, Wanted
    from ankle_imu.cli.live_tilt import LiveTilt
    from ankle_imu.cli.living import Page
    from ankle_imu.cli.practising_sensors import Person, Sensors
    from ankle_imu.live.practice_beside import PracticeBeside
    from ankle_imu.practice.coach import Coach, Said

TICK_S: Final = 0.1
"""The screen moves ten times a second."""


def run_live(
    asked: runs.Asked, sensors: Sensors, page: Page | None = None
) -> tuple[Captured, Coach, PracticeBeside | None]:
    """Record while the coach leads, in real time or at the pace of a simulation.

    Parameters
    ----------
    asked : Asked
    sensors : who is recorded
    page : where to serve a live page, None for none

    Returns
    -------
    captured : Captured
    coach : Coach, at its end
    beside : the page, still open for what it came to; None without
    """
    from ankle_imu.practice.coach import Coach
    from ankle_imu.simulate.pace import paced

    coach = Coach(asked.steps, asked.pain_stop, runs.LEAD_S)

    async def work() -> tuple[Captured, PracticeBeside | None]:
        async with contextlib.AsyncExitStack() as stack:
            person = await sensors(stack)
            if page is None:
                return await _record(person, asked, coach, None), None
            worn = [wanted.placement for wanted in person.sensors]
            beside = await practising_page.open_practice(page, asked, coach, worn)
            try:
                return await _record(person, asked, coach, beside), beside
            except BaseException:
                await beside.close()
                raise

    captured, beside = bluetooth.run(work(), paced(asked.speed))
    return captured, coach, beside


async def _record(person: Person, asked: runs.Asked, coach: Coach, beside: PracticeBeside | None) -> Captured:
    from ankle_imu.capture import End, Order, Recorder
    from ankle_imu.cli.keyboard import typed_lines
    from ankle_imu.cli.live_tilt import LiveTilt, Tapped
    from ankle_imu.cli.recording import ended_by_signals
    from ankle_imu.devices.adapter import Wish
    from ankle_imu.practice.prompts import sees

    live = LiveTilt()
    tapped: dict[Wanted, Any] = {w: Tapped(one, w.placement, live) for w, one in person.sensors.items()}
    with failures.user_input():
        order = Order(sensors=tapped, root=asked.root, info=asked.info, wish=Wish(rate_hz=asked.rate))
    streaming = asyncio.Event()

    def heard(status: Status) -> None:
        if beside is not None:
            beside.show(status)
        if status.folder is not None:
            streaming.set()

    recorder = Recorder(person.radio, order, heard, beside)
    if beside is not None:
        beside.serve(recorder)
    segments = {w.placement.split("_")[1] for w in person.sensors}
    with coaching(sees(segments)) as view, ended_by_signals(recorder):
        task = asyncio.ensure_future(recorder.run())
        guide = _Guide(coach, recorder, view, live, person, beside)
        guiding = asyncio.ensure_future(guide.run(streaming, typed_lines))
        await asyncio.wait({task, guiding}, return_when=asyncio.FIRST_COMPLETED)
        if guiding.done() and not task.done():
            recorder.stop(End.DURATION)
        captured = await task
        guiding.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await guiding
    return captured


class _Guide:
    """Says, marks and shows what is due; the one place where terminal and page reach the coach."""

    def __init__(
        self,
        coach: Coach,
        recorder: Recorder,
        view: PracticeView,
        live: LiveTilt,
        person: Person,
        beside: PracticeBeside | None,
    ) -> None:
        self._coach, self._recorder, self._view, self._live = coach, recorder, view, live
        self._person, self._beside = person, beside
        self._zero = math.nan

    def _do(self, what: Callable[[float], Sequence[Said]]) -> Sequence[Said]:
        """Do something with the coach now; what is said of it goes into the recording and on every screen.

        A word is marked for when it was due: the coach counts from there, also where a busy computer was late.
        """
        now = asyncio.get_running_loop().time() - self._zero
        said = what(now)
        for one in said:
            at_s = max(0.0, self._recorder.elapsed() - (now - one.at_s))
            if one.mark:
                self._recorder.mark(one.mark, one.leg, at_s)
            self._view.hear(one)
            if self._beside is not None:
                self._beside.hear(one, at_s)
        self._person.follow(self._coach, now, now + self._zero)
        if self._beside is not None:
            self._beside.show_scene(now)
        return said

    async def run(self, streaming: asyncio.Event, typed_lines: Any) -> None:
        """Lead until it is over."""
        from ankle_imu.practice.moments import END

        await streaming.wait()
        loop, coach, live = asyncio.get_running_loop(), self._coach, self._live
        self._zero = loop.time()
        if self._beside is not None:
            self._beside.lead(self._do)

        def take(line: str) -> None:
            self._do(lambda now: coach.take(now, line))

        with typed_lines(take, self._view.show_typing):
            while not coach.is_over:
                was_neutral = coach.step.exercise == "neutral"
                said = self._do(coach.advance)
                if was_neutral and any(one.mark == END for one in said):
                    live.set_neutral()
                now = loop.time() - self._zero
                self._view.show(coach.scene(now), live.words(coach.step.leg, coach.step.exercise))
                await asyncio.sleep(min(TICK_S, max(0.01, coach.next_s - now)))
        self._do(coach.advance)
        await asyncio.sleep(TICK_S)
