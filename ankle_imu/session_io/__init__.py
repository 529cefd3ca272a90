"""Sessions between disk and memory: open a recorded one, save one that came as arrays or from the simulator."""

from __future__ import annotations

from ankle_imu.session_io.opening import open_session
from ankle_imu.session_io.saving import record_packets, save_recording, save_simulation

__all__ = ["open_session", "record_packets", "save_recording", "save_simulation"]
