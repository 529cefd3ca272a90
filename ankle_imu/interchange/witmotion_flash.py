"""Flash files of WitMotion SDCL sensors (`WITnn.TXT`, binary in spite of its name); decoded by `wire.witmotion`.

Frames of 28 bytes: acc, gyr, angles and the sensor's calendar time to 1 ms. Full scale is 16 g and 2000 deg/s,
sensor frame. There is no checksum and no counter; a loss shows as a step of the time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from ankle_imu import frames
from ankle_imu.errors import CorruptRecording
from ankle_imu.interchange.assembly import assemble
from ankle_imu.interchange.bytes_of import read_bytes
from ankle_imu.interchange.imported import Imported, local_text
from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.values import SensorInfo
from ankle_imu.wire import witmotion

NAME: Final = "witmotion_flash"
VERSION: Final = 1

_FRAME: Final = 28
_HEAD: Final = b"\x55\x61"
_PIECE: Final = 200  # bytes in which the sensor hands its file out
_2000: Final = datetime(2000, 1, 1, tzinfo=UTC)


def recognises_bytes(head: bytes) -> bool:
    """Whether frames of 28 bytes follow each other somewhere in the first 200 bytes."""
    return any(
        head[at : at + 2]
        == head[at + _FRAME : at + _FRAME + 2]
        == head[at + 2 * _FRAME : at + 2 * _FRAME + 2]
        == _HEAD
        for at in range(min(_PIECE, len(head)))
    )


def read(path: Path, placement: str) -> Imported:
    """Read the flash file of an SDCL sensor.

    Parameters
    ----------
    path : Path
    placement : str, one of `frames.PLACEMENTS`

    Returns
    -------
    Imported, `clock_start_s` s since 2000 in the sensor's local time

    Raises
    ------
    CorruptRecording
        If it holds no such frames.
    """
    frames.check_placement(placement)
    data = read_bytes(path)
    if not recognises_bytes(data):
        raise CorruptRecording(f"{path} holds no WitMotion frames with time (28 bytes each).", path=str(path))
    (block,) = witmotion.decode([(0.0, data)], {"frame_bytes": _FRAME})
    if block.ticks is None or block.gyr is None or not len(block):
        raise CorruptRecording(f"{path} holds no readable WitMotion frame.", path=str(path))
    seconds = block.ticks * block.tick_s
    errors = {name: count for name, count in block.errors.items() if count}
    return assemble(
        seconds - seconds[0],
        block.acc / STANDARD_GRAVITY,
        block.gyr / DEGREE,
        sensor=SensorInfo(
            placement=placement,
            model="WitMotion SDCL",
            protocol=NAME,
            acc_range_g=witmotion.ACC_RANGE_G,
            gyr_range_dps=witmotion.GYR_RANGE_DPS,
        ),
        path=path,
        version=VERSION,
        acc_unit="g",
        gyr_unit="deg/s",
        malformed=block.errors["bad_time"] + block.errors["stale_time"],
        started_local=local_text(_2000 + timedelta(seconds=float(seconds[0]))),
        clock_start_s=float(seconds[0]),
        notes=(
            "acc in g with gravity, +-16 g; gyr +-2000 deg/s; time from the sensor's own clock",
            *([", ".join(f"{count} {name} bytes or frames" for name, count in errors.items())] if errors else []),
        ),
    )
