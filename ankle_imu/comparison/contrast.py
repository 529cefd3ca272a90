"""Two sessions of one person: what differs at like ground, by how much, and what could not be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import numpy as np

from ankle_imu import frames
from ankle_imu.comparison.adjust import adjusted
from ankle_imu.comparison.session import SessionStrides
from ankle_imu.comparison.standardise import LEAST_OVERLAP
from ankle_imu.comparison.windows import find_measure, sources_of
from ankle_imu.errors import QualityRefusal
from ankle_imu.metrics.summary import GAITS

COMPARED: Final = {
    "range_stance_deg": "Range in stance",
    "successive_range_stance_deg": "Stride-to-stride range",
    "successive_inv_excursion_deg": "Stride-to-stride inversion",
    "p95_peak_inv_vel_dps": "Fast inversions (P95)",
    "roll_rate_per_1000": "Rolls and big wobbles",
    "stride_time_log_sd": "Unevenness of stride time",
    "log_jerk": "Sideways smoothness",
    "shank_range_stance_deg": "Shank tilt range",
}
"""What is compared, and its short name; what a reader asks first stands first."""

_NEEDS_FOOT: Final = frozenset(COMPARED) - {"stride_time_log_sd", "shank_range_stance_deg"}

DETECTABLE: Final = {"p95_peak_inv_vel_dps": 60.0, "stride_time_log_sd": 0.005}
"""Minimal detectable change of measures that are no column of the stride table (methods F5, C26, C84)."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One measure of one leg and gait in both sessions, at the ground of the first.

    Parameters
    ----------
    measure, unit : str
    leg, gait, angle_source : str
    before, after : (value, low, high), 95 % interval
    delta, low, high : float, after minus before with its 95 % interval
    limit : float, smallest change that is told from noise; NaN where none is known
    overlap : float, share of the first session's ground that the second walked on too
    method : str, `mixed`, `levels`, `direct` or `indirect`
    high_is_steadier : bool or None where the measure has no better side
    """

    measure: str
    unit: str
    leg: str
    gait: str
    angle_source: str
    before: tuple[float, float, float]
    after: tuple[float, float, float]
    delta: float
    low: float
    high: float
    limit: float
    overlap: float
    method: str
    high_is_steadier: bool | None

    @property
    def verdict(self) -> str:
        """`changed`, `no change`, `unclear` (chance is enough), or `differs` where no limit is known."""
        is_apart = self.low > 0.0 or self.high < 0.0
        if np.isnan(self.limit):
            return "differs" if is_apart else "unclear"
        if abs(self.delta) <= self.limit:
            return "no change"
        return "changed" if is_apart else "unclear"


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """Two sessions side by side; `left_out` says what could not be compared, `cautions` what else differs."""

    before: SessionStrides
    after: SessionStrides
    differences: tuple[Difference, ...]
    left_out: tuple[str, ...]
    cautions: tuple[str, ...]
    n_sessions: int


def compare(
    before: SessionStrides,
    after: SessionStrides,
    others: Sequence[SessionStrides] = (),
    limits: Mapping[str, float] | None = None,
) -> Comparison:
    """Compare two sessions at the ground of the first.

    Parameters
    ----------
    before, after : SessionStrides of one person
    others : more sessions of the same person; they help to tell what the ground does
    limits : measure -> minimal detectable change, added to `DETECTABLE`

    Returns
    -------
    Comparison
        Legs, gaits, angle sources and mount sites are never pooled.

    Raises
    ------
    ValueError
        If both are the same session.
    QualityRefusal
        If nothing can be compared; the message holds the first reason.
    """
    if before.session_id == after.session_id:
        raise ValueError(f"Both are session {before.session_id}; name two different ones.")
    known = {**DETECTABLE, **(limits or {})}
    sessions = [before, after, *(s for s in others if s.session_id not in (before.session_id, after.session_id))]
    found: list[Difference] = []
    left_out: list[str] = []
    for leg, gait in product(frames.LEGS, GAITS):
        reason = _not_in_both(before, after, leg, gait)
        if reason is None:
            continue
        if reason:
            left_out.append(reason)
            continue
        _compare_leg(sessions, leg, gait, known, found, left_out)
    if not found:
        why = left_out[0] if left_out else "neither session has accepted strides"
        raise QualityRefusal(f"These two sessions cannot be compared: {why}.")
    return Comparison(
        before=before,
        after=after,
        differences=tuple(found),
        left_out=tuple(dict.fromkeys(left_out)),
        cautions=tuple(_cautions(before, after)),
        n_sessions=len(sessions),
    )


def _not_in_both(before: SessionStrides, after: SessionStrides, leg: str, gait: str) -> str | None:
    """None where neither session has such strides, "" where they can be compared, else why not."""
    a, b = (sources_of(s, leg, gait) for s in (before, after))
    name = f"{leg} leg, {gait}"
    if not a and not b:
        return None
    if not a or not b:
        return f"{name}: only the {'second' if not a else 'first'} session has accepted strides"
    if not set(a) & set(b):
        return f"{name}: measured with different sensors (foot alone and foot with shank are never pooled)"
    sites = [s.mount_site.get(leg, "") or "not noted" for s in (before, after)]
    if sites[0] != sites[1]:
        return f"{name}: the sensor sat elsewhere ({sites[0]}, then {sites[1]})"
    return ""


def _compare_leg(
    sessions: Sequence[SessionStrides],
    leg: str,
    gait: str,
    limits: Mapping[str, float],
    found: list[Difference],
    left_out: list[str],
) -> None:
    both = [sources_of(s, leg, gait) for s in sessions[:2]]
    source = next(name for name in ("joint", "foot", "none") if all(name in one for one in both))
    for name in COMPARED:
        if (source == "none" and name in _NEEDS_FOOT) or (source != "none" and name == "shank_range_stance_deg"):
            continue
        row = _rows(sessions, name, leg, gait, source)
        reason = next((str(one["reason"]) for one in row if one["reason"]), "")
        if not reason and row[1]["overlap"] < LEAST_OVERLAP:
            reason = (
                f"the second walked on only {100.0 * row[1]['overlap']:.0f} % of the first one's kinds of ground"
            )
        if reason:
            left_out.append(f"{leg} leg, {gait}, {COMPARED[name].lower()}: {reason}")
        else:
            found.append(_difference(row, name, leg, gait, source, limits))


def _rows(
    sessions: Sequence[SessionStrides], name: str, leg: str, gait: str, source: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    first, second = sessions[0].session_id, sessions[1].session_id
    site = sessions[0].mount_site.get(leg, "")
    alike = [s for s in sessions if s.mount_site.get(leg, "") == site]
    table = adjusted(alike, name, leg, gait, angle_source=source, reference=(first,)).set_index("session_id")
    return dict(table.loc[first]), dict(table.loc[second])


def _difference(
    rows: tuple[dict[str, Any], dict[str, Any]],
    name: str,
    leg: str,
    gait: str,
    source: str,
    limits: Mapping[str, float],
) -> Difference:
    """One difference; its interval counts once what both sessions share, where the method tells it."""
    measure = find_measure(name)
    a, b = (tuple(float(row[end]) for end in ("value", "low", "high")) for row in rows)
    low, high = (float(rows[1][end]) - a[0] for end in ("apart_low", "apart_high"))
    if not np.isfinite(low + high):
        low, high = interval_of_difference(a, b)
    return Difference(
        measure=name,
        unit=measure.unit,
        leg=leg,
        gait=gait,
        angle_source=source,
        before=(a[0], a[1], a[2]),
        after=(b[0], b[1], b[2]),
        delta=b[0] - a[0],
        low=low,
        high=high,
        limit=float(limits.get(name, np.nan)),
        overlap=float(rows[1]["overlap"]),
        method=str(rows[1]["method"]),
        high_is_steadier=measure.high_is_steadier if measure.scale != "linear" or name == "log_jerk" else None,
    )


def interval_of_difference(a: Sequence[float], b: Sequence[float]) -> tuple[float, float]:
    """95 % interval of b - a from (value, low, high) of each, which may lie unevenly.

    References
    ----------
    Zou G.Y., Donner A. (2008) Construction of confidence limits about effect measures: a general approach,
    Stat. Med. 27:1693-1702, doi:10.1002/sim.3095.

    Examples
    --------
    >>> interval_of_difference((5.0, 2.0, 8.0), (10.0, 6.0, 14.0))
    (0.0, 10.0)
    """
    delta = b[0] - a[0]
    below = float(np.hypot(b[0] - b[1], a[2] - a[0]))
    above = float(np.hypot(b[2] - b[0], a[0] - a[1]))
    return delta - below, delta + above


def _cautions(before: SessionStrides, after: SessionStrides) -> list[str]:
    """What else differs between the sessions and may be behind a change."""
    said = []
    for name, word in (("footwear", "shoes"), ("brace", "brace")):
        a, b = getattr(before, name) or "not noted", getattr(after, name) or "not noted"
        if a != b:
            said.append(f"The {word} differ: {a}, then {b}; part of a change may be theirs")
    for leg in frames.LEGS:
        a_kg, b_kg = (float(s.load_kg.get(leg, 0.0)) for s in (before, after))
        if a_kg != b_kg:
            said.append(f"The load on the {leg} leg differs: {a_kg:g} kg, then {b_kg:g} kg")
    return said
