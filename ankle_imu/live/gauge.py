"""What a leg shows: its angle, the person's own band, the step under way, rolls, and the cue."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from ankle_imu.metrics.inversion import STANCE_SHARE
from ankle_imu.metrics.rolls import FOOT_ALONE_SHARE
from ankle_imu.settings import Settings
from ankle_imu.streaming import LiveBlock, Roll

BAND: Final = (0.05, 0.95)
FEWEST_STEPS: Final = 10
"""Steps from which the own band is shown; ten are what the set-up asks for (own choice)."""

_EDGE_DEG, _BIN_DEG = 60.0, 0.5
STEP_S: Final = (0.15, 2.5)
"""Shortest and longest stance that counts as a step, s (longest: rule of `gait.strides`)."""

ANGLE: Final = {"joint": "inversion", "foot": "foot_tilt"}
CUE_REST_S: Final = 1.0
"""At most one cue a second and leg: a second one within the same stumble tells nothing new (own choice)."""


@dataclass(kw_only=True)
class RollSeen:
    """One roll while it was seen: s, deg, deg/s."""

    number: int
    leg: str
    source: str
    time_s: float
    peak_deg: float
    peak_dps: float
    kind: str = "roll"
    verdict: str = "none"

    def told(self) -> dict[str, Any]:
        """For the page and the recorder."""
        return {
            "number": self.number,
            "leg": self.leg,
            "source": self.source,
            "time_s": round(self.time_s, 3),
            "peak_deg": round(self.peak_deg, 1),
            "peak_dps": round(self.peak_dps),
            "kind": self.kind,
            "verdict": self.verdict,
        }


@dataclass(kw_only=True)
class LegGauge:
    """One leg.

    Parameters
    ----------
    leg : `left` | `right`
    settings : Settings, with the person's own limits of a roll

    Notes
    -----
    `_until` is the age of a stance at which push-off is near, s: guessed from those before, as `streaming` does.
    """

    leg: str
    settings: Settings
    source: str = ""
    steps: int = 0
    range_deg: float = float("nan")
    rolling: RollSeen | None = None
    _counts: np.ndarray[Any, Any] = field(default_factory=lambda: np.zeros(int(2 * _EDGE_DEG / _BIN_DEG)))
    _ranges: deque[float] = field(default_factory=lambda: deque(maxlen=200))
    _stances: deque[float] = field(default_factory=lambda: deque(maxlen=9))
    _until: float = STEP_S[1]
    _start: float | None = None
    _angles: list[float] = field(default_factory=list)
    _low: float = float("inf")
    _rise: float = 0.0
    _fastest: float = 0.0
    _cued: float = float("-inf")

    def shows(self, block: LiveBlock) -> bool:
        """Whether this block is the one to show: the joint as soon as it is known, else the foot."""
        if block.source not in ANGLE:
            return False
        if block.source == "joint" and np.isfinite(block.angles["inversion"]).any():
            self._show("joint")
        elif not self.source:
            self._show("foot")
        return block.source == self.source

    def _show(self, source: str) -> None:
        """A band of foot tilt says nothing about inversion: each source begins its own."""
        if source != self.source:
            self.source, self.steps, self.range_deg, self._start = source, 0, float("nan"), None
            self._counts[:] = 0.0
            self._ranges.clear()

    def take(self, block: LiveBlock, next_number: int) -> tuple[RollSeen | None, bool]:
        """Take in a shown block; gives a roll that has just ended, and whether to cue now."""
        angle = block.angles[ANGLE[block.source]]
        cue = False
        ended = None
        for t, a, rate, stance, roll in zip(
            block.time.tolist(),
            angle.tolist(),
            block.rate.tolist(),
            block.is_stance.tolist(),
            block.roll.tolist(),
            strict=True,
        ):
            cue = self._step(t, a, rate, stance, roll) or cue
            ended = self._roll(t, a, rate, roll, next_number) or ended
        return ended, cue

    def _step(self, t: float, angle: float, rate: float, stance: bool, roll: int) -> bool:
        """Follow one stance; whether the person's own limit is passed just now."""
        if not stance:
            if self._start is not None:
                self._end_stance(t - self._start)
            self._start = None
            return False
        if self._start is None:
            self._start, self._angles = t, []
            self._low, self._rise, self._fastest = float("inf"), 0.0, 0.0
        if rate == rate:
            self._fastest = max(self._fastest, rate)
        age = t - self._start
        if age > STEP_S[1]:
            return False
        self._angles.append(angle)
        if angle == angle and age <= self._until:
            self._low = min(self._low, angle)
            self._rise = max(self._rise, angle - self._low)
        passed = self.steps > 0 and (self._rise >= self.limit_deg or roll >= Roll.FAST)
        if passed and t - self._cued >= CUE_REST_S:
            self._cued = t
            return True
        return False

    def _end_stance(self, duration: float) -> None:
        """The part of a step that counts, contact to 85 % of stance as in `range_stance_deg`."""
        if not STEP_S[0] <= duration <= STEP_S[1]:
            return
        angles = np.array(self._angles[: round(STANCE_SHARE * len(self._angles))])
        if not len(angles) or not np.isfinite(angles).all():
            return
        self.steps += 1
        self.range_deg = float(np.ptp(angles))
        self._ranges.append(self.range_deg)
        self._stances.append(duration)
        self._until = STANCE_SHARE * float(np.median(self._stances))
        at = np.clip((angles + _EDGE_DEG) / _BIN_DEG, 0, len(self._counts) - 1).astype(int)
        np.add.at(self._counts, at, 1.0)

    @property
    def limit_deg(self) -> float:
        """The person's own limit of a roll, deg; a foot alone is asked for less, see `metrics.rolls`."""
        return self.settings.roll_deg * (FOOT_ALONE_SHARE if self.source == "foot" else 1.0)

    def _roll(self, t: float, angle: float, rate: float, roll: int, number: int) -> RollSeen | None:
        if roll >= Roll.ROLL:
            if self.rolling is None:
                self.rolling = RollSeen(
                    number=number, leg=self.leg, source=self.source, time_s=t, peak_deg=angle, peak_dps=rate
                )
            seen = self.rolling
            seen.peak_deg, seen.peak_dps = max(seen.peak_deg, angle), max(seen.peak_dps, self._fastest)
            seen.kind = "hard_roll" if roll >= Roll.HARD else seen.kind
            return None
        ended, self.rolling = self.rolling, None
        return ended

    def band(self) -> tuple[float, float] | None:
        """Where nine tenths of the angle on the ground lay so far, deg; None before ten steps."""
        total = self._counts.sum()
        if self.steps < FEWEST_STEPS or total == 0:
            return None
        share = np.cumsum(self._counts) / total
        low, high = (float(np.searchsorted(share, q)) * _BIN_DEG - _EDGE_DEG for q in BAND)
        return low, high + _BIN_DEG

    def usual(self) -> float:
        """Median range of the steps so far, deg; NaN before ten."""
        return float(np.median(self._ranges)) if self.steps >= FEWEST_STEPS else float("nan")
