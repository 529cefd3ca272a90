"""Relative heading of foot and shank without magnetometer: both sensors feel the same ankle centre.

The acceleration of the ankle's joint centre, computed once from the foot sensor and once from the shank sensor,
must be one vector. Turned by the difference of the two headings, it is two; that difference is what is sought.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ankle_imu import quaternion as qt

Array = NDArray[np.float64]

CUTOFF_HZ = 10.0
"""Low-pass of accelerations and rates for the coupling, Hz (5 Hz doubles the error in own simulation)."""

MEDIAN_STRIDES = 9
"""Strides in the running median of the heading difference (31 begins to lag behind turns)."""

_RIDGE = 0.3**2
_FIT_SAMPLES = 12_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Coupling:
    """Result of the coupling.

    `delta`: (k,) heading of the shank's earth frame minus that of the foot's, rad, one value per stride,
    unsmoothed; earth_shank = about_z(delta) earth_foot. `coherence`: (k,) agreement of the two horizontal
    accelerations, 0..1. `foot_lever`, `shank_lever`: (3,) sensor to ankle centre, m, sensor frames.
    """

    delta: Array
    coherence: Array
    foot_lever: Array
    shank_lever: Array


@dataclass(frozen=True, kw_only=True, eq=False)
class Motion:
    """One sensor's low-passed motion: orientation (m, 4), acceleration and rate (m, 3), rate's derivative."""

    quat: Array
    acc: Array
    gyr: Array
    gyr_dot: Array

    def at_lever(self, gravity: float) -> tuple[Array, Array]:
        """Earth-frame acceleration without gravity (m, 3), and its Jacobian (m, 3, 3) in the lever arm."""
        own = qt.rotate(self.quat, self.acc)
        own[:, 2] -= gravity
        jacobian = np.empty((len(own), 3, 3))
        for rows in qt.blocks(own):
            w = _cross_matrix(self.gyr[rows])
            jacobian[rows] = qt.to_matrix(self.quat[rows]) @ (_cross_matrix(self.gyr_dot[rows]) + w @ w)
        return own, jacobian


def couple(
    foot: Motion,
    shank: Motion,
    start: NDArray[np.int64],
    stop: NDArray[np.int64],
    gravity: tuple[float, float],
    *,
    run: NDArray[np.int64] | None = None,
    levers: Array | None = None,
    rounds: int = 12,
) -> Coupling:
    """Estimate heading difference per stride and both lever arms.

    Parameters
    ----------
    foot, shank : Motion on one time base, low-passed at `CUTOFF_HZ`
    start, stop : (k,) samples of each stride
    gravity : (2,) m/s^2, length of each sensor's reading at rest
    run : (k,) number of the filter run of each stride, ascending: between runs the heading jumps and is not
        smoothed; one run when None
    levers : (6,) m, lever arms of foot and shank to start from, zeros when None
    rounds : int, most alternations of headings and levers

    Returns
    -------
    Coupling; empty when there are no strides

    Notes
    -----
    c_i = R_i (a_i + K_i r_i) - g with K = [dw/dt]x + [w]x[w]x. For given levers r the heading difference of a
    stride is the angle of sum c_foot conj(c_shank) over it (x + iy); for given headings the levers follow from
    robust ridge least squares (weights 1 / max(1, residual / 1.5 median), ridge 0.3^2 per sample). The two
    alternate from r = 0, on ten runs of twenty strides where there are more, then once on all. Needs no
    alignment. Assumes a fixed ankle centre in both segments. Own simulation: heading error
    0.0-0.4 deg walking and running, where the rule "mediolateral axes are parallel on average" is biased by
    2-4 deg; 5-6 strides suffice.

    References
    ----------
    Weygers I., Kok M. et al. (2020) Drift-free inertial sensor-based joint kinematics for long-term arbitrary
    movements, IEEE Sensors J. 20(14):7969-7979, doi:10.1109/JSEN.2020.2982459 (the acceleration constraint).
    Seel T., Raisch J., Schauer T. (2014) doi:10.3390/s140406891 (lever arms from accelerations).
    """
    empty = np.empty(0)
    if len(start) == 0:
        return Coupling(delta=empty, coherence=empty, foot_lever=np.zeros(3), shank_lever=np.zeros(3))
    levers = np.zeros(6) if levers is None else levers
    run = np.zeros(len(start), dtype=np.int64) if run is None else run
    chosen = _blocks(len(start))
    if len(chosen) < len(start):
        levers = _fit(_Pair.of(foot, shank, start[chosen], stop[chosen], gravity), run[chosen], levers, rounds)
        rounds = 1
    pair = _Pair.of(foot, shank, start, stop, gravity)
    levers = _fit(pair, run, levers, rounds)
    delta, coherence = pair.headings(levers)
    return Coupling(delta=delta, coherence=coherence, foot_lever=levers[:3], shank_lever=levers[3:])


_BLOCKS, _BLOCK_STRIDES = 10, 20


def _blocks(count: int) -> NDArray[np.int64]:
    """Strides to find the levers from: all, or ten evenly spaced runs of twenty."""
    if count <= _BLOCKS * _BLOCK_STRIDES:
        return np.arange(count)
    first = np.linspace(0, count - _BLOCK_STRIDES, _BLOCKS).astype(np.int64)
    return np.unique(first[:, None] + np.arange(_BLOCK_STRIDES))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Pair:
    """Samples of all strides: both sensors' own accelerations and Jacobians, stride number and first sample."""

    own_f: Array
    jac_f: Array
    own_s: Array
    jac_s: Array
    stride: NDArray[np.int64]
    first: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        foot: Motion,
        shank: Motion,
        start: NDArray[np.int64],
        stop: NDArray[np.int64],
        gravity: tuple[float, float],
    ) -> _Pair:
        stride, rows = _stride_samples(start, stop)
        own_f, jac_f = _at(foot, rows).at_lever(gravity[0])
        own_s, jac_s = _at(shank, rows).at_lever(gravity[1])
        first = np.concatenate([[0], np.flatnonzero(np.diff(stride)) + 1])
        return cls(own_f=own_f, jac_f=jac_f, own_s=own_s, jac_s=jac_s, stride=stride, first=first)

    def headings(self, levers: Array) -> tuple[Array, Array]:
        """Heading difference and coherence per stride for given levers (6,)."""
        return _headings(self.own_f + self.jac_f @ levers[:3], self.own_s + self.jac_s @ levers[3:], self.first)


