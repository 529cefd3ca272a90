"""A routine that pages can see: what the coach says goes to all of them, what they press goes to the coach."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from ankle_imu.live.practice import Ends, Practised
from ankle_imu.live.practice_angles import RANGED, PracticeAngles
from ankle_imu.live.serving import Turn
from ankle_imu.live.walk import Packet
from ankle_imu.live.words import Word
from ankle_imu.practice.moments import END
from ankle_imu.practice.routine import TIMED, Step

Say = Callable[..., None]
"""Passes a word to the recorder: `practice`, `pain`, `note` or `stop`, and what belongs to it."""

CUES_S: Final = 0.5
"""Cues are told so often while the joint is placed."""

LATE_S: Final = 3.0
"""What was pressed longer ago, by a page that was cut off, is not done any more; pain is heard all the same. Ours:
about as long as it takes to read a prompt."""

UNMEASURED: Final = tuple(kind for kind in TIMED if kind != "balance")
"""Exercises without an angle and without cues: they set what the others are measured by."""

ANGLED: Final = ("rom", "hold", "lift-off", "lunge")


class PracticeHost:
    """Follows a routine in whichever thread brings it, and answers its pages in the event loop.

    Parameters
    ----------
    practised : Practised
    publish : sends a message to all pages, from any thread
    say : passes words on, from any thread

    Notes
    -----
    Messages are JSON objects; `k` names their kind: `hello`, `scene`, `gauge`, `a` angles, `cues`, `state`,
    `summary`, `trouble`.
    """

    def __init__(self, practised: Practised, publish: Callable[[dict[str, Any]], None], say: Say) -> None:
        self._practised, self._publish, self._say = practised, publish, say
        self.turn = Turn(self._complain)
        self._complained = False
        self._angles = PracticeAngles(practised.placements, practised.settings)
        self._scene: Mapping[str, Any] = {}
        self._gauge: dict[str, Any] = {}
        self._cued = -math.inf
        self._cues: tuple[int, list[dict[str, Any]]] = (0, [])

    def opening(self) -> list[dict[str, Any]]:
        """What every page must know before anything comes."""
        return [self._practised.hello()]

    def load(self) -> None:
        """Load what it takes, by following a pose that nobody took: later it would hold up the prompts."""
        angles = PracticeAngles(("left_foot", "left_shank"), self._practised.settings)
        time = np.arange(300) / 100.0
        for placement in angles.placements:
            angles.push(placement, time, np.tile([0.0, 0.0, 9.81], (300, 1)), np.zeros((300, 3)), rate=100.0)
        for at, text in ((0.1, "practice neutral"), (1.2, END), (1.3, "practice rom inversion"), (2.5, END)):
            angles.mark(at, text, "left")
            angles.settle()

    def take(self, kind: str, *rest: Any) -> None:
        """What the recorder tells beside its packets, see `PracticeBeside`."""
        if kind == "begin":
            self._angles.begin(*rest)
        elif kind == "marker":
            self._angles.mark(*rest)
        elif kind == "state":
            self._publish({"k": "state", **rest[0]})
        elif kind == "scene":
            self._scene = rest[0]
            self._publish(dict(self._scene))
            self._show_gauge()
            self._show_cues()
        elif kind == "summary":
            self._publish(rest[0])

    def take_packets(self, packets: Sequence[Packet]) -> None:
        """Packets in the order in which they came."""
        if self._angles.take_packets(packets):
            self._show_gauge()
        step = self._step
        if step is None or step.exercise not in ANGLED:
            return
        begun, angles = self._angles.newest(step)
        if len(angles):
            values = [None if v != v else round(v, 1) for v in angles.tolist()]
            self._publish({"k": "a", "w": packets[-1].stamp, "t": round(begun, 3), "v": values})

    def answer(self, word: Word) -> str:
        """Act on a word of a page; in the event loop. Why it cannot be done, "" when it was."""
        if self._scene.get("over"):
            return "the routine is over"
        if not self._scene and word.kind != "stop":
            return "the routine has not begun"
        if word.kind == "practice":
            if word.ago_s > LATE_S:
                return "it was pressed too long ago"
            self._say("practice", word.text, word.number)
        elif word.kind == "stop":
            self._say("stop")
        elif word.kind == "mark" and word.text.startswith("pain ") and word.text[5:].isdecimal():
            self._say("pain", int(word.text[5:]))
        elif word.kind == "mark":
            self._say("note", word.text)
        else:
            return "this is no walk"
        return ""

    @property
    def _step(self) -> Step | None:
        number = self._scene.get("step", 0)
        return self._practised.steps[number - 1] if 0 < number <= len(self._practised.steps) else None

    def _show_gauge(self) -> None:
        """Tell what the gauge shows, where that is something else than before."""
        step = self._step
        if step is None:
            return
        gauge: dict[str, Any] = {"k": "gauge", "side": step.leg, "what": "", "why": ""}
        if step.exercise in ANGLED:
            source, why = self._angles.source(step)
            gauge |= {"what": step.action or step.exercise, "source": source, "why": why}
            key = (step.leg, step.action or step.exercise, source)
            today, earlier = self._angles.ranges.get(key), self._practised.earlier.get(key)
            gauge |= {"today": _told(today), "earlier": _told(earlier), "hold": self._hold(step, today, earlier)}
            gauge["ranged"] = step.exercise in RANGED and step.is_bare
        if gauge != self._gauge:
            self._gauge = gauge
            self._publish(gauge)

    def _hold(self, step: Step, today: Ends | None, earlier: Ends | None) -> float | None:
        """From where on a hold counts, deg; None where nothing is held or no own range is known."""
        if step.exercise not in ("hold", "lift-off"):
            return None
        for ends in (today, earlier):
            if ends is not None and math.isfinite(ends[0]):
                return round(self._practised.settings.hold_share * ends[0], 1)
        return None

    def _show_cues(self) -> None:
        """While the joint is placed tell how it lies; what was told last stays until the next step."""
        step = self._step
        if step is None or time.monotonic() - self._cued < CUES_S:
            return
        number = int(self._scene["step"])
        told = self._cues
        if step.exercise in UNMEASURED:
            told = (number, [])
        elif self._scene["phase"] == "place":
            told = (number, [_cue(asdict(cue)) for cue in self._angles.cues(step)])
        elif told[0] != number:
            told = (number, [])
        self._cued = time.monotonic()
        if told != self._cues:
            self._cues = told
            self._publish({"k": "cues", "step": number, "cues": told[1]})

    def _complain(self, error: Exception) -> None:
        """Say once that the page is not to be trusted; routine and recording go on."""
        if not self._complained:
            self._complained = True
            self._publish({"k": "trouble", "text": f"This page has a fault, the recording has not: {error}"})


def _told(ends: Ends | None) -> list[float | None] | None:
    if ends is None:
        return None
    return [round(one, 1) if math.isfinite(one) else None for one in ends]


def _cue(cue: dict[str, Any]) -> dict[str, Any]:
    value = cue["value_deg"]
    return {**cue, "value_deg": round(value, 1) if math.isfinite(value) else None}
