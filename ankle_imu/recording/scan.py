"""A scan of a log that survives damage. Bytes in, values out; no files here.

A log is a chain of records (opcode u8, length u64, content). Messages lie in chunks that carry a CRC. The
MCAP library's own reader stops at the first broken record; this scan walks the chain and, where the chain
breaks, resumes at the next chunk whose framing is consistent and whose CRC holds.

References
----------
MCAP specification, https://mcap.dev/spec
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ankle_imu.recording.log_format import (
    DESCRIPTION,
    MAGIC,
    PROFILE,
    Channel,
    Message,
    described_channels,
    described_counts,
    is_sound,
)

_HEADER, _FOOTER, _CHANNEL, _MESSAGE, _CHUNK, _STATISTICS = 0x01, 0x02, 0x04, 0x05, 0x06, 0x0B
_METADATA, _SUMMARY_OFFSET, _LAST_OPCODE = 0x0C, 0x0E, 0x0F
_RECORD: Final = struct.Struct("<BQ")
_CHUNK_HEAD: Final = struct.Struct("<QQQII")
_MESSAGE_HEAD: Final = struct.Struct("<HIQQ")
_FOOTER_RECORD: Final = struct.Struct("<BQQQI")
_SUMMARY_OFFSET_RECORD: Final = struct.Struct("<BQBQQ")
_STATISTICS_HEAD: Final = struct.Struct("<QHIIIIQQI")
_CANDIDATE: Final = re.compile(rb"\x06[\s\S]{4}\x00{4}[\s\S]{28}(?:\x04\x00{3}zstd|\x03\x00{3}lz4|\x00{4})")
_MAX_CHUNK: Final = 1 << 28


@dataclass
class Scan:
    """What a log holds, and what was lost of it.

    `damaged_regions` counts stretches that could not be read, `lost_bytes` their size; `is_complete` says
    that the log was closed; `chunks` counts the good ones. `counts` is how many messages of each channel were
    recorded up to the end of this log, as far as it tells. `profile` is what its header says, "" without one.
    """

    channels: dict[int, Channel] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    description: dict[str, str] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    profile: str = ""
    has_magic: bool = False
    is_complete: bool = False
    chunks: int = 0
    damaged_regions: int = 0
    lost_bytes: int = 0

    @property
    def is_ours(self) -> bool:
        """Not by another program: channels outside chunks and chunks without CRC are damage, for we write none."""
        return self.profile in ("", PROFILE)


def scan_log(data: bytes) -> Scan:
    """Read all that is sound in a log.

    Parameters
    ----------
    data : bytes of the whole file, of any content and however damaged

    Returns
    -------
    Scan
        Messages in file order. `chunks` is 0 when nothing in `data` is a log.
    """
    scan = Scan(has_magic=data.startswith(MAGIC), is_complete=_footer(data) is not None)
    loose: dict[int, Channel] = {}
    at = safe = len(MAGIC) if scan.has_magic else 0
    bad = -1
    end = len(data) - len(MAGIC) if scan.is_complete else len(data)
    while at < end:
        stop = _record_end(data, at)
        if stop is None:
            found = _next_good_chunk(data, safe)
            bad = _count_damage(scan, at if found >= at else safe, found, bad)
            at = safe = found
            continue
        if data[at] != _CHUNK:
            _take_record(scan, data[at], data[at + _RECORD.size : stop], loose)
        elif (records := _chunk_content(data, at, stop, needs_crc=scan.is_ours)) is not None:
            _take_records(scan, records)
            scan.chunks += 1
            safe = stop
        else:
            bad = _count_damage(scan, at, stop, bad)
        at = stop
    _take_statistics(scan, data)
    if scan.is_ours:
        scan.messages = list(dict.fromkeys(scan.messages))  # a chunk that is there twice was written once
    else:
        scan.channels = loose | scan.channels
    return scan


def _count_damage(scan: Scan, start: int, stop: int, bad: int) -> int:
    """Count bytes [start, stop) as damaged; what touches the last stretch, which ended at `bad`, belongs to it."""
    scan.damaged_regions += start > bad
    scan.lost_bytes += max(0, stop - max(start, bad))
    return max(stop, bad)


def _record_end(data: bytes, at: int) -> int | None:
    """End of the record at `at`; None when there cannot be one."""
    if at + _RECORD.size > len(data):
        return None
    opcode, length = _RECORD.unpack_from(data, at)
    stop = int(at + _RECORD.size + length)
    if not 0 < opcode <= _LAST_OPCODE or stop > len(data):
        return None
    if opcode == _CHUNK and not _is_chunk_framed(data, at, stop):
        return None
    return stop


def _is_chunk_framed(data: bytes, at: int, stop: int) -> bool:
    """Whether the lengths inside a chunk record add up to the record's own."""
    name_at = at + _RECORD.size + _CHUNK_HEAD.size
    if name_at + 8 > stop:
        return False
    *_, size, _, name_length = _CHUNK_HEAD.unpack_from(data, at + _RECORD.size)
    if name_length > 8 or size > _MAX_CHUNK or name_at + name_length + 8 > stop:
        return False
    (content_length,) = struct.unpack_from("<Q", data, name_at + name_length)
    return bool(name_at + name_length + 8 + content_length == stop)


