"""What a person said of the events, put to the events as they are found now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

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
