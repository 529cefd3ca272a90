"""`raw/SHA256SUMS`: what each raw file was when it was closed, in the format of the tool `sha256sum`.

`cd raw && sha256sum -c SHA256SUMS` checks a session without this package.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from ankle_imu.durable import ASIDE, write_whole
from ankle_imu.errors import StorageError

SUMS: Final = "SHA256SUMS"

_BLOCK: Final = 1 << 20
_LINE: Final = re.compile(r"(\\?)([0-9a-fA-F]{64}) [ *](.+)")
_ESCAPES: Final = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}

Read = Callable[[int], object]
"""Called with the number of bytes that were read since the last call."""


def raw_files(folder: Path) -> dict[str, Path]:
    """Raw files of a session folder in order of their names, which are relative to `raw/`; the sums are none."""
    raw = folder / "raw"
    paths = sorted(p for p in raw.rglob("*") if p.is_file() and p != raw / SUMS)
    names = {p.relative_to(raw).as_posix(): p for p in paths}
    return {name: path for name, path in names.items() if not _is_aside(name)}


def sha256_of(path: Path, read: Read | None = None) -> str:
    """SHA-256 of a file in hexadecimal digits.

    Raises
    ------
    StorageError
        If it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                if read:
                    read(len(block))
    except OSError as error:
        raise StorageError(f"{path} could not be read: {error.strerror or error}.", path=str(path)) from error
    return digest.hexdigest()


def parse_sums(data: bytes) -> tuple[dict[str, str], int]:
    """Read the lines of a list of sums.

    Parameters
    ----------
    data : bytes, lines of `<64 hexadecimal digits>  <name>`

    Returns
    -------
    sums : dict of name to SHA-256
    spoilt : int, lines that are none of that kind

    Examples
    --------
    >>> parse_sums(format_sums({"part-0001.mcap": "0" * 64}))[0] == {"part-0001.mcap": "0" * 64}
    True
    """
    sums: dict[str, str] = {}
    spoilt = 0
    for line in data.decode("utf-8", errors="surrogateescape").split("\n"):
        found = _LINE.fullmatch(line.removesuffix("\r"))
        if found:
            name = re.sub(r"\\([\\nr])", _unescape, found[3]) if found[1] else found[3]
            sums[name] = found[2].lower()
        elif line.strip():
            spoilt += 1
    return sums, spoilt


def format_sums(sums: Mapping[str, str]) -> bytes:
    """Lines of a list of sums, in the order of the mapping."""
    lines = []
    for name, digest in sums.items():
        escaped = re.sub(r"[\\\n\r]", lambda found: _ESCAPES[found[0]], name)
        lines.append(f"{'' if escaped == name else chr(92)}{digest}  {escaped}\n")
    return "".join(lines).encode("utf-8", errors="surrogateescape")


def read_sums(folder: Path) -> tuple[dict[str, str], int] | None:
    """Sums that a session folder has, see `parse_sums`; None without the file.

    Raises
    ------
    StorageError
        If the system does not let it be read.
    """
    path = folder / "raw" / SUMS
    try:
        return parse_sums(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"{path} could not be read: {error.strerror or error}.", path=str(path)) from error


def write_sums(
    folder: Path, coming: Mapping[str, bytes | None] = MappingProxyType({}), read: Read | None = None
) -> Path | None:
    """Add the raw files that have no sum yet to `raw/SHA256SUMS`.

    Parameters
    ----------
    folder : Path of a session folder that is not being written to
    coming : name -> what the file is about to become on purpose, None where it goes. The list comes first, so that
        whoever is killed between the two still finds the file as it was, and does it again
    read : called with the number of bytes read

    Returns
    -------
    Path
        The list; None where there is no raw file and no list.

    Raises
    ------
    StorageError
        If the disk refuses.

    Notes
    -----
    All other sums stay as they are, also those of files that are gone: that is what a check must find.
    """
    had = read_sums(folder)
    sums = {name: digest for name, digest in (had[0] if had else {}).items() if name not in coming}
    sums |= {name: hashlib.sha256(data).hexdigest() for name, data in coming.items() if data is not None}
    files = {name: path for name, path in raw_files(folder).items() if name not in coming}
    if had is None and not files and not coming:
        return None
    sums |= {name: sha256_of(path, read) for name, path in files.items() if name not in sums}
    return write_whole(folder / "raw" / SUMS, format_sums(dict(sorted(sums.items()))))


def _unescape(found: re.Match[str]) -> str:
    return {"\\": "\\", "n": "\n", "r": "\r"}[found[1]]


def _is_aside(name: str) -> bool:
    return any(part.startswith(ASIDE) for part in name.split("/"))
