"""Rolls and wobbles of one leg: the ladder of `metrics.rolls` behind the guards that physics sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.analysis.foot import FootMotion
from ankle_imu.gait.events import Swings
from ankle_imu.gait.strides import LONGEST_S, stances
from ankle_imu.metrics import rolls
from ankle_imu.metrics.inversion import STANCE_SHARE, windows
from ankle_imu.settings import Settings

Array = NDArray[np.float64]
Found = dict[str, NDArray[Any]]

FEWEST_STRIDES: Final = 3
"""A foot that steps fewer times in a row is not walking but shuffling, climbing in or changing a shoe (own
choice)."""

FARTHEST_M: Final = 0.20
"""A foot that rolls stays where it is: a sensor 8 cm above the sole moves by 10 cm when the foot turns by 70 deg.
A swinging foot covers more in the least time a roll takes (own choice)."""

LEAST_LOAD: Final = 0.3
"""Mean vertical force on the sensor during the rise, in weights, below which the foot falls rather than stands; in
simulated rolls of 20-60 deg it is 0.8-1.5 (own choice)."""

FOOT_SHARE: Final = 0.5
"""Part of a rise of the joint that the foot itself must turn against gravity: 0.7-1.1 in simulated rolls; a shank
that leans, or its strap that slips, leaves the foot as it is (own choice)."""


REACHED_SHARE, RETURN_SHARE, LYING_SHARE = 0.75, 0.50, 0.35
"""A foot that is set down on an edge turns by 20-35 deg at 300 deg/s too, until it lies on it, and stays: from
0.75 of its turn on, for 0.35 of the stance at least, it is never below 0.5 of it until push-off. One that
rolled comes back or leaves the ground (simulated edges of up to 16 deg on rough ground; own choice)."""

CUT_SHARE: Final = 0.7
"""A stance shorter than this part of the usual one was broken off (methods E3): such a foot did not lie there."""

STEEPEST_DEG: Final = 40.0
"""Nobody sets a foot on such a side slope: so large a turn is a roll, come back or not (own choice)."""


def roll_events(
    columns: Mapping[str, Any],
    motion: FootMotion,
    angle: Array,
    rate: Array,
    tilt: Array,
    unsound: NDArray[np.bool_],
    *,
    source: str,
    gravity: float,
    time: Array,
    sampling_rate: float,
    settings: Settings,
) -> tuple[Found, Array, tuple[str, ...]]:
    """Events of one leg.

    Parameters
    ----------
    columns : stride columns of the leg
    motion : FootMotion of its foot
    angle, rate : (n,) float arrays, deg and deg/s, frontal, + = inversion
    tilt : (n,) float array, deg, the foot against gravity
    unsound : (n,) bool array, samples whose rate is not to be believed: gaps
    source : `joint` | `foot`: what `angle` is
    gravity : float, m/s^2, as the foot sensor reads it
    time : (n,) s
    sampling_rate : float, Hz
    settings : Settings

    Returns
    -------
    events : columns of `tables.EVENTS` without ids
    start_s : (events,) s, when each began to rise
    warnings : what looked like a roll but could not be told, in words

    Notes
    -----
    A roll is a roll of a foot that bears weight in a stance of gait: the stance follows a stride of the same foot
    and belongs to a row of at least three; the last one, after which the walker stops, counts (0.6 s of it). While
    the angle rises the foot stays in place, carries weight, and turns itself. A foot that lies down on an edge and
    stays there is none, below 40 deg.

    Samples missing after the peak change nothing where enough is left to see the foot come back; live they do not
    either. Missing before it they leave it open: what the foot turned meanwhile is lost, and across more than 30
    ms no rate is read. With 2 % of the packets of each sensor lost, 0.13 s long, 30 of 39 rolls of walkers are
    found (26 while any gap in the stance hid them), by the foot alone 38 of 44 (36), of runners at 5 % as many as
    before; none is made up in an hour of daily life, at 5 % neither.
    """
    swings = motion.swings
    if len(swings) < 2 or len(columns["ic_s"]) == 0:
        return {}, np.empty(0), ()
    ic, to = stances(swings, len(angle), sampling_rate)
    walked = in_gait(swings, sampling_rate)
    least = settings.roll_deg * (rolls.FOOT_ALONE_SHARE if source == "foot" else 1.0)
    inward, outward = rolls.find_rolls(angle, rate, ic, to, sampling_rate, least, settings.roll_dps)
    parts, doubts = [], []
    for found, sign in ((inward, 1.0), (outward, -1.0)):
        kept = walked[found["stride"]] & _stays(found, motion, gravity)
        if source == "joint":
            kept &= _turns_itself(found, sign * tilt)
        torn = np.logical_not(found["is_seen"]) | _touches(unsound, found, sampling_rate)
        torn |= ~_comes_back(found, sign * angle, ic, to)
        kept &= _comes_back(found, np.where(np.isnan(angle), -np.inf, sign * angle), ic, to)
        doubts += [float(time[round(at)]) for at in found["sample"][kept & torn]]
        kept &= ~torn
        chosen = {name: values[kept] for name, values in found.items()}
        kind = np.where(chosen["is_hard"], "hard_roll", "roll") if sign > 0 else None
        chosen["kind"] = np.full(int(kept.sum()), "eversion_roll") if kind is None else kind
        parts.append(chosen)
    parts.append(_wobbles(columns, motion, angle, rate, unsound, parts, ic, sampling_rate))
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    n = len(joined["stride"])
    events = {
        "leg": np.full(n, columns["leg"][0]),
        "time_s": time[0] + joined["sample"] / sampling_rate,
        "kind": joined["kind"],
        "peak_deg": joined["peak_deg"],
        "peak_dps": joined["peak_dps"],
        "duration_s": joined["duration_s"],
        "outcome": np.full(n, "na"),
        "verdict": np.full(n, "none"),
        "angle_source": np.full(n, source),
    }
    return events, time[0] + joined["start"] / sampling_rate, _tell(doubts, str(columns["leg"][0]))


def in_gait(swings: Swings, sampling_rate: float) -> NDArray[np.bool_]:
    """Which stances (one after each swing) follow a stride and belong to a row of at least three."""
    follows = np.concatenate([[False], np.diff(swings.ic) <= LONGEST_S * sampling_rate])
    row = np.cumsum(~follows)
    return np.asarray(follows & (np.bincount(row)[row] > FEWEST_STRIDES))


def _stays(found: Found, motion: FootMotion, gravity: float) -> NDArray[np.bool_]:
    """Which feet stay in place and carry weight while the angle rises."""
    start, top = found["start"].astype(int), found["sample"].astype(int)
    way = np.linalg.norm(motion.position[top] - motion.position[start], axis=1)
    total = np.concatenate([[0.0], np.cumsum(motion.force[:, 2])])
    load = (total[top + 1] - total[start]) / (top + 1 - start) / gravity
    return np.asarray((way <= FARTHEST_M) & (load >= LEAST_LOAD))


def _turns_itself(found: Found, tilt: Array) -> NDArray[np.bool_]:
    start, top = found["start"].astype(int), found["sample"].astype(int)
    return np.asarray(tilt[top] - tilt[start] >= FOOT_SHARE * found["peak_deg"])


def _comes_back(found: Found, angle: Array, ic: Array, to: Array) -> NDArray[np.bool_]:
    """Which feet do not lie still on the tilt they turned to, up to the last 15 % of stance."""
    stance, height = found["stride"], found["peak_deg"]
    length = (to - ic)[stance]
    until = ic[stance] + STANCE_SHARE * length
    w = windows(found["start"], np.maximum(until, found["sample"] + 1.0), len(angle))
    turned = w.of(angle, np.nan) - angle[found["start"].astype(int)][:, None]
    with np.errstate(invalid="ignore"):
        reached = (turned >= REACHED_SHARE * height[:, None]).argmax(axis=1)
        is_below = turned < RETURN_SHARE * height[:, None]
    is_after = np.arange(turned.shape[1]) >= reached[:, None]
    is_whole = length >= CUT_SHARE * np.median(to - ic)
    lies = is_whole & (until - (w.index[:, 0] + reached) >= LYING_SHARE * length)
    return np.asarray((is_below & is_after).any(axis=1) | ~lies | (height >= STEEPEST_DEG))


def _touches(flags: NDArray[np.bool_], found: Found, sampling_rate: float) -> NDArray[np.bool_]:
    """Which rises, with the 20 ms around them, hold a flagged sample."""
    total = np.concatenate([[0], np.cumsum(flags)])
    reach = int(np.ceil(rolls.LEAST_S * sampling_rate))
    low = np.clip(found["start"].astype(int) - reach, 0, len(flags))
    high = np.clip(found["sample"].astype(int) + reach + 1, 0, len(flags))
    return np.asarray(total[high] > total[low])


def _wobbles(
    columns: Mapping[str, Any],
    motion: FootMotion,
    angle: Array,
    rate: Array,
    unsound: NDArray[np.bool_],
    higher: list[Found],
    stance_ic: Array,
    sampling_rate: float,
) -> Found:
    """Wobbles among the usable strides that are no roll, as columns like those of the rolls."""
    strides = motion.strides
    taken = np.isin(strides.ic, stance_ic[np.concatenate([part["stride"] for part in higher])])
    usable = np.asarray(columns["accepted"]) & ~taken
    excursion = np.where(usable, columns["inv_excursion_deg"], np.nan)
    which = rolls.find_wobbles(excursion, columns["peak_inv_vel_dps"], columns["gait"])
    ic, to = strides.ic[which], strides.to[which]
    rises = rolls.find_rises(angle, rate, ic, to, sampling_rate, np.inf)
    found = rolls.as_events(rises, np.arange(len(which)), sampling_rate)
    sound = rises.is_known & ~_touches(unsound, found, sampling_rate)
    found["kind"] = np.full(len(which), "wobble")
    found["duration_s"] = np.full(len(which), np.nan)
    return {name: values[sound] for name, values in found.items()}


def _tell(doubts: list[float], leg: str) -> tuple[str, ...]:
    if not doubts:
        return ()
    when = ", ".join(f"{t:.0f} s" for t in doubts[:5]) + (" ..." if len(doubts) > 5 else "")
    return (f"{leg} leg: samples are missing where the ankle may have rolled (at {when}); not counted as a roll",)
