"""The session on disk that a recording fills; it begins with the first sensor that streams."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from ankle_imu import library, manifest, recording
from ankle_imu.capture import host
from ankle_imu.capture.linked import LOST
from ankle_imu.capture.wanted import Listener, Wanted
from ankle_imu.devices.adapter import Identity, Stream
from ankle_imu.errors import StorageError
from ankle_imu.frames import PLACEMENTS
from ankle_imu.recording.inbox import Inbox
from ankle_imu.values import ENDED, SensorInfo, SessionInfo


class SessionSink:
    """Takes what the sensors say, see `wanted.Sink`.

    Parameters
    ----------
    root : Path of the library
    info : SessionInfo, completed by alias, start, id and sensors
    listener : Listener or None, told of all that was kept

    Attributes
    ----------
    folder : Path, None until the first sensor streams
    failure : StorageError, None as long as the disk takes everything
    markers : int, words kept so far
    """

    def __init__(self, root: Path, info: SessionInfo, listener: Listener | None = None) -> None:
        self._listener = listener
        self.folder: Path | None = None
        self.failure: StorageError | None = None
        self.markers = 0
        self._root, self._info = root, info
        self._zero = float("nan")
        self._begun: float | None = None
        self._is_ended, self._ended_s = False, 0.0
        self._writer: recording.RecordingWriter | None = None
        self._inbox: Inbox | None = None
        self._streams: dict[str, Stream] = {}
        self._channels: dict[tuple[str, str], int] = {}
        self._notes: list[tuple[float, str, str, str]] = []
        self._clerk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="session-info")
        self._errands: list[Future[Path]] = []

    def elapsed(self) -> float:
        """Seconds since the session began, until its end; 0 before."""
        if self._is_ended:
            return self._ended_s
        return _now() - self._zero if self.folder else 0.0

    def begin_at(self, at: float) -> None:
        """Let the session that is to come have begun at `at` on the event loop's clock, with packets from then."""
        self._begun = at

    def begin(self, wanted: Wanted, identity: Identity, stream: Stream) -> None:
        """See `wanted.Sink.begin`."""
        if self.failure is None:
            with self._disk():
                self._add_sensor(wanted, identity, stream)
            if self._listener is not None and self.failure is None:
                with self._listening():
                    self._listener.begin(wanted.placement, stream)

    def take(self, placement: str, kind: str, arrival: float, payload: bytes) -> None:
        """See `wanted.Sink.take`."""
        if self._writer is None or self.failure is not None:
            return
        try:  # not `_disk`: this is the hot path
            number = self._channels.get((placement, kind))
            if number is None:
                number = self._open(placement, kind)
            self._writer.append(number, arrival - self._zero, payload)
        except StorageError as error:
            self.failure = error
            return
        if self._listener is not None and kind == "packet":
            with self._listening():
                self._listener.take(placement, arrival - self._zero, payload)

    def note(self, placement: str, event: str, text: str) -> None:
        """See `wanted.Sink.note`."""
        self._notes.append((_now(), placement, event, text))
        self._write_notes()
        if self._writer is not None and event == LOST:
            self._writer.sync_soon()

    def settle(self) -> bool:
        """See `wanted.Sink.settle`."""
        if self._writer is None:
            return False
        with self._disk():
            self._writer.sync()
        return self.failure is None

    def mark(self, text: str, leg: str = "", at_s: float | None = None) -> bool:
        """Keep a word said now, or `at_s` s after the session began; False when it has not begun."""
        if self._writer is None or self.failure is not None:
            return False
        time_s = self.elapsed() if at_s is None else max(0.0, at_s)
        with self._disk():
            self._writer.mark(time_s, text, leg)
            self.markers += 1
        if self._listener is not None and self.failure is None:
            with self._listening():
                self._listener.mark(time_s, text)
        return self.failure is None

    def heed(self, *, everything: bool = False) -> bool:
        """Keep the words that other programs left for this session and that are due; whether there were any."""
        if self._inbox is None or self._writer is None or self.failure is not None:
            return False
        left = self._inbox.take(everything=everything)
        for word in left:
            at_s = self.elapsed() - (time.monotonic() - word.said) if math.isnan(word.time_s) else word.time_s
            self.mark(word.text, word.leg, min(at_s, self.elapsed()))
        return bool(left)

    def write_clock(self) -> None:
        """Keep what the computer's two clocks show, so that a later step of the wall clock can be seen."""
        if self._writer is not None and self.failure is None:
            with self._disk():
                self._writer.note_clock(self.elapsed(), time.time_ns(), host.boot_id(), host.boot_s())

    def end(self, reason: str) -> None:
        """Nothing more is wanted of any sensor; what still comes was asked for before."""
        if not self._is_ended:
            self.heed(everything=True)
            if self._listener is not None:
                with self._listening():
                    self._listener.end()
            self._ended_s = self.elapsed()
            self._is_ended = True
            self.note("", ENDED, reason)

    def close(self) -> None:
        """Bring everything to the disk; what fails is in `failure`."""
        self.heed(everything=True)
        writer, self._writer = self._writer, None
        with self._disk():
            if writer is not None:
                writer.close()
        if self._inbox is not None:
            self._inbox.close()
        with self._disk():
            self._see_errands()
        self._clerk.shutdown()

    def _add_sensor(self, wanted: Wanted, identity: Identity, stream: Stream) -> None:
        sensor = SensorInfo(
            placement=wanted.placement,
            serial=identity.serial or wanted.serial,
            model=identity.model or wanted.model,
            mount_site=wanted.mount_site,
            protocol=stream.protocol,
            firmware=identity.firmware,
            **{name: float(stream.config.get(name, "nan")) for name in _NUMBERS},
        )
        if self._writer is None:
            self._begin_session(sensor)
        elif repr(self._info.sensors.get(wanted.placement)) != repr(sensor):  # NaN is not equal to itself
            self._write_info(sensor)
        self._streams[wanted.placement] = stream
        self._channels = {key: n for key, n in self._channels.items() if key[0] != wanted.placement}
        self._write_notes()

    def _begin_session(self, sensor: SensorInfo) -> None:
        now = _now()
        self._zero = now if self._begun is None else self._begun
        start_ns = time.time_ns() - round((now - self._zero) * 1e9)
        started = datetime.fromtimestamp(start_ns / 1e9, tz=UTC)
        self._info = replace(
            self._info,
            alias=manifest.check_alias(self._info.alias or library.default_alias()),
            started_utc=manifest.format_utc(started),
            session_id=manifest.new_session_id(started),
        )
        self.folder = library.session_folder(
            self._root, self._info.alias, started, session_id=self._info.session_id
        )
        self._write_info(sensor)
        self._writer = recording.RecordingWriter(
            self.folder, start_ns=start_ns, session=manifest.to_toml(self._info)
        )
        self._inbox = Inbox(self.folder)
        self.write_clock()

    def _write_info(self, sensor: SensorInfo) -> None:
        """Write `session.toml`: at the beginning at once, later what is new, without holding up the radio."""
        assert self.folder is not None
        before = self._info
        sensors = {**before.sensors, sensor.placement: sensor}
        self._info = replace(before, sensors={p: sensors[p] for p in PLACEMENTS if p in sensors})
        if self._writer is None:
            recording.write_session_info(self.folder, self._info)
        else:
            work = partial(recording.write_session_info, self.folder, self._info, before=before)
            self._errands.append(self._clerk.submit(work))

    def _see_errands(self) -> None:
        """Wait for what was to be written aside, and raise what went wrong with it."""
        while self._errands:
            self._errands.pop(0).result()

    def _open(self, placement: str, kind: str) -> int:
        """Number of the channel of one kind of payload; the same again for the same configuration."""
        assert self._writer is not None
        stream = self._streams[placement]
        config = stream.config if kind == "packet" else {}
        number = self._writer.open_sensor(placement, stream.protocol, config, kind=kind)
        self._channels[placement, kind] = number
        return number

    def _write_notes(self) -> None:
        if self._writer is None or self.failure is not None:
            return
        notes, self._notes = self._notes, []
        with self._disk():
            for at, placement, event, text in notes:
                self._writer.log(max(0.0, at - self._zero), placement, event, text)

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """What goes wrong with who looks on ends the looking on."""
        try:
            yield
        except Exception:
            self._listener = None

    @contextmanager
    def _disk(self) -> Iterator[None]:
        """What the disk refuses within the block ends the recording, not the caller."""
        try:
            yield
        except StorageError as error:
            self.failure = self.failure or error


_NUMBERS = ("nominal_rate_hz", "acc_range_g", "gyr_range_dps")


def _now() -> float:
    return asyncio.get_running_loop().time()
