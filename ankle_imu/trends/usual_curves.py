"""The curves a person usually has: where the mean curves of the first sessions lie, drawn behind a later one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.trends.breaks import stretch_numbers
from ankle_imu.trends.history import PastSession, breaks_of
from ankle_imu.trends.statistics import BASELINE_SESSIONS

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

LEAST_SESSIONS: Final = 3
"""No band from fewer sessions; ours: two would make a band of two lines."""

CURVES: Final = ("frontal_deg", "sagittal_deg", "velocity_dps")


@dataclass(frozen=True, kw_only=True, eq=False)
class UsualCurve:
    """Between which values the mean curves of a person's first sessions lie.

    Parameters
    ----------
    low, high : (101,) float arrays, unit of the curve
    n_sessions : int, sessions behind it
    """

    low: Array
    high: Array
    n_sessions: int


Key = tuple[str, str, str, str, str]
"""Leg, gait class, angle source, slope and the column of `tables.CURVES`."""


def usual_curves(history: Sequence[PastSession], session_id: str, start_utc: str = "") -> dict[Key, UsualCurve]:
    """Find what the curves of a session can be held against.

    Parameters
    ----------
    history : sessions of one person, any order; the session itself may be among them
    session_id : str, of the session that is drawn; it never counts for its own usual
    start_utc : str, ISO 8601, its start; "" takes all sessions of the history as earlier ones

    Returns
    -------
    dict of (leg, gait, angle source, slope, column) -> UsualCurve
        Only what 3 sessions or more have.

    Notes
    -----
    The first five earlier sessions that have the curve, since the last change of sensor, mount site, shoe or
    firmware of that leg, as for the stability index (methods sheet F2, F4). The band is the span from the lowest
    to the highest of their mean curves, so that it is a mean that it is to be compared with; with five sessions a
    sixth like them lies outside of it at a given instant one time in three.
    """
    ordered = sorted(history, key=lambda past: (past.start_utc, past.session_id))
    own = next((past.start_utc for past in ordered if past.session_id == session_id), start_utc)
    earlier = [past for past in ordered if past.session_id != session_id and (not own or past.start_utc < own)]
    breaks = breaks_of(ordered)
    taken: dict[Key, list[Array]] = {}
    for leg in frames.LEGS:
        starts = [past.start_utc for past in earlier]
        *stretch, now = stretch_numbers([*starts, own or max(starts, default="2000-01-01")], breaks, leg)
        for past in (past for past, number in zip(earlier, stretch, strict=True) if number == now):
            for key, curve in _curves_of(past.read_curves(), leg):
                if len(taken.setdefault(key, [])) < BASELINE_SESSIONS:
                    taken[key].append(curve)
    return {
        key: UsualCurve(low=np.min(some, axis=0), high=np.max(some, axis=0), n_sessions=len(some))
        for key, some in taken.items()
        if len(some) >= LEAST_SESSIONS
    }


def _curves_of(table: pd.DataFrame, leg: str) -> Iterator[tuple[Key, Array]]:
    """Every mean curve of a leg that is known throughout."""
    own = table[table["leg"] == leg]
    for (gait, source, slope), part in own.groupby(["gait", "angle_source", "slope"], sort=False):
        for column in CURVES:
            curve = part[column].to_numpy(float)
            if np.isfinite(curve).all():
                yield (leg, str(gait), str(source), str(slope), column), curve
