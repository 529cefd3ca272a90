"""What the last seconds of one sensor tell of its wearer in the set-up: walking, standing still, tapping."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.analysis.gates import TAPPING
from ankle_imu.calibration.traits import CARRIED, SHAKEN

Array = NDArray[np.float64]

Block = tuple[Array, Array, Array]
"""Samples as they came: time (n,) s, acceleration (n, 3) m/s^2, rate (n, 3) rad/s, sensor frame."""

STILL_S: Final = 3.0
STILL_RATE: Final = 0.15
STILL_ACC: Final = 0.4
"""rad/s and m/s^2, largest spread of a sensor that stands on a person for 3 s (own measure: simulated standing
0.02 and 0.1, taps 1-3 and above 1)."""

LIVELY_S: Final = 2.0
"""Walking shows in so much of the past: a stride and more (own choice)."""

JOLTED: Final = 1.2
"""m/s^2 of jolts for each rad/s of turning from which a sensor is carried and does not tap: a tapping foot pivots
on its heel, 0.5 (own comparison: taps 0.5 .. 0.55, bags 1.4 .. 1.7)."""


def is_lively(blocks: Sequence[Block], now: float) -> bool:
    """Whether the sensor swings as in walking, over the last two seconds."""
    _, gyr = _last(blocks, now, LIVELY_S)
    speed = np.linalg.norm(gyr, axis=1)
    return bool(len(speed) and np.nanquantile(speed, 0.9) > CARRIED)


def is_carried(blocks: Sequence[Block], now: float) -> bool:
    """Whether the sensor is jolted as by steps and hardly turns: its wearer walks, and it is in a bag."""
    acc, gyr = _last(blocks, now, LIVELY_S)
    if len(acc) < 2:
        return False
    jolts = float(np.nanstd(np.linalg.norm(acc, axis=1)))
    turns = float(np.nanquantile(np.linalg.norm(gyr, axis=1), 0.9))
    return jolts > max(SHAKEN, JOLTED * turns)


def is_still(blocks: Sequence[Block], now: float) -> bool:
    """Whether the sensor stood for `STILL_S` on a person; False where so much has not come."""
    acc, gyr = _last(blocks, now, STILL_S)
    if not blocks or blocks[-1][0][-1] - blocks[0][0][0] < STILL_S or len(acc) < 10:
        return False
    return bool(np.nanstd(gyr, axis=0).max() <= STILL_RATE and np.nanstd(acc, axis=0).max() <= STILL_ACC)


def _last(blocks: Sequence[Block], now: float, seconds: float) -> tuple[Array, Array]:
    """Acceleration and rate of the last seconds, (n, 3) each."""
    near = [(a, g) for t, a, g in reversed(blocks[-200:]) if t[-1] > now - seconds]
    if not near:
        return np.empty((0, 3)), np.empty((0, 3))
    return np.concatenate([a for a, _ in near]), np.concatenate([g for _, g in near])


class Taps:
    """Counts toe taps of one foot: two bursts of turning each, up and down."""

    def __init__(self) -> None:
        self._bursts, self._is_fast = 0, False

    def take(self, gyr: Array) -> bool:
        """Count on; whether a tap was under way."""
        before = self._bursts
        speed = np.nan_to_num(np.linalg.norm(gyr, axis=1))
        for fast, slow in zip((speed > TAPPING).tolist(), (speed < 0.5 * TAPPING).tolist(), strict=True):
            if fast and not self._is_fast:
                self._bursts, self._is_fast = self._bursts + 1, True
            elif slow:
                self._is_fast = False
        return self._bursts > before

    @property
    def count(self) -> int:
        """Taps so far."""
        return self._bursts // 2
