import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from ankle_imu import quaternion as qt

angles = arrays(float, (5, 3), elements=st.floats(-3.0, 3.0))


def scipy_of(q):
    return Rotation.from_quat(np.asarray(q), scalar_first=True)


@given(angles, angles)
def test_product_and_rotation_agree_with_scipy(a, b):
    p, q = qt.from_rotation_vector(a), qt.from_rotation_vector(b)
    both = scipy_of(p) * scipy_of(q)
    assert np.allclose(qt.to_matrix(qt.multiply(p, q)), both.as_matrix(), atol=1e-12)
    v = np.arange(15.0).reshape(5, 3)
    assert np.allclose(qt.rotate(p, v), scipy_of(p).apply(v), atol=1e-9)


@given(angles)
def test_matrix_and_rotation_vector_round_trips(a):
    q = qt.from_rotation_vector(a)
    assert np.allclose(np.abs((qt.from_matrix(qt.to_matrix(q)) * q).sum(axis=1)), 1.0, atol=1e-12)
    again = qt.from_rotation_vector(qt.to_rotation_vector(q))
    assert np.allclose(np.abs((again * q).sum(axis=1)), 1.0, atol=1e-12)


def test_matrix_of_half_turns_is_stable():
    for axis in np.eye(3):
        matrix = 2.0 * np.outer(axis, axis) - np.eye(3)
        assert np.allclose(qt.to_matrix(qt.from_matrix(matrix)), matrix, atol=1e-12)


@given(angles, st.floats(-7.0, 7.0))
def test_short_cuts_equal_the_general_product(a, yaw):
    q = qt.from_rotation_vector(a)
    assert np.allclose(qt.turn_about_z(np.full(5, yaw), q), qt.multiply(qt.about_z(yaw), q), atol=1e-12)
    left, right = q[0], q[1]
    assert np.allclose(qt.between(left, q, right), qt.multiply(qt.multiply(left, q), right), atol=1e-12)


def test_quarter_turn_about_z_by_hand():
    q = qt.about_z(np.pi / 2)
    assert qt.rotate(q, [1.0, 0.0, 0.0]) == pytest.approx([0.0, 1.0, 0.0], abs=1e-15)
    assert qt.length(np.array([[3.0, 4.0, 0.0]])) == pytest.approx([5.0])


def test_a_long_series_is_its_rows():
    """Series are worked on in blocks; single factors are broadcast over all of them."""
    n = 2 * qt.BLOCK + 7
    random = np.random.default_rng(1)
    v, turn, angle = random.normal(size=(n, 3)), random.normal(size=(n, 3)), random.normal(size=n)
    q = qt.from_rotation_vector(turn)
    few = np.array([0, 1, qt.BLOCK - 1, qt.BLOCK, n - 1])
    one = qt.from_rotation_vector([0.1, 0.2, 0.3])
    for whole, rows in (
        (q, qt.from_rotation_vector(turn[few])),
        (qt.multiply(q, qt.conjugate(q[::-1])), qt.multiply(q[few], qt.conjugate(q[::-1][few]))),
        (qt.multiply(one, q), qt.multiply(one, q[few])),
        (qt.multiply(q, one[None]), qt.multiply(q[few], one)),
        (qt.rotate(q, v), qt.rotate(q[few], v[few])),
        (qt.rotate(q, [0.0, 0.0, 1.0]), qt.rotate(q[few], [[0.0, 0.0, 1.0]])),
        (qt.rotate(one, v), qt.rotate(one[None], v[few])),
        (qt.turn_about_z(angle, q), qt.multiply(qt.about_z(angle[few]), q[few])),
    ):
        assert np.allclose(whole[few], rows, atol=1e-14)
        assert np.isfinite(whole).all()
