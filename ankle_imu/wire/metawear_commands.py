"""What is written to a MetaMotion board: settings, streams, log (answers and source: `metawear`).

See `firmware_notes/metawear.md`.
"""

from __future__ import annotations

import struct
from typing import Final

from ankle_imu.wire.metawear import CHIPS, GYR_RANGES_DPS

_RATES_HZ: Final = {"acc": 12.5, "gyr": 25.0}
_RATE_CODES: Final = {"acc": range(5, 13), "gyr": range(6, 14)}
_ACC_RANGES: Final = {
    "bmi160": {2: 0x03, 4: 0x05, 8: 0x08, 16: 0x0C},
    "bmi270": {2: 0, 4: 1, 8: 2, 16: 3},
}
_ACC_FILTERS: Final = {"bmi160": 0x20, "bmi270": 0xA0}

START_GYR: Final = (b"\x13\x02\x01\x00", b"\x13\x01\x01")
START_ACC: Final = (b"\x03\x02\x01\x00", b"\x03\x01\x01")
STOP_GYR: Final = (b"\x13\x01\x00", b"\x13\x02\x00\x01")
STOP_ACC: Final = (b"\x03\x01\x00", b"\x03\x02\x00\x01")
REMOVE_PROCESSORS: Final = b"\x09\x08"
ASK_BATTERY: Final = b"\x11\xcc"
FLUSH_LOG_PAGE: Final = b"\x0b\x10\x01"
"""Only for logging modules of revision 3 (MetaMotionS, whose flash is written in pages), and not while logging."""
START_LOG: Final = (b"\x0b\x0b\x01", b"\x0b\x01\x01")
"""Overwrites the oldest entries when the flash is full."""
STOP_LOG: Final = b"\x0b\x01\x00"
CLEAR_LOG: Final = b"\x0b\x09\xff\xff\xff\xff"
ASK_LOG_LENGTH: Final = (b"\x0b\x08\x01", b"\x0b\x0d\x01", b"\x0b\x07\x01", b"\x0b\x85")
CONFIRM_LOG_PAGE: Final = b"\x0b\x0e"


def configure_acc(chip: str, rate_hz: float, range_g: int) -> bytes:
    """Rate (12.5 Hz and its doubles up to 1600) and range (2, 4, 8, 16 g) of the accelerometer."""
    if chip not in CHIPS or range_g not in _ACC_RANGES[chip]:
        raise ValueError(f"Found chip {chip!r}, range {range_g!r}; expected one of {CHIPS} and 2, 4, 8 or 16 g.")
    return bytes([3, 3, _ACC_FILTERS[chip] | _rate_code("acc", rate_hz), _ACC_RANGES[chip][range_g]])


def configure_gyr(rate_hz: float, range_dps: int) -> bytes:
    """Rate (25 Hz and its doubles up to 3200) and range (125 to 2000 deg/s) of the gyroscope."""
    if range_dps not in GYR_RANGES_DPS:
        raise ValueError(f"Found range {range_dps!r}; expected one of {GYR_RANGES_DPS}.")
    return bytes([0x13, 3, 0x20 | _rate_code("gyr", rate_hz), GYR_RANGES_DPS[::-1].index(range_dps)])


def create_loggers(module: int, register: int, size: int) -> list[bytes]:
    """Loggers for all bytes of a signal, 4 of them in each entry."""
    parts = [(offset, min(4, size - offset)) for offset in range(0, size, 4)]
    return [bytes([0x0B, 2, module, register, 0xFF, (n - 1) << 5 | offset]) for offset, n in parts]


def create_accounter(module: int, register: int, size: int, prefix: str, source: int = 0xFF) -> bytes:
    """Put a count or a time of 4 bytes before each notification of a signal of `size` bytes.

    `source` is the id of the processor whose signal it is; 0xFF for a sensor's own.
    """
    modes = {"count": 0x30, "time": 0x31}
    if prefix not in modes:
        raise ValueError(f"Found prefix {prefix!r}; expected one of {[*modes]}.")
    return bytes([9, 2, module, register, source, (size - 1) << 5 & 0xFF, 0x11, modes[prefix], 3])


