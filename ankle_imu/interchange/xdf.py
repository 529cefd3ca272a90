"""XDF files of LabRecorder: one stream with acc and gyr, or one of each, their clocks put together.

Read by pyxdf (extra `formats`), the reference reader that the format's own authors keep. Channels are understood
by their labels, types and units; a unit that is not said is asked for. Time stamps are taken as they were received
(offsets between clocks corrected, nothing smoothed, so that losses stay visible); where several samples share one,
they are spread. Streams of text become markers.

References
----------
github.com/sccn/xdf, specification 1.0; wiki, meta-data of Mocap and Accelerometer streams.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.errors import CorruptRecording, RecordingError
from ankle_imu.interchange.assembly import NotTold, assemble, choose
from ankle_imu.interchange.bytes_of import need_library, read_bytes, read_head
from ankle_imu.interchange.columns import parse_header
from ankle_imu.interchange.imported import Imported
from ankle_imu.interchange.joining import join
from ankle_imu.interchange.timeline import spread_batches
from ankle_imu.units import ACC_UNITS, GYR_UNITS
from ankle_imu.values import Marker, SensorInfo

NAME: Final = "xdf"
VERSION: Final = 1

Array = NDArray[np.float64]

_UNITS: Final = {"acc": ACC_UNITS, "gyr": GYR_UNITS}
_MAGIC_BYTES: Final = 4
_LAST_TAG: Final = 6
_SHARED: Final = 0.05
"""Share of samples with the time of the one before, above which times are those of messages."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Stream:
    name: str
    source: str
    time: Array
    values: Mapping[str, Array]  # acc and gyr, as far as they are in it
    units: Mapping[str, str]
    rate: float


def recognises_bytes(head: bytes) -> bool:
    """Whether it begins as XDF."""
    return head.startswith(b"XDF:")


def read(path: Path, placement: str, *, device: str = "", acc_unit: str = "", gyr_unit: str = "") -> Imported:
    """Read one sensor out of an XDF file.

    Parameters
    ----------
    path : Path
    placement : str, one of `frames.PLACEMENTS`; a stream of this name is taken
    device : str, name of the stream or an unambiguous part of it
    acc_unit, gyr_unit : str, keys of `units.ACC_UNITS` and `units.GYR_UNITS`, for streams that do not say theirs

    Returns
    -------
    Imported, `clock_start_s` the recorder's clock

    Raises
    ------
    NotTold
        If several streams fit, or a unit is not said.
    RecordingError
        If pyxdf is not installed, or no stream has x, y, z of acc and of gyr.
    CorruptRecording
        If it is no whole XDF file, or as `timeline.lay_out`.
    """
    frames.check_placement(placement)
    for unit, known in ((acc_unit, ACC_UNITS), (gyr_unit, GYR_UNITS)):
        if unit and unit not in known:
            raise ValueError(f"Unknown unit {unit!r}; expected one of {', '.join(known)}.")
    if not recognises_bytes(read_head(path)):
        raise CorruptRecording(f"{path} is no XDF file.", path=str(path))
    raw = _load(path)
    streams = [stream for entry in raw if (stream := _motion(entry)) is not None]
    chosen = _choose(streams, placement, device, path)
    units = {q: _unit(q, chosen[q].units[q], told, path) for q, told in (("acc", acc_unit), ("gyr", gyr_unit))}
    acc, gyr = chosen["acc"], chosen["gyr"]
    if acc is gyr:
        time, on_gyr, rates = gyr.time, acc.values["acc"], gyr.values["gyr"]
    else:
        time, on_gyr, rates = join(acc.time, acc.values["acc"], gyr.time, gyr.values["gyr"], path)
    if len(time) < 2:
        raise RecordingError(f"{path}: the stream {gyr.name} has {len(time)} samples.", path=str(path))
    names = gyr.name if acc is gyr else f"{acc.name} (interpolated) and {gyr.name}"
    return assemble(
        time - time[0],
        on_gyr,
        rates,
        sensor=SensorInfo(placement=placement, serial=gyr.source, protocol=NAME, nominal_rate_hz=gyr.rate),
        path=path,
        version=VERSION,
        acc_unit=units["acc"],
        gyr_unit=units["gyr"],
        clock_start_s=float(time[0]),
        markers=_markers(raw, float(time[0])),
        notes=(
            f"stream {names}; acc in {units['acc']}, gyr in {units['gyr']}; times as received by the recorder",
        ),
    )


