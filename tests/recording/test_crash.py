"""A killed recorder and a full disk cost less than was promised, and what is left can be used."""

from __future__ import annotations

import itertools
import os
import random
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from recording import recorder_child

import ankle_imu as ai
from ankle_imu.errors import StorageError
from ankle_imu.recording import RecordingWriter, part_path, part_paths, read_log, repair_session
from ankle_imu.recording.scan import scan_log

PROMISED_S = 0.6
AT_ONCE = 5


def start(folder: Path, *, limit: int = 0) -> subprocess.Popen[str]:
    told = folder.with_suffix(".told")
    told.write_bytes(bytes(16))
    command = [sys.executable, recorder_child.__file__, str(folder), str(told), *([str(limit)] if limit else [])]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def received(folder: Path) -> tuple[int, float]:
    """How many packets the recorder had received, and when the last."""
    n, last = struct.unpack("<Qd", folder.with_suffix(".told").read_bytes())
    return n, last


def kill_at(folder: Path, alive_s: float) -> None:
    """Kill a recorder that long after its first packet."""
    with start(folder) as process:
        while received(folder)[0] == 0:
            assert process.poll() is None
            time.sleep(0.005)
        time.sleep(alive_s)
        process.kill()


def found_arrivals(folder: Path) -> list[float]:
    """Arrivals of all packets that are in the files; they must be the first that were received."""
    log = read_log(part_paths(folder))
    found = sorted((t, s.placement, data) for s in log.streams for t, data in s.packets)
    sent = recorder_child.packets()[: len(found)]
    assert [(placement, data) for _, placement, data in found] == [(p, data) for _, p, data in sent]
    return [t for t, _, _ in found]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, full: bool) -> list[Path]:
    """Recordings whose recorder was killed at a random instant."""
    from concurrent.futures import ThreadPoolExecutor

    root = tmp_path_factory.mktemp("killed")
    folders = [root / f"session{i:03d}" for i in range(200 if full else AT_ONCE)]
    instants = [random.uniform(0.0, 3.0) for _ in folders]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(kill_at, folders, instants))
    return folders


def test_killed_at_any_instant_loses_no_more_than_promised(killed: list[Path]) -> None:
    for folder in killed:
        n, last = received(folder)
        arrivals = found_arrivals(folder)
        assert n >= len(arrivals) - 1  # the last may have been stored and not yet told of
        if last > PROMISED_S:
            assert last - arrivals[-1] <= PROMISED_S


def test_what_a_killed_recorder_left_opens_and_is_repaired(killed: list[Path]) -> None:
    for folder in killed:
        arrivals = found_arrivals(folder)
        if len(arrivals) < 8:
            continue
        before = ai.open_session(folder)
        assert any("not closed" in word for word in before.warnings)
        done = repair_session(folder)
        assert [part.original.parent.name for part in done.parts] == ["damaged"]
        after = ai.open_session(folder)
        (told,) = after.warnings
        assert "was repaired" in told
        assert found_arrivals(folder) == arrivals
        assert {p: loss.received for p, loss in after.loss.items()} == {
            p: loss.received for p, loss in before.loss.items()
        }
        assert not repair_session(folder).is_needed


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 200 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)], capture_output=True, check=False
        )
        if sys.platform == "linux" and os.geteuid() == 0
        else None
    )
    if mounted is None or mounted.returncode:
        pytest.skip("mounting a small file system needs root on Linux")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def record_forever(folder: Path) -> Iterator[int]:
    """Record, giving the number of packets received."""
    with RecordingWriter(folder, start_ns=1, session="note") as writer:
        sensor = writer.open_sensor("left_foot", "ankle")
        for n in itertools.count(1):
            writer.append(sensor, n / 50, os.urandom(200))
            if n % 100 == 0:
                writer.flush()
            yield n


def test_full_disk_stops_cleanly_and_keeps_the_rest(small_disk: Path) -> None:
    n = 0
    with pytest.raises(StorageError, match="disk is full") as caught:  # noqa: PT012
        for n in record_forever(small_disk / "session"):
            assert n < 10_000
    assert caught.value.exit_code == 6
    data = part_path(small_disk / "session", 1).read_bytes()
    scan = scan_log(data)
    assert scan.damaged_regions == 0
    assert [m.sequence for m in scan.messages] == list(range(len(scan.messages)))
    assert n - 200 <= len(scan.messages) <= n
    assert len(data) > 190 * 1024


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of file sizes")
def test_file_that_may_not_grow_is_told_with_exit_code_6(tmp_path: Path) -> None:
    folder = tmp_path / "session"
    limit = 100_000
    with start(folder, limit=limit) as process:
        said = process.communicate()[0]
    assert process.returncode == 6
    assert said.count("could not be written") == 2
    assert 0.9 * limit < part_path(folder, 1).stat().st_size <= limit
    log = read_log(part_paths(folder))
    assert log.damaged_regions == 0
    found = sum(len(stream.packets) for stream in log.streams)
    assert found > 300
    rec = ai.open_session(folder)
    assert len(rec.series) == 4
