"""The writer never lets its caller wait, forgets nothing, tells what the disk refused, and stays small."""

from __future__ import annotations

import errno
import gc
import os
import threading
import time
import tracemalloc
from io import FileIO
from pathlib import Path

import pytest

from ankle_imu.errors import StorageError
from ankle_imu.recording import RecordingWriter, part_path, part_paths, parts, read_log, writer
from ankle_imu.recording.scan import scan_log
from ankle_imu.values import LinkEvent, Marker

START_NS = 10**18


def test_every_channel_comes_back(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path, start_ns=START_NS) as recorder:
        config = {"acc_range_g": 16.0}
        recorder.append(recorder.open_sensor("left_foot", "ankle", config), 0.0, bytearray(b"samples"))
        recorder.append(recorder.open_sensor("left_foot", "ankle", kind="status"), 0.1, b"state")
        recorder.append(recorder.open_sensor("left_foot", "ankle", kind="clock"), 0.2, b"answer")
        recorder.append(recorder.open_channel("/gps", "nmea", {"port": 3}), 0.3, b"$GPGGA")
        recorder.append(recorder.open_channel("/marker", "cbor"), 0.4, b"\xff")
        recorder.log(0.6, "left_foot", "lost", "out of range", rssi=-90)
        recorder.log(0.5, "left_foot", "connected")
        recorder.note_clock(0.7, START_NS + 700_000_001)
        recorder.mark(0.8, "roots", "left")
    log = read_log(part_paths(tmp_path))
    assert [(s.placement, s.protocol, s.config, s.packets) for s in log.streams] == [
        ("left_foot", "ankle", config, ((0.0, b"samples"),))
    ]
    assert [(s.placement, s.protocol, s.packets) for s in log.status] == [
        ("left_foot", "ankle", ((0.1, b"state"),))
    ]
    assert [(s.placement, s.protocol, s.packets) for s in log.clock] == [
        ("left_foot", "ankle", ((0.2, b"answer"),))
    ]
    assert [(s.topic, s.protocol, s.config, s.packets) for s in log.others] == [
        ("/gps", "nmea", {"port": 3}, ((0.3, b"$GPGGA"),)),
        ("/marker", "cbor", {}, ((0.4, b"\xff"),)),
    ]
    assert log.events == (
        LinkEvent(time_s=0.5, placement="left_foot", event="connected"),
        LinkEvent(time_s=0.6, placement="left_foot", event="lost", text="out of range"),
    )
    assert log.markers == (Marker(time_s=0.8, text="roots", leg="left"),)
    assert [(c.time_s, c.utc_ns) for c in log.host_clock] == [(0.7, START_NS + 700_000_001)]


def test_same_stream_declared_again_goes_on(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path, start_ns=START_NS) as recorder:
        first = recorder.open_sensor("left_foot", "ankle", {"acc_range_g": 16.0})
        other = recorder.open_sensor("left_foot", "ankle", {"acc_range_g": 8.0})
        assert recorder.open_sensor("left_foot", "ankle", {"acc_range_g": 16.0}) == first != other
        with pytest.raises(ValueError, match="no channel 77"):
            recorder.append(77, 0.0, b"")
        for i, number in enumerate([first, other, first]):
            recorder.append(number, i / 10, bytes([i]))
    one, two = read_log(part_paths(tmp_path)).streams
    assert [data for _, data in one.packets] == [b"\0", b"\2"]
    assert [data for _, data in two.packets] == [b"\1"]
    assert one.lost_packets == two.lost_packets == 0


def test_later_part_goes_on_counting(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path, start_ns=START_NS, session="note") as recorder:
        first = recorder.open_sensor("left_foot", "ankle")
        for i in range(3):
            recorder.append(first, i / 10, bytes([i]))
        recorder.mark(0.3, "roots")
    with RecordingWriter(
        tmp_path, start_ns=START_NS, session="note", after=read_log(part_paths(tmp_path))
    ) as recorder:
        assert recorder.open_sensor("left_foot", "ankle") == first
        recorder.append(recorder.open_sensor("left_shank", "ankle"), 0.4, b"new")
        recorder.append(first, 0.5, bytes([3]))
        recorder.mark(0.6, "scree")
    paths = part_paths(tmp_path)
    assert [p.name for p in paths] == ["part-0001.mcap", "part-0002.mcap"]
    assert [m.sequence for m in scan_log(paths[1].read_bytes()).messages if m.channel == first] == [3]
    log = read_log(paths)
    assert [(s.placement, len(s.packets), s.lost_packets) for s in log.streams] == [
        ("left_foot", 4, 0),
        ("left_shank", 1, 0),
    ]
    assert [m.text for m in log.markers] == ["roots", "scree"]
    assert len(set(log.channels)) == len(log.channels) == 3
    paths[0].unlink()
    assert [s.lost_packets for s in read_log(part_paths(tmp_path)).streams] == [3, 0]


def test_caller_does_not_wait_for_a_disk_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging, goes_on = threading.Event(), threading.Event()
    write = parts.write_or_undo

    def hang(file: object, data: bytes) -> None:
        hanging.set()
        goes_on.wait()
        write(file, data)  # type: ignore[arg-type]

    recorder = RecordingWriter(tmp_path, start_ns=START_NS)
    sensor = recorder.open_sensor("left_foot", "ankle")
    monkeypatch.setattr(parts, "write_or_undo", hang)

    def receive() -> None:
        for i in range(2000):
            recorder.append(sensor, i / 50, i.to_bytes(4, "little"))
            if i == 100:
                hanging.wait()
        recorder.log(40.0, "left_foot", "lost")
        recorder.mark(40.0, "roots")
        recorder.sync_soon()
        recorder.open_sensor("left_shank", "ankle")

    receiver = threading.Thread(target=receive, daemon=True)
    receiver.start()
    receiver.join(timeout=30.0)
    has_waited = receiver.is_alive()
    goes_on.set()
    receiver.join()
    recorder.close()
    assert not has_waited
    stream, _ = read_log(part_paths(tmp_path)).streams
    assert [int.from_bytes(data, "little") for _, data in stream.packets] == list(range(2000))


