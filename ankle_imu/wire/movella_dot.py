"""Movella DOT (Xsens DOT): measurements as they are streamed, and recordings as they are exported (little-endian).

Streamed: one sample per notification, `time u32, us | quantities | zeros up to 63, 40 or 20 bytes`.

    payload mode                  quantities after the time                               bytes with time
    18  delta quantities + mag    dq 4 x f32, dv 3 x f32 m/s, magnetic 3 x i16            38
    19  delta quantities          dq 4 x f32, dv 3 x f32 m/s                              32
    20  rate quantities + mag     acc 3 x f32 m/s^2, gyr 3 x f32 deg/s, magnetic 3 x i16  34
    21  rate quantities           acc 3 x f32 m/s^2, gyr 3 x f32 deg/s                    28
    26  custom mode 5             quaternion 4 x f32, acc 3 x f32, gyr 3 x f32            44

The other modes carry no acceleration with gravity, or are readable by the maker's SDK only.

Exported: messages `id u8 | length u8 | data | sum u8`, all bytes of which add up to 0 (mod 256); id 1 with data
`0x71 | packet number u32 | the chosen quantities` holds one sample.

References
----------
"Movella DOT BLE Service Specification", XD0506P revision C, July 2023: tables 13 to 17, 23 and 25, section 5.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.wire.block import Array, Block, Indices
from ankle_imu.wire.packets import Flags, Packets, collect
from ankle_imu.wire.sieve import Sieve

TICK_S: Final = 1e-6
TICK_WRAP: Final = float(2**32)

RECORDING: Final = 1
SYNCHRONISATION: Final = 2
CONFIGURATION: Final = 3
"""Message ids of the message service."""

_QUANTITIES: Final = {
    0x00: ("time", "<u4", 1),
    0x01: ("quaternion", "<f4", 4),
    0x04: ("euler", "<f4", 3),
    0x05: ("dq", "<f4", 4),
    0x06: ("dv", "<f4", 3),
    0x07: ("acc", "<f4", 3),
    0x08: ("gyr", "<f4", 3),
    0x09: ("magnetic", "<i2", 3),
    0x0A: ("status", "<u2", 1),
    0x0B: ("clips_acc", "u1", 1),
    0x0C: ("clips_gyr", "u1", 1),
}
_MODES: Final = {
    18: (0x00, 0x05, 0x06, 0x09),
    19: (0x00, 0x05, 0x06),
    20: (0x00, 0x07, 0x08, 0x09),
    21: (0x00, 0x07, 0x08),
    26: (0x00, 0x01, 0x07, 0x08),
}
_CHARACTERISTICS: Final = (20, 40, 63)
_LIMIT: Final = np.array([32.0 * STANDARD_GRAVITY] * 3 + [4000.0 * DEGREE] * 3)
"""Twice the range of the sensor (16 g, 2000 deg/s by its user manual): no sample lies beyond it."""
_UNIT_TOLERANCE: Final = 1e-3
"""A dq in single precision is of unit length far better than this."""
_SAMPLE: Final = 0x71
_DAMAGED_SAMPLE: Final = 0x76
_MESSAGE_HEAD: Final = np.dtype([("id", "u1"), ("length", "u1"), ("kind", "u1"), ("number", "<u4")])


def decode(payloads: Iterable[tuple[float, bytes]], config: Mapping[str, Any]) -> list[Block]:
    """Samples of streamed measurements or of an exported recording.

    Parameters
    ----------
    payloads : iterable of (arrival, payload); arrival in s
    config : mapping with one of `payload_mode` (int, streamed) and `quantities` (sequence of int as they were
        selected, exported); `nominal_rate_hz` where the quantities are dq and dv, not acc and gyr

    Returns
    -------
    list of Block
        One block; `ticks` in us, None when an export left the time out; `sequence` is the packet number of an
        export, None when streamed. `errors` counts `short` (less than a time or a message), `cut` and `merged`
        (too few or too many bytes), `foreign` (another content), `checksum`, `control` (a message without a
        sample), `damaged` (the sensor itself found the sample bad), `impossible` (not finite, or twice beyond the
        range) and `duplicate` payloads.

    Raises
    ------
    ValueError
        If `config` names neither or both, a mode or quantity that is unknown or holds no acceleration with gravity
        and angular rate, or no rate where one is needed.

    Notes
    -----
    dq and dv are integrals over one output period T: gyr is the rotation vector of dq over T, acc is dv over T.
    T is 1 / `nominal_rate_hz`, as the time between packets grows when one is lost.
    """
    content, is_exported = _content(config)
    period = _period(content, config)
    packets = collect(payloads)
    if not len(packets):
        return []
    sieve = Sieve(len(packets))
    sift = _sift_exported if is_exported else _sift_streamed
    sift(packets, content.itemsize, sieve)
    rows = sieve.rows()
    fields = packets.read(content, packets.start[rows] + (_MESSAGE_HEAD.itemsize if is_exported else 0))
    numbers = packets.read(_MESSAGE_HEAD, packets.start[rows])["number"] if is_exported else None
    values = _values(fields, period)
    is_kept = _is_possible(values)
    sieve.reject_rows("impossible", rows[~is_kept])
    is_kept &= _is_new(packets, rows, fields["time"] if numbers is None else numbers, sieve)
    has_time = "time" in (content.names or ())
    return [
        Block(
            acc=np.ascontiguousarray(values[is_kept, :3]),
            gyr=np.ascontiguousarray(values[is_kept, 3:]),
            ticks=fields["time"][is_kept].astype(float) if has_time else None,
            tick_s=TICK_S if has_time else float("nan"),
            tick_wrap=TICK_WRAP if has_time else 0.0,
            sequence=None if numbers is None else numbers[is_kept].astype(np.int64),
            arrival=packets.arrival[rows[is_kept]],
            errors=sieve.errors,
        )
    ]


def encode_message(message_id: int, data: bytes) -> bytes:
    """Message of the message service, with its sum byte; `data` of at most 157 bytes."""
    if len(data) > 157:
        raise ValueError(f"Found {len(data)} data bytes; a message holds at most 157.")
    head = bytes([message_id, len(data)]) + data
    return head + bytes([-sum(head) % 256])


def is_message(payload: bytes) -> bool:
    """Whether length and sum of a message are right."""
    return len(payload) >= 3 and len(payload) == payload[1] + 3 and sum(payload) % 256 == 0


def encode_measurement(payload_mode: int, *, is_on: bool) -> bytes:
    """What is written to characteristic 0x2001 to start or stop streaming."""
    return bytes([1, int(is_on), payload_mode])


def _content(config: Mapping[str, Any]) -> tuple[np.dtype[Any], bool]:
    """Layout of one sample, and whether it was exported."""
    mode, chosen = config.get("payload_mode"), config.get("quantities")
    if (chosen is None) == (mode is None):
        raise ValueError("Protocol movella_dot needs config['payload_mode'] or config['quantities'], one of them.")
    if mode is not None and mode not in _MODES:
        raise ValueError(f"Found payload_mode {mode!r}; those with acceleration and angular rate are {[*_MODES]}.")
    quantities = [*(_MODES[mode] if mode is not None else chosen or ())]
    if any(q not in _QUANTITIES for q in quantities) or len(set(quantities)) < len(quantities):
        raise ValueError(f"Found quantities {quantities}; expected each once, out of {[*_QUANTITIES]}.")
    fields = [_QUANTITIES[q] for q in quantities]
    names = {name for name, _, _ in fields}
    if not ({"acc", "gyr"} <= names or {"dq", "dv"} <= names):
        raise ValueError(f"Quantities {sorted(names)} hold no acceleration with gravity and angular rate.")
    return np.dtype([(name, kind, (n,)) if n > 1 else (name, kind) for name, kind, n in fields]), mode is None


def _period(content: np.dtype[Any], config: Mapping[str, Any]) -> float:
    if content.names and "acc" in content.names and "gyr" in content.names:
        return float("nan")
    rate = config.get("nominal_rate_hz")
    if not isinstance(rate, int | float) or not 0 < rate < float("inf"):
        raise ValueError(f"dq and dv need config['nominal_rate_hz'] as a positive number, found {rate!r}.")
    return 1.0 / rate


def _sift_streamed(packets: Packets, size: int, sieve: Sieve) -> None:
    longest = min(n for n in _CHARACTERISTICS if n >= size)
    sieve.reject("short", packets.length < 4)
    sieve.reject("cut", packets.length < size)
    sieve.reject("merged", packets.length > longest)
    rows = sieve.rows()
    if (packets.length[rows] > size).any():
        ones = np.concatenate([[0], np.cumsum(packets.octets != 0, dtype=np.int32)])
        stop = packets.start[rows] + packets.length[rows]
        is_foreign = ones[stop] != ones[packets.start[rows] + size]
        sieve.reject_rows("foreign", rows[is_foreign])


def _sift_exported(packets: Packets, size: int, sieve: Sieve) -> None:
    head = packets.read(_MESSAGE_HEAD, packets.start)
    sieve.reject("short", packets.length < 3)
    whole = head["length"].astype(np.int64) + 3
    sieve.reject("cut", packets.length < whole)
    sieve.reject("merged", packets.length > whole)
    sums = np.concatenate([[0], np.cumsum(packets.octets, dtype=np.uint8)])
    sieve.reject("checksum", sums[packets.start + packets.length] != sums[packets.start])
    sieve.reject("foreign", head["id"] != RECORDING)
    sieve.reject("damaged", head["kind"] == _DAMAGED_SAMPLE)
    sieve.reject("control", head["kind"] != _SAMPLE)
    sieve.reject("foreign", head["length"] != 5 + size)


def _values(fields: NDArray[Any], period: float) -> Array:
    values = np.empty((len(fields), 6))
    with np.errstate(all="ignore"):  # floats may be anything here; what is impossible goes afterwards
        if np.isnan(period):
            values[:, :3] = fields["acc"]
            np.multiply(fields["gyr"], DEGREE, out=values[:, 3:], dtype=float)
        else:
            values[:, :3] = fields["dv"].astype(float) / period
            values[:, 3:] = _rotation_vectors(fields["dq"].astype(float)) / period
    return values


def _rotation_vectors(quat: Array) -> Array:
    """Rotation vectors of unit quaternions, the short way round; NaN where they are not of unit length."""
    quat = np.where(quat[:, :1] < 0.0, -quat, quat)
    sine = np.linalg.norm(quat[:, 1:], axis=1)
    is_unit = np.abs(np.hypot(sine, quat[:, 0]) - 1.0) < _UNIT_TOLERANCE
    is_turned = sine > 0.0
    factor = np.where(is_turned, 2.0 * np.arctan2(sine, quat[:, 0]) / np.where(is_turned, sine, 1.0), 2.0)
    return np.where(is_unit[:, None], quat[:, 1:] * factor[:, None], np.nan)


def _is_possible(values: Array) -> Flags:
    extremes = np.concatenate([values.max(axis=0, initial=-np.inf), -values.min(axis=0, initial=np.inf)])
    if (extremes <= np.tile(_LIMIT, 2)).all():  # false with any NaN: maxima hand it on
        return np.ones(len(values), dtype=bool)
    return np.asarray((np.abs(values) <= _LIMIT).all(axis=1))


def _is_new(packets: Packets, rows: Indices, counter: NDArray[np.uint32], sieve: Sieve) -> Flags:
    """True for payloads that came for the first time. They are compared only if the counter ever went back."""
    step = np.diff(counter)
    if not ((step == 0) | (step >= 2**31)).any():
        return np.ones(len(rows), dtype=bool)
    is_repeated = packets.find_repeated(rows)
    sieve.reject("duplicate", is_repeated)
    return ~is_repeated[rows]
