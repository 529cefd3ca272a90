"""The recorder over bleak on a bumble host in this process, in simulated time: no kernel, no BlueZ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bluetooth_vm.bleak_on_bumble import bleak_on
from bluetooth_vm.bumble_radio import HostAir
from bluetooth_vm.promises import *  # noqa: F403  # its tests are those of this file
from bluetooth_vm.promises import Record
from bluetooth_vm.recorded import Recorded, record
from simulated_time import run

from ankle_imu.devices.bleak_radio import BleakRadio


@pytest.fixture
def recorded(tmp_path: Path) -> Record:
    def carry_out(*schedules: list[str], interval: float = 0.0, **options: Any) -> Recorded:
        async def work() -> Recorded:
            async with HostAir(interval=interval) as air:
                radio = BleakRadio(backend=bleak_on(air.host))
                return await record(air, radio, tmp_path, schedules=schedules, **options)

        return run(work())

    return carry_out
