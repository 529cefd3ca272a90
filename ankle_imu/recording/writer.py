"""Append packets to a session so that a crash costs less than a second.

A chunk is closed when it spans half a second of session time, and by a background thread when nothing arrives;
the same thread brings the file to the disk, so that the caller never waits for it. A new part is begun every
ten minutes.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

from ankle_imu._version import package_version
from ankle_imu.durable import storage_error, sync_folder
from ankle_imu.recording.log_format import MARKER_TOPIC, PROFILE, Channel, describe, packet_topic

FLUSH_S: Final = 0.4
"""Longest time a packet stays in memory while nothing follows it (design limit: 0.5 s)."""
CHUNK_S: Final = 0.45
"""Longest stretch of session time in one chunk (design limit: 0.5 s)."""
SYNC_S: Final = 1.5
"""Time between calls of fsync (design limit: 2 s)."""
PART_S: Final = 600.0
DESCRIBE_S: Final = 10.0
"""Time between repetitions of the channel table, which damage to the first chunk would otherwise take."""


def part_path(folder: Path, number: int) -> Path:
    """Path of the part of that number (from 1) in a session folder."""
    return folder / "raw" / f"part-{number:04d}.mcap"


class RecordingWriter:
    """Writer of one session's packets; use it as a context manager.

    Parameters
    ----------
    folder : Path of the session folder; its `raw/` must hold no part yet
    start_ns : int, session start in ns since 1970 UTC; times given to `append` count from it
    session : str, text of `session.toml`, repeated in every part so that a single part tells what it is

    Raises
    ------
    StorageError
        From every method, when the disk refuses; what was written before stays readable.

    Notes
    -----
    Methods may be called from several threads.
    """

    def __init__(self, folder: Path, *, start_ns: int, session: str = "") -> None:
        self._folder = folder
        self._start_ns = start_ns
        self._session = session
        self._channels: dict[int, Channel] = {}
        self._sequences: dict[int, int] = {}
        self._part = 0
        self._part_end = self._chunk_end = self._describe_at = float("-inf")
        self._file: BinaryIO | None = None
        self._retired: list[BinaryIO] = []
        self._is_dirty = False
        self._failure: OSError | None = None
        self._lock = threading.RLock()
        self._sync_lock = threading.Lock()
        self._stop = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="recording-keeper", daemon=True)
        self._keeper.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open_channel(self, topic: str, encoding: str, config: Mapping[str, Any] | None = None) -> int:
        """Declare a stream and return its number; `config` is what its payloads do not tell themselves."""
        with self._lock:
            number = len(self._channels) + 1
            self._channels[number] = Channel(topic, encoding, dict(config or {}))
            self._sequences[number] = 0
            if self._file is not None:
                self._register(number)
            self._describe_at = float("-inf")
        return number

    def open_sensor(self, placement: str, protocol: str, config: Mapping[str, Any] | None = None) -> int:
        """Declare the packets of one sensor."""
        return self.open_channel(packet_topic(placement), protocol, config)

    def append(self, channel: int, arrival: float, payload: bytes) -> None:
        """Store one payload as it was received, `arrival` s after session start."""
        with self._lock:
            self._check_failure()
            try:
                self._make_room(arrival)
                log_time = max(0, self._start_ns + round(arrival * 1e9))
                sequence = self._sequences[channel]
                self._mcap.add_message(channel, log_time, payload, log_time, sequence & 0xFFFFFFFF)
            except OSError as error:
                raise storage_error(error, part_path(self._folder, self._part)) from error
            self._sequences[channel] = sequence + 1
            self._is_dirty = True

    def mark(self, time_s: float, text: str, leg: str = "") -> None:
        """Store a word said during the walk."""
        known = [n for n, c in self._channels.items() if c.topic == MARKER_TOPIC]
        channel = known[0] if known else self.open_channel(MARKER_TOPIC, "json")
        self.append(channel, time_s, json.dumps({"text": text, "leg": leg}).encode())
        self.flush()

    def flush(self) -> None:
        """Close the chunk in progress and hand it to the operating system."""
        with self._lock:
            if self._file is not None and self._is_dirty:
                self._mcap.flush()  # type: ignore[no-untyped-call]
                self._is_dirty = False

    def sync(self) -> None:
        """Bring all parts to the disk; `append` does not wait meanwhile."""
        with self._sync_lock:
            with self._lock:
                self.flush()
                retired, self._retired = self._retired, []
                current = self._file
            for file in retired:
                with file:
                    os.fsync(file.fileno())
            if current is not None:
                os.fsync(current.fileno())

    def close(self) -> None:
        """Finish the last part and bring everything to the disk; a second call does nothing."""
        self._stop.set()
        self._keeper.join()
        try:
            with self._lock:
                self._finish_part()
            self.sync()
        except OSError as error:
            raise storage_error(error, part_path(self._folder, self._part)) from error
        finally:
            self._abandon()
        self._check_failure()

    def _make_room(self, arrival: float) -> None:
        if arrival >= self._part_end or self._file is None:
            self._finish_part()
            self._begin_part(arrival)
        elif arrival >= self._chunk_end:
            self.flush()
        if not self._is_dirty:
            self._chunk_end = arrival + CHUNK_S
        if arrival >= self._describe_at:
            self._mcap.add_metadata(PROFILE, describe(self._start_ns, self._session, self._channels))
            self._describe_at = arrival + DESCRIBE_S

    def _begin_part(self, arrival: float) -> None:
        from mcap.writer import Writer

        path = part_path(self._folder, self._part + 1)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("xb")
        self._part += 1
        self._mcap = Writer(self._file)
        self._mcap.start(profile=PROFILE, library=f"ankle_imu/{package_version()}")
        for number in self._channels:
            self._register(number)
        self._part_end = arrival + PART_S
        self._describe_at = float("-inf")
        sync_folder(path.parent)

    def _finish_part(self) -> None:
        if self._file is None:
            return
        self._mcap.finish()  # type: ignore[no-untyped-call]
        self._file.flush()
        self._retired.append(self._file)
        self._file = None
        self._is_dirty = False

    def _register(self, number: int) -> None:
        topic, encoding, config = self._channels[number]
        given = self._mcap.register_channel(topic, encoding, 0, {"config": json.dumps(dict(config))})
        if given != number:
            raise RuntimeError(f"MCAP numbered channel {number} as {given}.")

    def _keep(self) -> None:
        synced = time.monotonic()
        while not self._stop.wait(FLUSH_S):
            try:
                self.flush()
                if time.monotonic() - synced >= SYNC_S - FLUSH_S:
                    self.sync()
                    synced = time.monotonic()
            except OSError as error:
                self._failure = error
                return

    def _check_failure(self) -> None:
        if self._failure is not None:
            raise storage_error(self._failure, part_path(self._folder, self._part)) from self._failure

    def _abandon(self) -> None:
        for file in (*self._retired, self._file):
            if file is not None:
                file.close()
        self._retired, self._file = [], None
