"""Binary packets that their maker declares: any home-made sensor, one TOML table.

    header = ["constant u8 = 0xA5", "counter u16", "time u32"]   # once per notification; may be left out
    sample = ["acc i16", "gyr i16"]     # then one or several of these; `acc i16` is short for acc_x acc_y acc_z
    samples = 10                        # in each packet; left out: as many as there are
    endian = "little"                   # or "big"
    time_of = "first"                   # the sample that a time in the header belongs to, or "last"
    counts = "packets"                  # what a counter in the header counts: "packets" or "samples", of the first
    nominal_rate_hz = 104               # optional, tells lost packets where few came without a counter
    acc_range_g = 16                    # optional: beyond it no value is believed
    gyr_range_dps = 2000
    [scale]                             # what one count is, in the units below; 1 when not given
    acc = 0.00048828125
    gyr = 0.061035
    [units]                             # as here when not given
    acc = "g"                           # m/s^2 g mg
    gyr = "deg/s"                       # rad/s deg/s mdeg/s
    time = "ms"                         # s ms us ns
    [wrap]                              # where clock and counter begin again; as their types do when not given
    time = 4294967296                   # 0: never
    counter = 65536

A field is `name type`. Types are u8 i8 u16 i16 u32 i32 f32 f64. Names are those of `columns`, `skip` for bytes
that mean nothing here, and `constant type = value` for bytes that are always the same: they tell these packets
from others. In the header stand time and counter of the packet, in a sample those of the sample.

BLE delivers a notification whole or not at all; these packets have no checksum of their own.

See `firmware_notes/generic.md`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ankle_imu.wire.block import Array, Block, Indices, wrap_ticks
from ankle_imu.wire.columns import ACC, GYR, build_block, empty_columns, follow_count, unwrap
from ankle_imu.wire.declaration import Declaration
from ankle_imu.wire.packets import Packets, collect
from ankle_imu.wire.sieve import Sieve

_FAR_STEP: Final = 1.5
_SAME_STEP: Final = 1.25
"""Steps this much above the nominal one, or above the shortest ones, have a lost packet in them."""


def decode(payloads: Iterable[tuple[float, bytes]], config: Mapping[str, Any]) -> list[Block]:
    """Samples of declared packets, one packet in each payload.

    Parameters
    ----------
    payloads : iterable of (arrival, payload); arrival in s
    config : mapping, the declaration, as above; keys of other use are left alone

    Returns
    -------
    list of Block
        One block; `ticks` of samples inside a packet are laid out by the measured period, NaN where nothing tells
        it; `sequence` is followed over the wraps of the counter by the shorter way, so that a loss of more than
        half a wrap is counted wrongly. `errors` counts `short` (less than a header and a sample), `cut` and
        `merged` packets (too few or too many bytes), `foreign` ones (a constant that differs), and `impossible`
        and `duplicate` samples.

    Raises
    ------
    ValueError
        If the declaration is not sound.
    """
    declared = Declaration.of(config)
    packets = collect(payloads)
    if not len(packets):
        return []
    sieve = Sieve(len(packets))
    n = _count_samples(packets, declared, sieve)
    places, owner = _place_samples(packets, declared, n, sieve.rows())
    if any(part == "sample" for part, _ in declared.constants):
        sieve.reject_rows("foreign", owner[_differs(packets, declared, "sample", places)])
        places, owner = _place_samples(packets, declared, n, sieve.rows())
    rows = sieve.rows()
    if not len(rows):
        none = empty_columns((*ACC, *(GYR if GYR[0] in (declared.sample.names or ()) else ())))
        return [_block(none, np.empty(0), None, declared, sieve.errors)]
    fields = packets.read(declared.sample, places)
    columns = {name: fields[name] for name in declared.sample.names or ()}
    head = packets.read(declared.header, packets.start[rows]) if declared.header.itemsize else None
    if "time" in columns:
        columns["time"] = _unsigned(_only_finite(columns["time"]), fields.dtype["time"], declared.time_wrap)
    sequence = None if "counter" not in columns else follow_count(columns["counter"], declared.counter_wrap)
    if head is not None and "counter" in (declared.header.names or ()):
        sequence = _spread_count(head["counter"], n[rows], declared)
    if head is not None and "time" in (declared.header.names or ()):
        columns["time"] = _spread_time(head["time"], n[rows], sequence, declared)
    return [_block(columns, packets.arrival[owner], sequence, declared, sieve.errors)]


def encode(columns: Mapping[str, ArrayLike], config: Mapping[str, Any]) -> list[bytes]:
    """Packets that a sensor so declared would send.

    Parameters
    ----------
    columns : mapping of field name to (n,) array of counts as sent; a field that is missing is sent as 0, one of
        the header has the values of the samples that the header belongs to
    config : mapping, the declaration; without `samples` each packet holds one

    Returns
    -------
    list of bytes
        Whole packets only.
    """
    declared = Declaration.of(config)
    each = declared.samples or 1
    n = len(np.asarray(columns["acc_x"])) // each
    samples, heads = np.zeros(n * each, dtype=declared.sample), np.zeros(n, dtype=declared.header)
    for name in declared.sample.names or ():
        samples[name] = columns.get(name, np.zeros(n * each))[: n * each]  # type: ignore[index]
    for name in declared.header.names or ():
        own = (each - 1) if name == "time" and declared.is_time_of_last else 0
        heads[name] = np.asarray(columns.get(name, np.zeros(n * each)))[own : n * each : each]
    for (part, name), value in declared.constants.items():
        (heads if part == "header" else samples)[name] = value
    return [heads[k].tobytes() + samples[k * each : (k + 1) * each].tobytes() for k in range(n)]


def _count_samples(packets: Packets, declared: Declaration, sieve: Sieve) -> Indices:
    """Samples in each packet; those that are not whole, and those of others, are rejected."""
    n, rest = np.divmod(packets.length - declared.header.itemsize, declared.sample.itemsize)
    if declared.samples:
        whole = declared.header.itemsize + declared.samples * declared.sample.itemsize
        sieve.reject("short", packets.length < declared.header.itemsize + declared.sample.itemsize)
        sieve.reject("cut", packets.length < whole)
        sieve.reject("merged", packets.length > whole)
    else:
        sieve.reject("short", n < 1)
        sieve.reject("cut", rest != 0)
    if any(part == "header" for part, _ in declared.constants):
        rows = sieve.rows()
        sieve.reject_rows("foreign", rows[_differs(packets, declared, "header", packets.start[rows])])
    return np.asarray(n, dtype=np.int64)


def _differs(packets: Packets, declared: Declaration, part: str, places: Indices) -> NDArray[np.bool_]:
    """Where a constant is not what it should be."""
    found = np.zeros(len(places), dtype=bool)
    if len(places):
        fields = packets.read(getattr(declared, part), places)
        for (where, name), value in declared.constants.items():
            if where == part:
                found |= fields[name] != fields.dtype[name].type(value)
    return found


def _place_samples(packets: Packets, declared: Declaration, n: Indices, rows: Indices) -> tuple[Indices, Indices]:
    """First byte of each sample of the packets `rows`, and its packet."""
    each = n[rows]
    first = packets.start[rows] + declared.header.itemsize - declared.sample.itemsize * (np.cumsum(each) - each)
    places = np.repeat(first, each) + declared.sample.itemsize * np.arange(int(each.sum()))
    return places, np.repeat(rows, each)


def _spread_time(times: NDArray[Any], n: Indices, sequence: Array | None, declared: Declaration) -> Array:
    """Ticks of all samples: the packet's own for the one it belongs to, the others one measured period apart."""
    times = _only_finite(times)
    own = np.cumsum(n) - (1 if declared.is_time_of_last else n)
    within = np.arange(int(n.sum())) - np.repeat(own, n)
    sent = np.repeat(times, n)
    with np.errstate(invalid="ignore", divide="ignore"):  # floats may be anything here
        passed = np.diff(own) if sequence is None else np.diff(sequence[own])
        period = _measure_period(times, passed, sequence is not None, declared)
        ticks: Array = np.where(within == 0, sent, sent + within * period)
        return (
            np.where(np.isfinite(sent), wrap_ticks(ticks, declared.time_wrap), sent)
            if declared.time_wrap
            else ticks
        )


