"""Clocks, counts and arrivals that make no sense: refused, or a grid that holds together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ankle_imu import timing
from ankle_imu.timing.clock import Array, Indices

KINDS = ("runs", "random", "constant", "back", "jumps", "huge")


def wild(kind: str, n: int, step: float, rng: np.random.Generator) -> Array:
    """Numbers (n,) of a damaged or lying sensor, near `step` apart."""
    steady = np.arange(n) * step
    return {
        "runs": steady,
        "random": rng.uniform(0, 2**32, n) * step,
        "constant": np.full(n, 5.0 * step),
        "back": steady[::-1],
        "jumps": steady + np.cumsum(np.where(rng.random(n) < 0.05, rng.normal(0, 1e6 * step, n), 0.0)),
        "huge": steady + np.where(rng.random(n) < 0.02, 2.0**62, 0.0),
    }[kind]


def check(ticks: Array | None, arrival: Array, count: Indices | None, tick_s: float, wrap: float) -> None:
    try:
        grid = timing.place_samples(ticks, arrival, count, tick_s=tick_s, tick_wrap=wrap, nominal_rate=200.0)
    except ValueError:
        return
    assert (np.diff(grid.time) > 0).all()
    assert np.isfinite(grid.time).all()
    there = grid.source[grid.source >= 0]
    assert len(np.unique(there)) == len(there)
    assert len(there) + grid.duplicates + grid.misplaced == len(arrival)
    np.testing.assert_array_equal(grid.source < 0, grid.cause != timing.Cause.NONE)
    assert grid.sampling_rate > 0
    assert not grid.residual < 0


@settings(max_examples=150)
@given(
    st.sampled_from(KINDS),
    st.sampled_from(KINDS),
    st.sampled_from(["both", "clock", "count", "neither"]),
    st.integers(2, 600),
    st.sampled_from([1, 8, 19]),
    st.sampled_from([0.0, 2.0**32]),
    st.integers(0, 2**16),
)
def test_nonsense_is_refused_or_holds_together(
    clock: str, number: str, has: str, n: int, size: int, wrap: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    ticks = np.round(wild(clock, n, 5000.0, rng))
    ticks = ticks % wrap if wrap else ticks
    count = wild(number, n, 1.0, rng).astype(np.int64)
    arrival = np.maximum.accumulate(np.arange(n) // size * size * 0.005 + rng.exponential(0.01, n))
    if seed % 3 == 0:
        arrival[n // 2 :] += 10.0 ** rng.uniform(0, 7)
    check(
        ticks if has in ("both", "clock") else None,
        arrival,
        count if has in ("both", "count") else None,
        1e-6,
        wrap,
    )


def test_clock_that_is_set_on_the_way_is_a_restart_and_no_hole() -> None:
    # the user's phone sets a sensor's clock from 2000 to 2026 while it runs
    time = np.arange(4000) / 208.0
    ticks = np.round((time + np.where(time > 9.0, 8.2e8, 0.0)) * 1e3)
    grid = timing.place_samples(ticks, time + 0.01, None, tick_s=1e-3)
    assert grid.restarts == 1
    assert (grid.source < 0).sum() <= 2
    np.testing.assert_allclose(grid.time[grid.source >= 0], time, atol=0.02)


def test_sensor_away_for_days_ends_before() -> None:
    time = np.r_[np.arange(1000) / 100.0, 5e6 + np.arange(500) / 100.0]
    ticks = np.r_[np.arange(1000), np.arange(500)] * 1e4
    grid = timing.place_samples(ticks, time, np.r_[np.arange(1000), np.arange(500)], tick_s=1e-6)
    assert len(grid.time) == 1000
    assert grid.misplaced == 500


def test_clock_faster_than_any_sensor_is_refused() -> None:
    with pytest.raises(ValueError, match="no motion sensor is so fast"):
        timing.place_samples(np.arange(100.0), np.arange(100) * 0.01, None, tick_s=1e-6)


def test_log_that_is_fetched_in_a_rush_keeps_the_sensors_own_rate() -> None:
    time = np.arange(60_000) / 104.0
    arrival = 4000.0 + np.repeat(np.arange(4000) * 0.002, 15)
    grid = timing.place_samples(np.round(time * 1e6), arrival, None, tick_s=1e-6)
    assert grid.restarts == 0
    assert grid.sampling_rate == pytest.approx(104.0, rel=1e-6)
    np.testing.assert_allclose(grid.time - grid.time[0], time, atol=1e-5)
    assert grid.time[-1] <= arrival[-1]
