"""A person's own limits of a roll, from what he or she said of the events found so far."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.metrics.recovery import ROLLS
from ankle_imu.metrics.rolls import FOOT_ALONE_SHARE

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

LOWEST: Final = (15.0, 200.0)
HIGHEST: Final = (30.0, 450.0)
"""Bounds of own limits, deg and deg/s (own choice). Ordinary movements reach 22-85 deg/s, simulated sprains
114-203 in a later work on the 300 deg/s (methods E2, C80); recorded sprains reach 468 deg/s and more (C72)."""

FEWEST_REJECTED: Final = 3
"""One rejected event may be a slip of the hand; so many are a pattern (own choice)."""

BELOW: Final = (0.95, 0.80)
"""Limits stay below what was confirmed, by these parts: degrees are good to 5 %, and a rate must be held for 20
ms, at which a roll of 0.1 s has 0.8-0.95 of its peak."""

ABOVE: Final = (0.5, 5.0)
"""Limits that reject an event lie this much above it, deg and deg/s."""


def own_limits(events: pd.DataFrame, roll_deg: float = 20.0, roll_dps: float = 300.0) -> tuple[float, float]:
    """Limits of a roll that fit the person's answers.

    Parameters
    ----------
    events : table `tables.EVENTS` with verdicts, of all sessions of one person
    roll_deg, roll_dps : defaults of `Settings`

    Returns
    -------
    roll_deg, roll_dps : float, deg and deg/s, as for two sensors

    Notes
    -----
    Rolls answered `real` or `painful`, and wobbles answered `painful`, are confirmed; rolls answered `false`
    rejected. Confirmed ones below the defaults lower them. Three rejected ones or more raise them, as
    little as rejects the most of them. No limit exceeds a confirmed roll, nor leaves the bounds of 15-30
    deg and 200-450 deg/s. A foot sensor alone is asked for 0.9 of the degrees, and its events count by that.

    Examples
    --------
    >>> from ankle_imu import tables
    >>> own_limits(tables.make_table(tables.EVENTS, {}))
    (20.0, 300.0)
    """
    is_roll = events["kind"].isin(ROLLS)
    hurts = (events["kind"] == "wobble") & (events["verdict"] == "painful")
    real = _sizes(events[is_roll & events["verdict"].isin(("real", "painful")) | hurts])
    false = _sizes(events[is_roll & (events["verdict"] == "false")])
    base, top = np.array([roll_deg, roll_dps]), np.array(HIGHEST)
    if len(real):
        least = real.min(axis=0)
        kept = np.maximum(least * BELOW, LOWEST)
        base = np.where(least < base, np.minimum(base, kept), base)
        top = np.maximum(np.minimum(top, kept), base)
    if len(false) < FEWEST_REJECTED:
        return float(base[0]), float(base[1])
    deg, dps = (
        sorted({float(base[i]), *(float(x) for x in false[:, i] + ABOVE[i] if base[i] < x <= top[i])})
        for i in (0, 1)
    )
    return min(product(deg, dps), key=lambda pair: (_left(false, pair), pair[0] / base[0] + pair[1] / base[1]))


def _sizes(events: pd.DataFrame) -> Array:
    """Degrees, as two sensors would see them, and peak rates of events, (n, 2)."""
    share = np.where(events["angle_source"] == "foot", FOOT_ALONE_SHARE, 1.0)
    sizes = np.column_stack([events["peak_deg"].to_numpy(float) / share, events["peak_dps"].to_numpy(float)])
    return np.asarray(sizes[np.isfinite(sizes).all(axis=1)])


def _left(false: Array, limits: tuple[float, float]) -> int:
    """Rejected events that these limits would still call rolls."""
    return int((false >= np.array(limits)).all(axis=1).sum())
