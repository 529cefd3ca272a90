"""Read a session's messages back: every part, whatever happened to it, and what was lost.

Damage costs the chunks it touched. The recorder counted the messages of each stream and repeats its counts, so
the number of those that are gone is known; only what a killed recorder had not counted yet is not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from ankle_imu.durable import ASIDE
from ankle_imu.errors import CorruptRecording, RecordingError, StorageError
from ankle_imu.recording.log_format import (
    HOST_CLOCK_TOPIC,
    JSON,
    LOG_TOPIC,
    MARKER_TOPIC,
    Channel,
    Message,
    sensor_encoding,
    split_topic,
)
from ankle_imu.recording.scan import Scan, scan_log
from ankle_imu.values import LinkEvent, Marker


@dataclass(frozen=True, kw_only=True)
class Stream:
    """Payloads of one channel under one configuration: (arrival in s from session start, payload) pairs.

    `lost_packets` were recorded once and are gone from the file; `holes` are the arrivals before and after each
    run of them, -inf and inf at the ends. `placement` is "" and `protocol` the message encoding where the topic is
    none of a sensor.
    """

    placement: str
    protocol: str
    config: Mapping[str, Any]
    packets: tuple[tuple[float, bytes], ...]
    lost_packets: int = 0
    holes: tuple[tuple[float, float], ...] = ()
    topic: str = ""


@dataclass(frozen=True, kw_only=True)
class HostClock:
    """What the host's clocks showed `time_s` s after session start.

    `utc_ns` is the wall clock, ns since 1970 UTC; `boot_s` the s since the boot `boot_id`, NaN and "" if unknown.
    """

    time_s: float
    utc_ns: int
    boot_id: str = ""
    boot_s: float = float("nan")


@dataclass(frozen=True, kw_only=True)
class SessionLog:
    """All that the parts of a session hold.

    `streams` are the packets, `status` and `clock` what sensors told of their state and of their clock, `others`
    channels that this version does not know. `start_ns` is the session start in ns since 1970 UTC; `session` the
    text of `session.toml` when recording began; `damage` one sentence per part that is not whole; `lost_bytes`
    and `damaged_regions` add up over parts. `channels` and `counts` are the recorder's own numbers of all
    channels and how many messages of each it has recorded.
    """

    streams: tuple[Stream, ...]
    status: tuple[Stream, ...] = ()
    clock: tuple[Stream, ...] = ()
    others: tuple[Stream, ...] = ()
    events: tuple[LinkEvent, ...] = ()
    markers: tuple[Marker, ...] = ()
    host_clock: tuple[HostClock, ...] = ()
    start_ns: int = 0
    session: str = ""
    damage: tuple[str, ...] = ()
    lost_bytes: int = 0
    damaged_regions: int = 0
    channels: Mapping[int, Channel] = field(default_factory=dict)
    counts: Mapping[int, int] = field(default_factory=dict)


NOT_CLOSED: Final = "was not closed"
"""In the sentence on a part whose recorder was cut off, or is still at work."""

T = TypeVar("T", LinkEvent, Marker, HostClock)

_Key = tuple[str, str, str]
"""topic, encoding and configuration: what makes a stream the same in another part"""


@dataclass
class _Gathered:
    channels: dict[_Key, Channel] = field(default_factory=dict)
    numbers: dict[_Key, int] = field(default_factory=dict)
    messages: dict[_Key, list[Message]] = field(default_factory=dict)
    counts: dict[_Key, int] = field(default_factory=dict)
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
        All messages that are sound. Damage is described, never raised, as long as one part can be read.

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
            scan = scan_part(path)
        except CorruptRecording as problem:
            problems.append(problem)
            continue
        _gather(gathered, scan)
        scans.append(scan)
        damage += describe_damage(path, scan)
    if not scans:
        raise problems[0] if problems else CorruptRecording("There is no recording: no part was given.")
    description = next((s.description for s in scans if s.description), {})
    if gathered.unnamed:
        damage.append(f"{gathered.unnamed} packets belong to a stream whose description is lost.")
    start_ns = int(description.get("start_ns", _first_time(gathered)))
    streams = [_stream(gathered, key, start_ns) for key in gathered.messages]
    by_kind = _by_kind(streams)
    return SessionLog(
        streams=tuple(by_kind["packet"]),
        status=tuple(by_kind["status"]),
        clock=tuple(by_kind["clock"]),
        others=tuple(by_kind[""]),
        events=_in_time([_event(t, said) for t, said in _said(by_kind[LOG_TOPIC])]),
        markers=_in_time([_marker(t, said) for t, said in _said(by_kind[MARKER_TOPIC])]),
        host_clock=_in_time([_host_clock(t, said) for t, said in _said(by_kind[HOST_CLOCK_TOPIC])]),
        start_ns=start_ns,
        session=description.get("session", ""),
        damage=(*damage, *(str(problem) for problem in problems)),
        lost_bytes=sum(s.lost_bytes for s in scans),
        damaged_regions=sum(s.damaged_regions for s in scans) + len(problems),
        channels={number: gathered.channels[key] for key, number in gathered.numbers.items()},
        counts={number: _recorded(gathered, key) for key, number in gathered.numbers.items()},
    )


def scan_part(path: Path) -> Scan:
    """Scan one file.

    Raises
    ------
    RecordingError
        If there is none.
    CorruptRecording
        If it is empty or no log at all.
    StorageError
        If the system does not let it be read.
    """
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


def describe_damage(path: Path, scan: Scan) -> list[str]:
    """Sentences on what is wrong with one part; none when it is whole."""
    sentences = []
    if scan.damaged_regions:
        places = "one place" if scan.damaged_regions == 1 else f"{scan.damaged_regions} places"
        sentences.append(f"{path.name} is damaged in {places}; {scan.lost_bytes} bytes could not be read.")
    if not scan.is_complete:
        sentences.append(f"{path.name} {NOT_CLOSED}: the recorder was cut off, its last moments may be missing.")
    return sentences


def _gather(gathered: _Gathered, scan: Scan) -> None:
    keys = {
        number: (channel.topic, channel.encoding, json.dumps(dict(channel.config), sort_keys=True))
        for number, channel in scan.channels.items()
    }
    for number, key in keys.items():
        if key not in gathered.channels:
            gathered.channels[key] = scan.channels[number]
            taken = gathered.numbers.values()
            gathered.numbers[key] = 1 + max(taken) if number in taken else number
        gathered.messages.setdefault(key, [])
        gathered.counts[key] = max(gathered.counts.get(key, 0), scan.counts.get(number, 0))
    for message in scan.messages:
        if message.channel in keys:
            gathered.messages[keys[message.channel]].append(message)
        else:
            gathered.unnamed += 1


def _first_time(gathered: _Gathered) -> int:
    return min((m.log_time for messages in gathered.messages.values() for m in messages), default=0)


def _recorded(gathered: _Gathered, key: _Key) -> int:
    """How many messages the recorder has numbered."""
    return max(gathered.counts[key], 1 + max((m.sequence for m in gathered.messages[key]), default=-1))


def _stream(gathered: _Gathered, key: _Key, start_ns: int) -> Stream:
    channel, messages = gathered.channels[key], gathered.messages[key]
    placement, kind = split_topic(channel.topic)
    ending = sensor_encoding("", kind) if placement else ""
    recorded = _recorded(gathered, key)
    packets = tuple(((m.log_time - start_ns) / 1e9, m.data) for m in messages)
    return Stream(
        placement=placement,
        protocol=channel.encoding.removesuffix(ending),
        config=channel.config,
        packets=packets,
        lost_packets=max(0, recorded - len({m.sequence for m in messages})),
        holes=tuple(_holes([m.sequence for m in messages], [t for t, _ in packets], recorded)),
        topic=channel.topic,
    )


def _holes(sequences: list[int], arrivals: list[float], recorded: int) -> Iterator[tuple[float, float]]:
    """Arrivals around each run of missing numbers in 0..recorded."""
    before, last = -1, float("-inf")
    for sequence, arrival in zip([*sequences, recorded], [*arrivals, float("inf")], strict=True):
        if sequence > before + 1:
            yield last, arrival
        before, last = max(before, sequence), arrival


def _by_kind(streams: Iterable[Stream]) -> dict[str, list[Stream]]:
    """Streams under the kind of their topic, or under the topic of our own JSON channels; the rest under ""."""
    kinds: dict[str, list[Stream]] = {
        kind: [] for kind in ("packet", "status", "clock", LOG_TOPIC, MARKER_TOPIC, HOST_CLOCK_TOPIC, "")
    }
    for stream in streams:
        own = stream.topic if stream.topic in kinds and stream.protocol == JSON else ""
        kinds[split_topic(stream.topic)[1] or own].append(stream)
    return kinds


def _said(streams: Iterable[Stream]) -> list[tuple[float, Mapping[str, Any]]]:
    """Time and content of JSON messages; those that hold no object are passed over."""
    said: list[tuple[float, Mapping[str, Any]]] = []
    for stream in streams:
        for time_s, data in stream.packets:
            try:
                content = json.loads(data)
            except ValueError:
                continue
            if isinstance(content, dict):
                said.append((time_s, content))
    return said


def _event(time_s: float, said: Mapping[str, Any]) -> LinkEvent:
    words = {name: str(said.get(name, "")) for name in ("placement", "event", "text")}
    return LinkEvent(time_s=time_s, **words)


def _marker(time_s: float, said: Mapping[str, Any]) -> Marker:
    return Marker(time_s=time_s, text=str(said.get("text", "")), leg=str(said.get("leg", "")))


def _host_clock(time_s: float, said: Mapping[str, Any]) -> HostClock:
    utc_ns, boot_s = said.get("utc_ns"), said.get("boot_s")
    return HostClock(
        time_s=time_s,
        utc_ns=utc_ns if isinstance(utc_ns, int) else 0,
        boot_id=str(said.get("boot_id", "")),
        boot_s=float(boot_s) if isinstance(boot_s, int | float) else float("nan"),
    )


def _in_time(values: list[T]) -> tuple[T, ...]:
    return tuple(sorted(values, key=lambda value: value.time_s))
