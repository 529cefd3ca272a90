"""What a page is told of a routine and may ask of its coach, and the angle on it beside that of the analysis."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ankle_imu as ai
from ankle_imu.analysis.practice import analyze_practice
from ankle_imu.cli.practising_run import lead
from ankle_imu.live.practice import Practised, Telling, earlier_ranges, obey, summary
from ankle_imu.live.practice_angles import NOT_YET, PracticeAngles
from ankle_imu.live.practice_host import LATE_S, PracticeHost
from ankle_imu.live.walk import Packet
from ankle_imu.live.words import ASKED, read_word
from ankle_imu.mobility import PracticeSettings
from ankle_imu.practice.coach import Coach
from ankle_imu.practice.moments import END
from ankle_imu.practice.routine import make_step
from ankle_imu.simulate.practice import follow

PAIR = ("left_foot", "left_shank")
STEPS = (
    make_step(exercise="neutral"),
    make_step(exercise="swing"),
    make_step(exercise="rom", action="dorsiflexion"),
    make_step(exercise="rom", action="inversion"),
    make_step(exercise="hold", action="inversion", hold_s=6.0),
    make_step(exercise="neutral", position="standing"),
    make_step(exercise="lunge"),
)
RATE = 52.0


def said(do: str = "pause", step: object = 1, **more: object) -> str:
    return json.dumps({"c": "practice", "id": "a", "do": do, "step": step, **more})


@pytest.mark.parametrize("do", ASKED)
def test_what_a_page_asks_is_read(do: str) -> None:
    word = read_word(said(do, 3, ago=0.5))
    assert word is not None
    assert (word.kind, word.text, word.number, word.ago_s) == ("practice", do, 3, 0.5)


@pytest.mark.parametrize("change", [
    {"do": "stop()"}, {"do": ["skip"]}, {"do": None}, {"step": 0}, {"step": -1}, {"step": True}, {"step": 1.0},
    {"step": "1"}, {"step": 10**4}, {"ago": -1.0}, {"ago": 1e9}, {"id": "<b>"},
], ids=str)  # fmt: skip
def test_what_is_not_meant_is_refused(change: dict[str, object]) -> None:
    assert read_word(json.dumps({**json.loads(said()), **change})) is None


def begun(now: float) -> Coach:
    coach = Coach(STEPS, 5)
    coach.advance(now)
    return coach


def test_a_coach_does_what_a_page_asks_of_the_step_at_hand() -> None:
    coach = begun(2.0)
    assert [one.words for one in obey(coach, 2.0, "pause", 1)] == ["Paused."]
    assert obey(coach, 2.1, "pause", 1) == [], "two phones that pause do not go on"
    assert [one.words for one in obey(coach, 5.0, "resume", 1)] == ["On we go."]
    assert obey(coach, 5.1, "resume", 1) == []
    assert [one.words for one in obey(coach, 6.0, "skip", 1)] == ["Skipped."]
    assert obey(coach, 6.1, "skip", 1) == [], "two phones that skip leave out one step"
    assert coach.skipped == ["Left neutral pose"]
    assert [one.words for one in obey(coach, 7.0, "again", 2)] == ["Once more."]
    coach.stop(8.0)
    assert [obey(coach, 9.0, do, 2) for do in ASKED] == [[], [], [], []]


@given(st.lists(st.tuples(st.floats(0.0, 30.0), st.sampled_from(ASKED), st.integers(1, 8)), max_size=12))
def test_whatever_is_pressed_the_page_says_what_the_coach_says(pressed: list[tuple[float, str, int]]) -> None:
    coach = Coach(STEPS, 5)
    telling = Telling(coach)
    now, count = 0.0, 0
    for wait, do, step in pressed:
        now += wait
        for one in (*coach.advance(now), *obey(coach, now, do, step)):
            telling.hear(one)
        scene, shown = coach.scene(now), telling.scene(now)
        assert (shown["step"], shown["phase"], shown["rep"]) == (scene.number, scene.phase, scene.rep)
        assert shown["paused"] == coach.is_paused
        assert shown["rate"] == (0.0 if coach.is_paused or coach.is_over else 1.0)
        assert 0.0 <= shown["left"] <= shown["lasts"] + 0.01
        assert shown["n"] >= count
        count = shown["n"]
        json.dumps(shown, allow_nan=False)


def test_a_note_is_kept_pain_in_it_is_told_and_it_moves_no_block() -> None:
    coach = begun(2.0)
    assert [one.mark for one in coach.note(2.0, "practice end")] == ["note: practice end"]
    assert [one.mark for one in coach.note(2.0, "cramp")] == ["cramp"]
    assert [one.mark for one in coach.note(2.0, "Pain 3")] == ["pain 3", ""]
    assert not coach.is_over
    coach.note(3.0, "pain 8")
    assert coach.stopped == "pain 8"


def test_a_summary_is_plain_sentences() -> None:
    coach = begun(2.0)
    coach.skip(3.0)
    coach.pain(4.0, 6)
    lines = summary(coach, ["Left: dorsiflexion 15.3 deg by itself."])["lines"]
    assert lines == [
        "Skipped: Left neutral pose.",
        "Ended early (pain 6); what was done is kept.",
        "Left: dorsiflexion 15.3 deg by itself.",
    ]
    assert not any("<" in line or "http" in line for line in lines)


class Heard:
    """A host, what it published and what it passed on."""

    def __init__(self, **practised: Any) -> None:
        self.told: list[dict[str, Any]] = []
        self.passed: list[tuple[Any, ...]] = []
        given = {"placements": PAIR, "steps": STEPS, "pain_stop": 5, **practised}
        self.host = PracticeHost(Practised(**given), self.told.append, lambda *word: self.passed.append(word))

    def ask(self, text: str) -> str:
        word = read_word(text)
        assert word is not None
        return self.host.answer(word)

    def last(self, kind: str) -> dict[str, Any]:
        return next(message for message in reversed(self.told) if message["k"] == kind)


def test_a_host_passes_on_what_is_pressed_and_refuses_what_came_too_late() -> None:
    one = Heard()
    assert "not begun" in one.ask(said())
    assert "not begun" in one.ask('{"c": "mark", "id": "a", "kind": "pain", "value": 7}')
    one.host.take("scene", Telling(begun(2.0)).scene(2.0))
    assert one.ask(said("skip", 2)) == ""
    assert "too long ago" in one.ask(said("skip", 2, ago=LATE_S + 0.1))
    pain = {"c": "mark", "id": "b", "kind": "pain", "value": 7, "ago": 60.0}
    assert one.ask(json.dumps(pain)) == "", "pain counts however late it is told"
    assert one.ask('{"c": "mark", "id": "c", "kind": "note", "value": "pain killer"}') == ""
    assert one.ask('{"c": "stop", "id": "d"}') == ""
    assert "no walk" in one.ask('{"c": "setup", "id": "e", "do": "skip"}')
    assert "no walk" in one.ask('{"c": "undo", "id": "f", "of": "a"}')
    assert one.passed == [("practice", "skip", 2), ("pain", 7), ("note", "pain killer"), ("stop",)]
    coach = begun(2.0)
    coach.stop(3.0)
    one.host.take("scene", Telling(coach).scene(3.0))
    assert "over" in one.ask(json.dumps(pain))


def test_what_goes_wrong_is_told_once_and_ends_nothing() -> None:
    one = Heard()
    for _ in range(3):
        one.host.turn.do(lambda: 1 / 0)
    assert [m["k"] for m in one.told] == ["trouble"]
    assert "the recording has not" in one.told[0]["text"]


def test_loading_leaves_nothing_behind() -> None:
    one = Heard()
    one.host.load()
    assert one.told == []


@pytest.fixture(scope="module", params=[("foot", "shank"), ("foot",)], ids="+".join)
def practised(request: pytest.FixtureRequest) -> Any:
    markers, end = lead(Coach(STEPS, 5, 4.0), lambda said: None)
    recording = follow(
        markers, end + 3.0, 3, segments=request.param, sampling_rate=RATE, errors="typical", person_seed=1,
        holds_s=[s.hold_s for s in STEPS],
    )  # fmt: skip
    return recording, analyze_practice(recording)


def live(recording: ai.Recording, angles: PracticeAngles, piece_s: float = 0.25) -> Iterator[float]:
    """Hand over samples and markers as they come; gives the time."""
    marks = sorted(recording.markers, key=lambda m: m.time_s)
    at = 0.0
    while at < recording.duration:
        for placement, series in recording.series.items():
            part = slice(*np.searchsorted(series.time, [at, at + piece_s]).tolist())
            angles.push(placement, series.time[part], series.acc[part], series.gyr[part], rate=RATE)
        at += piece_s
        while marks and marks[0].time_s < at:
            one = marks.pop(0)
            angles.mark(one.time_s, one.text, one.leg)
        angles.settle()
        yield at


def test_the_live_angle_is_the_one_of_the_analysis(practised: Any) -> None:
    """Causal and with the axes of the blocks so far, against the whole session: figures in README."""
    recording, result = practised
    angles = PracticeAngles(tuple(recording.series), PracticeSettings())
    source = "joint" if len(recording.series) == 2 else "foot"
    step = STEPS[4]
    name = {"joint": "left_inversion_deg", "foot": "left_foot_tilt_deg"}[source]
    begin = next(m.time_s for m in recording.markers if m.text.startswith("practice hold"))
    errors: list[float] = []
    for now in live(recording, angles):
        time, values = angles.newest(step)
        if begin < now < begin + step.active_s and len(values):
            truth = np.interp(time + np.arange(len(values)) / 26.0, result.angles["time_s"], result.angles[name])
            errors += (values - truth).tolist()
    assert angles.source(step) == (source, "")
    assert len(errors) > 300
    assert np.percentile(np.abs(errors), 95) < 2.5
    for row in result.ranges.itertuples():
        if row.action != "lunge":
            assert angles.ranges[row.leg, row.action, source][0] == pytest.approx(row.active_deg, abs=0.8)


def test_cues_are_those_of_the_analysis(practised: Any) -> None:
    recording, result = practised
    angles = PracticeAngles(tuple(recording.series), PracticeSettings())
    begins = {b.block_id: b.start_s for b in result.blocks.itertuples() if b.exercise in ("rom", "hold", "lunge")}
    checked = 0
    for now in live(recording, angles):
        for block_id, start in begins.items():
            if 0.0 <= now - start - 1.0 < 0.25:
                of = result.blocks.loc[block_id]
                step = make_step(exercise=of.exercise, action=of.action)
                found = {cue.name: cue for cue in angles.cues(step)}
                for cue in result.quality["cues"][str(block_id)]:
                    if math.isfinite(cue["value_deg"]) and math.isfinite(found[cue["name"]].value_deg):
                        assert found[cue["name"]].value_deg == pytest.approx(cue["value_deg"], abs=2.5)
                        checked += 1
    assert checked >= 6


def test_before_a_neutral_pose_there_is_no_angle_and_a_shank_alone_says_why() -> None:
    angles = PracticeAngles(PAIR, PracticeSettings())
    assert angles.source(STEPS[2]) == ("none", NOT_YET)
    assert angles.cues(STEPS[2]) == ()
    assert len(angles.newest(STEPS[2])[1]) == 0
    angles.mark(1.0, END, "left")
    assert not angles.settle()
    alone = PracticeAngles(("left_shank",), PracticeSettings())
    assert "it takes a sensor on the foot" in alone.source(STEPS[2])[1]
    assert "on the shank" in PracticeAngles(("left_foot",), PracticeSettings()).source(STEPS[6])[1]


def test_the_gauge_tells_own_ranges_and_where_a_hold_counts() -> None:
    earlier = {("left", "inversion", "joint"): (30.0, math.nan)}
    one = Heard(earlier=earlier)
    coach = Coach(STEPS, 5)
    now = sum(s.length_s for s in STEPS[:4]) + 1.0
    coach.advance(now)
    one.host.take("scene", Telling(coach).scene(now))
    gauge = one.last("gauge")
    assert (gauge["what"], gauge["why"]) == ("inversion", NOT_YET)
    one.host._angles.source = lambda step: ("joint", "")  # type: ignore[method-assign]
    one.host.take("scene", Telling(coach).scene(now))
    gauge = one.last("gauge")
    assert gauge["earlier"] == [30.0, None]
    assert gauge["today"] is None
    assert not gauge["ranged"], "a hold gives no range of its own"
    assert gauge["hold"] == pytest.approx(0.8 * 30.0)
    count = len(one.told)
    one.host.take("scene", Telling(coach).scene(now))
    assert [m["k"] for m in one.told[count:]] == ["scene"], "what did not change is not told again"


def test_packets_that_are_none_cost_nothing() -> None:
    one = Heard()
    packets = [Packet(placement="left_foot", time_s=1.0, stamp=0.0, payload=b"junk")]
    one.host.take_packets(packets)
    assert one.told == []


def test_ranges_of_the_last_practice_are_found(tmp_path: Any) -> None:
    assert earlier_ranges(tmp_path, "") == {}
    assert earlier_ranges(tmp_path, "P-none") == {}
