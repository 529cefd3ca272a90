"""FIT, the format of sport watches: bytes -> points, by way of fitdecode; of a damaged file what came before."""

from __future__ import annotations

import io
import math
import warnings
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from ankle_imu.errors import CorruptRecording
from ankle_imu.terrain.points import Points

_DEGREES: Final = 180.0 / 2**31
"""One semicircle, the unit of positions in FIT (Garmin FIT profile, record message)."""


def read_fit(data: bytes, name: str) -> Points:
    """Read the records of a FIT file.

    Parameters
    ----------
    data : bytes of the file
    name : str, of the file, for words

    Raises
    ------
    CorruptRecording
        When nothing of it can be read.

    Notes
    -----
    A timer that was stopped and started again begins a new stretch.
    """
    import fitdecode

    rows: list[tuple[float, float, float, float, int]] = []
    maker, stretch = "", 0
    problems: tuple[str, ...] = ()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for frame in fitdecode.FitReader(io.BytesIO(data), check_crc=fitdecode.CrcCheck.DISABLED):
                if not isinstance(frame, fitdecode.FitDataMessage):
                    continue
                if frame.name == "file_id":
                    maker = str(frame.get_value("manufacturer", fallback="") or "")
                elif frame.name == "event" and frame.get_value("event", fallback="") == "timer":
                    stretch += frame.get_value("event_type", fallback="") == "start" and bool(rows)
                elif frame.name == "record":
                    rows.append((*_row(frame), stretch))
    except Exception as error:  # whatever the bytes make the library stumble over
        if not rows:
            raise CorruptRecording(f"{name} cannot be read as FIT: {_why(error)}.", path=name) from error
        problems = ("The file is cut off or damaged; what stands before the damage is used.",)
    is_damaged = bool(problems)
    columns = np.array(rows, dtype=float).reshape(-1, 5)
    if not rows:
        problems += ("The file has no records: it is no recorded activity.",)
    elif not np.isfinite(columns[:, 1]).any():
        problems += (f"None of its {len(rows)} records has a position: it was recorded indoors or without GPS.",)
    return Points(
        time=columns[:, 0],
        latitude=columns[:, 1] * _DEGREES,
        longitude=columns[:, 2] * _DEGREES,
        elevation=columns[:, 3],
        segment=columns[:, 4].astype(np.int64),
        source=", ".join(filter(None, ("FIT", maker))),
        problems=problems,
        is_damaged=is_damaged,
    )


def _row(frame: Any) -> tuple[float, float, float, float]:
    when = frame.get_value("timestamp", fallback=None)
    seconds = when.replace(tzinfo=when.tzinfo or UTC).timestamp() if isinstance(when, datetime) else math.nan
    height = _number(frame, "enhanced_altitude")
    return (
        seconds,
        _number(frame, "position_lat"),
        _number(frame, "position_long"),
        height if math.isfinite(height) else _number(frame, "altitude"),
    )


def _number(frame: Any, field: str) -> float:
    value = frame.get_value(field, fallback=None)
    return float(value) if isinstance(value, int | float) else math.nan


def _why(error: Exception) -> str:
    return str(error).strip().rstrip(".").splitlines()[0][:120] if str(error).strip() else type(error).__name__
