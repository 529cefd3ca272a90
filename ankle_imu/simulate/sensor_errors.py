"""What a small MEMS sensor, strapped over skin and shoe, makes of the exact motion.

References
----------
Noise, bias and scale figures: data sheets of common six-axis parts (4 mdps/rtHz, 70 to 150 ug/rtHz, 16 bit);
`full` takes the largest that they allow: 1 % of scale and of cross-axis sensitivity, 50 mg, 0.01 dps/g, 0.01 to
0.03 dps/K.
Soft-tissue wobble: `typical` 0.4 to 1 deg at 5 to 12 Hz after each contact, after Leardini A. et al. (2005) Human
movement analysis using stereophotogrammetry, part 3, Gait Posture 21:212-225, doi:10.1016/j.gaitpost.2004.05.002,
scaled to a tightly worn sensor; `full` 1 to 3 deg at 5 to 15 Hz, a loosely worn one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import quaternion
from ankle_imu.simulate.moves import Moves
from ankle_imu.units import DEGREE, STANDARD_GRAVITY

Array = NDArray[np.float64]

ACC_RANGE: Final = 16.0 * STANDARD_GRAVITY
GYR_RANGE: Final = 2000.0 * DEGREE
_INTERNAL_RATE: Final = 600.0

WARM_UP_S: Final = 600.0
"""Time constant with which a worn sensor takes on its temperature: own choice, a small plastic case."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """How large the errors of a sensor are; pairs are the least and the largest."""

    gyr_bias_dps: tuple[float, float]
    acc_bias_g: tuple[float, float]
    scale: tuple[float, float]
    cross_axis: float
    gyr_per_g_dps: float
    wobble: dict[str, tuple[float, float]]
    """Segment -> rotation, rad, and shift, m, of a sensor against its segment after a contact of walking."""
    wobble_hz: tuple[float, float]


LEVELS: Final = {
    "typical": Level(
        gyr_bias_dps=(0.3, 0.5),
        acc_bias_g=(0.008, 0.016),
        scale=(0.0, 0.005),
        cross_axis=0.002,
        gyr_per_g_dps=0.005,
        wobble={"foot": (0.4 * DEGREE, 0.0003), "shank": (0.8 * DEGREE, 0.0008)},
        wobble_hz=(5.0, 12.0),
    ),
    "full": Level(
        gyr_bias_dps=(0.5, 2.0),
        acc_bias_g=(0.03, 0.05),
        scale=(0.005, 0.01),
        cross_axis=0.01,
        gyr_per_g_dps=0.01,
        wobble={"foot": (1.0 * DEGREE, 0.001), "shank": (1.5 * DEGREE, 0.0015)},
        wobble_hz=(5.0, 15.0),
    ),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Sensor:
    """One imperfect sensor: everything that stays the same through a session."""

    gyr_bias: Array
    acc_bias: Array
    gyr_gain: Array
    acc_gain: Array
    gyr_noise: float
    acc_noise: float
    gyr_walk: float
    """rad/s per square root of a second."""
    gyr_per_acc: Array
    """Rate that each m/s^2 feigns, rad/s per m/s^2."""
    gyr_warming: Array
    """Bias that the whole warm-up adds, rad/s."""


def draw_sensor(level: Level, warm_up: float, rng: np.random.Generator) -> Sensor:
    """Draw a sensor with errors of that level, which warms up by `warm_up` K."""

    def gain() -> Array:
        least, largest = level.scale
        draw = rng.uniform(-1, 1, 3)
        scale = np.sign(draw) * (least + (largest - least) * np.abs(draw))
        return np.eye(3) + np.diag(scale) + level.cross_axis * rng.uniform(-1, 1, (3, 3))

    return Sensor(
        gyr_bias=rng.choice([-1.0, 1.0], 3) * rng.uniform(*level.gyr_bias_dps, 3) * DEGREE,
        acc_bias=rng.choice([-1.0, 1.0], 3) * rng.uniform(*level.acc_bias_g, 3) * STANDARD_GRAVITY,
        gyr_gain=gain(),
        acc_gain=gain(),
        gyr_noise=0.004 * DEGREE,
        acc_noise=rng.uniform(70e-6, 150e-6) * STANDARD_GRAVITY,
        gyr_walk=0.003 * DEGREE,
        gyr_per_acc=level.gyr_per_g_dps * DEGREE / STANDARD_GRAVITY * rng.uniform(-1, 1, (3, 3)),
        gyr_warming=_warming(warm_up, rng),
    )


def _warming(warm_up: float, rng: np.random.Generator) -> Array:
    """Change of the gyroscope's bias over the whole warm-up, (3,) rad/s: 0.01 to 0.03 dps/K on each axis."""
    if warm_up == 0.0:
        return np.zeros(3)
    return np.asarray(warm_up * rng.choice([-1.0, 1.0], 3) * rng.uniform(0.01, 0.03, 3) * DEGREE)


def oversampling(sampling_rate: float) -> int:
    """Internal samples per output sample, so that the filter before the converter has something to filter."""
    return max(1, int(np.ceil(_INTERNAL_RATE / sampling_rate)))


