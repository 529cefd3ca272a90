"""A simulated person who follows a routine: what the sensors say while a coach leads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from ankle_imu.mobility import Block
from ankle_imu.practice.blocks import read_blocks
from ankle_imu.simulate.practice.plan import Exercise, PracticePlan
from ankle_imu.simulate.practice.session import practise
from ankle_imu.values import Marker, Recording

REACTION_S: Final = 0.3
"""The person begins so long after a block has."""

MOST_AROUND_S: Final = 6.3
"""Longest that a simulated repetition takes beside its hold, s: up, back, rest at their slowest."""

_TO_SUPPORT_S: Final = 2.7
"""A simulated lift-off is on its support so long after it began, s."""


def follow(
    markers: Sequence[Marker], end_s: float, seed: int = 1, *, holds_s: Sequence[float] = (), **plan: Any
) -> Recording:
    """Simulate a person who does what markers announced, when they announced it.

    Parameters
    ----------
    markers : of a coach
    end_s : float, s, end of the recording
    seed : int
    holds_s : s, how long each block's end range is held, in order of the blocks; as usual where there is none
    plan : fields of `PracticePlan`, without its exercises and legs

    Returns
    -------
    Recording
        With those markers. A block that was cut short has as many repetitions as it had time for; a pause is not
        noticed by the person.
    """
    blocks = read_blocks(markers, end_s).blocks
    legs = tuple(dict.fromkeys(block.leg for block in blocks)) or ("left",)
    first, *others = [_of_leg(blocks, leg, end_s, holds_s, seed, plan) for leg in legs]
    series = dict(first.series)
    sensors = dict(first.session.sensors)
    for one in others:
        series |= one.series
        sensors |= one.session.sensors
    session = replace(first.session, sensors=sensors)
    return replace(first, series=series, session=session, loss=_losses(first, others), markers=tuple(markers))


def _losses(first: Recording, others: Sequence[Recording]) -> Any:
    loss = dict(first.loss)
    for one in others:
        loss |= one.loss
    return loss


def _of_leg(
    blocks: Sequence[Block], leg: str, end_s: float, holds_s: Sequence[float], seed: int, plan: dict[str, Any]
) -> Recording:
    given = [(block, holds_s[n] if n < len(holds_s) else float("nan")) for n, block in enumerate(blocks)]
    own = [one for block, hold in given if block.leg == leg for one in _exercise(block, hold)]
    own.append(Exercise(kind="neutral", hold_s=1.0, begin_s=max(end_s - 2.0, 0.0)))  # both legs to the end
    recording, _ = practise(PracticePlan(exercises=tuple(own), legs=(leg,), **plan), seed)
    return recording


def _exercise(block: Block, hold_s: float) -> list[Exercise]:
    """The exercise of a block, none where it was too short for one."""
    time_s = block.end_s - block.start_s - REACTION_S
    fields = block.manner()
    fields["begin_s"] = block.start_s + REACTION_S
    if block.exercise in ("neutral", "balance"):
        stay = max(time_s - 1.0, 1.0)
        return [Exercise(kind=block.exercise, hold_s=stay, **fields)]
    if block.exercise == "swing":
        return [Exercise(kind="swing", **fields)]
    if block.exercise == "lift-off":
        if block.lifted_s != block.lifted_s:
            return []
        lift = block.lifted_s - block.start_s
        stay = max(time_s - lift - 3.5, 1.0)
        supported = max(lift + REACTION_S - _TO_SUPPORT_S, 1.0)
        return [Exercise(kind="lift-off", hold_s=stay, supported_s=supported, **fields)]
    hold = 3.0 if hold_s != hold_s else hold_s
    reps = int((time_s - 1.5 + 2.5) // (hold + MOST_AROUND_S))
    return [Exercise(kind=block.exercise, reps=reps, hold_s=hold, **fields)] if reps > 0 else []
