"""Answers find their events again."""

from __future__ import annotations

import pytest

from ankle_imu import tables
from ankle_imu.metrics.reviews import apply_reviews, review_of, reviewed_events
from ankle_imu.values import EventReview

EVENTS = tables.make_table(
    tables.EVENTS,
    {
        "event_id": [0, 1, 2, 3],
        "leg": ["left", "right", "left", ""],
        "time_s": [10.0, 10.1, 11.2, 30.0],
        "kind": ["roll", "roll", "wobble", "marker"],
        "verdict": ["real", "none", "none", "none"],
        "note": ["", "", "", "stile"],
    },
)


def said(leg: str, time_s: float, verdict: str = "real", note: str = "") -> EventReview:
    return EventReview(leg=leg, time_s=time_s, verdict=verdict, note=note)


def verdicts(*reviews: EventReview) -> list[str]:
    return apply_reviews(EVENTS, reviews)["verdict"].tolist()


def test_leg_and_time_decide() -> None:
    assert verdicts(said("right", 10.4, "false")) == ["none", "false", "none", "none"]
    assert verdicts(said("left", 10.9, "painful")) == ["none", "none", "painful", "none"]
    assert verdicts(said("left", 12.3)) == ["none"] * 4
    assert verdicts() == ["none"] * 4, "an answer taken back is gone"


def test_each_event_takes_one_answer_the_nearest() -> None:
    assert verdicts(said("left", 10.6, "false"), said("left", 10.1)) == ["real", "none", "false", "none"]
    out = apply_reviews(EVENTS, (said("", 30.0, "none"), said("left", 10.0, "real", "wet root")))
    assert out["note"].tolist() == ["wet root", "", "", "stile"]


@pytest.mark.parametrize("wrong", [{"verdict": "maybe"}, {"leg": "both"}, {"time_s": float("nan")}])
def test_an_answer_must_be_one(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        EventReview(**{"leg": "left", "time_s": 1.0, "verdict": "real", **wrong})  # type: ignore[arg-type]


def test_an_answered_event_stays_as_it_was() -> None:
    """The event is found no more, or smaller; what it was when it was answered counts."""
    found = EVENTS.assign(peak_deg=[21.0, 22.0, 9.0, float("nan")], peak_dps=[400.0, 410.0, 90.0, float("nan")])
    kept = tuple(review_of(row, "false") for _, row in found.iterrows())
    assert kept[3].peak_deg is None
    for now in (EVENTS.head(0), EVENTS.assign(kind="wobble")):
        out = reviewed_events(now, kept)
        assert out["kind"].tolist() == found["kind"].tolist()
        assert out["peak_deg"].tolist()[:3] == [21.0, 22.0, 9.0]
        assert set(out["verdict"]) == {"false"}


def test_an_old_answer_takes_what_is_found_now() -> None:
    found = EVENTS.assign(peak_deg=[21.0, 22.0, 9.0, 0.0])
    out = reviewed_events(found, (said("right", 10.3, "false"), said("left", 70.0)))
    assert out[["leg", "verdict", "peak_deg"]].to_numpy().tolist() == [["right", "false", 22.0]]
