"""Payloads of an Ankle IMU's Data -> what the head of each packet says; bad payloads sorted out and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from ankle_imu.wire.ankle_packets import (
    CLOCK,
    CLOCK_LAYOUT,
    COMPACT,
    COMPACT_EPOCHS,
    COMPACT_LAYOUT,
    SAMPLE_BYTES,
    SAMPLES,
    SAMPLES_LAYOUT,
)
from ankle_imu.wire.block import Array, Indices
from ankle_imu.wire.packets import Packets

Mask = NDArray[np.bool_]
Bytes = NDArray[np.uint8]
Values = TypeVar("Values", Indices, Array)

_N_AT: Final = SAMPLES_LAYOUT.offsets["n"]
_COMPACT_HEAD: Final = COMPACT_LAYOUT.offsets["acc_x"]
_KEY_AT: Final = 2
"""The 8 bytes from here tell most packets apart: count or boot, index, part of the time."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Heads:
    """Heads of the packets with samples, in order of arrival; (n,) arrays.

    Parameters
    ----------
    row : int, place among the payloads
    arrival : float, s
    epoch, index, t_us, count, flags : int, as sent; `index` and `epoch` of compact packets have few bits
    is_compact : bool
    body : int, first byte of the samples in the payloads laid end to end
    """

    row: Indices
    arrival: Array
    epoch: Bytes
    index: Indices
    t_us: Indices
    count: Indices
    flags: Bytes
    is_compact: Mask
    body: Indices

    def __len__(self) -> int:
        return len(self.row)

    def select(self, kept: Mask) -> Heads:
        """Only those of a mask."""
        return self if kept.all() else Heads(**{name: values[kept] for name, values in vars(self).items()})


@dataclass(frozen=True, kw_only=True, eq=False)
class Clocks:
    """Clock packets in order of arrival; (n,) int arrays, `row` as in `Heads`, the rest as sent."""

    row: Indices
    epoch: Indices
    boot: Indices
    index: Indices
    imu_us: Indices
    mcu_us: Indices

    def __len__(self) -> int:
        return len(self.row)

    def select(self, kept: Mask) -> Clocks:
        """Only those of a mask."""
        return Clocks(**{name: values[kept] for name, values in vars(self).items()})


def read_heads(packets: Packets) -> tuple[Heads, Clocks, Counter[str]]:
    """Sort payloads into packets with samples, clock packets and bad ones.

    Parameters
    ----------
    packets : Packets

    Returns
    -------
    heads, clocks, errors
        `errors` counts `short` (no whole head), `foreign` (another type), `cut` (length does not match),
        `empty` (no samples) and `duplicate` (the same bytes as an earlier packet).
    """
    is_head = packets.length >= SAMPLES_LAYOUT.size
    errors: Counter[str] = Counter()
    if not is_head.all():
        errors["short"] = int(np.count_nonzero(~is_head))
    rows = np.flatnonzero(is_head)
    rows = _drop_bad(rows, packets, errors)
    rows = _drop_repeated(rows, packets, errors)
    kind = packets.read("u1", _of(packets.start, rows))
    is_clock = kind == CLOCK
    return (
        _heads(rows[~is_clock], kind[~is_clock] == COMPACT, packets),
        _clocks(rows[is_clock], packets),
        errors,
    )


def of_epochs(heads: Heads, clocks: Clocks, wanted: Sequence[int] | None, errors: Counter[str]) -> Heads:
    """Packets with samples of the wanted epochs.

    Parameters
    ----------
    wanted : sequence of int, or None for the most frequent
    errors : Counter, to which `other_epoch` is added
    """
    if wanted is None:
        only_short = heads.is_compact.all() and not len(clocks)
        votes: NDArray[Any] = heads.epoch if only_short else heads.epoch[~heads.is_compact]
        votes = votes if len(votes) else clocks.epoch
        wanted = [int(np.bincount(votes).argmax())] if len(votes) else []
    epochs = np.array(wanted, dtype=np.int64)
    kept = np.where(
        heads.is_compact,
        np.isin(heads.epoch, epochs % COMPACT_EPOCHS),
        np.isin(heads.epoch, epochs),
    )
    if not kept.all():
        errors["other_epoch"] += int(np.count_nonzero(~kept))
    return heads.select(kept)


