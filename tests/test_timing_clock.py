"""Clocks under a radio with connection events, stalls and bursts: a small error, and the residual covers it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from ankle_imu import timing
from ankle_imu.timing.clock import Array, Indices
from ankle_imu.timing.connection_events import find_interval

WRAP = float(2**32)


@dataclass(frozen=True, kw_only=True, eq=False)
class Sent:
    """What a host gets of a sensor, and the true time (n,) s of each sample."""

    ticks: Array
    arrival: Array
    count: Indices
    true: Array

    def place(self) -> timing.SampleGrid:
        return timing.place_samples(self.ticks, self.arrival, self.count, tick_s=1e-6, tick_wrap=WRAP)


def send(
    duration_s: float,
    *,
    seed: int,
    ppm: float = 0.0,
    drift_ppm: float = 0.0,
    rate: float = 208.0,
    size: int = 14,
    interval_s: float = 0.015,
) -> Sent:
    """A sensor whose clock is `ppm` fast and `drift_ppm` faster at the end; packets wait for connection events.

    The host adds 0.5 ms on average, one packet in a hundred is repeated for up to half a second, and packets never
    overtake each other.
    """
    rng = np.random.default_rng(seed)
    n = round(duration_s * rate) // size * size
    true = rng.uniform(0, 0.1) + np.arange(n) / rate
    fast = (ppm + 0.5 * drift_ppm * true / duration_s) * 1e-6
    device = rng.uniform(0, 4000) + true * (1 + fast)
    ready = true[size - 1 :: size]
    phase = rng.uniform(0, interval_s)
    event = np.ceil((ready - phase) / interval_s) * interval_s + phase
    stall = np.where(rng.random(len(event)) < 0.01, rng.uniform(0, 0.5, len(event)), 0.0)
    arrival = np.maximum.accumulate(event + stall) + rng.exponential(0.0005, len(event))
    arrival = np.maximum.accumulate(arrival)
    return Sent(
        ticks=np.round(device * 1e6) % WRAP, arrival=np.repeat(arrival, size), count=np.arange(n), true=true
    )


def check(sent: Sent) -> tuple[timing.SampleGrid, float]:
    """The grid, and its largest error, s, which the residual must cover."""
    grid = sent.place()
    assert (grid.restarts, grid.misplaced) == (0, 0)
    np.testing.assert_array_equal(grid.source, sent.count)
    error = float(np.abs(grid.time - sent.true).max())
    assert error < grid.residual
    return grid, error


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", [1, 14, 19])
def test_two_sensors_agree_to_two_milliseconds_over_ten_minutes(seed: int, size: int) -> None:
    one, one_error = check(send(600.0, ppm=60.0, size=size, seed=2 * seed))
    other, other_error = check(send(600.0, ppm=-60.0, size=size, seed=2 * seed + 1))
    assert one_error + other_error < 0.002
    assert one.residual + other.residual < 0.005
    assert one.clock is not None
    assert one.clock.ppm == pytest.approx(60.0, abs=3.0)


@pytest.mark.parametrize("drift_ppm", [-20.0, 20.0])
def test_clock_that_warms_up_is_followed(drift_ppm: float) -> None:
    grid, error = check(send(3600.0, ppm=30.0, drift_ppm=drift_ppm, seed=7))
    # a line over the whole hour would be 10 ppm x 30 min / 2 = 9 ms off
    assert error < 0.0015
    assert grid.clock is not None
    assert len(grid.clock.rates) == 7


@pytest.mark.parametrize("duration_s", [0.3, 2.0, 10.0, 60.0])
@pytest.mark.parametrize("seed", range(5))
def test_short_recording_states_a_larger_doubt(duration_s: float, seed: int) -> None:
    _, error = check(send(duration_s, ppm=20.0, seed=seed))
    assert error < 0.016


def test_oscillator_that_is_off_by_a_per_cent_is_believed() -> None:
    grid, _ = check(send(60.0, ppm=12_000.0, rate=206.0, seed=3))
    assert grid.sampling_rate == pytest.approx(206.0, rel=2e-4)


def test_radio_silent_for_a_quarter_of_an_hour_is_bridged() -> None:
    sent = send(2400.0, ppm=40.0, seed=4)
    kept = (sent.true < 700.0) | (sent.true > 1600.0)
    grid = timing.place_samples(
        sent.ticks[kept], sent.arrival[kept], sent.count[kept], tick_s=1e-6, tick_wrap=WRAP
    )
    error = np.abs(grid.time - sent.true)
    assert error.max() < min(0.0015, grid.residual)
    np.testing.assert_array_equal(grid.source < 0, ~kept)


def test_backlogs_do_not_bend_the_clock() -> None:
    sent = send(900.0, ppm=-50.0, seed=5)
    minute = sent.true % 60.0
    late = np.where(minute < 10.0, sent.true - minute + 10.0, sent.arrival)
    held = Sent(ticks=sent.ticks, arrival=np.maximum(sent.arrival, late), count=sent.count, true=sent.true)
    _, error = check(held)
    assert error < 0.0015


def test_knots_are_joined_and_lines_go_on_beyond_them() -> None:
    clock = timing.Clock(
        device=np.array([0.0, 10.0, 20.0]), session=np.array([5.0, 15.0, 26.0]), ppm=0.0, residual=0
    )
    np.testing.assert_allclose(clock.at([-10.0, 5.0, 10.0, 15.0, 30.0]), [-5.0, 10.0, 15.0, 20.5, 37.0])


def test_lower_edge_by_hand() -> None:
    # delays 0, 3, 1, 2, 0 s above y = 100 + x: the line through the two fastest
    device = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    clock = timing.fit_clock(device * 1e6, 100.0 + device * 1e6 + np.array([0.0, 3.0, 1.0, 2.0, 0.0]))
    np.testing.assert_allclose(clock.at([0.0, 2e6]), [100.0, 100.0 + 2e6])
    assert clock.residual > 0.001


def test_no_packets_are_refused() -> None:
    with pytest.raises(ValueError, match="one n > 0"):
        timing.fit_clock([], [])
    one = timing.fit_clock([5.0], [7.0])
    assert one.at([6.0]) == pytest.approx(8.0)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("rate", "interval_s"), [(200.0, 0.015), (210.6, 0.045), (199.8, 0.025)])
def test_packets_in_step_with_the_connection_events_hide_their_delay(
    seed: int, rate: float, interval_s: float
) -> None:
    # 15 or 19 samples last almost a whole number of intervals, so all packets wait nearly as long as each other
    size = 19 if rate > 205 else 15
    grid, _ = check(send(10.0, ppm=10.0, rate=rate, size=size, interval_s=interval_s, seed=seed))
    assert interval_s / 3 < grid.residual < 3 * interval_s


def test_interval_is_found_by_the_phases_of_the_arrivals() -> None:
    rng = np.random.default_rng(8)
    events = 0.3 + 0.0225 * np.flatnonzero(rng.random(900) < 0.4)
    assert find_interval(events + rng.exponential(0.0005, len(events))) == pytest.approx(0.0225)
    assert find_interval(np.sort(rng.uniform(0, 20, 300))) == 0.0
    assert find_interval(np.arange(5) * 0.03) == 0.0


def test_computed_arrivals_hide_nothing() -> None:
    sent = send(10.0, rate=200.0, size=15, seed=9)
    exact = Sent(ticks=sent.ticks, arrival=np.repeat(sent.true[14::15], 15), count=sent.count, true=sent.true)
    grid, error = check(exact)
    assert error < 1e-5
    assert grid.residual < 0.003
