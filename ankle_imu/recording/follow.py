"""Read a session while another program writes it: what was added since the last look. Nothing is written here.

The recorder hands a chunk to the operating system every 0.3 s, so that its file can be read at its end. A look
takes only records that are there whole; the recorder does not know that anybody looks.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ankle_imu.recording.log_format import MAGIC, Channel
from ankle_imu.recording.reader import part_paths
from ankle_imu.recording.scan import scan_log

_RECORD: Final = struct.Struct("<BQ")
_TIMES: Final = struct.Struct("<QQ")
_CHUNK, _LAST, _LAST_OPCODE = 0x06, 0x02, 0x0F

_LONGEST: Final = 1 << 28
"""Bytes of a record beyond which it is none, as in `recording.scan`."""

_AT_ONCE: Final = 1 << 20
"""Bytes that one look takes at least, if they are there: a minute and a half of four sensors at 208 Hz."""


@dataclass(frozen=True, kw_only=True)
class Added:
    """One message: its channel, `time_s` s after session start, and what was said."""

    channel: Channel
    time_s: float
    data: bytes

    def said(self) -> Mapping[str, Any]:
        """Content of a JSON message; empty when it is none."""
        try:
            content = json.loads(self.data)
        except ValueError:
            return {}
        return content if isinstance(content, dict) else {}


class Follower:
    """Follows the parts of a session folder as they grow.

    Parameters
    ----------
    folder : Path of the session

    Attributes
    ----------
    start_ns : int, session start in ns since 1970 UTC, 0 before anything was read
    is_closed : bool, the part that was read last was closed in good order
    has_more : bool, the last look did not come to the end of what is there
    passed_over : (start, end) s after session start; chunks within are not opened
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._channels: dict[int, Channel] = {}
        self._path: Path | None = None
        self._at = self._needed = 0
        self.start_ns = 0
        self.is_closed = self.has_more = self._is_left = False
        self.passed_over = (0.0, 0.0)

    def read(self) -> list[Added]:
        """What was added since the last call, about `_AT_ONCE` bytes at most; empty when nothing was.

        Raises
        ------
        OSError
            If a file cannot be read.
        """
        if self._path is None or self.is_closed:
            after = self._after()
            self.has_more = bool(after)
            if not after:
                return []
            self._path, self._at, self.is_closed = after[0], 0, False
            self._is_left = False
        before = self._at
        with self._path.open("rb") as file:
            file.seek(self._at)
            size = max(_AT_ONCE, self._needed)
            data = file.read(size)
        found = self._take(data)
        if self._at == before:
            self.is_closed = self._is_left  # the recorder went on before this look: here is damage
            self._is_left = bool(self._after())
        self.has_more = self.is_closed or self._is_left or len(data) == size
        return found

    def _after(self) -> list[Path]:
        """Parts behind the one in progress."""
        return [path for path in part_paths(self._folder) if self._path is None or path > self._path]

    def _take(self, data: bytes) -> list[Added]:
        """Messages of the records that are whole."""
        at = len(MAGIC) if self._at == 0 and data.startswith(MAGIC) else 0
        kept: list[bytes] = []
        self._needed = 0
        while at + _RECORD.size <= len(data):
            opcode, length = _RECORD.unpack_from(data, at)
            stop = at + _RECORD.size + length
            if not 0 < opcode <= _LAST_OPCODE or length > _LONGEST:
                break
            if stop > len(data):
                self._needed = stop - at
                break
            if opcode == _LAST:
                self.is_closed = True
                at = stop
                break
            if opcode != _CHUNK or self._is_wanted(data, at):
                kept.append(data[at:stop])
            at = stop
        self._at += at
        return self._opened(b"".join(kept))

    def _is_wanted(self, data: bytes, at: int) -> bool:
        if not self.start_ns:
            return True
        first, last = (1e-9 * (ns - self.start_ns) for ns in _TIMES.unpack_from(data, at + _RECORD.size))
        return not self.passed_over[0] <= first <= last < self.passed_over[1]

    def _opened(self, records: bytes) -> list[Added]:
        if not records:
            return []
        scan = scan_log(records)
        self._channels |= scan.channels
        self.start_ns = self.start_ns or int(scan.description.get("start_ns", 0))
        return [
            Added(channel=channel, time_s=1e-9 * (message.log_time - self.start_ns), data=message.data)
            for message in scan.messages
            if (channel := self._channels.get(message.channel)) is not None
        ]
