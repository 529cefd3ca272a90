"""Which sessions share a usual: what each was measured with, what was taken out, and which can have an index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ankle_imu.comparison import SessionStrides, adjusted
from ankle_imu.metrics.stability import MEASURES
from ankle_imu.trends.bootstrap import source_of
from ankle_imu.trends.history import PastSession
from ankle_imu.trends.statistics import BASELINE_SESSIONS

COMPONENTS: Final = (
    "successive_inv_excursion_deg",
    "p95_peak_inv_vel_dps",
    "roll_rate_per_1000",
    "stride_time_log_sd",
    "log_jerk",
)
"""The five bars of methods sheet F4, names of `metrics.stability.MEASURES`."""

INSTEAD: Final = {"successive_inv_excursion_deg": "successive_range_stance_deg"}
"""Taken where the inversion excursion of many strides is 0, so that its steps say nothing; ours."""

MIN_STRIDES: Final = 300
MIN_VALID: Final = 0.8
"""No index below: usable strides of the leg, share of its strides that are usable (methods sheet F4)."""


def closed_gate(past: PastSession, leg: str, gait: str) -> str:
    """Why a session cannot have an index whatever the other sessions are, "" when it can."""
    table = past.strides.strides
    mine = ((table["leg"] == leg) & (table["gait"] == gait)).to_numpy(bool)
    n, found = int(table["accepted"].to_numpy(bool)[mine].sum()), int(mine.sum())
    if n < MIN_STRIDES:
        return f"{n} usable {gait} strides of the {leg} leg, {MIN_STRIDES} are needed"
    if n < MIN_VALID * found:
        return f"only {n / found:.0%} of the {leg} leg's strides are usable, {MIN_VALID:.0%} are needed"
    failed = [p for p, verdict in past.alignment.items() if verdict == "failed" and p.startswith(leg)]
    return f"the alignment of the {failed[0].replace('_', ' ')} sensor failed" if failed else ""


def sources(ordered: Sequence[PastSession], leg: str, gait: str) -> list[str]:
    """Angle source of each session; the commonest of one that can have no index, which has no usual to begin."""
    own = ["" if closed_gate(past, leg, gait) else source_of(past.strides, leg, gait) for past in ordered]
    known = [one for one in own if one]
    usual = max(known, key=known.count, default="")
    return [one or usual for one in own]


def taken_out(ordered: Sequence[PastSession], leg: str, gait: str) -> str:
    """`footwear` where shoes worn in turn are taken out of every component that is adjusted for gear, else ""."""
    usable = [past.strides for past in ordered if not closed_gate(past, leg, gait)]
    if len({session.footwear for session in usable}) < 2:
        return ""
    sources = [source_of(session, leg, gait) for session in usable]
    for source in {one for one in sources if sources.count(one) > BASELINE_SESSIONS}:
        own = [session for session, one in zip(usable, sources, strict=True) if one == source]
        if not all(_takes_shoe(own, name, leg, gait, source) for name in COMPONENTS):
            return ""
    return "footwear"


def _takes_shoe(own: list[SessionStrides], name: str, leg: str, gait: str, source: str) -> bool:
    """Whether the comparison takes the shoe out of a component; true of a rate and of what is not measured."""
    if MEASURES[name].scale == "count":
        return True
    table = adjusted(own, name, leg, gait, angle_source=source)
    how = table["adjusted_for"][np.isfinite(table["value"].to_numpy(float))]
    if not len(how) and name in INSTEAD:
        return _takes_shoe(own, INSTEAD[name], leg, gait, source)
    return bool(how.str.contains("footwear").all())
