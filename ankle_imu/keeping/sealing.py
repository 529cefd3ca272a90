"""Encryption of a backup with age, by way of `pyrage`: streamed, so that its size does not matter.

To recipients the whole file is one age file: `age -d -i key.txt backup | tar x`. Under a passphrase it is a tar
file of two members, `key.age`, a key that the passphrase opens, and `backup.tar.age`, all the rest, for that key:
`tar xf backup && age -d -i key.age backup.tar.age | tar x`. (`pyrage` streams to keys, not under a passphrase.)
"""

from __future__ import annotations

import os
import sys
import tarfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

from ankle_imu.errors import AnkleImuError, CorruptRecording, RecordingError, StorageError
from ankle_imu.keeping.archive import (
    BLOCK,
    Entry,
    Member,
    Pieces,
    Source,
    Unpacked,
    fill_in,
    is_tar,
    pack,
    placeholder,
)

INSTALL: Final = "Encrypted backups need the library pyrage: install it with `pip install 'ankle-imu[age]'`."
_HEAD: Final = b"age-encryption.org/v1"
_KEY: Final = "key.age"
_SEALED: Final = "backup.tar.age"
_LARGEST_KEY: Final = 1 << 16


class AgeMissing(AnkleImuError):
    """The library for encryption is not installed."""

    exit_code = 2


class WrongKey(RecordingError):
    """A passphrase or a key that does not open the backup."""

    exit_code = 2


def seal(pieces: Iterable[bytes], file: BinaryIO, *, recipients: Sequence[str] = (), passphrase: str = "") -> None:
    """Write a stream to a file, encrypted when recipients or a passphrase are given.

    Parameters
    ----------
    pieces : iterable of bytes
    file : to write to, at its beginning; it must be able to seek
    recipients : `age1...` or `ssh-ed25519 ...`; who has one of their keys can read it
    passphrase : str, without recipients

    Raises
    ------
    AnkleImuError
        If `pyrage` is not installed.
    ValueError
        If a recipient is none.
    OSError
        From reading and writing.
    """
    if recipients:
        _encrypt(pieces, file, [_recipient(text) for text in recipients])
    elif passphrase:
        age = _pyrage()
        identity = age.x25519.Identity.generate()
        key = age.passphrase.encrypt(f"{identity}\n".encode(), passphrase)
        head = b"".join(pack([Member(name=_KEY, content=key)]))[: -2 * BLOCK]
        file.write(head + placeholder(_SEALED))
        _encrypt(pieces, file, [identity.to_public()])
        fill_in(file, len(head), _SEALED)
    else:
        for piece in pieces:
            file.write(piece)


class Seekable(Source, Protocol):
    """A source that can go back."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a place."""


@contextmanager
def unseal(
    file: Seekable, name: str, *, identities: Sequence[str] = (), ask: Callable[[], str]
) -> Iterator[tuple[Source, list[str]]]:
    """Read a backup as `seal` wrote it.

    Parameters
    ----------
    file : at its beginning
    name : str, of the file, for words
    identities : texts of keys, `AGE-SECRET-KEY-1...` or of an SSH key
    ask : gives the passphrase; called only when one is needed

    Yields
    ------
    source : the stream
    problems : list of str, a sentence appended when decryption ends early; complete when the source is at its end

    Raises
    ------
    AnkleImuError
        If `pyrage` is needed and not installed.
    WrongKey
        If the backup is for other keys, or the passphrase is not its own.
    CorruptRecording
        If it is no backup.
    """
    head = file.read(BLOCK)
    file.seek(0)
    if head.startswith(_HEAD):
        with _decrypted(file, name, [_identity(text, name) for text in identities]) as opened:
            yield opened
    elif is_tar(head) and head.startswith(_KEY.encode() + b"\0"):
        identity = _opened_key(file, name, ask)
        with _decrypted(_sealed(file), name, [identity]) as opened:
            yield opened
    elif is_tar(head) or _has_tar(file):
        yield file, []
    else:
        raise CorruptRecording(
            f"{name} is no backup of a library: it is neither a tar file nor encrypted with age.", path=name
        )


def check_recipients(recipients: Iterable[str]) -> None:
    """Raise as `seal` does, before any work."""
    for text in recipients:
        _recipient(text)


def check_installed() -> None:
    """Raise `AnkleImuError` where `pyrage` is not installed."""
    _pyrage()


def _has_tar(file: Seekable) -> bool:
    """Whether a header of a tar file comes soon: its first one may be damaged."""
    head = file.read(BLOCK * 2048)
    file.seek(0)
    return any(is_tar(head[k : k + BLOCK]) for k in range(0, len(head), BLOCK))


