"""Every transition of the unattended recorder, by hand; and what holds for any course of events."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu.service import states
from ankle_imu.service.recovery import AGAIN_S, RUNGS, Ladder, Remedy
from ankle_imu.service.states import LOOK_S, QUIET_S, REST_S, Action, Event, Situation, State, step

IDLE = Situation(is_begun=True)
ARMED = replace(IDLE, state=State.ARMED)
RECORDING = replace(IDLE, state=State.RECORDING)
SAVED = replace(IDLE, state=State.SAVED)
WALKS = Event(is_streaming=True, is_moving=True)
RESTS = Event(is_streaming=True)
NOTHING = Event()
ENDED = Event(has_ended=True)


@pytest.mark.parametrize(
    ("before", "event", "now", "state", "actions"),
    [
        (Situation(), NOTHING, 0.0, "idle", ["MEND"]),
        (IDLE, NOTHING, 1.0, "idle", []),
        (IDLE, Event(is_seen=True), 1.0, "armed", ["CONNECT"]),
        (IDLE, Event(is_seen=True, has_room=False), 1.0, "idle", []),
        (replace(IDLE, rest_until=5.0), Event(is_seen=True), 1.0, "idle", []),
        (replace(IDLE, rest_until=5.0), Event(is_seen=True), 5.0, "armed", ["CONNECT"]),
        (IDLE, Event(is_seen=True, is_leaving=True), 1.0, "idle", ["LEAVE"]),
        (IDLE, Event(is_clock_set=True), 1.0, "idle", ["REDATE"]),
        (replace(IDLE, is_clock_set=True), Event(is_clock_set=True), 1.0, "idle", []),
        (ARMED, RESTS, 1.0, "armed", []),
        (ARMED, WALKS, 1.0, "recording", ["BEGIN"]),
        (ARMED, RESTS, LOOK_S, "armed", ["FINISH"]),
        (ARMED, Event(is_leaving=True), 1.0, "armed", ["FINISH"]),
        (ARMED, replace(WALKS, has_room=False), 1.0, "armed", ["FINISH"]),
        (ARMED, ENDED, 1.0, "idle", []),
        (replace(ARMED, is_finishing=True), WALKS, 1.0, "armed", []),
        (replace(ARMED, is_finishing=True), ENDED, 1.0, "idle", []),
        (replace(ARMED, is_leaving=True), ENDED, 1.0, "idle", ["LEAVE"]),
        (RECORDING, RESTS, QUIET_S - 1.0, "recording", []),
        (RECORDING, RESTS, QUIET_S, "recording", ["FINISH"]),
        (replace(RECORDING, moved_at=9.0), RESTS, QUIET_S, "recording", []),
        (RECORDING, WALKS, QUIET_S, "recording", []),
        (
            replace(RECORDING, moved_at=99.0),
            Event(is_leaving=True, is_streaming=True),
            1.0,
            "recording",
            ["FINISH"],
        ),
        (RECORDING, replace(RESTS, has_room=False), 1.0, "recording", []),
        (RECORDING, ENDED, 1.0, "saved", ["KEEP"]),
        (replace(RECORDING, is_finishing=True), RESTS, 2 * QUIET_S, "recording", []),
        (replace(RECORDING, is_finishing=True), ENDED, 1.0, "saved", ["KEEP"]),
        (RECORDING, replace(WALKS, is_clock_set=True), 1.0, "recording", ["REDATE"]),
        (SAVED, NOTHING, 1.0, "saved", []),
        (SAVED, Event(is_leaving=True), 1.0, "saved", []),
        (SAVED, Event(is_kept=True), 1.0, "idle", []),
        (SAVED, Event(is_kept=True, is_leaving=True), 1.0, "idle", ["LEAVE"]),
    ],
)
def test_transition(before: Situation, event: Event, now: float, state: str, actions: list[str]) -> None:
    after, found = step(before, event, now)
    assert (str(after.state), [action.name for action in found]) == (state, actions)


def test_absence_ends_a_recording_and_says_so() -> None:
    after, actions = step(replace(RECORDING, streamed_at=5.0, moved_at=5.0), NOTHING, QUIET_S + 5.0)
    assert Action.FINISH in actions
    assert after.why == "absence"
    assert step(replace(RECORDING, moved_at=5.0), RESTS, QUIET_S + 5.0)[0].why == "stillness"


def test_sensors_rest_after_a_walk_and_after_a_look() -> None:
    for before, event in ((SAVED, Event(is_kept=True)), (replace(ARMED, is_finishing=True), ENDED)):
        after, _ = step(before, event, 100.0)
        assert after.rest_until == 100.0 + REST_S


def climb(seconds: int, *, event: Event, before: Situation) -> list[tuple[int, Action]]:
    done = []
    for now in range(seconds):
        before, actions = step(before, event, float(now))
        done += [(now, action) for action in actions]
    return done


def test_remedies_while_a_recording_has_no_sensor() -> None:
    done = climb(int(QUIET_S), event=NOTHING, before=RECORDING)
    assert done == [(60, Action.CYCLE), (180, Action.RESTART)]


def test_remedies_while_bluetooth_refuses_come_again() -> None:
    done = climb(1000, event=Event(is_broken=True), before=IDLE)
    assert done == [(t + r, a) for r in (0, 600) for t, a in ((60, Action.CYCLE), (180, Action.RESTART))]


def test_a_sensor_that_streams_takes_one_down_the_ladder() -> None:
    situation = replace(RECORDING, ladder=Ladder(since=0.0, rung=3))
    assert step(situation, RESTS, 70.0)[0].ladder == Ladder()


def test_adapter_is_left_alone_while_one_sensor_streams_or_none_is_wanted() -> None:
    assert not climb(500, event=RESTS, before=RECORDING)
    assert not climb(500, event=NOTHING, before=IDLE)


def test_ladder_names_every_rung_once_a_round() -> None:
    ladder, climbed = Ladder(), []
    for now in range(2 * int(AGAIN_S)):
        ladder, remedy = ladder.climb(0.0, float(now))
        climbed += [remedy] if remedy else []
    assert climbed == 2 * [remedy for _, remedy in RUNGS]
    assert Remedy.NONE not in climbed


FLAGS = list(Event.__dataclass_fields__)
EVENTS = st.lists(
    st.tuples(st.builds(Event, **{name: st.booleans() for name in FLAGS}), st.sampled_from([1, 30, 700]))
)


@given(EVENTS)
def test_whatever_comes_the_actions_make_sense(events: list[tuple[Event, int]]) -> None:
    """A recorder is begun and stopped only while there is one, and every session is looked over once."""
    situation, now = Situation(), 0.0
    has_recorder = is_stopped = is_begun = False
    for event, passed in events:
        now += passed
        if event.has_ended and not has_recorder:
            event = replace(event, has_ended=False)  # the shell tells of no end that was none
        if event.has_ended:
            has_recorder = False
        situation, actions = step(situation, event, now)
        for action in actions:
            if action is Action.CONNECT:
                assert not has_recorder
                has_recorder, is_stopped, is_begun = True, False, False
            elif action is Action.BEGIN:
                assert has_recorder
                assert not is_begun
                is_begun = True
            elif action is Action.FINISH:
                assert has_recorder
                assert not is_stopped
                is_stopped = True
            elif action is Action.LEAVE:
                assert not has_recorder
                assert situation.is_leaving
        assert has_recorder == (situation.state in (State.ARMED, State.RECORDING))
        assert actions.count(Action.KEEP) <= 1


@given(EVENTS)
def test_it_leaves_when_told_whatever_came_before(events: list[tuple[Event, int]]) -> None:
    situation, now = Situation(), 0.0
    for event, passed in events:
        now += passed
        situation, _ = step(situation, event, now)
    said: list[Action] = []
    for _ in range(6):  # what a shell answers to FINISH and KEEP
        event = Event(is_leaving=True, has_ended=Action.FINISH in said, is_kept=Action.KEEP in said)
        if situation.is_finishing:
            event = replace(event, has_ended=True)
        if situation.state is State.SAVED:
            event = replace(event, is_kept=True)
        situation, actions = step(situation, event, now)
        said += actions
    assert Action.LEAVE in said


def test_constants_fit_one_another() -> None:
    assert states.HOLD_S <= LOOK_S, "what is held reaches back to the connection at most"
    assert max(at for at, _ in RUNGS) < AGAIN_S
