"""Sensors that lack a clock, a count, or both: losses are found, and what cannot be known is stated."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from ankle_imu import recording, timing
from ankle_imu.session_io.reading import read_sensor
from ankle_imu.timing.clock import Array, Indices
from ankle_imu.timing.frame_count import count_by_arrival, count_by_clock, measure_spacing


def notifications(
    duration_s: float, rate: float, frames: int, interval_s: float, loss: float, seed: int, away_s: float = 0.0
) -> tuple[Array, Array, Indices]:
    """True time and arrival (n,) s of the samples that come, and their number (n,); away once, in the middle."""
    rng = np.random.default_rng(seed)
    n = round(duration_s * rate) // frames
    ready = (np.arange(n) * frames + frames - 1) / rate
    phase = rng.uniform(0, interval_s)
    arrival = np.ceil((ready - phase) / interval_s) * interval_s + phase + rng.exponential(0.001, n)
    arrival += np.where(rng.random(n) < 0.005, rng.exponential(0.2, n), 0.0)
    arrival = np.maximum.accumulate(arrival) + np.arange(n) * 1e-8
    comes = rng.random(n) >= loss
    comes[: n // 2][-int(away_s * rate / frames) or n :] = False
    comes[[0, -1]] = True
    number = (np.flatnonzero(comes)[:, None] * frames + np.arange(frames)).ravel()
    return number / rate, np.repeat(arrival[comes], frames), number


@pytest.mark.parametrize(("rate", "nominal"), [(99.0, 100.0), (198.7, 200.0), (206.0, 200.0)])
@pytest.mark.parametrize("frames", [4, 8])
def test_neither_clock_nor_count_and_nothing_lost(rate: float, nominal: float, frames: int) -> None:
    true, arrival, _ = notifications(180.0, rate, frames, 0.015, 0.0, 0)
    grid = timing.place_samples(None, arrival, None, nominal_rate=nominal)
    assert len(grid.time) == len(true)
    # the measured rate, not the nominal one
    assert grid.sampling_rate == pytest.approx(rate, rel=2e-4)
    assert np.abs(grid.time - true).max() < min(0.004, grid.residual)
    assert grid.residual > frames / rate
    assert grid.clock is not None
    assert np.isnan(grid.clock.ppm)


@pytest.mark.parametrize(("frames", "loss"), [(4, 0.002), (8, 0.002), (8, 0.02), (8, 0.05)])
@pytest.mark.parametrize("seed", range(2))
def test_lost_notifications_are_seen_in_the_arrivals(frames: int, loss: float, seed: int) -> None:
    true, arrival, number = notifications(180.0, 198.7, frames, 0.015, loss, seed, away_s=3.0)
    grid = timing.place_samples(None, arrival, None, nominal_rate=200.0)
    lost = number[-1] + 1 - len(number)
    assert lost > 3 * 190
    # one that is lost with the very last packets leaves no trace
    assert (grid.source < 0).sum() == pytest.approx(lost, abs=frames)
    error = np.abs(grid.time[grid.source >= 0] - true[grid.source[grid.source >= 0]])
    assert error.max() < grid.residual
    assert np.median(error) < 0.006


def test_small_notifications_under_long_intervals_are_counted_nearly() -> None:
    true, arrival, number = notifications(180.0, 198.7, 4, 0.03, 0.01, 1)
    grid = timing.place_samples(None, arrival, None, nominal_rate=200.0)
    # notifications of 20 ms that come every 30 ms: a loss can be taken for a wait
    assert len(grid.time) == pytest.approx(number[-1] + 1, rel=0.01)
    error = np.abs(grid.time[grid.source >= 0] - true[grid.source[grid.source >= 0]])
    assert error.max() < grid.residual


def test_two_frames_at_one_instant_cannot_be_timed() -> None:
    with pytest.raises(ValueError, match="one instant"):
        timing.place_samples(None, np.ones(4), None)


def test_long_walk_without_clock_is_counted_quickly() -> None:
    _, arrival, number = notifications(3600.0, 198.7, 4, 0.015, 0.0005, 2)
    count, spacing, _ = count_by_arrival(arrival, 200.0)
    assert count[-1] == number[-1]
    # some losses are placed one notification too late
    assert np.abs(count - number).max() <= 4
    assert np.mean(count != number) < 1e-3
    assert 1 / spacing == pytest.approx(198.7, rel=1e-4)


@pytest.mark.parametrize("tick_s", [1e-3, 1e-6, 1e-9])
def test_clock_without_count(tick_s: float) -> None:
    true, arrival, number = notifications(300.0, 207.3, 8, 0.015, 0.01, 3, away_s=12.0)
    ticks = np.floor(true * (1 + 40e-6) / tick_s)
    grid = timing.place_samples(ticks, arrival, None, tick_s=tick_s)
    is_lost = ~np.isin(np.arange(number[-1] + 1), number)
    np.testing.assert_array_equal(grid.source < 0, is_lost)
    np.testing.assert_allclose(grid.time[~is_lost], true, atol=min(0.0025, grid.residual))
    assert grid.sampling_rate == pytest.approx(207.3, rel=1e-4)


def test_clock_without_count_knows_repeats_restarts_and_late_packets() -> None:
    true, arrival, _ = notifications(60.0, 207.3, 8, 0.015, 0.0, 4)
    n = len(true)
    ticks = 5.0 + true
    rows = np.r_[0:4000, 4008:6000, 4000:4008, 5992:6000, 6000:n]
    at = arrival[rows]
    at[6000:6008] = at[6008:6016] = at[5999] + 1e-4
    again = 90.0 + arrival
    grid = timing.place_samples(np.r_[ticks[rows], ticks], np.r_[at, again], None, tick_s=1.0)
    assert (grid.healed, grid.duplicates, grid.restarts) == (8, 8, 1)
    assert (grid.source >= 0).sum() == 2 * n
    assert Counter(grid.cause.tolist())[timing.Cause.LOST] == 0
    np.testing.assert_allclose(grid.time[-n:], 90.0 + true, atol=grid.residual)


def test_count_without_clock() -> None:
    true, arrival, number = notifications(300.0, 101.3, 6, 0.03, 0.02, 5, away_s=9.0)
    grid = timing.place_samples(None, arrival, number)
    is_lost = ~np.isin(np.arange(number[-1] + 1), number)
    np.testing.assert_array_equal(grid.source < 0, is_lost)
    error = np.abs(grid.time[~is_lost] - true)
    assert error.max() < min(0.01, grid.residual)
    assert grid.clock is not None
    assert np.isnan(grid.clock.ppm)


def test_count_that_starts_again_without_clock() -> None:
    true, arrival, number = notifications(60.0, 101.3, 6, 0.03, 0.0, 6)
    grid = timing.place_samples(None, np.r_[arrival, 100.0 + arrival], np.r_[number, number])
    assert grid.restarts == 1
    assert (grid.source >= 0).sum() == 2 * len(true)
    np.testing.assert_allclose(grid.time[-len(true) :], 100.0 + true, atol=grid.residual)


def test_a_clock_that_begins_again_does_not_mix_its_boots() -> None:
    """Two boots whose samples lie between one another: 100 Hz, the second one 5 ms aside."""
    first, second = np.arange(1000) * 0.01, 0.005 + np.arange(500) * 0.01
    count, spacing = count_by_clock(np.concatenate([first, second]))
    assert spacing == pytest.approx(0.01)
    np.testing.assert_array_equal(np.diff(count[:1000]), 1)
    np.testing.assert_array_equal(np.diff(count[1000:]), 1)


def test_count_by_clock_by_hand() -> None:
    count, spacing = count_by_clock([0.0, 0.1, 0.2, 0.5, 0.6, 0.3, 0.5])
    assert spacing == pytest.approx(0.1)
    assert count.tolist() == [0, 1, 2, 5, 6, 3, 5]


@pytest.mark.parametrize("loss", [0.0, 0.01])
def test_witmotion_becomes_a_series(loss: float) -> None:
    _, arrival, number = notifications(60.0, 99.0, 8, 0.015, loss, 7)
    frames = np.zeros((len(number), 10), dtype="<i2")
    frames.view("u1").reshape(len(number), 20)[:, :2] = (0x55, 0x61)
    frames[:, 1:4] = number[:, None] % 30_000
    packets = tuple((float(arrival[8 * k]), frames[8 * k : 8 * k + 8].tobytes()) for k in range(len(number) // 8))
    stream = recording.Stream(
        placement="left_shank", protocol="witmotion", config={"nominal_rate_hz": 100.0}, packets=packets
    )
    sensor = read_sensor([stream], [], 60.0)
    assert sensor.problems == ()
    assert sensor.loss is not None
    assert sensor.series is not None
    assert (sensor.loss.expected, sensor.loss.received) == (number[-1] + 1, len(number))
    assert sensor.series.sampling_rate == pytest.approx(99.0, rel=1e-3)
    assert sensor.loss.clock_residual_s > 0.08


def test_rates_sent_apart_without_a_clock_are_laid_between() -> None:
    rate, n = 50.0, 3000
    time = np.arange(n) / rate
    acc = np.zeros((n, 3), dtype="<i2")
    gyr = np.zeros((n, 3), dtype="<i2")
    acc[:, 0] = gyr[:, 0] = np.round(8000 * np.sin(time))
    notes = [(float(time[k + 2] + 0.001), b"\x03\x1c" + acc[k : k + 3].tobytes()) for k in range(0, n, 3)]
    notes += [(float(time[k + 2] + 0.002), b"\x13\x07" + gyr[k : k + 3].tobytes()) for k in range(0, n, 3)]
    del notes[1500]
    config = {"chip": "bmi160", "acc_range_g": 16, "gyr_range_dps": 2000, "nominal_rate_hz": rate}
    packets = tuple(sorted(notes, key=lambda note: note[0]))
    stream = recording.Stream(placement="left_shank", protocol="metawear", config=config, packets=packets)
    sensor = read_sensor([stream], [], 60.0)
    assert sensor.series is not None
    assert sensor.loss is not None
    assert sensor.loss.expected == n
    # three rates are lost, and the row before or after them may lie in the hole
    assert 3 <= sensor.loss.lost <= 4
    is_there = sensor.series.is_valid
    counts = sensor.series.gyr[is_there, 0] / np.radians(1 / 16.4)
    np.testing.assert_allclose(counts, 8000 * np.sin(time[is_there]), atol=8000 * 0.005)


def test_spacing_of_two_steps_that_have_nothing_in_common() -> None:
    """A clock that jumped once: the mean of both steps is neither, so nothing was near it."""
    assert measure_spacing(np.array([34359.7434, 0.005]), np.array([1.0, 1.0])) == 0.005
