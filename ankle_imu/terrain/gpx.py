"""GPX: text <-> points, by way of gpxpy; of a file that is cut off or damaged, what stands before the damage."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree

import numpy as np

from ankle_imu.errors import CorruptRecording, RecordingError
from ankle_imu.terrain.points import Points

if TYPE_CHECKING:
    from gpxpy.gpx import GPX

    from ankle_imu.track import Track

_POINT: Final = ("trkpt", "rtept", "wpt")
_NUMBERS: Final = ("ele",)


def read_gpx(data: bytes, name: str) -> Points:
    """Read the track points of a GPX file.

    Parameters
    ----------
    data : bytes of the file
    name : str, of the file, for words

    Raises
    ------
    CorruptRecording
        When it is no GPX, or nothing of it can be read.
    RecordingError
        When it holds no recorded track, but a planned route or marks.
    """
    text, problems = _well_formed(_text(data), name)
    is_damaged = bool(problems)
    gpx, spoilt = _parse(text, name)
    points = [(k, p) for k, s in enumerate(s for t in gpx.tracks for s in t.segments) for p in s.points]
    if not points and (gpx.routes or gpx.waypoints):
        what = "a planned route" if gpx.routes else "single marks"
        raise RecordingError(
            f"{name} holds {what}, not a recorded track; give the track that was recorded on the walk.", path=name
        )
    if spoilt:
        problems += (f"{spoilt} values of the file are no numbers or dates and are left out.",)
    times = [p.time.replace(tzinfo=p.time.tzinfo or UTC).timestamp() if p.time else math.nan for _, p in points]
    return Points(
        time=np.array(times, dtype=float),
        latitude=np.array([p.latitude for _, p in points], dtype=float),
        longitude=np.array([p.longitude for _, p in points], dtype=float),
        elevation=np.array([math.nan if p.elevation is None else p.elevation for _, p in points], dtype=float),
        segment=np.array([k for k, _ in points], dtype=np.int64),
        source=", ".join(filter(None, ("GPX", (gpx.creator or "").strip()[:60]))),
        problems=problems,
        is_damaged=is_damaged,
    )


@dataclass(frozen=True, kw_only=True)
class Waypoint:
    """A mark on the map: place in deg, height in m and Unix time in s (NaN where unknown), name and words."""

    latitude: float
    longitude: float
    elevation: float
    time: float
    name: str
    text: str


def write_gpx(track: Track, waypoints: Iterable[Waypoint] = ()) -> bytes:
    """A track as a GPX 1.1 file: places, heights and times, nothing else that the original may have held.

    Parameters
    ----------
    track : Track; its `source` and `problems` are not written
    waypoints : iterable of Waypoint, written with the flag that maps know

    Returns
    -------
    bytes
        `read_gpx` gives the points back: places to 1e-8 deg (1 mm), heights to 1 mm, times to 1 us.
    """
    from gpxpy.gpx import GPX, GPXTrack, GPXTrackPoint, GPXTrackSegment, GPXWaypoint

    gpx, whole = GPX(), GPXTrack()
    gpx.creator = "ankle_imu"
    for mark in waypoints:
        gpx.waypoints.append(
            GPXWaypoint(
                round(mark.latitude, 8),
                round(mark.longitude, 8),
                elevation=_height(mark.elevation),
                time=_instant(mark.time),
                name=mark.name,
                description=mark.text,
                symbol="Flag, Red",
            )
        )
    gpx.tracks.append(whole)
    columns = (track.latitude, track.longitude, track.elevation, track.time, track.segment)
    last = None
    for latitude, longitude, elevation, time, segment in zip(*(c.tolist() for c in columns), strict=True):
        if segment != last:
            whole.segments.append(GPXTrackSegment())
            last = segment
        whole.segments[-1].points.append(
            GPXTrackPoint(
                round(latitude, 8),
                round(longitude, 8),
                elevation=_height(elevation),
                time=_instant(time),
            )
        )
    return gpx.to_xml(version="1.1").encode()


def _height(elevation: float) -> float | None:
    return None if math.isnan(elevation) else round(elevation, 3)


def _instant(time: float) -> datetime | None:
    return None if math.isnan(time) else datetime.fromtimestamp(time, tz=UTC)


def _text(data: bytes) -> str:
    """Text of the file: UTF-16 by its mark, else UTF-8, the encoding of nearly all GPX."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = data.decode("utf-16", errors="replace")
    else:
        declared = re.match(rb"""\s*<\?xml[^>]*encoding=["']([A-Za-z0-9_.-]+)""", data)
        try:
            text = data.decode(declared[1].decode() if declared else "utf-8-sig", errors="replace")
        except LookupError:
            text = data.decode("utf-8", errors="replace")
    return re.sub(r"^\ufeff?\s*(<\?xml[^>]*\?>)?\s*", "", text)


