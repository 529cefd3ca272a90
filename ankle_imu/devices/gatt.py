"""Characteristics of the Bluetooth SIG that many sensors have: device information and battery.

References
----------
Bluetooth SIG, Assigned Numbers, section 3.8 (characteristics); Battery Service 1.1: one byte, percent.
"""

from __future__ import annotations

import math
from typing import Final

from ankle_imu.devices.adapter import Identity, Link
from ankle_imu.errors import ProtocolError

BATTERY_LEVEL: Final = "00002a19-0000-1000-8000-00805f9b34fb"
MODEL_NUMBER: Final = "00002a24-0000-1000-8000-00805f9b34fb"
SERIAL_NUMBER: Final = "00002a25-0000-1000-8000-00805f9b34fb"
FIRMWARE_REVISION: Final = "00002a26-0000-1000-8000-00805f9b34fb"


async def read_battery(link: Link, uuid: str = BATTERY_LEVEL) -> float:
    """Charge, share 0..1, of a characteristic whose first byte is percent; NaN when it does not tell.

    Raises
    ------
    ConnectionLost
    """
    if not link.has(uuid):
        return math.nan
    try:
        told = await link.read(uuid)
    except ProtocolError:
        return math.nan
    return told[0] / 100.0 if told and told[0] <= 100 else math.nan


async def read_text(link: Link, uuid: str) -> str:
    """Text of a characteristic; "" when the sensor has none or refuses.

    Raises
    ------
    ConnectionLost
    """
    if not link.has(uuid):
        return ""
    try:
        told = await link.read(uuid)
    except ProtocolError:
        return ""
    return told.decode("utf-8", errors="replace").strip("\0 ")


async def read_identity(link: Link) -> Identity:
    """Who a sensor is by its device information, and its charge.

    Raises
    ------
    ConnectionLost
    """
    return Identity(
        serial=await read_text(link, SERIAL_NUMBER),
        model=await read_text(link, MODEL_NUMBER),
        firmware=await read_text(link, FIRMWARE_REVISION),
        battery=await read_battery(link),
    )
