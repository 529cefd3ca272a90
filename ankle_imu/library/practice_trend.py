"""Practice sessions of one person side by side, from the results already written."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from ankle_imu import tables
from ankle_imu.library.derived import find_practice, read_table
from ankle_imu.library.search import search_sessions
from ankle_imu.library.wish import Search
from ankle_imu.mobility import LOAD_FIELDS, SESSION_KIND

if TYPE_CHECKING:
    import pandas as pd

_KEYS: Final = ("leg", "action", *LOAD_FIELDS, "angle_source")
_NUMBERS: Final = (
    *("active_deg", "assisted_deg", "gap_deg", "mdc_deg"),
    *("tension_s", "longest_s", "dose_deg_s", "drift_dps", "tremor_dps"),
)
_KNEE: Final = "knee-"


def load_practice_trend(library: str | Path, alias: str) -> pd.DataFrame:
    """One row per session, leg, action, load and source of the angle.

    Parameters
    ----------
    library : str or Path of the library
    alias : str, the person

    Returns
    -------
    table `tables.PRACTICE_TREND`, oldest session first; sessions that were not analyzed are left out

    Raises
    ------
    CorruptRecording
        If a result is damaged.
    """
    rows: list[dict[str, Any]] = []
    for entry in search_sessions(library, Search(person=alias, kind=SESSION_KIND)):
        found = find_practice(entry.path)
        if found is None:
            continue
        knee = next((t.removeprefix(_KNEE) for t in entry.info.tags if t.startswith(_KNEE)), "")
        head = {
            "session_id": entry.session_id,
            "start_utc": entry.info.started_utc,
            "alias": entry.alias,
            "knee": knee,
        }
        ranges = read_table(found, tables.PRACTICE_RANGES).to_dict("records")
        holds = read_table(found, tables.PRACTICE_HOLDS).to_dict("records")
        rows += [{**head, **row} for row in _joined(ranges, holds)]
    names = tables.PRACTICE_TREND.names
    return tables.make_table(tables.PRACTICE_TREND, {n: [row[n] for row in rows] for n in names} if rows else {})


def _joined(ranges: Iterable[dict[Any, Any]], holds: Iterable[dict[Any, Any]]) -> list[dict[str, Any]]:
    """Ranges with the holds of the same leg, action, load and source; either may be without the other."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in ranges:
        found[_key(row)] = _blank(row) | {
            name: row[name] for name in ("active_deg", "assisted_deg", "gap_deg", "mdc_deg", "repeat")
        }
    held: dict[tuple[Any, ...], list[dict[Any, Any]]] = {}
    for row in holds:
        held.setdefault(_key(row), []).append(row)
    for key, own in held.items():
        durations = [row["duration_s"] for row in own]
        found.setdefault(key, _blank(own[0])).update(
            holds=len(own),
            tension_s=sum(durations),
            longest_s=max(durations),
            dose_deg_s=sum(row["dose_deg_s"] for row in own),
            drift_dps=median(row["drift_dps"] for row in own),
            tremor_dps=median(row["tremor_dps"] for row in own),
        )
    return list(found.values())


def _blank(row: dict[Any, Any]) -> dict[str, Any]:
    return {
        **{name: row[name] for name in _KEYS},
        **dict.fromkeys(_NUMBERS, math.nan),
        "repeat": False,
        "holds": 0,
    }


def _key(row: dict[Any, Any]) -> tuple[Any, ...]:
    return tuple(None if row[name] != row[name] else row[name] for name in _KEYS)
