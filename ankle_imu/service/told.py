"""The unattended recorder's state, as its status file tells it."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ankle_imu import manifest
from ankle_imu.capture import SensorStatus, Status
from ankle_imu.service.recovery import Remedy
from ankle_imu.service.states import Situation, State

SCHEMA_VERSION: Final = 1

_WORDS: Final[Mapping[str, str]] = {
    State.IDLE: "waiting for the sensors",
    State.ARMED: "connected; waiting until they move",
    State.RECORDING: "recording",
    State.SAVED: "saving",
}


def told_situation(
    situation: Situation,
    now: float,
    status: Status | None,
    problems: Mapping[str, str],
    last_session: Path | None,
) -> dict[str, Any]:
    """A situation as plain values.

    Parameters
    ----------
    situation : Situation
    now : float, s, of the clock of the situation's times
    status : Status of the recorder, None while there is none
    problems : mapping of what a person should see to
    last_session : Path or None

    Returns
    -------
    dict
        `state`, `words`, `attention` (sentences), `state_s` (time in this state), `sensors`, `session`,
        `last_session`, `last_ended_by`, `is_clock_set`, `remedy`, `free_bytes`, `elapsed_s`, `pid`, `utc`.
    """
    away = [s.wanted.placement for s in status.sensors if s.state != "streaming"] if status else []
    attention = [*problems.values()]
    words = _WORDS[situation.state]
    if situation.state is State.ARMED and status and len(away) == len(status.sensors):
        words = "connecting to the sensors"
    if situation.state is State.RECORDING and away and not situation.is_finishing:
        attention.append(f"Not streaming: {', '.join(away)}.")
    return {
        "schema_version": SCHEMA_VERSION,
        "state": str(situation.state),
        "words": words + (f"; {' '.join(attention)}" if attention else ""),
        "attention": attention,
        "state_s": round(now - situation.since, 1),
        "elapsed_s": round(status.elapsed_s, 1) if status else 0.0,
        "free_bytes": status.free_bytes if status else None,
        "session": str(status.folder) if status and status.folder else None,
        "last_session": str(last_session) if last_session else None,
        "last_ended_by": situation.why,
        "is_clock_set": situation.is_clock_set,
        "remedy": str(situation.ladder.remedy or Remedy.NONE),
        "sensors": [_sensor(sensor) for sensor in status.sensors] if status else [],
        "pid": os.getpid(),
        "utc": manifest.format_utc(datetime.now(UTC).replace(microsecond=0)),
    }


def _sensor(sensor: SensorStatus) -> dict[str, Any]:
    return {
        "placement": sensor.wanted.placement,
        "state": sensor.state,
        "rate_hz": round(sensor.rate, 1) if math.isfinite(sensor.rate) else None,
        "lost": sensor.lost,
        "battery": round(sensor.battery, 2) if math.isfinite(sensor.battery) else None,
        "problem": sensor.problem,
    }
