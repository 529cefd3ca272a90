"""Two sessions compared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ankle_imu.comparison import Difference, SessionStrides, compare, mount_sites
from ankle_imu.comparison.contrast import interval_of_difference
from ankle_imu.errors import QualityRefusal
from ankle_imu.validation.stride_tables import Outing, Person, make_session
from ankle_imu.values import SensorInfo, SessionInfo

PERSON = Person(session_log=0.0)


def walk(seed: int, day: int = 0, **outing: object) -> SessionStrides:
    return make_session(PERSON, Outing(n_strides=2000, day=day, **outing), seed).session  # type: ignore[arg-type]


def of(found: object, measure: str) -> Difference:
    return next(d for d in found.differences if d.measure == measure)  # type: ignore[attr-defined]


def test_a_rockier_walk_is_no_less_steady_at_like_ground() -> None:
    first, second = walk(1, mix=(0.5, 0.3, 0.2)), walk(2, 1, mix=(0.2, 0.3, 0.5))
    d = of(compare(first, second), "successive_inv_excursion_deg")
    assert d.low < 0.0 < d.high
    assert d.verdict == "unclear"


def test_a_true_change_is_found_and_has_its_side() -> None:
    first, second = walk(1), walk(2, 1, effect_log=np.log(0.6))
    d = of(compare(first, second, limits={"successive_inv_excursion_deg": 0.2}), "successive_inv_excursion_deg")
    assert d.high < 0.0
    assert d.verdict == "changed"
    assert d.high_is_steadier is False
    assert of(compare(first, second), "successive_inv_excursion_deg").verdict == "differs"
    assert of(compare(first, second, limits={"range_stance_deg": 4.0}), "range_stance_deg").verdict == "no change"


def test_others_help(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("statsmodels")
    others = [walk(10 + k, 10 + k) for k in range(5)]
    found = compare(walk(1), walk(2, 1), others)
    assert found.n_sessions == 7
    assert of(found, "successive_inv_excursion_deg").method == "mixed"


def test_order_turns_the_sign() -> None:
    first, second = walk(1), walk(2, 1, effect_log=np.log(0.6))
    there = of(compare(first, second), "stride_time_log_sd").delta
    back = of(compare(second, first), "stride_time_log_sd").delta
    assert there < 0.0 < back


def test_what_else_differs_is_said() -> None:
    first, second = walk(1, shoe="boots"), walk(2, 1, shoe="sandals", load_kg=2.0)
    found = compare(first, replace(second, brace="laced"))
    assert any("boots, then sandals" in line for line in found.cautions)
    assert any("0 kg, then 2 kg" in line for line in found.cautions)
    assert any("brace" in line for line in found.cautions)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda s: replace(s, mount_site={"left": "heel"}), "sat elsewhere"),
        (lambda s: replace(s, strides=s.strides.assign(angle_source="foot")), "different sensors"),
        (lambda s: replace(s, strides=s.strides.assign(leg="right")), "only the first session"),
        (lambda s: replace(s, strides=s.strides.assign(accepted=False)), "only the first session"),
        (lambda s: replace(s, strides=s.strides.iloc[:20].reset_index(drop=True)), "needed"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_reason(change: object, word: str) -> None:
    with pytest.raises(QualityRefusal, match=word):
        compare(walk(1), change(walk(2, 1)))  # type: ignore[operator]


def test_one_session_is_not_compared_with_itself() -> None:
    with pytest.raises(ValueError, match="two different"):
        compare(walk(1), walk(1))


def test_two_legs_are_never_pooled() -> None:
    left, right = walk(1), make_session(PERSON, Outing(n_strides=2000), 5, "right").session
    both = replace(
        left,
        strides=pd.concat(
            [left.strides, right.strides.assign(stride_id=lambda t: t["stride_id"] + 2000)], ignore_index=True
        ),
        context=pd.concat(
            [left.context, right.context.assign(stride_id=lambda t: t["stride_id"] + 2000)], ignore_index=True
        ),
        mount_site={"left": "instep", "right": "instep"},
    )
    found = compare(both, walk(2, 1))
    assert {d.leg for d in found.differences} == {"left"}
    assert any("right leg, walk: only the first" in line for line in found.left_out)
    alone = compare(left, walk(2, 1))
    for one in alone.differences:
        assert of(found, one.measure).before == pytest.approx(one.before)


def test_interval_of_a_difference_of_equal_halves_is_the_root_of_squares() -> None:
    low, high = interval_of_difference((1.0, 0.0, 2.0), (3.0, 2.0, 4.0))
    assert (low, high) == (pytest.approx(2.0 - np.sqrt(2.0)), pytest.approx(2.0 + np.sqrt(2.0)))


@pytest.mark.parametrize(("others", "method"), [(0, "direct"), (4, "mixed")])
def test_the_doubt_of_a_difference_counts_what_both_share_once(others: int, method: str) -> None:
    """Zou and Donner's interval is for two figures that know nothing of each other; these do, and lie closer."""
    if method == "mixed":
        pytest.importorskip("statsmodels")
    found = compare(walk(1), walk(2, 1), [walk(10 + k, 10 + k) for k in range(others)])
    for d in found.differences:
        if d.method != method:
            continue
        low, high = interval_of_difference(d.before, d.after)
        assert d.low < d.delta < d.high
        assert d.high - d.low < high - low
        if method == "direct":
            assert (d.low, d.high) == pytest.approx((d.after[1] - d.before[0], d.after[2] - d.before[0]))
    assert method in {d.method for d in found.differences}


def test_the_interval_of_no_difference_holds_zero_as_often_as_it_says(full: bool) -> None:
    """Pairs of walks of one person who did not change, in one kind of shoe, on ground of one make."""
    pairs = 150 if full else 40
    held, width, delta = [], [], []
    for seed in range(pairs):
        found = compare(walk(3000 + 2 * seed), walk(3001 + 2 * seed, 1))
        d = of(found, "successive_inv_excursion_deg")
        held.append(d.low <= 0.0 <= d.high)
        width.append((d.high - d.low) / d.before[0] / 3.92)
        delta.append(d.delta / d.before[0])
    assert (0.93 if full else 0.87) <= np.mean(held) <= 1.0
    assert np.mean(width) < (1.3 if full else 1.45) * np.std(delta)


def test_the_mount_site_of_a_leg_is_its_foot_sensors() -> None:
    worn = {"left_foot": "heel", "left_shank": "mid_shank", "right_shank": "mid_shank"}
    sensors = {p: SensorInfo(placement=p, mount_site=site) for p, site in worn.items()}
    info = SessionInfo(session_id="x", started_utc="2026-03-01T08:00:00Z", sensors=sensors)
    assert mount_sites(info) == {"left": "heel", "right": "mid_shank"}
    assert mount_sites(replace(info, sensors={})) == {"left": "", "right": ""}
