"""Polar Verity Sense, Polar H10: PMD data frames (little-endian).

    measurement u8: 2 acceleration, 5 angular rate | time u64, ns, of the LAST sample | frame type u8 | content

    frame type   content                                                        one count is
    acc   0x00   samples of 3 x int8                                            mg
    acc   0x01   samples of 3 x int16                                           mg
    acc   0x02   samples of 3 x int24                                           mg
    acc   0x80   first sample 3 x int16, delta blocks                           acc_factor g
    acc   0x81   first sample 3 x int16, delta blocks                           acc_factor mg
    gyr   0x80   first sample 3 x int16, delta blocks                           gyr_factor deg/s
    gyr   0x81   first sample 3 x float32, delta blocks on the bits as int32    gyr_factor deg/s

A delta block is `bits u8 | samples u8 | samples x 3 differences of that many bits`, lowest bit first, filled up to
a whole byte. Frames carry no counter. The clock counts from 2000-01-01, but its epoch is arbitrary in practice.

Acceleration and angular rate come in frames of their own; `pairing` says how they become common rows.

See `firmware_notes/polar.md`.

References
----------
Maker's SDK, github.com/polarofficial/polar-ble-sdk at 8fb5311: documentation, parsers and their unit tests (facts
only); real frames in its issues 331 and 443; spacing of samples and the trap of a lost frame in its issue 775.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.wire.block import Array, Block, Indices
from ankle_imu.wire.config_numbers import read_positive
from ankle_imu.wire.packets import Flags, Packets, collect
from ankle_imu.wire.pairing import Stream, measure_spacing, pair
from ankle_imu.wire.sieve import Sieve

ACC: Final = 2
GYR: Final = 5
TICK_S: Final = 1e-9
_OWNER: Final = "Protocol polar"

_HEADER: Final = np.dtype([("measurement", "u1"), ("time", "<u8"), ("frame", "u1")])
_HEADER_BYTES: Final = _HEADER.itemsize
_MILLI_G: Final = STANDARD_GRAVITY / 1000.0
_BATCH: Final = 8192
_LEAST_GAP, _GAP_SHARE = 0.75, 0.1
"""Samples, or share of a frame's samples, above which a step of the clock is a gap and not its own error."""
_MOST_SAMPLES: Final = 1.5
"""Frames hold about the same number of samples; two of them, one lost, hold more than this times the usual."""
_NEAR_NS: Final = 10 * 10**9
"""Frames that were merged on their way were sent within this time."""


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """Content of one frame type: bytes per axis, and what one count (or 1.0) is."""

    measurement: int
    width: int
    unit: float
    factor: str = ""
    is_delta: bool = False
    is_float: bool = False


_LAYOUTS: Final = {
    256 * ACC + 0x00: _Layout(measurement=ACC, width=1, unit=_MILLI_G),
    256 * ACC + 0x01: _Layout(measurement=ACC, width=2, unit=_MILLI_G),
    256 * ACC + 0x02: _Layout(measurement=ACC, width=3, unit=_MILLI_G),
    256 * ACC + 0x80: _Layout(measurement=ACC, width=2, unit=STANDARD_GRAVITY, factor="acc_factor", is_delta=True),
    256 * ACC + 0x81: _Layout(measurement=ACC, width=2, unit=_MILLI_G, factor="acc_factor", is_delta=True),
    256 * GYR + 0x80: _Layout(measurement=GYR, width=2, unit=DEGREE, factor="gyr_factor", is_delta=True),
    256 * GYR + 0x81: _Layout(
        measurement=GYR, width=4, unit=DEGREE, factor="gyr_factor", is_delta=True, is_float=True
    ),
}


