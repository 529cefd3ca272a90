"""What a log is made of: channels and their names, messages, and the description that makes it whole again.

A log is an MCAP file. Channel descriptions stand in its first chunk only, so a `DESCRIPTION` metadata record
repeats them every few seconds, together with the number of messages so far: what is lost behind the last good
chunk is counted too.

References
----------
MCAP specification, https://mcap.dev/spec
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

MAGIC: Final = b"\x89MCAP0\r\n"
PROFILE: Final = "ankle_imu"
DESCRIPTION: Final = "ankle_imu"
"""Name of the metadata record that holds session start, `session.toml`, the channel table and counts."""

JSON: Final = "json"
MARKER_TOPIC: Final = "/marker"
LOG_TOPIC: Final = "/log"
HOST_CLOCK_TOPIC: Final = "/clock"
KINDS: Final = ("packet", "status", "clock")
"""What a sensor's channels carry: samples; its state; its answers when asked for its clock. All as received."""


class Channel(NamedTuple):
    """One stream of a log: its topic, how payloads are encoded, and what they do not tell themselves."""

    topic: str
    encoding: str
    config: Mapping[str, Any]


class Message(NamedTuple):
    """One payload as it was received; `sequence` is the recorder's own count per channel."""

    channel: int
    sequence: int
    log_time: int
    data: bytes


def sensor_topic(placement: str, kind: str) -> str:
    """Topic of one of the `KINDS` of one sensor.

    Examples
    --------
    >>> sensor_topic("left_foot", "packet")
    '/imu/left_foot/packet'
    """
    return f"/imu/{placement}/{kind}"


def sensor_encoding(protocol: str, kind: str) -> str:
    """Message encoding of one of the `KINDS`: the protocol, and for all but packets the kind behind it."""
    return protocol if kind == "packet" else f"{protocol}/{kind}"


def split_topic(topic: str) -> tuple[str, str]:
    """Placement and kind of a sensor's topic; two empty texts for other topics."""
    match = re.fullmatch(rf"/imu/([^/]+)/({'|'.join(KINDS)})", topic)
    return (match[1], match[2]) if match else ("", "")


def marker_payload(text: str, leg: str) -> bytes:
    """Bytes of a message of `MARKER_TOPIC`."""
    return json.dumps({"text": text, "leg": leg}).encode()


def describe(
    start_ns: int,
    session: str,
    channels: Mapping[int, Channel],
    before: Mapping[int, int],
    counts: Mapping[int, int],
) -> dict[str, str]:
    """Content of the `DESCRIPTION` record; it carries its own CRC because it stands outside the chunks.

    `before` is the number of messages of each channel in earlier parts, `counts` the number in those and in
    this log up to the end of the next chunk.
    """
    table = {str(i): [c.topic, c.encoding, dict(c.config)] for i, c in channels.items()}
    content = {
        "start_ns": str(start_ns),
        "session": session,
        "channels": json.dumps(table),
        "before": _counts_text(before),
        "counts": _counts_text(counts),
    }
    return {**content, "crc32": str(_crc(content))}


def is_sound(description: Mapping[str, str]) -> bool:
    """Whether the content of a `DESCRIPTION` record is what was written."""
    needed = {"start_ns", "session", "channels", "crc32"}
    return needed <= set(description) and description["crc32"] == str(_crc(description))


def described_channels(description: Mapping[str, str]) -> dict[int, Channel]:
    """Channel table of a sound description."""
    table = json.loads(description.get("channels", "{}"))
    return {int(number): Channel(*channel) for number, channel in table.items()}


def described_counts(description: Mapping[str, str], name: str) -> dict[int, int]:
    """`before` or `counts` of a sound description; empty in logs older than these."""
    return {int(number): n for number, n in json.loads(description.get(name, "{}")).items()}


def _counts_text(counts: Mapping[int, int]) -> str:
    return json.dumps({str(i): n for i, n in counts.items()})


def _crc(description: Mapping[str, str]) -> int:
    names = ("start_ns", "session", "channels", "before", "counts")
    return zlib.crc32("\x00".join(description[name] for name in names if name in description).encode())
