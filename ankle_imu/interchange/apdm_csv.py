"""CSV that APDM's Motion Studio and Mobility Lab export from Opal sensors: all sensors side by side.

Three lines of heading: `Format=7`, then serial and label of each sensor over its first columns; quantities; axes.
`Time` is in us since 1970 UTC, shared by all sensors; acc in m/s^2 with gravity, gyr in rad/s, sensor frame.

References
----------
APDM, Mobility Lab / Motion Studio User Guide, raw data; OpenSim, APDMDataReader (layout of format 7, Apache-2.0).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ankle_imu import frames
from ankle_imu.errors import CorruptRecording, RecordingError
from ankle_imu.interchange.assembly import assemble, choose
from ankle_imu.interchange.imported import Imported, utc_text_from_epoch
from ankle_imu.interchange.text_table import parse_table, read_text, split_cells
from ankle_imu.values import SensorInfo

NAME: Final = "apdm_csv"
VERSION: Final = 1

_EPOCH_S: Final = (1e9, 5e9)  # 2001 .. 2128


@dataclass(frozen=True, kw_only=True)
class _Heading:
    names: tuple[str, ...]  # of every column: `3|Gyroscope|X`, the number that of the sensor
    serials: dict[str, str]  # label -> serial
    numbers: dict[str, int]  # label -> number of the sensor


def recognises(text: str) -> bool:
    """Whether the first line begins with `Format=` and the second with `Time` and an accelerometer."""
    lines = text.lstrip("\ufeff").splitlines()[:2]
    return len(lines) == 2 and lines[0].startswith("Format=") and "Accelerometer" in lines[1]


def read(path: Path, placement: str, *, device: str = "") -> Imported:
    """Read one sensor out of an APDM file.

    Parameters
    ----------
    path : Path
    placement : str, one of `frames.PLACEMENTS`; a sensor labelled so (`Left Foot`) is taken
    device : str, label of the sensor or an unambiguous part of it, such as `Left Ankle`

    Returns
    -------
    Imported

    Raises
    ------
    NotTold
        If several sensors are in the file and neither `placement` nor `device` names one; the message lists them.
    RecordingError
        If the sensor has no acceleration or no angular rate, or the times are not of this age.
    CorruptRecording
        If the heading does not fit itself, or as `text_table.parse_table` and `timeline.lay_out`.
    """
    frames.check_placement(placement)
    lines = read_text(path).replace("\r\n", "\n").replace("\r", "\n").split("\n", 3)
    if len(lines) < 4 or not lines[0].startswith("Format="):
        raise RecordingError(f"{path} has no samples under the three lines of an APDM heading.", path=str(path))
    heading = _heading(lines, path)
    owner = choose(placement, device, tuple(heading.numbers), path)
    number = heading.numbers[owner]
    separator = split_cells(lines[1])[0]
    table = parse_table(
        separator.join(heading.names) + "\n" + lines[3], str(path), lambda cells: cells == list(heading.names)
    )
    names = {q: [f"{number}|{q}|{axis}" for axis in "XYZ"] for q in ("Accelerometer", "Gyroscope")}
    for quantity, wanted in names.items():
        if not set(wanted) <= set(table.names):
            raise RecordingError(f"{path}: the sensor {owner} has no {quantity}.", path=str(path))
    ticks = table.numbers("Time")
    known = ticks[np.isfinite(ticks)]
    if not len(known) or not _EPOCH_S[0] < known[0] * 1e-6 < _EPOCH_S[1]:
        raise RecordingError(f"{path}: Time is not in microseconds since 1970.", path=str(path))
    return assemble(
        (ticks - known[0]) * 1e-6,
        table.vectors(names["Accelerometer"]),
        table.vectors(names["Gyroscope"]),
        sensor=SensorInfo(placement=placement, serial=heading.serials[owner], model="APDM Opal", protocol=NAME),
        path=path,
        version=VERSION,
        acc_unit="m/s^2",
        gyr_unit="rad/s",
        malformed=table.malformed,
        started_utc=utc_text_from_epoch(float(known[0]) * 1e-6),
        notes=(f"sensor {owner}; acc in m/s^2 with gravity, gyr in rad/s; time in us since 1970",),
    )


def _heading(lines: list[str], path: Path) -> _Heading:
    separator = split_cells(lines[1])[0]
    owners, quantities, axes = ([cell.strip() for cell in line.split(separator)] for line in lines[:3])
    starts = [at for at, cell in enumerate(quantities) if cell == "Accelerometer"]
    if not starts or quantities[0] != "Time" or abs(len(quantities) - len(axes)) > 1:
        raise CorruptRecording(
            f"{path}: the three lines of the APDM heading do not fit each other.", path=str(path)
        )
    names, quantity, sensor = [], "", -1
    for at, axis in enumerate(axes[: len(quantities)]):
        quantity = quantities[at] or quantity
        sensor += at in starts
        names.append(f"{sensor}|{quantity}|{axis}" if at else "Time")
    if len(set(names)) < len(names):
        raise CorruptRecording(f"{path}: the heading names a column twice.", path=str(path))
    serials, numbers = {}, {}
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(owners)], strict=True)):
        words = [word for word in owners[start:end] if word]
        label = words[1] if len(words) > 1 else (words[0] if words else f"sensor {number + 1}")
        numbers[label], serials[label] = number, words[0] if len(words) > 1 else ""
    return _Heading(names=tuple(names), serials=serials, numbers=numbers)
