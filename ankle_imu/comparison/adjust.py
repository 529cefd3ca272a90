"""Sessions on different ground -> one value each at reference conditions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.comparison import mixed, rates, standardise
from ankle_imu.comparison.session import SessionStrides
from ankle_imu.comparison.windows import Windows, cut, find_measure, remembered, sources_of
from ankle_imu.metrics.ground import WINDOW_STRIDES
from ankle_imu.metrics.stability import Measure, too_few

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

COLUMNS: Final = (
    "session_id", "start_utc", "value", "low", "high", "n_strides", "overlap", "reason", "method", "unadjusted",
    "angle_source", "mount_site", "footwear", "brace", "load_kg", "adjusted_for", "apart_low", "apart_high",
)  # fmt: skip
"""Columns of the table that `adjusted` gives."""

BASELINE_SESSIONS: Final = 5
"""Sessions that make a person's usual (methods F2: personal normal after 5)."""


LEAST_WINDOWS: Final = 5
"""Windows a session needs to be compared at like ground; ours: fewer have no spread on two kinds of ground."""

LEAST_STRIDES: Final = LEAST_WINDOWS * WINDOW_STRIDES


def adjusted(
    sessions: Sequence[SessionStrides],
    measure_or_metric: str,
    leg: str,
    gait: str,
    *,
    angle_source: str = "",
    reference: Sequence[str] = (),
    method: str = "",
) -> pd.DataFrame:
    """One value per session at the reference conditions.

    Parameters
    ----------
    sessions : sequence of SessionStrides of one person, any order
    measure_or_metric : one of `metrics.stability.MEASURES` or of `tables.METRICS` (its median)
    leg, gait : str
    angle_source : str; where left open, the one most of the sessions have
    reference : ids of the sessions that set the reference conditions; the first five when empty
    method : `direct` for direct standardisation whatever the data; where left open, a model of all windows if
        there are five sessions and 100 windows: `mixed` with statsmodels, else `levels`

    Returns
    -------
    table with `COLUMNS`, one row per session, oldest first
        value, low, high: at reference conditions, with the 95 % interval, unit of the measure, NaN with a
        `reason`; n_strides: strides with a value; overlap: share of the reference ground that the session
        walked on (below 0.3 `direct` refuses, a model reaches over); unadjusted: the session's own figure;
        apart_low, apart_high: less the reference's value, the 95 % interval of the difference from it; NaN for
        the reference itself and for rates.

    Raises
    ------
    ValueError
        If the measure is unknown.
    """
    import pandas as pd

    measure = find_measure(measure_or_metric)
    ordered = sorted(sessions, key=lambda s: (s.start_utc, s.session_id))
    source = angle_source or _usual_source(ordered, leg, gait)
    site = _usual_site(ordered, leg, gait, source)
    windows = [cut(s, measure, leg, gait, source) for s in ordered]
    reasons = [_refusal(s, w, measure, leg, gait, source, site) for s, w in zip(ordered, windows, strict=True)]
    usable = [i for i, reason in enumerate(reasons) if not reason]
    base = _reference(ordered, usable, reference)
    rows: list[dict[str, Any]] = [
        _blank(s, w, leg, source, reason) for s, w, reason in zip(ordered, windows, reasons, strict=True)
    ]
    if not (usable and base):
        return pd.DataFrame(rows, columns=list(COLUMNS))
    chosen = [windows[i] for i in usable]
    worn = [ordered[i] for i in usable]
    for i, overlap in enumerate(standardise.overlaps(chosen, base)):
        rows[usable[i]]["overlap"] = float(overlap)
    for i, row in _values(chosen, worn, leg, base, measure, method).items():
        rows[usable[i]] |= row
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _values(
    windows: Sequence[Windows],
    sessions: Sequence[SessionStrides],
    leg: str,
    base: Sequence[int],
    measure: Measure,
    method: str,
) -> dict[int, dict[str, Any]]:
    """Columns of each usable session, by the best method that the data allow."""
    if measure.scale == "count":
        return rates.standardise_rates(windows, base)
    if method != "direct" and mixed.suffices(windows):
        question = ("mixed", mixed.is_available(), leg, *base)
        found = remembered(windows, question, lambda: mixed.fit(windows, sessions, leg, base, measure))
        if found is not None:
            return found
    return standardise.standardise(windows, base, measure)


def _usual_source(sessions: Sequence[SessionStrides], leg: str, gait: str) -> str:
    """The angle source that most sessions have; of equal ones the better."""
    found = [sources_of(s, leg, gait) for s in sessions]
    counts = {name: sum(name in one for one in found) for name in ("joint", "foot", "none")}
    return max(counts, key=lambda name: counts[name])


def _usual_site(sessions: Sequence[SessionStrides], leg: str, gait: str, source: str) -> str:
    sites = [s.mount_site.get(leg, "") for s in sessions if source in sources_of(s, leg, gait)]
    return max(sites, key=lambda site: (sites.count(site), -sites.index(site))) if sites else ""


def _refusal(
    session: SessionStrides, windows: Windows, measure: Measure, leg: str, gait: str, source: str, site: str
) -> str:
    """Why this session cannot be among the others, "" when it can."""
    found = sources_of(session, leg, gait)
    if not found:
        return f"no accepted {gait} strides of the {leg} leg"
    if source not in found:
        own, usual = SOURCE_WORDS[next(iter(found))], SOURCE_WORDS[source]
        return f"measured with {own}, the others with {usual}: never pooled"
    worn = session.mount_site.get(leg, "")
    if worn != site:
        return f"sensor worn at {worn or 'a site not noted'}, else at {site or 'a site not noted'}: never pooled"
    if windows.unfit:
        return windows.unfit
    if windows.n_strides < measure.needed:
        return too_few(measure, windows.n_strides)
    n = int(np.isfinite(windows.statistic).sum())
    if n < LEAST_WINDOWS:
        return f"{windows.n_strides} usable strides say too little of the ground; {LEAST_STRIDES} are needed"
    return ""


SOURCE_WORDS: Final = {
    "joint": "foot and shank sensor",
    "foot": "the foot sensor alone",
    "none": "the shank sensor alone",
}
"""Angle source in words."""


def _reference(ordered: Sequence[SessionStrides], usable: Sequence[int], wanted: Sequence[str]) -> list[int]:
    """Places, among the usable sessions, of those that set the reference conditions."""
    if wanted:
        return [place for place, i in enumerate(usable) if ordered[i].session_id in wanted]
    return list(range(min(len(usable), BASELINE_SESSIONS)))


def _blank(session: SessionStrides, windows: Windows, leg: str, source: str, reason: str) -> dict[str, Any]:
    unknown = float("nan")
    return {
        "session_id": session.session_id,
        "start_utc": session.start_utc,
        "value": unknown,
        "low": unknown,
        "high": unknown,
        "n_strides": windows.n_strides,
        "overlap": unknown,
        "reason": reason,
        "method": "",
        "unadjusted": windows.whole,
        "angle_source": source,
        "mount_site": session.mount_site.get(leg, ""),
        "footwear": session.footwear,
        "brace": session.brace,
        "load_kg": float(session.load_kg.get(leg, 0.0)),
        "adjusted_for": "",
        "apart_low": unknown,
        "apart_high": unknown,
    }
