import numpy as np
import pytest

from ankle_imu import quaternion as qt
from ankle_imu.orientation import anchor, fuse
from ankle_imu.orientation.fusion import BREAK_S, between_samples, bridge, continuous_runs

UP = np.array([0.0, 0.0, 1.0])


def tilted_still(n=600, roll_deg=30.0):
    """A still sensor turned about its x axis: gravity leans into y."""
    a = np.radians(roll_deg)
    return np.tile([0.0, 9.81 * np.sin(a), 9.81 * np.cos(a)], (n, 1)), np.zeros((n, 3))


def test_a_still_sensor_shows_its_tilt():
    acc, gyr = tilted_still()
    up = qt.rotate(qt.conjugate(fuse(acc, gyr, 100.0)), UP)
    assert np.degrees(np.arcsin(up[-1, 1])) == pytest.approx(30.0, abs=1e-4)


def test_short_gaps_are_bridged_and_long_ones_are_nan():
    acc, gyr = tilted_still(800)
    acc[100:110] = np.nan
    acc[300:400] = np.nan
    quat = fuse(acc, gyr, 100.0)
    assert np.isfinite(quat[:300]).all()
    assert np.isnan(quat[300:400]).all()
    assert np.isfinite(quat[400:]).all()


def test_runs_part_at_long_gaps_only():
    acc, gyr = tilted_still(1000)
    acc[500 : 500 + round(BREAK_S * 100) - 1] = np.nan
    assert continuous_runs(acc, gyr, 100.0) == [(0, 1000)]
    acc[500 : 500 + round(BREAK_S * 100) + 2] = np.nan
    assert continuous_runs(acc, gyr, 100.0) == [(0, 500), (532, 1000)]
    acc[560:] = np.nan
    assert continuous_runs(acc, gyr, 100.0) == [(0, 500)]


def test_bridge_is_linear():
    values = np.array([[0.0], [np.nan], [np.nan], [3.0]])
    assert bridge(values).ravel() == pytest.approx([0.0, 1.0, 2.0, 3.0])


@pytest.mark.parametrize("rate", [0.0, -5.0, np.nan])
def test_bad_rate_is_refused(rate):
    with pytest.raises(ValueError, match="sampling_rate"):
        fuse(*tilted_still(), rate)


def test_unequal_arrays_are_refused():
    acc, gyr = tilted_still()
    with pytest.raises(ValueError, match="expected two"):
        fuse(acc, gyr[:-1], 100.0)


def test_stride_anchor_removes_a_constant_tilt():
    # A walk whose orientation is 2 deg wrong about x: over whole strides the mean force leans by as much.
    rate, n = 100.0, 3000
    tilt = np.radians(2.0)
    t = np.arange(n) / rate
    force = np.tile([0.0, 0.0, 9.81], (n, 1))
    force[:, 0] += 5.0 * np.sin(2 * np.pi * t)
    force[:, 2] += 8.0 * np.cos(2 * np.pi * t)
    wrong = qt.rotate(qt.from_rotation_vector([tilt, 0.0, 0.0]), force)
    flat = np.arange(100, 2900, 100)
    at, rotation = anchor.tilt_corrections(wrong, flat, np.full(len(flat), 99.0), rate)
    up = anchor.correct_up(at, rotation, n)
    assert np.allclose(up, qt.rotate(qt.from_rotation_vector([tilt, 0.0, 0.0]), UP), atol=1e-4)


def test_quiet_foot_flats_pull_half_way():
    rate = 100.0
    force = np.tile([0.0, 0.0, 9.81], (1000, 1))
    flat = np.arange(100, 1000, 100)
    lean = np.radians(1.0)
    for f in flat[::2]:
        force[f - 10 : f + 11] = [9.81 * np.sin(lean), 0.0, 9.81 * np.cos(lean)]
    at, rotation = anchor.tilt_corrections(force, flat, np.zeros(len(flat)), rate)
    # Every second foot-flat leans by 1 deg; the stride means lean by about a tenth of that.
    swing = np.abs(np.diff(rotation[np.isin(at, flat)], axis=0)).max(axis=0)
    assert np.degrees(swing).max() == pytest.approx(0.5, abs=0.02)


def test_without_strides_nothing_is_corrected():
    at, rotation = anchor.tilt_corrections(np.zeros((10, 3)), np.array([3]), np.array([0.0]), 100.0)
    assert len(at) == 0
    assert np.array_equal(anchor.correct_up(at, rotation, 4), np.tile(UP, (4, 1)))


def swinging(rate, n=1000):
    """A level sensor that swings about the vertical at 1 Hz, 30 deg to each side."""
    t = np.arange(n) / rate
    acc, gyr = np.tile([0.0, 0.0, 9.81], (n, 1)), np.zeros((n, 3))
    gyr[:, 2] = np.radians(30.0) * 2.0 * np.pi * np.cos(2.0 * np.pi * t)
    return acc, gyr, np.radians(30.0) * np.sin(2.0 * np.pi * t)


def test_orientation_of_instantaneous_rates_belongs_to_their_sample():
    acc, gyr, angle = swinging(100.0)
    quat = fuse(acc, between_samples(gyr), 100.0)
    seen = 2.0 * np.arctan2(quat[:, 3], quat[:, 0])
    assert np.degrees(np.ptp(seen - angle)) < 0.05
    taken_as_means = fuse(acc, gyr, 100.0)
    ahead = 2.0 * np.arctan2(taken_as_means[:, 3], taken_as_means[:, 0]) - angle
    # half a sample, 5 ms, at the largest rate of 188 deg/s, to both sides
    assert np.degrees(np.ptp(ahead)) == pytest.approx(2 * 0.005 * 188.5, rel=0.1)


def test_rates_between_samples_by_hand():
    rates = np.array([[2.0], [4.0], [np.nan], [6.0], [0.0]])
    assert between_samples(rates).ravel() == pytest.approx([2.0, 3.0, np.nan, 6.0, 3.0], nan_ok=True)
