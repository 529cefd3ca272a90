import numpy as np
import pytest

from ankle_imu.validation.foot_yaw import FootYaw, leave_one_out, score_foot_yaw

NAN = float("nan")


def foot(person, rise, way):
    return FootYaw(person=person, leg="left", rise=rise, way=way)


def test_a_persons_offsets_come_from_the_others_with_one_vote_each():
    feet = [foot("a", 4.0, 10.0), foot("b", 1.0, 6.0), foot("b", 3.0, 8.0), foot("c", 0.0, 5.0)]
    # a: rise against (2 + 0) / 2, progression against (7 + 5) / 2
    assert leave_one_out(feet)[0] == pytest.approx(0.5 * (3.0 + 4.0))
    assert leave_one_out(feet)[3] == pytest.approx(0.5 * (-3.0 - 3.5))


def test_a_missing_cue_leaves_the_other():
    feet = [foot("a", 4.0, NAN), foot("b", 1.0, 6.0), foot("c", 3.0, 8.0)]
    assert leave_one_out(feet)[0] == pytest.approx(2.0)


def test_a_common_offset_is_no_error():
    assert np.allclose(leave_one_out([foot(p, 5.0, 9.0) for p in "abc"]), 0.0)


def test_two_persons_prove_nothing(tmp_path):
    assert list(score_foot_yaw(tmp_path)) == []


def test_real_feet(shared):
    last = list(score_foot_yaw(shared / "data"))[-1]
    assert last.n >= 6
    assert last.value < 6.0


def test_the_sides_differ_by_their_progression_alone():
    """Heel rises 12 deg apart, the way walked the same: both feet come out alike."""
    left, right, *_ = leave_one_out([foot("a", -4.0, 6.0), foot("a", 8.0, 6.0), foot("b", 0, 0), foot("c", 0, 0)])
    assert left == pytest.approx(right) == pytest.approx(0.5 * (2.0 + 6.0))
