"""The tar file of a backup as a stream: written block by block, read past damage.

Any `tar` unpacks it. Reading takes nothing for granted: a header whose checksum does not hold is passed over until
one comes that does, and only plain files with harmless names are handed on.
"""

from __future__ import annotations

import os
import re
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from ankle_imu.durable import ASIDE

BLOCK: Final = tarfile.BLOCKSIZE
_PIECE: Final = 1 << 20
_LONGEST_HEADER: Final = 1 << 16
"""Extended headers hold names; none of ours is near this."""
_DRIVES: Final = re.compile(r'[<>:"|?*\\]|[. ]$|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)', re.IGNORECASE)
"""What Windows allows in no name, or takes for a device."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """One file of a backup: its name in it, and its content in memory or on the disk."""

    name: str
    content: bytes | Path
    mtime: float = 0.0

    @property
    def size(self) -> int:
        """Bytes of the content."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size


class Source(Protocol):
    """Something to read a stream from."""

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; none at the end."""


def pack(members: Iterable[Member]) -> Iterator[bytes]:
    """Pieces of a tar file (POSIX pax) of the members, in their order.

    Notes
    -----
    A file that shrinks while it is read is filled up with zeros, one that grows is cut, so that all that follows
    stays where it belongs; its sum tells.
    """
    for member in members:
        size = member.size
        info = tarfile.TarInfo(member.name)
        info.size, info.mtime, info.mode = size, int(member.mtime), 0o600
        yield info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
        yield from _content(member, size)
        yield b"\0" * (-size % BLOCK)
    yield b"\0" * (2 * BLOCK)


def _content(member: Member, size: int) -> Iterator[bytes]:
    if isinstance(member.content, bytes):
        yield member.content
        return
    left = size
    with member.content.open("rb") as file:
        while left and (piece := file.read(min(left, _PIECE))):
            left -= len(piece)
            yield piece
    while left:
        piece = b"\0" * min(left, _PIECE)
        left -= len(piece)
        yield piece


class Entry:
    """A file that is met while a backup is read; its content must be read before the next one is asked for."""

    def __init__(self, name: str, size: int, mtime: float, source: Source) -> None:
        self.name, self.size, self.mtime = name, size, mtime
        self._source, self._left = source, size

    @property
    def is_cut(self) -> bool:
        """Whether the backup ended within it; known when all was read."""
        return self._left > 0

    def pieces(self) -> Iterator[bytes]:
        """The content, piece by piece, as much of it as there is."""
        while self._left:
            piece = self._source.read(min(self._left, _PIECE))
            if not piece:
                return
            self._left -= len(piece)
            yield piece


class Unpacked:
    """The files of a tar file, one after the other.

    Parameters
    ----------
    source : to read the tar file from, forwards only

    Attributes
    ----------
    skipped : int, blocks that are no header and belong to no file: traces of damage
    refused : list of str, a sentence on each member that is no plain file or has a name that leads elsewhere
    is_ended : bool, the mark at the end of a tar file was met: nothing is cut off
    """

    def __init__(self, source: Source) -> None:
        self._source = _Whole(source)
        self.skipped, self.is_ended = 0, False
        self.refused: list[str] = []

    def __iter__(self) -> Iterator[Entry]:
        """The files with harmless names, in the order of the tar file."""
        long_name = ""
        while block := self._source.read(BLOCK):
            if not block.strip(b"\0"):
                self.is_ended = True
                continue
            try:
                info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
            except tarfile.HeaderError:
                self.skipped += 1
                continue
            self.is_ended = False
            name, long_name = long_name or info.name, ""
            entry = Entry(name, info.size, float(info.mtime), self._source)
            if info.type in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME) and info.size <= _LONGEST_HEADER:
                long_name = _long_name(b"".join(entry.pieces()), info.type)
            elif info.type == tarfile.XGLTYPE or info.isdir():
                pass
            elif not info.isreg() or info.type == tarfile.GNUTYPE_SPARSE:
                self.refused.append(f"{name!r} is no plain file (a link or a device) and was passed over.")
            elif not is_harmless(name):
                self.refused.append(f"{name!r} leads out of the library or can be no file, and was passed over.")
            else:
                yield entry
            for _ in entry.pieces():  # what the one who asked did not read
                pass
            self._source.read(-info.size % BLOCK)


class _Whole:
    """Reads all that was asked for, except at the end."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def read(self, size: int = -1, /) -> bytes:
        pieces = b""
        while len(pieces) < size and (piece := self._source.read(size - len(pieces))):
            pieces += piece
        return pieces


def is_harmless(name: str) -> bool:
    """Whether a name of a member can only mean a file below the folder it is unpacked into.

    Examples
    --------
    >>> [is_harmless(n) for n in ("people/P-a/person.toml", "/etc/passwd", "a/../../b", "a//b", "")]
    [True, False, False, False, False]
    """
    return all(_is_harmless_part(part) for part in name.split("/"))


def _is_harmless_part(part: str) -> bool:
    if part in ("", ".", "..") or "\0" in part or part.startswith(ASIDE) or len(os.fsencode(part)) > 255:
        return False
    return not (os.name == "nt" and _DRIVES.search(part))


def _long_name(data: bytes, kind: bytes) -> str:
    """Name that an extended header gives to the file behind it; "" when it gives none."""
    if kind == tarfile.GNUTYPE_LONGNAME:
        return data.rstrip(b"\0").decode("utf-8", "surrogateescape")
    name = ""
    while data:
        with suppress(ValueError):
            length = int(data.partition(b" ")[0])
            key, _, value = data[len(str(length)) + 1 : length - 1].partition(b"=")
            if length > 0:
                name = value.decode("utf-8", "surrogateescape") if key == b"path" else name
                data = data[length:]
                continue
        break
    return name


class Pieces:
    """Pieces of bytes as something to read from, for libraries that want a file."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = b""

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; none at the end."""
        while not self._rest:
            try:
                self._rest = next(self._pieces)
            except StopIteration:
                return b""
        end = len(self._rest) if size < 0 else size
        piece, self._rest = self._rest[:end], self._rest[end:]
        return piece


def is_tar(head: bytes) -> bool:
    """Whether a file that begins like this is a tar file."""
    return head[257:262] == b"ustar"


def placeholder(name: str) -> bytes:
    """Header of a member whose size is not known yet; `fill_in` writes it."""
    return tarfile.TarInfo(name).tobuf(tarfile.GNU_FORMAT)


def fill_in(file: BinaryIO, at: int, name: str) -> None:
    """Give the last member of a tar file, whose header is at `at`, its size, and end the tar file."""
    info = tarfile.TarInfo(name)
    info.size = file.seek(0, os.SEEK_END) - at - BLOCK
    info.mode = 0o600
    file.write(b"\0" * (-info.size % BLOCK + 2 * BLOCK))
    file.seek(at)
    file.write(info.tobuf(tarfile.GNU_FORMAT))
    file.seek(0, os.SEEK_END)
