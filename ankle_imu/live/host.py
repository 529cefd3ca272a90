"""A walk that pages can see: what they say goes to the walk, and where there is one to the recorder."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable
from typing import Any, Final

from ankle_imu.live.gauge import RollSeen
from ankle_imu.live.marks import UNDO_S
from ankle_imu.live.serving import Turn
from ankle_imu.live.walk import LiveWalk, Packet, Worn
from ankle_imu.live.words import Word
from ankle_imu.streaming import LiveAnalysis

Say = Callable[..., None]
"""Passes a word to the recorder: `mark`, `undo`, `verdict`, `setup`, `cue` or `stop`, and what belongs to it."""

_LATE: Final = "too late to take back"


class WalkHost:
    """Follows a walk in whichever thread brings it, and answers its pages in the event loop.

    Parameters
    ----------
    worn : Worn
    publish : sends a message to all pages, from any thread
    say : passes words on, from any thread
    is_replay : bool, nothing said here is kept
    name : str, by which a page knows that marks it still keeps are of this recording; "" for one of its own
    """

    def __init__(
        self,
        worn: Worn,
        publish: Callable[[dict[str, Any]], None],
        say: Say,
        *,
        is_replay: bool = False,
        name: str = "",
    ) -> None:
        self._publish, self._say, self._is_replay = publish, say, is_replay
        self.turn = Turn(self._complain)
        self._complained = False
        self.walk = LiveWalk(worn, self._send, is_replay=is_replay)
        self._marked: dict[str, tuple[float, str]] = {}
        self._elapsed, self._at = 0.0, time.monotonic()
        self._is_told = False
        self._name = name or secrets.token_hex(8)

    def hello(self) -> dict[str, Any]:
        """First message of every page."""
        worn = self.walk.worn
        return {
            "k": "hello",
            "recording": self._name,
            "replay": self._is_replay,
            "placements": list(worn.placements),
            "legs": list(worn.legs),
            "roll_deg": worn.settings.roll_deg,
            "roll_dps": worn.settings.roll_dps,
        }

    def opening(self) -> list[dict[str, Any]]:
        """What every page must know before anything comes."""
        return [self.hello(), self.walk.setup_message()]

    def load(self) -> None:
        """Load what it takes, before a packet."""
        LiveAnalysis(sampling_rate=100.0, placements=self.walk.worn.placements)

    def take(self, kind: str, *rest: Any) -> None:
        """What the recorder tells beside its packets: a sensor that `begin`s, or its `state`."""
        if kind == "begin":
            self.walk.begin(*rest)
        elif kind == "state":
            self.state(*rest)

    def take_packets(self, packets: list[Packet]) -> None:
        """Packets in the order in which they came."""
        self.walk.take_packets(packets)

    def state(self, status: dict[str, Any]) -> None:
        """How the recording or the replay stands."""
        self._elapsed, self._at = status["elapsed_s"], time.monotonic()
        self.walk.state(status)

    def answer(self, word: Word) -> str:
        """Act on a word of a page; in the event loop. Why it cannot be done, "" when it was."""
        if word.kind == "mark":
            return self._mark(word)
        if word.kind == "undo":
            return self._undo(word)
        if word.kind == "stop":
            self._say("stop")
        elif word.kind == "verdict":
            self.turn.do(lambda: self._verdict(word))
        elif word.kind == "practice":
            return "this is a walk"
        else:
            self.turn.do(self.walk.restart_setup if word.text == "begin" else self.walk.skip_setup)
        return ""

    def _mark(self, word: Word) -> str:
        at_s = max(0.0, self._elapsed + time.monotonic() - self._at - word.ago_s)
        now = time.monotonic()
        self._marked = {i: (said, text) for i, (said, text) in self._marked.items() if now - said <= 2 * UNDO_S}
        self._marked[word.identity] = now, word.text
        self._say("mark", word.identity, word.text, word.ago_s)
        self._publish({"k": "mark", "id": word.identity, "text": word.text, "at_s": round(at_s, 1)})
        return ""

    def _undo(self, word: Word) -> str:
        said, text = self._marked.pop(word.text, (-math.inf, ""))
        if time.monotonic() - said > UNDO_S + 0.5:
            return _LATE
        self._say("undo", word.text, text)
        self._publish({"k": "unmark", "id": word.text})
        return ""

    def _verdict(self, word: Word) -> None:
        seen: RollSeen | None = self.walk.answer(word.number, word.text)
        if seen is not None:
            self._say("verdict", seen.told())

    def _complain(self, error: Exception) -> None:
        """Say once that the page is not to be trusted; the recording goes on."""
        if not self._complained:
            self._complained = True
            self._publish({"k": "trouble", "text": f"This page has a fault, the recording has not: {error}"})

    def _send(self, message: dict[str, Any]) -> None:
        """From the walk to the pages; cues and the end of the set-up to the recorder too."""
        if message["k"] == "cue":
            self._say("cue", message["leg"])
        elif message["k"] == "setup" and message["over"] != self._is_told:
            self._is_told = message["over"]
            if message["over"] and not message.get("skipped"):
                self._say("setup", f"set-up: {' '.join(message['problems']) or 'passed'}")
        self._publish(message)
