"""The recorder's state in the words of the page."""

from __future__ import annotations

import math
import time
from typing import Any

from ankle_imu.capture import SensorStatus, Status


def told_status(status: Status) -> dict[str, Any]:
    """A `Status` for a page: numbers that are not known are None.

    Parameters
    ----------
    status : Status

    Returns
    -------
    dict
        `phase` (`looking`, `recording`, `ending`), `elapsed_s`, `free_bytes`, `utc` (s since 1970), `sensors`.
    """
    phase = "ending" if status.is_ending else "recording" if status.folder is not None else "looking"
    return {
        "phase": phase,
        "elapsed_s": round(status.elapsed_s, 2),
        "free_bytes": status.free_bytes if status.free_bytes >= 0 else None,
        "utc": time.time(),
        "sensors": [_sensor(sensor) for sensor in status.sensors],
    }


def _sensor(sensor: SensorStatus) -> dict[str, Any]:
    counts = math.isfinite(sensor.lost_lately)
    return {
        "placement": sensor.wanted.placement,
        "state": sensor.state,
        "rate": _known(sensor.rate),
        "nominal": _known(sensor.nominal_rate),
        "lost": sensor.lost if counts else None,
        "received": sensor.received,
        "lost_lately": _known(sensor.lost_lately, 4),
        "battery": _known(sensor.battery, 2),
        "age": _known(sensor.age),
        "links": sensor.links,
        "problem": sensor.problem.removeprefix(f"{sensor.wanted.identifier}: "),  # the card has the sensor's name
    }


def _known(value: float, digits: int = 1) -> float | None:
    return round(value, digits) if math.isfinite(value) else None
