"""Backups that do not show where someone lives."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny

from ankle_imu import tables
from ankle_imu.keeping import check_session, restore_backup, write_backup
from ankle_imu.keeping.contents import Positions, Wish
from ankle_imu.library import list_sessions, place_key
from ankle_imu.library.derived import read_table, write_table
from ankle_imu.terrain import read_track
from ankle_imu.terrain.points import distances

DOOR = (46.0, 14.0)


@pytest.fixture
def walk(root: Path) -> Path:
    """A session with a track and a result whose tables show places."""
    folder = list_sessions(root)[0].path
    derived = folder / "derived" / "abc"
    derived.mkdir(parents=True)
    rows = np.array(tiny.WALK)
    way = np.r_[0.0, np.cumsum(distances(rows[:, 1], rows[:, 2]))]
    places = {"latitude_deg": rows[:, 1], "longitude_deg": rows[:, 2], "elevation_m": rows[:, 3]}
    time = rows[:, 0] - rows[0, 0]
    track = {"time_s": time, **places, "distance_m": way, "speed_mps": np.full(len(time), 1.4)}
    write_table(derived, tables.TRACK, tables.make_table(tables.TRACK, track))
    context = {"stride_id": np.arange(len(time)), "time_s": time, "grade": np.full(len(time), 0.03)}
    context |= {**places, "track_distance_m": way}
    write_table(derived, tables.CONTEXT, tables.make_table(tables.CONTEXT, context))
    (derived / "result.json").write_text("{}")
    (folder / "report.html").write_text("a map")
    (folder / "track.gpx.old").write_bytes(tiny.TRACK)
    return folder


def packed(root: Path, folder: Path, there: Path, wish: Wish) -> tuple[Path, tuple[str, ...]]:
    done = write_backup(root, there / "b.tar", wish=wish)
    restore_backup(there / "b.tar", there / "new")
    return there / "new" / folder.relative_to(root), done.omitted


def away(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    return np.array(
        [
            distances(np.array([DOOR[0], a]), np.array([DOOR[1], b]))[0]
            for a, b in zip(latitude, longitude, strict=True)
        ]
    )


def test_trimmed(root: Path, walk: Path, tmp_path: Path) -> None:
    shown, told = packed(root, walk, tmp_path, Wish(positions="trim", results=True, key=place_key()))
    track = read_track((shown / "track.gpx").read_bytes(), "track.gpx")
    assert 60 < len(track.time) < 90
    assert away(track.latitude, track.longitude).min() >= 149.9
    table = read_table(shown / "derived" / "abc", tables.TRACK)
    assert away(table["latitude_deg"].to_numpy(), table["longitude_deg"].to_numpy()).min() >= 149.9
    assert len(table) == len(track.time)
    assert table["distance_m"].iloc[0] == 0.0
    context = read_table(shown / "derived" / "abc", tables.CONTEXT)
    known = context["latitude_deg"].notna().to_numpy()
    assert known.sum() == len(track.time)
    assert context["elevation_m"].notna().to_numpy().tolist() == known.tolist()
    assert context["track_distance_m"].min() == 0.0
    assert (context["grade"] == 0.03).all()
    assert len(context) == len(tiny.WALK)
    names = {p.name for p in shown.rglob("*") if p.is_file()}
    assert "report.html" not in names
    assert "track.gpx.old" not in names
    assert "ärger im Wald.csv" not in names
    assert len(told) == 3
    assert check_session(shown).state == "ok"
    assert (shown / "raw" / "part-0001.mcap").read_bytes() == (walk / "raw" / "part-0001.mcap").read_bytes()


def test_none(root: Path, walk: Path, tmp_path: Path) -> None:
    shown, told = packed(root, walk, tmp_path, Wish(positions="none", results=True))
    assert not (shown / "track.gpx").exists()
    assert "track.gpx is left out" in " ".join(told)
    for table in (tables.TRACK, tables.CONTEXT):
        frame = read_table(shown / "derived" / "abc", table)
        assert frame[["latitude_deg", "longitude_deg", "elevation_m"]].isna().all(axis=None)
        assert len(frame) == len(tiny.WALK)
    assert (read_table(shown / "derived" / "abc", tables.TRACK)["speed_mps"] == 1.4).all()
    data = (tmp_path / "b.tar").read_bytes()
    assert b"trkpt" not in data
    assert np.float64(46.00015).tobytes() not in data


def test_a_trimmed_backup_adds_nothing_to_its_own_library(root: Path, walk: Path, tmp_path: Path) -> None:
    before = tiny.content(root)
    write_backup(root, tmp_path / "b.tar", wish=Wish(positions="trim"))
    back = restore_backup(tmp_path / "b.tar", root)
    assert (len(back.skipped), back.refused, back.damaged) == (3, (), ())
    assert tiny.content(root) == before


def test_a_track_that_cannot_be_read_is_not_given_away(root: Path, walk: Path, tmp_path: Path) -> None:
    (walk / "track.gpx").write_bytes(b"<gpx><trk><trkseg><trkpt lat='46.0' lon='14.0'>")
    shown, told = packed(root, walk, tmp_path, Wish(positions="trim", results=True))
    assert not (shown / "track.gpx").exists()
    assert "cannot be trimmed" in " ".join(told)
    assert len(read_table(shown / "derived" / "abc", tables.TRACK)) == 0


def test_damaged_tables_are_left_out(root: Path, walk: Path, tmp_path: Path) -> None:
    (walk / "derived" / "abc" / "track.parquet").write_bytes(b"PAR1 nonsense")
    shown, told = packed(root, walk, tmp_path, Wish(positions="trim", results=True))
    assert not (shown / "derived" / "abc" / "track.parquet").exists()
    assert "track.parquet is left out" in " ".join(told)


def test_results_only_when_wished(root: Path, walk: Path, tmp_path: Path) -> None:
    shown, _ = packed(root, walk, tmp_path, Wish())
    assert not (shown / "derived").exists()
    assert not (shown / "report.html").exists()
    assert replace(Wish(), results=True).results


@pytest.mark.parametrize("positions", ["trim", "none"])
def test_of_what_lies_with_the_sensors_only_our_files_go_along(
    root: Path, walk: Path, tmp_path: Path, positions: Positions
) -> None:
    (root / "sensors" / "A1").mkdir()
    (root / "sensors" / "A1" / "2026-11-01.json").write_text("{}")
    (root / "sensors" / "A1" / "way to the shop.gpx").write_bytes(tiny.TRACK)
    key = place_key()
    _, told = packed(root, walk, tmp_path, Wish(positions=positions, key=key))
    names = {p.relative_to(tmp_path / "new").as_posix() for p in (tmp_path / "new" / "sensors").rglob("*.*")}
    assert names == {"sensors/A1.json", "sensors/B2.json", "sensors/A1/2026-11-01.json"}
    assert "sensors/A1/way to the shop.gpx is left out" in told[0]
    (tmp_path / "all").mkdir()
    _, told = packed(root, walk, tmp_path / "all", Wish())
    assert told == ()
    assert (tmp_path / "all" / "new" / "sensors" / "A1" / "way to the shop.gpx").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows lets few make links")
@pytest.mark.parametrize("positions", ["keep", "trim"])
def test_links_that_lead_out_are_not_followed(
    root: Path, walk: Path, tmp_path: Path, positions: Positions
) -> None:
    """A track elsewhere, private notes, raw data on another disk; one that stays inside is packed."""
    away = tmp_path / "away"
    away.mkdir()
    (walk / "track.gpx.old").unlink()
    (walk / "track.gpx").rename(away / "track.gpx")
    (away / "diary.txt").write_text("private")
    (walk / "track.gpx").symlink_to(away / "track.gpx")
    (walk / "raw" / "part-0002.mcap").symlink_to(away / "diary.txt")
    (walk / "raw" / "more").symlink_to(away)
    (walk / "events.toml").symlink_to(walk / "session.toml")
    (root / "sensors" / "C3.json").symlink_to(away / "diary.txt")
    done = write_backup(root, tmp_path / "b.tar", wish=Wish(positions=positions, key=place_key()))
    restore_backup(tmp_path / "b.tar", tmp_path / "new")
    data = (tmp_path / "b.tar").read_bytes()
    assert b"private" not in data
    assert b"trkpt" not in data
    told, problems = " ".join(done.omitted), " ".join(done.problems)
    assert "track.gpx is left out: it is a link" in told
    assert "sensors/C3.json is left out: it is a link" in told
    assert "raw/part-0002.mcap is left out" in problems
    assert "raw/more is left out" in problems
    assert (tmp_path / "new" / walk.relative_to(root) / "events.toml").exists()
