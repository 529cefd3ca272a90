"""Flash logs of Movesense sensors as files (`.sbem`); the bytes are decoded by `wire.movesense_sbem`.

acc in m/s^2 with gravity, gyr in deg/s, sensor frame; times in ms since the sensor started, one for each packet.
Where /Time/Detailed was logged too, the start is known.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from ankle_imu import frames
from ankle_imu.errors import CorruptRecording, RecordingError
from ankle_imu.interchange.assembly import assemble
from ankle_imu.interchange.bytes_of import read_bytes
from ankle_imu.interchange.imported import Imported, utc_text_from_epoch
from ankle_imu.units import DEGREE
from ankle_imu.values import SensorInfo
from ankle_imu.wire import movesense_sbem

NAME: Final = "movesense_sbem"
VERSION: Final = 1


def recognises_bytes(head: bytes) -> bool:
    """Whether it begins as SBEM."""
    return head.startswith(movesense_sbem.MAGIC)


def read(path: Path, placement: str) -> Imported:
    """Read a Movesense log.

    Parameters
    ----------
    path : Path
    placement : str, one of `frames.PLACEMENTS`

    Returns
    -------
    Imported

    Raises
    ------
    RecordingError
        If the log holds no stream with both acc and gyr (IMU6, IMU9).
    CorruptRecording
        If it is no SBEM file.
    """
    frames.check_placement(placement)
    data = read_bytes(path)
    if not recognises_bytes(data):
        raise CorruptRecording(f"{path} is no SBEM file: it begins with {data[:4]!r}.", path=str(path))
    blocks = movesense_sbem.decode([(0.0, data)], {})
    both = [
        (block, block.ticks, block.gyr)
        for block in blocks
        if block.gyr is not None and block.ticks is not None and len(block) > 1
    ]
    if not both:
        raise RecordingError(
            f"{path} holds no stream with acceleration and angular rate; log IMU6 or IMU9.", path=str(path)
        )
    block, ticks, gyr = max(both, key=lambda found: len(found[1]))
    if block.tick_wrap:
        ticks = np.unwrap(ticks, period=block.tick_wrap)
    errors = blocks[0].errors
    start = _start(data, float(ticks[0]))
    return assemble(
        (ticks - ticks[0]) * block.tick_s,
        block.acc,
        gyr / DEGREE,
        sensor=SensorInfo(placement=placement, model="Movesense", protocol=NAME),
        path=path,
        version=VERSION,
        acc_unit="m/s^2",
        gyr_unit="deg/s",
        malformed=sum(errors[name] for name in ("damaged", "implausible", "undescribed")),
        started_utc=utc_text_from_epoch(start) if np.isfinite(start) else "",
        clock_start_s=float(ticks[0]) * block.tick_s,
        notes=(
            "acc in m/s^2 with gravity, gyr in deg/s; time in ms since the sensor started",
            *([", ".join(f"{count} {name}" for name, count in errors.items())] if errors else []),
        ),
    )


def _start(data: bytes, first_tick: float) -> float:
    """Seconds since 1970 of a tick, NaN where the log does not pair the clocks."""
    utc = movesense_sbem.read_values(data, "TimeDetailed.utcTime")
    relative = movesense_sbem.read_values(data, "TimeDetailed.relativeTime")
    if not len(utc) or not len(relative) or float(utc[0]) < 1e15:  # us; a clock never set counts from 1970 or 2015
        return float("nan")
    return float(utc[0]) * 1e-6 + (first_tick - float(relative[0])) * 1e-3
