"""What people do on their feet and in their seats without walking: standing about, seats, cars, shoes, kitchens.

All sizes are our own choice from watching people, except where a source is named: they have to be there and of
the right order, not average. Every activity is a function of one `Scene`; both legs of a person have one each.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ankle_imu.simulate.scene import Scene
from ankle_imu.simulate.waves import Waves, shaking
from ankle_imu.units import DEGREE

Array = NDArray[np.float64]

ROAD_HZ = (5.0, 25.0)
"""Band of the vibration of a car's floor."""

ROAD_ACC = (0.3, 0.9)
"""Its acceleration, m/s^2 rms in the vertical: the range that ISO 2631-1 calls from `not` to `fairly
uncomfortable` (0.315 to 1.0 m/s^2)."""


def stand(s: Scene) -> None:
    """Shift one's weight, lift a heel now and then, turn on the spot by some degrees."""
    at = s.instants((1.5, 5.0), length=2.0)
    size = s.rng.uniform(-1.0, 1.0, (3, len(at)))
    s.bend("inversion", at, at + 2.0, 3.5 * size[0])
    s.bend("shank_pitch", at, at + 1.8, 4.0 * size[1])
    lifted = at[s.rng.random(len(at)) < 0.25]
    s.on_ball(lifted, lifted + 1.2)
    s.bend("foot_pitch", lifted, lifted + 1.2, -s.rng.uniform(10.0, 30.0, len(lifted)))
    s.bend("heading", at, at + 1.9, 1.5 * size[2])


def sit_down(s: Scene) -> None:
    """Shank a little back, foot set down somewhere else."""
    s.place(ahead=float(s.rng.uniform(-0.05, 0.30)), left=float(s.rng.uniform(-0.05, 0.05)))
    s.hold("shank_pitch", float(s.rng.uniform(-28.0, 8.0)), into=1.4)


def sit(s: Scene) -> None:
    """Sit with foot taps, leg shaking and a crossed leg that dangles."""
    sit_down(s)
    for start in s.instants((3.0, 12.0), margin=2.5, length=9.0):
        s.rng.choice([_tap, _shake, _dangle])(s, float(start), float(start + s.rng.uniform(4.0, 9.0)))  # type: ignore[arg-type]


def _tap(s: Scene, start: float, end: float) -> None:
    """Taps of the forefoot, 1.2 to 3.5 a second, the heel on the floor."""
    every = 1.0 / s.rng.uniform(1.2, 3.5)
    at = np.arange(start, end - every, every) + 0.05 * every * s.rng.uniform(-1.0, 1.0)
    height = s.rng.uniform(8.0, 22.0) * (1.0 + 0.2 * s.rng.uniform(-1.0, 1.0, len(at)))
    s.bend("foot_pitch", at, at + 0.92 * every, height)
    s.bend("foot_tilt", at, at + 0.92 * every, 0.15 * height)
    s.bend("inversion", at, at + 0.92 * every, 0.15 * height)


def _shake(s: Scene, start: float, end: float) -> None:
    """Shaking of a leg on the ball of its foot, 4 to 7 a second."""
    s.on_ball(start, end)
    s.bend("foot_pitch", start, end, -s.rng.uniform(12.0, 20.0))
    rate = np.array([s.rng.uniform(4.0, 7.0)])
    for name, size in (("foot_pitch", s.rng.uniform(2.0, 5.0)), ("shank_pitch", s.rng.uniform(0.5, 2.0))):
        wave = Waves(
            start=start + 0.5, end=end - 0.5, size=np.array([size * DEGREE]), frequency=rate, phase=np.zeros(1)
        )
        s.part(name, wave)


def _dangle(s: Scene, start: float, end: float) -> None:
    """One leg over the other: up, to the side, swinging from the knee and from the ankle at 0.8 to 2 Hz."""
    up, left = s.rng.uniform(0.25, 0.45), s.rng.uniform(0.10, 0.25)
    if end - start < 4.5:
        return
    for begin, sign in ((start, 1.0), (end - 1.3, -1.0)):
        s.carry(begin, begin + 1.3, left=sign * left, up=sign * up)
    angles = {"foot_pitch": -25.0, "foot_tilt": -18.0, "inversion": 8.0, "shank_pitch": 25.0}
    for name, angle in angles.items():
        s.moves(name).add([start, end - 1.2], [start + 1.2, end], np.array([angle, -angle]) * DEGREE)
    for name, size in (("foot_pitch", s.rng.uniform(3.0, 12.0)), ("shank_pitch", s.rng.uniform(1.0, 8.0))):
        s.part(name, _beat(s, start + 1.3, end - 1.3, size, (0.8, 2.0)))


