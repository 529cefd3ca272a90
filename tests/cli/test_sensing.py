"""`scan`, `sensors`, `doctor`, `selfcheck` and `record` with virtual sensors on the air."""

from __future__ import annotations

import asyncio
import contextlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from virtual_air import VirtualAir

from ankle_imu import doctor
from ankle_imu.cli import run
from ankle_imu.devices import catalog
from ankle_imu.devices.adapter import Identity, Sighting, Stream
from ankle_imu.errors import BluetoothUnavailable
from ankle_imu.findings import OK, Finding
from ankle_imu.library import load_sensors, save_sensor
from ankle_imu.session_io import open_session
from ankle_imu.simulate.sensors.ankle import AnkleSensor
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
    assert who["notes"] == "firmware_notes/witmotion.md"


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
        ("--duration", "nan"),
        ("--load-kg", "-5"),
        ("--load-kg", "nan"),
        ("--load-kg", "inf"),
        ("--note", "a\udcffb"),
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
    air.sensors = [(lambda: AnkleSensor(still(), address="C0:01"), ())]
    run(["sensors", "add", "C0:01", "--as", "left_foot"])
    code, checked = told("selfcheck", "left_foot", "--seconds", "30")
    verdicts = {f["what"]: f["verdict"] for f in checked["findings"]}
    assert "FAIL" not in verdicts.values()
    assert (verdicts["face +z"], verdicts["faces"], verdicts["loss"]) == ("ok", "warn", "ok")
    assert (code, checked["exit_code"]) == (0, 0)
    assert "- firmware: virtual 1" in checked["bench_report"].splitlines()
    for seconds in ("1", "nan", "inf"):
        assert run(["selfcheck", "left_foot", "--seconds", seconds]) == 2


def test_selfcheck_of_a_sensor_without_a_clock(air: VirtualAir, told: Any) -> None:
    run(["sensors", "add", WIT, "--as", "left_foot"])
    code, checked = told("selfcheck", "left_foot", "--seconds", "30")
    verdicts = {f["what"]: f["verdict"] for f in checked["findings"]}
    assert (verdicts["face +z"], verdicts["faces"], verdicts["gyroscope"]) == ("ok", "warn", "ok")
    assert verdicts["clock"] == "warn"
    assert "FAIL" not in verdicts.values()
    assert (code, checked["exit_code"]) == (0, 0)


