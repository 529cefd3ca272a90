"""Guides through a routine: says what to do when, and which markers go into the recording.

A coach has no clock. It is told the time with every call, so that a routine can run in real time, or as fast as it
is computed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ankle_imu.practice import prompts
from ankle_imu.practice.blocks import HEAD
from ankle_imu.practice.moments import END, Moment, moments
from ankle_imu.practice.routine import Step

PAUSE: Final = "practice pause"
RESUME: Final = "practice resume"


@dataclass(frozen=True, kw_only=True)
class Said:
    """Something said at a time, s; `mark` is the marker that goes with it, `leg` whose it is."""

    at_s: float
    words: str = ""
    mark: str = ""
    leg: str = ""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What is on the screen at one moment.

    `number` of `total` steps, `title` and `place` of this one, `words` said last; `phase`: place | go | hold |
    back | rest | still | swing | done; `phase_left_s`, `phase_s`: of it; `left_s`: of the whole routine; `rep` of
    `reps`; `is_paused`; `is_over`; `next_title`: "" for the last.
    """

    number: int
    total: int
    title: str
    place: str
    words: str
    phase: str
    phase_left_s: float
    phase_s: float
    left_s: float
    rep: int
    reps: int
    is_paused: bool
    is_over: bool
    next_title: str

    @property
    def head(self) -> str:
        """The phase in a word or two."""
        return "PAUSED" if self.is_paused else prompts.PHASES[self.phase]

    def prompt(self, said: str) -> str:
        """What to read: how to place the joint while it is placed, else what was said last."""
        return self.place if self.phase == "place" or said.isdigit() else said


