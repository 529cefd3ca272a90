"""How a leg moves in walking, jogging and running: key angles of one stride, in right-leg signs, degrees.

Each row of a pattern is (start, end, angle reached). Phases count 0 at initial contact, 1 at toe-off and 2 at
the next contact; negative phases lie in the swing before. The patterns were drawn by hand to the published
shape of these curves (heel-strike angle, foot-flat, push-off, swing) and are no recording of anyone.

References
----------
Perry J., Burnfield J. (2010) Gait analysis, 2nd ed., chapters 4 and 5: ankle and foot in walking.
Novacheck T. F. (1998) The biomechanics of running, Gait Posture 7:77-95, doi:10.1016/S0966-6362(97)00038-6.
Falbriard M. et al. (2018) Accurate estimation of running temporal parameters using foot-worn inertial
sensors, Front. Physiol. 9:610, doi:10.3389/fphys.2018.00610: contact at the largest toe-down rate.
Riener R., Rabuffetti M., Frigo C. (2002) Stair ascent and descent at different inclinations, Gait Posture
15:32-44, doi:10.1016/S0966-6362(01)00162-X: up with a flat foot, down on the ball of the foot.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

COORDINATES: Final = ("foot_pitch", "foot_tilt", "shank_pitch", "inversion", "rotation")
"""Foot against the ground (two), shank lean, and joint angles; dorsiflexion follows from foot and shank pitch."""


@dataclass(frozen=True, eq=False)
class Gait:
    """Timing, speed and patterns of one gait; a blend of two gaits is a `Gait` again."""

    speed: float
    stride_time: float
    duty: float
    strike_g: float
    clearance: float
    patterns: dict[str, Array] = field(repr=False)

    @property
    def stance_time(self) -> float:
        """Contact time, s."""
        return self.duty * self.stride_time

    @property
    def swing_time(self) -> float:
        """Swing time, s."""
        return (1.0 - self.duty) * self.stride_time


def _pattern(*rows: tuple[float, float, float]) -> Array:
    return np.array(rows)


_WALK = Gait(
    speed=1.25,
    stride_time=1.12,
    duty=0.625,
    strike_g=1.9,
    clearance=0.05,
    patterns={
        "foot_pitch": _pattern(
            (-0.045, 0.235, 0.0),
            (0.58, 0.95, -10.0),
            (0.70, 1.04, -36.0),
            (0.85, 1.06, -56.0),
            (0.93, 1.08, -66.0),
            (0.985, 1.50, -34.0),
            (1.20, 1.80, -4.0),
            (1.50, 2.055, 23.0),
        ),
        "foot_tilt": _pattern(
            (-0.02, 0.26, 0.0),
            (0.70, 0.90, 1.5),
            (0.88, 1.10, -5.0),
            (1.05, 1.35, -11.0),
            (1.50, 1.98, 3.5),
        ),
        "shank_pitch": _pattern(
            (-0.06, 0.39, -1.0),
            (0.20, 0.75, 6.0),
            (0.45, 0.95, 22.0),
            (0.75, 1.15, 44.0),
            (0.98, 1.30, 51.0),
            (1.12, 1.80, 10.0),
            (1.38, 1.99, -21.0),
        ),
        "inversion": _pattern(
            (-0.02, 0.30, -4.0),
            (0.45, 0.70, -4.5),
            (0.66, 0.90, -2.0),
            (0.92, 1.10, -4.5),
            (1.05, 1.35, -7.0),
            (1.50, 1.98, 1.5),
        ),
        "rotation": _pattern(
            (-0.02, 0.36, -0.5),
            (0.60, 0.90, 2.5),
            (0.90, 1.15, 0.5),
            (1.10, 1.40, -3.0),
            (1.50, 1.98, 4.0),
        ),
    },
)

_RUN = Gait(
    speed=3.3,
    stride_time=0.69,
    duty=0.325,
    strike_g=8.0,
    clearance=0.08,
    patterns={
        "foot_pitch": _pattern(
            (-0.115, 0.30, 0.0),
            (0.36, 0.90, -10.0),
            (0.60, 1.14, -42.0),
            (0.74, 1.12, -72.0),
            (0.88, 1.20, -84.0),
            (1.14, 1.64, -58.0),
            (1.36, 1.82, -18.0),
            (1.55, 1.93, 19.0),
        ),
        "foot_tilt": _pattern(
            (-0.03, 0.42, -2.0),
            (0.45, 0.85, 0.5),
            (0.80, 1.12, -5.0),
            (1.05, 1.40, -9.0),
            (1.45, 1.95, 6.0),
        ),
        "shank_pitch": _pattern(
            (-0.05, 0.39, 8.0),
            (0.15, 0.75, 22.0),
            (0.45, 0.95, 31.0),
            (0.70, 1.20, 55.0),
            (0.98, 1.36, 78.0),
            (1.22, 1.76, 24.0),
            (1.42, 1.97, -9.0),
        ),
        "inversion": _pattern(
            (-0.03, 0.39, -7.0),
            (0.40, 0.60, -7.0),
            (0.50, 0.88, -2.0),
            (0.85, 1.10, -3.5),
            (1.05, 1.40, -5.0),
            (1.45, 1.95, 4.0),
        ),
        "rotation": _pattern(
            (-0.03, 0.40, 2.0),
            (0.45, 0.85, 0.5),
            (0.85, 1.15, -1.0),
            (1.10, 1.45, -4.0),
            (1.45, 1.95, -1.5),
        ),
    },
)


def blend(first: Gait, second: Gait, weight: float) -> Gait:
    """Gait `weight` of the way from `first` to `second`."""

    def between(a: float, b: float) -> float:
        return (1.0 - weight) * a + weight * b

    return Gait(
        speed=between(first.speed, second.speed),
        stride_time=between(first.stride_time, second.stride_time),
        duty=between(first.duty, second.duty),
        strike_g=between(first.strike_g, second.strike_g),
        clearance=between(first.clearance, second.clearance),
        patterns={c: (1.0 - weight) * first.patterns[c] + weight * second.patterns[c] for c in first.patterns},
    )


def _jog() -> Gait:
    foot_pitch = _pattern(
        (-0.115, 0.22, 0.0),
        (0.42, 0.92, -10.0),
        (0.70, 1.14, -41.0),
        (0.81, 1.12, -69.0),
        (0.90, 1.20, -80.0),
        (1.14, 1.64, -56.0),
        (1.36, 1.82, -18.0),
        (1.55, 1.95, 18.0),
    )
    return Gait(
        speed=2.4,
        stride_time=0.76,
        duty=0.40,
        strike_g=5.5,
        clearance=0.07,
        patterns={**blend(_WALK, _RUN, 0.85).patterns, "foot_pitch": foot_pitch},
    )


GAITS: Final = {"walk": _WALK, "jog": _jog(), "run": _RUN}


def _stairs(up: bool) -> Gait:
    """Walking on stairs: frontal plane and rotation as on the level, foot and shank pitch of their own."""
    foot_pitch = (
        _pattern(
            (-0.045, 0.235, 0.0),
            (0.62, 0.95, -8.0),
            (0.74, 1.04, -22.0),
            (0.85, 1.06, -34.0),
            (0.93, 1.08, -40.0),
            (0.985, 1.50, -24.0),
            (1.20, 1.80, -6.0),
            (1.50, 2.055, 5.0),
        )
        if up
        else _pattern(
            (-0.02, 0.30, 0.0),
            (0.66, 0.95, -8.0),
            (0.76, 1.04, -20.0),
            (0.85, 1.06, -32.0),
            (0.93, 1.08, -38.0),
            (0.985, 1.50, -12.0),
            (1.20, 1.80, -8.0),
            (1.50, 2.04, -18.0),
        )
    )
    shank_pitch = (
        _pattern(
            (-0.06, 0.39, 13.0),
            (0.20, 0.75, 8.0),
            (0.45, 0.95, 17.0),
            (0.75, 1.15, 38.0),
            (0.98, 1.30, 55.0),
            (1.12, 1.80, 40.0),
            (1.38, 1.99, 19.0),
        )
        if up
        else _pattern(
            (-0.06, 0.39, 3.0),
            (0.20, 0.75, 17.0),
            (0.45, 0.95, 33.0),
            (0.75, 1.15, 46.0),
            (0.98, 1.30, 48.0),
            (1.12, 1.80, 12.0),
            (1.38, 1.99, -6.0),
        )
    )
    return Gait(
        speed=0.46 if up else 0.51,
        stride_time=1.22 if up else 1.10,
        duty=0.62,
        strike_g=1.6 if up else 2.4,
        clearance=0.09 if up else 0.06,
        patterns={**_WALK.patterns, "foot_pitch": foot_pitch, "shank_pitch": shank_pitch},
    )


STAIRS: Final = {"up": _stairs(up=True), "down": _stairs(up=False)}
