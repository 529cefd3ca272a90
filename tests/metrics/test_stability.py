"""Stability measures against values worked out here, and their refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu import tables
from ankle_imu.metrics import stability
from ankle_imu.metrics.smoothness import log_jerk
from ankle_imu.metrics.stability import MEASURES, measure


def strides(n: int, **columns: object) -> pd.DataFrame:
    start = 1.1 * np.arange(n)
    base = {
        "stride_id": np.arange(n), "leg": ["left"] * n, "start_s": start, "end_s": start + 1.1,
        "gait": ["walk"] * n,
        "accepted": [True] * n, "stride_time_s": np.full(n, 1.1), "angle_source": ["joint"] * n,
    }  # fmt: skip
    return tables.make_table(tables.STRIDES, base | columns)


def test_robust_spread_of_a_gaussian_is_its_sd_and_ignores_one_roll() -> None:
    x = np.random.default_rng(1).normal(10.0, 2.0, 4000)
    x[7] = 500.0
    assert measure("spread_range_stance_deg", strides(4000, range_stance_deg=x)).value == pytest.approx(
        2.0, rel=0.05
    )


def test_successive_differences_ignore_slow_drift() -> None:
    n = 4000
    x = np.random.default_rng(2).normal(0.0, 1.5, n) + np.linspace(0.0, 40.0, n)
    found = measure("successive_range_stance_deg", strides(n, range_stance_deg=x)).value
    assert found == pytest.approx(1.5, rel=0.05)
    assert measure("spread_range_stance_deg", strides(n, range_stance_deg=x)).value > 8.0


def test_successive_differences_do_not_reach_over_a_rejected_stride() -> None:
    n = 120
    x = np.where(np.arange(n) < 60, 5.0, 25.0) + np.tile([0.1, -0.1], 60)
    accepted = np.arange(n) != 60
    found = measure("successive_range_stance_deg", strides(n, range_stance_deg=x, accepted=accepted)).value
    assert found == pytest.approx(0.2 / np.sqrt(2.0), rel=0.05)


def test_stride_time_log_sd_is_the_coefficient_of_variation_for_small_ones() -> None:
    t = 1.1 * (1.0 + 0.02 * np.random.default_rng(3).standard_normal(5000))
    assert measure("stride_time_log_sd", strides(5000, stride_time_s=t)).value == pytest.approx(0.02, rel=0.05)


@given(st.integers(1, 40), st.floats(0.05, 0.95), st.integers(0, 10_000))
def test_quantile_is_numpys_median_unbiased_one(n: int, share: float, seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=n)
    padded = np.concatenate([x, np.full(3, np.nan)])[None, :]
    expected = np.quantile(x, share, method="median_unbiased")
    assert stability.row_quantile(padded, share)[0] == pytest.approx(expected)


def test_rate_counts_wobbles_and_rolls_of_the_leg_that_were_not_called_false() -> None:
    events = tables.make_table(
        tables.EVENTS,
        {
            "leg": ["left", "left", "right", "left", "left"],
            "time_s": [10.0, 20.0, 30.0, 40.0, 50.0],
            "kind": ["wobble", "roll", "roll", "marker", "wobble"],
            "verdict": ["none", "none", "none", "none", "false"],
        },
    )
    found = measure("roll_rate_per_1000", strides(400), events=events)
    assert found.value == pytest.approx(2.0 / 400 * 1000.0)


def rolls(*at: float) -> pd.DataFrame:
    n = len(at)
    columns = {"leg": ["left"] * n, "time_s": list(at), "kind": ["roll"] * n, "verdict": ["none"] * n}
    return tables.make_table(tables.EVENTS, columns)


def rate(table: pd.DataFrame, *at: float) -> float:
    return measure("roll_rate_per_1000", table, events=rolls(*at)).value


def test_a_roll_after_which_the_walker_stops_counts() -> None:
    """The stance that ends a walk lies in no stride; after three seconds of nothing it is another walk's."""
    table = strides(400)
    end = float(table["end_s"].iloc[-1])
    assert rate(table, 10.0, end + 0.3) == pytest.approx(2.0 / 400 * 1000.0)
    assert rate(table, 10.0, end + 3.1) == pytest.approx(1.0 / 400 * 1000.0)


