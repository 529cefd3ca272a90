"""Rows of imported files as payloads: the same layout whatever the file was (little-endian).

    version u8 = 1 | columns u8 = 7 | n u16 | first_row u32 | n x (time, acc xyz, gyr xyz) float64, SI

Time is session time in s; NaN rows are gaps. The untouched original lies beside the recording.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from ankle_imu.wire.block import Block

VERSION: Final = 1
ROWS_PER_PAYLOAD: Final = 256
_COLUMNS: Final = 7
_PACK: Final = struct.Struct("<BBHI")


def encode(time: ArrayLike, acc: ArrayLike, gyr: ArrayLike) -> list[tuple[float, bytes]]:
    """Payloads of rows.

    Parameters
    ----------
    time : (n,) float array, s from session start
    acc : (n, 3) float array, m/s^2, sensor frame
    gyr : (n, 3) float array, rad/s, sensor frame

    Returns
    -------
    list of (arrival, payload)
        Arrival is the time of the last row of the payload, s.
    """
    rows = np.column_stack([np.asarray(a, dtype="<f8") for a in (time, acc, gyr)])
    payloads = []
    for start in range(0, len(rows), ROWS_PER_PAYLOAD):
        part = rows[start : start + ROWS_PER_PAYLOAD]
        payloads.append((float(part[-1, 0]), _PACK.pack(VERSION, _COLUMNS, len(part), start) + part.tobytes()))
    return payloads


def decode(payloads: Iterable[tuple[float, bytes]], config: Mapping[str, Any]) -> list[Block]:
    """Rows of payloads; `ticks` are session seconds, `errors` counts `short`, `foreign` and `cut` payloads."""
    pairs = [(float(arrival), bytes(payload)) for arrival, payload in payloads]
    if not pairs:
        return []
    problems = [_problem(payload) for _, payload in pairs]
    good = [pair for pair, problem in zip(pairs, problems, strict=True) if not problem]
    heads = [_PACK.unpack_from(payload) for _, payload in good]
    rows = np.frombuffer(b"".join(payload[_PACK.size :] for _, payload in good), dtype="<f8").reshape(-1, _COLUMNS)
    counts = [n for _, _, n, _ in heads]
    return [
        Block(
            acc=rows[:, 1:4].copy(),
            gyr=rows[:, 4:7].copy(),
            ticks=rows[:, 0].copy(),
            tick_s=1.0,
            sequence=np.concatenate(
                [np.arange(first, first + n, dtype=np.int64) for _, _, n, first in heads]
                or [np.empty(0, dtype=np.int64)]
            ),
            arrival=np.repeat(np.array([arrival for arrival, _ in good], dtype=float), counts),
            errors=Counter(problem for problem in problems if problem),
        )
    ]


def _problem(payload: bytes) -> str:
    if len(payload) < _PACK.size:
        return "short"
    version, columns, n, _ = _PACK.unpack_from(payload)
    if version != VERSION or columns != _COLUMNS:
        return "foreign"
    return "" if len(payload) == _PACK.size + 8 * _COLUMNS * n else "cut"
