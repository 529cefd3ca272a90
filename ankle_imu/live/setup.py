"""The set-up: put on, toe taps, stand still, ten steps, with a verdict at each that a person can act on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ankle_imu import frames
from ankle_imu.errors import AnkleImuError
from ankle_imu.live.moving import STILL_S, Array, Block, Taps, is_carried, is_lively, is_still
from ankle_imu.values import Alignment, Recording

STEPS: Final = ("put_on", "taps", "still", "walk")
TAPS: Final = 8
ENOUGH_TAPS: Final = 6
"""The analysis takes the axis from six taps as well as from eight; two may be too small to be counted."""

WALK_S: Final = 12.0
"""Ten steps with each foot. After so much walking every fault of wearing and of settings that can be seen at all
is named, after 8 s a wrong range of the gyroscope is not (own comparison, `tests/live/test_setup.py`)."""

LONGEST_WALK_S: Final = 24.0
LEAST_STRIDES: Final = 6
LOOK_AGAIN_S: Final = 4.0
"""Where the analysis found fewer strides of either leg it is asked again after so much more walking, and judges
after the longest at the latest: brisk taps look like walking until they are analyzed (own choice)."""

READY_S: Final = 2.0
"""Who stands this long before the first tap has the sensors on (own choice)."""

MOVED: Final = 0.5
"""rad/s, a sensor that is put on or worn by someone who walks turns faster (own choice)."""

UNMOVED_S: Final = 20.0
"""A sensor that never moved for so long is named while it is waited for: the other foot's taps take 10 s. A shank
does not move before the walk, so there it is the time in that step."""

LONGEST_S: Final = 150.0
"""The set-up looks back no further than the analysis does for standing and taps."""

LEAST_RATE: Final = 0.8
"""Share of the nominal rate from which a sensor counts as arriving (own choice)."""

_BEAT_S: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step: name, `waiting` | `now` | `passed` | `failed`, and words on what was found or is to be done."""

    name: str
    state: str
    words: str


