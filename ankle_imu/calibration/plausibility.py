"""Do the numbers fit the units they are said to be in? Physics decides, before any analysis.

Two facts need no reference: a sensor that is hardly accelerated feels one gravity, and when it turns, gravity
turns in it as fast as its gyroscope says. Wrong units are off by a factor of at least 9.8 (g for m/s^2) or
57.3 (deg/s for rad/s), so coarse bounds find them and leave room for walking without rest, soft tissue and
scale errors of cheap sensors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ankle_imu import quaternion as qt
from ankle_imu.calibration.means import block_means
from ankle_imu.calibration.sensor_range import RANGE_FACTORS, SWUNG_WINDOW, gyr_range_factor, range_end
from ankle_imu.errors import ImplausibleUnits, RecordingError
from ankle_imu.units import ACC_UNITS, DEGREE, GYR_UNITS, STANDARD_GRAVITY

if TYPE_CHECKING:
    from ankle_imu.values import ImuSeries

Array = NDArray[np.float64]

WORKING_RATE: Final = 25.0
"""Hz. Both checks look at band-limited means; gravity turns below 3 Hz even in running."""

QUIET_WINDOW: Final = 0.25
"""s. About the flat-foot part of a walking stance."""

QUIET_SHARE: Final = 0.05
"""Share of stillest windows that count as quiet: with a 60 % stance a walking foot is flat far longer."""

SMOOTHING: Final = 0.4
"""s. Length of each of two running means before gravity's direction is differentiated: near half a step, so
that impacts average out. On 64 recordings of feet, shanks and free motion (walk, run, stairs, crawl; right
units) the ratio of the two turning rates then lay in 0.41 .. 2.9."""

RATIO_BOUND: Final = math.sqrt(1.0 / DEGREE)
"""7.57, the geometric mean of 1 and 57.3: the widest bound that still tells rad/s from deg/s."""

ACC_BOUNDS: Final = (7.5, 12.5)
"""m/s^2. One gravity, with room for recordings that hold no rest at all."""

RESTLESS_BOUNDS: Final = (7.5, 16.0)
"""m/s^2. The mean vector over 2 s where nothing is still; single swings gave 10 .. 13.7."""

STEADY_SPREAD: Final = 0.3
"""Relative spread inside the stillest windows above which a recording holds no rest."""

DIRECTED: Final = 0.6
"""Norm of the mean vector over the mean norm, below which there is no constant part such as gravity."""

MOST_TURNING: Final = 70.0
"""rad/s. 4000 deg/s, the widest range of any MEMS gyroscope sold for wear."""

LEAST_TURNING: Final = 0.15
"""rad/s, 90th percentile of gravity's turning, below which the gyroscope's unit cannot be judged."""

SLOWEST_WALK: Final = 0.35
"""rad/s. A worn foot or shank that moves at all exceeds this 20 deg/s in one sample of a hundred."""

LIVELY: Final = 0.1
"""Standard deviation of |acc| over its mean: 1 m/s^2; the gentlest walk in the recordings has 0.13."""

AT_REST_SPREAD: Final = 0.01
"""Relative spread of a sensor lying or standing still, for the remark on its scale."""

REST_SCALE_ERROR: Final = 0.05
"""Relative error of gravity at rest that deserves a remark: five times a good factory calibration."""


@dataclass(frozen=True, kw_only=True)
class _Level:
    """The constant part of a vector signal: its norm, by the stillest windows where there are any."""

    value: float
    spread: float
    directed: float

    @property
    def is_steady(self) -> bool:
        return self.spread <= STEADY_SPREAD

    def is_gravity(self, factor: float = 1.0) -> bool:
        """Whether this is one gravity, taken in a unit of `factor` m/s^2."""
        low, high = ACC_BOUNDS if self.is_steady else RESTLESS_BOUNDS
        return low <= self.value * factor <= high and (self.is_steady or self.directed > DIRECTED)


@dataclass(frozen=True, kw_only=True)
class _Facts:
    """What the raw numbers say, in whatever unit they are."""

    acc_level: _Level
    gyr_level: _Level
    liveliness: float
    acc_turning: float
    gyr_turning: float
    gyr_high: float
    n_beyond_range: int
    rate: float

    @property
    def ratio(self) -> float:
        """Gravity's turning seen by acc over that seen by gyr; NaN where too little turns."""
        if self.acc_turning < LEAST_TURNING or self.gyr_turning <= 0.0:
            return float("nan")
        return self.acc_turning / self.gyr_turning

    @property
    def is_lively(self) -> bool:
        """Whether acc moves as it does on a walking leg, and not as in a vehicle that brakes and turns."""
        return self.liveliness > LIVELY or self.ratio > 4.0 * RATIO_BOUND

    @property
    def exceeds_every_range(self) -> bool:
        """More than a tenth of a second beyond what any gyroscope can show, so not a few broken samples."""
        return self.n_beyond_range >= max(3.0, 0.1 * self.rate)


