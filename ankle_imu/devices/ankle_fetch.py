"""Flash logs of an Ankle IMU over a link that loses pieces and breaks off."""

from __future__ import annotations

import asyncio
import math
import zlib
from collections.abc import Mapping
from typing import Final

from ankle_imu.devices.adapter import Link, LogFile, Progress
from ankle_imu.devices.ankle_talk import RequestFailed, Talk
from ankle_imu.devices.answers import Answers
from ankle_imu.errors import ConnectionLost, ProtocolError
from ankle_imu.wire.ankle_control import LOG_DATA, Op, Outcome
from ankle_imu.wire.ankle_log import PIECE, PIECE_END, PIECE_END_LAYOUT, PIECE_LAYOUT

WINDOW_PIECES: Final = 64
"""Pieces asked for at a time (own choice: about a second, so that little has to come again after a loss)."""
TRIES: Final = 5
"""A log is given up for now when nothing came so often."""
BUSY_S: Final = 0.5
_ATT_BYTES: Final = 3


async def list_logs(talk: Talk, link: Link) -> list[LogFile]:
    """Logs in flash, oldest first; the last one may still grow."""
    logs: list[LogFile] = []
    count = 1
    while len(logs) < count:
        told = await talk.ask(link, Op.LIST_LOGS, position=len(logs))
        count = told["count"]
        if len(logs) < count:
            logs.append(
                LogFile(
                    key=str(told["log_id"]),
                    size=told["size"],
                    n=told["n"],
                    started_s=float(told["started_s"]) if told["started_s"] else math.nan,
                )
            )
    return logs


class Fetch:
    """Fetches one log after another."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._ends = Answers()
        self._pieces: dict[int, bytes] = {}

    async def fetch(self, link: Link, log: LogFile, have: bytes, progress: Progress) -> tuple[bytes, bool]:
        """See `adapter.Logging.fetch_log`."""
        data, tries = bytearray(have), 0
        try:
            await link.subscribe(LOG_DATA, self._take)
            while len(data) < log.size and tries < TRIES:
                piece = await self._window(link, int(log.key), len(data), log.size)
                tries = 0 if piece else tries + 1
                data += piece
                progress(len(data), log.size, piece)
        except ConnectionLost:
            return bytes(data), False
        return bytes(data), len(data) >= log.size

    async def _window(self, link: Link, log_id: int, offset: int, size: int) -> bytes:
        """The next bytes of a log, without holes; fewer than asked for, or none, where pieces were lost."""
        length = min(WINDOW_PIECES * (link.mtu - _ATT_BYTES - PIECE_LAYOUT.size), size - offset)
        self._pieces = {}
        told: Mapping[str, int] = {}
        try:
            _, end = await self._talk.ask_to_end(
                link,
                Op.READ_LOG,
                lambda piece, ref: piece[:2] == bytes((PIECE_END, ref)),
                end_of=self._ends,
                log_id=log_id,
                offset=offset,
                length=length,
            )
            told = PIECE_END_LAYOUT.unpack(end)
        except RequestFailed as error:
            if error.outcome != Outcome.BUSY:
                raise
            await asyncio.sleep(BUSY_S)
        except ProtocolError:
            pass  # the end was lost: what came before it is still good
        data = _without_holes(self._pieces, offset)
        is_damaged = len(data) == told.get("length") and zlib.crc32(data) != told["crc32"]
        return b"" if is_damaged else data

    def _take(self, payload: bytes) -> None:
        if payload[:2] == bytes((PIECE, self._talk.ref)) and len(payload) > PIECE_LAYOUT.size:
            offset = PIECE_LAYOUT.unpack_prefix(payload)["offset"]
            self._pieces[offset] = payload[PIECE_LAYOUT.size :]
        else:
            self._ends.take(payload)


def _without_holes(pieces: Mapping[int, bytes], offset: int) -> bytes:
    data = bytearray()
    while piece := pieces.get(offset + len(data)):
        data += piece
    return bytes(data)
