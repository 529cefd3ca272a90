"""Faults: what each does to a recording, by hand; what it must leave alone."""

from __future__ import annotations

import numpy as np
import pytest

from ankle_imu import quaternion, simulate
from ankle_imu.simulate.faults import FAULTS, apply_fault, faults_for
from ankle_imu.simulate.mounting import SLIP_S, random_turn, slipped
from ankle_imu.units import DEGREE, STANDARD_GRAVITY

ONE_SENSOR = sorted(set(FAULTS) - {"left_right_swapped", "feet_swapped", "foot_shank_swapped"})


@pytest.fixture(scope="module")
def recording():
    plan = simulate.Plan(duration_s=30.0, movements=False, errors="typical", sampling_rate=104.0, loss=0.01)
    return simulate.walk(plan, seed=3)[0]


def test_swaps_exchange_what_their_names_say(recording):
    series = recording.series
    for name, pairs in {
        "left_right_swapped": {"left_foot": "right_foot", "right_shank": "left_shank"},
        "feet_swapped": {"left_foot": "right_foot", "right_foot": "left_foot", "left_shank": "left_shank"},
        "foot_shank_swapped": {"right_foot": "right_shank", "right_shank": "right_foot", "left_foot": "left_foot"},
    }.items():
        found = apply_fault(recording, name, placement="right_foot" if name == "foot_shank_swapped" else "")
        assert list(found.series) == list(series)
        for old, new in pairs.items():
            assert found.series[new] is series[old]
            assert found.loss[new] is recording.loss[old]
            info = found.session.sensors[new]
            assert info.serial == recording.session.sensors[old].serial
            assert info.mount_site == recording.session.sensors[new].mount_site


@pytest.mark.parametrize("name", ONE_SENSOR)
def test_one_sensor_alone_has_the_fault(recording, name):
    found = apply_fault(recording, name, placement="left_shank")
    for placement, series in recording.series.items():
        assert (found.series[placement] is series) == (placement != "left_shank")
    before, after = recording.series["left_shank"], found.series["left_shank"]
    assert np.array_equal(before.is_valid, after.is_valid)
    assert np.array_equal(before.time, after.time)
    again = apply_fault(recording, name, placement="left_shank")
    assert np.array_equal(after.acc, again.series["left_shank"].acc, equal_nan=True)


def test_upside_down_turns_gravity_over_and_keeps_the_motion(recording):
    before = recording.series["left_foot"]
    after = apply_fault(recording, "upside_down", placement="left_foot").series["left_foot"]
    up = np.nanmedian(before.acc, axis=0)
    # half a turn about a level axis: up becomes down
    assert np.nanmedian(after.acc, axis=0) @ up / (up @ up) == pytest.approx(-1.0, abs=0.02)
    assert np.allclose(np.linalg.norm(after.gyr, axis=1), np.linalg.norm(before.gyr, axis=1), equal_nan=True)


def test_a_slip_turns_the_readings_by_what_the_gyroscope_saw():
    time = np.arange(0.0, 4.0, 1e-3)
    acc, gyr = np.tile([0.0, 0.0, STANDARD_GRAVITY], (len(time), 1)), np.zeros((len(time), 3))
    turn = np.array([0.0, 10.0 * DEGREE, 0.0])
    a, w = slipped(acc, gyr, time, at=2.0, turn=turn)
    assert np.array_equal(a[time < 2.0], acc[time < 2.0])
    assert w.sum(axis=0) * 1e-3 == pytest.approx(turn, abs=1e-6)
    # turned by 10 deg about y the sensor sees up lean towards its -x
    late = [-STANDARD_GRAVITY * np.sin(turn[1]), 0.0, STANDARD_GRAVITY * np.cos(turn[1])]
    assert a[time > 2.0 + SLIP_S] == pytest.approx(np.tile(late, ((time > 2.0 + SLIP_S).sum(), 1)))
    assert np.linalg.norm(random_turn(0.3, np.random.default_rng(1))) == pytest.approx(0.3)


