"""Sensors that warm up, slip, keep bad time and lose samples: each does what its plan says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ankle_imu import quaternion, simulate
from ankle_imu.simulate import sensor_errors
from ankle_imu.units import DEGREE, STANDARD_GRAVITY

PLAN = simulate.Plan(duration_s=40.0, movements=False, placements=("right_foot", "right_shank"))


def test_full_errors_are_larger_in_the_stated_ways():
    rng = np.random.default_rng(1)
    full, typical = (
        [sensor_errors.draw_sensor(sensor_errors.LEVELS[name], 20.0, rng) for _ in range(200)]
        for name in ("full", "typical")
    )
    scale = np.abs([np.diag(s.gyr_gain) - 1.0 for s in full])
    assert scale.max() <= 0.02  # 1 % of scale and 1 % drawn for each entry of the matrix
    assert np.abs([s.acc_bias for s in full]).min() >= 0.03 * STANDARD_GRAVITY
    assert np.abs([s.acc_bias for s in typical]).max() <= 0.016 * STANDARD_GRAVITY
    cross = np.abs([s.gyr_gain - np.diag(np.diag(s.gyr_gain)) for s in full])
    assert 0.009 < cross.max() <= 0.01
    warming = np.abs([s.gyr_warming for s in full]) / DEGREE
    assert 0.2 <= warming.min() < warming.max() <= 0.6
    cold = sensor_errors.draw_sensor(sensor_errors.LEVELS["full"], 0.0, rng)
    assert not cold.gyr_warming.any()


def test_the_bias_follows_the_warm_up():
    rate, n = 10.0, 30_000  # 50 min
    warm = sensor_errors.draw_sensor(sensor_errors.LEVELS["full"], 20.0, np.random.default_rng(4))
    cold = replace(warm, gyr_warming=np.zeros(3))
    still = np.zeros((n, 3))
    one, other = (
        sensor_errors.measure(
            still, still, every=1, sampling_rate=rate, sensor=sensor, rng=np.random.default_rng(5)
        )[1]
        for sensor in (warm, cold)
    )
    change = one - other
    step = sensor_errors.GYR_RANGE / 32768.0
    assert np.abs(change[0]).max() < step
    for minutes in (10.0, 30.0, 50.0):
        share = 1.0 - np.exp(-minutes / 10.0)
        assert change[round(600 * minutes) - 1] == pytest.approx(share * warm.gyr_warming, abs=step)


def test_full_wobble_is_one_to_three_degrees():
    time = np.arange(0.0, 60.0, 1.0 / 600.0)
    contacts = np.arange(1.0, 59.0)
    for segment, gait, low, high in (("foot", 1.0, 0.4, 1.6), ("shank", 8.0 / 1.9, 1.0, 4.5)):
        peaks = []
        for seed in range(6):
            _, gyr = sensor_errors.wobble(
                np.zeros((len(time), 3)),
                np.zeros((len(time), 3)),
                time,
                segment=segment,
                level=sensor_errors.LEVELS["full"],
                contacts=contacts,
                strength=np.full(len(contacts), gait),
                looseness=np.ones(len(contacts)),
                factor=1.0,
                rng=np.random.default_rng(seed),
            )
            peaks.append(np.abs(np.cumsum(gyr, axis=0) / 600.0).max(axis=0).max() / DEGREE)
        assert low < np.median(peaks) < high


def test_a_slip_is_in_the_readings_and_in_the_truth():
    plan = replace(PLAN, slip_deg=15.0, slip_at_s=20.0, slip_placement="right_shank", mounts="random")
    before, _ = simulate.walk(replace(plan, slip_deg=0.0), seed=3)
    after, truth = simulate.walk(plan, seed=3)
    assert np.array_equal(after.series["right_foot"].acc, before.series["right_foot"].acc)
    at, alignment = truth.slips["right_shank"]
    assert at == 20.0
    turned = quaternion.multiply(quaternion.conjugate(truth.alignment["right_shank"]), alignment)
    assert np.linalg.norm(quaternion.to_rotation_vector(turned)) / DEGREE == pytest.approx(15.0)
    late = truth.time > 21.0
    for values, original in (("acc", "acc"), ("gyr", "gyr")):
        new = quaternion.rotate(alignment, getattr(after.series["right_shank"], values))
        old = quaternion.rotate(truth.alignment["right_shank"], getattr(before.series["right_shank"], original))
        assert np.allclose(new[late], old[late])
        assert np.allclose(new[truth.time < 20.0], quaternion.rotate(
            quaternion.multiply(alignment, quaternion.conjugate(truth.alignment["right_shank"])), old
        )[truth.time < 20.0])  # fmt: skip
    assert truth.slips.keys() == {"right_shank"}


def test_a_remount_is_a_slip_with_a_gap():
    recording, truth = simulate.walk(replace(PLAN, slip_deg=20.0, remount_s=5.0), seed=3)
    lost = ~recording.series["right_foot"].is_valid
    assert lost.sum() == round(5.0 * 208.0)
    assert recording.series["right_foot"].time[lost][0] == pytest.approx(20.0, abs=0.01)
    assert recording.series["right_shank"].is_valid.all()
    assert list(truth.slips) == ["right_foot"]


def test_own_sampling_rates_read_the_same_motion():
    plan = replace(PLAN, errors="none", mounts="aligned", jitter_s=0.0)
    exact, _ = simulate.walk(plan, seed=4)
    own, _ = simulate.walk(replace(plan, odr_error=0.03), seed=4)
    rates = {p: s.sampling_rate / 208.0 - 1.0 for p, s in own.series.items()}
    assert all(1e-4 < abs(x) <= 0.03 for x in rates.values())
    assert len(set(rates.values())) == 2
    for placement, series in own.series.items():
        dense = exact.series[placement]
        inside = series.time < 39.0
        for kind in ("acc", "gyr"):
            expected = np.stack(
                [np.interp(series.time[inside], dense.time, getattr(dense, kind)[:, k]) for k in range(3)], axis=1
            )
            error = np.abs(getattr(series, kind)[inside] - expected)
            assert np.median(error) < 0.05  # linear interpolation at 208 Hz is the coarser of the two


def test_clocks_and_jitter_touch_the_times_alone():
    plain, _ = simulate.walk(PLAN, seed=5)
    timed, _ = simulate.walk(replace(PLAN, clock_ppm=200.0, jitter_s=0.001), seed=5)
    for placement, series in timed.series.items():
        assert np.array_equal(series.acc, plain.series[placement].acc)
        line = np.polyfit(plain.series[placement].time, series.time, 1)
        assert 1.0 < abs(line[0] - 1.0) * 1e6 < 201.0
        rest = series.time - np.polyval(line, plain.series[placement].time)
        assert 0.0006 < rest.std() < 0.0012


def test_no_gap_is_longer_than_the_longest():
    plan = replace(PLAN, loss=0.03, gap_s=0.04, longest_gap_s=0.06, duration_s=200.0)
    series = simulate.walk(plan, seed=6)[0].series["right_foot"]
    lost = np.concatenate([[False], ~series.is_valid, [False]])
    edges = np.flatnonzero(np.diff(lost.astype(int)))
    length = edges[1::2] - edges[::2]
    assert 0.03 <= lost.mean() < 0.032
    assert 8 <= length.max() <= 0.06 * 208.0