class Setup:
    """Follows a person through the set-up from the samples alone.

    Parameters
    ----------
    placements : sensors that are worn
    calibration : placement -> Alignment saved before, against which a sensor that was turned over is seen

    Notes
    -----
    A step is passed when it is seen. Who walks off before is not held up: the walk is judged, and what was left
    out is said. The last verdict is that of `analyze` on all samples since the set-up began, its gates for taps
    and standing included: what looked like taps may have been steps.
    """

    def __init__(self, placements: Sequence[str], calibration: Mapping[str, Alignment] | None = None) -> None:
        self.placements = tuple(placements)
        self._calibration = calibration
        self._feet = [p for p in self.placements if frames.segment_of(p) == "foot"]
        self.restart()

    def restart(self) -> None:
        """Begin anew."""
        self._blocks: dict[str, list[Block]] = {p: [] for p in self.placements}
        self._arriving: dict[str, str] = dict.fromkeys(self.placements, "not seen yet")
        self._at = 0
        self._walked_s, self._enough_s = 0.0, WALK_S
        self._began = self._tapped = self._since = float("nan")
        self._unmoved = list(self.placements)
        self._taps: dict[str, Taps] = {p: Taps() for p in self._feet}
        self._looked = float("-inf")
        self._passed: dict[str, str] = {}
        self._left_out: dict[str, str] = {}
        self.problems: tuple[str, ...] = ()
        self.is_over = False
        self._told: tuple[Step, ...] = ()

    def end(self) -> None:
        """It is over, judged or left; the samples are let go."""
        self.is_over = True
        self._blocks = {p: [] for p in self.placements}

    @property
    def passed(self) -> bool:
        """Whether all is well."""
        return self.is_over and not self.problems

    def arriving(self, problems: Mapping[str, str]) -> None:
        """What keeps each sensor from arriving as it should, "" where nothing does."""
        self._arriving.update({p: why for p, why in problems.items() if p in self._arriving})

    def take(self, placement: str, time: Array, acc: Array, gyr: Array) -> bool:
        """Take in samples (n,) s, (n, 3) m/s^2, (n, 3) rad/s of one sensor; True when something changed."""
        if self.is_over or not len(time):
            return False
        blocks = self._blocks[placement]
        blocks.append((time, acc, gyr))
        while blocks[-1][0][-1] - blocks[0][0][0] > LONGEST_S:
            blocks.pop(0)
        if not self._began <= time[-1]:
            self._began = float(time[0])
        if placement in self._unmoved and np.nanmax(np.abs(gyr), initial=0.0) > MOVED:
            self._unmoved.remove(placement)
        if placement in self._taps and STEPS[self._at] == "taps" and self._taps[placement].take(gyr):
            self._tapped = float(np.fmin(self._tapped, time[0]))
        if time[-1] - self._looked < _BEAT_S:
            return False
        self._looked = float(time[-1])
        self._look(self._looked)
        before, self._told = self._told, self.steps()
        return self._told != before

    def steps(self) -> tuple[Step, ...]:
        """Every step as it stands."""
        told = []
        for n, name in enumerate(STEPS):
            if name in self._left_out:
                told.append(Step(name=name, state="failed", words=self._left_out[name]))
            elif name in self._passed:
                told.append(Step(name=name, state="passed", words=self._passed[name]))
            elif self.is_over:
                told.append(Step(name=name, state="failed", words=" ".join(self.problems)))
            elif n == self._at:
                told.append(Step(name=name, state="now", words=self._ask(name)))
            else:
                told.append(Step(name=name, state="waiting", words=""))
        return tuple(told)

    def told(self) -> dict[str, Any]:
        """For the page."""
        return {
            "steps": [{"name": s.name, "state": s.state, "words": s.words} for s in self.steps()],
            "over": self.is_over,
            "problems": [_worded(problem) for problem in self.problems],
        }

    def _ask(self, name: str) -> str:
        asked, lying = self._task(name), self._lying(name)
        if not lying:
            return asked
        who = " and ".join(_name(p) for p in lying).capitalize()
        if len(lying) > 1:
            return f"{asked}. {who}: these sensors have not moved yet; are they worn?"
        return f"{asked}. {who}: this sensor has not moved yet; is it worn?"

    def _lying(self, name: str) -> list[str]:
        """Sensors that should have moved by now."""
        since = self._since if name == "walk" else self._began
        if not self._looked - since > UNMOVED_S:
            return []
        return [p for p in self._unmoved if p in self._feet or name in ("put_on", "walk")]

    def _task(self, name: str) -> str:
        if name == "put_on":
            missing = [f"{_name(p)}: {why}" for p, why in self._arriving.items() if why]
            return "; ".join(missing) or "all sensors arrive"
        if name == "taps":
            counts = ", ".join(
                f"{frames.leg_of(p)} {min(self._taps[p].count, TAPS)} of {TAPS}" for p in self._feet
            )
            return f"Stand, heel on the floor, toes up and down, one foot after the other: {counts}"
        if name == "still":
            return f"Stand still on both feet for {STILL_S:g} s"
        left = max(0.0, self._enough_s - self._walked_s)
        return f"Walk straight on, ten steps with each foot: {left:.0f} s more"

    def _look(self, now: float) -> None:
        name = STEPS[self._at]
        worn = self._blocks.values()
        if any(is_lively(blocks, now) or is_carried(blocks, now) for blocks in worn):
            self._walked_s += _BEAT_S
        elif name != "walk":
            self._walked_s = 0.0
        if name == "put_on" and not any(self._arriving.values()):
            self._pass("all sensors arrive")
        elif name == "taps" and not self._feet:
            self._pass("not needed without a foot sensor")
        elif name == "taps" and all(t.count >= ENOUGH_TAPS for t in self._taps.values()):
            self._pass("taps seen: " + ", ".join(f"{frames.leg_of(p)} {t.count}" for p, t in self._taps.items()))
        elif name == "still" and all(is_still(blocks, now) for blocks in worn):
            self._pass("you stood still")
        elif name == "walk" and self._walked_s >= self._enough_s:
            self._judge()
        elif name in ("taps", "still") and self._walked_s >= 0.5 * WALK_S:
            self._left_out[name] = {"taps": "too few toe taps were seen", "still": "you did not stand still"}[name]
            self._go_on()

    def _pass(self, words: str) -> None:
        self._passed[STEPS[self._at]] = words
        self._go_on()

    def _go_on(self) -> None:
        self._at += 1
        self._since = self._looked

    def _judge(self) -> None:
        """The verdict of the analysis on all that was seen, unless it saw too little."""
        problems, has_walked = self._found()
        if not has_walked and self._enough_s < LONGEST_WALK_S:
            self._enough_s += LOOK_AGAIN_S
            return
        self.problems = problems
        if not self.problems:
            self._passed["walk"] = f"each sensor moves as its name says; {self._unsure()}"
        self.end()

    def _unsure(self) -> str:
        """What ten steps cannot tell."""
        if not self._feet:
            return "which leg a lone shank sensor is on cannot be told"
        return "left and right show for certain in a longer walk"

    def _found(self) -> tuple[tuple[str, ...], bool]:
        """What is wrong, and whether the analysis saw enough strides to say that all is."""
        from ankle_imu.analysis import analyze
        from ankle_imu.live.slipping import find_setup_slips

        silent = [p for p in self.placements if sum(len(t) for t, _, _ in self._blocks[p]) < 2]
        missing = tuple(f"{p}: nothing came from this sensor; wake it and begin the set-up anew." for p in silent)
        try:
            recording = self.recording()
            result = analyze(recording)
        except (AnkleImuError, ValueError) as error:
            return (*missing, str(error)), True
        alignment = result.quality["alignment"]
        self._heed_gates([gate for one in alignment.values() for gate in one["gates"]])
        failed = [f"{p}: {one['reason']}" for p, one in alignment.items() if one["verdict"] == "failed"]
        told = [*missing, *result.quality["warnings"]]
        told += [f for f in failed if not any(f.partition(": ")[2] in t for t in told)]
        wearing = " ".join([*result.quality["wearing"], *failed])
        since = self._tapped - READY_S if np.isfinite(self._tapped) else float("-inf")
        slips = find_setup_slips(recording, result, since)
        told += [words for p, words in slips.items() if p not in wearing]
        strides = result.strides["leg"].value_counts()
        return tuple(told), bool(strides.max() >= LEAST_STRIDES if len(strides) else False)

    def _heed_gates(self, gates: Sequence[Mapping[str, Any]]) -> None:
        """Take back the taps and the standing where the analysis could not use them."""
        for step, names in (("taps", ("tap_share", "tap_halves_deg")), ("still", ("standing_s",))):
            bad = [gate["words"] for gate in gates if gate["gate"] in names and gate["verdict"] != "passed"]
            if bad:
                self._left_out[step] = bad[0]
        names = ("tap_halves_deg", "taps_to_walking_deg")  # what a turn about the vertical shows in
        turned = [g["words"] for g in gates if g["gate"] in names and g["verdict"] == "failed"]
        if turned:
            self._left_out["taps"] = f"{turned[0]}, or the sensor turned on the foot: tap anew"

    def recording(self) -> Recording:
        """All samples since the set-up began; `ValueError` when there are none."""
        kept = {p: [np.concatenate(part) for part in zip(*b, strict=True)] for p, b in self._blocks.items() if b}
        sensors, times = {}, {}
        for placement, (time, acc, gyr) in kept.items():
            later = np.concatenate([[True], time[1:] > np.maximum.accumulate(time)[:-1]])
            if later.sum() > 1:
                sensors[placement], times[placement] = (acc[later], gyr[later]), time[later]
        return Recording.from_arrays(None, sensors, time=times, calibration=self._calibration)


def _name(placement: str) -> str:
    return placement.replace("_", " ")


def _worded(problem: str) -> str:
    """A sentence of the analysis with the sensors called as on their cards."""
    for placement in frames.PLACEMENTS:
        problem = problem.replace(placement, _name(placement))
    return problem[:1].upper() + problem[1:]
