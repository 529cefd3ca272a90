r"""Lines of text over Nordic UART, one sample a line, from any home-made sensor.

    12345,0.01,-0.02,0.98,1.5,-0.7,0.2\n

A notification may hold a part of a line, one, or many. A line ends with `\n` or `\r\n`; numbers are written with
a dot, a space may stand before each, `1e-3` is understood, empty fields, `nan` and `inf` are not. What each column
is stands in the configuration, or in a header line which the sensor sends first:

    columns = ["time", "acc_x", "acc_y", "acc_z", "gyr_x", "gyr_y", "gyr_z"]   # as here when not given
    separator = ","
    header = false          # true: the sensor sends its columns, "time [ms],acc_x [g],..."; nothing counts before
    checksum = ""           # "crc16": each line ends with `*29B1`, "xor": with `*5A`, of what is before `*`
    time_wrap = 0           # ticks after which the time begins again at zero; 0: never
    counter_wrap = 0        # the same for the counter
    acc_range_g = 16        # optional: beyond it no value is believed
    gyr_range_dps = 2000
    [units]                 # as here when not given
    acc = "g"               # m/s^2 g mg
    gyr = "deg/s"           # rad/s deg/s mdeg/s
    time = "ms"             # s ms us ns

A lost notification can leave a line that looks whole, made of two. Without a checksum some of them pass: those
with the right number of columns and possible values; with "xor", the exclusive or of all bytes as in NMEA 0183,
some one in a hundred; with "crc16" (polynomial 0x1021, start 0xFFFF) one in 65536. Firmware that puts whole lines
into each notification loses whole lines only.

See `firmware_notes/generic.md`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ankle_imu.wire.block import Array, Block, Indices
from ankle_imu.wire.columns import SKIP, Units, build_block, check_names, empty_columns, follow_count, read_units
from ankle_imu.wire.decimal_text import FRONT, parse_numbers
from ankle_imu.wire.line_sums import SUM_DIGITS, check_sums, sum_text
from ankle_imu.wire.packets import Flags, Packets, collect

COLUMNS: Final = ("time", "acc_x", "acc_y", "acc_z", "gyr_x", "gyr_y", "gyr_z")
UNITS: Final = {"acc": "g", "gyr": "deg/s", "time": "ms"}
LONGEST_PAUSE_S: Final = 1.0
"""Parts of a line further apart than this do not belong together: no connection comes back sooner."""

_AS_WRITTEN: Final = {"acc": 1.0, "gyr": 1.0}
_LONGEST_LINE: Final = 512
_NEWLINE, _RETURN, _SPACE = b"\n\r "
_TAKEN: Final = "+-.*eE0123456789\r\n"


@dataclass(frozen=True, kw_only=True)
class _Setup:
    """What the lines do not tell; no columns when the sensor sends them itself."""

    columns: tuple[str, ...]
    units: Units
    separator: str
    checksum: str
    time_wrap: float
    counter_wrap: float
    config: Mapping[str, Any]


def decode(payloads: Iterable[tuple[float, bytes]], config: Mapping[str, Any]) -> list[Block]:
    """Samples of lines, cut into payloads in any way.

    Parameters
    ----------
    payloads : iterable of (arrival, payload); arrival in s
    config : mapping, all optional, as above; other keys are left alone

    Returns
    -------
    list of Block
        One block for each layout that the sensor sent, one at least; `sequence` is the counter, followed over its
        wraps by the shorter way, so that a loss of more than half a wrap is counted wrongly; the arrival of a
        sample is that of the end of its line. `errors`, in the first block, counts `cut` (the first line, whose
        beginning may be missing, the last without its end, and those with too few columns or a pause within),
        `merged` (too many columns, or longer than 512 bytes), `checksum`, `malformed` (no number where one should
        be), `before_header`, `impossible` and `duplicate` lines. Header lines and empty ones are no errors.

    Raises
    ------
    ValueError
        If the configuration contradicts itself or names what is unknown.
    """
    setup = _read_setup(config)
    packets = collect(payloads)
    if not len(packets):
        return []
    errors: Counter[str] = Counter()
    data = bytes(FRONT) + packets.join(padding=8)
    lines = _find_lines(packets, data, errors)
    layouts, owner, is_header = _find_headers(data, lines, setup)
    is_left = lines.is_sure & ~is_header
    errors += Counter(cut=int((~lines.is_sure & ~is_header).sum()))
    if setup.checksum:
        is_right = check_sums(data, lines.first, lines.stop, setup.checksum)
        errors += Counter(checksum=int((is_left & ~is_right).sum()))
        is_left &= is_right
        lines = replace(lines, stop=lines.stop - 1 - SUM_DIGITS[setup.checksum])
    errors += Counter(before_header=int((is_left & (owner < 0)).sum()))
    blocks = [
        _decode_lines(data, lines.select(is_left & (owner == k)), layout, errors)
        for k, layout in enumerate(layouts)
    ]
    none = Block(acc=np.empty((0, 3)), arrival=np.empty(0))
    filled = [block for block in blocks if len(block)] or [*blocks, none][:1]
    return [replace(block, errors=Counter() if k else errors) for k, block in enumerate(filled)]


def encode(
    columns: Mapping[str, ArrayLike],
    *,
    separator: str = ",",
    digits: int = 6,
    checksum: str = "",
    header: str = "",
) -> bytes:
    """Text that a sensor with these columns would send.

    Parameters
    ----------
    columns : mapping of name to (n,) array, in the order and the units in which they are sent
    separator : str, one character
    digits : int, significant ones; whole numbers are written in full
    checksum : str, "crc16", "xor" or ""
    header : str, a first line; none when empty
    """
    rows = zip(*(np.asarray(values).tolist() for values in columns.values()), strict=True)
    texts = [separator.join(str(v) if isinstance(v, int) else f"{v:.{digits}g}" for v in row) for row in rows]
    lines = [text.encode() for text in ([header] if header else []) + texts]
    ends = [sum_text(line, checksum) for line in lines]
    return b"".join(line + end + b"\n" for line, end in zip(lines, ends, strict=True))


def _read_setup(config: Mapping[str, Any]) -> _Setup:
    separator, checksum = config.get("separator", ","), config.get("checksum", "")
    if not isinstance(separator, str) or len(separator) != 1 or not separator.isascii() or separator in _TAKEN:
        raise ValueError(f"Found separator {separator!r}; expected one character that no number holds.")
    if checksum not in tuple(SUM_DIGITS):
        raise ValueError(f"Found checksum {checksum!r}; expected 'crc16', 'xor' or ''.")
    wraps = {}
    for name in ("time_wrap", "counter_wrap"):
        wraps[name] = config.get(name, 0)
        if (
            isinstance(wraps[name], bool)
            or not isinstance(wraps[name], int | float)
            or not 0 <= wraps[name] < 2**63
        ):
            raise ValueError(f"Found {name} = {wraps[name]!r}; expected the ticks of one round, or 0.")
    told = config.get("columns", COLUMNS)
    if isinstance(told, str) or not isinstance(told, Sequence):
        raise ValueError(f"Found columns = {told!r}; expected a list of names.")
    return _Setup(
        columns=() if config.get("header", False) else check_names(told),
        units=read_units(config, UNITS),
        separator=separator,
        checksum=checksum,
        config=config,
        **{name: float(value) for name, value in wraps.items()},
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Lines:
    """First byte, byte after the last and arrival of each line, and whether all of it is surely there."""

    first: Indices
    stop: Indices
    arrival: Array
    is_sure: Flags

    def select(self, rows: Flags) -> _Lines:
        return _Lines(
            first=self.first[rows], stop=self.stop[rows], arrival=self.arrival[rows], is_sure=self.is_sure[rows]
        )


def _find_lines(packets: Packets, data: bytes, errors: Counter[str]) -> _Lines:
    """All lines that ended and are neither empty nor too long."""
    octets = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(octets == _NEWLINE)
    rest = len(data) - 8 - (int(ends[-1]) + 1 if len(ends) else FRONT)
    first = np.append(FRONT, ends[:-1] + 1)[: len(ends)]
    stop = ends - (octets[ends - 1] == _RETURN)
    opener, owner = (np.searchsorted(packets.stop, place - FRONT, side="right") for place in (first, ends))
    lines = _Lines(
        first=first, stop=stop, arrival=packets.arrival[owner], is_sure=~_has_pause(packets, opener, owner)
    )
    is_long = stop - first > _LONGEST_LINE
    errors += Counter(cut=int(rest > 0), merged=int(is_long.sum()))
    return lines.select((stop > first) & ~is_long)


def _has_pause(packets: Packets, opener: Indices, owner: Indices) -> Flags:
    """Lines with a pause within, and the first of a session or after a pause: a part of them may be missing."""
    pauses = np.concatenate([[0], np.cumsum(np.diff(packets.arrival) > LONGEST_PAUSE_S)])
    found = pauses[opener] != pauses[owner]
    begins = np.append(True, pauses[owner[1:]] != pauses[owner[:-1]])[: len(owner)]
    return np.asarray(found | begins)


def _find_headers(data: bytes, lines: _Lines, setup: _Setup) -> tuple[list[_Setup], Indices, Flags]:
    """Layouts, which of them holds for each line (-1: none yet), and which lines are headers."""
    octets = np.frombuffer(data, dtype=np.uint8)
    letters = octets[lines.first] >= ord("A")
    is_header = np.zeros(len(lines.first), dtype=bool)
    layouts = [setup] if setup.columns else []
    owner = np.full(len(lines.first), len(layouts) - 1)
    for row in np.flatnonzero(letters).tolist():
        layout = _read_header(data[lines.first[row] : lines.stop[row]], setup)
        if layout is None:
            continue
        is_header[row] = True
        if not setup.columns:
            if layout not in layouts:
                layouts.append(layout)
            owner[row:] = layouts.index(layout)
    return layouts, owner, is_header


def _read_header(line: bytes, setup: _Setup) -> _Setup | None:
    """Layout that a line tells, with the units that it names; None when it is no header."""
    if setup.checksum:
        line, end = line[: -1 - SUM_DIGITS[setup.checksum]], line[-1 - SUM_DIGITS[setup.checksum] :]
        if end.upper() != sum_text(line, setup.checksum):
            return None
    names, units = [], dict(setup.config.get("units", {}))
    for word in line.decode("ascii", errors="replace").split(setup.separator):
        name, _, unit = word.strip().partition(" [")
        names.append(name)
        if unit:
            quantity = name.partition("_")[0]
            if not unit.endswith("]") or units.setdefault(quantity, unit[:-1]) != unit[:-1]:
                return None
    try:
        return replace(
            setup, columns=check_names(names), units=read_units({**setup.config, "units": units}, UNITS)
        )
    except ValueError:
        return None


def _decode_lines(data: bytes, lines: _Lines, setup: _Setup, errors: Counter[str]) -> Block:
    """Samples of lines of one layout."""
    n = len(setup.columns)
    lines, splits = _split(data, lines, ord(setup.separator), n, errors)
    used = [k for k, name in enumerate(setup.columns) if name != SKIP]
    edges = [lines.first - 1, *splits, lines.stop]
    first = np.concatenate([edges[k] for k in used]) + 1
    first += np.frombuffer(data, dtype=np.uint8)[first] == _SPACE
    values, is_number = parse_numbers(data, first, np.concatenate([edges[k + 1] for k in used]))
    is_good = is_number.reshape(len(used), -1).all(axis=0)
    errors += Counter(malformed=int((~is_good).sum()))
    columns: dict[str, NDArray[Any]] = empty_columns(setup.columns)
    for k, row in zip(used, values.reshape(len(used), -1), strict=True):
        columns[setup.columns[k]] = row[is_good]
    return build_block(
        columns,
        lines.arrival[is_good],
        setup.units,
        scale=_AS_WRITTEN,
        time_wrap=setup.time_wrap,
        sequence=follow_count(columns["counter"], setup.counter_wrap) if "counter" in columns else None,
        errors=errors,
    )


def _split(data: bytes, lines: _Lines, separator: int, n: int, errors: Counter[str]) -> tuple[_Lines, Indices]:
    """Lines with `n` fields, and the places of the separators, (n - 1, lines)."""
    marks = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == separator)
    if len(lines.first):
        marks = marks[slice(*np.searchsorted(marks, [lines.first[0], lines.stop[-1]]))]
    if len(marks) == (n - 1) * len(lines.first):  # all lines are whole, unless one has what another lacks
        table = marks.reshape(-1, n - 1).T
        if (table >= lines.first).all() and (table < lines.stop).all():
            return lines, table
    begin = np.searchsorted(marks, lines.first)
    found = np.searchsorted(marks, lines.stop) - begin
    errors += Counter(cut=int((found < n - 1).sum()), merged=int((found > n - 1).sum()))
    is_whole = found == n - 1
    return lines.select(is_whole), marks[begin[is_whole] + np.arange(n - 1)[:, None]]
