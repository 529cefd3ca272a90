"""The page of a routine beside its recorder: it shows what the coach says, and the coach hears what is pressed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from ankle_imu.live.beside import Beside
from ankle_imu.live.practice import Practised, Telling, obey, summary
from ankle_imu.live.serving import Bind
from ankle_imu.practice.coach import Coach, Said

BEAT_S: Final = 0.5
"""How things stand is told at every change and so often: pages count on by themselves."""

Act = Callable[[Callable[[float], list[Said]]], object]
"""Does something with the coach at the time it is now, and says and marks what comes of it."""


class PracticeBeside(Beside):
    """A page server beside a recorder that is led by a coach.

    Parameters
    ----------
    bind : Bind
    practised : Practised
    coach : Coach, the one that leads in the terminal too
    """

    def __init__(self, bind: Bind, practised: Practised, coach: Coach) -> None:
        super().__init__(bind, practised)
        self._coach = coach
        self._telling = Telling(coach, practised.speed)
        self._do: Act | None = None
        self._shown: tuple[Any, ...] = ()
        self._beat = float("-inf")

    def lead(self, do: Act) -> None:
        """What pages ask for is done by this."""
        self._do = do

    def hear(self, said: Said, elapsed_s: float) -> None:
        """Something was said, `elapsed_s` after the recording began."""
        self._telling.hear(said)
        if said.mark:
            self._put("marker", elapsed_s, said.mark, said.leg)

    def show_scene(self, now: float) -> None:
        """Show the moment, where it is another one or it is time."""
        scene = self._telling.scene(now)
        shown = tuple(scene[name] for name in ("n", "step", "phase", "rep", "paused", "over"))
        if shown != self._shown or time.monotonic() - self._beat >= BEAT_S:
            self._shown, self._beat = shown, time.monotonic()
            self._put("scene", scene)

    def sum_up(self, lines: Sequence[str]) -> None:
        """Show what it came to."""
        self._put("summary", summary(self._coach, lines))

    def _act(self, said: tuple[Any, ...]) -> None:
        kind, *rest = said
        if self._do is None:
            if kind == "stop" and self._recorder is not None:
                self._recorder.stop()
        elif kind == "practice":
            do, step = rest
            self._do(lambda now: obey(self._coach, now, do, step))
        elif kind == "pain":
            self._do(lambda now: self._coach.pain(now, rest[0]))
        elif kind == "note":
            self._do(lambda now: self._coach.note(now, rest[0]))
        elif kind == "stop":
            self._do(lambda now: self._coach.stop(now))
