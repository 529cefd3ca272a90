"""One leg on its course: foot and shank poses whose derivatives are the sensors' readings.

Built in right-leg convention (frames.py): a left leg walks the mirrored course and is mirrored once, at the
very end, by the caller. The foot's pose leads. In stance its sole lies on the ground or turns, without
slipping, about the heel (at contact) or the ball (from heel-off on); the shank hangs on the ankle centre, which
is fixed in both segments, at the joint angles of the gait.

With the ground's attitude F, the foot's attitude R, the place P of the foot lying flat, and the sole point r it
turns about, the foot's origin is p = P + (F - R) r: the sole point r stays where it lies when flat. P and F
change in swing only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.simulate import plan as plans
from ankle_imu.simulate.course import Footfall
from ankle_imu.simulate.gaits import COORDINATES
from ankle_imu.simulate.kinematics import Attitude, resting
from ankle_imu.simulate.moves import PEAK_RATE, Curve, Moves
from ankle_imu.simulate.plan import Plan
from ankle_imu.units import DEGREE, STANDARD_GRAVITY

Array = NDArray[np.float64]

HEEL_X: Final = -0.05
BALL_X: Final = 0.13
ANKLE: Final = np.array([0.0, 0.0, 0.08])
"""Ankle joint centre in the foot frame, m; the origin is the sole point below it."""
FOOT_SENSOR: Final = np.array([0.06, 0.005, 0.075])
"""Sensor on the instep, foot frame, m."""
SHANK_SENSOR: Final = np.array([0.02, -0.035, 0.10])
"""Sensor above the lateral malleolus, shank frame, m; the origin is the ankle centre."""
SHOCK_S: Final = 0.060
"""The shock of a contact is over after this."""

STANDING_DEG: Final = {"shank_pitch": 3.0, "inversion": -1.0}
"""Standing posture; the foot lies flat and its rotation is the plan's."""

_HEEL_RISE_SHARES = np.array([0.4, 1.0, 1.2])
"""Parts of a person's own tilt at heel rise that the frontal keys of late stance and first swing take."""
_LATE = 0.4
"""Keys that end after this part of the stance are timed from toe-off, earlier ones from contact."""
GROUND_SHARE: Final = 0.65
"""Part of the ground's cross-slope that the ankle takes up; the shank leans with the rest."""
_SHANK_SLOPE = 0.25
"""Part of the ground's slope by which the shank leans back into the hill."""
_ROLL_SHARE = 0.9
"""Part of a roll of the foot that happens in the ankle."""
_BEND_AXIS = np.tan(12.0 * DEGREE)
"""Knee bends turn about an axis this far outside the tibia's own (11 to 13 deg in recordings of real people)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Stances:
    """Timing of the stances of one leg; the last toe-off lies after the end."""

    contact: Array
    toe_off: Array
    nominal: Array
    swing: Array

    @property
    def is_standing(self) -> NDArray[np.bool_]:
        """Stances much longer than the gait's own: stands and pauses."""
        return np.asarray(self.toe_off - self.contact > 1.5 * self.nominal)

    def window(self, start: float, end: float) -> tuple[Array, Array]:
        """Times (strides,) of one key's start and end phase; see `gaits`."""
        is_late = end > _LATE
        return self._time(start, is_late), self._time(end, is_late)

    def _time(self, phase: float, is_late: bool) -> Array:
        if phase > 1.0:
            return self.toe_off + (phase - 1.0) * self.swing
        if is_late:
            return self.toe_off - (1.0 - phase) * self.nominal
        if phase < 0.0:
            return self.contact + phase * np.concatenate([self.swing[:1], self.swing[:-1]])
        return self.contact + phase * self.nominal


@dataclass(frozen=True, kw_only=True)
class Roll:
    """One simulated roll of a foot; angle in rad, + = inversion."""

    stance: int
    start: float
    end: float
    angle: float
    outcome: str = "save"


