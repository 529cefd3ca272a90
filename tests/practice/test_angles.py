"""Ankle angles from gravity, by hand, against the joint coordinate system and against scipy."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ankle_imu import frames
from ankle_imu.practice.angles import ankle_from_gravity, tilt_change

UP = np.array([0.0, 0.0, 1.0])


def seen(rotation: Rotation) -> np.ndarray:
    """Up direction in a body's frame."""
    return np.atleast_2d(rotation.inv().apply(UP))


def deg(*pair: np.ndarray) -> list[float]:
    return [float(np.degrees(a[0])) for a in pair]


def test_toes_up_is_dorsiflexion_and_medial_edge_up_inversion():
    np.testing.assert_allclose(
        deg(*ankle_from_gravity(seen(Rotation.from_euler("y", -20, degrees=True)), UP)), [20, 0]
    )
    tipped = seen(Rotation.from_euler("x", 15, degrees=True))
    np.testing.assert_allclose(deg(*ankle_from_gravity(tipped, UP)), [0, 15], atol=1e-9)


angles = st.floats(-60.0, 60.0)
small = st.floats(-30.0, 30.0)


@given(flexion=angles, inversion=st.floats(-45.0, 45.0), pitch=small, tilt=st.floats(-20.0, 20.0), heading=angles)
def test_exact_for_any_shank_without_rotation(flexion, inversion, pitch, tilt, heading):
    shank = Rotation.from_euler("ZYX", [heading, pitch, tilt], degrees=True)
    foot = shank * Rotation.from_euler("YX", [-flexion, inversion], degrees=True)
    up = seen(foot)
    if np.hypot(up[0, 1], up[0, 2]) < 0.4:
        return
    if up[0, 2] < 0.05:
        return  # the foot stands on its edge: which of two poses it is, gravity does not tell
    found = ankle_from_gravity(up, seen(shank))
    np.testing.assert_allclose(deg(*found), [flexion, inversion], atol=1e-6)


def test_kneeling_is_no_special_case():
    shank = Rotation.from_euler("y", 85, degrees=True)
    foot = shank * Rotation.from_euler("YX", [55, 6], degrees=True)
    np.testing.assert_allclose(deg(*ankle_from_gravity(seen(foot), seen(shank))), [-55, 6], atol=1e-9)


def test_a_steep_foot_hides_its_inversion_and_keeps_its_flexion():
    flexion, inversion = ankle_from_gravity(seen(Rotation.from_euler("y", 75, degrees=True)), UP)
    assert np.isnan(inversion[0])
    np.testing.assert_allclose(np.degrees(flexion[0]), -75)


@given(action=st.sampled_from([(-45.0, 0.0), (15.0, 0.0), (0.0, 30.0), (0.0, -15.0)]), turn=st.floats(-10.0, 10.0))
def test_a_turned_foot_shortens_its_own_action_by_less_than_two_percent(action, turn):
    foot = Rotation.from_euler("YXZ", [-action[0], action[1], turn], degrees=True)
    joint = frames.joint_angles(np.roll(foot.as_quat(), 1))
    np.testing.assert_allclose(np.degrees(joint[:2]), action, atol=1e-9)
    found = deg(*ankle_from_gravity(seen(foot), UP))
    main = int(np.argmax(np.abs(action)))
    assert abs(found[main] - action[main]) <= 0.02 * abs(action[main])


def test_tilt_change_is_the_angle_between_two_verticals():
    ups = np.concatenate([seen(Rotation.from_euler("x", a, degrees=True)) for a in (0.0, 7.0, 180.0)])
    np.testing.assert_allclose(np.degrees(tilt_change(ups, UP)), [0.0, 7.0, 180.0], atol=1e-9)
