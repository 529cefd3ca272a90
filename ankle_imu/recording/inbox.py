"""Words that another program leaves for a recording in progress: one small file each, in a folder of the session.

A file is whole or not there, so that neither side waits for the other, and a word outlives the program that left
it. Until a word is due it can be taken back.
"""

from __future__ import annotations

import json
import math
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ankle_imu.durable import ASIDE, write_whole

NAME: Final = ".marks"
"""The folder, in the session folder; the recorder removes it at its end."""

LONGEST: Final = 200
"""Letters of a word, as on the page."""
MOST: Final = 64
"""Words taken at one look: who floods the folder does not hold up the recorder."""
_MOST_BYTES: Final = 4096
_FILE: Final = re.compile(r"[0-9a-zA-Z-]{1,80}\.json")


@dataclass(frozen=True, kw_only=True)
class Left:
    """A word that was left: `time_s` s after session start, or NaN and `said` on `time.monotonic`'s clock.

    `utc_ns` is when it was said by the wall clock, ns since 1970 UTC, for who reads it after a restart of the
    computer; 0 where that is not known.
    """

    text: str
    leg: str
    time_s: float
    said: float
    utc_ns: int = 0


def leave(
    folder: Path,
    name: str,
    text: str,
    *,
    leg: str = "",
    time_s: float = math.nan,
    ago_s: float = 0.0,
    keep_s: float = 0.0,
) -> None:
    """Leave a word for the recorder of a session.

    Parameters
    ----------
    folder : Path of the session
    name : str, letters, digits and `-`, one for each word
    text, leg : str
    time_s : float, s after session start; NaN: now, less `ago_s`
    ago_s : float, s since it was said
    keep_s : float, s for which it can be taken back

    Raises
    ------
    StorageError
        If the disk refuses.

    Notes
    -----
    Both programs go by the computer's monotonic clock: the wall clock may be set meanwhile. It is noted too, since
    nothing else outlives a power cut.
    """
    now = time.monotonic()
    utc_ns = time.time_ns() - round(1e9 * ago_s)
    content = {"text": text, "leg": leg, "said": now - ago_s, "due": now + keep_s, "utc_ns": utc_ns}
    if math.isfinite(time_s):
        content["time_s"] = time_s
    write_whole(folder / NAME / f"{name}.json", json.dumps(content).encode(), mode=0o600)


def take_back(folder: Path, name: str) -> bool:
    """Take a word back; False when the recorder has it already."""
    try:
        (folder / NAME / f"{name}.json").unlink()
    except OSError:
        return False
    return True


class Inbox:
    """The recorder's end.

    Parameters
    ----------
    folder : Path of the session

    Notes
    -----
    The file of a word goes at the look after the one that gave it, when the recorder has written it down.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / NAME
        self._given: list[Path] = []
        self._stuck: set[Path] = set()

    def take(self, *, everything: bool = False, most: int | None = MOST) -> list[Left]:
        """Words that are due, or all there are, `most` at a time; what is none is removed."""
        self._remove_given()
        try:
            paths = sorted(
                path for path in self._folder.iterdir() if _FILE.fullmatch(path.name) and path.is_file()
            )
        except OSError:
            return []
        found, now = [], time.monotonic()
        for path in [path for path in paths if path not in self._stuck][:most]:
            content = _read(path)
            if content is not None and not everything and now < content[1] <= now + 3600.0:
                continue
            self._given.append(path)
            if content is not None:
                found.append(content[0])
        return sorted(found, key=lambda left: left.said)

    def close(self) -> None:
        """Remove what was given and the folder; what was left too late stays there."""
        self._remove_given()
        with suppress(OSError):
            for path in self._folder.glob(f"{ASIDE}*"):
                path.unlink()
            self._folder.rmdir()

    def _remove_given(self) -> None:
        for path in self._given:
            try:
                path.unlink(missing_ok=True)
            except OSError:
                self._stuck.add(path)  # not again and again
        self._given.clear()


def _read(path: Path) -> tuple[Left, float] | None:
    """A word and when it is due; None when the file holds none."""
    try:
        with path.open("rb") as file:
            said = json.loads(file.read(_MOST_BYTES))
        text = " ".join("".join(c if c.isprintable() else " " for c in str(said["text"])).split())
        numbers = [float(said.get("time_s", math.nan)), float(said["said"]), float(said["due"])]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if not 0 < len(text) <= LONGEST or not all(math.isfinite(x) for x in numbers[1:]):
        return None
    leg: Any = said.get("leg", "")
    leg = leg if leg in ("left", "right") else ""
    utc_ns = said.get("utc_ns")
    utc_ns = utc_ns if isinstance(utc_ns, int) else 0
    return Left(text=text, leg=leg, time_s=numbers[0], said=numbers[1], utc_ns=utc_ns), numbers[2]
