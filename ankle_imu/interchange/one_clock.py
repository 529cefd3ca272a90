"""Files of several sensors of one walk on one clock, by the times that they state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ankle_imu.errors import RecordingError
from ankle_imu.interchange.imported import Imported
from ankle_imu.manifest import format_utc, parse_utc
from ankle_imu.values import ImuSeries, Recording, SessionInfo


def join_parts(parts: Sequence[Imported], names: Sequence[str] = ()) -> tuple[Recording, tuple[str, ...]]:
    """One recording of the files of several sensors.

    Parameters
    ----------
    parts : sequence of Imported, one for each sensor, each of another placement
    names : what the files are called in sentences; their placements when left out

    Returns
    -------
    recording : Recording
        Its times count from the start of the earliest file, which is its `session.started_utc` where it is known.
    remarks : tuple of str
        What had to be supposed, a sentence each.

    Raises
    ------
    ValueError
        If there are no parts, or two of one placement.
    RecordingError
        If one begins when another has ended.

    Notes
    -----
    Files that all state their start are placed by it. Where one does not, their own time columns decide if they
    overlap; else all are taken to begin together.
    """
    placements = [part.sensor.placement for part in parts]
    if not parts or len(set(placements)) < len(parts):
        told = ", ".join(placements) or "none"
        raise ValueError(f"Expected one file for each placement; found {told}.")
    names = names or placements
    starts = [parse_utc(part.started_utc) if part.started_utc else None for part in parts]
    shifts, origin, remarks = _place(parts, names, starts)
    _check_overlap(parts, shifts, names)
    recording = Recording(
        series={p: _shifted(part.series, s) for p, part, s in zip(placements, parts, shifts, strict=True)},
        loss={part.sensor.placement: part.loss for part in parts},
        markers=tuple(
            replace(m, time_s=m.time_s + s) for part, s in zip(parts, shifts, strict=True) for m in part.markers
        ),
        session=SessionInfo(
            started_utc=format_utc(origin) if origin else "",
            sensors={part.sensor.placement: part.sensor for part in parts},
            importer=", ".join(dict.fromkeys(f"{part.format} {part.version}" for part in parts)),
        ),
    )
    return recording, remarks


def _place(
    parts: Sequence[Imported], names: Sequence[str], starts: Sequence[datetime | None]
) -> tuple[list[float], datetime | None, tuple[str, ...]]:
    """When each file begins, s after the earliest; when that was, None if none says; what was supposed."""
    known = [start for start in starts if start is not None]
    origin = min(known, default=None)
    if origin is not None and len(known) == len(parts):
        return [(start - origin).total_seconds() for start in known], origin, ()
    if len(parts) == 1:
        return [0.0], origin, ()
    shifts, word = _clock_shifts(parts)
    silent = [name for name, start in zip(names, starts, strict=True) if start is None]
    verb = "does not say when it" if len(silent) == 1 else "do not say when they"
    if origin is not None:
        origin = min(
            start - timedelta(seconds=shift) for start, shift in zip(starts, shifts, strict=True) if start
        )
    return shifts, origin, (f"{' and '.join(silent)} {verb} began; all files are taken to {word}.",)


def _clock_shifts(parts: Sequence[Imported]) -> tuple[list[float], str]:
    """When each file begins by the clock they share, or all at once where their clocks do not overlap."""
    starts = [part.clock_start_s for part in parts]
    shifts = [start - min(starts) for start in starts]
    if max(shifts) < min(part.series.duration + shift for part, shift in zip(parts, shifts, strict=True)):
        return shifts, "share the clock in their time columns"
    return [0.0] * len(parts), "begin together"


def _check_overlap(parts: Sequence[Imported], shifts: Sequence[float], names: Sequence[str]) -> None:
    ends = [shift + part.series.duration for part, shift in zip(parts, shifts, strict=True)]
    if max(shifts) < min(ends):
        return
    early, late = names[ends.index(min(ends))], names[shifts.index(max(shifts))]
    raise RecordingError(
        f"{late} begins after {early} has ended, so they are not one walk; import them one by one.", path=late
    )


def _shifted(series: ImuSeries, shift: float) -> ImuSeries:
    return replace(series, time=series.time + shift) if shift else series
