"""Still phases of a sensor and the gyroscope bias they show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ankle_imu.units import DEGREE

Array = NDArray[np.float64]

BLOCK_S = 0.1


@dataclass(frozen=True, kw_only=True, eq=False)
class Rests:
    """Still phases; all arrays have one row per phase.

    `start, stop`: (k,) samples; `gyr`: (k, 3) mean angular rate, rad/s, which is the bias; `acc`: (k, 3) mean
    acceleration, m/s^2, which is gravity seen from the sensor.
    """

    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    gyr: Array
    acc: Array

    def __len__(self) -> int:
        return len(self.start)

    def within(self, start: float, stop: float) -> Rests:
        """Phases that lie inside `[start, stop)` samples, those that reach out of it cut off whole."""
        keep = (self.start >= start) & (self.stop <= stop)
        return Rests(start=self.start[keep], stop=self.stop[keep], gyr=self.gyr[keep], acc=self.acc[keep])


def find_rests(acc: Array, gyr: Array, sampling_rate: float, shortest_s: float = 1.5) -> Rests:
    """Phases in which the sensor lies or stands still.

    Parameters
    ----------
    acc, gyr : (n, 3) float arrays, m/s^2 and rad/s, sensor frame
    shortest_s : float, s, shorter phases are left out (VQF's own rest rule: 1.5 s)

    Returns
    -------
    Rests

    Notes
    -----
    Over blocks of 0.1 s: spread of the rate below 1.5 deg/s and of the acceleration below 0.15 m/s^2 (S:A3
    gates), and block means that stay within 2 deg/s and 0.3 m/s^2 of the phase's median. A mean rate above
    6 deg/s is no bias but a slow turn.
    """
    size = max(2, round(BLOCK_S * sampling_rate))
    count = len(acc) // size
    if count == 0:
        return _no_rests()
    blocks_g = gyr[: count * size].reshape(count, size, 3)
    blocks_a = acc[: count * size].reshape(count, size, 3)
    mean_g, mean_a = (np.einsum("ijk->ik", blocks) / size for blocks in (blocks_g, blocks_a))
    spread_g, spread_a = _spread(blocks_g, mean_g), _spread(blocks_a, mean_a)
    quiet = (spread_g < 1.5 * DEGREE) & (spread_a < 0.15)
    quiet &= np.linalg.norm(mean_g, axis=1) < 6.0 * DEGREE
    return _phases(quiet, mean_g, mean_a, size, max(2, round(shortest_s * sampling_rate / size)))


def _spread(blocks: Array, mean: Array) -> Array:
    """Standard deviation within each block, all three axes together, (k,)."""
    total = np.einsum("ijk,ijk->i", blocks, blocks) / blocks.shape[1]
    return np.asarray(np.sqrt(np.maximum(total - np.einsum("ik,ik->i", mean, mean), 0.0)))


def _phases(quiet: NDArray[np.bool_], gyr: Array, acc: Array, size: int, shortest: int) -> Rests:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], quiet, [False]]).astype(np.int8)))
    found = []
    for a, b in zip(edges[0::2], edges[1::2], strict=True):
        if b - a < shortest:
            continue
        centre_g, centre_a = np.median(gyr[a:b], axis=0), np.median(acc[a:b], axis=0)
        steady = np.linalg.norm(gyr[a:b] - centre_g, axis=1) < 2.0 * DEGREE
        steady &= np.linalg.norm(acc[a:b] - centre_a, axis=1) < 0.3
        if steady.sum() >= shortest:
            found.append((a * size, b * size, gyr[a:b][steady].mean(axis=0), acc[a:b][steady].mean(axis=0)))
    if not found:
        return _no_rests()
    return Rests(
        start=np.array([f[0] for f in found], dtype=np.int64),
        stop=np.array([f[1] for f in found], dtype=np.int64),
        gyr=np.array([f[2] for f in found]),
        acc=np.array([f[3] for f in found]),
    )


def _no_rests() -> Rests:
    none = np.empty(0, dtype=np.int64)
    return Rests(start=none, stop=none, gyr=np.empty((0, 3)), acc=np.empty((0, 3)))


def bias_over_time(rests: Rests, n: int) -> Array:
    """Gyroscope bias at each of n samples, (n, 3) or (1, 3), rad/s.

    Linear between rests, held beyond them; zero when there is none.
    """
    if len(rests) == 0:
        return np.zeros((1, 3))
    if len(rests) == 1:
        return rests.gyr
    centre = 0.5 * (rests.start + rests.stop)
    index = np.arange(n)
    return np.stack([np.interp(index, centre, rests.gyr[:, k]) for k in range(3)], axis=1)
