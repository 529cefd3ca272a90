"""Where a person climbed stairs, stopped and turned, from the strides table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

STAIR_GRADE: Final = 0.35
"""Rise over run from which a stride is on stairs: stairs rise by 0.5 to 0.75 (risers of 15 to 20 cm, treads of 25
to 32 cm, common building codes), the steepest usual paths by 0.3."""

STAIR_RISE_M: Final = (0.12, 0.55)
"""A stride on stairs rises by one riser to three."""

FLIGHT_STRIDES: Final = 2
"""Single steep strides, up on a stone, are no stairs."""

STOP_S: Final = 3.0
"""A pause of all worn feet for this long is a stop (methods E3)."""

TURN_DEG: Final = 20.0
"""A stride that turns more is part of a turn, and left out of the statistics (methods D)."""


def on_stairs(strides: pd.DataFrame) -> NDArray[np.int64]:
    """Which strides are on stairs.

    Parameters
    ----------
    strides : table `tables.STRIDES`, in order of time

    Returns
    -------
    (k,) int array, 1 up, -1 down, 0 elsewhere; walking alone is looked at, shank sensors see no stairs
    """
    rise = strides["height_change_m"].to_numpy(float)
    run = np.maximum(strides["stride_length_m"].to_numpy(float), 1e-3)
    size = np.abs(rise)
    with np.errstate(invalid="ignore"):
        steep = (size >= STAIR_GRADE * run) & (size > STAIR_RISE_M[0]) & (size < STAIR_RISE_M[1])
    steep &= (strides["gait"] == "walk").to_numpy(bool)
    way = np.where(steep, np.sign(np.nan_to_num(rise)), 0.0).astype(np.int64)
    for leg in strides["leg"].unique():
        own = (strides["leg"] == leg).to_numpy(bool)
        way[own] = _flights(way[own])
    return way


def _flights(way: NDArray[np.int64]) -> NDArray[np.int64]:
    """Runs of one direction, those shorter than a flight made 0."""
    if len(way) == 0:
        return way
    number = np.concatenate([[0], np.cumsum(np.diff(way) != 0)])
    return np.where(np.bincount(number)[number] >= FLIGHT_STRIDES, way, 0)


def stops(strides: pd.DataFrame) -> pd.DataFrame:
    """Pauses between strides of `STOP_S` and more.

    Parameters
    ----------
    strides : table `tables.STRIDES`, in order of time; those that are part of no bout are left out

    Returns
    -------
    table: start_s, end_s, duration_s
    """
    import pandas as pd

    walked = strides[~strides["reject_reason"].str.startswith("not part of").to_numpy(bool)]
    start, end = walked["start_s"].to_numpy(float), walked["end_s"].to_numpy(float)
    reached = np.maximum.accumulate(end)[:-1] if len(end) else end
    pause = start[1:] - reached
    is_stop = pause >= STOP_S
    return pd.DataFrame({"start_s": reached[is_stop], "end_s": start[1:][is_stop], "duration_s": pause[is_stop]})


def turns(strides: pd.DataFrame) -> pd.DataFrame:
    """Turns of one leg's foot: neighbouring strides that turn the same way by more than `TURN_DEG` each.

    Parameters
    ----------
    strides : table `tables.STRIDES`

    Returns
    -------
    table: leg, start_s, end_s, turn_deg (+ = to the left)
    """
    import pandas as pd

    rows = []
    for leg in strides["leg"].unique():
        own = strides[(strides["leg"] == leg).to_numpy(bool)]
        angle = own["turn_deg"].to_numpy(float)
        side = np.where(np.abs(np.nan_to_num(angle)) > TURN_DEG, np.sign(np.nan_to_num(angle)), 0.0)
        start, end = own["start_s"].to_numpy(float), own["end_s"].to_numpy(float)
        parted = (np.diff(side) != 0) | (start[1:] - end[:-1] > 1e-6)
        number = np.concatenate([[0], np.cumsum(parted)]) if len(own) else np.empty(0, np.int64)
        for k in np.unique(number[side != 0]):
            chosen = number == k
            rows.append((leg, start[chosen].min(), end[chosen].max(), angle[chosen].sum()))
    return pd.DataFrame(rows, columns=["leg", "start_s", "end_s", "turn_deg"])
