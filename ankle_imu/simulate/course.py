"""Where and when each foot comes down: gait bouts, pauses, turns, slopes and the ground under every step."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.simulate.gaits import GAITS, STAIRS, Gait, blend
from ankle_imu.simulate.plan import CLOSING_S, Plan
from ankle_imu.units import DEGREE

Array = NDArray[np.float64]

STEP_WIDTH = 0.16
"""Distance between the lines of the two feet, m."""

TREAD, RISER = 0.28, 0.17
"""Depth and height of a stair, m: an ordinary staircase."""

ROUGHNESS_DEG = {"flat": 0.6, "uneven": 6.0, "hill": 6.0, "stairs": 0.6}
"""Standard deviation of the ground's tilt and pitch from step to step, deg."""


@dataclass(frozen=True, kw_only=True)
class Footfall:
    """One stance: who, when, where and on what; angles in rad in the world, heading + = to the left."""

    leg: str
    gait: Gait
    label: str
    contact: float
    place: Array
    heading: float
    ground_pitch: float
    ground_roll: float
    """Rise of the ground to the left, rad: positive inverts a right foot and everts a left one."""
    is_standing: bool = False
    on_ball: bool = False
    """The ball of the foot comes down first, not the heel."""
    heel_up: float = 0.0
    """How far the foot stays tipped onto its toes, rad."""
    is_edge: bool = False
    looseness: float = 1.0
    """How many times further a sensor swings than on a tight strap."""
    tilted: float = 0.0
    """The part of `ground_roll` that gives the ankle a push to the side, rad."""
    roll: float = 0.0
    """How far the foot rolls in this stance, rad, + = inversion; 0 for not at all."""
    roll_s: float = 0.0
    """How long that takes."""
    outcome: str = "save"


def lay_course(plan: Plan, rng: np.random.Generator) -> list[Footfall]:
    """Footfalls of both legs in time order, the first two being the stand at the start.

    Parameters
    ----------
    plan : Plan
    rng : numpy random generator; draws do not depend on the sampling rate

    Returns
    -------
    list of Footfall; a pause or the end is a footfall with `is_standing`
    """
    trail = Trail(plan, rng)
    falls = [trail.fall(leg, contact=-2.0, standing=True) for leg in frames.LEGS]
    falls = [replace(f, ground_roll=f.ground_roll + plan.standing_tilt_deg * DEGREE) for f in falls]
    leg = str(rng.choice(frames.LEGS))
    clock = plan.opening_s
    end = plan.duration_s - CLOSING_S - plan.halts_s
    while True:
        schedule = lay_bout(plan, rng, end - clock)
        clock += schedule[0][0].swing_time
        for k, (gait, label) in enumerate(schedule):
            is_last = k == len(schedule) - 1
            gait = trail.advance(gait, k == 0, is_last)
            falls.append(trail.fall(leg, contact=clock, gait=gait, label=label, standing=k >= len(schedule) - 2))
            leg = other(leg)
            clock += 0.5 * gait.stride_time * (1.0 + 0.008 * trail.noise())
        pause = rng.uniform(2.5, 5.0)
        if clock + pause + 8.0 > end:
            return falls
        clock += pause


def other(leg: str) -> str:
    """Give the leg that steps next."""
    return frames.LEGS[1 - frames.LEGS.index(leg)]


def lay_bout(plan: Plan, rng: np.random.Generator, left: float) -> list[tuple[Gait, str]]:
    """Gait of each step until the next pause: from a walk or run up to speed and down again."""
    length = min(left, rng.uniform(60.0, 150.0)) if plan.stops else left
    if left - length < 12.0:
        length = left
    steps: list[tuple[Gait, str]] = []
    elapsed = 0.0
    label = str(rng.choice(["walk", "jog", "run"], p=[0.5, 0.2, 0.3])) if plan.gait == "mixed" else plan.gait
    current = paced(plan, "walk", rng)
    while elapsed < length - 3.0:
        target = paced(plan, label, rng)
        stretch = rng.uniform(20.0, 60.0) if plan.gait == "mixed" else rng.uniform(15.0, 40.0)
        until = min(elapsed + stretch, length - 3.0)
        weight = 0.0
        while elapsed < until:
            weight = min(1.0, weight + 0.25)
            gait = blend(current, target, weight)
            steps.append((gait, label_of(gait, label)))
            elapsed += 0.5 * gait.stride_time
        current = target
        if plan.gait == "mixed":
            label = str(rng.choice([g for g in GAITS if g != label]))
    walk = paced(plan, "walk", rng)
    for weight in (0.35, 0.7, 1.0, 1.0):
        gait = blend(current, walk, weight)
        steps.append((gait, label_of(gait, label)))
    return steps


def paced(plan: Plan, label: str, rng: np.random.Generator) -> Gait:
    """Gait of that name at the pace of this stretch."""
    gait = GAITS[label]
    pace = plan.speed_factor * (1.0 + 0.05 * rng.uniform(-1.0, 1.0))
    return replace(gait, speed=gait.speed * pace, stride_time=gait.stride_time * pace**-0.4)


