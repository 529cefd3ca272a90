"""What a person sees while practising: big words, a bar that counts, the angle where it can be given."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from ankle_imu.cli.output import say
from ankle_imu.report import words

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live

    from ankle_imu.practice.coach import Said, Scene

HINT: Final = "Enter pause · s skip · a again · 0 to 10 pain · q end · other words: a note"
_STYLE: Final = {
    "go": "bold green",
    "hold": "bold yellow",
    "still": "bold yellow",
    "swing": "bold green",
    "back": "bold green",
}
_BAR: Final = 30


class PracticeView(Protocol):
    """What a routine shows while it runs."""

    def hear(self, said: Said) -> None:
        """Something is said."""
        ...

    def show(self, scene: Scene, angle: str = "") -> None:
        """Show the moment."""
        ...

    def show_typing(self, text: str) -> None:
        """Show the line that is being typed."""
        ...


@contextmanager
def coaching(sees: str) -> Iterator[PracticeView]:
    """A screen that lives in the terminal; where stderr is none, a line for each thing said."""
    from rich.console import Console
    from rich.live import Live

    if not sys.stderr.isatty():
        if sees:
            say(sees)
        yield Lines()
        return
    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        yield _Screen(live, sees)


class Lines:
    """Prompts as lines with their time; numbers that count down are left out."""

    def hear(self, said: Said) -> None:
        """Print what is said."""
        if said.words and not said.words.isdigit():
            say(f"{words.clock(said.at_s):>5}  {said.words}")

    def show(self, scene: Scene, angle: str = "") -> None:
        """Nothing: lines do not move."""

    def show_typing(self, text: str) -> None:
        """Nothing: the terminal is none."""


class _Screen:
    def __init__(self, live: Live, sees: str) -> None:
        self._live, self._sees, self._typing, self._words = live, sees, "", ""

    def hear(self, said: Said) -> None:
        self._words = said.words or self._words

    def show(self, scene: Scene, angle: str = "") -> None:
        self._live.update(draw(scene, self._words, angle, self._sees, self._typing), refresh=True)

    def show_typing(self, text: str) -> None:
        self._typing = text


def draw(scene: Scene, said: str, angle: str = "", sees: str = "", typing: str = "") -> Group:
    """The screen of one moment."""
    from rich.console import Group
    from rich.text import Text

    head = Text(f"{scene.number} of {scene.total}   {scene.title}", style="bold")
    left = Text(f"{words.clock(scene.left_s)} left in all", style="dim")
    style = "bold red" if scene.is_paused else _STYLE.get(scene.phase, "bold")
    rep = f"   {scene.rep} of {scene.reps}" if scene.rep and scene.reps > 1 else ""
    now = Text.assemble((f"{scene.head:<11}", style), _bar(scene), f"  {math.ceil(scene.phase_left_s):>2} s", rep)
    lines = [head, left, Text(""), now, Text(""), Text(scene.prompt(said))]
    if scene.phase == "place" and sees:
        lines.append(Text(sees, style="dim"))
    lines.append(Text(angle, style="cyan") if angle else Text(""))
    lines.append(Text(f"Next: {scene.next_title}" if scene.next_title else "This is the last one.", style="dim"))
    hint = "Enter goes on · q end" if scene.is_paused else HINT
    lines.append(Text(f"> {typing}_" if typing else hint, style="" if typing else "dim"))
    return Group(*lines)


def _bar(scene: Scene) -> str:
    """A bar that runs empty: full at the beginning of the phase."""
    share = scene.phase_left_s / scene.phase_s if scene.phase_s > 0.0 else 0.0
    full = round(_BAR * min(max(share, 0.0), 1.0))
    return "█" * full + "░" * (_BAR - full)
