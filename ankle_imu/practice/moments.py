"""What happens in a step of a routine, word by word: prompts, countdowns, repetitions, and their markers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ankle_imu.practice import prompts
from ankle_imu.practice.routine import BACK_S, LEAD_S, MOVE_S, REST_S, ROCKING, SUPPORTED_S, TIMED, Step

END: Final = "practice end"
LIFTED: Final = "practice lifted"
COUNTED_S: Final = 3
"""The last seconds before a block are counted down."""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What happens in a step: `at_s` from its start, the words, the marker if any, phase, its end, repetition."""

    at_s: float
    words: str
    phase: str
    until_s: float
    mark: str = ""
    rep: int = 0


def moments(step: Step) -> tuple[Moment, ...]:
    """Everything that happens in a step, in order; the last one ends it.

    Examples
    --------
    >>> from ankle_imu.practice.routine import make_step
    >>> [m.words for m in moments(make_step(exercise="neutral"))][-2:]
    ['Do not move.', 'Good.']
    """
    start = step.prepare_s
    mark = END if step.exercise == ROCKING else step.block(0.0, 0.0).words
    told = [Moment(at_s=0.0, words=f"{prompts.title(step)}. {prompts.place(step)}", phase="place", until_s=start)]
    told += [
        Moment(at_s=start - k, words=f"{k}", phase="place", until_s=start)
        for k in range(COUNTED_S, 0, -1)
        if start - k > 0.0
    ]
    if step.exercise in TIMED:
        phase = {"neutral": "still", "balance": "hold"}.get(step.exercise, "swing")
        end = start + step.seconds
        told.append(Moment(at_s=start, words=prompts.during(step), phase=phase, until_s=end, mark=mark))
    elif step.exercise == "lift-off":
        told += _lift_off(step, start, mark)
    else:
        told += _repetitions(step, start, mark)
    end = start + step.active_s
    return (*told, Moment(at_s=end, words="Good.", phase="done", until_s=end, mark=END))


def _repetitions(step: Step, start: float, mark: str) -> list[Moment]:
    found = [Moment(at_s=start, words="Ready.", phase="rest", until_s=start + LEAD_S, mark=mark)]
    for k in range(step.reps):
        at, rep = start + LEAD_S + k * step.rep_s, k + 1
        hold, back = at + MOVE_S, at + MOVE_S + step.hold_s
        found.append(Moment(at_s=at, words=f"{prompts.go(step)}.", phase="go", until_s=hold, rep=rep))
        found.append(Moment(at_s=hold, words="Hold.", phase="hold", until_s=back, rep=rep))
        found.append(Moment(at_s=back, words="And back.", phase="back", until_s=back + BACK_S, rep=rep))
        if k + 1 < step.reps:
            rest = back + BACK_S
            found.append(Moment(at_s=rest, words="Loose.", phase="rest", until_s=rest + REST_S, rep=rep))
    return found


def _lift_off(step: Step, start: float, mark: str) -> list[Moment]:
    on = start + LEAD_S
    lift = on + MOVE_S + SUPPORTED_S
    hold, back = lift + 0.5, lift + step.hold_s
    far, stay, leave = prompts.lifting(step)
    return [
        Moment(at_s=start, words="Ready.", phase="rest", until_s=on, mark=mark),
        Moment(at_s=on, words=far, phase="go", until_s=on + MOVE_S, rep=1),
        Moment(at_s=on + MOVE_S, words=stay, phase="hold", until_s=lift, rep=1),
        Moment(at_s=lift, words=leave, phase="go", until_s=hold, mark=LIFTED, rep=1),
        Moment(at_s=hold, words="Hold it.", phase="hold", until_s=back, rep=1),
        Moment(at_s=back, words="And back.", phase="back", until_s=back + BACK_S, rep=1),
    ]
