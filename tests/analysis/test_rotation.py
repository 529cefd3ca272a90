import numpy as np
import pytest

from ankle_imu.analysis.leg import about_stride_mean
from ankle_imu.gait.strides import Strides


def strides(ic, end):
    ic, end = np.array(ic, dtype=float), np.array(end, dtype=float)
    flat = np.round(ic).astype(np.int64)
    return Strides(ic=ic, to=0.5 * (ic + end), end=end, flat=flat, next_flat=flat, flat_score=np.zeros(len(ic)))


def test_each_stride_has_its_own_mean_taken_off():
    rotation = np.concatenate([np.full(10, 3.0), [1.0, 5.0] * 5, [-4.0, -2.0] * 5, np.full(10, 7.0)])
    seen = about_stride_mean(rotation, strides([9.5, 20.0], [20.0, 30.0]))
    assert seen[10:30] == pytest.approx([-2.0, 2.0] * 5 + [-1.0, 1.0] * 5)
    assert seen[[0, -1]] == pytest.approx([3.0 - 3.0, 7.0 + 3.0])


def test_without_strides_there_is_no_mean():
    assert np.isnan(about_stride_mean(np.zeros(5), strides([], []))).all()
