"""The files of a recording: messages gathered into chunks, chunks into parts, parts brought to the disk."""

from __future__ import annotations

import os
import threading
from collections import deque
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Final

from ankle_imu.durable import sync_folder, write_or_undo
from ankle_imu.recording.framing import LogFramer
from ankle_imu.recording.log_format import Channel, Message
from ankle_imu.recording.reader import SessionLog, part_paths

CHUNK_S: Final = 0.3
"""Longest stretch of arrival times in one chunk (design limit: 0.5 s). At 0.4 s one kill in 200 on a busy machine
cost more than 0.6 s: the write itself takes its time."""
PART_S: Final = 600.0
DESCRIBE_S: Final = 10.0
"""Time between repetitions of the channel table, which damage to the first chunk would otherwise take."""

Queue = deque[tuple[int, float, bytes]]
"""channel, arrival in s from session start, payload"""


def part_path(folder: Path, number: int) -> Path:
    """Path of the part of that number (from 1) in a session folder."""
    return folder / "raw" / f"part-{number:04d}.mcap"


class PartWriter:
    """Writer of the parts of one session; every method raises the `OSError` of the disk.

    Parameters
    ----------
    folder, start_ns, session, after : see `RecordingWriter`

    Notes
    -----
    Methods may be called from several threads. `sync` holds up none of the others.
    """

    def __init__(self, folder: Path, *, start_ns: int, session: str, after: SessionLog | None) -> None:
        self._folder = folder
        self._start_ns = start_ns
        self._session = session
        self._channels: dict[int, Channel] = dict(after.channels) if after else {}
        self._counts: dict[int, int] = dict(after.counts) if after else {}
        self._number = last_part(folder) if after else 0
        self._batch: list[Message] = []
        self._batch_at = 0.0
        self._part_end = self._describe_at = float("inf")
        self._file: FileIO | None = None
        self._retired: list[FileIO] = []
        self._is_unsynced = True
        self._channels_lock, self._lock, self._sync_lock = threading.Lock(), threading.Lock(), threading.Lock()

    @property
    def path(self) -> Path:
        """The part in progress; the first before it is begun."""
        return part_path(self._folder, max(1, self._number))

    def begin(self) -> None:
        """Make the next file and say in it what the session is; no file stays when there is no room for that."""
        path = part_path(self._folder, self._number + 1)
        path.parent.mkdir(parents=True, exist_ok=True)
        file = FileIO(path, "x")
        framer = LogFramer(
            lambda data: write_or_undo(file, data),
            start_ns=self._start_ns,
            session=self._session,
            before=self._counts,
        )
        try:
            framer.begin()
            framer.describe(self._channels.copy(), self._counts.copy())
            sync_folder(path.parent)
        except BaseException:
            file.close()
            with suppress(OSError):
                path.unlink()
            raise
        self._file, self._framer = file, framer
        self._number += 1
        self._describe_at = float("-inf")

    def has(self, channel: int) -> bool:
        """Whether there is a channel of that number."""
        return channel in self._channels

    def open(self, channel: Channel) -> int:
        """Give the number of a channel, a new one if it is new; never waits for the disk."""
        with self._channels_lock:
            for number, known in self._channels.items():
                if known == channel:
                    return number
            number = 1 + max(self._channels, default=0)
            self._counts[number] = 0
            self._channels[number] = channel
            self._describe_at = float("-inf")
        return number

    def write(self, queue: Queue, *, everything: bool) -> None:
        """Empty the queue and hand the chunks that are complete, or all there is, to the operating system."""
        with self._lock:
            while queue:
                channel, arrival, payload = queue.popleft()
                if abs(arrival - self._batch_at) >= CHUNK_S or arrival >= self._part_end:
                    self._write_batch()
                if not self._batch:
                    self._make_room(arrival)
                sequence = self._counts[channel]
                self._counts[channel] = sequence + 1
                log_time = max(0, self._start_ns + round(arrival * 1e9))
                self._batch.append(Message(channel, sequence, log_time, payload))
            if everything:
                self._write_batch()

    def finish(self) -> None:
        """Close the part in progress; it stays as it was when there is no room for that."""
        with self._lock:
            self._finish()

    def sync(self) -> None:
        """Bring all that was written to the disk."""
        with self._sync_lock:
            while self._retired:
                with self._retired.pop(0) as file:
                    os.fsync(file.fileno())
            with self._lock:
                current = self._file if self._is_unsynced else None
                self._is_unsynced = False
            if current is not None:  # it may be retired meanwhile, but is closed only here
                os.fsync(current.fileno())

    def close(self) -> None:
        """Let go of all files as they are."""
        for file in (*self._retired, self._file):
            if file is not None:
                file.close()
        self._retired, self._file = [], None

    def _make_room(self, arrival: float) -> None:
        """Begin a batch, and a part when it is time."""
        if self._part_end == float("inf"):
            self._part_end = arrival + PART_S
        elif arrival >= self._part_end:
            self._finish()
            self.begin()
            self._part_end = arrival + PART_S
        self._batch_at = arrival

    def _write_batch(self) -> None:
        if not self._batch:
            return
        if self._batch_at >= self._describe_at:
            self._describe_at = self._batch_at + DESCRIBE_S
            self._describe()
        self._framer.write_chunk(self._batch, self._channels.copy())
        self._batch.clear()
        self._is_unsynced = True

    def _finish(self) -> None:
        if self._file is None:
            return
        self._describe()
        self._framer.finish()
        self._retired.append(self._file)
        self._file = None
        self._is_unsynced = True

    def _describe(self) -> None:
        self._framer.describe(self._channels.copy(), self._counts.copy())


def last_part(folder: Path) -> int:
    """Number of the last part in a session folder, 0 without any."""
    return max((int(n) for p in part_paths(folder) if (n := p.stem.removeprefix("part-")).isdigit()), default=0)
