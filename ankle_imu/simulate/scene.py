"""One leg during an activity at one place: the standing leg, moved, and back in its standing pose at the end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ankle_imu.simulate.body import BALL_X, FOOT_SENSOR, HEEL_X, Leg, LegState
from ankle_imu.simulate.moves import Moves
from ankle_imu.simulate.waves import Motion, Part
from ankle_imu.units import DEGREE, STANDARD_GRAVITY

Array = NDArray[np.float64]

SHOE: tuple[str, ...] = ("shoe_x", "shoe_y", "shoe_z", "shoe_heading", "shoe_tilt", "shoe_pitch")
"""Coordinates of a shoe that is not on its foot, against where it was on it: earth, m, and own turns, rad."""


class FreeLeg(Leg):
    """A leg that does more than walk.

    Notes
    -----
    A shoe off its foot carries the foot's sensor away: it turns by heading, tilt and pitch of its own and its sole
    point is displaced. Everything else hangs together as in `Leg`.
    """

    def begin(self) -> None:
        """Make room for curves that are no moves, and for shoes in the hand."""
        self.moves = {
            name: Motion(initial=m.initial, starts=m.starts, ends=m.ends, changes=m.changes)
            for name, m in self.moves.items()
        }
        self.moves |= {name: Motion() for name in SHOE}
        self._off: list[tuple[float, float]] = []

    def take_off(self, start: float, end: float) -> None:
        """Let the shoe go its own ways between `start` and `end`, s."""
        self._off.append((start, end))

    def evaluate(self, time: Array) -> LegState:
        """Poses and readings at increasing instants `time` (n,), s."""
        state = super().evaluate(time)
        if any(start < time[-1] and time[0] < end for start, end in self._off):
            return self._carried(state, time)
        return state

    def _carried(self, state: LegState, time: Array) -> LegState:
        """The same leg with its shoe elsewhere."""
        curve = {name: self.moves[name].evaluate(time) for name in SHOE}
        foot = state.attitude["foot"]
        lying = foot.to_earth(state.acc["foot"] - foot.arm_acceleration(FOOT_SENSOR))
        lying += np.stack([curve[f"shoe_{a}"].acceleration for a in "xyz"], axis=1)
        shoe = foot.turned("z", curve["shoe_heading"]).turned("x", curve["shoe_tilt"])
        shoe = shoe.turned("y", -curve["shoe_pitch"])
        shift = np.stack([curve[f"shoe_{a}"].value for a in "xyz"], axis=1)
        return replace(
            state,
            attitude={**state.attitude, "foot": shoe},
            position={**state.position, "foot": state.position["foot"] + shift},
            acc={**state.acc, "foot": shoe.from_earth(lying) + shoe.arm_acceleration(FOOT_SENSOR)},
        )


class Scene:
    """Adds to one leg what it does in [start, end); angles in degrees, lengths in m, times in s.

    Every change is undone before the end by whoever makes it (`hold`, `bend` and `step` do so themselves).
    """

    def __init__(self, leg: FreeLeg, start: float, end: float, rng: np.random.Generator) -> None:
        self.leg, self.start, self.end, self.rng = leg, start, end, rng
        heading = float(leg.moves["heading"].evaluate(np.array([start])).value[0])
        self.ahead = np.array([np.cos(heading), np.sin(heading)])

    @property
    def length(self) -> float:
        """Seconds of the scene."""
        return self.end - self.start

    def bend(self, name: str, start: ArrayLike, end: ArrayLike, angle: ArrayLike) -> None:
        """Turn there and back."""
        self.leg.moves[name].bump(start, end, np.asarray(angle) * DEGREE)

    def hold(self, name: str, angle: float, into: float = 1.0, start: float = 0.0, end: float = 0.0) -> None:
        """Turn within `into` s, stay, and turn back: from `start` after the start to `end` before the end."""
        first, last = self.start + start, self.end - end
        self.leg.moves[name].add([first, last - into], [first + into, last], np.array([angle, -angle]) * DEGREE)

    def place(self, into: float = 1.2, start: float = 0.0, **way: float) -> None:
        """Set the foot down elsewhere (`ahead`, `left`, `up`) for the scene, lifted on its way by 5 cm."""
        first, last = self.start + start, self.end
        for begin, stop, sign in ((first, first + into, 1.0), (last - into, last, -1.0)):
            self.carry(begin, stop, **{name: sign * size for name, size in way.items()})
            self.leg.moves["z"].bump(begin, stop, 0.05)

    def carry(
        self, start: ArrayLike, end: ArrayLike, ahead: ArrayLike = 0.0, left: ArrayLike = 0.0, up: ArrayLike = 0.0
    ) -> None:
        """Move the foot on, as it stands."""
        forward, aside = np.asarray(ahead), np.asarray(left)
        self.leg.moves["x"].add(start, end, forward * self.ahead[0] - aside * self.ahead[1])
        self.leg.moves["y"].add(start, end, forward * self.ahead[1] + aside * self.ahead[0])
        self.leg.moves["z"].add(start, end, up)

    def step(self, start: Array, seconds: Array, ahead: Array, left: Array, lift: Array, turn: Array) -> None:
        """Small steps that push off and land with the heel a little up."""
        end = start + seconds
        self.carry(start + 0.15 * seconds, end, ahead, left)
        self.leg.moves["z"].bump(start + 0.1 * seconds, end, lift)
        self.leg.moves["heading"].add(start + 0.15 * seconds, start + 0.9 * seconds, turn * DEGREE)
        size = np.minimum(1.0, np.hypot(ahead, left) / 0.3)
        self.on_ball(start - 0.1 * seconds, start + 0.95 * seconds)
        self.bend("foot_pitch", start - 0.2 * seconds, start + 0.65 * seconds, -45.0 * size)
        self.bend("foot_pitch", start + 0.55 * seconds, end + 0.05, 10.0 * size)
        self.bend("shank_pitch", start - 0.1 * seconds, end, 25.0 * size)

    def on_ball(self, start: ArrayLike, end: ArrayLike) -> None:
        """Let the foot turn about its ball; it has to be flat a little before and after."""
        start, end = np.asarray(start, dtype=float), np.asarray(end, dtype=float)
        self.leg.moves["pivot"].add(start - 0.2, start, BALL_X - HEEL_X)
        self.leg.moves["pivot"].add(end, end + 0.2, HEEL_X - BALL_X)

    def part(self, name: str, part: Part) -> None:
        """Add a curve that is no move."""
        motion = self.leg.moves[name]
        if isinstance(motion, Motion):
            motion.parts.append(part)

    def shared(self, of: float = 0.0) -> np.random.Generator:
        """Random numbers that are the same for both legs of a person."""
        return np.random.default_rng([round(1e3 * self.start), round(1e3 * of)])

    def instants(self, gap: tuple[float, float], margin: float = 2.0, length: float = 1.0) -> Array:
        """Starts of things that last `length`, with a random gap between each end and the next start."""
        count = int(self.length / (gap[0] + length)) + 1
        starts = self.start + margin + np.cumsum(self.rng.uniform(*gap, count)) + length * np.arange(count)
        return np.asarray(starts[starts < self.end - margin - length])

    def impact(self, at: float, strength: float) -> None:
        """A shock that shakes the soft tissue; `strength` 1 is a step of ordinary walking."""
        self.leg.impacts.append((at, strength))

    def moves(self, name: str) -> Moves:
        """The moves of one coordinate, as they are."""
        return self.leg.moves[name]


FALL = STANDARD_GRAVITY
"""Acceleration of free flight, m/s^2."""
