"""How a person does each exercise: moves of the leg's coordinates, and what is written down of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from ankle_imu.mobility import Block
from ankle_imu.simulate.practice.leg import Leg
from ankle_imu.simulate.practice.loads import Effect, effect_of
from ankle_imu.simulate.practice.plan import PAUSE, Exercise
from ankle_imu.simulate.waves import Waves
from ankle_imu.units import DEGREE

SIGNS: Final[Mapping[str, tuple[str, float]]] = {
    "dorsiflexion": ("flexion", 1.0),
    "plantarflexion": ("flexion", -1.0),
    "inversion": ("inversion", 1.0),
    "eversion": ("inversion", -1.0),
}
"""Action -> coordinate and sign of its own direction."""

STANDING_PITCH_DEG: Final = 3.0
SWINGS: Final = 5


@dataclass(frozen=True, kw_only=True)
class Person:
    """What stays the same through a session: ranges, deg, and by how much one movement takes along another.

    `along`: action's coordinate -> coordinate -> share of the main movement, people's oblique axes.
    """

    ranges_deg: Mapping[str, float]
    gaps_deg: Mapping[str, float]
    along: Mapping[str, Mapping[str, float]]
    posture_deg: float

    def end_range(self, exercise: Exercise, mode: str = "") -> float:
        """Range of an exercise's action against its load, deg; of another mode when that is given."""
        active = self.ranges_deg[exercise.action]
        effect = self.under(exercise)
        if (mode or exercise.mode) == "assisted":
            return active + effect.gap_share * self.gaps_deg[exercise.action]
        return effect.range_share * active

    def under(self, exercise: Exercise) -> Effect:
        """What the load of an exercise changes."""
        return effect_of(exercise, self.ranges_deg[exercise.action])


def draw_person(
    ranges_deg: Mapping[str, float],
    gaps_deg: Mapping[str, float],
    axis_sd_deg: float,
    posture_deg: float,
    rng: np.random.Generator,
) -> Person:
    """A person with axes of their own.

    Notes
    -----
    Flexion goes with up to some inversion and turning (talocrural axis 8 to 10 deg off the frontal, 6 to 20 deg
    off the transverse plane); inversion takes along inward turning and plantarflexion (subtalar axis): methods A2.
    """
    skew = np.tan(np.clip(rng.normal(0.0, axis_sd_deg, 2), -20.0, 20.0) * DEGREE)
    return Person(
        ranges_deg=ranges_deg,
        gaps_deg=gaps_deg,
        along={
            "flexion": {"inversion": float(skew[0]), "rotation": float(skew[1])},
            "inversion": {
                "rotation": float(rng.uniform(0.15, 0.40)),
                "flexion": float(rng.uniform(-0.25, 0.0)),
            },
        },
        posture_deg=posture_deg,
    )


@dataclass(eq=False)
class Diary:
    """What one leg did: its moves, blocks and facts; `now` is where the session stands, s."""

    leg_name: str
    leg: Leg
    person: Person
    rng: np.random.Generator
    now: float
    blocks: list[Block] = field(default_factory=list)
    reps: list[dict[str, Any]] = field(default_factory=list)
    holds: list[dict[str, Any]] = field(default_factory=list)
    stances: list[dict[str, Any]] = field(default_factory=list)
    is_standing: bool = False
    leaning: dict[str, float] = field(default_factory=lambda: {"pitch": 0.0, "tilt": 0.0})

    def uniform(self, low: float, high: float) -> float:
        """A random number."""
        return float(self.rng.uniform(low, high))


def do(diary: Diary, exercise: Exercise) -> None:
    """Do one exercise, from `diary.now` on."""
    if exercise.kind == PAUSE:
        _fidget(diary)
        return
    wants_standing = exercise.position == "standing"
    if wants_standing != diary.is_standing:
        _change_posture(diary, wants_standing)
    elif exercise.kind != "neutral":
        _settle(diary)
    if exercise.begin_s > diary.now:
        diary.now = exercise.begin_s
    start = diary.now
    lifted = _DO[exercise.kind](diary, exercise)
    diary.blocks.append(
        Block(
            exercise=exercise.kind,
            leg=diary.leg_name,
            start_s=start,
            end_s=diary.now,
            **exercise.manner(),
            lifted_s=float("nan") if lifted is None else lifted,
        )
    )


def _lean_to(diary: Diary, pitch: float, tilt: float, over: float) -> None:
    for name, target in (("pitch", pitch), ("tilt", tilt)):
        change = target - diary.leaning[name]
        diary.leg.lean(name, diary.now, diary.now + over, change, is_seated=not diary.is_standing)
        diary.leaning[name] = target
    diary.now += over


def _settle(diary: Diary) -> None:
    """Sit or stand a little differently than before."""
    size = diary.person.posture_deg
    upright = STANDING_PITCH_DEG if diary.is_standing else 0.0
    pitch, tilt = np.clip(diary.rng.standard_normal(2), -2.0, 2.0) * size
    _lean_to(diary, upright + float(pitch), float(tilt), 1.0)
    diary.now += 0.5


