"""Messages -> the bytes of an MCAP log, a chunk at a time; a log that ends after any chunk is readable.

Messages are framed here in one go per chunk, which costs a tenth of adding them to the MCAP library one by one;
all rarer records are the library's.

References
----------
MCAP specification, https://mcap.dev/spec
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import zstandard
from mcap import records
from mcap.data_stream import RecordBuilder
from mcap.opcode import Opcode

from ankle_imu._version import package_version
from ankle_imu.recording.log_format import DESCRIPTION, MAGIC, PROFILE, Channel, Message, describe

COMPRESSION: Final = "zstd"
LEVEL: Final = 1
"""Of zstd. On chunks of 0.3 s the levels 1, 3 and 6 differ by 1 % in size; 1 takes 15 us, 6 three times that."""

_MESSAGE: Final = struct.Struct("<BQHIQQ")
_CHUNK: Final = struct.Struct("<BQQQQII4sQ")
_INDEX: Final = struct.Struct("<BQHI")
_RECORD_SIZE, _MESSAGE_SIZE, _INDEX_SIZE, _CHUNK_INDEX_SIZE = 9, 22, 6, 68
"""Bytes of a record's head, and of the parts of records that do not vary."""


class LogFramer:
    """Frames one log and hands its bytes on.

    Parameters
    ----------
    write : called with each piece of the log; when it raises, the log is as if the piece had not been asked for
    start_ns : int, session start in ns since 1970 UTC
    session : str, text of `session.toml`
    before : mapping of channel to the number of its messages in earlier parts
    """

    def __init__(
        self,
        write: Callable[[bytes], object],
        *,
        start_ns: int,
        session: str = "",
        before: Mapping[int, int] | None = None,
    ) -> None:
        self._write = write
        self._before = dict(before or {})
        self._start_ns = start_ns
        self._session = session
        self._offset = 0
        self._channels: dict[int, Channel] = {}
        self._counts: dict[int, int] = {}
        self._times: list[int] = []
        self._chunk_indexes = bytearray()
        self._metadata_indexes = bytearray()
        self._chunks = self._metadata = 0
        self._compressor = zstandard.ZstdCompressor(level=LEVEL)

    def begin(self) -> None:
        """Write what stands before everything else."""
        header = records.Header(profile=PROFILE, library=f"ankle_imu/{package_version()}")
        self._hand_on(MAGIC + _encoded(header))

    def describe(self, channels: Mapping[int, Channel], counts: Mapping[int, int]) -> None:
        """Write what the session is, its channels, and how many messages of each were recorded up to here."""
        content = describe(self._start_ns, self._session, channels, self._before, counts)
        record = _encoded(records.Metadata(name=DESCRIPTION, metadata=content))
        index = records.MetadataIndex(offset=self._offset, length=len(record), name=DESCRIPTION)
        self._hand_on(record)
        self._metadata_indexes += _encoded(index)
        self._metadata += 1

    def write_chunk(self, messages: Sequence[Message], channels: Mapping[int, Channel]) -> None:
        """Write messages as one chunk, led by those of `channels` that this log does not name yet."""
        fresh = {n: channel for n, channel in channels.items() if n not in self._channels}
        content, places = _frame(messages, b"".join(_channel_record(n, c) for n, c in fresh.items()))
        times = [message.log_time for message in messages]
        first, last = min(times), max(times)
        packed = self._compressor.compress(content)
        name = COMPRESSION.encode()
        length = _CHUNK.size - _RECORD_SIZE + len(packed)
        head = _CHUNK.pack(
            Opcode.CHUNK, length, first, last, len(content), zlib.crc32(content), len(name), name, len(packed)
        )
        chunk = head + packed
        offsets: list[int] = []
        indexes: list[bytes] = []
        at = self._offset + len(chunk)
        for channel, flat in places.items():
            offsets += (channel, at)
            size = 8 * len(flat)
            indexes.append(_INDEX.pack(Opcode.MESSAGE_INDEX, _INDEX_SIZE + size, channel, size))
            indexes.append(struct.pack(f"<{len(flat)}Q", *flat))
            at += _INDEX.size + size
        index = struct.pack(
            f"<BQQQQQI{'HQ' * len(places)}QI4sQQ",
            Opcode.CHUNK_INDEX,
            _CHUNK_INDEX_SIZE + 10 * len(places),
            *(first, last, self._offset, len(chunk), 10 * len(places), *offsets),
            *(at - self._offset - len(chunk), len(name), name, len(packed), len(content)),
        )
        self._hand_on(b"".join((chunk, *indexes)))
        self._chunk_indexes += index
        self._chunks += 1
        self._channels |= fresh
        self._times = [min(first, *self._times), max(last, *self._times)] if self._times else [first, last]
        for channel, flat in places.items():
            self._counts[channel] = self._counts.get(channel, 0) + len(flat) // 2

    def finish(self) -> None:
        """Write the summary that makes the log a closed one.

        The statistics come last: a hole of 4 KiB that takes the last chunk leaves the count of its messages.
        """
        end = _encoded(records.DataEnd(data_section_crc=0))
        groups = (
            (Opcode.CHUNK_INDEX, bytes(self._chunk_indexes)),
            (Opcode.METADATA_INDEX, bytes(self._metadata_indexes)),
            (Opcode.CHANNEL, b"".join(_channel_record(n, c) for n, c in self._channels.items())),
            (Opcode.STATISTICS, self._statistics()),
        )
        start = at = self._offset + len(end)
        offsets = []
        for opcode, group in groups:
            if group:
                offset = records.SummaryOffset(group_opcode=opcode, group_start=at, group_length=len(group))
                offsets.append(_encoded(offset))
            at += len(group)
        summary = b"".join((*(group for _, group in groups), *offsets))
        head = struct.pack("<BQQQ", Opcode.FOOTER, 20, start, at)
        footer = head + struct.pack("<I", zlib.crc32(head, zlib.crc32(summary)))
        self._hand_on(end + summary + footer + MAGIC)

    def _statistics(self) -> bytes:
        start, end = self._times or (0, 0)
        return _encoded(
            records.Statistics(
                attachment_count=0,
                channel_count=len(self._channels),
                channel_message_counts=dict(self._counts),
                chunk_count=self._chunks,
                message_count=sum(self._counts.values()),
                message_end_time=end,
                message_start_time=start,
                metadata_count=self._metadata,
                schema_count=0,
            )
        )

    def _hand_on(self, data: bytes) -> None:
        self._write(data)
        self._offset += len(data)


def _frame(messages: Iterable[Message], lead: bytes) -> tuple[bytes, dict[int, list[int]]]:
    """Content of a chunk, and per channel the time and place of each of its messages, in turns."""
    pieces, places, at = [lead], dict[int, list[int]](), len(lead)
    for channel, sequence, log_time, data in messages:
        n = len(data)
        pieces.append(
            _MESSAGE.pack(Opcode.MESSAGE, _MESSAGE_SIZE + n, channel, sequence & 0xFFFFFFFF, log_time, log_time)
        )
        pieces.append(data)
        flat = places.get(channel)
        if flat is None:
            flat = places[channel] = []
        flat += (log_time, at)
        at += _RECORD_SIZE + _MESSAGE_SIZE + n
    return b"".join(pieces), places


def _channel_record(number: int, channel: Channel) -> bytes:
    metadata = {"config": json.dumps(dict(channel.config))}
    return _encoded(
        records.Channel(
            id=number,
            topic=channel.topic,
            message_encoding=channel.encoding,
            schema_id=0,
            metadata=metadata,
        )
    )


def _encoded(record: Any) -> bytes:
    builder = RecordBuilder()
    record.write(builder)
    return bytes(builder.end())  # type: ignore[no-untyped-call]
