import numpy as np
import pytest

from ankle_imu import frames
from ankle_imu import quaternion as qt
from ankle_imu.orientation import ankle_angles

UP = np.array([0.0, 0.0, 1.0])


def deg(x):
    return np.degrees(x)


def up_in_segment(rotation_vector_deg):
    """Up direction seen from a segment turned out of the upright pose by this rotation vector."""
    return qt.rotate(qt.conjugate(qt.from_rotation_vector(np.radians([rotation_vector_deg]))), UP)


def test_raised_medial_edge_of_a_right_foot_is_positive_tilt():
    # The medial edge of a right foot is its left side (+y); turning about +x lifts it.
    tilt, pitch = frames.foot_angles_from_up(up_in_segment([10.0, 0.0, 0.0]))
    assert (deg(tilt[0]), deg(pitch[0])) == pytest.approx((10.0, 0.0), abs=1e-9)


def test_toe_up_is_positive_pitch():
    tilt, pitch = frames.foot_angles_from_up(up_in_segment([0.0, -15.0, 0.0]))
    assert (deg(tilt[0]), deg(pitch[0])) == pytest.approx((0.0, 15.0), abs=1e-9)


def test_knee_lateral_and_forward_are_positive_for_the_shank():
    # Right leg: lateral is -y; turning about +x tips the upper end to -y, about +y tips it forward.
    assert deg(frames.shank_angles_from_up(up_in_segment([8.0, 0.0, 0.0]))[0][0]) == pytest.approx(8.0)
    assert deg(frames.shank_angles_from_up(up_in_segment([0.0, 12.0, 0.0]))[1][0]) == pytest.approx(12.0)


@pytest.mark.parametrize(
    ("vector", "expected"),
    [([20, 0, 0], (0, 20, 0)), ([0, -20, 0], (20, 0, 0)), ([0, 0, 20], (0, 0, 20)), ([-5, 0, 0], (0, -5, 0))],
)
def test_joint_angles_of_single_rotations(vector, expected):
    foot = qt.from_rotation_vector(np.radians([vector]))
    found = [deg(a[0]) for a in ankle_angles(foot, [[1.0, 0, 0, 0]], "right")]
    assert found == pytest.approx(expected, abs=1e-9)


def test_left_ankle_mirrors_the_right_one():
    # A left foot whose medial edge (now -y) is up has turned about -x; toe-in is about -z.
    foot = qt.from_rotation_vector(np.radians([[-20.0, 0.0, 0.0]]))
    assert deg(ankle_angles(foot, [[1.0, 0, 0, 0]], "left")[1][0]) == pytest.approx(20.0)
    foot = qt.from_rotation_vector(np.radians([[0.0, 0.0, -10.0]]))
    assert deg(ankle_angles(foot, [[1.0, 0, 0, 0]], "left")[2][0]) == pytest.approx(10.0)
    foot = qt.from_rotation_vector(np.radians([[0.0, -10.0, 0.0]]))
    assert deg(ankle_angles(foot, [[1.0, 0, 0, 0]], "left")[0][0]) == pytest.approx(10.0)


def test_joint_angles_compose_as_intrinsic_y_x_z():
    rng = np.random.default_rng(1)
    df, inv, rot = rng.uniform(-0.6, 0.6, (3, 50))
    zero = np.zeros(50)
    foot = qt.multiply(
        qt.from_rotation_vector(np.stack([zero, -df, zero], axis=1)),
        qt.multiply(qt.from_rotation_vector(np.stack([inv, zero, zero], axis=1)), qt.about_z(rot)),
    )
    found = frames.joint_angles(foot)
    assert np.allclose(found, [df, inv, rot], atol=1e-12)


def test_joint_angles_do_not_depend_on_a_common_heading():
    rng = np.random.default_rng(2)
    foot, shank = (qt.from_rotation_vector(rng.uniform(-0.5, 0.5, (20, 3))) for _ in range(2))
    turn = qt.about_z(1.234)
    plain = ankle_angles(foot, shank, "left")
    turned = ankle_angles(qt.multiply(turn, foot), qt.multiply(turn, shank), "left")
    assert np.allclose(plain, turned, atol=1e-12)


def test_unknown_side_and_placement_are_refused():
    with pytest.raises(ValueError, match="side must be"):
        ankle_angles(np.ones((1, 4)), np.ones((1, 4)), "both")
    with pytest.raises(ValueError, match="Unknown placement"):
        frames.check_placement("left_hand")


@pytest.mark.parametrize(
    ("foot", "words"),
    [(np.full((2, 4), 2.0), "unit quaternions"), (np.zeros((2, 4)), "unit"), (np.ones((2, 3)), "shape")],
)
def test_joint_angles_refuse_what_is_no_rotation(foot, words):
    with pytest.raises(ValueError, match=words):
        ankle_angles(foot, [[1.0, 0, 0, 0]], "left")
