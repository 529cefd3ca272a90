"""Flash log of an Ankle IMU: pages of packets, and the pieces in which they are fetched (protocol version 1).

    page    4096 bytes: header | records | 0xFF to the end; records: length u8 | packet as it would be streamed
    piece   0x20 u8 | ref u8 | offset u32 | bytes of the log
    end     0x21 u8 | ref u8 | outcome u8 | length u32 | crc32 u32 of the bytes that were asked for

A page carries the settings and the boot that its packets belong to, so every page can be read on its own. Its
CRC covers all that follows the CRC: a page torn by a power cut gives nothing rather than something wrong.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ankle_imu.wire.ankle_control import CONFIG_LAYOUT, Config
from ankle_imu.wire.ankle_layout import Layout

PAGE_BYTES: Final = 4096
MAGIC: Final = int.from_bytes(b"AIML", "little")
PAGE_LAYOUT: Final = Layout(
    "log page",
    {
        "magic": "u32",
        "crc32": "u32",
        "version": "u8",
        "epoch": "u8",
        "used": "u16",
        "log_id": "u32",
        "page": "u32",
        "boot_id": "u32",
        "first_index": "u32",
        "t_us": "u64",
        "started_s": "u32",
        **CONFIG_LAYOUT.types,
    },
)
RECORD_ROOM: Final = PAGE_BYTES - PAGE_LAYOUT.size
"""Bytes of records in a page."""

PIECE: Final = 0x20
PIECE_LAYOUT: Final = Layout("log piece", {"type": "u8", "ref": "u8", "offset": "u32"})
PIECE_END: Final = 0x21
PIECE_END_LAYOUT: Final = Layout(
    "log end", {"type": "u8", "ref": "u8", "outcome": "u8", "length": "u32", "crc32": "u32"}
)
_VERSION: Final = 1
_CRC_FROM: Final = 8


@dataclass(frozen=True, kw_only=True)
class PageHead:
    """What a page says of itself.

    Parameters
    ----------
    log_id, page : int, log and place in it, from 0
    boot_id : int
    epoch : int, of the packets
    config : Config in force
    first_index, t_us : int, of the first sample; t_us on the motion sensor's clock, not wrapped
    started_s : int, Unix time that the host told at the start; 0: told nothing
    """

    log_id: int
    page: int
    boot_id: int
    epoch: int
    config: Config
    first_index: int = 0
    t_us: int = 0
    started_s: int = 0


@dataclass(frozen=True, kw_only=True)
class Log:
    """Pages of a fetched log that are whole: (head, packets) each. `errors` counts the others, by reason."""

    pages: tuple[tuple[PageHead, tuple[bytes, ...]], ...]
    errors: Counter[str] = field(default_factory=Counter)


def encode_page(head: PageHead, packets: Sequence[bytes]) -> bytes:
    """One page.

    Raises
    ------
    ValueError
        If the packets do not fit.
    """
    records = b"".join(bytes((len(packet),)) + packet for packet in packets)
    if len(records) > RECORD_ROOM:
        raise ValueError(f"{len(records)} bytes of records do not fit a page, which has room for {RECORD_ROOM}.")
    config = CONFIG_LAYOUT.pack(**vars(head.config))
    values = {
        "magic": MAGIC,
        "crc32": 0,
        "version": _VERSION,
        "epoch": head.epoch,
        "used": len(records),
        "log_id": head.log_id,
        "page": head.page,
        "boot_id": head.boot_id,
        "first_index": head.first_index,
        "t_us": head.t_us,
        "started_s": head.started_s,
    }
    page = PAGE_LAYOUT.pack(**values, **CONFIG_LAYOUT.unpack(config)) + records
    page += b"\xff" * (PAGE_BYTES - len(page))
    return page[:4] + zlib.crc32(page[_CRC_FROM:]).to_bytes(4, "little") + page[_CRC_FROM:]


def decode_log(data: bytes) -> Log:
    """Read a log, whole, cut anywhere or with damaged pages.

    Parameters
    ----------
    data : bytes, from the start of the log

    Returns
    -------
    Log
        `errors` counts pages: `cut` (less than 4096 bytes), `empty` (erased), `damaged` (magic, version, CRC or
        lengths do not hold).
    """
    pages: list[tuple[PageHead, tuple[bytes, ...]]] = []
    errors: Counter[str] = Counter()
    for at in range(0, len(data), PAGE_BYTES):
        page = bytes(data[at : at + PAGE_BYTES])
        problem = _problem(page)
        packets = None if problem else _records(page)
        if packets is None:
            errors[problem or "damaged"] += 1
        else:
            pages.append((_head(page), packets))
    return Log(pages=tuple(pages), errors=errors)


def encode_pieces(ref: int, offset: int, data: bytes, room: int) -> list[bytes]:
    """Notifications of Log data for a range of a log: pieces of at most `room` bytes each, then the end."""
    step = room - PIECE_LAYOUT.size
    pieces = [
        PIECE_LAYOUT.pack(type=PIECE, ref=ref, offset=offset + k) + data[k : k + step]
        for k in range(0, len(data), step)
    ]
    end = PIECE_END_LAYOUT.pack(type=PIECE_END, ref=ref, outcome=0, length=len(data), crc32=zlib.crc32(data))
    return [*pieces, end]


def _problem(page: bytes) -> str:
    if len(page) < PAGE_BYTES:
        return "cut"
    if page.count(0xFF) == PAGE_BYTES:
        return "empty"
    found = PAGE_LAYOUT.unpack_prefix(page)
    is_whole = (
        found["magic"] == MAGIC
        and found["version"] == _VERSION
        and found["used"] <= RECORD_ROOM
        and found["crc32"] == zlib.crc32(page[_CRC_FROM:])
    )
    return "" if is_whole else "damaged"


def _records(page: bytes) -> tuple[bytes, ...] | None:
    """Packets of a page; None when their lengths do not add up."""
    at = PAGE_LAYOUT.size
    stop = at + PAGE_LAYOUT.unpack_prefix(page)["used"]
    packets = []
    while at < stop:
        packets.append(page[at + 1 : at + 1 + page[at]])
        at += 1 + page[at]
    return tuple(packets) if at == stop else None


def _head(page: bytes) -> PageHead:
    found = PAGE_LAYOUT.unpack_prefix(page)
    config = Config(**{name: found[name] for name in CONFIG_LAYOUT.types})
    names = ("log_id", "page", "boot_id", "epoch", "first_index", "t_us", "started_s")
    return PageHead(config=config, **{name: found[name] for name in names})
