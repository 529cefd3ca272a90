"""Samples of the open "Ankle IMU" protocol, version 1: whole sessions, both ways.

The packets are laid out in `ankle_packets`, commands and state in `ankle_control` and `ankle_state`, the flash
log in `ankle_log`; `firmware_notes/protocol.md` is the same for people who write firmware. The ranges of a
`config` hold for one epoch only: it rises with every change of settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.wire.ankle_clocks import Placement, believe, place
from ankle_imu.wire.ankle_heads import Heads, of_epochs, read_heads
from ankle_imu.wire.ankle_packets import COMPACT, SAMPLE_BYTES, SAMPLES, SAMPLES_LAYOUT, Flag, pack_samples, peek
from ankle_imu.wire.block import Array, Block, Indices
from ankle_imu.wire.config_numbers import read_positive
from ankle_imu.wire.packets import Packets, collect

FULL_SCALE: Final = 32768
TICK_S: Final = 1e-6
_REPLAYED: Final = int(Flag.REPLAYED)
_THREE_COUNTS: Final = "V6"
SAMPLES_PER_PACKET: Final = 14
"""Fills a notification at an ATT MTU of 185, which phones and laptops commonly grant."""


def decode(payloads: Iterable[tuple[float, bytes]], config: Mapping[str, Any]) -> list[Block]:
    """Samples of the packets of a session.

    Parameters
    ----------
    payloads : iterable of (arrival, payload); arrival in s
    config : mapping with `acc_range_g` and `gyr_range_dps`; optional `epoch` (the one that the ranges hold for, or
        several of one rate; else the most frequent), and `nominal_rate_hz`, used only when the packets leave the
        rate open

    Returns
    -------
    list of Block
        One block. With clock packets among the payloads, `ticks` are on the microcontroller's clock, whole, and
        `tick_wrap` is 0; without, they are the motion sensor's stamps as sent, with their wrap. `sequence` goes
        on above 2^32 where the sensor's own index began again. `errors` counts `short` (no whole head),
        `foreign` (another type, or clocks that fit neither the others nor the samples), `cut` (length does not
        match: also two packets in one), `empty`, `duplicate` (the same bytes again) and `other_epoch` packets.

    Raises
    ------
    ValueError
        If a range is missing or not positive, or epoch or rate are none.
    """
    scale, epochs = _scale(config), _epochs(config.get("epoch"))
    has_rate = config.get("nominal_rate_hz") is not None
    nominal_rate = read_positive(config, "nominal_rate_hz", "Protocol ankle") if has_rate else None
    packets = collect(payloads)
    if not len(packets):
        return []
    heads, clocks, errors = read_heads(packets)
    clocks = believe(heads, clocks, nominal_rate, errors)
    heads = of_epochs(heads, clocks, epochs, errors)
    placed = place(heads, clocks, nominal_rate)
    acc, gyr, ticks, sequence, arrival = _samples(heads, placed, packets, scale)
    return [
        Block(
            acc=acc,
            gyr=gyr,
            ticks=ticks,
            tick_s=TICK_S,
            tick_wrap=placed.wrap,
            sequence=sequence,
            arrival=arrival,
            errors=errors,
        )
    ]


def decode_one(payload: bytes, config: Mapping[str, Any]) -> tuple[int, Array, Array] | None:
    """Samples of one packet by itself, to be drawn at once: without the search for clocks that `decode` makes.

    Parameters
    ----------
    payload : bytes
    config : mapping, as for `decode`

    Returns
    -------
    index : int, the sensor's own count of the first sample, modulo 2^32
    acc : (n, 3) float array, m/s^2, sensor frame
    gyr : (n, 3) float array, rad/s, sensor frame
        Empty for damage, another epoch, clocks, and samples that are sent again. None instead of the three for a
        `compact` packet, whose count is only known from others.

    Raises
    ------
    ValueError
        As `decode`.
    """
    head, epochs = peek(payload), _epochs(config.get("epoch"))
    if head is not None and head.type == COMPACT:
        return None
    if (
        head is None
        or head.type != SAMPLES
        or head.flags & _REPLAYED
        or (epochs is not None and head.epoch not in epochs)
    ):
        return 0, np.empty((0, 3)), np.empty((0, 3))
    values = np.frombuffer(payload, dtype="<i2", offset=SAMPLES_LAYOUT.size).reshape(-1, 6) * _scale(config)
    return head.first, values[:, :3], values[:, 3:]


def count_flags(payloads: Iterable[tuple[float, bytes]]) -> dict[str, int]:
    """How many good packets of a session carry each flag, by the flag's name in lower case."""
    heads, _, _ = read_heads(collect(payloads))
    return {str(flag.name).lower(): int(np.count_nonzero(heads.flags & flag)) for flag in Flag}


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
    counts, clipped = quantise(values, acc_range_g=acc_range_g, gyr_range_dps=gyr_range_dps)
    ticks = np.round(t / TICK_S).astype(np.int64)
    packets = []
    for seq, (start, stop) in enumerate(_packet_rows(np.isfinite(values).all(axis=1), samples_per_packet)):
        payload = pack_samples(
            epoch=epoch,
            seq=seq,
            index=first_index + start,
            t_us=int(ticks[start]),
            flags=int(np.bitwise_or.reduce(clipped[start:stop])),
            counts=counts[start:stop].tobytes(),
        )
        packets.append((float(t[stop - 1]), payload))
    return packets


