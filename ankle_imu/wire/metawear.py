"""MbientLab MetaMotion (MetaWear protocol): streams, counted or timed streams, and the flash log (little-endian).

    module u8 | register u8 | data

    notification    BMI160   BMI270   data
    acc             03 04    03 04    acc xyz int16
    acc, packed     03 1c    03 05    3 x acc xyz int16
    gyr             13 05    13 04    gyr xyz int16
    gyr, packed     13 07    13 05    3 x gyr xyz int16
    processor       09 03             id u8, count or tick u32, samples as configured
    log             0b 07             1 or 2 entries: (logger id | reset id << 5) u8, tick u32, data u32

Full scale is 32768 counts for acceleration, 32800 for angular rate (16.4 counts per deg/s at 2000 deg/s). A tick
is 48 / 32768 s. The reset id rises when the sensor starts again, and with it the tick begins at zero.

Plain streams carry neither time nor counter; record with a fuser (acc and gyr in one sample) and an accounter
(count or time before it), or with the log.

See `firmware_notes/metawear.md`.

References
----------
Maker's SDK, github.com/mbientlab/MetaWear-SDK-Cpp at f67699e: sources and unit tests (facts only); the same bytes
in traces of node-metawear, github.com/brainexe/node-metawear, issues 18 and 30.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.wire.block import Array, Block, Indices, wrap_ticks
from ankle_imu.wire.packets import Flags, Packets, collect
from ankle_imu.wire.pairing import Stream, measure_spacing, pair
from ankle_imu.wire.sieve import Sieve

TICK_S: Final = 48 / 32768
TICK_WRAP: Final = float(2**32)

CHIPS: Final = ("bmi160", "bmi270")
ACC_RANGES_G: Final = (2, 4, 8, 16)
GYR_RANGES_DPS: Final = (125, 250, 500, 1000, 2000)
SIGNALS: Final = ("acc", "gyr", "acc_gyr")

_PLAIN: Final = {
    ("bmi160", "acc"): {0x0304: 1, 0x031C: 3},
    ("bmi270", "acc"): {0x0304: 1, 0x0305: 3},
    ("bmi160", "gyr"): {0x1305: 1, 0x1307: 3},
    ("bmi270", "gyr"): {0x1304: 1, 0x1305: 3},
}
_PROCESSOR: Final = 0x0903
_LOG: Final = 0x0B07
_MODULES: Final = (0x01, 0x03, 0x09, 0x0B, 0x0C, 0x0F, 0x11, 0x13, 0x19, 0xFE)
"""Modules whose other answers may lie between the samples: they are no damage."""
_PREFIX_AT: Final = 3
_ACCOUNTED_AT: Final = 7
_ENTRY: Final = np.dtype([("key", "u1"), ("tick", "<u4"), ("data", "<u4")])
_ENTRY_BYTES: Final = _ENTRY.itemsize
_ENTRIES_AT: Final = 2
_ENTRY_TICKS: Final = 1
"""Entries of one sample differ by at most one tick (in the 290 samples of the maker's own log)."""
_LOGGER_MASK: Final = 0x1F
_RESET_SHIFT: Final = 5
_SAMPLE_BYTES: Final = {"acc": 6, "gyr": 6, "acc_gyr": 12}


def decode(payloads: Iterable[tuple[float, bytes]], config: Mapping[str, Any]) -> list[Block]:
    """Samples of notifications of a MetaMotion board.

    Parameters
    ----------
    payloads : iterable of (arrival, payload); arrival in s
    config : mapping with `chip` (one of `CHIPS`), `acc_range_g`, `gyr_range_dps`, and what was set up:
        `processors`: mapping of id to {"prefix": "count" or "time", "signal": one of `SIGNALS`, "samples": 1
        unless a packer stands before}, the accounters;
        `loggers`: mapping of id to [signal, offset, length], the bytes of one sample that an entry holds
        (the maker's order for acc: ["acc", 0, 4] and ["acc", 4, 2])

    Returns
    -------
    list of Block
        In this order, as far as such payloads came: one block for each accounter with both signals; one for two
        timed accounters of one signal each, paired as `pairing` says; one for each other accounter; one for each
        reset id of the log, acc and gyr paired; one of plain acc, `gyr` None; one of plain gyr, `acc` NaN. Axes
        that no logger holds are NaN. Plain blocks have neither `ticks` nor `sequence`. `errors`, in the first
        block, counts `short`, `foreign` (no such module), `control` (answers without a sample), `cut` and `merged`
        (too few or too many bytes), `unknown_source` (a processor or logger that `config` does not name),
        `duplicate` payloads or log entries, and `incomplete` log entries (the others of their sample are missing).

    Raises
    ------
    ValueError
        If `config` lacks chip or ranges, or describes a processor or logger that cannot be.

    Notes
    -----
    A tick before a packed sample, and that of the last entry of a logged one, is the time of the last sample. A
    repeated plain notification of one sample cannot be told from a still sensor and is kept; a packed one that
    repeats the one before it byte by byte is dropped. Above 600 Hz a sample of the log whose entries were lost
    crosswise cannot be recognised by its ticks.
    """
    setup = _Setup.of(config)
    packets = collect(payloads)
    if not len(packets):
        return []
    sieve = Sieve(len(packets))
    registers = _registers(packets, sieve)
    blocks = [
        *_decode_accounted(packets, registers, setup, sieve),
        *_decode_log(packets, registers, setup, sieve),
        *_decode_plain(packets, registers, setup, sieve),
    ]
    known = [_PROCESSOR, _LOG, *_PLAIN[setup.chip, "acc"], *_PLAIN[setup.chip, "gyr"]]
    is_sample = np.zeros(2**16, dtype=bool)
    is_sample[known] = True
    sieve.reject("control", ~is_sample[registers])
    blocks = blocks or [Block(acc=np.empty((0, 3)), gyr=np.empty((0, 3)), arrival=np.empty(0))]
    return [replace(blocks[0], errors=sieve.errors), *blocks[1:]]


@dataclass(frozen=True, kw_only=True)
class _Source:
    """A processor: what it sends after its prefix."""

    prefix: str
    signal: str
    samples: int


@dataclass(frozen=True, kw_only=True)
class _Setup:
    """What the payloads do not tell."""

    chip: str
    scales: Mapping[str, Array]
    processors: Mapping[int, _Source]
    loggers: Mapping[int, tuple[str, int, int]]

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> _Setup:
        chip = config.get("chip")
        if chip not in CHIPS:
            raise ValueError(f"Protocol metawear needs config['chip'], one of {CHIPS}, found {chip!r}.")
        acc = _one_of(config, "acc_range_g", ACC_RANGES_G) * STANDARD_GRAVITY / 32768
        gyr = _one_of(config, "gyr_range_dps", GYR_RANGES_DPS) * DEGREE / 32800
        scales = {"acc": np.full(3, acc), "gyr": np.full(3, gyr), "acc_gyr": np.repeat([acc, gyr], 3)}
        processors = {_id(k, 255): _source(v) for k, v in _table(config, "processors").items()}
        loggers = {_id(k, _LOGGER_MASK): _logger(v) for k, v in _table(config, "loggers").items()}
        return cls(chip=str(chip), scales=scales, processors=processors, loggers=loggers)


def _one_of(config: Mapping[str, Any], name: str, known: tuple[int, ...]) -> float:
    if config.get(name) not in known:
        raise ValueError(f"Protocol metawear needs config[{name!r}], one of {known}, found {config.get(name)!r}.")
    return float(config[name])


def _table(config: Mapping[str, Any], name: str) -> Mapping[Any, Any]:
    told = config.get(name, {})
    if not isinstance(told, Mapping):
        raise ValueError(f"Found {name} = {told!r}; expected a mapping of ids.")
    return told


def _id(told: Any, largest: int) -> int:
    if not str(told).isdecimal() or int(told) > largest:
        raise ValueError(f"Found id {told!r} of a processor or logger; expected 0 to {largest}.")
    return int(told)


def _source(told: Mapping[str, Any]) -> _Source:
    if not isinstance(told, Mapping):
        raise ValueError(f"Found processor {told!r}; expected a mapping with prefix and signal.")
    source = _Source(prefix=told.get("prefix", ""), signal=told.get("signal", ""), samples=told.get("samples", 1))
    if source.prefix not in ("count", "time") or source.signal not in SIGNALS or source.samples not in (1, 2, 3):
        raise ValueError(f"Found processor {told!r}; expected prefix count or time, a signal of {SIGNALS}.")
    return source


def _logger(told: Sequence[Any]) -> tuple[str, int, int]:
    if isinstance(told, list | tuple) and len(told) == 3 and told[0] in SIGNALS:
        signal, offset, length = told
        if (
            isinstance(offset, int)
            and length in (2, 4)
            and offset >= 0
            and offset % 2 == 0
            and offset + length <= _SAMPLE_BYTES[signal]
        ):
            return signal, offset, length
    raise ValueError(f"Found logger {told!r}; expected a signal of {SIGNALS}, even offset, length 2 or 4.")


def _registers(packets: Packets, sieve: Sieve) -> Indices:
    sieve.reject("short", packets.length < 2)
    registers: Indices = packets.read(">u2", packets.start).astype(np.int64)
    sieve.reject("foreign", ~np.isin(np.arange(256), _MODULES)[registers >> 8])
    return registers


def _counts(packets: Packets, at: Indices, n: int) -> NDArray[np.int16]:
    counts: NDArray[np.int16] = packets.read([("counts", "<i2", (n,))], at)["counts"]
    return counts


def _scaled(counts: NDArray[np.int16], scale: Array) -> Array:
    """(3 or 6 columns of counts) times their scales, as (1 or 2 vectors, n, 3)."""
    values = np.empty((len(scale) // 3, len(counts), 3))
    for axis, factor in enumerate(scale.tolist()):  # long inner loops: quicker than one product
        np.multiply(counts[:, axis], factor, out=values[axis // 3, :, axis % 3])
    return values


def _of_size(packets: Packets, rows: Indices, size: int, sieve: Sieve) -> Indices:
    """Those of `rows` whose payloads have this many bytes; the others are counted."""
    found = packets.length[rows]
    sieve.reject_rows("cut", rows[found < size])
    sieve.reject_rows("merged", rows[found > size])
    fitting: Indices = rows[found == size]
    return fitting


@dataclass(frozen=True, kw_only=True, eq=False)
class _Samples:
    """Samples of one signal, (1 or 2 vectors, n, 3); `last` are the ticks of the last of each packet of `n`."""

    signal: str
    values: Array
    arrival: Array
    n: int = 1
    last: NDArray[np.uint32] | None = None
    sequence: Indices | None = None

    def stream(self) -> Stream:
        last = np.empty(0, dtype=np.uint32) if self.last is None else self.last
        spacing = measure_spacing(last, np.full(len(last), self.n))
        ticks = last.astype(float)
        if self.n > 1:
            spread = wrap_ticks(ticks[:, None] + np.arange(1 - self.n, 1) * spacing, TICK_WRAP)
            spread[:, -1] = last
            ticks = spread.ravel()
        return Stream(values=self.values[0], ticks=ticks, arrival=self.arrival, spacing=spacing)

    def block(self) -> Block:
        stream = None if self.last is None else self.stream()
        is_gyr = self.signal == "gyr"
        return Block(
            acc=np.full_like(self.values[0], np.nan) if is_gyr else self.values[0],
            gyr=None if self.signal == "acc" else self.values[-1],
            ticks=None if stream is None else stream.ticks,
            tick_s=float("nan") if stream is None else TICK_S,
            tick_wrap=0.0 if stream is None else TICK_WRAP,
            sequence=self.sequence,
            arrival=self.arrival,
        )


def _blocks(parts: list[_Samples]) -> list[Block]:
    """Blocks of the parts, with one timed acc and one timed gyr made into one."""
    acc, gyr = ([p for p in parts if p.signal == name and p.last is not None] for name in ("acc", "gyr"))
    if len(acc) != 1 or len(gyr) != 1:
        return [p.block() for p in parts]
    both = pair(acc[0].stream(), gyr[0].stream(), tick_s=TICK_S, tick_wrap=TICK_WRAP, errors=Counter())
    return [*(p.block() for p in parts if p is not acc[0] and p is not gyr[0]), both]


def _decode_accounted(packets: Packets, registers: Indices, setup: _Setup, sieve: Sieve) -> list[Block]:
    rows = np.flatnonzero(sieve.is_good & (registers == _PROCESSOR))
    sieve.reject_rows("cut", rows[packets.length[rows] < _ACCOUNTED_AT])
    rows = rows[sieve.is_good[rows]]
    source_id = packets.octets[packets.start[rows] + 2]
    sieve.reject_rows("unknown_source", rows[~np.isin(np.arange(256), [*setup.processors])[source_id]])
    parts = []
    for key, source in setup.processors.items():
        width = _SAMPLE_BYTES[source.signal]
        own = _of_size(packets, rows[source_id == key], _ACCOUNTED_AT + width * source.samples, sieve)
        own = _without_repeats(packets, own, sieve)
        if not len(own):
            continue
        prefix = packets.read("<u4", packets.start[own] + _PREFIX_AT)
        counts = _counts(packets, packets.start[own] + _ACCOUNTED_AT, width * source.samples // 2)
        is_time = source.prefix == "time"
        sequence = prefix.astype(np.int64)[:, None] * source.samples + np.arange(source.samples)
        parts.append(
            _Samples(
                signal=source.signal,
                values=_scaled(counts.reshape(-1, width // 2), setup.scales[source.signal]),
                arrival=np.repeat(packets.arrival[own], source.samples),
                n=source.samples,
                last=prefix if is_time else None,
                sequence=None if is_time else sequence.ravel(),
            )
        )
    return _blocks(parts)


def _without_repeats(packets: Packets, rows: Indices, sieve: Sieve) -> Indices:
    """Rows without those that came before; they are compared only if the prefix ever went back."""
    step = np.diff(packets.read("<u4", packets.start[rows] + _PREFIX_AT))
    if not ((step == 0) | (step >= 2**31)).any():
        return rows
    sieve.reject("duplicate", packets.find_repeated(rows))
    return rows[sieve.is_good[rows]]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Entries:
    """Log entries in order of arrival; `owner` is the row of their payload."""

    key: NDArray[np.uint8]
    tick: NDArray[np.uint32]
    data: NDArray[np.uint32]
    owner: Indices

    def select(self, rows: Indices | Flags) -> _Entries:
        return _Entries(key=self.key[rows], tick=self.tick[rows], data=self.data[rows], owner=self.owner[rows])


def _decode_log(packets: Packets, registers: Indices, setup: _Setup, sieve: Sieve) -> list[Block]:
    rows = np.flatnonzero(sieve.is_good & (registers == _LOG))
    size = packets.length[rows] - _ENTRIES_AT
    sieve.reject_rows("merged", rows[size > 2 * _ENTRY_BYTES])
    sieve.reject_rows("cut", rows[(size != _ENTRY_BYTES) & (size != 2 * _ENTRY_BYTES)])
    entries = _read_entries(packets, rows[sieve.is_good[rows]])
    is_known = _is_any(entries.key & _LOGGER_MASK, [*setup.loggers])
    is_new = ~_find_repeated_entries(entries)
    _count(sieve, "unknown_source", ~is_known)
    _count(sieve, "duplicate", is_known & ~is_new)
    if not (is_known & is_new).all():
        entries = entries.select(is_known & is_new)
    reset = entries.key >> _RESET_SHIFT
    resets = np.unique(reset[:1] if (reset == reset[:1]).all() else reset).tolist()
    signals = [signal for signal in SIGNALS if signal in {told[0] for told in setup.loggers.values()}]
    blocks = []
    for which in sorted(resets, key=lambda which: np.argmax(reset == which)):
        own = entries.select(reset == which) if len(resets) > 1 else entries
        parts = [_logged(packets, own, signal, setup, sieve) for signal in signals]
        blocks += _blocks([part for part in parts if part.values.size])
    return blocks


def _read_entries(packets: Packets, rows: Indices) -> _Entries:
    n = (packets.length[rows] - _ENTRIES_AT) // _ENTRY_BYTES
    first = packets.start[rows] + _ENTRIES_AT - _ENTRY_BYTES * (np.cumsum(n) - n)
    entries = packets.read(_ENTRY, np.repeat(first, n) + _ENTRY_BYTES * np.arange(n.sum()))
    key, tick, data = (np.ascontiguousarray(entries[name]) for name in ("key", "tick", "data"))
    return _Entries(key=key, tick=tick, data=data, owner=np.repeat(rows, n))


def _is_any(keys: NDArray[Any], wanted: Sequence[int]) -> Flags:
    """Which keys are wanted; a few comparisons of bytes, quicker than any table."""
    found = np.zeros(len(keys), dtype=bool)
    for key in wanted:
        found |= keys == key
    return found


def _count(sieve: Sieve, reason: str, is_bad: Flags) -> None:
    n = int(np.count_nonzero(is_bad))
    if n:
        sieve.errors[reason] += n


def _find_repeated_entries(entries: _Entries) -> Flags:
    """Entries that came before; those of a logger are compared only if its ticks ever went back."""
    found = np.zeros(len(entries.key), dtype=bool)
    rank = entries.tick.astype(np.int64) << 8 | entries.key
    if (rank[1:] > rank[:-1]).all():  # the usual order: no two are alike
        return found
    for key in np.flatnonzero(np.bincount(entries.key, minlength=256)):
        rows = np.flatnonzero(entries.key == key)
        step = np.diff(entries.tick[rows])
        if ((step == 0) | (step >= 2**31)).any():
            whole = entries.tick[rows].astype(np.int64) << 32 | entries.data[rows]
            found[np.delete(rows, np.unique(whole, return_index=True)[1])] = True
    return found


def _logged(packets: Packets, entries: _Entries, signal: str, setup: _Setup, sieve: Sieve) -> _Samples:
    """Samples of one signal, put together from the entries of its loggers; one that lacks an entry is dropped."""
    loggers = sorted((told[1], told[2], key) for key, told in setup.loggers.items() if told[0] == signal)
    n, scale = len(loggers), setup.scales[signal]
    own = entries.key & _LOGGER_MASK
    rows = np.flatnonzero(_is_any(own, [key for _, _, key in loggers]))
    own, tick, data = own[rows], entries.tick[rows], entries.data[rows]
    m = max(len(own) - n + 1, 0)
    is_start = own[:m] == loggers[0][2]
    for k in range(1, n):
        is_start &= (own[k : m + k] == loggers[k][2]) & (tick[k : m + k] - tick[k - 1 : m + k - 1] <= _ENTRY_TICKS)
    start = np.flatnonzero(is_start)
    n_lost = len(own) - n * len(start)
    sieve.errors += Counter(incomplete=n_lost)

    def pick(k: int) -> Indices | slice:
        """Places of the entries `k` of all samples; nothing is copied when none is lost."""
        return start + k if n_lost else slice(k, None, n)

    values = np.full((len(scale) // 3, len(start), 3), np.nan)
    for k, (offset, length, _) in enumerate(loggers):
        held = np.ascontiguousarray(data[pick(k)]).view("<i2").reshape(-1, 2)
        for axis in range(offset // 2, (offset + length) // 2):
            np.multiply(held[:, axis - offset // 2], scale[axis], out=values[axis // 3, :, axis % 3])
    end = pick(n - 1)
    return _Samples(
        signal=signal, values=values, arrival=packets.arrival[entries.owner[rows[end]]], last=tick[end]
    )


def _decode_plain(packets: Packets, registers: Indices, setup: _Setup, sieve: Sieve) -> list[Block]:
    blocks = []
    for signal in ("acc", "gyr"):
        found: list[tuple[Indices, Array]] = []
        for register, n in _PLAIN[setup.chip, signal].items():
            rows = np.flatnonzero(sieve.is_good & (registers == register))
            rows = _of_size(packets, rows, 2 + 6 * n, sieve)
            counts = _counts(packets, packets.start[rows] + 2, 3 * n)
            if n > 1 and len(rows):
                is_new = np.append(True, (np.diff(counts, axis=0) != 0).any(axis=1))
                sieve.reject_rows("duplicate", rows[~is_new])
                rows, counts = rows[is_new], counts[is_new]
            if len(rows):
                found.append((np.repeat(rows, n), _scaled(counts.reshape(-1, 3), setup.scales[signal])))
        if found:
            owner = np.concatenate([rows for rows, _ in found])
            order = np.argsort(owner, kind="stable") if len(found) > 1 else slice(None)
            values = np.concatenate([values for _, values in found], axis=1)[:, order]
            blocks.append(_Samples(signal=signal, values=values, arrival=packets.arrival[owner[order]]).block())
    return blocks
