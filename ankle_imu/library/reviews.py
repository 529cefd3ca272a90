"""What the person said of the events of a session: `events.toml` in its folder, made to be edited."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from ankle_imu import manifest
from ankle_imu.durable import write_whole
from ankle_imu.errors import CorruptRecording, RecordingError, StorageError, UnknownFormatVersion
from ankle_imu.metrics.recovery import ROLLS
from ankle_imu.metrics.reviews import WITHIN_S
from ankle_imu.values import EventReview

FILE: Final = "events.toml"
FORMAT_VERSION: Final = 1
_HEAD: Final = """\
# Your answers about the events of this walk. A new analysis keeps them: an answer belongs to the event of its leg
# within 1 s of time_s (seconds from the start). verdict: none, real, false or painful. kind to angle_source are
# the event as it was found then; your own limits of a roll are learned from them.
"""
_FIGURES: Final = ("kind", "peak_deg", "peak_dps", "angle_source")


def read_reviews(session_folder: str | Path) -> tuple[EventReview, ...]:
    """Answers kept in a session folder, in order of time; none without the file.

    Raises
    ------
    CorruptRecording
        If the file is no TOML, or an answer in it is none.
    UnknownFormatVersion
        If a newer version of the package wrote it.
    StorageError
        If it cannot be read.
    """
    path = Path(session_folder) / FILE
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        raise StorageError(f"{path} could not be read: {error.strerror or error}.", path=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CorruptRecording(
            f"{path} is not a TOML file: {error}. Correct or remove it.", path=str(path)
        ) from error
    version = content.get("format_version", FORMAT_VERSION)
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise UnknownFormatVersion(
            f"{path} was written by a newer version of ankle-imu; update it.", path=str(path)
        )
    rows = content.get("event", [])
    if not isinstance(rows, list):
        raise CorruptRecording(f"{path}: expected [[event]] tables. Correct or remove them.", path=str(path))
    return tuple(sorted((_review(row, path) for row in rows), key=lambda r: (r.time_s, r.leg)))


def save_review(session_folder: str | Path, review: EventReview) -> Path:
    """Keep one answer, in place of an earlier one about the same event; the file is whole or as before.

    The event it was about stays a roll once it was answered as one: limits that were raised since may call it a
    wobble, and would otherwise unlearn what raised them.

    Raises
    ------
    RecordingError
        If `session_folder` is no folder, or the file that is there cannot be understood.
    StorageError
        If the disk refuses.
    """
    folder = Path(session_folder)
    if not folder.is_dir():
        raise RecordingError(f"{folder} is no session folder; answers are kept in one.", path=str(folder))
    known = read_reviews(folder)
    near = [r for r in known if r.leg == review.leg and abs(r.time_s - review.time_s) <= WITHIN_S]
    before = min(near, key=lambda r: abs(r.time_s - review.time_s), default=None)
    if before is not None and review.kind not in ROLLS and (before.kind in ROLLS or not review.kind):
        review = replace(review, **{name: getattr(before, name) for name in _FIGURES})
    kept = [r for r in known if r is not before]
    return write_whole(folder / FILE, _to_toml([*kept, review]).encode())


def _review(row: Any, path: Path) -> EventReview:
    try:
        if not isinstance(row, dict):
            raise TypeError("an [[event]] is no table")
        time_s, verdict, note = row["time_s"], row.get("verdict", "none"), row.get("note", "")
        if isinstance(time_s, bool) or not isinstance(time_s, int | float):
            raise TypeError(f"time_s is {time_s!r}; expected seconds")
        if not (isinstance(note, str) and isinstance(verdict, str)):
            raise TypeError("verdict and note are text in quotes")
        return EventReview(
            leg=row.get("leg", ""), time_s=float(time_s), verdict=verdict, note=note, **_figures(row)
        )
    except (KeyError, TypeError, ValueError) as error:
        said = f"an event has no {error}" if isinstance(error, KeyError) else str(error).rstrip(".")
        raise CorruptRecording(f"{path}: {said}. Correct or remove it.", path=str(path)) from error


def _figures(row: dict[str, Any]) -> dict[str, Any]:
    """What the event was found to be, as far as the file says: older ones do not."""
    found: dict[str, Any] = {name: row[name] for name in _FIGURES if name in row}
    for name, value in found.items():
        if name.startswith("peak_"):
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise TypeError(f"{name} is {value!r}; expected a number")
            found[name] = float(value)
        elif not isinstance(value, str):
            raise TypeError(f"{name} is {value!r}; expected text in quotes")
    return found


def _to_toml(reviews: Sequence[EventReview]) -> str:
    lines = [_HEAD + f"format_version = {FORMAT_VERSION}"]
    for r in sorted(reviews, key=lambda r: (r.time_s, r.leg)):
        lines += ["", "[[event]]", f"time_s = {r.time_s:.3f}", f"leg = {manifest.quoted(r.leg)}"]
        lines += [f"verdict = {manifest.quoted(r.verdict)}", f"note = {manifest.quoted(r.note)}"]
        kept = {name: getattr(r, name) for name in _FIGURES if getattr(r, name) not in ("", None)}
        lines += [f"{n} = {manifest.quoted(v) if isinstance(v, str) else f'{v:.2f}'}" for n, v in kept.items()]
    return "\n".join(lines) + "\n"
