"""The roll detector of `metrics.rolls`, sample by sample."""

from __future__ import annotations

from collections import deque
from math import isfinite

from ankle_imu.gait.strides import LONGEST_S
from ankle_imu.metrics.rolls import HARD_DEG, HARD_DPS, HARD_FAST_DEG, LEAST_S
from ankle_imu.streaming.block import Roll


class RollWatch:
    """Whether the ankle rolls inward in the stance under way.

    Notes
    -----
    The rule of the batch: from 20 ms before contact the rate stays at `roll_dps` for 20 ms, and the angle rises
    by `roll_deg` above the lowest point before its peak. A stance without a contact seen, or longer than 2.5 s,
    is standing and not watched.
    """

    def __init__(self, sampling_rate: float, roll_deg: float, roll_dps: float) -> None:
        self._deg, self._dps = roll_deg, roll_dps
        self._needed = max(1.0, LEAST_S * sampling_rate)
        self._longest = round(LONGEST_S * sampling_rate)
        self._before: deque[tuple[float, float]] = deque(maxlen=max(1, round(LEAST_S * sampling_rate)))
        self._age = -1
        self._run = self._longest_run = 0
        self._low = self._top = self._early = self._fastest = 0.0

    def step(self, angle: float, rate: float, *, is_stance: bool, is_contact: bool) -> Roll:
        """Take in one sample, deg and deg/s; give the state of this stance."""
        if is_contact:
            self._open()
        elif not is_stance or self._age > self._longest:
            self._age = -1
        if not (isfinite(angle) and isfinite(rate)):
            self._age = -1
            self._before.clear()
            return Roll.NONE
        self._before.append((angle, rate))
        if self._age < 0:
            return Roll.NONE
        self._take(angle, rate)
        return self._state()

    def _open(self) -> None:
        self._age = self._run = self._longest_run = 0
        self._low, self._top, self._early, self._fastest = float("inf"), float("-inf"), float("inf"), 0.0
        for angle, rate in self._before:
            self._take(angle, rate)

    def _take(self, angle: float, rate: float) -> None:
        self._age += 1
        self._low = min(self._low, angle)
        if angle > self._top:
            self._top, self._early = angle, self._low
        self._run = self._run + 1 if rate >= self._dps else 0
        self._longest_run = max(self._longest_run, self._run)
        self._fastest = max(self._fastest, rate)

    def _state(self) -> Roll:
        if self._longest_run < self._needed:
            return Roll.NONE
        rise = self._top - self._early
        if rise < self._deg:
            return Roll.FAST
        is_hard = rise >= HARD_DEG or (self._fastest >= HARD_DPS and rise >= HARD_FAST_DEG)
        return Roll.HARD if is_hard else Roll.ROLL