def _beat(s: Scene, start: float, end: float, size: float, band: tuple[float, float]) -> Waves:
    return Waves(
        start=start,
        end=end,
        size=np.array([size * DEGREE]),
        frequency=s.rng.uniform(*band, 1),
        phase=s.rng.uniform(0.0, 2.0 * np.pi, 1),
    )


def drive(s: Scene) -> None:
    """Get into a car, drive with both pedals under road vibration, get out."""
    outside = 2.8
    s.place(into=1.6, start=0.2, ahead=0.55, left=float(s.rng.uniform(-0.35, 0.35)))
    into, out = s.start + 0.3, s.end - 1.9
    s.bend("shank_pitch", into, into + 1.6, 35.0)
    s.bend("foot_pitch", into, into + 1.6, -30.0)
    s.bend("inversion", into, into + 1.5, s.rng.uniform(-10.0, 12.0))
    s.bend("shank_pitch", out, out + 1.7, 30.0)
    s.bend("foot_pitch", out, out + 1.6, -25.0)
    s.moves("z").bump([into, out], [into + 1.5, out + 1.5], 0.22)
    turn = s.rng.uniform(50.0, 80.0)
    s.moves("heading").add([into + 0.2, out], [into + 1.6, out + 1.6], np.array([turn, -turn]) * DEGREE)
    inside = {"start": outside, "end": outside}
    s.hold("shank_pitch", -20.0, into=0.9, **inside)
    s.hold("foot_pitch", float(s.rng.uniform(15.0, 28.0)), into=0.8, **inside)
    _pedals(s, s.start + outside + 1.0, s.end - outside - 1.0)
    road(s, s.start + outside, s.end - outside)


def _pedals(s: Scene, start: float, end: float) -> None:
    """Press and release about the heel; over to the brake and back every so often."""
    at = np.arange(start, end - 4.5, 3.0)
    at += s.rng.uniform(0.0, 1.0, len(at))
    over = s.rng.random(len(at)) < 0.15
    press = at[~over]
    s.bend("foot_pitch", press, press + s.rng.uniform(0.8, 2.8, len(press)), -s.rng.uniform(4.0, 14.0, len(press)))
    for t in at[over]:
        back = t + s.rng.uniform(1.2, 2.2)
        way = s.rng.uniform(0.08, 0.16)
        for begin, sign in ((t, 1.0), (back, -1.0)):
            s.carry(begin, begin + 0.35, left=sign * way)
            s.moves("z").bump(begin, begin + 0.35, 0.03)
            s.moves("heading").add(begin, begin + 0.35, sign * 12.0 * DEGREE)
        s.bend("foot_pitch", t + 0.3, back, -s.rng.uniform(6.0, 16.0))


def road(s: Scene, start: float, end: float) -> None:
    """Vibration of a car's floor, of the pedals, and of the leg on them."""
    if end - start < 2.0:
        return
    strength = s.rng.uniform(*ROAD_ACC)
    for axis, share in (("x", 0.5), ("y", 0.5), ("z", 1.0)):
        s.part(axis, shaking(start, end, share * strength, ROAD_HZ, s.rng))
    for name in ("foot_tilt", "shank_pitch"):
        s.part(name, shaking(start, end, 4.0 * strength, ROAD_HZ, s.rng, k=4))


def kitchen(s: Scene) -> None:
    """Make tea and drink it: one to four half steps to a shelf and back, a turn on the spot, long waits."""
    stand(s)
    for at in s.instants((2.0, 9.0), length=12.0):
        n = int(s.rng.integers(1, 5))
        ahead, left = s.rng.uniform(-0.12, 0.30, n), s.rng.uniform(-0.12, 0.12, n)
        turn = s.rng.uniform(-30.0, 30.0, n)
        there = at + 0.95 * np.arange(n) + s.rng.uniform(0.0, 0.2, n)
        back = there + s.rng.uniform(6.0, 7.0)
        for landing in np.concatenate([there, back]) + 0.55:
            knock(s, float(landing), float(s.rng.uniform(0.3, 1.0)))
        s.step(there, s.rng.uniform(0.45, 0.65, n), ahead, left, s.rng.uniform(0.02, 0.05, n), turn)
        s.step(back, s.rng.uniform(0.45, 0.65, n), -ahead, -left, s.rng.uniform(0.02, 0.05, n), -turn)