def _well_formed(text: str, name: str) -> tuple[str, tuple[str, ...]]:
    """The text as far as its XML holds, its elements closed, and a sentence when that is not all of it."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise CorruptRecording(f"{name} declares XML entities, which no GPX needs; it is not read.", path=name)
    try:
        ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        cut = _offset(text, *error.position)
    else:
        return text, ()
    good = text[:cut]
    end = max(good.rfind("</trkpt>") + len("</trkpt>"), good.rfind("</trkseg>") + len("</trkseg>"))
    if "<gpx" not in good or "</trkpt>" not in good:
        raise CorruptRecording(f"{name} is no GPX file, or it is damaged from the start.", path=name)
    good = good[:end]
    open_elements = [e for e in ("trkseg", "trk", "gpx") if _is_open(good, e)]
    closed = good + "".join(f"</{e}>" for e in open_elements)
    try:
        ElementTree.fromstring(closed)
    except ElementTree.ParseError as error:
        raise CorruptRecording(f"{name} is damaged and cannot be read: {error}.", path=name) from error
    return closed, ("The file is cut off or damaged; what stands before the damage is used.",)


def _offset(text: str, line: int, column: int) -> int:
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    return start + column


def _is_open(text: str, element: str) -> bool:
    return len(re.findall(rf"<{element}[\s>]", text)) > text.count(f"</{element}>")


def _parse(text: str, name: str) -> tuple[GPX, int]:
    """What gpxpy makes of it, and how many values it could not take."""
    import gpxpy
    from gpxpy.gpx import GPXException

    root = ElementTree.fromstring(text)
    if root.tag.rpartition("}")[2].lower() != "gpx":
        raise CorruptRecording(f"{name} is XML, but no GPX: it starts with <{root.tag}>.", path=name)
    try:
        return gpxpy.parse(text), 0
    except (GPXException, ValueError):
        spoilt = _drop_spoilt(root)
    try:
        return gpxpy.parse(ElementTree.tostring(root, encoding="unicode")), spoilt
    except (GPXException, ValueError) as error:
        raise CorruptRecording(f"{name} cannot be read as GPX: {error}.", path=name) from error


def _drop_spoilt(root: ElementTree.Element) -> int:
    """Take out points whose place is no number, and heights and times that are none; how many."""
    spoilt = 0
    for parent in list(root.iter()):
        for child in list(parent):
            kind = child.tag.rpartition("}")[2]
            bad_place = kind in _POINT and not all(_is_number(child.get(c, "")) for c in ("lat", "lon"))
            in_point = parent.tag.rpartition("}")[2] in _POINT
            bad_value = in_point and (
                (kind in _NUMBERS and not _is_number(child.text or ""))
                or (kind == "time" and not re.match(r"\s*-?\d{4}-\d\d-\d\d", child.text or ""))
                or (kind not in (*_NUMBERS, "time") and not _is_plain(kind))
            )
            if bad_place or bad_value:
                parent.remove(child)
                spoilt += bad_place or kind in (*_NUMBERS, "time")
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]  # gpxpy knows GPX by its names, not by prefixes
    return spoilt


def _is_plain(kind: str) -> bool:
    """Whether an element of a point holds text that gpxpy takes as it is."""
    return kind in ("name", "cmt", "desc", "src", "sym", "type")


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