def decode(payloads: Iterable[tuple[float, bytes]], config: Mapping[str, Any]) -> list[Block]:
    """Samples of PMD frames of acceleration and angular rate.

    Parameters
    ----------
    payloads : iterable of (arrival, payload); arrival in s; both measurements in the order of arrival
    config : mapping with `acc_factor` and `gyr_factor`, which the sensor names when a measurement starts (1 where
        it names none); optional `nominal_rate_hz`, which tells lost frames where few came

    Returns
    -------
    list of Block
        One block without `sequence`; `ticks` are ns. Its rows are those of the acceleration, see `pairing`.
        `errors` counts `short` (no whole header), `foreign` (another measurement), `unsupported` (a frame type
        that nobody has described), `cut` (content ends within a sample or block), `malformed` (impossible block
        or value), `empty`, `merged` (two frames in one payload) and `duplicate` frames (the same measurement at
        the same time).

    Raises
    ------
    ValueError
        If a factor is missing or not positive.

    Notes
    -----
    Samples of a frame are laid backwards from its time, one measured period apart; the time since the frame
    before is not divided by the count, which would stretch samples over a lost frame. A delta frame cut exactly
    between two blocks looks whole, but its samples would be late by those that are missing: it counts as cut when
    samples are missing before it, and too few of them for a lost frame. After a lost frame, or as the first of a
    session, it cannot be told.
    """
    factors = {name: read_positive(config, name, _OWNER) for name in ("acc_factor", "gyr_factor")}
    has_rate = config.get("nominal_rate_hz") is not None
    nominal_rate = read_positive(config, "nominal_rate_hz", _OWNER) if has_rate else None
    packets = collect(payloads)
    if not len(packets):
        return []
    sieve = Sieve(len(packets))
    sieve.reject("short", packets.length < _HEADER_BYTES)
    headers = packets.read(_HEADER, packets.start)
    keys = _keys(headers)
    sieve.reject("foreign", ~np.isin(headers["measurement"], (ACC, GYR)))
    sieve.reject("unsupported", ~np.isin(keys, list(_LAYOUTS)))
    sieve.reject("empty", packets.length == _HEADER_BYTES)
    sieve.reject("merged", _find_merged(packets, headers["time"]))
    frames = [
        _read(packets, rows, layout, layout.unit * factors.get(layout.factor, 1.0), sieve)
        for key, layout in _LAYOUTS.items()
        for rows in _batches(np.flatnonzero(sieve.is_good & (keys == key)))
    ]
    sieve.reject("duplicate", _find_duplicates(headers, sieve.rows()))
    for measurement in (ACC, GYR):
        own = [f for f in frames if f.measurement == measurement]
        sieve.reject_rows("cut", _find_shortened(headers["time"], own, sieve))
    acc, gyr = (
        _stream(
            packets,
            headers["time"],
            [f for f in frames if f.measurement == measurement],
            sieve.is_good,
            nominal_rate,
        )
        for measurement in (ACC, GYR)
    )
    return [pair(acc, gyr, tick_s=TICK_S, tick_wrap=0.0, errors=sieve.errors)]


def encode_start(measurement: int, settings: Mapping[int, int | float]) -> bytes:
    """Control message that starts a measurement.

    Parameters
    ----------
    measurement : int, `ACC` or `GYR`
    settings : mapping of setting to value: 0 rate in Hz, 1 resolution in bits, 2 range in g or deg/s, 3 range in
        thousandths, 4 channels, 5 factor

    Returns
    -------
    bytes
    """
    parts = [struct.pack("<BB" + _SETTINGS[key], key, 1, value) for key, value in settings.items()]
    return bytes([2, measurement]) + b"".join(parts)


_SETTINGS: Final = {0: "H", 1: "H", 2: "H", 3: "I", 4: "B", 5: "f"}


def read_settings(content: bytes) -> dict[int, list[int | float]]:
    """Settings in an answer of the control point or in the head of a recording: setting -> values.

    Raises
    ------
    ValueError
        If the content is cut or names an unknown setting.
    """
    found: dict[int, list[int | float]] = {}
    at = 0
    while at < len(content):
        kind = _SETTINGS.get(content[at])
        n = content[at + 1] if at + 1 < len(content) else 0
        stop = at + 2 + n * struct.calcsize("<" + (kind or "B"))
        if kind is None or n == 0 or stop > len(content):
            raise ValueError(f"Found {content.hex()}; expected settings, whole and known, at byte {at}.")
        found[content[at]] = list(struct.unpack_from(f"<{n}{kind}", content, at + 2))
        at = stop
    return found


_FILE_MAGIC: Final = 0x3D7C4C2B
_FILE_HEAD: Final = struct.Struct("<BIIII20sB")


def split_recording(content: bytes) -> tuple[list[bytes], dict[int, list[int | float]]]:
    """Frames and settings of an unencrypted offline recording (a `.REC` file).

    Parameters
    ----------
    content : bytes, the file, whole or cut off at its end

    Returns
    -------
    frames : list of bytes, payloads for `decode`; the last is cut if the file is
    settings : mapping of setting to values; its setting 5 is the factor that `decode` needs

    Raises
    ------
    ValueError
        If this is no such file, or it is encrypted.
    """
    security, magic, *_, n_settings = (
        _FILE_HEAD.unpack_from(content) if len(content) >= _FILE_HEAD.size else (0, 0, 0)
    )
    at = _FILE_HEAD.size + n_settings
    if magic != _FILE_MAGIC or security or len(content) < at + 1:
        raise ValueError("Found no head of an unencrypted offline recording; expected security 0 and its magic.")
    settings = read_settings(content[_FILE_HEAD.size : at])
    at += 1 + content[at]
    frames = []
    while at + 2 <= len(content):
        (size,) = struct.unpack_from("<H", content, at)
        frames.append(content[at + 2 : at + 2 + size])
        at += 2 + size
    return frames, settings