def check_units(series: ImuSeries, placement: str) -> tuple[str, ...]:
    """Refuse a series whose numbers contradict m/s^2 and rad/s.

    Parameters
    ----------
    series : ImuSeries, said to be acc in m/s^2 including gravity and gyr in rad/s, sensor frame
    placement : str, where the sensor was worn, for the sentences

    Returns
    -------
    warnings : tuple of str, each one sentence; empty when all is well

    Raises
    ------
    ImplausibleUnits
        If acc or gyr can only be explained by another unit or range, by removed gravity, by a conversion done
        twice, or by the two being exchanged. `likely_unit` is a key of `units.ACC_UNITS` or
        `units.GYR_UNITS`, or "".
    RecordingError
        If a sensor gave no valid samples, or never changed.

    Notes
    -----
    acc: level of |acc| in the stillest windows, or of the mean vector over 2 s where nothing is still. gyr: for
    a unit vector h along gravity, dh/dt = -w x h; the 90th percentiles of |dh/dt| (smoothed acc) and |w x h|
    (smoothed gyr) must agree within a factor of 7.6. Percentiles are compared and no slope is fitted because
    leg swing correlates the linear acceleration with w, which biases any regression between the two (slopes of
    -0.7 to 0.6 were seen on sound walking data). Without turning there is no verdict on gyr, only a warning.
    The sign of acc cannot be seen: the equation above holds for h and -h alike.
    """
    acc, gyr = _valid_rows(series.acc, series.gyr)
    if len(acc) < 2:
        raise RecordingError(
            f"{placement}: {len(acc)} valid sample(s) among {len(series.time)}; nothing can be measured."
        )
    _refuse_dead(acc, "accelerometer", placement)
    _refuse_dead(gyr, "gyroscope", placement)
    facts = _measure(series.acc, series.gyr, series.sampling_rate)
    _check_acc(facts, placement)
    is_at_rest = facts.acc_level.spread < AT_REST_SPREAD
    gravity = facts.acc_level.value if is_at_rest else STANDARD_GRAVITY
    _check_gyr_range(acc / gravity, gyr, series.sampling_rate, placement)
    _check_gyr(facts, placement)
    return (*_stuck_axes(acc, gyr, placement), *_small_range(gyr, placement), *_remarks(facts, placement))


