"""A recorder with pages open: what they say is kept, and whatever else they do the recording is the same."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from live_site import PAIR

import ankle_imu as ai
from ankle_imu.capture import Captured, End, Order, Recorder, Wanted
from ankle_imu.devices import catalog
from ankle_imu.live import Beside
from ankle_imu.live.serving import Bind
from ankle_imu.live.walk import Worn
from ankle_imu.recording import part_paths, read_log
from ankle_imu.session_io import open_session
from ankle_imu.simulate.sensors.ankle import AnkleSensor
from ankle_imu.simulate.sensors.peripheral import Motion
from ankle_imu.simulate.sensors.radio import VirtualRadio
from ankle_imu.values import SessionInfo

client = pytest.importorskip("websockets.asyncio.client", reason="the extra `live` is not installed")

Act = Callable[[int, Recorder], Awaitable[None]]


def record(walk: ai.Recording, root: Path, act: Act, listener: Any = None) -> tuple[Captured, Beside | None]:
    """Record from virtual sensors in real time until `act` has done its part."""

    async def work() -> tuple[Captured, Beside | None]:
        async with VirtualRadio() as radio:
            sensors = {}
            for n, placement in enumerate(PAIR, 1):
                motion = Motion(walk.series[placement], start=asyncio.get_running_loop().time())
                virtual = AnkleSensor(motion, address=f"C0:00:00:00:00:{n:02X}", seed=n)
                await radio.add(virtual, seed=n)
                wanted = Wanted(identifier=virtual.address, placement=placement, model="ankle")
                sensors[wanted] = catalog.adapter("ankle")
            order = Order(sensors=sensors, root=root, info=SessionInfo(alias="P-test"), duration_s=50.0)
            beside = Beside(Bind(port=0), Worn(placements=PAIR)) if listener is None else None
            opened = await beside.open() if beside else None
            recorder = Recorder(
                radio, order, beside.show if beside else lambda s: None, listener=beside or listener
            )
            if beside:
                beside.serve(recorder)
            running = asyncio.ensure_future(recorder.run())
            while recorder.elapsed() == 0:
                await asyncio.sleep(0.05)
            await act(opened.port if opened else 0, recorder)
            recorder.stop(End.INTERRUPTED)
            captured = await running
            if beside:
                await beside.close("saved")
            return captured, beside

    return asyncio.run(work())


def connect(port: int) -> Any:
    return client.connect(f"ws://127.0.0.1:{port}/socket", origin=f"http://127.0.0.1:{port}", proxy=None)


async def hear(page: Any, kind: str) -> dict[str, Any]:
    while (message := json.loads(await asyncio.wait_for(page.recv(), 10.0)))["k"] != kind:
        pass
    return message


def is_whole(captured: Captured) -> None:
    """Every sample the sensors sent is in the recording."""
    assert captured.folder is not None
    assert [s.lost for s in captured.sensors] == [0, 0]
    log = read_log(part_paths(captured.folder))
    assert log.damage == ()
    series = open_session(captured.folder).series
    for sensor in captured.sensors:
        assert series[sensor.wanted.placement].is_valid.sum() == sensor.received > 100


def test_what_a_page_says_is_kept(walk: ai.Recording, tmp_path: Path) -> None:
    at: dict[str, float] = {}

    async def act(port: int, recorder: Recorder) -> None:
        async with connect(port) as page, connect(port) as other:
            assert (await hear(page, "hello"))["placements"] == list(PAIR)
            await hear(page, "a")

            async def say(**word: Any) -> None:
                await page.send(json.dumps(word))
                assert (await hear(page, "ok"))["id"] == word["id"]

            at["stumble"] = recorder.elapsed()
            await say(c="mark", id="1", kind="stumble")
            assert (await hear(other, "mark"))["text"] == "stumble"
            await say(c="mark", id="2", kind="pain", value=4)
            await say(c="undo", id="3", of="2")
            assert (await hear(other, "unmark"))["id"] == "2"
            at["late"] = recorder.elapsed() - 1.0
            await say(c="mark", id="4", kind="note", value="<b>late</b>", ago=1.0)
            waiting.append(asyncio.ensure_future(see_out(port)))
            await page.send(json.dumps({"c": "stop", "id": "5"}))
            while (await hear(other, "state"))["phase"] != "ending":
                pass

    async def see_out(port: int) -> None:
        async with connect(port) as page:
            ends.append((await hear(page, "end"))["saved"])

    waiting: list[asyncio.Future[None]] = []
    ends: list[str] = []
    captured, _ = record(walk, tmp_path, act)
    is_whole(captured)
    assert ends == ["saved"]
    assert captured.folder is not None
    markers = {m.text: m.time_s for m in open_session(captured.folder).markers}
    assert markers.keys() == {"stumble", "<b>late</b>"}
    assert markers["stumble"] == pytest.approx(at["stumble"], abs=0.3)
    assert markers["<b>late</b>"] == pytest.approx(at["late"], abs=0.3)


def test_pages_that_misbehave_change_nothing(walk: ai.Recording, tmp_path: Path) -> None:
    async def junk(port: int) -> None:
        async with connect(port) as page:
            for n in range(1000):
                await page.send("junk" * (n % 200))

    async def act(port: int, recorder: Recorder) -> None:
        slow = await connect(port)
        slow.transport.pause_reading()
        pages = [asyncio.ensure_future(junk(port)) for _ in range(3)]
        crowd = await asyncio.gather(*(connect(port) for _ in range(100)), return_exceptions=True)
        await asyncio.gather(*pages, return_exceptions=True)
        inside = [one for one in crowd if not isinstance(one, BaseException)]
        assert 1 <= len(inside) <= 8
        await asyncio.sleep(3.0)
        for one in inside:
            one.transport.abort()
        async with connect(port) as page:
            await hear(page, "a")
        slow.transport.abort()

    captured, _ = record(walk, tmp_path, act)
    is_whole(captured)


def test_a_server_that_dies_costs_the_recording_nothing(walk: ai.Recording, tmp_path: Path) -> None:
    async def act(port: int, recorder: Recorder) -> None:
        children = [p for p in multiprocessing.active_children() if p.name == "ankle-imu-live"]
        assert len(children) == 1
        children[0].kill()
        await asyncio.sleep(2.0)

    captured, _ = record(walk, tmp_path, act)
    is_whole(captured)


def test_a_listener_that_fails_is_let_go(walk: ai.Recording, tmp_path: Path) -> None:
    class Failing:
        calls = 0

        def begin(self, placement: str, stream: object) -> None:
            return None

        def take(self, placement: str, time_s: float, payload: bytes) -> None:
            self.calls += 1
            raise ValueError("no")

        def end(self) -> None:
            raise AssertionError("it was let go before")

    async def act(port: int, recorder: Recorder) -> None:
        await asyncio.sleep(2.5)

    failing = Failing()
    captured, _ = record(walk, tmp_path, act, failing)
    is_whole(captured)
    assert failing.calls == 1
