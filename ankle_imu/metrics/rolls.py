"""Ankle rolls and wobbles: which stances went too far too fast (the event ladder of methods E3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.metrics.inversion import STANCE_SHARE, windows
from ankle_imu.metrics.summary import MIN_STRIDES_SPREAD

Array = NDArray[np.float64]
Index = NDArray[np.int64]

HARD_DEG, HARD_DPS, HARD_FAST_DEG = 45.0, 500.0, 25.0
"""A hard roll: that far, or that fast and at least 25 deg (methods E3; 24 recorded sprains: mean 67 deg, 974
deg/s, doi of the review at methods C72)."""

FOOT_ALONE_SHARE: Final = 0.9
"""A foot sensor alone is asked for 18 where two sensors are asked for 20 deg."""

LEAST_S: Final = 0.020
"""An impact rings at 30-100 Hz: a half wave of it is over sooner. The rate is low-passed at 25 Hz besides."""

WOBBLE_Z, WOBBLE_DEG = 4.0, 8.0
"""A wobble: that many robust standard deviations above one's own strides of the same gait, and that far (E3)."""

USUAL_EVERSION_DEG: Final = 12.0
"""Peak eversion of ordinary running at 4 m/s (methods C68); stands in where 5 own stances are not known."""

NEIGHBOURS, FEWEST_NEIGHBOURS = 21, 5
"""Stances of the same foot around one whose median peak is the usual level there: on a side slope the level of a
foot against gravity is another (own choice)."""

BEYOND_DEG: Final = 5.0
"""A roll goes at least so far beyond the usual most inverted angle: the way back from an eversion does not. Of
the simulated rolls of 20 deg and more on rough ground it costs none (own measurement)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Rises:
    """The largest rise of an angle in each stance, all (k,).

    `start`, `top`: samples of its foot and its peak; `height`: deg; `fastest`: largest rate in it, deg/s;
    `held`: samples in a row that its rate stayed at the threshold, within 85 % of stance; `is_seen`: no sample was
    missing from before contact to 20 ms after the peak; `is_known`: nor in the rest of the stance.
    """

    start: Index
    top: Index
    height: Array
    fastest: Array
    held: Index
    is_seen: NDArray[np.bool_]
    is_known: NDArray[np.bool_]


def find_rises(angle: Array, rate: Array, ic: Array, to: Array, sampling_rate: float, roll_dps: float) -> Rises:
    """The largest rise of each stance.

    Parameters
    ----------
    angle : (n,) float array, deg; for eversion the mirrored angle
    rate : (n,) float array, deg/s, of the same sign, band-limited below 40 Hz
    ic, to : (k,) fractional samples
    sampling_rate : float, Hz
    roll_dps : float, deg/s, the rate to be held

    Returns
    -------
    Rises

    Notes
    -----
    From 20 ms before contact to 85 % of stance, the angle above its lowest value so far; a rise still under way
    there is followed to its peak before toe-off. What begins later is push-off: in tight turns a real foot tips
    over by 20-47 deg at 340-560 deg/s as it leaves the ground (six strides of `pyshoe_vicon`, all in the last
    tenth of stance). Missing samples are passed over: a rise across some is at least so high.
    """
    first = ic - LEAST_S * sampling_rate
    w = windows(first, to, len(angle))
    column = np.arange(w.index.shape[1])
    n_early = np.maximum(np.ceil(ic + STANCE_SHARE * (to - ic)) - np.ceil(np.maximum(first, 0.0)), 1.0)
    early = w.inside & (column < n_early[:, None])
    a, r = w.of(angle), w.of(rate)
    known = np.isfinite(a) & np.isfinite(r)
    missing = w.inside & ~known
    filled = np.where(early & known, a, np.inf)
    lowest = np.minimum.accumulate(filled, axis=1)
    with np.errstate(invalid="ignore"):
        rise = np.where(early & known, a - lowest, -np.inf)
    row = np.arange(len(ic))
    top = rise.argmax(axis=1)
    low = lowest[row, top]
    start = (filled == low[:, None]).argmax(axis=1)
    late = np.where(w.inside & known & ~early, a, -np.inf)
    goes_on = (top == np.minimum(n_early, w.inside.sum(axis=1)) - 1) & (late.max(axis=1) > a[row, top])
    top = np.where(goes_on, late.argmax(axis=1), top)
    in_rise = known & (column > start[:, None]) & (column <= top[:, None])
    until = top + int(np.ceil(LEAST_S * sampling_rate))
    return Rises(
        start=w.index[row, start],
        top=w.index[row, top],
        height=a[row, top] - low,
        fastest=np.maximum(np.where(in_rise, r, -np.inf).max(axis=1), 0.0),
        held=longest_run(in_rise & early & (r >= roll_dps)),
        is_seen=np.asarray(~(missing & (column <= until[:, None])).any(axis=1)),
        is_known=np.asarray(~missing.any(axis=1)),
    )


def is_roll(rises: Rises, least_deg: float | Array, sampling_rate: float) -> NDArray[np.bool_]:
    """Which rises are rolls: `least_deg` or more, at the rate of a roll for 20 ms."""
    with np.errstate(invalid="ignore"):
        far = rises.height >= least_deg
    return np.asarray(far & (rises.held >= least_samples(sampling_rate)))


def least_samples(sampling_rate: float) -> int:
    """Samples in a row that come nearest to 20 ms."""
    return max(1, round(LEAST_S * sampling_rate))


def is_hard(height: Array, fastest: Array) -> NDArray[np.bool_]:
    """Which rolls are hard ones."""
    return np.asarray((height >= HARD_DEG) | ((fastest >= HARD_DPS) & (height >= HARD_FAST_DEG)))


def find_rolls(
    angle: Array, rate: Array, ic: Array, to: Array, sampling_rate: float, roll_deg: float, roll_dps: float
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Stances in which the ankle rolled.

    Parameters
    ----------
    angle : (n,) float array, deg, + = inversion
    rate : (n,) float array, deg/s, from the gyroscope
    ic, to : (k,) fractional samples
    roll_deg, roll_dps : thresholds of `Settings`

    Returns
    -------
    inward, outward : dict of arrays, one entry per roll: stride (index), start, sample (of the peak), peak_deg,
        peak_dps, duration_s, is_hard, is_seen (see `Rises`); degrees and rates count in the direction of the roll

    Notes
    -----
    The rate stays at `roll_dps` or more for 20 ms while the angle rises by `roll_deg` (`find_rises`). An inward
    roll peaks at least 5 deg beyond the usual peak of the stances around, an outward one `roll_deg` beyond their
    usual eversion. In one stance the way that goes further beyond the usual is the roll, the other the way back.
    """
    sides = [find_rises(s * angle, s * rate, ic, to, sampling_rate, roll_dps) for s in (1.0, -1.0)]
    beyond = []
    for rises, sign, unknown in zip(sides, (1.0, -1.0), (0.0, USUAL_EVERSION_DEG), strict=True):
        peak = sign * angle[rises.top]
        usual = usual_peak(peak, rises.is_known)
        beyond.append(peak - np.where(np.isfinite(usual), usual, unknown))
    least = (BEYOND_DEG, roll_deg)
    found = []
    for i, rises in enumerate(sides):
        with np.errstate(invalid="ignore"):
            is_it = (beyond[i] >= least[i]) & (beyond[i] >= beyond[1 - i])
        which = np.flatnonzero(is_it & is_roll(rises, roll_deg, sampling_rate))
        found.append(as_events(rises, which, sampling_rate))
    return found[0], found[1]


