"""A recording read while it grows, however it grows: the same messages as when it is read at its end."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ankle_imu.recording import RecordingWriter, part_paths, parts
from ankle_imu.recording.follow import Follower
from ankle_imu.recording.scan import scan_log

START_NS = 10**18
Said = tuple[str, float, bytes]


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, bytes]]:
    """Names and bytes of the three parts of a session of 30 s."""
    folder = tmp_path_factory.mktemp("grown")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "PART_S", 10.0)
        with RecordingWriter(folder, start_ns=START_NS) as writer:
            left = writer.open_sensor("left_foot", "ankle", {"acc_range_g": 16.0})
            for n in range(300):
                if n == 150:
                    right = writer.open_sensor("right_foot", "ankle", {"acc_range_g": 8.0})
                writer.append(left if n < 150 or n % 2 else right, 0.1 * n, f"packet {n}".encode())
                if n % 40 == 0:
                    writer.mark(0.1 * n, f"mark {n}")
    found = [(path.name, path.read_bytes()) for path in part_paths(folder)]
    assert len(found) == 3
    return found


def truth(grown: list[tuple[str, bytes]]) -> list[Said]:
    said = []
    for _, data in grown:
        scan = scan_log(data)
        said += [(scan.channels[m.channel].topic, 1e-9 * (m.log_time - START_NS), m.data) for m in scan.messages]
    return said


def read_all(follower: Follower) -> list[Said]:
    said = [(one.channel.topic, one.time_s, one.data) for one in follower.read()]
    while follower.has_more:
        said += [(one.channel.topic, one.time_s, one.data) for one in follower.read()]
    return said


@settings(deadline=None, max_examples=40)
@given(cuts=st.lists(st.floats(0.0, 1.0), max_size=12), late=st.booleans())
def test_cut_anywhere_nothing_is_missed_or_doubled(
    cuts: list[float], late: bool, grown: list[tuple[str, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    raw = tmp_path_factory.mktemp("copy") / "raw"
    raw.mkdir()
    follower, said = Follower(raw.parent), list[Said]()
    for name, data in grown:
        for stop in sorted({round(cut * len(data)) for cut in cuts} | {len(data)}):
            (raw / name).write_bytes(data[:stop])
            said += [] if late and name == grown[0][0] else read_all(follower)
    said += read_all(follower)
    assert said == truth(grown)
    assert (follower.start_ns, follower.is_closed) == (START_NS, True)
    assert follower.read() == []


def test_what_is_passed_over_is_not_opened(grown: list[tuple[str, bytes]], tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    for name, data in grown:
        (tmp_path / "raw" / name).write_bytes(data)
    follower = Follower(tmp_path)
    follower.start_ns, follower.passed_over = START_NS, (5.0, 25.0)
    times = [time_s for _, time_s, _ in read_all(follower)]
    assert max(t for t in times if t < 15.0) == pytest.approx(5.0, abs=0.31)
    assert min(t for t in times if t > 15.0) == pytest.approx(25.0, abs=0.31)


@pytest.mark.parametrize("junk", [b"\xff" * 999, b"\x06" + b"\xff" * 999, b"\x05" + b"\x07" * 999, b""])
def test_damage_in_one_part_leaves_the_next_ones(
    junk: bytes, grown: list[tuple[str, bytes]], tmp_path: Path
) -> None:
    (tmp_path / "raw").mkdir()
    follower = Follower(tmp_path)
    first = grown[0][1]
    (tmp_path / "raw" / grown[0][0]).write_bytes(first[: len(first) // 2] + junk)
    before = read_all(follower)
    assert 0 < len(before) < len(truth(grown[:1]))
    for name, data in grown[1:]:
        (tmp_path / "raw" / name).write_bytes(data)
    assert read_all(follower) == truth(grown[1:])


def test_a_session_without_a_part_has_nothing_to_say(tmp_path: Path) -> None:
    assert Follower(tmp_path).read() == []
