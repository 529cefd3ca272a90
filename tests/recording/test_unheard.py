"""Words left for a recorder that was killed: `repair` puts each into the recording once, when it was said."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ankle_imu.errors import StorageError
from ankle_imu.recording import RecordingWriter, part_paths, read_log, read_sums, repair_session, unheard
from ankle_imu.recording.inbox import NAME, leave
from ankle_imu.service.mending import mend

START_NS = 1_790_000_000_000_000_000
END_S = 30.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """30 s of packets, the last notice of the wall clock at 20 s, when it had been set one hour ahead."""
    path = tmp_path / "people" / "P-aaaa" / "2026" / "walk"
    with RecordingWriter(path, start_ns=START_NS) as writer:
        channel = writer.open_sensor("left_foot", "ankle/1", {})
        for tick in range(301):
            writer.append(channel, tick / 10.0, bytes([tick % 256]))
        writer.note_clock(0.0, START_NS)
        writer.note_clock(20.0, START_NS + round((20.0 + 3600.0) * 1e9))
        writer.mark(29.0, "roots")
    return path


def leave_at(
    folder: Path, name: str, text: str, at_s: float, monkeypatch: pytest.MonkeyPatch, **more: str
) -> None:
    """Leave a word at `at_s` by the clock that was set one hour ahead."""
    monkeypatch.setattr(time, "time_ns", lambda: START_NS + round((at_s + 3600.0) * 1e9))
    leave(folder, name, text, **more)  # type: ignore[arg-type]


def test_words_stand_where_they_were_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave_at(folder, "b", "pain 3", 28.5, monkeypatch, leg="left")
    leave_at(folder, "a", "stumble", 27.25, monkeypatch)
    leave(folder, "c", "roll was real", leg="right", time_s=12.5)
    done = repair_session(folder)
    assert done.is_needed
    assert [(w.time_s, w.text, w.leg) for w in done.words] == [
        (12.5, "roll was real", "right"),
        (pytest.approx(27.25, abs=1e-6), "stumble", ""),
        (pytest.approx(28.5, abs=1e-6), "pain 3", "left"),
    ]
    log = read_log(part_paths(folder))
    assert [m.text for m in log.markers] == ["roll was real", "stumble", "pain 3", "roots"]
    assert (log.damage, [s.lost_packets for s in log.streams]) == ((), [0])
    assert sum(len(s.packets) for s in log.streams) == 301
    sums = read_sums(folder)
    assert sums is not None
    assert sorted(sums[0]) == ["part-0001.mcap", "part-0002.mcap"]
    assert not (folder / NAME).exists()
    assert not repair_session(folder).is_needed


def test_a_word_the_recorder_had_written_is_not_written_twice(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_at(folder, "a", "roots", 29.01, monkeypatch)
    leave_at(folder, "b", "roots", 29.03, monkeypatch)
    assert [w.text for w in repair_session(folder).words] == ["roots"]
    assert [m.text for m in read_log(part_paths(folder)).markers] == ["roots", "roots"]


@pytest.mark.parametrize("at_s", [-1e8, -3.0, 33.0, 3e8])
def test_a_clock_that_was_set_puts_a_word_at_the_end(
    at_s: float, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_at(folder, "a", "stumble", at_s, monkeypatch)
    assert [w.time_s for w in repair_session(folder).words] == [END_S]


def test_a_word_of_an_earlier_version_comes_at_the_end(folder: Path) -> None:
    (folder / NAME).mkdir()
    (folder / NAME / "a.json").write_text('{"text": "stumble", "said": 1.0, "due": 2.0}')
    (folder / NAME / "b.json").write_text("junk")
    (word,) = repair_session(folder).words
    assert (word.text, word.time_s) == ("stumble", END_S)
    assert not (folder / NAME).exists()


def test_a_kill_in_between_neither_loses_nor_doubles(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(70):
        leave_at(folder, f"{n:02d}", f"word {n}", n / 3.0, monkeypatch)
    with monkeypatch.context() as cut:
        cut.setattr(unheard.Inbox, "close", lambda box: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            repair_session(folder)
    with monkeypatch.context() as full:
        full.setattr(unheard, "write_whole", lambda path, data: (_ for _ in ()).throw(StorageError("full")))
        assert repair_session(folder).words == ()  # nothing is lacking, so that nothing is written
    assert len(read_log(part_paths(folder)).markers) == 71
    assert not (folder / NAME).exists()


def test_a_disk_that_refuses_leaves_the_words(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave_at(folder, "a", "stumble", 10.0, monkeypatch)
    with monkeypatch.context() as full:
        full.setattr(unheard, "write_whole", lambda path, data: (_ for _ in ()).throw(StorageError("full")))
        with pytest.raises(StorageError):
            repair_session(folder)
    assert [w.text for w in repair_session(folder).words] == ["stumble"]
    assert [m.text for m in read_log(part_paths(folder)).markers] == ["stumble", "roots"]


def test_the_hill_recorder_puts_them_in_at_its_start(folder: Path, tmp_path: Path) -> None:
    leave(folder, "a", "stumble", time_s=3.0)
    (folder / ".being-recorded").touch()
    assert mend(tmp_path) == [(folder, "")]
    assert [m.text for m in read_log(part_paths(folder)).markers] == ["stumble", "roots"]
