"""How long to wait before the next try, by what went wrong. Pure."""

from __future__ import annotations

from typing import Final

from ankle_imu.errors import BluetoothUnavailable, ConnectionLost, DeviceNotFound, ProtocolError, RadioBusy

_DELAYS: Final[tuple[tuple[type[Exception], tuple[float, ...]], ...]] = (
    (RadioBusy, (0.25, 0.25, 0.5, 1.0, 2.0)),
    (ConnectionLost, (0.0, 0.25, 0.5, 1.0, 4.0)),
    (DeviceNotFound, (0.0, 0.5, 1.0, 2.0)),
    (ProtocolError, (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)),
    (BluetoothUnavailable, (1.0, 2.0, 5.0)),
)
"""Error class -> delays in s, the last of them for ever. A lost sensor is looked for at once, since each
second is lost data; a sensor that answers wrongly is left in peace for longer (own choice; 0.25 to 4 s by class
of error is what bleak-retry-connector uses, github.com/Bluetooth-Devices/bleak-retry-connector)."""


class BackOff:
    """Delays of one sensor; a fresh one after each success.

    Examples
    --------
    >>> waits = BackOff()
    >>> [waits.after(RadioBusy("busy")) for _ in range(3)]
    [0.25, 0.25, 0.5]
    """

    def __init__(self) -> None:
        self._tries: dict[type[Exception], int] = {}

    def after(self, error: Exception) -> float:
        """Seconds to wait after this error."""
        for kind, delays in _DELAYS:
            if isinstance(error, kind):
                tries = self._tries.get(kind, 0)
                self._tries[kind] = tries + 1
                return delays[min(tries, len(delays) - 1)]
        raise error
