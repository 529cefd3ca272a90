"""The unattended recorder with virtual sensors, hours in simulated time."""

from __future__ import annotations

from pathlib import Path

import pytest
from service.hill import BOOT_UTC_NS, RATE, FakeComputer, Hill, felt, on_the_hill, sessions

from ankle_imu import recording
from ankle_imu.capture import host
from ankle_imu.devices.adapter import Sighting
from ankle_imu.errors import ConnectionLost, StorageError
from ankle_imu.manifest import parse_utc
from ankle_imu.recording import part_paths, read_log, read_session_info
from ankle_imu.service.dating import UNSURE
from ankle_imu.service.states import HOLD_S, LOOK_S, QUIET_S
from ankle_imu.session_io import open_session

TRUE_START_S = BOOT_UTC_NS / 1e9 + 1000.0 + 1.5
"""Simulated time begins at 1000 s; the sensors are met and started within the next few."""
WALK = felt((40.0, False), (300.0, True), (2000.0, False))
"""Put on and stand for 40 s, walk for 5 min, then lie about."""


def test_a_walk_is_recorded_from_before_it_began_until_long_after(tmp_path: Path) -> None:
    hill = on_the_hill(tmp_path, WALK, 1500.0)
    (folder,) = sessions(tmp_path)
    assert hill.states[:5] == ["idle", "armed", "recording", "saved", "idle"]
    assert set(hill.states[5:]) <= {"armed", "idle"}, "they lie about: looked at, not recorded"
    walked = open_session(folder)
    series = walked.series["left_foot"]
    assert series.duration == pytest.approx(40.0 + 300.0 + QUIET_S, abs=25.0)
    first = float(series.time[abs(series.gyr[:, 1]) > 1.0][0])
    assert 25.0 <= first <= 41.0, "the standing before the walk is there"
    assert read_log(part_paths(folder)).damage == ()
    assert next(one["last_ended_by"] for one in hill.shown if one["state"] == "saved") == "stillness"


def test_still_sensors_are_looked_at_and_left_alone(tmp_path: Path) -> None:
    hill = on_the_hill(tmp_path, felt((500.0, False)), 700.0)
    assert sessions(tmp_path) == []
    looks = hill.states.count("armed")
    assert 3 <= looks <= 700.0 / LOOK_S


def test_sensors_that_leave_end_the_walk(tmp_path: Path) -> None:
    def plan(hill: Hill) -> None:
        hill.after(200.0, hill.switch_off)

    hill = on_the_hill(tmp_path, felt((1000.0, True)), 1000.0, plan)
    (folder,) = sessions(tmp_path)
    saved = next(one for one in hill.shown if one["state"] == "saved")
    assert saved["last_ended_by"] == "absence"
    series = open_session(folder).series["left_foot"]
    assert series.time[series.is_valid][-1] == pytest.approx(190.0, abs=12.0)
    assert [name for _, name in hill.computer.remedies] == ["cycle", "restart"]
    assert any("Not streaming: left_foot, left_shank." in one["words"] for one in hill.shown)


def test_bluetooth_that_hangs_is_reset_and_the_walk_goes_on(tmp_path: Path) -> None:
    """The radio is gone until its adapter is switched off and on: one session, one gap."""

    def plan(hill: Hill) -> None:
        def hang() -> None:
            hill.radio.is_off = True
            hill.switch_off()

        def mend(remedy: str) -> None:
            hill.radio.is_off = False
            for air in hill.on_air:
                air.power_on()

        hill.after(120.0, hang)
        hill.computer.on_remedy = mend

    hill = on_the_hill(tmp_path, felt((1000.0, True)), 500.0, plan)
    (folder,) = sessions(tmp_path)
    assert [name for _, name in hill.computer.remedies] == ["cycle"]
    at = hill.computer.remedies[0][0] - 1000.0
    assert 175.0 <= at <= 190.0
    assert open_session(folder).series["left_foot"].time[-1] > 400.0


def test_remedies_that_are_not_permitted_are_told(tmp_path: Path) -> None:
    computer = FakeComputer(answer="this user may not")

    def plan(hill: Hill) -> None:
        hill.radio.is_off = True

    hill = on_the_hill(tmp_path, WALK, 300.0, plan, computer)
    assert [name for _, name in computer.remedies] == ["cycle", "restart"]
    assert "... this user may not" in hill.said
    assert hill.shown[-1]["attention"]
    assert sessions(tmp_path) == []


def test_a_scan_that_fails_again_and_again_is_told_once(tmp_path: Path) -> None:
    def plan(hill: Hill) -> None:
        async def fail(seconds: float, **_: object) -> list[Sighting]:
            raise ConnectionLost("Bluetooth: what nobody knows.")

        hill.radio.scan = fail  # type: ignore[method-assign]

    hill = on_the_hill(tmp_path, WALK, 200.0, plan)
    assert hill.said.count("Bluetooth: what nobody knows.") == 1
    assert hill.shown[-1]["attention"] == ["Bluetooth: what nobody knows."]


def test_told_to_leave_it_saves_first(tmp_path: Path) -> None:
    hill = on_the_hill(tmp_path, felt((1000.0, True)), 120.0)
    (folder,) = sessions(tmp_path)
    assert hill.states[-2:] == ["saved", "idle"]
    log = read_log(part_paths(folder))
    assert log.damage == ()
    assert log.events[-1].event in ("ended", "stopped")
    assert not recording.is_being_recorded(folder)


