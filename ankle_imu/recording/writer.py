"""Append payloads to a session so that a crash costs less than 0.6 s of it and the caller never waits.

`append` puts a payload in a queue. One thread frames the queue into chunks and hands them to the operating
system, which keeps them when this process dies; a chunk spans at most `CHUNK_S` of arrival times, and silence
ends it too. A second thread brings the files to the disk (a disk may take long, and chunks must not wait for
it). A new part is begun every ten minutes.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import deque
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from ankle_imu.durable import storage_error, sync_folder, write_or_undo
from ankle_imu.errors import AnkleImuError
from ankle_imu.recording.framing import LogFramer
from ankle_imu.recording.log_format import (
    HOST_CLOCK_TOPIC,
    JSON,
    LOG_TOPIC,
    MARKER_TOPIC,
    Channel,
    Message,
    sensor_encoding,
    sensor_topic,
)
from ankle_imu.recording.reader import SessionLog, part_paths

CHUNK_S: Final = 0.4
"""Longest stretch of arrival times in one chunk (design limit: 0.5 s)."""
SILENCE_S: Final = 0.45
"""Longest time a payload waits for others to fill its chunk, in real time (design limit: 0.5 s)."""
SYNC_S: Final = 1.4
"""Time between calls of fsync; with a chunk before it below the design limit of 2 s."""
PART_S: Final = 600.0
DESCRIBE_S: Final = 10.0
"""Time between repetitions of the channel table, which damage to the first chunk would otherwise take."""
BACKLOG: Final = 1 << 15
"""Payloads in the queue beyond which the caller waits after all: minutes of a disk that does not answer."""


def part_path(folder: Path, number: int) -> Path:
    """Path of the part of that number (from 1) in a session folder."""
    return folder / "raw" / f"part-{number:04d}.mcap"


def _last_part(folder: Path) -> int:
    """Number of the last part in a session folder, 0 without any."""
    return max((int(n) for p in part_paths(folder) if (n := p.stem.removeprefix("part-")).isdigit()), default=0)


class RecordingWriter:
    """Writer of one session; use it as a context manager.

    Parameters
    ----------
    folder : Path of the session folder; its `raw/` must hold no part yet, unless `after` tells of them
    start_ns : int, session start in ns since 1970 UTC; times given to the methods count from it, in s
    session : str, text of `session.toml`, repeated in every part so that a single part tells what it is
    after : SessionLog of all parts that are there; new ones follow them and go on counting

    Raises
    ------
    StorageError
        From every method, once the disk has refused; what was written before is kept and the part is closed if
        there is room for that.

    Notes
    -----
    Methods may be called from several threads. Those that store something do not wait for the disk; `flush`,
    `sync` and `close` do.
    """

    def __init__(self, folder: Path, *, start_ns: int, session: str = "", after: SessionLog | None = None) -> None:
        self._folder = folder
        self._start_ns = start_ns
        self._session = session
        self._channels: dict[int, Channel] = dict(after.channels) if after else {}
        self._queue: deque[tuple[int, float, bytes]] = deque()
        self._wake_at = float("-inf")
        self._wake, self._sync_wanted = threading.Event(), threading.Event()
        self._is_closing = False
        self._failure: Exception | None = None
        self._open_lock, self._lock, self._sync_lock = threading.Lock(), threading.RLock(), threading.Lock()
        self._batch: list[Message] = []
        self._batch_at = 0.0
        self._part_end = self._describe_at = float("inf")
        self._counts: dict[int, int] = dict(after.counts) if after else {}
        self._part = _last_part(folder) if after else 0
        self._file: FileIO | None = None
        self._retired: list[FileIO] = []
        self._is_unsynced = True
        try:
            self._begin_part()
        except OSError as error:
            raise storage_error(error, part_path(folder, self._part + 1)) from error
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True)
            for work, name in ((self._keep, "recording-keeper"), (self._keep_synced, "recording-syncer"))
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def failure(self) -> AnkleImuError | None:
        """What the disk refused, None while all is well."""
        if self._failure is None or isinstance(self._failure, AnkleImuError):
            return self._failure
        if isinstance(self._failure, OSError):
            return storage_error(self._failure, part_path(self._folder, self._part))
        raise self._failure

    def open_channel(self, topic: str, encoding: str, config: Mapping[str, Any] | None = None) -> int:
        """Declare a stream and return its number; `config` is what its payloads do not tell themselves.

        The same stream declared again has the same number.
        """
        channel = Channel(topic, encoding, dict(config or {}))
        with self._open_lock:
            for number, known in self._channels.items():
                if known == channel:
                    return number
            number = 1 + max(self._channels, default=0)
            self._counts[number] = 0
            self._channels[number] = channel
            self._describe_at = float("-inf")
        return number

    def open_sensor(
        self, placement: str, protocol: str, config: Mapping[str, Any] | None = None, *, kind: str = "packet"
    ) -> int:
        """Declare payloads of one sensor: its packets, or one of the other `log_format.KINDS`."""
        return self.open_channel(sensor_topic(placement, kind), sensor_encoding(protocol, kind), config)

    def append(self, channel: int, arrival: float, payload: bytes) -> None:
        """Store one payload as it was received, `arrival` s after session start."""
        if self._failure is not None:
            self._raise_failure()
        if channel not in self._channels:
            raise ValueError(f"There is no channel {channel!r}; `open_channel` gives the number of one.")
        self._queue.append((channel, arrival, bytes(payload)))
        if arrival >= self._wake_at:
            self._wake_at = arrival + CHUNK_S
            if len(self._queue) > BACKLOG:
                self.flush()
            self._wake.set()

    def mark(self, time_s: float, text: str, leg: str = "") -> None:
        """Store a word said during the walk."""
        self._append_json(MARKER_TOPIC, time_s, {"text": text, "leg": leg})
        self.sync_soon()

    def log(self, time_s: float, placement: str, event: str, text: str = "", **facts: Any) -> None:
        """Store what happened to the link to a sensor: `event` is one word, `text` says it to a person."""
        self._append_json(LOG_TOPIC, time_s, {"placement": placement, "event": event, "text": text, **facts})

    def note_clock(self, time_s: float, utc_ns: int) -> None:
        """Store what the host's wall clock shows while its steady clock says `time_s`."""
        self._append_json(HOST_CLOCK_TOPIC, time_s, {"utc_ns": utc_ns})

    def flush(self) -> None:
        """Hand all that was stored to the operating system."""
        try:
            with self._lock:
                self._write_queue(everything=True)
        except OSError as error:
            self._fail(error)
        self._raise_failure()

    def sync(self) -> None:
        """Bring all that was stored to the disk."""
        self.flush()
        try:
            self._sync_files()
        except OSError as error:
            self._fail(error)
        self._raise_failure()

    def sync_soon(self) -> None:
        """Have all that was stored brought to the disk at once, without waiting for it."""
        self._sync_wanted.set()

    def close(self) -> None:
        """Finish the last part and bring everything to the disk; a second call does nothing."""
        self._is_closing = True
        for thread, event in zip(self._threads, (self._wake, self._sync_wanted), strict=True):
            event.set()
            thread.join()
        try:
            with self._lock:
                if self._failure is None:
                    self._write_queue(everything=True)
        except OSError as error:
            self._fail(error)
        try:
            with self._lock:
                self._finish_part()
            self._sync_files()
        except OSError as error:
            self._fail(error)
        finally:
            self._close_files()
        self._raise_failure()

    def _append_json(self, topic: str, time_s: float, content: Mapping[str, Any]) -> None:
        self.append(self.open_channel(topic, JSON), time_s, json.dumps(content).encode())

    def _write_queue(self, *, everything: bool) -> None:
        """Write the chunks that are complete, or all there is. The caller holds the lock."""
        queue, batch = self._queue, self._batch
        while queue and self._failure is None:
            channel, arrival, payload = queue.popleft()
            if abs(arrival - self._batch_at) >= CHUNK_S or arrival >= self._part_end:
                self._write_batch()
            if not batch:
                self._make_room(arrival)
            sequence = self._counts[channel]
            self._counts[channel] = sequence + 1
            log_time = max(0, self._start_ns + round(arrival * 1e9))
            batch.append(Message(channel, sequence, log_time, payload))
        if everything:
            self._write_batch()

    def _make_room(self, arrival: float) -> None:
        """Begin a batch, and a part when it is time."""
        if self._part_end == float("inf"):
            self._part_end = arrival + PART_S
        elif arrival >= self._part_end:
            self._finish_part()
            self._begin_part()
            self._part_end = arrival + PART_S
        self._batch_at = arrival

    def _write_batch(self) -> None:
        if not self._batch or self._failure is not None:
            return
        if self._batch_at >= self._describe_at:
            self._describe_at = self._batch_at + DESCRIBE_S
            self._describe()
        self._framer.write_chunk(self._batch, self._channels.copy())
        self._batch.clear()
        self._is_unsynced = True

    def _begin_part(self) -> None:
        path = part_path(self._folder, self._part + 1)
        path.parent.mkdir(parents=True, exist_ok=True)
        file = FileIO(path, "x")
        self._file = file
        self._part += 1
        self._framer = LogFramer(
            lambda data: write_or_undo(file, data),
            start_ns=self._start_ns,
            session=self._session,
            before=self._counts,
        )
        self._framer.begin()
        self._describe()
        self._describe_at = float("-inf")
        sync_folder(path.parent)

    def _finish_part(self) -> None:
        if self._file is None:
            return
        self._describe()
        self._framer.finish()
        self._retired.append(self._file)
        self._file = None
        self._is_unsynced = True

    def _describe(self) -> None:
        self._framer.describe(self._channels.copy(), self._counts.copy())

    def _sync_files(self) -> None:
        with self._sync_lock:
            while self._retired:
                with self._retired.pop(0) as file:
                    os.fsync(file.fileno())
            with self._lock:
                current = self._file if self._is_unsynced else None
                self._is_unsynced = False
            if current is not None:  # it may be retired meanwhile, but is closed only here
                os.fsync(current.fileno())

    def _keep(self) -> None:
        while not self._is_closing and self._failure is None:
            is_full = self._wake.wait(SILENCE_S)
            self._wake.clear()
            try:
                with self._lock:
                    self._write_queue(everything=not is_full)
            except Exception as error:
                self._fail(error)

    def _keep_synced(self) -> None:
        synced = time.monotonic()
        while not self._is_closing and self._failure is None:
            is_asked = self._sync_wanted.wait(max(0.0, synced + SYNC_S - time.monotonic()))
            self._sync_wanted.clear()
            synced = time.monotonic()
            try:
                if is_asked:
                    with self._lock:
                        self._write_queue(everything=True)
                self._sync_files()
            except Exception as error:
                self._fail(error)

    def _fail(self, error: Exception) -> None:
        if self._failure is None:
            self._failure = error

    def _raise_failure(self) -> None:
        if (failure := self.failure) is not None:
            raise failure from self._failure

    def _close_files(self) -> None:
        for file in (*self._retired, self._file):
            if file is not None:
                file.close()
        self._retired, self._file = [], None
