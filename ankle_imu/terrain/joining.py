"""Two clocks of one walk: its pace and turns are on the track and in the strides, so their times can be joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.terrain.places import covered
from ankle_imu.terrain.points import EARTH_M
from ankle_imu.track import Track

Array = NDArray[np.float64]

STEP_S: Final = 1.0
"""Grid on which the two velocities are compared, s; the offset between its points is found by a parabola."""

WINDOW_S: Final = 8.0
"""Half width of the triangle over both velocities, s. Wide ones see turns better, narrow ones short stops.
Simulation, half an hour, 5 watches: rms error with turns and stops 0.2-0.3 s at 6, 0.15-0.3 at 8, 0.04-0.5 at 12,
0.05-0.55 at 20; straight with stops 0.4-0.8, 0.4-0.8, 0.4-1.3, 0.6-1.5."""

MEMORY_S: Final = 12.0
"""One independent value in so long a time, s: errors of positions last for seconds on top of the window. With it
the errors seen in simulation (12 walks, 7 watches) are 0.1-1.1 of the stated doubt."""

BLOCK_S: Final = 120.0
"""In each stretch of this length the sensors' heading has one unknown offset: they see turns, not north, and their
heading drifts by some degrees a minute."""

DRIVEN_MPS: Final = 8.0
"""Faster stretches of a track are driven (a marathon is run at under 6 m/s) and say nothing of strides."""

LEAST_S: Final = 120.0
"""Least time in common. Ours: a dozen independent values under the window."""

TRUST_S: Final = 60.0
"""Clocks that phones and watches take from the net or from satellites agree within seconds; an offset this large
is half as likely as none. The tail is long (1 / square), so wrong time zones can still be found."""

MOST_S: Final = 15.0 * 3600.0
"""Clocks are wrong by a time zone at most (UTC-12 to UTC+14), not by days."""

CERTAIN: Final = 0.99
"""Probability that must lie within `NEAR_S` of the best offset for it to be used."""

NEAR_S: Final = 5.0

MATCH: Final = 0.7
"""Least share of the track's motion that the strides explain. In simulation true pairs show 0.82-0.99, and a track
of another walk at most 0.64 where the way has turns."""

STANDS_OUT: Final = 1.7
"""How far the best offset must rise over the middle of all, against the next best that is `APART_S` away. In
simulation tracks of another walk reach 1.7, true ones 1.8-16: walks of 10 minutes with turns 2.9 at least,
straight ones with short stops 0.9-2.1 in 10 minutes and 1.6-2.4 in 30."""

STANDS_OUT_BY_SPEED: Final = 2.5
"""The same where only the speed is known: 3 of 300 tracks of another walk passed at 1.7, none of 300 with
headings."""

APART_S: Final = 30.0

LEAST_DOUBT_S: Final = 0.5
"""No offset is known better: receivers smooth their own places, which delays them."""

TRUSTED_DOUBT_S: Final = 2.0
"""Doubt of clocks that are only trusted, s: phones and watches set by the net or satellites. Ours, not
measured."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Motion:
    """What the sensors say of moving, by the session's clock.

    Parameters
    ----------
    time : (n,) float array, s, evenly `STEP_S` apart
    velocity : (n,) complex array, m/s, its angle the heading, + to the left, in an unknown direction; 0 while
        standing, NaN where the sensors were away
    has_heading : bool; False when only the speed is known
    """

    time: Array
    velocity: NDArray[np.complex128]
    has_heading: bool


@dataclass(frozen=True, kw_only=True)
class Join:
    """How a track's clock and a session's clock belong together.

    `started`: Unix time, s, of session start; `offset_s`: what the track's clock is ahead of the session's;
    `doubt_s`: its 1-sigma; `source`: `correlation` or `clocks` (trusted); `correlation`: of the two velocities at
    that offset, NaN when it was not found; `told`: a sentence.
    """

    started: float
    offset_s: float
    doubt_s: float
    source: str
    correlation: float
    told: str


