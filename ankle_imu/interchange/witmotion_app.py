"""Text and CSV files of the WitMotion apps: two families of headers, several sensors interleaved in one file.

New: `Time, Device name, Chip Time(), Acceleration X(g) ..., Angular velocity X(°/s) ...`; old: `time, DeviceName,
AccX(g) ..., AsX(°/s) ...`; separated by tabs or commas, the degree sign often broken by the app's encoding. acc is
in g with gravity, gyr in deg/s. There is no sample counter. `Time` is when the radio message arrived, so several
samples share one; `Chip Time()` is the sensor's own clock where it has one. Both are local time without a zone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.errors import RecordingError
from ankle_imu.interchange.columns import unit_of
from ankle_imu.interchange.imported import Imported
from ankle_imu.interchange.text_table import TextTable, parse_table, read_text, split_cells
from ankle_imu.interchange.timeline import describe, lay_out, spread_batches
from ankle_imu.units import ACC_UNITS, GYR_UNITS
from ankle_imu.values import SensorInfo

if TYPE_CHECKING:
    import pandas as pd

NAME: Final = "witmotion_app"
VERSION: Final = 1

_ACC: Final = re.compile(r"acc(?:eleration)?\s*([xyz])\s*\((.*)\)", re.IGNORECASE)
_GYR: Final = re.compile(r"(?:as|angular\s*velocity)\s*([xyz])\s*\((.*)\)", re.IGNORECASE)
_DEVICE: Final = re.compile(r"device\s*name", re.IGNORECASE)
_CHIP: Final = re.compile(r"chip\s*time(?:\(\))?", re.IGNORECASE)
_TIME: Final = re.compile(r"t?ime", re.IGNORECASE)  # some versions lose the first letter of the file
_TIME_OF_DAY: Final = r"(?P<h>\d{1,2}):(?P<m>\d{1,2}):(?P<s>\d{1,2})(?:(?P<sep>[.:])(?P<f>\d{1,6}))?\s*$"
_HALF_DAY, _DAY = 43200.0, 86400.0
_FEW_REPEATS: Final = 0.05
"""Share of repeated times up to which a clock counts as one of samples, not of messages."""


@dataclass(frozen=True, kw_only=True)
class _Columns:
    acc: tuple[str, ...]
    gyr: tuple[str, ...]
    acc_unit: str
    gyr_unit: str
    device: str
    time: str
    chip: str


def recognises(text: str) -> bool:
    """Whether a header names a device and WitMotion's acceleration and angular velocity columns."""
    return any(_is_header(split_cells(line)[1]) for line in text.splitlines()[:200])


def read(path: Path, placement: str, *, device: str = "") -> Imported:
    """Read one sensor out of a WitMotion app file.

    Parameters
    ----------
    path : Path
    placement : str, one of `frames.PLACEMENTS`
    device : str, name of the sensor in the file or an unambiguous part of it; may be "" where there is only one

    Returns
    -------
    Imported, `started_utc` "" because the file has local time of an unknown zone

    Raises
    ------
    RecordingError
        If the file holds several sensors and `device` does not name one; the message lists them.
    CorruptRecording
        As `text_table.parse_table` and `timeline.lay_out`.

    Notes
    -----
    With arrival times only, samples are spread evenly (`timeline.spread_batches`); a lost radio message of four or
    eight samples cannot be seen then, only longer pauses.
    """
    frames.check_placement(placement)
    table = parse_table(read_text(path), str(path), _is_header)
    columns = _columns(table.names)
    chosen, name = _choose(table, columns, device)
    acc, gyr = table.vectors(columns.acc)[chosen], table.vectors(columns.gyr)[chosen]
    readable = np.isfinite(acc).all(axis=1) & np.isfinite(gyr).all(axis=1)
    time, clock = _clock(table, columns, chosen)
    sensor = SensorInfo(
        placement=placement,
        serial=name,
        model="WitMotion",
        protocol=NAME,
        acc_range_g=16.0,
        gyr_range_dps=2000.0,
    )
    series, loss = lay_out(
        time,
        acc * ACC_UNITS[columns.acc_unit],
        gyr * GYR_UNITS[columns.gyr_unit],
        sensor=sensor,
        path=str(path),
        malformed=table.malformed,
    )
    first = table.texts(columns.time)[chosen].iloc[int(np.argmax(readable))]
    return Imported(
        series=series,
        sensor=sensor,
        loss=loss,
        format=NAME,
        version=VERSION,
        acc_unit=columns.acc_unit,
        gyr_unit=columns.gyr_unit,
        notes=(
            f"sensor {name}" if name else "one sensor without a name",
            f"acc in {columns.acc_unit} with gravity, gyr in {columns.gyr_unit}; {clock}",
            f"first sample at {first}, local time of an unknown zone",
            *describe(series, loss),
        ),
    )


