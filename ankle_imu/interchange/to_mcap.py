"""MCAP for viewers: one message per sample, JSON with its schema, so that any of them can plot it at once.

The recording itself is MCAP, too, but of packets as the sensors sent them, which no viewer understands. Places,
rotations and the log follow Foxglove's published schemas, which other viewers know as well; there is none for
inertial sensors, so those have a schema of ours.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from heapq import merge
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import tables
from ankle_imu._version import package_version
from ankle_imu.interchange.on_the_map import WORDS
from ankle_imu.interchange.outgoing import Outgoing
from ankle_imu.interchange.segments import segment_orientations
from ankle_imu.values import ImuSeries

if TYPE_CHECKING:
    import pandas as pd
    from mcap.writer import Writer

_NUMBER: Final = {"type": "number"}
_TIME: Final = {"type": "object", "properties": {"sec": {"type": "integer"}, "nsec": {"type": "integer"}}}
_TEXT: Final = {"type": "string"}
_NUMBERS: Final = {"type": "array", "items": _NUMBER}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


_VECTOR: Final = _object(x=_NUMBER, y=_NUMBER, z=_NUMBER)
SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    "ankle_imu.Imu": {
        **_object(t=_NUMBER, acc=_VECTOR, gyr=_VECTOR),
        "description": "t: s from session start; acc: m/s^2 with gravity; gyr: rad/s; sensor frame",
    },
    "ankle_imu.Angles": {
        **_object(t=_NUMBER, **{f"{kind}_deg": _NUMBER for kind, _ in tables.ANGLE_KINDS}),
        "description": "; ".join(f"{kind}: {meaning}" for kind, meaning in tables.ANGLE_KINDS),
    },
    "foxglove.FrameTransform": _object(
        timestamp=_TIME,
        parent_frame_id=_TEXT,
        child_frame_id=_TEXT,
        translation=_VECTOR,
        rotation=_object(x=_NUMBER, y=_NUMBER, z=_NUMBER, w=_NUMBER),
    ),
    "foxglove.LocationFix": _object(
        timestamp=_TIME,
        frame_id=_TEXT,
        latitude=_NUMBER,
        longitude=_NUMBER,
        altitude=_NUMBER,
        position_covariance=_NUMBERS,
        position_covariance_type={"type": "integer"},
    ),
    "foxglove.Log": _object(
        timestamp=_TIME,
        level={"type": "integer"},
        message=_TEXT,
        name=_TEXT,
        file=_TEXT,
        line={"type": "integer"},
    ),
}
"""JSON schemas of the channels; those of Foxglove are cut down to the fields that we fill."""

_IMU: Final = '{"t":%.6f,"acc":{"x":%.9g,"y":%.9g,"z":%.9g},"gyr":{"x":%.9g,"y":%.9g,"z":%.9g}}'
_WARNING, _INFO = 3, 2
_PICTURES_HZ: Final = 52.0
"""About as many pictures of the segments a second as a screen shows; ours."""

_HIP_M: Final = 0.1
"""Distance of the legs from the middle in the picture, m; ours, for the eye alone."""

_SHANK_M: Final = 0.4
"""Height of the ankle below the shank's frame in the picture, m; likewise."""


def write(out: Outgoing, file: BinaryIO) -> None:
    """Write a session as MCAP with one message per sample.

    Parameters
    ----------
    out : Outgoing
    file : binary file

    Notes
    -----
    Topics: `/imu/<placement>`, `/angles/<leg>`, `/tf/<placement>` (the segment against the earth, for a picture,
    at about 52 Hz), `/gps`, `/events`. What is lost has no message. Times are to 1 ns (`t` to 1 us), samples to
    nine digits, angles to six. Messages are in order of time.
    """
    from mcap.writer import CompressionType, Writer

    writer = Writer(file, compression=CompressionType.ZSTD)
    writer.start(profile="", library=f"ankle_imu {package_version()}")
    start_ns = round(out.started_s * 1e6) * 1000 if math.isfinite(out.started_s) else 0
    schemas = {
        name: writer.register_schema(name, "jsonschema", json.dumps({"title": name, **schema}).encode())
        for name, schema in SCHEMAS.items()
    }
    writer.add_metadata("session", {"session": out.name, "person": out.person, "kind": out.kind})
    streams = [
        (writer.register_channel(topic, "json", schemas[schema]), messages)
        for topic, schema, messages in _streams(out, start_ns)
    ]
    _merge(writer, streams, start_ns)
    writer.finish()  # type: ignore[no-untyped-call]


Message = tuple[float, str]
"""Time, s from session start, and JSON text."""

_BLOCK: Final = 1 << 14
"""Samples that are made into text at once: the walk never stands in memory as text."""


