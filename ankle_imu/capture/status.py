"""A recording at one moment, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ankle_imu.capture.wanted import Standing, Wanted


class End(StrEnum):
    """Why a recording ended."""

    INTERRUPTED = "interrupted"
    DURATION = "duration"
    BATTERY = "battery"
    """The computer's is nearly empty, or those of all sensors."""
    DISK = "disk"
    """It refused, or is nearly full."""
    NOT_FOUND = "not found"
    """No sensor streamed in time."""
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class SensorStatus:
    """One sensor.

    Parameters
    ----------
    wanted : Wanted
    state : see `wanted.Standing`
    rate, nominal_rate : float, Hz, over the last 10 s, or the last it streamed; as the sensor was told; NaN where
        unknown
    received, lost : int, samples so far
    lost_lately : float, share of the last 10 s; NaN where the sensor does not count
    battery : float, share 0..1; NaN where unknown
    age : float, s, of the last packet; NaN before the first
    links : int, connections made
    away_s : float, s for which it has been lost, or was at the end; 0 while it streams and before the first link
    problem : str, what keeps it from streaming
    """

    wanted: Wanted
    state: str
    rate: float
    nominal_rate: float
    received: int
    lost: int
    lost_lately: float
    battery: float
    age: float
    links: int
    away_s: float
    problem: str


@dataclass(frozen=True, kw_only=True)
class Status:
    """The whole recording; `folder` is None until the first sensor streams; `is_ending`: it was told to stop."""

    elapsed_s: float
    sensors: tuple[SensorStatus, ...]
    free_bytes: int
    folder: Path | None
    markers: int
    is_ending: bool = False


@dataclass(frozen=True, kw_only=True)
class Captured:
    """A recording that ended: why, and how each sensor stood.

    `folder` is None when it was interrupted before the first sensor streamed.
    """

    folder: Path | None
    duration_s: float
    reason: End
    sensors: tuple[SensorStatus, ...]


def sensor_status(standing: Standing, now: float) -> SensorStatus:
    """How one sensor stands at `now` on the event loop's clock."""
    meter = standing.meter
    config = meter.stream.config if meter.stream else {}
    return SensorStatus(
        wanted=standing.wanted,
        state=standing.state,
        rate=meter.rate(now if standing.state != "stopped" else meter.last),
        nominal_rate=float(config.get("nominal_rate_hz", "nan")),
        received=meter.received,
        lost=meter.lost,
        lost_lately=meter.lost_lately(now),
        battery=standing.battery,
        age=now - meter.last,
        links=standing.links,
        away_s=max(0.0, (standing.wanted_until or now) - standing.lost_at)
        if standing.lost_at is not None
        else 0.0,
        problem=standing.problem,
    )