def test_slips_start_in_mid_walk_and_are_10_to_20_degrees(recording):
    before = recording.series["left_foot"]
    for seed in range(5):
        after = apply_fault(recording, "slipped", placement="left_foot", seed=seed).series["left_foot"]
        same = np.isclose(after.acc, before.acc, equal_nan=True).all(axis=1)
        assert 0.44 < same.mean() < 0.66
        late = np.flatnonzero(before.is_valid & (before.time > 0.75 * before.time[-1]))
        a, b = (v[late] / np.linalg.norm(v[late], axis=1, keepdims=True) for v in (before.acc, after.acc))
        turned = np.degrees(np.arccos(np.clip((a * b).sum(axis=1), -1.0, 1.0)).max())
        assert 8.0 < turned < 20.1


def test_a_bag_is_shaken_while_its_owner_walks_and_has_no_gait(recording):
    before = recording.series["left_foot"]
    bag = apply_fault(recording, "in_a_bag", placement="left_foot").series["left_foot"]
    lying = apply_fault(recording, "left_lying", placement="left_foot").series["left_foot"]
    walking = (before.time > 5.0) & (before.time < 25.0) & before.is_valid
    assert 1.0 < bag.acc[walking].std(axis=0).max() < 6.0
    assert 5.0 < np.linalg.norm(bag.gyr[walking], axis=1).max() / DEGREE < 120.0
    assert np.nanstd(np.linalg.norm(lying.acc, axis=1)) < 0.05
    assert np.nanmax(np.abs(lying.gyr)) < 1.0 * DEGREE


def test_a_bag_is_one_rigid_motion():
    """Its gyroscope leads from the first direction of gravity to the last one."""
    whole, _ = simulate.walk(simulate.Plan(duration_s=20.0, movements=False, placements=("left_foot",)))
    series = apply_fault(whole, "in_a_bag").series["left_foot"]
    assert np.ptp(series.acc, axis=0).max() > 4.0
    q = np.array([1.0, 0.0, 0.0, 0.0])
    for rate in series.gyr - 0.3 * DEGREE:
        q = quaternion.multiply(q, quaternion.from_rotation_vector(rate / series.sampling_rate))
    seen = series.acc[-20:].mean(axis=0)
    carried = quaternion.rotate(quaternion.conjugate(q), series.acc[:20].mean(axis=0))
    cosine = seen @ carried / np.linalg.norm(seen) / np.linalg.norm(carried)
    assert np.degrees(np.arccos(cosine)) < 1.0


def test_units_and_ranges(recording):
    before = recording.series["right_foot"]

    def after(name, seed=1):
        return apply_fault(recording, name, placement="right_foot", seed=seed).series["right_foot"]

    assert np.allclose(after("gyr_in_degrees").gyr * DEGREE, before.gyr, equal_nan=True)
    assert np.allclose(after("acc_in_g").acc * STANDARD_GRAVITY, before.acc, equal_nan=True)
    for name, kind in (("gyr_range_wrong", "gyr"), ("acc_range_wrong", "acc")):
        size = np.nanmax(np.abs(getattr(before, kind)))
        ratios = {float(np.nanmax(np.abs(getattr(after(name, s), kind))) / size) for s in range(20)}
        assert ratios == {0.5, 2.0}
    assert np.nanmax(np.abs(after("gyr_range_too_small").gyr)) == pytest.approx(250.0 * DEGREE)


def test_only_what_the_sensors_allow(recording):
    assert faults_for(recording) == tuple(FAULTS)
    alone = simulate.walk(simulate.Plan(duration_s=12.0, movements=False, placements=("left_foot",)))[0]
    assert set(FAULTS) - set(faults_for(alone)) == {"feet_swapped", "foot_shank_swapped"}
    for name, placement, word in (
        ("feet_swapped", "", "takes other sensors"),
        ("in_a_bag", "right_foot", "cannot concern"),
        ("forgotten", "", "Unknown fault"),
    ):
        with pytest.raises(ValueError, match=word):
            apply_fault(alone, name, placement=placement)
