"""Logs spoilt at random: no error but our own, and no message that was never written."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from mcap.writer import Writer

from ankle_imu.errors import AnkleImuError
from ankle_imu.recording import RecordingWriter, part_path, part_paths, read_log, repair_session
from ankle_imu.recording.log_format import MAGIC, Channel, Message
from ankle_imu.recording.scan import Scan, scan_log

Said = set[tuple[Channel | None, Message]]


def said(scan: Scan) -> Said:
    """Messages and what their channels are said to be; a config is a mapping, so its text stands for it."""
    channels = {n: c._replace(config=repr(sorted(c.config.items()))) for n, c in scan.channels.items()}  # type: ignore[arg-type]
    return {(channels.get(m.channel), m) for m in scan.messages}


def small_log(folder: Path, n: int, *, session: str) -> bytes:
    with RecordingWriter(folder, start_ns=10**18, session=session) as writer:
        for i in range(n):
            for placement in ("left_foot", "left_shank"):
                number = writer.open_sensor(placement, "ankle", {"acc_range_g": 16.0})
                writer.append(number, i * 0.25, random.Random(i).randbytes(40))
            writer.append(writer.open_sensor("left_foot", "ankle", kind="status"), i * 0.25, bytes([i]))
        writer.log(0.5, "left_foot", "lost", "out of range")
        writer.note_clock(0.6, 10**18)
        writer.mark(1.0, "roots")
    return part_path(folder, 1).read_bytes()


def foreign_log() -> bytes:
    """A log of another program, with JSON that is none of ours on our topics, and without any CRC."""
    out = io.BytesIO()
    writer = Writer(out, chunk_size=200, enable_crcs=False)
    writer.start(profile="other")
    for topic in ("/imu/left_foot/packet", "/marker", "/log", "/clock", "/gps"):
        channel = writer.register_channel(topic, "json", 0, {"config": "[1]"})
        for data in (b"[1]", b"{}", b'{"text": 1, "utc_ns": "x", "placement": null}', b"\xff"):
            writer.add_message(channel, 10, data, 10)
    writer.finish()
    return out.getvalue()


def spoil(data: bytes, rng: random.Random) -> bytes:
    """One to three of the things that happen to files."""
    for _ in range(rng.randrange(1, 4)):
        data = rng.choice(WAYS)(data, rng)
    return data


def _at(data: bytes, rng: random.Random) -> int:
    return rng.randrange(len(data) + 1)


def _flip(data: bytes, rng: random.Random) -> bytes:
    at = _at(data, rng)
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]


def _fill(data: bytes, rng: random.Random) -> bytes:
    at, n = _at(data, rng), rng.choice([1, 2, 4, 8, 64, 512])
    return data[:at] + rng.choice([b"\x00", b"\xff", b"\x06"]) * len(data[at : at + n]) + data[at + n :]


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: _at(data, rng)] if rng.random() < 0.7 else data[_at(data, rng) :]


def _drop(data: bytes, rng: random.Random) -> bytes:
    at = _at(data, rng)
    return data[:at] + data[at + rng.randrange(200) :]


def _repeat(data: bytes, rng: random.Random) -> bytes:
    a, b = sorted((_at(data, rng), _at(data, rng)))
    return data[:b] + data[a:b] + data[b:]


def _insert(data: bytes, rng: random.Random) -> bytes:
    at = _at(data, rng)
    return data[:at] + rng.randbytes(rng.randrange(1, 50)) + data[at:]


def _number(data: bytes, rng: random.Random) -> bytes:
    at, n = _at(data, rng), rng.choice([2, 4, 8])
    number = rng.choice([0, 1, (1 << (8 * n)) - 1, 1 << (8 * n - 1), rng.randrange(1 << (8 * n))])
    return data[:at] + number.to_bytes(n, "little") + data[at + n :]


WAYS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flip, _flip, _fill, _cut, _drop, _repeat, _insert, _number
)  # fmt: skip


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    root = tmp_path_factory.mktemp("logs")
    return [small_log(root / "a", 12, session="note"), small_log(root / "b", 3, session="")]


def test_no_message_that_was_never_written(logs: list[bytes], full: bool) -> None:
    for data in logs:
        written = said(scan_log(data))
        assert len(written) > 10
        found = 0
        for seed in range(60_000 if full else 1000):
            scan = scan_log(spoil(data, random.Random(seed)))
            now = said(scan)
            assert now <= written | {(None, m) for _, m in written}, seed
            found += len(now)
        assert found > 0


def test_reading_and_repairing_end_with_an_answer_or_our_own_error(
    logs: list[bytes], tmp_path: Path, full: bool
) -> None:
    path = part_path(tmp_path, 1)
    path.parent.mkdir()
    answers = 0
    for data in [*logs, foreign_log(), MAGIC]:
        for seed in range(5_000 if full else 60):
            path.write_bytes(spoil(data, random.Random(seed)))
            try:
                before = read_log(part_paths(tmp_path))
                repair_session(tmp_path)
                after = read_log(part_paths(tmp_path))
            except AnkleImuError:
                continue
            finally:
                for kept in path.parent.glob("damaged/*"):
                    kept.unlink()
                (tmp_path / "session.toml").unlink(missing_ok=True)
            assert not after.damage, seed
            if data in logs:
                assert after.streams == before.streams, seed
            answers += 1
    assert answers > 0
