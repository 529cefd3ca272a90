"""`record`: sensors on the air become a session, while a person watches."""

from __future__ import annotations

import contextlib
import math
import signal
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

from ankle_imu.cli import bluetooth, failures, lab, living
from ankle_imu.cli.arguments import AsJson, Into, Person, library_root
from ankle_imu.cli.choosing import named_sensor, worn_sensors
from ankle_imu.cli.output import say, show, show_json

if TYPE_CHECKING:
    from ankle_imu.capture import Captured, Order, Recorder, Status, Wanted
    from ankle_imu.devices.adapter import Adapter, Radio
    from ankle_imu.live import Beside
    from ankle_imu.lsl import Outlets


def record(
    *,
    sensor: Annotated[
        list[str] | None,
        Parameter(
            name="--sensor",
            negative="",
            help="ID=PLACEMENT: address, name or serial, and where it is worn; may be repeated.",
        ),
    ] = None,
    simulate: Annotated[
        str,
        Parameter(name="--simulate", show_default=False, help="Record simulated sensors of this plan instead."),
    ] = "",
    duration: Annotated[
        float, Parameter(show_default=False, help="Seconds to record; without it, until Ctrl-C.")
    ] = math.inf,
    rate: Annotated[float, Parameter(help="Samples per second to ask for.")] = 208.0,
    out: Into = None,
    person: Person = "",
    load_kg: Annotated[
        float, Parameter(name="--load-kg", show_default=False, help="Weight worn at each ankle.")
    ] = 0.0,
    note: Annotated[str, Parameter(show_default=False, help="A word on this walk.")] = "",
    live: Annotated[
        bool,
        Parameter(name="--live", negative="", show_default=False, help="Serve a page that shows it on a phone."),
    ] = False,
    host: living.Host = living.LOCAL,
    port: living.Port = living.PORT,
    bell: living.Bell = False,
    lsl: lab.Lsl = False,
    lsl_from: lab.LslFrom = None,
    as_json: AsJson = False,
) -> int:
    """Record a walk from your sensors.

    Without --sensor the saved ones are used; with none saved, those in reach are shown and asked for. Stand
    still for 5 s, tap 8 times with each foot, stand still again, then walk. A line typed while it records
    becomes a marker. Ctrl-C ends and saves; so do an empty battery and a nearly full disk.

    With --live a page shows angles, sensors and rolls while you walk, leads through the set-up, and takes markers
    (`pip install 'ankle-imu[live]'`). A cue on it comes after the limit was passed: it cannot prevent that roll.
    With --lsl other programs of a lab get samples and markers; --lsl-from records what they send (`[lsl]`).
    """
    from ankle_imu.capture import Order
    from ankle_imu.devices.adapter import Wish
    from ankle_imu.library import default_alias
    from ankle_imu.manifest import check_alias
    from ankle_imu.values import SessionInfo

    if not live and (host, port, bell) != (living.LOCAL, living.PORT, False):
        raise failures.UsageError("--host, --port and --bell are the live page's; add --live.")
    page = living.Page(host=host, port=port, bell=bell) if live else None
    if page is not None:
        living.check_installed()
        living.bind_of(page)
    root = library_root(out)
    with failures.user_input():
        pairs = [pair_of(text) for text in sensor or ()]
        _check(duration > 0, f"--duration must be above 0 s, found {duration:g}.")
        _check(0 < rate <= 2000, f"--rate must be above 0 and at most 2000 Hz, found {rate:g}.")
        _check(0 <= load_kg < math.inf, f"--load-kg must be 0 kg or more, found {load_kg:g}.")
        _check(not (simulate and pairs), "--simulate brings its own sensors; leave out --sensor.")
        streams = [pair_of(text, "--lsl-from") for text in lsl_from or ()]
        _check(not (streams and (simulate or pairs)), "--lsl-from brings its own; leave out --sensor, --simulate.")
        _check(_is_text(note), "--note holds bytes that are no text.")
        alias = check_alias(person) if person else ""
    alias = alias or default_alias()
    source = lab.source(streams) if streams else None
    saved = {} if simulate or pairs or streams else worn_sensors(root)
    outlets = lab.outlets() if lsl else None

    async def work() -> Captured:
        async with contextlib.AsyncExitStack() as stack:
            if outlets is not None:
                stack.callback(outlets.close)
            if simulate:
                radio, sensors, longest = await simulated_sensors(stack, simulate)
            elif source is not None:
                (radio, sensors), longest = source, math.inf
            else:
                radio, longest = bluetooth.radio(), math.inf
                sensors = dict([await named_sensor(radio, root, *pair) for pair in pairs]) or saved
            legs = sorted({wanted.placement.split("_")[0] for wanted in sensors})
            info = SessionInfo(alias=alias, note=note, load_kg=dict.fromkeys(legs, load_kg) if load_kg else {})
            with failures.user_input():
                order = Order(
                    sensors=sensors,
                    root=root,
                    info=info,
                    wish=Wish(rate_hz=rate),
                    duration_s=min(duration, longest),
                )
            return await _record(radio, order, page, outlets)

    captured = bluetooth.run(work())
    return _close(captured, as_json)