def devices(path: Path) -> dict[str, int]:
    """Names of the sensors in a file and how many rows each has, in order of appearance."""
    table = parse_table(read_text(path), str(path), _is_header)
    return _count_devices(table, _columns(table.names))


def _is_header(cells: list[str]) -> bool:
    return all(sum(bool(p.fullmatch(cell)) for cell in cells) >= 3 for p in (_ACC, _GYR)) and any(
        _TIME.fullmatch(cell) or _CHIP.fullmatch(cell) for cell in cells
    )


def _columns(names: tuple[str, ...]) -> _Columns:
    acc = {m[1].lower(): (m[0], m[2]) for m in map(_ACC.fullmatch, names) if m}
    gyr = {m[1].lower(): (m[0], m[2]) for m in map(_GYR.fullmatch, names) if m}
    acc_unit, gyr_unit = unit_of(acc["x"][1]), unit_of(gyr["x"][1])
    chip = next((name for name in names if _CHIP.fullmatch(name)), "")
    return _Columns(
        acc=tuple(acc[axis][0] for axis in "xyz"),
        gyr=tuple(gyr[axis][0] for axis in "xyz"),
        acc_unit=acc_unit if acc_unit in ACC_UNITS else "g",
        gyr_unit=gyr_unit if gyr_unit in GYR_UNITS else "deg/s",  # a broken degree sign
        device=next((name for name in names if _DEVICE.fullmatch(name)), ""),
        time=next((name for name in names if _TIME.fullmatch(name)), chip),
        chip=chip,
    )


def _count_devices(table: TextTable, columns: _Columns) -> dict[str, int]:
    if not columns.device:
        return {"": len(table)}
    counts = table.texts(columns.device).value_counts(sort=False)
    return {str(name): int(count) for name, count in counts.items()}


def _choose(table: TextTable, columns: _Columns, device: str) -> tuple[NDArray[np.bool_], str]:
    counts = _count_devices(table, columns)
    exact = [name for name in counts if name == device]
    names = exact or [name for name in counts if device.lower() in name.lower()]
    if len(names) != 1:
        seen = ", ".join(f"{name} ({count} rows)" for name, count in counts.items())
        what = f"{device!r} names {len(names)} of" if device else "choose one device out of"
        raise RecordingError(f"{table.path}: {what} the sensors in the file: {seen}.", path=table.path)
    if not columns.device:
        return np.ones(len(table), dtype=bool), ""
    return np.asarray(table.texts(columns.device) == names[0]), names[0]


def _clock(table: TextTable, columns: _Columns, chosen: NDArray[np.bool_]) -> tuple[NDArray[np.float64], str]:
    """Seconds of each chosen row and which clock they are from."""
    if columns.chip:
        chip = _seconds(table.texts(columns.chip)[chosen])
        if _is_sample_clock(chip):
            return chip, "time from the sensor's own clock"
    arrival = _seconds(table.texts(columns.time)[chosen])
    known = np.isfinite(arrival)
    if not known.any():
        raise RecordingError(f"{table.path}: no time of day could be read from {columns.time!r}.", path=table.path)
    if _is_sample_clock(arrival):
        return arrival, "time from the receiving clock"
    time = np.full(len(arrival), np.nan)
    time[known] = spread_batches(arrival[known])
    return time, "samples counted, their rate from when the radio messages arrived"


def _is_sample_clock(time: NDArray[np.float64]) -> bool:
    """Steps forward with each row, evenly: most steps within half a step of the usual one."""
    if len(time) < 3 or not np.isfinite(time).all():
        return False
    steps = np.diff(time)
    usual = float(np.median(steps))
    return bool(
        usual > 0 and np.mean(steps <= 0) <= _FEW_REPEATS and np.mean(np.abs(steps - usual) <= usual / 2) > 0.9
    )


def _seconds(texts: pd.Series[str]) -> NDArray[np.float64]:
    """Seconds since the first midnight; dates are left aside and each midnight passed adds a day."""
    parts = texts.str.extract(_TIME_OF_DAY)
    whole = (parts["h"].astype(float) * 3600 + parts["m"].astype(float) * 60 + parts["s"].astype(float)).to_numpy()
    digits = parts["f"].fillna("0")
    value = digits.astype(float).to_numpy()
    decimal = value / 10.0 ** digits.str.len().to_numpy()
    milli = value / 1000.0
    candidates = [milli] if (parts["sep"] == ":").any() else [decimal, milli]  # `8:18:9:94` is 94 ms
    days = [_unwrap_days(whole + fraction) for fraction in candidates]
    return min(days, key=lambda t: int(np.count_nonzero(np.diff(t[np.isfinite(t)]) < 0)))


def _unwrap_days(time: NDArray[np.float64]) -> NDArray[np.float64]:
    out = time.copy()
    known = np.isfinite(out)
    passed = np.cumsum(np.diff(out[known], prepend=out[known][:1]) < -_HALF_DAY)
    out[known] += _DAY * passed
    return out
