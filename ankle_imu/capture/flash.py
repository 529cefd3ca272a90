"""A sensor's own recording, once it was fetched: kept as a session, or used to heal one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from ankle_imu import manifest, recording, session_io, wire
from ankle_imu.capture.linked import STOPPED
from ankle_imu.capture.wanted import Wanted
from ankle_imu.devices.adapter import Identity, LogFile, Stream
from ankle_imu.errors import QualityRefusal, RecordingError
from ankle_imu.values import ENDED, SensorInfo, SessionInfo
from ankle_imu.wire import Block

SAME_RUN_S = 0.1
"""Clock and count of a log and of a session may differ by so much and still be one run of the sensor."""


@dataclass(frozen=True, kw_only=True)
class Healed:
    """Samples that were missing up to the end of the session, and of these the number found in the log."""

    missing: int
    found: int


def place_payloads(stream: Stream, payloads: Sequence[bytes]) -> list[tuple[float, bytes]]:
    """Payloads with the times, s from the first sample, at which each would have arrived.

    Parameters
    ----------
    stream : Stream
    payloads : sequence of bytes, in the order in which they were recorded

    Returns
    -------
    list of (time, payload)
        The time of a payload's last sample on the sensor's own clock; where it has none, its samples are counted
        at their nominal rate. A payload without samples has the time of the one before.

    Raises
    ------
    RecordingError
        If there is no sample in the payloads.
    """
    blocks = _decode(stream, payloads)
    time = np.full(len(payloads), -np.inf)
    for block in blocks:
        rows = np.asarray(block.arrival).astype(np.int64)
        np.maximum.at(time, rows, _seconds(block, stream))
    start = min(float(_seconds(block, stream)[0]) for block in blocks)
    time = np.maximum(np.maximum.accumulate(time) - start, 0.0)
    return list(zip(time.tolist(), payloads, strict=True))


def save_log(
    root: Path,
    wanted: Wanted,
    identity: Identity,
    log: LogFile,
    stream: Stream,
    payloads: Sequence[bytes],
    *,
    alias: str = "",
) -> Path:
    """Make a session of a fetched log.

    Returns
    -------
    Path
        The new session folder. Where the sensor does not know when it began, the session ends now.

    Raises
    ------
    RecordingError
        If the log holds no sample.
    StorageError
    """
    packets = place_payloads(stream, payloads)
    started = (
        datetime.fromtimestamp(log.started_s, tz=UTC)
        if log.started_s > 0
        else datetime.now(UTC) - timedelta(seconds=packets[-1][0])
    )
    sensor = SensorInfo(
        placement=wanted.placement,
        serial=identity.serial or wanted.serial,
        model=identity.model or wanted.model,
        mount_site=wanted.mount_site,
        firmware=identity.firmware,
    )
    info = SessionInfo(
        alias=alias,
        started_utc=manifest.format_utc(started),
        note=f"from the sensor's own memory ({log.key})",
        sensors={wanted.placement: sensor},
    )
    channels = {wanted.placement: (stream.protocol, stream.config)}
    return session_io.record_packets(
        root, info, channels, ((wanted.placement, at, payload) for at, payload in packets)
    )


def heal_session(folder: Path, placement: str, stream: Stream, payloads: Sequence[bytes]) -> Healed:
    """Add to a session the samples it lacks and a fetched log has, by the sensor's own count, up to its end.

    Parameters
    ----------
    folder : Path of the session
    placement : str
    stream : Stream of the log
    payloads : sequence of bytes

    Returns
    -------
    Healed
        Nothing is written when the log has nothing that is missing.

    Raises
    ------
    RecordingError
        If it is being recorded, has no such sensor, or the protocol does not count its samples.
    QualityRefusal
        If the log is of another run of the sensor.
    StorageError
    """
    if recording.is_being_recorded(folder):
        raise recording.being_recorded(folder)
    log = recording.read_log(recording.part_paths(folder))
    known = [s for s in log.streams if s.placement == placement and s.protocol == stream.protocol]
    if not known:
        raise RecordingError(f"{folder} has no {stream.protocol} sensor at {placement} to heal.", path=str(folder))
    target = max(known, key=lambda s: len(s.packets))
    have = wire.decode(target.protocol, target.packets, target.config)
    more = _decode(stream, payloads)
    if any(block.sequence is None or block.ticks is None for block in (*have, *more)):
        raise RecordingError(
            f"Sensors of protocol {stream.protocol} do not count their samples.", path=str(folder)
        )
    counts, offered = _counts(have), _counts(more)
    _check_same_run(have, more, folder)
    end_s = _end(log, target)
    last = offered[_arrivals(have, more) <= end_s].max(initial=counts.max())
    missing = np.setdiff1d(np.arange(counts.min(), last + 1), counts)
    wanted = np.isin(offered, missing)
    rows = np.unique(np.concatenate([np.asarray(block.arrival) for block in more])[wanted].astype(np.int64))
    if len(rows):
        _append(folder, log, target, [payloads[row] for row in rows.tolist()], end_s)
    return Healed(missing=len(missing), found=int(np.isin(missing, offered).sum()))


def _decode(stream: Stream, payloads: Sequence[bytes]) -> list[Block]:
    """Blocks with samples, whose `arrival` is the row of the payload."""
    rows = [(float(row), payload) for row, payload in enumerate(payloads)]
    blocks = [block for block in wire.decode(stream.protocol, rows, stream.config) if len(block)]
    if not blocks:
        raise RecordingError(f"There is no sample in the {len(payloads)} packets of the log.")
    return blocks


def _seconds(block: Block, stream: Stream) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    if block.ticks is None:
        return np.arange(1, len(block) + 1) / float(stream.config.get("nominal_rate_hz", "nan"))
    ticks = np.unwrap(block.ticks, period=block.tick_wrap) if block.tick_wrap else block.ticks
    return np.asarray(ticks * block.tick_s)


def _counts(blocks: Sequence[Block]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.concatenate([np.asarray(block.sequence, dtype=np.int64) for block in blocks])


def _check_same_run(have: Sequence[Block], more: Sequence[Block], folder: Path) -> None:
    """Refuse a log whose clock showed something else at the samples that the session has too."""
    (ours, ours_at), (theirs, theirs_at) = _ticks(have), _ticks(more)
    _, a, b = np.intersect1d(ours, theirs, return_indices=True)
    wrap, tick_s = more[0].tick_wrap, more[0].tick_s
    apart = ours_at[a] - theirs_at[b]
    if wrap:
        apart = (apart + wrap / 2.0) % wrap - wrap / 2.0
    if not len(apart) or np.median(np.abs(apart)) * tick_s > SAME_RUN_S:
        found = "their clocks differ" if len(apart) else "they have no sample in common"
        raise QualityRefusal(
            f"The log is of another run of the sensor than {folder.name}: {found}. Choose another with --log."
        )


def _ticks(
    blocks: Sequence[Block],
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    return _counts(blocks), np.concatenate([np.asarray(block.ticks) for block in blocks])


def _end(log: recording.SessionLog, target: recording.Stream) -> float:
    """Until when a sensor should have been heard, s: its last packet if it was stopped, else the very end."""
    last = max(at for at, _ in target.packets)
    own = [event.event for event in log.events if event.placement == target.placement]
    ended = [event.time_s for event in log.events if event.event == ENDED]
    return last if own[-1:] == [STOPPED] else max([last, *ended])


def _arrivals(have: Sequence[Block], more: Sequence[Block]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """When the samples of a log would have arrived in the session, s, at the earliest."""
    (ours, ours_at), (_, theirs_at) = _ticks(have), _ticks(more)
    arrival = np.concatenate([np.asarray(block.arrival) for block in have])
    wrap, tick_s = more[0].tick_wrap, more[0].tick_s
    newest = int(np.argmax(ours))
    later = theirs_at - ours_at[newest]
    if wrap:
        later = (later + wrap / 2.0) % wrap - wrap / 2.0
    return np.asarray(arrival[newest] + later * tick_s)


def _append(
    folder: Path, log: recording.SessionLog, target: recording.Stream, payloads: list[bytes], at: float
) -> None:
    """Write payloads into a new part, behind all that came."""
    with recording.RecordingWriter(folder, start_ns=log.start_ns, session=log.session, after=log) as writer:
        number = writer.open_sensor(target.placement, target.protocol, target.config)
        for payload in payloads:
            writer.append(number, at, payload)
        writer.log(at, target.placement, "healed", f"{len(payloads)} packets from the sensor's own memory")
