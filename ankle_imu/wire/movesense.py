r"""Movesense sensors with GSP firmware, "GATT SensorData Protocol" (little-endian).

    answer       1 | ref u8 | status u16 | data      (the answer to HELLO has no status)
    data         2 | ref u8 | data
    second part  3 | ref u8 | the rest of a data packet that was longer than a notification
    measurement  timestamp u32 | n x acc xyz | n x gyr xyz | n x mag xyz, float32 in m/s^2, deg/s, uT

`ref` is chosen by the host at SUBSCRIBE; which blocks a measurement has follows from the path subscribed to, so
the packets mean nothing without it. The timestamp is ms since the sensor started, belongs to the first sample and
wraps after 49.7 days. There is neither a checksum nor a packet count; how many samples a packet holds is not sent
either.

References
----------
.. [1] movesense.com/docs/esw/gatt_sensordata_protocol: packets, paths.
.. [2] github.com/sokolmarek/movesense-commander at 216f762: measurement layout (captures).
.. [3] github.com/sensein/movesense-py at 800da2a: the same samples over radio and from flash.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.wire.block import Array, Block, Indices
from ankle_imu.wire.packets import Packets, collect

TICK_S: Final = 1e-3
TICK_WRAP: Final = float(2**32)
ANSWER, DATA, SECOND_PART = 1, 2, 3
MAX_ACC: Final = 17.0 * STANDARD_GRAVITY
MAX_GYR: Final = 2400.0 * DEGREE
"""No range reaches these (16 g; 2000 deg/s at 70 mdeg/s a count is 2294): larger values are damage."""

_COLUMNS: Final = {
    "Acc": ("acc",),
    "Gyro": ("gyr",),
    "Magn": ("mag",),
    "IMU6": ("acc", "gyr"),
    "IMU6m": ("acc", "mag"),
    "IMU9": ("acc", "gyr", "mag"),
}
_PATH: Final = re.compile(r"/?Meas/(\w+)(?:/(\d+))?/?$")
_HEADER_BYTES: Final = 2
_STAMP_BYTES: Final = 4
_MISFIT: Final = 1.5
"""No sensor is this much slower than the rate it was asked for: packets are missing."""
_SAME_STEP: Final = 1.25
"""Steps this much above the shortest ones have a lost packet in them."""


def decode(payloads: Iterable[tuple[float, bytes]], config: Mapping[str, Any]) -> list[Block]:
    """Samples of GSP notifications.

    Parameters
    ----------
    payloads : iterable of (arrival, payload); arrival in s
    config : mapping with `subscriptions`, {reference: path}, or with `resource`, the path of the reference that
        sends most, for example "/Meas/IMU6/208"

    Returns
    -------
    list of Block
        One block per subscription with an acceleration, at least one; `gyr` is None where the path has none.
        There is no `sequence`: losses show in `ticks`. `errors` (of the whole session, in the first block) counts
        `short` (no header), `foreign` (unknown packet or reference), `cut` (parts missing, or not the length of
        its stream), `duplicate` and `implausible` (not finite, or beyond every range of the sensor).

    Raises
    ------
    ValueError
        If neither key is there or a path is not understood.

    Notes
    -----
    A second part is joined to the first only when they belong together beyond doubt: when the packet after it is
    missing, it has to come within half a packet's duration. All packets of a stream must hold the same number of
    samples, and not clearly fewer than their timestamps say: a first part alone never passes for a whole packet.
    """
    wanted, resource = _wanted(config)
    packets = collect(payloads)
    if not len(packets):
        return []
    errors: Counter[str] = Counter()
    octets = packets.octets
    starts = packets.start
    is_short = packets.length < _HEADER_BYTES
    kind, ref = octets[starts], octets[starts + 1]
    is_data = ~is_short & ((kind == DATA) | (kind == SECOND_PART))
    if resource is not None:
        sent = np.bincount(ref[is_data], minlength=1)
        wanted = {int(np.argmax(sent)): resource}
    is_wanted = np.zeros(256, dtype=bool)
    is_wanted[list(wanted)] = True
    is_known = is_data & is_wanted[ref]
    _count(errors, "short", int(is_short.sum()))
    _count(errors, "foreign", int((~is_short & (kind != ANSWER) & ~is_known).sum()))
    blocks = []
    for reference, path in wanted.items():
        columns, rate = parse_path(path)
        if "acc" in columns:
            rows = np.flatnonzero(is_known & (ref == reference))
            block = _stream(packets, octets, starts, kind, rows, columns, rate, errors)
            blocks += [block] if len(block) else []
    if blocks:
        blocks[1:] = [Block(**{**vars(block), "errors": Counter()}) for block in blocks[1:]]
    return blocks or [no_samples(errors)]


def parse_path(path: str) -> tuple[tuple[str, ...], float]:
    """Blocks of a measurement path, and its nominal rate in Hz (NaN when it names none).

    Raises
    ------
    ValueError
        If the path is no measurement of acceleration, angular rate or magnetic field.

    Examples
    --------
    >>> parse_path("/Meas/IMU6/208")
    (('acc', 'gyr'), 208.0)
    """
    found = _PATH.fullmatch(path)
    if not found or found[1] not in _COLUMNS:
        known = ", ".join(f"/Meas/{name}/<rate>" for name in _COLUMNS)
        raise ValueError(f"Unknown Movesense path {path!r}; known are {known}.")
    return _COLUMNS[found[1]], float(found[2] or "nan")


def read_measurement(path: str, data: bytes) -> tuple[int, dict[str, Array]]:
    """One measurement without its header.

    Parameters
    ----------
    path : str, see `parse_path`
    data : bytes after kind and reference

    Returns
    -------
    timestamp : int, ms since the sensor started
    values : {block: (n, 3) float array} as sent: m/s^2, deg/s, uT; sensor frame

    Raises
    ------
    ValueError
        If the length fits no whole number of samples.
    """
    columns, _ = parse_path(path)
    n, rest = divmod(len(data) - _STAMP_BYTES, 12 * len(columns))
    if n < 1 or rest:
        raise ValueError(f"{len(data)} bytes are no whole number of samples of {path}.")
    values = np.frombuffer(data, dtype="<f4", offset=_STAMP_BYTES).astype(float).reshape(len(columns), n, 3)
    return int.from_bytes(data[:_STAMP_BYTES], "little"), dict(zip(columns, values, strict=True))


def encode(
    ticks: ArrayLike, acc: ArrayLike, gyr: ArrayLike, *, reference: int, samples: int, longest: int = 153
) -> list[bytes]:
    """Notifications that a sensor subscribed to IMU6 would send.

    Parameters
    ----------
    ticks : (n,) int array, ms
    acc, gyr : (n, 3) float arrays, m/s^2 and rad/s, sensor frame; whole packets only are sent
    reference : int
    samples : int, per packet
    longest : int, bytes of data in one notification

    Returns
    -------
    list of bytes
    """
    stamps = np.asarray(ticks, dtype=np.int64)[::samples] % 2**32
    values = np.stack([np.asarray(acc, dtype=float), np.asarray(gyr, dtype=float) / DEGREE]).astype("<f4")
    sent = []
    for k, stamp in enumerate(stamps.tolist()[: values.shape[1] // samples]):
        body = struct.pack("<I", stamp) + values[:, k * samples : (k + 1) * samples].tobytes()
        sent.append(bytes((DATA, reference)) + body[:longest])
        if body[longest:]:
            sent.append(bytes((SECOND_PART, reference)) + body[longest:])
    return sent


def spread_ticks(stamps: Indices, counts: Indices, rate: float) -> float:
    """Ticks from one sample to the next: mean over packets between which, by the shortest steps, none was lost.

    Parameters
    ----------
    stamps : (k,) int array, ms, first sample of each packet
    counts : (k,) int array, samples in each packet
    rate : float, nominal Hz, used when no two packets follow each other; NaN when not known

    Returns
    -------
    float
        NaN when nothing tells.
    """
    steps = np.diff(stamps) % 2**32
    counts = counts[:-1]
    usable = (steps > 0) & (steps < 2**31)
    nominal = 1.0 / (rate * TICK_S) if rate > 0 else float("nan")
    usable &= ~(steps > _MISFIT * nominal * counts)
    if not usable.any():
        return nominal
    steps, counts = steps[usable], counts[usable]
    each = steps / counts
    is_next = each <= _SAME_STEP * np.quantile(each, 0.1)
    return float(steps[is_next].sum() / counts[is_next].sum())


def build_block(
    stamps: Indices, values: NDArray[Any], columns: tuple[str, ...], spacing: float, arrival: Array
) -> tuple[Block, NDArray[np.bool_]]:
    """Block of packets with the same number of samples, and which packets were left out as implausible.

    Parameters
    ----------
    stamps : (k,) int array, ms
    values : (k, blocks, n, 3) float array, m/s^2, deg/s, uT, sensor frame
    columns : names of the blocks
    spacing : float, ticks per sample
    arrival : (k,) float array, s
    """
    with np.errstate(invalid="ignore"):  # a signalling NaN, which `_implausible` finds
        acc = values[:, columns.index("acc")].astype(float)
        gyr = values[:, columns.index("gyr")].astype(float) if "gyr" in columns else None
    bad = _implausible(acc, MAX_ACC)
    if gyr is not None:
        gyr *= DEGREE
        bad |= _implausible(gyr, MAX_GYR)
    if bad.any():
        acc, gyr, stamps, arrival = acc[~bad], None if gyr is None else gyr[~bad], stamps[~bad], arrival[~bad]
    n = values.shape[2]
    ticks = stamps[:, None] + np.append(0.0, spacing * np.arange(1, n))
    if ticks.size and not ticks[:, -1].max() < TICK_WRAP:
        ticks = ticks % TICK_WRAP
    block = Block(
        acc=acc.reshape(-1, 3),
        gyr=None if gyr is None else gyr.reshape(-1, 3),
        ticks=ticks.ravel(),
        tick_s=TICK_S,
        tick_wrap=TICK_WRAP,
        arrival=np.repeat(arrival, n),
    )
    return block, bad


def no_samples(errors: Counter[str]) -> Block:
    """Block without samples, for its errors."""
    none = np.empty(0)
    return Block(
        acc=none.reshape(0, 3), ticks=none, tick_s=TICK_S, tick_wrap=TICK_WRAP, arrival=none, errors=errors
    )


def find_repeated(stamps: Indices, rows: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Packets whose timestamp and bytes both came before."""
    repeated = np.zeros(len(stamps), dtype=bool)
    if (np.diff(stamps) <= 0).any():
        seen: set[bytes] = set()
        for i, row in enumerate(rows):
            content = row.tobytes()
            repeated[i] = content in seen
            seen.add(content)
    return repeated


