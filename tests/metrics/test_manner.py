"""Landing, stairs, stops, turns and pace by hand, and stairs on simulated and real ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ankle_imu as ai
from ankle_imu import tables
from ankle_imu.metrics.manner import on_stairs, stops, turns
from ankle_imu.metrics.pace import pace_evidence
from ankle_imu.metrics.strike import FOREFOOT_DEG, REARFOOT_DEG, strike_probabilities, strike_shares, strike_type
from ankle_imu.validation.datasets import read_cases


def table(**columns):
    n = len(next(iter(columns.values())))
    return tables.make_table(
        tables.STRIDES, {"stride_id": range(n), "leg": ["left"] * n, "gait": ["walk"] * n, **columns}
    )


def test_on_a_limit_both_sides_are_as_likely():
    at = strike_probabilities([REARFOOT_DEG, FOREFOOT_DEG], sigma_deg=1e-3)
    assert at[0] == pytest.approx([0.5, 0.5, 0.0])
    assert at[1] == pytest.approx([0.0, 0.5, 0.5])


@given(st.floats(-60.0, 60.0), st.floats(0.1, 20.0))
def test_probabilities_add_up_and_a_higher_toe_is_more_of_a_heel_landing(angle, sigma):
    p = strike_probabilities([angle, angle + 1.0], sigma)
    assert p.sum(axis=1) == pytest.approx([1.0, 1.0])
    assert ((p >= -1e-12) & (p <= 1.0 + 1e-12)).all()
    assert p[1, 0] >= p[0, 0]
    assert p[1, 2] <= p[0, 2]


def test_a_sure_landing_has_a_name_a_doubtful_one_has_none():
    found = strike_type(table(strike_angle_deg=[25.0, 9.0, 3.2, -12.0, np.nan]))
    assert found["strike"].tolist() == ["rearfoot", "unsure", "unsure", "forefoot", ""]
    assert found.loc[2, "midfoot"] == pytest.approx(0.77, abs=0.005)  # half the band is 1.2 sigma
    assert strike_type(table(strike_angle_deg=[3.2]), sigma_deg=1.0)["strike"].tolist() == ["midfoot"]
    assert strike_type(table(strike_angle_deg=[])).empty


def test_shares_are_mean_probabilities_of_known_landings():
    shares = strike_shares(table(strike_angle_deg=[40.0, 40.0, 40.0, -30.0, np.nan]))
    assert shares == pytest.approx({"rearfoot": 0.75, "midfoot": 0.0, "forefoot": 0.25}, abs=1e-6)
    assert strike_shares(table(strike_angle_deg=[np.nan])) == {}
    with pytest.raises(ValueError, match="must be positive"):
        strike_probabilities([1.0], 0.0)


def test_stairs_are_steep_and_come_in_flights():
    rise = [0.0, 0.34, 0.34, 0.0, 0.34, 0.0, -0.34, -0.17, 0.0, 0.10, 0.10]
    run = [1.3, 0.56, 0.56, 1.3, 0.56, 1.3, 0.56, 0.28, 1.3, 1.3, 1.3]
    way = on_stairs(table(height_change_m=rise, stride_length_m=run))
    assert way.tolist() == [0, 1, 1, 0, 0, 0, -1, -1, 0, 0, 0]
    assert len(on_stairs(table(height_change_m=[], stride_length_m=[]))) == 0
    assert on_stairs(table(height_change_m=[np.nan] * 3, stride_length_m=[np.nan] * 3)).tolist() == [0, 0, 0]


def test_stops_are_pauses_of_all_feet():
    strides = table(start_s=[0.0, 1.0, 1.5, 6.5, 9.0], end_s=[1.0, 2.0, 2.5, 7.5, 10.0], leg=list("lrlrl"))
    found = stops(strides)
    assert found[["start_s", "end_s", "duration_s"]].to_numpy().tolist() == [[2.5, 6.5, 4.0]]
    assert stops(strides.iloc[:0]).empty


def test_a_turn_is_the_sum_of_its_strides():
    strides = table(
        start_s=np.arange(7.0), end_s=np.arange(7.0) + 1.0, turn_deg=[0.0, 30.0, 45.0, 5.0, -25.0, 21.0, np.nan]
    )
    found = turns(strides)
    assert found["turn_deg"].tolist() == [75.0, -25.0, 21.0]
    assert found["start_s"].tolist() == [1.0, 4.0, 5.0]
    assert turns(strides.iloc[:0]).empty


def test_speed_counts_where_it_is_known():
    evidence = pace_evidence([0.36, 0.36, 0.36, 0.44], [2.7, 3.2, np.nan, np.nan], 2.7)
    assert evidence == pytest.approx([0.0, 1.0, 0.0, -2.0])


def test_simulated_stairs_are_found_and_hills_are_none():
    for terrain in ("stairs", "hill"):
        plan = ai.simulate.Plan(
            duration_s=90.0, terrain=terrain, sampling_rate=104.0, errors="full", placements=("right_foot",)
        )
        recording, truth = ai.simulate.walk(plan, seed=2)
        strides = ai.analyze(recording).strides
        real = truth.strides[truth.strides["leg"] == "right"]
        near = np.abs(strides["ic_s"].to_numpy()[:, None] - real["ic_s"].to_numpy()).argmin(axis=1)
        rises = real["height_change_m"].to_numpy()[near]
        way = on_stairs(strides)
        if terrain == "stairs":
            assert (way == np.sign(rises))[np.abs(rises) > 0.3].mean() >= 0.95
            assert (way[np.abs(rises) < 0.05] == 0).mean() >= 0.95
        else:
            assert not way.any()


def test_real_stairs_are_found_on_stairs_alone(shared):
    found = {
        case.name: on_stairs(ai.analyze(case.recording).strides)
        for case in read_cases("gaitmap_walk_mocap", shared / "data")
    }
    assert not found["gaitmap level walk"].any()
    assert set(np.unique(found["gaitmap stairs up"])) == {0, 1}
    assert set(np.unique(found["gaitmap stairs down"])) == {-1, 0}
    assert min((found[f"gaitmap stairs {way}"] != 0).sum() for way in ("up", "down")) > 20
