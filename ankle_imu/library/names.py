"""Names of people, kept apart from everything else: `names.toml` beside the config, for its owner's eyes only.

Nothing that leaves the computer holds a name unless it was asked for: sessions, reports, exports and backups know
aliases.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from ankle_imu.errors import CorruptRecording, StorageError
from ankle_imu.library.config import config_path

_OWN: Final = 0o600


def names_path() -> Path:
    """File of the names; it need not exist."""
    return config_path().with_name("names.toml")


def load_names() -> dict[str, str]:
    """Alias -> name of all people who have one; what writes names is not loaded for it, a list shows them.

    Raises
    ------
    CorruptRecording
        If the file cannot be understood.
    StorageError
        If it cannot be read.
    """
    path = names_path()
    data = _bytes(path)
    return parse_names(data, str(path)) if data else {}


def parse_names(data: bytes, path: str) -> dict[str, str]:
    """Read the text of a file of names; raises `CorruptRecording`, which names `path`."""
    import tomllib

    from ankle_imu.manifest import check_alias

    try:
        content = tomllib.loads(data.decode())
        return {check_alias(alias): _text(name) for alias, name in content.items()}
    except (ValueError, TypeError) as error:
        raise CorruptRecording(f"{path} holds no names: {error}. Correct it.", path=path) from error


def save_name(alias: str, name: str) -> Path | None:
    """Give an alias a name; an empty one takes it away.

    Parameters
    ----------
    alias : str
    name : str, on one line

    Returns
    -------
    Path
        The file, readable for its owner only; None when there is nothing to keep and none was there.

    Raises
    ------
    ValueError
        If the alias is none, or the name holds characters that no name has.
    CorruptRecording, StorageError
        As `load_names`, or if the disk refuses.
    """
    from ankle_imu.manifest import check_alias

    check_alias(alias)
    name = name.strip()
    if not name.isprintable():
        raise ValueError(f"{name!r} cannot be a name: it holds characters that cannot be shown.")
    names = load_names()
    if names.get(alias, "") == name:
        return _tighten(names_path()) if names_path().exists() else None
    names[alias] = name
    return write_names({a: n for a, n in names.items() if n})


def write_names(names: dict[str, str]) -> Path:
    """Write all names in place of those there; raises `StorageError`."""
    from ankle_imu.durable import write_whole
    from ankle_imu.manifest import quoted

    lines = ["# Names of people; ankle-imu shows them in the terminal only.\n"]
    lines += [f"{quoted(alias)} = {quoted(name)}\n" for alias, name in sorted(names.items())]
    return write_whole(names_path(), "".join(lines).encode(), mode=_OWN)


def display_name(alias: str) -> str:
    """What to call a person in the terminal: `P-kqzt (Ana)`, or the alias alone where there is no name."""
    return display_names().get(alias, alias)


def display_names() -> dict[str, str]:
    """Alias -> `P-kqzt (Ana)` of all people who have a name.

    Names that cannot be read are no reason to show nothing: then there are none.
    """
    try:
        return {alias: f"{alias} ({name})" for alias, name in load_names().items()}
    except (CorruptRecording, StorageError):
        return {}


def open_to_others(path: Path) -> str:
    """Permissions of a file or folder in digits, such as `644`, where people other than its owner may read it.

    "" where they may not, where there is no such file, and on Windows, whose permissions are of another kind.
    """
    if os.name == "nt":
        return ""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return ""
    return f"{mode:o}" if mode & 0o077 else ""


def place_key() -> bytes:
    """Secret of this user that fixes what is cut round each place, see `terrain.privacy`; the first call makes it.

    Raises
    ------
    StorageError
        If it cannot be read or kept.
    """
    import secrets

    from ankle_imu.durable import write_whole

    path = config_path().with_name("places.key")
    key = _bytes(path).strip()
    if not key:
        key = secrets.token_hex(32).encode()
        write_whole(path, key + b"\n", mode=_OWN)
    return key[:64]


def _tighten(path: Path) -> Path:
    if open_to_others(path):
        try:
            path.chmod(_OWN)
        except OSError as error:
            raise StorageError(f"{path} is readable for others: {error.strerror}.", path=str(path)) from error
    return path


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise StorageError(f"{path} could not be read: {error.strerror or error}.", path=str(path)) from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no name; expected text in quotes")
    return value
