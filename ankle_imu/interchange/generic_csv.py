"""Delimited text with named columns: any logger, once its columns and units are said.

Headers such as `time [s]`, `acc_x [m/s^2]`, `gyr_x (deg/s)` say it themselves. Otherwise a mapping does, given as
a value or as a small TOML file:

    time = "t"                     # or: sampling_rate = 208.0
    acc = ["ax", "ay", "az"]
    gyr = ["gx", "gy", "gz"]
    [units]
    time = "ms"
    acc = "g"
    gyr = "deg/s"

Nothing is guessed: what neither tells is asked for.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.errors import RecordingError
from ankle_imu.interchange.columns import Header, parse_header
from ankle_imu.interchange.imported import Imported, utc_text_from_epoch
from ankle_imu.interchange.text_table import TextTable, find_header, parse_table, read_text
from ankle_imu.interchange.timeline import describe, lay_out
from ankle_imu.units import ACC_UNITS, GYR_UNITS, TIME_UNITS
from ankle_imu.values import ImuSeries, SensorInfo

NAME: Final = "generic_csv"
VERSION: Final = 1

_UNITS: Final = {"time": TIME_UNITS, "acc": ACC_UNITS, "gyr": GYR_UNITS}
_EPOCH_S: Final = (1e9, 5e9)  # 2001 .. 2128: such a time counts from 1970
_COLUMNS: Final = (
    "time [s]",
    *(f"acc_{axis} [m/s^2]" for axis in "xyz"),
    *(f"gyr_{axis} [rad/s]" for axis in "xyz"),
)

SuggestUnits = Callable[[NDArray[np.float64], NDArray[np.float64], float], tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class ColumnMapping:
    """Which column is what, in which unit; empty fields are read from the headers.

    Parameters
    ----------
    time : str, column of the sensor's clock; "" with `sampling_rate` means rows are counted
    acc, gyr : names of the x, y and z columns
    units : mapping of `time`, `acc`, `gyr` to a key of `units.TIME_UNITS`, `ACC_UNITS`, `GYR_UNITS`
    sampling_rate : float, Hz, replaces a time column; NaN where there is one
    """

    time: str = ""
    acc: tuple[str, ...] = ()
    gyr: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    sampling_rate: float = float("nan")

    def __post_init__(self) -> None:
        for name in ("acc", "gyr"):
            if len(getattr(self, name)) not in (0, 3):
                raise ValueError(f"{name} needs three columns, x y z; found {', '.join(getattr(self, name))}.")
        for quantity, unit in self.units.items():
            known = _UNITS.get(quantity)
            if known is None:
                raise ValueError(f"No quantity {quantity!r}; expected one of {', '.join(_UNITS)}.")
            if unit not in known:
                raise ValueError(f"Unknown unit {unit!r} of {quantity}; expected one of {', '.join(known)}.")
        if np.isfinite(self.sampling_rate) and self.sampling_rate <= 0:
            raise ValueError(f"sampling_rate must be a positive number of Hz, found {self.sampling_rate!r}.")


def read_mapping(path: Path) -> ColumnMapping:
    """Read a mapping file as shown on top of this module.

    Parameters
    ----------
    path : Path of a TOML file

    Raises
    ------
    RecordingError
        If the file is absent, no TOML, or says something else.
    """
    try:
        said = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise RecordingError(f"{path} is no TOML file: {error}.", path=str(path)) from error
    unknown = set(said) - {"time", "acc", "gyr", "units", "sampling_rate"}
    if unknown:
        raise RecordingError(
            f"{path}: unknown key {', '.join(sorted(unknown))}; expected time, acc, gyr, units, sampling_rate.",
            path=str(path),
        )
    try:
        return ColumnMapping(
            time=str(said.get("time", "")),
            acc=tuple(said.get("acc", ())),
            gyr=tuple(said.get("gyr", ())),
            units=dict(said.get("units", {})),
            sampling_rate=float(said.get("sampling_rate", "nan")),
        )
    except (TypeError, ValueError) as error:
        raise RecordingError(f"{path}: {error}", path=str(path)) from error


def recognises(text: str) -> bool:
    """Whether some line names three acc and three gyr columns by itself."""
    return any(_is_obvious(line) for line in text.splitlines()[:200])


def read(
    path: Path,
    placement: str,
    *,
    mapping: ColumnMapping | Path | None = None,
    suggest_units: SuggestUnits | None = None,
) -> Imported:
    """Read delimited text with named columns.

    Parameters
    ----------
    path : Path
    placement : str, one of `frames.PLACEMENTS`; columns named `<placement>_acc_x` are preferred where present
    mapping : ColumnMapping, Path of a mapping file, or None to go by the headers alone
    suggest_units : callable of (acc, gyr, sampling_rate) giving two unit names, such as
        `calibration.plausibility.likely_units`; where a unit is not said its suggestion stands in the refusal

    Returns
    -------
    Imported

    Raises
    ------
    RecordingError
        If columns or units are not told; the message lists the columns that were seen.
    CorruptRecording
        As `text_table.parse_table` and `timeline.lay_out`.
    """
    frames.check_placement(placement)
    if isinstance(mapping, Path):
        mapping = read_mapping(mapping)
    mapping = mapping or ColumnMapping()
    table = _table(path, {mapping.time, *mapping.acc, *mapping.gyr} - {""})
    headers = {name: parse_header(name) for name in table.names}
    acc_names, acc_unit = _vector(table, headers, mapping, "acc", placement)
    gyr_names, gyr_unit = _vector(table, headers, mapping, "gyr", placement)
    acc, gyr = table.vectors(acc_names), table.vectors(gyr_names)
    time, epoch = _time(table, headers, mapping, len(acc))
    if not (acc_unit and gyr_unit):
        raise _unit_missing(table, (acc_unit, gyr_unit), acc, gyr, time, suggest_units)
    sensor = SensorInfo(placement=placement, protocol=NAME)
    series, loss = lay_out(
        time,
        acc * ACC_UNITS[acc_unit],
        gyr * GYR_UNITS[gyr_unit],
        sensor=sensor,
        path=str(path),
        malformed=table.malformed,
    )
    return Imported(
        series=series,
        sensor=sensor,
        loss=loss,
        format=NAME,
        version=VERSION,
        acc_unit=acc_unit,
        gyr_unit=gyr_unit,
        started_utc=utc_text_from_epoch(epoch) if np.isfinite(epoch) else "",
        clock_start_s=_clock_start(time, epoch, mapping),
        notes=(
            f"acc from {', '.join(acc_names)} in {acc_unit}; gyr from {', '.join(gyr_names)} in {gyr_unit}",
            *describe(series, loss),
        ),
    )


def write(series: ImuSeries, path: Path) -> None:
    """Write a series as CSV that `read` gives back exactly; lost samples are rows with empty cells.

    Parameters
    ----------
    series : ImuSeries
    path : Path, overwritten
    """
    import pandas as pd

    values = np.column_stack([series.time, series.acc, series.gyr])
    pd.DataFrame(values, columns=list(_COLUMNS)).to_csv(path, index=False, lineterminator="\n")


def _is_obvious(line: str) -> bool:
    cells = [cell.strip().strip('"') for cell in line.replace("\t", ";").replace(",", ";").split(";")]
    found = {(h.quantity, h.axis) for h in map(parse_header, cells)}
    return {(q, axis) for q in ("acc", "gyr") for axis in "xyz"} <= found


def _table(path: Path, wanted: set[str]) -> TextTable:
    text = read_text(path)
    if wanted and find_header(text.splitlines(), lambda cells: wanted <= set(cells)) is not None:
        return parse_table(text, str(path), lambda cells: wanted <= set(cells))
    table = parse_table(text, str(path), _is_header)
    if wanted:
        raise RecordingError(
            f"{path} has no column {', '.join(sorted(wanted - set(table.names)))}. "
            f"Columns seen: {', '.join(table.names)}.",
            path=str(path),
        )
    return table


def _is_header(cells: list[str]) -> bool:
    """Words only, enough of them for two sensors of three axes."""
    return len(cells) >= 6 and not any(_is_number(cell) for cell in cells)


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def _vector(
    table: TextTable, headers: Mapping[str, Header], mapping: ColumnMapping, quantity: str, placement: str
) -> tuple[tuple[str, ...], str]:
    """Names of the three columns of `quantity` and their unit, "" where no one says it."""
    names: tuple[str, ...] = getattr(mapping, quantity)
    if not names:
        mine = [n for n, h in headers.items() if h.quantity == quantity and h.owner == placement]
        mine = mine or [n for n, h in headers.items() if h.quantity == quantity and h.owner == ""]
        by_axis = {headers[n].axis: n for n in mine}
        if len(mine) != 3 or len(by_axis) != 3:
            raise RecordingError(
                f"{table.path}: found {len(mine)} columns for {quantity}, expected x, y and z; "
                f"name them in a mapping. Columns seen: {', '.join(table.names)}.",
                path=table.path,
            )
        names = tuple(by_axis[axis] for axis in "xyz")
    units = {headers[name].unit for name in names}
    if len(units) > 1:
        raise RecordingError(f"{table.path}: {', '.join(names)} are in different units.", path=table.path)
    said = mapping.units.get(quantity, "")
    header_unit = units.pop()
    return names, said or (header_unit if header_unit in _UNITS[quantity] else "")


def _time(
    table: TextTable, headers: Mapping[str, Header], mapping: ColumnMapping, n: int
) -> tuple[NDArray[np.float64], float]:
    """Seconds of each row and the Unix time of the first, NaN where the clock has another zero."""
    if np.isfinite(mapping.sampling_rate):
        return np.arange(n) / mapping.sampling_rate, float("nan")
    name = mapping.time or next((n for n, h in headers.items() if h.quantity == "time"), "")
    if not name:
        raise RecordingError(
            f"{table.path}: no time column; name it, or give the sampling rate. "
            f"Columns seen: {', '.join(table.names)}.",
            path=table.path,
        )
    unit = mapping.units.get("time") or headers[name].unit
    if unit not in TIME_UNITS:
        raise RecordingError(
            f"{table.path}: the unit of {name!r} is not said; name the column like 'time [s]' or say it in a "
            f"mapping; known units: {', '.join(TIME_UNITS)}.",
            path=table.path,
        )
    ticks = table.numbers(name)
    if not np.isfinite(ticks).any():
        raise RecordingError(f"{table.path}: the time column {name!r} holds no numbers.", path=table.path)
    first = ticks[np.isfinite(ticks)][0]
    epoch = float(first * TIME_UNITS[unit])
    is_epoch = _EPOCH_S[0] < epoch < _EPOCH_S[1]
    scaled = (ticks - first if is_epoch else ticks) * TIME_UNITS[unit]
    return scaled, epoch if is_epoch else float("nan")


def _clock_start(time: NDArray[np.float64], epoch: float, mapping: ColumnMapping) -> float:
    """First reading of a clock that counts from a zero of its own, s; NaN where there is no such clock."""
    known = time[np.isfinite(time)]
    if np.isfinite(epoch) or np.isfinite(mapping.sampling_rate) or len(known) == 0:
        return float("nan")
    return float(known[0])


def _unit_missing(
    table: TextTable,
    units: tuple[str, str],
    acc: NDArray[np.float64],
    gyr: NDArray[np.float64],
    time: NDArray[np.float64],
    suggest_units: SuggestUnits | None,
) -> RecordingError:
    missing = [q for q, unit in zip(("acc", "gyr"), units, strict=True) if not unit]
    hint = ""
    steps = np.diff(time[np.isfinite(time)])
    if suggest_units is not None and len(steps) and np.median(steps) > 0:
        suggested = dict(zip(("acc", "gyr"), suggest_units(acc, gyr, 1.0 / float(np.median(steps))), strict=True))
        likely = [f"{q} in {suggested[q]}" for q in missing if suggested[q]]
        hint = f" The numbers look like {' and '.join(likely)}." if likely else ""
    expected: dict[str, Any] = {"acc": ACC_UNITS, "gyr": GYR_UNITS}
    asked = "; ".join(f"{q}: {', '.join(expected[q])}" for q in missing)
    return RecordingError(
        f"{table.path}: the unit of {' and '.join(missing)} is not said ({asked}).{hint}", path=table.path
    )
