"""The open "Ankle IMU" packet, type 0x10, version 1 (little-endian).

    type u8 = 0x10 | epoch u8 | seq u16 | index u32 | t_us u32 | n u8 | flags u8 | n x (acc xyz, gyr xyz) int16

`index` counts samples since the sensor started and belongs to the first sample of the packet, as does `t_us`,
the sensor's clock in microseconds (it wraps after 71.6 min). `epoch` rises with every change of settings: the
ranges of a `config` hold for one epoch only. Full scale is 32768 counts.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.wire.block import Array, Block, Indices

PACKET_TYPE: Final = 0x10
FULL_SCALE: Final = 32768
TICK_S: Final = 1e-6
TICK_WRAP: Final = float(2**32)
SAMPLES_PER_PACKET: Final = 14
"""Fills a notification at an ATT MTU of 185, which phones and laptops commonly grant."""

FLAG_CLIP_ACC: Final = 1
FLAG_CLIP_GYR: Final = 2

_HEADER: Final = np.dtype(
    [
        ("type", "u1"),
        ("epoch", "u1"),
        ("seq", "<u2"),
        ("index", "<u4"),
        ("t_us", "<u4"),
        ("n", "u1"),
        ("flags", "u1"),
    ]
)
_PACK: Final = struct.Struct("<BBHIIBB")
_SAMPLE_BYTES: Final = 12
_N_AT: Final = 12


def decode(payloads: Iterable[tuple[float, bytes]], config: Mapping[str, Any]) -> list[Block]:
    """Samples of packets of type 0x10.

    Parameters
    ----------
    payloads : iterable of (arrival, payload); arrival in s
    config : mapping with `acc_range_g` and `gyr_range_dps`; optional `epoch` (the one the ranges hold for, else
        the most frequent), and `nominal_rate_hz`, used only when a single packet leaves the rate open

    Returns
    -------
    list of Block
        One block; `errors` counts `short` (no whole header), `foreign` (another type), `cut` (length does not
        match the count), `empty` and `other_epoch` packets.

    Raises
    ------
    ValueError
        If a range is missing or not positive.
    """
    scale = _scale(config)
    pairs = [(float(arrival), bytes(payload)) for arrival, payload in payloads]
    if not pairs:
        return []
    problems = [_problem(payload) for _, payload in pairs]
    errors = Counter(problem for problem in problems if problem)
    good = [pair for pair, problem in zip(pairs, problems, strict=True) if not problem]
    good = _of_one_epoch(good, config.get("epoch"), errors)
    return [_block(good, scale, config, errors)]


def encode(
    time: ArrayLike,
    acc: ArrayLike,
    gyr: ArrayLike,
    *,
    acc_range_g: float,
    gyr_range_dps: float,
    epoch: int = 0,
    first_index: int = 0,
    samples_per_packet: int = SAMPLES_PER_PACKET,
) -> list[tuple[float, bytes]]:
    """Packets that a sensor with these samples would send.

    Parameters
    ----------
    time : (n,) float array, s on the sensor's clock
    acc : (n, 3) float array, m/s^2, sensor frame
    gyr : (n, 3) float array, rad/s, sensor frame
    acc_range_g, gyr_range_dps : float, full scale in g and deg/s; larger values are clipped and flagged
    epoch : int, 0..255
    first_index : int, count of the first row
    samples_per_packet : int, 1..255

    Returns
    -------
    list of (arrival, payload)
        Arrival is the time of the last sample of the packet, s. Rows that are not finite are not sent; their
        index is skipped, as if the packet had been lost.

    Raises
    ------
    ValueError
        If shapes differ or `samples_per_packet` is out of range.
    """
    t = np.asarray(time, dtype=float)
    values = np.column_stack([np.asarray(acc, dtype=float), np.asarray(gyr, dtype=float)])
    if t.ndim != 1 or values.shape != (len(t), 6):
        raise ValueError(f"Found time {t.shape} and acc with gyr {values.shape}; expected (n,) and (n, 6).")
    if not 1 <= samples_per_packet <= 255:
        raise ValueError(f"samples_per_packet must be 1..255, found {samples_per_packet}.")
    counts, clipped = _quantise(values, _scale({"acc_range_g": acc_range_g, "gyr_range_dps": gyr_range_dps}))
    ticks = np.round(t / TICK_S).astype(np.int64) % 2**32
    packets = []
    for seq, (start, stop) in enumerate(_packet_rows(np.isfinite(values).all(axis=1), samples_per_packet)):
        header = _PACK.pack(
            PACKET_TYPE,
            epoch,
            seq % 2**16,
            (first_index + start) % 2**32,
            int(ticks[start]),
            stop - start,
            int(np.bitwise_or.reduce(clipped[start:stop])),
        )
        packets.append((float(t[stop - 1]), header + counts[start:stop].tobytes()))
    return packets


def _scale(config: Mapping[str, Any]) -> Array:
    ranges = []
    for name in ("acc_range_g", "gyr_range_dps"):
        value = config.get(name)
        if not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise ValueError(f"Protocol ankle needs config[{name!r}] as a positive number, found {value!r}.")
        ranges.append(float(value))
    acc, gyr = ranges[0] * STANDARD_GRAVITY / FULL_SCALE, ranges[1] * DEGREE / FULL_SCALE
    return np.array([acc, acc, acc, gyr, gyr, gyr])


def _problem(payload: bytes) -> str:
    if len(payload) < _PACK.size:
        return "short"
    if payload[0] != PACKET_TYPE:
        return "foreign"
    if len(payload) != _PACK.size + _SAMPLE_BYTES * payload[_N_AT]:
        return "cut"
    return "" if payload[_N_AT] else "empty"


def _of_one_epoch(
    pairs: list[tuple[float, bytes]], epoch: int | None, errors: Counter[str]
) -> list[tuple[float, bytes]]:
    if not pairs:
        return pairs
    wanted = Counter(payload[1] for _, payload in pairs).most_common(1)[0][0] if epoch is None else epoch
    kept = [pair for pair in pairs if pair[1][1] == wanted]
    if len(kept) < len(pairs):
        errors["other_epoch"] += len(pairs) - len(kept)
    return kept


def _block(
    pairs: list[tuple[float, bytes]], scale: Array, config: Mapping[str, Any], errors: Counter[str]
) -> Block:
    headers = np.frombuffer(b"".join(p[: _PACK.size] for _, p in pairs), dtype=_HEADER)
    counts = np.frombuffer(b"".join(p[_PACK.size :] for _, p in pairs), dtype="<i2").reshape(-1, 6)
    n = headers["n"].astype(np.int64)
    values = counts * scale
    within = np.arange(len(counts)) - np.repeat(np.cumsum(n) - n, n)
    spacing = _ticks_per_sample(headers, config.get("nominal_rate_hz"))
    first_ticks = np.repeat(headers["t_us"].astype(float), n)
    return Block(
        acc=np.ascontiguousarray(values[:, :3]),
        gyr=np.ascontiguousarray(values[:, 3:]),
        ticks=np.where(within == 0, first_ticks, (first_ticks + within * spacing) % TICK_WRAP),
        tick_s=TICK_S,
        tick_wrap=TICK_WRAP,
        sequence=np.repeat(headers["index"].astype(np.int64), n) + within,
        arrival=np.repeat(np.array([arrival for arrival, _ in pairs], dtype=float), n),
        errors=errors,
    )


def _ticks_per_sample(headers: NDArray[Any], nominal_rate: float | None) -> float:
    """Median over neighbouring packets of clock difference / index difference; NaN when nothing tells."""
    index: Indices = headers["index"].astype(np.int64)
    t_us: Indices = headers["t_us"].astype(np.int64)
    rows, ticks = np.diff(index), np.diff(t_us) % 2**32
    usable = (rows > 0) & (rows < 2**16) & (ticks > 0) & (ticks < 2**31)
    if usable.any():
        return float(np.median(ticks[usable] / rows[usable]))
    return 1.0 / (nominal_rate * TICK_S) if nominal_rate and nominal_rate > 0 else float("nan")


def _quantise(values: Array, scale: Array) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    finite = np.isfinite(values)
    counts = np.round(np.where(finite, values, 0.0) / scale)
    beyond = (counts > FULL_SCALE - 1) | (counts < -FULL_SCALE)
    flags = np.where(beyond[:, :3].any(axis=1), FLAG_CLIP_ACC, 0)
    flags |= np.where(beyond[:, 3:].any(axis=1), FLAG_CLIP_GYR, 0)
    limited: NDArray[np.int16] = np.clip(counts, -FULL_SCALE, FULL_SCALE - 1).astype("<i2")
    return limited, flags.astype(np.uint8)


def _packet_rows(is_sent: NDArray[np.bool_], size: int) -> list[tuple[int, int]]:
    """Row ranges [start, stop) of the packets: at most `size` rows, none of them lost."""
    rows = np.flatnonzero(is_sent)
    if len(rows) == 0:
        return []
    breaks = np.flatnonzero((np.diff(rows) > 1) | (np.diff(rows // size) > 0)) + 1
    return [(int(run[0]), int(run[-1]) + 1) for run in np.split(rows, breaks)]
