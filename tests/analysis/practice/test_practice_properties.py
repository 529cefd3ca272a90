"""What must not change the answer, for people and sessions that Hypothesis draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ankle_imu.analysis.practice import analyze_practice
from ankle_imu.mobility import ACTIONS
from ankle_imu.simulate.practice import Exercise, PracticePlan, practise
from ankle_imu.validation.practice import REPEATS, repeat_rows
from ankle_imu.values import ImuSeries, Marker

FEW = settings(max_examples=6, deadline=None)
NEUTRAL, SWING = Exercise(kind="neutral"), Exercise(kind="swing")
TABLES = ("ranges", "holds", "sway")

seeds = st.integers(1, 10**6)
ranges = st.fixed_dictionaries(
    {
        "dorsiflexion": st.floats(8.0, 20.0),
        "plantarflexion": st.floats(30.0, 60.0),
        "inversion": st.floats(15.0, 35.0),
        "eversion": st.floats(8.0, 18.0),
        "lunge": st.floats(30.0, 48.0),
    }
)


@st.composite
def plans(draw):
    """A session of some actions in any order, each measured, one of them held, by any person, without errors."""
    order = draw(st.permutations(ACTIONS))[: draw(st.integers(2, 3))]
    blocks = [Exercise(kind="rom", action=action, reps=2) for action in order]
    held = Exercise(kind="hold", action=draw(st.sampled_from(order)), reps=1, hold_s=4.0, level=0.95)
    return PracticePlan(exercises=(NEUTRAL, SWING, *blocks, held), ranges_deg=draw(ranges), sampling_rate=52.0)


def numbers(result, name):
    """Figures of a table, rows in an order that does not depend on that of the session."""
    table = getattr(result, name)
    keys = [key for key in ("leg", "action", "mode", "start_s") if key in table.columns]
    found = table.sort_values(keys).select_dtypes("number")
    return found.drop(columns=[one for one in ("load_kg", "block_id") if one in found.columns])


def assert_same(a, b, atol):
    for name in TABLES:
        x, y = numbers(a, name), numbers(b, name)
        np.testing.assert_allclose(x, y, atol=atol, err_msg=name)


@FEW
@given(plan=plans(), seed=seeds)
def test_the_other_leg_gives_the_same_figures(plan, seed):
    left, right = (analyze_practice(practise(replace(plan, legs=(leg,)), seed)[0]) for leg in ("left", "right"))
    assert len(left.ranges)
    assert_same(left, right, 1e-6)


@FEW
@given(plan=plans(), seed=seeds, turns=st.integers(0, 10**6))
def test_sensors_put_on_in_any_direction_give_the_same_figures(plan, seed, turns):
    recording, _ = practise(plan, seed)
    turn = Rotation.random(2, random_state=turns)
    series = {
        placement: ImuSeries(
            time=one.time,
            acc=turn[k].apply(np.array(one.acc)),
            gyr=turn[k].apply(np.array(one.gyr)),
            sampling_rate=one.sampling_rate,
        )
        for k, (placement, one) in enumerate(recording.series.items())
    }
    assert_same(analyze_practice(recording), analyze_practice(replace(recording, series=series)), 0.05)


@FEW
@given(order=st.permutations(ACTIONS), person=seeds, people_ranges=ranges)
def test_the_order_of_actions_is_the_person_s_own(order, person, people_ranges):
    """Repetitions that hit their mark, sensors without errors: what is found of an action is what it was."""
    found = []
    for actions in (ACTIONS, order):
        blocks = [Exercise(kind="rom", action=action, reps=2, scatter_deg=0.0) for action in actions]
        plan = PracticePlan(
            exercises=(NEUTRAL, SWING, *blocks), ranges_deg=people_ranges, person_seed=person, posture_deg=0.0,
            sampling_rate=52.0,
        )  # fmt: skip
        result = analyze_practice(practise(plan, person)[0])
        found.append(result.ranges.set_index("action")["active_deg"].sort_index())
    np.testing.assert_allclose(found[0], found[1], atol=1.0)


@FEW
@given(plan=plans(), seed=seeds, length=st.floats(0.5, 6.0))
def test_a_pause_between_blocks_changes_nothing(plan, seed, length):
    """Markers of a pause in the time to prepare, where no block runs."""
    recording, truth = practise(plan, seed)
    blocks = sorted(truth.blocks, key=lambda block: block.start_s)
    begin = blocks[-2].end_s
    marks = [
        Marker(time_s=begin + 0.01, text="practice pause", leg="left"),
        Marker(time_s=min(begin + length, blocks[-1].start_s - 0.01), text="practice resume", leg="left"),
    ]
    paused = replace(recording, markers=(*recording.markers, *marks))
    assert_same(analyze_practice(recording), analyze_practice(paused), 1e-9)


@FEW
@given(plan=plans(), seed=seeds, at=st.floats(0.5, 2.5), gap_s=st.floats(0.6, 2.0))
def test_no_hold_reaches_across_missing_packets(plan, seed, at, gap_s):
    _, truth = practise(plan, seed)
    gap = float(truth.holds["start_s"].iloc[0]) + at
    result = analyze_practice(practise(replace(plan, gaps=((gap, gap + gap_s),)), seed)[0])
    for hold in result.holds.itertuples():
        assert hold.end_s <= gap + 0.03 or hold.start_s >= gap + gap_s - 0.03
    true = float(truth.holds["end_s"].iloc[0] - truth.holds["start_s"].iloc[0])
    assert result.holds["duration_s"].sum() <= true - min(gap_s, true - at) + 0.3


def test_repeat_reliability_is_told_as_sem_and_detectable_change_beside_published_values():
    rows = {row.quantity: row for row in repeat_rows(range(1, 2))}
    sem, mdc = rows["lunge range, SEM of the measurement"], rows["lunge range, MDC95 of the measurement"]
    assert mdc.value == 1.96 * np.sqrt(2.0) * sem.value
    assert 0.0 < sem.value < sem.target == 1.3
    assert "MDC 3.7 to 3.8" in mdc.reference
    assert sem.n == REPEATS
    assert {f"{action} range, SEM of the measurement" for action in ACTIONS} <= set(rows)