@dataclass(frozen=True, kw_only=True, eq=False)
class LegState:
    """Poses and exact readings of one leg at given instants, right-leg convention.

    `acc` and `gyr` (by segment) are in the segment's own frame, at the sensor; positions are of the sole point
    below the ankle (foot) and of the ankle centre (shank), earth frame.
    """

    attitude: dict[str, Attitude]
    position: dict[str, Array]
    acc: dict[str, Array]
    inversion_rate: Array
    dorsiflexion_rate: Array


class Leg:
    """One leg on its course.

    Parameters
    ----------
    falls : its footfalls in time order, as a right leg sees them
    plan : Plan
    tap_start : float, s, start of its toe taps; NaN for none
    spread : float, factor on the frontal variation
    mean_rotation : float, rad, internal rotation of the foot against the shank in gait
    rolls : number of rolls
    rng : numpy random generator of this leg
    """

    def __init__(
        self,
        falls: Sequence[Footfall],
        plan: Plan,
        *,
        tap_start: float,
        spread: float,
        mean_rotation: float,
        rolls: int,
        rng: np.random.Generator,
    ) -> None:
        self.falls = tuple(falls)
        self.stances = _stances(falls)
        self.moves: dict[str, Moves] = {}
        self.rolls: list[Roll] = []
        self.impacts: list[tuple[float, float]] = []
        self._pattern(plan, spread, mean_rotation, rng)
        self._ground(plan.toe_out_deg * DEGREE)
        self._places()
        self._strikes(rng)
        self._balance(plan, spread, rng)
        self._choose_rolls(rolls, plan.roll_from_deg, plan.roll_to_deg, rng)
        for k, fall in enumerate(self.falls):
            if fall.roll:
                self._roll_over(k, fall.roll, fall.roll_s, fall.outcome)
        self.rolls.sort(key=lambda roll: roll.start)
        self._sway(plan, rng)
        if np.isfinite(tap_start):
            self._taps(tap_start, plan.yaw_misalignment_deg * DEGREE, rng)
        if plan.movements and plan.knee_bends:
            self._bends(plan, rng)

    def _pattern(self, plan: Plan, spread: float, mean_rotation: float, rng: np.random.Generator) -> None:
        """Angles of the gait patterns, varied from stride to stride, at rest in the standing posture."""
        n = len(self.falls)
        standing = self.stances.is_standing
        landing, depth, push = spread * np.clip(rng.standard_normal((3, n)), -2.5, 2.5) * [[1.6], [1.1], [1.3]]
        size = 1.0 + 0.03 * np.clip(rng.standard_normal((2, n)), -2.5, 2.5)
        turned = np.clip(rng.standard_normal((2, n)), -2.5, 2.5)
        rest = {**dict.fromkeys(COORDINATES, 0.0), **STANDING_DEG}
        rest["rotation"] = plan.standing_rotation_deg
        for c in COORDINATES:
            keys = np.array([f.gait.patterns[c] for f in self.falls])
            target = keys[:, :, 2].copy()
            k = target.shape[1]
            if c in ("foot_pitch", "shank_pitch"):
                target *= size[0 if c == "foot_pitch" else 1][:, None]
            if c == "foot_pitch":
                self._keep_heels_up(target)
            if c in ("foot_tilt", "inversion"):
                target[:, -1] += landing
                target[:, -2] += 1.5 * push
                target[:, -3] += push
                target[:, -4:-1] += plan.heel_rise_tilt_deg * _HEEL_RISE_SHARES
            if c == "inversion":
                target[:, : k - 3] += depth[:, None]
            if c == "rotation":
                target += np.where(np.arange(k) < 2, turned[0][:, None], 1.2 * turned[1][:, None])
                target += mean_rotation / DEGREE
            is_early = keys[0, :, 1] <= _LATE
            target[np.ix_(standing, is_early)] = rest[c]
            moves = Moves(initial=rest[c] * DEGREE)
            windows = [self._windows(keys[:, j, :2]) for j in range(k)]
            start, end = (np.stack([w[i] for w in windows], axis=1) for i in (0, 1))
            moves.pass_through(start, end, target * DEGREE)
            self.moves[c] = moves

    def _keep_heels_up(self, pitch: Array) -> None:
        """Change the keys of steps in which the heel stays up: toes first, then the ball bears all the weight."""
        up = np.array([f.heel_up for f in self.falls]) / DEGREE
        tipped = up > 0
        pitch[tipped, 0] = -up[tipped]
        pitch[tipped, 1] = np.minimum(pitch[tipped, 1], -up[tipped])
        before = np.flatnonzero(tipped[1:])
        pitch[before, -1] = -up[1:][before] - 5.0

    def _windows(self, phases: Array) -> tuple[Array, Array]:
        """Start and end times (strides,) of one key whose phases (strides, 2) differ between gaits."""
        start, end = np.empty(len(phases)), np.empty(len(phases))
        for pair in np.unique(phases, axis=0):
            chosen = (phases == pair).all(axis=1)
            first, last = self.stances.window(float(pair[0]), float(pair[1]))
            start[chosen], end[chosen] = first[chosen], last[chosen]
        return start, end

    def _ground(self, toe_out: float) -> None:
        """The ground under each stance: where it is (in swing it moves on), and what foot and shank take of it."""
        flat = np.array([frames.mirror_gyr([f.ground_roll, f.ground_pitch, f.heading], f.leg) for f in self.falls])
        roll, pitch, heading = flat.T
        self.ground = np.stack([roll, pitch])
        heading = heading - toe_out
        for name, values in (("ground_roll", roll), ("ground_pitch", pitch)):
            self._onwards(name, values, 1.20, 1.90)
        self._onwards("heading", np.unwrap(heading), 1.05, 1.95)
        for name, values in (("tilt_taken", roll), ("pitch_taken", pitch)):
            moves = Moves(initial=float(values[0]))
            contact = self.stances.window(-0.03, 0.26)
            leave = self.stances.window(1.0, 1.5)
            moves.add(contact[0][1:], contact[1][1:], values[1:])
            moves.add(*leave, -values)
            self.moves[name] = moves

    def _onwards(self, name: str, values: Array, start: float, end: float) -> None:
        moves = Moves(initial=float(values[0]))
        first, last = self.stances.window(start, end)
        moves.add(first[:-1], last[:-1], np.diff(values))
        self.moves[name] = moves

    def _places(self) -> None:
        """Where the foot lies flat: constant in stance, carried on in swing, a little clear of the ground."""
        places = np.array([frames.mirror_acc(f.place, f.leg) for f in self.falls])
        clearance = np.array([f.gait.clearance for f in self.falls])
        for i, axis in enumerate("xyz"):
            moves = Moves(initial=float(places[0, i]))
            change = np.diff(places[:, i])
            for start, end, share in _STRIDE_SHARES:
                first, last = self.stances.window(start, end)
                moves.add(first[:-1], last[:-1], share * change)
            self.moves[axis] = moves
        first, last = self.stances.window(1.0, 1.98)
        self.moves["z"].bump(first[:-1], last[:-1], clearance[:-1])
        on_ball = np.array([f.on_ball for f in self.falls])
        pivot = Moves(initial=HEEL_X)
        pivot.add(*self.stances.window(0.41, 0.62), np.where(on_ball, 0.0, BALL_X - HEEL_X))
        pivot.add(*self.stances.window(1.12, 1.93), np.where(np.append(on_ball[1:], False), 0.0, HEEL_X - BALL_X))
        self.moves["pivot"] = pivot

    def _strikes(self, rng: np.random.Generator) -> None:
        """Shock of each contact: the shoe gives way by some millimetres and springs back within 60 ms."""
        n = len(self.falls)
        strength = np.array([f.gait.strike_g for f in self.falls]) * np.exp(0.15 * rng.standard_normal(n))
        strength[self.stances.contact < 0] = 0.0
        rise = 0.022
        size = strength * STANDARD_GRAVITY * rise**2 / (1.35 * _PEAK_ACCELERATION)
        heading = np.array([frames.mirror_gyr([0.0, 0.0, f.heading], f.leg)[2] for f in self.falls])
        direction = {"x": -0.4 * np.cos(heading), "y": -0.4 * np.sin(heading), "z": np.ones(n)}
        lobes = ((-0.050, 0.0, -1.0), (-0.002, rise - 0.002, 1.35), (0.014, 0.038, -0.5), (0.032, SHOCK_S, 0.15))
        for axis, share in direction.items():
            for start, end, change in lobes:
                contact = self.stances.contact
                self.moves[axis].add(contact + start, contact + end, change * share * size)

    def _balance(self, plan: Plan, spread: float, rng: np.random.Generator) -> None:
        """Two small side-to-side corrections of the shank over the planted foot in each stance."""
        s = self.stances
        size = spread * (1.0 if plan.terrain == "flat" else 2.0) * DEGREE
        height = (
            size * np.clip(rng.standard_normal((2, len(self.falls))), -2.5, 2.5) * np.minimum(1.0, s.nominal / 0.5)
        )
        late = rng.uniform(0.0, 0.12, (2, len(self.falls)))
        for k, begin in enumerate((0.12, 0.42)):
            start = s.contact + (begin + late[k]) * s.nominal
            self.moves["inversion"].bump(start, start + 0.30 * s.nominal, height[k])

    def _choose_rolls(self, number: int, low: float, high: float, rng: np.random.Generator) -> None:
        """Rolls of `low` to `high` deg at random stances, over five strides apart, each caught in its stance."""
        free = [k for k in range(3, len(self.falls) - 3) if not self.stances.is_standing[k - 1 : k + 2].any()]
        taken = [k for k, fall in enumerate(self.falls) if fall.roll]
        free = [k for k in free if all(abs(k - j) > 12 for j in taken)]
        for _ in range(number):
            if not free:
                return
            k = int(rng.choice(free))
            free = [j for j in free if abs(j - k) > 5]
            angle = rng.uniform(low, high) * DEGREE
            self._roll_over(k, angle, float(rng.uniform(0.08, 0.15)), "save")

    def _roll_over(self, k: int, angle: float, rise: float, outcome: str) -> None:
        """Let the foot roll by `angle` in stance k, in `rise` s where the stance is long enough, and come back."""
        nominal = float(self.stances.nominal[k])
        rise = min(rise, 0.36 * nominal, PEAK_RATE * abs(angle) / (360.0 * DEGREE))
        start = float(self.stances.contact[k]) + 0.08 * nominal
        back = min(0.22, 0.40 * nominal)
        end = start + rise + 0.04 * nominal + back
        self.rolls.append(Roll(stance=k, start=start, end=end, angle=angle, outcome=outcome))
        for name, share in (("foot_tilt", 1.0), ("inversion", _ROLL_SHARE)):
            self.moves[name].add(start, start + rise, share * angle)
            self.moves[name].add(end - back, end, -share * angle)

    def _sway(self, plan: Plan, rng: np.random.Generator) -> None:
        """Small slow shank movements of a person who stands."""
        standing = np.flatnonzero(self.stances.is_standing)
        for k in standing:
            begin = max(self.stances.contact[k] + 0.6, 0.0)
            stop = min(self.stances.toe_off[k] - 0.9, plan.duration_s + 1.0)
            starts = np.arange(begin, stop - 1.4, 0.7)
            for name, size in (("shank_pitch", 0.25), ("inversion", 0.12)):
                height = size * DEGREE * np.clip(rng.standard_normal(len(starts)), -2.5, 2.5)
                self.moves[name].bump(starts, starts + 1.4, height)

    def _taps(self, start: float, yaw: float, rng: np.random.Generator) -> None:
        """Eight toe taps: the heel stays on the floor, the forefoot goes up and down about once a second."""
        begin = start + np.arange(8.0) * plans.TAPS_S / 8.0 + 0.02 * rng.uniform(size=8)
        length = rng.uniform(0.80, 0.92, 8)
        height = rng.uniform(14.0, 22.0, 8) * DEGREE
        axis = np.tan(yaw + 1.2 * DEGREE * np.clip(rng.standard_normal(8), -2.0, 2.0))
        self.moves["foot_pitch"].bump(begin, begin + length, height)
        for name in ("foot_tilt", "inversion"):
            self.moves[name].bump(begin, begin + length, height * axis)
        self.moves["shank_pitch"].bump(begin, begin + length, 0.5 * DEGREE * rng.standard_normal(8))

    def _bends(self, plan: Plan, rng: np.random.Generator) -> None:
        """Five knee bends with the feet flat."""
        start = plan.opening_s - plans.POSE_S - plans.PAUSE_S - plans.BENDS_S
        begin = start + np.arange(5.0) * plans.BENDS_S / 5.0
        depth = rng.uniform(18.0, 24.0, 5) * DEGREE
        self.moves["shank_pitch"].bump(begin, begin + 2.3, depth)
        self.moves["inversion"].bump(begin, begin + 2.3, -_BEND_AXIS * depth)

    def evaluate(self, time: Array) -> LegState:
        """Poses and readings at increasing instants `time` (n,), s."""
        curve = {name: moves.evaluate(time) for name, moves in self.moves.items()}
        n = len(time)
        heading = resting(n).turned("z", curve["heading"])
        ground = heading.turned("x", curve["ground_roll"]).turned("y", -curve["ground_pitch"])
        tilt = curve["foot_tilt"] + curve["tilt_taken"]
        pitch = curve["foot_pitch"] + curve["pitch_taken"]
        foot = heading.turned("x", tilt).turned("y", -pitch)
        inversion = curve["inversion"] + _scaled(curve["tilt_taken"], GROUND_SHARE)
        lean = curve["shank_pitch"] + _scaled(curve["pitch_taken"], -_SHANK_SLOPE)
        dorsiflexion = lean + pitch
        shank = foot.turned("z", -curve["rotation"]).turned("x", -inversion).turned("y", dorsiflexion)

        arm, rate, bend = np.zeros((n, 3)), np.zeros((n, 3)), np.zeros((n, 3))
        arm[:, 0], rate[:, 0], bend[:, 0] = curve["pivot"].value, curve["pivot"].rate, curve["pivot"].acceleration
        place = np.stack([curve[a].value for a in "xyz"], axis=1)
        origin = place + ground.to_earth(arm) - foot.to_earth(arm)
        lying = np.stack([curve[a].acceleration for a in "xyz"], axis=1)
        lying += ground.to_earth(ground.arm_acceleration(arm, rate, bend))
        lying[:, 2] += STANDARD_GRAVITY
        turning = foot.from_earth(lying) - foot.arm_acceleration(arm, rate, bend)
        at_ankle = foot.to_earth(turning + foot.arm_acceleration(ANKLE))
        return LegState(
            attitude={"foot": foot, "shank": shank},
            position={"foot": origin, "shank": origin + foot.to_earth(ANKLE)},
            acc={
                "foot": turning + foot.arm_acceleration(FOOT_SENSOR),
                "shank": shank.from_earth(at_ankle) + shank.arm_acceleration(SHANK_SENSOR),
            },
            inversion_rate=inversion.rate,
            dorsiflexion_rate=dorsiflexion.rate,
        )


