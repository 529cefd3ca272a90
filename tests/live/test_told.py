"""The recorder's state in the words of the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from ankle_imu.capture import SensorStatus, Status, Wanted
from ankle_imu.live.told import told_status

NAN = float("nan")


@pytest.mark.parametrize("problem", ["disconnected", "left foot does not answer"])
def test_a_problem_is_told_without_the_address_and_unknown_numbers_as_none(problem: str) -> None:
    sensor = SensorStatus(
        wanted=Wanted(identifier="C0:00:00:00:00:01", placement="left_foot", model="ankle"),
        state="searching",
        rate=NAN,
        nominal_rate=208.0,
        received=0,
        lost=0,
        lost_lately=NAN,
        battery=NAN,
        age=NAN,
        links=1,
        away_s=2.0,
        problem=f"C0:00:00:00:00:01: {problem}",
    )
    told = told_status(Status(elapsed_s=75.0, sensors=(sensor,), free_bytes=-1, folder=Path("x"), markers=0))
    (card,) = told["sensors"]
    assert card["problem"] == problem
    assert [card[name] for name in ("rate", "lost", "lost_lately", "battery", "age")] == 5 * [None]
    assert told["free_bytes"] is None
