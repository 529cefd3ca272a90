from __future__ import annotations

import re

import numpy as np
import pytest
from trend_tables import METRIC, join, table

from ankle_imu.errors import QualityRefusal
from ankle_imu.trends import baseline_band, describe_trend, find_changes, fit_slopes, select_trend


def test_never_pools_source_site_or_gait():
    other = [table([99.0] * 2, source="foot"), table([99.0] * 2, site="heel"), table([99.0], gait="run")]
    trend = select_trend(join(*other, table([8.0, 9.0, 10.0])), METRIC)
    assert trend.points["median"].tolist() == [8.0, 9.0, 10.0]
    assert trend.n_sessions == 3
    assert len(trend.left_out) == 3
    assert any("foot sensor alone" in s for s in trend.left_out)
    assert select_trend(join(*other), METRIC, angle_source="foot").points["median"].tolist() == [99.0, 99.0]


def test_points_are_in_order_of_time_whatever_the_rows():
    trend = select_trend(table([1.0, 2.0, 3.0]).iloc[::-1], METRIC)
    assert trend.points["median"].tolist() == [1.0, 2.0, 3.0]
    assert trend.days.tolist() == [0.0, 2.0, 4.0]


def test_refuses_what_it_cannot_answer():
    with pytest.raises(QualityRefusal, match="Found 1 session"):
        select_trend(table([8.0]), METRIC)
    with pytest.raises(QualityRefusal, match="Found 0 sessions"):
        select_trend(table([np.nan, np.nan]), METRIC)
    with pytest.raises(QualityRefusal, match="Found 0 sessions"):
        select_trend(table([8.0, 9.0]), METRIC, gait="run")
    with pytest.raises(ValueError, match="Unknown metric"):
        select_trend(table([8.0, 9.0]), "wobbliness")
    with pytest.raises(ValueError, match="2 people"):
        select_trend(join(table([8.0]), table([9.0], alias="P-B")), METRIC)


@pytest.mark.parametrize(
    ("last", "half", "words"),
    [(11.0, 0.5, "counts as no change"), (14.0, 5.0, "may be chance"), (14.0, 0.5, "more than the 4 deg")],
)
def test_sentence_knows_the_minimal_detectable_change(last, half, words):
    first = describe_trend(select_trend(table([8.0, last], half=half), METRIC))[0]
    assert "over 2 sessions the median went from 8.0 to" in first
    assert words in first


def test_velocity_has_its_own_limit_and_unknown_metrics_say_so():
    velocity = describe_trend(select_trend(table([100.0, 150.0], metric="peak_inv_vel_dps"), "peak_inv_vel_dps"))[
        0
    ]
    assert "below 60 deg/s" in velocity
    assert (
        "No minimal detectable change"
        in describe_trend(select_trend(table([1.0, 2.0], metric="speed_mps"), "speed_mps"))[0]
    )


def test_sessions_needed_for_each_claim():
    assert (
        "4 sessions are too few to speak of a trend" in describe_trend(select_trend(table([8.0] * 4), METRIC))[-1]
    )
    one_each = table([8.0] * 2).assign(leg=["left", "right"])
    assert "1 session is too few to speak of a trend" in describe_trend(select_trend(one_each, METRIC))[-1]
    five = select_trend(table([8.0, 7.0, 9.0, 8.5, 8.2, 20.0]), METRIC)
    assert baseline_band(five, "left") == (7.0, 9.0)
    assert baseline_band(select_trend(table([8.0] * 4), METRIC), "left") is None
    assert fit_slopes(five) == []
    (slope,) = fit_slopes(select_trend(table(8.0 + 0.5 * np.arange(8)), METRIC))
    assert slope.per_30_days == pytest.approx(7.5)  # 0.5 deg every two days
    assert slope.is_clear
    (flat,) = fit_slopes(select_trend(table([8.0] * 8), METRIC))
    assert not flat.is_clear


def test_null_trends_are_rarely_called_clear():
    rng = np.random.default_rng(5)
    clear = [fit_slopes(select_trend(table(rng.normal(8, 1, 10)), METRIC))[0].is_clear for _ in range(120)]
    assert np.mean(clear) <= 0.08  # nominal 0.05 plus chance in 120 draws


@pytest.mark.parametrize(
    ("medians", "words", "not_said"),
    [
        (8.0 + 0.02 * np.arange(12), "a small steady drift upwards, not yet a change", "no change"),
        (20.0 - 0.6 * np.arange(12), "it changed", "no change"),
        (np.tile([8.0, 8.4], 6), "no change to be seen", "drift"),
        ([2.0, 14, 3, 12, 6, 5, 15, 4, 16, 8, 7, 15], "may be chance", "it changed"),
    ],
)
def test_one_verdict_of_four_and_none_beside_it(medians, words, not_said):
    told = describe_trend(select_trend(table(medians), METRIC))
    assert len(told) == 1
    assert words in told[0]
    assert not_said not in told[0]


def test_a_number_without_known_noise_is_never_called_changed():
    trend = select_trend(table(1.0 + 0.1 * np.arange(10), metric="speed_mps"), "speed_mps")
    assert "not called a change" in describe_trend(trend)[0]
    assert not find_changes(trend)[0].is_changed


def test_a_change_carries_the_sign_of_its_interval():
    noise = np.array([0.2, -0.1, 0.1, -0.3, 0.0, 0.25, -0.2, 0.1, 0.05, -0.1])
    told = describe_trend(select_trend(table(8.0 - 0.1 * np.arange(10) + noise), METRIC))[0]
    size = re.search(r"([+−][\d.]+) deg \(95 % interval ([+−][\d.]+) to ([+−][\d.]+)", told)
    assert size, told
    value, low, high = (float(text.replace("−", "-")) for text in size.groups())
    assert low <= value <= high < 0.0