def _streams(out: Outgoing, start_ns: int) -> Iterator[tuple[str, str, Iterable[Message]]]:
    """Topic, schema and messages in order of time, made as they are asked for."""
    for placement, series in out.series.items():
        yield f"/imu/{placement}", "ankle_imu.Imu", _samples(series)
    angles = out.tables["angles"]
    for leg in ("left", "right"):
        kinds = [kind for kind, _ in tables.ANGLE_KINDS if angles[f"{leg}_{kind}_deg"].notna().any()]
        if kinds:
            yield f"/angles/{leg}", "ankle_imu.Angles", _angles(angles, leg, kinds)
    time = angles["time_s"].to_numpy(dtype=np.float64)
    step = max(1, round(1.0 / (_PICTURES_HZ * float(np.median(np.diff(time)))))) if len(time) > 1 else 1
    for placement, quat in segment_orientations(angles).items():
        yield (
            f"/tf/{placement}",
            "foxglove.FrameTransform",
            _transforms(placement, time[::step], quat[::step], start_ns),
        )
    if len(out.tables["track"]):
        yield "/gps", "foxglove.LocationFix", _fixes(out, start_ns)
    if len(out.tables["events"]):
        yield "/events", "foxglove.Log", _events(out, start_ns)


def _samples(series: ImuSeries) -> Iterator[Message]:
    known = series.is_valid
    for first in range(0, len(known), _BLOCK):
        rows = slice(first, first + _BLOCK)
        block = np.column_stack([series.time[rows], series.acc[rows], series.gyr[rows]])[known[rows]]
        yield from ((row[0], _IMU % tuple(row)) for row in block.tolist())


def _angles(angles: pd.DataFrame, leg: str, kinds: list[str]) -> Iterator[Message]:
    """Angles of one leg; an instant at which one is not known goes without that one."""
    parts = [f'"{kind}_deg":%.6g' for kind in kinds]
    whole = '{"t":%.6f,' + ",".join(parts) + "}"
    for first in range(0, len(angles), _BLOCK):
        block = angles.iloc[first : first + _BLOCK]
        values = block[[f"{leg}_{kind}_deg" for kind in kinds]].to_numpy(dtype=np.float64)
        known = np.isfinite(values)
        columns = (block["time_s"].tolist(), values.tolist(), known.tolist(), known.sum(axis=1).tolist())
        for t, row, have, count in zip(*columns, strict=True):
            if count == len(kinds):
                yield t, whole % (t, *row)
            elif count:
                said = [part % value for part, value, ok in zip(parts, row, have, strict=True) if ok]
                yield t, f'{{"t":{t:.6f},{",".join(said)}}}'


def _transforms(
    placement: str, time: NDArray[np.float64], quat: NDArray[np.float64], start_ns: int
) -> Iterator[Message]:
    leg, segment = placement.split("_")
    where = f'"x":0,"y":{_HIP_M if leg == "left" else -_HIP_M},"z":{_SHANK_M if segment == "shank" else 0}'
    pattern = (
        '{"timestamp":{"sec":%d,"nsec":%d},"parent_frame_id":"earth","child_frame_id":"' + placement + '",'
        '"translation":{' + where + '},"rotation":{"w":%.9g,"x":%.9g,"y":%.9g,"z":%.9g}}'
    )
    known = np.isfinite(quat[:, 0])
    for t, q in zip(time[known].tolist(), quat[known].tolist(), strict=True):
        yield t, pattern % (*_stamp(t, start_ns), *q)


def _fixes(out: Outgoing, start_ns: int) -> Iterator[Message]:
    names = ["time_s", "latitude_deg", "longitude_deg", "elevation_m"]
    for t, latitude, longitude, elevation in out.tables["track"][names].to_numpy(dtype=np.float64).tolist():
        fix = {
            "timestamp": _time(t, start_ns),
            "frame_id": "track",
            "latitude": latitude,
            "longitude": longitude,
            **({"altitude": elevation} if elevation == elevation else {}),
            "position_covariance": [0.0] * 9,
            "position_covariance_type": 0,
        }
        yield t, json.dumps(fix)


def _events(out: Outgoing, start_ns: int) -> Iterator[Message]:
    for row in out.tables["events"].to_dict("records"):
        peak = (
            f" {row['peak_deg']:.1f} deg, {row['peak_dps']:.0f} deg/s"
            if row["peak_deg"] == row["peak_deg"]
            else ""
        )
        log = {
            "timestamp": _time(row["time_s"], start_ns),
            "level": _INFO if row["kind"] == "marker" else _WARNING,
            "message": f"{row['event_id']} {WORDS[row['kind']]} {row['leg']}{peak} {row['note']}".strip(),
            "name": row["kind"],
            "file": "",
            "line": 0,
        }
        yield row["time_s"], json.dumps(log, ensure_ascii=False)


def _merge(writer: Writer, streams: Iterable[tuple[int, Iterable[Message]]], start_ns: int) -> None:
    """Write the messages of all channels in order of time; what lies before 1970 has no place in MCAP."""
    stamped = (_stamped(channel, messages, start_ns) for channel, messages in streams)
    for sequence, (at, channel, text) in enumerate(merge(*stamped, key=lambda message: message[0])):
        if at >= 0:
            writer.add_message(channel, at, text.encode(), at, sequence)


def _stamped(channel: int, messages: Iterable[Message], start_ns: int) -> Iterator[tuple[int, int, str]]:
    return ((round(t * 1e9) + start_ns, channel, text) for t, text in messages)


def _stamp(t: float, start_ns: int) -> tuple[int, int]:
    return divmod(start_ns + round(t * 1e9), 1_000_000_000)


def _time(t: float, start_ns: int) -> dict[str, int]:
    sec, nsec = _stamp(t, start_ns)
    return {"sec": sec, "nsec": nsec}
