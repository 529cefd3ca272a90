r"""Flash logs of Movesense sensors: SBEM files (little-endian).

    "SBEM0112" | chunks: id u8, or 0xFF and u16 | length u8, or 0xFF and u32 | payload

A chunk of id 0 describes another id: id u16, then lines `<PTH>` path, `<FRM>` format, `<MOD>` conversion, or
`<GRP>` ids that follow each other in one chunk. `[` and `]` are paths without bytes that bracket repeated values.
A chunk has no checksum: it counts only when a chunk that makes sense, or the end of the file, follows right
behind it. Where exactly as many bytes are missing as a chunk has, one may be made of two halves unnoticed: whoever
fetches a log has to tell its holes.

See `firmware_notes/movesense.md`.

References
----------
.. [1] github.com/sokolmarek/movesense-commander at 216f762, docs/sbem-format.md: format, from sbem-tools (MIT).
.. [2] The same, src/lib/sbem/__fixtures__: two logs of real sensors with what Movesense's own sbem2json gives.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from ankle_imu.units import DEGREE
from ankle_imu.wire.block import Array, Block, Indices
from ankle_imu.wire.movesense import build_block, find_repeated, no_samples, spread_ticks
from ankle_imu.wire.packets import collect

MAGIC: Final = b"SBEM"
_HEADER_BYTES: Final = 8
_ESCAPE: Final = 0xFF
_ANY_SIZE: Final = -1
_FIRST_WINDOW: Final = 2**16
_MOST_LEAVES: Final = 1024
"""More values in one chunk than any firmware sends; a damaged description must not grow without end."""

_TYPES: Final = {
    **{f"{sign}int{8 * width}": f"<{sign[:1] or 'i'}{width}" for sign in ("u", "") for width in (1, 2, 4, 8)},
    "float32": "<f4",
    "float64": "<f8",
    "bool": "u1",
}
_SCALE: Final = re.compile(r"x\*([0-9.eE+-]+)")
_ARRAYS: Final = {"ArrayAcc": "acc", "ArrayGyro": "gyr", "ArrayMagn": "mag"}


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """One value in a chunk: its place, type, path (`MeasIMU9.ArrayAcc.x`) and factor."""

    offset: int
    dtype: str
    path: str
    factor: float


@dataclass(kw_only=True)
class Log:
    """Chunks of a log: payload places by (id, header length), and what they mean."""

    data: bytes
    layouts: dict[int, tuple[Leaf, ...]] = field(default_factory=dict)
    places: dict[int, Indices] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)


def decode(payloads: Iterable[tuple[float, bytes]], config: Mapping[str, Any]) -> list[Block]:
    """Samples of a flash log.

    Parameters
    ----------
    payloads : iterable of (arrival, piece): the file in one or several pieces, in order; arrival in s
    config : mapping, optional `holes`: ranges [start, stop) of bytes that were never received, as
        `movesense_commands.join_log` tells them; chunks that touch one are not believed

    Returns
    -------
    list of Block
        One block per stream with an acceleration (MeasAcc, MeasIMU6, MeasIMU9), at least one; `ticks` are the
        sensor's ms as in the live protocol. `errors` (in the first block) counts `foreign` (no SBEM header), `cut`
        (last chunk incomplete), `damaged` (places where no chunk made sense), `hole`, `undescribed` (chunks of an
        id or size without description), `duplicate` and `implausible` chunks. Other streams are not errors.

    Raises
    ------
    ValueError
        If `holes` are no such ranges.
    """
    holes = _holes(config.get("holes", ()))
    packets = collect(payloads)
    if not len(packets):
        return []
    log = read_log(packets.join(), holes)
    stops = packets.stop
    names = sorted({leaf.path.split(".")[0] for leaves in log.layouts.values() for leaf in leaves})
    blocks = [block for name in names if (block := _stream(log, name, packets.arrival, stops)) is not None]
    filled = [block for block in blocks if len(block)] or [no_samples(log.errors)]
    return [Block(**{**vars(filled[0]), "errors": log.errors}), *filled[1:]]


def read_values(data: bytes, path: str) -> NDArray[Any]:
    """All values of a path in a log, in order, as stored (the factor of `<MOD>` not applied).

    Parameters
    ----------
    data : bytes, a whole log
    path : str, such as "TimeDetailed.utcTime" (microseconds) and "TimeDetailed.relativeTime" (ms), which together
        place the log in time

    Returns
    -------
    (n,) array
        Empty when the log has none.
    """
    log = read_log(data)
    found = []
    for chunk_id, leaves in log.layouts.items():
        chosen = [leaf for leaf in leaves if leaf.path == path]
        if chosen and chunk_id in log.places:
            rows = log.places[chunk_id]
            values = np.stack([_column(log, rows, leaf) for leaf in chosen], axis=1)
            found += list(zip(rows.tolist(), values, strict=True))
    return np.concatenate([row for _, row in sorted(found, key=lambda pair: pair[0])]) if found else np.empty(0)


def encode(ticks: ArrayLike, acc: ArrayLike, gyr: ArrayLike, *, samples: int) -> bytes:
    """Log that a sensor set to IMU6 would write.

    Parameters
    ----------
    ticks : (n,) int array, ms
    acc, gyr : (n, 3) float arrays, m/s^2 and rad/s, sensor frame; whole chunks only are written
    samples : int, per chunk

    Returns
    -------
    bytes
    """
    paths = ["Samples+Array.MeasIMU6.Timestamp"]
    paths += [f"Samples.Array.MeasIMU6.{array}.{axis}" for array in ("ArrayAcc", "ArrayGyro") for axis in "xyz"]
    texts = {13 + k: f"<PTH>{path}\n<FRM>{'float32' if k else 'uint32'}" for k, path in enumerate(paths)}
    texts[54], texts[55] = "<PTH>[", "<PTH>]"
    group = [13, 54, *[14, 15, 16] * samples, 55, 54, *[17, 18, 19] * samples, 55]
    texts[94] = "<GRP>" + ",".join(map(str, group))
    described = [chunk_id.to_bytes(2, "little") + text.encode() + b"\0" for chunk_id, text in texts.items()]
    stamps = np.asarray(ticks, dtype=np.int64)[::samples] % 2**32
    values = np.stack([np.asarray(acc, dtype=float), np.asarray(gyr, dtype=float) / DEGREE]).astype("<f4")
    whole = range(values.shape[1] // samples)
    bodies = [values[:, k * samples : (k + 1) * samples].tobytes() for k in whole]
    chunks = [int(stamp).to_bytes(4, "little") + body for stamp, body in zip(stamps, bodies, strict=False)]
    head = _head(94, 4 + 24 * samples)
    return MAGIC + b"0112" + b"".join([_head(0, len(d)) + d for d in described] + [head + c for c in chunks])


def read_log(data: bytes, holes: Sequence[Sequence[int]] = ()) -> Log:
    """Chunks and descriptions of a log; `holes` as in `decode`."""
    log = Log(data=data)
    if data[: len(MAGIC)] != MAGIC[: len(data)] or not data:
        log.errors["foreign"] += 1
        return log
    places: dict[int, list[Indices]] = defaultdict(list)
    texts: dict[int, dict[str, str]] = {}
    sizes: dict[int, int] = {}
    at = _HEADER_BYTES
    log.errors += Counter(cut=int(len(data) < at))
    while at < len(data):
        header = _header(data, at)
        if header is None or (stop := header[2] + header[1]) > len(data):
            resumed = _resume(data, at + 1, sizes)
            log.errors["cut" if resumed == len(data) else "damaged"] += 1
            at = resumed
            continue
        chunk_id, length, start = header
        is_sensible = _makes_sense(data, at, sizes)
        if is_sensible and chunk_id == 0:
            _describe(data[start:stop], texts, log.layouts, sizes)
        if not is_sensible or not _makes_sense(data, stop, sizes):
            log.errors["damaged"] += 1
            at = _resume(data, at + 1, sizes)
            continue
        if chunk_id == 0:
            at = stop
            continue
        n = _repeats(data, at, stop - at, start - at)
        if n > 1 and not _makes_sense(data, at + n * (stop - at), sizes):
            n -= 1
        if sizes.get(chunk_id) == length:
            places[chunk_id].append(start + (stop - at) * np.arange(n))
        else:
            log.errors["undescribed"] += n
        at += n * (stop - at)
    log.places = {chunk_id: np.concatenate(parts) for chunk_id, parts in places.items()}
    _leave_out_holes(log, sizes, holes)
    return log


def _header(data: bytes, at: int) -> tuple[int, int, int] | None:
    """(id, length, place of the payload) of a chunk; None when the file ends before."""
    head = data[at : at + 8]
    place, numbers = 0, []
    for width in (2, 4):
        if place >= len(head):
            return None
        number = head[place]
        place += 1
        if number == _ESCAPE:
            if place + width > len(head):
                return None
            number = int.from_bytes(head[place : place + width], "little")
            place += width
        numbers.append(number)
    return numbers[0], numbers[1], at + place


def _makes_sense(data: bytes, at: int, sizes: Mapping[int, int]) -> bool:
    """Whether a chunk may begin here: a description, or a described id with its own size; or the file ends."""
    header = _header(data, at)
    if header is None:
        return True
    chunk_id, length, start = header
    if chunk_id == 0:
        return length > 3 and data[start + 2 : start + 3] in (b"<", b"")
    return not sizes or sizes.get(chunk_id) in (length, _ANY_SIZE)


def _resume(data: bytes, at: int, sizes: Mapping[int, int]) -> int:
    """Place of the next chunk with something sensible behind it, else the end; looks ahead in growing steps."""
    heads = [_head(chunk_id, size) for chunk_id, size in sizes.items() if size > 0]
    window = _FIRST_WINDOW
    while at < len(data):
        limit = min(at + window, len(data))
        places = [_next_chunk(data, at, limit, head, 0, sizes) for head in heads]
        places += [_next_chunk(data, at, limit, tag, 4, sizes) for tag in (b"<PTH>", b"<GRP>")]
        if min(places) < limit:
            return min(places)
        if limit == len(data):
            break
        window *= 4
    return len(data)


def _holes(told: object) -> list[tuple[int, int]]:
    holes = told if isinstance(told, list | tuple) else [told]
    pairs = [hole for hole in holes if isinstance(hole, list | tuple) and len(hole) == 2]
    if len(pairs) < len(holes) or not all(isinstance(place, int) for pair in pairs for place in pair):
        raise ValueError(f"Found holes {told!r}; expected pairs of the first byte and the one after the last.")
    return [(first, stop) for first, stop in pairs]


def _head(chunk_id: int, size: int) -> bytes:
    head = bytes((chunk_id,)) if chunk_id < _ESCAPE else b"\xff" + chunk_id.to_bytes(2, "little")
    return head + (bytes((size,)) if size < _ESCAPE else b"\xff" + size.to_bytes(4, "little"))


def _next_chunk(data: bytes, at: int, limit: int, mark: bytes, before: int, sizes: Mapping[int, int]) -> int:
    """Place of the next whole chunk with `mark`, `before` bytes after its start; `limit` without one."""
    found = data.find(mark, at + before, limit + before)
    while found >= 0:
        place = found - before
        header = _header(data, place)
        stop = header[2] + header[1] if header else len(data) + 1
        if stop <= len(data) and _makes_sense(data, place, sizes) and _makes_sense(data, stop, sizes):
            return place
        found = data.find(mark, found + 1, limit + before)
    return limit


def _repeats(data: bytes, at: int, stride: int, head_bytes: int) -> int:
    """Number of whole chunks with the same id and length, end to end; looks ahead in growing steps."""
    head = np.frombuffer(data, dtype=np.uint8, count=head_bytes, offset=at)
    most, n, window = (len(data) - at) // stride, 1, 16
    while n < most:
        count = min(window, most - n)
        rows = np.frombuffer(data, dtype=np.uint8, count=count * stride, offset=at + n * stride)
        same = (rows.reshape(count, stride)[:, :head_bytes] == head).all(axis=1)
        if not same.all():
            return n + int(np.argmin(same))
        n, window = n + count, window * 4
    return n


def _describe(
    payload: bytes,
    texts: dict[int, dict[str, str]],
    layouts: dict[int, tuple[Leaf, ...]],
    sizes: dict[int, int],
) -> None:
    """Take in one description, the first of its id; the parts of a group are described before it."""
    described = int.from_bytes(payload[:2], "little")
    if described in texts or described == 0:
        return
    lines = payload[2:].decode("utf-8", errors="replace").rstrip("\0").split("\n")
    texts[described] = {line[:5]: line[5:].strip() for line in lines if line[4:5] == ">"}
    leaves = _leaves(described, texts)
    if leaves is None:
        sizes[described] = _ANY_SIZE
    elif leaves:
        layouts[described] = leaves
        sizes[described] = leaves[-1].offset + np.dtype(leaves[-1].dtype).itemsize


def _leaves(chunk_id: int, texts: Mapping[int, Mapping[str, str]]) -> tuple[Leaf, ...] | None:
    """Values of a chunk in order; empty when a part is not described, None when one has no fixed size."""
    leaves: list[Leaf] = []
    waiting, offset, steps = [chunk_id], 0, 0
    while waiting:
        text = texts.get(waiting.pop(0), {})
        steps += 1
        if steps > _MOST_LEAVES:
            return ()
        if "<GRP>" in text:
            members = text["<GRP>"].split(",")
            if not all(member.isascii() and member.isdigit() for member in members):
                return ()
            waiting = [int(member) for member in members] + waiting
        elif text.get("<PTH>") not in ("[", "]"):
            kind, _, modifier = text.get("<FRM>", "").partition(",")
            if kind not in _TYPES:
                return None if kind == "utf8" else ()
            factor = _factor(text.get("<MOD>", modifier))
            leaves.append(
                Leaf(offset=offset, dtype=_TYPES[kind], path=_path(text.get("<PTH>", "")), factor=factor)
            )
            offset += np.dtype(_TYPES[kind]).itemsize
    return tuple(leaves)


def _path(text: str) -> str:
    """The path below the root: `Samples+Array.MeasIMU9.ArrayAcc+x` is `MeasIMU9.ArrayAcc.x`."""
    words = re.split(r"[.+]", text)
    return ".".join(word for k, word in enumerate(words) if not (k < 2 and word in ("Samples", "Array", "")))


def _factor(text: str) -> float:
    """Factor of a conversion `x*<factor>,...`; 1 without one, NaN for one not understood."""
    if not text:
        return 1.0
    found = _SCALE.fullmatch(text.split(",")[0])
    try:
        return float(found[1]) if found else float("nan")
    except ValueError:
        return float("nan")


def _leave_out_holes(log: Log, sizes: Mapping[int, int], holes: Sequence[Sequence[int]]) -> None:
    for first, last in holes:
        for chunk_id, rows in log.places.items():
            is_hit = (rows < last) & (rows + sizes[chunk_id] > first)
            if is_hit.any():
                log.errors["hole"] += int(is_hit.sum())
                log.places[chunk_id] = rows[~is_hit]


def _column(log: Log, rows: Indices, leaf: Leaf) -> NDArray[Any]:
    width = np.dtype(leaf.dtype).itemsize
    octets = sliding_window_view(np.frombuffer(log.data, dtype=np.uint8), width)[rows + leaf.offset]
    return np.ascontiguousarray(octets).view(leaf.dtype)[:, 0]


def _stream(log: Log, name: str, arrival: Array, stops: Indices) -> Block | None:
    """Samples of one measurement; None when it holds no acceleration."""
    parts = []
    for chunk_id, leaves in log.layouts.items():
        layout = _layout(name, leaves)
        if layout and len(log.places.get(chunk_id, ())):
            parts.append((log.places[chunk_id], layout, log.layouts[chunk_id]))
    if not parts:
        return None
    rows = np.concatenate([places for places, _, _ in parts])
    counts = np.concatenate([np.full(len(places), layout[1]) for places, layout, _ in parts])
    stamps = np.concatenate([_column(log, places, leaves[0]).astype(np.int64) for places, _, leaves in parts])
    order = np.argsort(rows, kind="stable")
    spacing = spread_ticks(stamps[order], counts[order], float("nan"))
    pieces, at = [], 0
    for places, layout, leaves in parts:
        pieces.append(_part(log, places, layout, leaves, stamps[at : at + len(places)], spacing, arrival, stops))
        at += len(places)
    return pieces[0][0] if len(pieces) == 1 else _in_file_order(pieces)


def _in_file_order(pieces: Sequence[tuple[Block, Indices]]) -> Block:
    """One block of several, sorted by the places of their samples."""
    order = np.argsort(np.concatenate([places for _, places in pieces]), kind="stable")
    joined = {
        name: np.concatenate([getattr(block, name) for block, _ in pieces])[order]
        for name in ("acc", "gyr", "ticks", "arrival")
        if getattr(pieces[0][0], name) is not None
    }
    return Block(**{**vars(pieces[0][0]), **joined})


def _layout(name: str, leaves: tuple[Leaf, ...]) -> tuple[tuple[str, ...], int] | None:
    """Blocks and samples of a chunk that holds a timestamp and then xyz by block, acceleration among them."""
    if leaves[0].path != f"{name}.Timestamp" or leaves[0].dtype != "<u4":
        return None
    paths = [leaf.path for leaf in leaves[1:]]
    columns = [array for array in _ARRAYS if f"{name}.{array}.x" in paths]
    n, rest = divmod(len(paths), 3 * len(columns)) if columns else (0, 1)
    expected = [f"{name}.{array}.{axis}" for array in columns for _ in range(n) for axis in "xyz"]
    is_uniform = len({(leaf.dtype, leaf.factor) for leaf in leaves[1:]}) == 1
    if rest or paths != expected or not is_uniform or "ArrayAcc" not in columns or np.isnan(leaves[-1].factor):
        return None
    return tuple(_ARRAYS[array] for array in columns), n


def _part(
    log: Log,
    places: Indices,
    layout: tuple[tuple[str, ...], int],
    leaves: tuple[Leaf, ...],
    stamps: Indices,
    spacing: float,
    arrival: Array,
    stops: Indices,
) -> tuple[Block, Indices]:
    """Block of the chunks of one id, and the place in the file of each of its samples."""
    columns, n = layout
    kind, factor = leaves[-1].dtype, leaves[-1].factor
    size = leaves[-1].offset + np.dtype(kind).itemsize
    octets = sliding_window_view(np.frombuffer(log.data, dtype=np.uint8), size)[places]
    repeated = find_repeated(stamps, octets)
    if repeated.any():
        log.errors += Counter(duplicate=int(repeated.sum()))
        places, stamps, octets = places[~repeated], stamps[~repeated], octets[~repeated]
    values = octets[:, leaves[1].offset :].view(kind).reshape(len(places), len(columns), n, 3)
    received = arrival[np.searchsorted(stops, places + size)]
    block, is_bad = build_block(stamps, values if factor == 1.0 else values * factor, columns, spacing, received)
    log.errors += Counter(implausible=int(is_bad.sum()))
    return block, np.repeat(places[~is_bad], n)