def tie_shoe(s: Scene) -> None:
    """Bend down over the foot and pull at its laces."""
    s.hold("shank_pitch", float(s.rng.uniform(12.0, 30.0)), into=1.0)
    s.hold("inversion", float(s.rng.uniform(-5.0, 5.0)), into=1.0)
    for at in s.instants((0.4, 2.0), margin=1.5, length=1.0):
        tug = at + np.cumsum(s.rng.uniform(0.12, 0.30, 4))
        size = s.rng.uniform(-1.0, 1.0, (3, 4))
        s.bend("foot_tilt", tug, tug + 0.25, 3.5 * size[0])
        s.bend("foot_pitch", tug, tug + 0.25, 2.0 * np.abs(size[1]))
        s.bend("inversion", tug, tug + 0.25, 3.0 * size[2])
        s.moves("z").bump(tug, tug + 0.2, 0.003 * np.abs(size[1]))


def put_on_shoes(s: Scene) -> None:
    """Take a shoe with its sensor up, turn it about, set it down, slip in, press the heel home, stamp."""
    away, there = s.start + 1.0, s.end - 9.0
    s.leg.take_off(away, there)
    at = np.arange(away, there - 2.0, 1.1)
    stops = np.minimum(at + s.rng.uniform(0.7, 1.2, len(at)), there - 0.2)
    for name, size in (("shoe_heading", 100.0), ("shoe_tilt", 70.0), ("shoe_pitch", 55.0)):
        _wander(s, name, at, stops, size * DEGREE, there)
    for name, size in (("shoe_x", 0.35), ("shoe_y", 0.35)):
        _wander(s, name, at, stops, size, there)
    s.moves("shoe_z").add([away, there - 1.5], [away + 1.2, there - 0.1], [0.5, -0.5])
    for k in range(3):
        t = there + 1.2 + 1.1 * k + s.rng.uniform(0.0, 0.3)
        s.on_ball(t, t + 0.8)
        s.bend("foot_pitch", t, t + 0.8, -s.rng.uniform(10.0, 28.0))
        s.bend("foot_tilt", t, t + 0.6, s.rng.uniform(-6.0, 6.0))
        s.bend("shank_pitch", t, t + 0.8, s.rng.uniform(5.0, 15.0))
    for k in range(2):
        stamp(s, there + 5.4 + 1.1 * k)


def _wander(s: Scene, name: str, start: Array, stop: Array, size: float, back: float) -> None:
    """From one place in -size..size to the next, and home."""
    targets = s.rng.uniform(-size, size, len(start))
    s.moves(name).add(start, stop, np.diff(targets, prepend=0.0))
    s.moves(name).add(back - 1.6, back - 0.05, -targets[-1] if len(targets) else 0.0)


def stamp(s: Scene, at: float) -> None:
    """Lift the foot by some 10 cm and bring it down hard."""
    up = s.rng.uniform(0.06, 0.14)
    s.moves("z").add([at, at + 0.30], [at + 0.35, at + 0.50], [up, -up])
    s.bend("foot_pitch", at, at + 0.46, s.rng.uniform(-15.0, 10.0))
    s.bend("shank_pitch", at, at + 0.6, 12.0)
    knock(s, at + 0.48, s.rng.uniform(2.0, 6.0))


def knock(s: Scene, at: float, strength: float) -> None:
    """Impact at the end of a fall: the sole gives way and springs back, `strength` g on 30 ms."""
    size = strength * 9.8 * 0.022**2 / 7.5
    lobes = ((-0.004, 0.020, -1.0), (0.014, 0.038, 1.35), (0.032, 0.060, -0.35))
    for start, end, share in lobes:
        s.moves("z").add(at + start, at + end, share * size)
    s.impact(at, strength)


def kneel(s: Scene) -> None:
    """Down on a knee, one foot on its ball behind, some work there, and up again."""
    behind = bool(s.rng.random() < 0.5)
    if behind:
        s.leg.moves["pivot"].add([s.start, s.end - 0.2], [s.start + 0.3, s.end], [0.18, -0.18])
        s.hold("foot_pitch", float(-s.rng.uniform(45.0, 65.0)), into=1.2, start=0.3, end=0.3)
        s.hold("shank_pitch", float(s.rng.uniform(62.0, 80.0)), into=1.3, start=0.2, end=0.2)
    else:
        s.place(into=1.2, start=0.1, ahead=0.35)
        s.hold("shank_pitch", float(s.rng.uniform(-5.0, 12.0)), into=1.3)
    for at in s.instants((1.0, 4.0), margin=3.0, length=1.0):
        size = s.rng.uniform(-1.0, 1.0, 3)
        s.bend("inversion", at, at + 0.9, 7.0 * size[0])
        s.bend("shank_pitch", at, at + 1.0, 6.0 * size[1])
        s.bend("foot_tilt", at, at + 0.8, 5.0 * size[2] if behind else 0.0)
