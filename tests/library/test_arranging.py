"""Tags and moves: the rest of `session.toml` stays, and a session is never half anywhere."""

from __future__ import annotations

import errno
import os
import shutil
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu import library
from ankle_imu.errors import CorruptRecording, RecordingError, StorageError
from ankle_imu.keeping import move_session
from ankle_imu.library.tags import with_value
from ankle_imu.manifest import quoted, to_toml
from ankle_imu.recording import read_session_info, sole_writer, write_session_info
from ankle_imu.recording.lock import NAME as LOCK
from ankle_imu.values import SensorInfo, SessionInfo

BY_HAND = """\
# my walk
format_version = 1
note = "[tags] = 3"   # odd
  tags = [  # what it was
    "wet", 'hill',  # ]
  ]  # end
alias = "P-test"

# the left one
[sensors.left_foot]
model = "x"
"""


@pytest.fixture
def session(tmp_path: Path) -> Path:
    folder = tmp_path / "library" / "people" / "P-test" / "2026" / "2026-05-01T080000Z_abcd"
    (folder / "raw").mkdir(parents=True)
    (folder / "raw" / "part-0001.mcap").write_bytes(bytes(range(256)) * 100)
    (folder / "derived" / "x").mkdir(parents=True)
    (folder / "session.toml").write_text(BY_HAND)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_tags_leave_all_else(session: Path) -> None:
    assert library.change_tags(session, ["physio", "Hill"], ["WET"]) == ("hill", "physio")
    text = (session / "session.toml").read_text()
    assert text == BY_HAND.replace(
        "  tags = [  # what it was\n    \"wet\", 'hill',  # ]\n  ]  # end", 'tags = ["hill", "physio"]  # end'
    )
    assert library.change_tags(session, remove=["hill", "physio", "none"]) == ()
    assert read_session_info(session).tags == ()


def test_tags_are_added_where_there_were_none(session: Path) -> None:
    for text in ("format_version = 1", 'format_version = 1\n\n[sensors.left_foot]\nmodel = "x"\n'):
        (session / "session.toml").write_text(text)
        assert library.change_tags(session, ["a"]) == ("a",)
        assert read_session_info(session).tags == ("a",)


def test_nothing_is_written_where_nothing_changes(session: Path) -> None:
    before = (session / "session.toml").stat()
    library.change_tags(session, ["wet"], ["dry"])
    assert (session / "session.toml").stat().st_mtime_ns == before.st_mtime_ns
    assert (session / "session.toml").stat().st_ino == before.st_ino


@pytest.mark.parametrize(
    "text",
    ['format_version = 1\nnote = """\ntags = []\n"""\n', 'format_version = 1\n"tags" = ["a"]\n'],
)
def test_tags_in_an_odd_place_are_left(session: Path, text: str) -> None:
    (session / "session.toml").write_text(text)
    with pytest.raises(CorruptRecording, match="left as it is"):
        library.change_tags(session, ["b"])
    assert (session / "session.toml").read_text() == text


@pytest.mark.parametrize(("add", "remove"), [([" "], []), (["a\nb"], []), (["a"], ["A"])])
def test_what_is_no_tag_is_refused(session: Path, add: list[str], remove: list[str]) -> None:
    with pytest.raises(ValueError, match="tag"):
        library.change_tags(session, add, remove)
    assert (session / "session.toml").read_text() == BY_HAND


words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


@given(before=st.lists(words, max_size=4), after=st.lists(words, max_size=4), note=words)
def test_any_tags_take_the_place_of_any(before: list[str], after: list[str], note: str) -> None:
    text = to_toml(
        SessionInfo(tags=tuple(before), note=note, sensors={"left_foot": SensorInfo(placement="left_foot")})
    )
    new = with_value(text, "tags", f"[{', '.join(map(quoted, after))}]")
    assert tomllib.loads(new) == {**tomllib.loads(text), "tags": after}
    assert len(new.splitlines()) == len(text.splitlines())


def test_move_to_another_person(session: Path, tmp_path: Path) -> None:
    before = content(session)
    moved = move_session(session, alias="P-else")
    assert moved == tmp_path / "library" / "people" / "P-else" / "2026" / session.name
    assert read_session_info(moved).alias == "P-else"
    after = content(moved)
    assert after.pop("session.toml") == before.pop("session.toml").replace(b"P-test", b"P-else")
    assert after == before
    assert not (tmp_path / "library" / "people" / "P-test").exists()
    assert [e.alias for e in library.list_sessions(tmp_path / "library")] == ["P-else"]


