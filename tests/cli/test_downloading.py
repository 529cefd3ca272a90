"""`download` with a virtual sensor that holds a recording."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from virtual_air import VirtualAir

from ankle_imu import recording
from ankle_imu.cli import run
from ankle_imu.session_io import open_session
from ankle_imu.simulate.sensors.ankle import AnkleSensor
from ankle_imu.simulate.sensors.peripheral import Motion
from ankle_imu.simulate.sensors.witmotion import WitMotionSensor
from ankle_imu.values import ImuSeries
from ankle_imu.wire.ankle_control import CONTROL, Op, encode_request

ADDRESS = "C0:00:00:00:00:05"


def turning(seconds: float = 30.0) -> Motion:
    time = np.arange(0.0, seconds, 0.01)
    acc = 9.80665 * np.stack([np.sin(time), np.zeros_like(time), np.cos(time)], axis=1)
    gyr = np.tile([0.0, 1.0, 0.0], (len(time), 1))
    return Motion(ImuSeries(time=time, acc=acc, gyr=gyr, sampling_rate=100.0))


def with_a_log() -> AnkleSensor:
    """A sensor that recorded 20 s for itself before it was switched on again."""
    sensor = AnkleSensor(turning(), address=ADDRESS)
    sensor.boot(500.0)
    sensor.connect(500.0, 247)
    sensor.subscribe(CONTROL, True, 500.0)
    sensor.write(CONTROL, encode_request(Op.START_LOG, 1, started_s=1_790_000_000), 500.1)
    for now in np.arange(500.2, 520.2, 0.1):
        sensor.poll(float(now))
    sensor.write(CONTROL, encode_request(Op.STOP_LOG, 2), 520.2)
    sensor.disconnect(520.3)
    return sensor


@pytest.fixture
def air(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> VirtualAir:
    monkeypatch.setenv("ANKLE_IMU_LIBRARY", str(tmp_path / "library"))
    monkeypatch.setenv("ANKLE_IMU_CONFIG", str(tmp_path / "config"))
    air = VirtualAir([(with_a_log, ())])
    air.patch(monkeypatch)
    assert run(["sensors", "add", ADDRESS, "--as", "right_foot", "--mount-site", "instep"]) == 0
    return air


def test_list(air: VirtualAir, told: Any, capsys: pytest.CaptureFixture[str]) -> None:
    code, listed = told("download", "right_foot", "--list")
    assert code == 0
    (log,) = listed["logs"]
    assert log["n"] == pytest.approx(20 * 104, abs=110)
    assert log["started_s"] == 1_790_000_000
    assert run(["download", "right_foot", "--list"]) == 0
    assert "2026-09-21" in capsys.readouterr().out


def test_a_log_becomes_a_session(air: VirtualAir, told: Any) -> None:
    code, fetched = told("download", "right_foot", "--person", "P-test")
    assert code == 0
    recording = open_session(fetched["path"])
    series = recording.series["right_foot"]
    assert recording.loss["right_foot"].lost == 0
    assert series.duration == pytest.approx(20.0, abs=1.1)
    np.testing.assert_allclose(series.gyr[:, 1], 1.0, atol=1e-3)
    assert recording.session.started_utc.startswith("2026-09-21")
    assert recording.session.sensors["right_foot"].mount_site == "instep"
    assert recording.session.alias == "P-test"


def test_a_log_of_another_run_heals_nothing(
    air: VirtualAir, told: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = told("record", "--duration", "10", "--rate", "104")[1]
    capsys.readouterr()
    assert run(["download", "right_foot", "--heal", recorded["session"]]) == 7
    assert "another run" in capsys.readouterr().err


def test_what_cannot_be_downloaded(air: VirtualAir, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["download", "right_foot", "--log", "99"]) == 2
    assert "--list" in capsys.readouterr().err
    assert run(["download", "left_foot"]) == 4
    assert run(["download", "right_foot", "--heal", "last"]) == 5
    air.sensors = [(lambda: AnkleSensor(turning(), address=ADDRESS), ())]
    assert run(["download", "right_foot"]) == 7


def test_a_sensor_without_files(air: VirtualAir, capsys: pytest.CaptureFixture[str]) -> None:
    air.sensors = [(lambda: WitMotionSensor("C0:07", turning()), ())]
    assert run(["sensors", "add", "C0:07", "--as", "left_foot"]) == 0
    capsys.readouterr()
    assert run(["download", "left_foot"]) == 4
    assert "C0:07 did not answer with a list of files" in capsys.readouterr().err


def test_what_was_fetched_goes_once_it_is_saved_and_never_into_another_walk(
    air: VirtualAir, told: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "library" / "sensors" / "5"
    monkeypatch.setattr("ankle_imu.library.sensor_folder", lambda root, serial: folder)
    folder.mkdir(parents=True)
    (folder / "log-1-10-10-0-5.bin").write_bytes(b"Monday")  # as it was kept when the log was shorter
    (folder / "log-10-10-10-0-5.bin").write_bytes(b"another log")
    first = told("download", "right_foot")[1]
    assert [path.name for path in folder.iterdir()] == ["log-10-10-10-0-5.bin"]
    again = told("download", "right_foot")[1]
    one, two = (open_session(session["path"]).series["right_foot"] for session in (first, again))
    np.testing.assert_array_equal(one.acc, two.acc)


def test_a_session_that_is_being_recorded_is_not_healed(
    air: VirtualAir, told: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    session = Path(told("record", "--duration", "10", "--rate", "104")[1]["path"])
    log = recording.read_log(recording.part_paths(session))
    with recording.RecordingWriter(session, start_ns=log.start_ns, after=log):
        assert run(["download", "right_foot", "--heal", session.name]) == 5
    assert "is being recorded" in capsys.readouterr().err
