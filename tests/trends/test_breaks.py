"""Another sensor, mount site, shoe or firmware ends a series; nothing is computed across it."""

from __future__ import annotations

import numpy as np
import pytest
from trend_tables import table

from ankle_imu.trends import (
    Worn,
    baseline_band,
    describe_trend,
    find_breaks,
    find_changes,
    fit_slopes,
    select_trend,
)
from ankle_imu.values import SensorInfo, SessionInfo


def worn(i, **facts):
    return Worn(session_id=f"s{i}", start_utc=f"2026-03-{1 + 2 * i:02d}T08:00:00Z", **facts)


def words(*sessions):
    return [(b.session_id, b.leg, b.word) for b in find_breaks(sessions)]


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        ({"shoe": "Road"}, {"shoe": "trail"}, "shoe"),
        ({"sensor": {"left_foot": "A"}}, {"sensor": {"left_foot": "B"}}, "sensor"),
        ({"mount_site": {"left_foot": "instep"}}, {"mount_site": {"left_foot": "heel"}}, "mount site"),
        ({"firmware": {"left_foot": "1.0"}}, {"firmware": {"left_foot": "1.1"}}, "firmware"),
    ],
)
def test_each_change_is_named(before, after, word):
    assert ("s1", "left", word) in words(worn(1, **after), worn(0, **before))
    assert words(worn(0, **before), worn(1, **before)) == []


def test_unknown_is_no_change_and_legs_are_apart():
    assert words(worn(0, shoe="A"), worn(1), worn(2, shoe="a")) == []
    assert words(worn(0, shoe="A"), worn(1), worn(2, shoe="B")) == [
        ("s2", "left", "shoe"),
        ("s2", "right", "shoe"),
    ]
    one, two = {"left_foot": "A", "right_foot": "C"}, {"left_foot": "B", "right_foot": "C"}
    assert words(worn(0, sensor=one), worn(1, sensor=two)) == [("s1", "left", "sensor")]
    assert words(worn(0, shoe="A", sensor=one), worn(1, shoe="B", sensor=two))[0] == ("s1", "left", "shoe, sensor")


def test_from_a_session_file():
    sensor = SensorInfo(placement="left_foot", serial="7", mount_site="instep", firmware="2.1")
    info = SessionInfo(session_id="x", started_utc="2026-03-01T08:00:00Z", footwear=" Trail ",
                       sensors={"left_foot": sensor})  # fmt: skip
    found = Worn.from_info(info)
    assert (found.shoe, found.sensor, found.firmware) == ("Trail", {"left_foot": "7"}, {"left_foot": "2.1"})


def test_no_statistic_crosses_a_break():
    rng = np.random.default_rng(0)
    level = np.r_[rng.normal(8, 0.3, 9), rng.normal(20, 0.3, 5)]
    shoes = [worn(i, shoe="road" if i < 9 else "trail") for i in range(14)]
    apart = select_trend(table(level), "range_stance_deg", worn=shoes)
    pooled = select_trend(table(level), "range_stance_deg")
    assert [c.is_beyond_noise for c in find_changes(pooled)] == [True]
    assert [c.is_beyond_noise for c in find_changes(apart)] == [False]
    assert fit_slopes(apart) == []
    low, high = baseline_band(apart, "left")
    assert 19 < low < high < 21
    assert apart.broken_at() == [(18.0, "shoe")]
    told = " ".join(describe_trend(apart))
    assert "Changed on the way, once: shoe" in told
    assert "over 5 sessions" in told


def test_one_session_after_a_break_has_nothing_to_compare_with():
    shoes = [worn(i, shoe="road" if i < 3 else "trail") for i in range(4)]
    told = describe_trend(select_trend(table([8.0, 8.0, 8.0, 20.0]), "range_stance_deg", worn=shoes))
    assert "one session since the last break" in told[0]
