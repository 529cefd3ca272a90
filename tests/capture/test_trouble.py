"""What must not end a recording, and what must not be lost when it ends badly. Everything here misbehaves."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simulated_time import run

from ankle_imu import recording
from ankle_imu.capture import Captured, End, Order, Recorder, Wanted, host
from ankle_imu.capture import sink as sink_module
from ankle_imu.devices.adapter import Deliver, Identity, Link, Sighting, Stream, Wish
from ankle_imu.errors import BluetoothUnavailable, ConnectionLost, ProtocolError, StorageError
from ankle_imu.frames import PLACEMENTS
from ankle_imu.library import change_tags
from ankle_imu.recording import SessionLog, part_paths, read_log, read_session_info
from ankle_imu.session_io import open_session
from ankle_imu.values import SessionInfo
from ankle_imu.wire import ankle

CONFIG = {"acc_range_g": 16.0, "gyr_range_dps": 2000.0, "nominal_rate_hz": 100.0}


def packets() -> list[bytes]:
    rng = np.random.default_rng(0)
    n = 20_000
    acc, gyr = rng.normal(0.0, 5.0, (n, 3)), rng.normal(0.0, 1.0, (n, 3))
    ranges = {"acc_range_g": 16.0, "gyr_range_dps": 2000.0}
    return [p for _, p in ankle.encode(np.arange(n) / 100.0, acc, gyr, **ranges, samples_per_packet=5)]


PACKETS = packets()


class FakeLink:
    mtu = 247

    def __init__(self, identifier: str) -> None:
        self.identifier = identifier
        self.end: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.close_s = 0.0

    def has(self, uuid: str) -> bool:
        return True

    async def wait_lost(self) -> str:
        return await asyncio.shield(self.end)

    def lose(self) -> None:
        if not self.end.done():
            self.end.set_result("test")

    async def close(self) -> None:
        await asyncio.sleep(self.close_s)
        self.lose()


@dataclass
class FakeRadio:
    """Sensors `here` are found in 0.1 s; `error` is raised by every call while it is set."""

    here: set[str] = field(default_factory=lambda: {"A", "B"})
    error: Exception | None = None
    scan_s: float = 0.1
    links: list[FakeLink] = field(default_factory=list)

    async def scan(self, seconds: float, *, is_enough: Callable[[Sighting], bool] | None = None) -> list[Sighting]:
        await asyncio.sleep(self.scan_s)
        if self.error:
            raise self.error
        found = [Sighting(identifier=one) for one in sorted(self.here)]
        if not any(is_enough and is_enough(seen) for seen in found):
            await asyncio.sleep(seconds)
        return found

    async def release(self, identifier: str) -> bool:
        return False

    async def connect(self, seen: Sighting, *, timeout: float) -> FakeLink:
        await asyncio.sleep(0.1)
        if self.error:
            raise self.error
        self.links.append(FakeLink(seen.identifier))
        return self.links[-1]


@dataclass
class FakeAdapter:
    """Sends five samples every 50 ms; the callables replace what a method would do."""

    model: str = "ankle"
    calls: list[tuple[float, str]] = field(default_factory=list)
    at_identify: Callable[[int], None] = lambda n: None
    at_stop: Callable[[], None] = lambda: None
    at_battery: Callable[[], float] = lambda: 0.9
    start_s: float = 0.0
    heal_s: float = 0.0
    deliver: Deliver | None = None
    pump: asyncio.Task[None] | None = None
    sent: int = 0

    def call(self, name: str) -> int:
        self.calls.append((asyncio.get_running_loop().time(), name))
        return sum(known == name for _, known in self.calls)

    def times(self, name: str) -> list[float]:
        return [at for at, known in self.calls if known == name]

    async def identify(self, link: Link) -> Identity:
        self.at_identify(self.call("identify"))
        return Identity(serial="7", battery=0.9)

    async def start(self, link: Link, wish: Wish, deliver: Deliver) -> Stream:
        self.call("start")
        await asyncio.sleep(self.start_s)
        if self.pump is not None:
            self.pump.cancel()
        self.deliver = deliver
        self.pump = asyncio.ensure_future(self.go_on())
        return Stream(protocol="ankle", config=CONFIG)

    async def go_on(self) -> None:
        while True:
            await asyncio.sleep(0.05)
            if self.deliver is not None:
                self.deliver("packet", PACKETS[self.sent])
                self.sent += 1

    async def stop(self, link: Link) -> None:
        self.call("stop")
        self.at_stop()
        if self.pump is not None:
            self.pump.cancel()

    async def battery(self, link: Link) -> float:
        self.call("battery")
        return self.at_battery()


@dataclass
class HealingAdapter(FakeAdapter):
    async def heal(self, link: Link) -> int:
        self.call("heal")
        await asyncio.sleep(self.heal_s)
        return 0

    async def end_log(self, link: Link, *, is_safe: bool) -> None:
        self.call(f"end_log, safe: {is_safe}")


Plan = Callable[[Recorder, FakeRadio], None]


def capture(
    root: Path,
    *adapters: FakeAdapter,
    seconds: float = 20.0,
    radio: FakeRadio | None = None,
    plan: Plan = lambda recorder, radio: None,
) -> Captured:
    async def work() -> Captured:
        air = radio or FakeRadio()
        sensors = {
            Wanted(identifier="AB"[n], placement=PLACEMENTS[n], model="ankle"): adapter
            for n, adapter in enumerate(adapters)
        }
        order = Order(sensors=sensors, root=root, duration_s=seconds, info=SessionInfo(alias="P-test"))  # type: ignore[arg-type]
        recorder = Recorder(air, order)  # type: ignore[arg-type]
        plan(recorder, air)
        return await recorder.run()

    return run(work())


def after(seconds: float, do: Callable[[], Any]) -> None:
    asyncio.get_running_loop().call_later(seconds, do)


def log_of(root: Path) -> SessionLog:
    (folder,) = root.glob("people/*/*/*")
    return read_log(part_paths(folder))


def kept(log: SessionLog, n: int = 0) -> int:
    return sum(len(s.packets) for s in log.streams if s.placement == PLACEMENTS[n])


def test_a_bug_in_one_adapter_leaves_the_other_sensor_alone(tmp_path: Path) -> None:
    def fail(n: int) -> None:
        if n > 1:
            raise KeyError("nonsense")

    bad, good = FakeAdapter(at_identify=fail), FakeAdapter()
    captured = capture(tmp_path, bad, good, plan=lambda _, radio: after(5.0, lambda: radio.links[0].lose()))
    assert captured.reason is End.DURATION
    log = log_of(tmp_path)
    assert kept(log, 1) > 380
    assert "bug: KeyError" in captured.sensors[0].problem
    assert any("KeyError" in event.text and "test_trouble.py" in event.text for event in log.events)


def test_a_bug_that_keeps_every_sensor_from_being_recorded_is_raised(tmp_path: Path) -> None:
    def fail(n: int) -> None:
        raise KeyError("nonsense")

    with pytest.raises(KeyError):
        capture(tmp_path, FakeAdapter(at_identify=fail), plan=lambda recorder, _: after(30.0, recorder.stop))


def test_bluetooth_that_restarts_is_waited_for_though_a_sensor_was_never_met(tmp_path: Path) -> None:
    def plan(recorder: Recorder, radio: FakeRadio) -> None:
        def switch(error: Exception | None) -> None:
            radio.error = error

        after(5.0, lambda: switch(BluetoothUnavailable("bluetoothd restarts")))
        after(6.0, lambda: radio.links[0].lose())
        after(9.0, lambda: switch(None))

    captured = capture(tmp_path, FakeAdapter(), FakeAdapter(), radio=FakeRadio(here={"A"}), plan=plan)
    assert captured.reason is End.DURATION
    assert kept(log_of(tmp_path)) > 240


def test_a_chore_that_fails_is_noted_and_tried_again(tmp_path: Path) -> None:
    def fail() -> float:
        raise ValueError("odd answer")

    adapter = FakeAdapter(at_battery=fail)
    capture(tmp_path, adapter, seconds=200.0)
    assert len(adapter.times("battery")) == 3
    assert sum("odd answer" in event.text for event in log_of(tmp_path).events) == 3


def test_a_link_that_does_not_close_holds_nobody_up(tmp_path: Path) -> None:
    def plan(recorder: Recorder, radio: FakeRadio) -> None:
        after(5.0, lambda: setattr(radio.links[0], "close_s", 1e9))

    captured = capture(tmp_path, FakeAdapter(), plan=plan)
    assert captured.duration_s < 40.0


def test_a_scan_that_does_not_end_is_given_up(tmp_path: Path) -> None:
    radio = FakeRadio(scan_s=1e9)

    def plan(recorder: Recorder, radio: FakeRadio) -> None:
        after(20.0, lambda: setattr(radio, "scan_s", 0.1))

    assert capture(tmp_path, FakeAdapter(), radio=radio, plan=plan).reason is End.DURATION


def test_a_sensor_that_could_not_be_stopped_was_lost(tmp_path: Path) -> None:
    def fail() -> None:
        raise ConnectionLost("gone")

    capture(tmp_path, FakeAdapter(at_stop=fail))
    events = [event.event for event in log_of(tmp_path).events if event.placement == PLACEMENTS[0]]
    assert events[-1] == "lost"
    assert "stopped" not in events


def test_a_sensor_that_is_healing_is_stopped_all_the_same(tmp_path: Path) -> None:
    adapter = HealingAdapter(heal_s=60.0)
    captured = capture(tmp_path, adapter)
    (stopped,) = adapter.times("stop")
    assert stopped == pytest.approx(adapter.times("start")[0] + 20.0, abs=2.0)
    assert [name for _, name in adapter.calls][-2:] == ["heal", "end_log, safe: True"]
    assert captured.sensors[0].state == "stopped"


def test_a_second_stop_does_not_wait_for_what_the_sensor_still_has(tmp_path: Path) -> None:
    adapter = HealingAdapter(heal_s=1e4)

    def plan(recorder: Recorder, radio: FakeRadio) -> None:
        after(5.0, recorder.stop)
        after(8.0, recorder.stop)

    captured = capture(tmp_path, adapter, plan=plan)
    assert adapter.calls[-1][1] == "end_log, safe: True"
    assert adapter.calls[-1][0] < 1010.0
    assert captured.reason is End.INTERRUPTED
    assert log_of(tmp_path).damage == ()


def test_stop_does_not_wait_for_a_sensor_that_starts(tmp_path: Path) -> None:
    slow = FakeAdapter(start_s=15.0)
    captured = capture(tmp_path, FakeAdapter(), slow, plan=lambda recorder, _: after(3.0, recorder.stop))
    assert captured.duration_s < 5.0


def test_a_recording_that_is_cancelled_is_closed_and_kept(tmp_path: Path) -> None:
    async def work() -> None:
        wanted = Wanted(identifier="A", placement=PLACEMENTS[0], model="ankle")
        order = Order(sensors={wanted: FakeAdapter()}, root=tmp_path, info=SessionInfo(alias="P-test"))  # type: ignore[dict-item]
        task = asyncio.ensure_future(Recorder(FakeRadio(), order).run())  # type: ignore[arg-type]
        await asyncio.sleep(10.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(work())
    log = log_of(tmp_path)
    assert log.damage == ()
    assert kept(log) > 180


def test_the_sensors_own_copy_stays_when_the_disk_did_not_take_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = HealingAdapter()

    def plan(recorder: Recorder, radio: FakeRadio) -> None:
        def fill() -> None:
            def refuse(*_: object) -> None:
                raise StorageError("The disk is full.")

            monkeypatch.setattr(recording.RecordingWriter, "append", refuse)

        after(8.0, fill)

    with pytest.raises(StorageError, match=r"full\. What came before is in .*; make room, then `ankle-imu repair"):
        capture(tmp_path, adapter, plan=plan)
    assert adapter.calls[-1][1] == "end_log, safe: False"
    assert kept(log_of(tmp_path)) > 140


def test_what_a_dead_link_still_says_is_not_of_the_next_stream(tmp_path: Path) -> None:
    adapter = FakeAdapter()

    def plan(recorder: Recorder, radio: FakeRadio) -> None:
        after(5.0, lambda: setattr(radio.links[0], "close_s", 6.0))
        after(5.1, lambda: radio.links[0].lose())

    capture(tmp_path, adapter, plan=plan)
    (stream,) = log_of(tmp_path).streams
    arrivals = np.array([at for at, _ in stream.packets])
    assert np.diff(arrivals).max() > 5.5, "packets of the closing link were taken for new ones"
    assert (np.diff(arrivals) >= 0).all()


def test_session_info_does_not_hold_up_the_radio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow disk under `session.toml`: the event loop goes on at once, and the file is whole at the end."""
    blocked: list[float] = []
    write, begin = recording.write_session_info, sink_module.SessionSink.begin

    def slow(folder: Path, info: SessionInfo, **how: Any) -> Path:
        if len(info.sensors) > 1:
            time.sleep(0.3)
        return write(folder, info, **how)

    def timed(self: sink_module.SessionSink, *given: Any) -> None:
        start = time.perf_counter()
        begin(self, *given)
        blocked.append(time.perf_counter() - start)

    monkeypatch.setattr(recording, "write_session_info", slow)
    monkeypatch.setattr(sink_module.SessionSink, "begin", timed)
    captured = capture(tmp_path, FakeAdapter(), FakeAdapter())
    assert captured.folder is not None
    assert blocked[1] < 0.25, "the second sensor waited for the disk"
    assert set(open_session(captured.folder).session.sensors) == set(PLACEMENTS[:2])


