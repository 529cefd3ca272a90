"""The one who scans and connects, for all sensors of a recording, one at a time."""

from __future__ import annotations

import asyncio
from typing import Final

from ankle_imu.devices.adapter import Link, Radio, Sighting
from ankle_imu.devices.deadline import within
from ankle_imu.errors import DeviceNotFound, RadioBusy

SCAN_S: Final = 5.0
"""Longest scan in one turn; sensors advertise every 0.1 to 1 s."""
CONNECT_S: Final = 10.0
GRACE_S: Final = 10.0
"""Time beyond the one asked for after which a scan or connection that does not end is given up (own choice)."""


class Finder:
    """Finds and connects sensors; each waits for its turn.

    A scan for one sensor ends early when another that is waited for is seen, so that a sensor that is away does
    not hold up those that are here.

    Attributes
    ----------
    has_scanned : bool, whether Bluetooth worked at least once
    """

    def __init__(self, radio: Radio) -> None:
        self.has_scanned = False
        self._radio = radio
        self._turn = asyncio.Lock()
        self._waiting: set[str] = set()
        self._seen: dict[str, Sighting] = {}

    async def link_to(self, identifier: str) -> Link:
        """Find and connect.

        Raises
        ------
        DeviceNotFound, ConnectionLost, BluetoothUnavailable
        """
        self._waiting.add(identifier)
        try:
            async with self._turn:
                seen = self._seen.pop(identifier, None) or await self._find(identifier)
                try:
                    return await within(CONNECT_S + GRACE_S, self._radio.connect(seen, timeout=CONNECT_S))
                except TimeoutError as error:
                    raise RadioBusy("Connecting does not end.", identifier=identifier) from error
        finally:
            self._waiting.discard(identifier)

    async def _find(self, identifier: str) -> Sighting:
        """Look for it; and once more if an earlier program still held it, so that it could not be seen."""
        try:
            return await self._look_for(identifier)
        except DeviceNotFound:
            if not await self._has_released(identifier):
                raise
            return await self._look_for(identifier)

    async def _has_released(self, identifier: str) -> bool:
        try:
            return await within(GRACE_S, self._radio.release(identifier))
        except TimeoutError as error:
            raise RadioBusy("Letting go of an old connection does not end.", identifier=identifier) from error

    async def _look_for(self, identifier: str) -> Sighting:
        try:
            scan = self._radio.scan(SCAN_S, is_enough=lambda s: s.identifier in self._waiting)
            found = await within(SCAN_S + GRACE_S, scan)
        except TimeoutError as error:
            raise RadioBusy("Scanning does not end.", identifier=identifier) from error
        self.has_scanned = True
        self._seen = {s.identifier: s for s in found if s.identifier in self._waiting}
        seen = self._seen.pop(identifier, None)
        if seen is None:
            raise DeviceNotFound(f"{identifier} is not in reach.", identifier=identifier)
        return seen
