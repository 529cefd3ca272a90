"""What the person said of the events of a session: `events.toml` in its folder, made to be edited."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ankle_imu import manifest
from ankle_imu.durable import write_whole
from ankle_imu.errors import CorruptRecording, RecordingError, StorageError, UnknownFormatVersion
from ankle_imu.metrics.reviews import WITHIN_S
from ankle_imu.values import EventReview

FILE: Final = "events.toml"
FORMAT_VERSION: Final = 1
_HEAD: Final = """\
# Your answers about the events of this walk. A new analysis keeps them: an answer belongs to the event of its leg
# within 1 s of time_s (seconds from the start). verdict: none, real, false or painful.
"""


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
    near = [r for r in read_reviews(folder) if r.leg == review.leg and abs(r.time_s - review.time_s) <= WITHIN_S]
    before = min(near, key=lambda r: abs(r.time_s - review.time_s), default=None)
    kept = [r for r in read_reviews(folder) if r != before]
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
        return EventReview(leg=row.get("leg", ""), time_s=float(time_s), verdict=verdict, note=note)
    except (KeyError, TypeError, ValueError) as error:
        said = f"an event has no {error}" if isinstance(error, KeyError) else str(error).rstrip(".")
        raise CorruptRecording(f"{path}: {said}. Correct or remove it.", path=str(path)) from error


def _to_toml(reviews: Sequence[EventReview]) -> str:
    lines = [_HEAD + f"format_version = {FORMAT_VERSION}"]
    for r in sorted(reviews, key=lambda r: (r.time_s, r.leg)):
        lines += ["", "[[event]]", f"time_s = {r.time_s:.3f}", f"leg = {manifest.quoted(r.leg)}"]
        lines += [f"verdict = {manifest.quoted(r.verdict)}", f"note = {manifest.quoted(r.note)}"]
    return "\n".join(lines) + "\n"
