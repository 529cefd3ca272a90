"""The roll detector of `metrics.rolls`, sample by sample."""

from __future__ import annotations

from collections import deque
from math import inf, isfinite
from statistics import median

from ankle_imu.gait.strides import LONGEST_S
from ankle_imu.metrics.inversion import STANCE_SHARE
from ankle_imu.metrics.rolls import (
    BEYOND_DEG,
    FEWEST_NEIGHBOURS,
    HARD_DEG,
    HARD_DPS,
    HARD_FAST_DEG,
    LEAST_S,
    NEIGHBOURS,
    USUAL_EVERSION_DEG,
    least_samples,
)
from ankle_imu.streaming.block import Roll

USUAL_STANCES = 9
"""The length of the stance under way is guessed from the median of so many before it."""


class _Rise:
    """The largest rise so far of one stance, as `metrics.rolls.find_rises` sees it at the end."""

    def __init__(self, roll_dps: float) -> None:
        self._dps = roll_dps
        self._low, self.height, self.peak, self._goes_on = inf, 0.0, -inf, False
        self._run = self.longest_run = self.held = 0
        self._swiftest = self.fastest = 0.0

    def take(self, angle: float, rate: float, is_early: bool) -> None:
        """One sample: a lower angle begins a new rise, a higher one extends the best."""
        if is_early and angle < self._low:
            self._low, self._swiftest, self._run, self.longest_run = angle, 0.0, 0, 0
            self._goes_on = False
            self.peak = angle if self.height == 0.0 else self.peak
            return
        self._swiftest = max(self._swiftest, rate)
        self._run = self._run + 1 if is_early and rate >= self._dps else 0
        self.longest_run = max(self.longest_run, self._run)
        is_best = angle - self._low > self.height if is_early else self._goes_on and angle > self.peak
        if is_best:
            self.height, self.peak = angle - self._low, angle
            self.fastest, self.held = self._swiftest, self.longest_run
        if is_early:
            self._goes_on = is_best


class RollWatch:
    """Whether the ankle rolls inward in the stance under way.

    Parameters
    ----------
    sampling_rate : float, Hz
    roll_deg, roll_dps : thresholds of `Settings`
    stance : samples of a usual stance, where it is known beforehand

    Notes
    -----
    The rule of the batch: from 20 ms before contact to 85 % of stance the angle rises by `roll_deg` above its
    lowest value so far, 5 deg beyond the peaks of the stances before and further than it everted beyond theirs,
    and the rate stays at `roll_dps` for 20 ms of that. How long the stance will be is guessed from those before;
    until there was one, all of it counts. A stance without a contact seen, or longer than
    2.5 s, is standing and not watched. The guards that look back at the whole walk (`analysis.rolling`) are the
    batch's alone.
    """

    def __init__(self, sampling_rate: float, roll_deg: float, roll_dps: float, stance: float = inf) -> None:
        self._deg, self._dps = roll_deg, roll_dps
        self._needed = least_samples(sampling_rate)
        self._longest = round(LONGEST_S * sampling_rate)
        self._lead = max(1, round(LEAST_S * sampling_rate))
        self._before: deque[tuple[float, float]] = deque(maxlen=self._lead)
        self._stances: deque[float] = deque([stance] if stance < inf else [], maxlen=USUAL_STANCES)
        self._peaks: deque[tuple[float, float]] = deque(maxlen=NEIGHBOURS // 2)
        self._is_open = False
        self._begin(0)

    def step(self, angle: float, rate: float, *, is_stance: bool, is_contact: bool) -> Roll:
        """Take in one sample, deg and deg/s; give the state of this stance."""
        if is_contact:
            self._open()
        elif self._is_open and not is_stance:
            self._stances.append(self._age)
            self._peaks.append((self._in.peak, self._out.peak))
            self._is_open = False
        elif self._age > self._longest:
            self._is_open = False
        if not (isfinite(angle) and isfinite(rate)):
            self._is_open = False
            self._before.clear()
            return Roll.NONE
        self._before.append((angle, rate))
        if not self._is_open:
            return Roll.NONE
        self._take(angle, rate)
        return self._state()

    def _open(self) -> None:
        self._begin(len(self._before))
        self._is_open = True
        for angle, rate in self._before:
            self._take(angle, rate)

    def _begin(self, lead: int) -> None:
        usual = median(self._stances) if self._stances else inf
        self._age, self._until = -lead, STANCE_SHARE * usual
        self._in, self._out = _Rise(self._dps), _Rise(self._dps)
        is_known = len(self._peaks) >= FEWEST_NEIGHBOURS
        self._usual_in = median(peak for peak, _ in self._peaks) if is_known else 0.0
        self._usual_out = median(peak for _, peak in self._peaks) if is_known else USUAL_EVERSION_DEG

    def _take(self, angle: float, rate: float) -> None:
        is_early = self._age < self._until
        self._age += 1
        self._in.take(angle, rate, is_early)
        self._out.take(-angle, -rate, is_early)

    def _state(self) -> Roll:
        rise = self._in
        beyond = max(BEYOND_DEG, self._out.peak - self._usual_out)
        if rise.height >= self._deg and rise.held >= self._needed and rise.peak - self._usual_in >= beyond:
            is_hard = rise.height >= HARD_DEG or (rise.fastest >= HARD_DPS and rise.height >= HARD_FAST_DEG)
            return Roll.HARD if is_hard else Roll.ROLL
        return Roll.FAST if rise.longest_run >= self._needed else Roll.NONE
