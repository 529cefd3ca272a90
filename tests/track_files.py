"""Track files made by hand: GPX as text, FIT byte by byte."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import numpy as np

from ankle_imu.track import Track

START = datetime(2026, 11, 8, 9, tzinfo=UTC).timestamp()
FIT_EPOCH = datetime(1989, 12, 31, tzinfo=UTC).timestamp()

Row = tuple[float | None, float, float, float | None]
"""Unix time, latitude, longitude, height."""


def rows(n: int = 20, every_s: float = 1.0) -> list[Row]:
    """A walk to the north-east, uphill."""
    return [(START + k * every_s, 46.0 + 1e-5 * k, 14.0 + 1e-5 * k, 600.0 + 0.1 * k) for k in range(n)]


def point(row: Row) -> str:
    time, latitude, longitude, height = row
    inner = "" if height is None else f"<ele>{height:.2f}</ele>"
    if time is not None:
        inner += f"<time>{datetime.fromtimestamp(time, tz=UTC):%Y-%m-%dT%H:%M:%S.%fZ}</time>"
    return f'<trkpt lat="{latitude:.8f}" lon="{longitude:.8f}">{inner}</trkpt>\n'


def gpx(*segments: Iterable[Row]) -> bytes:
    body = "".join(f"<trkseg>\n{''.join(map(point, segment))}</trkseg>\n" for segment in segments)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<gpx version="1.1" creator="by hand"'
    return f'{head} xmlns="http://www.topografix.com/GPX/1/1"><trk>{body}</trk></gpx>'.encode()


def gpx_of(track: Track) -> bytes:
    columns = (track.time, track.latitude, track.longitude, track.elevation)
    return gpx([(t, a, b, h) for t, a, b, h in zip(*(c.tolist() for c in columns), strict=True)])


def fit(records: Sequence[Row], has_place: bool = True) -> bytes:
    """FIT with one record message a row (fields of the Garmin FIT profile: 253, 0, 1, 2)."""
    fields = [(253, 4, 0x86), *([(0, 4, 0x85), (1, 4, 0x85)] if has_place else []), (2, 2, 0x84)]
    data = struct.pack("<BBBHB", 0x40, 0, 0, 20, len(fields)) + b"".join(bytes(f) for f in fields)
    for time, latitude, longitude, height in records:
        place = [round(a * 2**31 / 180.0) for a in (latitude, longitude)] if has_place else []
        seconds = 0xFFFFFFFF if time is None else round(time - FIT_EPOCH)
        tall = 0xFFFF if height is None else round(5.0 * (height + 500.0))
        data += struct.pack(f"<BI{len(place)}iH", 0, seconds, *place, tall)
    head = struct.pack("<BBHI4s", 14, 0x10, 2100, len(data), b".FIT")
    whole = head + struct.pack("<H", crc(head)) + data
    return whole + struct.pack("<H", crc(whole))


def crc(data: bytes) -> int:
    """CRC-16 of the FIT protocol (polynomial 0xA001, from 0)."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0xA001 if value & 1 else 0)
    return value


def straight(seconds: float, speed: float = 1.4, every_s: float = 1.0) -> Track:
    """A walk due north at one speed, without any error."""
    time = np.arange(0.0, seconds, every_s)
    return Track(
        time=START + time,
        latitude=46.0 + speed * time / 111_195.0,
        longitude=np.full(len(time), 14.0),
        elevation=np.full(len(time), 600.0),
        segment=np.zeros(len(time), dtype=int),
    )
