"""A recorder with pages open: what they say is kept, and whatever else they do the recording is the same."""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from live_site import PAIR, is_whole, record

import ankle_imu as ai
from ankle_imu.capture import Recorder
from ankle_imu.session_io import open_session

client = pytest.importorskip("websockets.asyncio.client", reason="the extra `live` is not installed")

from websockets.exceptions import InvalidHandshake  # noqa: E402


def connect(port: int) -> Any:
    return client.connect(f"ws://127.0.0.1:{port}/socket", origin=f"http://127.0.0.1:{port}", proxy=None)


async def hear(page: Any, kind: str) -> dict[str, Any]:
    while (message := json.loads(await asyncio.wait_for(page.recv(), 10.0)))["k"] != kind:
        pass
    return message


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
        await asyncio.sleep(1.5)
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
        await asyncio.sleep(1.0)

    captured, _ = record(walk, tmp_path, act)
    is_whole(captured)


def test_a_recorder_that_is_killed_leaves_no_server_and_no_word_of_a_saved_walk(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ankle_imu.cli", "record", "--simulate", "default", "--live", "--port", "0"]
    env = {**os.environ, "ANKLE_IMU_LIBRARY": str(tmp_path), "PYTHONPATH": str(Path(ai.__file__).parents[1])}
    with subprocess.Popen(command, env=env, text=True, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as told:
        assert told.stderr is not None
        port = next(int(line.rstrip("/\n").rpartition(":")[2]) for line in told.stderr if "Live page" in line)

        async def see_out() -> str:
            async with connect(port) as page:
                await hear(page, "state")
                told.kill()
                return str((await hear(page, "end"))["saved"])

        assert asyncio.run(see_out()) == ""

    async def is_served() -> bool:
        with contextlib.suppress(OSError, InvalidHandshake):  # it may go between the call and its answer
            async with connect(port):
                return True
        return False

    deadline = time.monotonic() + 20.0
    while asyncio.run(is_served()):
        assert time.monotonic() < deadline, "the server goes on without its recorder"
        time.sleep(0.2)


def test_a_mark_of_the_last_moment_is_kept(walk: ai.Recording, tmp_path: Path) -> None:
    async def act(port: int, recorder: Recorder) -> None:
        async with connect(port) as page:
            await hear(page, "hello")
            recorder.stop()
            await page.send(json.dumps({"c": "mark", "id": "1", "kind": "stumble"}))
            await hear(page, "ok")

    captured, _ = record(walk, tmp_path, act)
    assert captured.folder is not None
    assert [m.text for m in open_session(captured.folder).markers] == ["stumble"]


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
        await asyncio.sleep(1.5)

    failing = Failing()
    captured, _ = record(walk, tmp_path, act, failing)
    is_whole(captured)
    assert failing.calls == 1
