"""Files of the NilsPod sensor (`.bin`): one header, then samples with a counter that starts at midnight.

The first byte is the header's length. A sample is, as far as enabled and in this order: gyr xyz, acc xyz, mag xyz
(int16 each), then others, and a counter of 4 bytes; sensor frame. Full scale of int16 is the range in the header.
Sensors that recorded together in one synchronised group share one counter. Files of firmware 0.14 and later.

Own decoding: the maker's library (nilspodlib, MIT) reads the same numbers but leaves the loss to the caller and
brings a calibration package along.

References
----------
NilsPodLib, MaD Lab FAU, header.py and consts.py (github mad-lab-fau/NilsPodLib): layout, codes of rate and range.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.errors import CorruptRecording, RecordingError
from ankle_imu.interchange.assembly import assemble
from ankle_imu.interchange.bytes_of import read_bytes
from ankle_imu.interchange.imported import Imported, utc_text_from_epoch
from ankle_imu.values import SensorInfo

NAME: Final = "nilspod"
VERSION: Final = 1

_PARTS: Final = {  # bit of the second header byte: name, bytes in a sample; in the order in which they follow
    0x02: ("gyr", 6), 0x01: ("acc", 6), 0x04: ("mag", 6), 0x08: ("baro", 2), 0x10: ("analog", 6),
    0x20: ("ecg", 4), 0x40: ("ppg", 4), 0x80: ("temperature", 2),
}  # fmt: skip
_RATES: Final = {
    1: 1024.0, 2: 512.0, 4: 256.0, 5: 204.8, 10: 102.4, 20: 51.2, 40: 25.6, 80: 12.8, 160: 6.4,
}  # fmt: skip
_PLACES: Final = {1: "left_foot", 2: "right_foot"}
_ROLES: Final = ("not synchronised", "synchronised, as follower", "synchronised, as leader")
_HEADER: Final = struct.Struct("<BBBBBBBBBBBB3sIIIII6s5sB")  # up to the channel of synchronisation
_DAY_S: Final = 86400
_LONGEST_STEP_S: Final = 60.0
"""s. Flash pages hold 2048 bytes, 0.6 s; a longer step of the counter is none, but bytes out of place."""
_SAME_START_S: Final = 60.0
"""s. Between the header's start and the counter's; they agree to 1 s where the clock was not set in between."""


@dataclass(frozen=True, kw_only=True)
class _Header:
    length: int
    sample_bytes: int
    parts: dict[str, int]  # name -> place in the sample
    rate: float
    acc_range_g: float
    gyr_range_dps: float
    place: int
    role: int
    start: int
    n_samples: int
    serial: str
    firmware: str


def recognises_bytes(head: bytes) -> bool:
    """Whether the header's own length, sample size, enabled parts, rate and role fit each other."""
    return _parse(head) is not None