def _unsigned(times: Array, kind: np.dtype[Any], wrap: float) -> Array:
    """Times in [0, wrap) also of a clock that is sent as a signed number, which is negative half the time."""
    return wrap_ticks(times, wrap) if wrap and kind.kind == "i" else times


def _only_finite(times: NDArray[Any]) -> Array:
    """Times, infinite where what was sent is no number."""
    return np.where(np.isfinite(times), times, np.inf)


def _measure_period(times: Array, passed: NDArray[Any], is_counted: bool, declared: Declaration) -> float:
    """Median ticks per sample between neighbouring packets.

    Where no counter tells how many samples passed, only of those between which, by the shortest tenth of the
    steps and by the nominal rate, none was lost.
    """
    steps = np.diff(unwrap(times, declared.time_wrap)) / passed
    steps = steps[(steps > 0.0) & np.isfinite(steps)]
    if not is_counted and len(steps):
        steps = steps[~(steps > _FAR_STEP * declared.period)]
        steps = steps[steps <= _SAME_STEP * np.quantile(steps, 0.1)] if len(steps) else steps
    return float(np.median(steps)) if len(steps) else declared.period


def _spread_count(counts: NDArray[Any], n: Indices, declared: Declaration) -> Array:
    """Count of all samples, from that of their packet."""
    first = follow_count(counts, declared.counter_wrap) * (declared.samples if declared.counts_packets else 1)
    within = np.arange(int(n.sum())) - np.repeat(np.cumsum(n) - n, n)
    return np.asarray(np.repeat(first, n) + within)


def _block(
    columns: Mapping[str, NDArray[Any]],
    arrival: Array,
    sequence: Array | None,
    declared: Declaration,
    errors: Counter[str],
) -> Block:
    return build_block(
        columns,
        arrival,
        declared.units,
        scale=declared.scale,
        time_wrap=declared.time_wrap,
        sequence=sequence,
        errors=errors,
    )
