"""`export`: what is written, what is told, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import get_args

import pytest
from track_files import START, gpx_of, straight

import ankle_imu as ai
from ankle_imu.cli import exporting
from ankle_imu.interchange import outgoing
from ankle_imu.interchange.exporters import EXPORTERS


@pytest.fixture
def tracked(session: Path) -> Path:
    """The last session, on a track of 15 minutes."""
    begin = datetime.fromisoformat(ai.open_session(session).session.started_utc).timestamp()
    track = straight(900.0)
    (session / "track.gpx").write_bytes(gpx_of(replace(track, time=track.time - START + begin - 400.0)))
    return session


@pytest.mark.parametrize("to", EXPORTERS)
def test_every_format(told, tracked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str) -> None:
    if to == "c3d":
        pytest.importorskip("ezc3d", reason="ezc3d is not installed")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    code, content = told("export", "last", "--to", to)
    assert code == 0
    files = [Path(name) for name in content["files"]]
    assert files
    assert all(file.is_file() and file.is_relative_to(tmp_path / "here") for file in files)
    written = sorted(path for path in (tmp_path / "here").rglob("*") if path.is_file())
    assert written == sorted(files), "every file is told"
    assert (content["format"], Path(content["target"]).exists()) == (to, True)
    assert tracked.name in content["left_out"]


def test_it_says_what_it_wrote_and_what_it_left_out(ankle_imu, tracked: Path, tmp_path: Path) -> None:
    done = ankle_imu("export", "last", "--to", "gpx", "-o", tmp_path / "walk.gpx")
    assert done.code == 0, done.err
    assert done.lines == [str(tmp_path / "walk.gpx")]
    assert "near an end of the walk" in done.err
    whole = ankle_imu("export", "last", "--to", "gpx", "-o", tmp_path / "whole.gpx", "--positions", "keep")
    assert "near an end" not in whole.err
    assert (tmp_path / "whole.gpx").stat().st_size > (tmp_path / "walk.gpx").stat().st_size


def test_a_file_is_replaced_only_when_asked(ankle_imu, tracked: Path, tmp_path: Path) -> None:
    out = tmp_path / "walk.geojson"
    out.write_text("mine")
    ankle_imu("export", "last", "--to", "geojson", "-o", out).refuses(2, "there already", "--replace")
    assert out.read_text() == "mine"
    assert ankle_imu("export", "last", "--to", "geojson", "-o", out, "--replace").code == 0
    assert out.read_text() != "mine"


def test_a_folder_takes_the_file_or_is_refused(ankle_imu, tracked: Path, tmp_path: Path) -> None:
    folder = tmp_path / "maps"
    folder.mkdir()
    (folder / "other.txt").write_text("mine")
    assert ankle_imu("export", "last", "--to", "geojson", "-o", folder).code == 0
    assert (folder / f"{tracked.name}.geojson").exists()
    ankle_imu("export", "last", "--to", "csv", "-o", folder).refuses(2, "not empty")
    assert (folder / "other.txt").read_text() == "mine"


def test_several_sessions_are_one_data_set(told, library: Path, tmp_path: Path) -> None:
    first, second = (path.name for path in sorted(library.glob("people/P-test/2026/*")))
    code, content = told("export", first, second, first, "--to", "motion-bids", "-o", str(tmp_path / "set"))
    assert code == 0
    assert len(list((tmp_path / "set").glob("sub-*"))) == 1, "one person"
    assert len(list((tmp_path / "set").glob("sub-*/ses-*"))) == 2, "named twice, written once"
    assert "P-test" not in str(content["files"])
    assert list(content["left_out"]) == [first, second]


def test_the_same_person_has_the_same_number_next_time(told, session: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        told("export", "last", "--to", "motion-bids", "-o", str(tmp_path / name))
    people = [(tmp_path / name / "participants.tsv").read_text() for name in ("a", "b")]
    assert people[0] == people[1]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--to", "gpx"), 5, "track attach"),
        (("--to", "gpx", "--positions", "none"), 2, "--positions none"),
        (("--to", "csv", "--trim", "0"), 2, "more than 0"),
        (("--to", "xlsx"), 2, "motion-bids"),
        ((), 2, "--to"),
    ],
)
def test_what_cannot_be(ankle_imu, session: Path, tmp_path: Path, words, code: int, said: str) -> None:
    ankle_imu("export", "last", *words, "-o", tmp_path / "out").refuses(code, said)
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".unfinished*"))


def test_no_such_session_and_none_at_all(ankle_imu, session: Path) -> None:
    ankle_imu("export", "1999", "--to", "csv").refuses(5, "1999")
    assert ankle_imu("export", "--to", "csv").code == 2


def test_a_session_that_was_never_analyzed_is_analyzed_first(ankle_imu, session: Path, tmp_path: Path) -> None:
    import shutil

    shutil.rmtree(session / "derived")
    assert ankle_imu("export", "last", "--to", "sto", "-o", tmp_path / "sto").code == 0
    assert list(session.glob("derived/*/result.json"))


def test_words_are_those_of_the_library() -> None:
    assert get_args(exporting.Format) == tuple(EXPORTERS)
    assert get_args(exporting.Positions) == get_args(outgoing.Positions)
