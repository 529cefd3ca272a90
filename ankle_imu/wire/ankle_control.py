"""Commands to an Ankle IMU, their answers, and its characteristics (protocol version 1).

    request    op u8 | ref u8 | arguments
    answer     op + 0x80 u8 | ref u8 | outcome u8 | values, empty unless the outcome is `OK`
    end        op + 0xC0 u8 | ref u8 | outcome u8 | values: a request that goes on after its answer has ended

`firmware_notes/protocol.md` is the same for people who write firmware; a test holds the two together. Both
sides, the adapter and the virtual sensor, use this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from ankle_imu.errors import ProtocolError
from ankle_imu.wire.ankle_layout import Layout

NAME_PREFIX: Final = "AnkleIMU-"


def uuid(number: int) -> str:
    """128-bit UUID of a service or characteristic of ours.

    Examples
    --------
    >>> uuid(0x0001)
    '3cea0001-8142-48ea-91d9-3080f9b439fc'
    """
    return f"3cea{number:04x}-8142-48ea-91d9-3080f9b439fc"


SERVICE: Final = uuid(0x0001)
INFO: Final = uuid(0x0002)
CONTROL: Final = uuid(0x0003)
DATA: Final = uuid(0x0004)
TIME: Final = uuid(0x0005)
STATUS: Final = uuid(0x0006)
LOG_DATA: Final = uuid(0x0007)

CHARACTERISTICS: Final = {
    INFO: ("Info", frozenset({"read"})),
    CONTROL: ("Control", frozenset({"write", "indicate"})),
    DATA: ("Data", frozenset({"notify"})),
    TIME: ("Time", frozenset({"write-without-response", "notify"})),
    STATUS: ("Status", frozenset({"read", "notify"})),
    LOG_DATA: ("Log data", frozenset({"notify"})),
}
"""UUID -> name and properties."""


class Op(IntEnum):
    """First byte of a request."""

    GET_CONFIG = 0x01
    SET_CONFIG = 0x02
    START_STREAM = 0x03
    STOP_STREAM = 0x04
    START_LOG = 0x05
    STOP_LOG = 0x06
    LIST_LOGS = 0x07
    READ_LOG = 0x08
    DELETE_LOG = 0x09
    REPLAY = 0x0A
    IDENTIFY = 0x0B


class Outcome(IntEnum):
    """How a request went."""

    OK = 0
    UNKNOWN_OP = 1
    BAD_LENGTH = 2
    BAD_VALUE = 3
    BUSY = 4
    NOT_FOUND = 5
    NO_FLASH = 6
    FLASH_FULL = 7
    WRONG_STATE = 8
    FAILED = 9


_CONFIG_TYPES: Final = {
    "rate_hz": "u16",
    "acc_range_g": "u8",
    "gyr_range_dps": "u16",
    "low_pass_hz": "u16",
    "batch_max_ms": "u8",
}
CONFIG_LAYOUT: Final = Layout("config", _CONFIG_TYPES)

TIME_REQUEST: Final = Layout("time request", {"seq": "u8"})
TIME_ANSWER: Final = Layout("time answer", {"seq": "u8", "received_us": "u48", "sent_us": "u48"})

_NOTHING: Final = Layout("request without arguments", {})
_EPOCH_CONFIG: Final = Layout("epoch and config", {"epoch": "u8", **_CONFIG_TYPES})

ARGUMENTS: Final[Mapping[Op, Layout]] = {
    Op.GET_CONFIG: _NOTHING,
    Op.SET_CONFIG: CONFIG_LAYOUT,
    Op.START_STREAM: _NOTHING,
    Op.STOP_STREAM: _NOTHING,
    Op.START_LOG: Layout("start log", {"started_s": "u32"}),
    Op.STOP_LOG: _NOTHING,
    Op.LIST_LOGS: Layout("list logs", {"position": "u8"}),
    Op.READ_LOG: Layout("read log", {"log_id": "u32", "offset": "u32", "length": "u32"}),
    Op.DELETE_LOG: Layout("delete log", {"log_id": "u32"}),
    Op.REPLAY: Layout("replay", {"first": "u32", "last": "u32"}),
    Op.IDENTIFY: Layout("identify", {"seconds": "u8"}),
}
"""What follows op and ref in a request."""

ANSWERS: Final[Mapping[Op, Layout]] = {
    Op.GET_CONFIG: _EPOCH_CONFIG,
    Op.SET_CONFIG: _EPOCH_CONFIG,
    Op.START_STREAM: Layout("start stream answer", {"boot_id": "u32", "epoch": "u8", "next_index": "u32"}),
    Op.STOP_STREAM: Layout("stop stream answer", {"next_index": "u32"}),
    Op.START_LOG: Layout("start log answer", {"log_id": "u32"}),
    Op.STOP_LOG: Layout("stop log answer", {"log_id": "u32", "size": "u32"}),
    Op.LIST_LOGS: Layout(
        "list logs answer", {"count": "u8", "log_id": "u32", "size": "u32", "n": "u32", "started_s": "u32"}
    ),
    Op.READ_LOG: Layout("read log answer", {"size": "u32", "length": "u32"}),
    Op.DELETE_LOG: _NOTHING,
    Op.REPLAY: Layout("replay answer", {"first": "u32", "count": "u32"}),
    Op.IDENTIFY: _NOTHING,
}
"""What follows the outcome `OK` in an answer."""

ENDS: Final[Mapping[Op, Layout]] = {Op.REPLAY: Layout("replay end", {"count": "u32"})}
"""What follows the outcome in the end of a request that goes on after its answer."""

_ANSWER: Final = 0x80
_END: Final = 0xC0


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of a sensor.

    Parameters
    ----------
    rate_hz : int, samples per second
    acc_range_g, gyr_range_dps : int, full scale
    low_pass_hz : int, corner of the filter before sampling; 0: the sensor's own choice
    batch_max_ms : int, longest that a sample waits for a fuller packet; 0: until the packet is full
    """

    rate_hz: int
    acc_range_g: int
    gyr_range_dps: int
    low_pass_hz: int = 0
    batch_max_ms: int = 0


