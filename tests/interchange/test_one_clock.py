"""Files of several sensors on one clock: by their starts, by their time columns, or together; never in silence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ankle_imu.errors import RecordingError
from ankle_imu.interchange import Imported, join_parts, read
from ankle_imu.values import Marker


@pytest.fixture
def parts(tmp_path: Path, swing) -> list[Imported]:  # type: ignore[no-untyped-def]
    """The same 10 s at two placements, each read from a CSV file whose times begin at 100 s."""
    time, acc, gyr = swing
    head = "time [s]," + ",".join(f"{k}_{a} [{u}]" for k, u in (("acc", "m/s^2"), ("gyr", "rad/s")) for a in "xyz")
    path = tmp_path / "walk.csv"
    np.savetxt(path, np.column_stack([time + 100.0, acc, gyr]), delimiter=",", header=head, comments="")
    return [read(path, placement) for placement in ("left_foot", "left_shank")]


def test_stated_starts_place_the_files(parts: list[Imported]) -> None:
    foot, shank = parts
    foot = replace(foot, started_utc="2026-11-22T10:00:00.000Z", markers=(Marker(time_s=1.0, text="here"),))
    shank = replace(shank, started_utc="2026-11-22T09:59:58.500Z")
    recording, remarks = join_parts([foot, shank])
    assert remarks == ()
    assert recording.session.started_utc.startswith("2026-11-22T09:59:58.5")
    assert recording.series["left_foot"].time[0] == pytest.approx(1.5)
    assert recording.series["left_shank"].time[0] == 0.0
    assert recording.markers[0].time_s == pytest.approx(2.5)
    assert set(recording.session.sensors) == set(recording.loss) == {"left_foot", "left_shank"}
    assert recording.session.importer == f"generic_csv {foot.version}"


def test_one_clock_in_the_time_columns_is_kept(parts: list[Imported]) -> None:
    foot, shank = parts
    recording, remarks = join_parts([foot, replace(shank, clock_start_s=102.25)], ["a.csv", "b.csv"])
    assert recording.series["left_shank"].time[0] == pytest.approx(2.25)
    assert recording.session.started_utc == ""
    told = "do not say when they began; all files are taken to share the clock in their time columns."
    assert remarks == (f"a.csv and b.csv {told}",)


def test_a_stated_start_is_that_of_its_own_file(parts: list[Imported]) -> None:
    """The shank began at 10:00:00, 2.25 s after the foot by the clock that both share."""
    foot, shank = parts
    shank = replace(shank, clock_start_s=102.25, started_utc="2026-11-22T10:00:00.000Z")
    recording, (remark,) = join_parts([foot, shank])
    assert remark.startswith("left_foot does not say when it began")
    assert recording.series["left_shank"].time[0] == pytest.approx(2.25)
    assert recording.session.started_utc.startswith("2026-11-22T09:59:57.75")


def test_clocks_that_do_not_meet_begin_together(parts: list[Imported]) -> None:
    foot, shank = parts
    recording, (remark,) = join_parts([foot, replace(shank, clock_start_s=9e5)])
    assert remark.startswith("left_foot and left_shank do not say")
    _, (other,) = join_parts([foot, replace(shank, started_utc="2026-11-22T10:00:00Z")])
    assert other.startswith("left_foot does not say when it began")
    assert recording.series["left_shank"].time[0] == 0.0
    assert "begin together" in remark


def test_one_after_the_other_is_no_walk(parts: list[Imported]) -> None:
    foot, shank = parts
    foot = replace(foot, started_utc="2026-11-22T10:00:00Z")
    with pytest.raises(RecordingError, match="left_shank begins after left_foot has ended"):
        join_parts([foot, replace(shank, started_utc="2026-11-22T10:00:11Z")])


def test_two_files_of_one_placement_are_refused(parts: list[Imported]) -> None:
    with pytest.raises(ValueError, match="one file for each placement; found left_foot, left_foot"):
        join_parts([parts[0], parts[0]])
    with pytest.raises(ValueError, match="found none"):
        join_parts([])
