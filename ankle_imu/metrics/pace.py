"""What speed and duty factor say of jog or run, and when they say too little."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

JOG_DUTY_ABOVE: Final = 0.36
SPEED_DOUBT_MPS: Final = 0.5
DUTY_DOUBT: Final = 0.04
"""How far speed and duty factor may stray from the border of jog and run before they decide alone: a foot
sensor's speed is good to 0.1-0.2 m/s and slopes shift it by 20 %; contact times are good to 10-20 ms.
"""


TOLD: Final = {"jog": "jog", "jogging": "jog", "run": "run", "running": "run"}
"""Words of a session's tags that decide between jog and run."""


def told_gait(tags: Sequence[str]) -> str:
    """What a person called the running of a session: `jog`, `run`, or empty where both or neither was said.

    Examples
    --------
    >>> told_gait(("trail", "easy jog")), told_gait(("jog", "run"))
    ('jog', '')
    """
    told = {TOLD[word] for tag in tags for word in tag.lower().split() if word in TOLD}
    return told.pop() if len(told) == 1 else ""


def pace_evidence(duty_factor: ArrayLike, speed: ArrayLike, jog_below: float) -> Array:
    """Evidence of each running stride, (k,): above 0 for run, below 0 for jog; within 1 of 0 it is unsure.

    Parameters
    ----------
    duty_factor : (k,) stance over stride
    speed : (k,) m/s, NaN where unknown
    jog_below : m/s, see `Settings.jog_below_mps`

    Notes
    -----
    Science knows no border. Below 2.7 m/s (10 min/mile, popular convention) is called jog; with unknown speed a
    duty factor from 0.36. Both count by how many of their doubts they are away from the border.

    Examples
    --------
    >>> pace_evidence([0.32, 0.40], [3.2, float("nan")], 2.7).round(2).tolist()
    [2.0, -1.0]
    """
    duty, v = np.asarray(duty_factor, dtype=float), np.asarray(speed, dtype=float)
    pace = np.where(np.isfinite(v), (v - jog_below) / SPEED_DOUBT_MPS, 0.0)
    return np.asarray(pace + (JOG_DUTY_ABOVE - duty) / DUTY_DOUBT)
