"""Append payloads to a session so that a crash costs less than 0.6 s of it and the caller never waits.

`append` puts a payload in a queue. One thread frames the queue into chunks and hands them to the operating
system, which keeps them when this process dies; a chunk spans at most `CHUNK_S` of arrival times, and silence
ends it too. A second thread brings the files to the disk (a disk may take long, and chunks must not wait for
it). A new part is begun every ten minutes.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from ankle_imu.durable import storage_error
from ankle_imu.errors import StorageError
from ankle_imu.recording.lock import SessionLock
from ankle_imu.recording.log_format import (
    HOST_CLOCK_TOPIC,
    JSON,
    LOG_TOPIC,
    MARKER_TOPIC,
    Channel,
    marker_payload,
    sensor_encoding,
    sensor_topic,
)
from ankle_imu.recording.parts import CHUNK_S, PartWriter, Queue
from ankle_imu.recording.reader import SessionLog
from ankle_imu.recording.sums import write_sums

SILENCE_S: Final = 0.35
"""Longest time a payload waits for others to fill its chunk, in real time (design limit: 0.5 s)."""
SYNC_S: Final = 1.5
"""Time between calls of fsync; with a chunk before it below the design limit of 2 s."""
BACKLOG: Final = 1 << 15
"""Payloads in the queue beyond which the caller waits after all: of a disk that has not answered for half a minute
at 4 x 208 notifications per second, for nine at four sensors that fill their notifications."""


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
    RecordingError
        If another writer is at work in the folder.
    StorageError
        From every method, once the disk has refused or writing has failed otherwise; what was written before is
        kept and the part is closed if there is room for that.

    Notes
    -----
    Methods may be called from several threads. Those that store something do not wait for the disk; `flush`,
    `sync` and `close` do.
    """

    def __init__(self, folder: Path, *, start_ns: int, session: str = "", after: SessionLog | None = None) -> None:
        self._parts = PartWriter(folder, start_ns=start_ns, session=session, after=after)
        self._queue: Queue = deque()
        self._wake_at = float("-inf")
        self._wake, self._sync_wanted = threading.Event(), threading.Event()
        self._folder = folder
        self._is_closing = self._is_summed = False
        self._failure: Exception | None = None
        self._lock = _begin(self._parts, folder)
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
    def failure(self) -> StorageError | None:
        """What the disk refused, or whatever else kept a payload from it; None while all is well."""
        if self._failure is None or isinstance(self._failure, StorageError):
            return self._failure
        if isinstance(self._failure, OSError):
            return storage_error(self._failure, self._parts.path)
        told = f"{type(self._failure).__name__}: {self._failure}"
        return StorageError(
            f"{self._parts.path} could not be written on ({told}); what came before is kept.",
            path=str(self._parts.path),
        )

    def open_channel(self, topic: str, encoding: str, config: Mapping[str, Any] | None = None) -> int:
        """Declare a stream and return its number; `config` is what its payloads do not tell themselves.

        The same stream declared again has the same number. `ValueError` if JSON cannot hold `config`.
        """
        if config:
            _check_config(topic, config)
        return self._parts.open(Channel(topic, encoding, dict(config or {})))

    def open_sensor(
        self, placement: str, protocol: str, config: Mapping[str, Any] | None = None, *, kind: str = "packet"
    ) -> int:
        """Declare payloads of one sensor: its packets, or one of the other `log_format.KINDS`."""
        return self.open_channel(sensor_topic(placement, kind), sensor_encoding(protocol, kind), config)

    def append(self, channel: int, arrival: float, payload: bytes) -> None:
        """Store one payload as it was received, `arrival` s after session start."""
        if self._failure is not None:
            self._raise_failure()
        if not self._parts.has(channel):
            raise ValueError(f"There is no channel {channel!r}; `open_channel` gives the number of one.")
        self._queue.append((channel, arrival, bytes(payload)))
        if arrival >= self._wake_at:
            self._wake_at = arrival + CHUNK_S
            if len(self._queue) > BACKLOG:
                self.flush()
            self._wake.set()

    def mark(self, time_s: float, text: str, leg: str = "") -> None:
        """Store a word said during the walk."""
        self.append(self.open_channel(MARKER_TOPIC, JSON), time_s, marker_payload(text, leg))
        self.sync_soon()

    def log(self, time_s: float, placement: str, event: str, text: str = "", **facts: Any) -> None:
        """Store what happened to the link to a sensor: `event` is one word, `text` says it to a person."""
        self._append_json(LOG_TOPIC, time_s, {"placement": placement, "event": event, "text": text, **facts})

    def note_clock(self, time_s: float, utc_ns: int, boot_id: str = "", boot_s: float = math.nan) -> None:
        """Store what the host's clocks show at `time_s`: the wall clock, and s since a boot where known."""
        boot = {"boot_id": boot_id, "boot_s": boot_s} if boot_id and math.isfinite(boot_s) else {}
        self._append_json(HOST_CLOCK_TOPIC, time_s, {"utc_ns": utc_ns, **boot})

    def flush(self) -> None:
        """Hand all that was stored to the operating system."""
        self._write(everything=True)
        self._raise_failure()

    def sync(self) -> None:
        """Bring all that was stored to the disk."""
        self._write(everything=True)
        self._try(self._parts.sync)
        self._raise_failure()

    def sync_soon(self) -> None:
        """Have all that was stored brought to the disk at once, without waiting for it."""
        self._sync_wanted.set()

    def close(self) -> None:
        """Finish the last part, bring everything to the disk and write the sums of the raw files.

        A second call does nothing.
        """
        self._is_closing = True
        for thread, event in zip(self._threads, (self._wake, self._sync_wanted), strict=True):
            event.set()
            thread.join()
        self._write(everything=True)
        self._try(self._parts.finish)
        self._try(self._parts.sync)
        try:
            self._try(self._parts.close)
            if not self._is_summed:
                self._try(lambda: write_sums(self._folder))
                self._is_summed = True
        finally:
            self._lock.release()
        self._raise_failure()

    def _append_json(self, topic: str, time_s: float, content: Mapping[str, Any]) -> None:
        self.append(self.open_channel(topic, JSON), time_s, json.dumps(content).encode())

    def _keep(self) -> None:
        while not self._is_closing and self._failure is None:
            is_full = self._wake.wait(SILENCE_S)
            self._wake.clear()
            self._write(everything=not is_full)

    def _keep_synced(self) -> None:
        synced = time.monotonic()
        while not self._is_closing and self._failure is None:
            is_asked = self._sync_wanted.wait(max(0.0, synced + SYNC_S - time.monotonic()))
            self._sync_wanted.clear()
            synced = time.monotonic()
            if is_asked:
                self._write(everything=True)
            self._try(self._parts.sync)

    def _write(self, *, everything: bool) -> None:
        """Empty the queue; after a failure what comes is dropped, so that the count of what is kept stays true."""
        if self._failure is None:
            self._try(lambda: self._parts.write(self._queue, everything=everything))

    def _try(self, work: Callable[[], object]) -> None:
        """Do it and remember the first failure: whichever thread meets it, the caller is to hear of it."""
        try:
            work()
        except Exception as error:
            self._failure = self._failure or error

    def _raise_failure(self) -> None:
        if (failure := self.failure) is not None:
            raise failure from self._failure


def _begin(parts: PartWriter, folder: Path) -> SessionLock:
    """Lock the folder and begin the first part; neither stays when the other fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = SessionLock(folder)
        try:
            parts.begin()
        except BaseException:
            lock.release()
            raise
    except OSError as error:
        raise storage_error(error, parts.path) from error
    return lock


def _check_config(topic: str, config: Mapping[str, Any]) -> None:
    """Refuse here what the thread that writes could not."""
    try:
        json.dumps(dict(config)).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"The configuration of {topic} cannot be kept as JSON: {error}.") from error
