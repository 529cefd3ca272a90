"""`kill -9` at each state, real processes: the next start repairs what was left, and loses nothing written."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from service.hill import sessions

from ankle_imu.recording import part_paths, read_log
from ankle_imu.recording.lock import NAME
from ankle_imu.session_io import open_session

ROOT = Path(__file__).parents[2]


@contextmanager
def running(root: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-u", str(ROOT / "tests" / "service" / "unattended.py"), str(root)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def read_until(process: subprocess.Popen[str], word: str) -> list[str]:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line.strip())
        if word in line:
            return said
    raise AssertionError(said)


@pytest.mark.parametrize(
    ("word", "wait_s", "least_s"),
    [
        ("repair what", 0.2, None),
        ("idle -> armed", 0.0, None),
        ("idle -> armed", 1.5, None),
        ("armed -> recording", 0.0, None),
        ("armed -> recording", 3.0, 2.0),
        ("stop the recorder", 0.0, 5.0),
        ("recording -> saved", 0.0, 5.0),
    ],
)
def test_killed_and_started_again(word: str, wait_s: float, least_s: float | None, tmp_path: Path) -> None:
    with running(tmp_path) as process:
        read_until(process, word)
        time.sleep(wait_s)
        process.kill()
    before = {path.name: part_paths(path) for path in sessions(tmp_path)}
    assert len(before) <= 1
    kept = [len(s.packets) for path in sessions(tmp_path) for s in read_log(part_paths(path)).streams]
    with running(tmp_path) as process:
        read_until(process, "idle -> armed")
        time.sleep(0.5)
        process.kill()
    if least_s is None and not any(kept):
        return
    folder = sessions(tmp_path)[0]
    assert not (folder / NAME).exists()
    log = read_log(part_paths(folder))
    assert log.damage == ()
    assert [len(s.packets) for s in log.streams] == kept
    series = open_session(folder).series["left_foot"]
    assert series.duration >= (least_s or 0.0)
