"""A leg that practises: its coordinates over time, and what a sensor on it would read exactly.

Right-leg convention. The shank's chain is heading, pitch, tilt; the foot's the same, but with the shank's share
that it is carried along by (all of it seated, none of it standing), then the ankle's flexion, inversion and
rotation. So seated the ankle's coordinates are joint angles, standing they are the foot's own against the ground.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ankle_imu.simulate.kinematics import Attitude, resting
from ankle_imu.simulate.moves import Curve
from ankle_imu.simulate.waves import Motion, Waves
from ankle_imu.units import DEGREE, STANDARD_GRAVITY

Array = NDArray[np.float64]

SHANK_LENGTH: Final = 0.40
"""Knee to ankle, m (24.6 % of a stature of 1.65 m)."""

BALL_TO_ANKLE: Final = np.array([-0.13, 0.0, 0.08])
"""Ankle centre seen from the ball of the foot, foot frame, m."""

FOOT_SENSOR: Final = np.array([0.06, 0.005, -0.005])
"""Sensor on the instep seen from the ankle centre, foot frame, m."""

SHANK_SENSOR: Final = np.array([0.02, -0.035, 0.10])
"""Sensor above the lateral malleolus seen from the ankle centre, shank frame, m."""

COORDINATES: Final = (
    "heading",
    "shank_pitch",
    "shank_tilt",
    "carried_pitch",
    "carried_tilt",
    "flexion",
    "inversion",
    "rotation",
)


@dataclass(eq=False)
class Leg:
    """The moves of each coordinate, rad; `tremor` is kept apart from what the person wants.

    `standing` lists the stretches [start, end), s, in which the ball of the foot is on the ground; else the knee
    rests.
    """

    moves: dict[str, Motion] = field(default_factory=lambda: {name: Motion() for name in COORDINATES})
    tremor: dict[str, Motion] = field(default_factory=lambda: {"flexion": Motion(), "inversion": Motion()})
    standing: list[tuple[float, float]] = field(default_factory=list)

    def add(self, name: str, start: ArrayLike, end: ArrayLike, change_deg: ArrayLike) -> None:
        """Move a coordinate by so many deg over [start, end], s."""
        self.moves[name].add(start, end, np.asarray(change_deg, dtype=float) * DEGREE)

    def lean(self, name: str, start: float, end: float, change_deg: float, *, is_seated: bool) -> None:
        """Lean the shank (`pitch` or `tilt`), seated with the foot carried along."""
        self.add(f"shank_{name}", start, end, change_deg)
        if is_seated:
            self.add(f"carried_{name}", start, end, change_deg)

    def shake(self, name: str, start: float, end: float, size_deg: float, rng: np.random.Generator) -> None:
        """Let the action tremble at 4 to 12 Hz while it is held."""
        if size_deg == 0.0 or end - start < 0.3:
            return
        k = 5
        self.tremor[name].parts.append(
            Waves(
                start=start,
                end=end,
                size=np.full(k, size_deg * DEGREE * np.sqrt(2.0 / k)),
                frequency=rng.uniform(4.5, 11.0, k),
                phase=rng.uniform(0.0, 2.0 * np.pi, k),
                ramp=0.2,
            )
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Readings:
    """Both segments at (n,) instants: orientation (n, 4), acc and gyr (n, 3), exact, in segment axes."""

    earth_from: dict[str, Array]
    acc: dict[str, Array]
    gyr: dict[str, Array]


def evaluate(leg: Leg, time: Array) -> Readings:
    """Poses and exact readings at increasing instants.

    Notes
    -----
    A knee that rests carries the ankle about it; a ball on the ground likewise. Which of the two holds changes
    only while nothing moves, when both agree.
    """
    curves = {name: moves.evaluate(time) for name, moves in leg.moves.items()}
    for name, moves in leg.tremor.items():
        curves[name] = curves[name] + moves.evaluate(time)
    base = resting(len(time)).turned("z", curves["heading"])
    shank = base.turned("y", curves["shank_pitch"]).turned("x", curves["shank_tilt"])
    foot = base.turned("y", curves["carried_pitch"]).turned("x", curves["carried_tilt"])
    foot = foot.turned("y", -curves["flexion"]).turned("x", curves["inversion"]).turned("z", curves["rotation"])
    ankle = shank.to_earth(shank.arm_acceleration(np.array([0.0, 0.0, -SHANK_LENGTH])))
    on_ball = foot.to_earth(foot.arm_acceleration(BALL_TO_ANKLE))
    for start, end in leg.standing:
        rows = slice(*np.searchsorted(time, [start, end]))
        ankle[rows] = on_ball[rows]
    ankle[:, 2] += STANDARD_GRAVITY
    return Readings(
        earth_from={"foot": foot.earth_from_body, "shank": shank.earth_from_body},
        acc={"foot": _felt(foot, ankle, FOOT_SENSOR), "shank": _felt(shank, ankle, SHANK_SENSOR)},
        gyr={"foot": foot.velocity, "shank": shank.velocity},
    )


def _felt(body: Attitude, ankle: Array, arm: Array) -> Array:
    return np.asarray(body.from_earth(ankle) + body.arm_acceleration(arm))


def wanted(leg: Leg, name: str, time: Array) -> Curve:
    """One coordinate without tremor, rad."""
    return leg.moves[name].evaluate(time)
