"""When a saved result is what analysing now would give: by content, not by clocks."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ankle_imu import library, manifest, tables
from ankle_imu._version import package_version
from ankle_imu.errors import CorruptRecording
from ankle_imu.library.sources import PATTERNS, file_sources, to_record
from ankle_imu.recording import read_session_info, write_session_info
from ankle_imu.settings import Settings
from ankle_imu.terrain import FILE_NAMES
from ankle_imu.values import SensorInfo, SessionInfo, SessionResult

INFO = SessionInfo(
    session_id="2026-11-02T090000Z_abcd",
    alias="P-test",
    started_utc="2026-11-02T09:00:00Z",
    sensors={"left_foot": SensorInfo(placement="left_foot", serial="S1")},
)


def result(**changes: object) -> SessionResult:
    names = ("angles", "strides", "context", "track", "events", "bouts", "summary")
    made = SessionResult(
        **{name: tables.make_table(tables.TABLES[name], {}) for name in names},
        quality={"sensors": {}, "gaps": tables.make_table(tables.GAPS, {}), "warnings": (), "unmeasurable": {}},
        settings=Settings(),
        session=INFO,
        version=package_version(),
        duration_s=5.0,
        sampling_rate=100.0,
    )
    return replace(made, **changes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A session with a raw part, answers and a sensor with a calibration, and its saved result."""
    path = tmp_path / "library" / "people" / "P-test" / "2026" / INFO.session_id
    write_session_info(path, INFO)
    (path / "raw").mkdir()
    (path / "raw" / "part-0001.mcap").write_bytes(b"packets")
    (path / "events.toml").write_text("format_version = 1\n")
    sensor = library.KnownSensor(serial="S1", identifier="00:11", model="ankle", placement="left_foot")
    library.save_sensor(tmp_path / "library", sensor)
    library.save_calibration(tmp_path / "library", "S1", {"bias": [0.0, 0.0, 1.0]})
    library.save_result(path, result())
    assert library.is_up_to_date(path)
    return path


def rewrite(path: Path, content: bytes) -> None:
    """Change the bytes and nothing that a clock or a length could tell."""
    state = path.stat()
    assert len(content) == state.st_size
    path.write_bytes(content)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns - 3_600_000_000_000))


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "session.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