class Coach:
    """Leads through steps; every method takes the time now, s on any zero, and gives what is said.

    Parameters
    ----------
    steps : Step, in order
    pain_stop : int, answer from which on it ends
    start_s : float, s, when the first step begins
    """

    def __init__(self, steps: Sequence[Step], pain_stop: int, start_s: float = 0.0) -> None:
        self._steps, self._stop_at = tuple(steps), pain_stop
        self._plans = [moments(step) for step in self._steps]
        self._number, self._given = 0, 0
        self._begun, self._paused = start_s, math.nan
        self._last = _opening(self._steps[0])
        self._begins: list[float] = []
        self.skipped: list[str] = []
        self.pains: list[int] = []
        self.stopped = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return bool(self.stopped) or self._number >= len(self._steps)

    @property
    def is_paused(self) -> bool:
        """Whether it waits."""
        return not math.isnan(self._paused)

    @property
    def step(self) -> Step:
        """The step at hand."""
        return self._steps[min(self._number, len(self._steps) - 1)]

    @property
    def next_s(self) -> float:
        """When something is said next, s; infinite while paused or over."""
        if self.is_over or self.is_paused:
            return math.inf
        return self._begun + self._plans[self._number][self._given].at_s

    @property
    def outcome(self) -> list[str]:
        """What was left out, a sentence each."""
        told = [f"Skipped: {name}." for name in self.skipped]
        return told + ([f"Ended early ({self.stopped}); what was done is kept."] if self.stopped else [])

    def advance(self, now: float) -> list[Said]:
        """What is due until now."""
        said = []
        while self.next_s <= now:
            moment = self._plans[self._number][self._given]
            said.append(
                Said(at_s=self._begun + moment.at_s, words=moment.words, mark=moment.mark, leg=self.step.leg)
            )
            self._last = moment
            self._given += 1
            if self._given == len(self._plans[self._number]):
                self._go_on(self._begun + moment.at_s)
        return said

    def take(self, now: float, line: str) -> list[Said]:
        """Do what a typed line asks for.

        An empty one pauses, `s` skips, `a` repeats, `q` ends, 0 to 10 tells of pain; other words become a marker.
        """
        if line == "":
            return self.pause(now)
        if line in ("s", "a", "q"):
            return {"s": self.skip, "a": self.again, "q": self.stop}[line](now)
        if not line.isdecimal():
            return self.note(now, line)
        if int(line) > 10:
            return [self._say(now, "Pain is told as 0 (none) to 10 (the worst there is).")]
        return self.pain(now, int(line))

    def pause(self, now: float) -> list[Said]:
        """Wait, or go on after waiting."""
        if self.is_over:
            return []
        if self.is_paused:
            self._begun += now - self._paused
            self._paused = math.nan
            return [self._say(now, "On we go.", RESUME if self._is_measuring else "")]
        self._paused = now
        return [self._say(now, "Paused.", PAUSE if self._is_measuring else "")]

    def skip(self, now: float) -> list[Said]:
        """Leave this step for the next."""
        if self.is_over:
            return []
        self.skipped.append(prompts.title(self.step))
        said = [self._say(now, "Skipped.", END if self._is_measuring else "")]
        self._go_on(now)
        return said

    def again(self, now: float) -> list[Said]:
        """Begin this step anew; what was done of it stays in the recording."""
        if self.is_over:
            return []
        said = [self._say(now, "Once more.", END if self._is_measuring else "")]
        self._number -= 1
        self._go_on(now)
        return said

    def pain(self, now: float, answer: int) -> list[Said]:
        """Take note of pain, 0 to 10; from `pain_stop` on it is over.

        Raises
        ------
        ValueError
            If the answer is not 0 to 10.
        """
        if not 0 <= answer <= 10:
            raise ValueError(f"Pain is told as 0 (none) to 10 (the worst there is), found {answer}.")
        if self.is_over:
            return []
        self.pains.append(answer)
        noted = self._say(now, "", f"pain {answer}")
        if answer >= self._stop_at:
            words = f"Pain {answer}: the routine ends here. What was done is kept."
            return [noted, *self.stop(now, f"pain {answer}", words)]
        words = "Noted." if answer == 0 else f"Pain {answer} noted. Go less far, or skip."
        return [noted, self._say(now, words)]

    def note(self, now: float, text: str) -> list[Said]:
        """Keep words as a marker; `pain 3` is what it says, and `practice ...` is none of the coach's own."""
        pain = re.fullmatch(r"pain\s+(\d+)", text.strip(), re.IGNORECASE | re.ASCII)
        if self.is_over:
            return []
        if pain is not None:
            return self.take(now, pain.group(1))
        return [self._say(now, "Noted.", f"note: {text}" if text.split()[:1] == [HEAD] else text)]

    def stop(
        self, now: float, reason: str = "stopped", words: str = "Stopped. What was done is kept."
    ) -> list[Said]:
        """End it."""
        if self.is_over:
            return []
        said = [self._say(now, words, END if self._is_measuring else "")]
        self.stopped = reason
        return said

    def planned_s(self, now: float) -> float:
        """How far the routine would be now without pauses, skips and repeats, s from its beginning."""
        begun = sum(step.length_s for step in self._steps[: self._number])
        return begun + (self._paused if self.is_paused else now) - self._begun

    def scene(self, now: float) -> Scene:
        """What to show now."""
        now = self._paused if self.is_paused else now
        step, clock = self.step, max(0.0, now - self._begun)
        left = sum(s.length_s for s in self._steps[self._number :]) - clock if not self.is_over else 0.0
        later = self._steps[self._number + 1 :]
        return Scene(
            number=min(self._number + 1, len(self._steps)),
            total=len(self._steps),
            title=prompts.title(step),
            place=prompts.place(step),
            words=self._last.words if self._given else "",
            phase="done" if self.is_over else self._last.phase,
            phase_left_s=0.0 if self.is_over else max(0.0, self._last.until_s - clock),
            phase_s=self._last.until_s - self._phase_start(),
            left_s=max(0.0, left),
            rep=self._last.rep,
            reps=step.reps,
            is_paused=self.is_paused,
            is_over=self.is_over,
            next_title=prompts.title(later[0]) if later else "",
        )

    def _phase_start(self) -> float:
        """When the phase of the word said last began: words that count down belong to what they count for."""
        plan = self._plans[min(self._number, len(self._plans) - 1)]
        return min((m.at_s for m in plan if m.until_s == self._last.until_s), default=self._last.at_s)

    @property
    def _is_measuring(self) -> bool:
        """Whether a block of the recording is open."""
        return any(m.mark for m in self._plans[self._number][: self._given])

    def _say(self, now: float, words: str, mark: str = "") -> Said:
        return Said(at_s=now, words=words, mark=mark, leg=self.step.leg)

    def _go_on(self, now: float) -> None:
        self._number += 1
        self._given, self._begun, self._paused = 0, now, math.nan
        if self._number < len(self._steps):
            self._last = _opening(self.step)


def _opening(step: Step) -> Moment:
    """What stands until the first word of a step."""
    return Moment(at_s=0.0, words="", phase="place", until_s=step.prepare_s)
