"""The tags of a session, changed in its `session.toml` without touching the rest of what a person wrote there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ankle_imu.durable import write_whole
from ankle_imu.errors import CorruptRecording
from ankle_imu.library.cards import read_info
from ankle_imu.manifest import FILE_NAME, from_toml, quoted
from ankle_imu.values import SessionInfo

_HEADER: Final = re.compile(r"^[ \t]*\[", re.MULTILINE)


def change_tags(
    session_folder: str | Path, add: Sequence[str] = (), remove: Sequence[str] = ()
) -> tuple[str, ...]:
    """Add and remove tags of a session.

    Parameters
    ----------
    session_folder : str or Path
    add : words; one that is there already stays where it is
    remove : words; capitals make no difference

    Returns
    -------
    tuple of str
        The tags as they are now. Where nothing changes, the file is not written.

    Raises
    ------
    ValueError
        If a tag is empty, has more than one line, or is to be added and removed.
    CorruptRecording, StorageError
        If `session.toml` is missing, cannot be understood, or cannot be written.
    """
    folder = Path(session_folder)
    wanted, unwanted = [_check(word) for word in add], {_check(word).casefold() for word in remove}
    both = [word for word in wanted if word.casefold() in unwanted]
    if both:
        raise ValueError(f"The tag {both[0]!r} cannot be both added and removed.")
    before = noted(folder).tags
    kept = [tag for tag in before if tag.casefold() not in unwanted]
    for word in wanted:
        if word.casefold() not in (tag.casefold() for tag in kept):
            kept.append(word)
    if tuple(kept) != before:
        set_value(folder, "tags", f"[{', '.join(map(quoted, kept))}]")
    return tuple(kept)


def noted(session_folder: Path) -> SessionInfo:
    """Content of `session.toml`; `CorruptRecording` where it is missing or cannot be understood."""
    info, problem = read_info(session_folder)
    if problem:
        raise CorruptRecording(problem, path=str(session_folder / FILE_NAME))
    return info


def set_value(session_folder: Path, name: str, value: str) -> None:
    """Write one top-level value of `session.toml`, given as TOML; comments and all else stay in their place.

    Raises
    ------
    CorruptRecording
        If the value stands where it cannot be replaced alone; the file is left as it was.
    StorageError
        If the disk refuses.
    """
    path = session_folder / FILE_NAME
    text = path.read_bytes().decode("utf-8")
    expected = {**tomllib.loads(text), **tomllib.loads(f"{name} = {value}")}
    changed = with_value(text, name, value)
    try:
        is_as_meant = tomllib.loads(changed) == expected
    except tomllib.TOMLDecodeError:
        is_as_meant = False
    if not is_as_meant:
        raise CorruptRecording(
            f"{path}: `{name}` is no plain line `{name} = ...` before the first table, so it was left as it is; "
            "edit it by hand.",
            path=str(path),
        )
    from_toml(changed, str(path))
    write_whole(path, changed.encode())


def with_value(text: str, name: str, value: str) -> str:
    """The text with another value of `name`; where it has none, with a line before the first table."""
    header = _HEADER.search(text)
    at = header.start() if header else len(text)
    line = re.compile(rf"^[ \t]*{name}[ \t]*=", re.MULTILINE).search(text, 0, at)
    end = _end_of_value(text, line.start()) if line else 0
    if line and end:
        return f"{text[: line.start()]}{name} = {value}{text[end:]}"
    before = text[:at] if not text[:at] or text[:at].endswith("\n") else text[:at] + "\n"
    return f"{before}{name} = {value}\n{text[at:]}"


def _end_of_value(text: str, start: int) -> int:
    """Where the value ends whose line begins at `start`: the shortest piece that is TOML; 0 when there is none."""
    for end in (m.end() for m in re.compile(r"[\]\"']").finditer(text, start)):
        try:
            tomllib.loads(text[start:end])
        except tomllib.TOMLDecodeError:
            continue
        return end
    return 0


def _check(word: str) -> str:
    if not word.strip() or len(word.splitlines()) > 1:
        raise ValueError(f"{word!r} cannot be a tag; expected one line of text, for example physio.")
    return word.strip()
