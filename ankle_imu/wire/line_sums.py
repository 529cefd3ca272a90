"""Checksums at the end of a line of text: `*` and hexadecimal digits, taken over what is before the `*`.

    xor     2 digits, exclusive or of all bytes, as in NMEA 0183
    crc16   4 digits, polynomial 0x1021, start 0xFFFF, not reflected; of "123456789" it is 29B1

References
----------
NMEA 0183, 5.3; CRC-16/IBM-3740 in G. Cook, "Catalogue of parametrised CRC algorithms".
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.wire.block import Indices
from ankle_imu.wire.packets import Flags

SUM_DIGITS: Final = {"": 0, "xor": 2, "crc16": 4}
_HEX: Final = np.frombuffer(b"0123456789ABCDEFabcdef", dtype=np.uint8)
_STAR: Final = ord("*")


def sum_text(line: bytes, checksum: str) -> bytes:
    """What stands behind a line: `*` and the checksum; nothing without one."""
    if not checksum:
        return b""
    one = (np.array([0]), np.array([len(line)]))
    total = int(_SUMS[checksum](np.frombuffer(line + b"\n", dtype=np.uint8), *one)[0])
    return b"*%0*X" % (SUM_DIGITS[checksum], total)


def check_sums(data: bytes, first: Indices, stop: Indices, checksum: str) -> Flags:
    """Whether the hexadecimal digits after `*` are the sum of the bytes before it."""
    octets = np.frombuffer(data, dtype=np.uint8)
    n = SUM_DIGITS[checksum]
    end = stop - n - 1
    is_right = (end > first) & (octets[end] == _STAR)
    rows = np.flatnonzero(is_right)
    told = octets[stop[rows][:, None] + np.arange(-n, 0)]
    digits = np.where(told > ord("9"), (told & 0xDF) - 55, told - ord("0")).astype(np.int64)
    total = (digits << (4 * np.arange(n)[::-1])).sum(axis=1)
    is_right[rows] = np.isin(told, _HEX).all(axis=1) & (total == _SUMS[checksum](octets, first[rows], end[rows]))
    return np.asarray(is_right)


def _exclusive_or(octets: NDArray[np.uint8], first: Indices, stop: Indices) -> Indices:
    """Of the bytes of each line; no line is empty, and a byte follows the last."""
    if not len(first):
        return np.empty(0, dtype=np.int64)
    edges = np.stack([first, stop], axis=1).ravel()
    return np.bitwise_xor.reduceat(octets, edges)[::2].astype(np.int64)


def _crc16(octets: NDArray[np.uint8], first: Indices, stop: Indices) -> Indices:
    """CRC-16/IBM-3740 ("CCITT-FALSE") of each line, byte by byte, all lines side by side."""
    crc = np.full(len(first), 0xFFFF)
    length = stop - first
    for k in range(int(length.max(initial=0))):
        rows = np.flatnonzero(length > k)
        crc[rows] = ((crc[rows] << 8) & 0xFFFF) ^ _CRC_TABLE[(crc[rows] >> 8) ^ octets[first[rows] + k]]
    return crc


def _crc_table() -> Indices:
    crc = np.arange(256) << 8
    for _ in range(8):
        crc = ((crc << 1) ^ np.where(crc & 0x8000, 0x1021, 0)) & 0xFFFF
    return crc


_CRC_TABLE: Final = _crc_table()
_SUMS: Final = {"xor": _exclusive_or, "crc16": _crc16}
