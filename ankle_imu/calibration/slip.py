"""A sensor that slips on its segment in mid-walk: when, by how much, and the way back.

Two directions fix a sensor on a walking segment, stride by stride: the mean acceleration, which is gravity at the
segment's mean attitude, and the main axis of rotation. Both stay where they are from stride to stride but for
ground and gait. When the strap gives way, both are turned at once and stay so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import quaternion as qt
from ankle_imu.calibration.alignment import frame_from, unit
from ankle_imu.calibration.means import block_means
from ankle_imu.units import DEGREE

Array = NDArray[np.float64]

BLOCK_RATE: Final = 50.0
"""Hz, of the block means looked at."""

LEAST_DEG: Final = 4.0
"""A smaller turn is not told from a change of gait or ground (own choice); the gate at later stops asks for 3."""

LEAST_STRIDES: Final = 6
"""Strides of one gait needed on either side."""

NEAR_STRIDES: Final = 8
"""Strides on either side whose medians show whether the turn came at once (own choice)."""

STEEPEST: Final = 0.6
"""Most that the mean pitch follows the slope; a foot lies on it for half the stride (simulated hills 0.3-0.54)."""

SLOPING: Final = 0.5 * DEGREE
"""rad, spread of the slope below which the ground counts as level."""

EXPLAINED: Final = 0.42
"""Share of the scatter along the turn that one step must explain. Own comparison, 15 simulated sessions and 8 real
recordings: slips of 10-20 deg 0.5 .. 1, none 0 .. 0.39 where there were more than 20 strides."""

AT_ONCE: Final = 0.4
"""Share of the turn that must happen between the nearest strides; a slope or a tiring walker changes slowly."""

SIGMAS: Final = 8.0
"""The step in units of its own standard error, if strides were independent; they are not, hence so many."""


LEAST_EARLY: Final = 3
EARLY_DEG: Final = 6.0
EARLY_RATIO: Final = 5.0
"""Strides on either side, least turn, and how many times the strides' median distance from their side's median it
is. Own comparison over 10-15 strides: 24 sensors of 6 simulated wearers on level, uneven and sloping ground
0.5 .. 4.3, 16 stretches of 3 real recordings 0.6 .. 2.0; slips of 12 deg on level ground 6.3 .. 14."""

STRIDE_SCATTER: Final = 0.7 * DEGREE
"""rad, strides of one walk are not more alike than this (same comparison: 0.7 .. 1.5 deg on level ground)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Slip:
    """One slip: `stride` is the first after it; `turn` (3,) rad, rotation vector of the sensor, sensor frame."""

    stride: int
    turn: Array

    @property
    def degrees(self) -> float:
        """How far the sensor turned."""
        return float(np.linalg.norm(self.turn)) / DEGREE


def stride_frames(acc: Array, gyr: Array, sampling_rate: float, start: Array, stop: Array) -> Array:
    """Frame of gravity and main rotation axis in each stride, (k, 3, 3), rows in the sensor frame.

    Parameters
    ----------
    acc, gyr : (n, 3) float arrays, m/s^2 and rad/s, sensor frame, without gaps
    sampling_rate : float, Hz
    start, stop : (k,) samples of the strides
    """
    size = max(1, round(sampling_rate / BLOCK_RATE))
    a, w = block_means(acc, size), block_means(gyr, size)
    low = np.clip((start / size).astype(int), 0, len(a) - 2)
    high = np.clip((stop / size).astype(int), low + 1, len(a) - 1)
    sums = np.cumsum(np.concatenate([np.zeros((1, 3)), a]), axis=0)
    up = unit(sums[high] - sums[low])
    squares = np.cumsum(np.concatenate([np.zeros((1, 9)), np.einsum("ni,nj->nij", w, w).reshape(-1, 9)]), axis=0)
    scatter = (squares[high] - squares[low]).reshape(-1, 3, 3)
    axis = np.linalg.eigh(scatter)[1][:, :, -1]
    usual = np.linalg.eigh(scatter.sum(axis=0))[1][:, -1]
    axis *= np.where(axis @ usual < 0.0, -1.0, 1.0)[:, None]
    axis = unit(axis - np.einsum("ki,ki->k", axis, up)[:, None] * up)
    return np.stack([np.cross(axis, up), axis, up], axis=1)


def find_slip(frames: Array, gait: NDArray[np.str_], slope: Array) -> Slip | None:
    """The slip of a sensor, if there is one.

    Parameters
    ----------
    frames : (k, 3, 3) float array, `stride_frames` in time order
    gait : (k,) class of each stride; only strides of one class are compared
    slope : (k,) float array, rad, of the ground along the way; zeros when unknown

    Returns
    -------
    Slip or None
        The largest step; a further one shows when the sensor is turned back by this one.

    Notes
    -----
    At least `LEAST_STRIDES` of one gait are needed before and after, so a slip at the edge of a short walk is not
    seen; gravity at standing stops would show some of these but follows the ground as well.

    The turn of each stride's frame against the median one is a rotation vector; its pitch is freed of the slope
    (least squares). The split of time that leaves the least scatter within gaits on either side, each axis in
    units of its own stride-to-stride scatter, is the candidate.
    """
    if len(frames) < 2 * LEAST_STRIDES:
        return None
    usual = frame_from(np.median(frames[:, 2], axis=0), np.median(frames[:, 1], axis=0))
    turned = qt.to_rotation_vector(qt.from_matrix(frames @ usual.T))
    turned = _without_slope(turned, gait, slope)
    split = _best_split(turned, gait)
    step = split.step
    if split.sigmas < SIGMAS or split.explained < EXPLAINED or np.linalg.norm(step) < LEAST_DEG * DEGREE:
        return None
    if _near(turned, gait, split.at) @ step < AT_ONCE * (step @ step):
        return None
    return Slip(stride=split.at, turn=usual.T @ step)


