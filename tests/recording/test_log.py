"""The log survives what disks and power cuts do to it, and counts what they took."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu.errors import CorruptRecording, RecordingError, StorageError
from ankle_imu.recording import RecordingWriter, part_path, part_paths, read_log
from ankle_imu.recording.log_format import MAGIC
from ankle_imu.recording.scan import scan_log

START_NS = 1_790_000_000_000_000_000
RATE = 20.0


def payload(i: int) -> bytes:
    """200 bytes that hold their number and do not compress, as packets do not."""
    return i.to_bytes(4, "little") + bytes((i * 7919 + k * k * 31) % 251 for k in range(196))


def write(folder: Path, n: int, *, rate: float = RATE) -> Path:
    with RecordingWriter(folder, start_ns=START_NS, session="note") as writer:
        sensor = writer.open_sensor("left_foot", "ankle", {"acc_range_g": 16.0})
        for i in range(n):
            writer.append(sensor, i / rate, payload(i))
    return part_path(folder, 1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write(tmp_path_factory.mktemp("whole"), 400).read_bytes()


def numbers(data: bytes) -> list[int]:
    found = scan_log(data).messages
    assert all(m.data == payload(m.sequence) for m in found), "a wrong payload came through"
    return [m.sequence for m in found]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write(tmp_path, 100)
    log = read_log(part_paths(tmp_path))
    (stream,) = log.streams
    assert (stream.placement, stream.protocol, stream.config) == ("left_foot", "ankle", {"acc_range_g": 16.0})
    assert [p for _, p in stream.packets] == [payload(i) for i in range(100)]
    assert [t for t, _ in stream.packets] == pytest.approx([i / RATE for i in range(100)])
    assert (log.start_ns, log.session, log.damage, stream.lost_packets) == (START_NS, "note", (), 0)


def test_other_tools_can_read_it(tmp_path: Path) -> None:
    from mcap.reader import make_reader

    with write(tmp_path, 50).open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        found = [(c.topic, c.message_encoding, m.log_time) for _, c, m in reader.iter_messages()]
    assert found == [("/imu/left_foot/packet", "ankle", START_NS + i * 50_000_000) for i in range(50)]


def test_chunks_are_short(whole: bytes) -> None:
    # 20 s of session time, at most half a second each
    assert scan_log(whole).chunks >= 40


@pytest.fixture(scope="module")
def chunks(whole: bytes) -> list[tuple[int, int, set[int]]]:
    """First byte, end and packet numbers of each chunk, as the MCAP library's own reader tells them."""
    from mcap.reader import make_reader

    summary = make_reader(io.BytesIO(whole)).get_summary()
    assert summary is not None
    return [
        (c.chunk_start_offset, c.chunk_start_offset + c.chunk_length, set(range(first, last + 1)))
        for c in summary.chunk_indexes
        for first, last in [
            [round((t - START_NS) * RATE / 1e9) for t in (c.message_start_time, c.message_end_time)]
        ]
    ]


@given(st.data())
def test_log_cut_at_any_byte_yields_its_intact_prefix(
    whole: bytes, chunks: list[tuple[int, int, set[int]]], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(whole)))
    expected = sorted(i for _, stop, packets in chunks if stop <= cut for i in packets)
    assert numbers(whole[:cut]) == expected
    assert scan_log(whole[:cut]).is_complete == (cut == len(whole))


@given(st.integers(0, 2**20))
def test_zeroed_block_takes_only_the_chunks_it_touches(
    whole: bytes, chunks: list[tuple[int, int, set[int]]], at: int
) -> None:
    at %= len(whole) - 4096
    broken = whole[:at] + bytes(4096) + whole[at + 4096 :]
    expected = sorted(i for start, stop, packets in chunks if stop <= at or start >= at + 4096 for i in packets)
    assert numbers(broken) == expected
    if len(expected) < 400:
        assert scan_log(broken).damaged_regions >= 1
        assert scan_log(broken).lost_bytes >= 4096 - 500


@given(st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 7)), min_size=1, max_size=5))
def test_flipped_bits_take_only_their_chunks(
    whole: bytes, chunks: list[tuple[int, int, set[int]]], flips: list[tuple[int, int]]
) -> None:
    broken = bytearray(whole)
    places = {at % len(whole) for at, _ in flips}
    for at, bit in flips:
        broken[at % len(whole)] ^= 1 << bit
    expected = {i for a, b, packets in chunks if not any(a <= p < b for p in places) for i in packets}
    found = numbers(bytes(broken))
    assert found == sorted(set(found))
    assert set(found) >= expected


