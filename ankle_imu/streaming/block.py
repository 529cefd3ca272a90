"""What the live estimator hands out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Roll(IntEnum):
    """State of the roll detector."""

    NONE = 0
    FAST = 1
    """The ankle turns inward at the rate of a roll for 20 ms, but not yet far enough."""
    ROLL = 2
    HARD = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class LiveBlock:
    """Some successive samples of one leg, from one source.

    Parameters
    ----------
    leg : `left` | `right`
    source : `foot` (foot sensor alone), `joint` (foot against shank) or `shank` (shank sensor alone)
    time : (k,) float array, s, on the clock of the samples pushed
    angles : angle kind of `tables.ANGLE_KINDS` -> (k,) float array, deg; NaN until the sensor is aligned, in gaps
        and, for joint angles, until the heading between the two sensors is known
    rate : (k,) float array, deg/s, frontal rate, + = inversion, 9 ms late (causal low-pass of 25 Hz)
    is_stance : (k,) bool array, foot on the ground; always False from a shank alone
    roll : (k,) integer array of `Roll`; stays to the end of the stance
    """

    leg: str
    source: str
    time: Array
    angles: dict[str, Array]
    rate: Array
    is_stance: NDArray[np.bool_]
    roll: NDArray[np.int8]