_STRIDE_SHARES: Final = (
    (0.95, 1.28, 0.10),
    (1.08, 1.44, 0.07),
    (0.95, 1.86, 0.28),
    (0.95, 2.04, 0.40),
    (1.40, 1.88, 0.09),
    (1.62, 2.00, 0.06),
)
"""Phases and shares of the moves that carry the foot on; chosen for a small largest acceleration.

The toes peel off in the last twentieth of the stance, the heel settles in the first 20 ms of the next."""
_PEAK_ACCELERATION: Final = 7.513
"""Largest acceleration of a move by 1 over 1 s."""


def _scaled(curve: Curve, factor: float) -> Curve:
    return Curve(factor * curve.value, factor * curve.rate, factor * curve.acceleration)


def _stances(falls: Sequence[Footfall]) -> Stances:
    contact = np.array([f.contact for f in falls])
    swing = np.array([f.gait.swing_time for f in falls])
    into = np.append(swing[1:], swing[-1])
    toe_off = np.append(contact[1:], contact[-1] + 1e6) - into
    nominal = np.array([f.gait.stance_time for f in falls])
    stance = toe_off - contact
    return Stances(
        contact=contact,
        toe_off=toe_off,
        nominal=np.where(stance > 1.5 * nominal, nominal, stance),
        swing=into,
    )
