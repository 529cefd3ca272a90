"""Gates of the alignment: passed, failed and not done, each in words."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from ankle_imu.analysis import analyze
from ankle_imu.analysis.gates import LIMITS
from ankle_imu.simulate import Plan, walk
from ankle_imu.simulate.mounting import slipped
from ankle_imu.values import Recording

PLAN = Plan(
    duration_s=70, sampling_rate=104.0, placements=("left_foot", "left_shank"), stops=False, errors="typical"
)


@cache
def recorded(movements: bool = True) -> Recording:
    return walk(replace(PLAN, movements=movements), seed=5)[0]


def gates(recording: Recording, placement: str = "left_foot") -> dict[str, dict]:
    found = analyze(recording).quality["alignment"][placement]["gates"]
    return {gate["gate"]: gate for gate in found}


def test_after_the_movements_all_gates_pass() -> None:
    found = gates(recorded())
    assert set(found) == set(LIMITS)
    assert {gate["verdict"] for gate in found.values()} == {"passed"}
    for name, gate in found.items():
        assert gate["limit"] == LIMITS[name]
        assert gate["words"].startswith(("you", "at ", "1", "9", "the ", "your"))
    assert found["tap_share"]["found"] > 0.95
    assert set(gates(recorded(), "left_shank")) == {"standing_s", "later_stops_deg"}


def test_without_the_movements_they_are_not_done() -> None:
    found = gates(recorded(movements=False))
    for name in ("tap_share", "tap_halves_deg", "taps_to_walking_deg"):
        assert (found[name]["verdict"], found[name]["found"]) == ("not done", None)
    assert "tap your toes" in found["tap_share"]["words"]


def test_taps_in_two_directions_are_seen() -> None:
    """The sensor turned by 10 deg about the vertical in the middle of the taps, and back after them."""
    recording = recorded()
    series = recording.series["left_foot"]
    start = PLAN.tap_starts["left"]
    up = series.acc[200] / np.linalg.norm(series.acc[200])
    acc, gyr = series.acc, series.gyr
    for at, sign in ((start + 3.6, 1.0), (start + 8.2, -1.0)):
        acc, gyr = slipped(acc, gyr, series.time, at=at, turn=sign * np.radians(10.0) * up)
    bent = replace(recording, series={**recording.series, "left_foot": replace(series, acc=acc, gyr=gyr)})
    halves = gates(bent)["tap_halves_deg"]
    assert halves["verdict"] == "failed"
    assert halves["found"] == pytest.approx(10.0, abs=3.0)


def test_a_later_stop_off_the_first_pose_is_seen() -> None:
    """Turned by 5 deg when the walk is over: too late for strides to show it."""
    recording = recorded()
    series = recording.series["left_foot"]
    level = np.cross(series.acc[200], [0.3, 0.5, 0.8])
    turn = np.radians(5.0) * level / np.linalg.norm(level)
    acc, gyr = slipped(series.acc, series.gyr, series.time, at=PLAN.duration_s - 3.2, turn=turn)
    moved = replace(recording, series={**recording.series, "left_foot": replace(series, acc=acc, gyr=gyr)})
    stops = gates(moved)["later_stops_deg"]
    assert stops["verdict"] == "failed"
    assert stops["found"] == pytest.approx(5.0, abs=1.0)
    assert "it moved" in stops["words"]
