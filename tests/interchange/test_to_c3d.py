"""C3D: what ezc3d reads back, against numpy's interpolation."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from outgoing_walk import LOST, outgoing

from ankle_imu import tables
from ankle_imu.errors import ExtraMissing, RecordingError
from ankle_imu.interchange.exporters import export
from ankle_imu.interchange.to_c3d import MOST_FRAMES, read_off

ezc3d = pytest.importorskip("ezc3d", reason="ezc3d is not installed (pip install 'ankle-imu[formats]')")


def read_c3d(path: Path):
    c3d = ezc3d.c3d(str(path))
    analog = c3d["parameters"]["ANALOG"]
    names = analog["LABELS"]["value"]
    values = dict(zip(names, c3d["data"]["analogs"][0], strict=True))
    return c3d["parameters"], values, dict(zip(names, analog["UNITS"]["value"], strict=True))


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory):
    return read_c3d(export([outgoing()], "c3d", tmp_path_factory.mktemp("c3d") / "walk.c3d")[0])


def test_angles_come_back(walk) -> None:
    parameters, values, units = walk
    angles = outgoing().tables["angles"]
    assert parameters["ANALOG"]["RATE"]["value"][0] == pytest.approx(104.0, rel=1e-6)
    for kind in ("inversion", "dorsiflexion", "foot_tilt", "shank_pitch"):
        np.testing.assert_array_equal(values[f"left_{kind}"], angles[f"left_{kind}_deg"].to_numpy(np.float32))
        assert units[f"left_{kind}"] == "deg"
    assert "right_inversion" not in values


def test_samples_are_read_off_at_the_instants_of_the_angles(walk) -> None:
    _, values, units = walk
    time = outgoing().tables["angles"]["time_s"].to_numpy()
    series = outgoing().series["left_foot"]
    inside = (time >= series.time[0]) & (time <= series.time[-1])
    for k, axis in enumerate("xyz"):
        meant = np.interp(time[inside], series.time, series.gyr[:, k])
        np.testing.assert_allclose(values[f"left_foot_gyr_{axis}"][inside], meant, rtol=1e-6, atol=1e-7)
    assert (units["left_foot_acc_x"], units["left_foot_gyr_x"]) == ("m/s^2", "rad/s")


def test_nothing_is_read_off_where_samples_are_lost(walk) -> None:
    series = outgoing().series["left_shank"]
    time = outgoing().tables["angles"]["time_s"].to_numpy()
    gap = (time > series.time[LOST.start - 1] + 1e-4) & (time < series.time[LOST.stop] - 1e-4)
    assert np.isnan(walk[1]["left_shank_acc_x"][gap]).all()
    assert np.isfinite(walk[1]["left_shank_acc_x"][~gap]).mean() > 0.999


def test_events_have_their_leg_and_time(walk) -> None:
    event, events = walk[0]["EVENT"], outgoing().tables["events"]
    minutes, seconds = event["TIMES"]["value"]
    start = walk[0]["ANKLE_IMU"]["START"]["value"][0]
    np.testing.assert_allclose(60.0 * minutes + seconds + start, events["time_s"], atol=1e-4)
    assert event["CONTEXTS"]["value"] == [leg.capitalize() or "General" for leg in events["leg"]]
    assert event["LABELS"]["value"] == [kind.replace("_", " ") for kind in events["kind"]]
    assert event["USED"]["value"][0] == len(events)


def test_a_walk_longer_than_the_header_can_count(tmp_path: Path) -> None:
    n = MOST_FRAMES + 4466
    angles = tables.make_table(
        tables.ANGLES, {"time_s": np.arange(n) / 100.0, "left_inversion_deg": np.sin(np.arange(n) / 100.0)}
    )
    many = tables.make_table(tables.EVENTS, {"time_s": np.arange(300.0), "kind": ["wobble"] * 300})
    out = replace(outgoing(), series={}, tables={**outgoing().tables, "angles": angles, "events": many})
    parameters, values, _ = read_c3d(export([out], "c3d", tmp_path / "long.c3d")[0])
    assert parameters["POINT"]["RATE"]["value"][0] == pytest.approx(50.0)
    assert parameters["ANKLE_IMU"]["SAMPLES"]["value"][0] == n
    found = values["left_inversion"]
    np.testing.assert_array_equal(found[:n], angles["left_inversion_deg"].to_numpy(np.float32))
    assert np.isnan(found[n:]).all()
    assert parameters["EVENT"]["USED"]["value"][0] == 255


def test_reading_off_is_exact_on_a_line() -> None:
    series = outgoing().series["left_foot"]
    line = np.outer(series.time, [1.0, -2.0, 3.0])
    at = np.array([-1.0, 0.123456, 50.0, 1e6])
    found = read_off(replace(series, acc=line, gyr=line), line, at)
    np.testing.assert_allclose(found[1:3], np.outer(at[1:3], [1.0, -2.0, 3.0]), rtol=1e-9)
    assert np.isnan(found[[0, 3]]).all()


def test_without_ezc3d_or_angles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = replace(outgoing(), tables={**outgoing().tables, "angles": tables.make_table(tables.ANGLES, {})})
    with pytest.raises(RecordingError, match="no angles"):
        export([empty], "c3d", tmp_path / "walk.c3d")
    monkeypatch.setitem(sys.modules, "ezc3d", None)
    with pytest.raises(ExtraMissing, match="formats"):
        export([outgoing()], "c3d", tmp_path / "walk.c3d")
    assert list(tmp_path.iterdir()) == []
