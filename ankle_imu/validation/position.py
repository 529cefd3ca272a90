"""The foot's way through the room, against an optical one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ankle_imu.analysis.foot import follow
from ankle_imu.analysis.grid import put_on_grid
from ankle_imu.analysis.sensor import prepare
from ankle_imu.settings import Settings
from ankle_imu.validation.score import Row
from ankle_imu.values import ImuSeries

Array = NDArray[np.float64]

STAIRS_M = 0.20
"""A stride that rises or falls by more goes over stairs."""


def walked_path(series: ImuSeries) -> Array:
    """Position of a right foot at the series' own times, (n, 3) m, heading and start arbitrary."""
    rate = series.sampling_rate
    count = int(np.floor((series.time[-1] - series.time[0]) * rate)) + 1
    time = series.time[0] + np.arange(count) / rate
    sensor = prepare(put_on_grid(series, time, rate), "right", rate, Settings().tau_acc_foot_s)
    position = follow(sensor, rate).position
    return np.stack([np.interp(series.time, time, position[:, k]) for k in range(3)], axis=1)


def position_error(path: Array, truth: Array) -> float:
    """3-D RMSE, m, after the best shift and the best turn about the vertical."""
    seen = np.isfinite(truth).all(axis=1)
    a, b = path[seen] - path[seen].mean(axis=0), truth[seen] - truth[seen].mean(axis=0)
    turn = np.angle(np.sum((b[:, 0] + 1j * b[:, 1]) * np.conj(a[:, 0] + 1j * a[:, 1])))
    plane = (a[:, 0] + 1j * a[:, 1]) * np.exp(1j * turn)
    error = np.stack([plane.real - b[:, 0], plane.imag - b[:, 1], a[:, 2] - b[:, 2]], axis=1)
    return float(np.sqrt((error**2).sum(axis=1).mean()))


def over_trials(rows: Sequence[Row]) -> Iterator[Row]:
    """Mean of the position errors of all trials of one data set, nothing where there is one trial or none."""
    errors = [row.value for row in rows if row.quantity == "position, 3-D RMSE"]
    if len(errors) > 1:
        yield Row(
            dataset=rows[0].dataset,
            case="all trials",
            quantity="position, 3-D RMSE, mean",
            n=len(errors),
            value=float(np.mean(errors)),
            unit="m",
            target=0.06,
            reference=f"detector tuned per trial 0.038; median here {np.median(errors):.3f}",
            how="none needed",
        )


def step_height(height_change: Array) -> tuple[int, float]:
    """Strides over stairs, and the median height of one step, m: a stride takes two. NaN where there is none."""
    climbed = np.abs(height_change[np.abs(height_change) > STAIRS_M])
    return len(climbed), 0.5 * float(np.median(climbed)) if len(climbed) else float("nan")
