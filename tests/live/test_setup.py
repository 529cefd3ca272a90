"""The set-up passes on good wear within a minute, and names each fault of wearing and of settings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from live_site import FOUR, PAIR

import ankle_imu as ai
from ankle_imu.live.setup import STEPS, Setup
from ankle_imu.simulate.faults import FAULTS, apply_fault
from ankle_imu.validation.misworn import SAID


def go_through(recording: ai.Recording, calibration: object = None) -> tuple[Setup, float, list[tuple[str, ...]]]:
    """The set-up at its end, when that was, and every state of its steps on the way."""
    setup = Setup(tuple(recording.series), calibration)  # type: ignore[arg-type]
    setup.arriving(dict.fromkeys(recording.series, ""))
    states: list[tuple[str, ...]] = []
    for at in np.arange(0.0, 60.0, 0.25):
        for placement, series in recording.series.items():
            part = slice(*np.searchsorted(series.time, [at, at + 0.25]))
            setup.take(placement, series.time[part], series.acc[part], series.gyr[part])
        now = tuple(step.state for step in setup.steps())
        states += [now] if not states or states[-1] != now else []
        if setup.is_over:
            return setup, float(at), states
    return setup, float("inf"), states


@pytest.fixture(scope="module")
def good() -> tuple[ai.Recording, dict[str, ai.values.Alignment]]:
    plan = ai.simulate.Plan(duration_s=48.0, sampling_rate=104.0, errors="typical", placements=FOUR)
    recording, truth = ai.simulate.walk(plan, seed=4)
    return recording, truth.calibration()


def test_good_wear_passes_step_by_step_within_a_minute(good) -> None:
    setup, at, states = go_through(good[0])
    assert setup.passed, setup.problems
    assert at < 60.0
    n = len(STEPS)
    assert states == [
        tuple(["passed"] * k + ["now"] * (k < n) + ["waiting"] * (n - k - 1)) for k in range(1, n + 1)
    ]


FAULTY = [(name, "left_foot") for name in FAULTS if name != "slipped"]
FAULTY += [(name, "right_shank") for name in ("in_a_bag", "left_lying", "gyr_range_wrong")]
"""A slip is no fault of the set-up: it comes later, and only a longer walk shows it."""


@pytest.mark.parametrize(("name", "placement"), FAULTY)
def test_each_fault_is_named(good, name: str, placement: str) -> None:
    recording, calibration = good
    of_all = name in ("left_right_swapped", "feet_swapped")
    faulty = apply_fault(recording, name, placement="" if of_all else placement)
    setup, at, states = go_through(faulty, calibration if name == "upside_down" else None)
    assert at < 60.0
    assert any(word in problem for word in SAID[name] for problem in setup.problems), setup.problems
    assert states[-1][-1] == "failed"
    assert not setup.passed


def test_a_sensor_that_does_not_arrive_is_named_at_once(good) -> None:
    setup = Setup(FOUR)
    setup.arriving(dict.fromkeys(FOUR, "") | {"left_shank": "only 40 of 208 samples a second arrive; come nearer"})
    series = good[0].series["left_foot"]
    setup.take("left_foot", series.time[:200], series.acc[:200], series.gyr[:200])
    first = setup.steps()[0]
    assert first.state == "now"
    assert first.words == "left shank: only 40 of 208 samples a second arrive; come nearer"


def test_a_sensor_that_never_came_is_named(good) -> None:
    one = replace(good[0], series={p: s for p, s in good[0].series.items() if p != "right_shank"})
    setup = Setup(FOUR)
    setup.arriving(dict.fromkeys(FOUR, ""))
    for at in np.arange(0.0, 48.0, 0.5):
        for placement, series in one.series.items():
            part = slice(*np.searchsorted(series.time, [at, at + 0.5]))
            setup.take(placement, series.time[part], series.acc[part], series.gyr[part])
    assert setup.is_over
    assert any(p.startswith("right_shank: nothing came") for p in setup.problems)


def test_walking_off_at_once_is_judged_and_said(good) -> None:
    plan = ai.simulate.Plan(duration_s=30.0, sampling_rate=104.0, movements=False, placements=PAIR)
    setup, _, _ = go_through(ai.simulate.walk(plan, seed=2)[0])
    assert setup.is_over
    taps = setup.steps()[1]
    assert taps.state == "failed"
    assert "no toe taps were used" in taps.words


def test_it_can_begin_anew(good) -> None:
    setup, _, _ = go_through(good[0])
    setup.restart()
    assert not setup.is_over
    assert [s.state for s in setup.steps()] == ["now", "waiting", "waiting", "waiting"]
    with pytest.raises(ValueError, match="No sensors"):
        setup.recording()
