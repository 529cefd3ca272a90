"""How a routine is run: with sensors, as fast as it is computed, or laid over a recorded session."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ankle_imu.cli import bluetooth, failures, practising_page
from ankle_imu.cli.practising_view import PracticeView, coaching

if TYPE_CHECKING:
    from ankle_imu.capture import Captured, Recorder, Status, Wanted
    from ankle_imu.cli.live_tilt import LiveTilt
    from ankle_imu.cli.living import Page
    from ankle_imu.cli.practising_sensors import Person, Sensors
    from ankle_imu.live.practice_beside import PracticeBeside
    from ankle_imu.practice.coach import Coach, Said
    from ankle_imu.practice.routine import Step
    from ankle_imu.values import Marker, Recording, SessionInfo

SIMULATED: Final = {"foot": ("foot",), "shank": ("shank",), "both": ("foot", "shank")}
LEAD_S: Final = 4.0
"""From the first sample to the first prompt, s: time for the other sensors to connect."""

TAIL_S: Final = 3.0
TICK_S: Final = 0.1
"""The screen moves ten times a second."""

SIMULATED_RATE: Final = 104.0


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A routine and what it is recorded into; `speed`: s of it in a second, of a simulation."""

    steps: tuple[Step, ...]
    pain_stop: int
    root: Path
    info: SessionInfo
    rate: float = 208.0
    seed: int = 1
    speed: float = 1.0


def lead(
    coach: Coach, hear: Callable[[Said], None], typed: Iterable[tuple[float, str]] = ()
) -> tuple[tuple[Marker, ...], float]:
    """Run a routine without waiting.

    Parameters
    ----------
    coach : Coach
    hear : called with everything that is said
    typed : lines with the time, s, at which they are typed

    Returns
    -------
    markers : in order
    end_s : float, s; a routine that is left paused ends there
    """
    from ankle_imu.values import Marker

    lines = sorted(typed)
    markers: list[Marker] = []
    now = 0.0
    while not coach.is_over:
        due = lines[0][0] if lines else math.inf
        if math.isinf(min(due, coach.next_s)):
            said = coach.stop(now)
        elif due < coach.next_s:
            now = due
            said = coach.take(now, lines.pop(0)[1])
        else:
            now = coach.next_s
            said = coach.advance(now)
        for one in said:
            hear(one)
            markers += [Marker(time_s=one.at_s, text=one.mark, leg=one.leg)] if one.mark else []
    return tuple(markers), now


def simulated(asked: Asked, segments: Sequence[str], markers: Sequence[Marker], end_s: float) -> Recording:
    """A person who follows the prompts."""
    from ankle_imu.practice.routine import ROCKING
    from ankle_imu.simulate.practice import follow

    holds = [step.hold_s for step in asked.steps if step.exercise != ROCKING]
    return follow(
        markers,
        end_s + TAIL_S,
        asked.seed,
        holds_s=holds,
        segments=tuple(segments),
        sampling_rate=SIMULATED_RATE,
        errors="typical",
        person_seed=1,
    )


def run_fast(asked: Asked, segments: Sequence[str], typed: Iterable[tuple[float, str]] = ()) -> tuple[Path, Coach]:
    """Simulated sensors and an accelerated clock: the session folder, and the coach at its end."""
    from ankle_imu.practice.coach import Coach
    from ankle_imu.practice.prompts import sees
    from ankle_imu.session_io import save_simulation

    coach = Coach(asked.steps, asked.pain_stop, LEAD_S)
    with coaching(sees(segments)) as view:
        markers, end = lead(coach, view.hear, typed)
    recording = simulated(asked, segments, markers, end)
    info = replace(asked.info, sensors=recording.session.sensors)
    return save_simulation(recording, asked.root, info=info), coach


def lay_over(asked: Asked, folder: Path, at_s: float) -> Coach:
    """Write the markers of a routine, begun `at_s` after its start, into a recorded session.

    Raises
    ------
    UsageError
        If the session is marked already, or ends before the routine.
    """
    from ankle_imu import recording
    from ankle_imu.cli.output import say
    from ankle_imu.manifest import to_toml
    from ankle_imu.practice.coach import Coach
    from ankle_imu.session_io import open_session

    walked = open_session(folder)
    if any(marker.text.startswith("practice ") for marker in walked.markers):
        raise failures.UsageError(f"{folder.name} is marked already; `ankle-imu practice report` tells of it.")
    coach = Coach(asked.steps, asked.pain_stop, at_s)
    markers, end = lead(coach, lambda said: None)
    if end > walked.duration + TAIL_S:
        raise failures.UsageError(
            f"{folder.name} lasts {walked.duration:.0f} s, but the routine from {at_s:g} s on ends at {end:.0f} s."
        )
    kept = recording.read_session_info(folder)
    info = replace(
        kept, kind=asked.info.kind, tags=(*kept.tags, *asked.info.tags), note=asked.info.note or kept.note
    )
    log = recording.read_log(recording.part_paths(folder))
    recording.write_session_info(folder, info)
    with recording.RecordingWriter(folder, start_ns=log.start_ns, session=to_toml(info), after=log) as writer:
        for marker in markers:
            writer.mark(marker.time_s, marker.text, marker.leg)
    say(f"{len(markers)} markers were written into {folder.name}.")
    return coach


def run_live(
    asked: Asked, sensors: Sensors, page: Page | None = None
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

    coach = Coach(asked.steps, asked.pain_stop, LEAD_S)

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


async def _record(person: Person, asked: Asked, coach: Coach, beside: PracticeBeside | None) -> Captured:
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
        """Do something with the coach now; what is said of it goes into the recording and on every screen."""
        now = asyncio.get_running_loop().time() - self._zero
        said = what(now)
        for one in said:
            if one.mark:
                self._recorder.mark(one.mark, one.leg)
            self._view.hear(one)
            if self._beside is not None:
                self._beside.hear(one, self._recorder.elapsed())
        self._person.follow(self._coach, now, now + self._zero)
        if self._beside is not None:
            self._beside.show_scene(now)
        return said

    async def run(self, streaming: asyncio.Event, typed_lines: Any) -> None:
        """Lead until it is over."""
        from ankle_imu.practice.coach import END

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
