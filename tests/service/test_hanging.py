"""Bluetooth that hangs in silence: calls that never return, some not even when they are cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from service.hill import FakeComputer, Hill, felt, on_the_hill, sessions

from ankle_imu.session_io import open_session

WALKS = felt((2000.0, True))


async def never(*_: Any, **__: Any) -> Any:
    """A call that does not return."""
    await asyncio.Event().wait()


async def stubborn(*_: Any, **__: Any) -> Any:
    """One that hangs in its tidying up as well, as a call to a stuck D-Bus service does."""
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.Event().wait()


def hang(hill: Hill, *calls: str, until: str, hung: Callable[..., Any]) -> None:
    """These calls of the radio hang until the remedy is tried."""
    true = {name: getattr(hill.radio, name) for name in calls}
    for name in calls:
        setattr(hill.radio, name, hung)

    def mend(remedy: str) -> None:
        if remedy == until:
            for name, call in true.items():
                setattr(hill.radio, name, call)

    hill.computer.on_remedy = mend


def seen_in(hill: Hill, words: str) -> list[dict[str, Any]]:
    return [one for one in hill.shown if any(words in sentence for sentence in one["attention"])]


@pytest.mark.parametrize("hung", [never, stubborn])
@pytest.mark.parametrize("calls", [("scan",), ("release", "scan"), ("scan", "connect")], ids=" ".join)
def test_a_scan_that_hangs_while_idle_is_told_and_the_adapter_reset(
    calls: tuple[str, ...], hung: Callable[..., Any], tmp_path: Path
) -> None:
    hill = on_the_hill(tmp_path, WALKS, 400.0, lambda hill: hang(hill, *calls, until="cycle", hung=hung))
    told = seen_in(hill, "Bluetooth hangs: a scan of 5 s did not end in 15 s.")
    assert told[0]["state"] == "idle"
    assert told[-1]["remedy"] == "switching the adapter off and on"
    assert [name for _, name in hill.computer.remedies] == ["cycle"]
    assert 60.0 <= hill.computer.remedies[0][0] - 1000.0 <= 120.0
    assert hill.states[:3] == ["idle", "armed", "recording"]
    (folder,) = sessions(tmp_path)
    assert open_session(folder).series["left_foot"].duration > 200.0
    assert hill.shown[-1]["attention"] == []
    assert hill.shown[-1]["remedy"] == ""


@pytest.mark.parametrize("hung", [never, stubborn])
@pytest.mark.parametrize("until", ["cycle", "restart"])
def test_connections_that_hang_while_armed_climb_the_whole_ladder(
    until: str, hung: Callable[..., Any], tmp_path: Path
) -> None:
    hill = on_the_hill(tmp_path, WALKS, 800.0, lambda hill: hang(hill, "connect", until=until, hung=hung))
    told = seen_in(hill, "The sensors are seen but do not connect: Connecting does not end.")
    assert {one["state"] for one in told} == {"armed", "idle"}, "it is not forgotten when it rests between"
    assert told[0]["words"].startswith("connecting to the sensors; The sensors are seen"), "not `connected`"
    assert [name for _, name in hill.computer.remedies] == ["cycle", "restart"][: 1 + (until == "restart")]
    assert hill.states[-4:] == ["armed", "recording", "saved", "idle"]
    (folder,) = sessions(tmp_path)
    assert open_session(folder).series["left_foot"].duration > 200.0


def test_a_release_that_hangs_holds_nobody_up(tmp_path: Path) -> None:
    """The sensors come late, so that earlier connections are let go first."""

    def plan(hill: Hill) -> None:
        hill.radio.release = stubborn  # type: ignore[method-assign]
        hill.switch_off()
        hill.after(100.0, lambda: [air.power_on() for air in hill.on_air])

    hill = on_the_hill(tmp_path, WALKS, 500.0, plan)
    assert len(sessions(tmp_path)) == 1
    assert hill.states[:3] == ["idle", "armed", "recording"]
    assert seen_in(hill, "Bluetooth hangs: letting go of an earlier connection did not end in 10 s.")
    assert not seen_in(hill, "a scan of 5 s"), "the scan did end"


def test_sensors_out_of_sight_are_no_trouble_any_more(tmp_path: Path) -> None:
    def plan(hill: Hill) -> None:
        hill.radio.connect = never  # type: ignore[method-assign]
        hill.after(60.0, hill.switch_off)

    hill = on_the_hill(tmp_path, WALKS, 600.0, plan)
    assert seen_in(hill, "do not connect")
    assert hill.shown[-1]["attention"] == []
    assert [name for _, name in hill.computer.remedies] in ([], ["cycle"])


class Stuck(FakeComputer):
    """A computer whose services do not answer."""

    async def power_cycle(self) -> str:
        await super().power_cycle()
        return str(await stubborn())

    async def restart_bluetooth(self) -> str:
        await super().restart_bluetooth()
        return str(await never())

    async def is_clock_set(self) -> bool:
        return bool(await never())


def test_remedies_that_hang_are_given_up_and_the_next_is_tried(tmp_path: Path) -> None:
    computer = Stuck()
    hill = on_the_hill(
        tmp_path, WALKS, 300.0, lambda hill: hang(hill, "scan", "release", until="", hung=stubborn), computer
    )
    assert [name for _, name in computer.remedies] == ["cycle", "restart"]
    assert hill.said.count("... no answer in 30 s") == 2
    assert seen_in(hill, "Bluetooth hangs")[-1]["remedy"] == "restarting the system's Bluetooth service"
    assert set(hill.states) == {"idle"}


@pytest.mark.parametrize("seconds", [10.0, 40.0, 70.0, 200.0])
@pytest.mark.parametrize("calls", [("scan", "release"), ("connect",)], ids=" ".join)
def test_it_leaves_when_told_whatever_hangs(calls: tuple[str, ...], seconds: float, tmp_path: Path) -> None:
    computer = Stuck()
    hill = on_the_hill(
        tmp_path, WALKS, seconds, lambda hill: hang(hill, *calls, until="", hung=stubborn), computer
    )
    assert len(hill.shown) < seconds + 60.0, "one look a second: it was gone within a minute"
    assert sessions(tmp_path) == []
