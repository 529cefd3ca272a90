"""`sensors calibrate` with a virtual sensor on the air, and its calibration in the next walk."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from virtual_air import VirtualAir

from ankle_imu import analyze, open_session
from ankle_imu.cli import run
from ankle_imu.library import load_calibration
from ankle_imu.session_io import save_simulation
from ankle_imu.simulate import Plan, walk
from ankle_imu.simulate.sensors.peripheral import Motion
from ankle_imu.simulate.sensors.witmotion import WitMotionSensor
from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.values import ImuSeries

WIT = "C0:00:00:00:00:07"
RATE = 200.0
OFFSET, SCALE, BIAS = np.array([0.2, -0.1, 0.05]), np.diag([1.02, 0.99, 1.01]), np.array([0.4, 0.0, -0.6]) * DEGREE


def turned(poses: np.ndarray) -> Motion:
    """2.2 s in each pose and a moment of turning over, again and again; a sensor with the errors above."""
    rng = np.random.default_rng(6)
    acc, gyr = [], []
    for pose in poses:
        acc += [
            np.tile(STANDARD_GRAVITY * pose, (440, 1)),
            STANDARD_GRAVITY * pose + rng.normal(0, 5.0, (40, 3)),
        ]
        gyr += [np.zeros((440, 3)), rng.normal(0.0, 2.0, (40, 3))]
    a, w = np.concatenate(acc) @ SCALE + OFFSET, np.concatenate(gyr) + BIAS
    return Motion(ImuSeries(time=np.arange(len(a)) / RATE, acc=a, gyr=w, sampling_rate=RATE))


def on_air(monkeypatch: pytest.MonkeyPatch, poses: np.ndarray) -> None:
    air = VirtualAir([(lambda: WitMotionSensor(WIT, turned(poses)), ())])
    air.patch(monkeypatch)
    assert run(["sensors", "add", WIT, "--as", "left_foot", "--mount-site", "instep"]) == 0


SIX = np.vstack([np.eye(3), -np.eye(3)])


def test_six_poses_are_saved_with_the_sensor(
    monkeypatch: pytest.MonkeyPatch, told: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    on_air(monkeypatch, SIX)
    code, found = told("sensors", "calibrate", "left_foot", "--seconds", "31", "--temperature", "21")
    assert code == 0
    assert found["acc_offset_mps2"] == pytest.approx(OFFSET, abs=0.005), "one count is 0.005 m/s^2"
    assert np.diag(found["acc_matrix"]) == pytest.approx(1 / np.diag(SCALE), abs=0.001)
    assert found["gyr_bias_radps"] == pytest.approx(BIAS, abs=0.06 * DEGREE)
    assert found["residual_mps2"] < 0.01
    assert (found["temperature_c"], found["mount_site"]) == (21.0, "instep")
    content = json.loads(Path(found["files"][0]).read_text())
    assert content["placement"] == "left_foot", "the sensor is still known"
    assert content["calibration"]["n_poses"] == found["n_poses"]
    assert run(["sensors", "calibrate", "left_foot", "--seconds", "31"]) == 0
    out, err = capsys.readouterr()
    assert "mg are left between the poses" in err
    assert "+2.0" in out, "scale of x"


def test_a_missing_face_is_refused_and_nothing_saved(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    on_air(monkeypatch, SIX[:5])
    assert run(["sensors", "calibrate", "left_foot", "--seconds", "20"]) == 7
    assert "did not lie still with -z up" in capsys.readouterr().err
    (saved,) = (tmp_path / "library" / "sensors").glob("*.json")
    assert "calibration" not in json.loads(saved.read_text())


def test_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    on_air(monkeypatch, SIX)
    assert run(["sensors", "calibrate", "left_foot", "--seconds", "5"]) == 2
    assert run(["sensors", "calibrate", "right_foot"]) == 4


def test_a_walk_in_the_library_is_corrected_and_says_so(
    monkeypatch: pytest.MonkeyPatch, told: Any, tmp_path: Path
) -> None:
    """The series stay as measured; the analysis corrects them where the calibration belongs."""
    on_air(monkeypatch, SIX)
    made = told("sensors", "calibrate", "left_foot", "--seconds", "31")[1]["made_utc"]
    plan = Plan(duration_s=40, sampling_rate=104.0, placements=("left_foot",), movements=False)
    exact, _ = walk(plan, seed=2)
    library = tmp_path / "library"
    (serial,) = {json.loads(p.read_text())["serial"] for p in (library / "sensors").glob("*.json")}
    info = replace(
        exact.session,
        alias="P-test",
        started_utc=made,
        sensors={"left_foot": replace(exact.session.sensors["left_foot"], serial=serial)},
    )
    off = exact.series["left_foot"]
    off = replace(off, acc=off.acc @ SCALE + OFFSET, gyr=off.gyr + BIAS)
    folder = save_simulation(replace(exact, series={"left_foot": off}), library, info=info)
    opened = open_session(folder)
    assert opened.warnings == ()
    assert opened.series["left_foot"].acc[50] == pytest.approx(off.acc[50], abs=0.003), "one count is 0.005 m/s^2"
    result = analyze(opened)
    assert result.quality["sensors"]["left_foot"]["calibration"] == f"{serial} {made}"
    bare = analyze(replace(opened, sensor_calibration={}))
    assert bare.quality["sensors"]["left_foot"]["calibration"] == ""
    truth = analyze(exact).angles["left_foot_tilt_deg"]
    wrong, right = (np.nanmean(np.abs(r.angles["left_foot_tilt_deg"] - truth)) for r in (bare, result))
    assert right < 0.5 * wrong


def test_a_calibration_that_does_not_belong_is_told(
    monkeypatch: pytest.MonkeyPatch, told: Any, tmp_path: Path
) -> None:
    on_air(monkeypatch, SIX)
    told("sensors", "calibrate", "left_foot", "--seconds", "31")
    library = tmp_path / "library"
    (saved,) = (library / "sensors").glob("*.json")
    content = json.loads(saved.read_text())
    plan = Plan(duration_s=20, sampling_rate=104.0, placements=("left_foot",), movements=False)
    exact, _ = walk(plan, seed=2)
    sensor = replace(exact.session.sensors["left_foot"], serial=content["serial"])
    info = replace(
        exact.session, alias="P-test", started_utc="2001-01-01T00:00:00Z", sensors={"left_foot": sensor}
    )
    folder = save_simulation(exact, library, info=info)
    (doubt,) = open_session(folder).warnings
    assert doubt.startswith("left_foot: the saved calibration is not used: ")
    assert "days lie between" in doubt
    content["calibration"]["acc_matrix"] = "spoilt"
    saved.write_text(json.dumps(content))
    assert "sensors calibrate" in open_session(folder).warnings[0]
    assert load_calibration(library, "unknown") is None
