"""`track attach`: what is copied, what is told, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from track_files import START, fit, gpx, gpx_of, rows, straight

import ankle_imu as ai


def walk_of(session: Path, tmp_path: Path) -> Path:
    """A file of a straight walk that covers the session."""
    path = tmp_path / "walk.gpx"
    started = ai.open_session(session).session.started_utc
    track = straight(200.0)
    begin = datetime.fromisoformat(started).timestamp()
    path.write_bytes(gpx_of(replace(track, time=track.time - START + begin - 20.0)))
    return path


def test_attach_copies_and_tells(ankle_imu, session: Path, tmp_path: Path) -> None:
    file = walk_of(session, tmp_path)
    done = ankle_imu("track", "attach", "last", file)
    assert done.code == 0, done.err
    assert (session / "track.gpx").read_bytes() == file.read_bytes()
    assert not list(session.glob(".unfinished*"))
    for word in ("points", "200", "0.28 km", "from 20 s before", "offset not found", "of the strides"):
        assert word in done.out, done.out
    assert str(session / "track.gpx") in done.lines
    assert "could not be found" in done.err
    assert ai.open_session(session).track is not None


def test_json(told, session: Path, tmp_path: Path) -> None:
    code, content = told("track", "attach", "last", str(walk_of(session, tmp_path)))
    assert code == 0
    assert content["schema_version"] == 1
    track = content["track"]
    assert (track["points"], track["timed_points"], track["offset_source"]) == (200, 200, "clocks")
    assert track["coverage"] == 1.0
    assert track["distance_m"] == pytest.approx(278.6, abs=1.0)
    assert Path(content["files"][0]).name == "track.gpx"
    assert all(Path(f).exists() for f in content["files"])


def test_another_format_replaces_the_first(ankle_imu, session: Path, tmp_path: Path) -> None:
    ankle_imu("track", "attach", "last", walk_of(session, tmp_path))
    (tmp_path / "watch.bin").write_bytes(fit([(START - 1e6 + k, *row[1:]) for k, row in enumerate(rows(200))]))
    done = ankle_imu("track", "attach", "last", tmp_path / "watch.bin")
    assert (session / "track.fit").exists()
    assert not (session / "track.gpx").exists()
    assert done.code == 5, "a track of another walk"
    assert "no stride lies on it" in done.err
    assert (session / "track.gpx.old").read_bytes() == (tmp_path / "walk.gpx").read_bytes()
    assert "track.gpx.old" in done.err
    assert ankle_imu("track", "attach", "last", session / "track.gpx.old").code == 0


def test_the_way_stands_in_the_report_and_does_not_make_the_angles_doubtful(
    ankle_imu, session: Path, tmp_path: Path
) -> None:
    from ankle_imu.library import load_result
    from ankle_imu.report.page import report_html
    from ankle_imu.report.verdict import judge

    ankle_imu("analyze", "last")
    before = judge(load_result(session))
    ankle_imu("track", "attach", "last", walk_of(session, tmp_path))
    result = load_result(session)
    assert "Where you went" in report_html(result)
    assert "0.3 km" in report_html(result)
    after = judge(result)
    assert (after.level, after.reasons) == (before.level, before.reasons)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (gpx(rows(200))[:9000], "cut off or damaged"),
        (gpx([(None, *row[1:]) for row in rows(200)]), "No point carries a usable time"),
    ],
)
def test_what_holds_is_used(ankle_imu, session: Path, tmp_path: Path, data: bytes, word: str) -> None:
    (tmp_path / "walk.gpx").write_bytes(data)
    done = ankle_imu("track", "attach", "last", tmp_path / "walk.gpx")
    assert done.code == 5
    assert word in done.err
    assert (session / "track.gpx").exists()


@pytest.mark.parametrize("data", [b"", b"no track", fit(rows(), has_place=False), gpx()])
def test_what_is_no_track_changes_nothing(ankle_imu, session: Path, tmp_path: Path, data: bytes) -> None:
    before = sorted(session.rglob("*"))
    (tmp_path / "walk.gpx").write_bytes(data)
    ankle_imu("track", "attach", "last", tmp_path / "walk.gpx").refuses(5, "walk.gpx")
    assert sorted(session.rglob("*")) == before


def test_no_such_file_and_no_session_folder(ankle_imu, session: Path, tmp_path: Path) -> None:
    ankle_imu("track", "attach", "last", tmp_path / "none.gpx").refuses(5, "There is no file")
    part = next(session.glob("raw/*.mcap"))
    ankle_imu("track", "attach", part, walk_of(session, tmp_path)).refuses(5, "no session folder")


def test_a_spoilt_track_does_not_spoil_the_session(session: Path) -> None:
    (session / "track.gpx").write_bytes(b"<gpx>rubbish")
    recording = ai.open_session(session)
    assert recording.track is None
    assert any(warning.startswith("track: ") for warning in recording.warnings)


def test_gpx_goes_before_fit(session: Path) -> None:
    (session / "track.gpx").write_bytes(gpx(rows()))
    (session / "track.fit").write_bytes(fit(rows()))
    recording = ai.open_session(session)
    assert recording.track is not None
    assert recording.track.source.startswith("GPX")
    assert any("track.fit is passed over" in warning for warning in recording.warnings)


def test_a_track_that_cannot_be_read_is_said_in_the_report(ankle_imu, session: Path) -> None:
    from ankle_imu.library import load_result
    from ankle_imu.report.page import report_html

    (session / "track.gpx").write_text("no track at all")
    ankle_imu("analyze", "last")
    page = report_html(load_result(session))
    assert "Where you went" in page
    assert "track.gpx" in page
