import numpy as np
import pytest

from ankle_imu import quaternion as qt
from ankle_imu.orientation import heading

RATE = 52.0
GRAVITY = np.array([0.0, 0.0, 9.81])
FOOT_LEVER, SHANK_LEVER = np.array([0.05, -0.01, -0.04]), np.array([0.01, 0.02, -0.12])


def smooth_rotation(rng, n):
    """Orientation (n, 4) and rate (n, 3) of a smoothly turning body, from a fine integration."""
    fine = 40
    t = np.arange(n * fine) / (RATE * fine)
    amplitude, phase = rng.uniform(2.0, 5.0, (3, 2)), rng.uniform(0, 6, (3, 2))
    gyr = np.stack(
        [
            (amplitude[k] * np.sin(2 * np.pi * np.array([0.9, 1.7]) * t[:, None] + phase[k])).sum(axis=1)
            for k in range(3)
        ],
        axis=1,
    )
    dot = np.stack(
        [
            (
                amplitude[k]
                * 2
                * np.pi
                * np.array([0.9, 1.7])
                * np.cos(2 * np.pi * np.array([0.9, 1.7]) * t[:, None] + phase[k])
            ).sum(axis=1)
            for k in range(3)
        ],
        axis=1,
    )
    middle = 0.5 * (gyr[:-1] + gyr[1:]) / (RATE * fine)
    steps = qt.from_rotation_vector(middle)
    quat = np.empty((len(t), 4))
    quat[0] = [1.0, 0.0, 0.0, 0.0]
    for k in range(1, len(t)):
        quat[k] = qt.multiply(quat[k - 1], steps[k - 1])
    return qt.normalize(quat)[::fine], gyr[::fine], dot[::fine]


def two_sensors(delta, seed=3, n=1200):
    """Foot and shank sensor round one moving ankle centre; the shank's earth is turned by `delta`."""
    rng = np.random.default_rng(seed)
    t = np.arange(n) / RATE
    centre = np.stack(
        [4 * np.sin(2 * np.pi * t), 2 * np.cos(2 * np.pi * 1.3 * t), 3 * np.sin(2 * np.pi * 2.1 * t)], 1
    )
    motions = []
    for lever, turn in ((FOOT_LEVER, 0.0), (SHANK_LEVER, delta)):
        quat, gyr, dot = smooth_rotation(rng, n)
        arm = np.cross(dot, lever) + np.cross(gyr, np.cross(gyr, lever))
        acc = qt.rotate(qt.conjugate(quat), centre + GRAVITY) - arm
        seen = qt.multiply(qt.about_z(turn), quat)
        motions.append(heading.Motion(quat=seen, acc=acc, gyr=gyr, gyr_dot=dot))
    return motions


@pytest.mark.parametrize("delta_deg", [-170.0, -20.0, 0.0, 75.0])
def test_heading_and_levers_are_found(delta_deg):
    foot, shank = two_sensors(np.radians(delta_deg))
    start = np.arange(0, 1150, 52)
    found = heading.couple(foot, shank, start, start + 52, (9.81, 9.81))
    error = np.degrees(np.angle(np.exp(1j * (found.delta - np.radians(delta_deg)))))
    assert np.abs(error).max() < 0.5
    assert found.coherence.min() > 0.999
    assert found.foot_lever == pytest.approx(FOOT_LEVER, abs=0.004)
    assert found.shank_lever == pytest.approx(SHANK_LEVER, abs=0.004)


def test_sensors_of_different_people_do_not_cohere():
    foot, _ = two_sensors(0.0, seed=3)
    rng = np.random.default_rng(8)
    stranger = heading.Motion(
        quat=foot.quat, acc=rng.normal(0, 5, foot.acc.shape) + GRAVITY, gyr=foot.gyr, gyr_dot=foot.gyr_dot
    )
    start = np.arange(0, 1150, 52)
    found = heading.couple(foot, stranger, start, start + 52, (9.81, 9.81))
    assert np.median(found.coherence) < 0.8


def test_no_strides_give_an_empty_answer():
    foot, shank = two_sensors(0.0, n=60)
    none = np.empty(0, np.int64)
    assert len(heading.couple(foot, shank, none, none, (9.81, 9.81)).delta) == 0


def test_smoothing_unwraps_and_ignores_one_outlier():
    angles = np.array([3.1, -3.1, 3.12, 3.11, -3.12, 0.3, 3.1])
    smooth = heading.smooth_angles(angles, 5)
    assert np.all(np.abs(np.angle(np.exp(1j * (smooth - np.pi)))) < 0.1)


def test_smoothing_does_not_reach_across_a_restart():
    angles, run = np.array([0.1, 0.1, 0.1, 2.0, 2.0]), np.array([0, 0, 0, 1, 1])
    assert heading.smooth_angles(angles, 9, run) == pytest.approx(angles)
