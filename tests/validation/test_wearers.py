"""Many wearers: what is drawn for each, and the share inside the stated doubt with its interval."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ankle_imu.simulate import Plan
from ankle_imu.validation import wearers
from ankle_imu.validation.simulated import LegErrors
from ankle_imu.validation.simulation import LAYER
from ankle_imu.validation.wearers import FEWEST_WALKS, covered, resampled, score_wearers, wearer


def walked(error_deg: list[float], sigma_deg: float) -> LegErrors:
    n = len(error_deg)
    strides = pd.DataFrame(
        {
            "accepted": [True] * n,
            "angle_source": ["joint"] * n,
            "true_gait": ["walk"] * n,
            "true_range_stance_deg": [10.0] * n,
            "range_stance_deg": 10.0 + np.array(error_deg),
            "angle_sd_deg": [sigma_deg] * n,
        }
    )
    return LegErrors(
        leg="left", time=np.empty(0), error={}, strides=strides, n_found=n, n_true=n, yaw_deg={},
        sigma_yaw_deg={}, how="by hand",
    )  # fmt: skip


def test_the_share_counts_walks_alike():
    # half of two strides, and three of three: walks weigh the same
    share, error = covered([walked([0.5, -2.0], 1.0), walked([0.1, 0.2, -0.3], 1.0)], "walk", "case", "cell")
    assert share.value == pytest.approx(0.75)
    assert error.value == pytest.approx(0.5 * (1.25 + 0.2))
    assert share.n == 2
    assert share.verdict == ""
    many = [walked([0.5, -2.0, 0.3], 1.0)] * FEWEST_WALKS
    assert next(covered(many, "walk", "case", "cell")).verdict == "met"
    assert next(covered([walked([0.5], 1.0)] * FEWEST_WALKS, "walk", "case", "cell")).verdict == "missed"


def test_nothing_known_gives_no_row():
    assert list(covered([walked([np.nan], 1.0)], "walk", "case", "cell")) == []


def test_the_interval_is_that_of_the_walks():
    rng = np.random.default_rng(3)
    shares = rng.uniform(0.4, 1.0, 60)
    low, high = resampled(shares)
    # normal theory: +-1.96 SD / sqrt(n)
    half = 1.96 * shares.std() / np.sqrt(60)
    assert low == pytest.approx(shares.mean() - half, abs=0.01)
    assert high == pytest.approx(shares.mean() + half, abs=0.01)


def test_people_differ_and_stay_themselves():
    plan = Plan(duration_s=75.0, errors="full")
    people = [wearer(plan, seed) for seed in range(100)]
    assert repr(wearer(plan, 7)) == repr(people[7])  # fields that are NaN are not equal to themselves
    assert {p.placements[0] for p in people} == {"left_foot", "right_foot"}
    assert np.std([p.yaw_misalignment_deg for p in people]) == pytest.approx(2.0, rel=0.25)
    assert {wearer(plan, seed, yaw=5.0).yaw_misalignment_deg for seed in range(20)} == {5.0, -5.0}


def test_each_cell_is_printed(monkeypatch, full):
    if not full:
        monkeypatch.setattr(wearers, "CELLS", {"taps": {}, "none": {"movements": False}})
    rows = list(score_wearers(Plan(duration_s=45.0, sampling_rate=104.0, **LAYER), 1))
    quantities = [row.quantity for row in rows]
    assert len(set(quantities)) == len(quantities)
    assert all(np.isfinite(row.value) and row.n == 1 for row in rows)
    for cell in wearers.CELLS:
        for gait in ("walk", "run"):
            assert f"inversion range errors inside the stated 1 sigma, {gait}, {cell}" in quantities
    # eight taps about the foot's own axis: no simulated foot is off by more than its 1.2 deg a tap allow
    foot = next(row for row in rows if row.quantity.startswith("foot yaw, from movements"))
    assert foot.value < 4.0
