"""Days of a person with sensors on: walks and runs, and everything else that is no step and no roll.

Between bouts of the walker the same two legs stand, sit, drive, jump: one session, one truth. All motion is
poses; what the sensors read follows from them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from ankle_imu import frames
from ankle_imu.simulate import at_home, incidents, sport
from ankle_imu.simulate.course import Footfall, Trail, lay_bout, other
from ankle_imu.simulate.plan import CLOSING_S, Plan
from ankle_imu.simulate.scene import FreeLeg, Scene
from ankle_imu.simulate.truth import Truth
from ankle_imu.simulate.walker import record
from ankle_imu.units import DEGREE
from ankle_imu.values import Recording

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way to get about: gait and terrain of `Plan`, turns within one step, deg, and how loose the straps are."""

    gait: str
    terrain: str = "flat"
    turns: tuple[float, float] = (0.0, 0.0)
    looseness: tuple[float, float] = (1.0, 1.0)


WAYS: Final[Mapping[str, Way]] = MappingProxyType(
    {
        "walk": Way(gait="walk"),
        "trail_walk": Way(gait="walk", terrain="hill"),
        "stairs": Way(gait="walk", terrain="stairs"),
        "loose_walk": Way(gait="walk", terrain="uneven", looseness=(3.0, 8.0)),
        "pacing": Way(gait="walk", turns=(70.0, 130.0)),
        "jog": Way(gait="jog"),
        "run": Way(gait="run"),
        "trail_run": Way(gait="run", terrain="hill"),
        "cutting": Way(gait="run", turns=(45.0, 90.0)),
        "loose_run": Way(gait="run", terrain="uneven", looseness=(2.0, 4.0)),
    }
)
"""Activities that get a person somewhere; a loose strap lets its sensor ring by up to 10 deg at each step."""

ON_THE_SPOT: Final[Mapping[str, Callable[[Scene], None]]] = MappingProxyType(
    {
        "stand": at_home.stand,
        "sit": at_home.sit,
        "drive": at_home.drive,
        "kitchen": at_home.kitchen,
        "tie_shoe": at_home.tie_shoe,
        "put_on_shoes": at_home.put_on_shoes,
        "kneel": at_home.kneel,
        "jump": sport.jump,
        "cycle": sport.cycle,
        "balance": sport.balance,
    }
)
"""Activities in which there is no stride."""

MIXES: Final[Mapping[str, Mapping[str, tuple[float, float, float]]]] = MappingProxyType(
    {
        "daily": {
            "stand": (1.0, 20.0, 90.0),
            "sit": (1.0, 40.0, 150.0),
            "drive": (1.0, 90.0, 240.0),
            "kitchen": (1.5, 60.0, 150.0),
            "tie_shoe": (1.0, 15.0, 40.0),
            "put_on_shoes": (1.0, 18.0, 35.0),
            "kneel": (1.0, 20.0, 60.0),
            "jump": (1.0, 20.0, 60.0),
            "cycle": (1.0, 60.0, 240.0),
            "balance": (0.7, 20.0, 60.0),
            "walk": (1.0, 15.0, 60.0),
            "stairs": (1.0, 20.0, 60.0),
            "pacing": (1.0, 20.0, 60.0),
        },
        "walking": {
            "walk": (1.0, 60.0, 180.0),
            "trail_walk": (1.5, 60.0, 240.0),
            "stairs": (0.6, 40.0, 120.0),
            "pacing": (0.6, 40.0, 120.0),
            "loose_walk": (0.5, 40.0, 120.0),
        },
        "running": {
            "jog": (1.0, 60.0, 180.0),
            "run": (1.0, 60.0, 180.0),
            "trail_run": (1.0, 60.0, 180.0),
            "cutting": (1.0, 30.0, 90.0),
            "loose_run": (0.5, 30.0, 90.0),
        },
    }
)
"""Kind of day -> its activities, each with how often, and the least and the most seconds of it."""

SETTLE_S: Final = 1.5
"""A person stands for this long before and after each activity on the spot."""


