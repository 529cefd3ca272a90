r"""WitMotion BLE 5.0 sensors: WT901BLE67/68, WT9011DCL-BT50, WT901SDCL-BT50 (little-endian).

    samples      0x55 0x61 | acc xyz, gyr xyz, angle xyz int16                                   20 bytes
    SDCL model   the same | year - 2000, month, day, hour, minute, second u8, millisecond u16    28 bytes
    registers    0x55 0x71 | first register u16 | 8 values int16                                 20 bytes

Full scale is 32768 counts = 16 g, 2000 deg/s, 180 deg. A frame has no checksum, no counter and, but for the SDCL
model, no time: a frame counts only when another frame, or the end of a notification, follows right behind it.
Above some 50 Hz a notification holds several frames; a frame may also lie across two notifications. In
displacement mode (register 0x96 = 1) the same header carries other quantities, which only the configuration can
tell.

Registers: 0x03 rate, 0x1F bandwidth (0 = 256 Hz), 0x40 temperature, 0x64 battery voltage, 0x96 displacement mode.

See `firmware_notes/witmotion.md`.

References
----------
.. [1] WITMOTION, WitBluetooth_BWT901BLE5_0 (vendor's SDK): frames, registers, scales.
.. [2] WITMOTION, WT901BLECL user manual, p. 16-18: commands.
.. [3] github.com/RGu0/WT901 at 9ccb834: capture of a WT901BLE67, 8 registers per reply, rate codes as measured.
.. [4] github.com/zhuyetuo/witmotion_imu at fab6159: flash log of a WT901SDCL-BT50.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.wire.block import Array, Block, Indices
from ankle_imu.wire.config_numbers import read_positive
from ankle_imu.wire.packets import Packets, collect

FULL_SCALE: Final = 32768
ACC_RANGE_G: Final = 16.0
GYR_RANGE_DPS: Final = 2000.0
TICK_S: Final = 1e-3
RATE_CODES: Final = {10: 0x06, 20: 0x07, 50: 0x08, 100: 0x09, 200: 0x0B}
"""Register 0x03 by Hz. For 200 Hz one source has 0x0A; a real sensor gave 99 Hz with it [3]: measure the rate."""

RATE, BANDWIDTH, BATTERY, DISPLACEMENT = 0x03, 0x1F, 0x64, 0x96
UNLOCK: Final = bytes.fromhex("ffaa6988b5")
SAVE: Final = bytes.fromhex("ffaa000000")

_SAMPLE, _REPLY = b"\x55\x61", b"\x55\x71"
_PLAIN: Final = np.dtype([("head", "<u2"), ("acc", "<i2", 3), ("gyr", "<i2", 3), ("angle", "<i2", 3)])
_TIMED: Final = np.dtype([*_PLAIN.descr, ("calendar", "u1", 6), ("ms", "<u2")])
_FRAMES: Final = {_PLAIN.itemsize: _PLAIN, _TIMED.itemsize: _TIMED}
_REPLY_BYTES: Final = 20
_PROBE_BYTES: Final = 2**16
_SAME_MOMENT_S: Final = 2e-3
"""Equal one-frame notifications within this time are a callback called twice, not a sensor lying still."""
_STRAY_FRAMES: Final = 8
"""At most this many frames in a row with an old time are strays; more are a clock that was set back."""


@dataclass(frozen=True, kw_only=True)
class RegisterReply:
    """Values of consecutive registers, as the sensor told them."""

    arrival: float
    first: int
    values: tuple[int, ...]

    def __getitem__(self, register: int) -> int:
        """Value of one register; KeyError when the reply does not hold it."""
        if not 0 <= register - self.first < len(self.values):
            raise KeyError(f"Register {register:#04x} is not in this reply, which begins at {self.first:#04x}.")
        return self.values[register - self.first]


def decode(payloads: Iterable[tuple[float, bytes]], config: Mapping[str, Any]) -> list[Block]:
    """Samples of 0x55 0x61 frames, from notifications or from pieces of an SDCL flash file.

    Parameters
    ----------
    payloads : iterable of (arrival, payload); arrival in s
    config : mapping, all optional: `acc_range_g` (16) and `gyr_range_dps` (2000); `frame_bytes`, 20 or 28, else
        found in the data; `displacement`, true when register 0x96 is 1

    Returns
    -------
    list of Block
        One block. `ticks` are ms since 2000-01-01 in the sensor's local time for 28-byte frames, else None; there
        is no `sequence`. `errors` counts `short` (empty payload), `cut` (a frame begun and not whole), `foreign`
        (bytes or payloads that are no frame), `duplicate` (a notification or timed frame that came twice),
        `bad_time` (no calendar date), `stale_time` (a stray frame with an old time) and `displacement` (frames
        that carry no acceleration). Register replies are neither samples nor errors.

    Raises
    ------
    ValueError
        If a range is not positive or `frame_bytes` is neither 20 nor 28.

    Notes
    -----
    A lost notification leaves no trace in 20-byte frames. Bytes lost in the middle of a frame are noticed because
    no frame follows where one should; a loss of exactly so many bytes that one does cannot be noticed.
    """
    scales = (
        _scale(config, "acc_range_g", ACC_RANGE_G, STANDARD_GRAVITY),
        _scale(config, "gyr_range_dps", GYR_RANGE_DPS, DEGREE),
    )
    packets = collect(payloads)
    if not len(packets):
        return []
    errors: Counter[str] = Counter()
    _count(errors, "short", int((packets.length == 0).sum()))
    packets = _without_repeats(packets, errors)
    data, stops = packets.join(), packets.stop
    size = _frame_bytes(config, data, stops)
    runs = list(_runs(data, stops, size))
    _count_rest(data, stops, runs, size, errors)
    frames, ends = _frames(data, [(start, n) for start, n, is_reply in runs if not is_reply], size)
    arrival = np.repeat(packets.arrival, np.diff(np.searchsorted(ends, stops, side="right"), prepend=0))
    ticks = None
    if size == _TIMED.itemsize:
        ticks, is_good = _chip_time(frames, errors)
        frames, ticks, arrival = frames[is_good], ticks[is_good], arrival[is_good]
    if config.get("displacement"):
        _count(errors, "displacement", len(frames))
        frames, ticks, arrival = frames[:0], None if ticks is None else ticks[:0], arrival[:0]
    return [
        Block(
            acc=frames["acc"] * scales[0],
            gyr=frames["gyr"] * scales[1],
            ticks=ticks,
            tick_s=TICK_S if ticks is not None else float("nan"),
            arrival=arrival,
            errors=errors,
        )
    ]


def read_replies(payloads: Iterable[tuple[float, bytes]]) -> list[RegisterReply]:
    """Register replies among payloads.

    Parameters
    ----------
    payloads : iterable of (arrival, payload); arrival in s

    Returns
    -------
    list of RegisterReply
        In order of arrival; empty when there is none.
    """
    packets = collect(payloads)
    data, stops = packets.join(), packets.stop
    replies = []
    for start, n, is_reply in _runs(data, stops, _frame_bytes({}, data, stops)):
        for at in range(start, start + n * _REPLY_BYTES, _REPLY_BYTES) if is_reply else ():
            words = np.frombuffer(data, dtype="<i2", count=9, offset=at + 2).tolist()
            row = int(np.searchsorted(stops, at + _REPLY_BYTES))
            replies.append(
                RegisterReply(
                    arrival=float(packets.arrival[row]), first=words[0] & 0xFFFF, values=tuple(words[1:])
                )
            )
    return replies


def write_register(register: int, value: int) -> bytes:
    """Command that sets a register; `UNLOCK` goes before it and `SAVE` after.

    Examples
    --------
    >>> write_register(RATE, RATE_CODES[100]).hex()
    'ffaa030900'
    """
    return bytes((0xFF, 0xAA, register)) + (value & 0xFFFF).to_bytes(2, "little")


def read_register(register: int) -> bytes:
    """Command that asks for a register and the seven after it.

    Examples
    --------
    >>> read_register(BATTERY).hex()
    'ffaa276400'
    """
    return bytes((0xFF, 0xAA, 0x27)) + register.to_bytes(2, "little")


def encode(acc: ArrayLike, gyr: ArrayLike) -> list[bytes]:
    """Frames of 20 bytes that a sensor with these samples would send; the angles are zero.

    Parameters
    ----------
    acc : (n, 3) float array, m/s^2, sensor frame
    gyr : (n, 3) float array, rad/s, sensor frame

    Returns
    -------
    list of bytes
        One frame per sample; values beyond the range are clipped.
    """
    scaled = (
        np.asarray(acc, dtype=float) / _scale({}, "acc_range_g", ACC_RANGE_G, STANDARD_GRAVITY),
        np.asarray(gyr, dtype=float) / _scale({}, "gyr_range_dps", GYR_RANGE_DPS, DEGREE),
    )
    counts = np.clip(np.round(np.hstack(scaled)), -FULL_SCALE, FULL_SCALE - 1).astype("<i2")
    return [_SAMPLE + row.tobytes() + bytes(6) for row in counts]


def _scale(config: Mapping[str, Any], name: str, default: float, unit: float) -> float:
    return read_positive({name: default, **config}, name, "Protocol witmotion") * unit / FULL_SCALE


def _count(errors: Counter[str], reason: str, n: int) -> None:
    if n:
        errors[reason] += n


def _without_repeats(packets: Packets, errors: Counter[str]) -> Packets:
    """Drop notifications of whole frames that came twice. A sensor lying still may repeat itself: those stay."""
    is_kept = np.ones(len(packets), dtype=bool)
    for i in packets.find_repeats().tolist():
        blob = packets.blobs[i]
        sizes = [size for size in _FRAMES if blob and len(blob) % size == 0]
        frames = {blob[at : at + size] for size in sizes[:1] for at in range(0, len(blob), size)}
        if not frames or any(frame[:2] not in (_SAMPLE, _REPLY) for frame in frames):
            continue
        same_moment = packets.arrival[i] - packets.arrival[i - 1] <= _SAME_MOMENT_S
        is_kept[i] = not (len(frames) > 1 or same_moment)
    _count(errors, "duplicate", int((~is_kept).sum()))
    return packets if is_kept.all() else packets.select(is_kept)


def _frame_bytes(config: Mapping[str, Any], data: bytes, stops: Indices) -> int:
    """Length of a sample frame: the one at which the next frame most often follows."""
    size = config.get("frame_bytes")
    if size is not None:
        if size not in tuple(_FRAMES):
            raise ValueError(f"Protocol witmotion has frames of 20 or 28 bytes, found frame_bytes = {size!r}.")
        return int(size)
    probe = np.frombuffer(data, dtype=np.uint8, count=min(len(data), _PROBE_BYTES))
    is_head = np.zeros(len(probe) + max(_FRAMES) + 1, dtype=bool)
    is_head[: max(len(probe) - 1, 0)] = (probe[:-1] == _SAMPLE[0]) & (probe[1:] == _SAMPLE[1])
    heads = np.flatnonzero(is_head)
    is_head[len(probe)] = len(probe) == len(data)
    is_stop = np.zeros_like(is_head)
    is_stop[stops[: np.searchsorted(stops, len(is_stop))]] = True
    votes = {
        length: (int(is_head[heads + length].sum()), int(is_stop[heads + length].sum())) for length in _FRAMES
    }
    return max(votes, key=lambda length: votes[length])


def _runs(data: bytes, stops: Indices, size: int) -> Iterator[tuple[int, int, bool]]:
    """(start, frames, is_reply) of frames that lie end to end, each followed by a frame or an end."""
    nearest = {_SAMPLE: -1, _REPLY: -1}
    start = 0
    while (start := _next_head(data, start, nearest)) < len(data):
        is_reply = data[start : start + 2] == _REPLY
        length = _REPLY_BYTES if is_reply else size
        n = _repeats(data, start, length)
        if n and not _is_end(data, stops, start + n * length):
            n -= 1
        if n:
            yield start, n, is_reply
        start += n * length or 1


def _next_head(data: bytes, start: int, nearest: dict[bytes, int]) -> int:
    """Place of the first head from `start` on, else the end; `nearest` keeps what was found ahead."""
    if data[start : start + 2] in nearest:
        return start
    for head, found in nearest.items():
        if found < start:
            place = data.find(head, start)
            nearest[head] = place if place >= 0 else len(data)
    return min(nearest.values())


def _repeats(data: bytes, start: int, length: int) -> int:
    """Number of whole frames with the head at `start`, end to end; looks ahead in growing steps."""
    most, n, window = (len(data) - start) // length, 0, 64
    head_word = int.from_bytes(data[start : start + 2], "little")
    while n < most:
        count = min(window, most - n)
        offset = start + n * length
        words = np.frombuffer(data, dtype="<u2", count=count * length // 2, offset=offset)[:: length // 2]
        is_head = words == head_word
        if not is_head.all():
            return n + int(np.argmin(is_head))
        n, window = n + count, window * 4
    return n


def _is_end(data: bytes, stops: Indices, place: int) -> bool:
    follower = data[place : place + 2]
    if follower in (_SAMPLE, _REPLY, _SAMPLE[:1], b""):
        return True
    return bool(stops[np.searchsorted(stops, place)] == place)


def _count_rest(
    data: bytes, stops: Indices, runs: list[tuple[int, int, bool]], size: int, errors: Counter[str]
) -> None:
    """Name the bytes between the runs: a frame begun and not whole, or something else."""
    at = 0
    lengths = {False: size, True: _REPLY_BYTES}
    for start, n, is_reply in [*runs, (len(data), 0, False)]:
        if start > at:
            is_cut = data[at : at + 2] in (_SAMPLE, _REPLY) or data[at:start] == _SAMPLE[:1]
            first, last = np.searchsorted(stops, (at, start), side="right").tolist()
            payloads = last - first
            _count(errors, "cut", int(is_cut))
            _count(
                errors, "foreign", max(payloads, 1) if not is_cut else max(payloads - 1, 0) * (start - at > size)
            )
        at = start + n * lengths[is_reply]


def _frames(data: bytes, runs: list[tuple[int, int]], size: int) -> tuple[NDArray[Any], Indices]:
    """Frames of all runs, and the place after each."""
    kind = _FRAMES[size]
    parts = [np.frombuffer(data, dtype=kind, count=n, offset=start) for start, n in runs]
    ends = [np.arange(start + size, start + n * size + 1, size, dtype=np.int64) for start, n in runs]
    if len(parts) == 1:
        return parts[0], ends[0]
    return np.concatenate([*parts, np.empty(0, kind)]), np.concatenate([*ends, np.empty(0, np.int64)])


def _chip_time(frames: NDArray[Any], errors: Counter[str]) -> tuple[Array, NDArray[np.bool_]]:
    """Milliseconds since 2000-01-01, and whether to believe the frame.

    After a short disconnection a frame may carry the full hour, and dozens are sent again byte for byte [4].
    """
    year, month, day, hour, minute, second = frames["calendar"].astype(np.int64).T
    months = (year * 12 + month - 1 + 360).astype("M8[M]")
    days = months.astype("M8[D]") + (day - 1)
    is_good = (month >= 1) & (month <= 12) & (day >= 1) & (days.astype("M8[M]") == months)
    is_good &= (hour < 24) & (minute < 60) & (second < 60) & (frames["ms"] < 1000)
    _count(errors, "bad_time", int((~is_good).sum()))
    seconds = (
        (days - np.datetime64("2000-01-01", "D")).astype(np.int64) * 86400 + hour * 3600 + minute * 60 + second
    )
    ms = seconds * 1000 + frames["ms"]
    good = np.flatnonzero(is_good)
    if (np.diff(ms[good]) <= 0).any():
        unique = np.sort(np.unique(_rows(frames[good]), return_index=True)[1])
        _count(errors, "duplicate", len(good) - len(unique))
        kept = good[unique]
        is_stale = _is_stale(ms[kept])
        _count(errors, "stale_time", int(is_stale.sum()))
        is_good = np.zeros(len(frames), dtype=bool)
        is_good[kept[~is_stale]] = True
    return ms.astype(float), is_good


def _rows(frames: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(frames).view(f"V{frames.dtype.itemsize}")


def _is_stale(ms: Indices) -> NDArray[np.bool_]:
    """Frames not later than one before them; where many follow each other, the clock was set back: keep them."""
    stale = np.zeros(len(ms), dtype=bool)
    latest, run = -1, 0
    for i, value in enumerate(ms.tolist()):
        if value > latest:
            latest, run = value, 0
            continue
        stale[i] = True
        run += 1
        if run > _STRAY_FRAMES:
            stale[i - run + 1 : i + 1] = False
            latest, run = value, 0
    return stale
