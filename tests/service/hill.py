"""Virtual sensors for the unattended recorder, and a computer that can be told what is wrong with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simulated_time import run

from ankle_imu.capture import Wanted, host, sink
from ankle_imu.devices import catalog
from ankle_imu.devices.adapter import Adapter, Wish
from ankle_imu.service import Keeper, Setup
from ankle_imu.service.computer import Computer
from ankle_imu.service.dating import Moment
from ankle_imu.service.signs import Signs
from ankle_imu.simulate.sensors.ankle import AnkleSensor
from ankle_imu.simulate.sensors.peripheral import Motion
from ankle_imu.simulate.sensors.radio import OnAir, VirtualRadio
from ankle_imu.units import STANDARD_GRAVITY
from ankle_imu.values import ImuSeries, SessionInfo

RATE = 26.0
PLACES = ("left_foot", "left_shank")
BOOT_UTC_NS = 1_700_000_000 * 10**9


def felt(*spans: tuple[float, bool]) -> ImuSeries:
    """What a sensor feels over spans of (length in s, whether it moves); it repeats when it is over."""
    n = round(sum(length for length, _ in spans) * RATE)
    time = np.arange(n) / RATE
    is_moving = np.concatenate([np.full(round(length * RATE), moves) for length, moves in spans])[:n]
    swing = np.where(is_moving, np.sin(2 * np.pi * time), 0.0)
    acc = np.stack([2.0 * swing, 0.0 * time, np.full(n, STANDARD_GRAVITY)], axis=1)
    gyr = np.stack([0.0 * time, 3.0 * swing, 0.0 * time], axis=1)
    return ImuSeries(time=time, acc=acc, gyr=gyr, sampling_rate=RATE)


@dataclass
class FakeComputer(Computer):
    """Its wall clock is what it is set to; its remedies are counted."""

    room: bool = True
    is_set: bool = True
    offset_ns: int = 0
    boot: str = "boot"
    remedies: list[tuple[float, str]] = field(default_factory=list)
    answer: str = ""
    on_remedy: Callable[[str], None] = lambda name: None

    def has_room(self, root: Path) -> bool:
        return self.room

    async def is_clock_set(self) -> bool:
        return self.is_set

    def moment(self) -> Moment:
        now = asyncio.get_running_loop().time()
        return Moment(utc_ns=BOOT_UTC_NS + round(now * 1e9) + self.offset_ns, boot_id=self.boot, boot_s=now)

    async def power_cycle(self) -> str:
        self.remedies.append((self.steady_s(), "cycle"))
        self.on_remedy("cycle")
        return self.answer

    async def restart_bluetooth(self) -> str:
        self.remedies.append((self.steady_s(), "restart"))
        self.on_remedy("restart")
        return self.answer


@dataclass
class Hill:
    """One run of the recorder."""

    keeper: Keeper
    radio: VirtualRadio
    computer: FakeComputer
    on_air: list[OnAir]
    said: list[str]
    shown: list[dict[str, Any]] = field(default_factory=list)

    def after(self, seconds: float, do: Callable[[], Any]) -> None:
        asyncio.get_running_loop().call_later(seconds, do)

    def switch_off(self) -> None:
        """Take every sensor out of reach."""
        self._going = [asyncio.ensure_future(air.power_off()) for air in self.on_air]

    @property
    def states(self) -> list[str]:
        """Each state once for every time it was entered."""
        told = [one["state"] for one in self.shown]
        return [state for n, state in enumerate(told) if n == 0 or told[n - 1] != state]


class Watching(Signs):
    """Remembers what was shown."""

    def __init__(self, shown: list[dict[str, Any]]) -> None:
        super().__init__()
        self.shown = shown

    def show(self, told: Mapping[str, Any]) -> None:
        super().show(told)
        self.shown.append(dict(told))


def on_the_hill(
    root: Path,
    series: ImuSeries,
    seconds: float,
    plan: Callable[[Hill], None] = lambda hill: None,
    computer: FakeComputer | None = None,
) -> Hill:
    """Let the recorder run for so long, in simulated time, then tell it to leave."""

    machine = computer or FakeComputer()

    async def work() -> Hill:
        async with VirtualRadio() as radio:
            start = asyncio.get_running_loop().time()
            on_air = []
            for n, _ in enumerate(PLACES):
                sensor = AnkleSensor(Motion(series, start=start), address=f"C0:00:00:00:00:{n:02X}", seed=n)
                on_air.append(await radio.add(sensor, seed=n))

            def sensors() -> dict[Wanted, Adapter]:
                return {
                    Wanted(identifier=air.sensor.address, placement=place, model="ankle"): catalog.adapter("ankle")
                    for air, place in zip(on_air, PLACES, strict=True)
                }

            setup = Setup(root=root, sensors=sensors, info=SessionInfo(alias="P-hill"), wish=Wish(rate_hz=RATE))
            said: list[str] = []
            shown: list[dict[str, Any]] = []
            keeper = Keeper(radio, setup, said.append, Watching(shown), machine)
            hill = Hill(keeper, radio, machine, on_air, said, shown)
            asyncio.get_running_loop().call_later(seconds, keeper.leave)
            plan(hill)
            await keeper.run()
            return hill

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sink.time, "time_ns", lambda: machine.moment().utc_ns)
        patched.setattr(host, "boot_id", lambda: machine.boot)
        patched.setattr(host, "boot_s", lambda: machine.moment().boot_s)
        return run(work())


def sessions(root: Path) -> list[Path]:
    return sorted(path for path in root.glob("people/*/*/*") if path.is_dir())