def download_log(n_entries: int, n_reports: int) -> bytes:
    """Send so many entries, reporting progress every `n_entries / n_reports` of them."""
    return b"\x0b\x06" + struct.pack("<II", n_entries, n_entries // n_reports)


def create_buffer(module: int, register: int, size: int) -> bytes:
    """Keep the latest sample of a signal of `size` bytes, for a fuser."""
    return bytes([9, 2, module, register, 0xFF, (size - 1) << 5 & 0xFF, 0x0F, size - 1])


def create_fuser(module: int, register: int, size: int, buffer_id: int) -> bytes:
    """Put what a buffer keeps behind each sample of a signal of `size` bytes; revision 3 of module 9 and later."""
    return bytes([9, 2, module, register, 0xFF, (size - 1) << 5 & 0xFF, 0x1B, 1, buffer_id]) + bytes(11)


def notify_processor(processor_id: int, *, is_on: bool) -> tuple[bytes, bytes]:
    """Have a processor send its results, or no longer."""
    return bytes([9, 7, processor_id, int(is_on)]), bytes([9, 3, int(is_on)])


def notify_packed(chip: str, *, is_on: bool) -> tuple[bytes, bytes]:
    """Have both sensors send three samples in each notification, or no longer."""
    acc = {"bmi160": 0x1C, "bmi270": 0x05}[chip]
    gyr = {"bmi160": 0x07, "bmi270": 0x05}[chip]
    return bytes([3, acc, int(is_on)]), bytes([0x13, gyr, int(is_on)])


def read_register(module: int, register: int) -> bytes:
    """Question for a register; the answer repeats both bytes."""
    return bytes([module, register | 0x80])


def read_chip(acc_info: bytes, gyr_info: bytes) -> str:
    """Chip by the answers to `read_register(3, 0)` and `read_register(0x13, 0)`.

    They are `module u8 | 0x80 | implementation u8 | revision u8`.

    Raises
    ------
    ValueError
        If the board has another chip, or no gyroscope.
    """
    implementations = (acc_info[2:3], gyr_info[2:3])
    for chip, known in (("bmi160", (b"\x01", b"\x00")), ("bmi270", (b"\x04", b"\x01"))):
        if implementations == known:
            return chip
    raise ValueError(
        f"Found acceleration module {acc_info.hex()} and gyroscope module {gyr_info.hex()}; expected a BMI160 or "
        "BMI270."
    )


def read_ranges(chip: str, acc_config: bytes, gyr_config: bytes) -> tuple[int, int]:
    """Ranges in g and deg/s by the answers to `read_register(3, 3)` and `read_register(0x13, 3)`.

    Raises
    ------
    ValueError
        If an answer is cut or holds no range.
    """
    by_code = {code: g for g, code in _ACC_RANGES[chip].items()}
    if len(acc_config) < 4 or len(gyr_config) < 4:
        raise ValueError(f"Found settings {acc_config.hex()} and {gyr_config.hex()}; expected 4 bytes each.")
    acc, gyr = by_code.get(acc_config[3] & 0x0F), gyr_config[3] & 0x07
    if acc is None or gyr >= len(GYR_RANGES_DPS):
        raise ValueError(f"Found settings {acc_config.hex()} and {gyr_config.hex()}, which hold no range.")
    return acc, GYR_RANGES_DPS[::-1][gyr]


def _rate_code(signal: str, rate_hz: float) -> int:
    for code in _RATE_CODES[signal]:
        if rate_hz == _RATES_HZ[signal] * 2 ** (code - _RATE_CODES[signal][0]):
            return code
    raise ValueError(f"Found rate {rate_hz!r} Hz; expected {_RATES_HZ[signal]} Hz or one of its doubles.")
