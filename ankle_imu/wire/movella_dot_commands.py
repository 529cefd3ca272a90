"""Configuration, recording and export of Movella DOT sensors (little-endian; measurements: `movella_dot`).

    message     id u8 | length u8 | data | sum u8, see `movella_dot.encode_message`
    to sensor   recording data = command u8 | arguments                  written to 0x7001
    receipt     recording data = 1 | result u8 | command u8 | arguments   read from 0x7002 after each command
    notice      recording data = kind u8 | content                       notified by 0x7003

See `firmware_notes/movella_dot.md`.

References
----------
"Movella DOT BLE Service Specification", XD0506P revision C, July 2023: tables 6, 7, 13, 21, 26, section 5.2.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ankle_imu.wire.movella_dot import RECORDING, encode_message, is_message

STOP_EXPORT, SELECT_DATA, RETRANSMIT = 0x73, 0x74, 0x75
FILE_INFO, FILE_DATA = 0x60, 0x70

FILE_INFO_TOLD, FILE_INFO_DONE, NO_FILE = 0x61, 0x62, 0x63
SAMPLE, EXPORT_DONE, DAMAGED_SAMPLE = 0x71, 0x72, 0x76
BUSY: Final = 0x03

RESULT_WORDS: Final = {
    0x02: "invalid command",
    0x03: "its flash is busy",
    0x06: "it is idle",
    0x30: "it is erasing its flash",
    0x40: "it is recording",
    0x50: "it is telling its flash information",
    0x60: "it is telling file information",
    0x70: "it is exporting",
}

_RECEIPT: Final = 0x01
_CONTROL: Final = struct.Struct("<8B16sHB5s")
_INFO: Final = struct.Struct("<6s3BH5BI8s6s")
_FILE: Final = struct.Struct("<IIHIH")
_VISIT_IDENTIFY, _VISIT_RATE = 0x01, 0x10


@dataclass(frozen=True, kw_only=True)
class DeviceInfo:
    """Content of characteristic 0x1001. `serial` in hexadecimal."""

    serial: str
    product: str
    firmware: str


def read_device_info(data: bytes) -> DeviceInfo:
    """Characteristic 0x1001, 34 bytes.

    Raises
    ------
    ValueError
        If it is shorter.
    """
    if len(data) < _INFO.size:
        raise ValueError(f"Found device information of {len(data)} bytes; expected {_INFO.size}.")
    fields = _INFO.unpack_from(data)
    return DeviceInfo(
        serial=fields[-2][::-1].hex().upper().lstrip("0"),
        product=fields[-1].decode("ascii", errors="replace").strip("\0 "),
        firmware=".".join(map(str, fields[1:4])),
    )


def set_rate(rate_hz: int) -> bytes:
    """What is written to characteristic 0x1002 to set the output rate, and nothing else."""
    return _CONTROL.pack(_VISIT_RATE, *[0] * 7, b"", rate_hz, 0, b"")


def identify() -> bytes:
    """What is written to characteristic 0x1002 to have the light flash for 10 s."""
    return _CONTROL.pack(_VISIT_IDENTIFY, 1, *[0] * 6, b"", 0, 0, b"")


def read_rate(data: bytes) -> int:
    """Output rate in Hz of characteristic 0x1002.

    Raises
    ------
    ValueError
        If it is too short.
    """
    if len(data) < _CONTROL.size:
        raise ValueError(f"Found device control of {len(data)} bytes; expected {_CONTROL.size}.")
    return int(_CONTROL.unpack_from(data)[9])


def recording_command(command: int, arguments: bytes = b"") -> bytes:
    r"""Message to 0x7001.

    Examples
    --------
    >>> recording_command(FILE_DATA, b"\x07").hex()
    '0102700786'
    """
    return encode_message(RECORDING, bytes([command]) + arguments)


def select_quantities(quantities: Sequence[int]) -> bytes:
    """Message that chooses what an export contains."""
    return recording_command(SELECT_DATA, bytes(quantities))


def retransmit(number: int) -> bytes:
    """Message that has an export go on from packet `number`."""
    return recording_command(RETRANSMIT, number.to_bytes(4, "little"))


def read_receipt(payload: bytes, command: int) -> int:
    """Result in the receipt for a command, 0 for success.

    Raises
    ------
    ValueError
        If the sum is wrong or it is the receipt for something else.
    """
    if not is_message(payload) or payload[0] != RECORDING or payload[1] < 3 or payload[2] != _RECEIPT:
        raise ValueError(f"Found {payload.hex()}; expected a receipt with a right sum.")
    if payload[4] != command:
        raise ValueError(f"Found a receipt for command {payload[4]:#04x}; expected one for {command:#04x}.")
    return payload[3]


def read_notice(payload: bytes) -> tuple[int, bytes]:
    """Kind and content of a notice about recordings.

    Raises
    ------
    ValueError
        If the sum is wrong or it is about something else.
    """
    if not is_message(payload) or payload[0] != RECORDING or payload[1] < 1:
        raise ValueError(f"Found {payload.hex()}; expected a recording message with a right sum.")
    return payload[2], payload[3:-1]


def read_file_info(content: bytes) -> tuple[int, int]:
    """UTC in s at which a recording began, and the seconds it was to last (65535: no end).

    Raises
    ------
    ValueError
        If the content is too short.
    """
    if len(content) < _FILE.size:
        raise ValueError(f"Found file information of {len(content)} bytes; expected {_FILE.size} or more.")
    fields = _FILE.unpack_from(content)
    return fields[3], fields[4]
