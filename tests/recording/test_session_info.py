"""`session.toml` while it is recorded: what was edited stays, what sensors say is added."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ankle_imu.recording import read_session_info, write_session_info
from ankle_imu.values import SensorInfo, SessionInfo

LEFT = SensorInfo(placement="left_foot", serial="A1", mount_site="heel")
RIGHT = SensorInfo(placement="right_foot", serial="B2", nominal_rate_hz=208.0)
BEFORE = SessionInfo(alias="P-test", sensors={"left_foot": LEFT})
AFTER = replace(BEFORE, sensors={"left_foot": LEFT, "right_foot": RIGHT})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_session_info(tmp_path, BEFORE)


def test_an_untouched_file_is_written_anew(path: Path, tmp_path: Path) -> None:
    write_session_info(path.parent, AFTER, before=BEFORE)
    assert path.read_bytes() == write_session_info(tmp_path / "new", AFTER).read_bytes()


def test_edits_and_comments_stay(path: Path) -> None:
    edited = path.read_text().replace('note = ""', 'note = "wet"  # by hand').replace("heel", "instep")
    path.write_text(edited)
    write_session_info(path.parent, AFTER, before=BEFORE)
    assert path.read_text().startswith(edited)
    info = read_session_info(path.parent)
    assert info.note == "wet"
    assert info.sensors["left_foot"].mount_site == "instep"
    assert repr(info.sensors["right_foot"]) == repr(RIGHT)


def test_a_sensor_that_comes_back_as_another_keeps_where_it_was_said_to_sit(path: Path) -> None:
    path.write_text(path.read_text().replace("heel", "instep").replace("tags = []", 'tags = ["hill"]'))
    newer = replace(BEFORE, sensors={"left_foot": replace(LEFT, firmware="2.0")})
    write_session_info(path.parent, newer, before=BEFORE)
    info = read_session_info(path.parent)
    assert (info.tags, info.sensors["left_foot"].firmware) == (("hill",), "2.0")
    assert info.sensors["left_foot"].mount_site == "instep"


def test_what_is_half_typed_can_still_be_put_right(path: Path) -> None:
    path.write_text(path.read_text().replace('note = ""', 'note = "wet'))
    write_session_info(path.parent, AFTER, before=BEFORE)
    path.write_text(path.read_text().replace('"wet', '"wet"'))
    info = read_session_info(path.parent)
    assert (info.note, set(info.sensors)) == ("wet", {"left_foot", "right_foot"})


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_a_file_that_is_gone_or_no_text_is_written_anew(path: Path, content: bytes | None) -> None:
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    write_session_info(path.parent, AFTER, before=BEFORE)
    assert set(read_session_info(path.parent).sensors) == {"left_foot", "right_foot"}
