"""Files of the Axivity AX6 logger (`.cwa`): a header of 1024 bytes, then blocks of 512 with up to 40 samples each.

A sample is gyr xyz, acc xyz as int16, sensor frame; the scales stand in each block. Blocks carry a checksum, a
sequence number and a time of the sensor's own clock to 1/32768 s, so every lost or damaged block is known. The
true rate is the one of those times: a sensor set to 100 Hz may run at 98.4 Hz.

The specification's text has both 8000 / 2^n and 4000 / 2^n deg/s for the range of gyr. It is 8000 / 2^n: over a
real file, gravity turned in the sensor as fast as gyr says with a range of 1900 +- 100 deg/s, where n was 2.

Own decoding, not a library: those on PyPI lay the samples on an even grid or need Java, and with either the losses
are gone.

References
----------
Open Movement, Docs/ax3/cwa.h and ax3-technical.md (github openmovementproject/openmovement): layout, time, scales.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.errors import CorruptRecording, RecordingError
from ankle_imu.interchange.assembly import assemble
from ankle_imu.interchange.bytes_of import read_bytes
from ankle_imu.interchange.imported import Imported, local_text
from ankle_imu.values import SensorInfo

NAME: Final = "axivity_cwa"
VERSION: Final = 1

Array = NDArray[np.float64]

_HEADER_BYTES: Final = 1024
_BLOCK: Final = np.dtype(
    [
        ("head", "S2"), ("length", "<u2"), ("fraction", "<u2"), ("session", "<u4"), ("sequence", "<u4"),
        ("time", "<u4"), ("scales", "<u2"), ("temperature", "<u2"), ("events", "u1"), ("battery", "u1"),
        ("rate", "u1"), ("packing", "u1"), ("offset", "<i2"), ("count", "<u2"),
        ("samples", "<i2", (40, 6)), ("checksum", "<u2"),
    ]
)  # fmt: skip
_SIX_AXES: Final = 0x62  # six axes (upper half byte) of 16 bits each (lower)
_PER_BLOCK: Final = 40
_CLOCK_BLOCKS: Final = 150
"""Blocks whose times are pooled: 1 min at 100 Hz. A time lands on a whole sample, so single ones are one off."""
_RESTARTED_S: Final = 1.0
"""s by which a block may miss its place in the count of blocks; more, and the logger was started anew."""


@dataclass(frozen=True, kw_only=True)
class _Scales:
    acc_g: float
    gyr_dps: float
    rate: float

    @property
    def acc_range_g(self) -> float:
        return 32768.0 * self.acc_g

    @property
    def gyr_range_dps(self) -> float:
        return 32768.0 * self.gyr_dps


def recognises_bytes(head: bytes) -> bool:
    """Whether a file begins with the header of an AX3 or AX6."""
    return head[:4] == b"MD\xfc\x03"


def read(path: Path, placement: str) -> Imported:
    """Read the recording of an AX6.

    Parameters
    ----------
    path : Path
    placement : str, one of `frames.PLACEMENTS`

    Returns
    -------
    Imported, `clock_start_s` the sensor's clock in s since 1970 in its own, unstated time zone; lost and damaged
    blocks stay open as gaps

    Raises
    ------
    RecordingError
        If the file holds no gyr (an AX3, or an AX6 without it), or no block.
    CorruptRecording
        If it is another kind of file, most blocks are damaged, or the settings change within it.
    """
    frames.check_placement(placement)
    data = read_bytes(path)
    if not recognises_bytes(data):
        raise CorruptRecording(
            f"{path} is no .cwa file: it begins with {data[:4]!r}, expected b'MD'.", path=str(path)
        )
    blocks, damaged, cut = _good_blocks(data, path)
    scales = _scales(blocks, path)
    start, time = _sample_times(blocks, scales.rate)
    samples = blocks["samples"].reshape(-1, 6)
    if (blocks["count"] < _PER_BLOCK).any():
        keep = (np.arange(_PER_BLOCK) < blocks["count"][:, None]).ravel()
        time, samples = time[keep], samples[keep]
    return assemble(
        time,
        samples[:, 3:],
        samples[:, :3],
        sensor=SensorInfo(
            placement=placement,
            serial=_serial(data),
            model="Axivity AX6" if data[4] == 0x64 else "Axivity",
            protocol=NAME,
            firmware=str(data[41]),
            nominal_rate_hz=scales.rate,
            acc_range_g=scales.acc_range_g,
            gyr_range_dps=scales.gyr_range_dps,
        ),
        path=path,
        version=VERSION,
        acc_unit="g",
        gyr_unit="deg/s",
        acc_scale=scales.acc_g,
        gyr_scale=scales.gyr_dps,
        started_local=local_text(datetime.fromtimestamp(start, tz=UTC)),
        clock_start_s=start,
        notes=(
            f"acc +-{scales.acc_range_g:g} g with gravity, gyr +-{scales.gyr_range_dps:g} deg/s",
            f"set to {scales.rate:g} Hz; time from the sensor's own clock",
            *([f"{damaged} damaged block(s) left out"] if damaged else []),
            *(["the last block is cut off"] if cut else []),
        ),
    )


def _good_blocks(data: bytes, path: Path) -> tuple[NDArray[np.void], int, bool]:
    """Blocks whose checksum holds, the number of those whose does not, and whether the last is incomplete."""
    n, rest = divmod(len(data) - _HEADER_BYTES, _BLOCK.itemsize)
    if n < 1:
        raise RecordingError(f"{path} has a header but no samples.", path=str(path))
    words = np.frombuffer(data, "<u2", n * _BLOCK.itemsize // 2, _HEADER_BYTES).reshape(n, -1)
    blocks = np.frombuffer(data, _BLOCK, n, _HEADER_BYTES)
    good = words.sum(axis=1, dtype=np.uint16) == 0
    good &= (blocks["head"] == b"AX") & (blocks["length"] == _BLOCK.itemsize - 4)
    damaged = int(n - np.count_nonzero(good))
    if damaged > n / 2:
        raise CorruptRecording(f"{path}: {damaged} of {n} blocks fail their checksum.", path=str(path))
    blocks = blocks if damaged == 0 else blocks[good]
    if (blocks["packing"] != _SIX_AXES).any():
        axes = int(blocks["packing"][0]) >> 4
        raise RecordingError(
            f"{path} holds {axes} axes a sample, expected 6: no gyroscope. "
            "Set the AX6 to record it (an AX3 has none).",
            path=str(path),
        )
    if (blocks["count"] > _PER_BLOCK).any():
        raise CorruptRecording(f"{path}: a block says it holds more samples than fit.", path=str(path))
    return blocks, damaged, rest > 0


def _scales(blocks: NDArray[np.void], path: Path) -> _Scales:
    """The upper six bits of the light value: n of 1 / 2^(8 + n) g and of 8000 / 2^n deg/s full scale."""
    code, rate = int(blocks["scales"][0]) >> 10, int(blocks["rate"][0])
    if (blocks["scales"] >> 10 != code).any() or (blocks["rate"] != rate).any():
        raise CorruptRecording(
            f"{path}: the settings of the sensor change within the file; it is no single recording.",
            path=str(path),
        )
    if code & 0b111 == 0:
        raise CorruptRecording(f"{path}: the range of the gyroscope is not stated.", path=str(path))
    return _Scales(
        acc_g=0.5 ** (8 + (code >> 3)),
        gyr_dps=8000.0 * 0.5 ** (code & 0b111) / 32768.0,
        rate=3200.0 * 0.5 ** (15 - (rate & 0x0F)),
    )


def _stamps(blocks: NDArray[np.void], rate: float) -> tuple[Array, Array]:
    """Time of each block in s since 1970, and the sample of the block it belongs to."""
    packed = blocks["time"].astype(np.int64)
    months = (packed >> 26) * 12 + ((packed >> 22) & 15) - 1 + 360  # from 1970 to 2000: 360 months
    days = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + ((packed >> 17) & 31) - 1
    whole = days * 86400 + ((packed >> 12) & 31) * 3600 + ((packed >> 6) & 63) * 60 + (packed & 63)
    fraction = np.where(blocks["fraction"] & 0x8000, blocks["fraction"] & 0x7FFF, 0) / 32768.0
    return whole + fraction, blocks["offset"] + np.floor(fraction * rate)


def _sample_times(blocks: NDArray[np.void], rate: float) -> tuple[float, Array]:
    """When the first sample was, s since 1970, and how much later every sample is, (n,) s."""
    stamps, within = _stamps(blocks, rate)
    sequence = blocks["sequence"].astype(np.int64)
    steps = np.diff(sequence)
    misses = np.diff(stamps) - steps * _PER_BLOCK / rate
    allowed = _RESTARTED_S + 0.05 * np.abs(steps) * _PER_BLOCK / rate  # crystals are 5 % off at the most
    starts = np.flatnonzero((steps <= 0) | (np.abs(misses) > allowed)) + 1
    times = np.empty(len(blocks) * _PER_BLOCK)
    table = times.reshape(len(blocks), _PER_BLOCK)
    start = float("nan")
    for begin, end in pairwise([0, *starts.tolist(), len(blocks)]):
        part = slice(begin, end)
        count = (sequence[part] - sequence[begin]) * float(_PER_BLOCK)
        first, period = _clock(count, stamps[part], within[part], 1.0 / rate)
        start = float(first[0]) if begin == 0 else start
        np.add.outer(first - start, period * np.arange(_PER_BLOCK), out=table[part])
    return start, times


def _clock(count: Array, stamps: Array, within: Array, nominal: float) -> tuple[Array, float]:
    """Times of the first sample of each block, and the period, by the times of many blocks together."""
    place = count + within
    n = max(len(place) // _CLOCK_BLOCKS, min(2, len(place)))
    edges = np.arange(n) * len(place) // n
    sizes = np.diff(edges, append=len(place))
    x, y = (np.add.reduceat(values, edges) / sizes for values in (place, stamps - stamps[0]))
    if n < 2:
        return stamps[0] + y[0] + (count - x[0]) * nominal, nominal
    period = float((y[-1] - y[0]) / (x[-1] - x[0]))
    rest = np.interp(count, x, y - period * x)
    return stamps[0] + rest + period * count, period


def _serial(data: bytes) -> str:
    low, high = int.from_bytes(data[5:7], "little"), int.from_bytes(data[11:13], "little")
    return str(low if high == 0xFFFF else high << 16 | low)
