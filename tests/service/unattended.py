"""The unattended recorder in a process of its own, quick: what takes minutes takes seconds here. Told to be
killed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import numpy as np

from ankle_imu.capture import Wanted
from ankle_imu.devices import catalog
from ankle_imu.devices.adapter import Adapter
from ankle_imu.service import Keeper, Setup, keeper, movement, search, states
from ankle_imu.simulate.sensors.ankle import AnkleSensor
from ankle_imu.simulate.sensors.peripheral import Motion
from ankle_imu.simulate.sensors.radio import VirtualRadio
from ankle_imu.values import ImuSeries, SessionInfo

RATE = 104.0


def felt(still_s: float, walk_s: float, rest_s: float) -> ImuSeries:
    time = np.arange(round((still_s + walk_s + rest_s) * RATE)) / RATE
    walks = (time >= still_s) & (time < still_s + walk_s)
    swing = np.where(walks, np.sin(2 * np.pi * time), 0.0)
    acc = np.stack([swing, 0 * time, np.full(len(time), 9.81)], axis=1)
    return ImuSeries(time=time, acc=acc, gyr=np.stack([3 * swing] * 3, axis=1), sampling_rate=RATE)


async def main(root: Path) -> None:
    states.QUIET_S, states.REST_S = 2.0, 60.0
    keeper.TICK_S, search.SCAN_EVERY_S = 0.2, 1.0
    movement.ENOUGH = 2
    async with VirtualRadio() as radio:
        motion = Motion(felt(2.0, 5.0, 100.0), start=asyncio.get_running_loop().time())
        sensor = AnkleSensor(motion, address="C0:00:00:00:00:01", seed=1)
        await radio.add(sensor, seed=1)

        def sensors() -> dict[Wanted, Adapter]:
            wanted = Wanted(identifier=sensor.address, placement="left_foot", model="ankle")
            return {wanted: catalog.adapter("ankle")}

        def say(line: str) -> None:
            print(line, flush=True)

        await Keeper(radio, Setup(root=root, sensors=sensors, info=SessionInfo(alias="P-kill")), say).run()


asyncio.run(main(Path(sys.argv[1])))
