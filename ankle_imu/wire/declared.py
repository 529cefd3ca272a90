"""Binary packets that their maker declares: any home-made sensor, one TOML table.

    header = ["constant u8 = 0xA5", "counter u16", "time u32"]   # once per notification; may be left out
    sample = ["acc i16", "gyr i16"]     # then one or several of these; `acc i16` is short for acc_x acc_y acc_z
    samples = 10                        # in each packet; left out: as many as there are
    endian = "little"                   # or "big"
    time_of = "first"                   # the sample that a time in the header belongs to, or "last"
    counts = "packets"                  # what a counter in the header counts: "packets" or "samples", of the first
    nominal_rate_hz = 104               # optional, used only when a single packet leaves the rate open
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

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ankle_imu.wire.block import Array, Block, Indices
from ankle_imu.wire.columns import (
    ACC,
    GYR,
    SKIP,
    Units,
    build_block,
    check_names,
    empty_columns,
    read_number,
    read_units,
    unwrap,
)
from ankle_imu.wire.packets import Packets, collect
from ankle_imu.wire.sieve import Sieve

UNITS: Final = {"acc": "g", "gyr": "deg/s", "time": "ms"}
TYPES: Final = {
    "u8": "u1",
    "i8": "i1",
    "u16": "u2",
    "i16": "i2",
    "u32": "u4",
    "i32": "i4",
    "f32": "f4",
    "f64": "f8",
}
CONSTANT: Final = "constant"

_FIELD: Final = re.compile(r"\s*(\w+)\s+(\w+)\s*(?:=\s*(\S+)\s*)?")
_AXES: Final = {"acc": ACC, "gyr": GYR}
_SAME_STEP: Final = 1.25
"""Steps this much above the shortest ones have a lost packet in them."""


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """Layout of the packets.

    Parameters
    ----------
    header, sample : numpy dtype of each; fields `constant0 ...` and `skip0 ...` in either
    constants : value of each constant, by (header or sample, field)
    samples : int, in each packet; 0 as many as there are
    is_time_of_last : bool, a time in the header is that of the last sample
    counts_packets : bool, a counter in the header counts packets
    scale : mapping of acc and gyr to what one count is
    units : Units
    time_wrap, counter_wrap : float, counts after which they begin again; 0 never
    period : float, ticks per sample where a single packet leaves it open; NaN when not told
    """

    header: np.dtype[Any]
    sample: np.dtype[Any]
    constants: Mapping[tuple[str, str], float]
    samples: int
    is_time_of_last: bool
    counts_packets: bool
    scale: Mapping[str, float]
    units: Units
    time_wrap: float
    counter_wrap: float
    period: float

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Declaration:
        """The declaration that a mapping tells.

        Raises
        ------
        ValueError
            That says what was found and what was expected.
        """
        header, sample, constants = _read_fields(config)
        names = [*(header.names or ()), *(sample.names or ())]
        check_names([name for name in names if name.rstrip("0123456789") not in (CONSTANT, SKIP)])
        for name in (name for name in (*ACC, *GYR) if name in (header.names or ())):
            raise ValueError(f"Found {name} in the header; expected acc and gyr in `sample`.")
        units = read_units(config, UNITS)
        wraps = _read_wraps(config, header, sample)
        rate = read_number(config, "nominal_rate_hz", float("nan"))
        counts_packets = _one_of(config, "counts", ("packets", "samples")) == "packets"
        samples = _read_samples(config, has_packet_count=counts_packets and "counter" in (header.names or ()))
        return cls(
            header=header,
            sample=sample,
            constants=constants,
            samples=samples,
            is_time_of_last=_one_of(config, "time_of", ("first", "last")) == "last",
            counts_packets=counts_packets,
            scale=_read_scale(config),
            units=units,
            time_wrap=wraps["time"],
            counter_wrap=wraps["counter"],
            period=1.0 / (rate * units.time),
        )


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
        columns["time"] = _only_finite(columns["time"])
    sequence = None if "counter" not in columns else unwrap(columns["counter"], declared.counter_wrap)
    if head is not None and "time" in (declared.header.names or ()):
        columns["time"] = _spread_time(head["time"], n[rows], declared)
    if head is not None and "counter" in (declared.header.names or ()):
        sequence = _spread_count(head["counter"], n[rows], declared)
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


def _read_fields(
    config: Mapping[str, Any],
) -> tuple[np.dtype[Any], np.dtype[Any], dict[tuple[str, str], float]]:
    """Layouts of header and sample, and the constants in them."""
    order = {"little": "<", "big": ">"}[_one_of(config, "endian", ("little", "big"))]
    constants: dict[tuple[str, str], float] = {}
    layouts = []
    for part in ("header", "sample"):
        told = config.get(part, ())
        if isinstance(told, str) or not isinstance(told, Sequence):
            raise ValueError(
                f'Found {part} = {told!r}; expected a list of fields such as ["time u32", "acc i16"].'
            )
        fields: list[tuple[str, str]] = []
        for text in told:
            name, kind, value = _read_field(text, part)
            for each in _AXES.get(name, (name,)):
                unique = f"{each}{len(fields)}" if each in (SKIP, CONSTANT) else each
                if unique in dict(fields):
                    raise ValueError(f"Found {each} twice in {part}; expected it once.")
                fields.append((unique, order + TYPES[kind]))
                if value:
                    constants[part, unique] = _read_constant(value, kind, text)
        layouts.append(np.dtype(fields))
    if not layouts[1].itemsize:
        raise ValueError('Found no sample; expected its fields, such as sample = ["acc i16", "gyr i16"].')
    return layouts[0], layouts[1], constants


def _read_field(text: object, part: str) -> tuple[str, str, str]:
    found = _FIELD.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f'Found {text!r} in {part}; expected "name type", such as "acc_x i16".')
    name, kind, value = found[1], found[2], found[3] or ""
    known = [*_AXES, *ACC, *GYR, "time", "counter", SKIP, CONSTANT]
    if name not in known:
        raise ValueError(f"Found field {name!r} in {part}; expected one of {', '.join(known)}.")
    if kind not in TYPES:
        raise ValueError(f"Found type {kind!r} of {name} in {part}; expected one of {', '.join(TYPES)}.")
    if (name == CONSTANT) != bool(value):
        raise ValueError(
            f'Found {text!r} in {part}; expected a value after a constant, such as "constant u8 = 0xA5".'
        )
    return name, kind, value


def _read_constant(value: str, kind: str, text: str) -> float:
    try:
        number = float(value) if kind.startswith("f") else int(value, 0)
    except ValueError:
        raise ValueError(f"Found {text!r}; expected a number such as 0xA5 or 165 after `=`.") from None
    if not kind.startswith("f"):
        limits = np.iinfo(TYPES[kind])
        if not limits.min <= number <= limits.max:
            raise ValueError(f"Found {text!r}; expected {limits.min} to {limits.max}, which {kind} holds.")
    return number


def _one_of(config: Mapping[str, Any], name: str, known: tuple[str, ...]) -> str:
    value = config.get(name, known[0])
    if value not in known:
        raise ValueError(f"Found {name} = {value!r}; expected {' or '.join(map(repr, known))}.")
    return str(value)


def _table(config: Mapping[str, Any], name: str, known: tuple[str, ...]) -> Mapping[str, Any]:
    told = config.get(name, {})
    if not isinstance(told, Mapping) or set(told) - set(known):
        raise ValueError(f"Found {name} = {told!r}; expected a table with {' and '.join(known)}.")
    return told


def _read_scale(config: Mapping[str, Any]) -> dict[str, float]:
    told = _table(config, "scale", ("acc", "gyr"))
    return {name: read_number(told, name, 1.0) for name in ("acc", "gyr")}


def _read_wraps(config: Mapping[str, Any], header: np.dtype[Any], sample: np.dtype[Any]) -> dict[str, float]:
    told = _table(config, "wrap", ("time", "counter"))
    wraps = {}
    for name in ("time", "counter"):
        kinds = [layout[name] for layout in (header, sample) if name in (layout.names or ())]
        by_type = 2.0 ** (8 * kinds[0].itemsize) if kinds and kinds[0].kind in "ui" else 0.0
        wraps[name] = 0.0 if told.get(name) == 0 else read_number(told, name, by_type)
    return wraps


def _read_samples(config: Mapping[str, Any], *, has_packet_count: bool) -> int:
    samples = config.get("samples", 0)
    if isinstance(samples, bool) or not isinstance(samples, int) or not 0 <= samples <= 255:
        raise ValueError(f"Found samples = {samples!r}; expected 1 to 255, or nothing for as many as there are.")
    if has_packet_count and not samples:
        raise ValueError(
            "Found a counter of packets and no number of samples: lost ones could not be counted; "
            "expected `samples`, or counts = 'samples'."
        )
    return samples


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


def _spread_time(times: NDArray[Any], n: Indices, declared: Declaration) -> Array:
    """Ticks of all samples: the packet's own for the one it belongs to, the others one measured period apart."""
    times = _only_finite(times)
    period = _measure_period(times, n, declared)
    within = np.arange(int(n.sum())) - np.repeat(np.cumsum(n) - n, n)
    if declared.is_time_of_last:
        within -= np.repeat(n - 1, n)
    sent = np.repeat(times.astype(float), n)
    ticks: Array = np.where(within == 0, sent, sent + within * period)
    return ticks % declared.time_wrap if declared.time_wrap else ticks


def _only_finite(times: NDArray[Any]) -> Array:
    """Times, infinite where what was sent is no number."""
    return np.where(np.isfinite(times), times, np.inf)


def _measure_period(times: NDArray[Any], n: Indices, declared: Declaration) -> float:
    """Median over neighbouring packets between which, by the shortest tenth of the steps, none was lost."""
    steps = np.diff(unwrap(times, declared.time_wrap)) / (n[1:] if declared.is_time_of_last else n[:-1])
    steps = steps[(steps > 0.0) & np.isfinite(steps)]
    if not len(steps):
        return declared.period
    return float(np.median(steps[steps <= _SAME_STEP * np.quantile(steps, 0.1)]))


def _spread_count(counts: NDArray[Any], n: Indices, declared: Declaration) -> Array:
    """Count of all samples, from that of their packet."""
    first = unwrap(counts, declared.counter_wrap) * (declared.samples if declared.counts_packets else 1)
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
