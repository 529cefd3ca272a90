"""Looks for the sensors while nothing is recorded: one scan after the other, none of which holds anybody up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Final

from ankle_imu.devices.adapter import Radio
from ankle_imu.devices.deadline import within
from ankle_imu.errors import AnkleImuError, BluetoothUnavailable, RadioBusy

SCAN_S: Final = 5.0
SCAN_EVERY_S: Final = 15.0
"""While idle it listens a third of the time: a sensor that advertises every second is met within a quarter
minute."""
GRACE_S: Final = 10.0
"""A scan, or a question to the system's services, that takes so much longer than it should is given up (that of
`capture.finder`)."""


class Search:
    """Scans for sensors that are wanted.

    Parameters
    ----------
    radio : Radio
    wanted : gives their identifiers; asked before each scan
    note : called with what a problem is about and the problem, "" where there is none any more
    """

    def __init__(
        self, radio: Radio, wanted: Callable[[], Collection[str]], note: Callable[[str, str], None]
    ) -> None:
        self._radio, self._wanted, self._note = radio, wanted, note
        self._scanning: asyncio.Task[bool] | None = None
        self._begun = float("-inf")
        self._has_scanned = False

    def look(self, now: float) -> None:
        """Begin a scan where it is time for one."""
        if self._scanning is None and now >= self._begun + SCAN_EVERY_S:
            self._begun = now
            self._scanning = asyncio.ensure_future(self._scan())

    def hurry(self) -> None:
        """It is time for a scan: the radio was mended."""
        self._begun = float("-inf")

    def cancel(self) -> None:
        """End a scan that is under way."""
        if self._scanning is not None:
            self._scanning.cancel()

    def has_met(self) -> bool:
        """Whether a scan has ended since the last call, and met one of the sensors."""
        if self._scanning is None or not self._scanning.done():
            return False
        scanning, self._scanning = self._scanning, None
        if error := scanning.exception():
            self._note("bluetooth", f"{type(error).__name__}: {error}")
            return False
        return scanning.result()

    async def _scan(self) -> bool:
        """Whether one of the sensors advertises."""
        try:
            known = self._wanted()
            self._note("saved", "" if known else "No sensor that is worn is saved; `ankle-imu sensors add`.")
            if not known:
                return False
            scan = self._radio.scan(SCAN_S, is_enough=lambda seen: seen.identifier in known)
            hanging = f"a scan of {SCAN_S:g} s did not end in {SCAN_S + GRACE_S:g} s"
            found = await within(SCAN_S + GRACE_S, scan)
            is_seen = any(seen.identifier in known for seen in found)
            if not is_seen and not self._has_scanned:  # an earlier run that was killed may hold them
                hanging = f"letting go of an earlier connection did not end in {GRACE_S:g} s"
                released = [await within(GRACE_S, self._radio.release(one)) for one in sorted(known)]
                self._begun = float("-inf") if any(released) else self._begun
            self._has_scanned = True
        except TimeoutError:
            self._note("bluetooth", f"Bluetooth hangs: {hanging}.")
            return False
        except (BluetoothUnavailable, RadioBusy) as error:
            self._note("bluetooth", str(error))
            return False
        except AnkleImuError as error:
            self._note("sensors", str(error))
            return False
        self._note("bluetooth", "")
        self._note("sensors", "")
        if not is_seen:
            self._note("connecting", "")
        return is_seen