def motion_of_strides(
    start: Array, end: Array, speed: Array, turn: Array, duration: float, away: Sequence[tuple[float, float]] = ()
) -> Motion:
    """Velocity over time from the strides of one leg.

    Parameters
    ----------
    start, end : (k,) float arrays, s from session start
    speed : (k,) float array, m/s; where all are NaN (shank alone) one stride a second counts as 1.3 m/s
    turn : (k,) float array, rad, change of heading over the stride, + to the left; all NaN when not known
    duration : float, s, of the session
    away : spans (start, end), s, in which the sensors sent nothing
    """
    grid = np.arange(0.0, max(duration, STEP_S), STEP_S)
    has_heading = bool(np.isfinite(speed).any() and np.isfinite(turn).any())
    if not np.isfinite(speed).any():
        speed = 1.3 / np.maximum(end - start, 0.2)
    turned = np.nan_to_num(turn)
    heading = np.cumsum(turned) - 0.5 * turned if has_heading else np.zeros(len(start))
    moved = np.zeros(len(grid), dtype=np.complex128)
    if len(start):
        own = np.clip(np.searchsorted(start, grid, side="right") - 1, 0, len(start) - 1)
        inside = (grid >= start[own]) & (grid < end[own])
        moved[inside] = (np.nan_to_num(speed) * np.exp(1j * heading))[own[inside]]
    for a, b in away:
        moved[(grid >= a) & (grid <= b)] = np.nan
    return Motion(time=grid, velocity=moved, has_heading=has_heading)


def join_clocks(track: Track, motion: Motion, started: float) -> Join:
    """Find how far the track's clock is ahead of the session's.

    Parameters
    ----------
    track : Track
    motion : Motion
    started : float, s, Unix time of session start by the session's clock; NaN when that is not known

    Returns
    -------
    Join
        With `source` `clocks` and offset 0 when walking gives no answer; `told` says so.

    Notes
    -----
    Both velocities are smoothed alike. At each offset the track's velocity is explained, block by block, by the
    strides' velocity times one complex number (an unknown heading and a scale); with C the share explained over n
    independent values, the log-likelihood of Gaussian errors is -n log(1 - C). With a prior that prefers small
    offsets that gives each offset's probability. On a straight walk at one speed C is the same everywhere, so no
    offset stands out. Where only the speed is known, speeds take the place of velocities.
    """
    trusted = "the clocks of track and recording are trusted"
    if not np.isfinite(started):
        started = float(track.time[track.is_timed][0]) if track.is_timed.any() else 0.0
        trusted = "as the session has no start time, track and recording are taken to start together"
    unknown = partial(_unknown, started, trusted)
    there = _velocity_of_track(track, started)
    if there is None:
        return unknown("the track has too few points with a time")
    time, velocity = there
    offsets, share, n = _explain(motion, time, velocity)
    if not len(offsets):
        return unknown("track and recording have no two minutes in common")
    log_odds = -n * np.log1p(-np.minimum(share, 0.999)) - np.log1p((offsets / TRUST_S) ** 2)
    chance = np.exp(log_odds - np.logaddexp.reduce(log_odds))
    best = int(np.argmax(chance))
    near = np.abs(offsets - offsets[best]) <= NEAR_S
    least = STANDS_OUT if motion.has_heading else STANDS_OUT_BY_SPEED
    is_found = float(chance[near].sum()) >= CERTAIN and share[best] >= MATCH
    if not (is_found and _stands_out(-np.log1p(-np.minimum(share, 0.999)), offsets, best, least)):
        return unknown("nothing in pace and turns stands out on both")
    offset = float(offsets[best] + STEP_S * _vertex(log_odds, best))
    spread = float(np.sqrt(np.average((offsets[near] - offset) ** 2, weights=chance[near])))
    doubt = max(LEAST_DOUBT_S, spread)
    how = f"ahead by {offset:.1f} s" if offset >= 0.0 else f"behind by {-offset:.1f} s"
    return Join(
        started=started,
        offset_s=offset,
        doubt_s=doubt,
        source="correlation",
        correlation=float(np.sqrt(share[best])),
        told=f"The track's clock is {how} (±{doubt:.1f} s): so pace and turns of track and strides go together.",
    )


def _unknown(started: float, trusted: str, why: str) -> Join:
    return Join(
        started=started,
        offset_s=0.0,
        doubt_s=TRUSTED_DOUBT_S,
        source="clocks",
        correlation=float("nan"),
        told=f"The offset of the clocks could not be found: {why}. So {trusted}; places may be off by that.",
    )


