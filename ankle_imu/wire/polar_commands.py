"""Control point of Polar PMD: requests and answers (little-endian; measurements themselves: `polar`).

    request    command u8 | measurement u8 | settings
    answer     0xF0 | command u8 | measurement u8 | status u8 | more u8 | settings; while `more` is 1, further
               answers follow, each `more u8 | settings`
    features   0x0F | bit per measurement, u16 (read)
    notice     0x01 | measurements u8: those that the sensor stopped by itself

Settings: see `polar.read_settings`. SDK mode, the wide choice of rates and ranges, is measurement 9: started and
stopped like one, and in it command 4 tells the settings that 1 tells outside.

See `firmware_notes/polar.md`.

References
----------
Maker's SDK, github.com/polarofficial/polar-ble-sdk at 8fb5311: documentation, sources (facts only); the same bytes
in traces of its issues 331 and 443.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ankle_imu.wire import polar

GET_SETTINGS, START, STOP, GET_SDK_SETTINGS = 1, 2, 3, 4
SDK_MODE: Final = 9
ANSWER: Final = 0xF0
FEATURES: Final = 0x0F
STOPPED: Final = 0x01

RATE, RESOLUTION, RANGE, MILLI_RANGE, CHANNELS, FACTOR = range(6)

SUCCESS, NOT_SUPPORTED, ALREADY = 0, 3, 6
STATUS_WORDS: Final = {
    1: "unknown command",
    2: "unknown measurement",
    NOT_SUPPORTED: "not supported",
    4: "wrong length",
    5: "wrong parameter",
    ALREADY: "already in this state",
    7: "no such resolution",
    8: "no such rate",
    9: "no such range",
    10: "MTU too small",
    11: "wrong number of channels",
    12: "not possible in this state",
    13: "it is in the charger",
    14: "its disk is full",
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer of the control point; `settings` are bytes for `polar.read_settings`."""

    command: int
    measurement: int
    status: int
    has_more: bool
    settings: bytes


def request(command: int, measurement: int) -> bytes:
    """Request without settings.

    Examples
    --------
    >>> request(START, SDK_MODE).hex()
    '0209'
    """
    return bytes((command, measurement))


def start(measurement: int, settings: Mapping[int, int | float]) -> bytes:
    """Request that starts a measurement with these settings, see `polar.encode_start`."""
    return polar.encode_start(measurement, settings)


def read_answer(payload: bytes) -> Answer | None:
    """What an indication answers; None when it is no answer.

    Examples
    --------
    >>> read_answer(bytes.fromhex("f002020000")).status
    0
    """
    if len(payload) < 4 or payload[0] != ANSWER:
        return None
    return Answer(
        command=payload[1],
        measurement=payload[2],
        status=payload[3],
        has_more=len(payload) > 4 and payload[4] != 0,
        settings=payload[5:],
    )


def read_features(payload: bytes) -> frozenset[int]:
    """Measurements that the sensor has, `SDK_MODE` among them; empty when the payload tells none."""
    if len(payload) < 3 or payload[0] != FEATURES:
        return frozenset()
    bits = int.from_bytes(payload[1:3], "little")
    return frozenset(bit for bit in range(16) if bits >> bit & 1)