def _wanted(config: Mapping[str, Any]) -> tuple[dict[int, str], str | None]:
    """References and their paths; or the one path, reference unknown."""
    subscriptions, resource = config.get("subscriptions"), config.get("resource")
    if isinstance(subscriptions, Mapping) and subscriptions:
        paths = {_reference(ref): str(path) for ref, path in subscriptions.items()}
    elif isinstance(resource, str):
        paths = {0: resource}
    else:
        raise ValueError(
            "Protocol movesense needs config['subscriptions'], {reference: path}, or config['resource'], a path."
        )
    for path in paths.values():
        parse_path(path)
    return paths, None if subscriptions else resource


def _reference(told: object) -> int:
    """A reference, which JSON may have made text."""
    if not str(told).isdecimal() or int(str(told)) > 255:
        raise ValueError(f"Found Movesense reference {told!r}; expected 0 to 255.")
    return int(str(told))


def _count(errors: Counter[str], reason: str, n: int) -> None:
    if n:
        errors[reason] += n


def _implausible(values: Array, limit: float) -> NDArray[np.bool_]:
    """Packets with a value that is not finite or beyond the limit."""
    if not values.size or (values.min() >= -limit and values.max() <= limit):
        return np.zeros(len(values), dtype=bool)
    return np.asarray(~(np.abs(values) <= limit).all(axis=(1, 2)))


