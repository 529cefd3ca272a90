"""`library verify|rm|backup|restore|name`, `privacy report`: output, exit code, and what is on the disk."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import tiny

from ankle_imu.library import list_sessions, names_path
from ankle_imu.recording import RecordingWriter
from ankle_imu.recording.sums import SUMS

Run = Callable[..., Any]


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """Three sessions of two people at the place that the commands look at."""
    root = tmp_path / "library"
    for k, alias in enumerate(("P-anna", "P-anna", "P-bert")):
        tiny.session(root, alias, datetime(2026, 11, 1, 9, tzinfo=UTC) + timedelta(days=k), packets=400)
    min(root.glob("people/P-anna/2026/*/")).joinpath("track.gpx").write_bytes(tiny.TRACK)
    return root


def ids(root: Path) -> list[str]:
    return [entry.session_id for entry in list_sessions(root)]


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have somebody type a line at a terminal."""

    def type_line(text: str) -> None:
        stdin = io.StringIO(f"{text}\n")
        stdin.isatty = lambda: True  # type: ignore[method-assign]
        monkeypatch.setattr(sys, "stdin", stdin)

    return type_line


def test_verify(ankle_imu: Run, shelf: Path) -> None:
    done = ankle_imu("library", "verify")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("3 of 3 sessions as when they were closed")
    first, second, third = (entry.path for entry in list_sessions(shelf))
    tiny.flip(first / "raw" / "part-0001.mcap", 700)
    (second / "raw" / SUMS).unlink()
    (third / "raw" / "more.csv").write_text("1")
    done = ankle_imu("library", "verify")
    assert done.code == 5
    rows = {line.split()[0]: line for line in done.lines[1:4]}
    assert "damaged" in rows[first.name]
    assert "part-0001.mcap changed" in rows[first.name]
    assert "no sums yet, made now" in rows[second.name]
    assert "more.csv without a sum" in rows[third.name]
    assert f"ankle-imu repair {first.name}" in done.err
    told = ankle_imu("library", "verify", "--person", "P-bert", "--json").json
    assert [(s["session"], s["state"], s["extra"]) for s in told["sessions"]] == [(third.name, "ok", ["more.csv"])]
    assert ankle_imu("library", "verify", second.name).code == 0


def test_verify_tells_of_leftovers(ankle_imu: Run, shelf: Path) -> None:
    folder = list_sessions(shelf)[0].path
    folder.rename(folder.with_name(f".unfinished-removed-01-{folder.name}"))
    done = ankle_imu("library", "verify")
    assert done.code == 0
    assert folder.name in done.err
    assert "being removed" in done.err
    assert ankle_imu("library", "verify", "--json").json["leftovers"][0]["bytes"] > 1000


@pytest.mark.parametrize("typed", ["no", "", "YES", "P-anna"])
def test_rm_asks(ankle_imu: Run, shelf: Path, types: Callable[[str], None], typed: str) -> None:
    types(typed)
    done = ankle_imu("library", "rm", "last")
    assert done.code == 2
    assert "Nothing was removed" in done.err
    assert len(ids(shelf)) == 3


def test_rm_shows_what_goes(ankle_imu: Run, shelf: Path, types: Callable[[str], None]) -> None:
    types("yes")
    first, second, third = ids(shelf)
    ankle_imu("library", "name", "P-anna", "Ana")
    done = ankle_imu("library", "rm", first, second, first)
    assert done.code == 0
    assert done.lines[0].split() == ["Session", "Person", "Minutes", "Raw", "Track", "Results"]
    assert done.lines[1].split()[:4] == [first, "P-anna", "(Ana)", "0.1"]
    assert done.lines[1].split()[5:] == ["kB", "yes", "–"]
    assert len(done.lines) == 3
    assert "2 sessions removed." in done.err
    assert ids(shelf) == [third]


def test_rm_of_a_person_wants_the_alias(ankle_imu: Run, shelf: Path, types: Callable[[str], None]) -> None:
    ankle_imu("library", "name", "P-anna", "Ana")
    types("yes")
    assert ankle_imu("library", "rm", "--person", "P-anna").code == 2
    types("P-anna")
    ankle_imu("library", "page")
    done = ankle_imu("library", "rm", "--person", "P-anna")
    assert done.code == 0
    assert "library.html still lists" in done.err
    assert [entry.alias for entry in list_sessions(shelf)] == ["P-bert"]
    assert not (shelf / "people" / "P-anna").exists()
    assert "Ana" not in names_path().read_text()