def _drop_bad(rows: Indices, packets: Packets, errors: Counter[str]) -> Indices:
    start, length = _of(packets.start, rows), _of(packets.length, rows)
    kind, n = packets.read("u1", start), packets.read("u1", start + _N_AT)
    is_samples, is_compact, is_clock = kind == SAMPLES, kind == COMPACT, kind == CLOCK
    expected = np.where(is_samples, SAMPLES_LAYOUT.size + SAMPLE_BYTES * n.astype(np.int64), CLOCK_LAYOUT.size)
    is_known = is_samples | is_compact | is_clock
    is_whole = length == expected
    is_filled = ~is_samples | (n > 0)
    good: Mask = is_known & is_whole & is_filled
    if good.all():
        return rows
    for reason, is_bad in (
        ("foreign", ~is_known),
        ("cut", is_known & ~is_whole),
        ("empty", is_known & is_whole & ~is_filled),
    ):
        if is_bad.any():
            errors[reason] = int(np.count_nonzero(is_bad))
    return rows[good]


def _drop_repeated(rows: Indices, packets: Packets, errors: Counter[str]) -> Indices:
    keys = packets.read("<u8", _of(packets.start, rows) + _KEY_AT)
    ordered = np.sort(keys)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(twice):
        return rows
    kept = ~packets.find_repeated(rows[np.isin(keys, twice)])[rows]
    if not kept.all():
        errors["duplicate"] = int(np.count_nonzero(~kept))
    return rows[kept]


def _of(values: Values, rows: Indices) -> Values:
    """Values of rows that are in order and each once."""
    return values if len(rows) == len(values) else values[rows]


def _heads(rows: Indices, is_compact: Mask, packets: Packets) -> Heads:
    at = _of(packets.start, rows)
    are_compact = len(rows) > 0 and bool(is_compact.all())
    found = _small(packets, at) if are_compact else _large(packets, at)
    if not are_compact and is_compact.any():
        for name, values in _small(packets, at[is_compact]).items():
            found[name][is_compact] = values
    return Heads(row=rows, arrival=_of(packets.arrival, rows), is_compact=is_compact, **found)


def _large(packets: Packets, at: Indices) -> dict[str, Any]:
    """Fields of heads of 0x10, which any packet is long enough to be read as."""
    found = packets.read(SAMPLES_LAYOUT.dtype, at)
    return {
        "epoch": found["epoch"].copy(),
        "index": found["index"].astype(np.int64),
        "t_us": found["t_us"].astype(np.int64),
        "flags": found["flags"].copy(),
        "count": found["n"].astype(np.int64),
        "body": at + SAMPLES_LAYOUT.size,
    }


def _small(packets: Packets, at: Indices) -> dict[str, Any]:
    """The same of compact packets."""
    found = packets.read(COMPACT_LAYOUT.dtype, at)
    return {
        "epoch": found["epoch_flags"] % COMPACT_EPOCHS,
        "index": found["index"].astype(np.int64),
        "t_us": found["t_us"].astype(np.int64),
        "flags": found["epoch_flags"] // COMPACT_EPOCHS,
        "count": np.ones(len(at), dtype=np.int64),
        "body": at + _COMPACT_HEAD,
    }


def _clocks(rows: Indices, packets: Packets) -> Clocks:
    found = packets.read(CLOCK_LAYOUT.dtype, packets.start[rows])
    weight = np.array([1, 2**16, 2**32], dtype=np.int64)
    return Clocks(
        row=rows,
        epoch=found["epoch"].astype(np.int64),
        boot=found["boot"].astype(np.int64),
        index=found["index"].astype(np.int64),
        imu_us=found["imu_us"].astype(np.int64) @ weight,
        mcu_us=found["mcu_us"].astype(np.int64) @ weight,
    )