def wobble(
    acc: Array,
    gyr: Array,
    time: Array,
    *,
    segment: str,
    level: Level,
    contacts: Array,
    strength: Array,
    looseness: Array,
    factor: float,
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    """Readings of a sensor that rides on soft tissue: it rings after each contact and trembles in between.

    Parameters
    ----------
    acc, gyr : (n, 3) float arrays, exact, segment frame
    time : (n,) float array, s
    segment : `foot` | `shank`
    level : Level
    contacts : (strides,) float array, s, initial contacts
    strength : (strides,) float array, 1 for a contact of ordinary walking
    looseness : (strides,) float array, 1 for a tight strap; how many times further the sensor swings
    factor : float, on everything
    rng : numpy random generator

    Returns
    -------
    acc, gyr : (n, 3) float arrays

    Notes
    -----
    To first order in the wobble; its shift enters by its acceleration alone.
    """
    turn, shift = level.wobble[segment]
    frequency = rng.uniform(*level.wobble_hz)
    swing = strength * looseness**2
    angle = [_ringing(contacts, swing, s * turn * factor, frequency, rng) for s in (0.6, 0.8, 0.5)]
    place = [_ringing(contacts, swing, shift * factor, frequency, rng) for _ in range(3)]
    for moves in place:
        _rattle(moves, contacts, strength * looseness * factor, rng)
    angles = [moves.evaluate(time) for moves in angle]
    back = quaternion.from_rotation_vector(-np.stack([a.value for a in angles], axis=1))
    rates = np.stack([a.rate for a in angles], axis=1)
    shaken = np.stack([moves.evaluate(time).acceleration for moves in place], axis=1)
    return quaternion.rotate(back, acc + shaken), quaternion.rotate(back, gyr) + rates


def _ringing(contacts: Array, strength: Array, size: float, frequency: float, rng: np.random.Generator) -> Moves:
    """A damped oscillation after each contact, alike from step to step, and random small moves between them."""
    moves = Moves()
    half = 0.5 / frequency
    bias = rng.uniform(0.5, 1.0) * rng.choice([-1.0, 1.0])
    first = size * np.sqrt(strength) * (bias + 0.3 * rng.standard_normal(len(contacts)))
    levels = (0.0, 1.0, -0.65, 0.38, -0.15, 0.0)
    for i, change in enumerate(np.diff(levels)):
        begin = contacts - 0.005 + i * half
        moves.add(begin, begin + 1.1 * half, change * first)
    for k in range(5):
        begin = contacts + 0.18 * k + rng.uniform(0.0, 0.18, len(contacts))
        moves.bump(begin, begin + 2.0 * half, 0.2 * size * rng.standard_normal(len(contacts)))
    return moves


def _rattle(moves: Moves, contacts: Array, strength: Array, rng: np.random.Generator) -> None:
    """Hard ringing of shoe and strap right after contact: a few cycles near 40 Hz, about half a g in walking."""
    size = 0.5 * STANDARD_GRAVITY * 0.012**2 / 7.5 * strength * rng.standard_normal(len(contacts))
    for i, change in enumerate(np.diff((0.0, 1.0, -0.8, 0.5, -0.25, 0.0))):
        begin = contacts + 0.012 * i
        moves.add(begin, begin + 0.014, change * size)


def measure(
    acc: Array, gyr: Array, *, every: int, sampling_rate: float, sensor: Sensor, rng: np.random.Generator
) -> tuple[Array, Array]:
    """What the sensor puts out: filtered, decimated, biased, noisy, rounded to 16 bit and clipped.

    Parameters
    ----------
    acc, gyr : ((n - 1) * every + 1, 3) float arrays at `every` times the sampling rate, sensor frame
    every : internal samples per output sample
    sampling_rate : float, Hz, of the output
    sensor : Sensor
    rng : numpy random generator

    Returns
    -------
    acc, gyr : (n, 3) float arrays, m/s^2 and rad/s
    """
    a, w = _decimate(acc, every), _decimate(gyr, every)
    n = len(a)
    bandwidth = np.sqrt(0.5 * sampling_rate)
    drift = np.cumsum(rng.standard_normal((n, 3)), axis=0) * sensor.gyr_walk / np.sqrt(sampling_rate)
    warm = 1.0 - np.exp(-np.arange(n) / (sampling_rate * WARM_UP_S))
    drift += warm[:, None] * sensor.gyr_warming
    w = w @ sensor.gyr_gain.T + a @ sensor.gyr_per_acc.T + sensor.gyr_bias + drift
    a = a @ sensor.acc_gain.T + sensor.acc_bias
    w += sensor.gyr_noise * bandwidth * rng.standard_normal((n, 3))
    a += sensor.acc_noise * bandwidth * rng.standard_normal((n, 3))
    return _quantise(a, ACC_RANGE), _quantise(w, GYR_RANGE)


def _decimate(values: Array, every: int) -> Array:
    """Low-pass at 0.4 of the output rate, zero phase, and every `every`-th sample."""
    if every == 1:
        return values
    from scipy.signal import firwin, upfirdn

    half = 6 * every
    taps = np.asarray(firwin(2 * half + 1, 0.8 / every))
    padded = np.pad(values, ((half, half), (0, 0)), mode="edge")
    n = (len(values) - 1) // every + 1
    return np.asarray(upfirdn(taps, padded, down=every, axis=0)[12 : 12 + n])


def _quantise(values: Array, full_scale: float) -> Array:
    step = full_scale / 32768.0
    return np.asarray(np.clip(np.rint(values / step), -32768, 32767) * step)


def lose(
    n: int, fraction: float, gap: float, rng: np.random.Generator, *, longest: float = np.inf
) -> NDArray[np.bool_]:
    """Which of n samples never arrive: gaps of exponential length, mean `gap` samples, at random places.

    No gap is longer than `longest` samples; gaps that would touch are drawn anew then.
    """
    lost = np.zeros(n, dtype=bool)
    while lost.mean() < fraction:
        length = int(np.ceil(rng.exponential(gap)))
        start = int(rng.integers(0, n))
        if np.isfinite(longest) and (length > longest or lost[max(start - 1, 0) : start + length + 1].any()):
            continue
        lost[start : start + length] = True
    return lost
