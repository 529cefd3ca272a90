"""Read a session's packets back: every part, whatever happened to it, and what was lost.

Damage costs the chunks it touched. The recorder counted the packets of each stream, so the number of those
that are gone is known, except behind the last one that was read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ankle_imu.durable import ASIDE
from ankle_imu.errors import CorruptRecording, RecordingError, StorageError
from ankle_imu.recording.log_format import MARKER_TOPIC, Channel, Message, Scan, placement_of, scan_log
from ankle_imu.values import Marker


@dataclass(frozen=True, kw_only=True)
class Stream:
    """Packets of one sensor under one configuration: (arrival in s from session start, payload) pairs.

    `lost_packets` were recorded once and are gone from the file.
    """

    placement: str
    protocol: str
    config: Mapping[str, Any]
    packets: tuple[tuple[float, bytes], ...]
    lost_packets: int = 0


@dataclass(frozen=True, kw_only=True)
class SessionLog:
    """All that the parts of a session hold.

    `start_ns` is the session start in ns since 1970 UTC; `session` the text of `session.toml` when recording
    began; `damage` one sentence per part that is not whole; `lost_bytes` and `damaged_regions` add up over parts.
    """

    streams: tuple[Stream, ...]
    markers: tuple[Marker, ...] = ()
    start_ns: int = 0
    session: str = ""
    damage: tuple[str, ...] = ()
    lost_bytes: int = 0
    damaged_regions: int = 0


@dataclass
class _Gathered:
    streams: dict[tuple[str, str, str], list[Message]] = field(default_factory=dict)
    channels: dict[tuple[str, str, str], Channel] = field(default_factory=dict)
    unnamed: int = 0


def part_paths(path: Path) -> list[Path]:
    """Parts of a session folder in order, or the one file that `path` names."""
    if path.is_dir():
        return sorted(p for p in (path / "raw").glob("part-*.mcap") if not p.name.startswith(ASIDE))
    return [path]


def read_log(paths: Iterable[Path]) -> SessionLog:
    """Read the parts of a session.

    Parameters
    ----------
    paths : iterable of Path, parts in order

    Returns
    -------
    SessionLog
        All packets that are sound. Damage is described, never raised, as long as one part can be read.

    Raises
    ------
    CorruptRecording
        If no part holds anything that was recorded.
    StorageError
        If a file cannot be read because of the system.
    """
    gathered, damage, scans = _Gathered(), [], []
    problems: list[CorruptRecording] = []
    for path in paths:
        try:
            scan = _scan_part(path)
        except CorruptRecording as problem:
            problems.append(problem)
            continue
        _gather(gathered, scan)
        scans.append(scan)
        damage += _damage(path, scan)
    if not scans:
        raise problems[0] if problems else CorruptRecording("There is no recording: no part was given.")
    description = next((s.description for s in scans if s.description), {})
    if gathered.unnamed:
        damage.append(f"{gathered.unnamed} packets belong to a stream whose description is lost.")
    start_ns = int(description.get("start_ns", _first_time(gathered)))
    return SessionLog(
        streams=tuple(_stream(gathered, key, start_ns) for key in gathered.streams if key[0]),
        markers=_markers(gathered, start_ns),
        start_ns=start_ns,
        session=description.get("session", ""),
        damage=(*damage, *(str(problem) for problem in problems)),
        lost_bytes=sum(s.lost_bytes for s in scans),
        damaged_regions=sum(s.damaged_regions for s in scans) + len(problems),
    )


def _scan_part(path: Path) -> Scan:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise RecordingError(f"There is no file {path}.", path=str(path)) from error
    except OSError as error:
        raise StorageError(f"{path} could not be read: {error.strerror or error}.", path=str(path)) from error
    if not data:
        raise CorruptRecording(
            f"{path} is empty (0 bytes): nothing was recorded into it.", path=str(path), offset=0
        )
    scan = scan_log(data)
    if scan.chunks == 0 and not scan.has_magic:
        raise CorruptRecording(
            f"{path} is no recording (it starts with {data[:8]!r}, not with an MCAP header); "
            "`ankle-imu import` reads files of other makers.",
            path=str(path),
            offset=0,
        )
    return scan


def _damage(path: Path, scan: Scan) -> list[str]:
    sentences = []
    if scan.damaged_regions:
        places = "one place" if scan.damaged_regions == 1 else f"{scan.damaged_regions} places"
        sentences.append(f"{path.name} is damaged in {places}; {scan.lost_bytes} bytes could not be read.")
    if not scan.is_complete:
        sentences.append(f"{path.name} was not closed: the recorder was cut off, its last moments may be missing.")
    return sentences


def _gather(gathered: _Gathered, scan: Scan) -> None:
    keys: dict[int, tuple[str, str, str]] = {}
    for number, channel in scan.channels.items():
        placement = placement_of(channel.topic)
        is_marker = channel.topic == MARKER_TOPIC and channel.encoding == "json"
        name = placement or ("" if is_marker else None)
        if name is not None:
            keys[number] = (name, channel.encoding, json.dumps(dict(channel.config), sort_keys=True))
            gathered.channels.setdefault(keys[number], channel)
            gathered.streams.setdefault(keys[number], [])
    for message in scan.messages:
        if message.channel in keys:
            gathered.streams[keys[message.channel]].append(message)
        elif message.channel not in scan.channels:
            gathered.unnamed += 1


def _first_time(gathered: _Gathered) -> int:
    return min((m.log_time for messages in gathered.streams.values() for m in messages), default=0)


def _stream(gathered: _Gathered, key: tuple[str, str, str], start_ns: int) -> Stream:
    channel, messages = gathered.channels[key], gathered.streams[key]
    last = max((m.sequence for m in messages), default=-1)
    return Stream(
        placement=key[0],
        protocol=channel.encoding,
        config=channel.config,
        packets=tuple(((m.log_time - start_ns) / 1e9, m.data) for m in messages),
        lost_packets=max(0, last + 1 - len(messages)),
    )


def _markers(gathered: _Gathered, start_ns: int) -> tuple[Marker, ...]:
    markers = []
    for key, messages in gathered.streams.items():
        for message in messages if not key[0] else ():
            content = json.loads(message.data)
            time_s = (message.log_time - start_ns) / 1e9
            markers.append(Marker(time_s=time_s, text=content.get("text", ""), leg=content.get("leg", "")))
    return tuple(sorted(markers, key=lambda marker: marker.time_s))
