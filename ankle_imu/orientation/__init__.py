"""Orientation of each sensor against gravity, and angles of foot and shank from it."""

from __future__ import annotations

from ankle_imu.orientation.angles import ankle_angles, segment_up
from ankle_imu.orientation.fusion import between_samples, fuse

__all__ = ["ankle_angles", "between_samples", "fuse", "segment_up"]
