"""What the unattended recorder does next: situation and event in, situation and actions out. Pure.

IDLE       scans now and then for its sensors
ARMED      connected, the last minute held in memory, nothing written
RECORDING  a session is being written
SAVED      the session is being closed and dated; then IDLE again
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from ankle_imu.service.recovery import Ladder, Remedy

QUIET_S: Final = 600.0
"""A recording ends when no sensor moved, or none was in reach, for so long (issue of this feature: 10 min)."""
LOOK_S: Final = 90.0
"""Longest time armed without movement: connected sensors do not sleep, and lying about they should (own
choice; the first of several connections may take half a minute)."""
REST_S: Final = 60.0
"""After that, and after a walk, they are left alone for so long (own choice: HOLD_S covers most of the rest)."""
HOLD_S: Final = 60.0
"""What came before the first movement that counts is kept for so long: putting on, standing still (own choice)."""


class State(StrEnum):
    """See above."""

    IDLE = "idle"
    ARMED = "armed"
    RECORDING = "recording"
    SAVED = "saved"


class Action(StrEnum):
    """What the shell is to do."""

    MEND = "repair what an earlier run left unfinished"
    CONNECT = "start a recorder that holds"
    BEGIN = "begin the session"
    FINISH = "stop the recorder"
    KEEP = "date the session and look it over"
    REDATE = "put the dates of sessions right"
    CYCLE = "switch the adapter off and on"
    RESTART = "restart the system's Bluetooth service"
    LEAVE = "end the program"


@dataclass(frozen=True, kw_only=True)
class Event:
    """What was seen in the last second or so; all of it together, so that no order of small events matters.

    Parameters
    ----------
    is_seen : bool, one of the sensors advertises
    is_streaming, is_moving : bool, at least one sensor does
    has_ended : bool, the recorder that was started is at its end, for whatever reason
    has_session : bool, and it left a session
    is_kept : bool, what KEEP asked for is done
    has_room : bool, the disk has room for a recording
    is_broken : bool, the system's Bluetooth refuses to work, does not answer, or connects none of what it sees
    is_clock_set : bool, the wall clock was set by a time server
    is_leaving : bool, the program was told to end
    """

    is_seen: bool = False
    is_streaming: bool = False
    is_moving: bool = False
    has_ended: bool = False
    has_session: bool = False
    is_kept: bool = False
    has_room: bool = True
    is_broken: bool = False
    is_clock_set: bool = False
    is_leaving: bool = False


@dataclass(frozen=True, kw_only=True)
class Situation:
    """Where the recorder stands; times are those of a clock that nothing steps, s.

    Parameters
    ----------
    state : State
    since : float, when it was entered
    moved_at, streamed_at : float, when a sensor last did, or the state's beginning
    rest_until : float, before that no sensor is connected to
    ladder : Ladder of remedies
    is_clock_set, has_room : bool, as last seen
    is_leaving : bool, the program ends as soon as all is saved
    is_begun : bool, False before the first event
    is_finishing : bool, the recorder was told to stop
    why : str, what the last recording ended by
    """

    state: State = State.IDLE
    since: float = 0.0
    moved_at: float = 0.0
    streamed_at: float = 0.0
    rest_until: float = float("-inf")
    ladder: Ladder = field(default_factory=Ladder)
    is_clock_set: bool = False
    has_room: bool = True
    is_leaving: bool = False
    is_begun: bool = False
    is_finishing: bool = False
    why: str = ""


Step = tuple[Situation, tuple[Action, ...]]


def step(situation: Situation, event: Event, now: float) -> Step:
    """What follows from an event.

    Parameters
    ----------
    situation : Situation
    event : Event
    now : float, s, of a clock that nothing steps

    Returns
    -------
    Situation, tuple of Action
        The actions are to be carried out in their order.
    """
    actions: list[Action] = []
    if not situation.is_begun:
        actions.append(Action.MEND)
    if event.is_clock_set and not situation.is_clock_set:
        actions.append(Action.REDATE)
    situation = replace(
        situation,
        is_begun=True,
        is_clock_set=event.is_clock_set or situation.is_clock_set,
        has_room=event.has_room,
        is_leaving=situation.is_leaving or event.is_leaving,
        moved_at=now if event.is_moving else situation.moved_at,
        streamed_at=now if event.is_streaming else situation.streamed_at,
    )
    situation, more = _STEPS[situation.state](situation, event, now)
    situation, remedies = _mend(situation, event, now)
    return situation, (*actions, *more, *remedies)


def _idle(situation: Situation, event: Event, now: float) -> Step:
    if situation.is_leaving:
        return situation, (Action.LEAVE,)
    if event.is_seen and event.has_room and now >= situation.rest_until:
        return _enter(situation, State.ARMED, now), (Action.CONNECT,)
    return situation, ()


def _armed(situation: Situation, event: Event, now: float) -> Step:
    if event.has_ended:
        is_kept = event.has_session  # it was begun and told to stop at once
        return _rest(situation, now) if not is_kept else (_enter(situation, State.SAVED, now), (Action.KEEP,))
    if situation.is_finishing:
        return situation, ()
    if situation.is_leaving or not event.has_room:
        return _finish(situation, now)
    if event.is_moving:
        return _enter(situation, State.RECORDING, now), (Action.BEGIN,)
    if now - situation.since >= LOOK_S:
        return _finish(situation, now)
    return situation, ()


def _recording(situation: Situation, event: Event, now: float) -> Step:
    if event.has_ended:
        why = situation.why or "the recorder"
        return replace(_enter(situation, State.SAVED, now), why=why), (Action.KEEP,)
    if situation.is_finishing:
        return situation, ()
    why = _why_it_ends(situation, now)
    if why:
        return _finish(replace(situation, why=why), now)
    return situation, ()


def _why_it_ends(situation: Situation, now: float) -> str:
    if situation.is_leaving:
        return "the end of the service"
    if now - situation.streamed_at >= QUIET_S:
        return "absence"
    return "stillness" if now - situation.moved_at >= QUIET_S else ""


def _saved(situation: Situation, event: Event, now: float) -> Step:
    return _rest(situation, now) if event.is_kept else (situation, ())


_STEPS: Final = {
    State.IDLE: _idle,
    State.ARMED: _armed,
    State.RECORDING: _recording,
    State.SAVED: _saved,
}


def _enter(situation: Situation, state: State, now: float) -> Situation:
    why = "" if state is State.ARMED else situation.why
    return replace(
        situation,
        state=state,
        since=now,
        moved_at=now,
        streamed_at=now,
        is_finishing=False,
        why=why,
    )


def _finish(situation: Situation, now: float) -> Step:
    return replace(situation, is_finishing=True, since=now), (Action.FINISH,)


def _rest(situation: Situation, now: float) -> Step:
    idle = replace(_enter(situation, State.IDLE, now), rest_until=now + REST_S)
    return idle, (Action.LEAVE,) if situation.is_leaving else ()


def _mend(situation: Situation, event: Event, now: float) -> Step:
    """Remedies for Bluetooth: while it refuses or hangs, and while a recording has none of its sensors."""
    is_deserted = situation.state is State.RECORDING and not event.is_streaming
    if situation.is_finishing:
        return situation, ()
    if not (event.is_broken or is_deserted):
        return replace(situation, ladder=Ladder()), ()
    since = now if event.is_broken and not is_deserted else situation.streamed_at
    ladder, remedy = situation.ladder.climb(since, now)
    actions = {Remedy.CYCLE: (Action.CYCLE,), Remedy.RESTART: (Action.RESTART,)}.get(remedy, ())
    return replace(situation, ladder=ladder), actions
