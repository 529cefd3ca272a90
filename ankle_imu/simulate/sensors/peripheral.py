"""What a virtual sensor is to whatever radio carries it. Time is handed in: nothing here waits.

`now` is world time in s on any zero. A sensor keeps its own clock (`SensorClock`), which starts at its boot
and runs fast or slow. Characteristics are named by 128-bit lower-case UUID text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ankle_imu.values import ImuSeries

Array = NDArray[np.float64]

Said = tuple[str, bytes]
"""A notification or indication: characteristic and payload."""


class Refused(Exception):
    """The sensor refuses a read or write with this ATT error code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"ATT error 0x{code:02x}")
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Characteristic:
    """`properties`: of read, write, write-without-response, notify, indicate."""

    uuid: str
    properties: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Service:
    """A GATT service and its characteristics."""

    uuid: str
    characteristics: tuple[Characteristic, ...]


@dataclass(frozen=True, kw_only=True)
class Advert:
    """What it advertises."""

    name: str
    service_uuids: tuple[str, ...] = ()
    manufacturer_data: Mapping[int, bytes] = field(default_factory=dict)


class Peripheral(Protocol):
    """A virtual sensor. A radio calls `boot` once, then the rest in the order of time."""

    address: str
    """Six hexadecimal pairs, e.g. `C0:00:00:00:00:01`."""
    advert: Advert
    services: tuple[Service, ...]
    poll_s: float
    """How often a radio should `poll`, s."""

    def boot(self, now: float) -> None:
        """Power on: clock and sample count begin at zero, settings are the defaults, nothing is subscribed."""
        ...

    def connect(self, now: float, mtu: int) -> None:
        """A central connected. Called again when the MTU changes."""
        ...

    def disconnect(self, now: float) -> None:
        """The link is gone; subscriptions with it."""
        ...

    def subscribe(self, uuid: str, is_on: bool, now: float) -> None:
        """The central wants, or no longer wants, what this characteristic says."""
        ...

    def read(self, uuid: str, now: float) -> bytes:
        """Value of a characteristic. Raises `Refused`."""
        ...

    def write(self, uuid: str, data: bytes, now: float) -> list[Said]:
        """Take a command; gives what the sensor says at once in answer. Raises `Refused`."""
        ...

    def poll(self, now: float) -> list[Said]:
        """All that the sensor has to say since the last call, in order."""
        ...


@dataclass(frozen=True, kw_only=True)
class SensorClock:
    """A clock that starts at boot and is `ppm` fast."""

    booted: float
    ppm: float = 0.0

    def read(self, now: float) -> float:
        """Seconds on the sensor's clock at world time `now`."""
        return (now - self.booted) * (1.0 + self.ppm * 1e-6)

    def world(self, device_s: float) -> float:
        """World time at which the sensor's clock shows `device_s`."""
        return self.booted + device_s / (1.0 + self.ppm * 1e-6)


class Beginning:
    """When a person begins to move who waits for the first sensor to look: one for all sensors on that person."""

    def __init__(self) -> None:
        self._at = float("nan")

    def at(self, world: float) -> float:
        """World time of it, s; the first `world` that is asked for decides."""
        if self._at != self._at:
            self._at = world
        return self._at


class Motion:
    """The movement a virtual sensor feels: a series, played from world time `start` on, over and over.

    Parameters
    ----------
    series : ImuSeries without gaps
    start : float, s, world time of its first sample; or a `Beginning`
    """

    def __init__(self, series: ImuSeries, start: float | Beginning = 0.0) -> None:
        self._time = series.time - series.time[0]
        self._values = np.hstack([series.acc, series.gyr])
        self._period = float(self._time[-1])
        self._start = start

    def at(self, world: ArrayLike) -> tuple[Array, Array]:
        """Acc (n, 3) m/s^2 and gyr (n, 3) rad/s, sensor frame, at world times (n,)."""
        times = np.asarray(world, dtype=float)
        start = self._start
        if isinstance(start, Beginning):
            start = start.at(float(times.min())) if times.size else 0.0
        t = np.mod(times - start, self._period)
        values = np.stack([np.interp(t, self._time, column) for column in self._values.T], axis=1)
        return values[:, :3], values[:, 3:]
