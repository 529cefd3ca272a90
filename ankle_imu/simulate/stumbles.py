"""Rolls that the walker does not simply walk on from, and rolls to the other side.

They are chosen among the footfalls, with random numbers of their own, because a stumble changes when the next
feet come down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from ankle_imu.simulate.course import Footfall
from ankle_imu.simulate.plan import Plan
from ankle_imu.units import DEGREE

ROLL_S: Final = (0.08, 0.15)
STAND_S: Final = (3.5, 6.0)
LIMP_STEPS: Final = (5, 9)
LIMP_SLOWER: Final = 0.35
"""The first limping step takes that much longer, the others less and less."""
LIMP_SHORTER: Final = 0.12
"""Part of its stance that a limping leg gives up to its swing."""
APART: Final = 16
"""Steps between two rolls."""


def place_rolls(falls: Sequence[Footfall], plan: Plan, rng: np.random.Generator) -> list[Footfall]:
    """The same footfalls, some of which roll; later ones come later where the walker limps or stops."""
    placed = list(falls)
    free = [
        k for k in range(8, len(falls) - 12) if _is_walking(falls[k - 6 : k + 9]) and falls[k].leg in plan.legs
    ]
    outcomes = ["disrupted"] * plan.disrupted_rolls + ["save"] * plan.eversion_rolls
    for i, outcome in enumerate(outcomes):
        if not free:
            break
        k = int(rng.choice(free))
        free = [j for j in free if abs(j - k) > APART]
        angle = rng.uniform(plan.roll_from_deg, plan.roll_to_deg) * DEGREE
        angle = angle if outcome == "disrupted" else -angle
        rise = float(rng.uniform(*ROLL_S))
        placed[k] = replace(placed[k], roll=float(angle), roll_s=rise, outcome=outcome)
        if outcome == "disrupted":
            placed = _stop(placed, k, rng) if i % 2 == 0 else _limp(placed, k, rng)
    return placed


def _is_walking(falls: Sequence[Footfall]) -> bool:
    return not any(f.is_standing or f.contact < 0 for f in falls)


def _stop(falls: list[Footfall], k: int, rng: np.random.Generator) -> list[Footfall]:
    """The walker stands, on the foot that rolled or one step on."""
    wait = float(rng.uniform(*STAND_S))
    first = k + int(rng.integers(2, 4))
    return [replace(f, contact=f.contact + wait) if j >= first else f for j, f in enumerate(falls)]


def _limp(falls: list[Footfall], k: int, rng: np.random.Generator) -> list[Footfall]:
    """The next steps are slow, and short for the foot that rolled."""
    number = int(rng.integers(*LIMP_STEPS))
    late = 0.0
    limped = list(falls)
    for j in range(k + 1, len(falls)):
        step = falls[j].contact - falls[j - 1].contact
        slower = LIMP_SLOWER * max(0.0, 1.0 - (j - k - 1) / number)
        late += slower * step
        gait = falls[j].gait
        if slower:
            duty = gait.duty * (1.0 - LIMP_SHORTER if falls[j].leg == falls[k].leg else 1.0)
            gait = replace(gait, stride_time=gait.stride_time * (1.0 + slower), duty=duty)
        limped[j] = replace(falls[j], contact=falls[j].contact + late, gait=gait)
    return limped
