import numpy as np
import pytest

from ankle_imu import quaternion as qt
from ankle_imu.validation.datasets import read_cases
from ankle_imu.validation.recordings import score_case
from ankle_imu.validation.steps import marker_angles

FOOT = np.array([[-60.0, 0.0, 20.0], [120.0, 20.0, 20.0], [110.0, -40.0, 20.0]])
SHANK = np.array([[0.0, -35.0, 80.0], [5.0, 35.0, 85.0], [0.0, -45.0, 480.0], [0.0, 45.0, 480.0]])


def turned(markers, degrees):
    """Markers (m, 3) about the ankle (0, 0, 80), one row per rotation vector, deg; a tuple of (n, 3)."""
    quat = qt.from_rotation_vector(np.radians(degrees))
    ankle = np.array([0.0, 0.0, 80.0])
    return tuple(qt.rotate(quat, np.tile(m - ankle, (len(quat), 1))) + ankle for m in markers)


def test_marker_angles_are_those_of_the_foot_against_its_flat_pose():
    foot = turned(FOOT, [[0, 0, 0], [10, 0, 0], [0, -15, 0]])
    flexion, inversion = marker_angles(foot, turned(SHANK, np.zeros((3, 3))), np.array([0]))
    # a right foot's medial edge is its left one: up is inversion; toes up is dorsiflexion
    yaw = np.arctan2(-10.0, 175.0)
    assert inversion[:2] == pytest.approx(
        [0.0, np.degrees(np.arcsin(np.sin(np.radians(10.0)) * np.cos(yaw)))], abs=0.1
    )
    assert flexion[2] == pytest.approx(15.0, abs=0.1)


def test_a_leg_that_turns_as_a_whole_bends_no_joint():
    both = [[0, 0, 0], [0, 0, 40], [0, 25, 0]]
    flexion, inversion = marker_angles(turned(FOOT, both), turned(SHANK, both), np.array([0]))
    assert np.abs(flexion).max() < 1e-9
    assert np.abs(inversion).max() < 1e-9


def test_real_steps(shared):
    case = next(iter(read_cases("kam_steps", shared / "data")))
    rows = {row.quantity: row.value for row in score_case("kam_steps", case)}
    assert rows["inversion within a step, SD"] < 1.2
    assert rows["inversion within a step, r"] > 0.85
    assert rows["flexion within a step, r"] > 0.98
