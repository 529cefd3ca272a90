"""Session stability index: how steady a session was against the same person's usual on similar ground."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.comparison import SessionStrides, adjusted
from ankle_imu.comparison.adjust import SOURCE_WORDS
from ankle_imu.comparison.windows import Windows
from ankle_imu.metrics.stability import MEASURES
from ankle_imu.trends.bootstrap import draw_changes, windows_of
from ankle_imu.trends.breaks import stretch_numbers
from ankle_imu.trends.history import PastSession, breaks_of, usual_gait
from ankle_imu.trends.statistics import BASELINE_SESSIONS
from ankle_imu.trends.usual import COMPONENTS, INSTEAD, closed_gate, sources, taken_out

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

PSEUDO_SESSIONS: Final = 5.0
"""Sessions at 50 that every percentile is shrunk with (methods sheet F4)."""
MIN_OVERLAP: Final = 0.3
"""No index below this share of shared ground (sheet F4)."""
MIN_COMPONENTS: Final = 4
"""Bars that must be measurable; ours: a fifth bar may be missing and is then shown as missing."""
DRAWS: Final = 500
"""Bootstrap draws (methods sheet F4)."""


@dataclass(frozen=True, kw_only=True)
class Index:
    """The index of one session and leg.

    Parameters
    ----------
    session_id, start_utc, leg, gait : str
    value : float, 0..100, 50 = the person's usual, more = steadier; NaN with a `reason`
    low, high : float, ends of the approximate 95 % interval
    bars : component -> percentile 0..100 in the person's own baseline; NaN where not measured
    reason : str, why there is none, "" when there is one
    stretch : int, number of its usual; indices of two numbers have different usuals, by a break or by the sensors
    """

    session_id: str
    start_utc: str
    leg: str
    gait: str
    value: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    bars: Mapping[str, float]
    reason: str = ""
    stretch: int = 0

    @property
    def words(self) -> str:
        """The one sentence about it."""
        if self.reason:
            return f"No index: {self.reason}."
        usual = "your usual on similar ground"
        figure = f"index {self.value:.0f}, approx. 95 % interval {self.low:.0f} to {self.high:.0f}, 50 is usual"
        if self.low > 50.0:
            return f"Steadier than {usual} ({figure})."
        if self.high < 50.0:
            return f"Less steady than {usual} ({figure})."
        return f"No different from {usual}, as far as can be told ({figure})."


def percentile(value: float, baseline: Array, is_high_steadier: bool) -> float:
    """Mid-rank of a value in the baseline, 100 = steadiest, shrunk towards 50; NaN where either is unknown.

    Examples
    --------
    >>> percentile(1.0, np.array([2.0, 3.0, 4.0, 5.0, 6.0]), is_high_steadier=False)
    75.0
    """
    return float(_percentiles(np.array([value]), baseline, is_high_steadier)[0])


def _percentiles(values: Array, baseline: Array, is_high_steadier: bool) -> Array:
    base = baseline[np.isfinite(baseline)]
    if len(base) < BASELINE_SESSIONS:
        return np.full(len(values), np.nan)
    below = (base < values[:, None]).sum(axis=1) + 0.5 * (base == values[:, None]).sum(axis=1)
    steadier = below if is_high_steadier else len(base) - below
    share = (steadier + 0.5 * PSEUDO_SESSIONS) / (len(base) + PSEUDO_SESSIONS)
    return np.where(np.isfinite(values), 100.0 * share, np.nan)


def stability_index(
    history: Sequence[PastSession], leg: str, *, gait: str = "", draws: int = DRAWS, seed: int = 0
) -> list[Index]:
    """Index of every session of one leg and gait class, oldest first.

    Parameters
    ----------
    history : sessions of one person
    leg : `left` | `right`
    gait : gait class; the usual one where left open
    draws : bootstrap draws
    seed : of the draws

    Returns
    -------
    list of Index
        One per session, with its five bars or with the reason why there is none.

    Notes
    -----
    Each component, at like ground (`comparison.adjusted` with the baseline as reference), is turned into a
    percentile in the person's baseline: the first five usable sessions since the last change of sensor, mount
    site, shoe or firmware that have its angle source; walks with and without a shank sensor have a usual each.
    The index is their plain mean. With five baseline sessions a bar lies between 25 and 75. Shoes worn in turn
    begin no new usual where the comparison takes them out of every component but the rate of rolls, which is
    never adjusted for them. There is no index where any measured component shares less than 30 % of the ground.
    The interval is a moving-block bootstrap of the session's windows (`bootstrap.draw_changes`); the baseline
    counts as known: it says how surely this session is what it was, not how much sessions differ. Of 189 made-up
    sessions of 650 to 910 strides on changing ground it held what a session of 20 000 strides on the same day
    would have had in 94 %, with the factor of `bootstrap.WIDEN`.

    References
    ----------
    Methods sheet F4; the index is ours, no outcome was ever predicted with it.
    """
    gait = gait or usual_gait(history)
    ordered = sorted(history, key=lambda past: (past.start_utc, past.session_id))
    breaks = breaks_of(ordered, taken_out(ordered, leg, gait))
    stretch = stretch_numbers([past.start_utc for past in ordered], breaks, leg)
    alike: dict[tuple[int, str], list[PastSession]] = {}
    for past, number, source in zip(ordered, stretch, sources(ordered, leg, gait), strict=True):
        alike.setdefault((int(number), source), []).append(past)
    found: dict[str, Index] = {}
    for k, ((_, source), own) in enumerate(alike.items()):
        rng = np.random.default_rng([seed, k])
        with_what = f" and {SOURCE_WORDS[source]}" if len(alike) > 1 and source else ""
        for one in _of_usual(own, leg, gait, source, with_what, draws, rng):
            found[one.session_id] = replace(one, stretch=k)
    return [found[past.session_id] for past in ordered]


def _of_usual(
    own: list[PastSession],
    leg: str,
    gait: str,
    source: str,
    with_what: str,
    draws: int,
    rng: np.random.Generator,
) -> list[Index]:
    """Indices of the sessions that share a usual."""
    gates = {past.session_id: closed_gate(past, leg, gait) for past in own}
    usable = [past.strides for past in own if not gates[past.session_id]]
    baseline = [session.session_id for session in usable[:BASELINE_SESSIONS]]
    if len(baseline) < BASELINE_SESSIONS:
        why = (
            f"your usual takes {BASELINE_SESSIONS} usable sessions with the same sensor and shoe{with_what}, "
            f"there are {len(baseline)}"
        )
        return [_refused(past, leg, gait, gates[past.session_id] or why) for past in own]
    tables = dict(_component(usable, name, leg, gait, source, baseline) for name in COMPONENTS)
    windows = {session.session_id: windows_of(session, tuple(tables), leg, gait, source) for session in usable}
    out = []
    for past in own:
        if gates[past.session_id]:
            out.append(_refused(past, leg, gait, gates[past.session_id]))
        elif past.session_id in baseline:
            out.append(_refused(past, leg, gait, "one of the five sessions that make your usual"))
        else:
            out.append(_index(past, leg, gait, baseline, tables, windows, draws, rng))
    return out


def _component(
    usable: list[SessionStrides], name: str, leg: str, gait: str, source: str, baseline: list[str]
) -> tuple[str, pd.DataFrame]:
    """Name and table of a component at like ground, or of what stands in for it where the baseline lacks it."""
    table = _table(usable, name, leg, gait, source, baseline)
    if name in INSTEAD and not np.isfinite(_baseline(table, baseline)).all():
        return INSTEAD[name], _table(usable, INSTEAD[name], leg, gait, source, baseline)
    return name, table


def _table(
    usable: list[SessionStrides], name: str, leg: str, gait: str, source: str, baseline: list[str]
) -> pd.DataFrame:
    found = adjusted(usable, name, leg, gait, angle_source=source, reference=baseline)
    return found.set_index("session_id")


def _refused(past: PastSession, leg: str, gait: str, reason: str) -> Index:
    return Index(
        session_id=past.session_id,
        start_utc=past.start_utc,
        leg=leg,
        gait=gait,
        bars=dict.fromkeys(COMPONENTS, float("nan")),
        reason=reason,
    )


def _index(
    past: PastSession,
    leg: str,
    gait: str,
    baseline: list[str],
    tables: dict[str, pd.DataFrame],
    windows: dict[str, dict[str, Windows]],
    draws: int,
    rng: np.random.Generator,
) -> Index:
    overlap = np.array([float(table["overlap"][past.session_id]) for table in tables.values()])
    shared = float(overlap[np.isfinite(overlap)].min(initial=1.0))
    if shared < MIN_OVERLAP:
        return _refused(
            past, leg, gait, f"only {100.0 * shared:.0f} % of your usual ground was walked on, 30 % are needed"
        )
    values = {name: float(table["value"][past.session_id]) for name, table in tables.items()}
    bars = {
        name: percentile(values[name], _baseline(table, baseline), MEASURES[name].high_is_steadier)
        for name, table in tables.items()
    }
    missing = [MEASURES[name].title for name, bar in bars.items() if np.isnan(bar)]
    if len(bars) - len(missing) < MIN_COMPONENTS:
        return _refused(past, leg, gait, f"not measured: {', '.join(missing)}")
    base = {name: [windows[one][name] for one in baseline] for name in tables}
    changes = draw_changes(windows[past.session_id], base, draws, rng)
    drawn = np.mean([_drawn_bars(tables[name], past.session_id, baseline, changes[name], name)
                     for name in tables if not np.isnan(bars[name])], axis=0)  # fmt: skip
    value = float(np.nanmean(list(bars.values())))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Index(
        session_id=past.session_id,
        start_utc=past.start_utc,
        leg=leg,
        gait=gait,
        value=value,
        low=min(float(low), value),
        high=max(float(high), value),
        bars=bars,
    )


def _baseline(table: pd.DataFrame, baseline: list[str]) -> Array:
    return table["value"].reindex(baseline).to_numpy(float)


def _drawn_bars(table: pd.DataFrame, session_id: str, baseline: list[str], changes: Array, name: str) -> Array:
    """The bar as each draw would have it; `changes` are what `draw_changes` gives."""
    measure = MEASURES[name]
    value, high = (float(table[column][session_id]) for column in ("value", "high"))
    moved = {"count": high * changes, "log": value * np.exp(changes), "linear": value + changes}[measure.scale]
    return _percentiles(moved, _baseline(table, baseline), measure.high_is_steadier)
