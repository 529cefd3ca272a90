"""Left foot or right foot? Two cues of the walk itself, that a sensor cannot be turned to deceive.

In a turn the outer foot goes further. And a foot turns to its outer edge before it lands: the axis of its last
rotation in swing lies to the inside of that of its heel's rise. On the other leg both have the other sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TURN_IN: Final = (14.0, 6.0)
"""deg, mean and SD over feet of how far the rotation axis of the last 150 ms of swing lies to the inside of that
of the heel's rise: 8 feet of 4 persons and one body model, 7.7 .. 25.9 (own comparison)."""

STEP_WIDTH: Final = (0.13, 0.05)
"""m, mean and SD over walkers of the distance between the tracks of the feet."""

_MOST_ODDS: Final = 8.0
"""No single cue counts for more: its spread over people is known from few."""

MOST_STRIDES: Final = 200
LEAST_STRIDES: Final = 3


def turn_in(acc: Array, gyr: Array, ic: Array, to: Array, end: Array, sampling_rate: float) -> float:
    """How far a foot's rotation before it lands lies to the inside of that of its heel's rise, deg.

    Parameters
    ----------
    acc, gyr : (n, 3) float arrays, m/s^2 and rad/s, sensor frame, right-leg convention
    ic, to, end : (k,) samples of contact, toe-off and next contact of strides that go straight on
    sampling_rate : float, Hz

    Returns
    -------
    float
        Positive when the foot is of the leg it is said to be, see `TURN_IN`; negative of the other. NaN with fewer
        than `LEAST_STRIDES` strides.
    """
    if len(ic) < LEAST_STRIDES:
        return float("nan")
    pick = np.unique(np.linspace(0, len(ic) - 1, min(MOST_STRIDES, len(ic))).astype(int))
    ic, to, end = ic[pick], to[pick], end[pick]
    rise, up = _rise(acc, gyr, ic, to)
    late = np.concatenate(_pieces(gyr, end - 0.15 * sampling_rate, end))
    before = _level_axis(late, up)
    before = before if before @ rise > 0 else np.negative(before)
    return float(np.degrees(np.arctan2(np.cross(rise, before) @ up, rise @ before)))


def heel_rise(acc: Array, gyr: Array, ic: Array, to: Array) -> Array:
    """Level axis about which the heel rises, (3,), sensor frame, toe-down positive; NaN with too few strides.

    Parameters
    ----------
    acc, gyr : (n, 3) float arrays, m/s^2 and rad/s, sensor frame
    ic, to : (k,) samples of contact and toe-off
    """
    if len(ic) < LEAST_STRIDES:
        return np.full(3, np.nan)
    pick = np.unique(np.linspace(0, len(ic) - 1, min(MOST_STRIDES, len(ic))).astype(int))
    return _rise(acc, gyr, ic[pick], to[pick])[0]


def _rise(acc: Array, gyr: Array, ic: Array, to: Array) -> tuple[Array, Array]:
    """Axis of the heel's rise and up direction of the flat foot, (3,) each."""
    stance = to - ic
    up = np.median([x.mean(axis=0) for x in _pieces(acc, ic + 0.25 * stance, ic + 0.55 * stance)], axis=0)
    up /= np.linalg.norm(up)
    w = np.concatenate(_pieces(gyr, ic + 0.55 * stance, to))
    axis = _level_axis(w, up)
    return (axis if w.sum(axis=0) @ axis > 0 else np.negative(axis)), up


def _pieces(values: Array, start: Array, stop: Array) -> list[Array]:
    low = np.clip(np.floor(start).astype(int), 0, len(values) - 1)
    high = np.clip(np.ceil(stop).astype(int), low + 1, len(values))
    return [values[a:b] for a, b in zip(low, high, strict=True)]


def _level_axis(w: Array, up: Array) -> Array:
    """First principal component of the rates' level part, (3,)."""
    w = w - np.outer(w @ up, up)
    return np.asarray(np.linalg.eigh(w.T @ w)[1][:, -1])


def track_width(left: Sequence[Array], right: Sequence[Array]) -> tuple[float, float]:
    """Distance of the feet's tracks by how much further the outer foot goes in turns.

    Parameters
    ----------
    left, right : (middle, length, turn) of the strides of each foot, (k,) arrays each: s, m and rad to the left

    Returns
    -------
    width, error : float, m
        Positive when the foot called left is the left one, and the standard error; NaN without strides of both.
    """
    nothing = (float("nan"), float("nan"))
    middle, length, turn = (np.asarray(x, dtype=float) for x in left)
    other, other_length, other_turn = (np.asarray(x, dtype=float) for x in right)
    if len(middle) < LEAST_STRIDES or len(other) < LEAST_STRIDES:
        return nothing
    after = np.searchsorted(other, middle)
    inside = (after > 0) & (after < len(other))
    after = np.clip(after, 1, len(other) - 1)
    inside &= other[after] - other[after - 1] < 1.6
    further = (np.interp(middle, other, other_length) - length)[inside]
    angle = 0.5 * (np.interp(middle, other, other_turn) + turn)[inside]
    good = np.isfinite(further) & np.isfinite(angle)
    further, angle = further[good], angle[good]
    power = float(angle @ angle)
    if len(further) < LEAST_STRIDES or power < 1e-3:
        return nothing
    further = further - np.median(further)
    width = float(angle @ further) / power
    return width, float(np.sqrt(((further - width * angle) ** 2).mean() / power))


def side_odds(turned_in: Sequence[float], width: float, error: float) -> float:
    """Log odds that the foot sensors are on the legs they are said to be on.

    Parameters
    ----------
    turned_in : deg, `turn_in` of each foot; NaN counts for nothing
    width, error : float, m, `track_width`

    Notes
    -----
    On the other leg each cue is the same with the other sign, so a normal cue x of mean m and variance v gives
    2 m x / v. The feet of one person are alike and count once.
    """
    odds = 0.0
    known = [x for x in turned_in if np.isfinite(x)]
    for value, doubt, (mean, spread) in (
        (float(np.mean(known)) if known else float("nan"), 0.0, TURN_IN),
        (width, error, STEP_WIDTH),
    ):
        if np.isfinite(value):
            odds += float(np.clip(2.0 * mean * value / (spread**2 + doubt**2), -_MOST_ODDS, _MOST_ODDS))
    return odds