def _stream(
    packets: Packets,
    octets: NDArray[np.uint8],
    starts: Indices,
    kind: NDArray[np.uint8],
    rows: Indices,
    columns: tuple[str, ...],
    rate: float,
    errors: Counter[str],
) -> Block:
    """Samples of one reference, whose packets are `rows`."""
    rows = _without_repeats(packets, octets, starts, rows, errors)
    is_first = kind[rows] == DATA
    has_second = np.append(is_first[:-1] & ~is_first[1:], False)[: len(rows)]
    heads = np.flatnonzero(is_first)
    _count(errors, "cut", int((~is_first).sum() - has_second.sum()))
    first, is_split = rows[heads], has_second[heads]
    second = rows[np.minimum(heads + 1, len(rows) - 1)]
    lengths = np.stack([packets.length[first], np.where(is_split, packets.length[second], _HEADER_BYTES)])
    lengths -= _HEADER_BYTES
    stamps = _stamps(octets, starts[first], lengths[0])
    size, is_good = _common_size(lengths.sum(axis=0), 12 * len(columns))
    if (is_good & ~is_split).sum() >= (is_good & is_split).sum():  # else packets have two parts: both are doubtful
        is_stray = is_split & ~is_good & (lengths[0] == size)
        is_split, is_good, lengths[1, is_stray] = is_split & ~is_stray, is_good | is_stray, 0
        _count(errors, "cut", int(is_stray.sum()))
    n = (size - _STAMP_BYTES) // (12 * len(columns))
    spacing = spread_ticks(stamps[is_good], np.full(int(is_good.sum()), n), rate)
    is_good &= _is_joined_well(stamps, is_split, packets.arrival[second] - packets.arrival[first], n * spacing)
    if n and _holds_too_few(stamps, n, rate):
        is_good[:] = False
    _count(errors, "cut", int((~is_good).sum()))
    good = np.flatnonzero(is_good)
    whole = _gather(octets, starts[first[good]], starts[second[good]], lengths[:, good], size)
    repeated = find_repeated(stamps[good], whole)
    if repeated.any():
        _count(errors, "duplicate", int(repeated.sum()))
        good, whole = good[~repeated], whole[~repeated]
    values = whole[:, _STAMP_BYTES:].view("<f4").reshape(len(good), len(columns), n, 3)
    block, is_bad = build_block(stamps[good], values, columns, spacing, packets.arrival[first[good]])
    _count(errors, "implausible", int(is_bad.sum()))
    return Block(**{**vars(block), "errors": errors})


