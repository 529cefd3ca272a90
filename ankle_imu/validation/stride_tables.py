"""Stride tables of a made-up person on changing ground, with the truth about how steady they are.

No sensor is simulated here: the numbers of each stride are drawn, thousands of sessions in seconds, to measure
what the comparison of sessions can find and how often its intervals hold the truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import tables
from ankle_imu.comparison import SessionStrides
from ankle_imu.units import DEGREE

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

REGIMES: Final = ("smooth", "gravel", "rock")
TILT_SD_DEG: Final = np.array([1.0, 2.5, 5.0])
"""Spread of the foot's attitude on the ground of each regime; ours: paved paths to rock gardens."""

REGIME_STRIDES: Final = 90.0
"""Mean strides before the ground changes; stretches of like ground last 50-200 strides on a trail (methods F4)."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """How a made-up person walks; `log` effects act on the spread of all frontal figures.

    Parameters
    ----------
    level_deg, spread_deg : inversion excursion on smooth level ground, and its spread
    ground_log : effect of each regime
    ground_deg : effect of each regime on the level
    slope_log : effect per degree of slope, up or down
    speed_log : effect per m/s of speed beside the usual
    load_log : effect per kg of load
    session_log : spread of the effect that a day has of its own
    correlation : of a stride with the next one
    drift_deg : spread of a level that wanders over some 200 strides
    """

    level_deg: float = 8.0
    spread_deg: float = 1.2
    ground_log: tuple[float, float, float] = (0.0, 0.4, 0.8)
    ground_deg: tuple[float, float, float] = (0.0, 0.8, 2.0)
    slope_log: float = 0.02
    speed_log: float = -0.3
    load_log: float = 0.03
    session_log: float = 0.05
    correlation: float = 0.3
    drift_deg: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Outing:
    """One session to be made up.

    Parameters
    ----------
    n_strides : int, of one leg
    mix : shares of smooth ground, gravel and rock
    slope_deg : spread of the slope over the session
    speed_mps : usual speed of the day
    effect_log : true change of the spread, on top of the ground's
    shoe, shoe_log : name of the shoe and its effect
    load_kg : float
    day : int, days after the first session
    """

    n_strides: int = 900
    mix: tuple[float, float, float] = (0.4, 0.4, 0.2)
    slope_deg: float = 3.0
    speed_mps: float = 1.3
    effect_log: float = 0.0
    shoe: str = "trail"
    shoe_log: float = 0.0
    load_kg: float = 0.0
    day: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class MadeUp:
    """A made-up session and its true effects on the log spread: of day, change, shoe and load; of the shoe."""

    session: SessionStrides
    effect_log: float
    shoe_log: float
    shares: Mapping[str, float] = field(default_factory=dict)


def make_session(person: Person, outing: Outing, seed: int, leg: str = "left") -> MadeUp:
    """Make up one session of one leg.

    Parameters
    ----------
    person : Person
    outing : Outing
    seed : int
    leg : `left` or `right`

    Returns
    -------
    MadeUp
    """
    rng = np.random.default_rng(seed)
    n = outing.n_strides
    regime = _regimes(rng, n, outing.mix)
    slope = outing.slope_deg * _wander(rng, n, 150.0)
    speed = outing.speed_mps - 0.02 * np.abs(slope) - 0.08 * regime + 0.06 * _wander(rng, n, 80.0)
    own = person.session_log * rng.standard_normal()
    effect = own + outing.effect_log + outing.shoe_log + person.load_log * outing.load_kg
    log_spread = (
        np.asarray(person.ground_log)[regime]
        + person.slope_log * np.abs(slope)
        + person.speed_log * (speed - 1.3)
        + effect
    )
    scale = np.exp(log_spread)
    noise = _correlated(rng, n, person.correlation)
    level = person.level_deg + np.asarray(person.ground_deg)[regime] + person.drift_deg * _wander(rng, n, 200.0)
    inv = np.maximum(level + person.spread_deg * scale * noise, 0.0)
    velocity = 110.0 * np.exp(0.05 * regime + 0.18 * scale * _correlated(rng, n, person.correlation))
    # Both feet of a stride share the terrain; a slow walker is less even (methods F3, C95).
    uneven = 0.018 * scale * np.exp(1.5 * (speed - 1.3) ** 2)
    stride_time = 1.08 * (1.3 / speed) ** 0.5 * np.exp(uneven * rng.standard_normal(n))
    start = np.cumsum(stride_time) - stride_time
    ground = TILT_SD_DEG[regime]
    length = speed * stride_time
    turning = rng.random(n) < 0.04
    strides = tables.make_table(
        tables.STRIDES,
        {
            "stride_id": np.arange(n),
            "leg": np.full(n, leg),
            "start_s": start,
            "end_s": start + stride_time,
            "ic_s": start,
            "to_s": start + 0.6 * stride_time,
            "gait": np.full(n, "walk"),
            "accepted": ~turning,
            "reject_reason": np.where(turning, "turns more than 20 deg", ""),
            "stride_time_s": stride_time,
            "stance_time_s": 0.6 * stride_time,
            "duty_factor": np.full(n, 0.6),
            "cadence_spm": 120.0 / stride_time,
            "turn_deg": np.where(turning, 45.0, 0.0),
            "slope_deg": slope + 0.7 * ground * rng.standard_normal(n),
            "tilt_ff_deg": ground * rng.standard_normal(n),
            "height_change_m": length * np.tan((slope + 0.5 * ground * rng.standard_normal(n)) * DEGREE),
            "stride_length_m": length,
            "speed_mps": speed,
            "inv_excursion_deg": inv,
            "range_stance_deg": inv + 4.0 + 0.3 * rng.standard_normal(n),
            "peak_inv_vel_dps": velocity,
            "angle_source": np.full(n, "joint"),
        },
    )
    context = tables.make_table(
        tables.CONTEXT,
        {
            "stride_id": np.arange(n),
            "time_s": start,
            "log_jerk": -4.0 - 0.4 * log_spread + 0.3 * rng.standard_normal(n),
        },
    )
    return MadeUp(
        session=SessionStrides(
            session_id=f"made-up-{outing.day:03d}-{seed}",
            start_utc=(datetime(2026, 1, 1, 9, tzinfo=UTC) + timedelta(days=outing.day)).isoformat(),
            strides=strides,
            context=context,
            events=_events(rng, start, scale, leg),
            load_kg={leg: outing.load_kg},
            footwear=outing.shoe,
            mount_site={leg: "instep"},
        ),
        effect_log=effect,
        shoe_log=outing.shoe_log,
        shares={name: float((regime == k).mean()) for k, name in enumerate(REGIMES)},
    )


def make_season(
    seed: int, sessions: int = 12, change: float = 1.0, drifting_ground: float = 0.0, n_strides: int = 900
) -> list[MadeUp]:
    """Make up the sessions of one person over some weeks.

    Parameters
    ----------
    seed : int
    sessions : int
    change : float, factor on the person's spread from the first session to the last, even in the logarithm
    drifting_ground : float, -1..1; how far the ground grows rougher (+) or smoother (-) over the weeks
    n_strides : int, of one leg and session, in the mean

    Notes
    -----
    Ground, slope, speed, shoes and load change from session to session: shoes between two pairs at random.
    """
    rng = np.random.default_rng([seed, 7])
    person = Person(
        level_deg=rng.uniform(5.0, 11.0),
        spread_deg=rng.uniform(0.8, 1.6),
        correlation=rng.uniform(0.1, 0.4),
        speed_log=rng.uniform(-0.5, 0.0),
        slope_log=rng.uniform(0.0, 0.04),
        ground_log=(0.0, rng.uniform(0.2, 0.5), rng.uniform(0.5, 1.0)),
    )
    light = rng.normal(0.0, 0.1)
    season = []
    for k in range(sessions):
        share = k / max(sessions - 1, 1)
        rough = float(np.clip(0.5 + drifting_ground * (share - 0.5) + 0.2 * rng.standard_normal(), 0.05, 0.95))
        mix = ((1.0 - rough) ** 2, 2.0 * rough * (1.0 - rough), rough**2)
        is_light = bool(rng.random() < 0.5)
        season.append(
            make_session(
                person,
                Outing(
                    n_strides=int(n_strides * rng.uniform(0.7, 1.4)),
                    mix=mix,
                    slope_deg=rng.uniform(1.0, 5.0),
                    speed_mps=rng.normal(1.3, 0.08),
                    effect_log=float(np.log(change)) * share,
                    shoe="light" if is_light else "heavy",
                    shoe_log=light if is_light else 0.0,
                    day=3 * k,
                ),
                seed=1000 * seed + k,
            )
        )
    return season


def _regimes(rng: np.random.Generator, n: int, mix: tuple[float, float, float]) -> NDArray[np.int64]:
    """Ground under each stride: stretches of random length."""
    changes = rng.random(n) < 1.0 / REGIME_STRIDES
    changes[0] = True
    share = np.asarray(mix) / np.sum(mix)
    drawn = rng.choice(len(REGIMES), size=int(changes.sum()), p=share)
    return np.asarray(drawn[np.cumsum(changes) - 1])


def _correlated(rng: np.random.Generator, n: int, correlation: float) -> Array:
    """First-order autoregressive noise of unit variance, (n,)."""
    from scipy.signal import lfilter

    drive = rng.standard_normal(n) * np.sqrt(1.0 - correlation**2)
    drive[0] /= np.sqrt(1.0 - correlation**2)
    return np.asarray(lfilter([1.0], [1.0, -correlation], drive))


def _wander(rng: np.random.Generator, n: int, strides: float) -> Array:
    """Slow unit-variance wandering with a memory of that many strides."""
    return _correlated(rng, n, float(np.exp(-1.0 / strides)))


def _events(rng: np.random.Generator, start: Array, scale: Array, leg: str) -> pd.DataFrame:
    """Big wobbles, some 4 in 1000 strides on smooth ground and more where the spread is larger."""
    is_wobble = rng.random(len(scale)) < 0.004 * scale**2
    at = start[is_wobble] + 0.3
    return tables.make_table(
        tables.EVENTS,
        {
            "event_id": np.arange(len(at)),
            "leg": np.full(len(at), leg),
            "time_s": at,
            "kind": np.full(len(at), "wobble"),
            "verdict": np.full(len(at), "none"),
            "outcome": np.full(len(at), "na"),
            "angle_source": np.full(len(at), "joint"),
        },
    )