def _stands_out(evidence: Array, offsets: Array, best: int, least: float) -> bool:
    """Whether the evidence for the best offset is no chance of many offsets tried."""
    far = np.abs(offsets - offsets[best]) > APART_S
    if not far.any():
        return False
    middle = float(np.median(evidence[far]))
    return bool(evidence[best] - middle > least * (float(evidence[far].max()) - middle))


def _velocity_of_track(track: Track, started: float) -> tuple[Array, NDArray[np.complex128]] | None:
    """Velocity on the track, m/s, east + i north, on a grid of its own, s from session start by the track's clock.

    NaN in its gaps; None when it is too short.
    """
    timed = track.is_timed
    time = track.time[timed] - started
    if len(time) < 3 or time[-1] - time[0] < LEAST_S:
        return None
    latitude, longitude = track.latitude[timed], np.unwrap(track.longitude[timed], period=360.0)
    grid = np.arange(np.ceil(time[0]), time[-1], STEP_S)
    known = covered(time, latitude, longitude, grid)
    east = EARTH_M * np.radians(longitude - longitude[0]) * np.cos(np.radians(latitude.mean()))
    place = np.interp(grid, time, east) + 1j * np.interp(grid, time, EARTH_M * np.radians(latitude - latitude[0]))
    velocity = np.full(len(grid), np.nan, dtype=np.complex128)
    velocity[1:-1] = (place[2:] - place[:-2]) / (2.0 * STEP_S)
    return grid, np.where(known & ~(np.abs(_smooth(velocity)) > DRIVEN_MPS), velocity, np.nan)


def _smooth(values: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Triangle of half width `WINDOW_S` over the known values; NaN where any of them is unknown."""
    half = round(WINDOW_S / STEP_S)
    window = 1.0 - np.abs(np.arange(-half + 1, half)) / half
    known = np.isfinite(values)
    weight = np.convolve(known.astype(float), window, "same")
    total = np.convolve(np.where(known, values, 0.0), window, "same")
    return np.where(known & (weight > half - 0.5), total / np.maximum(weight, 1e-9), np.nan)


def _explain(motion: Motion, time: Array, velocity: NDArray[np.complex128]) -> tuple[Array, Array, Array]:
    """Offsets at which both have enough in common, the share explained there, and independent values behind it."""
    from scipy.signal import oaconvolve

    ours, theirs = _smooth(motion.velocity), _smooth(velocity)
    if not motion.has_heading:
        ours, theirs = np.abs(ours) + 0j, np.abs(theirs) + 0j
    known = np.isfinite(theirs).astype(float)
    w = np.where(known > 0.0, theirs, 0.0)
    power = np.abs(w) ** 2
    number, explained, total = (np.zeros(len(ours) + len(w) - 1) for _ in range(3))
    block = round(BLOCK_S / STEP_S)
    for first in range(0, len(ours), block):
        part = ours[first : first + block]
        have = np.isfinite(part).astype(float)
        if not have.any():
            continue
        u = np.where(have > 0.0, part, 0.0)
        # the convolution starts at lag 1 - len(u) for this block, which begins `first` later than the session
        at = slice(len(ours) - first - len(u), len(ours) - first - len(u) + len(w) + len(u) - 1)
        shared = oaconvolve(known, have[::-1])
        number[at] += np.maximum(shared, 0.0)
        total[at] += np.maximum(oaconvolve(power, have[::-1]), 0.0)
        norm = np.maximum(oaconvolve(known, (np.abs(u) ** 2)[::-1]), 1e-9)
        fit = np.abs(oaconvolve(w, np.conj(u)[::-1])) ** 2
        explained[at] += np.where(norm > 1e-3, fit / norm, 0.0)
    offsets = (np.arange(len(number)) - (len(ours) - 1)) * STEP_S + (time[0] - motion.time[0])
    both = min(float(np.isfinite(ours).sum()), float(known.sum()))
    enough = (number * STEP_S >= max(LEAST_S, 0.5 * STEP_S * both)) & (np.abs(offsets) <= MOST_S)
    share = np.clip(explained[enough] / np.maximum(total[enough], 1e-9), 0.0, 1.0)
    return offsets[enough], share, number[enough] * STEP_S / MEMORY_S


def _vertex(values: Array, at: int) -> float:
    """Where between its neighbours the top of a parabola through three values lies, in steps."""
    if not 0 < at < len(values) - 1:
        return 0.0
    before, here, after = values[at - 1 : at + 2]
    bend = before - 2.0 * here + after
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0.0 else 0.0
