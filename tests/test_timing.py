"""Sensor clock -> session time, by hand and with a radio that delays, loses, repeats and reorders."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu import timing
from ankle_imu.timing.clock import Array, Indices

WRAP = float(2**32)


def stream(
    n: int, rate: float = 104.0, ppm: float = 0.0, start_us: float = 0.0, size: int = 10
) -> tuple[Array, Array, Indices, Array]:
    """Samples of a sensor whose clock is `ppm` fast: ticks, arrival (of the packet's last sample), count."""
    true = np.arange(n) / rate
    ticks = (start_us + true * 1e6 * (1 + ppm * 1e-6)) % WRAP
    last = np.minimum((np.arange(n) // size + 1) * size, n) - 1
    return ticks, true[last], np.arange(n), true


@given(st.floats(0, WRAP - 1), st.integers(2, 400))
def test_wrap_is_undone(start: float, minutes: int) -> None:
    true = start + np.arange(0, minutes * 60e6, 30e6)
    late = np.random.default_rng(0).uniform(0, 20, len(true))
    unwrapped = timing.unwrap_ticks(true % WRAP, true * 1e-6 + late, 1e-6, WRAP)
    np.testing.assert_allclose(np.diff(unwrapped), 30e6)


def test_ideal_radio_gives_the_true_times() -> None:
    ticks, arrival, count, true = stream(1000, start_us=WRAP - 3e6)
    grid = timing.place_samples(ticks, arrival, count, tick_s=1e-6, tick_wrap=WRAP)
    np.testing.assert_allclose(grid.time, true, atol=2e-6)
    np.testing.assert_array_equal(grid.source, count)
    assert grid.sampling_rate == pytest.approx(104.0, rel=1e-6)
    assert grid.restarts == 0


@pytest.mark.parametrize("ppm", [-40.0, 0.0, 60.0])
def test_drift_is_measured_under_random_delays(ppm: float) -> None:
    ticks, arrival, count, true = stream(104 * 1800, ppm=ppm)
    rng = np.random.default_rng(1)
    delays = rng.exponential(0.02, len(true) // 10 + 1)[np.arange(len(true)) // 10]
    grid = timing.place_samples(ticks, arrival + delays, count, tick_s=1e-6, tick_wrap=WRAP)
    assert grid.clock is not None
    assert grid.clock.ppm == pytest.approx(ppm, abs=2.0)
    assert np.abs(grid.time - true).max() < grid.residual < 2e-3


def test_short_recording_keeps_the_nominal_clock() -> None:
    ticks, arrival, count, _ = stream(300)
    delays = np.random.default_rng(2).exponential(0.02, 30)[np.arange(300) // 10]
    grid = timing.place_samples(ticks, arrival + delays, count, tick_s=1e-6, tick_wrap=WRAP)
    assert grid.clock is not None
    assert grid.clock.ppm == 0.0
    assert grid.sampling_rate == pytest.approx(104.0, rel=1e-6)


@given(st.data())
def test_lost_repeated_and_reordered_packets(data: st.DataObject) -> None:
    n, size = 300, 10
    ticks, arrival, count, true = stream(n, size=size)
    inner = st.integers(1, n // size - 2)
    lost = data.draw(st.sets(inner, max_size=10))
    order = [p for p in range(n // size) if p not in lost]
    order += data.draw(st.lists(st.sampled_from(order), max_size=5))
    late = data.draw(st.sets(inner.filter(lambda p: p not in lost), max_size=3))
    order = [p for p in order if p not in late] + sorted(late)
    rows = np.concatenate([np.arange(p * size, (p + 1) * size) for p in order])
    host = np.maximum.accumulate(arrival[rows])
    grid = timing.place_samples(ticks[rows], host, count[rows], tick_s=1e-6, tick_wrap=WRAP)
    assert len(grid.time) == n
    is_lost = np.isin(np.arange(n) // size, list(lost))
    np.testing.assert_array_equal(grid.source < 0, is_lost)
    np.testing.assert_array_equal(count[rows][grid.source[~is_lost]], np.flatnonzero(~is_lost))
    np.testing.assert_allclose(grid.time, true, atol=1e-5)
    assert grid.duplicates == len(rows) - len(np.unique(rows))


def test_late_packet_that_fills_a_hole_is_counted_as_healed() -> None:
    ticks, arrival, count, _ = stream(100)
    rows = np.r_[0:40, 50:100, 40:50]
    host = np.maximum.accumulate(arrival[rows])
    grid = timing.place_samples(ticks[rows], host, count[rows], tick_s=1e-6, tick_wrap=WRAP)
    assert grid.healed == 10
    assert (grid.source >= 0).all()


def test_restarted_sensor_continues_after_a_gap() -> None:
    ticks, arrival, count, true = stream(2000)
    again = stream(2000)
    grid = timing.place_samples(
        np.r_[ticks, again[0]], np.r_[arrival, 30 + again[1]], np.r_[count, again[2]], tick_s=1e-6, tick_wrap=WRAP
    )
    assert grid.restarts == 1
    assert (np.diff(grid.time) > 0).all()
    assert (grid.source >= 0).sum() == 4000
    # 30 s x 104 Hz between the two first samples
    assert len(grid.time) == pytest.approx(30 * 104 + 2000, abs=1)
    np.testing.assert_allclose(grid.time[-2000:], 30 + true, atol=1e-5)


def test_backlog_after_a_stall_is_no_restart() -> None:
    ticks, arrival, count, true = stream(2000)
    stalled = np.where((true > 8) & (true < 14), np.maximum(arrival, 14.0), arrival)
    grid = timing.place_samples(ticks, stalled, count, tick_s=1e-6, tick_wrap=WRAP)
    assert grid.restarts == 0
    np.testing.assert_allclose(grid.time, true, atol=1e-5)


def test_packets_healed_a_minute_late_are_put_into_their_hole() -> None:
    ticks, arrival, count, true = stream(8000)
    rows = np.r_[0:1000, 1500:7500, 1000:1500, 7500:8000]
    host = np.maximum.accumulate(arrival[rows])
    grid = timing.place_samples(ticks[rows], host, count[rows], tick_s=1e-6, tick_wrap=WRAP)
    assert (grid.restarts, grid.healed, grid.misplaced) == (0, 500, 0)
    np.testing.assert_allclose(grid.time, true, atol=1e-5)


def test_wild_count_cannot_blow_up_the_grid() -> None:
    ticks, arrival, count, _ = stream(1000)
    count = count.copy()
    count[500:510] += 4_000_000_000
    grid = timing.place_samples(ticks, arrival, count, tick_s=1e-6, tick_wrap=WRAP)
    assert len(grid.time) == 1000
    assert grid.misplaced == 10


def test_samples_that_the_sensor_did_not_count_are_found_by_its_clock() -> None:
    ticks, arrival, _, true = stream(1000)
    kept = np.r_[0:500, 520:1000]
    grid = timing.place_samples(ticks[kept], arrival[kept], np.arange(980), tick_s=1e-6, tick_wrap=WRAP)
    assert np.flatnonzero(grid.source < 0).tolist() == list(range(500, 520))
    np.testing.assert_allclose(grid.time, true, atol=1e-5)


def test_given_times_stay_and_holes_get_rows() -> None:
    time = np.delete(np.arange(20) / 100.0, [5, 6, 12])
    grid = timing.place_times(time)
    assert np.flatnonzero(grid.source < 0).tolist() == [5, 6, 12]
    np.testing.assert_allclose(grid.time, np.arange(20) / 100.0)
    np.testing.assert_array_equal(grid.time[grid.source >= 0], time)


def test_jittered_times_are_not_called_lost() -> None:
    rng = np.random.default_rng(3)
    time = np.cumsum(rng.uniform(0.5, 1.7, 500)) / 100.0
    assert (timing.place_times(time).source >= 0).all()


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_samples_are_refused(n: int) -> None:
    with pytest.raises(ValueError, match="n >= 2"):
        timing.place_samples(np.zeros(n), np.zeros(n), np.zeros(n, dtype=int), tick_s=1e-6)
    with pytest.raises(ValueError, match="at least two"):
        timing.place_times(np.zeros(n))


def test_stopped_clock_is_refused() -> None:
    with pytest.raises(ValueError, match="clock does not run"):
        timing.place_samples(np.zeros(5), np.arange(5.0), np.arange(5), tick_s=1e-6)
