"""What a person said of the events, put to the events as they are found now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ankle_imu import tables
from ankle_imu.values import EventReview

if TYPE_CHECKING:
    import pandas as pd

WITHIN_S: Final = 1.0
"""Another version of the analysis may see an event a little elsewhere, but not a stride away (a stride of walking
lasts 1.0-1.2 s)."""


def apply_reviews(events: pd.DataFrame, reviews: Sequence[EventReview]) -> pd.DataFrame:
    """Events with the verdicts and notes of the reviews that fit them.

    Parameters
    ----------
    events : table `tables.EVENTS`
    reviews : sequence of EventReview

    Returns
    -------
    table `tables.EVENTS`, a new one; a verdict that no review gives is `none`

    Notes
    -----
    A review belongs to the nearest event of its leg within 1 s; each event takes one, the nearest pairs first. The
    note of a marker stays where the review has none.
    """
    verdicts, notes = ["none"] * len(events), list(events["note"])
    for event, review in match_reviews(events, reviews).items():
        verdicts[event] = reviews[review].verdict
        notes[event] = reviews[review].note or notes[event]
    columns = {name: events[name].to_numpy() for name in tables.EVENTS.names}
    return tables.make_table(tables.EVENTS, {**columns, "verdict": verdicts, "note": notes})


def match_reviews(events: pd.DataFrame, reviews: Sequence[EventReview]) -> dict[int, int]:
    """Row number of an event -> number of the review that belongs to it."""
    if not len(events) or not reviews:
        return {}
    apart = np.abs(events["time_s"].to_numpy(float)[:, None] - np.array([r.time_s for r in reviews]))
    apart[events["leg"].to_numpy()[:, None] != np.array([r.leg for r in reviews], dtype=object)] = np.inf
    pairs: dict[int, int] = {}
    for flat in np.argsort(apart, axis=None, kind="stable"):
        i, j = (int(k) for k in np.unravel_index(flat, apart.shape))
        if apart[i, j] > WITHIN_S:
            break
        if i not in pairs and j not in pairs.values():
            pairs[i] = j
    return pairs


def review_of(event: pd.Series[Any], verdict: str, note: str = "") -> EventReview:
    """A review of one row of `tables.EVENTS`, with what the event was found to be.

    Raises
    ------
    ValueError
        If the verdict is none of `values.VERDICTS`.
    """
    deg, dps = (float(event[name]) if np.isfinite(event[name]) else None for name in ("peak_deg", "peak_dps"))
    return EventReview(
        leg=str(event["leg"]),
        time_s=float(event["time_s"]),
        verdict=verdict,
        note=note,
        kind=str(event["kind"]),
        peak_deg=deg,
        peak_dps=dps,
        angle_source=str(event["angle_source"]),
    )


def reviewed_events(events: pd.DataFrame, reviews: Sequence[EventReview]) -> pd.DataFrame:
    """The events that were answered, as they were when they were.

    Parameters
    ----------
    events : table `tables.EVENTS`, as found now
    reviews : sequence of EventReview

    Returns
    -------
    table `tables.EVENTS`, one row per review
        Size and kind are those kept with the review, so that an event counts that is not found any more; a review
        that kept none has those of the event it belongs to, and is left out where there is none.
    """
    now = {j: i for i, j in match_reviews(events, reviews).items()}
    whole = [
        review if review.kind else review_of(events.iloc[now[j]], review.verdict, review.note)
        for j, review in enumerate(reviews)
        if review.kind or j in now
    ]
    names = ("leg", "time_s", "verdict", "note", "kind", "angle_source")
    columns: dict[str, Any] = {name: [getattr(r, name) for r in whole] for name in names}
    for name in ("peak_deg", "peak_dps"):
        sizes = (getattr(r, name) for r in whole)
        columns[name] = [float("nan") if size is None else size for size in sizes]
    return tables.make_table(tables.EVENTS, columns | {"event_id": list(range(len(whole)))})
