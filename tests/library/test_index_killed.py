"""Real processes on one index: killed at any instant, and several at once."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ankle_imu import library
from ankle_imu.library import index
from ankle_imu.library.search import list_rows
from ankle_imu.recording import write_session_info
from ankle_imu.values import SessionInfo

REINDEX = """
import sys
from ankle_imu import library
library.list_rows(sys.argv[1])
print("ready", flush=True)
while True:
    library.reindex(sys.argv[1])
"""
HEAL = """
import sys
from ankle_imu import library
print("ready", flush=True)
for _ in range(40):
    for row in library.list_rows(sys.argv[1]):
        assert row.surface.startswith("ground"), row
"""
MANY = 60


def make(root: Path, number: int, surface: str) -> Path:
    folder = root / "people" / f"P-{number % 3}" / "2026" / f"2026-05-01T0800{number:02d}Z_abcd"
    write_session_info(folder, SessionInfo(surface=surface))
    return folder


def surfaces(root: Path) -> list[str]:
    return sorted(row.surface for row in list_rows(root))


def start(code: str, root: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", code, root], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    for number in range(MANY):
        make(tmp_path, number, f"ground {number:02d}")
    return tmp_path


def test_killed_while_it_reindexes(shelf: Path) -> None:
    chance = random.Random(6)
    for n in range(6):
        process = start(REINDEX, shelf)
        make(shelf, n, f"changed {n:02d}")
        time.sleep(chance.uniform(0.0, 0.08))
        end(process)
        assert process.returncode == (-signal.SIGKILL if sys.platform != "win32" else 1)
        right = [f"changed {i:02d}" for i in range(n + 1)] + [f"ground {i:02d}" for i in range(n + 1, MANY)]
        assert surfaces(shelf) == right
    assert library.reindex(shelf) == (MANY, 0)
    assert {path.name for path in shelf.iterdir()} == {"people", index.FILE}


@pytest.mark.skipif(sys.platform == "win32", reason="stops at chosen instants with a POSIX signal")
def test_killed_between_any_two_statements(shelf: Path) -> None:
    """A killed transaction is rolled back at the next call, wherever it was."""
    code = """
import os, signal, sqlite3, sys
from ankle_imu import library
from ankle_imu.library import index
library.list_rows(sys.argv[1])
at = int(sys.argv[2])
class Deadly(sqlite3.Connection):
    count = 0
    def _count(self):
        Deadly.count += 1
        if Deadly.count == at:
            os.kill(os.getpid(), signal.SIGKILL)
    def execute(self, *words):
        self._count()
        return super().execute(*words)
    def executemany(self, *words):
        self._count()
        return super().executemany(*words)
connect = sqlite3.connect
sqlite3.connect = lambda *w, **k: connect(*w, factory=Deadly, **k)
library.reindex(sys.argv[1])
print(Deadly.count)
"""
    right = surfaces(shelf)
    total = int(subprocess.run([sys.executable, "-c", code, shelf, "-1"], capture_output=True, check=True).stdout)
    for at in range(total - 22, total + 1, 3):
        done = subprocess.run([sys.executable, "-c", code, shelf, str(at)], check=False)
        assert done.returncode == -signal.SIGKILL
        assert surfaces(shelf) == right


def test_several_processes_at_once(shelf: Path) -> None:
    processes = [start(HEAL, shelf), start(HEAL, shelf), start(REINDEX, shelf)]
    for n in range(MANY, MANY + 12):
        make(shelf, n - MANY, f"ground changed {n}")
        expected = [f"ground changed {i}" for i in range(MANY, n + 1)]
        assert [s for s in surfaces(shelf) if "changed" in s] == expected
    codes = [process.wait(60) for process in processes[:2]]
    for process in processes:
        end(process)
    assert codes == [0, 0]
    assert len(surfaces(shelf)) == MANY
