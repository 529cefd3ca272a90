"""What a page knows of a routine: what is practised by whom, and the messages that tell of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ankle_imu.errors import AnkleImuError
from ankle_imu.mobility import PracticeSettings
from ankle_imu.practice.coach import Coach, Said
from ankle_imu.practice.prompts import sees
from ankle_imu.practice.routine import Step

Ends = tuple[float, float]
"""End range by oneself and with help, deg; NaN where not known."""

OwnRanges = Mapping[tuple[str, str, str], Ends]
"""(leg, action or `lunge`, angle source) -> end ranges."""


@dataclass(frozen=True, kw_only=True)
class Practised:
    """What is practised.

    Parameters
    ----------
    placements : tuple of str
    steps : tuple of Step, in order
    pain_stop : int, answer from which on it ends
    speed : float, s of the routine in a second
    settings : PracticeSettings
    earlier : end ranges without load of the last time, see `earlier_ranges`
    """

    placements: tuple[str, ...]
    steps: tuple[Step, ...]
    pain_stop: int
    speed: float = 1.0
    settings: PracticeSettings = field(default_factory=PracticeSettings)
    earlier: OwnRanges = field(default_factory=dict)

    def hello(self) -> dict[str, Any]:
        """First message of every page."""
        return {
            "k": "hello",
            "placements": list(self.placements),
            "steps": len(self.steps),
            "stop_at": self.pain_stop,
            "sees": sees({placement.split("_")[1] for placement in self.placements}),
        }


class Telling:
    """How a routine stands, in messages.

    Parameters
    ----------
    coach : Coach
    speed : float, s of the routine in a second
    """

    def __init__(self, coach: Coach, speed: float = 1.0) -> None:
        self._coach, self._speed = coach, speed
        self._said, self._count = "", 0

    def hear(self, said: Said) -> None:
        """Something was said."""
        if said.words:
            self._said, self._count = said.words, self._count + 1

    def scene(self, now: float) -> dict[str, Any]:
        """The moment; `n` grows with everything that is said, `rate` is how fast the seconds pass."""
        scene, coach = self._coach.scene(now), self._coach
        return {
            "k": "scene",
            "n": self._count,
            "said": self._said,
            "step": scene.number,
            "of": scene.total,
            "title": scene.title,
            "head": scene.head,
            "prompt": scene.prompt(self._said),
            "phase": scene.phase,
            "left": round(scene.phase_left_s, 2),
            "lasts": round(scene.phase_s, 2),
            "whole": round(scene.left_s, 1),
            "rep": scene.rep,
            "reps": scene.reps,
            "paused": scene.is_paused,
            "rate": 0.0 if scene.is_paused or scene.is_over else self._speed,
            "next": scene.next_title,
            "over": scene.is_over,
            "stopped": coach.stopped,
            "skipped": list(coach.skipped),
            "pains": list(coach.pains),
        }


def obey(coach: Coach, now: float, do: str, step: int) -> list[Said]:
    """Do what a page asks for; of another step than the one at hand, or asked for twice, nothing.

    Parameters
    ----------
    coach : Coach
    now : float, s
    do : one of `words.ASKED`
    step : int, the step that the page showed, from 1
    """
    if coach.is_over or coach.scene(now).number != step:
        return []
    if do in ("pause", "resume"):
        return coach.pause(now) if coach.is_paused == (do == "resume") else []
    return coach.skip(now) if do == "skip" else coach.again(now)


def earlier_ranges(root: Path, alias: str, knee: str = "") -> dict[tuple[str, str, str], Ends]:
    """End ranges of the last practice in which each was measured without load.

    Parameters
    ----------
    root : Path of the library
    alias : str, the person
    knee : `bent` | `straight` | "" not noted; only such sessions are looked at

    Returns
    -------
    (leg, action, angle source) -> by oneself and with help, deg; what is not known is left out
    """
    from ankle_imu.library.practice_trend import load_practice_trend

    try:
        trend = load_practice_trend(root, alias) if alias else None
    except (AnkleImuError, ValueError):
        return {}
    if trend is None:
        return {}
    bare = trend[
        (trend["load"] == "none")
        & (trend["knee"] == knee)
        & trend["deload_cm"].isna()
        & trend["body_share"].isna()
    ]
    found: dict[tuple[str, str, str], Ends] = {}
    for row in bare.to_dict("records"):
        ends = (float(row["active_deg"]), float(row["assisted_deg"]))
        if any(map(math.isfinite, ends)):
            found[str(row["leg"]), str(row["action"]), str(row["angle_source"])] = ends
    return found


def summary(coach: Coach, lines: Sequence[str]) -> dict[str, Any]:
    """What the page says at the end: plain lines, no links."""
    return {"k": "summary", "lines": [*coach.outcome, *lines]}
