"""What a watch or phone on the walker would have recorded: a track with errors, by a clock of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.simulate.truth import Truth
from ankle_imu.track import Track

Array = NDArray[np.float64]

HOME: Final = (46.36, 13.84, 620.0)
"""Latitude, longitude in deg and height in m of the place where every simulated walk begins."""

_METRES_PER_DEGREE: Final = 111_195.0
_BODY_S: Final = 1.1
"""The body goes as the feet do on the average of a stride, s."""


def watch(
    truth: Truth,
    started: float,
    *,
    clock_ahead_s: float = 0.0,
    every_s: tuple[float, float] = (1.0, 1.0),
    error_m: float = 3.0,
    error_lasts_s: float = 5.0,
    gaps: Sequence[tuple[float, float]] = (),
    extra_s: float = 0.0,
    seed: int = 1,
) -> Track:
    """Record the walk of a simulation with a watch.

    Parameters
    ----------
    truth : Truth of a simulation with at least one foot sensor
    started : float, s, Unix time of session start
    clock_ahead_s : float, s, by which the watch's clock is ahead of the session's
    every_s : least and most time between two points, s; 4-8 is what smart recording does
    error_m : float, m, 1-sigma of each horizontal coordinate; heights have 1.5 times as much
    error_lasts_s : float, s, time over which an error is forgotten
    gaps : spans of session time, s, without points
    extra_s : float, s, that the watch runs before and after the session, standing
    seed : int

    Returns
    -------
    Track
    """
    rng = np.random.default_rng([seed, 4711])
    times = [-extra_s + rng.uniform(0.0, every_s[0])]
    while times[-1] + every_s[1] < truth.time[-1] + extra_s:
        times.append(times[-1] + rng.uniform(*every_s))
    at = np.array(times)
    place = _body(truth, at) + _errors(at, error_m, error_lasts_s, rng) * [1.0, 1.0, 1.5]
    kept = ~np.any([(at > a) & (at < b) for a, b in gaps], axis=0) if gaps else np.ones(len(at), dtype=bool)
    at, place = at[kept], place[kept]
    return Track(
        time=started + at + clock_ahead_s,
        latitude=HOME[0] + place[:, 1] / _METRES_PER_DEGREE,
        longitude=HOME[1] + place[:, 0] / (_METRES_PER_DEGREE * np.cos(np.radians(HOME[0]))),
        elevation=HOME[2] + place[:, 2],
        segment=np.zeros(len(at), dtype=np.int64),
        source="simulated watch",
    )


def _body(truth: Truth, at: Array) -> Array:
    """Where the walker is at times `at`, (k, 3) m."""
    feet = [position for placement, position in truth.position.items() if placement.endswith("foot")]
    middle = np.mean(feet, axis=0)
    rate = (len(truth.time) - 1) / (truth.time[-1] - truth.time[0])
    half = round(0.5 * _BODY_S * rate)
    padded = np.pad(middle, ((half + 1, half), (0, 0)), mode="edge")
    total = np.cumsum(padded, axis=0)
    mean = (total[2 * half + 1 :] - total[: -2 * half - 1]) / (2 * half + 1)
    return np.stack([np.interp(at, truth.time, mean[:, k]) for k in range(3)], axis=1)


def _errors(at: Array, size: float, lasts: float, rng: np.random.Generator) -> Array:
    """Errors (k, 3) m that are forgotten over `lasts` s."""
    fresh = rng.standard_normal((len(at), 3))
    keep = np.exp(-np.diff(at) / lasts) if lasts > 0.0 else np.zeros(len(at) - 1)
    out = np.empty_like(fresh)
    out[0] = fresh[0]
    for k, share in enumerate(keep):
        out[k + 1] = share * out[k] + np.sqrt(1.0 - share * share) * fresh[k + 1]
    return size * out
