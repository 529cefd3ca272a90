"""Recordings in a Motion-BIDS data set: `*_motion.tsv` with its `*_channels.tsv` and `*_motion.json`.

The table has no header; its columns stand as rows in `channels.tsv`: type ACCEL or GYRO, component x, y, z, the
tracked point, the unit. A LATENCY column is the time in s since `acq_time`, else rows are counted at
`SamplingFrequency`. The start is `acq_time` of `*_scans.tsv`. Files of the recording are found by their names
beside the table. Made from the specification; the data sets it was tried on are our own.

References
----------
BIDS specification 1.10, Motion; Jeung et al., Scientific Data 11:716, 2024, doi:10.1038/s41597-024-03559-8.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.errors import CorruptRecording, RecordingError
from ankle_imu.interchange.assembly import assemble, choose
from ankle_imu.interchange.columns import unit_of
from ankle_imu.interchange.imported import Imported, utc_text
from ankle_imu.interchange.text_table import TextTable, parse_table, read_text
from ankle_imu.units import ACC_UNITS, GYR_UNITS
from ankle_imu.values import SensorInfo

NAME: Final = "motion_bids"
VERSION: Final = 1

_SUFFIX: Final = "_motion.tsv"
_TYPES: Final = {"ACCEL": "acc", "GYRO": "gyr"}
_UNITS: Final = {"acc": ACC_UNITS, "gyr": GYR_UNITS}
_NEEDED: Final = {"name", "component", "type", "tracked_point", "units"}

Channels = list[dict[str, str]]


def recognises_path(path: Path) -> bool:
    """Whether a file is named as Motion-BIDS names its tables."""
    return path.name.endswith(_SUFFIX)


def read(path: Path, placement: str, *, device: str = "") -> Imported:
    """Read one tracked point out of a Motion-BIDS recording.

    Parameters
    ----------
    path : Path of the `*_motion.tsv`
    placement : str, one of `frames.PLACEMENTS`; a tracked point of this name (`LeftFoot`) is taken
    device : str, name of the tracked point or an unambiguous part of it

    Returns
    -------
    Imported

    Raises
    ------
    NotTold
        If several tracked points have acc and gyr and none is named.
    RecordingError
        If `channels.tsv` or `motion.json` is not beside it, or no tracked point has all of both in known units.
    CorruptRecording
        If the three contradict each other, or as `timeline.lay_out`.
    """
    frames.check_placement(placement)
    if not recognises_path(path):
        raise RecordingError(f"{path} is no Motion-BIDS table: its name must end with {_SUFFIX}.", path=str(path))
    stem = path.name.removesuffix(_SUFFIX)
    files = (path, path.with_name(f"{stem}_channels.tsv"), path.with_name(f"{stem}_motion.json"))
    facts, channels = _facts(files[2]), _channels(files[1])
    names = [f"{at}:{channel['name']}" for at, channel in enumerate(channels)]
    points = {point: _columns(channels, point) for point in dict.fromkeys(c["tracked_point"] for c in channels)}
    whole = [point for point, (columns, _) in points.items() if len(columns) == 6]
    if not whole:
        raise RecordingError(
            f"{files[1]}: no tracked point has x, y and z of ACCEL and of GYRO in units we know.", path=str(path)
        )
    columns, units = points[choose(placement, device, tuple(whole), path)]
    table = _table(path, names)
    time, clock = _clock(table, channels, facts, path)
    rate = facts.get("SamplingFrequency")
    known = time[np.isfinite(time)]
    first = float(known[0]) if len(known) else 0.0
    return assemble(
        time,
        table.vectors([names[columns["acc", axis]] for axis in "xyz"]),
        table.vectors([names[columns["gyr", axis]] for axis in "xyz"]),
        sensor=SensorInfo(
            placement=placement,
            serial=str(facts.get("DeviceSerialNumber", "")),
            model=str(facts.get("ManufacturersModelName", "")),
            protocol=NAME,
            nominal_rate_hz=float(rate) if isinstance(rate, int | float) and rate > 0 else float("nan"),
        ),
        path=path,
        version=VERSION,
        acc_unit=units["acc"],
        gyr_unit=units["gyr"],
        malformed=table.malformed,
        started_utc=_started(path, first),
        notes=(f"acc in {units['acc']}, gyr in {units['gyr']}; {clock}",),
        files=files,
    )


def _facts(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(read_text(path).lstrip("\ufeff"))
    except json.JSONDecodeError as error:
        raise CorruptRecording(f"{path} is no JSON: {error}.", path=str(path)) from error
    if not isinstance(facts, dict):
        raise CorruptRecording(f"{path} is no JSON object.", path=str(path))
    return facts


def _channels(path: Path) -> Channels:
    lines = [line for line in read_text(path).splitlines() if line.strip()]
    head = [cell.strip() for cell in lines[0].lstrip("\ufeff").split("\t")]
    if not set(head) >= _NEEDED:
        raise CorruptRecording(
            f"{path} lacks columns {', '.join(sorted(_NEEDED - set(head)))}; columns are separated by tabs.",
            path=str(path),
        )
    rows = [[cell.strip() for cell in line.split("\t")] for line in lines[1:]]
    if any(len(row) != len(head) for row in rows):
        raise CorruptRecording(f"{path} has rows that do not fit its header.", path=str(path))
    return [dict(zip(head, row, strict=True)) for row in rows]


def _columns(channels: Channels, point: str) -> tuple[dict[tuple[str, str], int], dict[str, str]]:
    """Column of each (quantity, axis) of a tracked point, and the units; only quantities in a known unit."""
    columns: dict[tuple[str, str], int] = {}
    units: dict[str, str] = {}
    for at, channel in enumerate(channels):
        quantity = _TYPES.get(channel["type"].upper(), "")
        axis, unit = channel["component"].lower(), unit_of(channel["units"])
        is_mine = channel["tracked_point"] == point and quantity and axis in ("x", "y", "z")
        if is_mine and unit in _UNITS[quantity] and units.setdefault(quantity, unit) == unit:
            columns.setdefault((quantity, axis), at)
    return columns, units


def _table(path: Path, names: list[str]) -> TextTable:
    text = read_text(path).lstrip("\ufeff")
    found = text.split("\n", 1)[0].count("\t") + 1
    if found != len(names):
        raise CorruptRecording(
            f"{path} has {found} columns, its channels.tsv names {len(names)}; columns are separated by tabs.",
            path=str(path),
        )
    return parse_table("\t".join(names) + "\n" + text, str(path), lambda cells: cells == names)


def _clock(
    table: TextTable, channels: Channels, facts: dict[str, Any], path: Path
) -> tuple[NDArray[np.float64], str]:
    at = next((at for at, c in enumerate(channels) if c["type"].upper() == "LATENCY" and c["units"] == "s"), None)
    if at is not None:
        return table.numbers(f"{at}:{channels[at]['name']}"), f"time from {channels[at]['name']}"
    rate = facts.get("SamplingFrequency")
    if not isinstance(rate, int | float) or not rate > 0:
        raise RecordingError(f"{path}: no LATENCY channel, and SamplingFrequency is {rate!r}.", path=str(path))
    if table.malformed:
        raise CorruptRecording(
            f"{path}: {table.malformed} rows do not fit, and without a LATENCY channel their time is lost.",
            path=str(path),
        )
    return np.arange(len(table)) / float(rate), f"rows counted at {rate:g} Hz"


def _started(path: Path, first: float) -> str:
    """Start of the first row by `scans.tsv`, "" where it is not told or in no zone (BIDS: UTC ends with Z)."""
    for folder in list(path.resolve().parents)[1:3]:
        for scans in sorted(folder.glob("*_scans.tsv")):
            rows = [line.split("\t") for line in read_text(scans).splitlines() if line.strip()]
            head = rows[0]
            if not {"filename", "acq_time"} <= set(head):
                continue
            for row in rows[1:]:
                if len(row) == len(head) and row[head.index("filename")].endswith(path.name):
                    return _utc(row[head.index("acq_time")].strip(), first)
    return ""


def _utc(text: str, first: float) -> str:
    try:
        onset = datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC) if text.endswith("Z") else None
    except ValueError:
        return ""
    return utc_text(onset + timedelta(seconds=first)) if onset else ""