@dataclass(frozen=True, kw_only=True)
class Request:
    """A command; `ref` is the host's own number, which comes back in the answer."""

    op: Op
    ref: int
    values: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Answer to a request, or (`is_end`) the end of what the request set going."""

    op: int
    ref: int
    outcome: int = Outcome.OK
    values: Mapping[str, int] = field(default_factory=dict)
    is_end: bool = False


class RequestRefused(Exception):
    """A request that a sensor must refuse: its answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"op 0x{answer.op:02x}: {Outcome(answer.outcome).name}")
        self.answer = answer


def encode_request(op: Op, ref: int, **values: int) -> bytes:
    """Bytes to write to Control.

    Raises
    ------
    ValueError
        If the values are not those of `ARGUMENTS[op]` or do not fit.

    Examples
    --------
    >>> encode_request(Op.REPLAY, 7, first=1, last=258).hex()
    '0a070100000002010000'
    """
    return bytes((op, ref)) + ARGUMENTS[op].pack(**values)


def decode_request(data: bytes) -> Request:
    """Read what a host wrote to Control.

    Raises
    ------
    RequestRefused
        With the answer to give, when the op is unknown or the length is not that of its arguments.
    """
    op, ref = (*data[:2], 0, 0)[:2]
    try:
        known = Op(op)
    except ValueError:
        raise RequestRefused(Answer(op=op & 0x3F, ref=ref, outcome=Outcome.UNKNOWN_OP)) from None
    try:
        values = ARGUMENTS[known].unpack(data[2:])
    except ProtocolError:
        raise RequestRefused(Answer(op=op, ref=ref, outcome=Outcome.BAD_LENGTH)) from None
    if len(data) < 2:
        raise RequestRefused(Answer(op=op, ref=ref, outcome=Outcome.BAD_LENGTH))
    return Request(op=known, ref=ref, values=values)


def encode_answer(answer: Answer) -> bytes:
    """Bytes to indicate on Control.

    Examples
    --------
    >>> encode_answer(Answer(op=Op.REPLAY, ref=7, values={"first": 1, "count": 2})).hex()
    '8a07000100000002000000'
    """
    head = bytes((answer.op | (_END if answer.is_end else _ANSWER), answer.ref, answer.outcome))
    if answer.is_end or answer.outcome == Outcome.OK:
        return head + (ENDS if answer.is_end else ANSWERS)[Op(answer.op)].pack(**answer.values)
    return head


def decode_answer(data: bytes) -> Answer:
    """Read an indication of Control.

    Raises
    ------
    ProtocolError
        If it is neither an answer nor an end, or its length is not that of its op.
    """
    if len(data) < 3 or data[0] < _ANSWER:
        raise ProtocolError(f"Found {data.hex()!r}; expected an answer of at least 3 bytes.", payload=bytes(data))
    is_end = data[0] >= _END
    op, ref, outcome = data[0] & 0x3F, data[1], data[2]
    layouts = ENDS if is_end else ANSWERS
    values: dict[str, int] = {}
    if is_end or outcome == Outcome.OK:
        layout = next((layout for known, layout in layouts.items() if known == op), None)
        if layout is None:
            raise ProtocolError(f"No answer to op 0x{op:02x} is known: {data.hex()}.", payload=bytes(data))
        values = layout.unpack(data[3:])
    return Answer(op=op, ref=ref, outcome=outcome, values=values, is_end=is_end)