def test_destroyed_beginning_is_survived_by_the_repeated_channel_table(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "part-0001.mcap"
    unfinished = whole[: len(whole) // 10 * 8]
    path.write_bytes(bytes(4096) + unfinished[4096:])
    (stream,) = (log := read_log([path])).streams
    assert stream.placement == "left_foot"
    assert 0 < stream.lost_packets <= 40
    assert stream.lost_packets + len(stream.packets) == 1 + max(
        int.from_bytes(p[:4], "little") for _, p in stream.packets
    )
    assert log.start_ns == START_NS
    assert any("damaged" in sentence for sentence in log.damage)


@given(st.binary(max_size=300))
def test_any_bytes_can_be_scanned(data: bytes) -> None:
    assert scan_log(data).chunks == 0
    assert scan_log(MAGIC + data).messages == []


def test_new_part_every_ten_minutes_and_a_missing_part_is_counted(tmp_path: Path) -> None:
    write(tmp_path, 150, rate=0.1)  # one packet per 10 s, 1500 s
    paths = part_paths(tmp_path)
    assert [p.name for p in paths] == ["part-0001.mcap", "part-0002.mcap", "part-0003.mcap"]
    assert len(read_log(paths).streams[0].packets) == 150
    paths[1].unlink()
    (stream,) = read_log(part_paths(tmp_path)).streams
    assert (len(stream.packets), stream.lost_packets) == (90, 60)


def test_one_bad_part_does_not_hide_the_others(tmp_path: Path) -> None:
    write(tmp_path, 150, rate=0.1)
    part_path(tmp_path, 2).write_bytes(b"")
    log = read_log(part_paths(tmp_path))
    assert log.streams[0].lost_packets == 60
    assert "empty (0 bytes)" in " ".join(log.damage)


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "empty"), (b"time,acc\n1,2\n", "no recording"), (bytes(5000), "no recording")]
)
def test_file_that_is_no_recording(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "walk.mcap"
    path.write_bytes(content)
    with pytest.raises(CorruptRecording, match=said) as caught:
        read_log([path])
    assert caught.value.exit_code == 5


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="There is no file"):
        read_log([tmp_path / "none.mcap"])


def test_silence_is_flushed_too(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path, start_ns=START_NS) as writer:
        writer.append(writer.open_sensor("left_foot", "ankle"), 0.0, payload(0))
        deadline = time.monotonic() + 5
        while not numbers(part_path(tmp_path, 1).read_bytes()):
            assert time.monotonic() < deadline, "the packet never reached the file"
            time.sleep(0.05)


def test_markers_come_back(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path, start_ns=START_NS) as writer:
        writer.append(writer.open_sensor("left_foot", "ankle"), 0.0, payload(0))
        writer.mark(2.0, "roots", "left")
        writer.mark(1.0, "gravel")
    assert [(m.time_s, m.text, m.leg) for m in read_log(part_paths(tmp_path)).markers] == [
        (1.0, "gravel", ""),
        (2.0, "roots", "left"),
    ]


def test_part_that_exists_is_never_overwritten(tmp_path: Path) -> None:
    before = write(tmp_path, 10).read_bytes()
    with pytest.raises(StorageError, match="could not be written"):
        write(tmp_path, 20)
    assert part_path(tmp_path, 1).read_bytes() == before


def test_refusing_disk_is_told_and_keeps_what_was_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = RecordingWriter(tmp_path, start_ns=START_NS)
    sensor = writer.open_sensor("left_foot", "ankle")
    writer.append(sensor, 0.0, payload(0))
    writer.flush()
    with monkeypatch.context() as patch:

        def refuse(_: int) -> None:
            raise OSError(28, "No space left on device")

        patch.setattr(os, "fsync", refuse)
        with pytest.raises(StorageError, match="disk is full"):
            writer.close()
    assert numbers(part_path(tmp_path, 1).read_bytes()) == [0]


def test_sensors_one_after_the_other_are_cut_into_chunks_too(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path, start_ns=START_NS) as writer:
        for placement in ("left_foot", "left_shank"):
            sensor = writer.open_sensor(placement, "ankle")
            for i in range(200):
                writer.append(sensor, i / RATE, payload(i))
    assert scan_log(part_path(tmp_path, 1).read_bytes()).chunks >= 2 * 200 / RATE / 0.5