def _next_good_chunk(data: bytes, start: int) -> int:
    """Offset of the first sound chunk at or after `start`; the length of `data` without one."""
    for at in _candidates(data, start):
        stop = _record_end(data, at)
        if stop is not None and _chunk_content(data, at, stop, needs_crc=True) is not None:
            return at
    return len(data)


def _candidates(data: bytes, start: int) -> Iterator[int]:
    match = _CANDIDATE.search(data, start)
    while match:
        yield match.start()
        match = _CANDIDATE.search(data, match.start() + 1)


def _chunk_content(data: bytes, at: int, stop: int, *, needs_crc: bool = False) -> bytes | None:
    """Records inside a framed chunk; None when its CRC does not hold."""
    _, _, size, crc, name_length = _CHUNK_HEAD.unpack_from(data, at + _RECORD.size)
    name_at = at + _RECORD.size + _CHUNK_HEAD.size
    compression = data[name_at : name_at + name_length]
    content = _decompress(compression, data[name_at + name_length + 8 : stop], size)
    if content is None or len(content) != size:
        return None
    if crc == 0 and not needs_crc:
        return content
    return content if zlib.crc32(content) == crc else None


def _decompress(compression: bytes, packed: bytes, size: int) -> bytes | None:
    """Content of a chunk; None when it is damaged. Never takes more than `size` bytes of memory."""
    if compression == b"":
        return packed
    if compression == b"zstd":
        import zstandard

        try:
            if zstandard.frame_content_size(packed) not in (size, -1):
                return None
            return zstandard.ZstdDecompressor().decompress(packed, max_output_size=size)
        except zstandard.ZstdError:
            return None
    if compression == b"lz4":
        import lz4.frame  # type: ignore[import-untyped]

        try:
            return bytes(lz4.frame.LZ4FrameDecompressor().decompress(packed, max_length=size + 1))
        except RuntimeError:
            return None
    return None


def _footer(data: bytes) -> tuple[int, int] | None:
    """Where the summary and its table begin, as the footer of a closed log tells; None when it was not closed."""
    at = len(data) - len(MAGIC) - _FOOTER_RECORD.size
    if at < len(MAGIC) or not data.endswith(MAGIC):
        return None
    opcode, length, summary, table, _ = _FOOTER_RECORD.unpack_from(data, at)
    return (summary, table) if opcode == _FOOTER and length == _FOOTER_RECORD.size - _RECORD.size else None


