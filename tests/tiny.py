"""Sessions of a few packets, written by the real recorder in some milliseconds."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path

import track_files

from ankle_imu import library, manifest, recording
from ankle_imu.recording.sums import SUMS
from ankle_imu.values import SensorInfo, SessionInfo

WALK = [
    (track_files.START + k * 10.0, 46.0 + 1.5e-4 * k, 14.0 + 1e-4 * math.sin(k / 5), 600.0 + 0.5 * k)
    for k in range(100)
]
"""1.7 km northwards in steps of 17 m."""
TRACK = track_files.gpx(WALK)


def session(
    root: Path, alias: str, started: datetime, *, packets: int = 50, serial: str = "A1", filling: int = 0
) -> Path:
    """A new session with one sensor."""
    info = SessionInfo(
        alias=alias,
        session_id=manifest.new_session_id(started),
        started_utc=manifest.format_utc(started),
        note="wet rocks",
        sensors={"left_foot": SensorInfo(placement="left_foot", serial=serial, protocol="ankle")},
    )
    folder = library.session_folder(root, alias, started, session_id=info.session_id)
    recording.write_session_info(folder, info)
    with recording.RecordingWriter(folder, start_ns=10**18, session=manifest.to_toml(info)) as writer:
        sensor = writer.open_sensor("left_foot", "ankle")
        for k in range(packets):
            writer.append(sensor, k / 100, bytes([(k + filling) % 256] * 40))
    return folder


def close(folder: Path) -> None:
    """Make the sums of a session anew after its raw files were changed on purpose."""
    (folder / "raw" / SUMS).unlink()
    recording.write_sums(folder)


def content(root: Path) -> dict[str, bytes]:
    """All files of a library by name, but its index, which is made anew whenever it is needed."""
    files = [p for p in sorted(root.rglob("*")) if p.is_file() and not p.name.startswith("index.sqlite")]
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in files}


def flip(path: Path, at: int) -> None:
    """Change one byte."""
    data = bytearray(path.read_bytes())
    data[at % len(data)] ^= 0x40
    path.write_bytes(bytes(data))
