"""What a page may say, checked before anybody acts on it."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Final

LONGEST_BYTES: Final = 1024
"""Of one message of a page: a note of 200 letters at 4 bytes, and what surrounds it."""

LONGEST_NOTE: Final = 200
LONGEST_AGO_S: Final = 86400.0
"""A page that was cut off says later what was pressed up to so long ago."""

VERDICTS: Final = ("real", "false", "painful")
SURFACES: Final = ("path", "grass", "forest", "rock", "scree", "snow", "mud", "asphalt")
ASKED: Final = ("pause", "resume", "skip", "again")
"""What a page may ask of a coach, each with the number of the step that it showed."""

_IDENTITY: Final = re.compile(r"[0-9a-zA-Z-]{1,36}")


@dataclass(frozen=True, kw_only=True)
class Word:
    """One thing a page said: `mark` | `undo` | `verdict` | `setup` | `practice` | `stop`.

    `identity` is the page's own name for it, so that what is said twice counts once; `text`: of a marker, the
    identity of the one to undo, the verdict, `begin` / `skip`, or one of `ASKED`; `number` of the roll, or of the
    step of a routine; `ago_s`: how long ago it was pressed.
    """

    kind: str
    identity: str
    text: str = ""
    number: int = 0
    ago_s: float = 0.0


def read_word(message: str | bytes) -> Word | None:
    """The word in a message of a page; None when it is none.

    Parameters
    ----------
    message : str or bytes, JSON

    Returns
    -------
    Word or None

    Examples
    --------
    >>> read_word('{"c": "mark", "id": "a1", "kind": "pain", "value": 4}')
    Word(kind='mark', identity='a1', text='pain 4', number=0, ago_s=0.0)
    >>> read_word("junk") is None
    True
    """
    if len(message) > LONGEST_BYTES:
        return None
    try:
        said = json.loads(message)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or not isinstance(said.get("c"), str):
        return None
    identity, ago = said.get("id"), said.get("ago", 0.0)
    if not isinstance(identity, str) or not _IDENTITY.fullmatch(identity):
        return None
    if not _is_number(ago) or not 0.0 <= ago <= LONGEST_AGO_S:
        return None
    read = _READERS.get(said["c"])
    found = read(said) if read else None
    if found is None:
        return None
    text, number = found
    return Word(kind=said["c"], identity=identity, text=text, number=number, ago_s=float(ago))


def _mark(said: dict[str, Any]) -> tuple[str, int] | None:
    kind, value = said.get("kind"), said.get("value")
    if kind == "stumble":
        return "stumble", 0
    if kind == "pain" and isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10:
        return f"pain {value}", 0
    if kind == "surface" and isinstance(value, str) and value in SURFACES:
        return f"surface {value}", 0
    if kind == "note" and isinstance(value, str):
        text = " ".join("".join(c if c.isprintable() else " " for c in value).split())
        return (text, 0) if 0 < len(text) <= LONGEST_NOTE else None
    return None


def _undo(said: dict[str, Any]) -> tuple[str, int] | None:
    of = said.get("of")
    return (of, 0) if isinstance(of, str) and _IDENTITY.fullmatch(of) else None


def _verdict(said: dict[str, Any]) -> tuple[str, int] | None:
    verdict, number = said.get("verdict"), said.get("roll")
    is_one = isinstance(verdict, str) and verdict in VERDICTS
    if not is_one or not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 10**6:
        return None
    return str(verdict), number


def _setup(said: dict[str, Any]) -> tuple[str, int] | None:
    do = said.get("do")
    return (str(do), 0) if do in ("begin", "skip") else None


def _practice(said: dict[str, Any]) -> tuple[str, int] | None:
    do, step = said.get("do"), said.get("step")
    if not isinstance(do, str) or do not in ASKED:
        return None
    if not isinstance(step, int) or isinstance(step, bool) or not 0 < step < 10**4:
        return None
    return do, step


def _stop(said: dict[str, Any]) -> tuple[str, int]:
    return "", 0


_READERS: Final = {
    "mark": _mark,
    "undo": _undo,
    "verdict": _verdict,
    "setup": _setup,
    "practice": _practice,
    "stop": _stop,
}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
