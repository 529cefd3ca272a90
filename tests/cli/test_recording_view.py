"""What a person sees of a recording, on wide and narrow terminals, while it runs and at its end."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from ankle_imu.capture import SensorStatus, Status, Wanted
from ankle_imu.cli.recording_view import draw, measures, sensor_line

GOOD = SensorStatus(
    wanted=Wanted(identifier="C0:00:00:00:00:01", placement="right_shank", model="ankle"),
    state="streaming",
    rate=207.9,
    nominal_rate=208.0,
    received=12_345,
    lost=6,
    lost_lately=0.001,
    battery=0.87,
    age=0.12,
    links=2,
    away_s=0.0,
    problem="",
)
STATUS = Status(elapsed_s=75.0, sensors=(GOOD,), free_bytes=84_000_000_000, folder=Path("x"), markers=1)


def screen(status: Status, width: int, typing: str = "") -> list[str]:
    stream = StringIO()
    Console(file=stream, width=width, force_terminal=False).print(draw(status, typing, width))
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("width", [44, 54, 60, 62, 76, 80, 88, 120])
def test_nothing_is_cut_off_at_any_width(width: int) -> None:
    head, row = screen(STATUS, width)[1:3]
    assert "…" not in head + row
    for word in ("right shank", "streaming", "207.9", " 6"):
        assert word in row
    assert ("Last packet" in head) == (width >= 88)
    assert ("Battery" in head) == (width >= 54)


def test_a_wide_screen_shows_everything() -> None:
    title, head, row, *caption = screen(STATUS, 100)
    assert title.strip() == "Recording 1:15"
    assert " ".join(head.split()) == "Sensor State Rate Lost, 10 s Lost Battery Last packet"
    assert " ".join(row.split()) == "right shank streaming 207.9 / 208 Hz 0.1 % 6 87 % 0.1 s"
    assert "84.0 GB free" in caption[0]


def test_what_is_typed_and_what_ends_is_said() -> None:
    assert "mark: big sto_" in "\n".join(screen(STATUS, 100, "big sto"))
    ending = "\n".join(screen(replace(STATUS, is_ending=True), 100))
    assert "Ending and saving, 1:15 recorded" in ending
    assert "Ctrl-C again" in ending


def test_a_sensor_that_was_away_at_the_end_is_not_called_whole() -> None:
    assert "AWAY" not in sensor_line(GOOD)
    assert sensor_line(replace(GOOD, away_s=62.0)).endswith("AWAY at the end, its last 1:02 is missing")


def test_a_sensor_that_brought_nothing() -> None:
    silent = replace(GOOD, received=0, links=0)
    assert sensor_line(silent) == "right shank: nothing received. C0:00:00:00:00:01 was never seen"
    assert "sent nothing" in sensor_line(replace(silent, links=1))
    assert "link lost" in sensor_line(replace(silent, problem="link lost"))


def test_measures_are_those_of_each_leg() -> None:
    told = measures(["left_foot", "left_shank", "right_foot"])
    assert [line.split(":")[0] for line in told] == ["left leg, foot and shank", "right leg, foot"]
    assert measures([]) == []
