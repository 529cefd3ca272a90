"""A page attached to a recording that runs: it shows it, leaves words for it, and changes nothing else in it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from capture_truth import Recorded, record_ankle

import ankle_imu as ai
from ankle_imu.capture import Recorder, Status
from ankle_imu.live.attached import Attached, attach_page
from ankle_imu.live.serving import Bind, listen
from ankle_imu.live.walk import Worn
from ankle_imu.recording import inbox, part_paths, read_log, read_session_info
from ankle_imu.recording.lock import sole_writer
from ankle_imu.session_io import open_session
from ankle_imu.simulate import Plan, walk
from ankle_imu.simulate.sensors.peripheral import Motion

client = pytest.importorskip("websockets.sync.client", reason="the extra `live` is not installed")
posix = pytest.mark.skipif(os.name == "nt", reason="processes are killed and interrupted otherwise on Windows")

PATIENCE_S = 120.0
"""A program takes 3 s to begin, on a machine that does much else above 30 s."""

PLAN = """\
duration_s = 400
sampling_rate = 52
placements = ["left_foot", "left_shank"]
errors = "typical"
loss = 0.0
"""


def command(*words: object) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "ankle_imu.cli", *map(str, words)]
    env = {**os.environ, "PYTHONPATH": str(Path(ai.__file__).parents[1])}
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


@dataclass
class Running:
    """A recorder in a process of its own, and the pages attached to it."""

    root: Path
    recorder: subprocess.Popen[str]
    pages: list[subprocess.Popen[str]] = field(default_factory=list)

    def attach(self) -> tuple[subprocess.Popen[str], str]:
        page = command("live", "--attach", "--library", self.root, "--port", 0)
        self.pages.append(page)
        assert page.stderr is not None
        said = []
        for line in page.stderr:
            said.append(line)
            if found := re.search(r"Live page: (http://127\.0\.0\.1:\d+)/", line):
                return page, found[1]
        raise AssertionError(said)

    @property
    def folder(self) -> Path:
        (folder,) = self.root.glob("people/*/*/*")
        return folder

    def stop(self) -> dict[str, Any]:
        """End it as Ctrl-C does; what it told."""
        self.recorder.send_signal(signal.SIGINT)
        out, err = self.recorder.communicate(timeout=PATIENCE_S)
        assert self.recorder.returncode == 130, err
        return dict(json.loads(out))


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN)
    root = tmp_path / "library"
    recorder = command("record", "--simulate", plan, "--out", root, "--json")
    all_of_it = Running(root, recorder)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not list(root.glob("people/*/*/*/raw/part-0001.mcap")):
            assert time.monotonic() < deadline
            assert recorder.poll() is None
            time.sleep(0.1)
        yield all_of_it
    finally:
        for process in (recorder, *all_of_it.pages):
            with contextlib.suppress(OSError):
                process.kill()
            process.communicate()


def open_socket(url: str) -> Any:
    return client.connect(f"{url.replace('http', 'ws')}/socket", origin=url, proxy=None)


def hear(page: Any, kind: str) -> dict[str, Any]:
    while (message := json.loads(page.recv(timeout=PATIENCE_S)))["k"] != kind:
        pass
    return dict(message)


def say(page: Any, **word: Any) -> None:
    page.send(json.dumps(word))
    assert hear(page, "ok")["id"] == word["id"]


def is_whole(told: dict[str, Any], folder: Path) -> None:
    assert [s["lost"] for s in told["sensors"].values()] == [0, 0]
    assert read_log(part_paths(folder)).damage == ()
    series = open_session(folder).series
    assert {p: int(s.is_valid.sum()) for p, s in series.items()} == {
        placement: s["received"] for placement, s in told["sensors"].items()
    }
    assert not (folder / inbox.NAME).exists()


@posix
def test_two_pages_at_once_one_killed_then_back_again(running: Running) -> None:
    killed, first = running.attach()
    _, second = running.attach()
    with open_socket(first) as page, open_socket(second) as other:
        greeting = hear(page, "hello")
        assert (greeting["attached"], greeting["placements"]) == (True, ["left_foot", "left_shank"])
        said_at = hear(page, "state")["elapsed_s"]
        assert hear(page, "a")["m"].keys() <= {"left_foot", "left_shank"}
        say(other, c="mark", id="1", kind="pain", value=7)
        say(other, c="undo", id="2", of="1")
        say(page, c="mark", id="1", kind="stumble")
        killed.kill()  # before the word is due: it is the recorder's now
        until = hear(other, "state")["elapsed_s"] + 2.0
        told = hear(other, "mark")
        assert told["text"] == "stumble"
        assert said_at - 1.0 <= (told_s := told["at_s"]) <= until
    leaving, third = running.attach()
    with open_socket(third) as page:
        hear(page, "a")
        say(page, c="mark", id="1", kind="note", value="<b>again</b>")
        page.send(json.dumps({"c": "stop", "id": "2"}))
        assert hear(page, "end") == {"k": "end", "saved": "", "left": True}
    assert leaving.wait(PATIENCE_S) == 0
    assert running.recorder.poll() is None
    with open_socket(second) as page:
        hear(page, "state")
        told = running.stop()
        assert hear(page, "end")["saved"] == told["session"] == running.folder.name
    assert running.pages[1].wait(PATIENCE_S) == 0
    is_whole(told, running.folder)
    markers = {m.text: m.time_s for m in open_session(running.folder).markers}
    assert markers.keys() == {"stumble", "<b>again</b>"}
    assert markers["stumble"] == pytest.approx(told_s, abs=0.1)


@posix
def test_a_recorder_that_is_killed_is_not_called_saved(running: Running) -> None:
    page, url = running.attach()
    with open_socket(url) as socket:
        hear(socket, "a")
        said_at = hear(socket, "state")["elapsed_s"]
        say(socket, c="mark", id="1", kind="note", value="taken back")
        say(socket, c="mark", id="2", kind="stumble")
        say(socket, c="undo", id="3", of="1")
        running.recorder.kill()
        assert hear(socket, "end")["saved"] == ""
    assert page.wait(PATIENCE_S) == 5
    assert f"ankle-imu repair {running.folder.name}" in page.communicate()[1]
    cut = open_session(running.folder)
    assert (cut.series.keys(), cut.markers) == ({"left_foot", "left_shank"}, ())
    mended = command("repair", running.folder)
    told, err = mended.communicate(timeout=30)
    assert mended.returncode == 0, err
    (marker,) = open_session(running.folder).markers
    assert marker.text == "stumble"
    assert said_at - 1.0 <= marker.time_s <= cut.duration + 0.1  # at most when its last packet came
    assert re.search(r"in the recording now: \d+:\d\d stumble", told)
    assert not (running.folder / inbox.NAME).exists()


@pytest.fixture(scope="module")
def motion() -> Motion:
    walked, _ = walk(Plan(duration_s=60.0, placements=("left_foot",)), 3)
    return Motion(walked.series["left_foot"])


def recorded(
    motion: Motion, root: Path, watch: Callable[[Status], None], begun: Callable[[Recorder], None]
) -> Recorded:
    """The same minute, to the bit: simulated time, a sensor that disconnects twice."""
    return record_ankle(
        motion,
        root,
        ["9:gone:3", "20:drop"],
        seconds=40.0,
        rate=104.0,
        watch=watch,
        meddle=lambda recorder, radio: begun(recorder),
    )


def raw(recorded: Recorded) -> dict[str, Any]:
    """All that is on disk but the computer's clock and the words of pages."""
    log = recorded.log
    return {
        "streams": [
            (s.placement, s.protocol, s.config, s.packets) for s in (*log.streams, *log.status, *log.clock)
        ],
        "events": log.events,
    }


