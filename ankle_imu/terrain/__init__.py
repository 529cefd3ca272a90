"""The ground that was walked: track files, the way along them, their clock, places by time, and slope."""

from __future__ import annotations

from ankle_imu.terrain.joining import Join, Motion, join_clocks
from ankle_imu.terrain.places import places
from ankle_imu.terrain.reading import FILE_NAMES, read_track
from ankle_imu.terrain.slope import grade
from ankle_imu.terrain.way import Way, follow

__all__ = ["FILE_NAMES", "Join", "Motion", "Way", "follow", "grade", "join_clocks", "places", "read_track"]