def _sealed(file: Seekable) -> Source:
    """The encrypted part of a backup under a passphrase; all that is left where its header is damaged."""
    try:
        size = tarfile.TarInfo.frombuf(file.read(BLOCK), "utf-8", "surrogateescape").size
    except tarfile.HeaderError:
        size = sys.maxsize
    return Pieces(Entry(_SEALED, size, 0.0, file).pieces())


def _opened_key(file: Seekable, name: str, ask: Callable[[], str]) -> Any:
    """The key of a backup under a passphrase; leaves the file where the encrypted part begins."""
    age = _pyrage()
    entry = next(iter(Unpacked(file)))
    if entry.size > _LARGEST_KEY:
        raise CorruptRecording(f"{name} is no backup of a library: its key is too large.", path=name)
    key = b"".join(entry.pieces())
    file.seek(BLOCK + entry.size + -entry.size % BLOCK)
    try:
        return age.x25519.Identity.from_str(age.passphrase.decrypt(key, ask()).decode().strip())
    except (age.DecryptError, age.IdentityError, ValueError) as error:
        raise WrongKey(f"{name}: the passphrase does not open it.", path=name) from error


def _encrypt(pieces: Iterable[bytes], file: BinaryIO, recipients: list[Any]) -> None:
    """Encrypt; what reading or writing raised comes out as it was, not as the library's own."""
    age = _pyrage()
    met: list[BaseException] = []

    def watched() -> Iterator[bytes]:
        try:
            yield from pieces
        except BaseException as error:
            met.append(error)
            raise

    class Watched:
        def write(self, data: bytes) -> int:
            try:
                return file.write(data)
            except OSError as error:
                met.append(error)
                raise

        def flush(self) -> None:
            file.flush()

    try:
        age.encrypt_io(Pieces(watched()), Watched(), recipients)
    except (age.EncryptError, OSError) as error:
        if met:
            raise met[0] from error
        raise StorageError(f"Encryption failed: {error}.") from error


@contextmanager
def _decrypted(file: Source, name: str, identities: list[Any]) -> Iterator[tuple[Source, list[str]]]:
    """Decrypt in a thread that writes into a pipe: the library pushes, a reader pulls."""
    if not identities:
        raise WrongKey(f"{name} is encrypted for a key; give it with --identity FILE.", path=name)
    age = _pyrage()
    problems: list[str] = []
    wrong: list[Exception] = []
    receiver, sender = os.pipe()

    def work() -> None:
        try:
            with os.fdopen(sender, "wb") as out:
                age.decrypt_io(file, out, identities)
        except age.DecryptError as error:
            wrong.append(error)
        except OSError as error:  # a damaged piece; or a pipe that nobody reads any more
            problems.append(f"{name} is damaged or cut off: decryption ends early ({error}).")

    thread = threading.Thread(target=work, name="decrypt", daemon=True)
    thread.start()
    try:
        with os.fdopen(receiver, "rb") as source:
            yield _Checked(source, thread, wrong, name), problems
    finally:
        thread.join()


class _Checked:
    """What the thread decrypts; its end is an error where nothing could be decrypted at all."""

    def __init__(self, source: BinaryIO, thread: threading.Thread, wrong: list[Exception], name: str) -> None:
        self._source, self._thread, self._wrong, self._name = source, thread, wrong, name

    def read(self, size: int = -1, /) -> bytes:
        data = self._source.read(size)
        if not data:
            self._thread.join()
            if self._wrong:
                raise WrongKey(
                    f"{self._name} does not open with this key, or its beginning is damaged ({self._wrong[0]}).",
                    path=self._name,
                )
        return data


def _recipient(text: str) -> Any:
    age = _pyrage()
    try:
        return (age.ssh if text.startswith("ssh-") else age.x25519).Recipient.from_str(text.strip())
    except age.RecipientError as error:
        raise ValueError(f"{text!r} is no recipient; expected age1... or an SSH public key ({error}).") from error


def _identity(text: str, name: str) -> Any:
    age = _pyrage()
    try:
        if "PRIVATE KEY" in text:
            return age.ssh.Identity.from_buffer(text.encode())
        keys = [line.strip() for line in text.splitlines() if line.startswith("AGE-SECRET-KEY-")]
        return age.x25519.Identity.from_str(keys[0])
    except (age.IdentityError, IndexError) as error:
        raise WrongKey(
            f"The key given for {name} is none; expected a file with a line AGE-SECRET-KEY-1..., or an SSH key "
            "without a passphrase.",
            path=name,
        ) from error


def _pyrage() -> Any:
    try:
        import pyrage
    except ModuleNotFoundError as error:
        raise AgeMissing(INSTALL) from error
    return pyrage


def read_identity(path: Path) -> str:
    """Text of a file that holds a key.

    Raises
    ------
    RecordingError
        If it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(f"{path} cannot be read as a key: {error}.", path=str(path)) from error
