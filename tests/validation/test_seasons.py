"""What is claimed of people who did and did not change; the long repeats run with --full."""

from __future__ import annotations

import pytest
from scipy.stats import binom

from ankle_imu.validation.seasons import ROUGHER, STEADIER, claimed, is_index_covered, score_seasons
from ankle_imu.validation.simulation import Extent

# 200 people each, seeds 200 to 399, are in `validate --full` and the judge of the target of 5 %; here fewer.

FEW = 40
"""People of each of three kinds of season in the quick run, 120 together."""

MOST_OF_FEW = 9
"""Claims among them that pass, 7.5 %: binomial, 0.98 of those who claim in 4 % of seasons pass (measured in 600
full ones), 0.92 at 5 %, 0.23 at 10 % and 0.01 at 15 %. A rate of 7 or 8 % the quick run cannot tell from 5 %."""


@pytest.mark.parametrize(("p", "low", "high"), [(0.04, 0.95, 1.0), (0.05, 0.88, 0.95), (0.15, 0.0, 0.02)])
def test_what_the_quick_bound_can_show(p, low, high):
    assert low <= binom.cdf(MOST_OF_FEW, 3 * FEW, p) <= high


def test_unchanged_people_are_not_called_changed(full):
    drifts = (0.0, ROUGHER, -ROUGHER)
    if full:
        assert all(claimed(range(200, 400), 1.0, drift).adjusted <= 0.05 for drift in drifts)
        return
    few = [range(200 + k * FEW, 200 + (k + 1) * FEW) for k in range(3)]
    shares = [claimed(people, 1.0, drift).adjusted for people, drift in zip(few, drifts, strict=True)]
    assert round(FEW * sum(shares)) <= MOST_OF_FEW


def test_a_true_improvement_is_found_and_not_without_adjustment(full):
    people = range(200, 400) if full else range(200, 212)
    found = claimed(people, STEADIER, 0.0)
    assert found.adjusted >= (0.80 if full else 8 / 12)
    assert found.as_walked <= 0.5


def test_index_interval_holds_the_truth(full):
    covered = [is_index_covered(seed) for seed in (range(100, 300) if full else range(100, 110))]
    known = [one for one in covered if one is not None]
    assert len(known) >= 0.8 * len(covered)
    share = sum(known) / len(known)
    assert (0.85 if full else 0.7) <= share <= (0.97 if full else 1.0)


@pytest.mark.parametrize("wearers", [4])
def test_rows_of_few_people_carry_no_target(wearers, monkeypatch):
    monkeypatch.setattr("ankle_imu.validation.seasons._CASES", (("quick", 1.0, 0.0),))
    rows = list(score_seasons(Extent(wearers=wearers)))
    assert [row.quantity for row in rows] == [
        "called changed", "called changed, figures as walked", "index in its 95 % interval",
    ]  # fmt: skip
    assert all(row.n <= wearers and 0 <= row.value <= 1 and not row.verdict for row in rows)
