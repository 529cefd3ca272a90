"""A log out of a sensor's flash, over as many connections as it takes; every piece is on the disk at once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ankle_imu.capture.back_off import BackOff
from ankle_imu.capture.introduce import visit
from ankle_imu.devices.adapter import LogFile, Logging, Radio
from ankle_imu.durable import storage_error, write_whole
from ankle_imu.errors import ConnectionLost, DeviceError, DeviceNotFound

TRIES: Final = 5
"""Connections in a row that may bring nothing new before a fetch is given up; what came is kept."""

OVERLAP_BYTES: Final = 1024
"""Asked for once more when a fetch goes on: if it differs, the sensor holds another log under the same name."""

Tell = Callable[[int, int], None]


async def fetch(radio: Radio, identifier: str, adapter: Logging, log: LogFile, kept: Path, tell: Tell) -> bytes:
    """Fetch a log over as many connections as it takes.

    Parameters
    ----------
    radio : Radio
    identifier : str, the sensor's address
    adapter : Logging
    log : LogFile
    kept : Path of the file that takes what comes, piece by piece; a later call goes on from there, unless the
        sensor sends something else by then
    tell : called with the bytes that are there and their number in all (-1 unknown)

    Returns
    -------
    bytes
        The whole log; the file at `kept` holds it too.

    Raises
    ------
    ConnectionLost, DeviceNotFound
        If `TRIES` connections brought nothing new; what came is in `kept`, as after every other error.
    ProtocolError, BluetoothUnavailable, StorageError
    """
    waits, fruitless = BackOff(), 0
    with _opened(kept) as pieces:
        have = bytes(pieces.data[:-OVERLAP_BYTES])
        while True:
            before = len(pieces.data)
            problem: DeviceError = ConnectionLost(f"{identifier} sent only a part of its log.")
            try:
                async with visit(radio, identifier) as link:
                    data, is_complete = await adapter.fetch_log(link, log, have, pieces.taker(tell))
                pieces.settle(data)
                if is_complete:
                    return data
            except (ConnectionLost, DeviceNotFound) as error:
                problem = error
            except _OtherLog:
                pieces.settle(b"")
            have = bytes(pieces.data)
            if len(have) > before:
                waits, fruitless = BackOff(), 0
            else:
                fruitless += 1
            if fruitless == TRIES:
                raise type(problem)(
                    f"{identifier} brought nothing new {TRIES} times in a row: {problem} {len(have):,} bytes are "
                    "kept, and the next call goes on from there.",
                    identifier=identifier,
                ) from problem
            await asyncio.sleep(waits.after(problem))


class _OtherLog(Exception):
    """The sensor sends something else than what was fetched before."""


class _Pieces:
    """What was fetched so far, in memory and in a file."""

    def __init__(self, path: Path, data: bytes) -> None:
        self.data = bytearray(data)
        self._path = path
        self._file = path.open("ab", buffering=0)

    def taker(self, tell: Tell) -> Callable[[int, int, bytes], None]:
        """What an adapter calls with each piece, see `Logging.fetch_log`."""

        def take(have: int, size: int, piece: bytes) -> None:
            self._put(have - len(piece), piece)
            tell(have, size)

        return take

    def settle(self, data: bytes) -> None:
        """Keep what an adapter made of the pieces in the end."""
        if data != self.data:
            self.close()
            write_whole(self._path, data)
            self.data = bytearray(data)
            self._file = self._path.open("ab", buffering=0)

    def close(self) -> None:
        """Bring the file to the disk and let go of it."""
        if self._file.closed:
            return
        try:
            with self._file:
                os.fsync(self._file.fileno())
        except OSError as error:
            raise storage_error(error, self._path) from error

    def _put(self, at: int, piece: bytes) -> None:
        """Compare what is there already and append the rest; a piece behind a hole has to come again."""
        known = self.data[at : at + len(piece)]
        if known != piece[: len(known)]:
            raise _OtherLog
        if at <= len(self.data) and len(known) < len(piece):
            try:
                self._file.write(piece[len(known) :])
            except OSError as error:
                raise storage_error(error, self._path) from error
            self.data += piece[len(known) :]


@contextmanager
def _opened(path: Path) -> Iterator[_Pieces]:
    """The pieces in a file, which is made when missing; they are on the disk when the block ends."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pieces = _Pieces(path, path.read_bytes() if path.is_file() else b"")
    except OSError as error:
        raise storage_error(error, path) from error
    try:
        yield pieces
    finally:
        pieces.close()