def test_turns_and_lost_samples_are_walked_but_a_doubted_sensor_says_nothing() -> None:
    reason = np.full(500, "", dtype=object)
    reason[:50] = "turns more than 20 deg"
    reason[50:100] = "samples lost for more than 60 ms"
    reason[300:400] = "sensor slipped at 5:30"
    reason[400:] = "not part of a bout"
    table = strides(500, accepted=reason == "", reject_reason=reason)
    assert rate(table, 10.0, 80.0, 200.0, 400.0, 500.0) == pytest.approx(3.0 / 300 * 1000.0)


def test_a_roll_is_laid_to_a_stride_of_its_own_gait() -> None:
    """Strides of another gait stand between the last walked one and the roll."""
    table = strides(400, gait=["walk"] * 398 + ["run"] * 2)
    walked = table[table["gait"] == "walk"]
    at = float(table["end_s"].iloc[-1]) + 0.1
    chosen = MEASURES["roll_rate_per_1000"]
    assert stability.stride_values(chosen, walked, None, rolls(at), table).sum() == 0.0
    assert stability.stride_values(chosen, table[table["gait"] == "run"], None, rolls(at), table).sum() == 1.0


def test_a_shank_sensor_alone_has_no_rate() -> None:
    found = measure("roll_rate_per_1000", strides(400, angle_source=["none"] * 400), events=rolls())
    assert np.isnan(found.value)
    assert "shank sensor alone" in found.reason


@pytest.mark.parametrize("name", list(MEASURES))
def test_too_few_strides_are_refused_with_a_reason(name: str) -> None:
    found = measure(name, strides(MEASURES[name].needed - 1, range_stance_deg=np.ones(MEASURES[name].needed - 1)))
    assert np.isnan(found.value)
    assert "needed" in found.reason


def test_a_floor_is_refused() -> None:
    x = np.where(np.arange(200) % 3 == 0, 4.0, 0.0)
    found = measure("spread_inv_excursion_deg", strides(200, inv_excursion_deg=x))
    assert np.isnan(found.value)
    assert "at 0" in found.reason


def test_an_unknown_measure_names_the_known() -> None:
    with pytest.raises(ValueError, match="successive_inv_excursion_deg"):
        measure("wobbliness", strides(60))


def test_every_measure_says_where_it_comes_from() -> None:
    for one in MEASURES.values():
        assert one.source.startswith("methods")
        assert one.unit
        assert one.scale in ("log", "linear", "count")


class TestSmoothness:
    fs = 200.0

    def rate(self, n: int = 400) -> np.ndarray:
        return np.sin(np.pi * np.arange(n) / n)

    def test_half_a_sine_by_hand(self) -> None:
        """v = sin(pi t / T): the integral of v''^2 is pi^4 / (2 T^3), so the measure is -ln(pi^4 / 2)."""
        found = log_jerk(self.rate(), np.array([0.0]), np.array([400 / 0.85]))
        assert found[0] == pytest.approx(-np.log(np.pi**4 / 2.0), abs=0.02)

    def test_neither_size_nor_speed_counts(self) -> None:
        small = log_jerk(0.01 * self.rate(200), np.array([0.0]), np.array([200 / 0.85]))
        assert small[0] == pytest.approx(
            log_jerk(self.rate(), np.array([0.0]), np.array([400 / 0.85]))[0], abs=0.02
        )

    def test_a_ripple_is_less_smooth(self) -> None:
        ripple = self.rate() + 0.1 * np.sin(20 * np.pi * np.arange(400) / 400)
        ic, to = np.array([0.0]), np.array([400 / 0.85])
        assert log_jerk(ripple, ic, to)[0] < log_jerk(self.rate(), ic, to)[0] - 2.0

    def test_gaps_short_and_still_phases_are_unknown(self) -> None:
        broken = self.rate()
        broken[100] = np.nan
        assert np.isnan(log_jerk(broken, np.array([0.0]), np.array([400.0]))[0])
        assert np.isnan(log_jerk(self.rate(), np.array([0.0]), np.array([5.0]))[0])
        assert np.isnan(log_jerk(np.zeros(400), np.array([0.0]), np.array([400.0]))[0])
        assert len(log_jerk(self.rate(), np.zeros(0), np.zeros(0))) == 0
