"""One sensor that is to be recorded: which it is, how it stands, and where what it says goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from ankle_imu.capture.meter import Meter
from ankle_imu.devices.adapter import Identity, Stream


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One sensor to record.

    Parameters
    ----------
    identifier : str, address, or on macOS this host's UUID for it
    placement : str, see `frames.PLACEMENTS`
    model : str, name of its adapter in `devices.catalog`
    mount_site : str
    serial : str, "" when not known
    """

    identifier: str
    placement: str
    model: str
    mount_site: str = ""
    serial: str = ""


@dataclass(kw_only=True)
class Standing:
    """How one sensor stands.

    Attributes
    ----------
    state : `searching` | `connecting` | `streaming` | `healing` | `waiting` | `stopped`
    meter : Meter
    identity : Identity, None before the first connection
    battery : float, share 0..1, NaN when unknown
    links : int, connections made so far
    problem : str, what went wrong last, "" while it streams
    lost_at : float, event loop's time when it was lost, None while it streams and before the first link
    wanted_until : float, event loop's time when it was told to stop, None before
    """

    wanted: Wanted
    meter: Meter
    state: str = "searching"
    identity: Identity | None = None
    battery: float = field(default=float("nan"))
    links: int = 0
    problem: str = ""
    lost_at: float | None = None
    wanted_until: float | None = None


class Sink(Protocol):
    """Where a sensor's payloads go; every method but `settle` returns at once."""

    def begin(self, wanted: Wanted, identity: Identity, stream: Stream) -> None:
        """The sensor streams; payloads that follow are of this stream."""
        ...

    def take(self, placement: str, kind: str, arrival: float, payload: bytes) -> None:
        """A payload as received, `arrival` on the event loop's clock."""
        ...

    def note(self, placement: str, event: str, text: str) -> None:
        """Something happened to the link."""
        ...

    def settle(self) -> bool:
        """Bring all that was taken to the disk; whether it is safe there."""
        ...


class Listener(Protocol):
    """Who looks on while a session is recorded; every method returns at once.

    Whatever goes wrong in them ends the looking on, never the recording.
    """

    def begin(self, placement: str, stream: Stream) -> None:
        """A sensor streams, for the first time or anew."""
        ...

    def take(self, placement: str, time_s: float, payload: bytes) -> None:
        """A packet that was kept, `time_s` s after the session began."""
        ...

    def mark(self, time_s: float, text: str) -> None:
        """A word was kept, said `time_s` s after the session began."""
        ...

    def end(self) -> None:
        """It was told to end; the last moment to keep a marker."""
        ...
