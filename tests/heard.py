"""A motion for virtual sensors, a link to one of them, and what an adapter delivers from it."""

from __future__ import annotations

import asyncio

import numpy as np

from ankle_imu.simulate.sensors.peripheral import Motion
from ankle_imu.simulate.sensors.radio import VirtualLink, VirtualRadio
from ankle_imu.values import ImuSeries


def motion(sampling_rate: float) -> Motion:
    """Ten seconds in which no two samples are alike; `sampling_rate` in Hz."""
    time = np.arange(10 * sampling_rate) / sampling_rate
    acc = np.stack([np.sin(3 * time), np.cos(2 * time), 9.8 + 0.1 * time], axis=1)
    gyr = np.stack([np.cos(time), 0.1 * time, np.sin(5 * time)], axis=1)
    return Motion(ImuSeries(time=time, acc=acc, gyr=gyr, sampling_rate=sampling_rate))


class Heard:
    """What an adapter delivers, with its arrival."""

    def __init__(self) -> None:
        self.packets: list[tuple[float, bytes]] = []

    def __call__(self, kind: str, payload: bytes) -> None:
        assert kind == "packet"
        self.packets.append((asyncio.get_running_loop().time(), payload))


async def link_to(radio: VirtualRadio) -> VirtualLink:
    """A link to the only sensor on the air."""
    (seen,) = await radio.scan(0.2)
    return await radio.connect(seen, timeout=5.0)
