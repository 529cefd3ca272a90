"""Check, remove, take stock."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import tiny

from ankle_imu.durable import ASIDE
from ankle_imu.errors import RecordingError
from ankle_imu.keeping import (
    check_session,
    doomed,
    inventory,
    leftovers,
    remove_person,
    remove_results,
    remove_session,
)
from ankle_imu.library import list_sessions, names_path, save_name
from ankle_imu.recording import RecordingWriter, read_sums
from ankle_imu.recording.sums import SUMS


def first(root: Path) -> Path:
    return list_sessions(root)[0].path


def test_what_was_changed_is_missing_or_came_later(root: Path) -> None:
    folder = first(root)
    assert check_session(folder).state == "ok"
    (folder / "raw" / "later.csv").write_text("1")
    found = check_session(folder)
    assert (found.state, found.extra) == ("ok", ("later.csv",))
    tiny.flip(folder / "raw" / "part-0001.mcap", 500)
    (folder / "raw" / "ärger im Wald.csv").unlink()
    found = check_session(folder)
    assert (found.state, found.changed, found.missing) == ("damaged", ("part-0001.mcap",), ("ärger im Wald.csv",))


def test_a_session_without_sums_gets_them(root: Path) -> None:
    folder = first(root)
    (folder / "raw" / SUMS).unlink()
    read: list[int] = []
    found = check_session(folder, read.append)
    assert (found.state, found.files) == ("no sums", 2)
    assert sum(read) == found.bytes
    assert check_session(folder).state == "ok"


@pytest.mark.parametrize("at", [3, 80])
def test_damage_to_the_sums_themselves(root: Path, at: int) -> None:
    folder = first(root)
    tiny.flip(folder / "raw" / SUMS, at)
    assert check_session(folder).state == "damaged"


def test_a_manifest_that_cannot_be_read(root: Path) -> None:
    (first(root) / "session.toml").write_text("nonsense")
    found = check_session(first(root))
    assert found.state == "damaged"
    assert "no valid TOML" in found.problems[0]


def test_a_running_recording_is_not_touched(root: Path) -> None:
    folder = root / "people" / "P-anna" / "2026" / "2026-12-01T090000Z_abcd"
    folder.mkdir()
    with RecordingWriter(folder, start_ns=10**18):
        assert check_session(folder).state == "being recorded"
        assert read_sums(folder) is None
        for work in (lambda: remove_session(folder), lambda: remove_person(root, "P-anna")):
            with pytest.raises(RecordingError, match="is being recorded"):
                work()
        assert len(list_sessions(root)) == 4
    remove_session(folder)


def test_a_session_goes_whole(root: Path) -> None:
    folder = first(root)
    before = tiny.content(root)
    remove_session(folder)
    gone = folder.relative_to(root).as_posix()
    assert tiny.content(root) == {n: d for n, d in before.items() if not n.startswith(gone)}
    assert leftovers(root) == ()


def test_a_person_goes_whole(root: Path) -> None:
    remove_person(root, "P-anna")
    assert [e.alias for e in list_sessions(root)] == ["P-bert"]
    assert not (root / "people" / "P-anna").exists()
    assert leftovers(root) == ()
    for alias in ("P-anna", "", "..", "P-bert/2026"):
        with pytest.raises(RecordingError, match="no person"):
            remove_person(root, alias)
    assert len(list_sessions(root)) == 1


@pytest.mark.parametrize(
    "name", ["tax.pdf", "2026/notes.txt", "photos/a.jpg", "trend_range.csv", "2026/session.toml"]
)
def test_a_person_does_not_take_along_what_others_put_there(root: Path, name: str) -> None:
    home = root / "people" / "P-anna"
    (home / name).parent.mkdir(exist_ok=True)
    (home / name).write_text("mine")
    before = tiny.content(root)
    with pytest.raises(RecordingError, match=f"not ours: {name}"):
        remove_person(root, "P-anna")
    assert tiny.content(root) == before
    (home / name).unlink()
    for ours in ("trend_range_deg.html", ".DS_Store", f"2026/{ASIDE}0123-x", "2026/.DS_Store"):
        (home / ours).write_text("")
    remove_person(root, "P-anna")
    assert not home.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets few make links")
def test_a_person_does_not_take_along_a_link(root: Path, tmp_path: Path) -> None:
    (root / "people" / "P-anna" / "photos").symlink_to(tmp_path)
    with pytest.raises(RecordingError, match="not ours: photos"):
        remove_person(root, "P-anna")


def test_results_go_and_the_rest_stays(root: Path) -> None:
    folder = first(root)
    before = tiny.content(root)
    (folder / "derived" / "abc").mkdir(parents=True)
    (folder / "derived" / "abc" / "strides.parquet").write_bytes(b"x" * 1000)
    (folder / "report.html").write_bytes(b"y" * 100)
    told = doomed(folder)
    assert (told.results, told.result_bytes, told.has_track) == (1, 1100, True)
    assert told.duration_s == pytest.approx(3.99)
    assert remove_results(folder) == 1100
    assert tiny.content(root) == before


def test_only_sessions_of_a_library_are_removed(root: Path, tmp_path: Path) -> None:
    for path in (tmp_path, root, root / "people" / "P-anna", first(root) / "session.toml"):
        with pytest.raises(RecordingError, match="no session of a library"):
            remove_session(path)
    assert len(list_sessions(root)) == 3


def test_a_folder_of_others_is_not_removed(tmp_path: Path) -> None:
    """`people/ana/2026/taxes` is as deep as a session, and none."""
    folder = tmp_path / "people" / "ana" / "2026" / "taxes"
    (folder / "raw").mkdir(parents=True)
    (folder / "raw" / "tax.pdf").write_bytes(b"mine")
    for work in (doomed, remove_session, remove_results, lambda _: remove_person(tmp_path, "ana")):
        with pytest.raises(RecordingError, match="no session of a library"):
            work(folder)
    assert (folder / "raw" / "tax.pdf").read_bytes() == b"mine"
    empty = folder.with_name("2026-05-01T080000Z_abcd")
    empty.mkdir()
    remove_session(empty)
    assert not empty.exists()


def test_leftovers_are_named_for_what_they_are(root: Path) -> None:
    folder = first(root)
    folder.rename(folder.with_name(f"{ASIDE}removed-0000-{folder.name}"))
    second = first(root)
    second.rename(second.with_name(f"{ASIDE}0000-{second.name}"))
    (root / "sensors" / f"{ASIDE}1-A1.json").write_text("{")
    told = {item.path.name.rpartition("-")[2]: item.what for item in leftovers(root)}
    assert len(told) == 3
    assert "being removed" in told[folder.name.rpartition("-")[2]]
    assert "holds recorded data" in told[second.name.rpartition("-")[2]]
    assert "recorded data" not in told["A1.json"]
    assert len(list_sessions(root)) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_a_kill_in_mid_removal_leaves_a_name_that_tells(root: Path) -> None:
    script = (
        "import os, shutil, sys; from pathlib import Path; from ankle_imu.keeping import remove_session\n"
        "shutil.rmtree = lambda path: os._exit(9)\n"
        "remove_session(Path(sys.argv[1]))"
    )
    folder = first(root)
    assert subprocess.run([sys.executable, "-c", script, str(folder)], check=False).returncode == 9
    (left,) = leftovers(root)
    assert "being removed" in left.what
    assert left.path.name.endswith(folder.name)
    assert len(list_sessions(root)) == 2


def test_stock_is_taken_of_everything(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_name("P-anna", "Ana")
    pages = [root / "library.html", root / "people" / "P-anna" / "trend_x.png"]
    for page in pages:
        page.write_bytes(b"Ana was here")
    mirror = tmp_path / "cache" / "ankle_imu" / "stores" / "0123"
    (mirror / "people").mkdir(parents=True)
    found = {one.what: one for one in inventory(root)}
    assert found["people"].count == 2
    assert found["raw recordings"].count == 3
    assert [p.name for p in found["tracks"].where] == ["track.gpx"]
    assert found["notes and free text"].count == 4
    assert found["names"].where == (names_path(),)
    assert found["names"].advice == ""
    assert found["pages of many sessions"].where == tuple(pages)
    assert found["copies of stores"].where == (mirror,)
    assert "under 2 pseudonyms" in found["people"].reveals
    assert "Ana" not in repr(found.values())
    if os.name != "nt":
        names_path().chmod(0o644)
        root.chmod(0o755)
        found = {one.what: one for one in inventory(root)}
        assert "chmod 600" in found["names"].advice
        assert "chmod 700" in found["the library folder"].advice
        root.chmod(0o700)
        assert {one.what: one for one in inventory(root)}["the library folder"].advice == ""


def test_of_nothing_there_is_no_stock(tmp_path: Path) -> None:
    assert inventory(tmp_path / "none") == ()
    assert leftovers(tmp_path / "none") == ()