def label_of(gait: Gait, aim: str) -> str:
    """Gait class of a blended gait: nearest in duty factor."""
    if abs(gait.duty - GAITS[aim].duty) < 0.02:
        return aim
    return min(GAITS, key=lambda name: abs(GAITS[name].duty - gait.duty))


class Trail:
    """The path as it unrolls: place and heading of the walker, slope and tilt of the ground."""

    def __init__(self, plan: Plan, rng: np.random.Generator) -> None:
        self.plan, self.rng = plan, rng
        self.place = np.zeros(3)
        self.heading = 0.0
        self.turn_left, self.turn_steps = 0.0, 0
        self.grade = self.cross = self.grade_aim = self.cross_aim = 0.0
        self.hold = 0
        self.flight, self.until_flight = 0, 8
        self.roughness = ROUGHNESS_DEG[plan.terrain] * DEGREE

    def onto(self, terrain: str) -> None:
        """Go on over other ground."""
        self.plan = replace(self.plan, terrain=terrain)
        self.roughness = ROUGHNESS_DEG[terrain] * DEGREE
        self.grade = self.cross = self.grade_aim = self.cross_aim = 0.0
        self.flight, self.until_flight = 0, 8

    def noise(self) -> float:
        """Draw from a standard normal distribution, at most 2.5."""
        return float(np.clip(self.rng.standard_normal(), -2.5, 2.5))

    def advance(self, gait: Gait, is_first: bool, is_last: bool) -> Gait:
        """Walk one step on: a short one out of a stand, none into it; the gait that it takes."""
        if self._is_on_stairs():
            return self._climb(is_last)
        self._turn()
        self._slope()
        pace = 1.0 - 1.2 * self.grade
        length = 0.5 * gait.speed * gait.stride_time * pace * (1.0 + 0.02 * self.noise())
        length *= 0.0 if is_last else (0.6 if is_first else 1.0)
        direction = np.array([np.cos(self.heading), np.sin(self.heading), self.grade])
        self.place = self.place + length * direction
        return gait

    def _is_on_stairs(self) -> bool:
        """Whether the next step is one of a flight; flights of 8 to 14 steps, landings of 6 to 15."""
        if self.plan.terrain != "stairs" or self.flight != 0:
            return self.flight != 0
        if self.until_flight == 0:
            self.flight = int(self.rng.choice([-1, 1]) * self.rng.integers(8, 15))
            self.until_flight = int(self.rng.integers(6, 16))
        self.until_flight -= 1
        return self.flight != 0

    def _climb(self, is_last: bool) -> Gait:
        """One stair up or down; a walker who stops does so on the stair he is on."""
        up = 1 if self.flight > 0 else -1
        self.flight -= up
        if not is_last:
            along = TREAD * np.array([np.cos(self.heading), np.sin(self.heading), 0.0])
            self.place = self.place + along + [0.0, 0.0, up * RISER]
        return STAIRS["up" if up > 0 else "down"]

    def _turn(self) -> None:
        self.heading += 0.8 * DEGREE * self.noise()
        if self.turn_steps > 0:
            self.heading += self.turn_left / self.turn_steps
            self.turn_left -= self.turn_left / self.turn_steps
            self.turn_steps -= 1
        elif self.plan.turns and self.rng.random() < 0.02:
            self.turn_left = float(self.rng.choice([-1.0, 1.0]) * self.rng.uniform(25.0, 100.0)) * DEGREE
            self.turn_steps = int(self.rng.integers(3, 9))

    def _slope(self) -> None:
        if self.plan.terrain == "hill":
            if self.hold == 0:
                self.grade_aim = float(self.rng.uniform(-0.15, 0.15))
                self.cross_aim = float(self.rng.uniform(-0.10, 0.10))
                self.hold = int(self.rng.integers(25, 80))
            self.hold -= 1
            self.grade += 0.12 * (self.grade_aim - self.grade)
            self.cross += 0.12 * (self.cross_aim - self.cross)

    def fall(
        self, leg: str, *, contact: float, gait: Gait | None = None, label: str = "walk", standing: bool = False
    ) -> Footfall:
        """Put a foot down beside where the walker is."""
        side = 0.5 * STEP_WIDTH + 0.01 * self.noise()
        lateral = {"left": side, "right": -side}[leg]
        across = np.array([-np.sin(self.heading), np.cos(self.heading), self.cross])
        rough = 0.15 * self.roughness if standing else self.roughness
        bump = 0.08 * rough * self.noise()
        return Footfall(
            leg=leg,
            gait=gait or GAITS["walk"],
            label=label,
            contact=contact,
            place=self.place + lateral * across + np.array([0.0, 0.0, bump]),
            heading=self.heading + 1.5 * DEGREE * self.noise(),
            ground_pitch=float(np.arctan(self.grade)) + rough * self.noise(),
            ground_roll=float(np.arctan(self.cross)) + rough * self.noise(),
            is_standing=standing,
            on_ball=gait is STAIRS["down"] and not standing,
        )
