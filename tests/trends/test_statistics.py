"""Slope, own noise, running mean, smooth line and change points against hand counts, libraries and chance."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu.errors import QualityRefusal
from ankle_imu.trends.statistics import (
    change_points,
    detectable_change,
    ewma,
    loess,
    own_noise,
    theil_sen,
)


def first_order(rng, n, rho):
    """A stationary first-order process of unit variance."""
    x = np.empty(n)
    x[0] = rng.normal()
    for i in range(1, n):
        x[i] = rho * x[i - 1] + np.sqrt(1 - rho**2) * rng.normal()
    return x


@given(st.integers(8, 30), st.integers(0, 10**6))
def test_slope_is_that_of_scipy(n, seed):
    from scipy.stats import theilslopes

    rng = np.random.default_rng(seed)
    days = np.sort(rng.uniform(0, 100, n)) + np.arange(n)
    values = rng.choice([rng.normal(size=n), rng.integers(0, 3, n).astype(float)])
    mine, peer = theil_sen(days, values), theilslopes(values, days, alpha=0.95)
    assert mine.per_30_days == pytest.approx(30 * peer.slope)
    # wider only, by what neighbours have in common; scipy swaps the tie counts, which moves ranks by one
    if len(set(values)) == n:
        assert mine.low <= 30 * peer.low_slope + 1e-9
        assert mine.high >= 30 * peer.high_slope - 1e-9


def test_slope_by_hand():
    slope = theil_sen(np.arange(8), 1.0 + 0.5 * np.arange(8))
    assert (slope.per_30_days, slope.low, slope.high) == (15.0, 15.0, 15.0)
    assert slope.total == pytest.approx(3.5)
    # S = 28 of 28 pairs, variance 8 * 7 * 21 / 18: z = 27 / 8.083
    assert slope.p_value == pytest.approx(0.000836, abs=1e-5)
    assert theil_sen(np.arange(7), np.arange(7)) is None
    assert theil_sen(np.zeros(9), np.arange(9)) is None
    assert not theil_sen(np.arange(9), np.ones(9)).is_clear


@pytest.mark.parametrize(("rho", "most"), [(0.0, 0.05), (0.2, 0.10), (0.4, 0.16)])
def test_slope_of_sessions_that_resemble_one_another(rho, most):
    rng = np.random.default_rng(2)
    clear = [theil_sen(np.arange(12), first_order(rng, 12, rho)).is_clear for _ in range(500)]
    # 1000 series each, 8 to 40 sessions: at most 0.04, 0.07 and 0.09; half a point for chance
    assert np.mean(clear) <= most


def test_own_noise_does_not_count_the_change_itself():
    rng = np.random.default_rng(1)
    values = rng.normal(0.0, 1.0, 2000) + 0.02 * np.arange(2000)
    assert own_noise(values) == pytest.approx(1.0, rel=0.05)
    assert own_noise([1.0, 2.0, 1.0, 2.0, 1.0]) == pytest.approx(0.5**0.5)
    assert np.isnan(own_noise([1.0, 2.0, 1.0, 2.0]))
    assert detectable_change(1.0) == pytest.approx(2.77, abs=0.01)


def test_running_mean_leaves_its_band_when_the_level_does():
    rng = np.random.default_rng(3)
    steady = [ewma(rng.normal(size=20)).is_unusual.mean() for _ in range(400)]
    assert np.mean(steady) <= 0.02  # 1000 series of 8 to 40: 0.003 to 0.010 per session after the fifth
    moved = np.concatenate([rng.normal(size=10), rng.normal(4.0, 1.0, 10)])
    assert ewma(moved).is_unusual[12:].all()
    assert not ewma(moved).is_unusual[:10].any()
    assert ewma(np.arange(5.0)) is None


def test_smooth_line_is_that_of_statsmodels():
    lowess = pytest.importorskip("statsmodels.nonparametric.smoothers_lowess").lowess
    rng = np.random.default_rng(4)
    days, values = np.sort(rng.uniform(0, 60, 20)), rng.normal(size=20)
    peer = lowess(values, days, frac=0.7, it=0, return_sorted=False)
    np.testing.assert_allclose(loess(days, values), peer, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(loess(days, 3.0 - 0.2 * days), 3.0 - 0.2 * days)


def test_change_points():
    pytest.importorskip("ruptures")
    rng = np.random.default_rng(5)
    found = []
    for _ in range(40):
        x = rng.normal(size=30)
        x[15:] += 3.0
        found.append(any(abs(place - 15) <= 1 for place in change_points(x)))
    assert np.mean(found) >= 0.9
    assert np.mean([bool(change_points(rng.normal(size=40))) for _ in range(60)]) <= 0.06
    assert change_points(np.r_[np.zeros(9), np.ones(10)]) == []
    assert change_points(np.ones(30)) == []


def test_change_points_say_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "ruptures", None)
    with pytest.raises(QualityRefusal, match=r"ankle-imu\[stats\]"):
        change_points(np.arange(30.0))
