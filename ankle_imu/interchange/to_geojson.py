"""GeoJSON: the track as lines, events as numbered points with their figures; for QGIS, geojson.io and web maps.

Follows RFC 7946: WGS 84, longitude first, lines cut at the antimeridian. `coordTimes` is what most readers of
tracks look for; it is no part of the RFC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, BinaryIO, Final

import numpy as np

from ankle_imu import manifest
from ankle_imu.interchange.on_the_map import Placed, placed_events, track_of
from ankle_imu.interchange.outgoing import Outgoing
from ankle_imu.interchange.plain_json import json_text
from ankle_imu.track import Track

DECIMALS: Final = 7
"""Of a degree: 1 cm, beyond what any receiver knows (RFC 7946, section 11.2, advises 6)."""


def write(out: Outgoing, file: BinaryIO) -> None:
    """Write a session as a GeoJSON feature collection.

    Parameters
    ----------
    out : Outgoing
    file : binary file

    Raises
    ------
    RecordingError
        If the session has no track, or nothing of it is shown.
    """
    track = track_of(out)
    features = [_line(out, track), *(_point(out, event) for event in placed_events(out))]
    file.write(json_text({"type": "FeatureCollection", "features": features}, indent=None).encode())


def _line(out: Outgoing, track: Track) -> dict[str, Any]:
    jumps = np.abs(np.diff(track.longitude)) > 180.0
    starts = np.flatnonzero((np.diff(track.segment) > 0) | jumps) + 1
    pieces = [rows for rows in np.split(np.arange(len(track.time)), starts) if len(rows) > 1]
    lines = [[_place(*(float(c[k]) for c in _columns(track))) for k in rows] for rows in pieces]
    times = [[_utc(float(track.time[k])) for k in rows] for rows in pieces]
    properties = {
        "session": out.name,
        "started_utc": _utc(out.started_s),
        "duration_s": out.facts["duration_s"],
        "coordTimes": times,
    }
    return _feature({"type": "MultiLineString", "coordinates": lines}, properties)


def _columns(track: Track) -> tuple[Any, Any, Any]:
    return track.latitude, track.longitude, track.elevation


def _point(out: Outgoing, event: Placed) -> dict[str, Any]:
    place = _place(event.latitude, event.longitude, event.elevation)
    time_utc = _utc(out.started_s + event.row["time_s"])
    return _feature(
        {"type": "Point", "coordinates": place}, {"name": event.name, "time_utc": time_utc, **event.row}
    )


def _feature(geometry: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _place(latitude: float, longitude: float, elevation: float) -> list[float]:
    known = [round(elevation, 3)] if elevation == elevation else []
    return [round(longitude, DECIMALS), round(latitude, DECIMALS), *known]


def _utc(time: float) -> str | None:
    return manifest.format_utc(datetime.fromtimestamp(time, tz=UTC)) if time == time else None
