"""Walk, jog or run for each stride."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ankle_imu.metrics.pace import pace_evidence

Array = NDArray[np.float64]

WALK_ABOVE = 0.53
RUN_BELOW = 0.47
RUN_CADENCE_SPM = 138.0
SLOWEST_RUN_MPS = 1.2
"""Nobody runs more slowly; a short duty factor at such speed is a toe-first landing on stairs."""
_VOTERS = 5


def classify(
    duty_factor: Array, stride_time: Array, speed: Array, starts: Array, jog_below: float
) -> NDArray[np.str_]:
    """Gait class of each stride of one foot, in time order.

    Parameters
    ----------
    duty_factor : (k,) stance over stride
    stride_time : (k,) s
    speed : (k,) m/s, NaN where unknown
    starts : (k,) s; a pause of more than 3 s begins a new bout
    jog_below : m/s, see `Settings.jog_below_mps`

    Returns
    -------
    (k,) array of `walk`, `jog`, `run`

    Notes
    -----
    Below a duty factor of 0.5 both feet leave the ground. Timing error makes that a band: above 0.53 walk, below
    0.47 jog or run; between, a cadence of at least 138 steps/min is running (135-140 separates at 91-93 %,
    doi:10.1016/j.humov.2023.103117), else the label before holds. Median of 5 strides. For jog and run
    see `metrics.pace`.
    """
    running = np.zeros(len(duty_factor), dtype=bool)
    before = False
    for k, (duty, seconds) in enumerate(zip(duty_factor, stride_time, strict=True)):
        if duty > WALK_ABOVE:
            before = False
        elif duty < RUN_BELOW or 120.0 / seconds >= RUN_CADENCE_SPM:
            before = True
        running[k] = before
    bout = np.cumsum(np.concatenate([[0], np.diff(starts) > 3.0])) if len(starts) else np.empty(0, int)
    running = _vote(running.astype(float), bout) > 0.5
    running &= ~(_vote(speed, bout) < SLOWEST_RUN_MPS)
    slow = pace_evidence(duty_factor, speed, jog_below) < 0.0
    slow = _vote(slow.astype(float), bout) > 0.5
    return np.where(running, np.where(slow, "jog", "run"), "walk").astype(str)


def _vote(values: Array, bout: NDArray[np.int64]) -> Array:
    """Running median over `_VOTERS` strides that does not look across bouts."""
    out = np.array(values, dtype=float)
    half = _VOTERS // 2
    for b in np.unique(bout):
        rows = np.flatnonzero(bout == b)
        padded = np.concatenate([np.full(half, np.nan), values[rows], np.full(half, np.nan)])
        if np.isfinite(padded).any():
            out[rows] = _nan_median(np.lib.stride_tricks.sliding_window_view(padded, _VOTERS))
    return out


def _nan_median(block: Array) -> Array:
    """Median of each row over its finite values; NaN where there is none."""
    count = np.isfinite(block).sum(axis=1)
    ordered = np.sort(block, axis=1)
    row = np.arange(len(block))
    low, high = np.maximum((count - 1) // 2, 0), np.maximum(count // 2, 0)
    return np.where(count > 0, 0.5 * (ordered[row, low] + ordered[row, high]), np.nan)
