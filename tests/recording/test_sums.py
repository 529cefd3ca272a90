"""The list of sums of raw files: written when a recording closes, read by the tool it is made for."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu.recording import RecordingWriter, part_paths, read_log, repair_session
from ankle_imu.recording.sums import SUMS, format_sums, parse_sums, raw_files, read_sums, write_sums

START_NS = 10**18


def record(folder: Path, packets: int = 300) -> Path:
    with RecordingWriter(folder, start_ns=START_NS) as writer:
        sensor = writer.open_sensor("left_foot", "ankle")
        for k in range(packets):
            writer.append(sensor, k / 100, bytes([k % 256] * 20))
    return folder


def sums(folder: Path) -> dict[str, str]:
    found = read_sums(folder)
    assert found is not None
    assert found[1] == 0
    return found[0]


def true_sums(folder: Path) -> dict[str, str]:
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in raw_files(folder).items()}


def test_a_closed_recording_has_its_sums(tmp_path: Path) -> None:
    record(tmp_path)
    assert sums(tmp_path) == true_sums(tmp_path)
    assert list(sums(tmp_path)) == ["part-0001.mcap"]


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="no sha256sum here")
def test_the_tool_reads_them(tmp_path: Path) -> None:
    record(tmp_path)
    if os.name != "nt":
        (tmp_path / "raw" / "od\\d\nname.csv").write_text("1,2")
    (tmp_path / "raw" / "ärger im Wald.csv").write_text("1,2")
    write_sums(tmp_path)
    check = ["sha256sum", "-c", "--strict", SUMS]
    done = subprocess.run(check, cwd=tmp_path / "raw", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": OK") == len(raw_files(tmp_path))


@given(st.dictionaries(st.text("ab\\\n\r /ä*", min_size=1), st.binary(max_size=3), max_size=4))
def test_any_name_comes_back(files: dict[str, bytes]) -> None:
    told = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    assert parse_sums(format_sums(told)) == (told, 0)


def test_a_spoilt_line_is_counted() -> None:
    good = format_sums({"a": "0" * 64, "b": "1" * 64})
    assert parse_sums(b"x" + good) == ({"b": "1" * 64}, 1)


def test_sums_are_never_made_anew_unasked(tmp_path: Path) -> None:
    """What was changed or has vanished since must still be found after a new part was added."""
    record(tmp_path)
    before = sums(tmp_path)
    log = read_log(part_paths(tmp_path))
    part = tmp_path / "raw" / "part-0001.mcap"
    part.write_bytes(part.read_bytes()[:-1] + b"!")
    with RecordingWriter(tmp_path, start_ns=START_NS, after=log) as writer:
        writer.append(writer.open_sensor("left_foot", "ankle"), 5.0, b"more")
    assert sums(tmp_path)["part-0001.mcap"] == before["part-0001.mcap"] != true_sums(tmp_path)["part-0001.mcap"]
    assert sums(tmp_path)["part-0002.mcap"] == true_sums(tmp_path)["part-0002.mcap"]
    part.unlink()
    write_sums(tmp_path)
    assert "part-0001.mcap" in sums(tmp_path)


def test_repair_brings_the_sums_up_to_date(tmp_path: Path) -> None:
    record(tmp_path)
    (tmp_path / "raw" / "own.csv").write_text("1")
    write_sums(tmp_path)
    (tmp_path / "raw" / "own.csv").write_text("2")
    part = tmp_path / "raw" / "part-0001.mcap"
    part.write_bytes(part.read_bytes()[:3000])
    repair_session(tmp_path)
    expected = {**true_sums(tmp_path), "own.csv": hashlib.sha256(b"1").hexdigest()}
    assert sums(tmp_path) == expected
    assert set(expected) == {"part-0001.mcap", "damaged/part-0001.mcap", "own.csv"}


def test_repair_gives_sums_to_a_recording_that_was_killed(tmp_path: Path) -> None:
    record(tmp_path)
    (tmp_path / "raw" / SUMS).unlink()
    repair_session(tmp_path)
    assert sums(tmp_path) == true_sums(tmp_path)


REPAIR_UNTIL = """
import os, signal, sys
from pathlib import Path
from ankle_imu.recording import repair_session

left = int(sys.argv[2])

def count(event, args):
    global left
    writes = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
    if writes or event in ("os.rename", "os.link", "os.remove", "os.mkdir"):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
repair_session(Path(sys.argv[1]))
"""


def damaged(folder: Path) -> Path:
    """A closed recording of three parts: one cut, one without anything to save, and `session.toml` spoilt."""
    record(folder, 200)
    part = folder / "raw" / "part-0001.mcap"
    whole = part.read_bytes()
    for name in ("part-0002.mcap", "part-0003.mcap"):
        (folder / "raw" / name).write_bytes(whole)
    write_sums(folder)
    (folder / "raw" / "part-0002.mcap").write_bytes(whole[: len(whole) // 2])
    (folder / "raw" / "part-0003.mcap").write_bytes(b"\x00" * 500)
    (folder / "session.toml").write_text("alias = [")
    return folder


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL on Windows")
def test_a_repair_killed_at_any_step_is_finished_by_the_next(tmp_path: Path) -> None:
    mended = damaged(tmp_path / "mended")
    repair_session(mended)
    expected = {name: path.read_bytes() for name, path in raw_files(mended).items()}
    assert sums(mended) == true_sums(mended)
    assert sorted(expected) == [
        *("damaged/part-0002.mcap", "damaged/part-0003.mcap", "damaged/session.toml"),
        *("part-0001.mcap", "part-0002.mcap"),
    ]
    kills = 0
    while True:
        folder = damaged(tmp_path / f"killed-{kills}" / "mended")
        command = [sys.executable, "-c", REPAIR_UNTIL, str(folder), str(kills)]
        if subprocess.run(command, check=False).returncode == 0:
            break
        kills += 1
        repair_session(folder)
        assert {name: path.read_bytes() for name, path in raw_files(folder).items()} == expected
        assert sums(folder) == true_sums(folder)
        assert not repair_session(folder).is_needed
    assert kills > 10
