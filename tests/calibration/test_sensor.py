"""Six poses: what was put into the readings comes out again, and what cannot be told is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ankle_imu.calibration import store
from ankle_imu.calibration.sensor import OLDEST_DAYS, calibrate, correct, misfit
from ankle_imu.errors import CalibrationError, CorruptRecording, NotStill, UnknownFormatVersion
from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.values import ImuSeries, SensorCalibration, SensorInfo

RATE = 100.0
FACES = np.vstack([np.eye(3), -np.eye(3)])
EDGES = np.array([np.roll([a, b, 0], k) for k in range(3) for a in (-1, 1) for b in (-1, 1)])
MADE = {"serial": "7", "made_utc": "2026-11-01T09:00:00Z"}


def lying(poses: np.ndarray, read: np.ndarray = np.eye(3), offset: object = 0.0, bias: object = 0.0) -> ImuSeries:  # noqa: B008
    """2.5 s in each pose (k, 3), as a sensor reads them whose errors are given, with shaking between."""
    rng = np.random.default_rng(4)
    up = poses / np.linalg.norm(poses, axis=1, keepdims=True)
    acc, gyr = [], []
    for pose in up:
        acc += [np.tile(STANDARD_GRAVITY * pose, (250, 1)), rng.normal(0.0, 8.0, (60, 3))]
        gyr += [np.zeros((250, 3)), rng.normal(0.0, 2.0, (60, 3))]
    a = np.concatenate(acc) @ np.asarray(read).T + np.asarray(offset)
    w = np.concatenate(gyr) + np.asarray(bias)
    return ImuSeries(time=np.arange(len(a)) / RATE, acc=a, gyr=w, sampling_rate=RATE)


def test_by_hand() -> None:
    """x reads 2 % too much and 0.1 m/s^2 more, y 1 % too little, z is right."""
    found = calibrate(
        lying(FACES, np.diag([1.02, 0.99, 1.0]), [0.1, 0.0, 0.0], [0.0, 0.5 * DEGREE, 0.0]),
        **MADE,
        mount_site="instep",
    )
    assert found.acc_offset == pytest.approx([0.1, 0.0, 0.0], abs=1e-9)
    assert found.acc_matrix == pytest.approx(np.diag([1 / 1.02, 1 / 0.99, 1.0]), abs=1e-9)
    assert found.gyr_bias == pytest.approx([0.0, 0.5 * DEGREE, 0.0], abs=1e-9)
    assert (found.n_poses, found.mount_site) == (6, "instep")
    assert np.isnan(found.residual), "six numbers from six poses leave nothing to judge by"
    assert found.calibration_id == "7 2026-11-01T09:00:00Z"


small = st.floats(-0.03, 0.03)


@settings(max_examples=25)
@given(st.tuples(small, small, small), st.tuples(small, small, small), st.tuples(small, small, small))
def test_gravity_is_one_length_again(scale, cross, offset) -> None:
    """Faces and edges: offset, scale and cross-axis errors all come out, on poses that were not used too."""
    read = np.eye(3) + np.diag(scale)
    for value, (i, j) in zip(cross, ((0, 1), (0, 2), (1, 2)), strict=True):
        read[i, j] = read[j, i] = value
    errors = (read, STANDARD_GRAVITY * np.array(offset))
    found = calibrate(lying(np.vstack([FACES, EDGES]), *errors), **MADE)
    assert found.residual < 1e-6
    others = lying(np.array([[1.0, 1.0, 1.0], [0.2, -1.0, 0.5], [-1.0, 0.3, 0.1]]), *errors)
    held = correct(others, found).acc.reshape(3, 310, 3)[:, :250]
    assert np.linalg.norm(held, axis=2) == pytest.approx(STANDARD_GRAVITY, abs=1e-6)


@given(st.lists(st.tuples(st.floats(-0.15, 0.15), st.floats(-0.15, 0.15)), min_size=6, max_size=6))
@settings(max_examples=25)
def test_tilted_poses_do_no_harm(tilts) -> None:
    poses = np.array(
        [np.roll([*t, 0.0], k % 3 + 1) + face for k, (t, face) in enumerate(zip(tilts, FACES, strict=True))]
    )
    series = lying(poses, np.diag([1.02, 0.99, 1.01]), [0.1, -0.05, 0.02])
    held = correct(series, calibrate(series, **MADE)).acc.reshape(6, 310, 3)[:, :250]
    assert np.linalg.norm(held, axis=2) == pytest.approx(STANDARD_GRAVITY, abs=1e-6)


def test_poses_near_the_axes_show_no_cross_axis_errors() -> None:
    rng = np.random.default_rng(8)
    twice = np.vstack([FACES, FACES]) + rng.normal(0.0, 0.1, (12, 3))
    found = calibrate(lying(twice, np.diag([1.02, 0.99, 1.0])), **MADE)
    assert found.acc_matrix[~np.eye(3, dtype=bool)] == pytest.approx(0.0, abs=1e-12)
    assert found.residual < 1e-6, "there are poses to spare"


def test_missing_faces_are_named() -> None:
    with pytest.raises(CalibrationError, match="with -x, -z up"):
        calibrate(lying(np.delete(FACES, [3, 5], axis=0)), **MADE)


def test_a_sensor_that_was_never_laid_down() -> None:
    moving = lying(FACES)
    rng = np.random.default_rng(1)
    with pytest.raises(NotStill, match="never lay still"):
        calibrate(replace(moving, gyr=rng.normal(0.0, 1.0, moving.gyr.shape)), **MADE)
    with pytest.raises(NotStill):
        calibrate(replace(moving, acc=np.full_like(moving.acc, np.nan)), **MADE)


def test_errors_no_sound_sensor_has_are_refused() -> None:
    with pytest.raises(CalibrationError, match="range or unit"):
        calibrate(lying(FACES, 2.0 * np.eye(3)), **MADE)
    bent = lying(np.vstack([FACES, FACES]))
    acc = bent.acc.copy()
    acc[6 * 310 :] *= 1.03
    with pytest.raises(CalibrationError, match="something firm"):
        calibrate(replace(bent, acc=acc), **MADE)


def test_without_a_calibration_nothing_changes() -> None:
    series = lying(FACES)
    assert correct(series, None) is series


CALIBRATION = SensorCalibration(
    **MADE,
    mount_site="instep",
    acc_offset=np.array([0.1, 0.2, 0.3]),
    acc_matrix=np.eye(3),
    gyr_bias=np.zeros(3),
    residual=float("nan"),
    n_poses=6,
)
FOOT = SensorInfo(placement="left_foot", serial="7", mount_site="instep")


@pytest.mark.parametrize(
    ("sensor", "started", "reason"),
    [
        (FOOT, "2026-11-22T09:00:00Z", ""),
        (FOOT, "2026-10-22T09:00:00", ""),
        (replace(FOOT, mount_site=""), "2026-11-22T09:00:00Z", ""),
        (replace(FOOT, serial="8"), "2026-11-22T09:00:00Z", "made for the sensor 7, this one is 8"),
        (replace(FOOT, serial=""), "2026-11-22T09:00:00Z", "unknown"),
        (replace(FOOT, mount_site="heel"), "2026-11-22T09:00:00Z", "mount site instep, this session has heel"),
        (FOOT, "2028-01-01T00:00:00Z", f"{OLDEST_DAYS:.0f} are allowed"),
        (FOOT, "", "date is not known"),
    ],
)
def test_a_calibration_belongs_or_says_why_not(sensor, started, reason) -> None:
    told = misfit(CALIBRATION, sensor, started)
    assert reason in told
    assert bool(told) == bool(reason)


def test_json_and_back() -> None:
    back = store.from_json(json.loads(json.dumps(store.to_json(CALIBRATION), allow_nan=False)))
    assert store.to_json(back) == store.to_json(CALIBRATION)
    assert back.acc_offset.tolist() == [0.1, 0.2, 0.3]
    assert np.isnan(back.temperature_c)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"format_version": 99}, UnknownFormatVersion),
        ({"acc_matrix": [1, 2]}, CorruptRecording),
        ({"gyr_bias_radps": ["x", 0, 0]}, CorruptRecording),
        ({"n_poses": None}, CorruptRecording),
        ({"acc_offset_mps2": [float("nan"), 0, 0]}, CorruptRecording),
    ],
)
def test_spoilt_json_is_refused(change, error) -> None:
    with pytest.raises(error):
        store.from_json({**store.to_json(CALIBRATION), **change})