def test_what_is_edited_while_recording_survives_a_sensor_that_comes_later(tmp_path: Path) -> None:
    late = FakeAdapter(start_s=8.0)

    def edit() -> None:
        (path,) = tmp_path.glob("people/*/*/*/session.toml")
        assert len(read_session_info(path.parent).sensors) == 1, "the second one came before"
        change_tags(path.parent, ["physio"])
        path.write_text(path.read_text().replace('note = ""', 'note = "wet"  # by hand'))

    captured = capture(tmp_path, FakeAdapter(), late, plan=lambda recorder, radio: after(5.0, edit))
    assert captured.folder is not None
    info = read_session_info(captured.folder)
    assert (info.tags, info.note, set(info.sensors)) == (("physio",), "wet", set(PLACEMENTS[:2]))
    assert "# by hand" in (captured.folder / "session.toml").read_text()


def test_a_full_disk_is_told_before_any_sensor_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "free_bytes", lambda path: 1000)
    with pytest.raises(StorageError, match="nothing was recorded"):
        capture(tmp_path, FakeAdapter())


def test_waits_grow_though_each_try_takes_long(tmp_path: Path) -> None:
    def fail(n: int) -> None:
        raise ProtocolError("no")

    class Slow(FakeAdapter):
        async def identify(self, link: Link) -> Identity:
            await asyncio.sleep(4.0)
            return await super().identify(link)

    adapter = Slow(at_identify=fail)
    with pytest.raises(Exception, match="No sensor could be started"):
        capture(tmp_path, adapter)
    waits = np.diff(adapter.times("identify"))
    assert waits[-1] > waits[0] + 3.0


