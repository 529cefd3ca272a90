"""Made-up people over weeks: how often a change is claimed where there is none, found where there is one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ankle_imu.trends import PastSession, Trend, Worn, find_changes, follow, stability_index
from ankle_imu.validation.score import Row
from ankle_imu.validation.simulation import Extent
from ankle_imu.validation.stride_tables import MadeUp, Outing, Person, make_season, make_session

DATASET: Final = "seasons"
MEASURE: Final = "successive_inv_excursion_deg"
"""The best single trail measure of methods sheet F1."""
SESSIONS: Final = 12
STEADIER: Final = 0.75
"""A true improvement of 25 % from the first session to the last."""
ROUGHER: Final = 0.6
"""How far the ground changes one way over the weeks, of -1 to 1."""
MANY: Final = 100
"""People below which a share says too little to hold it against a target."""
INDEX_STRIDES: Final = 650
LONG_STRIDES: Final = 20_000


@dataclass(frozen=True, kw_only=True)
class Shares:
    """Shares of people whose change was claimed: on like ground, and from the figures as walked."""

    adjusted: float
    as_walked: float


def as_past(made: MadeUp) -> PastSession:
    """A made-up session as the library would hand it over."""
    session = made.session
    worn = Worn(session_id=session.session_id, start_utc=session.start_utc, shoe=session.footwear)
    return PastSession(alias="P-made", strides=session, worn=worn)


def claimed(people: Sequence[int], change: float, drifting_ground: float) -> Shares:
    """Share of people of whom a change is claimed; where there is a true one, only one to the steadier counts."""
    found = np.array([_claims(seed, change, drifting_ground) for seed in people], dtype=float).reshape(-1, 2)
    adjusted, as_walked = found.mean(axis=0)
    return Shares(adjusted=float(adjusted), as_walked=float(as_walked))


def _claims(seed: int, change: float, drifting_ground: float) -> tuple[bool, bool]:
    season = make_season(seed, sessions=SESSIONS, change=change, drifting_ground=drifting_ground)
    trend = follow([as_past(one) for one in season], MEASURE)
    plain = replace(trend, points=trend.points.assign(adjusted=trend.points["median"]), breaks=(), gear={})
    return _is_claimed(trend, change), _is_claimed(plain, change)


def _is_claimed(trend: Trend, change: float) -> bool:
    found = find_changes(trend)
    return bool(found) and found[0].is_changed and (change == 1.0 or found[0].delta < 0.0)


def is_index_covered(seed: int) -> bool | None:
    """Whether the interval of a session's index holds what a very long session of the same day would have had.

    None where either has no index.
    """
    rng = np.random.default_rng([seed, 11])
    person = Person(
        level_deg=rng.uniform(5.0, 11.0),
        spread_deg=rng.uniform(0.8, 1.6),
        correlation=rng.uniform(0.1, 0.4),
        speed_log=rng.uniform(-0.5, 0.0),
        slope_log=rng.uniform(0.0, 0.04),
        ground_log=(0.0, rng.uniform(0.2, 0.5), rng.uniform(0.5, 1.0)),
        session_log=0.0,
    )
    plans = [_outing(rng, day=3 * k) for k in range(6)]
    history = [as_past(make_session(person, plan, seed=1000 * seed + k)) for k, plan in enumerate(plans)]
    endless = replace(plans[-1], n_strides=LONG_STRIDES, mix=(0.3, 0.45, 0.25), slope_deg=3.0)
    truth = as_past(make_session(person, endless, seed=1000 * seed + 77))
    found = stability_index(history, "left", gait="walk")[-1]
    true = stability_index([*history[:-1], truth], "left", gait="walk", draws=2)[-1]
    return None if found.reason or true.reason else bool(found.low <= true.value <= found.high)


def _outing(rng: np.random.Generator, day: int) -> Outing:
    rough = float(np.clip(0.5 + 0.2 * rng.standard_normal(), 0.05, 0.95))
    return Outing(
        n_strides=int(INDEX_STRIDES * rng.uniform(1.0, 1.4)),
        mix=((1.0 - rough) ** 2, 2.0 * rough * (1.0 - rough), rough**2),
        slope_deg=rng.uniform(1.0, 5.0),
        speed_mps=rng.normal(1.3, 0.08),
        effect_log=rng.normal(0.0, 0.08),
        day=day,
    )


def score_seasons(extent: Extent) -> Iterator[Row]:
    """Rows of the share of changes claimed and found, and of the coverage of the index."""
    people = range(200, 200 + (200 if extent.wearers >= 50 else max(4, extent.wearers)))
    is_many = len(people) >= MANY
    for case, change, drift in _CASES:
        shares = claimed(people, change, drift)
        is_null = change == 1.0
        target = (0.05 if is_null else 0.80) if is_many else float("nan")
        what = "called changed" if is_null else "25 % steadier, found"
        yield _row(case, what, len(people), shares.adjusted, target, at_least=not is_null)
        yield _row(case, f"{what}, figures as walked", len(people), shares.as_walked)
    covered = [one for one in map(is_index_covered, people) if one is not None]
    yield Row(
        dataset=DATASET, case=f"at least {INDEX_STRIDES} strides", quantity="index in its 95 % interval",
        n=len(covered), value=float(np.mean(covered)), unit="1", target=0.97 if is_many else float("nan"),
        least=0.85 if is_many else float("nan"), reference="bootstrap without adjustment 0.77 to 0.87",
    )  # fmt: skip


_CASES: Final = (
    ("ground, pace and shoes change", 1.0, 0.0),
    ("ground grows rougher", 1.0, ROUGHER),
    ("ground grows smoother", 1.0, -ROUGHER),
    ("ground, pace and shoes change", STEADIER, 0.0),
    ("ground grows rougher", STEADIER, ROUGHER),
)


def _row(
    case: str, quantity: str, n: int, value: float, target: float = float("nan"), *, at_least: bool = False
) -> Row:
    return Row(
        dataset=DATASET, case=case, quantity=quantity, n=n, value=value, unit="1", target=target, at_least=at_least
    )
