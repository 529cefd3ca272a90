"""Is each sensor worn where its name says? From the signals of walking alone.

A foot rests once in every stride, a shank rotates over it; foot and shank of one leg swing together, those of
the two legs in turn. Left and right are told by the walk itself: in a turn the outer foot goes further, and a
foot turns to its outer edge before it lands. How a sensor is turned on its segment is no fault: the alignment
finds that. A single shank cannot be told from the other one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from ankle_imu import frames
from ankle_imu.calibration.traits import Traits

LYING: Final = 0.1
"""rad/s, 99th percentile of the rate of a sensor that nobody wears; a standing foot that taps reaches 1."""

OFTEN_SHAKEN: Final = 0.3
"""Share of windows with the jolts of steps from which somebody walked (own choice)."""

SLOWER: Final = 0.45
"""A carried sensor's pace against that of a worn one: 0.1-0.25 in a bag, a shank's against a foot's 0.55-1.1."""

FOOT_FROM: Final = -0.95
"""`Traits.rest` of a foot is above this, of a shank below. Own comparison, 15 simulated walks and runs and 8 real
recordings of 5 persons: feet -0.5 .. 1.1, shanks -3.1 .. -1.4."""

REST_DOUBT: Final = 0.25
"""No word on a single sensor this near to `FOOT_FROM`."""

SAME_LEG: Final = 0.3
"""Agreement of pace above which two sensors are on one leg. Same recordings: foot and shank of one leg 0.55-0.93,
of two legs -0.9 .. 0.04."""

SURE: Final = 2.5
"""Log odds (12 : 1) from which left and right are called exchanged."""

CERTAIN: Final = 6.0
"""Log odds (400 : 1) from which the strides are not used either."""


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """One way in which sensors are worn wrongly.

    `name`: one word of `NAMES`; `placements`: whose figures it spoils; `words`: what was found and what to do;
    `is_certain`: whether strides of these sensors are to be left out.
    """

    name: str
    placements: tuple[str, ...]
    words: str
    is_certain: bool = True


RENAME: Final = "give them the names of where they were (session.toml) and analyze again, or wear them as named"

NAMES: Final = (
    "left_right_swapped",
    "feet_swapped",
    "shanks_swapped",
    "foot_shank_swapped",
    "other_segment",
    "other_leg",
    "in_a_bag",
    "left_lying",
)


def judge(
    traits: Mapping[str, Traits], agreement: Mapping[tuple[str, str], float], odds: float
) -> tuple[Wrong, ...]:
    """What is worn wrongly in a recording of a walk.

    Parameters
    ----------
    traits : placement -> Traits
    agreement : (foot, shank) placements -> `in_step`
    odds : float, `side_odds`

    Returns
    -------
    tuple of Wrong; empty when each sensor moves as its name says
    """
    found = [*not_worn(traits)]
    worn = {p: t for p, t in traits.items() if t.is_gait and not _named(found, p)}
    found += _segments(worn)
    settled = {p for p in worn if not _named(found, p)}
    return (*found, *_legs(settled, agreement, odds))


def _named(found: Sequence[Wrong], placement: str) -> bool:
    return any(placement in wrong.placements for wrong in found)


def not_worn(traits: Mapping[str, Traits]) -> tuple[Wrong, ...]:
    """Sensors that lay still or were carried, placement -> Traits."""
    found = []
    for placement, one in traits.items():
        others = [t.pace for p, t in traits.items() if p != placement and t.is_gait]
        if one.top < LYING:
            why = "lay still while another walked; wear it and record again, or take it out of session.toml"
            if not others:
                why = "never moved: it lay somewhere, or its wearer did not walk"
            words = f"{placement}: the sensor {why}"
            found.append(Wrong(name="left_lying", placements=(placement,), words=words, is_certain=bool(others)))
        elif not one.is_gait and one.shaken > OFTEN_SHAKEN and all(one.pace < SLOWER * other for other in others):
            words = (
                f"{placement}: the sensor was shaken at each step but not swung as a "
                f"{frames.segment_of(placement)} is: it was carried (bag, pocket); strap it on and record again"
            )
            found.append(Wrong(name="in_a_bag", placements=(placement,), words=words))
    return tuple(found)


def _segments(worn: Mapping[str, Traits]) -> list[Wrong]:
    found = []
    for leg in frames.LEGS:
        foot, shank = f"{leg}_foot", f"{leg}_shank"
        pair = foot in worn and shank in worn
        if pair and worn[foot].rest < worn[shank].rest - REST_DOUBT:
            words = (
                f"{leg} leg: the sensor called foot turns like a shank and the one called shank rests in each "
                f"stride like a foot: they are exchanged; {RENAME}"
            )
            found.append(Wrong(name="foot_shank_swapped", placements=(foot, shank), words=words))
            continue
        for placement, other in ((foot, "shank"), (shank, "foot")):
            if placement in worn and _is_other_segment(placement, worn[placement].rest):
                words = (
                    f"{placement}: the sensor moves like a {other}, not like a {frames.segment_of(placement)}; "
                    f"{RENAME}"
                )
                found.append(Wrong(name="other_segment", placements=(placement,), words=words))
    return found


def _is_other_segment(placement: str, rest: float) -> bool:
    if frames.segment_of(placement) == "foot":
        return rest < FOOT_FROM - REST_DOUBT
    return rest > FOOT_FROM + REST_DOUBT


def _legs(worn: set[str], agreement: Mapping[tuple[str, str], float], odds: float) -> list[Wrong]:
    feet, shanks = ([p for p in frames.PLACEMENTS if p in worn and p.endswith(s)] for s in ("foot", "shank"))
    own = {
        (f, s): agreement.get((f, s), math.nan)
        for f, s in product(feet, shanks)
        if frames.leg_of(f) == frames.leg_of(s)
    }
    apart = {pair for pair, value in own.items() if value < SAME_LEG}
    if len(apart) == 2:
        return [_crossed((*feet, *shanks), odds)]
    if apart:
        (foot, shank) = apart.pop()
        words = (
            f"{frames.leg_of(foot)} leg: foot and shank sensor swing in turn, not together: one of them is on the "
            f"other leg; {RENAME}"
        )
        return [Wrong(name="other_leg", placements=(foot, shank), words=words)]
    if not feet or odds > -SURE:
        return []
    legs = {frames.leg_of(f) for f in feet}
    concerned = tuple(p for p in frames.PLACEMENTS if p in worn and frames.leg_of(p) in legs)
    found = "left and right are exchanged"
    if len(feet) == 1:
        found += f", it moves like a {_other(feet[0])} foot"
    words = (
        f"{' and '.join(feet)}: {found} (the outer foot of a turn goes further, and a foot lands on its outer "
        f"edge); the signs of inversion are wrong until then: {RENAME}"
    )
    return [Wrong(name="left_right_swapped", placements=concerned, words=words, is_certain=odds < -CERTAIN)]


def _other(placement: str) -> str:
    return frames.LEGS[1 - frames.LEGS.index(frames.leg_of(placement))]


def _crossed(placements: tuple[str, ...], odds: float) -> Wrong:
    name = "shanks_swapped" if odds > 0 else "feet_swapped"
    which = "two shank sensors" if odds > 0 else "two foot sensors"
    if abs(odds) < SURE:
        which = "two foot sensors (or the two shank sensors)"
    words = (
        f"each foot sensor swings together with the shank sensor of the other leg: the {which} are exchanged "
        f"between left and right; {RENAME}"
    )
    return Wrong(name=name, placements=placements, words=words)
