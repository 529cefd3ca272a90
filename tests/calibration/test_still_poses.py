"""Offset of an accelerometer from the poses of a session: what they show, what not, and how sure that is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ankle_imu.calibration.sensor import calibrate
from ankle_imu.calibration.still_poses import OFFSET_SD_G, POSE_NOISE, SCALE_SD, fit_poses
from ankle_imu.units import STANDARD_GRAVITY
from ankle_imu.values import ImuSeries

RATE = 100.0
G = STANDARD_GRAVITY


def posed(ups: np.ndarray, offset: object = 0.0, read: np.ndarray = np.eye(3), seconds: int = 5) -> ImuSeries:  # noqa: B008
    """So many seconds in each pose (k, 3), as a sensor reads them whose errors are given, with 0.5 s between."""
    rng = np.random.default_rng(3)
    acc, gyr = [], []
    for up in ups / np.linalg.norm(ups, axis=1, keepdims=True):
        acc += [np.tile(G * up, (round(seconds * RATE), 1)), G * up + rng.normal(0.0, 3.0, (50, 3))]
        gyr += [np.zeros((round(seconds * RATE), 3)), rng.normal(0.0, 1.0, (50, 3)) + [2.0, 0.0, 0.0]]
    a = np.concatenate(acc) @ read.T + np.asarray(offset)
    return ImuSeries(time=np.arange(len(a)) / RATE, acc=a, gyr=np.concatenate(gyr), sampling_rate=RATE)


def cone(n: int, widest_deg: float, rng: np.random.Generator) -> np.ndarray:
    """Upright first, then poses up to so far from it, (n, 3), about an axis of their own."""
    away = np.radians(np.r_[0.0, rng.uniform(0.0, widest_deg, n - 2), widest_deg])
    turn = rng.uniform(0.0, 2.0 * np.pi, n)
    ups = np.stack([np.sin(away) * np.cos(turn), np.sin(away) * np.sin(turn), np.cos(away)], axis=1)
    return ups @ np.linalg.qr(rng.standard_normal((3, 3)))[0].T


def test_one_pose_by_hand():
    """Upright alone reads 20 mg too much: offset and scale share it by their variances; x and y stay unknown.

    One equation d = b + s (to first order): b = d B / (B + S + N), of the prior variances B and S and a pose's N,
    however long it lasts; what remains of the offset's variance is B - B^2 / (B + S + N).
    """
    found = fit_poses(posed(np.array([[0.0, 0.0, 1.0]]), [0.0, 0.0, 0.02 * G]))
    offset, scale, noise = OFFSET_SD_G**2, SCALE_SD**2, (POSE_NOISE / G) ** 2
    total = offset + scale + noise
    assert found.n_windows == 5
    assert found.offset / G == pytest.approx([0.0, 0.0, 0.02 * offset / total], abs=2e-4)
    assert found.offset_sd[:2] / G == pytest.approx([OFFSET_SD_G] * 2, rel=1e-3)
    assert found.offset_sd[2] / G == pytest.approx(np.sqrt(offset - offset**2 / total), rel=0.05)
    assert found.spread_deg == pytest.approx(0.0, abs=1e-3)


def test_all_faces_tell_what_a_calibration_tells():
    ups = np.vstack([np.eye(3), -np.eye(3)])
    series = posed(ups, [0.3, -0.2, 0.4], np.diag([1.004, 0.997, 1.0]))
    found = fit_poses(series)
    other = calibrate(series, serial="7", made_utc="2026-11-01T09:00:00Z")
    assert found.offset == pytest.approx(other.acc_offset, abs=0.001 * G)
    assert np.diag(found.matrix) == pytest.approx(np.diag(other.acc_matrix), abs=0.001)
    assert found.doubt_deg < 0.4 < found.prior_doubt_deg


def drawn(n: int):
    """Sensors with errors as the priors say, in cones of 40 deg: offsets by their sd; error, sd of the angle."""
    rng = np.random.default_rng(8)
    offsets, angles = [], []
    for _ in range(n):
        off = rng.normal(0.0, OFFSET_SD_G * G, 3)
        half = np.triu(rng.normal(0.0, SCALE_SD, (3, 3)), 1)
        read = np.eye(3) + half + half.T + np.diag(rng.normal(0.0, SCALE_SD, 3))
        ups = cone(8, 40.0, rng)
        series = posed(ups, off, read, seconds=3)
        found = fit_poses(series)
        offsets.append((found.offset - off) / found.offset_sd)
        ends = found.correct(series).acc[[50, -100]]
        ends /= np.linalg.norm(ends, axis=1, keepdims=True)
        bare = series.acc[[50, -100]] / np.linalg.norm(series.acc[[50, -100]], axis=1, keepdims=True)
        true = np.degrees(np.arccos(ups[0] @ ups[-1]))
        angles.append([np.degrees(np.arccos(x[0] @ x[1])) - true for x in (ends, bare)])
        angles[-1] += [found.doubt_deg, found.prior_doubt_deg]
    return np.array(offsets), np.array(angles)


def test_the_doubt_is_what_it_says():
    """Over 60 sensors: offsets and the widest angle miss by their own sigma, within what 60 draws allow."""
    offsets, angles = drawn(60)
    assert 0.8 < np.sqrt(np.mean(offsets**2)) < 1.2
    assert 0.75 < np.sqrt(np.mean((angles[:, 0] / angles[:, 2]) ** 2)) < 1.25
    assert 0.75 < np.sqrt(np.mean((angles[:, 1] / angles[:, 3]) ** 2)) < 1.25
    assert np.mean(angles[:, 2]) < 0.2 * np.mean(angles[:, 3])


def test_a_sensor_without_errors_is_left_alone():
    found = fit_poses(posed(cone(6, 40.0, np.random.default_rng(5))))
    assert found.offset == pytest.approx([0.0] * 3, abs=1e-6)
    assert found.matrix == pytest.approx(np.eye(3), abs=1e-6)


def test_a_pose_that_was_none_counts_little():
    """In one pose of eight the ground moved: 0.5 m/s^2 upwards."""
    ups = cone(8, 40.0, np.random.default_rng(5))
    series = posed(ups, [0.2, 0.1, -0.3])
    acc = series.acc.copy()
    acc[1100:1600] *= 1.05
    clean, moved = fit_poses(series), fit_poses(replace(series, acc=acc))
    assert moved.offset == pytest.approx(clean.offset, abs=0.01 * G)


@pytest.mark.parametrize(("widest", "says"), [(9.0, "within 9 deg"), (11.0, "")])
def test_poses_too_near_one_another_are_not_applied(widest, says):
    series = posed(cone(6, widest, np.random.default_rng(5)), [0.2, 0.1, -0.3])
    assert says in fit_poses(series).reason
    assert (fit_poses(series).correct(series) is series) == bool(says)


def test_a_pose_counts_once_however_long_it_lasts():
    ups = cone(4, 40.0, np.random.default_rng(5))
    read = np.diag([1.004, 0.996, 1.002])
    once = fit_poses(posed(ups, [0.2, 0.1, -0.3], read))
    longer = fit_poses(posed(np.vstack([np.repeat(ups[:1], 9, axis=0), ups]), [0.2, 0.1, -0.3], read))
    assert longer.n_windows == once.n_windows + 45
    assert longer.offset == pytest.approx(once.offset, abs=1e-6)
    assert longer.offset_sd == pytest.approx(once.offset_sd, rel=1e-6)


def test_gaps_are_passed_over():
    ups = cone(6, 40.0, np.random.default_rng(5))
    series = posed(ups, [0.2, 0.1, -0.3])
    acc = series.acc.copy()
    acc[::40] = np.nan
    acc[700:800] = np.nan
    found = fit_poses(replace(series, acc=acc))
    assert found.offset == pytest.approx(fit_poses(series).offset, abs=1e-3 * G)
    assert np.isnan(found.correct(replace(series, acc=acc)).acc[700:800]).all()


@pytest.mark.parametrize(
    ("offset", "says"), [([0.0, 0.0, 3.0], "no sound sensor"), ([0.0, 0.0, 0.1], "")], ids=["broken", "sound"]
)
def test_what_no_sound_sensor_has_is_not_applied(offset, says):
    series = posed(cone(6, 40.0, np.random.default_rng(5)) @ np.eye(3), offset)
    found = fit_poses(series)
    assert says in found.reason
    assert bool(found.reason) == bool(says)
    assert (found.correct(series) is series) == bool(says)


@pytest.mark.parametrize("factor", [0.0, 0.5, 1.0 / G, 2.0])
def test_a_wrong_unit_or_a_dead_sensor_is_left_to_those_who_judge_it(factor):
    series = posed(cone(6, 40.0, np.random.default_rng(5)))
    wrong = replace(series, acc=factor * series.acc)
    found = fit_poses(wrong)
    assert found.reason.startswith(f"gravity reads {factor:.2f} times")
    assert found.correct(wrong) is wrong


def test_a_single_dead_reading_does_no_harm():
    series = posed(cone(6, 40.0, np.random.default_rng(5)), [0.2, 0.1, -0.3])
    acc = series.acc.copy()
    acc[100:200] = 0.0
    assert np.isfinite(fit_poses(replace(series, acc=acc)).offset).all()


def test_a_sensor_that_never_rests_says_so():
    rng = np.random.default_rng(2)
    moving = ImuSeries(
        time=np.arange(500) / RATE,
        acc=rng.normal(0, 5, (500, 3)),
        gyr=rng.normal(0, 3, (500, 3)),
        sampling_rate=RATE,
    )
    assert "0 s of stillness" in fit_poses(moving).reason
    silent = replace(moving, acc=np.full((500, 3), np.nan), gyr=np.full((500, 3), np.nan))
    assert "0 s of stillness" in fit_poses(silent).reason
