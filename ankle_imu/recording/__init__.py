"""A session on disk: raw packets in MCAP parts, and a manifest that people can edit."""

from __future__ import annotations

from ankle_imu.recording.lock import being_recorded, is_being_recorded, sole_writer
from ankle_imu.recording.parts import part_path
from ankle_imu.recording.reader import NOT_CLOSED, HostClock, SessionLog, Stream, part_paths, read_log
from ankle_imu.recording.repair import PartRepair, Repair, repair_session, repaired_parts
from ankle_imu.recording.session import read_session_info, write_session_info
from ankle_imu.recording.sums import raw_files, read_sums, write_sums
from ankle_imu.recording.writer import RecordingWriter

__all__ = [
    "NOT_CLOSED",
    "HostClock",
    "PartRepair",
    "RecordingWriter",
    "Repair",
    "SessionLog",
    "Stream",
    "being_recorded",
    "is_being_recorded",
    "part_path",
    "part_paths",
    "raw_files",
    "read_log",
    "read_session_info",
    "read_sums",
    "repair_session",
    "repaired_parts",
    "sole_writer",
    "write_session_info",
    "write_sums",
]