def _keys(headers: NDArray[Any]) -> Indices:
    keys: Indices = 256 * headers["measurement"].astype(np.int64) + headers["frame"]
    return keys


def _batches(rows: Indices) -> list[Indices]:
    """Rows in groups, so that what is needed in between stays small beside the result."""
    return [rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH)]


def _find_merged(packets: Packets, times: NDArray[np.uint64]) -> Flags:
    """True where a second header stands inside the payload: of a known type, at nearly the same time."""
    at = np.flatnonzero((packets.octets == ACC) | (packets.octets == GYR)).astype(np.int64)
    owner = np.searchsorted(packets.start, at, side="right") - 1
    offset = at - packets.start[owner]
    is_inside = (offset > _HEADER_BYTES) & (offset + _HEADER_BYTES <= packets.length[owner])
    at, owner = at[is_inside], owner[is_inside]
    headers = packets.read(_HEADER, at)
    apart = np.maximum(headers["time"], times[owner]) - np.minimum(headers["time"], times[owner])
    found = np.zeros(len(packets), dtype=bool)
    found[owner[(apart < _NEAR_NS) & np.isin(_keys(headers), list(_LAYOUTS))]] = True
    return found


def _find_duplicates(headers: NDArray[Any], rows: Indices) -> Flags:
    """True for the later ones of frames of one measurement and one time."""
    keys = headers[["measurement", "time"]][rows]
    order = np.lexsort((keys["time"], keys["measurement"]))
    ranked = keys[order]
    found = np.zeros(len(headers), dtype=bool)
    is_same = (np.diff(ranked["time"]) == 0) & (np.diff(ranked["measurement"]) == 0)
    found[rows[order[1:][is_same]]] = True
    return found


def _find_shortened(times: NDArray[np.uint64], frames: list[_Frames], sieve: Sieve) -> Indices:
    """Frames before which samples are missing, but not so many that a whole frame was lost."""
    rows = np.concatenate([np.empty(0, dtype=np.int64), *(f.rows for f in frames)])
    n = np.concatenate([np.empty(0, dtype=np.int64), *(f.n for f in frames)])
    order = np.argsort(times[rows], kind="stable")
    order = order[sieve.is_good[rows[order]]]
    rows, n = rows[order], n[order]
    steps = np.diff(times[rows]).astype(float) / measure_spacing(times[rows], n)
    is_gap = steps - n[1:] > np.maximum(_LEAST_GAP, _GAP_SHARE * n[1:])
    is_short = is_gap & (steps <= _MOST_SAMPLES * np.median(n)) if len(n) > 1 else is_gap
    return np.asarray(rows[1:][is_short])


@dataclass(frozen=True, kw_only=True, eq=False)
class _Frames:
    """Frames of one type: their rows in the payloads, samples in each, and all samples, in SI units."""

    measurement: int
    rows: Indices
    n: Indices
    values: Array


def _read(packets: Packets, rows: Indices, layout: _Layout, scale: float, sieve: Sieve) -> _Frames:
    if layout.is_delta:
        runs, n, is_cut, is_malformed = _walk_blocks(packets, rows, layout)
        sieve.reject_rows("malformed", rows[is_malformed & ~is_cut])
    else:
        content = packets.length[rows] - _HEADER_BYTES
        n = content // (3 * layout.width)
        is_cut = content % (3 * layout.width) != 0
        runs = np.stack(
            [np.arange(len(rows)), packets.start[rows] + _HEADER_BYTES, np.full(len(rows), 8 * layout.width), n]
        )
    sieve.reject_rows("cut", rows[is_cut])
    is_whole = sieve.is_good[rows]
    runs = runs[:, is_whole[runs[0]]]
    rows, n = rows[is_whole], n[is_whole]
    counts = _unpack(packets, runs[1], runs[2], runs[3])
    first = np.cumsum(n) - n
    if layout.is_delta and len(rows):
        counts[:, first[1:]] -= np.add.reduceat(counts, first, axis=1)[:, :-1]
        np.cumsum(counts, axis=1, out=counts)
    numbers = counts.astype(np.uint32).view(np.float32) if layout.is_float else counts
    values = np.empty((counts.shape[1], 3))
    with np.errstate(invalid="ignore"):  # floats may be NaN; such frames go below
        for axis in range(3):
            np.multiply(numbers[axis], scale, out=values[:, axis], dtype=float)
    return _without_impossible(
        _Frames(measurement=layout.measurement, rows=rows, n=n, values=values), layout, scale, sieve
    )


