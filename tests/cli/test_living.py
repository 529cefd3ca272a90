"""`record --live` and `live SESSION` as commands."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ankle_imu.live import install

client = pytest.importorskip("websockets.sync.client", reason="the extra `live` is not installed")

PLAN = """\
duration_s = 40
sampling_rate = 52
placements = ["left_foot"]
errors = "typical"
"""


@pytest.mark.parametrize("words", [("record", "--simulate", "default", "--live"), ("live", "last")], ids=" ".join)
def test_a_missing_extra_is_one_sentence(
    words: tuple[str, ...], ankle_imu: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "PACKAGES", ("starlette", "no_such_package"))
    ankle_imu(*words).refuses(2, "no_such_package", "pip install 'ankle-imu[live]'")


def test_nonsense_is_refused(ankle_imu: Callable[..., Any]) -> None:
    ankle_imu("live", "last", "--speed", "0").refuses(2, "--speed")
    ankle_imu("live").refuses(2, "SESSION", "--attach")
    ankle_imu("live", "--attach", "--speed", "2").refuses(2, "--speed")
    ankle_imu("live", "last", "--port", "70000").refuses(2, "--port")
    ankle_imu("record", "--simulate", "default", "--live", "--port", "-1").refuses(2, "--port")
    for words in (("--host", "0.0.0.0"), ("--port", "8000"), ("--bell",)):
        ankle_imu("record", "--simulate", "foot_only", *words).refuses(2, "add --live")


def test_without_a_recording_there_is_nothing_to_attach_to(
    ankle_imu: Callable[..., Any], session: Path, tmp_path: Path
) -> None:
    ankle_imu("live", "--attach", "--library", tmp_path).refuses(2, f"No recording runs in {tmp_path}", "record")
    ankle_imu("live", session, "--attach").refuses(2, f"{session.name} is not being recorded", "replays it")


def test_of_two_recordings_one_must_be_named(ankle_imu: Callable[..., Any], tmp_path: Path) -> None:
    from ankle_imu.recording.lock import SessionLock

    folders = [tmp_path / "people" / "P-test" / "2026" / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir(parents=True)
    locks = [SessionLock(folder) for folder in folders]
    ankle_imu("live", "--attach", "--library", tmp_path).refuses(2, "2 recordings run", "one, two")
    for lock in locks:
        lock.release()


def test_an_address_that_is_taken_is_refused(ankle_imu: Callable[..., Any], session: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ankle_imu("live", session, "--port", port).refuses(2, f"127.0.0.1:{port}", "--port")
        ankle_imu("record", "--simulate", "foot_only", "--live", "--port", port, "--duration", 1).refuses(
            2, "--port"
        )
    assert not [p for p in multiprocessing.active_children() if p.name == "ankle-imu-live"]


def start(*words: object) -> tuple[subprocess.Popen[str], str]:
    """A command in a process of its own, and the address it says."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "ankle_imu.cli", *map(str, words)]
    env = {**os.environ, "PYTHONPATH": str(root)}
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    assert running.stderr is not None
    said = []
    for line in running.stderr:
        said.append(line)
        if found := re.search(r"Live page: (http://127\.0\.0\.1:\d+)/", line):
            return running, found[1]
    raise AssertionError(said)


def test_record_live_keeps_what_the_page_said(tmp_path: Path) -> None:
    plan = tmp_path / "short.toml"
    plan.write_text(PLAN)
    running, url = start("record", "--simulate", plan, "--live", "--port", 0, "--json")
    reading = threading.Thread(target=running.stderr.read)  # type: ignore[union-attr]
    reading.start()
    with client.connect(f"{url.replace('http', 'ws')}/socket", origin=url, proxy=None) as page:
        page.send(json.dumps({"c": "mark", "id": "a", "kind": "pain", "value": 3}))
        while json.loads(page.recv(timeout=20))["k"] != "a":
            pass
        page.send(json.dumps({"c": "stop", "id": "b"}))
        while (message := json.loads(page.recv(timeout=20)))["k"] != "end":
            pass
    told = json.loads(running.stdout.read())  # type: ignore[union-attr]
    assert running.wait(20) == 130
    reading.join()
    running.stdout.close()  # type: ignore[union-attr]
    running.stderr.close()  # type: ignore[union-attr]
    assert message["saved"] == told["session"]
    from ankle_imu import open_session

    assert [m.text for m in open_session(told["path"]).markers] == ["pain 3"]


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent otherwise on Windows")
def test_live_replays_until_ctrl_c(session: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "ankle_imu.cli",
        "live",
        str(session),
        "--speed",
        "20",
        "--port",
        "0",
        "--json",
    ]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    lines = []
    while not lines or lines[-1] != "}\n":
        lines.append(running.stdout.readline())  # type: ignore[union-attr]
    told = json.loads("".join(lines))
    assert (told["schema_version"], told["session"], told["code"]) == (1, session.name, "")
    url = told["url"].rstrip("/")
    assert b"/live.js" in urllib.request.urlopen(url, timeout=10).read()
    with client.connect(f"{url.replace('http', 'ws')}/socket", origin=url, proxy=None) as page:
        while (message := json.loads(page.recv(timeout=20)))["k"] != "a":
            assert message["k"] != "hello" or message["replay"]
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=20)
    assert (running.returncode, out, err) == (0, "", "")
