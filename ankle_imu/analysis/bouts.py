"""What the strides of both legs are together: walks, lone movements, and what the person called them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import tables
from ankle_imu.metrics.pace import told_gait

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

BOUT_PAUSE_S: Final = 3.0
BOUT_STRIDES: Final = 5
"""Strides of both legs that make a bout of one gait (methods D)."""

LEAST_OF_EACH: Final = 2
LEAST_OF_ONE: Final = 4
"""A walk has two strides of each leg that wears a sensor (consensus of Mobilise-D: Kluge et al. 2021,
doi:10.1371/journal.pone.0256541) and four of one of them: half steps in a kitchen make up to three in a row (own
simulation; with three, one in eight kitchens of 200 s held a walk)."""

LONE: Final = "not part of a bout"

MOSTLY: Final = 0.5
"""A leg that was not received for more than this part of a sequence is not asked for its strides (own choice)."""


def mark_lone(
    strides: pd.DataFrame, away: Mapping[str, NDArray[np.bool_]] | None = None, time: Array | None = None
) -> pd.DataFrame:
    """Reject the strides that belong to no walk.

    Parameters
    ----------
    strides : table `tables.STRIDES`, in order of time
    away : leg -> (n,) bool array, when the sensor that gives its strides was not received; None for never
    time : (n,) float array, s, of `away`

    Returns
    -------
    strides : the same, those in too short a sequence not accepted; a reason that was there stays

    Notes
    -----
    A sequence ends with a pause of 3 s, turns and changes of gait do not end it.
    """
    if len(strides) == 0:
        return strides
    sequence = _sequences(strides)
    silent = {
        leg: _silent(strides, sequence, gone, time) for leg, gone in (away or {}).items() if time is not None
    }
    lone = ~_is_walk(sequence, strides["leg"].to_numpy(), silent)
    plain = lone & (strides["reject_reason"] == "").to_numpy()
    return strides.assign(
        accepted=strides["accepted"].to_numpy(bool) & ~lone,
        reject_reason=np.where(plain, LONE, strides["reject_reason"].to_numpy()).astype(object),
    )


def _is_walk(
    sequence: NDArray[np.int64], leg: NDArray[np.str_], silent: Mapping[str, NDArray[np.bool_]]
) -> NDArray[np.bool_]:
    count = int(sequence[-1]) + 1
    legs = np.unique(leg)
    each = np.stack([np.bincount(sequence[leg == one], minlength=count) for one in legs])
    excused = np.stack([silent.get(one, np.zeros(count, dtype=bool)) for one in legs])
    is_walk = ((each >= LEAST_OF_EACH) | excused).all(axis=0) & (each.max(axis=0) >= LEAST_OF_ONE)
    return np.asarray(is_walk[sequence])


def _silent(
    strides: pd.DataFrame, sequence: NDArray[np.int64], away: NDArray[np.bool_], time: Array
) -> NDArray[np.bool_]:
    """Sequences during most of which a leg was not received."""
    first = np.flatnonzero(np.diff(sequence, prepend=-1))
    start = strides["start_s"].to_numpy()[first]
    end = np.maximum.reduceat(strides["end_s"].to_numpy(), first)
    low, high = np.searchsorted(time, start), np.searchsorted(time, end)
    gone = np.concatenate([[0], np.cumsum(away)])
    return np.asarray(gone[high] - gone[low] > MOSTLY * (high - low))


def _sequences(strides: pd.DataFrame) -> NDArray[np.int64]:
    """Number of the walk that each stride is in: a pause of 3 s of both legs parts two."""
    pause = strides["start_s"].to_numpy()[1:] - np.maximum.accumulate(strides["end_s"].to_numpy())[:-1]
    return np.concatenate([[0], np.cumsum(pause > BOUT_PAUSE_S)])


def as_told(strides: pd.DataFrame, tags: Sequence[str]) -> pd.DataFrame:
    """Call the running strides what the person called them.

    Parameters
    ----------
    strides : table `tables.STRIDES`
    tags : tags of the session, see `metrics.pace.told_gait`; both or neither leave what was detected

    Returns
    -------
    strides : walking strides stay, jog and run become what was told
    """
    told = told_gait(tags)
    gait = strides["gait"].to_numpy()
    return strides.assign(gait=np.where(gait == "walk", gait, told).astype(object)) if told else strides


def bouts_table(strides: pd.DataFrame) -> pd.DataFrame:
    """Stretches of at least five strides of one gait, both legs together, without a pause of 3 s.

    Parameters
    ----------
    strides : table `tables.STRIDES`, in order of time; lone strides make no bout

    Returns
    -------
    table `tables.BOUTS`
    """
    strides = strides[(strides["reject_reason"] != LONE).to_numpy(bool)]
    if len(strides) == 0:
        return tables.make_table(tables.BOUTS, {})
    gait = strides["gait"].to_numpy()
    changes = (np.diff(_sequences(strides)) > 0) | (gait[1:] != gait[:-1])
    number = np.concatenate([[0], np.cumsum(changes)])
    grouped = strides.groupby(number).agg(
        start_s=("start_s", "min"), end_s=("end_s", "max"), gait=("gait", "first"), n_strides=("gait", "size")
    )
    grouped = grouped[grouped["n_strides"] >= BOUT_STRIDES].reset_index(drop=True)
    return tables.make_table(tables.BOUTS, {"bout_id": np.arange(len(grouped)), **grouped})