def _fit(pair: _Pair, run: NDArray[np.int64], levers: Array, rounds: int) -> Array:
    """Alternate headings and levers until the levers rest."""
    pick = np.arange(0, len(pair.stride), max(1, len(pair.stride) // _FIT_SAMPLES))
    for _ in range(rounds):
        before = levers
        delta = smooth_angles(pair.headings(levers)[0], MEDIAN_STRIDES, run)[pair.stride[pick]]
        levers = _fit_levers(pair.own_f[pick], pair.jac_f[pick], pair.own_s[pick], pair.jac_s[pick], delta)
        if np.abs(levers - before).max() < 2e-4:
            break
    return levers


def _at(motion: Motion, rows: NDArray[np.int64]) -> Motion:
    return Motion(quat=motion.quat[rows], acc=motion.acc[rows], gyr=motion.gyr[rows], gyr_dot=motion.gyr_dot[rows])


def _stride_samples(
    start: NDArray[np.int64], stop: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Stride number and sample index of every second sample inside a stride (the band ends at `CUTOFF_HZ`)."""
    count = np.maximum((stop - start + 1) // 2, 1)
    stride = np.repeat(np.arange(len(start)), count)
    offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return stride, start[stride] + 2 * offset


def _headings(c_f: Array, c_s: Array, first: NDArray[np.int64]) -> tuple[Array, Array]:
    foot = c_f[:, 0] + 1j * c_f[:, 1]
    shank = c_s[:, 0] + 1j * c_s[:, 1]
    product = np.add.reduceat(shank * np.conj(foot), first)
    size = np.add.reduceat(np.abs(shank) * np.abs(foot), first)
    return np.angle(product), np.abs(product) / np.maximum(size, 1e-12)


def _fit_levers(own_f: Array, jac_f: Array, own_s: Array, jac_s: Array, delta: Array) -> Array:
    """Six lever components from R(delta) c_foot = c_shank by iteratively reweighted ridge least squares."""
    turn = qt.to_matrix(qt.about_z(delta))
    design = np.concatenate([turn @ jac_f, -jac_s], axis=2).reshape(-1, 6)
    target = (own_s - np.einsum("nij,nj->ni", turn, own_f)).ravel()
    levers = _ridge(design, target, np.ones(len(own_f)))
    residual = np.linalg.norm((target - design @ levers).reshape(-1, 3), axis=1)
    weight = 1.0 / np.maximum(1.0, residual / max(1.5 * float(np.median(residual)), 1e-9))
    return _ridge(design, target, weight)


def _ridge(design: Array, target: Array, weight: Array) -> Array:
    w = np.repeat(weight, 3)
    normal = (design * w[:, None]).T @ design
    ridge = _RIDGE * len(weight)
    return np.asarray(np.linalg.solve(normal + ridge * np.eye(6), (design * w[:, None]).T @ target))


def smooth_angles(angles: Array, window: int, run: NDArray[np.int64] | None = None) -> Array:
    """Centred running median of angles, rad, unwrapped on the way; shorter at the ends of each run."""
    if len(angles) == 0:
        return angles
    if run is not None and run[0] != run[-1]:
        cuts = np.flatnonzero(np.diff(run)) + 1
        return np.concatenate([smooth_angles(part, window) for part in np.split(angles, cuts)])
    unwrapped = np.unwrap(angles)
    half = min(window // 2, len(angles) - 1)
    padded = np.concatenate([np.full(half, np.nan), unwrapped, np.full(half, np.nan)])
    return np.asarray(np.nanmedian(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1), axis=1))


def _cross_matrix(v: Array) -> Array:
    out = np.zeros((len(v), 3, 3))
    out[:, 0, 1], out[:, 0, 2] = -v[:, 2], v[:, 1]
    out[:, 1, 0], out[:, 1, 2] = v[:, 2], -v[:, 0]
    out[:, 2, 0], out[:, 2, 1] = -v[:, 1], v[:, 0]
    return out