def test_low_disk_ends_the_walk_deletes_nothing_and_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def plan(hill: Hill) -> None:
        def fill() -> None:
            monkeypatch.setattr(host, "free_bytes", lambda path: 1000)
            hill.computer.room = False

        def clear() -> None:
            monkeypatch.setattr(host, "free_bytes", lambda path: 10**9)
            hill.computer.room = True

        hill.after(120.0, fill)
        hill.after(600.0, clear)

    hill = on_the_hill(tmp_path, felt((1000.0, True)), 800.0, plan)
    first, second = sessions(tmp_path)
    assert hill.states == ["idle", "armed", "recording", "saved", "idle", "armed", "recording", "saved", "idle"]
    for folder in (first, second):
        assert read_log(part_paths(folder)).damage == ()
        assert open_session(folder).series["left_foot"].duration > 100.0
    assert any("nearly full" in " ".join(one["attention"]) for one in hill.shown)
    assert any("nearly full" in one["last_ended_by"] for one in hill.shown)


def test_a_disk_that_refuses_ends_the_walk_and_the_next_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_append = recording.RecordingWriter.append

    def plan(hill: Hill) -> None:
        def refuse(*_: object) -> None:
            raise StorageError("The disk is full: part-0001.mcap could not be written.")

        hill.after(120.0, lambda: monkeypatch.setattr(recording.RecordingWriter, "append", refuse))
        hill.after(180.0, lambda: monkeypatch.setattr(recording.RecordingWriter, "append", true_append))

    hill = on_the_hill(tmp_path, felt((1000.0, True)), 400.0, plan)
    first, second = sessions(tmp_path)
    assert open_session(first).series["left_foot"].duration == pytest.approx(115.0, abs=15.0)
    assert open_session(second).series["left_foot"].duration > 100.0
    assert any("disk is full" in line for line in hill.said)


@pytest.mark.parametrize("years", [-10, 10])
def test_a_wrong_clock_is_survived_and_put_right(years: int, tmp_path: Path) -> None:
    """The clock is ten years off until a time server is reached in the middle of the walk."""
    computer = FakeComputer(is_set=False, offset_ns=round(years * 365.25 * 86400) * 10**9)

    def plan(hill: Hill) -> None:
        def sync() -> None:
            computer.offset_ns, computer.is_set = 0, True

        hill.after(150.0, sync)

    on_the_hill(tmp_path, felt((1000.0, True)), 300.0, plan, computer)
    (folder,) = sessions(tmp_path)
    info = read_session_info(folder)
    assert parse_utc(info.started_utc).timestamp() == pytest.approx(TRUE_START_S, abs=5.0)
    assert UNSURE not in info.tags
    assert abs(int(folder.name[:4]) - 2023) == 10, "the folder keeps its name"
    assert open_session(folder).series["left_foot"].duration == pytest.approx(290.0, abs=10.0)


@pytest.mark.parametrize("years", [-10, 10])
def test_a_clock_that_goes_wrong_in_the_walk_changes_nothing(years: int, tmp_path: Path) -> None:
    computer = FakeComputer()

    def plan(hill: Hill) -> None:
        hill.after(150.0, lambda: setattr(computer, "offset_ns", round(years * 365.25 * 86400) * 10**9))

    hill = on_the_hill(tmp_path, felt((400.0, True), (1000.0, False)), 1200.0, plan, computer)
    (folder,) = sessions(tmp_path)
    assert hill.states[:5] == ["idle", "armed", "recording", "saved", "idle"]
    series = open_session(folder).series["left_foot"]
    assert series.duration == pytest.approx(1000.0, abs=15.0)
    assert series.is_valid.all()
    assert parse_utc(read_session_info(folder).started_utc).timestamp() == pytest.approx(TRUE_START_S, abs=5.0)


def test_a_session_of_this_boot_is_dated_when_the_clock_is_set_later(tmp_path: Path) -> None:
    computer = FakeComputer(is_set=False, offset_ns=-(10**17))

    def plan(hill: Hill) -> None:
        def sync() -> None:
            computer.offset_ns, computer.is_set = 0, True

        hill.after(900.0, sync)

    hill = on_the_hill(tmp_path, felt((100.0, True), (2000.0, False)), 1000.0, plan, computer)
    (folder,) = sessions(tmp_path)
    assert f"{folder.name}: its date is right now" in hill.said
    info = read_session_info(folder)
    assert parse_utc(info.started_utc).timestamp() == pytest.approx(TRUE_START_S, abs=5.0)
    assert info.tags == ()


def test_a_date_that_cannot_be_known_stays_in_doubt(tmp_path: Path) -> None:
    wrong = FakeComputer(is_set=False, offset_ns=-(10**17))
    on_the_hill(tmp_path, felt((1000.0, True)), 100.0, computer=wrong)
    (folder,) = sessions(tmp_path)
    before = (folder / "session.toml").read_text()
    assert read_session_info(folder).tags == (UNSURE,)
    on_the_hill(tmp_path, felt((1000.0, False)), 30.0, computer=FakeComputer(boot="another"))
    assert (folder / "session.toml").read_text() == before


def test_no_sensor_saved_is_said(tmp_path: Path) -> None:
    def plan(hill: Hill) -> None:
        hill.keeper._setup = type(hill.keeper._setup)(root=tmp_path, sensors=dict)

    hill = on_the_hill(tmp_path, WALK, 30.0, plan)
    assert "sensors add" in hill.shown[-1]["words"]


def test_what_is_held_is_a_minute(tmp_path: Path) -> None:
    """Sensors that lie about while armed: only the last minute before the walk is kept."""
    hill = on_the_hill(tmp_path, felt((80.0, False), (300.0, True)), 250.0)
    (folder,) = sessions(tmp_path)
    series = open_session(folder).series["left_foot"]
    first = float(series.time[abs(series.gyr[:, 1]) > 1.0][0])
    assert first == pytest.approx(HOLD_S - 5.0, abs=3.0)
    assert series.sampling_rate == pytest.approx(RATE, rel=0.01)
    assert hill.states[:3] == ["idle", "armed", "recording"]
