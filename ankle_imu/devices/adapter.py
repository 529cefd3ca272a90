"""What radio, link and adapter promise one another. No bleak, no sensor family here.

    Radio    finds sensors and connects to them
    Link     one connection: read, write, subscribe
    Adapter  what one sensor family needs: how it is recognised, configured, started, stopped

An adapter lives as long as its sensor is wanted and outlives its links: after each reconnection `start` is
called again with the new link. It never decodes samples; it hands payloads on as they came, and says under
which protocol and configuration `wire` will read them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

Deliver = Callable[[str, bytes], None]
"""Called in the radio's callback with a kind, `packet` | `status` | `clock`, and the payload as received."""


Progress = Callable[[int, int, bytes], None]
"""Called with each piece of a log as it comes: where in the log it ends, the size of the whole (-1 unknown), and
the piece. A piece may come twice, and one may be missing before it."""


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """One sensor as its advertisement shows it.

    Parameters
    ----------
    identifier : str, address, or on macOS the UUID that this host gave it
    name : str, "" when it tells none
    rssi : int, dBm; 0 when unknown
    service_uuids : tuple of str, 128 bit, lower case
    manufacturer_data : mapping of company id to bytes
    handle : what the radio needs to connect; opaque to all others
    """

    identifier: str
    name: str = ""
    rssi: int = 0
    service_uuids: tuple[str, ...] = ()
    manufacturer_data: Mapping[int, bytes] = field(default_factory=dict)
    handle: Any = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is asked of a sensor; it does what it can, and `Stream.config` says what that is.

    Parameters
    ----------
    rate_hz : float, Hz
    acc_range_g : float, g
    gyr_range_dps : float, deg/s
    """

    rate_hz: float = 208.0
    acc_range_g: float = 16.0
    gyr_range_dps: float = 2000.0


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who a sensor is; "" and NaN where it does not tell. `battery`: share, 0..1."""

    serial: str = ""
    model: str = ""
    firmware: str = ""
    battery: float = float("nan")


@dataclass(frozen=True, kw_only=True)
class Stream:
    """How the payloads of a running sensor are to be read: arguments of `wire.decode`.

    `config` also carries `nominal_rate_hz`, and `acc_range_g` and `gyr_range_dps` where they are known.
    """

    protocol: str
    config: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class LogFile:
    """One recording in a sensor's flash. `key` is the adapter's own; `size` in bytes, `n` samples, -1 unknown."""

    key: str
    size: int = -1
    n: int = -1
    started_s: float = float("nan")
    note: str = ""


class Link(Protocol):
    """One connection. Every method raises `ConnectionLost` when it is gone, `ProtocolError` when refused."""

    identifier: str
    mtu: int
    """ATT MTU, bytes: a notification carries at most 3 fewer."""

    def has(self, uuid: str) -> bool:
        """Whether the sensor has this characteristic."""
        ...

    async def read(self, uuid: str) -> bytes:
        """Value of a characteristic."""
        ...

    async def write(self, uuid: str, data: bytes, *, response: bool = True) -> None:
        """Write a characteristic, with or without the sensor's acknowledgement."""
        ...

    async def subscribe(self, uuid: str, receive: Callable[[bytes], None]) -> None:
        """Have `receive` called with each notification or indication; it must return at once."""
        ...

    async def unsubscribe(self, uuid: str) -> None:
        """No more notifications."""
        ...

    async def wait_lost(self) -> str:
        """Wait until the connection is gone; gives the reason as far as known."""
        ...

    async def close(self) -> None:
        """Disconnect; never raises."""
        ...


class Radio(Protocol):
    """Bluetooth as a whole. Scans and connects must be asked for one at a time."""

    async def scan(self, seconds: float, *, is_enough: Callable[[Sighting], bool] | None = None) -> list[Sighting]:
        """Listen for advertisements; ends early when `is_enough` says so of one.

        Raises
        ------
        BluetoothUnavailable
            No adapter, powered off, no permission; the message says what to do.
        """
        ...

    async def connect(self, seen: Sighting, *, timeout: float) -> Link:
        """Connect and discover the services.

        Raises
        ------
        ConnectionLost, DeviceNotFound, BluetoothUnavailable
        """
        ...

    async def release(self, identifier: str) -> bool:
        """Close a connection to this sensor that an earlier program left behind; whether there was one."""
        ...


class Adapter(Protocol):
    """One sensor of one family."""

    model: str
    """Name in the catalog, e.g. `witmotion`."""

    async def identify(self, link: Link) -> Identity:
        """Read who it is. Asked once after connecting, before `start`."""
        ...

    async def start(self, link: Link, wish: Wish, deliver: Deliver) -> Stream:
        """Configure, subscribe, and only then start the stream.

        Raises
        ------
        ProtocolError
            The sensor refused or answered what it should not.
        ConnectionLost
        """
        ...

    async def stop(self, link: Link) -> None:
        """End the stream. Payloads still under way are delivered before it returns; nothing is asked for again."""
        ...

    async def battery(self, link: Link) -> float:
        """Charge, share 0..1; NaN when it does not tell. May be asked while it streams."""
        ...


@runtime_checkable
class Counting(Adapter, Protocol):
    """An adapter that follows the sensor's own count of samples."""

    def tally(self) -> tuple[int, int]:
        """Samples received, each once, and samples missing so far, over all links and boots."""
        ...


@runtime_checkable
class Healing(Adapter, Protocol):
    """An adapter that can ask for samples again."""

    async def heal(self, link: Link) -> int:
        """Ask once for every sample that is missing up to now; gives the number asked for.

        What the sensor still has comes through `deliver` like any packet; also between `stop` and `end_log`.
        """
        ...

    async def end_log(self, link: Link, *, is_safe: bool) -> None:
        """End the log that the sensor kept to heal from, after `stop`.

        Parameters
        ----------
        link : Link
        is_safe : bool, whether all that was delivered is on the disk; only then may the log be deleted
        """
        ...


@runtime_checkable
class Logging(Adapter, Protocol):
    """An adapter whose sensor records into its own flash."""

    async def list_logs(self, link: Link) -> list[LogFile]:
        """Recordings in flash, oldest first."""
        ...

    async def fetch_log(self, link: Link, log: LogFile, have: bytes, progress: Progress) -> tuple[bytes, bool]:
        """Fetch a log, or the rest of one of which `have` was fetched before.

        Returns
        -------
        data, is_complete
            All that is there so far; also when the link was lost in the middle, so that it can be resumed.
        """
        ...

    def log_stream(self, log: LogFile, data: bytes) -> tuple[Stream, list[bytes]]:
        """Protocol, configuration and payloads with which `wire` reads a fetched log."""
        ...


@runtime_checkable
class Blinking(Adapter, Protocol):
    """An adapter whose sensor can show itself."""

    async def blink(self, link: Link) -> None:
        """Flash its light, buzz or the like."""
        ...
