"""The recorder over bleak, D-Bus, bluetoothd and the kernel."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from bluetooth_vm.bumble_radio import BluezAir
from bluetooth_vm.promises import *  # noqa: F403  # its tests are those of this file
from bluetooth_vm.promises import Record
from bluetooth_vm.recorded import Recorded, record

from ankle_imu.devices.bleak_radio import BleakRadio


@pytest.fixture
def recorded(tmp_path: Path) -> Record:
    def carry_out(*schedules: list[str], interval: float = 0.0, **options: Any) -> Recorded:
        async def work() -> Recorded:
            async with BluezAir(interval=interval) as air:
                return await record(air, BleakRadio(), tmp_path, schedules=schedules, **options)

        return asyncio.run(work())

    return carry_out
