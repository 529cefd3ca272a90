"""Sensor clocks -> session time, and samples -> the sensor's own even grid, with a reason for every hole."""

from __future__ import annotations

from ankle_imu.timing.clock import Clock, fit_clock, unwrap_ticks
from ankle_imu.timing.gaps import down_at_end, find_recovered, name_gaps
from ankle_imu.timing.grid import Cause, SampleGrid, join_grids
from ankle_imu.timing.knock import SyncCheck, check_sync, find_knocks
from ankle_imu.timing.placing import place_samples, place_times

__all__ = [
    "Cause",
    "Clock",
    "SampleGrid",
    "SyncCheck",
    "check_sync",
    "down_at_end",
    "find_knocks",
    "find_recovered",
    "fit_clock",
    "join_grids",
    "name_gaps",
    "place_samples",
    "place_times",
    "unwrap_ticks",
]
