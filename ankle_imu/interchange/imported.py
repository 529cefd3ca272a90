"""What every importer gives: one sensor's series with everything the file said about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ankle_imu.values import ImuSeries, Loss, Marker, SensorInfo


@dataclass(frozen=True, kw_only=True, eq=False)
class Imported:
    """One sensor's stream out of a vendor's file.

    Parameters
    ----------
    series : ImuSeries, time 0 at the first sample; received values unchanged but for their unit
    sensor : SensorInfo, as far as the file tells
    loss : Loss, found from the file's clock or counter
    format : str, name of the importer
    version : int, of the importer; changes when it would read the same file differently
    acc_unit, gyr_unit : str, units of the file's numbers, keys of `units.ACC_UNITS` and `units.GYR_UNITS`
    started_utc : str, ISO 8601 UTC of time 0 with milliseconds, "" where the file does not tell
    started_local : str, the same by a clock in a zone that is not told, `2026-08-28 09:51:44.000`
    clock_start_s : float, s, what the file's own clock reads at time 0, NaN where it has none
    markers : tuple of Marker, seconds from time 0
    notes : tuple of str, what was understood, for the person who imports
    files : tuple of Path, all that was read where that is more than the one file that was named
    """

    series: ImuSeries
    sensor: SensorInfo
    loss: Loss
    format: str
    version: int
    acc_unit: str
    gyr_unit: str
    started_utc: str = ""
    started_local: str = ""
    clock_start_s: float = float("nan")
    markers: tuple[Marker, ...] = ()
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()


def utc_text(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, e.g. `2026-08-28T07:51:44.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def local_text(moment: datetime) -> str:
    """Date and time of day with milliseconds, whatever zone the clock was in."""
    return (moment.replace(tzinfo=None) + timedelta(microseconds=500)).isoformat(sep=" ", timespec="milliseconds")


def utc_text_from_epoch(seconds: float) -> str:
    """`utc_text` of seconds since 1970-01-01 UTC."""
    return utc_text(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
