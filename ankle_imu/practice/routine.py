"""A routine of practice: what to do in which order and for how long, read from a TOML file that people edit."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any, Final

from ankle_imu import frames
from ankle_imu.mobility import EXERCISES, Block, Manner

ROCKING: Final = "rocking"
"""Rocking the weight from one foot to the other: guided, not measured."""

TIMED: Final = ("neutral", "swing", "balance", ROCKING)
"""Exercises that last some seconds; the others are made of repetitions."""

MOST_S: Final = 20 * 60.0
"""A routine takes at most so long (design 9)."""

PAIN_STOP: Final = 5
"""From this answer on, 0 to 10, the routine ends. Ours: one step before the pain-monitoring model, in which 5
still counts as acceptable (Silbernagel K.G. et al. (2007) Am. J. Sports Med. 35:897-906, as physiotherapists
sum it up: 3 and less safe, 4 and 5 acceptable, more not). That is for tendons under treatment, this for people
alone."""

LEAD_S: Final = 1.5
"""From the start of a block to the first movement, s."""

MOVE_S, BACK_S, REST_S = 2.0, 2.0, 1.6
"""Pace of a repetition, s, beside its hold: slow enough to end in stillness (G2: move, hold, return). Ours."""

SECONDS: Final[Mapping[str, float]] = {"neutral": 6.0, "swing": 11.0, "balance": 20.0, ROCKING: 20.0}
HOLD_S: Final[Mapping[str, float]] = {"rom": 3.0, "lunge": 3.0, "hold": 10.0, "lift-off": 12.0}
REPS: Final[Mapping[str, int]] = {"rom": 3, "lunge": 3, "hold": 2, "lift-off": 1}
_OF_EXERCISE: Final = {"seconds": SECONDS, "hold_s": HOLD_S, "reps": REPS}
"""Number -> the exercises that have it."""

SUPPORTED_S: Final = 5.0
"""On the support before a lift-off, s."""

_NUMBERS: Final = {
    "reps": (1, 20),
    "hold_s": (1, 120),
    "seconds": (3, 300),
    "prepare_s": (3, 120),
    "kg": (0, 50),
    "blanket_cm": (0, 60),
    "body_share": (0, 1),
}
_WORDS: Final = ("exercise", "action", "mode", "position", "eyes", "load", "say", "leg")
_NAMES: Final = {"kg": "load_kg", "blanket_cm": "deload_cm"}


@dataclass(frozen=True, kw_only=True)
class Step(Manner):
    """One block of a routine, in the manner of `mobility.Manner`.

    `exercise`: one of `mobility.EXERCISES` or `rocking`; `leg`: `left` | `right`. `reps`, `hold_s`: repetitions
    and how long each is held; `seconds`: length of what has none; `prepare_s`: time to read and to place the
    joint; `say`: own words.
    """

    exercise: str
    leg: str = "left"
    reps: int = 0
    hold_s: float = math.nan
    seconds: float = math.nan
    prepare_s: float = 8.0
    say: str = ""

    def __post_init__(self) -> None:
        if self.exercise not in (*EXERCISES, ROCKING):
            raise ValueError(f"exercise is {self.exercise!r}; expected {', '.join((*EXERCISES, ROCKING))}.")
        for name, usual in _OF_EXERCISE.items():
            (low, high), value = _NUMBERS[name], getattr(self, name)
            if self.exercise in usual and not low <= value <= high:
                raise ValueError(f"{name} is {value:g}; expected {low} to {high}.")
        if self.exercise == "lift-off" and self.reps != 1:
            raise ValueError(
                f"reps is {self.reps}; a lift-off is done once, and its block written again for more."
            )
        if self.load == "none" and not math.isnan(self.load_kg):
            raise ValueError(
                f"kg is {self.load_kg:g}, but no load is named; expected load = 'ankle_weight' or another."
            )
        if self.exercise != ROCKING:
            self.block(0.0, 0.0)

    def block(self, start_s: float, end_s: float) -> Block:
        """The block that it is when it runs from start to end, s."""
        return Block(exercise=self.exercise, leg=self.leg, start_s=start_s, end_s=end_s, **self.manner())

    @property
    def rep_s(self) -> float:
        """Length of one repetition, s."""
        return MOVE_S + self.hold_s + BACK_S + REST_S

    @property
    def active_s(self) -> float:
        """Length of what is measured, s."""
        if self.exercise in TIMED:
            return self.seconds
        if self.exercise == "lift-off":
            return LEAD_S + MOVE_S + SUPPORTED_S + self.hold_s + BACK_S
        return LEAD_S + self.reps * self.rep_s

    @property
    def length_s(self) -> float:
        """Length with the time to prepare, s."""
        return self.prepare_s + self.active_s


@dataclass(frozen=True, kw_only=True)
class Routine:
    """Steps of one leg in order; `pain_stop`: the answer, 0 to 10, from which on it ends."""

    name: str
    steps: tuple[Step, ...]
    pain_stop: int = PAIN_STOP

    def for_legs(self, legs: Sequence[str]) -> tuple[Step, ...]:
        """The steps of each leg in turn.

        Raises
        ------
        ValueError
            If they take more than 20 minutes.
        """
        steps = tuple(replace(step, leg=leg) for leg in legs for step in self.steps)
        total = sum(step.length_s for step in steps)
        if total > MOST_S:
            raise ValueError(
                f"{self.name} takes {total / 60.0:.1f} min for {' and '.join(legs)}; a routine is at most 20 min: "
                f"leave out blocks, shorten hold_s{', or do one side at a time' if len(legs) > 1 else ''}."
            )
        return steps


def remarks(steps: Sequence[Step]) -> tuple[str, ...]:
    """What steps lack to be measured, a sentence each.

    Examples
    --------
    >>> remarks([make_step(exercise="neutral"), make_step(exercise="hold", action="inversion")])[1]
    'Inversion is held without a range by itself before or after: the largest angle of the hold stands for it.'
    """
    kinds = {step.exercise for step in steps}
    told = []
    if not kinds <= {"neutral", ROCKING} and "neutral" not in kinds:
        told.append("There is no neutral pose: without that zero nothing can be measured.")
    if not kinds <= {"neutral", ROCKING, "swing", "lunge"} and not kinds & {"swing", "lunge"}:
        told.append("There are no swings: a sensor on the lower leg will not know which way it points.")
    ranged = {step.action for step in steps if step.exercise == "rom" and step.mode == "active"}
    held = dict.fromkeys(step.action for step in steps if step.exercise in ("hold", "lift-off"))
    told += [
        f"{action.capitalize()} is held without a range by itself before or after: the largest angle of the hold "
        "stands for it."
        for action in held
        if action not in ranged
    ]
    return tuple(told)


def default_text() -> str:
    """The default plan as it stands in its file."""
    return resources.files("ankle_imu.practice").joinpath("plans", "default.toml").read_text("utf-8")


def load_routine(path: str | Path | None = None) -> Routine:
    """Read a routine from a TOML file; the default one without.

    Raises
    ------
    ValueError
        If it is no plan: one sentence with the line.
    """
    if path is None:
        return read_routine(default_text(), "the default plan")
    try:
        text = Path(path).read_text("utf-8")
    except FileNotFoundError as error:
        raise ValueError(
            f"There is no plan {path}; `ankle-imu practice plan -o {path}` writes one to edit."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"The plan {path} cannot be read ({error}).") from error
    return read_routine(text, str(path))


def read_routine(text: str, name: str = "the plan") -> Routine:
    r"""Read a routine from the text of a plan.

    Examples
    --------
    >>> read_routine('[[block]]\nexercise = "neutral"').steps[0].length_s
    14.0
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        told = str(error).replace("at end of document", f"at line {len(text.splitlines())}, its end")
        raise ValueError(f"{name} is no TOML: {' '.join(told.split())}.") from error
    _refuse_unknown(content, ("name", "pain_stop", "block"), lambda key: f"{name}, line {_line(text, -1, key)}")
    blocks = content.get("block")
    if not isinstance(blocks, list) or not blocks or not all(isinstance(one, dict) for one in blocks):
        raise ValueError(f"{name} has no [[block]]; each exercise is one.")
    stop = content.get("pain_stop", PAIN_STOP)
    if isinstance(stop, bool) or not isinstance(stop, int) or not 1 <= stop <= 10:
        raise ValueError(f"{name}, line {_line(text, -1, 'pain_stop')}: pain_stop is {stop!r}; expected 1 to 10.")
    steps = tuple(_step(text, name, n, one) for n, one in enumerate(blocks))
    return Routine(name=str(content.get("name", name)), steps=steps, pain_stop=stop)


