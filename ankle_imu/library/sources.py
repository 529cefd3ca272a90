"""What an analysis reads of a session and its library, in a form that tells whether it is still the same.

Clocks are not compared: a file is the same when size and time are as recorded, and where the time differs (copied,
touched), when its bytes have the recorded hash. So a copied library stays as it was, and a changed file shows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ankle_imu.durable import ASIDE
from ankle_imu.errors import RecordingError, StorageError
from ankle_imu.library.sensors import load_calibration
from ankle_imu.manifest import FILE_NAME, NOTES, from_toml, to_toml
from ankle_imu.metrics.pace import told_gait
from ankle_imu.values import SessionInfo

PATTERNS: Final = (
    "session.toml",
    "events.toml",
    "track.gpx",
    "track.fit",
    "raw/part-*.mcap",
    "raw/damaged/part-*.mcap",
)
"""Files of a session folder that an analysis reads or, below `raw/damaged/`, speaks of."""

CALIBRATION: Final = "calibration/"
"""Start of the name of a calibration among the sources; the serial number follows."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """One thing that an analysis reads.

    Parameters
    ----------
    size : int, bytes
    modified_us : int, µs since 1970, when it was last written; None where that is not known
    digest : function that gives the SHA-256 of what is read of it; called only where size and time do not decide
    is_whole : bool, all of it is read, so that another size is another content
    """

    size: int
    modified_us: int | None
    digest: Callable[[], str]
    is_whole: bool = True


def file_sources(session_folder: str | Path) -> dict[str, Source]:
    """The files among the sources of a session; of `session.toml` only what an analysis reads."""
    folder = Path(session_folder)
    found = sorted({path for pattern in PATTERNS for path in folder.glob(pattern) if path.is_file()})
    return {path.relative_to(folder).as_posix(): _file(path) for path in found if not path.name.startswith(ASIDE)}


def calibration_sources(session_folder: str | Path, serials: Iterable[str]) -> dict[str, Source]:
    """The calibrations that the session's library keeps of its sensors; none outside of a library."""
    above = Path(session_folder).resolve().parents
    if len(above) < 4 or above[2].name != "people":
        return {}
    known = {serial: _calibration(above[3], serial) for serial in serials if serial}
    return {f"{CALIBRATION}{serial}": _content(what) for serial, what in known.items() if what is not None}


def to_record(sources: Mapping[str, Source]) -> dict[str, dict[str, Any]]:
    """Plain values of sources, to be kept with the result that was made from them."""
    return {
        name: {"size": one.size, "modified_us": one.modified_us, "sha256": one.digest()}
        for name, one in sorted(sources.items())
    }


def is_same(recorded: Mapping[str, Mapping[str, Any]], sources: Mapping[str, Source]) -> bool:
    """Whether sources are those of a record, see `to_record`."""
    return set(recorded) == set(sources) and all(_is_one(recorded[name], one) for name, one in sources.items())


def _is_one(before: Mapping[str, Any], now: Source) -> bool:
    is_as_long = before.get("size") == now.size
    if now.is_whole and not is_as_long:
        return False
    is_untouched = is_as_long and now.modified_us is not None and before.get("modified_us") == now.modified_us
    return is_untouched or before.get("sha256") == now.digest()


def _file(path: Path) -> Source:
    state = path.stat()
    size, modified = state.st_size, state.st_mtime_ns // 1000
    if path.name == FILE_NAME:
        return Source(size=size, modified_us=modified, digest=lambda: _hash_of_info(path), is_whole=False)
    return Source(size=size, modified_us=modified, digest=lambda: _hash(path))


def _hash_of_info(path: Path) -> str:
    """SHA-256 of what an analysis reads of `session.toml`, no notes, no comments; of all where it is none."""
    try:
        info = from_toml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, RecordingError):
        return _hash(path)
    blank = {name: getattr(SessionInfo(), name) for name in NOTES}
    text = to_toml(replace(info, **{**blank, "tags": (told_gait(info.tags),)}))
    return hashlib.sha256(text.encode()).hexdigest()


def _calibration(root: Path, serial: str) -> Any:
    try:
        return load_calibration(root, serial)
    except (RecordingError, StorageError) as error:  # the analysis goes on without it, and says so
        return type(error).__name__


def _content(what: Any) -> Source:
    text = json.dumps(what, sort_keys=True).encode()
    return Source(size=len(text), modified_us=None, digest=lambda: hashlib.sha256(text).hexdigest())


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
