"""What happens to a step on a trail: toes only, an edge, a stone in the way, a turn over the planted foot.

All have random numbers of their own, so that a walk without them stays as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.simulate.body import GROUND_SHARE, Leg
from ankle_imu.simulate.course import Footfall
from ankle_imu.simulate.plan import Plan
from ankle_imu.units import DEGREE, STANDARD_GRAVITY

Array = NDArray[np.float64]

HEEL_UP_DEG = (8.0, 18.0)
EDGE_DEG = (8.0, 16.0)
KNOCK_S = 0.030
KNOCK_G = (3.0, 12.0)
_PEAK_ACCELERATION = 7.513
"""Largest acceleration of a move by 1 over 1 s (`moves`)."""


def place_steps(falls: Sequence[Footfall], plan: Plan, rng: np.random.Generator) -> list[Footfall]:
    """The same footfalls, some on their toes alone and some on an edge; never one that stands or takes a stair."""
    chance = rng.random((2, len(falls)))
    up = rng.uniform(*HEEL_UP_DEG, len(falls)) * DEGREE
    edge = rng.choice([-1.0, 1.0], len(falls)) * rng.uniform(*EDGE_DEG, len(falls)) * DEGREE
    placed = []
    for k, fall in enumerate(falls):
        if not (fall.is_standing or fall.contact < 0 or fall.on_ball):
            if chance[0, k] < plan.toe_contacts:
                fall = replace(fall, on_ball=True, heel_up=float(up[k]))
            elif chance[1, k] < plan.edge_contacts:
                fall = replace(fall, is_edge=True, ground_roll=fall.ground_roll + float(edge[k]))
        placed.append(fall)
    return placed


def tilt_steps(falls: Sequence[Footfall], plan: Plan, rng: np.random.Generator) -> list[Footfall]:
    """The same footfalls, some on ground that rises to the left or to the right; never one that stands."""
    chosen = rng.random(len(falls)) < plan.side_tilts
    tilt = rng.choice([-1.0, 1.0], len(falls)) * plan.side_tilt_deg * DEGREE
    return [
        replace(fall, tilted=float(tilt[k]), ground_roll=fall.ground_roll + float(tilt[k]))
        if chosen[k] and not fall.is_standing and fall.contact >= 0
        else fall
        for k, fall in enumerate(falls)
    ]


def give_way(leg: Leg, rng: np.random.Generator) -> None:
    """The ankle on tilted ground: after it gave way it comes back, too far, and settles; in swing it is as before.

    Notes
    -----
    The foot stays on the ground, the shank leans. Of what the ankle took of the tilt 0.6 to 0.9 is taken back,
    with 0.1 to 0.3 of that too much at first.
    """
    s = leg.stances
    n = len(s.contact)
    tilt = np.array([frames.mirror_gyr([f.tilted, 0.0, 0.0], f.leg)[0] for f in leg.falls])
    back = rng.uniform(0.6, 0.9, n) * GROUND_SHARE * tilt
    too_far = rng.uniform(0.1, 0.3, n) * back
    turn = s.contact + rng.uniform(0.24, 0.30, n) * s.nominal
    swept = turn + rng.uniform(0.14, 0.22, n) * s.nominal
    move = leg.moves["inversion"]
    move.add(turn, swept, -(back + too_far))
    move.add(swept - 0.02 * s.nominal, swept + 0.14 * s.nominal, too_far)
    move.add(*s.window(1.0, 1.5), back)


def knock(leg: Leg, plan: Plan, rng: np.random.Generator) -> None:
    """Stones: each pushes the foot aside by some millimetres and lets it back within 30 ms, 3 to 12 g.

    Notes
    -----
    Half of them meet the foot in swing, from ahead, half in stance, from any side and below.
    """
    s = leg.stances
    walked = np.flatnonzero(~s.is_standing[:-1] & (s.contact[:-1] >= 0))
    count = rng.poisson(plan.knocks_per_min * plan.duration_s / 60.0)
    if len(walked) == 0:
        return
    k = rng.choice(walked, count)
    in_swing = rng.random(count) < 0.5
    share = rng.uniform(0.25, 0.75, count)
    start = np.where(in_swing, s.toe_off[k] + share * s.swing[k], s.contact[k] + share * s.nominal[k])
    height = rng.uniform(*KNOCK_G, count) * STANDARD_GRAVITY * (0.5 * KNOCK_S) ** 2 / _PEAK_ACCELERATION
    heading = leg.moves["heading"].evaluate(np.sort(start)).value[np.argsort(np.argsort(start))]
    ahead = -np.stack([np.cos(heading), np.sin(heading), np.zeros(count)], axis=1)
    around = rng.standard_normal((count, 3))
    around[:, 2] = np.abs(around[:, 2])
    around /= np.linalg.norm(around, axis=1, keepdims=True)
    push = height[:, None] * np.where(in_swing[:, None], ahead, around)
    for i, axis in enumerate("xyz"):
        leg.moves[axis].bump(start, start + KNOCK_S, push[:, i])


def turn_shank(leg: Leg, plan: Plan, rng: np.random.Generator) -> None:
    """The shank turns over the planted foot in each stance, and back in the swing: looking about, balancing."""
    s = leg.stances
    angle = plan.shank_yaw_deg * DEGREE * np.clip(rng.standard_normal(len(s.contact)), -2.5, 2.5)
    angle[s.is_standing | (s.contact < 0)] = 0.0
    leg.moves["rotation"].add(*s.window(0.10, 0.38), angle)
    leg.moves["rotation"].add(*s.window(1.05, 1.60), -angle)