def quantise(
    values: Array, *, acc_range_g: float, gyr_range_dps: float
) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Counts of a 16-bit sensor, and the flags of each sample.

    Parameters
    ----------
    values : (n, 6) float array, acc m/s^2 and gyr rad/s, sensor frame; what is not finite becomes 0
    acc_range_g, gyr_range_dps : float, full scale

    Returns
    -------
    counts : (n, 6) int16 array, clipped to the range
    flags : (n,) uint8 array, `Flag.CLIP_ACC` and `Flag.CLIP_GYR`
    """
    scale = _scale({"acc_range_g": acc_range_g, "gyr_range_dps": gyr_range_dps})
    finite = np.isfinite(values)
    counts = np.round(np.where(finite, values, 0.0) / scale)
    beyond = (counts > FULL_SCALE - 1) | (counts < -FULL_SCALE)
    flags = np.where(beyond[:, :3].any(axis=1), Flag.CLIP_ACC, 0)
    flags |= np.where(beyond[:, 3:].any(axis=1), Flag.CLIP_GYR, 0)
    limited: NDArray[np.int16] = np.clip(counts, -FULL_SCALE, FULL_SCALE - 1).astype("<i2")
    return limited, flags.astype(np.uint8)


def _scale(config: Mapping[str, Any]) -> Array:
    acc = read_positive(config, "acc_range_g", "Protocol ankle") * STANDARD_GRAVITY / FULL_SCALE
    gyr = read_positive(config, "gyr_range_dps", "Protocol ankle") * DEGREE / FULL_SCALE
    return np.array([acc, acc, acc, gyr, gyr, gyr])


def _epochs(told: object) -> list[int] | None:
    """Epochs of a configuration; None for the most frequent."""
    if told is None:
        return None
    wanted = [*told] if isinstance(told, list | tuple | range) else [told]
    epochs = [epoch for epoch in wanted if isinstance(epoch, int) and not isinstance(epoch, bool)]
    if len(epochs) < len(wanted) or not all(0 <= epoch <= 255 for epoch in epochs):
        raise ValueError(f"Found epoch {told!r}; expected a number from 0 to 255, or several.")
    return epochs


def _samples(
    heads: Heads, placed: Placement, packets: Packets, scale: Array
) -> tuple[Array, Array, Array, Indices, Array]:
    """Acc, gyr, ticks, sequence and arrival of every sample, in order of arrival."""
    halves = _raw_samples(heads, packets).view(_THREE_COUNTS).reshape(-1, 2)
    acc, gyr = (halves[:, k].copy().view("<i2").reshape(-1, 3).astype(float) for k in range(2))
    acc *= scale[0]
    gyr *= scale[3]
    if len(acc) == len(heads):
        return acc, gyr, placed.ticks, placed.index, heads.arrival
    first = np.cumsum(heads.count) - heads.count
    count = np.arange(len(acc))
    sequence = np.repeat(placed.index - first, heads.count)
    sequence += count
    ticks = (count - np.repeat(first, heads.count)).astype(float)
    ticks *= np.repeat(placed.step, heads.count)
    ticks[first] = 0.0  # also where the step is unknown
    ticks += np.repeat(placed.ticks, heads.count)
    if placed.wrap:
        np.subtract(ticks, placed.wrap, out=ticks, where=ticks >= placed.wrap)
    return acc, gyr, ticks, sequence, np.repeat(heads.arrival, heads.count)


def _raw_samples(heads: Heads, packets: Packets) -> NDArray[np.void]:
    """Bytes of every sample, in order of arrival."""
    raw = np.empty(int(heads.count.sum()), dtype=f"V{SAMPLE_BYTES}")
    first = np.cumsum(heads.count) - heads.count
    for n in np.unique(heads.count).tolist():
        rows = np.flatnonzero(heads.count == n)
        for run in _few_runs(rows):
            found = packets.read([("samples", raw.dtype, (n,))], heads.body[run])["samples"]
            is_run = run[-1] - run[0] == len(run) - 1
            to: Any = slice(first[run[0]], first[run[-1]] + n) if is_run else first[run, None] + np.arange(n)
            raw[to] = found.reshape(-1) if is_run else found
    return raw


def _few_runs(rows: Indices) -> list[Indices]:
    """Rows split where they are not neighbours; left whole when there would be many pieces."""
    breaks = np.flatnonzero(np.diff(rows) > 1) + 1
    return np.split(rows, breaks) if len(breaks) < len(rows) // 8 else [rows]


def _packet_rows(is_sent: NDArray[np.bool_], size: int) -> list[tuple[int, int]]:
    """Row ranges [start, stop) of the packets: at most `size` rows, none of them lost."""
    rows = np.flatnonzero(is_sent)
    if len(rows) == 0:
        return []
    breaks = np.flatnonzero((np.diff(rows) > 1) | (np.diff(rows // size) > 0)) + 1
    return [(int(run[0]), int(run[-1]) + 1) for run in np.split(rows, breaks)]
