"""Decimal numbers in text -> floats, many at once, equal to Python's `float` bit by bit.

A number of at most 16 characters, dot included and sign apart, is read as two words of 8 characters, whose digits
are added up by a few multiplications; its digits are a whole number below 2**53, divided once by a power of ten,
which IEEE 754 rounds as `float` does. Longer numbers and those with an exponent go through `float` itself.

References
----------
D. Lemire, "Quickly parsing eight digits", 2018; W. D. Clinger, "How to read floating point numbers accurately",
1990, doi 10.1145/93548.93557: when one division is exact.
"""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.wire.block import Array, Indices
from ankle_imu.wire.packets import Flags

FRONT: Final = 16
"""Bytes that have to lie before the first number."""

_NUMBER: Final = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_WORD: Final = 8
_ZEROS, _DOTS = np.uint64(0x3030303030303030), np.uint64(0x1E1E1E1E1E1E1E1E)
_ONES, _HIGH, _ABOVE_NINE = (
    np.uint64(0x0101010101010101),
    np.uint64(0x8080808080808080),
    np.uint64(0x7676767676767676),
)
_PAIRS, _FIRST, _SECOND = (
    np.uint64(0x000000FF000000FF),
    np.uint64(0x000F424000000064),
    np.uint64(0x0000271000000001),
)
_POWERS: Final = 10 ** np.arange(18, dtype=np.int64)
_DIVISORS: Final = _POWERS.astype(float)
_BATCH: Final = 8192


def parse_numbers(data: bytes, first: Indices, stop: Indices) -> tuple[Array, Flags]:
    """Numbers that begin at the bytes `first` and end before the bytes `stop`.

    Parameters
    ----------
    data : bytes, at least `FRONT` of them before the first number
    first, stop : (n,) int arrays

    Returns
    -------
    values : (n,) float array; 0 where there is no number
    is_number : (n,) bool array
    """
    values, is_number = np.zeros(len(first)), np.zeros(len(first), dtype=bool)
    for at in range(0, len(first), _BATCH):
        rows = slice(at, at + _BATCH)
        values[rows], is_number[rows] = _parse_plain(data, first[rows], stop[rows])
    for row in np.flatnonzero(~is_number).tolist():
        text = data[first[row] : stop[row]]
        is_number[row] = _NUMBER.fullmatch(text) is not None
        values[row] = float(text) if is_number[row] else 0.0
    return values, is_number


def _parse_plain(data: bytes, first: Indices, stop: Indices) -> tuple[Array, Flags]:
    """Numbers of at most 16 characters without exponent; the others are told to be none."""
    sign = np.frombuffer(data, dtype=np.uint8)[first]
    is_negative = sign == ord("-")
    length = stop - first - (is_negative | (sign == ord("+")))
    digits, place, is_dotted, is_plain = _parse_word(data, stop, length)
    is_plain &= (length > is_dotted) & (length <= 2 * _WORD)
    rows = np.flatnonzero(length > _WORD)
    if len(rows):
        upper, up, is_up, is_fine = _parse_word(data, stop[rows] - _WORD, length[rows] - _WORD)
        is_low = is_dotted[rows]
        is_plain[rows] &= is_fine & ~(is_up & is_low)
        digits[rows] += upper * _POWERS[_WORD - is_low]
        place[rows] += np.where(is_up & ~is_low, up + _WORD, 0)
        is_plain[rows] &= digits[rows] < 2**53
    values = digits / _DIVISORS[place]
    np.negative(values, out=values, where=is_negative)
    return values, is_plain


def _parse_word(data: bytes, stop: Indices, length: Indices) -> tuple[Indices, Indices, Flags, Flags]:
    """The last 8 characters, or fewer: (digits without the dot, those after it, has it one, is it plain).

    The first character is the lowest byte, so that `mark`, the highest bit of the byte that holds a dot, parts the
    digits before it, which move up into its place, from those after it.
    """
    everywhere: NDArray[Any] = np.ndarray(len(data) - _WORD + 1, dtype="<u8", buffer=data, strides=(1,))
    word = everywhere[stop - _WORD] ^ _ZEROS
    word &= ~np.uint64(0) << (np.maximum(_WORD - length, 0) * 8).astype(np.uint64)
    other = word ^ _DOTS
    mark = (other - _ONES) & ~other & _HIGH
    mark &= ~mark + np.uint64(1)
    is_dotted = mark != 0
    before = (mark >> np.uint64(7)) - np.uint64(1)
    after = np.uint64(0) - (mark << np.uint64(1))
    word = np.where(is_dotted, (word & after) | ((word & before) << np.uint64(8)), word)
    place = _WORD - (((((mark - np.uint64(1)) & _ONES) * _ONES) >> np.uint64(56)).astype(np.int64))
    is_plain = ((word + _ABOVE_NINE) | word) & _HIGH == 0
    word = word * np.uint64(10) + (word >> np.uint64(8))
    word = ((word & _PAIRS) * _FIRST + ((word >> np.uint64(16)) & _PAIRS) * _SECOND) >> np.uint64(32)
    return word.astype(np.int64), place, is_dotted, is_plain
