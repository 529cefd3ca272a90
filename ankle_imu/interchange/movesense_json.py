"""JSON of Movesense logs, as the maker's apps and its converter sbem2json write it.

Wherever in the tree a `Timestamp` (ms since the sensor started, of the first sample) stands with `ArrayAcc` (m/s^2
with gravity) or `ArrayGyro` (deg/s), that is a packet; an array is a list of {x, y, z}, of numbers or of lists.
IMU6 and IMU9 packets hold both; streams of Acc and Gyro alone are joined by their times.

References
----------
Movesense, API /Meas/IMU, /Meas/Acc, /Meas/Gyro; logs of real sensors with what sbem2json gives of them
(github.com/sokolmarek/movesense-commander at 216f762).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.errors import CorruptRecording, RecordingError
from ankle_imu.interchange.assembly import assemble
from ankle_imu.interchange.imported import Imported
from ankle_imu.interchange.joining import join
from ankle_imu.interchange.text_table import read_text
from ankle_imu.values import SensorInfo
from ankle_imu.wire.movesense import spread_ticks

NAME: Final = "movesense_json"
VERSION: Final = 1

Array = NDArray[np.float64]
_Packets = list[tuple[int, dict[str, Array]]]

_ARRAYS: Final = {"ArrayAcc": "acc", "ArrayGyro": "gyr"}
_WRAP: Final = 2**32


def recognises(text: str) -> bool:
    """Whether it begins as JSON and soon speaks of an `ArrayAcc` or `ArrayGyro`."""
    return text.lstrip("\ufeff \r\n\t")[:1] in ("{", "[") and any(f'"{name}"' in text for name in _ARRAYS)


def read(path: Path, placement: str) -> Imported:
    """Read a Movesense JSON log.

    Parameters
    ----------
    path : Path
    placement : str, one of `frames.PLACEMENTS`

    Returns
    -------
    Imported

    Raises
    ------
    RecordingError
        If there is no acceleration, or no angular rate.
    CorruptRecording
        If it is no whole JSON, or a packet does not hold numbers.
    """
    frames.check_placement(placement)
    try:
        tree = json.loads(read_text(path).lstrip("\ufeff"))
        packets = list(_packets(tree))
    except (json.JSONDecodeError, RecursionError) as error:
        raise CorruptRecording(f"{path} is no whole JSON file: {error}.", path=str(path)) from error
    except (TypeError, ValueError, OverflowError) as error:
        raise CorruptRecording(f"{path}: a packet does not hold numbers ({error}).", path=str(path)) from error
    both = [(stamp, values) for stamp, values in packets if len(values) == 2]
    if both:
        ticks = _ticks(both, "acc")
        acc, gyr = (np.concatenate([values[name] for _, values in both]) for name in ("acc", "gyr"))
        source = "packets that hold both"
    else:
        ticks, acc, gyr = _joined(packets, path)
        source = "two streams joined by their times"
    return assemble(
        (ticks - ticks[0]) * 1e-3,
        acc,
        gyr,
        sensor=SensorInfo(placement=placement, model="Movesense", protocol=NAME),
        path=path,
        version=VERSION,
        acc_unit="m/s^2",
        gyr_unit="deg/s",
        clock_start_s=float(ticks[0]) * 1e-3,
        notes=(f"acc in m/s^2 with gravity, gyr in deg/s, from {source}; time in ms since the sensor started",),
    )


def _packets(node: Any) -> Iterator[tuple[int, dict[str, Array]]]:
    """(timestamp, arrays by name) of every packet in the tree, in order."""
    if isinstance(node, list):
        for child in node:
            yield from _packets(child)
    elif isinstance(node, dict):
        found = {name: _samples(node[key]) for key, name in _ARRAYS.items() if key in node}
        stamp = _stamp(node) if found else None
        if stamp is not None and len({len(values) for values in found.values()}) == 1:
            yield stamp, found
        for key, child in node.items():
            if key not in _ARRAYS:
                yield from _packets(child)


def _stamp(node: dict[str, Any]) -> int | None:
    """The packet's time: beside its arrays or, as sbem2json has it, one level down."""
    nested = [child for child in node.values() if isinstance(child, dict)]
    for place in (node, *nested):
        if isinstance(place.get("Timestamp"), int | float):
            return int(place["Timestamp"])
    return None


def _samples(node: Any) -> Array:
    parts = [np.stack([np.atleast_1d(np.asarray(part[axis], float)) for axis in "xyz"], axis=1) for part in node]
    return np.concatenate(parts) if parts else np.empty((0, 3))


def _ticks(packets: _Packets, name: str) -> Array:
    """Time of each sample in ms, the packets' own times unwrapped and spread over their samples."""
    stamps = np.array([stamp for stamp, _ in packets], dtype=np.int64)
    counts = np.array([len(values[name]) for _, values in packets], dtype=np.int64)
    spacing = spread_ticks(stamps, counts, float("nan"))
    spacing = spacing if np.isfinite(spacing) else 0.0
    whole = np.unwrap(stamps.astype(np.float64), period=float(_WRAP))
    within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.asarray(np.repeat(whole, counts) + spacing * within)


def _joined(packets: _Packets, path: Path) -> tuple[Array, Array, Array]:
    streams = {}
    for name, words in (("acc", "acceleration"), ("gyr", "angular rate")):
        mine = [(stamp, values) for stamp, values in packets if name in values and len(values[name])]
        if not mine:
            raise RecordingError(f"{path} holds no {words}; log IMU6 or IMU9.", path=str(path))
        streams[name] = _ticks(mine, name), np.concatenate([values[name] for _, values in mine])
    return join(*streams["acc"], *streams["gyr"], path)
