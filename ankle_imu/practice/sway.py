"""Sway of foot and shank while standing on one leg."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.practice.stretches import stretches

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

EDGE_S: Final = 0.5
"""After and before a step so much does not count, s: half the time a foot takes to settle. Ours."""

SWAY_HZ: Final = 5.0
"""Sway is read below this frequency, Hz: what gravity can follow; noise would lengthen the path."""


@dataclass(frozen=True, kw_only=True)
class Sway:
    """Sway of one segment, deg and deg/s: see `tables.PRACTICE_SWAY`."""

    rms_deg: float
    path_deg_per_s: float
    tilt_range_deg: float
    pitch_range_deg: float


def standing_stretch(speed: Array, is_valid: Mask, sampling_rate: float, stepped: float) -> tuple[int, int, int]:
    """Longest stretch `[start, stop)` without a step, and how many steps there were.

    Parameters
    ----------
    speed : (n,) float array, deg/s, turning of the standing segment
    is_valid : (n,) bool
    sampling_rate : float, Hz
    stepped : float, deg/s, from which on it is a step
    """
    edge = round(EDGE_S * sampling_rate)
    moved = stretches(speed > stepped)
    quiet = (speed <= stepped) & is_valid
    found = [(a + edge, b - edge) for a, b in stretches(quiet) if b - a > 2 * edge]
    apart = 1 + sum(b[0] - a[1] > sampling_rate for a, b in pairwise(moved))
    steps = apart if moved else 0
    return (*max(found, key=lambda r: r[1] - r[0]), steps) if found else (0, 0, steps)


def sway_of(tilt: Array, pitch: Array, sampling_rate: float) -> Sway:
    """Sway of tilt and pitch (n,), deg, low-passed."""
    way = np.hypot(np.diff(tilt), np.diff(pitch)).sum()
    return Sway(
        rms_deg=float(np.hypot(tilt.std(), pitch.std())),
        path_deg_per_s=float(way * sampling_rate / max(len(tilt) - 1, 1)),
        tilt_range_deg=float(np.ptp(tilt)),
        pitch_range_deg=float(np.ptp(pitch)),
    )
