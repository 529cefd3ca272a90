"""Acceleration and angular rate that a logger kept as two streams, each with its own times."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.errors import RecordingError

Array = NDArray[np.float64]

BRIDGED: Final = 3.0
"""Usual steps of a stream over which it is interpolated; longer is a gap. Ours: phones jitter by one step."""


def join(acc_time: Array, acc: Array, gyr_time: Array, gyr: Array, path: Path) -> tuple[Array, Array, Array]:
    """Both streams on the times of gyr, within the time both were on.

    Parameters
    ----------
    acc_time, gyr_time : (n,), (m,) s of one clock
    acc, gyr : (n, 3), (m, 3)
    path : Path, for messages

    Returns
    -------
    time : (k,) s, of gyr
    acc : (k, 3), its own values where the times agree, else linear between; NaN in its gaps
    gyr : (k, 3), unchanged

    Raises
    ------
    RecordingError
        If the streams share fewer than two samples.
    """
    good = np.isfinite(acc_time) & np.isfinite(acc).all(axis=1)
    acc_time, first = np.unique(acc_time[good], return_index=True)
    acc = acc[good][first]
    shared = (gyr_time >= acc_time[0]) & (gyr_time <= acc_time[-1]) if len(acc_time) else np.zeros(0, dtype=bool)
    if np.count_nonzero(shared) < 2:
        raise RecordingError(f"{path}: accelerometer and gyroscope were not on at the same time.", path=str(path))
    return gyr_time[shared], onto(gyr_time[shared], acc_time, acc), gyr[shared]


def onto(at: Array, own: Array, values: Array) -> Array:
    """Values of a stream at other times: its own where they agree, else linear between; NaN in its gaps.

    Parameters
    ----------
    at : (k,) wanted times
    own : (n,) times of the stream, increasing, at least 2
    values : (n, 3)

    Examples
    --------
    >>> onto(np.array([0.5]), np.array([0.0, 1.0]), np.array([[0.0, 2.0, 4.0], [1.0, 2.0, 0.0]]))
    array([[0.5, 2. , 2. ]])
    """
    out = np.column_stack([np.interp(at, own, values[:, axis]) for axis in range(3)])
    after = np.clip(np.searchsorted(own, at), 1, len(own) - 1)
    is_gap = np.diff(own) > BRIDGED * np.median(np.diff(own))
    inside = (at > own[after - 1]) & (at < own[after])
    out[(inside & is_gap[after - 1]) | (at < own[0]) | (at > own[-1])] = np.nan
    return out
