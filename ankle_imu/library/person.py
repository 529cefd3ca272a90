"""`person.toml` beside the sessions of a person: here the own limits of a roll."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ankle_imu import tables
from ankle_imu.durable import write_whole
from ankle_imu.errors import CorruptRecording, StorageError
from ankle_imu.library.derived import load_events
from ankle_imu.library.folders import list_sessions
from ankle_imu.library.reviews import FILE as REVIEWS
from ankle_imu.library.reviews import read_reviews
from ankle_imu.metrics.own_limits import HIGHEST, LOWEST, own_limits
from ankle_imu.metrics.reviews import reviewed_events
from ankle_imu.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

FILE: Final = "person.toml"
_LIMITS: Final = "own_roll_limits"
_HEADER: Final = re.compile(rf"^[ \t]*\[[ \t]*{_LIMITS}[ \t]*\][^\n]*\n?", re.MULTILINE)
_ANY_HEADER: Final = re.compile(r"^[ \t]*\[", re.MULTILINE)
_VALUE: Final = re.compile(r"^[ \t]*(?:roll_deg|roll_dps)[ \t]*=[^\n]*\n?", re.MULTILINE)


def person_file(session_folder: str | Path) -> Path | None:
    """Path of the person's file of a session that lies in a library, None elsewhere; it need not exist."""
    parents = Path(session_folder).resolve().parents
    return parents[1] / FILE if len(parents) > 3 and parents[2].name == "people" else None


def own_settings(session_folder: str | Path) -> Settings:
    """Settings for a session: the defaults, with the person's own limits of a roll where there are some.

    Raises
    ------
    CorruptRecording
        If `person.toml` cannot be understood, or a limit lies outside its bounds.
    StorageError
        If it cannot be read.
    """
    path = person_file(session_folder)
    limits = _read(path).get(_LIMITS, {}) if path else {}
    if not limits:
        return Settings()
    values: dict[str, float] = {}
    for name, low, high in zip(("roll_deg", "roll_dps"), LOWEST, HIGHEST, strict=True):
        value = limits.get(name, getattr(Settings(), name)) if isinstance(limits, dict) else None
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise CorruptRecording(
                f"{path}: {name} in [{_LIMITS}] is {value!r}; expected {low:g} to {high:g}.", path=str(path)
            )
        values[name] = float(value)
    return replace(Settings(), **values)


def learn_limits(session_folder: str | Path) -> Settings | None:
    """Own limits from the answers about all sessions of the person, written to `person.toml`.

    Parameters
    ----------
    session_folder : str or Path of one of the person's sessions

    Returns
    -------
    Settings with the new limits; None where they are as before, or the session lies in no library

    Notes
    -----
    They hold from the next analysis on, and are learned from the events as they were when they were answered:
    raised limits make rejected rolls vanish, and would otherwise fall back. Of the file only the lines of the two
    limits are rewritten; limits equal to the defaults are not written.

    Raises
    ------
    CorruptRecording, StorageError
        As `own_settings`, if an answer or a result cannot be read, or if the limits are written in another way
        than as a table `[own_roll_limits]`.
    """
    import pandas as pd

    path = person_file(session_folder)
    if path is None:
        return None
    before = own_settings(session_folder)
    root, alias = path.parents[2], path.parent.name
    answered = [e.path for e in list_sessions(root, alias) if (e.path / REVIEWS).exists()]
    if not answered:
        return None
    events = pd.concat([_reviewed(folder) for folder in answered], ignore_index=True)
    deg, dps = (round(x, 1) for x in own_limits(events))
    after = replace(Settings(), roll_deg=deg, roll_dps=dps)
    if after == before:
        return None
    _write_limits(path, {} if after == Settings() else {"roll_deg": deg, "roll_dps": dps})
    return after


def _write_limits(path: Path, limits: dict[str, float]) -> None:
    """Put the limits into the file in place of those there; without any, they are taken out."""
    expected = _read(path)
    other = {k: v for k, v in expected.pop(_LIMITS, {}).items() if k not in ("roll_deg", "roll_dps")}
    if other or limits:
        expected[_LIMITS] = {**other, **limits}
    text = _rewritten(path.read_text(encoding="utf-8") if path.exists() else "", limits)
    try:
        is_as_meant = tomllib.loads(text) == expected
    except tomllib.TOMLDecodeError:
        is_as_meant = False
    if not is_as_meant:
        raise CorruptRecording(
            f"{path}: the own limits of a roll are no table [{_LIMITS}] with plain lines roll_deg = ... and "
            "roll_dps = ..., so they were left as they are; write them so, and answer once more.",
            path=str(path),
        )
    write_whole(path, text.encode())


def _rewritten(text: str, limits: dict[str, float]) -> str:
    """The text of `person.toml` with other limits; comments and whatever else there is stay in their place."""
    lines = "".join(f"{name} = {value}\n" for name, value in limits.items())
    header = _HEADER.search(text)
    if header is None:
        return f"{text.rstrip()}\n\n[{_LIMITS}]\n{lines}".lstrip() if limits else text
    after = _ANY_HEADER.search(text, header.end())
    end = after.start() if after else len(text)
    rest = _VALUE.sub("", text[header.end() : end])
    is_empty = all(line.lstrip()[:1] in ("", "#") for line in rest.splitlines())
    head = "" if is_empty and not limits else header.group().rstrip("\n") + "\n" + lines
    return text[: header.start()] + head + rest + text[end:]


def _reviewed(session_folder: Path) -> pd.DataFrame:
    """The answered events of a session; the result is needed for answers of an older version only."""
    reviews = read_reviews(session_folder)
    found = None if all(r.kind for r in reviews) else load_events(session_folder)
    return reviewed_events(tables.make_table(tables.EVENTS, {}) if found is None else found, reviews)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StorageError(f"{path} could not be read: {error.strerror or error}.", path=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CorruptRecording(f"{path} is not a TOML file: {error}. Correct it.", path=str(path)) from error
