"""How a routine is run: in real time with sensors, as fast as it is computed, or laid over a recorded session."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ankle_imu.cli import bluetooth, failures
from ankle_imu.cli.practising_view import PracticeView, coaching

if TYPE_CHECKING:
    from ankle_imu.capture import Captured, Recorder, Status, Wanted
    from ankle_imu.cli.live_tilt import LiveTilt
    from ankle_imu.devices.adapter import Adapter, Radio
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
    """A routine and what it is recorded into."""

    steps: tuple[Step, ...]
    pain_stop: int
    root: Path
    info: SessionInfo
    rate: float = 208.0
    seed: int = 1


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


Sensors = Callable[[contextlib.AsyncExitStack], Any]
"""Gives, awaited: Radio, sensors, when the simulated person begins (loop time; NaN for real ones)."""


def run_live(asked: Asked, sensors: Sensors) -> tuple[Captured, Coach]:
    """Real time: record while the coach leads."""
    from ankle_imu.practice.coach import Coach

    coach = Coach(asked.steps, asked.pain_stop, LEAD_S)

    async def work() -> Captured:
        async with contextlib.AsyncExitStack() as stack:
            radio, found, begun = await sensors(stack)
            return await _record(radio, found, asked, coach, begun)

    return bluetooth.run(work()), coach


async def _record(
    radio: Radio, sensors: dict[Wanted, Adapter], asked: Asked, coach: Coach, begun: float
) -> Captured:
    from ankle_imu.capture import End, Order, Recorder
    from ankle_imu.cli.keyboard import typed_lines
    from ankle_imu.cli.live_tilt import LiveTilt, Tapped
    from ankle_imu.cli.recording import ended_by_signals
    from ankle_imu.devices.adapter import Wish
    from ankle_imu.practice.prompts import sees

    live = LiveTilt()
    tapped: dict[Wanted, Any] = {w: Tapped(one, w.placement, live) for w, one in sensors.items()}
    with failures.user_input():
        order = Order(sensors=tapped, root=asked.root, info=asked.info, wish=Wish(rate_hz=asked.rate))
    streaming = asyncio.Event()

    def heard(status: Status) -> None:
        if status.folder is not None:
            streaming.set()

    recorder = Recorder(radio, order, heard)
    legs = {w.placement.split("_")[0] for w in sensors}
    segments = {w.placement.split("_")[1] for w in sensors}
    with coaching(sees(segments) if legs else "") as view, ended_by_signals(recorder):
        task = asyncio.ensure_future(recorder.run())
        guiding = asyncio.ensure_future(_guide(coach, recorder, view, live, streaming, begun, typed_lines))
        await asyncio.wait({task, guiding}, return_when=asyncio.FIRST_COMPLETED)
        if guiding.done() and not task.done():
            recorder.stop(End.DURATION)
        captured = await task
        guiding.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await guiding
    return captured


async def _guide(
    coach: Coach,
    recorder: Recorder,
    view: PracticeView,
    live: LiveTilt,
    streaming: asyncio.Event,
    begun: float,
    typed_lines: Any,
) -> None:
    """Say and mark what is due, until it is over."""
    from ankle_imu.practice.coach import END

    await streaming.wait()
    loop = asyncio.get_running_loop()
    zero = loop.time() if math.isnan(begun) else begun

    def tell(said: Sequence[Said]) -> None:
        for one in said:
            if one.mark:
                recorder.mark(one.mark, one.leg)
            view.hear(one)

    def take(line: str) -> None:
        tell(coach.take(loop.time() - zero, line))

    with typed_lines(take, view.show_typing):
        while not coach.is_over:
            now = loop.time() - zero
            was_neutral = coach.step.exercise == "neutral"
            said = coach.advance(now)
            if was_neutral and any(one.mark == END for one in said):
                live.set_neutral()
            tell(said)
            view.show(coach.scene(now), live.words(coach.step.leg, coach.step.exercise))
            await asyncio.sleep(min(TICK_S, max(0.01, coach.next_s - now)))
    await asyncio.sleep(TICK_S)


def simulated_sensors(asked: Asked, segments: Sequence[str]) -> Sensors:
    """Virtual sensors on a person who follows the undisturbed routine in real time."""

    async def make(stack: contextlib.AsyncExitStack) -> Any:
        from ankle_imu.capture import Wanted
        from ankle_imu.devices import catalog
        from ankle_imu.practice.coach import Coach
        from ankle_imu.simulate.sensors.ankle import AnkleSensor
        from ankle_imu.simulate.sensors.peripheral import Motion
        from ankle_imu.simulate.sensors.radio import VirtualRadio

        markers, end = lead(Coach(asked.steps, asked.pain_stop, LEAD_S), lambda said: None)
        person = simulated(asked, segments, markers, end)
        radio = await stack.enter_async_context(VirtualRadio())
        begun = asyncio.get_running_loop().time()
        sensors: dict[Wanted, Adapter] = {}
        for n, (placement, series) in enumerate(person.series.items(), 1):
            virtual = AnkleSensor(Motion(series, start=begun), address=f"C0:00:00:00:00:{n:02X}", seed=n)
            await radio.add(virtual, loss=0.0, seed=n)
            wanted = Wanted(identifier=virtual.address, placement=placement, model="ankle")
            sensors[wanted] = catalog.adapter("ankle")
        return radio, sensors, begun

    return make


def real_sensors(root: Path, named: Sequence[tuple[str, str]]) -> Sensors:
    """The sensors that are named, else the saved ones."""
    from ankle_imu.cli.choosing import named_sensor, worn_sensors

    saved = {} if named else worn_sensors(root)

    async def make(stack: contextlib.AsyncExitStack) -> Any:
        radio = bluetooth.radio()
        found = dict([await named_sensor(radio, root, *pair) for pair in named]) or saved
        return radio, found, math.nan

    return make