def _change_posture(diary: Diary, wants_standing: bool) -> None:
    _lean_to(diary, 0.0, 0.0, 1.0)
    diary.now += 0.5
    diary.is_standing = wants_standing
    if wants_standing:
        diary.leg.standing.append((diary.now - 0.25, np.inf))
        _lean_to(diary, STANDING_PITCH_DEG, 0.0, 1.0)
    else:
        diary.leg.standing[-1] = (diary.leg.standing[-1][0], diary.now - 0.25)
    diary.now += 0.5


def _fidget(diary: Diary) -> None:
    """Do something else for some seconds: kick and shake the foot, come back."""
    for _ in range(3):
        for name, size in (("flexion", 20.0), ("inversion", 12.0), ("heading", 10.0)):
            diary.leg.moves[name].bump(diary.now, diary.now + 1.2, diary.uniform(-size, size) * DEGREE)
        diary.now += diary.uniform(1.3, 2.0)


def _neutral(diary: Diary, exercise: Exercise) -> None:
    diary.now += 5.0 if np.isnan(exercise.hold_s) else exercise.hold_s


def _swing(diary: Diary, exercise: Exercise) -> None:
    """Swing the lower leg from the knee, forward first."""
    diary.now += 1.0
    for _ in range(SWINGS):
        size = diary.uniform(-30.0, -20.0)
        for name in ("shank_pitch", "carried_pitch"):
            diary.leg.moves[name].bump(diary.now, diary.now + 1.4, size * DEGREE)
        for name in ("shank_tilt", "carried_tilt"):
            diary.leg.moves[name].bump(diary.now, diary.now + 1.4, 0.06 * size * DEGREE)
        diary.now += 1.5
    diary.now += 1.0


def _go(diary: Diary, action: str, start: float, end: float, change: float) -> None:
    """Move an action by so many deg in its own direction, with what it takes along."""
    name, sign = SIGNS[action]
    diary.leg.add(name, start, end, sign * change)
    for other, share in diary.person.along[name].items():
        diary.leg.add(other, start, end, share * sign * change)


def _rom(diary: Diary, exercise: Exercise) -> None:
    diary.now += 1.5
    name, _ = SIGNS[exercise.action]
    for k in range(exercise.reps):
        goal = diary.person.end_range(exercise)
        goal = max(goal + float(diary.rng.normal(0.0, exercise.scatter_deg)), 1.0)
        up, back = diary.uniform(0.8, 1.6), diary.uniform(0.8, 1.5)
        stay = diary.uniform(2.0, 3.0) if np.isnan(exercise.hold_s) else exercise.hold_s
        there = diary.now + up
        leave = there + stay
        _go(diary, exercise.action, diary.now, there, goal)
        _go(diary, exercise.action, there + 0.1, leave, -exercise.drift_dps * stay)
        diary.leg.shake(name, there, leave, exercise.tremor_deg, diary.rng)
        _go(diary, exercise.action, leave, leave + back, -(goal - exercise.drift_dps * stay))
        done = _compensate(diary, exercise, k, diary.now, there, leave, leave + back)
        diary.reps.append(
            {
                "leg": diary.leg_name,
                "action": exercise.action,
                "mode": exercise.mode,
                "load": exercise.load,
                "start_s": there,
                "end_s": leave,
                "compensation": done,
            }
        )
        diary.now = leave + back + diary.uniform(1.2, 2.5)


def _compensate(
    diary: Diary, exercise: Exercise, k: int, start: float, there: float, leave: float, end: float
) -> str:
    """Move along what should keep still: by little always, by more in a compensation; its name, or ""."""
    is_done = bool(exercise.compensation) and exercise.compensated in (-1, k)
    size = exercise.compensation_deg if is_done else 0.0
    along = {"pitch": diary.uniform(-1.5, 1.5), "tilt": diary.uniform(-1.5, 1.5)}
    seated = not diary.is_standing
    if exercise.compensation == "shank_moves":
        along["pitch"] -= size
    elif exercise.compensation == "hip_turns":
        along["tilt"] += size
        diary.leg.add("heading", start, there, 0.5 * size)
        diary.leg.add("heading", leave, end, -0.5 * size)
    for name, change in along.items():
        diary.leg.lean(name, start, there, change, is_seated=seated)
        diary.leg.lean(name, leave, end, -change, is_seated=seated)
    return exercise.compensation if is_done else ""


def _hold(diary: Diary, exercise: Exercise) -> None:
    diary.now += 1.5
    name, _ = SIGNS[exercise.action]
    effect = diary.person.under(exercise)
    for _ in range(exercise.reps):
        goal = exercise.level * diary.person.end_range(exercise, "active")
        up, back = diary.uniform(0.8, 1.6), diary.uniform(0.8, 1.5)
        stay = diary.uniform(6.0, 12.0) if np.isnan(exercise.hold_s) else exercise.hold_s
        there = diary.now + up
        leave = there + stay
        sag = max(exercise.drift_dps + effect.sag_dps, 0.0) * stay
        _go(diary, exercise.action, diary.now, there, goal)
        _go(diary, exercise.action, there, leave, -sag)
        if exercise.drop_out_s > 0.0:
            at = there + 0.5 * stay
            _go(diary, exercise.action, at - 0.3, at, -7.0)
            _go(diary, exercise.action, at + exercise.drop_out_s, at + exercise.drop_out_s + 0.3, 7.0)
        diary.leg.shake(name, there, leave, effect.tremor_share * exercise.tremor_deg, diary.rng)
        _go(diary, exercise.action, leave, leave + back, -(goal - sag))
        _compensate(diary, exercise, 0, diary.now, there, leave, leave + back)
        diary.now = leave + back + diary.uniform(1.5, 2.5)


