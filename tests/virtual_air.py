"""Virtual sensors for the commands: their radio is a `VirtualRadio`, their event loop one of simulated time."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from simulated_time import run

from ankle_imu.cli import bluetooth
from ankle_imu.devices.adapter import Link, Sighting
from ankle_imu.simulate.sensors.mischief import parse_mischief
from ankle_imu.simulate.sensors.peripheral import Peripheral
from ankle_imu.simulate.sensors.radio import OnAir, VirtualRadio

T = TypeVar("T")


@dataclass
class VirtualAir:
    """What stands in for `cli.bluetooth` while a test runs a command.

    `sensors`: (make a sensor, its mischief) of every sensor that is on the air, made anew for each command;
    `on_air`: those of the last command, with their truth.
    """

    sensors: Sequence[tuple[Callable[[], Peripheral], Sequence[str]]] = ()
    interval: float = 0.0
    on_air: list[OnAir] = field(default_factory=list)
    _radio: VirtualRadio | None = None

    def patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bluetooth, "radio", lambda: self)
        monkeypatch.setattr(bluetooth, "run", self.run)

    def run(self, work: Coroutine[Any, Any, T], loop: object = None) -> T:
        async def within() -> T:
            async with VirtualRadio(interval=self.interval) as self._radio:
                self.on_air = [
                    await self._radio.add(make(), mischief=[parse_mischief(m) for m in mischief])
                    for make, mischief in self.sensors
                ]
                return await work

        return run(within())

    async def scan(self, seconds: float, *, is_enough: Callable[[Sighting], bool] | None = None) -> list[Sighting]:
        assert self._radio
        return await self._radio.scan(seconds, is_enough=is_enough)

    async def release(self, identifier: str) -> bool:
        return False

    async def connect(self, seen: Sighting, *, timeout: float) -> Link:
        assert self._radio
        return await self._radio.connect(seen, timeout=timeout)