def _without_impossible(frames: _Frames, layout: _Layout, scale: float, sieve: Sieve) -> _Frames:
    """Frames whose samples all exist: finite floats, or numbers that a first sample could have held."""
    top = float(np.finfo(np.float32).max) if layout.is_float else 2.0 ** (8 * layout.width - 1) - 0.5
    low, high = -(top + 1.0) * scale, top * scale
    if not len(frames.values) or (frames.values.min() > low and frames.values.max() < high):
        return frames
    is_bad = ~((frames.values > low) & (frames.values < high)).all(axis=1)
    is_good = ~np.logical_or.reduceat(is_bad, np.cumsum(frames.n) - frames.n)
    sieve.reject_rows("malformed", frames.rows[~is_good])
    return _Frames(
        measurement=frames.measurement,
        rows=frames.rows[is_good],
        n=frames.n[is_good],
        values=frames.values[np.repeat(is_good, frames.n)],
    )


def _walk_blocks(packets: Packets, rows: Indices, layout: _Layout) -> tuple[Indices, Indices, Flags, Flags]:
    """First samples and delta blocks, all frames side by side.

    Returns (frame, first byte, bits, samples) of each, in the order of the frames, and of each frame its samples,
    whether it is cut and whether it is malformed.
    """
    end = packets.start[rows] + packets.length[rows]
    first = packets.start[rows] + _HEADER_BYTES
    at = first + 3 * layout.width
    n = np.ones(len(rows), dtype=np.int64)
    is_cut, is_malformed = at > end, np.zeros(len(rows), dtype=bool)
    runs = [np.stack([np.arange(len(rows)), first, np.full(len(rows), 8 * layout.width), n])]
    active = np.flatnonzero(at < end)
    while len(active):
        head, stop = at[active], end[active]
        bits, samples = packets.octets[head].astype(np.int64), packets.octets[head + 1].astype(np.int64)
        after = head + 2 + (3 * bits * samples + 7) // 8
        is_odd = (bits == 0) | (bits > 8 * layout.width) | (samples == 0)
        is_over = (head + 2 > stop) | (~is_odd & (after > stop))
        is_cut[active] = is_over
        is_malformed[active] = is_odd
        is_good = ~(is_odd | is_over)
        runs.append(np.stack([active, head + 2, bits, samples])[:, is_good])
        n[active] += samples
        at[active] = after
        active = active[is_good & (after < stop)]
    every = np.concatenate(runs, axis=1)
    return every[:, np.argsort(every[0], kind="stable")], n, is_cut, is_malformed


def _unpack(packets: Packets, at: Indices, bits: Indices, samples: Indices) -> Indices:
    """Signed numbers of runs of samples, (3, n), each `bits` wide, lowest bit first: one 64-bit read for each."""
    n = int(samples.sum())
    step = 3 * bits
    place = np.repeat(8 * at - step * (np.cumsum(samples) - samples), samples)
    place += np.repeat(step, samples) * np.arange(n)
    width = np.repeat(bits, samples)
    counts = np.empty((3, n), dtype=np.int64)
    is_narrow = len(bits) == 0 or 3 * int(bits.max()) + 7 <= 64
    spare = 64 - width
    up = spare - (place & 7)
    word = packets.read("<i8", place >> 3)
    for axis in range(3):
        np.left_shift(word, up, out=counts[axis])
        counts[axis] >>= spare
        if is_narrow:
            up -= width
        elif axis < 2:
            place += width
            up = spare - (place & 7)
            word = packets.read("<i8", place >> 3)
    return counts


def _stream(
    packets: Packets,
    times: NDArray[np.uint64],
    frames: list[_Frames],
    is_good: Flags,
    nominal_rate: float | None,
) -> Stream:
    """Samples of one measurement in order of arrival."""
    rows = np.concatenate([np.empty(0, dtype=np.int64), *(f.rows for f in frames)])
    n = np.concatenate([np.empty(0, dtype=np.int64), *(f.n for f in frames)])
    filled = [f.values for f in frames if len(f.rows)]
    values = filled[0] if len(filled) == 1 else np.concatenate([np.empty((0, 3)), *filled])
    if (np.diff(rows) < 0).any() or not is_good[rows].all():
        order = np.argsort(rows, kind="stable")
        order = order[is_good[rows[order]]]
        values = values[np.repeat((np.cumsum(n) - n)[order], n[order]) + _within(n[order])]
        rows, n = rows[order], n[order]
    nominal = 1.0 / (nominal_rate * TICK_S) if nominal_rate else float("nan")
    spacing = measure_spacing(times[rows], n, nominal)
    last, stop = times[rows].astype(float), np.cumsum(n)
    ticks: Array = np.arange(len(values), dtype=float)
    ticks *= spacing
    ticks += np.repeat(last - (stop - 1) * spacing, n)
    ticks[stop - 1] = last
    return Stream(values=values, ticks=ticks, arrival=np.repeat(packets.arrival[rows], n), spacing=spacing)


def _within(n: Indices) -> Indices:
    """0, 1, 2 ... within each group of `n`."""
    rank: Indices = np.arange(int(n.sum())) - np.repeat(np.cumsum(n) - n, n)
    return rank