def _load(path: Path) -> list[dict[str, Any]]:
    """Streams of the whole chunks; pyxdf alone would search on in a damaged one and may find numbers there."""
    pyxdf = need_library("pyxdf", path)
    data = read_bytes(path)
    whole = _whole_chunks(data, path)
    try:
        streams, _ = pyxdf.load_xdf(io.BytesIO(data[:whole]), dejitter_timestamps=False, verbose=False)
    except Exception as error:  # pyxdf raises whatever its parsing meets: struct, XML, index, value errors
        raise CorruptRecording(f"{path} is a damaged XDF file ({error}).", path=str(path)) from error
    return list(streams)


def _whole_chunks(data: bytes, path: Path) -> int:
    """Place behind the last whole chunk; a file may be cut off, but not damaged before its end."""
    at = _MAGIC_BYTES
    while at < len(data):
        width = data[at]
        body = at + 1 + width
        length = int.from_bytes(data[at + 1 : body], "little")
        tag = int.from_bytes(data[body : body + 2], "little")
        if width not in (1, 4, 8) or (body + 2 <= len(data) and not (1 <= tag <= _LAST_TAG and length >= 2)):
            raise CorruptRecording(f"{path} is damaged at byte {at}: no XDF chunk begins there.", path=str(path))
        if body + length > len(data):
            break
        at = body + length
    return at


def _motion(entry: dict[str, Any]) -> _Stream | None:
    """A stream with acc or gyr in it; None for another."""
    info = entry["info"]
    series = entry["time_series"]
    if not isinstance(series, np.ndarray) or series.ndim != 2 or series.dtype.kind not in "iuf":
        return None
    places: dict[str, dict[str, int]] = {"acc": {}, "gyr": {}}
    units = {"acc": "", "gyr": ""}
    for at, channel in enumerate(_channels(info)):
        label, kind, unit = (_word(channel, key) for key in ("label", "type", "unit"))
        for text in (label, f"{kind}_{label}"):
            header = parse_header(f"{text} [{unit}]" if unit else text)
            if header.quantity in places and header.owner == "" and header.axis not in places[header.quantity]:
                places[header.quantity][header.axis] = at
                units[header.quantity] = header.unit
                break
    whole = {q: [axes[a] for a in "xyz"] for q, axes in places.items() if len(axes) == 3}
    if not whole or max(max(columns) for columns in whole.values()) >= series.shape[1]:
        return None
    rate = float(_word(info, "nominal_srate") or "nan")
    return _Stream(
        name=_word(info, "name"),
        source=_word(info, "source_id"),
        time=_sample_times(np.asarray(entry["time_stamps"], dtype=np.float64)),
        values={q: np.asarray(series[:, columns], dtype=np.float64) for q, columns in whole.items()},
        units=units,
        rate=rate if rate > 0 else float("nan"),
    )


def _channels(info: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    try:
        return list(info["desc"][0]["channels"][0]["channel"])
    except (KeyError, IndexError, TypeError):
        return []


def _word(node: Mapping[str, Any], key: str) -> str:
    found = node.get(key) or [""]
    return str(found[0] or "").strip()


def _sample_times(stamps: Array) -> Array:
    repeats = np.count_nonzero(np.diff(stamps) <= 0)
    return spread_batches(stamps) if len(stamps) > 2 and repeats > _SHARED * len(stamps) else stamps


def _choose(streams: list[_Stream], placement: str, device: str, path: Path) -> dict[str, _Stream]:
    both = {stream.name: stream for stream in streams if len(stream.values) == 2}
    if both:
        one = both[choose(placement, device, tuple(both), path)]
        return {"acc": one, "gyr": one}
    found = {}
    for quantity, words in (("acc", "acceleration"), ("gyr", "angular rate")):
        names = {stream.name: stream for stream in streams if quantity in stream.values}
        if not names:
            raise RecordingError(f"{path} has no stream with x, y and z of {words}.", path=str(path))
        found[quantity] = names[choose(placement, device, tuple(names), path)]
    return found


def _unit(quantity: str, said: str, told: str, path: Path) -> str:
    if told or said in _UNITS[quantity]:
        return told or said
    raise NotTold(
        f"{path}: the unit of {quantity} is not said; give --{quantity}-unit: {', '.join(_UNITS[quantity])}.",
        option=f"{quantity}_unit",
        choices=tuple(_UNITS[quantity]),
        path=str(path),
    )


def _markers(raw: list[dict[str, Any]], start: float) -> tuple[Marker, ...]:
    texts = [entry for entry in raw if isinstance(entry["time_series"], list)]
    found = [
        Marker(time_s=float(stamp) - start, text=str(row[0]).strip() or "marker")
        for entry in texts
        for stamp, row in zip(entry["time_stamps"], entry["time_series"], strict=True)
    ]
    return tuple(sorted(found, key=lambda marker: marker.time_s))