def _take_statistics(scan: Scan, data: bytes) -> None:
    """Take the number of messages and chunks from the summary, if its own sum bears it out."""
    footer = _footer(data)
    if footer is None:
        return
    at, before = footer[1], described_counts(scan.description, "before")
    while at + _SUMMARY_OFFSET_RECORD.size <= len(data) and data[at] == _SUMMARY_OFFSET:
        _, _, group, start, length = _SUMMARY_OFFSET_RECORD.unpack_from(data, at)
        if group == _STATISTICS and _RECORD.size + _STATISTICS_HEAD.size <= length <= len(data) - start:
            chunks, counts = _statistics(data[start + _RECORD.size : start + length])
            scan.damaged_regions = max(scan.damaged_regions, min(1, chunks - scan.chunks))
            for channel, n in counts.items():
                scan.counts[channel] = max(scan.counts.get(channel, 0), before.get(channel, 0) + n)
        at += _SUMMARY_OFFSET_RECORD.size


def _statistics(content: bytes) -> tuple[int, dict[int, int]]:
    """Number of chunks and messages per channel of a statistics record; nothing when it contradicts itself."""
    total, _, n_channels, _, _, chunks, _, _, size = _STATISTICS_HEAD.unpack_from(content)
    if size % 10 or _STATISTICS_HEAD.size + size != len(content):
        return 0, {}
    counts: dict[int, int] = dict(struct.iter_unpack("<HQ", content[_STATISTICS_HEAD.size :]))
    is_sound = len(counts) <= n_channels and sum(counts.values()) == total
    return (chunks, counts) if is_sound else (0, {})


def _take_records(scan: Scan, content: bytes) -> None:
    """Take the records of a chunk whose CRC held."""
    at = 0
    while at + _RECORD.size <= len(content):
        opcode, length = _RECORD.unpack_from(content, at)
        start, at = at + _RECORD.size, at + _RECORD.size + length
        if opcode == _MESSAGE and length >= _MESSAGE_HEAD.size:
            channel, sequence, log_time, _ = _MESSAGE_HEAD.unpack_from(content, start)
            data = content[start + _MESSAGE_HEAD.size : at]
            scan.messages.append(Message(channel, sequence, log_time, data))
        elif opcode == _CHANNEL:
            _take_record(scan, opcode, content[start:at], scan.channels)


def _take_record(scan: Scan, opcode: int, content: bytes, channels: dict[int, Channel]) -> None:
    """Take a header, a description, or a channel into `channels`; one that cannot be read is passed over."""
    try:
        if opcode == _HEADER:
            scan.profile = _text(content, 0)[0]
        elif opcode == _CHANNEL:
            (number,) = struct.unpack_from("<H", content)
            topic, at = _text(content, 4)
            encoding, at = _text(content, at)
            channels.setdefault(number, Channel(topic, encoding, _config(_text_map(content, at))))
        elif opcode == _METADATA:
            name, at = _text(content, 0)
            if name == DESCRIPTION:
                _take_description(scan, _text_map(content, at))
    except (struct.error, ValueError):
        return


def _take_description(scan: Scan, description: dict[str, str]) -> None:
    if is_sound(description):
        scan.description = description
        scan.channels |= described_channels(description)
        for number, n in described_counts(description, "counts").items():
            scan.counts[number] = max(n, scan.counts.get(number, 0))


def _config(metadata: Mapping[str, str]) -> Mapping[str, Any]:
    config = json.loads(metadata.get("config", "{}"))
    return config if isinstance(config, dict) else {}


def _text(content: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<I", content, at)
    stop = at + 4 + length
    if stop > len(content):
        raise ValueError("text runs past the end of its record")
    return content[at + 4 : stop].decode(), stop


def _text_map(content: bytes, at: int) -> dict[str, str]:
    (length,) = struct.unpack_from("<I", content, at)
    at, stop = at + 4, at + 4 + length
    pairs = {}
    while at < stop:
        key, at = _text(content, at)
        pairs[key], at = _text(content, at)
    return pairs
