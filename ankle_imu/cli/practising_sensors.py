"""Who is recorded while practising: sensors on the air, or a simulated person who follows the coach."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ankle_imu.cli import bluetooth
from ankle_imu.cli import practising_run as runs

if TYPE_CHECKING:
    from ankle_imu.capture import Wanted
    from ankle_imu.devices.adapter import Adapter, Radio
    from ankle_imu.practice.coach import Coach


@dataclass(frozen=True, kw_only=True)
class Person:
    """Who practises; `follow` is told at a loop time how the coach leads, and a simulated person does so."""

    radio: Radio
    sensors: Mapping[Wanted, Adapter]
    follow: Callable[[Coach, float, float], None] = lambda coach, now, loop_s: None


Sensors = Callable[[contextlib.AsyncExitStack], Awaitable[Person]]


def simulated_sensors(asked: runs.Asked, segments: Sequence[str]) -> Sensors:
    """Virtual sensors on a person who follows the routine, and waits, skips and repeats with it."""

    async def make(stack: contextlib.AsyncExitStack) -> Person:
        from ankle_imu.capture import Wanted
        from ankle_imu.devices import catalog
        from ankle_imu.practice.coach import Coach
        from ankle_imu.simulate.practice.puppet import Puppet
        from ankle_imu.simulate.sensors.ankle import AnkleSensor
        from ankle_imu.simulate.sensors.radio import VirtualRadio

        markers, end = runs.lead(Coach(asked.steps, asked.pain_stop, runs.LEAD_S), lambda said: None)
        person = runs.simulated(asked, segments, markers, end)
        radio = await stack.enter_async_context(VirtualRadio())
        start = asyncio.get_running_loop().time()
        puppets = {placement: Puppet(series, start) for placement, series in person.series.items()}
        sensors: dict[Wanted, Adapter] = {}
        for n, (placement, puppet) in enumerate(puppets.items(), 1):
            virtual = AnkleSensor(puppet, address=f"C0:00:00:00:00:{n:02X}", seed=n)
            await radio.add(virtual, loss=0.0, seed=n)
            wanted = Wanted(identifier=virtual.address, placement=placement, model="ankle")
            sensors[wanted] = catalog.adapter("ankle")

        def follow(coach: Coach, now: float, loop_s: float) -> None:
            planned = start + runs.LEAD_S + coach.planned_s(now)
            for puppet in puppets.values():
                puppet.follow(loop_s, planned, is_waiting=coach.is_paused)

        return Person(radio=radio, sensors=sensors, follow=follow)

    return make


def real_sensors(root: Path, named: Sequence[tuple[str, str]]) -> Sensors:
    """The sensors that are named, else the saved ones."""
    from ankle_imu.cli.choosing import named_sensor, worn_sensors

    saved = {} if named else worn_sensors(root)

    async def make(stack: contextlib.AsyncExitStack) -> Person:
        radio = bluetooth.radio()
        found = dict([await named_sensor(radio, root, *pair) for pair in named]) or saved
        return Person(radio=radio, sensors=found)

    return make
