"""What the unattended recorder asks of the computer it runs on."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Final

from ankle_imu.capture import host
from ankle_imu.service.dating import Moment

ROOM_BYTES: Final = 2 * host.MIN_FREE_BYTES
"""A recording is begun with so much free: twice of what ends one, so that it does not end at once."""


class Computer:
    """Its disk, its clocks and its Bluetooth service."""

    def steady_s(self) -> float:
        """Seconds of a clock that nothing steps."""
        return asyncio.get_running_loop().time()

    def has_room(self, root: Path) -> bool:
        """Whether a recording can be begun."""
        free = host.free_bytes(root)
        return free < 0 or free >= ROOM_BYTES

    async def is_clock_set(self) -> bool:
        """Whether a time server has set the wall clock; where the system does not tell, it is believed."""
        return await asyncio.to_thread(host.is_clock_synchronised) is not False

    def moment(self) -> Moment:
        """What its clocks show."""
        return Moment(utc_ns=time.time_ns(), boot_id=host.boot_id(), boot_s=host.boot_s())

    async def power_cycle(self) -> str:
        """Switch the adapter off and on; what came of it, "" for success."""
        from ankle_imu.devices import bluez_adapter

        try:
            return "" if await bluez_adapter.power_cycle() else "no adapter let itself be switched"
        except (OSError, EOFError, TimeoutError) as error:
            return str(error) or "BlueZ does not answer"

    async def restart_bluetooth(self) -> str:
        """Restart the Bluetooth service; what came of it, "" for success."""
        from ankle_imu.devices import bluez_adapter

        try:
            return "" if await bluez_adapter.restart_service() else "this user may not"
        except (OSError, EOFError, TimeoutError) as error:
            return str(error) or "systemd does not answer"
