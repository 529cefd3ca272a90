"""One writer at a time; the lock of a dead one holds nobody up."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ankle_imu.errors import RecordingError, StorageError
from ankle_imu.recording import RecordingWriter, is_being_recorded, part_paths, read_log, repair_session
from ankle_imu.recording.lock import NAME

START_NS = 10**18


def test_a_session_that_is_being_recorded_is_not_repaired(tmp_path: Path) -> None:
    folder = tmp_path / "2026-01-01T000000Z_abcd"
    folder.mkdir()
    with RecordingWriter(folder, start_ns=START_NS) as recorder:
        sensor = recorder.open_sensor("left_foot", "ankle")
        for k in range(100):
            recorder.append(sensor, k / 100, b"x")
        recorder.flush()
        assert is_being_recorded(folder)
        with pytest.raises(RecordingError, match=r"abcd is being recorded") as caught:
            repair_session(folder)
        assert caught.value.exit_code == 5
        for k in range(100, 1000):
            recorder.append(sensor, k / 100, b"x")
    assert not is_being_recorded(folder)
    assert len(read_log(part_paths(folder)).streams[0].packets) == 1000
    assert not (folder / NAME).exists()
    repair_session(folder)
    assert not (folder / NAME).exists()


def test_there_is_no_second_writer(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path, start_ns=START_NS) as recorder:
        recorder.flush()
        log = read_log(part_paths(tmp_path))
        with pytest.raises(RecordingError, match="is being recorded"):
            RecordingWriter(tmp_path, start_ns=START_NS, after=log)
    assert len(part_paths(tmp_path)) == 1
    with RecordingWriter(tmp_path, start_ns=START_NS, after=log):
        pass


def test_a_killed_recorder_holds_nobody_up(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from ankle_imu.recording import RecordingWriter\n"
        f"w = RecordingWriter(Path(sys.argv[1]), start_ns={START_NS})\n"
        "w.append(w.open_sensor('left_foot', 'ankle'), 0.0, b'x'); w.flush(); print('ready', flush=True)\n"
        "time.sleep(600)"
    )
    child = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == "ready\n"
        assert is_being_recorded(tmp_path)
        with pytest.raises(RecordingError, match="is being recorded"):
            repair_session(tmp_path)
    finally:
        child.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        child.communicate()
    assert (tmp_path / NAME).exists(), "it left its file behind"
    assert not is_being_recorded(tmp_path)
    assert repair_session(tmp_path).is_needed
    assert read_log(part_paths(tmp_path)).damage == ()


def test_a_part_that_is_there_already_is_named_so(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path, start_ns=START_NS):
        pass
    with pytest.raises(StorageError, match=r"part-0001\.mcap could not be written: it is there already"):
        RecordingWriter(tmp_path, start_ns=START_NS)
    assert not is_being_recorded(tmp_path), "the lock stayed behind"
    (tmp_path / "other").write_text("")
    with pytest.raises(StorageError, match="other is not a folder"):
        RecordingWriter(tmp_path / "other" / "session", start_ns=START_NS)


def test_a_writer_that_cannot_close_its_file_lets_others_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = RecordingWriter(tmp_path, start_ns=START_NS)
    close = recorder._parts.close

    def refuse() -> None:
        close()
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(recorder._parts, "close", refuse)
    with pytest.raises(StorageError, match="Input/output error"):
        recorder.close()
    assert not is_being_recorded(tmp_path)