CHANGES: dict[str, Callable[[Path], object]] = {
    "same length, older": lambda p: rewrite(p / "raw" / "part-0001.mcap", b"PACKETS"),
    "another part": lambda p: (p / "raw" / "part-0002.mcap").write_bytes(b"x"),
    "a part gone": lambda p: (p / "raw" / "part-0001.mcap").unlink(),
    "kind": lambda p: edit(p, 'kind = "walk"', 'kind = "daily"'),
    "start": lambda p: edit(p, "09:00:00Z", "09:00:01Z"),
    "mount site": lambda p: edit(p, 'mount_site = ""', 'mount_site = "heel"'),
    "serial": lambda p: edit(p, 'serial = "S1"', 'serial = "S2"'),
    "range": lambda p: edit(p, 'serial = "S1"', 'serial = "S1"\nacc_range_g = 8.0'),
    "gait told": lambda p: edit(p, "tags = []", 'tags = ["jog"]'),
    "no manifest": lambda p: (p / "session.toml").write_text("["),
    "answers": lambda p: (p / "events.toml").write_text("format_version = 1 \n"),
    "answers gone": lambda p: (p / "events.toml").unlink(),
    "track": lambda p: (p / "track.gpx").write_text("<gpx/>"),
    "limits": lambda p: (p.parents[1] / "person.toml").write_text("[own_roll_limits]\nroll_deg = 24.0\n"),
    "calibration": lambda p: library.save_calibration(p.parents[3], "S1", {"bias": [0.0, 0.0, 2.0]}),
    "sensor gone": lambda p: library.forget_sensor(p.parents[3], "S1"),
    "version": lambda p: library.save_result(p, result(version="0.0.1")),
    "settings": lambda p: library.save_result(p, result(settings=Settings(roll_deg=25.0))),
    "result gone": lambda p: shutil.rmtree(p / "derived"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_makes_a_result_out_of_date(folder: Path, change: str) -> None:
    CHANGES[change](folder)
    assert not library.is_up_to_date(folder)


def test_what_does_not(folder: Path, tmp_path: Path) -> None:
    for path in folder.rglob("*"):
        os.utime(path, (2e9, 2e9))
    assert library.is_up_to_date(folder), "touched"
    shutil.copytree(tmp_path / "library", tmp_path / "copy", copy_function=shutil.copyfile)
    copy = tmp_path / "copy" / folder.relative_to(tmp_path / "library")
    assert library.is_up_to_date(copy), "copied without times"
    known = library.find_sensor(tmp_path / "library", "S1")
    library.save_sensor(tmp_path / "library", replace(known, last_seen_utc="2026-11-20T00:00:00Z"))
    assert library.is_up_to_date(folder), "the sensor was seen again"
    (folder / "raw" / "original.csv").write_text("kept, and not read")
    (folder / "report.html").write_text("")
    (folder / "session.toml").rename(folder / "other")
    (folder / "other").rename(folder / "session.toml")
    assert library.is_up_to_date(folder)


NOTES = {
    "tags": lambda p: library.change_tags(p, ["physio", "rainy run home, no: jog"]),
    "alias": lambda p: edit(p, "P-test", "P-else"),
    "comment": lambda p: edit(p, "format_version", "# mine\nformat_version"),
    "load_kg": lambda p: edit(p, "[sensors.left_foot]", "[load_kg]\nleft = 2.0\n[sensors.left_foot]"),
    **{
        name: (lambda p, name=name: edit(p, f'{name} = ""', f'{name} = "left"'))
        for name in ("note", "consent", "surface", "footwear", "brace", "affected_leg")
    },
}


@pytest.mark.parametrize("note", NOTES)
def test_notes_do_not_make_a_result_old_and_show_in_it(folder: Path, note: str) -> None:
    NOTES[note](folder)
    assert library.is_up_to_date(folder)
    shown = library.load_result(folder).session
    assert shown == read_session_info(folder) or repr(shown) == repr(read_session_info(folder))
    assert note == "comment" or getattr(shown, note) != getattr(INFO, note)


def test_every_note_is_known() -> None:
    assert set(NOTES) - {"comment"} == set(manifest.NOTES)


def test_a_change_between_reading_and_saving_shows(folder: Path) -> None:
    before = to_record(file_sources(folder))
    (folder / "events.toml").write_text("format_version = 1 # changed meanwhile\n")
    library.save_result(folder, result(), files=before)
    assert not library.is_up_to_date(folder)


def test_bytes_are_read_only_where_size_and_time_do_not_decide(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ankle_imu.library.sources._hash", lambda path: pytest.fail(f"read {path}"))
    assert library.is_up_to_date(folder)
    (folder / "events.toml").write_text("longer than it was before")
    assert not library.is_up_to_date(folder)


@pytest.mark.parametrize("older", [{"format_version": 2}, {"version": "0.0.1"}, {"sources": None}])
def test_a_result_of_an_older_form_is_made_again(folder: Path, older: dict[str, object]) -> None:
    head = next(folder.glob("derived/*/result.json"))
    head.write_text(json.dumps({k: v for k, v in (json.loads(head.read_text()) | older).items() if v is not None}))
    assert not library.is_up_to_date(folder)


def test_a_damaged_result_says_so(folder: Path) -> None:
    head = next(folder.glob("derived/*/result.json"))
    (head.parent / "session.toml").unlink()
    with pytest.raises(CorruptRecording, match="analyse the session again"):
        library.is_up_to_date(folder)
    head.write_text("{")
    with pytest.raises(CorruptRecording, match=r"result\.json"):
        library.is_up_to_date(folder)


def test_a_sensor_file_that_cannot_be_read_stops_nothing(folder: Path) -> None:
    (folder.parents[3] / "sensors" / "S1.json").write_text("[[")
    assert not library.is_up_to_date(folder)
    library.save_result(folder, result())
    assert library.is_up_to_date(folder)


def test_tracks_go_by_the_names_that_are_read() -> None:
    assert set(FILE_NAMES.values()) <= set(PATTERNS)
