"""Many sessions: where they are, what was found in them, and how they compare over time.

Names are handed on from their modules when they are first used: a list of sessions needs few of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ankle_imu.library.cards import SessionEntry
    from ankle_imu.library.config import config_path, default_alias, default_library, new_alias
    from ankle_imu.library.derived import find_practice, find_result, load_events, load_result, save_result
    from ankle_imu.library.folders import find_session, list_sessions, session_folder
    from ankle_imu.library.freshness import is_up_to_date
    from ankle_imu.library.history import load_history
    from ankle_imu.library.index import reindex
    from ankle_imu.library.marks import session_names
    from ankle_imu.library.names import (
        display_name,
        display_names,
        load_names,
        names_path,
        open_to_others,
        place_key,
        save_name,
    )
    from ankle_imu.library.person import learn_limits, own_settings
    from ankle_imu.library.practice import is_practice, load_practice, save_practice
    from ankle_imu.library.reviews import read_reviews, save_review
    from ankle_imu.library.search import SessionRow, list_rows, load_summaries, search_sessions, select_rows
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
    from ankle_imu.library.tags import change_tags
    from ankle_imu.library.trend import load_trend
    from ankle_imu.library.wish import Search

_HOMES = {
    "KnownSensor": "sensors",
    "Search": "wish",
    "SessionEntry": "cards",
    "SessionRow": "search",
    "change_tags": "tags",
    "config_path": "config",
    "default_alias": "config",
    "default_library": "config",
    "display_name": "names",
    "display_names": "names",
    "find_practice": "derived",
    "find_result": "derived",
    "find_sensor": "sensors",
    "find_session": "folders",
    "forget_sensor": "sensors",
    "is_practice": "practice",
    "is_up_to_date": "freshness",
    "learn_limits": "person",
    "list_rows": "search",
    "list_sessions": "folders",
    "load_calibration": "sensors",
    "load_events": "derived",
    "load_history": "history",
    "load_names": "names",
    "load_practice": "practice",
    "load_result": "derived",
    "load_sensors": "sensors",
    "load_summaries": "search",
    "load_trend": "trend",
    "names_path": "names",
    "new_alias": "config",
    "open_to_others": "names",
    "own_settings": "person",
    "place_key": "names",
    "read_reviews": "reviews",
    "reindex": "index",
    "save_calibration": "sensors",
    "save_name": "names",
    "save_practice": "practice",
    "save_result": "derived",
    "save_review": "reviews",
    "save_sensor": "sensors",
    "search_sessions": "search",
    "select_rows": "search",
    "sensor_folder": "sensors",
    "session_folder": "folders",
    "session_names": "marks",
}

__all__ = [
    "KnownSensor",
    "Search",
    "SessionEntry",
    "SessionRow",
    "change_tags",
    "config_path",
    "default_alias",
    "default_library",
    "display_name",
    "display_names",
    "find_practice",
    "find_result",
    "find_sensor",
    "find_session",
    "forget_sensor",
    "is_practice",
    "is_up_to_date",
    "learn_limits",
    "list_rows",
    "list_sessions",
    "load_calibration",
    "load_events",
    "load_history",
    "load_names",
    "load_practice",
    "load_result",
    "load_sensors",
    "load_summaries",
    "load_trend",
    "names_path",
    "new_alias",
    "open_to_others",
    "own_settings",
    "place_key",
    "read_reviews",
    "reindex",
    "save_calibration",
    "save_name",
    "save_practice",
    "save_result",
    "save_review",
    "save_sensor",
    "search_sessions",
    "select_rows",
    "sensor_folder",
    "session_folder",
    "session_names",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
