"""Ladder of practice: ground, gait and load, as what was done so far and a suggestion; never a verdict."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from ankle_imu import frames
from ankle_imu.trends.history import PastSession
from ankle_imu.trends.index import Index

SURFACES: Final = ("flat", "grass", "gravel", "rock")
GAITS: Final = ("walk", "jog", "run")

_SURFACE_WORDS: Final = {
    "rock": ("rock", "rocks", "rocky", "boulder", "boulders", "scree", "roots", "alpine", "stony"),
    "gravel": ("gravel", "stones", "uneven", "trail", "track"),
    "grass": ("grass", "meadow", "lawn", "field", "forest", "dirt"),
    "flat": ("flat", "road", "asphalt", "paved", "pavement", "tarmac", "treadmill", "indoor", "street"),
}
"""Words people write for the ground, hardest first; ours. What is not among them stands on no rung."""

STEADY_SESSIONS: Final = 3
STEADY_LOW: Final = 40.0
CALM_DAYS: Final = 14
"""Three sessions whose index interval stays at or above 40, and 14 days without a hard roll (methods sheet G2)."""

LOAD_STEP_KG: Final = 0.5
"""Loads are told apart to half a kilogram; ours."""


@dataclass(frozen=True, kw_only=True)
class Rung:
    """What was done on one rung: `ladder` is surface | gait | load, minutes and strides are those of one leg."""

    ladder: str
    rung: str
    sessions: int
    strides: int
    minutes: float
    steady_sessions: int


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """Where one stands on a ladder, what comes next on it ("" at the top), and the sentence about it."""

    ladder: str
    current: str
    next: str
    is_offered: bool
    words: str


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """All rungs that were stood on, and one suggestion for each ladder."""

    rungs: tuple[Rung, ...]
    suggestions: tuple[Suggestion, ...]


def surface_rung(surface: str) -> str:
    """Hardest ground that the words name, "" when they name none.

    Examples
    --------
    >>> surface_rung("Forest path, some rocks"), surface_rung("somewhere")
    ('rock', '')
    """
    words = set(re.findall(r"[a-z]+", surface.casefold()))
    return next((rung for rung, known in _SURFACE_WORDS.items() if words & set(known)), "")


def climb(history: Sequence[PastSession], indices: Sequence[Index]) -> Ladder:
    """Exposure and suggestions.

    Parameters
    ----------
    history : sessions of one person
    indices : stability indices of these sessions, all legs and gait classes that have one

    Returns
    -------
    Ladder

    Notes
    -----
    One stands on the hardest rung so far. The next is suggested after three steady sessions on it and 14 days
    without a hard roll before the last session (methods sheet G2): a suggestion, ours, tried on nobody. One
    thing is suggested at a time: ground before gait before load.
    """
    is_calm = not _hard_rolls(history)
    ladders: dict[str, tuple[tuple[str, ...], dict[str, tuple[str, ...]]]] = {
        "surface": (SURFACES, {past.session_id: (surface_rung(past.surface),) for past in history}),
        "gait": (GAITS, {past.session_id: _gaits(past) for past in history}),
        "load": _loads(history),
    }
    rungs: list[Rung] = []
    suggestions: list[Suggestion] = []
    for name, (order, stood) in ladders.items():
        found = [_rung(name, rung, history, stood, indices) for rung in order]
        rungs += [rung for rung in found if rung.sessions]
        first = next((one.next for one in suggestions if one.is_offered), "")
        suggestion = _suggest(name, found, is_calm, first)
        if suggestion is not None:
            suggestions.append(suggestion)
    return Ladder(rungs=tuple(rungs), suggestions=tuple(suggestions))


def _gaits(past: PastSession) -> tuple[str, ...]:
    table = past.strides.strides
    return tuple(str(gait) for gait in table["gait"][table["accepted"].to_numpy(bool)].unique())


def _loads(history: Sequence[PastSession]) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Rungs of load, lightest first, and the rung of each session: the heavier leg, to half a kilogram."""
    kg = {
        past.session_id: LOAD_STEP_KG * round(max(past.strides.load_kg.values(), default=0.0) / LOAD_STEP_KG)
        for past in history
    }
    order = tuple(f"{value:g} kg" for value in sorted({0.0, *kg.values()}))
    return order, {name: (f"{value:g} kg",) for name, value in kg.items()}


