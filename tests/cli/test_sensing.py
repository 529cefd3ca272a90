"""`scan`, `sensors`, `doctor`, `selfcheck` and `record` with virtual sensors on the air."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from virtual_air import VirtualAir

from ankle_imu.cli import run
from ankle_imu.library import load_sensors, save_sensor
from ankle_imu.session_io import open_session
from ankle_imu.simulate.sensors.peripheral import Motion
from ankle_imu.simulate.sensors.witmotion import WitMotionSensor
from ankle_imu.values import ImuSeries

WIT = "C0:00:00:00:00:07"


def still(seconds: float = 60.0) -> Motion:
    time = np.arange(0.0, seconds, 0.005)
    acc = np.tile([0.0, 0.0, 9.80665], (len(time), 1))
    return Motion(ImuSeries(time=time, acc=acc, gyr=np.zeros_like(acc), sampling_rate=200.0))


def witmotion() -> WitMotionSensor:
    return WitMotionSensor(WIT, still())


@pytest.fixture
def air(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> VirtualAir:
    monkeypatch.setenv("ANKLE_IMU_LIBRARY", str(tmp_path / "library"))
    monkeypatch.setenv("ANKLE_IMU_CONFIG", str(tmp_path / "config"))
    air = VirtualAir([(witmotion, ())])
    air.patch(monkeypatch)
    return air


def test_scan_shows_what_is_here(air: VirtualAir, told: Any, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = told("scan")
    assert code == 0
    (sensor,) = found["sensors"]
    assert (sensor["identifier"], sensor["models"][0], sensor["placement"]) == (WIT, "witmotion", "")
    assert run(["scan"]) == 0
    assert WIT in capsys.readouterr().out


def test_scan_without_a_sensor(air: VirtualAir, told: Any) -> None:
    air.sensors = ()
    assert told("scan") == (4, {"schema_version": 1, "sensors": [], "n_others": 0})


def test_add_list_firmware(air: VirtualAir, told: Any) -> None:
    code, added = told("sensors", "add", WIT.lower(), "--as", "left_foot", "--mount-site", "heel")
    assert code == 0
    assert Path(added["files"][0]).is_file()
    assert told("sensors", "list")[1]["sensors"][0]["placement"] == "left_foot"
    assert told("scan")[1]["sensors"][0]["placement"] == "left_foot"
    code, who = told("sensors", "firmware", "left_foot")
    assert code == 0
    assert who["battery"] == pytest.approx(0.9, abs=0.11)


def test_add_refuses_a_place_that_does_not_exist_before_it_scans(air: VirtualAir) -> None:
    assert run(["sensors", "add", WIT, "--as", "left_shank", "--mount-site", "heel"]) == 2
    assert run(["sensors", "add", WIT, "--as", "nose"]) == 2


def test_a_sensor_that_is_not_there(air: VirtualAir, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sensors", "add", "AnkleIMU-FFFF", "--as", "left_foot"]) == 4
    assert "AnkleIMU-FFFF was not seen" in (error := capsys.readouterr().err)
    assert WIT in error, "what was seen helps"
    assert run(["sensors", "firmware", "right_foot"]) == 4


def test_record_the_saved_sensor(air: VirtualAir, told: Any, capsys: pytest.CaptureFixture[str]) -> None:
    run(["sensors", "add", WIT, "--as", "left_foot"])
    code, recorded = told("record", "--duration", "20", "--person", "P-test", "--load-kg", "0.5", "--note", "hi")
    assert code == 0
    assert recorded["ended_by"] == "duration"
    assert recorded["alias"] == "P-test"
    recording = open_session(recorded["path"])
    assert list(recording.series) == ["left_foot"]
    assert recording.duration == pytest.approx(20.0, abs=1.0)
    assert recording.session.note == "hi"
    assert recording.session.load_kg == {"left": 0.5}
    assert recording.session.sensors["left_foot"].protocol == "witmotion"


def test_record_a_named_sensor_that_is_not_saved(air: VirtualAir, told: Any) -> None:
    code, recorded = told("record", "--sensor", f"{WIT}=right_shank", "--duration", "5")
    assert code == 0
    assert recorded["sensors"]["right_shank"]["model"] == "witmotion"


def test_record_says_what_the_placement_can_measure(air: VirtualAir, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["record", "--sensor", f"{WIT}=right_shank", "--duration", "5"]) == 0
    out, err = capsys.readouterr()
    assert Path(out.strip()).is_dir()
    assert "right leg, shank: shank tilt and stride timing; nothing about inversion" in err


@pytest.mark.parametrize(
    "words",
    [
        ("--sensor", "nothing"),
        ("--sensor", f"{WIT}=nose"),
        ("--duration", "0"),
        ("--rate", "0"),
        ("--sensor", f"{WIT}=left_foot", "--simulate", "default"),
        ("--sensor", f"{WIT}=left_foot", "--sensor", f"{WIT}=left_shank", "--duration", "5"),
        (),
    ],
)
def test_record_refuses_what_cannot_be(air: VirtualAir, words: tuple[str, ...], tmp_path: Path) -> None:
    assert run(["record", *words]) == 2
    assert not (tmp_path / "library" / "people").exists()


def test_record_ends_when_no_sensor_comes(
    air: VirtualAir, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["sensors", "add", WIT, "--as", "left_foot"])
    air.sensors = ()
    assert run(["record", "--duration", "5"]) == 4
    assert "ankle-imu scan" in capsys.readouterr().err
    assert not (tmp_path / "library" / "people").exists(), "an empty session was left behind"


def test_a_sensor_that_never_came_is_told_by_the_exit_code(air: VirtualAir, told: Any, tmp_path: Path) -> None:
    run(["sensors", "add", WIT, "--as", "left_foot"])
    other = replace(load_sensors(tmp_path / "library")[0], serial="8", identifier="C0:08", placement="left_shank")
    save_sensor(tmp_path / "library", other)
    code, recorded = told("record", "--duration", "6")
    assert code == 4
    assert recorded["sensors"]["left_shank"]["received"] == 0
    assert list(open_session(recorded["path"]).series) == ["left_foot"]


def test_selfcheck(air: VirtualAir, told: Any) -> None:
    run(["sensors", "add", WIT, "--as", "left_foot"])
    code, checked = told("selfcheck", "left_foot", "--seconds", "30")
    verdicts = {f["what"]: f["verdict"] for f in checked["findings"]}
    assert verdicts["face +z"] == "ok"
    assert verdicts["faces"] == "warn"
    assert verdicts["gyroscope"] == "ok"
    assert code == checked["exit_code"]
    assert run(["selfcheck", "left_foot", "--seconds", "1"]) == 2


def test_doctor(air: VirtualAir, told: Any) -> None:
    code, found = told("doctor")
    verdicts = {f["what"]: f["verdict"] for f in found["findings"]}
    assert verdicts["bluetooth"] == "ok"
    assert code == found["exit_code"]
