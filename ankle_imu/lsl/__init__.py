"""The Lab Streaming Layer: what is recorded here, for other programs of a lab at the same moment."""

from __future__ import annotations

from ankle_imu.lsl.outlet import Outlets

__all__ = ["Outlets"]