def _rung(
    ladder: str,
    rung: str,
    history: Sequence[PastSession],
    stood: dict[str, tuple[str, ...]],
    indices: Sequence[Index],
) -> Rung:
    here = [past for past in history if rung in stood[past.session_id]]
    done = [_done(past, rung if ladder == "gait" else "") for past in here]
    names = {past.session_id for past in here}
    gait = rung if ladder == "gait" else ""
    own = [one for one in indices if one.session_id in names and gait in ("", one.gait)]
    return Rung(
        ladder=ladder,
        rung=rung,
        sessions=len(here),
        strides=sum(n for n, _ in done),
        minutes=sum(seconds for _, seconds in done) / 60.0,
        steady_sessions=_steady(own),
    )


def _steady(indices: Sequence[Index]) -> int:
    """Sessions in which every leg and gait that has an index stays at or above 40."""
    lows: dict[str, float] = {}
    for one in indices:
        if not one.reason:
            lows[one.session_id] = min(one.low, lows.get(one.session_id, 100.0))
    return sum(low >= STEADY_LOW for low in lows.values())


def _done(past: PastSession, gait: str) -> tuple[int, float]:
    """Strides and seconds of the leg with more of them; of one gait class where one is named."""
    table = past.strides.strides
    chosen = table[table["gait"] == gait] if gait else table
    per_leg = [chosen[chosen["leg"] == leg]["stride_time_s"].to_numpy(float) for leg in frames.LEGS]
    most = max(per_leg, key=len)
    return len(most), float(np.nansum(most))


def _hard_rolls(history: Sequence[PastSession]) -> int:
    """Hard rolls, not called false, in the 14 days before the last session and in it."""
    if not history:
        return 0
    since = max(_instant(past.start_utc) for past in history) - timedelta(days=CALM_DAYS)
    recent = [past.strides.events for past in history if _instant(past.start_utc) >= since]
    return sum(int(((table["kind"] == "hard_roll") & (table["verdict"] != "false")).sum()) for table in recent)


def _instant(start_utc: str) -> datetime:
    instant = datetime.fromisoformat(start_utc)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _suggest(ladder: str, rungs: Sequence[Rung], is_calm: bool, first: str) -> Suggestion | None:
    """Suggestion on one ladder; `first`: what another one has suggested already, "" for nothing."""
    reached = [i for i, rung in enumerate(rungs) if rung.sessions]
    if not reached:
        return None
    at = rungs[reached[-1]]
    after = rungs[reached[-1] + 1].rung if reached[-1] + 1 < len(rungs) else _heavier(ladder, at.rung)
    is_earned = bool(after) and is_calm and at.steady_sessions >= STEADY_SESSIONS
    return Suggestion(
        ladder=ladder,
        current=at.rung,
        next=after,
        is_offered=is_earned and not first,
        words=_words(at, after, is_earned, is_calm, first),
    )


def _heavier(ladder: str, current: str) -> str:
    """The next load after the heaviest one carried: one step more."""
    return f"{float(current.split()[0]) + LOAD_STEP_KG:g} kg" if ladder == "load" else ""


def _words(at: Rung, after: str, is_earned: bool, is_calm: bool, first: str) -> str:
    done = f"{_TITLE[at.ladder]}: {at.rung}, {at.sessions} session{'s' if at.sessions != 1 else ''}"
    steady = f"{done}, {at.steady_sessions} of them as steady as your first five or steadier."
    if not is_calm:
        return f"{done}. With a hard roll in the last {CALM_DAYS} days, nothing new is suggested."
    if not after:
        return f"{done}. There is no further rung."
    if is_earned and first:
        return f"{steady} One thing at a time: not together with {first}."
    if is_earned:
        return f"{steady} If you like, {after} could come next."
    return (
        f"{steady} After {STEADY_SESSIONS} of them (index at least {STEADY_LOW:.0f} even at the lower end of its "
        f"interval) {after} would be suggested."
    )


_TITLE: Final = {"surface": "Ground", "gait": "Gait", "load": "Load on the leg"}
