"""What doctor finds, and the fix it names."""

from __future__ import annotations

import math
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from simulated_time import run

from ankle_imu import doctor
from ankle_imu.capture import host
from ankle_imu.errors import BluetoothUnavailable
from ankle_imu.findings import FAIL, OK, WARN, Finding
from ankle_imu.library import KnownSensor, save_sensor
from ankle_imu.simulate.sensors.radio import VirtualRadio


@pytest.mark.parametrize(
    ("version", "verdict"), [((3, 10), WARN), ((3, 11), OK), ((3, 12), OK), ((3, 13), OK), ((3, 14), WARN)]
)
def test_python(version: tuple[int, int], verdict: str) -> None:
    assert doctor.look_at_python(version).verdict == verdict


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        ("bluetoothctl: 5.66", OK),
        ("5.62", OK),
        ("bluetoothctl: 5.55\n", WARN),
        ("5.9", FAIL),
        ("5.54", FAIL),
        ("4.101", FAIL),
        ("6.1", OK),
        ("", WARN),
    ],
)
def test_bluez(told: str, verdict: str) -> None:
    finding = doctor.look_at_bluez(told)
    assert finding.verdict == verdict
    assert bool(finding.fix) == (verdict != OK)


def test_adapter_is_an_hci_device_and_no_connection_of_one(tmp_path: Path) -> None:
    assert doctor.look_at_adapter(tmp_path / "missing").verdict == FAIL
    (tmp_path / "hci0:11").mkdir()
    assert doctor.look_at_adapter(tmp_path).verdict == FAIL
    (tmp_path / "hci0").mkdir()
    finding = doctor.look_at_adapter(tmp_path)
    assert (finding.verdict, finding.found) == (OK, "hci0")


def test_bluetooth_that_is_off_is_told_with_the_remedy() -> None:
    radio = VirtualRadio()
    assert run(doctor.look_at_bluetooth(radio)).verdict == OK
    radio.is_off = True
    finding = run(doctor.look_at_bluetooth(radio))
    assert (finding.verdict, finding.found, finding.fix) == (
        FAIL,
        "Bluetooth is switched off",
        "Switch it on.",
    )


def test_an_error_nobody_knows_is_a_finding_too() -> None:
    class Strange:
        async def scan(self, seconds: float) -> None:
            raise RuntimeError("gremlins")

    finding = run(doctor.look_at_bluetooth(Strange()))  # type: ignore[arg-type]
    assert finding.verdict == FAIL
    assert "gremlins" in finding.found


def test_disk(tmp_path: Path) -> None:
    root = tmp_path / "not" / "there" / "yet"
    assert doctor.look_at_disk(root, lambda _: 5_000_000_000).verdict == OK
    assert doctor.look_at_disk(root, lambda _: 500_000_000).verdict == WARN
    assert doctor.look_at_disk(root, lambda _: host.MIN_FREE_BYTES - 1).verdict == FAIL
    assert doctor.look_at_disk(root, lambda _: -1).verdict == OK
    assert not root.exists(), "looking made something"


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc, a folder nobody may write to")
def test_disk_that_cannot_be_written(tmp_path: Path) -> None:
    assert doctor.look_at_disk(Path("/proc/library")).verdict == FAIL


def test_clock() -> None:
    now = datetime(2026, 11, 26, tzinfo=UTC)
    assert [doctor.look_at_clock(now, s).verdict for s in (True, None, False)] == [OK, OK, WARN]
    assert doctor.look_at_clock(datetime(1970, 1, 1, 0, 5, tzinfo=UTC), True).verdict == FAIL


def test_battery() -> None:
    assert [doctor.look_at_battery(c).verdict for c in (math.nan, 1.0, 0.5, 0.2)] == [OK, OK, OK, WARN]


def test_charge_is_that_of_a_battery_being_discharged(tmp_path: Path) -> None:
    for name, kind, status, capacity in (
        ("AC", "Mains", "", ""),
        ("BAT0", "Battery", "Discharging", "41"),
        ("BAT1", "Battery", "Full", "7"),
    ):
        (tmp_path / name).mkdir()
        for what, value in (("type", kind), ("status", status), ("capacity", capacity)):
            (tmp_path / name / what).write_text(f"{value}\n")
    assert host.charge(tmp_path) == 0.41
    assert math.isnan(host.charge(tmp_path / "none"))


def test_sensors(tmp_path: Path) -> None:
    assert doctor.look_at_sensors(tmp_path).verdict == WARN
    save_sensor(tmp_path, KnownSensor(serial="7", identifier="C0", model="ankle", placement="left_foot"))
    assert doctor.look_at_sensors(tmp_path).verdict == OK
    (tmp_path / "sensors" / "8.json").write_text("{")
    finding = doctor.look_at_sensors(tmp_path)
    assert finding.verdict == FAIL
    assert "8.json is no valid JSON" in finding.found
    assert "delete it" in finding.fix


def test_exit_code() -> None:
    def code(*failed: str) -> int:
        return doctor.exit_code(tuple(Finding(what=what, verdict=FAIL, found="") for what in failed))

    assert doctor.exit_code((Finding(what="bluetooth", verdict=WARN, found=""),)) == 0
    assert [code(), code("disk"), code("clock", "disk"), code("sensors")] == [0, 6, 6, 6]
    assert [code("adapter"), code("disk", "adapter")] == [3, 3]


def test_examine_looks_at_everything(tmp_path: Path) -> None:
    found = [finding.what for finding in run(doctor.examine(VirtualRadio(), tmp_path))]
    linux = ["bluez", "adapter"] if sys.platform == "linux" else []
    assert found == ["python", "bluetooth", *linux, "sensors", "disk", "battery", "clock"]


def test_unavailable_is_the_error_it_is_told_from() -> None:
    radio = VirtualRadio()
    radio.is_off = True
    with pytest.raises(BluetoothUnavailable):
        run(radio.scan(1.0))
