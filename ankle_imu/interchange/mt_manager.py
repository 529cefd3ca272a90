"""Text that Xsens MT Manager exports from MTi and MTw sensors, in the variants its settings allow.

Lines that begin with `//` say what sensor it was; then a header `PacketCounter SampleTimeFine ... Acc_X ... Gyr_X`
and rows separated by tab, comma or semicolon; what was not recorded is `NaN` or an empty cell. acc is in m/s^2
with gravity, gyr in rad/s, sensor frame. `SampleTimeFine` counts 0.1 ms in 32 bits, `PacketCounter` samples in 16;
with only the latter the rate must be told, unless the head says it.

References
----------
Xsens, MT Manager User Manual (MT0216P), export; MT Low-Level Communication Protocol (MT0101P), units and counters.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.errors import RecordingError
from ankle_imu.interchange.assembly import NotTold, assemble
from ankle_imu.interchange.imported import Imported
from ankle_imu.interchange.text_table import TextTable, parse_table, read_text, split_cells
from ankle_imu.values import SensorInfo

NAME: Final = "mt_manager"
VERSION: Final = 1

_ACC: Final = ("acc_x", "acc_y", "acc_z")
_GYR: Final = ("gyr_x", "gyr_y", "gyr_z")
_TICK_S: Final = 1e-4
_FINE_WRAP, _COUNT_WRAP = 2.0**32, 2.0**16
_RATE: Final = re.compile(r"(?:update|sample|output)\s*rate\s*:\s*(\d+(?:\.\d+)?)", re.IGNORECASE)


def recognises(text: str) -> bool:
    """Whether the text begins with `//` lines, and a header of PacketCounter follows."""
    return text.lstrip().startswith("//") and any(
        _is_header(split_cells(line)[1]) for line in text.splitlines()[:200]
    )


def read(path: Path, placement: str, *, rate: float = float("nan")) -> Imported:
    """Read an export of MT Manager.

    Parameters
    ----------
    path : Path
    placement : str, one of `frames.PLACEMENTS`
    rate : float, Hz, of the recording; needed where only the packet counter tells time

    Returns
    -------
    Imported, `sensor.serial` the device id

    Raises
    ------
    NotTold
        If neither the rows nor the head tell the rate, and `rate` does not.
    RecordingError
        If acceleration with gravity or angular rate was not exported.
    CorruptRecording
        As `text_table.parse_table` and `timeline.lay_out`.
    """
    frames.check_placement(placement)
    text = read_text(path)
    table = parse_table(text, str(path), _is_header)
    column = {name.lower(): name for name in reversed(table.names)}
    for words, names in (("acceleration with gravity", _ACC), ("angular rate", _GYR)):
        if not set(names) <= set(column):
            raise RecordingError(
                f"{path} holds no {words}; export again with 'Inertial data' (Acc and Gyr). "
                f"Columns seen: {', '.join(table.names)}.",
                path=str(path),
            )
    head = "\n".join(table.preamble)
    told = _RATE.search(head)
    nominal = float(told[1]) if told else rate
    time, clock = _clock(table, column, nominal, path)
    known = time[np.isfinite(time)]
    return assemble(
        time,
        table.vectors([column[name] for name in _ACC]),
        table.vectors([column[name] for name in _GYR]),
        sensor=SensorInfo(
            placement=placement,
            serial=_fact(head, "DeviceId"),
            model=_fact(head, "ProductCode") or "Xsens MT",
            protocol=NAME,
            firmware=_fact(head, "Firmware Version"),
            nominal_rate_hz=nominal,
        ),
        path=path,
        version=VERSION,
        acc_unit="m/s^2",
        gyr_unit="rad/s",
        malformed=table.malformed,
        clock_start_s=float(known[0]) if len(known) else float("nan"),
        notes=(f"acc in m/s^2 with gravity, gyr in rad/s, sensor frame; {clock}",),
    )


def _is_header(cells: list[str]) -> bool:
    return "packetcounter" in {cell.lower() for cell in cells}


def _fact(head: str, name: str) -> str:
    found = re.search(rf"^//\s*{name}:\s*(.+)$", head, re.MULTILINE)
    return found[1].strip() if found else ""


def _clock(table: TextTable, column: dict[str, str], rate: float, path: Path) -> tuple[NDArray[np.float64], str]:
    """Seconds of each row and which clock they are from."""
    if "sampletimefine" in column:
        ticks = table.numbers(column["sampletimefine"])
        if np.isfinite(ticks).mean() > 0.5:
            return _unwrap(ticks, _FINE_WRAP) * _TICK_S, "time from SampleTimeFine"
    if not np.isfinite(rate):
        raise NotTold(
            f"{path}: SampleTimeFine is empty and no rate is named, so PacketCounter alone cannot tell time; "
            "say the rate in Hz (--rate).",
            option="rate",
            path=str(path),
        )
    return _unwrap(table.numbers(column["packetcounter"]), _COUNT_WRAP) / rate, f"PacketCounter at {rate:g} Hz"


def _unwrap(ticks: NDArray[np.float64], wrap: float) -> NDArray[np.float64]:
    out = ticks.copy()
    known = np.isfinite(out)
    out[known] = np.unwrap(out[known], period=wrap)
    return out
