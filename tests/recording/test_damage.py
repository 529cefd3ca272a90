"""Flipped bytes and zeroed blocks in finished files cost only the chunks they touch, and the count is right."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from mcap.reader import make_reader

from ankle_imu.frames import PLACEMENTS
from ankle_imu.recording import RecordingWriter, part_path, part_paths, read_log, repair_session
from ankle_imu.recording.parts import PART_S

START_NS = 1_790_000_000_000_000_000
SECONDS = 40
RATE = 13.0
Sent = dict[str, list[tuple[float, bytes]]]


def payload(placement: str, i: int) -> bytes:
    return random.Random(f"{placement} {i}").randbytes(204)


def record(folder: Path, begin_s: float = 0.0) -> Sent:
    """Four sensors for 40 s; gives what was sent by each."""
    sent: Sent = {placement: [] for placement in PLACEMENTS}
    with RecordingWriter(folder, start_ns=START_NS, session="note") as writer:
        numbers = {p: writer.open_sensor(p, "ankle", {"acc_range_g": 16.0}) for p in PLACEMENTS}
        for i in range(int(SECONDS * RATE)):
            for k, placement in enumerate(PLACEMENTS):
                arrival = round(begin_s + i / RATE + k * 0.01, 6)
                sent[placement].append((arrival, payload(placement, i)))
                writer.append(numbers[placement], *sent[placement][-1])
    return sent


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sent, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    return record(folder), part_path(folder, 1).read_bytes()


def chunks_of(data: bytes) -> list[tuple[int, int, float, float]]:
    """First byte, end, first and last arrival of each chunk, as the MCAP library's own reader tells them."""
    summary = make_reader(io.BytesIO(data)).get_summary()
    assert summary is not None
    return [
        (
            c.chunk_start_offset,
            c.chunk_start_offset + c.chunk_length,
            (c.message_start_time - START_NS) / 1e9,
            (c.message_end_time - START_NS) / 1e9,
        )
        for c in summary.chunk_indexes
    ]


def check(path: Path, sent: Sent, chunks: list[tuple[int, int, float, float]], hit: tuple[int, int]) -> int:
    """Compare what is read with what was sent, bytes [hit) being spoilt; gives the number of lost packets."""
    log = read_log([path])
    assert log.session == "note"
    spoilt = [(first, last) for a, b, first, last in chunks if a < hit[1] and hit[0] < b]
    lost = 0
    for stream in log.streams:
        packets = sent[stream.placement]
        expected = [p for p in packets if not any(first <= p[0] <= last for first, last in spoilt)]
        found = [(round(t, 6), data) for t, data in stream.packets]
        # a flipped time or length of a chunk leaves its content whole: then it may well be read
        assert set(expected) <= set(found) <= set(packets)
        assert found == sorted(found)
        assert stream.lost_packets == len(packets) - len(found)
        gone = [t for t, data in packets if (t, data) not in set(found)]
        assert all(any(before < t < after for before, after in stream.holes) for t in gone)
        lost += stream.lost_packets
    assert len(log.streams) == 4
    assert bool(log.damage) >= bool(lost)
    return lost


def spoil(
    data: bytes, sent: Sent, path: Path, hits: list[tuple[int, int]], change: Callable[[bytes], bytes]
) -> list[int]:
    chunks = chunks_of(data)
    lost = []
    for a, b in hits:
        path.write_bytes(data[:a] + change(data[a:b]) + data[b:])
        lost.append(check(path, sent, chunks, (a, b)))
    return lost


def test_flipped_bytes(sent: tuple[Sent, bytes], tmp_path: Path, full: bool) -> None:
    packets, data = sent
    hits = [(at, at + 1) for at in (random.randrange(len(data)) for _ in range(1000 if full else 100))]
    lost = spoil(data, packets, tmp_path / "a.mcap", hits, lambda b: bytes([b[0] ^ random.randrange(1, 256)]))
    assert max(lost) > 0
    assert max(lost) <= 4 * 6


def test_zeroed_blocks(sent: tuple[Sent, bytes], tmp_path: Path, full: bool) -> None:
    packets, data = sent
    starts = [random.randrange(len(data) - 4096) for _ in range(1000 if full else 100)]
    # the corners: the beginning, the last chunk and all behind it, the end
    last = chunks_of(data)[-1][0]
    hits = [(a, a + 4096) for a in [*starts, 0, last, last - 2000, last - 4000, len(data) - 4096]]
    lost = spoil(data, packets, tmp_path / "a.mcap", hits, lambda b: bytes(len(b)))
    assert max(lost) > 0
    assert lost[-4] > 0
    assert max(lost) <= 3 * 4 * 6


def test_chunk_that_became_another_record_is_damage(sent: tuple[Sent, bytes], tmp_path: Path) -> None:
    packets, data = sent
    hits = [(chunks_of(data)[20][0], chunks_of(data)[20][0] + 1)]
    for opcode in range(1, 16):
        lost = spoil(data, packets, tmp_path / "a.mcap", hits, lambda _, opcode=opcode: bytes([opcode]))
        assert (lost[0] > 0) == (opcode != 6)


def test_what_is_lost_at_the_end_of_a_part_is_counted_by_the_next(tmp_path: Path) -> None:
    # a killed recorder that no count stands behind: part 1 is cut, part 2 goes on
    packets = record(tmp_path, PART_S - SECONDS / 2)
    with RecordingWriter(tmp_path / "b", start_ns=START_NS) as writer:
        numbers = {p: writer.open_sensor(p, "ankle") for p in PLACEMENTS}
        for begin in (0.0, PART_S):
            for placement in PLACEMENTS:
                for t, data in packets[placement][:50]:
                    writer.append(numbers[placement], begin + t - packets[placement][0][0], data)
    paths = part_paths(tmp_path / "b")
    assert len(paths) == 2
    whole = paths[0].read_bytes()
    paths[0].write_bytes(whole[: len(whole) // 2])
    log = read_log(paths)
    assert sum(s.lost_packets for s in log.streams) > 0
    for stream in log.streams:
        assert stream.lost_packets == 100 - len(stream.packets)


@pytest.mark.parametrize("n_holes", [1, 4])
def test_repair_keeps_all_that_was_sound_and_still_counts_the_lost(
    sent: tuple[Sent, bytes], tmp_path: Path, n_holes: int
) -> None:
    packets, data = sent
    broken = bytearray(data)
    for i in range(n_holes):
        at = len(data) * (i + 1) // (n_holes + 1)
        broken[at : at + 4096] = bytes(4096)
    path = part_path(tmp_path, 1)
    path.parent.mkdir()
    path.write_bytes(broken)
    before = read_log([path])
    done = repair_session(tmp_path)
    after = read_log(part_paths(tmp_path))
    assert after.streams == before.streams
    assert (after.damage, after.start_ns, after.session) == ((), START_NS, "note")
    assert sum(done.lost.values()) == sum(s.lost_packets for s in before.streams) > 0
    (part,) = done.parts
    assert part.original.read_bytes() == broken
    assert sum(part.saved.values()) == 4 * len(packets["left_foot"]) - sum(done.lost.values())
    with path.open("rb") as file:
        assert len(list(make_reader(file, validate_crcs=True).iter_messages())) == sum(part.saved.values())
    assert not repair_session(tmp_path).is_needed
