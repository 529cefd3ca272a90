"""Sessions that began by a wrong clock, and when they truly began.

A computer without a clock of its own (a Raspberry Pi) starts with the time at which it was last switched off, or
with 1970. The recording does not mind: its times are those of a clock that nothing steps. Only `started_utc` in
`session.toml` is wrong until a time server is reached, and is put right then; folder, id and packets stay as
they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ankle_imu import manifest
from ankle_imu.errors import AnkleImuError
from ankle_imu.recording import (
    HostClock,
    is_being_recorded,
    part_paths,
    read_log,
    read_session_info,
    write_session_info,
)

UNSURE: Final = "clock-not-set"
"""Tag of a session whose date is that of a clock that no time server had set."""

STEP_S: Final = 2.0
"""A date that is wrong by less stays: clocks drift, and a time server's answer is not exact over a phone."""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What clocks that can be believed show at one moment: ns since 1970 UTC, and s since which boot."""

    utc_ns: int
    boot_id: str
    boot_s: float


def true_start_ns(clocks: Sequence[HostClock], moment: Moment) -> int | None:
    """When a session began, by a clock that has been set since.

    Parameters
    ----------
    clocks : sequence of HostClock, what the session has of them, in time
    moment : Moment, now

    Returns
    -------
    int or None
        ns since 1970 UTC. In the same boot by the time since; else by the last that the session has of the wall
        clock, if that was stepped while it was recorded; else it cannot be known.
    """
    for clock in reversed(clocks):
        if clock.boot_id and clock.boot_id == moment.boot_id and math.isfinite(clock.boot_s):
            ago = moment.boot_s - clock.boot_s + clock.time_s
            return moment.utc_ns - round(ago * 1e9)
    starts = [clock.utc_ns - round(clock.time_s * 1e9) for clock in clocks if clock.utc_ns > 0]
    if len(starts) > 1 and abs(starts[-1] - starts[0]) > STEP_S * 1e9:
        return starts[-1]
    return None


def redate(folder: Path, moment: Moment) -> bool:
    """Put the date of a session that is in doubt right, and take the tag from it; whether it was written.

    Raises
    ------
    RecordingError, StorageError
        If the session cannot be read, or its `session.toml` not be written.
    """
    info = read_session_info(folder)
    if UNSURE not in info.tags:
        return False
    start_ns = true_start_ns(read_log(part_paths(folder)).host_clock, moment)
    if start_ns is None:
        return False
    started = datetime.fromtimestamp(start_ns / 1e9, tz=UTC)
    tags = tuple(tag for tag in info.tags if tag != UNSURE)
    is_off = abs((manifest.parse_utc(info.started_utc) - started).total_seconds()) > STEP_S
    began = manifest.format_utc(started) if is_off else info.started_utc
    write_session_info(folder, replace(info, started_utc=began, tags=tags))
    return True


def redate_all(root: Path, moment: Moment) -> list[Path]:
    """Put right the dates of all sessions of a library that are tagged as doubtful; gives those that were."""
    done = []
    for path in sorted(root.glob(f"people/*/*/*/{manifest.FILE_NAME}")):
        try:
            if (
                UNSURE in path.read_text("utf-8")
                and not is_being_recorded(path.parent)
                and redate(path.parent, moment)
            ):
                done.append(path.parent)
        except (AnkleImuError, OSError, ValueError):
            continue  # one spoilt session must not keep the others from their dates; `check` tells of it
    return done