def test_move_to_another_library(session: Path, tmp_path: Path) -> None:
    before = content(session)
    moved = move_session(session, library=tmp_path / "other")
    assert content(moved) == before
    assert library.list_sessions(tmp_path / "library") == ()
    assert [e.path for e in library.list_sessions(tmp_path / "other")] == [moved]
    assert move_session(moved) == moved


def no_rename(monkeypatch: pytest.MonkeyPatch) -> None:
    """As between two file systems: a folder of one library cannot be renamed into another."""
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if "other" in Path(target).parts and "other" not in self.parts:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)


def test_move_across_file_systems(session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content(session)
    no_rename(monkeypatch)
    moved = move_session(session, library=tmp_path / "other")
    assert content(moved) == before
    assert not session.exists()
    assert not list(tmp_path.rglob(".unfinished*"))


@pytest.mark.skipif(not os.path.ismount("/dev/shm"), reason="needs a second file system")
def test_move_to_a_real_other_file_system(session: Path) -> None:
    other = Path("/dev/shm") / f"ankle-imu-test-{os.getpid()}"
    before = content(session)
    try:
        assert content(move_session(session, library=other)) == before
        assert not session.exists()
    finally:
        shutil.rmtree(other, ignore_errors=True)


def test_a_bad_copy_is_not_kept(session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, copytree = content(session), shutil.copytree
    no_rename(monkeypatch)

    def spoil(*how: object, **also: object) -> None:
        copytree(*how, **also)  # type: ignore[arg-type]
        for part in (tmp_path / "other").rglob("part-0001.mcap"):
            part.write_bytes(b"\0")

    monkeypatch.setattr(shutil, "copytree", spoil)
    with pytest.raises(CorruptRecording, match="differs"):
        move_session(session, alias="P-new", library=tmp_path / "other")
    assert content(session) == before
    assert not [p for p in (tmp_path / "other").rglob("*") if p.is_file()]


def test_a_full_disk_leaves_it_where_it_was(
    session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(session)
    no_rename(monkeypatch)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copytree", full)
    with pytest.raises(StorageError, match="full"):
        move_session(session, alias="P-new", library=tmp_path / "other")
    assert content(session) == before


def test_a_move_that_was_killed_is_finished(session: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    twin = other / "people" / "P-test" / "2026" / session.name
    shutil.copytree(session, twin)
    assert move_session(session, library=other) == twin
    assert not session.exists()
    assert read_session_info(twin).alias == "P-test"


@pytest.mark.parametrize("name", ["raw/part-0001.mcap", "session.toml", "events.toml", "track.gpx"])
def test_another_session_there_is_not_overwritten(session: Path, tmp_path: Path, name: str) -> None:
    """Neither is one of the same recording with notes, answers or a track that the other one lacks."""
    twin = tmp_path / "library" / "people" / "P-else" / "2026" / session.name
    shutil.copytree(session, twin)
    with (session / name).open("ab") as file:
        file.write(b"# mine")
    before = content(tmp_path / "library")
    before.pop("index.sqlite", None)
    with pytest.raises(RecordingError, match="Another session"):
        move_session(session, alias="P-else")
    assert content(tmp_path / "library") == before


def test_what_cannot_be_moved(session: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="alias"):
        move_session(session, alias="a/b")
    with pytest.raises(RecordingError, match="no session of a library"):
        move_session(tmp_path, alias="P-else")
    (session / "session.toml").write_text("]")
    with pytest.raises(CorruptRecording):
        move_session(session, alias="P-else")
    assert session.is_dir()
    write_session_info(session, SessionInfo(alias="P-test"))
    assert move_session(session, alias="P-else").is_dir()


def test_a_session_that_is_being_recorded_is_not_moved(session: Path, tmp_path: Path) -> None:
    """Nor is one moved over its copy while that is written to."""
    before = content(session)
    with sole_writer(session), pytest.raises(RecordingError, match="is being recorded"):
        move_session(session, alias="P-else")
    twin = tmp_path / "library" / "people" / "P-else" / "2026" / session.name
    shutil.copytree(session, twin)
    with sole_writer(twin), pytest.raises(RecordingError, match="is being recorded"):
        move_session(session, alias="P-else")
    assert {name: data for name, data in content(session).items() if name in before} == before


def test_the_lock_of_a_move_does_not_go_along(session: Path, tmp_path: Path) -> None:
    (session / LOCK).touch()  # of a recorder that was killed
    moved = move_session(session, alias="P-else")
    assert not (moved / LOCK).exists()
    with sole_writer(moved):
        pass
