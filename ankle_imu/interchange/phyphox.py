"""Zip (or unpacked folder) of CSV files that the phone app phyphox exports.

One file for each data set of the experiment, columns `Time (s)`, `Acceleration x (m/s^2)`, `Gyroscope x (rad/s)`,
in one table or in two; `meta/time.csv` pairs the experiment's time with the clock of the phone. "Acceleration"
holds gravity, on both systems the axis pointing up reads +9.81; "Linear Acceleration" does not hold it and is
refused. Made from the documents; no real file was at hand.

References
----------
phyphox wiki, "Export" and "Sensor support" (phyphox.org/wiki): files, units, sign on iOS turned to Android's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.errors import RecordingError
from ankle_imu.interchange.assembly import assemble
from ankle_imu.interchange.bytes_of import open_zip
from ankle_imu.interchange.columns import parse_header
from ankle_imu.interchange.imported import Imported, utc_text_from_epoch
from ankle_imu.interchange.joining import join
from ankle_imu.interchange.text_table import decode, parse_table
from ankle_imu.values import SensorInfo

NAME: Final = "phyphox"
VERSION: Final = 1

_LARGEST: Final = 4 * 2**30  # bytes unpacked
_META: Final = ("meta/time.csv", "meta/device.csv")
_WORDS: Final = {"acc": "acceleration with gravity", "gyr": "angular rate"}
_SI: Final = {"acc": "m/s^2", "gyr": "rad/s"}


@dataclass(frozen=True, kw_only=True, eq=False)
class _Stream:
    time: NDArray[np.float64]
    xyz: NDArray[np.float64]
    file: str
    malformed: int


def recognises_names(names: list[str]) -> bool:
    """Whether a zip or a folder is an export of phyphox: it has `meta/time.csv` or `meta/device.csv`."""
    return any(name.replace("\\", "/").endswith(_META) for name in names)


def read(path: Path, placement: str) -> Imported:
    """Read a phyphox export.

    Parameters
    ----------
    path : Path of the zip, or of the folder it was unpacked into
    placement : str, one of `frames.PLACEMENTS`

    Returns
    -------
    Imported, on the times of the gyroscope; acc interpolated onto them where it is in a table of its own

    Raises
    ------
    RecordingError
        If the experiment recorded no acceleration with gravity or no angular rate, or either twice.
    CorruptRecording
        If the zip is damaged, or as `text_table.parse_table` and `timeline.lay_out`.
    """
    frames.check_placement(placement)
    files = _files(path)
    tables = {name: raw for name, raw in files.items() if not name.startswith("meta/")}
    acc, gyr = _stream(tables, "acc", path), _stream(tables, "gyr", path)
    known = np.isfinite(gyr.time)
    time, on_gyr, rates = join(acc.time, acc.xyz, gyr.time[known], gyr.xyz[known], path)
    start = _system_start(files, path)
    source = acc.file if acc.file == gyr.file else f"{acc.file} (interpolated) and {gyr.file}"
    return assemble(
        time - time[0],
        on_gyr,
        rates,
        sensor=SensorInfo(placement=placement, model="phone", protocol=NAME),
        path=path,
        version=VERSION,
        acc_unit=_SI["acc"],
        gyr_unit=_SI["gyr"],
        malformed=gyr.malformed,
        started_utc=utc_text_from_epoch(start + float(time[0])) if np.isfinite(start) else "",
        clock_start_s=float(time[0]),
        notes=(f"acc in m/s^2 with gravity, gyr in rad/s, from {source}",),
    )


def _files(path: Path) -> dict[str, bytes]:
    """Contents by name inside the export, such as `Gyroscope.csv` and `meta/time.csv`."""
    if path.is_dir():
        return {p.relative_to(path).as_posix(): p.read_bytes() for p in sorted(path.rglob("*.csv"))}
    with open_zip(path) as archive:
        used = [info for info in archive.infolist() if info.filename.lower().endswith(".csv")]
        if sum(info.file_size for info in used) > _LARGEST:
            raise RecordingError(f"{path} unpacks to more than 4 GiB; split it.", path=str(path))
        return _without_folder({info.filename.replace("\\", "/"): archive.read(info) for info in used})


def _without_folder(files: dict[str, bytes]) -> dict[str, bytes]:
    """Names without a folder that all of them lie in."""
    tops = {PurePosixPath(name).parts[0] for name in files}
    if len(tops) == 1 and all("/" in name for name in files):
        return {name.split("/", 1)[1]: raw for name, raw in files.items()}
    return files


def _stream(tables: Mapping[str, bytes], quantity: str, path: Path) -> _Stream:
    found = []
    for name, raw in tables.items():
        if not raw.strip():
            continue
        where = f"{path}:{name}"
        table = parse_table(decode(raw, where), where, _is_header)
        headers = {column: parse_header(column) for column in table.names}
        mine = {h.axis: c for c, h in headers.items() if h.quantity == quantity and h.owner == ""}
        times = [c for c, h in headers.items() if h.quantity == "time" and h.unit == "s"]
        if set(mine) == set("xyz") and times and headers[mine["x"]].unit == _SI[quantity]:
            xyz = table.vectors([mine[axis] for axis in "xyz"])
            found.append(_Stream(time=table.numbers(times[0]), xyz=xyz, file=name, malformed=table.malformed))
    if len(found) != 1:
        raise RecordingError(
            f"{path} holds {len(found)} tables of {_WORDS[quantity]}, expected 1 ({', '.join(sorted(tables))}); "
            "record an experiment with 'Acceleration (with g)' and 'Gyroscope'.",
            path=str(path),
        )
    return found[0]


def _is_header(cells: list[str]) -> bool:
    return len(cells) >= 2 and all(cell and cell[0].isalpha() for cell in cells if cell)


def _system_start(files: Mapping[str, bytes], path: Path) -> float:
    """Seconds since 1970 at the experiment's time 0; NaN where the export does not say."""
    raw = files.get("meta/time.csv", b"")
    if not raw.strip():
        return float("nan")
    where = f"{path}:meta/time.csv"
    try:
        table = parse_table(decode(raw, where), where, lambda cells: {"event", "system time"} <= set(cells))
        events = table.texts("event").str.strip('"')
        at = int(np.argmax((events == "START").to_numpy()))
        return float(table.numbers("system time")[at] - table.numbers("experiment time")[at])
    except (RecordingError, ValueError):
        return float("nan")