def make_step(**given: Any) -> Step:
    """A step with the usual repetitions and times of its exercise where none are given."""
    kind = given.get("exercise", "")
    if kind in ("lunge", "balance", ROCKING):
        given.setdefault("position", "standing")
    for name, usual in _OF_EXERCISE.items():
        if kind in usual:
            given.setdefault(name, usual[kind])
    if given.get("position", "seated") != "seated":
        given.setdefault("prepare_s", 10.0)
    return Step(**given)


def _step(text: str, name: str, n: int, given: Mapping[str, Any]) -> Step:
    def where(key: str) -> str:
        return f"{name}, line {_line(text, n, key)}"

    _refuse_unknown(given, (*_WORDS, *_NUMBERS), where)
    for key in _WORDS:
        if key in given and not isinstance(given[key], str):
            raise ValueError(f'{where(key)}: {key} is {given[key]!r}; expected words in "quotes".')
    for key, (low, high) in _NUMBERS.items():
        value = given.get(key, low)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ValueError(f"{where(key)}: {key} is {value!r}; expected {low} to {high}.")
        if key == "reps" and not isinstance(value, int):
            raise ValueError(f"{where(key)}: reps is {value!r}; expected a whole number.")
    for key, usual in _OF_EXERCISE.items():
        if key in given and given.get("exercise") in EXERCISES and given["exercise"] not in usual:
            raise ValueError(f"{where(key)}: {key} means nothing to {given['exercise']}; leave it out.")
    if given.get("leg", "left") not in frames.LEGS:
        raise ValueError(f"{where('leg')}: leg is {given['leg']!r}; expected left or right.")
    try:
        return make_step(**{_NAMES.get(key, key): value for key, value in given.items()})
    except (ValueError, TypeError) as error:
        key = str(error).split(" ", 1)[0]
        told = f"{error}" if "exercise" in given else "it names no exercise."
        raise ValueError(f"{where(key)}: {told}") from error


def _refuse_unknown(given: Mapping[str, Any], known: Sequence[str], where: Any) -> None:
    for key in given:
        if key not in known:
            raise ValueError(f"{where(key)}: {key} is unknown; expected some of {', '.join(known)}.")


def _line(text: str, n: int, key: str) -> int:
    """Line of a key in the n-th block, of the block's head where the key is not there; n = -1: before them."""
    lines = text.splitlines()
    heads = [k for k, line in enumerate(lines) if re.match(r"\s*\[\[\s*block\s*\]\]", line)]
    start = heads[n] if 0 <= n < len(heads) else 0
    stop = heads[n + 1] if n + 1 < len(heads) else len(lines)
    for k in range(start, stop):
        if re.match(rf"\s*\"?{re.escape(key)}\"?\s*=", lines[k]):
            return k + 1
    return start + 1
