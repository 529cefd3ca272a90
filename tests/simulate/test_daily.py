"""Days of daily life: what the sensors read follows from the poses, and nothing is a stride that is none."""

from __future__ import annotations

import numpy as np
import pytest

import ankle_imu as ai
from ankle_imu import quaternion
from ankle_imu.simulate import daily
from ankle_imu.simulate.waves import Circling, Motion, Path, Waves, shaking, spun
from ankle_imu.units import STANDARD_GRAVITY

PAIR = ("left_foot", "left_shank")


def is_derivative(curve, t):
    rate = np.abs(np.gradient(curve.value, t)[2:-2] - curve.rate[2:-2]).max()
    bend = np.abs(np.gradient(curve.rate, t)[2:-2] - curve.acceleration[2:-2]).max()
    return rate < 1e-4 * np.abs(curve.rate).max() and bend < 1e-3 * np.abs(curve.acceleration).max()


def test_waves_paths_and_circles_know_their_derivatives():
    t = np.linspace(0.0, 10.0, 200_001)
    knots = np.array([1.0, 3.0, 6.0, 8.0])
    parts = [
        Waves(start=1.0, end=9.0, size=np.array([2.0]), frequency=np.array([3.0]), phase=np.array([0.4])),
        Path([1.0, 2.0, 4.0], [0.0, 1.0, 0.0], [0.0, 0.5, 0.0], [0.0, -9.8, 0.0]),
        Circling(spun(knots, np.array([0.0, 2.0 * np.pi / 5.0, 2.0 * np.pi / 5.0, 0.0])), 0.17, 0.3),
    ]
    for part in parts:
        curve = Motion(parts=[part]).evaluate(t)
        assert is_derivative(curve, t), part
        assert np.abs(curve.value[[0, -1]]).max() < 1e-12


def test_shaking_is_as_strong_as_told_and_in_its_band():
    t = np.arange(0.0, 60.0, 1e-3)
    curve = shaking(-1.0, 61.0, 0.8, (5.0, 25.0), np.random.default_rng(1)).evaluate(t)
    assert curve.acceleration.std() == pytest.approx(0.8, rel=0.05)
    power = np.abs(np.fft.rfft(curve.acceleration)) ** 2
    f = np.fft.rfftfreq(len(t), 1e-3)
    assert power[(f > 4.9) & (f < 25.1)].sum() > 0.999 * power.sum()


@pytest.mark.parametrize("activity", sorted(daily.ON_THE_SPOT))
def test_readings_follow_from_the_poses(activity):
    plan = daily.DayPlan(activities=((activity, 22.0),), sampling_rate=2000.0, errors="none", placements=PAIR)
    recording, truth = daily.live(plan, seed=3)
    row = truth.activities.iloc[0]
    chosen = (truth.time > row.start_s) & (truth.time < row.end_s)
    busiest = 0.0
    for placement, series in recording.series.items():
        q = truth.orientation[placement][chosen]
        p = truth.position[placement][chosen] + quaternion.rotate(q, truth.sensor_position[placement])
        force = (p[2:] - 2.0 * p[1:-1] + p[:-2]) * series.sampling_rate**2 + [0.0, 0.0, STANDARD_GRAVITY]
        acc, gyr = series.acc[chosen][1:-1], series.gyr[chosen][1:-1]
        error = quaternion.length(quaternion.rotate(quaternion.conjugate(q[1:-1]), force) - acc)
        turn = quaternion.to_rotation_vector(quaternion.multiply(quaternion.conjugate(q[:-2]), q[2:]))
        drift = quaternion.length(turn * series.sampling_rate / 2.0 - gyr)
        # three-point formulas at 2 kHz; a flight begins and ends with a kink of the acceleration
        assert np.quantile(error, 0.99) < 0.05
        assert drift.max() < 0.01
        busiest = max(busiest, float(quaternion.length(gyr).max()))
        assert q[0] == pytest.approx(q[-1], abs=0.05), "the activity does not end as it began"
    assert busiest > 0.05, "nothing happens"


def test_a_jump_flies_as_long_as_it_is_high():
    plan = daily.DayPlan(activities=(("jump", 12.0),), sampling_rate=500.0, errors="none", placements=PAIR)
    recording, _ = daily.live(plan, seed=5)
    force = quaternion.length(recording.series["left_shank"].acc)
    light = force < 0.5 * STANDARD_GRAVITY
    edges = np.flatnonzero(np.diff(np.concatenate([[False], light, [False]]).astype(int)))
    longest = (edges[1::2] - edges[::2]).max() / 500.0
    assert 0.3 < longest < 0.6  # 20 cm fly 0.40 s, 40 cm 0.57 s; foot and knee move in flight


def test_the_same_plan_and_seed_give_the_same_day():
    first, second = (daily.day(4, 0.02, "walking", placements=("right_foot",)) for _ in range(2))
    assert np.array_equal(first[0].series["right_foot"].gyr, second[0].series["right_foot"].gyr)
    assert first[1].activities.equals(second[1].activities)


def test_a_day_knows_its_activities_and_rolls():
    _, truth = daily.day(2, 0.05, "running", placements=PAIR, rolls=4)
    table = truth.activities
    assert (table.end_s > table.start_s).all()
    assert (table.start_s.to_numpy()[1:] >= table.end_s.to_numpy()[:-1]).all()
    assert set(table.activity) <= set(daily.MIXES["running"])
    assert len(truth.events) == 4
    inside = [((table.start_s <= t) & (t < table.end_s)).sum() for t in truth.strides.ic_s]
    assert set(inside) == {1}


def test_unknown_activities_and_mixes_are_named():
    with pytest.raises(ValueError, match="Unknown activity 'fly'; expected one of walk"):
        daily.DayPlan(activities=(("fly", 20.0),))
    with pytest.raises(ValueError, match="Unknown mix"):
        daily.plan_day(1, 0.1, "monthly")
    with pytest.raises(ValueError, match="must last 10 to 7200 s"):
        daily.DayPlan(activities=(("sit", 1.0),))
    with pytest.raises(ValueError, match="at least one activity"):
        daily.DayPlan(activities=())


@pytest.mark.parametrize("placements", [PAIR, ("left_foot",)])
def test_daily_life_holds_no_strides_but_those_under_way(placements):
    recording, truth = daily.day(6, 0.3, "daily", placements=placements)
    strides = ai.analyze(recording).strides
    way = truth.activities[truth.activities.is_way]
    on_the_way = [((way.start_s <= t) & (t < way.end_s)).any() for t in strides.ic_s]
    assert strides["accepted"].sum() > 30
    assert not strides["accepted"][~np.array(on_the_way)].any()


@pytest.mark.parametrize("placements", [PAIR, ("left_foot",), ("left_shank",)])
def test_cycling_in_the_same_session_is_no_walk_and_no_wrong_sensor(placements):
    plan = daily.DayPlan(
        activities=(("walk", 40.0), ("cycle", 120.0), ("walk", 40.0), ("cycle", 60.0)), placements=placements
    )
    recording, truth = daily.live(plan, seed=2)
    result = ai.analyze(recording)
    cycled = truth.activities[truth.activities.activity == "cycle"]
    strides = result.strides[result.strides["accepted"]]
    assert len(strides) > 40
    assert not any(((cycled.start_s <= t) & (t < cycled.end_s)).any() for t in strides.ic_s)
    assert not any("moves like" in w or "slipped" in w for w in result.quality["warnings"])
