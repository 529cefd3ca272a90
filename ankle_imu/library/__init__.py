"""Many sessions: where they are, what was found in them, and how they compare over time."""

from __future__ import annotations

from ankle_imu.library.config import config_path, default_alias, default_library, new_alias
from ankle_imu.library.derived import find_result, load_events, load_result, save_result
from ankle_imu.library.folders import SessionEntry, find_session, list_sessions, session_folder
from ankle_imu.library.freshness import is_up_to_date
from ankle_imu.library.history import load_history
from ankle_imu.library.person import learn_limits, own_settings
from ankle_imu.library.reviews import read_reviews, save_review
from ankle_imu.library.sensors import (
    KnownSensor,
    find_sensor,
    forget_sensor,
    load_calibration,
    load_sensors,
    save_calibration,
    save_sensor,
    sensor_folder,
)
from ankle_imu.library.trend import load_trend

__all__ = [
    "KnownSensor",
    "SessionEntry",
    "config_path",
    "default_alias",
    "default_library",
    "find_result",
    "find_sensor",
    "find_session",
    "forget_sensor",
    "is_up_to_date",
    "learn_limits",
    "list_sessions",
    "load_calibration",
    "load_events",
    "load_history",
    "load_result",
    "load_sensors",
    "load_trend",
    "new_alias",
    "own_settings",
    "read_reviews",
    "save_calibration",
    "save_result",
    "save_review",
    "save_sensor",
    "sensor_folder",
    "session_folder",
]