def test_whoever_looks_on_may_go(tmp_path: Path) -> None:
    async def work() -> Captured:
        def gone(status: object) -> None:
            raise OSError("terminal closed")

        wanted = Wanted(identifier="A", placement=PLACEMENTS[0], model="ankle")
        order = Order(
            sensors={wanted: FakeAdapter()}, root=tmp_path, duration_s=5.0, info=SessionInfo(alias="P-t")
        )  # type: ignore[dict-item]
        return await Recorder(FakeRadio(), order, gone).run()  # type: ignore[arg-type]

    assert run(work()).reason is End.DURATION


def test_json_in_events_is_whole(tmp_path: Path) -> None:
    """What is told of an error may hold any character."""

    def fail(n: int) -> None:
        if n > 1:
            raise ProtocolError('refused: "\\ \n\x00ü')

    capture(
        tmp_path,
        FakeAdapter(at_identify=fail),
        FakeAdapter(),
        plan=lambda _, radio: after(5.0, lambda: radio.links[0].lose()),
    )
    told = [event.text for event in log_of(tmp_path).events if event.event == "problem"]
    assert json.loads(json.dumps(told)) == told
    assert any("ü" in text for text in told)


def test_a_sensor_that_an_earlier_program_still_holds_is_freed(tmp_path: Path) -> None:
    """A killed program's link: the sensor is not seen until it is released."""

    class Held(FakeRadio):
        async def release(self, identifier: str) -> bool:
            was_held = identifier not in self.here
            self.here.add(identifier)
            return was_held

    captured = capture(tmp_path, FakeAdapter(), radio=Held(here=set()))
    assert captured.reason is End.DURATION
    assert kept(log_of(tmp_path)) > 350


