"""Which stretch of a practice session was which exercise: read from the markers of the recording.

A marker's text begins with `practice` and goes on with words in any order:

- an exercise of `mobility.EXERCISES`: begins a block, which lasts until the next marker that begins or ends one;
- with it an action, `active` or `assisted`, `seated`, `standing` or `kneeling`, `eyes-open` or `eyes-closed`,
  `left` or `right` (or the marker's own leg), `load=ankle_weight kg=2`, `cm=10` of blanket, `share=0.3` of body
  weight;
- `pause` and `resume`: what lies between does not count;
- `lifted`: in a lift-off, the word to leave the support;
- `end`: nothing more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ankle_imu import frames
from ankle_imu.mobility import ACTIONS, EXERCISES, MODES, POSITIONS, Block
from ankle_imu.values import Marker

HEAD: Final = "practice"
_NUMBERS: Final = {"kg": "load_kg", "cm": "deload_cm", "share": "body_share"}
_STANDING: Final = ("lunge", "balance")


@dataclass(frozen=True, kw_only=True)
class ReadBlocks:
    """Blocks in order of time, and a sentence on every practice marker that could not be read."""

    blocks: tuple[Block, ...]
    problems: tuple[str, ...]


def read_blocks(markers: Iterable[Marker], end_s: float, legs: Sequence[str] = frames.LEGS) -> ReadBlocks:
    """Read the blocks of a session from its markers.

    Parameters
    ----------
    markers : iterable of Marker; others than those of practice are passed over
    end_s : float, s, end of the session
    legs : legs that wear a sensor; the only one is meant where a marker names none

    Returns
    -------
    ReadBlocks

    Examples
    --------
    >>> read_blocks([Marker(time_s=3.0, text="practice hold inversion left")], 20.0).blocks[0].end_s
    20.0
    """
    blocks: list[Block] = []
    problems: list[str] = []
    running: Block | None = None
    paused: float | None = None
    for marker in sorted(markers, key=lambda m: m.time_s):
        head, *words = marker.text.split()[:20] or [""]
        if head != HEAD or marker.time_s > end_s:
            continue
        begun = None
        if "pause" in words or "resume" in words:
            running, paused = _pause(running, paused, marker.time_s, "pause" in words)
            continue
        if "lifted" in words:
            running = replace(running, lifted_s=marker.time_s) if running else None
            continue
        if "end" not in words:
            try:
                begun = _begin(words, marker, legs, end_s)
            except ValueError as error:
                problems.append(f"the marker {marker.text!r} at {marker.time_s:.0f} s is left out: {error}")
        running, paused = _pause(running, paused, marker.time_s, False)
        blocks += [replace(running, end_s=marker.time_s)] if running else []
        running = begun
    running, _ = _pause(running, paused, end_s, False)
    blocks += [replace(running, end_s=end_s)] if running else []
    return ReadBlocks(blocks=tuple(blocks), problems=tuple(problems))


def _pause(
    running: Block | None, paused: float | None, now: float, begins: bool
) -> tuple[Block | None, float | None]:
    """The running block with the pause that ends now, and since when one goes on."""
    if begins:
        return running, now if paused is None else paused
    if paused is None or running is None:
        return running, None
    return replace(running, pauses=(*running.pauses, (paused, now))), None


def _begin(words: Sequence[str], marker: Marker, legs: Sequence[str], end_s: float) -> Block:
    """The block that a marker's words begin; `ValueError` says what is wrong with them."""
    said: dict[str, Any] = {"leg": marker.leg or (legs[0] if len(legs) == 1 else "")}
    for word in words:
        said |= _meaning(word)
    if "exercise" not in said:
        raise ValueError(f"it names no exercise; expected one of {', '.join(EXERCISES)}.")
    if not said["leg"]:
        raise ValueError("it does not say which leg; expected left or right.")
    if said["exercise"] in _STANDING:
        said.setdefault("position", "standing")
    return Block(start_s=marker.time_s, end_s=end_s, **said)


def _meaning(word: str) -> dict[str, Any]:
    """What one word says."""
    for name, allowed in (
        ("exercise", EXERCISES),
        ("action", ACTIONS),
        ("mode", MODES),
        ("position", POSITIONS),
        ("leg", frames.LEGS),
    ):
        if word in allowed:
            return {name: word}
    if word.startswith("eyes-"):
        return {"eyes": word.removeprefix("eyes-")}
    name, _, value = word.partition("=")
    if name == "load":
        return {"load": value}
    if name in _NUMBERS:
        return {_NUMBERS[name]: float(value)}
    raise ValueError(f"{word!r} is no word of practice.")
