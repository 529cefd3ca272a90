"""The recorder: sensors on the air -> one session on disk, whatever the radio does."""

from __future__ import annotations

from ankle_imu.capture.recorder import Order, Recorder
from ankle_imu.capture.status import Captured, End, SensorStatus, Status
from ankle_imu.capture.together import Together
from ankle_imu.capture.wanted import Listener, Wanted

__all__ = ["Captured", "End", "Listener", "Order", "Recorder", "SensorStatus", "Status", "Together", "Wanted"]