def test_the_recording_is_bit_for_bit_that_without_a_page(motion: Motion, tmp_path: Path) -> None:
    shown: list[dict[str, Any]] = []
    threads: list[threading.Thread] = []
    ends: list[str] = []

    def watch(status: Status) -> None:
        if status.folder is not None and not threads:
            page = Attached(
                status.folder, lambda worn: Worn(placements=tuple(worn)), shown.append, lambda *w: None
            )
            threads.append(threading.Thread(target=lambda: ends.append(page.follow())))
            threads[0].start()
        if threads:
            assert status.folder is not None
            inbox.leave(
                status.folder, f"word-{status.elapsed_s:.2f}".replace(".", "-"), f"at {status.elapsed_s:.1f}"
            )
            time.sleep(0.02)  # lets the page look while simulated time stands still

    without = recorded(motion, tmp_path / "without", lambda status: None, lambda recorder: None)
    with_page = recorded(motion, tmp_path / "with", watch, lambda recorder: None)
    threads[0].join(30.0)
    assert ends == ["saved"]
    assert raw(with_page) == raw(without)
    assert len(with_page.log.markers) > 30
    assert {one["k"] for one in shown} >= {"hello", "setup", "state", "mark", "end"}


def attached(folder: Path, shown: list[dict[str, Any]]) -> Attached:
    return Attached(folder, lambda worn: Worn(placements=tuple(worn)), shown.append, lambda *w: None)


