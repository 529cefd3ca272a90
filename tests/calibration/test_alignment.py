import numpy as np
import pytest

from ankle_imu.calibration import alignment as al
from ankle_imu.calibration.rest import bias_over_time, find_rests
from ankle_imu.gait.filters import runs

RATE = 100.0
UP = np.array([0.0, 0.0, 1.0])


def tapping(axis, count=8, height_deg=15.0, scatter_deg=0.0, seed=0):
    """Pitch (toe-up, rad) and rate of a foot that taps: each tap turns about `axis`, give or take some yaw."""
    rng = np.random.default_rng(seed)
    pitch, rate = [np.zeros(200)], [np.zeros((200, 3))]
    for _ in range(count):
        t = np.arange(100) / RATE
        lift = np.radians(height_deg) * np.sin(np.pi * t) ** 2
        a = np.radians(rng.normal(0.0, scatter_deg))
        turned = np.array(
            [axis[0] * np.cos(a) - axis[1] * np.sin(a), axis[0] * np.sin(a) + axis[1] * np.cos(a), axis[2]]
        )
        pitch.append(lift)
        rate.append(-np.gradient(lift, 1 / RATE)[:, None] * turned)  # toe-up is negative about the left axis
    return np.concatenate([*pitch, np.zeros(200)]), np.concatenate([*rate, np.zeros((200, 3))])


def test_taps_give_the_left_pointing_axis():
    axis = np.array([0.2, 0.98, 0.0]) / np.hypot(0.2, 0.98)
    taps = al.find_taps(*tapping(axis), UP, RATE)
    assert taps.count == 8
    assert taps.problem == ""
    assert taps.axis == pytest.approx(axis, abs=1e-6)


def test_few_or_scattered_taps_are_named():
    assert "only 2 toe taps" in al.find_taps(*tapping(np.array([0.0, 1.0, 0.0]), count=2), UP, RATE).problem
    scattered = al.find_taps(*tapping(np.array([0.0, 1.0, 0.0]), scatter_deg=20.0, seed=3), UP, RATE)
    assert "different directions" in scattered.problem


def test_heel_lifts_are_no_taps():
    pitch, gyr = tapping(np.array([0.0, 1.0, 0.0]))
    assert al.find_taps(-pitch, -gyr, UP, RATE).count == 0
    assert al.find_taps(np.zeros(0), np.zeros((0, 3)), UP, RATE).count == 0


def test_frames_turn_the_right_way():
    frame = al.frame_from(UP, np.array([0.0, 2.0, 0.5]))
    assert np.allclose(frame, np.eye(3))
    turned = al.turn_about_z(frame, np.radians(10.0))
    assert np.degrees(al.yaw_between(turned[1], frame)) == pytest.approx(10.0)
    assert turned[0] == pytest.approx([np.cos(np.radians(10)), np.sin(np.radians(10)), 0.0])


def noisy_rest(seconds, bias=(0.01, -0.004, 0.002), seed=1):
    rng = np.random.default_rng(seed)
    n = round(seconds * RATE)
    return rng.normal(0, 0.02, (n, 3)) + 9.8 * UP, rng.normal(0, 0.002, (n, 3)) + bias


def test_rest_shows_bias_and_gravity():
    acc, gyr = noisy_rest(4.0)
    acc[:100], gyr[:100] = acc[:100] + 3.0, gyr[:100] * 200.0
    rests = find_rests(acc, gyr, RATE)
    assert len(rests) == 1
    assert rests.start[0] == 100
    assert rests.gyr[0] == pytest.approx([0.01, -0.004, 0.002], abs=4e-4)
    assert np.linalg.norm(rests.acc[0]) == pytest.approx(9.8, abs=0.01)


def test_a_slow_turn_and_a_short_pause_are_no_rest():
    acc, gyr = noisy_rest(4.0, bias=(0.0, 0.0, 0.2))
    assert len(find_rests(acc, gyr, RATE)) == 0
    assert len(find_rests(*noisy_rest(1.2), RATE)) == 0
    assert len(find_rests(np.zeros((3, 3)), np.zeros((3, 3)), RATE)) == 0


def test_bias_is_linear_between_rests_and_held_beyond():
    acc, gyr = noisy_rest(10.0)
    gyr[:300] = [0.01, 0.0, 0.0]
    gyr[300:700] = np.random.default_rng(2).normal(0, 1, (400, 3))
    gyr[700:] = [0.03, 0.0, 0.0]
    rests = find_rests(acc, gyr, RATE)
    bias = bias_over_time(rests, 1000)[:, 0]
    assert bias[0] == pytest.approx(0.01, abs=1e-6)
    assert bias[500] == pytest.approx(0.02, abs=1e-3)
    assert bias[-1] == pytest.approx(0.03, abs=1e-6)
    assert np.array_equal(bias_over_time(find_rests(acc[:50], gyr[:50], RATE), 50), np.zeros((1, 3)))
    assert runs(np.zeros(0, dtype=bool))[0].size == 0
