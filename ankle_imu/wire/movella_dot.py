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

See `firmware_notes/movella_dot.md`.

References
----------
"Movella DOT BLE Service Specification", XD0506P revision C, July 2023: tables 13 to 17, 23 and 25, section 5.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.wire.block import Array, Block, Indices
from ankle_imu.wire.config_numbers import read_positive
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
_ACC_LIMIT: Final = 32.0 * STANDARD_GRAVITY
_GYR_LIMIT: Final = 4000.0 * DEGREE
"""Twice the range of the sensor (16 g, 2000 deg/s by its user manual): no sample lies beyond it."""
_UNIT_TOLERANCE: Final = 1e-3
"""A dq in single precision is of unit length far better than this."""
_LOW_OCTETS: Final = np.uint64(0x00FF00FF00FF00FF)
_ADD_LANES: Final = np.uint64(0x0001000100010001)
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
    acc, gyr = _values(fields, period)
    is_kept = _is_within(acc, _ACC_LIMIT) & _is_within(gyr, _GYR_LIMIT)
    sieve.reject_rows("impossible", rows[~is_kept])
    counter, told = (fields["time"], content.itemsize) if numbers is None else (numbers, None)
    is_kept &= _is_new(packets, rows, counter, told, sieve)
    kept = slice(None) if is_kept.all() else is_kept
    has_time = "time" in (content.names or ())
    return [
        Block(
            acc=acc[kept],
            gyr=gyr[kept],
            ticks=fields["time"][kept].astype(float) if has_time else None,
            tick_s=TICK_S if has_time else float("nan"),
            tick_wrap=TICK_WRAP if has_time else 0.0,
            sequence=None if numbers is None else numbers[kept].astype(np.int64),
            arrival=packets.arrival[rows[kept]],
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
    if mode is not None and mode not in tuple(_MODES):
        raise ValueError(f"Found payload_mode {mode!r}; those with acceleration and angular rate are {[*_MODES]}.")
    if mode is None and (isinstance(chosen, str | bytes) or not isinstance(chosen, Sequence)):
        raise ValueError(f"Found quantities {chosen!r}; expected a list of numbers.")
    quantities = [*(_MODES[mode] if mode is not None else chosen or ())]
    if any(q not in [*_QUANTITIES] for q in quantities) or len(set(quantities)) < len(quantities):
        raise ValueError(f"Found quantities {quantities}; expected each once, out of {[*_QUANTITIES]}.")
    fields = [_QUANTITIES[q] for q in quantities]
    names = {name for name, _, _ in fields}
    if not ({"acc", "gyr"} <= names or {"dq", "dv"} <= names):
        raise ValueError(f"Quantities {sorted(names)} hold no acceleration with gravity and angular rate.")
    return np.dtype([(name, kind, (n,)) if n > 1 else (name, kind) for name, kind, n in fields]), mode is None


def _period(content: np.dtype[Any], config: Mapping[str, Any]) -> float:
    if content.names and "acc" in content.names and "gyr" in content.names:
        return float("nan")
    return 1.0 / read_positive(config, "nominal_rate_hz", "Protocol movella_dot with dq and dv")


def _sift_streamed(packets: Packets, size: int, sieve: Sieve) -> None:
    longest = min(n for n in _CHARACTERISTICS if n >= size)
    sieve.reject("short", packets.length < 4)
    sieve.reject("cut", packets.length < size)
    sieve.reject("merged", packets.length > longest)
    rows = sieve.rows()
    sieve.reject_rows("foreign", rows[_any_octet(packets, rows, size)])


def _sift_exported(packets: Packets, size: int, sieve: Sieve) -> None:
    head = packets.read(_MESSAGE_HEAD, packets.start)
    sieve.reject("short", packets.length < 3)
    whole = head["length"].astype(np.int64) + 3
    sieve.reject("cut", packets.length < whole)
    sieve.reject("merged", packets.length > whole)
    rows = sieve.rows()
    sieve.reject_rows("checksum", rows[_sum_octets(packets, rows) != 0])
    sieve.reject("foreign", head["id"] != RECORDING)
    sieve.reject("damaged", head["kind"] == _DAMAGED_SAMPLE)
    sieve.reject("control", head["kind"] != _SAMPLE)
    sieve.reject("foreign", head["length"] != 5 + size)


def _words(packets: Packets, rows: Indices, first: int) -> Iterator[tuple[Indices | slice, NDArray[np.uint64]]]:
    """The bytes of payloads from `first` on, 8 at a time, zeros after the last: (places in `rows`, words)."""
    lengths = packets.length[rows]
    sizes = np.flatnonzero(np.bincount(lengths))
    for length in sizes.tolist():
        which = slice(None) if len(sizes) == 1 else np.flatnonzero(lengths == length)
        start = packets.start[rows[which]]
        for at in range(first, length, 8):
            word = packets.read("<u8", start + at)
            yield which, word if at + 8 <= length else word & np.uint64(2 ** (8 * (length - at)) - 1)


def _any_octet(packets: Packets, rows: Indices, first: int) -> Flags:
    """Whether a byte from `first` on is not zero."""
    found = np.zeros(len(rows), dtype=bool)
    for which, word in _words(packets, rows, first):
        found[which] |= word != 0
    return found


def _sum_octets(packets: Packets, rows: Indices) -> Indices:
    """Sum of all bytes, mod 256, of payloads of at most 258 bytes: more would overflow lanes of 16 bits."""
    lanes = np.zeros(len(rows), dtype=np.uint64)
    for which, word in _words(packets, rows, 0):
        lanes[which] += (word & _LOW_OCTETS) + ((word >> np.uint64(8)) & _LOW_OCTETS)
    return np.asarray(((lanes * _ADD_LANES) >> np.uint64(48)) % 256, dtype=np.int64)


def _values(fields: NDArray[Any], period: float) -> tuple[Array, Array]:
    """Acceleration and angular rate."""
    with np.errstate(all="ignore"):  # floats may be anything here; what is impossible goes afterwards
        if np.isnan(period):
            return fields["acc"].astype(float), fields["gyr"].astype(float) * DEGREE
        return fields["dv"].astype(float) / period, _rotation_vectors(fields["dq"].astype(float)) / period


def _rotation_vectors(quat: Array) -> Array:
    """Rotation vectors of unit quaternions, the short way round; NaN where they are not of unit length."""
    quat = np.where(quat[:, :1] < 0.0, -quat, quat)
    sine = np.linalg.norm(quat[:, 1:], axis=1)
    is_unit = np.abs(np.hypot(sine, quat[:, 0]) - 1.0) < _UNIT_TOLERANCE
    is_turned = sine > 0.0
    factor = np.where(is_turned, 2.0 * np.arctan2(sine, quat[:, 0]) / np.where(is_turned, sine, 1.0), 2.0)
    return np.where(is_unit[:, None], quat[:, 1:] * factor[:, None], np.nan)


def _is_within(values: Array, limit: float) -> Flags:
    if -limit <= values.min(initial=0.0) and values.max(initial=0.0) <= limit:  # false with any NaN
        return np.ones(len(values), dtype=bool)
    return np.asarray((np.abs(values) <= limit).all(axis=1))


def _is_new(packets: Packets, rows: Indices, counter: NDArray[np.uint32], size: int | None, sieve: Sieve) -> Flags:
    """True for payloads whose first `size` bytes, zeros left out, are new; asked only if the counter went back."""
    step = np.diff(counter)
    if not ((step == 0) | (step >= 2**31)).any():
        return np.ones(len(rows), dtype=bool)
    is_repeated = packets.find_repeated(rows, size)
    sieve.reject("duplicate", is_repeated)
    return ~is_repeated[rows]