async def _record(radio: Radio, order: Order, page: living.Page | None, outlets: Outlets | None) -> Captured:
    if page is None:
        return await _watched(radio, order, None, outlets)
    worn = [wanted.placement for wanted in order.sensors]
    beside = living.open_page(page, worn, order.root, order.info.alias)
    saved = ""
    try:
        opened = await beside.open()
        living.announce(page.host, opened.port, opened.code)
        captured = await _watched(radio, order, beside, outlets)
        saved = captured.folder.name if captured.folder else ""
    finally:
        await beside.close(saved)
    living.keep_verdicts(beside, captured)
    return captured


async def _watched(radio: Radio, order: Order, beside: Beside | None, outlets: Outlets | None) -> Captured:
    from ankle_imu.capture import Recorder, Together
    from ankle_imu.cli.keyboard import typed_lines
    from ankle_imu.cli.recording_view import watching

    early: list[str] = []

    def mark(line: str) -> None:
        if not recorder.mark(line or "marker"):
            early.append(line or "marker")

    def show(status: Status) -> None:
        while status.folder is not None and early:
            recorder.mark(early.pop(0))
        if beside is not None:
            beside.show(status)
        view.show(status)

    with watching() as view:
        recorder = Recorder(radio, order, show, Together([one for one in (beside, outlets) if one is not None]))
        if outlets is not None:
            outlets.serve(recorder.elapsed)
        if beside is not None:
            beside.serve(recorder)
        with ended_by_signals(recorder), typed_lines(mark, view.show_typing):
            return await recorder.run()


def pair_of(text: str, option: str = "--sensor") -> tuple[str, str]:
    """`ID=PLACEMENT` as the two."""
    from ankle_imu.frames import check_placement

    ref, _, placement = text.rpartition("=")
    _check(bool(ref), f"{option} {text!r} must be ID=PLACEMENT, for example C0:00:00:00:00:01=left_foot.")
    check_placement(placement)
    return ref, placement


def _check(is_so: bool, complaint: str) -> None:
    if not is_so:
        raise ValueError(complaint)


def _is_text(words: str) -> bool:
    try:
        words.encode()
    except UnicodeEncodeError:
        return False
    return True


async def simulated_sensors(
    stack: contextlib.AsyncExitStack, plan_name: str
) -> tuple[Radio, dict[Wanted, Adapter], float]:
    """Virtual sensors of a plan on a radio of their own, and how long the walk takes."""
    from ankle_imu.capture import Wanted
    from ankle_imu.devices import catalog
    from ankle_imu.simulate import named_plan, walk
    from ankle_imu.simulate.sensors.ankle import AnkleSensor
    from ankle_imu.simulate.sensors.peripheral import Beginning, Motion
    from ankle_imu.simulate.sensors.radio import VirtualRadio

    with failures.user_input():
        plan = named_plan(plan_name)
    walked, _ = walk(plan, 1)
    radio = await stack.enter_async_context(VirtualRadio())
    sensors: dict[Wanted, Adapter] = {}
    beginning = Beginning()  # one for all: a start of its own would part foot and shank by what the loop takes
    for n, (placement, series) in enumerate(walked.series.items(), 1):
        virtual = AnkleSensor(Motion(series, beginning), address=f"C0:00:00:00:00:{n:02X}", seed=n)
        await radio.add(virtual, loss=plan.loss, seed=n)
        sensors[Wanted(identifier=virtual.address, placement=placement, model="ankle")] = catalog.adapter("ankle")
    return radio, sensors, plan.duration_s


@contextlib.contextmanager
def ended_by_signals(recorder: Recorder) -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal end the recording cleanly; a second Ctrl-C without waiting."""
    import asyncio

    loop = asyncio.get_running_loop()
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    calls = 0

    def stop() -> None:
        nonlocal calls
        calls += 1
        recorder.stop()
        if calls == 2:  # a third one ends the program
            for number in numbers:
                loop.remove_signal_handler(number)

    try:
        for number in numbers:
            loop.add_signal_handler(number, stop)
    except (NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
        yield
        return
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def _close(captured: Captured, as_json: bool) -> int:
    """Say what was recorded and give the exit code."""
    from ankle_imu.cli.recording_view import measures, sensor_line, told
    from ankle_imu.report import words

    if captured.folder is None:
        say("Interrupted before a sensor streamed; nothing was recorded.")
        return 130
    if as_json:
        show_json(told(captured))
    for status in captured.sensors:
        say(sensor_line(status))
    say(f"{words.clock(captured.duration_s)} recorded; ended by {_END.get(captured.reason, captured.reason)}.")
    came = [s.wanted.placement for s in captured.sensors if s.received]
    for line in measures(came):
        say(line)
    if not as_json:
        show(captured.folder)
        if came:
            say("Next: `ankle-imu check last` for the losses, `ankle-imu report last --open` for the walk.")
    if captured.reason == "interrupted":
        return 130
    return 0 if all(s.received and s.away_s < _AWAY_S for s in captured.sensors) else 4


_AWAY_S: Final = 1.0
"""A sensor that was lost for less than this when the recording ended is not called lost."""

_END: Final[Mapping[str, str]] = {
    "interrupted": "you",
    "duration": "the time that was asked for",
    "battery": "an empty battery",
}
