"""Paths known in closed form: a foot that stands, swings over a known way, and stands again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu import quaternion as qt
from ankle_imu.gait.trajectory import SUDDEN, displacements, doubt, follow_path, gap_lengths, integrate, level
from ankle_imu.gait.zero_velocity import SENSOR_HEIGHT_M, rolling_velocity, zero_velocity

RATE = 200.0
G = 9.81
DOWN = np.array([0.0, 0.0, G])
STAND, SWING = 80, 160  # samples


def walk(steps, length=1.4, rise=0.0, clearance=0.1):
    """Acceleration without gravity (n, 3), position (n, 3) and standing (n,) of strides of one `length`.

    v = length / T (1 - cos(2 pi t / T)) forward, the height the same with `rise`, and a lift that comes back.
    """
    t = (np.arange(SWING) + 0.5) / SWING
    seconds = SWING / RATE
    swing = np.zeros((SWING, 3))
    swing[:, 0] = length * 2 * np.pi * np.sin(2 * np.pi * t) / seconds**2
    swing[:, 2] = rise * 2 * np.pi * np.sin(2 * np.pi * t) / seconds**2
    swing[:, 2] += clearance * 8 * np.pi**2 * np.cos(4 * np.pi * t) / seconds**2
    stand = np.zeros((STAND, 3))
    acc = np.concatenate([stand, *[part for _ in range(steps) for part in (swing, stand)]])
    still = np.concatenate(
        [np.ones(STAND, bool), np.tile(np.r_[np.zeros(SWING, bool), np.ones(STAND, bool)], steps)]
    )
    position = np.cumsum(np.cumsum(acc, axis=0), axis=0) / RATE**2
    return acc, position, still


def follow(acc, still, lost=None):
    none = np.zeros(len(acc), dtype=bool)
    return follow_path(acc + DOWN, np.zeros_like(acc), still, none if lost is None else lost, G, RATE)[1]


def test_displacement_of_a_known_move():
    # 1 m in 1 s with a sine-shaped speed, plus a constant acceleration error of 0.3 m/s^2.
    n = round(RATE)
    t = (np.arange(n) + 0.5) / RATE
    acc = np.zeros((n, 3))
    acc[:, 0] = 2 * np.pi * np.sin(2 * np.pi * t) + 0.3
    way = displacements(acc, np.array([0]), np.array([n]), RATE)
    assert way[0] == pytest.approx([1.0, 0.0, 0.0], abs=2e-3)


@pytest.mark.parametrize("rise", [0.0, 0.17, -0.17])
def test_a_known_walk_is_followed_up_and_down(rise):
    acc, position, still = walk(6, rise=rise)
    path = follow(acc, still)
    assert path == pytest.approx(position, abs=2e-3)
    assert path[-1, 2] == pytest.approx(6 * rise, abs=2e-3)  # nothing pulls the ground level


def test_clearance_is_seen():
    acc, _, still = walk(1, clearance=0.1)
    assert np.ptp(follow(acc, still)[:, 2]) == pytest.approx(0.1, abs=2e-3)


@given(st.floats(-3.0, 3.0), st.floats(-3.0, 3.0))
def test_a_tilted_earth_is_levelled(roll_deg, pitch_deg):
    acc, position, still = walk(8)
    askew = qt.from_rotation_vector(np.radians([[roll_deg, pitch_deg, 0.0]]))
    force = qt.rotate(np.repeat(askew, len(acc), axis=0), acc + DOWN)
    nobody = np.zeros(len(acc), dtype=bool)
    path = follow_path(force, np.zeros_like(acc), still, nobody, G, RATE)[1]
    # 3 deg left in would lift the end of 8 strides by 0.59 m; the height is right but for 1 % of that.
    assert path[-1, 2] == pytest.approx(position[-1, 2], abs=0.01)
    assert np.linalg.norm(path[-1, :2]) == pytest.approx(position[-1, 0], rel=0.002)


def test_without_strides_or_standing_nothing_is_levelled():
    force = np.tile([0.3, 0.0, G], (300, 1))
    never = np.zeros(300, dtype=bool)
    same = level(force, never, np.zeros((300, 3)), np.ones(300), np.zeros(300), G, RATE)
    assert same is force
    velocity, _ = integrate(force - DOWN, never, np.zeros((300, 3)), np.ones(300), RATE)
    assert velocity[-1] == pytest.approx([0.3 * 300 / RATE, 0.0, 0.0])


@given(st.floats(-np.pi, np.pi))
def test_the_heading_turns_the_path_and_nothing_else(heading):
    acc, _, still = walk(3, rise=0.1)
    acc[STAND + 100] += [30.0, 5.0, 90.0]  # an impact
    turn = np.repeat(qt.from_rotation_vector(np.array([[0.0, 0.0, heading]])), len(acc), axis=0)
    assert follow(qt.rotate(turn, acc), still) == pytest.approx(qt.rotate(turn, follow(acc, still)), abs=1e-9)


def test_an_impact_is_to_blame_for_what_the_velocity_is_off_by():
    acc, position, still = walk(4)
    at = STAND + SWING - 20 + (STAND + SWING) * np.arange(4)
    acc[at, 2] += 0.5 * RATE  # 0.5 m/s that was never there: 10 g in one sample
    path = follow(acc, still)
    # Spread over the swing, each would drive the foot down by 0.5 m/s x 0.8 s / 2 - 0.5 m/s x 0.1 s = 15 cm.
    assert np.abs(path[:, 2] - position[:, 2]).max() < 0.03


def test_doubt_by_hand():
    acc = np.zeros((6, 3))
    acc[3:, 0] = SUDDEN + 10.0
    gap = np.array([0.5, 0.0, 0.0, 0.0, 0.0, 0.05])
    variance = doubt(acc, gap)
    share = 0.13**2 + 0.01**2 * (SUDDEN + 10.0) ** 2
    most, filled = 0.13**2 + 20.0**2, 0.13**2 + 5.0**2
    assert variance == pytest.approx([most, 0.13**2, 0.13**2 + 1.0, share + 1.0, share, filled])


def test_gaps_by_hand():
    lost = np.array([True, False, True, True, False])
    assert gap_lengths(lost, RATE).tolist() == [0.005, 0.0, 0.01, 0.01, 0.0]


def test_what_a_gap_hid_is_put_into_the_gap():
    acc, position, still = walk(3)
    gap = np.zeros(len(acc), dtype=bool)
    gap[STAND + 30 : STAND + 50] = True
    true_end = position[-1, 0]
    acc[gap] = 0.0
    length = follow(acc, still, gap)[-1, 0]
    blind = follow(acc, still)[-1, 0]
    assert abs(length - true_end) < 0.3 * abs(blind - true_end)


def test_a_gap_may_have_turned_the_foot():
    acc, position, still = walk(8)
    lost = np.zeros(len(acc), dtype=bool)
    middle = STAND + 4 * (STAND + SWING) - STAND // 2
    lost[middle : middle + 30] = True
    tilt = np.zeros((len(acc), 3))
    tilt[middle + 15 :, 1] = 0.05  # what was lost had turned the foot by 3 deg more
    force = qt.rotate(qt.from_rotation_vector(tilt), acc + DOWN)
    path = follow(force - DOWN, still, lost)
    # Left in, it would bring 4 strides 28 cm too low or high.
    assert path[-1, 2] == pytest.approx(position[-1, 2], abs=0.05)


def test_rolling_toe_down_carries_the_sensor_forward():
    left = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 5.0]])
    assert rolling_velocity(left) == pytest.approx(
        np.array([[SENSOR_HEIGHT_M, 0.0, 0.0], [0.0, -SENSOR_HEIGHT_M, 0.0], [0.0, 0.0, 0.0]])
    )


def test_a_rolling_stance_does_not_shorten_the_stride():
    acc, _, still = walk(5)
    rate = np.where(still, 0.5, 0.0)[:, None] * [0.0, 1.0, 0.0]
    nobody = np.zeros(len(acc), dtype=bool)
    # The foot enters and leaves each swing at 4 cm/s: the accelerations between are the same.
    velocity, path = follow_path(acc + DOWN, rate, still, nobody, G, RATE)
    assert velocity[still] == pytest.approx(np.tile([0.5 * SENSOR_HEIGHT_M, 0.0, 0.0], (still.sum(), 1)))
    assert path[-1, 0] == pytest.approx(5 * 1.4 + 0.5 * SENSOR_HEIGHT_M * len(acc) / RATE, abs=0.01)


def standing_and_moving():
    """Two seconds: still in 0-0.5 s, 1.0-1.5 s; fast in between."""
    rng = np.random.default_rng(0)
    acc, gyr = rng.normal(0, 5, (400, 3)) + DOWN, rng.normal(0, 3, (400, 3))
    for part in (slice(0, 100), slice(200, 300)):
        acc[part], gyr[part] = DOWN, 0.0
    return acc, gyr


def test_the_landing_is_no_stillness():
    acc, gyr = standing_and_moving()
    still = zero_velocity(acc, gyr, RATE, G, (np.empty(0), np.empty(0)))
    assert still[:90].all()
    assert not still[:206][100:].any()  # the window of 60 ms, and half of it again
    assert still[215:290].all()
    assert not still[300:].any()


def test_every_stance_gets_an_instant_and_a_still_one_no_other():
    acc, gyr = standing_and_moving()
    gyr[150] = 0.0
    stances = (np.array([120.0, 190.0]), np.array([180.0, 310.0]))
    free, still = (
        zero_velocity(acc, gyr, RATE, G, (np.empty(0), np.empty(0))),
        zero_velocity(acc, gyr, RATE, G, stances),
    )
    extra = np.flatnonzero(still & ~free)
    assert len(extra) == 1
    assert 120 <= extra[0] < 180
