"""Everything the sessions of one person say together: one figure over time, the index, the ladder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ankle_imu import frames, tables
from ankle_imu.errors import QualityRefusal
from ankle_imu.metrics.stability import MEASURES
from ankle_imu.trends.change import describe_trend
from ankle_imu.trends.history import PastSession, follow, usual_gait, with_adjusted
from ankle_imu.trends.index import Index, stability_index
from ankle_imu.trends.ladder import GAITS, Ladder, climb
from ankle_imu.trends.selection import Trend, select_trend
from ankle_imu.trends.statistics import BASELINE_SESSIONS
from ankle_imu.trends.usual import closed_gate

if TYPE_CHECKING:
    import pandas as pd

INDEX: Final = "index"
"""The metric that means the session stability index."""

KNOWN: Final = (*tables.METRICS, *MEASURES, INDEX)
"""All that can be followed over sessions."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Outlook:
    """What `trend` shows: the trend of one metric, None for the index itself; indices and ladder where known."""

    metric: str
    alias: str
    trend: Trend | None
    indices: tuple[Index, ...] = ()
    ladder: Ladder | None = None

    @property
    def sentences(self) -> list[str]:
        """What it shows, plain words first."""
        return describe_index(self.indices) if self.trend is None else describe_trend(self.trend)


def look(
    table: pd.DataFrame,
    history: Sequence[PastSession] = (),
    metric: str = "range_stance_deg",
    *,
    gait: str = "",
    angle_source: str = "",
    mount_site: str | None = None,
) -> Outlook:
    """Put together what the sessions of one person say.

    Parameters
    ----------
    table : table `tables.TREND`, of one person
    history : the same sessions with their strides; without them figures are as walked, without index and ladder
    metric : one of `KNOWN`
    gait, angle_source, mount_site : as in `select_trend`

    Returns
    -------
    Outlook

    Raises
    ------
    ValueError
        If the metric is unknown or the rows belong to several people.
    QualityRefusal
        With fewer than 2 comparable sessions; for the index, when no session has one, with the reason.
    """
    if metric not in KNOWN:
        raise ValueError(f"Unknown metric {metric!r}; expected one of {', '.join(KNOWN)}.")
    trend = None
    if metric in tables.METRICS:
        trend = select_trend(table, metric, gait=gait, angle_source=angle_source, mount_site=mount_site)
        trend = with_adjusted(trend, history) if history else trend
    elif metric in MEASURES:
        trend = follow(history, metric, gait=gait, angle_source=angle_source)
    indices = tuple(all_indices(history, gait))
    if metric == INDEX and all(one.reason for one in indices):
        raise QualityRefusal(_no_index(indices))
    return Outlook(
        metric=metric,
        alias=str(table["alias"].iloc[0]) if len(table) else "",
        trend=trend,
        indices=indices,
        ladder=climb(history, indices) if history else None,
    )


def all_indices(history: Sequence[PastSession], gait: str = "") -> list[Index]:
    """Indices of both legs in the usual gait class, and in every other one that five sessions carry."""
    usual = gait or usual_gait(history)
    found: list[Index] = []
    for one in (usual, *(other for other in GAITS if other != usual and not gait)):
        for leg in frames.LEGS:
            carried = sum(not closed_gate(past, leg, one) for past in history)
            if carried > BASELINE_SESSIONS or (one == usual and _has_leg(history, leg)):
                found += stability_index(history, leg, gait=one)
    return found


def _has_leg(history: Sequence[PastSession], leg: str) -> bool:
    return any((past.strides.strides["leg"] == leg).any() for past in history)


def _no_index(indices: Sequence[Index]) -> str:
    if not indices:
        return "No session with strides; the index takes five usable sessions and one more."
    return f"No session has an index yet. The last one, {indices[-1].leg} leg: {indices[-1].reason}."


def describe_index(indices: Sequence[Index]) -> list[str]:
    """A sentence on the last session for each leg and gait class, the one that is usual first."""
    last: dict[tuple[str, str], Index] = {}
    for one in indices:
        last[one.gait, one.leg] = one
    return [f"Last session, {leg} leg, {gait}: {_lower_first(one.words)}" for (gait, leg), one in last.items()]


def _lower_first(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def bars_of(indices: Sequence[Index]) -> list[Index]:
    """The newest session that has an index, of each leg and gait class."""
    newest = {(one.gait, one.leg): one for one in indices if np.isfinite(one.value)}
    return list(newest.values())