@dataclass(frozen=True, kw_only=True)
class DayPlan:
    """What a person does, one thing after another, and with which sensors on.

    Parameters
    ----------
    activities : names of `WAYS` and `ON_THE_SPOT` with seconds, in order
    sampling_rate, placements, errors, rolls, roll_from_deg, roll_to_deg : as in `Plan`; the rolls happen in
        strides of any activity
    knocks_per_min, toe_contacts, edge_contacts : as in `Plan`, while under way
    frontal_spread : as in `Plan`
    """

    activities: tuple[tuple[str, float], ...]
    sampling_rate: float = 104.0
    placements: tuple[str, ...] = frames.PLACEMENTS
    errors: str = "typical"
    rolls: int = 0
    roll_from_deg: float = 24.0
    roll_to_deg: float = 45.0
    knocks_per_min: float = 2.0
    toe_contacts: float = 0.02
    edge_contacts: float = 0.03
    frontal_spread: float = 1.0

    def __post_init__(self) -> None:
        if not self.activities:
            raise ValueError("a day needs at least one activity.")
        for name, seconds in self.activities:
            if name not in WAYS and name not in ON_THE_SPOT:
                known = ", ".join([*WAYS, *ON_THE_SPOT])
                raise ValueError(f"Unknown activity {name!r}; expected one of {known}.")
            if not 10.0 <= seconds <= 7200.0:
                raise ValueError(f"{name} must last 10 to 7200 s, found {seconds!r}.")

    def sensors(self, duration_s: float) -> Plan:
        """The plan of a session of that length with these sensors."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "activities"}
        return Plan(duration_s=duration_s, **own)


@dataclass(frozen=True, kw_only=True, eq=False)
class DayTruth(Truth):
    """The truth behind a day.

    `activities`: table, one row per activity: start_s, end_s, activity, is_way (strides are to be found in it).
    """

    activities: pd.DataFrame


def plan_day(seed: int, hours: float, mix: str = "daily", **changes: object) -> DayPlan:
    """A day of one of `MIXES`: every activity once, in random order, then by how often, until the time is full.

    Parameters
    ----------
    seed : int
    hours : float, about as long as it gets
    mix : name of `MIXES`
    **changes : further fields of `DayPlan`
    """
    if mix not in MIXES:
        raise ValueError(f"Unknown mix {mix!r}; expected one of {', '.join(MIXES)}.")
    rng = np.random.default_rng([seed, 20])
    choices = MIXES[mix]
    names = list(choices)
    weight = np.array([choices[n][0] for n in names])
    queue = [str(n) for n in rng.permutation(names)]
    activities: list[tuple[str, float]] = []
    left = 3600.0 * hours
    while left > 0.0:
        name = queue.pop(0) if queue else str(rng.choice(names, p=weight / weight.sum()))
        seconds = round(float(rng.uniform(*choices[name][1:])), 1)
        activities.append((name, seconds))
        left -= seconds + 2.0 * SETTLE_S
    return DayPlan(activities=tuple(activities), **changes)  # type: ignore[arg-type]


def day(seed: int, hours: float = 1.0, mix: str = "daily", **changes: object) -> tuple[Recording, DayTruth]:
    """Simulate a day of `plan_day`: what the sensors say, and what really happened.

    Examples
    --------
    >>> recording, truth = day(1, 0.02, "walking", placements=("left_foot",))
    >>> sorted(recording.series), bool(truth.activities["is_way"].all())
    (['left_foot'], True)
    """
    return live(plan_day(seed, hours, mix, **changes), seed)


def live(plan: DayPlan, seed: int = 1) -> tuple[Recording, DayTruth]:
    """Simulate a planned day.

    Parameters
    ----------
    plan : DayPlan
    seed : int; the same plan and seed give the same day

    Returns
    -------
    Recording
        Of the placements of the plan.
    DayTruth
        Its `strides` are those under way alone; its `events` the rolls.

    Notes
    -----
    About 16,384 samples are evaluated at a time, but readings and truth of a whole day are held: plan days of an
    hour at most, and several of them.
    """
    rng = np.random.default_rng([seed, 21])
    course = _lay_day(plan, rng)
    body = plan.sensors(course.end_s + CLOSING_S)
    legs = {leg: _leg(leg, i, course, body, seed) for i, leg in enumerate(frames.LEGS)}
    recording, truth = record(body, legs, seed)
    tags = ("simulated", "daily life")
    recording = replace(recording, session=replace(recording.session, surface="mixed", tags=tags))
    told = {f.name: getattr(truth, f.name) for f in fields(truth)}
    return recording, DayTruth(**told, activities=course.table())


@dataclass(kw_only=True)
class _Course:
    """Footfalls of both legs, what is done when, which stances turn a runner, and when all is done."""

    falls: list[Footfall]
    done: list[tuple[str, float, float]] = field(default_factory=list)
    cuts: list[tuple[str, float, float]] = field(default_factory=list)
    end_s: float = 0.0

    def table(self) -> pd.DataFrame:
        import pandas as pd

        names, starts, ends = zip(*self.done, strict=True)
        return pd.DataFrame(
            {"start_s": starts, "end_s": ends, "activity": names, "is_way": [n in WAYS for n in names]}
        )


def _lay_day(plan: DayPlan, rng: np.random.Generator) -> _Course:
    body = plan.sensors(86_000.0)
    trail = Trail(body, rng)
    course = _Course(falls=[trail.fall(leg, contact=-2.0, standing=True) for leg in frames.LEGS])
    clock = body.opening_s
    for name, seconds in plan.activities:
        start = clock
        if name in WAYS:
            clock = _go(WAYS[name], seconds, clock, trail, course, body)
        else:
            clock += seconds + 2.0 * SETTLE_S
        course.done.append((name, start, clock))
    course.end_s = clock + 1.0
    return course


def _go(way: Way, seconds: float, clock: float, trail: Trail, course: _Course, body: Plan) -> float:
    """One bout under way, from a stand to a stand; the time when it is over."""
    trail.onto(way.terrain)
    rng = trail.rng
    schedule = lay_bout(replace(body, gait=way.gait, terrain=way.terrain, stops=False), rng, seconds)
    loose = float(rng.uniform(*way.looseness))
    leg = str(rng.choice(frames.LEGS))
    until_cut = int(rng.integers(6, 12))
    clock += schedule[0][0].swing_time
    for k, (gait, label) in enumerate(schedule):
        until_cut -= 1
        if way.turns[1] and until_cut == 0:
            turn = float(rng.choice([-1.0, 1.0]) * rng.uniform(*way.turns)) * DEGREE
            trail.heading += turn
            course.cuts.append((course.falls[-1].leg, course.falls[-1].contact, turn))
            until_cut = int(rng.integers(5, 10))
        gait = trail.advance(gait, k == 0, k == len(schedule) - 1)
        fall = trail.fall(leg, contact=clock, gait=gait, label=label, standing=k >= len(schedule) - 2)
        course.falls.append(replace(fall, looseness=loose))
        leg = other(leg)
        clock += 0.5 * gait.stride_time * (1.0 + 0.008 * trail.noise())
    return clock + float(rng.uniform(2.5, 4.0))


def _leg(leg: str, number: int, course: _Course, plan: Plan, seed: int) -> FreeLeg:
    """One leg with everything that it does."""
    rng = np.random.default_rng([seed, 22, number])
    falls = incidents.place_steps(course.falls, plan, np.random.default_rng([seed, 23]))
    rolling = [plan.legs[k % len(plan.legs)] for k in range(plan.rolls)]
    body = FreeLeg(
        [f for f in falls if f.leg == leg],
        plan,
        tap_start=plan.tap_starts.get(leg, float("nan")),
        spread=plan.frontal_spread,
        mean_rotation=float(rng.uniform(-11.5, -6.5)) * DEGREE,
        rolls=rolling.count(leg),
        rng=rng,
    )
    body.begin()
    incidents.knock(body, plan, np.random.default_rng([seed, 24, number]))
    _turn_over(body, leg, course.cuts, rng)
    for name, start, end in course.done:
        if name in ON_THE_SPOT:
            ON_THE_SPOT[name](Scene(body, start + SETTLE_S, end - SETTLE_S, rng))
    return body


LEAN_DEG: Final = (6.0, 14.0)
"""How far the shank leans over the planted foot in a cutting turn of a run, deg: own choice. Runners turn a foot
that is planted outside outwards against the shank, one planted inside inwards, at up to 300 deg/s."""

TIP_DEG: Final = (10.0, 40.0)
"""How far a walking foot tips over on its ball as it leaves the ground in a turn within one step, deg. Real foot
sensors in turns of 90 to 130 deg (`pyshoe_vicon`) show 21 to 47 deg and 340 to 560 deg/s at toe-off."""


def _turn_over(
    body: FreeLeg, leg: str, cuts: Sequence[tuple[str, float, float]], rng: np.random.Generator
) -> None:
    """Do with the planted foot what turns within one step ask of it."""
    for side, contact, turn in cuts:
        if side == leg:
            k = int(np.abs(body.stances.contact - contact).argmin())
            is_inner = (turn > 0) != (leg == "right")
            if body.falls[k].gait.duty > 0.5:
                _tip(body, k, rng)
            else:
                _lean(body, k, 1.0 if is_inner else -1.0, rng)


def _tip(body: FreeLeg, k: int, rng: np.random.Generator) -> None:
    """The heel comes up beside the ball, not behind it: most of the tilt is the foot's, the shank goes along."""
    off, length = float(body.stances.toe_off[k]), float(body.stances.nominal[k])
    angle = rng.uniform(*TIP_DEG) * DEGREE
    for name, share in (("foot_tilt", 1.0), ("inversion", rng.uniform(0.2, 0.7))):
        body.moves[name].add(off - 0.22 * length, off + 0.04, share * angle)
        body.moves[name].add(off + 0.05, off + 0.30, -share * angle)


def _lean(body: FreeLeg, k: int, outward: float, rng: np.random.Generator) -> None:
    """The shank leans over the foot, which comes down on its outer edge."""
    start, end = float(body.stances.contact[k]), float(body.stances.toe_off[k])
    body.moves["inversion"].bump(start, end, outward * rng.uniform(*LEAN_DEG) * DEGREE)
    landing = rng.uniform(0.0, 8.0) * DEGREE
    for name in ("foot_tilt", "inversion"):
        body.moves[name].add([start - 0.12, start], [start - 0.01, start + 0.07], [landing, -landing])