def _lift_off(diary: Diary, exercise: Exercise) -> float:
    """End range with the ball of the foot on a book, then without the book."""
    diary.now += 1.5
    name, _ = SIGNS[exercise.action]
    supported, effect = diary.person.end_range(exercise, "assisted"), diary.person.under(exercise)
    lost = exercise.lost_deg + (1.0 - effect.range_share) * diary.person.ranges_deg[exercise.action]
    there = diary.now + 1.2
    drawn = diary.uniform(4.0, 6.0)
    lift = there + (drawn if np.isnan(exercise.supported_s) else exercise.supported_s)
    stay = 24.0 if np.isnan(exercise.hold_s) else exercise.hold_s
    free, leave = lift + 0.5, lift + 0.5 + stay
    _go(diary, exercise.action, diary.now, there, supported)
    _go(diary, exercise.action, lift, free, -lost)
    sag = max(exercise.drift_dps + effect.sag_dps, 0.0) * stay
    _go(diary, exercise.action, free, leave, -sag)
    diary.leg.shake(name, free, leave, effect.tremor_share * exercise.tremor_deg, diary.rng)
    diary.leg.lean("pitch", lift, free, -2.0, is_seated=True)
    diary.leg.lean("pitch", leave, leave + 1.0, 2.0, is_seated=True)
    _go(diary, exercise.action, leave, leave + 1.2, -(supported - lost - sag))
    diary.now = leave + 2.5
    return lift - 0.3


def _lunge(diary: Diary, exercise: Exercise) -> None:
    diary.now += 1.5
    for k in range(exercise.reps):
        goal = diary.person.ranges_deg["lunge"] + float(diary.rng.normal(0.0, exercise.scatter_deg))
        goal += STANDING_PITCH_DEG - diary.leaning["pitch"]
        down, back = diary.uniform(1.2, 2.0), diary.uniform(1.0, 1.8)
        stay = diary.uniform(2.0, 3.0) if np.isnan(exercise.hold_s) else exercise.hold_s
        there = diary.now + down
        leave = there + stay
        diary.leg.add("shank_pitch", [diary.now, leave], [there, leave + back], [goal, -goal])
        is_done = bool(exercise.compensation) and exercise.compensated in (-1, k)
        lift = -exercise.compensation_deg if is_done and exercise.compensation == "heel_lifts" else 0.0
        lift += diary.uniform(-0.8, 0.8)
        late = diary.now + 0.5 * down
        diary.leg.add("flexion", [late, leave], [there, leave + back], [lift, -lift])
        lean = exercise.compensation_deg if is_done and exercise.compensation == "hip_turns" else 0.0
        lean += diary.uniform(-1.5, 1.5)
        diary.leg.add("shank_tilt", [diary.now, leave], [there, leave + back], [lean, -lean])
        diary.reps.append(
            {
                "leg": diary.leg_name,
                "action": "lunge",
                "mode": "active",
                "load": exercise.load,
                "start_s": there,
                "end_s": leave,
                "compensation": exercise.compensation if is_done else "",
            }
        )
        diary.now = leave + back + diary.uniform(1.2, 2.5)


def _balance(diary: Diary, exercise: Exercise) -> None:
    """Sway in 0.1 to 1.5 Hz, more with the eyes closed."""
    stay = 20.0 if np.isnan(exercise.hold_s) else exercise.hold_s
    start, end = diary.now + 0.5, diary.now + 0.5 + stay
    factor = exercise.sway * (1.8 if exercise.eyes == "closed" else 1.0)
    for name, size in (("flexion", 0.25), ("inversion", 0.8), ("shank_pitch", 0.7), ("shank_tilt", 1.0)):
        k = 8
        diary.leg.moves[name].parts.append(
            Waves(
                start=start,
                end=end,
                size=np.full(k, factor * size * DEGREE * np.sqrt(2.0 / k)),
                frequency=diary.rng.uniform(0.1, 1.5, k),
                phase=diary.rng.uniform(0.0, 2.0 * np.pi, k),
                ramp=1.0,
            )
        )
    diary.stances.append({"leg": diary.leg_name, "eyes": exercise.eyes, "start_s": start, "end_s": end})
    diary.now = end + 1.0


_DO: Final = {
    "neutral": _neutral,
    "swing": _swing,
    "rom": _rom,
    "hold": _hold,
    "lift-off": _lift_off,
    "lunge": _lunge,
    "balance": _balance,
}