def test_rm_of_a_person_refuses_files_of_others(ankle_imu: Run, shelf: Path) -> None:
    (shelf / "people" / "P-anna" / "tax.pdf").write_bytes(b"mine")
    ankle_imu("library", "rm", "--person", "P-anna", "--yes").refuses(5, "not ours: tax.pdf")
    assert len(ids(shelf)) == 3


def test_rm_without_a_terminal(ankle_imu: Run, shelf: Path) -> None:
    done = ankle_imu("library", "rm", "last")
    assert done.code == 2
    assert "--yes" in done.err
    assert len(ids(shelf)) == 3
    told = ankle_imu("library", "rm", "last", "--yes", "--json").json
    assert told["removed"][0]["raw_bytes"] > 1000
    assert len(ids(shelf)) == 2


def test_rm_of_results(ankle_imu: Run, shelf: Path) -> None:
    folder = list_sessions(shelf)[-1].path
    before = tiny.content(shelf)
    (folder / "derived" / "abc").mkdir(parents=True)
    (folder / "report.html").write_text("page")
    assert ankle_imu("library", "rm", "--person", "P-bert", "--results", "--yes").code == 0
    assert tiny.content(shelf) == before


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "either SESSION"),
        (["last", "--person", "P-anna"], 2, "either SESSION"),
        (["nope", "--yes"], 5, "no session 'nope'"),
        (["--person", "P-none", "--yes"], 2, "no person 'P-none'"),
        (["--person", "../..", "--yes"], 2, "cannot be an alias"),
    ],
)
def test_rm_refuses(ankle_imu: Run, shelf: Path, words: list[str], code: int, said: str) -> None:
    ankle_imu("library", "rm", *words).refuses(code, said)
    assert len(ids(shelf)) == 3


def test_rm_of_a_running_recording(ankle_imu: Run, shelf: Path) -> None:
    folder = shelf / "people" / "P-bert" / "2026" / "2026-12-01T090000Z_abcd"
    folder.mkdir()
    with RecordingWriter(folder, start_ns=10**18):
        for words in ([folder.name], ["--person", "P-bert"]):
            ankle_imu("library", "rm", *words, "--yes").refuses(5, "is being recorded")
    assert len(ids(shelf)) == 4


def test_backup_and_restore(ankle_imu: Run, shelf: Path, tmp_path: Path) -> None:
    done = ankle_imu("library", "backup", tmp_path / "b.tar")
    assert (done.code, done.lines) == (0, [str(tmp_path / "b.tar")])
    assert "3 sessions" in done.err
    assert "not encrypted" in done.err
    ankle_imu("library", "backup", tmp_path / "b.tar").refuses(2, "is there already", "--replace")
    assert ankle_imu("library", "backup", tmp_path / "b.tar", "--replace").code == 0
    done = ankle_imu("library", "restore", tmp_path / "b.tar", "--library", tmp_path / "new")
    assert (done.code, done.lines) == (0, ids(shelf))
    assert tiny.content(tmp_path / "new") == tiny.content(shelf)
    told = ankle_imu("library", "restore", tmp_path / "b.tar", "--json").json
    assert told["skipped"] == ids(shelf)
    assert told["completed"] == []


