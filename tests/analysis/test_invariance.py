"""What must not matter does not: side, mounting, start time, sampling rate, a common heading (methods I2)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ankle_imu as ai
from ankle_imu import frames
from ankle_imu import quaternion as qt

ANGLES = ("foot_tilt", "foot_pitch", "shank_tilt", "shank_pitch", "inversion", "dorsiflexion", "rotation")


def arrays_of(recording):
    return {p: (np.array(s.acc), np.array(s.gyr)) for p, s in recording.series.items()}


def largest_difference(a, b, legs):
    """Largest angle difference, deg, from first to last stride; rows where both are NaN count as equal."""
    worst = 0.0
    time = a.angles["time_s"].to_numpy()
    walk = (time > a.strides["start_s"].min()) & (time < a.strides["end_s"].max())
    for leg_a, leg_b in legs:
        for kind in ANGLES:
            x = a.angles[f"{leg_a}_{kind}_deg"].to_numpy()[walk]
            y = b.angles[f"{leg_b}_{kind}_deg"].to_numpy()[walk]
            assert np.array_equal(np.isnan(x), np.isnan(y))
            worst = max(worst, float(np.nanmax(np.abs(x - y), initial=0.0)))
    return worst


def test_a_mirrored_walk_gives_the_same_numbers_on_the_other_leg(exact_walk, exact_result):
    mirrored = {}
    for placement, (acc, gyr) in arrays_of(exact_walk[0]).items():
        other = {"left": "right", "right": "left"}[frames.leg_of(placement)]
        name = f"{other}_{frames.segment_of(placement)}"
        mirrored[name] = (acc * [1.0, -1.0, 1.0], gyr * [-1.0, 1.0, -1.0])
    result = ai.analyze(ai.Recording.from_arrays(104.0, mirrored))
    assert largest_difference(exact_result, result, [("left", "right"), ("right", "left")]) < 1e-9
    a = exact_result.strides[exact_result.strides["leg"] == "left"].reset_index(drop=True)
    b = result.strides[result.strides["leg"] == "right"].reset_index(drop=True)
    assert len(a) > 50
    assert np.allclose(a["range_stance_deg"], b["range_stance_deg"], atol=1e-9, equal_nan=True)
    assert np.allclose(a["turn_deg"], -b["turn_deg"], atol=1e-9)


rotations = st.lists(st.floats(-3.0, 3.0), min_size=3, max_size=3)


@settings(max_examples=5)
@given(rotations, rotations)
def test_a_sensor_may_be_mounted_anyhow(exact_walk, exact_result, first, second):
    turned = arrays_of(exact_walk[0])
    for placement, vector in (("left_foot", first), ("left_shank", second)):
        q = qt.from_rotation_vector(vector)
        turned[placement] = tuple(qt.rotate(q, v) for v in turned[placement])
    result = ai.analyze(ai.Recording.from_arrays(104.0, turned))
    assert largest_difference(exact_result, result, [("left", "left")]) < 0.1
    assert len(result.strides) == len(exact_result.strides)


def test_start_time_does_not_matter(exact_walk, exact_result):
    recording, _ = exact_walk
    later = {p: s.time + 1234.5 for p, s in recording.series.items()}
    result = ai.analyze(ai.Recording.from_arrays(None, arrays_of(recording), time=later))
    # The rate read off these times differs in the tenth digit, which the filters carry on.
    assert largest_difference(exact_result, result, [("left", "left"), ("right", "right")]) < 0.02
    assert np.allclose(result.strides["ic_s"], exact_result.strides["ic_s"] + 1234.5, atol=1e-3)


@pytest.mark.parametrize("rate", [52.0, 208.0, 416.0])
def test_sampling_rate_hardly_matters(exact_result, rate):
    plan = ai.simulate.Plan(duration_s=120.0, sampling_rate=rate, terrain="uneven", mounts="random")
    result = ai.analyze(ai.simulate.walk(plan, seed=11)[0])
    assert abs(len(result.strides) - len(exact_result.strides)) <= 2
    for leg in frames.LEGS:
        for column, tolerance in (("range_stance_deg", 0.5), ("df_range_deg", 1.0), ("stride_time_s", 0.005)):
            values = [
                r.strides.loc[(r.strides["leg"] == leg) & r.strides["accepted"], column].median()
                for r in (exact_result, result)
            ]
            assert values[0] == pytest.approx(values[1], abs=tolerance), (leg, column)


def test_analysis_is_deterministic(exact_walk, exact_result):
    again = ai.analyze(exact_walk[0])
    assert largest_difference(exact_result, again, [("left", "left"), ("right", "right")]) == 0.0
    assert again.strides.equals(exact_result.strides)
