"""CSV of MbientLab's MetaBase app: one file for the accelerometer and one for the gyroscope of a sensor.

`<name>_<start>_<MAC>_Accelerometer_100.000Hz_1.5.0.csv` with columns `epoc (ms)`, `timestamp (+hhmm)`, `elapsed
(s)`, `x-axis (g)`, ...; the other with `Gyroscope` and `(deg/s)`. Either of the two is named, or the folder with
both. acc holds gravity, sensor frame. The two are put together by `epoc` of their first rows and `elapsed` from
there, acc interpolated onto the times of gyr. Made from the documents; no real file was at hand.

References
----------
MbientLab, MetaBase App Tutorial, CSV files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.errors import RecordingError
from ankle_imu.interchange.assembly import assemble
from ankle_imu.interchange.columns import unit_of
from ankle_imu.interchange.imported import Imported, utc_text_from_epoch
from ankle_imu.interchange.joining import join
from ankle_imu.interchange.text_table import parse_table, read_text, split_cells
from ankle_imu.units import ACC_UNITS, GYR_UNITS
from ankle_imu.values import SensorInfo

NAME: Final = "metabase"
VERSION: Final = 1

_AXIS: Final = re.compile(r"([xyz])-axis \((.+)\)", re.IGNORECASE)
_EPOCH: Final = re.compile(r"epoch? ?\(ms\)", re.IGNORECASE)
_ELAPSED: Final = re.compile(r"elapsed \(s\)", re.IGNORECASE)
_STREAM: Final = re.compile(
    r"(?P<before>.*?)_?(?P<stream>Accelerometer|Gyroscope)(?P<after>.*)\.csv", re.IGNORECASE
)
_MAC: Final = re.compile(r"_([0-9A-F]{12})_?$", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Stream:
    epoch_s: float
    elapsed: NDArray[np.float64]
    xyz: NDArray[np.float64]
    unit: str
    malformed: int


def recognises(text: str) -> bool:
    """Whether a header has MetaBase's epoch, elapsed and axis columns."""
    return any(_is_header(split_cells(line)[1]) for line in text.splitlines()[:5])


def recognises_names(names: list[str]) -> bool:
    """Whether a folder holds an accelerometer's and a gyroscope's file."""
    found = [found["stream"].lower() for found in map(_STREAM.fullmatch, names) if found]
    return {"accelerometer", "gyroscope"} <= set(found)


def read(path: Path, placement: str) -> Imported:
    """Read the two files of one sensor.

    Parameters
    ----------
    path : Path of the accelerometer's file, of the gyroscope's, or of a folder that holds one of each
    placement : str, one of `frames.PLACEMENTS`

    Returns
    -------
    Imported, on the times of the gyroscope

    Raises
    ------
    RecordingError
        If the other file is not beside it, or a folder holds more than one sensor.
    CorruptRecording
        As `text_table.parse_table` and `timeline.lay_out`.
    """
    frames.check_placement(placement)
    files = _pair(path)
    acc, gyr = _stream(files[0], set(ACC_UNITS)), _stream(files[1], set(GYR_UNITS))
    shift = acc.epoch_s - gyr.epoch_s
    known = np.isfinite(gyr.elapsed)
    time, on_gyr, rates = join(acc.elapsed + shift, acc.xyz, gyr.elapsed[known], gyr.xyz[known], path)
    named = _STREAM.fullmatch(files[1].name)
    serial = _MAC.search(named["before"]) if named else None
    return assemble(
        time - time[0],
        on_gyr,
        rates,
        sensor=SensorInfo(
            placement=placement,
            serial=":".join(re.findall("..", serial[1].upper())) if serial else "",
            model="MetaWear",
            protocol=NAME,
        ),
        path=files[1],
        version=VERSION,
        acc_unit=acc.unit,
        gyr_unit=gyr.unit,
        malformed=gyr.malformed,
        started_utc=utc_text_from_epoch(gyr.epoch_s + float(time[0])),
        notes=(
            f"acc in {acc.unit} with gravity from {files[0].name}, interpolated",
            f"gyr in {gyr.unit} from {files[1].name}",
            "start by the clock of the phone",
        ),
        files=files,
    )


def _pair(path: Path) -> tuple[Path, Path]:
    """The accelerometer's and the gyroscope's file."""
    if path.is_dir():
        named = {p: _STREAM.fullmatch(p.name) for p in sorted(path.iterdir())}
        files = [
            [p for p, m in named.items() if m and m["stream"].lower() == s] for s in ("accelerometer", "gyroscope")
        ]
        if [len(found) for found in files] != [1, 1]:
            raise RecordingError(
                f"{path} holds {len(files[0])} accelerometer and {len(files[1])} gyroscope files, expected 1; "
                "name one file of the sensor that is meant.",
                path=str(path),
            )
        return files[0][0], files[1][0]
    read_text(path)
    mine = _STREAM.fullmatch(path.name)
    if mine is None:
        raise RecordingError(
            f"{path}: its name does not say Accelerometer or Gyroscope, so the other file cannot be found; "
            "keep the names that MetaBase gave.",
            path=str(path),
        )
    is_acc = mine["stream"].lower() == "accelerometer"
    other = "gyroscope" if is_acc else "accelerometer"
    beside = [(p, _STREAM.fullmatch(p.name)) for p in sorted(path.parent.iterdir())]
    found = [p for p, m in beside if m and m["before"] == mine["before"] and m["stream"].lower() == other]
    if len(found) != 1:
        raise RecordingError(
            f"{path}: found {len(found)} {other} files of this sensor beside it, expected 1.", path=str(path)
        )
    return (path, found[0]) if is_acc else (found[0], path)


def _is_header(cells: list[str]) -> bool:
    return (
        any(_EPOCH.fullmatch(cell) for cell in cells)
        and any(_ELAPSED.fullmatch(cell) for cell in cells)
        and sum(bool(_AXIS.fullmatch(cell)) for cell in cells) == 3
    )


def _stream(path: Path, units: set[str]) -> _Stream:
    table = parse_table(read_text(path), str(path), _is_header)
    axes = {m[1].lower(): m for m in map(_AXIS.fullmatch, table.names) if m}
    unit = unit_of(axes["x"][2])
    if unit not in units:
        raise RecordingError(
            f"{path}: x-axis is in {axes['x'][2]!r}, expected {' or '.join(sorted(units))}.", path=str(path)
        )
    epoch = table.numbers(next(name for name in table.names if _EPOCH.fullmatch(name)))
    elapsed = table.numbers(next(name for name in table.names if _ELAPSED.fullmatch(name)))
    both = np.isfinite(epoch) & np.isfinite(elapsed)
    if not both.any():
        raise RecordingError(f"{path}: no row has epoc and elapsed.", path=str(path))
    return _Stream(
        epoch_s=float(np.median(epoch[both] * 1e-3 - elapsed[both])),
        elapsed=elapsed,
        xyz=table.vectors([axes[axis][0] for axis in "xyz"]),
        unit=unit,
        malformed=table.malformed,
    )