def read(path: Path, placement: str) -> Imported:
    """Read the recording of a NilsPod.

    Parameters
    ----------
    path : Path
    placement : str, one of `frames.PLACEMENTS`

    Returns
    -------
    Imported, `loss` from the counter; `started_utc` by the sensor's clock, exact between synchronised sensors

    Raises
    ------
    RecordingError
        If acc or gyr was not enabled, or there is no sample.
    CorruptRecording
        If it is another kind of file, or the counter is not one.
    """
    frames.check_placement(placement)
    data = read_bytes(path)
    header = _parse(data)
    if header is None:
        raise CorruptRecording(f"{path} is no NilsPod recording: its header does not fit itself.", path=str(path))
    missing = [
        word for word, name in (("acceleration", "acc"), ("angular rate", "gyr")) if name not in header.parts
    ]
    if missing:
        raise RecordingError(
            f"{path} holds no {' and no '.join(missing)}; enable it on the sensor.", path=str(path)
        )
    rows, extra = _rows(data, header, path)
    count = _unwrap(rows["count"].astype(np.float64), header.rate)
    steps = np.diff(count, prepend=count[0] - 1.0)
    is_sound = (steps >= 0) & (steps <= _LONGEST_STEP_S * header.rate)
    n = len(count) if is_sound.all() else int(np.argmin(is_sound))
    if n < len(count):
        extra.append(f"the counter breaks after sample {n}, bytes are missing; the rest is left out")
    after_loss = steps[:n] > 1.0
    acc, gyr = (rows[name][:n].astype(np.float64) for name in ("acc", "gyr"))
    acc[after_loss] = np.nan  # it may be put together of two
    first = float(count[0]) / header.rate
    midnight = header.start // _DAY_S * _DAY_S
    is_told = abs(midnight + first - header.start) < _SAME_START_S
    return assemble(
        (count[:n] - count[0]) / header.rate,
        acc * (header.acc_range_g / 32768.0),
        gyr * (header.gyr_range_dps / 32768.0),
        sensor=SensorInfo(
            placement=placement,
            serial=header.serial,
            model="NilsPod",
            protocol=NAME,
            firmware=header.firmware,
            nominal_rate_hz=header.rate,
            acc_range_g=header.acc_range_g,
            gyr_range_dps=header.gyr_range_dps,
        ),
        path=path,
        version=VERSION,
        acc_unit="g",
        gyr_unit="deg/s",
        started_utc=utc_text_from_epoch(midnight + first if is_told else header.start),
        clock_start_s=first,
        malformed=len(count) - n,
        notes=(
            f"acc +-{header.acc_range_g:g} g with gravity, gyr +-{header.gyr_range_dps:g} deg/s, set to "
            f"{header.rate:g} Hz; {_ROLES[header.role]}; start by the sensor's clock, taken for UTC",
            *_placement_remark(header.place, placement),
            *extra,
        ),
    )


def _parse(data: bytes) -> _Header | None:
    if len(data) < _HEADER.size or not _HEADER.size <= data[0] <= len(data):
        return None
    (length, size, parts, _, rate, ended, role, _, acc, gyr, place, _, _, start, stop, n, _, _, mac, _, _) = (
        _HEADER.unpack_from(data)
    )
    places, at = {}, 0
    for bit, (name, width) in _PARTS.items():
        if parts & bit:
            places[name] = at
            at += width
    if (
        at + 4 != size
        or rate not in _RATES
        or role >= len(_ROLES)
        or not acc
        or not gyr
        or stop < start
        or not ended
    ):
        return None
    return _Header(
        length=length,
        sample_bytes=size,
        parts=places,
        rate=_RATES[rate],
        acc_range_g=float(acc),
        gyr_range_dps=125.0 * gyr,
        place=place,
        role=role,
        start=start,
        n_samples=n,
        serial=mac[::-1].hex(":"),
        firmware=".".join(str(number) for number in data[length - 3 : length]),
    )


def _rows(data: bytes, header: _Header, path: Path) -> tuple[NDArray[np.void], list[str]]:
    """Samples, and what there is to say about their number."""
    dtype = np.dtype(
        {
            "names": ["acc", "gyr", "count"],
            "formats": [("<i2", 3), ("<i2", 3), "<u4"],
            "offsets": [header.parts["acc"], header.parts["gyr"], header.sample_bytes - 4],
            "itemsize": header.sample_bytes,
        }
    )
    there = (len(data) - header.length) // header.sample_bytes
    n = min(there, header.n_samples)
    if n < 1:
        raise RecordingError(f"{path} has a header but no samples.", path=str(path))
    said = (
        [f"the header tells of {header.n_samples} samples, {there} are there"] if there < header.n_samples else []
    )
    return np.frombuffer(data, dtype, n, header.length), said


def _unwrap(count: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    """Samples since the first midnight: the counter starts again at each."""
    turned = np.diff(count, prepend=count[0]) < -0.5 * _DAY_S * rate
    return np.asarray(count + np.cumsum(turned) * (_DAY_S * rate))


def _placement_remark(place: int, placement: str) -> list[str]:
    told = _PLACES.get(place, "")
    return [f"the sensor was set up as {told}, imported as {placement}"] if told and told != placement else []