def _without_repeats(
    packets: Packets, octets: NDArray[np.uint8], starts: Indices, rows: Indices, errors: Counter[str]
) -> Indices:
    """Drop payloads equal to the one before of the same reference."""
    begin = np.ascontiguousarray(_pieces(octets, starts[rows], 8)).view("<u8")[:, 0]
    alike = np.flatnonzero((begin[1:] == begin[:-1]) & (np.diff(packets.length[rows]) == 0))
    repeated = [k + 1 for k in alike.tolist() if packets.blobs[rows[k]] == packets.blobs[rows[k + 1]]]
    _count(errors, "duplicate", len(repeated))
    return np.delete(rows, repeated) if repeated else rows


def _pieces(octets: NDArray[np.uint8], starts: Indices, length: int) -> NDArray[np.uint8]:
    """(k, length) bytes from each start on; not copied when the starts are evenly spaced."""
    windows = sliding_window_view(octets, length)
    steps = np.diff(starts)
    if len(steps) and steps[0] > 0 and (steps == steps[0]).all():
        return windows[starts[0] : starts[-1] + 1 : steps[0]]
    return windows[starts]


def _stamps(octets: NDArray[np.uint8], starts: Indices, lengths: Indices) -> Indices:
    """Timestamps; -1 where the packet is too short for one."""
    sent = np.ascontiguousarray(_pieces(octets, starts + _HEADER_BYTES, _STAMP_BYTES))
    return np.where(lengths >= _STAMP_BYTES, sent.view("<u4")[:, 0].astype(np.int64), -1)


def _common_size(sizes: Indices, sample_bytes: int) -> tuple[int, NDArray[np.bool_]]:
    """Most frequent size that holds whole samples, the largest of equals; and who has it."""
    counts = np.bincount(sizes, minlength=1)
    possible = np.arange(_STAMP_BYTES + sample_bytes, len(counts), sample_bytes)
    if not len(possible) or not counts[possible].any():
        return _STAMP_BYTES, np.zeros(len(sizes), dtype=bool)
    frequent = possible[counts[possible] == counts[possible].max()]
    size = int(frequent[-1])
    return size, sizes == size


def _is_joined_well(
    stamps: Indices, is_split: NDArray[np.bool_], delay: Array, duration: float
) -> NDArray[np.bool_]:
    """Unsplit packets; and split ones after which nothing is missing, or whose parts came close together."""
    if not is_split.any():
        return ~is_split
    is_followed = np.append(np.diff(stamps) % 2**32 <= _MISFIT * duration, False)[: len(stamps)]
    return np.asarray(~is_split | is_followed | (delay * 1e3 <= 0.5 * duration))


def _holds_too_few(stamps: Indices, n: int, rate: float) -> bool:
    """Whether even the shortest steps of the clock are clearly longer than `n` samples at the nominal rate."""
    steps = np.diff(stamps[stamps >= 0]) % 2**32
    steps = steps[(steps > 0) & (steps < 2**31)]
    return len(steps) >= 3 and bool(np.quantile(steps, 0.05) * TICK_S * rate > _MISFIT * n)


def _gather(
    octets: NDArray[np.uint8], first: Indices, second: Indices, lengths: NDArray[np.int64], size: int
) -> NDArray[np.uint8]:
    """(k, size) bytes of packets whose two parts have these lengths and begin at these places."""
    whole = np.empty((len(first), size), dtype=np.uint8)
    for length in np.flatnonzero(np.bincount(lengths[0])).tolist():
        rows = np.flatnonzero(lengths[0] == length)
        where = slice(None) if len(rows) == len(first) else rows
        whole[where, :length] = _pieces(octets, first[rows] + _HEADER_BYTES, length)
        if length < size:
            whole[where, length:] = _pieces(octets, second[rows] + _HEADER_BYTES, size - length)
    return whole