def test_a_sensor_that_never_came_stands_in_the_recording(tmp_path: Path) -> None:
    captured = capture(tmp_path, FakeAdapter(), FakeAdapter(), radio=FakeRadio(here={"A"}))
    (absent,) = [event for event in log_of(tmp_path).events if event.event == "absent"]
    assert absent.placement == PLACEMENTS[1]
    assert captured.sensors[1].received == 0


def test_a_sensor_that_was_away_at_the_end_is_told(tmp_path: Path) -> None:
    def plan(recorder: Recorder, radio: FakeRadio) -> None:
        after(8.0, radio.here.clear)
        after(10.0, lambda: radio.links[0].lose())

    captured = capture(tmp_path, FakeAdapter(), FakeAdapter(), plan=plan)
    assert captured.sensors[0].away_s == pytest.approx(10.0, abs=1.5)
    assert captured.sensors[1].away_s == 0.0


def test_a_session_ends_when_it_was_told_to(tmp_path: Path) -> None:
    """Though a sensor takes its time to stop, nothing after the end is missing."""
    adapter = HealingAdapter(heal_s=8.0)
    captured = capture(tmp_path, adapter)
    assert captured.folder is not None
    assert captured.duration_s == pytest.approx(20.0, abs=0.1)
    recorded = open_session(captured.folder)
    assert recorded.duration == pytest.approx(20.0, abs=0.3)
    assert recorded.loss[PLACEMENTS[0]].lost == 0
