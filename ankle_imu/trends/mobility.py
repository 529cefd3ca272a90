"""Mobile and stable: ranges, holds and loads of practice over time, beside the walks of the same weeks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from ankle_imu.errors import QualityRefusal

if TYPE_CHECKING:
    import pandas as pd

LEAST_SESSIONS: Final = 5
"""No word on a trend below so many sessions (methods F2)."""

ENDS: Final = 3
"""First and last sessions whose medians are compared; ours: one session is not yet a change."""

THICK_CM: Final = 6.0
"""A blanket from this height on is a thick one. Ours."""

RUNG_SESSIONS: Final = 3
"""So many sessions on a rung before the next one is suggested (methods G2: exposure at the current level)."""

USED: Final = {"inversion": "inv_excursion_deg", "eversion": "ev_excursion_deg"}
"""Action -> how far the ankle went that way in the stance of a walk."""

FLEXION: Final = "df_range_deg"
"""Both flexions share what a stride uses of them: its range, against both active ranges together."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One figure of one session: when it began (ISO 8601), leg, value, ends of its interval (NaN: none known)."""

    session_id: str
    start_utc: str
    leg: str
    value: float
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One step of the ladder of an action: its words, sessions on it, holds, longest hold (s), last one.

    `active_deg`, `assisted_deg`: end range under this load; `drift_dps`, `tremor_dps`: of its holds. Medians over
    the sessions of one source of the angle and knee, NaN where there is none; sessions and holds count with any.
    """

    leg: str
    words: str
    sessions: int
    holds: int
    longest_s: float
    last_utc: str
    active_deg: float = math.nan
    assisted_deg: float = math.nan
    drift_dps: float = math.nan
    tremor_dps: float = math.nan


@dataclass(frozen=True, kw_only=True)
class Mobility:
    """Everything of one action over time, like with like.

    `active`, `assisted`, `gap`: deg; `tension`: s of holds, any load; `used`: share of the own active range that
    walking used, 0..1; `stability`: of walks, `stability_name` says what; `basis`: load, source and knee of the
    ranges; `left_out`: what was not pooled; `rungs`: lightest first.
    """

    alias: str
    action: str
    basis: str
    active: tuple[Point, ...]
    assisted: tuple[Point, ...]
    gap: tuple[Point, ...]
    tension: tuple[Point, ...]
    used: tuple[Point, ...]
    stability: tuple[Point, ...]
    stability_name: str
    sentences: tuple[str, ...]
    left_out: tuple[str, ...]
    rungs: tuple[Rung, ...]


def look_mobility(
    practice: pd.DataFrame,
    walks: pd.DataFrame,
    action: str,
    stability: Sequence[Point] = (),
    stability_name: str = "",
) -> Mobility:
    """Put one action of one person together.

    Parameters
    ----------
    practice : table `tables.PRACTICE_TREND`, oldest session first
    walks : table `tables.TREND` of the same person; may be empty
    action : one of the four actions, or `lunge`
    stability : of the walks, drawn beside it

    Raises
    ------
    QualityRefusal
        If the action was never measured.

    Notes
    -----
    Ranges are only of the load, source and knee that most sessions share; the others are named in `left_out`.
    Repetitions that ask to be measured again are left out, too.
    """
    own = practice[practice["action"] == action]
    if not len(own):
        done = sorted(set(practice["action"]))
        raise QualityRefusal(
            f"No session of practice has {action} yet; there is {', '.join(done)}."
            if done
            else "There is no analyzed session of practice yet; `ankle-imu practice rom` makes one."
        )
    rows = [SimpleNamespace(**{str(k): v for k, v in row.items()}) for row in own.to_dict("records")]
    measured = [r for r in rows if math.isfinite(r.active_deg) or math.isfinite(r.assisted_deg)]
    groups: dict[str, list[Any]] = {}
    for row in measured:
        groups.setdefault(_basis(row), []).append(row)
    basis = max(groups, key=lambda k: (len(groups[k]), k.startswith("no load")), default="")
    like = [row for row in groups.get(basis, []) if not row.repeat]
    left_out = [
        f"{key}: {len(some)} session{'s' * (len(some) != 1)} not mixed in"
        for key, some in groups.items()
        if key != basis
    ]
    again = sum(row.repeat for row in groups.get(basis, []))
    left_out += [f"{again} to be measured again"] if again else []
    return Mobility(
        alias=str(own["alias"].iloc[0]),
        action=action,
        basis=basis,
        active=_points(like, "active_deg"),
        assisted=_points(like, "assisted_deg"),
        gap=_points(like, "gap_deg"),
        tension=_points(rows, "tension_s"),
        used=_used(practice, walks, action),
        stability=tuple(stability),
        stability_name=stability_name,
        sentences=tuple(_sentences(action, like, rows)),
        left_out=tuple(left_out),
        rungs=_rungs(
            [row for row in rows if row.holds or describe_load(row) != "no load"],
            next((_kind(row) for row in groups.get(basis, rows)), ("", "")),
        ),
    )


def describe_load(row: Any) -> str:
    """The load of a row as a rung of the ladder, what is heaviest of it first.

    Examples
    --------
    >>> row = SimpleNamespace(load="ankle_weight", load_kg=1.5, deload_cm=8.0, body_share=math.nan)
    >>> describe_load(row)
    'ankle weight 1.5 kg, thick blanket (8 cm)'
    """
    parts = []
    if row.load not in ("none", "body_weight"):
        kg = f" {row.load_kg:g} kg" if row.load_kg == row.load_kg else ""
        parts.append(str(row.load).replace("_", " ") + kg)
    if row.body_share == row.body_share:
        parts.append(f"{100.0 * row.body_share:.0f} % of body weight")
    if row.deload_cm == row.deload_cm:
        thick = "thick" if row.deload_cm >= THICK_CM else "thin"
        parts.append(f"{thick} blanket ({row.deload_cm:g} cm)" if row.deload_cm > 0 else "no blanket")
    return ", ".join(parts) or ("no load" if row.load == "none" else "body weight")


def _kind(row: Any) -> tuple[str, str]:
    """What is never pooled: source of the angle and knee."""
    return row.angle_source, row.knee


def _height(row: Any) -> tuple[float, float, float]:
    """Place on the ladder: thick blanket, thin, none, ankle weight by kg, which a blanket makes lighter."""
    under = -row.deload_cm if row.deload_cm == row.deload_cm else 0.0
    if row.load == "ankle_weight":
        return (3.0, row.load_kg if row.load_kg == row.load_kg else 0.0, under)
    if under < 0.0:
        return (0.0, under, 0.0)
    if row.body_share == row.body_share:
        return (1.0, row.body_share, 0.0)
    return (2.0, 0.0 if row.load in ("none", "body_weight") else 1.0, 0.0)


def _basis(row: Any) -> str:
    source = {"joint": "foot against shank", "foot": "foot angle", "shank": "tilt of the shank"}
    knee = f", knee {row.knee}" if row.knee else ""
    return f"{describe_load(row)}, {source.get(row.angle_source, 'not measured')}{knee}"


def _points(rows: Sequence[Any], name: str) -> tuple[Point, ...]:
    found: dict[tuple[str, str], Point] = {}
    for row in rows:
        value = float(getattr(row, name))
        key = (row.session_id, row.leg)
        if not math.isfinite(value):
            continue
        before = found.get(key)
        total = value + before.value if before is not None and name == "tension_s" else value
        found[key] = Point(session_id=row.session_id, start_utc=row.start_utc, leg=row.leg, value=total)
    return tuple(found.values())


def _used(practice: pd.DataFrame, walks: pd.DataFrame, action: str) -> tuple[Point, ...]:
    """Share of the active range last measured before each walk that its usual step used; joint angles only."""
    metric = USED.get(action, "" if action == "lunge" else FLEXION)
    if not metric or not len(walks):
        return ()
    same = (walks["gait"] == "walk") & (walks["angle_source"] == "joint")
    points = []
    for row in walks[same].to_dict("records"):
        actions = ("dorsiflexion", "plantarflexion") if metric == FLEXION else (action,)
        ranges = [_range_before(practice, str(row["leg"]), one, str(row["start_utc"])) for one in actions]
        value = float(row[f"{metric}_median"]) / sum(ranges) if sum(ranges) > 0 else math.nan
        if math.isfinite(value):
            point = Point(
                session_id=str(row["session_id"]),
                start_utc=str(row["start_utc"]),
                leg=str(row["leg"]),
                value=value,
            )
            points.append(point)
    return tuple(points)


def _range_before(practice: pd.DataFrame, leg: str, action: str, start_utc: str) -> float:
    """Active range without load, of two sensors, that was measured last before a walk; NaN without one."""
    same = (practice["leg"] == leg) & (practice["action"] == action) & (practice["load"] == "none")
    same &= (practice["angle_source"] == "joint") & practice["active_deg"].notna() & practice["deload_cm"].isna()
    same &= practice["body_share"].isna()
    own = practice[same & (practice["start_utc"] <= start_utc)]
    return float(own["active_deg"].iloc[-1]) if len(own) else math.nan


def _sentences(action: str, like: Sequence[Any], rows: Sequence[Any]) -> list[str]:
    told = []
    for leg in dict.fromkeys(row.leg for row in like):
        own = [row for row in like if row.leg == leg and math.isfinite(row.active_deg)]
        if own:
            told.append(_change(f"{leg.capitalize()} {action}", own))
    sessions = len({row.session_id for row in rows if row.holds})
    total = sum(row.tension_s for row in rows if row.tension_s == row.tension_s)
    if sessions:
        told.append(f"Held in {sessions} session{'s' * (sessions != 1)}, {total:.0f} s under tension in all.")
    return told


def _change(name: str, own: Sequence[Any]) -> str:
    """How the first sessions differ from the last, against what can be told apart."""
    last = own[-1].active_deg
    if len(own) < LEAST_SESSIONS:
        return f"{name}: {last:.1f} deg by itself; {len(own)} of the {LEAST_SESSIONS} sessions that a trend takes."
    before, after = (median(row.active_deg for row in part) for part in (own[:ENDS], own[-ENDS:]))
    mdc = median(row.mdc_deg for row in own)
    if abs(after - before) <= mdc:
        return (
            f"{name}: {before:.1f} deg at first, {after:.1f} deg of late; a difference up to {mdc:.1f} deg "
            "cannot be told from none."
        )
    way = "further" if after > before else "less far"
    return (
        f"{name} goes {way} than at first: {before:.1f} to {after:.1f} deg, more than the {mdc:.1f} deg of doubt."
    )


def _rungs(rows: Sequence[Any], kind: tuple[str, str]) -> tuple[Rung, ...]:
    """Rungs, lightest first; `kind`: source and knee of the rows whose medians are told."""
    found: dict[tuple[str, tuple[float, float, float], str], list[Any]] = {}
    for row in rows:
        found.setdefault((row.leg, _height(row), describe_load(row)), []).append(row)
    return tuple(
        Rung(
            leg=leg,
            words=words,
            sessions=len({row.session_id for row in own}),
            holds=int(sum(row.holds for row in own)),
            longest_s=max((row.longest_s for row in own if row.longest_s == row.longest_s), default=math.nan),
            last_utc=max(row.start_utc for row in own),
            **{
                name: _middle([row for row in own if _kind(row) == kind], name)
                for name in ("active_deg", "assisted_deg", "drift_dps", "tremor_dps")
            },
        )
        for (leg, _, words), own in sorted(found.items(), key=lambda item: item[0])
    )


def _middle(rows: Sequence[Any], name: str) -> float:
    """Median over the rows that have a value, NaN where none has."""
    values = [value for row in rows if math.isfinite(value := float(getattr(row, name)))]
    return median(values) if values else math.nan


def suggest(rungs: Sequence[Rung]) -> tuple[str, ...]:
    """At most one suggestion per leg: the rung after the highest that was done often enough."""
    told = []
    for leg in dict.fromkeys(rung.leg for rung in rungs):
        own = [rung for rung in rungs if rung.leg == leg]
        top = own[-1]
        if len(own) > 1 and top.sessions < RUNG_SESSIONS:
            told.append(
                f"{leg.capitalize()}: {top.words} {top.sessions} of {RUNG_SESSIONS} times so far; stay with it."
            )
        elif top.sessions >= RUNG_SESSIONS:
            told.append(
                f"{leg.capitalize()}: {top.sessions} sessions with {top.words}. If it was comfortable, "
                f"{_next(top.words)} could come next."
            )
    return tuple(told)


def _next(words: str) -> str:
    if "thick blanket" in words:
        return "a thin blanket"
    if "thin blanket" in words:
        return "no blanket"
    if "% of body weight" in words and "100 %" not in words:
        return "a little more of the body's weight"
    if words.startswith("ankle weight"):
        return "a little more weight"
    return {"band": "a stronger band", "water": "the same without water"}.get(words, "a light ankle weight")