@pytest.fixture
def marked(motion: Motion, tmp_path: Path) -> Path:
    """A recording with one marker, "stumble"."""
    said: list[str] = []

    def watch(status: Status) -> None:
        if status.folder is not None and not said:
            said.append("stumble")
            inbox.leave(status.folder, "1", "stumble")

    folder = recorded(motion, tmp_path, watch, lambda recorder: None).captured.folder
    assert folder is not None
    return folder


def test_a_page_knows_its_recording_whoever_shows_it(marked: Path) -> None:
    shown: list[dict[str, Any]] = []
    page = attached(marked, shown)
    page._begin(["left_foot", "left_shank"])  # a sensor that joined
    attached(marked, shown)  # a page opened anew
    names = [one["recording"] for one in shown if one["k"] == "hello"]
    assert names == [read_session_info(marked).session_id] * 3


def test_own_marks_are_not_shown_twice_when_a_sensor_joins(marked: Path) -> None:
    shown: list[dict[str, Any]] = []
    page = attached(marked, shown)
    page._say("mark", "1", "stumble", 0.0)
    assert page.follow() == "saved"
    page._begin(["left_foot", "left_shank"])
    assert page.follow() == "saved"
    assert [one for one in shown if one["k"] == "mark"] == []


def test_a_mark_taken_back_too_late_is_shown_as_it_was_kept(marked: Path) -> None:
    shown: list[dict[str, Any]] = []
    page = attached(marked, shown)
    page._own["stumble"] += 1  # left, and with the recorder already
    page._say("undo", "1", "stumble")
    assert page.follow() == "saved"
    assert [one["text"] for one in shown if one["k"] == "mark"] == ["stumble"]


def test_a_page_that_is_cancelled_leaves_no_thread_behind(marked: Path) -> None:
    """As Ctrl-C does on Windows; the event loop waits for its threads before it ends."""

    async def work() -> None:
        ready = asyncio.Event()
        showing = asyncio.ensure_future(
            attach_page(
                marked,
                lambda worn: Worn(placements=tuple(worn)),
                Bind(port=0),
                listen(Bind(port=0)),
                on_ready=lambda port, code: ready.set(),
            )
        )
        await ready.wait()
        await asyncio.sleep(0.1)
        showing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await showing

    with sole_writer(marked):  # it goes on being recorded
        thread = threading.Thread(target=asyncio.run, args=(work(),), daemon=True)
        thread.start()
        thread.join(20.0)
        assert not thread.is_alive()


def test_a_disk_that_takes_no_word_is_told_on_the_page(tmp_path: Path, motion: Motion) -> None:
    made = recorded(motion, tmp_path, lambda status: None, lambda recorder: None)
    assert made.captured.folder is not None
    shown: list[dict[str, Any]] = []
    page = Attached(made.captured.folder, lambda worn: Worn(placements=tuple(worn)), shown.append, lambda *w: None)
    (made.captured.folder / inbox.NAME).write_text("no folder")
    page._say("mark", "1", "stumble", 0.0)
    assert [one["text"][:8] for one in shown if one["k"] == "trouble"] == ["Not kept"]
    assert page.follow() == "saved"
