"""From swings to strides: contacts, foot-flat, duration, and why a stride is not used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ankle_imu.gait.events import Swings

Array = NDArray[np.float64]
Index = NDArray[np.int64]

LONGEST_S = 2.5
"""From one contact to the next of the same foot; longer is a pause, no stride."""

SHORTEST_S = 0.4


@dataclass(frozen=True, kw_only=True, eq=False)
class Strides:
    """Strides of one foot in time order, all (k,) arrays.

    `ic, to, end`: fractional samples of initial contact, toe-off and next initial contact; `flat, next_flat`:
    samples of the stillest instant of this stance and the next; `flat_score, next_flat_score`: stillness there.
    """

    ic: Array
    to: Array
    end: Array
    flat: Index
    next_flat: Index
    flat_score: Array

    def __len__(self) -> int:
        return len(self.ic)

    def stance_share(self) -> Array:
        """Duty factor: stance over stride, (k,)."""
        return np.asarray((self.to - self.ic) / (self.end - self.ic))


def stances(swings: Swings, n: int, sampling_rate: float) -> tuple[Array, Array]:
    """Start and stop, fractional samples, of the stance after each swing; the last of a bout ends after 0.6 s."""
    if len(swings) == 0:
        return np.empty(0), np.empty(0)
    following = np.append(swings.to[1:], np.inf)
    stop = np.where(following - swings.ic < LONGEST_S * sampling_rate, following, swings.ic + 0.6 * sampling_rate)
    return np.minimum(swings.ic, n - 1.0), np.minimum(stop, float(n))


def stillest(score: Array, start: Array, stop: Array) -> Index:
    """Sample of the lowest score in each interval [start, stop)."""
    low = np.clip(np.ceil(start).astype(np.int64), 0, len(score) - 1)
    high = np.clip(np.ceil(stop).astype(np.int64), low + 1, len(score))
    return np.array([a + int(score[a:b].argmin()) for a, b in zip(low, high, strict=True)], dtype=np.int64)


def pair_swings(swings: Swings, score: Array, sampling_rate: float) -> Strides:
    """Strides from initial contact to the next initial contact of the same foot.

    Parameters
    ----------
    swings : Swings of the foot
    score : (n,) float array, stillness score of `gait.events.stillness`
    sampling_rate : float, Hz

    Returns
    -------
    Strides; contacts further apart than `LONGEST_S` or closer than `SHORTEST_S` make none
    """
    if len(swings) < 2:
        none, index = np.empty(0), np.empty(0, np.int64)
        return Strides(ic=none, to=none, end=none, flat=index, next_flat=index, flat_score=none)
    flat = stillest(score, *stances(swings, len(score), sampling_rate))
    ic, to, end = swings.ic[:-1], swings.to[1:], swings.ic[1:]
    duration = (end - ic) / sampling_rate
    keep = (duration >= SHORTEST_S) & (duration <= LONGEST_S) & (to > ic) & (to < end)
    return Strides(
        ic=ic[keep],
        to=to[keep],
        end=end[keep],
        flat=flat[:-1][keep],
        next_flat=flat[1:][keep],
        flat_score=score[flat[:-1][keep]],
    )
