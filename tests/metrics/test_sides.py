"""Left against right: the formula by hand, the interval by drawing anew, and what must not change it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu import tables
from ankle_imu.metrics.sides import DIFFERENCES, RATIOS, compare_sides, symmetry_index


def walk(n=300, left=10.0, right=8.0, shared=0.0, seed=0, **more):
    """Strides of both legs in turn; `shared` is what the ground does to both, over stretches of 40 strides."""
    rng = np.random.default_rng(seed)
    ground = np.repeat(rng.normal(0.0, 1.0, n // 40 + 1), 40)[:n] * shared
    parts = [
        tables.make_table(tables.STRIDES, {
            "leg": [leg] * n, "gait": ["walk"] * n, "angle_source": ["joint"] * n, "accepted": [True] * n,
            "start_s": np.arange(n) + late,
            "range_stance_deg": (level + rng.normal(0.0, 1.0, n)) * np.exp(ground),
            "inv_at_ic_deg": level - 9.0 + rng.normal(0.0, 1.0, n),
        })
        for leg, level, late in (("left", left, 0.0), ("right", right, 0.5))
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True).assign(**more)


def test_index_and_difference_by_hand():
    ratio, difference = compare_sides(walk(), "walk", "joint")
    assert (ratio.metric, difference.metric) == ("range_stance_deg", "inv_at_ic_deg")
    assert ratio.value == pytest.approx(200.0 * (ratio.left - ratio.right) / (ratio.left + ratio.right))
    assert ratio.value == pytest.approx(22.2, abs=2.0)
    assert difference.value == pytest.approx(2.0, abs=0.25)
    assert ratio.is_told_apart
    assert difference.is_told_apart
    assert (ratio.n_left, ratio.n_right) == (300, 300)


def test_interval_holds_zero_where_the_legs_are_alike():
    """Of 60 walks of legs that are alike, at like ground that changes, an interval of 95 % lets few out."""
    out = sum(
        compare_sides(walk(right=10.0, shared=0.3, seed=k), "walk", "joint")[0].is_told_apart for k in range(60)
    )
    assert out <= 6


def test_ground_that_both_legs_share_does_not_widen_it():
    narrow, wide = (compare_sides(walk(shared=s), "walk", "joint")[0] for s in (0.0, 0.4))
    apart = walk(shared=0.4)
    right = (apart["leg"] == "right").to_numpy()
    mixed = apart.copy()
    blocks = np.argsort(np.repeat(np.random.default_rng(5).permutation(8), 40)[:300], kind="stable")
    mixed.loc[right, "range_stance_deg"] = apart.loc[right, "range_stance_deg"].to_numpy()[blocks]
    other = compare_sides(mixed, "walk", "joint")[0]
    assert wide.high - wide.low < 0.7 * (other.high - other.low), "both legs of a stretch are drawn together"
    assert narrow.high - narrow.low < wide.high - wide.low


def test_too_few_strides():
    assert compare_sides(walk(24), "walk", "joint") == []
    few = compare_sides(walk(40), "walk", "joint")[0]
    assert np.isnan(few.low)
    assert not few.is_told_apart
    assert compare_sides(walk(leg="left"), "walk", "joint") == []
    assert compare_sides(walk(accepted=False), "walk", "joint") == []
    assert compare_sides(walk(), "run", "joint") == []
    assert compare_sides(walk(), "walk", "foot") == []


def test_no_ratio_of_what_is_nothing():
    assert [s.metric for s in compare_sides(walk(range_stance_deg=0.0), "walk", "joint")] == ["inv_at_ic_deg"]


@given(st.floats(0.01, 1e3), st.floats(0.01, 1e3), st.floats(0.1, 10.0))
def test_index_is_free_of_units_and_turns_with_the_legs(a, b, scale):
    assert symmetry_index(a * scale, b * scale) == pytest.approx(symmetry_index(a, b), abs=1e-6)
    assert symmetry_index(b, a) == pytest.approx(-symmetry_index(a, b))
    assert abs(symmetry_index(a, b)) <= 200.0


def test_swapped_legs_swap_the_sign():
    strides = walk()
    turned = strides.assign(leg=strides["leg"].map({"left": "right", "right": "left"}))
    for one, other in zip(
        compare_sides(strides, "walk", "joint"), compare_sides(turned, "walk", "joint"), strict=True
    ):
        assert one.value == pytest.approx(-other.value)
        assert (one.low, one.high) == pytest.approx((-other.high, -other.low))


def test_every_metric_is_summarised():
    assert {*RATIOS, *DIFFERENCES} <= set(tables.METRICS)
