"""What is claimed of people who did and did not change; the long repeats run with --full."""

from __future__ import annotations

import pytest

from ankle_imu.validation.seasons import STEADIER, claimed, is_index_covered, score_seasons
from ankle_imu.validation.simulation import Extent

# 200 people each, seeds 200 to 399, are in `validate --full`; here few, with room for chance.


def test_unchanged_people_are_not_called_changed(full):
    people = range(200, 400) if full else range(200, 212)
    assert claimed(people, 1.0, 0.0).adjusted <= (0.05 if full else 2 / 12)


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
