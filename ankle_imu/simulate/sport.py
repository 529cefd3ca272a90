"""Sport on the spot: two-legged jumps and cycling; runs with cutting turns are laid out by `daily`.

References
----------
Flight: a jump that lifts the body by h takes off at v = sqrt(2 g h) and flies for 2 v / g.
Landings turn the foot from toe-down to flat within 0.1 s and from some inversion outwards; sizes after the range
that Devita P., Skelly W. A. (1992), Med. Sci. Sports Exerc. 24:108-115, and later studies of drop landings show;
they have to be of the right order, not average.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.simulate.at_home import knock
from ankle_imu.simulate.scene import FALL, Scene
from ankle_imu.simulate.waves import Circling, Path, Waves, shaking, spun
from ankle_imu.units import DEGREE

Array = NDArray[np.float64]

CRANK: Final = 0.17
"""Length of a bicycle's crank, m."""

LEAVE_S, LAND_S = 0.045, 0.045
"""Time in which the toes come up to the body's speed at take-off, and in which it is lost on landing."""


def jump(s: Scene) -> None:
    """Two-legged jumps of 20 to 40 cm, both feet alike."""
    shared = s.shared()
    start = s.start + 1.0
    while start + 4.0 < s.end:
        _one_jump(s, start, float(shared.uniform(0.20, 0.40)))
        start += shared.uniform(2.2, 6.0)


def _one_jump(s: Scene, start: float, height: float) -> None:
    speed = np.sqrt(2.0 * FALL * height)
    off = start + 0.75
    down = off + 2.0 * speed / FALL
    z = 0.4 * speed * LEAVE_S
    s.part(
        "z",
        Path(
            [off - LEAVE_S, off, down, down + LAND_S],
            [0.0, z, z, 0.0],
            [0.0, speed, -speed, 0.0],
            [0.0, -FALL, -FALL, 0.0],
        ),
    )
    rng = s.rng
    s.on_ball(off - 0.30, down + 0.35)
    rise, tuck = rng.uniform(45.0, 60.0), rng.uniform(18.0, 30.0)
    pitch, lean = s.moves("foot_pitch"), s.moves("shank_pitch")
    pitch.add(off - 0.22, off + 0.03, -rise * DEGREE)
    pitch.add(off + 0.03, down - 0.02, (rise - tuck) * DEGREE)
    pitch.add(down - 0.005, down + rng.uniform(0.08, 0.12), tuck * DEGREE)
    crouch, give = rng.uniform(22.0, 34.0), rng.uniform(18.0, 30.0)
    lean.add(start, off - 0.20, crouch * DEGREE)
    lean.add(off - 0.22, off + 0.02, -crouch * DEGREE)
    lean.add(down - 0.02, down + 0.20, give * DEGREE)
    lean.add(down + 0.25, down + 0.95, -give * DEGREE)
    inverted, settles = rng.uniform(0.0, 9.0), rng.uniform(0.06, 0.10)
    for name, share in (("foot_tilt", 0.8), ("inversion", 1.0)):
        angle = share * inverted * DEGREE
        s.moves(name).add([off, down - 0.01], [down - 0.05, down + settles], [angle, -angle])
    knee = rng.uniform(-6.0, 6.0)
    s.bend("inversion", down + 0.02, down + 0.6, knee)
    knock(s, down + 0.02, rng.uniform(3.0, 8.0))


def cycle(s: Scene) -> None:
    """Mount, pedal at 45 to 100 turns a minute with pauses, coast, stop, dismount."""
    up, ahead = 0.32, 0.25
    for begin, sign in ((s.start + 0.3, 1.0), (s.end - 2.0, -1.0)):
        s.carry(begin, begin + 1.5, ahead=sign * ahead, up=sign * up)
        s.bend("inversion", begin, begin + 1.4, s.rng.uniform(-10.0, 10.0))
        s.bend("shank_pitch", begin, begin + 1.4, 30.0)
    s.hold("foot_pitch", -12.0, into=1.2, start=0.5, end=0.6)
    s.hold("shank_pitch", 8.0, into=1.2, start=0.5, end=0.6)
    at, stop = s.start + 3.0, s.end - 3.0
    while at + 12.0 < stop:
        until = min(at + s.rng.uniform(20.0, 90.0), stop)
        _pedal(s, at, until)
        at = until + s.rng.uniform(2.0, 8.0)
    for axis, share in (("x", 0.6), ("y", 0.4), ("z", 1.0)):
        s.part(axis, shaking(s.start + 2.5, s.end - 2.5, 1.2 * share, (6.0, 25.0), s.rng))


def _pedal(s: Scene, start: float, end: float) -> None:
    """Turn the crank a whole number of times, faster and slower; left and right are half a turn apart."""
    shared = s.shared(start)
    knots = np.concatenate([[start], np.arange(start + 2.0, end - 3.0, 4.0), [end - 1.0, end]])
    rate = 2.0 * np.pi / 60.0 * shared.uniform(45.0, 100.0) * (1.0 + 0.1 * shared.uniform(-1.0, 1.0, len(knots)))
    rate[0] = rate[-1] = 0.0
    turned = np.sum(0.5 * (rate[1:] + rate[:-1]) * np.diff(knots))
    rate *= 2.0 * np.pi * max(1, round(turned / (2.0 * np.pi))) / turned
    angle = spun(knots, rate)
    half = 0.0 if s.leg.falls[0].leg == "left" else np.pi
    for name, size, lag in (
        ("x", s.ahead[0] * CRANK, half),
        ("y", s.ahead[1] * CRANK, half),
        ("z", CRANK, half - 0.5 * np.pi),
        ("foot_pitch", s.rng.uniform(8.0, 26.0) * DEGREE, half + s.rng.uniform(0.0, 1.2)),
        ("shank_pitch", s.rng.uniform(18.0, 24.0) * DEGREE, half + 0.3),
        ("inversion", s.rng.uniform(1.0, 4.0) * DEGREE, half + s.rng.uniform(0.0, 6.0)),
    ):
        s.part(name, Circling(angle, float(size), float(lag)))


def balance(s: Scene) -> None:
    """Stand on one leg or a cushion: slow large sway and quick small corrections of the ankle."""
    start, end = s.start + 1.5, s.end - 1.5
    if end - start < 4.0:
        return
    for name, size in (("inversion", 3.0), ("foot_tilt", 1.5), ("shank_pitch", 2.0)):
        frequency = np.concatenate([s.rng.uniform(0.3, 1.0, 3), s.rng.uniform(1.5, 4.0, 3)])
        sizes = size * DEGREE * np.concatenate([s.rng.uniform(0.5, 1.0, 3), s.rng.uniform(0.1, 0.35, 3)])
        phase = s.rng.uniform(0.0, 2.0 * np.pi, 6)
        s.part(name, Waves(start=start, end=end, size=sizes, frequency=frequency, phase=phase))
