r"""Commands to Movesense sensors with GSP firmware, and their answers (little-endian).

    command      command u8 | ref u8 | payload
    log piece    offset u32 | bytes of the file; no bytes at the end

The measurements themselves: `movesense`. The fetched file: `movesense_sbem`.

See `firmware_notes/movesense.md`.

References
----------
.. [1] movesense.com/docs/esw/gatt_sensordata_protocol: commands, answers.
.. [2] github.com/sokolmarek/movesense-commander at 216f762: info arrays, log fetch (captures).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from ankle_imu.wire.movesense import DATA, SECOND_PART

_HEADER_BYTES = 2
_OFFSET_BYTES = 4


class Command(IntEnum):
    """First byte of a command; the second is the reference, then the payload [1]."""

    HELLO = 0
    SUBSCRIBE = 1
    UNSUBSCRIBE = 2
    FETCH_LOG = 3
    GET = 4
    CLEAR_LOGBOOK = 5
    PUT_DATALOGGER_CONFIG = 6
    PUT_SYSTEMMODE = 7
    PUT_UTCTIME = 8
    PUT_DATALOGGER_STATE = 9


@dataclass(frozen=True, kw_only=True)
class LogFile:
    """A fetched flash log: its bytes, the ranges [start, stop) not received (zeros), and whether the end came."""

    data: bytes
    holes: tuple[tuple[int, int], ...]
    is_ended: bool


def read_info(path: str, data: bytes) -> tuple[list[int], list[int]]:
    """Rates in Hz and ranges (g, deg/s, uT) that the answer to GET /Meas/<name>/Info lists.

    Raises
    ------
    ValueError
        If the arrays do not fill the data.
    """
    width = "B" if "/Acc/" in path else "H"
    try:
        rates = struct.unpack_from(f"<{data[0]}H", data, 1)
        at = 1 + 2 * len(rates)
        ranges = struct.unpack(f"<{data[at]}{width}", data[at + 1 :])
    except (IndexError, struct.error) as error:
        raise ValueError(f"{len(data)} bytes are no answer to {path}: {error}.") from error
    return list(rates), list(ranges)


def join_log(payloads: Iterable[tuple[float, bytes]], reference: int) -> LogFile:
    """File that the pieces sent for one FETCH_LOG make up.

    Parameters
    ----------
    payloads : iterable of (arrival, payload)
    reference : int, of the FETCH_LOG command

    Returns
    -------
    LogFile
        Nothing is sent twice by the sensor: fetch again and join both lots of payloads to fill `holes`.
    """
    pieces: dict[int, bytes] = {}
    is_ended = False
    for _, payload in payloads:
        is_piece = payload[:2] in (bytes((DATA, reference)), bytes((SECOND_PART, reference)))
        if not is_piece or len(payload) < _HEADER_BYTES + _OFFSET_BYTES:
            continue
        offset, body = int.from_bytes(payload[2:6], "little"), bytes(payload[6:])
        is_ended |= not body
        if len(body) > len(pieces.get(offset, b"")):
            pieces[offset] = body
    parts, holes, at = [], [], 0
    for offset, body in sorted(pieces.items()):
        if offset > at:
            holes.append((at, offset))
            parts.append(bytes(offset - at))
            at = offset
        parts.append(body[at - offset :])
        at = max(at, offset + len(body))
    return LogFile(data=b"".join(parts), holes=tuple(holes), is_ended=is_ended)


def command(code: Command, reference: int, payload: bytes = b"") -> bytes:
    """Bytes to write.

    Examples
    --------
    >>> command(Command.PUT_DATALOGGER_STATE, 13, bytes([3])).hex()
    '090d03'
    """
    return bytes((code, reference)) + payload


def path_payload(*paths: str) -> bytes:
    r"""Payload of SUBSCRIBE, GET (one path) and PUT_DATALOGGER_CONFIG (several).

    Examples
    --------
    >>> path_payload("/Meas/IMU6/52")
    b'/Meas/IMU6/52\x00'
    """
    return b"".join(path.encode() + b"\0" for path in paths)


def read_temperature(data: bytes) -> tuple[int, float]:
    """Timestamp in ms and temperature in K of a /Meas/Temp packet without its header.

    Raises
    ------
    ValueError
        If the data are not 8 bytes long.
    """
    if len(data) != 8:
        raise ValueError(f"A temperature has 8 bytes, found {len(data)}.")
    stamp, kelvin = struct.unpack("<If", data)
    return stamp, kelvin


@dataclass(frozen=True, kw_only=True)
class Hello:
    """What a sensor says of itself in the answer to HELLO [2]."""

    protocol_version: int
    serial: str
    product: str
    dfu_address: str
    app: str
    app_version: str


def read_hello(data: bytes) -> Hello:
    """Content of the answer to HELLO, which has no status: a version, then texts with a NUL after each.

    Raises
    ------
    ValueError
        If it is empty.
    """
    if not data:
        raise ValueError("The answer to HELLO is empty.")
    texts = [*data[1:].decode("utf-8", errors="replace").split("\0"), *[""] * 5]
    return Hello(
        protocol_version=data[0],
        serial=texts[0],
        product=texts[1],
        dfu_address=texts[2],
        app=texts[3],
        app_version=texts[4],
    )


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """One log in flash; `size` in bytes, `modified` as the sensor's clock had it (unit unknown)."""

    id: int
    modified: int
    size: int


_ENTRY = struct.Struct("<IIQ")


def read_log_entries(data: bytes) -> tuple[int, list[LogEntry]]:
    """Answer to GET /Mem/Logbook/entries: how many logs there are, and those that fitted in the notification.

    Raises
    ------
    ValueError
        If the data are empty.
    """
    if not data:
        raise ValueError("The list of logs is empty of even its count.")
    whole = data[1 : 1 + (len(data) - 1) // _ENTRY.size * _ENTRY.size]
    return data[0], [LogEntry(id=i, modified=t, size=n) for i, t, n in _ENTRY.iter_unpack(whole)]


def read_range(path: str, data: bytes) -> int:
    """Range in force, g or deg/s, that the answer to GET /Meas/Acc/Config or /Meas/Gyro/Config tells.

    The widths are those of the info arrays [2]; no capture of this answer is known.

    Raises
    ------
    ValueError
        If the data are too short.
    """
    width = 1 if "/Acc/" in path else 2
    if len(data) < width:
        raise ValueError(f"{len(data)} bytes are no answer to {path}; expected {width} or more.")
    return int.from_bytes(data[:width], "little")
