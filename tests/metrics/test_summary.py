from __future__ import annotations

import numpy as np
import pytest

from ankle_imu import tables
from ankle_imu.metrics.excursions import count_exceedances, rate_per_1000
from ankle_imu.metrics.summary import median_interval, summarize


def strides(values, leg="left", gait="walk", source="joint", accepted=None):
    n = len(values)
    return tables.make_table(tables.STRIDES, {
        "leg": [leg] * n, "gait": [gait] * n, "angle_source": [source] * n, "start_s": np.arange(n) * 1.1,
        "accepted": np.ones(n, bool) if accepted is None else accepted, "range_stance_deg": values,
    })  # fmt: skip


def test_median_iqr_and_counts_by_hand():
    accepted = np.arange(61) > 0
    row = summarize(strides(np.r_[1000.0, np.arange(60.0)], accepted=accepted)).iloc[0]
    assert (row["n_strides"], row["n_accepted"]) == (61, 60)
    assert row["range_stance_deg_median"] == 29.5
    assert row["range_stance_deg_iqr"] == 29.5
    assert row["range_stance_deg_ci_low"] < 29.5 < row["range_stance_deg_ci_high"]
    assert np.isnan(row["speed_mps_median"])


@pytest.mark.parametrize(
    ("n", "median", "iqr"), [(24, False, False), (25, True, False), (49, True, False), (50, True, True)]
)
def test_too_few_strides_give_nan(n, median, iqr):
    values = np.r_[np.arange(float(n)), np.full(10, np.nan)]
    row = summarize(strides(values)).iloc[0]
    names = [f"range_stance_deg_{s}" for s in ("median", "ci_low", "ci_high", "iqr")]
    assert np.isfinite(row[names].astype(float)).tolist() == [median] * 3 + [iqr]


def test_sources_gaits_and_legs_are_never_pooled():
    import pandas as pd

    parts = [strides(np.full(30, 1.0), "right"), strides(np.full(30, 2.0), source="foot"),
             strides(np.full(30, 3.0), gait="run"), strides(np.full(30, 4.0))]  # fmt: skip
    summary = summarize(pd.concat(parts))
    tables.check_columns(summary, tables.SUMMARY)
    keys = list(zip(summary["leg"], summary["gait"], summary["angle_source"], strict=True))
    assert keys == [
        ("left", "walk", "joint"),
        ("left", "walk", "foot"),
        ("left", "run", "joint"),
        ("right", "walk", "joint"),
    ]
    assert summary["range_stance_deg_median"].tolist() == [4.0, 2.0, 3.0, 1.0]


def test_no_strides_is_an_empty_table():
    summary = summarize(tables.make_table(tables.STRIDES, {}))
    assert len(summary) == 0
    tables.check_columns(summary, tables.SUMMARY)


def walk(n, rng, regime):
    """Ground level switches after `regime` strides on average; strides of one regime are independent."""
    level = np.cumsum(rng.random(n) < 1.0 / regime)
    return rng.choice([6.0, 8.0, 11.0], p=[0.4, 0.4, 0.2], size=level[-1] + 1)[level] * np.exp(
        0.25 * rng.normal(size=n)
    )


def coverage(n, regime, repeats, seed):
    rng = np.random.default_rng(seed)
    truth = np.median(walk(400_000, rng, regime))
    intervals = [median_interval(walk(n, rng, regime)) for _ in range(repeats)]
    return np.mean([low <= truth <= high for low, high in intervals])


def test_interval_covers_where_the_ground_switches():
    assert coverage(1600, 60, 200, 1) >= 0.92
    assert coverage(3000, 120, 200, 2) >= 0.92


def test_interval_of_independent_strides_is_neither_too_short_nor_idle():
    rng = np.random.default_rng(3)
    intervals = np.array([median_interval(rng.normal(size=600)) for _ in range(200)])
    assert np.mean((intervals[:, 0] <= 0) & (intervals[:, 1] >= 0)) >= 0.95
    exact = 2 * 1.96 * np.sqrt(np.pi / 2 / 600)  # width of an interval of the median of independent Gaussians
    assert exact < np.median(intervals[:, 1] - intervals[:, 0]) < 3 * exact


def test_interval_does_not_depend_on_scale_and_is_repeatable():
    x = np.random.default_rng(4).normal(size=200)
    low, high = median_interval(x)
    assert median_interval(x) == (low, high)
    np.testing.assert_allclose(median_interval(3.0 * x + 7.0), (3.0 * low + 7.0, 3.0 * high + 7.0))
    with pytest.raises(ValueError, match="at least 8"):
        median_interval(x[:7])


def test_exceedances_and_rate():
    assert count_exceedances([15.0, 15.1, 26.0, np.nan]) == {15.0: 2, 20.0: 1, 25.0: 1}
    np.testing.assert_allclose(rate_per_1000(0, 3000), (0.0, 0.0, 1.2296), atol=1e-4)
    np.testing.assert_allclose(rate_per_1000(2, 1000), (2.0, 0.2422, 7.2247), atol=1e-4)  # Garwood's table
    with pytest.raises(ValueError, match="at least 1"):
        rate_per_1000(0, 0)