def usual_peak(peak: Array, is_known: NDArray[np.bool_]) -> Array:
    """Median peak of the stances around each one, (k,); NaN where fewer than 5 are known."""
    half = NEIGHBOURS // 2
    padded = np.pad(np.where(is_known, peak, np.nan), half, constant_values=np.nan)
    if len(peak) == 0:
        return np.empty(0)
    around = np.sort(np.lib.stride_tricks.sliding_window_view(padded, NEIGHBOURS), axis=1)  # NaN last
    count = np.isfinite(around).sum(axis=1)
    row = np.arange(len(peak))
    middle = 0.5 * (around[row, np.maximum(count - 1, 0) // 2] + around[row, count // 2])
    return np.where(count >= FEWEST_NEIGHBOURS, middle, np.nan)


def find_wobbles(excursion: Array, peak_rate: Array, gait: NDArray[np.str_]) -> Index:
    """Strides that swerved far more than the person's own strides of that gait.

    Parameters
    ----------
    excursion : (k,) float array, deg, `inv_excursion_deg`; NaN where a stride may neither be one nor be compared
    peak_rate : (k,) float array, deg/s, `peak_inv_vel_dps`
    gait : (k,) gait class

    Returns
    -------
    indices of strides at least 8 deg far whose excursion or rate has a robust z of 4; none of a gait with fewer
    than 50 strides
    """
    found = np.zeros(len(excursion), dtype=bool)
    for name in np.unique(gait):
        own = (gait == name) & np.isfinite(excursion) & np.isfinite(peak_rate)
        if np.count_nonzero(own) < MIN_STRIDES_SPREAD:
            continue
        z = np.maximum(robust_z(excursion[own]), robust_z(peak_rate[own]))
        found[np.flatnonzero(own)[(z >= WOBBLE_Z) & (excursion[own] >= WOBBLE_DEG)]] = True
    return np.flatnonzero(found)


def robust_z(values: Array) -> Array:
    """Distance from the median in units of 1.4826 MAD, (n,); infinite where all but few are equal."""
    away = values - np.median(values)
    sd = 1.4826 * float(np.median(np.abs(away)))
    return np.asarray(away / sd if sd > 0 else np.sign(away) * np.where(away == 0, 0.0, np.inf))


def as_events(rises: Rises, which: Index, sampling_rate: float) -> dict[str, Array]:
    """The chosen rises as columns: see `find_rolls`."""
    return {
        "stride": which,
        "start": rises.start[which].astype(float),
        "sample": rises.top[which].astype(float),
        "peak_deg": rises.height[which],
        "peak_dps": rises.fastest[which],
        "duration_s": rises.held[which] / sampling_rate,
        "is_hard": is_hard(rises.height[which], rises.fastest[which]),
        "is_seen": rises.is_seen[which],
    }


def longest_run(block: NDArray[np.bool_]) -> Index:
    """Length of the longest run of True in each row."""
    longest = np.zeros(len(block), dtype=np.int64)
    some = np.flatnonzero(block.any(axis=1)) if block.size else np.empty(0, np.int64)
    current = np.zeros(len(some), dtype=np.int64)
    best = np.zeros(len(some), dtype=np.int64)
    for column in block[some].T:
        current = np.where(column, current + 1, 0)
        best = np.maximum(best, current)
    longest[some] = best
    return longest