def find_early_slip(frames: Array) -> Slip | None:
    """The slip within a few strides, of a walk just begun.

    Parameters
    ----------
    frames : (k, 3, 3) float array, `stride_frames` of straight strides of one gait on even ground, in time order

    Returns
    -------
    Slip or None

    Notes
    -----
    Ten strides are too few for the spread that `find_slip` asks for; here the medians on either side are set
    against the strides' own distance from them. `LEAST_EARLY` strides are needed on either side: of a slip within
    the last two nothing is known yet. On rough ground, where strides differ, only a larger slip is told.
    """
    if len(frames) < 2 * LEAST_EARLY:
        return None
    usual = frame_from(np.median(frames[:, 2], axis=0), np.median(frames[:, 1], axis=0))
    turned = qt.to_rotation_vector(qt.from_matrix(frames @ usual.T))
    splits = []
    for at in range(LEAST_EARLY, len(turned) - LEAST_EARLY + 1):
        before, after = np.median(turned[:at], axis=0), np.median(turned[at:], axis=0)
        away = np.linalg.norm(np.concatenate([turned[:at] - before, turned[at:] - after]), axis=1)
        step = after - before
        splits.append((float(np.linalg.norm(step) / max(np.median(away), STRIDE_SCATTER)), at, step))
    ratio, at, step = max(splits, key=lambda split: split[0])
    if ratio < EARLY_RATIO or np.linalg.norm(step) < EARLY_DEG * DEGREE:
        return None
    return Slip(stride=at, turn=usual.T @ step)


def _without_slope(turned: Array, gait: NDArray[np.str_], slope: Array) -> Array:
    """`turned` (k, 3) with its pitch freed of what follows the slope within each gait."""
    slope = np.nan_to_num(slope)
    y, x = turned[:, 1].copy(), slope.copy()
    for name in np.unique(gait):
        same = gait == name
        y[same] -= y[same].mean()
        x[same] -= x[same].mean()
    power = float(x @ x)
    out = turned.copy()
    if power > len(x) * SLOPING**2:
        out[:, 1] -= np.clip(float(x @ y) / power, -STEEPEST, STEEPEST) * slope
    return out


@dataclass(frozen=True, kw_only=True, eq=False)
class _Split:
    """A split of the strides in two.

    `at`: first stride after it; `step`: (3,) rad, mean turn there; `sigmas`: its size in standard errors;
    `explained`: share of the scatter along it that it explains.
    """

    at: int
    step: Array
    sigmas: float
    explained: float


def _best_split(turned: Array, gait: NDArray[np.str_]) -> _Split:
    n = len(turned)
    total, weight = np.zeros((n, 3)), np.zeros(n)
    centred = np.empty_like(turned)
    for name in np.unique(gait):
        same = np.flatnonzero(gait == name)
        centred[same] = turned[same] - turned[same].mean(axis=0)
        member, values = np.zeros(n), np.zeros((n, 3))
        member[same], values[same] = 1.0, centred[same]
        before = np.cumsum(member) - member
        after = len(same) - before
        below = np.cumsum(values, axis=0) - values
        enough = (before >= LEAST_STRIDES) & (after >= LEAST_STRIDES)
        share = np.where(enough, before * after / max(len(same), 1), 0.0)
        # The centred values sum to zero, so those above are minus those below.
        total -= np.where(enough, 1.0, 0.0)[:, None] * below
        weight += share
    scatter = _stride_scatter(turned, gait)
    step = total / np.maximum(weight, 1e-9)[:, None]
    gain = weight * ((step / scatter) ** 2).sum(axis=1)
    at = int(gain.argmax())
    direction = step[at] / scatter**2
    along = centred @ direction
    explained = float(weight[at] * (step[at] @ direction) ** 2 / max(float(along @ along), 1e-12))
    return _Split(at=at, step=step[at], sigmas=float(np.sqrt(gain[at])), explained=explained)


def _stride_scatter(turned: Array, gait: NDArray[np.str_]) -> Array:
    """Scatter (3,) from one stride to the next of the same gait, rad; at least 0.5 deg."""
    steps = [np.diff(turned[gait == name], axis=0) for name in np.unique(gait)]
    both = np.concatenate(steps)
    return np.asarray(np.maximum(1.4826 / np.sqrt(2.0) * np.median(np.abs(both), axis=0), 0.5 * DEGREE))


def _near(turned: Array, gait: NDArray[np.str_], at: int) -> Array:
    """Step (3,) between the nearest strides on either side, of the gait that has the most of them."""
    best, step = 0, np.zeros(3)
    for name in np.unique(gait):
        same = np.flatnonzero(gait == name)
        before, after = same[same < at][-NEAR_STRIDES:], same[same >= at][:NEAR_STRIDES]
        if min(len(before), len(after)) > best:
            best = min(len(before), len(after))
            step = np.median(turned[after], axis=0) - np.median(turned[before], axis=0)
    return step