def likely_units(acc: ArrayLike, gyr: ArrayLike, sampling_rate: float) -> tuple[str, str]:
    """Units that would make raw columns agree with physics.

    Parameters
    ----------
    acc : (n, 3) array, acceleration including gravity in an unknown unit; NaN rows are gaps
    gyr : (n, 3) array, angular rate in an unknown unit
    sampling_rate : float, Hz

    Returns
    -------
    acc_unit : str, a key of `units.ACC_UNITS`, "" where none fits
    gyr_unit : str, a key of `units.GYR_UNITS`, "" where none fits or too little moved to tell

    Raises
    ------
    ValueError
        If the arrays are not (n, 3) each.

    Examples
    --------
    >>> still = np.tile([0.0, 0.0, 1.0], (200, 1)) + 1e-3 * np.random.default_rng(1).normal(size=(200, 3))
    >>> likely_units(still, 0.1 * (still - [0, 0, 1]), 100.0)
    ('g', '')
    """
    acc, gyr = np.asarray(acc, dtype=float), np.asarray(gyr, dtype=float)
    if acc.ndim != 2 or acc.shape[1] != 3 or acc.shape != gyr.shape:
        raise ValueError(f"Found acc {acc.shape} and gyr {gyr.shape}; expected (n, 3) and (n, 3).")
    if len(_valid_rows(acc, gyr)[0]) < 2:
        return "", ""
    facts = _measure(acc, gyr, sampling_rate)
    return _acc_unit(facts), _gyr_unit(facts)


def _acc_unit(facts: _Facts) -> str:
    return next((unit for unit, factor in ACC_UNITS.items() if facts.acc_level.is_gravity(factor)), "")


def _gyr_unit(facts: _Facts) -> str:
    if math.isfinite(facts.ratio):
        for unit, factor in GYR_UNITS.items():
            if 1.0 / RATIO_BOUND < facts.ratio / factor < RATIO_BOUND:
                return unit
        return ""
    if facts.exceeds_every_range:
        return "deg/s" if facts.gyr_high * DEGREE < MOST_TURNING else ""
    return ""


def _valid_rows(acc: Array, gyr: Array) -> tuple[Array, Array]:
    if np.isfinite(acc.sum() + gyr.sum()):  # the usual case, thirty times as fast as looking at each row
        return acc, gyr
    valid = np.isfinite(acc).all(axis=1) & np.isfinite(gyr).all(axis=1)
    return acc[valid], gyr[valid]


