"""The sensors a library knows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ankle_imu.errors import CorruptRecording, DeviceNotFound, StorageError, UnknownFormatVersion
from ankle_imu.library import KnownSensor, find_sensor, forget_sensor, load_sensors, save_sensor

FOOT = KnownSensor(
    serial="0A:1B/7",
    identifier="C0:00:00:00:00:01",
    model="ankle",
    placement="left_foot",
    mount_site="instep",
    name="AnkleIMU-0A1B",
)
SHANK = replace(FOOT, serial="22", identifier="C0:00:00:00:00:02", placement="left_shank", name="AnkleIMU-22")


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    assert load_sensors(tmp_path / "none") == ()
    for sensor in (SHANK, FOOT):
        save_sensor(tmp_path, sensor)
    loaded = load_sensors(tmp_path)
    assert [replace(s, last_seen_utc="") for s in loaded] == [FOOT, SHANK]
    assert all(s.last_seen_utc.endswith("Z") for s in loaded)


@pytest.mark.parametrize("ref", ["0a:1b/7", "c0:00:00:00:00:01", "left_foot", "ankleimu-0a1b"])
def test_a_sensor_is_found_by_any_of_its_names(tmp_path: Path, ref: str) -> None:
    for sensor in (SHANK, FOOT):
        save_sensor(tmp_path, sensor)
    assert find_sensor(tmp_path, ref).serial == FOOT.serial


def test_a_sensor_that_is_not_saved(tmp_path: Path) -> None:
    save_sensor(tmp_path, replace(FOOT, name=""))
    for ref in ("right_foot", ""):
        with pytest.raises(DeviceNotFound, match="0A:1B/7 \\(left_foot\\)"):
            find_sensor(tmp_path, ref)


def test_a_placement_has_one_sensor(tmp_path: Path) -> None:
    save_sensor(tmp_path, FOOT)
    save_sensor(tmp_path, replace(SHANK, placement="left_foot"))
    assert [(s.serial, s.placement, s.mount_site) for s in load_sensors(tmp_path)] == [
        ("22", "left_foot", "instep"),
        (FOOT.serial, "", ""),
    ]
    with pytest.raises(DeviceNotFound, match=r"22 \(left_foot\), 0A:1B/7 \(not worn\)"):
        find_sensor(tmp_path, "right_foot")
    assert find_sensor(tmp_path, FOOT.serial).identifier == FOOT.identifier


def test_sensors_that_change_sides_keep_their_calibrations(tmp_path: Path) -> None:
    left, right = FOOT, replace(SHANK, placement="right_foot")
    for sensor in (left, right):
        path = save_sensor(tmp_path, sensor)
        path.write_text(json.dumps({**json.loads(path.read_text()), "calibration": {"of": sensor.serial}}))
    save_sensor(tmp_path, replace(left, placement="right_foot"))
    save_sensor(tmp_path, replace(right, placement="left_foot"))
    kept = [json.loads(path.read_text()) for path in (tmp_path / "sensors").glob("*.json")]
    assert {k["serial"]: (k["placement"], k["calibration"]["of"]) for k in kept} == {
        left.serial: ("right_foot", left.serial),
        right.serial: ("left_foot", right.serial),
    }


def test_the_new_sensor_is_saved_before_the_old_one_loses_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_sensor(tmp_path, FOOT)

    def refuse(path: Path, data: bytes) -> Path:
        raise StorageError(f"The disk is full: {path} could not be written.", path=str(path))

    monkeypatch.setattr("ankle_imu.library.sensors.write_whole", refuse)
    with pytest.raises(StorageError, match=r"22\.json"):
        save_sensor(tmp_path, replace(SHANK, placement="left_foot"))
    assert [(s.serial, s.placement) for s in load_sensors(tmp_path)] == [(FOOT.serial, "left_foot")]


def test_forgetting_twice_is_no_error(tmp_path: Path) -> None:
    save_sensor(tmp_path, FOOT)
    for _ in range(2):
        forget_sensor(tmp_path, FOOT.serial)
    assert load_sensors(tmp_path) == ()


def test_facts_that_others_keep_in_the_file_stay(tmp_path: Path) -> None:
    path = save_sensor(tmp_path, FOOT)
    path.write_text(json.dumps({**json.loads(path.read_text()), "calibration": {"offset": [1, 2, 3]}}))
    save_sensor(tmp_path, replace(FOOT, placement="right_foot"))
    content = json.loads(path.read_text())
    assert content["calibration"] == {"offset": [1, 2, 3]}
    assert content["placement"] == "right_foot"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("{", CorruptRecording),
        ("[]", CorruptRecording),
        ('{"serial": "1"}', CorruptRecording),
        ('{"format_version": 1, "serial": "1", "placement": "nose"}', CorruptRecording),
        ('{"format_version": 99, "serial": "1"}', UnknownFormatVersion),
    ],
)
def test_a_spoilt_file_is_named(tmp_path: Path, text: str, error: type[Exception]) -> None:
    path = tmp_path / "sensors" / "1.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(error, match=r"1\.json") as caught:
        load_sensors(tmp_path)
    assert ("update" if error is UnknownFormatVersion else "delete it") in str(caught.value)