def test_backlog_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "BACKLOG", 100)
    monkeypatch.setattr(RecordingWriter, "_keep", lambda self: None)
    with RecordingWriter(tmp_path, start_ns=START_NS) as recorder:
        sensor = recorder.open_sensor("left_foot", "ankle")
        for i in range(1000):
            recorder.append(sensor, i / 50, b"x")
            assert len(recorder._queue) <= 100 + 0.4 * 50 + 2
    assert len(read_log(part_paths(tmp_path)).streams[0].packets) == 1000


def test_failure_in_the_background_reaches_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = RecordingWriter(tmp_path, start_ns=START_NS)
    sensor = recorder.open_sensor("left_foot", "ankle")
    recorder.append(sensor, 0.0, b"kept")
    recorder.flush()
    assert recorder.failure is None

    def refuse(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        recorder.sync_soon()
        deadline = time.monotonic() + 30.0
        while recorder.failure is None and time.monotonic() < deadline:
            time.sleep(0.01)
    assert isinstance(recorder.failure, StorageError)
    for call in (lambda: recorder.append(sensor, 0.1, b"refused"), recorder.flush, recorder.sync, recorder.close):
        with pytest.raises(StorageError, match="Input/output error"):
            call()
    scan = scan_log(part_path(tmp_path, 1).read_bytes())
    assert [m.data for m in scan.messages] == [b"kept"]
    assert scan.is_complete


def test_folder_that_cannot_be_written_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "raw").write_text("a file, not a folder")
    with pytest.raises(StorageError, match="could not be written") as caught:
        RecordingWriter(tmp_path, start_ns=START_NS)
    assert caught.value.exit_code == 6


def test_memory_is_flat_over_an_hour(tmp_path: Path, full: bool) -> None:
    """Four sensors for an hour of arrival times; looked at just before each new part, when most is held."""
    period = 14 / 208 if full else 0.25
    held = []
    with RecordingWriter(tmp_path, start_ns=START_NS, session="note" * 300) as recorder:
        numbers = [
            recorder.open_sensor(p, "ankle") for p in ("left_foot", "left_shank", "right_foot", "right_shank")
        ]
        tracemalloc.start()
        try:
            for i in range(int(3600 / period)):
                for k, number in enumerate(numbers):
                    recorder.append(number, i * period + k * 0.01, bytes(194))
                if i * period >= 598 + 600 * len(held):
                    recorder.flush()
                    gc.collect()
                    held.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
    assert len(part_paths(tmp_path)) == len(held) == 6
    assert max(held[1:]) - min(held[1:]) < 100_000
    assert max(held) < 2_000_000


def test_a_disk_that_is_full_at_a_new_part_leaves_no_empty_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = parts.write_or_undo

    def refuse_the_second(file: FileIO, data: bytes) -> None:
        if "0002" in str(file.name):
            raise OSError(errno.ENOSPC, "No space left on device")
        write(file, data)

    monkeypatch.setattr(parts, "write_or_undo", refuse_the_second)
    recorder = RecordingWriter(tmp_path, start_ns=START_NS)
    sensor = recorder.open_sensor("left_foot", "ankle")
    for i in range(10):
        recorder.append(sensor, i / 10, b"x")
    recorder.append(sensor, parts.PART_S + 1.0, b"no room")
    with pytest.raises(StorageError, match="disk is full"):
        recorder.close()
    assert [path.name for path in part_paths(tmp_path)] == ["part-0001.mcap"]
    log = read_log(part_paths(tmp_path))
    assert (log.damage, len(log.streams[0].packets), log.streams[0].lost_packets) == ((), 10, 0)


def test_whatever_breaks_the_writer_is_one_kind_of_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = RecordingWriter(tmp_path, start_ns=START_NS)
    sensor = recorder.open_sensor("left_foot", "ankle")
    recorder.append(sensor, 0.0, b"kept")
    recorder.flush()

    def break_down(*_: object) -> None:
        raise KeyError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(recorder._parts._framer, "write_chunk", break_down)
        recorder.append(sensor, 0.1, b"lost")
        for call in (recorder.flush, lambda: recorder.append(sensor, 0.2, b"refused"), recorder.close):
            with pytest.raises(
                StorageError, match=r"part-0001\.mcap could not be written on \(KeyError: 'a bug'\)"
            ):
                call()
    assert isinstance(recorder.failure, StorageError)
    assert [data for _, data in read_log(part_paths(tmp_path)).streams[0].packets] == [b"kept"]


@pytest.mark.parametrize("value", [b"\0", object(), {1, 2}, {(1, 2): 3}])
def test_a_configuration_that_is_no_json_is_refused_at_once(tmp_path: Path, value: object) -> None:
    with RecordingWriter(tmp_path, start_ns=START_NS) as recorder:
        with pytest.raises(ValueError, match="/imu/left_foot/packet cannot be kept as JSON"):
            recorder.open_sensor("left_foot", "ankle", {"key": value})
        recorder.append(recorder.open_sensor("left_foot", "ankle"), 0.0, b"goes on")
    assert len(read_log(part_paths(tmp_path)).streams) == 1
