"""The event ladder: by hand, and on anything."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu.gait.filters import low_pass
from ankle_imu.metrics import rolls

RATE = 104.0


def stance(rate: np.ndarray, ic: int, to: int, dps: float = 300.0) -> rolls.Rises:
    angle = np.concatenate([[0.0], np.cumsum(rate)[:-1]]) / RATE
    return rolls.find_rises(angle, rate, np.array([float(ic)]), np.array([float(to)]), RATE, dps)


def test_a_rise_counts_from_the_lowest_point_before_it() -> None:
    """10 deg down, 30 deg up: the rise is 30 deg from where it turned, at 416 deg/s for 8 samples."""
    rate = np.zeros(120)
    rate[20:25] = -208.0
    rate[30:38] = 416.0
    found = stance(rate, ic=10, to=100)
    assert found.height[0] == pytest.approx(8 * 416.0 / RATE)
    assert (found.start[0], found.top[0], found.held[0]) == (25, 38, 8)
    assert found.fastest[0] == 416.0


def test_a_later_smaller_roll_is_found_below_a_high_landing() -> None:
    """Set down 30 deg inverted, down to 0, then a roll to 25 deg: the largest rise is 25 deg, not the landing."""
    angle = np.concatenate([np.full(15, 30.0), np.linspace(30, 0, 20), np.zeros(10), np.linspace(0, 25, 8)])
    angle = np.concatenate([angle, np.full(60, 25.0)])
    rate = np.gradient(angle) * RATE
    found, _ = rolls.find_rolls(angle, rate, np.array([10.0]), np.array([110.0]), RATE, 20.0, 300.0)
    assert found["peak_deg"].tolist() == [25.0]


def test_the_way_back_from_an_inversion_is_no_eversion_roll() -> None:
    up, down = np.linspace(0, 40, 10), np.linspace(40, 0, 10)
    angle = np.concatenate([np.zeros(20), up, down, np.zeros(60)])
    rate = np.gradient(angle) * RATE
    ic, to = np.array([10.0]), np.array([90.0])
    assert len(rolls.find_rolls(angle, rate, ic, to, RATE, 20.0, 300.0)[0]["stride"]) == 1
    assert len(rolls.find_rolls(angle, rate, ic, to, RATE, 20.0, 300.0)[1]["stride"]) == 0
    after = angle - 60.0 * (np.arange(100) >= 60)
    inward, outward = rolls.find_rolls(after, np.gradient(after) * RATE, ic, to, RATE, 20.0, 300.0)
    assert len(inward["stride"]) == 0, "the outward way goes further beyond the usual"
    assert outward["peak_deg"].tolist() == [100.0], "counted from the most inverted instant before"


def test_eversion_counts_beyond_ones_own() -> None:
    """Thirty stances that evert by 15 deg, one by 30: 15 deg beyond the usual are none, 40 deg are one."""
    for last, expected in ((30.0, 0), (40.0, 1)):
        parts = [
            np.concatenate([np.zeros(20), np.linspace(0, x, 7), np.full(73, x)]) for x in [15.0] * 30 + [last]
        ]
        angle = np.concatenate(parts)
        ic = 10.0 + 100.0 * np.arange(31)
        rate = np.gradient(angle) * RATE
        _, found = rolls.find_rolls(-angle, -rate, ic, ic + 80.0, RATE, 20.0, 300.0)
        assert len(found["stride"]) == expected


def test_the_way_back_from_an_eversion_is_no_roll() -> None:
    """Thirty stances that peak at 2 deg; one everts by 30 and comes back as fast, no further than usual."""
    usual = np.concatenate([np.full(20, -4.0), np.linspace(-4, 2, 10), np.full(70, 2.0)])
    there = np.concatenate([np.full(20, 2.0), np.linspace(2, -30, 10), np.linspace(-30, 3, 10), np.full(60, 3.0)])
    ic = 10.0 + 100.0 * np.arange(31)
    for last, expected in ((there, 0), (np.where(np.arange(100) < 30, there, there + 40.0), 1)):
        angle = np.concatenate([usual] * 30 + [last])
        rate = np.gradient(angle) * RATE
        assert len(rolls.find_rolls(angle, rate, ic, ic + 80.0, RATE, 20.0, 300.0)[0]["stride"]) == expected


@given(st.lists(st.one_of(st.floats(-50, 50), st.none()), max_size=60))
def test_the_usual_peak_is_the_median_around(peaks: list[float | None]) -> None:
    known = np.array([p is not None for p in peaks], dtype=bool)
    values = np.array([7e9 if p is None else p for p in peaks], dtype=float)
    found = rolls.usual_peak(values, known)
    for k in range(len(peaks)):
        near = [p for p in peaks[max(0, k - 10) : k + 11] if p is not None]
        expected = float(np.median(near)) if len(near) >= 5 else float("nan")
        np.testing.assert_allclose(found[k], expected, atol=1e-9)


def test_ringing_without_way_and_way_without_rate_are_none() -> None:
    """A knock rings at 33 Hz to 600 deg/s; a slow lean moves 40 deg at 100 deg/s; nor are both, low-passed."""
    ring = np.zeros(120)
    ring[30:60] = 600.0 * np.sin(2 * np.pi * 33.0 * np.arange(30) / RATE)
    lean = np.where((np.arange(120) > 20) & (np.arange(120) < 62), 100.0, 0.0)
    for rate in (ring, lean, low_pass(ring, 25.0, RATE) + lean):
        assert not rolls.is_roll(stance(rate, ic=10, to=100), 20.0, RATE).any()


@pytest.mark.parametrize(
    ("missing", "is_seen"), [(7, True), (8, False), (20, False), (41, False), (42, True), (60, True)]
)
def test_a_missing_sample_leaves_the_stance_open_up_to_the_peak(missing: int, is_seen: bool) -> None:
    """Contact at 10, up by 32 deg until 38: seen where none of 8 to 41 is missing, known where nothing is."""
    rate = np.zeros(120)
    rate[30:38] = 416.0
    angle = np.concatenate([[0.0], np.cumsum(rate)[:-1]]) / RATE
    rate[missing] = angle[missing] = np.nan
    found = rolls.find_rises(angle, rate, np.array([10.0]), np.array([100.0]), RATE, 300.0)
    assert found.is_seen[0] == is_seen
    assert found.is_known[0] == (missing == 7)
    assert found.height[0] == pytest.approx(32.0)
    assert rolls.is_roll(found, 20.0, RATE).all()


@given(
    steps=st.lists(st.floats(-900, 900), min_size=4, max_size=20),
    ic=st.integers(3, 20),
    length=st.integers(5, 60),
)
def test_the_rise_is_the_largest_of_all_pairs(steps: list[float], ic: int, length: int) -> None:
    """No earlier and later sample of the first 85 % lie further apart, and the held rate lies in the rise."""
    rate = np.repeat(steps, 5)
    angle = np.concatenate([[0.0], np.cumsum(rate)[:-1]]) / RATE
    to = min(ic + length, len(rate) - 1)
    if to <= ic:
        return
    found = rolls.find_rises(angle, rate, np.array([float(ic)]), np.array([float(to)]), RATE, 300.0)
    first, last = int(np.ceil(ic - 0.02 * RATE)), int(np.ceil(ic + 0.85 * (to - ic)))
    inside = angle[max(first, 0) : max(last, first + 1)]
    pairs = max((float(inside[j] - inside[i]) for j in range(len(inside)) for i in range(j + 1)), default=0.0)
    assert found.height[0] >= pairs - 1e-9
    assert found.start[0] <= found.top[0]
    assert found.held[0] <= found.top[0] - found.start[0]


def test_wobbles_need_strides_to_compare_with() -> None:
    rng = np.random.default_rng(4)
    excursion = np.append(3.0 + 0.5 * rng.standard_normal(60), [12.0, 7.0])
    rate = np.append(80.0 + 10.0 * rng.standard_normal(60), [90.0, 400.0])
    gait = np.full(62, "walk")
    assert rolls.find_wobbles(excursion, rate, gait).tolist() == [60]
    assert rolls.find_wobbles(excursion[20:], rate[20:], gait[20:]).size == 0
    assert rolls.find_wobbles(excursion, rate, np.where(np.arange(62) == 60, "run", "walk")).size == 0
