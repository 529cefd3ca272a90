"""The last steps importers share: SI units, gaps left open, losses counted, what was understood in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ankle_imu.errors import RecordingError
from ankle_imu.interchange.imported import Imported
from ankle_imu.interchange.timeline import describe, lay_out
from ankle_imu.units import ACC_UNITS, GYR_UNITS
from ankle_imu.values import Marker, SensorInfo

Array = NDArray[np.float64]


class NotTold(RecordingError):
    """A file leaves out a fact that an option can give.

    Parameters
    ----------
    message : str, what is missing and which values are possible
    option : str, name of the reader's option that gives it
    choices : tuple of str, its possible values; empty where any number will do
    path : str
    """

    def __init__(self, message: str, *, option: str, choices: tuple[str, ...] = (), path: str = "") -> None:
        super().__init__(message, path=path)
        self.option = option
        self.choices = choices


def assemble(
    time: Array,
    acc: NDArray[Any],
    gyr: NDArray[Any],
    *,
    sensor: SensorInfo,
    path: Path,
    version: int,
    acc_unit: str,
    gyr_unit: str,
    acc_scale: float = 1.0,
    gyr_scale: float = 1.0,
    malformed: int = 0,
    started_utc: str = "",
    started_local: str = "",
    clock_start_s: float = float("nan"),
    markers: tuple[Marker, ...] = (),
    notes: tuple[str, ...] = (),
    files: tuple[Path, ...] = (),
) -> Imported:
    """What an importer gives, from the numbers as they are in the file.

    Parameters
    ----------
    time : (n,) s of the file's clock, any zero; NaN where unreadable
    acc, gyr : (n, 3) sensor frame; times their scale in `acc_unit` (with gravity) and `gyr_unit`; NaN: unreadable
    acc_scale, gyr_scale : float, unit per count
    sensor : SensorInfo, `protocol` the name of the format
    path : Path, for messages
    version, acc_unit, gyr_unit, started_utc, started_local, clock_start_s, markers, files : as in `Imported`
    malformed : int, as in `timeline.lay_out`
    notes : tuple of str, said before the counts

    Returns
    -------
    Imported

    Raises
    ------
    RecordingError, CorruptRecording
        As `timeline.lay_out`.
    """
    series, loss = lay_out(
        time,
        acc * (acc_scale * ACC_UNITS[acc_unit]),
        gyr * (gyr_scale * GYR_UNITS[gyr_unit]),
        sensor=sensor,
        path=str(path),
        malformed=malformed,
    )
    return Imported(
        series=series,
        sensor=sensor,
        loss=loss,
        format=sensor.protocol,
        version=version,
        acc_unit=acc_unit,
        gyr_unit=gyr_unit,
        started_utc=started_utc,
        started_local=started_local,
        clock_start_s=clock_start_s,
        markers=markers,
        notes=(*notes, *_wall_clock(started_local), *describe(series, loss)),
        files=files,
    )


def _wall_clock(started_local: str) -> list[str]:
    return [f"first sample at {started_local}, local time of an unknown zone"] if started_local else []


def choose(placement: str, device: str, owners: tuple[str, ...], path: Path) -> str:
    """Which of the sensors in a file is meant.

    Parameters
    ----------
    placement : str, where it was worn; a sensor of just this name is taken without being asked for
    device : str, its name in the file or an unambiguous part of it; "" lets the placement or a lone sensor decide
    owners : names of the sensors in the file
    path : Path, for messages

    Raises
    ------
    NotTold
        If several fit, or none.

    Examples
    --------
    >>> choose("left_foot", "", ("Lumbar", "Left Foot"), Path("walk.csv"))
    'Left Foot'
    """
    if not device:
        same = [name for name in owners if _plain(name) == _plain(placement)]
        fitting = same or list(owners)
    else:
        exact = [name for name in owners if name == device]
        fitting = exact or [name for name in owners if _plain(device) in _plain(name)]
    if len(fitting) == 1:
        return fitting[0]
    what = (
        f"{device!r} names {len(fitting)} of the sensors"
        if device
        else "several sensors and none of this placement"
    )
    raise NotTold(
        f"{path} holds {len(owners)} sensors ({', '.join(owners)}): {what}; say which (--device).",
        option="device",
        choices=owners,
        path=str(path),
    )


def _plain(name: str) -> str:
    return "".join(sign for sign in name.lower() if sign.isalnum())