def test_restore_says_what_is_damaged_and_what_differs(ankle_imu: Run, shelf: Path, tmp_path: Path) -> None:
    ankle_imu("library", "backup", tmp_path / "b.tar")
    tiny.flip(list_sessions(shelf)[0].path / "raw" / "part-0001.mcap", 700)
    done = ankle_imu("library", "restore", tmp_path / "b.tar")
    assert done.code == 7
    assert "other raw files" in done.err
    assert "Set aside: " in done.err
    data = (tmp_path / "b.tar").read_bytes()
    (tmp_path / "b.tar").write_bytes(data[: len(data) // 2])
    done = ankle_imu("library", "restore", tmp_path / "b.tar", "--library", tmp_path / "new")
    assert done.code == 5
    assert len(done.lines) == 1
    assert ids(shelf)[-1] in done.err


def test_backup_trimmed_for_a_key(ankle_imu: Run, shelf: Path, tmp_path: Path) -> None:
    pyrage = pytest.importorskip("pyrage")
    key = pyrage.x25519.Identity.generate()
    (tmp_path / "key.txt").write_text(f"# mine\n{key}\n")
    told = ankle_imu(
        "library", "backup", tmp_path / "b.age", "--recipient", key.to_public(), "--positions", "trim", "--json"
    ).json
    assert told["encrypted"]
    assert told["files"] == [str(tmp_path / "b.age")]
    ankle_imu("library", "restore", tmp_path / "b.age", "--library", tmp_path / "n").refuses(2, "--identity")
    words = ("--identity", tmp_path / "key.txt", "--library", tmp_path / "new")
    assert ankle_imu("library", "restore", tmp_path / "b.age", *words).code == 0
    shown = next((tmp_path / "new").glob("people/*/*/*/track.gpx")).read_bytes()
    assert 20 < shown.count(b"<trkpt") < tiny.TRACK.count(b"<trkpt") - 15


def test_backup_under_a_passphrase(
    ankle_imu: Run, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyrage")
    ankle_imu("library", "backup", tmp_path / "b.age", "--passphrase").refuses(2, "ANKLE_IMU_PASSPHRASE")
    monkeypatch.setenv("ANKLE_IMU_PASSPHRASE", "four words are good")
    assert ankle_imu("library", "backup", tmp_path / "b.age", "--passphrase").code == 0
    assert ankle_imu("library", "restore", tmp_path / "b.age", "--library", tmp_path / "new").code == 0
    assert ids(tmp_path / "new") == ids(shelf)
    monkeypatch.setenv("ANKLE_IMU_PASSPHRASE", "wrong")
    ankle_imu("library", "restore", tmp_path / "b.age").refuses(2, "passphrase does not open it")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["b.tar", "--recipient", "age1x", "--passphrase"], 2, "either --recipient or --passphrase"),
        (["b.tar", "--recipient", "age1x"], 2, "is no recipient"),
        (["b.tar", "--positions", "trim", "--trim", "0"], 2, "expected more than 0"),
        (["b.tar", "--positions", "some"], 2, "positions"),
        (["b.tar", "--person", "P-none"], 5, "no sessions of P-none"),
    ],
)
def test_backup_refuses(ankle_imu: Run, shelf: Path, words: list[str], code: int, said: str) -> None:
    pytest.importorskip("pyrage")
    ankle_imu("library", "backup", *words).refuses(code, said)


def test_restore_of_nothing(ankle_imu: Run, tmp_path: Path) -> None:
    ankle_imu("library", "restore", tmp_path / "none.tar").refuses(5, "none.tar", "cannot be read")
    (tmp_path / "walk.gpx").write_bytes(tiny.TRACK)
    ankle_imu("library", "restore", tmp_path / "walk.gpx").refuses(5, "no backup of a library")


def test_names(ankle_imu: Run, shelf: Path) -> None:
    assert "no name" in ankle_imu("library", "name", "P-anna").err
    assert ankle_imu("library", "name", "P-anna", "Ana Žagar").out.strip() == str(names_path())
    assert ankle_imu("library", "name", "P-anna").out.strip() == "Ana Žagar"
    if os.name != "nt":
        assert names_path().stat().st_mode & 0o777 == 0o600
        names_path().chmod(0o644)
        assert "readable for others" in ankle_imu("library", "name").err
        assert names_path().stat().st_mode & 0o777 == 0o600
    assert ankle_imu("library", "name", "--json").json["names"] == {"P-anna": "Ana Žagar"}
    assert "Žagar" not in ankle_imu("privacy", "report").out
    ankle_imu("library", "name", "P-anna", "--remove")
    assert ankle_imu("library", "name", "--json").json["names"] == {}
    ankle_imu("library", "name", "../x", "Ana").refuses(2, "cannot be an alias")
    ankle_imu("library", "name", "P-anna", "a\nb").refuses(2, "cannot be shown")
    ankle_imu("library", "name", "P-anna", "Ana", "--remove").refuses(2, "ALIAS")


def test_privacy_report(ankle_imu: Run, shelf: Path) -> None:
    done = ankle_imu("privacy", "report")
    assert (done.code, done.err) == (0, "")
    for words in ("people (2)", "tracks (1", "shows where someone lives", "LUKS", "cannot be seen from here"):
        assert words in done.out
    told = ankle_imu("privacy", "report", "--json").json
    assert {one["what"] for one in told["stored"]} >= {"people", "raw recordings", "tracks", "the library folder"}
    assert ankle_imu("privacy", "report", "--library", shelf / "none").code == 0
