"""A roll close up: what is drawn and said of it."""

from __future__ import annotations

import numpy as np
import pytest

from ankle_imu import simulate
from ankle_imu.analysis import analyze
from ankle_imu.report import stabilising
from ankle_imu.report.closeup import closeup, closeup_figure, closeup_sentence, shown_rolls
from ankle_imu.report.page import report_html
from ankle_imu.values import SessionResult

PLAN = simulate.Plan(
    duration_s=200.0,
    sampling_rate=104.0,
    errors="typical",
    terrain="uneven",
    rolls=1,
    disrupted_rolls=2,
    eversion_rolls=1,
    roll_from_deg=30.0,
    side_tilts=0.5,
    placements=("left_foot", "left_shank"),
)


@pytest.fixture(scope="module")
def walked() -> tuple[SessionResult, simulate.Truth]:
    recording, truth = simulate.walk(PLAN, seed=6)
    return analyze(recording), truth


def test_what_is_drawn_is_what_happened(walked: tuple[SessionResult, simulate.Truth]) -> None:
    """The peak stands at 0 s above the band, the step before is near it, contacts are those of the truth."""
    result, truth = walked
    rolls = shown_rolls(result)
    assert len(rolls) == 4
    event = next(e for e in rolls if e.kind in ("roll", "hard_roll") and e.outcome == "save")
    drawn = closeup(result, event)
    assert drawn.time[0] == pytest.approx(-1.0, abs=0.02)
    assert drawn.time[-1] == pytest.approx(2.0, abs=0.02)
    at = int(np.argmin(np.abs(drawn.time)))
    assert drawn.angle[at] > drawn.usual_angle[at, 2] + 10.0
    before = (drawn.time < -0.4) & np.isfinite(drawn.usual_angle[:, 0])
    low, middle, high = drawn.usual_angle[before].T
    assert ((low <= middle) & (middle <= high)).all()
    assert np.abs(drawn.angle[before] - middle).max() < 15.0, "no step before was a roll"
    assert np.abs(drawn.rate).max() == pytest.approx(event.peak_dps, rel=0.15)
    true = truth.contacts[truth.contacts["leg"] == "left"]["ic_s"].to_numpy() - event.time_s
    assert all(np.abs(true - contact).min() < 0.05 for contact, _ in drawn.stances)
    figure = closeup_figure(result, event)
    assert [len(ax.lines) > 3 for ax in figure.axes] == [True, True]


def test_each_roll_has_its_sentence_and_picture_on_the_page(walked: tuple[SessionResult, simulate.Truth]) -> None:
    result, _ = walked
    page = report_html(result)
    for event in shown_rolls(result):
        sentence = closeup_sentence(result, event)
        assert sentence.split(".")[0] in page
        assert ("inwards" in sentence) == (event.kind == "eversion_roll")
        assert ("It disrupted the walk" in sentence) == (event.outcome == "disrupted")
        assert f"event-{event.event_id}" in page
    assert "events review" in page


def test_both_directions_stand_on_the_page(walked: tuple[SessionResult, simulate.Truth]) -> None:
    result, _ = walked
    grid = stabilising.directions_grid(result)
    assert [row[0].split(": ")[1] for row in grid.rows] == ["time to settle", "overshoot"]
    assert stabilising.directions_sentence(result) in report_html(result)


def test_a_roll_the_person_rejected_is_not_counted(walked: tuple[SessionResult, simulate.Truth]) -> None:
    from dataclasses import replace

    from ankle_imu.report.verdict import judge

    result, _ = walked
    rejected = replace(result, events=result.events.assign(verdict="false"))
    assert any("4 likely ankle rolls" in line for line in judge(result).lines)
    assert any("No ankle roll" in line for line in judge(rejected).lines)
