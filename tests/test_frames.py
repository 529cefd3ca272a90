import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


ANGLE = st.floats(-1.2, 1.2)


@given(ANGLE, ANGLE)
def test_a_leaning_segment_has_the_angles_it_was_made_of(tilt, pitch):
    # tilt and pitch of one up direction: sin^2 + sin^2 <= 1, or there is no such direction
    if np.sin(tilt) ** 2 + np.sin(pitch) ** 2 > 0.99:
        return
    for make, take in (
        (frames.foot_from_angles, frames.foot_angles_from_up),
        (frames.shank_from_angles, frames.shank_angles_from_up),
    ):
        quat = make(np.array([tilt]), np.array([pitch]))
        found = take(qt.rotate(qt.conjugate(quat), UP))
        assert [float(a[0]) for a in found] == pytest.approx([tilt, pitch], abs=1e-9)
        forward = qt.rotate(quat, np.array([1.0, 0.0, 0.0]))[0]
        assert forward[1] == pytest.approx(0.0, abs=1e-12), "it heads along the earth's x axis"
        assert forward[0] > 0.0


@given(st.floats(-3.0, 3.0), st.floats(-1.5, 1.5), st.floats(-3.0, 3.0))
def test_a_foot_on_its_shank_has_the_angles_it_was_made_of(dorsiflexion, inversion, rotation):
    found = frames.joint_angles(frames.foot_on_shank([dorsiflexion], [inversion], [rotation]))
    assert [float(a[0]) for a in found] == pytest.approx([dorsiflexion, inversion, rotation], abs=1e-6)


def test_a_foot_on_its_shank_against_scipy():
    from scipy.spatial.transform import Rotation

    angles = np.random.default_rng(3).uniform(-0.8, 0.8, (50, 3))
    theirs = Rotation.from_euler("YXZ", angles * [-1.0, 1.0, 1.0]).as_matrix()
    np.testing.assert_allclose(qt.to_matrix(frames.foot_on_shank(*angles.T)), theirs, atol=1e-12)


def test_unknown_angles_make_unknown_orientations():
    assert np.isnan(frames.foot_from_angles([np.nan, 0.1], [0.0, np.nan])).all()
    assert np.isnan(frames.foot_on_shank([0.0, 0.1], [np.nan, 0.1], [0.0, np.nan])).all()
