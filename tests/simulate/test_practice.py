"""The simulated practice session: its readings fit its motion, its truth its definitions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ankle_imu import frames
from ankle_imu import quaternion as qt
from ankle_imu.mobility import PracticeSettings
from ankle_imu.simulate.practice import Exercise, PracticePlan, full_routine, practise
from ankle_imu.simulate.practice.truth import holds_in
from ankle_imu.units import STANDARD_GRAVITY

EXACT = PracticePlan(exercises=full_routine(), mounts="aligned", sampling_rate=200.0, legs=("right",))


@pytest.fixture(scope="module")
def exact():
    return practise(EXACT, seed=3)


@pytest.mark.parametrize("segment", ["foot", "shank"])
def test_rates_are_the_derivative_of_the_orientation(exact, segment):
    recording, truth = exact
    q = truth.orientation[f"right_{segment}"]
    turned = qt.to_rotation_vector(qt.multiply(qt.conjugate(q[:-2]), q[2:])) * 100.0
    assert np.abs(turned - recording.series[f"right_{segment}"].gyr[1:-1]).max() < 0.01


def test_a_still_sensor_feels_gravity_alone(exact):
    recording, truth = exact
    pose = (truth.time > 1.5) & (truth.time < 5.5)
    for series in recording.series.values():
        np.testing.assert_allclose(np.linalg.norm(series.acc[pose], axis=1), STANDARD_GRAVITY, atol=1e-9)


def test_the_ankle_is_one_point_for_both_sensors(exact):
    """The specific force of the ankle centre, computed from each sensor in turn, is the same."""
    from ankle_imu.simulate.practice.leg import FOOT_SENSOR, SHANK_SENSOR

    recording, truth = exact
    force = {}
    for segment, arm in (("foot", FOOT_SENSOR), ("shank", SHANK_SENSOR)):
        one = recording.series[f"right_{segment}"]
        bend = np.gradient(one.gyr, one.time, axis=0)
        at_ankle = one.acc - np.cross(bend, arm) - np.cross(one.gyr, np.cross(one.gyr, arm))
        force[segment] = qt.rotate(truth.orientation[f"right_{segment}"], at_ankle)
    seated = truth.time < next(b.start_s for b in truth.blocks if b.position == "standing") - 3.0
    apart = np.abs(force["foot"] - force["shank"])[seated]
    assert np.percentile(apart, 99.0) < 0.05
    assert np.ptp(force["foot"][seated], axis=0).max() > 0.5


def test_seated_the_wanted_angles_are_the_joint_s(exact):
    _, truth = exact
    q = qt.multiply(qt.conjugate(truth.orientation["right_shank"]), truth.orientation["right_foot"])
    flexion, inversion, _ = np.degrees(frames.joint_angles(q))
    seated = truth.time < next(b.start_s for b in truth.blocks if b.position == "standing") - 3.0
    for found, name in ((flexion, "flexion"), (inversion, "inversion")):
        assert np.abs(found - truth.angles["right"][name])[seated].max() < 0.6  # the tremor, which is not wanted


def test_same_seed_same_session_and_the_other_leg_is_its_mirror_image():
    plan = PracticePlan(
        exercises=(Exercise(kind="neutral"), Exercise(kind="rom", action="inversion")), errors="none", loss=0.01
    )
    left, _ = practise(plan, 5)
    again, _ = practise(plan, 5)
    right, _ = practise(replace(plan, legs=("right",)), 5)
    for segment in plan.segments:
        a, b = left.series[f"left_{segment}"], right.series[f"right_{segment}"]
        np.testing.assert_array_equal(a.acc, again.series[f"left_{segment}"].acc)
        np.testing.assert_allclose(frames.mirror_acc(a.acc, "left"), b.acc, atol=1e-9)
        np.testing.assert_allclose(frames.mirror_gyr(a.gyr, "left"), b.gyr, atol=1e-9)


def test_truth_holds_by_hand():
    t = np.arange(0, 20, 0.01)
    angle = np.interp(t, [0, 1, 2, 8, 8.1, 9, 9.1, 14, 15, 20], [0, 0, 20, 20, 13, 13, 20, 20, 0, 0])
    never = np.zeros(len(t), dtype=bool)
    found = np.array(holds_in(t, angle, 20.0, never, PracticeSettings()))
    np.testing.assert_allclose(found[:, :2], [[2.0, 8.04], [9.1, 14.15]], atol=0.03)
    gone = (t > 4) & (t < 6)
    found = np.array(holds_in(t, angle, 20.0, gone, PracticeSettings()))
    np.testing.assert_allclose(found[:, :2], [[2.0, 4.0], [6.0, 8.04], [9.1, 14.15]], atol=0.03)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"kind": "rom"}, "action"),
        ({"kind": "dance"}, "kind"),
        ({"kind": "hold", "action": "inversion", "tremor_deg": 9.0}, "tremor_deg"),
    ],
)
def test_wrong_exercises_are_refused(change, word):
    with pytest.raises(ValueError, match=word):
        Exercise(**change)


def test_wrong_plans_are_refused():
    for change in ({"legs": ("middle",)}, {"segments": ()}, {"errors": "some"}, {"loss": 2.0}):
        with pytest.raises(ValueError, match=next(iter(change))):
            PracticePlan(exercises=(), **change)


@pytest.mark.parametrize("name", ["ranges_deg", "gaps_deg"])
def test_a_plan_that_lacks_a_range_says_which(name):
    with pytest.raises(ValueError, match=f"{name} lacks plantarflexion, "):
        PracticePlan(exercises=(Exercise(kind="neutral"),), **{name: {"dorsiflexion": 8.0}})