def test_doctor(air: VirtualAir, told: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_ask", lambda *_: "5.66")
    monkeypatch.setattr(doctor, "look_at_adapter", lambda: Finding(what="adapter", verdict=OK, found="hci0"))
    monkeypatch.setattr(doctor, "look_at_disk", lambda root: Finding(what="disk", verdict=OK, found="room"))
    code, found = told("doctor")
    verdicts = {f["what"]: f["verdict"] for f in found["findings"]}
    assert verdicts["bluetooth"] == "ok"
    assert verdicts["sensors"] == "warn"
    assert (code, found["exit_code"]) == (0, 0)
    (tmp_path / "library" / "sensors").mkdir(parents=True)
    (tmp_path / "library" / "sensors" / "8.json").write_text("{")
    code, found = told("doctor")
    assert {f["what"]: f["verdict"] for f in found["findings"]}["sensors"] == "FAIL"
    assert (code, found["exit_code"]) == (6, 6)
    monkeypatch.setattr(air, "scan", no_bluetooth)
    code, found = told("doctor")
    assert {f["what"]: f["verdict"] for f in found["findings"]}["bluetooth"] == "FAIL"
    assert (code, found["exit_code"]) == (3, 3)
    assert run(["doctor"]) == 3


def test_a_spoilt_file_of_a_sensor_names_the_remedy(
    air: VirtualAir, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["sensors", "add", WIT, "--as", "left_foot"])
    (tmp_path / "library" / "sensors" / "8.json").write_text("{")
    for words in (["scan"], ["sensors", "list"], ["sensors", "add", WIT, "--as", "left_foot"], ["record"]):
        capsys.readouterr()
        assert run(words) == 5
        assert "8.json is no valid JSON" in (error := capsys.readouterr().err)
        assert "delete it" in error


@pytest.mark.parametrize("seconds", ["-1", "0", "nan", "inf"])
def test_a_time_that_is_none_is_refused(air: VirtualAir, seconds: str) -> None:
    assert run(["scan", "--seconds", seconds]) == 2
    assert run(["sensors", "add", WIT, "--as", "left_foot", "--seconds", seconds]) == 2


def test_a_model_that_cannot_be_is_refused_before_it_scans(
    air: VirtualAir, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(air, "scan", no_bluetooth)
    (tmp_path / "bad.toml").write_text("name = ")
    for model in ("bogus", f"declared:{tmp_path}/none.toml", f"declared:{tmp_path}/bad.toml", "declared:"):
        assert run(["sensors", "add", WIT, "--as", "left_foot", "--model", model]) == 2
        assert "bug" not in capsys.readouterr().err


def test_a_declaration_is_found_from_everywhere_and_missed_in_words(
    air: VirtualAir, told: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notify = "0000ffe4-0000-1000-8000-00805f9a34fb"
    (tmp_path / "mine.toml").write_text(
        f'name = "mine"\nname_prefix = "WT"\nnotify = "{notify}"\nnominal_rate_hz = 100\n'
        '[packets]\nsample = ["acc i16"]\n'
    )
    monkeypatch.chdir(tmp_path)
    code, added = told("sensors", "add", WIT, "--as", "left_foot", "--model", "declared:mine.toml")
    assert (code, added["model"]) == (0, f"declared:{tmp_path / 'mine.toml'}")
    (tmp_path / "mine.toml").rename(tmp_path / "other.toml")
    for words in (["record", "--duration", "5"], ["sensors", "firmware", "left_foot"], ["download", "left_foot"]):
        capsys.readouterr()
        assert run(words) == 5
        assert "mine.toml, which cannot be used: No such file" in (error := capsys.readouterr().err)
        assert "ankle-imu sensors add" in error


def test_sensors_that_change_sides(air: VirtualAir, told: Any, capsys: pytest.CaptureFixture[str]) -> None:
    run(["sensors", "add", WIT, "--as", "left_foot"])
    air.sensors = [(lambda: WitMotionSensor("C0:08", still()), ())]
    run(["sensors", "add", "C0:08", "--as", "left_foot"])
    listed = told("sensors", "list")[1]["sensors"]
    assert [(s["identifier"], s["placement"]) for s in listed] == [("C0:08", "left_foot"), (WIT, "")]
    run(["sensors", "list"])
    assert capsys.readouterr().out.splitlines()[-1].startswith("–")
    assert list(told("record", "--duration", "5")[1]["sensors"]) == ["left_foot"], "one that is not worn came too"
    air.sensors = [(witmotion, ())]
    assert told("selfcheck", WIT, "--seconds", "5")[1]["placement"] == ""
    assert run(["download", WIT]) == 2
    assert "not worn" in capsys.readouterr().err


def test_a_config_that_is_spoilt_is_met_before_the_walk(
    air: VirtualAir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["sensors", "add", WIT, "--as", "left_foot"])
    (tmp_path / "config").mkdir(exist_ok=True)
    (tmp_path / "config" / "config.toml").write_text("alias = [")
    monkeypatch.setattr(air, "scan", no_bluetooth)
    assert run(["record", "--duration", "3"]) == 5
    assert "config.toml cannot be understood" in capsys.readouterr().err


def at_the_prompt(monkeypatch: pytest.MonkeyPatch, *answers: str | BaseException) -> list[str]:
    """A person at a terminal; gives what is unsaid. No event loop may run meanwhile: it would hold Ctrl-C."""
    left = list(answers)

    def answer(_: str) -> str:
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        said = left.pop(0)
        if isinstance(said, BaseException):
            raise said
        return said

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("builtins.input", answer)
    return left  # type: ignore[return-value]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise io.UnsupportedOperation("no keyboard here")


def test_sensors_in_reach_are_asked_for_and_saved(
    air: VirtualAir, told: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("ankle_imu.cli.keyboard.typed_lines", lambda *_: contextlib.nullcontext())
    left = at_the_prompt(monkeypatch, "nose", "9", "2")
    code, recorded = told("record", "--duration", "5")
    assert (code, list(recorded["sensors"]), left) == (0, ["right_foot"], [])
    assert [s.placement for s in load_sensors(tmp_path / "library")] == ["right_foot"]


@pytest.mark.parametrize(("key", "code"), [(EOFError(), 2), (KeyboardInterrupt(), 130)])
def test_the_question_can_be_left(
    air: VirtualAir,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    key: BaseException,
    code: int,
) -> None:
    at_the_prompt(monkeypatch, key)
    assert run(["record"]) == code
    assert "bug" not in capsys.readouterr().err
    assert not (tmp_path / "library" / "people").exists()


def test_a_sensor_that_is_silent_is_not_told_as_never_seen(
    air: VirtualAir, told: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(["sensors", "add", WIT, "--as", "left_foot"])
    monkeypatch.setattr(catalog, "adapter", lambda model: Silent())
    capsys.readouterr()
    assert run(["record", "--duration", "4"]) == 4
    err = capsys.readouterr().err
    assert "left foot: nothing received" in err
    assert "was never seen" not in err
    assert "Next:" not in err
    assert run(["selfcheck", "left_foot", "--seconds", "5"]) == 4
    assert "left_foot was connected to, but sent no sample" in capsys.readouterr().err


class Silent:
    """A sensor that does all it is told and never sends anything."""

    model = "witmotion"

    async def identify(self, link: object) -> Identity:
        return Identity(serial="7")

    async def start(self, link: object, wish: object, deliver: object) -> Stream:
        return Stream(protocol="witmotion", config={"nominal_rate_hz": 100.0})

    async def stop(self, link: object) -> None:
        return None

    async def battery(self, link: object) -> float:
        return 0.5


async def no_bluetooth(*_: object, **__: object) -> list[Sighting]:
    raise BluetoothUnavailable("Bluetooth is switched off; switch it on.")
