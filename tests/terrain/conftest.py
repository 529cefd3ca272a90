"""Simulated walks of half an hour and what their strides say, without the analysis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from ankle_imu.simulate import Plan, Truth, walk
from ankle_imu.terrain import Motion
from ankle_imu.terrain.joining import motion_of_strides


@dataclass(frozen=True)
class Walked:
    """Truth of a walk, and the motion of its left leg."""

    truth: Truth
    motion: Motion

    def without_heading(self) -> Motion:
        """What a shank sensor tells."""
        return _motion(self.truth, has_foot=False)


def _motion(truth: Truth, has_foot: bool = True) -> Motion:
    own = truth.strides[truth.strides["leg"] == "left"]
    start, end, speed, turn = (own[c].to_numpy(float) for c in ("ic_s", "end_s", "speed_mps", "turn_deg"))
    blank = np.full(len(own), np.nan)
    duration = float(truth.time[-1])
    if not has_foot:
        return motion_of_strides(start, end, blank, blank, duration)
    return motion_of_strides(start, end, speed, np.radians(turn), duration)


def walked(seed: int, **changes: Any) -> Walked:
    plan = Plan(**{"duration_s": 1800.0, "sampling_rate": 52.0, "placements": ("left_foot",), **changes})
    truth = walk(plan, seed)[1]
    return Walked(truth, _motion(truth))


@pytest.fixture(scope="session")
def half_an_hour() -> Walked:
    """With stops and turns, as people walk."""
    return walked(21)


@pytest.fixture(scope="session")
def another() -> Walked:
    """Somebody else's."""
    return walked(22)
