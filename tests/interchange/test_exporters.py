"""Where an export comes to lie: whole or not at all, and never in place of anything."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from outgoing_walk import SECRETS, outgoing, walk_with_all

import ankle_imu as ai
from ankle_imu.errors import StorageError
from ankle_imu.interchange import exporters
from ankle_imu.interchange.exporters import EXPORTERS, Exporter, default_target, export


@pytest.mark.parametrize(
    ("to", "names", "expected"),
    [
        ("gpx", ["a"], "a.gpx"),
        ("csv", ["a"], "a_csv"),
        ("gpx", ["a", "b"], "ankle_imu_gpx"),
        ("csv", ["a", "b"], "ankle_imu_csv"),
        ("motion-bids", ["a"], "ankle_imu_motion_bids"),
    ],
)
def test_default_names(to: str, names: list[str], expected: str) -> None:
    assert default_target(to, names) == Path(expected)


def test_several_sessions_lie_side_by_side(tmp_path: Path) -> None:
    one = outgoing()
    files = export([one, replace(one, name="other"), one], "geojson", tmp_path / "maps", 3)
    assert [path.name for path in files] == [f"{one.name}-2.geojson", f"{one.name}.geojson", "other.geojson"]
    files = export([one, replace(one, name="other")], "sto", tmp_path / "sto", 2)
    assert {path.parent.name for path in files} == {one.name, "other"}
    export([one, one], "motion-bids", tmp_path / "bids", 2)
    assert len(list((tmp_path / "bids").glob("sub-*/ses-*"))) == 2


def failing(out: object, target: object) -> None:
    if isinstance(target, Path):
        (target / "first.txt").write_text("half")
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("kind", ["file", "folder", "whole"])
def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setitem(exporters.EXPORTERS, "csv", Exporter(**{kind: failing}))
    with pytest.raises(StorageError, match="disk is full"):
        export([outgoing()], "csv", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.odt").write_text("three years of work")
    for to in [name for name, one in EXPORTERS.items() if one.file is None]:
        with pytest.raises(ValueError, match="not empty"):
            export([outgoing()], to, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.odt"]


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="motion-bids"):
        export([outgoing()], "xlsx", tmp_path / "out")


def test_a_session_in_memory_is_exported_as_the_command_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANKLE_IMU_CONFIG", str(tmp_path / "config"))
    recording, result = walk_with_all()
    files = ai.export_session(recording, result, tmp_path / "out" / "new", to="csv")
    home = tmp_path / "out" / "new" / f"{recording.session.session_id}_csv"
    assert {path.name for path in files} >= {
        "left_foot.csv",
        "strides.csv",
        "strides.columns.json",
        "session.json",
    }
    assert {path.parent for path in files} == {home}
    text = "".join(path.read_text("utf-8") for path in files)
    assert [word for word in SECRETS if word in text] == []
    again = ai.interchange.read(home / "left_foot.csv", "left_foot")
    assert np.array_equal(again.series.gyr, recording.series["left_foot"].gyr, equal_nan=True)
    (one,) = ai.export_session(recording, result, tmp_path / "out", to="geojson")
    assert one == tmp_path / "out" / f"{recording.session.session_id}.geojson"


def test_an_unknown_format_makes_no_folder(tmp_path: Path) -> None:
    recording, result = walk_with_all()
    with pytest.raises(ValueError, match="Unknown format 'xlsx'; expected one of motion-bids"):
        ai.export_session(recording, result, tmp_path / "out", to="xlsx")
    assert not (tmp_path / "out").exists()
