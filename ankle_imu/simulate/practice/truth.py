"""What really happened in a simulated practice session, by the definitions of `tables`, from the exact curves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ankle_imu.mobility import Block, PracticeSettings

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class PracticeTruth:
    """Truth of a practice session.

    `time`: (n,) s; `orientation`: placement -> (n, 4), segment -> earth; `alignment`: placement -> (4,), sensor
    -> segment, both in the frames of the real leg; `acc_bias`: placement -> (3,) m/s^2, sensor frame; `angles`:
    leg -> coordinate -> (n,) deg as the person wanted it, without tremor. `reps`: leg action mode load
    end_range_deg start_s end_s compensation; `holds`: leg action start_s end_s level_deg, and lost_deg lost_5s_deg
    lost_10s_deg lost_20s_deg of a lift-off; `sway`: leg eyes segment rms_deg; `ranges_deg`: action or `lunge` ->
    active range of the person.
    """

    time: Array
    orientation: Mapping[str, Array]
    alignment: Mapping[str, Array]
    acc_bias: Mapping[str, Array]
    angles: Mapping[str, Mapping[str, Array]]
    blocks: tuple[Block, ...]
    reps: pd.DataFrame
    holds: pd.DataFrame
    sway: pd.DataFrame
    ranges_deg: Mapping[str, float]


def holds_in(
    time: Array, angle: Array, end_range: float, missing: NDArray[np.bool_], settings: PracticeSettings
) -> list[tuple[float, float, float]]:
    """Start, end (s) and level (deg) of the holds in an exact curve without tremor, sample by sample.

    Parameters
    ----------
    time : (n,) s
    angle : (n,) deg, + in the action's direction
    end_range : float, deg, today's active end range
    missing : (n,) bool, nothing was sent
    """
    rate = np.abs(np.gradient(angle, time))
    found = []
    i, n, is_still = 0, len(time), False
    begin = None
    while i < n:
        is_still = rate[i] < (settings.moving_dps if is_still else settings.still_dps)
        if not (is_still and angle[i] >= settings.hold_share * end_range) or missing[i]:
            begin = None
            is_still = is_still and not missing[i]
        elif begin is None:
            begin = i
        if begin is not None and time[i] - time[begin] >= settings.shortest_hold_s - 1e-9:
            end, level = _until_left(time, angle, begin, missing, settings)
            found.append((float(time[begin]), float(time[end - 1]), level))
            i, begin, is_still = end, None, False
            continue
        i += 1
    return found


def _until_left(
    time: Array, angle: Array, begin: int, missing: NDArray[np.bool_], settings: PracticeSettings
) -> tuple[int, float]:
    level = float(np.median(angle[(time >= time[begin]) & (time < time[begin] + 1.0)]))
    last = begin
    for j in range(begin, len(time)):
        if missing[j] or time[j] - time[last] > settings.leave_s:
            return last + 1, level
        if abs(angle[j] - level) <= settings.band_deg:
            last = j
    return last + 1, level