def _spread(values: Array) -> Array:
    """Range of each axis; a thinned look is enough unless an axis seems to stand still."""
    thinned = np.ptp(values[:: 1 + len(values) // 2000], axis=0)
    return np.asarray(thinned if thinned.all() else np.ptp(values, axis=0))


def _refuse_dead(values: Array, name: str, placement: str) -> None:
    if _spread(values).any():
        return
    if not values.any():
        raise RecordingError(f"{placement}: the {name} reads exactly zero throughout; it was off or is broken.")
    first = ", ".join(f"{v:.4g}" for v in values[0])
    raise RecordingError(f"{placement}: the {name} never changes ({first}); it was off or is broken.")


def _stuck_axes(acc: Array, gyr: Array, placement: str) -> tuple[str, ...]:
    return tuple(
        f"{placement}: the {axis} axis of the {name} never changes."
        for name, values in (("accelerometer", acc), ("gyroscope", gyr))
        for axis, spread in zip("xyz", _spread(values), strict=True)
        if spread == 0.0
    )


def _small_range(gyr: Array, placement: str) -> tuple[str, ...]:
    end, share = range_end(gyr)
    if not share:
        return ()
    return (
        f"{placement}: gyr ends at {end / DEGREE:.0f} deg/s, where {100 * share:.1f} % of its samples are: its "
        "range is too small for this gait and all angles suffer; set it to 2000 deg/s.",
    )


def _check_acc(facts: _Facts, placement: str) -> None:
    level = facts.acc_level
    if level.is_gravity():
        return
    found = f"{placement}: acc is {level.value:.3g} where the sensor is stillest, expected 9.81 m/s^2"
    factor = _acc_range_factor(level)
    if facts.gyr_level.is_gravity():
        raise _implausible(f"{found}, and gyr is {facts.gyr_level.value:.3g}: acc and gyr are exchanged.", "acc")
    if factor:
        raise _implausible(f"{found}: acc was scaled {_times_range(factor)}.", "acc")
    unit = _acc_unit(facts)
    if unit:
        raise _implausible(
            f"{found}: acc is given in {unit}; say so, or multiply by {_factor(unit)}.", "acc", unit
        )
    if level.is_gravity(1.0 / STANDARD_GRAVITY):
        raise _implausible(f"{found}: acc was converted from g to m/s^2 twice (g*m/s^2); divide by 9.81.", "acc")
    if level.value < ACC_BOUNDS[0]:
        raise _implausible(f"{found}: gravity was removed from acc; export the total acceleration instead.", "acc")
    raise _implausible(f"{found}: no known unit explains it (raw counts?); convert acc to m/s^2.", "acc")


def _acc_range_factor(level: _Level) -> float:
    """Power of two that makes gravity of a rest, nearer than any unit does; 0 where none does."""
    if level.value <= 0.0 or not (level.is_steady or _is_no_unit(level)):
        return 0.0
    known = (*RANGE_FACTORS, *ACC_UNITS.values(), 1.0 / STANDARD_GRAVITY)
    off = {factor: abs(math.log(level.value * factor / STANDARD_GRAVITY)) for factor in known}
    best = min(off, key=lambda factor: off[factor])
    return best if best in RANGE_FACTORS and level.is_gravity(best) else 0.0


def _is_no_unit(level: _Level) -> bool:
    return not any(level.is_gravity(factor) for factor in (*ACC_UNITS.values(), 1.0 / STANDARD_GRAVITY))


def _times_range(factor: float) -> str:
    return (
        f"with {1.0 / factor:g} times its true range: set the range that the sensor really has, "
        f"or multiply by {factor:g}"
    )


def _check_gyr_range(acc: Array, gyr: Array, sampling_rate: float, placement: str) -> None:
    """Refuse a gyroscope whose numbers are off by a power of two; acc (n, 3) in gravities of this sensor."""
    factor, error = gyr_range_factor(acc, gyr, sampling_rate)
    if factor:
        raise _implausible(
            f"{placement}: carried along by gyr, gravity changes its length by {100 * error:.0f} % within "
            f"{SWUNG_WINDOW:g} s; gyr was scaled {_times_range(factor)}.",
            "gyr",
        )


def _check_gyr(facts: _Facts, placement: str) -> None:
    unit = _gyr_unit(facts)
    reaches = f"{placement}: gyr reaches {facts.gyr_high:.3g}"
    beyond = "more than any sensor's 4000 deg/s (70 rad/s)"
    if unit in ("deg/s", "mdeg/s"):
        turning = f"turning {1.0 / facts.ratio:.3g} times as fast as gravity does in acc"
        why = turning if math.isfinite(facts.ratio) else beyond
        raise _implausible(
            f"{reaches}, {why}: gyr is given in {unit}, expected rad/s; say so, or multiply by {_factor(unit)}.",
            "gyr",
            unit,
        )
    if facts.exceeds_every_range:
        raise _implausible(
            f"{reaches}, {beyond}: no known unit explains it (raw counts?); convert gyr to rad/s.", "gyr"
        )
    if facts.ratio >= RATIO_BOUND and facts.gyr_high < SLOWEST_WALK and facts.is_lively:
        raise _implausible(
            f"{placement}: gravity turns {facts.ratio:.3g} times as fast in acc as gyr says: gyr was converted "
            "from deg/s to rad/s twice; multiply by 57.3.",
            "gyr",
        )


def _remarks(facts: _Facts, placement: str) -> tuple[str, ...]:
    remarks = []
    level = facts.acc_level
    error = level.value / STANDARD_GRAVITY - 1.0
    if level.spread < AT_REST_SPREAD and abs(error) > REST_SCALE_ERROR:
        remarks.append(
            f"{placement}: at rest acc reads {level.value:.2f} m/s^2 ({100 * error:+.0f} %); calibrate the sensor."
        )
    if not math.isfinite(facts.ratio):
        remarks.append(f"{placement}: the sensor turned too little to check the unit of gyr.")
    elif facts.ratio >= RATIO_BOUND:
        remarks.append(
            f"{placement}: the sensor was shaken more than turned; the unit of gyr could not be checked."
        )
    return tuple(remarks)


def _factor(unit: str) -> str:
    return f"{(ACC_UNITS | GYR_UNITS)[unit]:.6g}"


def _implausible(message: str, quantity: Literal["acc", "gyr"], likely_unit: str = "") -> ImplausibleUnits:
    return ImplausibleUnits(message, quantity=quantity, likely_unit=likely_unit)


def _measure(acc: Array, gyr: Array, sampling_rate: float) -> _Facts:
    size = max(1, round(sampling_rate / WORKING_RATE))
    slow_acc, slow_gyr = block_means(acc, size), block_means(gyr, size)
    rate = sampling_rate / size
    acc_turning, gyr_turning = _turning(slow_acc, slow_gyr, rate)
    norm = qt.length(slow_acc)
    return _Facts(
        acc_level=_level(slow_acc, rate),
        gyr_level=_level(slow_gyr, rate),
        liveliness=float(np.std(norm) / max(float(np.mean(norm)), 1e-12)),
        acc_turning=acc_turning,
        gyr_turning=gyr_turning,
        gyr_high=float(np.quantile(qt.length(slow_gyr), 0.99)),
        n_beyond_range=_count_beyond(gyr, MOST_TURNING),
        rate=sampling_rate,
    )


def _count_beyond(values: Array, bound: float) -> int:
    return int(np.count_nonzero(values > bound) + np.count_nonzero(values < -bound))


def _windows(values: Array, length: int) -> Array:
    length = max(1, min(length, len(values)))
    return values[: len(values) // length * length].reshape(-1, length, 3)


def _level(values: Array, rate: float) -> _Level:
    windows = _windows(values, max(2, round(QUIET_WINDOW * rate)))
    size = np.sqrt(np.einsum("ijk,ijk->ij", windows, windows))
    level = size.mean(axis=1)
    deviation = windows - np.einsum("ijk->ik", windows)[:, None] / windows.shape[1]
    spread = np.sqrt(np.einsum("ijk,ijk->i", deviation, deviation) / windows.shape[1])
    stillest = np.argsort(spread)[: max(3, math.ceil(QUIET_SHARE * len(windows)))]
    relative = float(np.median(spread[stillest] / np.maximum(level[stillest], 1e-12)))
    strides = _windows(values, max(2, round(2.0 * rate)))
    mean = qt.length(np.einsum("ijk->ik", strides) / strides.shape[1])
    usual = np.sqrt(np.einsum("ijk,ijk->ij", strides, strides)).mean(axis=1)
    directed = float(np.median(mean / np.maximum(usual, 1e-12)))
    value = np.median(level[stillest]) if relative <= STEADY_SPREAD else np.median(mean)
    return _Level(value=float(value), spread=relative, directed=directed)


def _turning(acc: Array, gyr: Array, rate: float) -> tuple[float, float]:
    """90th percentiles of the turning of gravity's direction, by acc (true rad/s) and by gyr (its own unit)."""
    length = max(2, round(SMOOTHING * rate))
    if len(acc) < 2 * length + 4:
        return 0.0, 0.0
    gravity, turn = (_running_mean(_running_mean(v, length), length) for v in (acc, gyr))
    norm = qt.length(gravity)
    up = gravity / np.maximum(norm, 1e-12)[:, None]
    by_acc = qt.length(up[2:] - up[:-2]) * rate / 2.0
    by_gyr = qt.length(np.cross(turn, up)[1:-1])
    near = np.abs(norm[1:-1] / max(float(np.median(norm)), 1e-12) - 1.0) < 0.3
    if not near.any():
        return 0.0, 0.0
    return float(np.quantile(by_acc[near], 0.9)), float(np.quantile(by_gyr[near], 0.9))


def _running_mean(values: Array, length: int) -> Array:
    total = np.cumsum(np.vstack([np.zeros((1, 3)), values]), axis=0)
    return np.asarray((total[length:] - total[:-length]) / length)
