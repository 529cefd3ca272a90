"""CSV of the Movella (Xsens) DOT app and data exporter, real-time and recording.

Lines such as `DeviceTag:,<tag>`, then a header `PacketCounter,SampleTimeFine,...` whose columns depend on the
measurement mode. acc is in m/s^2 with gravity, gyr in deg/s, sensor frame. `SampleTimeFine` is a 32-bit counter of
microseconds on the DOT; MTi and MTw files use the same name for 0.1 ms, which the usual step tells apart.

References
----------
Movella, DOT BLE Service Specification, rev. C, 2023 (fields, units, status bits); DOT User Manual (ranges).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu import quaternion as qt
from ankle_imu.errors import RecordingError
from ankle_imu.interchange import rebuilt
from ankle_imu.interchange.imported import Imported, utc_text
from ankle_imu.interchange.text_table import TextTable, parse_table, read_text, split_cells
from ankle_imu.interchange.timeline import describe, lay_out
from ankle_imu.units import GYR_UNITS
from ankle_imu.values import Loss, SensorInfo

NAME: Final = "xsens_dot"
VERSION: Final = 2

_ACC: Final = ("acc_x", "acc_y", "acc_z")
_GYR: Final = ("gyr_x", "gyr_y", "gyr_z")
_QUAT: Final = ("quat_w", "quat_x", "quat_y", "quat_z")
_FREE: Final = ("freeacc_x", "freeacc_y", "freeacc_z")
_REBUILT: Final = "acc and gyr are REBUILT from the sensor's own orientation and free acceleration"
_MICROSECOND, _TENTH_MS = 1e-6, 1e-4
_SLOWEST_DOT_STEP: Final = 4000  # in us 250 Hz, above any DOT; in 0.1 ms 2.5 Hz, below any use
_WRAP: Final = 2**32
_CLIP_BITS: Final = 0b00111111  # status bits 0..5: acc x y z, gyr x y z at the end of their range
_START: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[_ T](\d\d):(\d\d):(\d\d)(?:[_.:](\d{1,3}))?\s*"
    r"(?:(?:GMT|UTC)([+-]\d{1,2})?(?::?(\d\d))?|Z)"
)


def recognises(text: str) -> bool:
    """Whether a header of PacketCounter and SampleTimeFine follows, without the `//` preamble of MT Manager."""
    lines = text.splitlines()[:200]
    return not text.lstrip().startswith("//") and any(_is_header(split_cells(line)[1]) for line in lines)


def read(path: Path, placement: str, *, gyr_unit: str = "", rebuild: bool = False) -> Imported:
    """Read a DOT file.

    Parameters
    ----------
    path : Path
    placement : str, one of `frames.PLACEMENTS`
    gyr_unit : str, a key of `units.GYR_UNITS`; only where the file is not from a DOT, else it is deg/s
    rebuild : bool, whether to compute Acc and Gyr from Quat and FreeAcc where a file has only those

    Returns
    -------
    Imported, `sensor.serial` the device tag; `loss.clipped` from the status bits where they are in the file

    Raises
    ------
    RecordingError
        If the file's mode holds no acceleration with gravity or no angular rate, or it is from another Xsens
        product whose unit is not said.
    CorruptRecording
        As `text_table.parse_table` and `timeline.lay_out`.
    """
    frames.check_placement(placement)
    if gyr_unit and gyr_unit not in GYR_UNITS:
        raise ValueError(f"Unknown unit {gyr_unit!r} of gyr; expected one of {', '.join(GYR_UNITS)}.")
    table = parse_table(read_text(path), str(path), _is_header)
    column = {name.lower(): name for name in reversed(table.names)}
    facts = _preamble(table)
    rebuild = rebuild and not set(_ACC + _GYR) <= set(column)
    if not (rebuild and set(_QUAT + _FREE) <= set(column)):
        _refuse_without_rates(table, set(column), facts)
    nominal = _nominal_rate(facts)
    ticks = table.numbers(column["sampletimefine"])
    time, tick = _clock(table, column, ticks, nominal)
    if rebuild:
        gyr_unit = "rad/s"
        quat = qt.normalize(np.column_stack([table.numbers(column[name]) for name in _QUAT]))
        acc, gyr = rebuilt.rebuild(time, quat, table.vectors([column[name] for name in _FREE]))
    else:
        gyr_unit = gyr_unit or _gyr_unit(facts, tick, str(path))
        acc, gyr = (table.vectors([column[name] for name in names]) for names in (_ACC, _GYR))
    sensor = SensorInfo(
        placement=placement,
        serial=facts.get("devicetag", ""),
        model="Movella DOT" if facts else "",
        protocol=NAME,
        nominal_rate_hz=nominal,
        acc_range_g=16.0 if facts else float("nan"),
        gyr_range_dps=2000.0 if facts else float("nan"),
    )
    series, loss = lay_out(
        time,
        acc,
        gyr * GYR_UNITS[gyr_unit],
        sensor=sensor,
        path=str(path),
        malformed=table.malformed,
    )
    loss = _with_status(loss, table, column)
    return Imported(
        series=series,
        sensor=sensor,
        loss=loss,
        format=NAME,
        version=VERSION,
        acc_unit="m/s^2",
        gyr_unit=gyr_unit,
        started_utc=_started(facts.get("starttime", "")),
        notes=(
            *([_REBUILT] if rebuild else []),
            *_said(facts, nominal, series.sampling_rate),
            *describe(series, loss),
        ),
    )


def _is_header(cells: list[str]) -> bool:
    return {"packetcounter", "sampletimefine"} <= {cell.lower() for cell in cells}


def _preamble(table: TextTable) -> dict[str, str]:
    """`DeviceTag:,zxt` and the like, keys in lower case without spaces."""
    pairs = (re.split(r":\s*[,;\t]?\s*", line, maxsplit=1) for line in table.preamble)
    return {pair[0].lower().replace(" ", ""): pair[1].strip(" ,;\t") for pair in pairs if len(pair) == 2}


def _nominal_rate(facts: dict[str, str]) -> float:
    found = re.match(r"\d+(?:\.\d+)?", facts.get("outputrate", ""))
    return float(found[0]) if found else float("nan")


def _refuse_without_rates(table: TextTable, columns: set[str], facts: dict[str, str]) -> None:
    missing = [
        words
        for words, names in (("acceleration with gravity", _ACC), ("angular rate", _GYR))
        if not set(names) <= columns
    ]
    if not missing:
        return
    mode = facts.get("measurementmode", "")
    kinds = {re.split(r"[_\[]", name)[0] for name in table.names[2:]} - {"Status"}
    way_out = " Or have both rebuilt from orientation and free acceleration (--rebuild)."
    raise RecordingError(
        f"{table.path} holds no {' and no '.join(missing)}, only {', '.join(sorted(kinds))}"
        f"{f' (mode {mode!r})' if mode else ''}; record again with a mode that has both Acc and Gyr, such as "
        f"'Rate quantities'.{way_out if set(_QUAT + _FREE) <= columns else ''}",
        path=table.path,
    )


def _clock(
    table: TextTable, column: dict[str, str], ticks: NDArray[np.float64], nominal: float
) -> tuple[NDArray[np.float64], float]:
    """Seconds of each row and the length of a tick in s (NaN where the packet counter had to do)."""
    known = np.isfinite(ticks)
    if np.count_nonzero(known) < 2:
        if not np.isfinite(nominal):
            raise RecordingError(
                f"{table.path}: SampleTimeFine is empty and no OutputRate is given; the rate is unknown.",
                path=table.path,
            )
        return table.numbers(column["packetcounter"]) / nominal, float("nan")
    time = np.full(len(ticks), np.nan)
    unwrapped = _unwrap(ticks[known])
    steps = np.diff(unwrapped)
    usual = float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0
    tick = _MICROSECOND if usual >= _SLOWEST_DOT_STEP else _TENTH_MS
    time[known] = unwrapped * tick
    return time, tick


def _unwrap(ticks: NDArray[np.float64]) -> NDArray[np.float64]:
    steps = np.diff(ticks)
    turns = np.cumsum(np.where(steps < -_WRAP / 2, 1, 0) - np.where(steps > _WRAP / 2, 1, 0))
    return np.asarray(ticks + np.concatenate([[0], turns]) * float(_WRAP))


def _gyr_unit(facts: dict[str, str], tick: float, path: str) -> str:
    if facts.get("devicetag") is not None or facts.get("outputrate") is not None or tick != _TENTH_MS:
        return "deg/s"
    raise RecordingError(
        f"{path} counts 0.1 ms as MTi and MTw do and names no DOT, so the unit of Gyr is not known; "
        f"say it (one of {', '.join(GYR_UNITS)}; MT Manager writes rad/s).",
        path=path,
    )


def _with_status(loss: Loss, table: TextTable, column: dict[str, str]) -> Loss:
    if "status" not in column:
        return loss
    status = np.nan_to_num(table.numbers(column["status"])).astype(np.int64)
    clipped = int(np.count_nonzero(status & _CLIP_BITS))
    return Loss(
        expected=loss.expected,
        received=loss.received,
        lost=loss.lost,
        clipped=max(clipped, loss.clipped),
        true_rate_hz=loss.true_rate_hz,
        reasons=loss.reasons,
    )


def _started(text: str) -> str:
    """UTC of `2021-08-20_20:21:13_804 GMT+8`; "" where the zone is only a name."""
    found = _START.search(text)
    if not found:
        return ""
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    hours, minutes = int(found[8] or 0), int(found[9] or 0)
    offset = timedelta(hours=hours, minutes=minutes if hours >= 0 else -minutes)
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=timezone(offset))
    except ValueError:
        return ""
    return utc_text(moment + timedelta(milliseconds=int(found[7] or 0)))


def _said(facts: dict[str, str], nominal: float, rate: float) -> tuple[str, ...]:
    said = ["acc in m/s^2 with gravity, gyr in the sensor frame"]
    if facts.get("measurementmode"):
        said.append(f"mode {facts['measurementmode']}")
    start = facts.get("starttime", "")
    if start and not _started(start):
        said.append(f"start time {start!r} is local time of an unknown zone")
    if np.isfinite(nominal) and abs(rate / nominal - 1.0) > 0.05:
        said.append(f"the file says {nominal:g} Hz, its clock {rate:.4g} Hz; the clock was believed")
    return tuple(said)
