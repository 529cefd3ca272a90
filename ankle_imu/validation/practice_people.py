"""The people of the practice suite: each with ranges, gaps, axes, posture and sensors of their own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

import numpy as np

from ankle_imu import frames
from ankle_imu.mobility import ACTIONS, EYES, MODES
from ankle_imu.simulate.practice import Exercise, PracticePlan

DATASET: Final = "practice"

SETS: Final = (("foot", "shank"), ("foot",), ("shank",))

SAG_SHARE: Final = 0.006
"""Holds sag by at most this share of the active range in a second; made up: 7 % in 12 s."""


def person_plan(seed: int, segments: tuple[str, ...] = SETS[0], errors: str = "full") -> PracticePlan:
    """One person's session: ranges anywhere in what methods G1 gathers, gaps from -3 to 12 deg."""
    rng = np.random.default_rng([seed, 40])
    ranges = {
        "dorsiflexion": rng.uniform(6.0, 22.0),
        "plantarflexion": rng.uniform(32.0, 60.0),
        "inversion": rng.uniform(14.0, 36.0),
        "eversion": rng.uniform(7.0, 20.0),
        "lunge": rng.uniform(28.0, 50.0),
    }
    return PracticePlan(
        exercises=_routine(rng, ranges),
        legs=(frames.LEGS[seed % 2],),
        segments=segments,
        sampling_rate=(104.0, 208.0)[seed % 3 == 0],
        ranges_deg=ranges,
        gaps_deg={action: rng.uniform(-3.0, 12.0) for action in ACTIONS},
        errors=errors,
        warm_up_k=20.0 if errors == "full" else 5.0,
        loss=0.005,
    )


def _routine(rng: np.random.Generator, ranges: Mapping[str, float]) -> tuple[Exercise, ...]:
    """Neutral pose, swings, the actions in any order, holds, standing ones."""
    actions = [str(a) for a in rng.permutation(ACTIONS)]
    held = [str(a) for a in rng.permutation(ACTIONS)[:2]]
    tremor_deg = float(rng.uniform(0.05, 0.25))
    hold = partial(Exercise, kind="hold", tremor_deg=tremor_deg, level=float(rng.uniform(0.9, 1.0)))
    sag = {action: float(rng.uniform(0.0, SAG_SHARE)) * ranges[action] for action in ACTIONS}
    return (
        Exercise(kind="neutral"),
        Exercise(kind="swing"),
        *(Exercise(kind="rom", action=a, mode=m, tremor_deg=tremor_deg) for a in actions for m in MODES),
        *(hold(action=a, reps=2, drift_dps=sag[a]) for a in held),
        hold(
            action=held[0],
            reps=1,
            drift_dps=sag[held[0]],
            drop_out_s=float(rng.choice([0.2, 1.5])),
            hold_s=14.0,
        ),
        Exercise(kind="lift-off", action="dorsiflexion", lost_deg=float(rng.uniform(1.0, 7.0)), hold_s=12.0),
        Exercise(kind="neutral", position="standing"),
        Exercise(kind="lunge", position="standing"),
        *(Exercise(kind="balance", position="standing", eyes=eyes) for eyes in EYES),
    )
