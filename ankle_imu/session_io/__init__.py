"""Sessions between disk and memory: open a recorded one, save one that came as arrays or from the simulator."""

from __future__ import annotations

from ankle_imu.session_io.exporting import export_session
from ankle_imu.session_io.opening import decode_log, open_session, read_session_log
from ankle_imu.session_io.saving import record_packets, save_recording, save_simulation
from ankle_imu.session_io.tracks import attach_track, load_track

__all__ = [
    "attach_track",
    "decode_log",
    "export_session",
    "load_track",
    "open_session",
    "read_session_log",
    "record_packets",
    "save_recording",
    "save_simulation",
]
