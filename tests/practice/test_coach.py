"""A coach under a clock of our own: what is said and marked when, with pauses, skips, repeats and pain."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu.practice.blocks import read_blocks
from ankle_imu.practice.coach import Coach
from ankle_imu.practice.moments import moments
from ankle_imu.practice.routine import load_routine, make_step
from ankle_imu.values import Marker

STEPS = (
    make_step(exercise="neutral"),
    make_step(exercise="rom", action="inversion", load="ankle_weight", load_kg=2.0),
    make_step(exercise="rocking"),
    make_step(exercise="lift-off", action="dorsiflexion"),
)


def led(coach: Coach, typed=(), step_s: float = 0.0):
    """Markers of a routine; with `step_s` the clock ticks, else it jumps from word to word."""
    lines, markers, said, now = sorted(typed), [], [], 0.0
    while not coach.is_over:
        if (
            lines
            and lines[0][0] <= (now if step_s else min(coach.next_s, lines[0][0]))
            and lines[0][0] <= coach.next_s
        ):
            now = max(now, lines[0][0])
            new = coach.take(now, lines.pop(0)[1])
        elif step_s:
            now += step_s
            new = coach.advance(now)
        else:
            now = coach.next_s
            new = coach.advance(now)
        said += new
        markers += [Marker(time_s=one.at_s, text=one.mark, leg=one.leg) for one in new if one.mark]
    return markers, said, now


def blocks(markers, end_s=1e4):
    read = read_blocks(markers, end_s)
    assert read.problems == ()
    return read.blocks


def test_blocks_are_those_of_the_plan_and_as_long():
    markers, _, end = led(Coach(STEPS, 5))
    found = blocks(markers)
    assert [b.exercise for b in found] == ["neutral", "rom", "lift-off"]
    measured = [s for s in STEPS if s.exercise != "rocking"]
    assert [b.end_s - b.start_s for b in found] == pytest.approx([s.active_s for s in measured])
    assert found[1].load_kg == 2.0
    assert found[2].start_s < found[2].lifted_s < found[2].end_s
    assert end == pytest.approx(sum(s.length_s for s in STEPS))


def test_the_default_plan_is_read_back_block_by_block():
    steps = load_routine().for_legs(("left", "right"))
    markers, _, _ = led(Coach(steps, 5))
    expected = [(s.exercise, s.leg, s.action, s.load_tag if hasattr(s, "load_tag") else s.block(0, 0).load_tag)
                for s in steps if s.exercise != "rocking"]  # fmt: skip
    assert [(b.exercise, b.leg, b.action, b.load_tag) for b in blocks(markers)] == expected


@given(st.floats(0.01, 3.0))
def test_a_slow_screen_says_the_same_at_the_same_times(step_s):
    assert led(Coach(STEPS, 5), step_s=step_s)[0] == led(Coach(STEPS, 5))[0]


def test_what_lies_in_a_pause_does_not_count():
    at = STEPS[0].length_s + STEPS[1].prepare_s + 5.0
    markers, _, end = led(Coach(STEPS, 5), [(at, ""), (at + 40.0, "")])
    rom = blocks(markers)[1]
    assert rom.pauses == ((at, at + 40.0),)
    assert rom.end_s - rom.start_s == pytest.approx(STEPS[1].active_s + 40.0)
    assert end == pytest.approx(sum(s.length_s for s in STEPS) + 40.0)


def test_a_pause_between_blocks_marks_nothing():
    markers, _, end = led(Coach(STEPS, 5), [(2.0, ""), (9.0, "")])
    assert all("pause" not in m.text for m in markers)
    assert end == pytest.approx(sum(s.length_s for s in STEPS) + 7.0)


def test_a_skipped_block_ends_at_once():
    at = STEPS[0].length_s + STEPS[1].prepare_s + 10.0
    coach = Coach(STEPS, 5)
    markers, _, _ = led(coach, [(at, "s")])
    assert blocks(markers)[1].end_s == at
    assert coach.skipped == ["Left inversion, ankle weight 2 kg"]


def test_a_repeated_block_comes_twice():
    markers, _, _ = led(Coach(STEPS, 5), [(STEPS[0].length_s + 20.0, "a")])
    assert [b.exercise for b in blocks(markers)] == ["neutral", "rom", "rom", "lift-off"]


@pytest.mark.parametrize(("answer", "goes_on"), [("0", True), ("4", True), ("5", False), ("10", False)])
def test_pain_ends_it_from_the_answer_on(answer, goes_on):
    at = STEPS[0].length_s + STEPS[1].prepare_s + 10.0
    coach = Coach(STEPS, 5)
    markers, said, _ = led(coach, [(at, answer)])
    assert Marker(time_s=at, text=f"pain {answer}", leg="left") in markers
    assert coach.pains == [int(answer)]
    assert (len(blocks(markers)) == 3) == goes_on
    assert bool(coach.stopped) != goes_on
    if not goes_on:
        assert markers[-1] == Marker(time_s=at, text="practice end", leg="left")
        assert "ends here" in said[-1].words


def test_pain_beyond_ten_is_asked_again():
    coach = Coach(STEPS, 5)
    (said,) = coach.take(1.0, "11")
    assert "0 (none) to 10" in said.words
    assert not coach.is_over
    with pytest.raises(ValueError, match="found 12"):
        coach.pain(1.0, 12)


def test_other_words_become_a_marker():
    (said,) = Coach(STEPS, 5).take(3.0, "cramp in the calf")
    assert said.mark == "cramp in the calf"


def test_the_screen_counts_down_and_stands_while_paused():
    coach = Coach(STEPS, 5)
    coach.advance(2.0)
    before = coach.scene(2.0)
    assert (before.number, before.total, before.phase) == (1, 4, "place")
    assert before.phase_left_s == pytest.approx(STEPS[0].prepare_s - 2.0)
    assert before.left_s == pytest.approx(sum(s.length_s for s in STEPS) - 2.0)
    coach.pause(2.0)
    assert coach.scene(60.0).phase_left_s == before.phase_left_s
    assert coach.scene(60.0).is_paused
    assert coach.next_s == float("inf")


@pytest.mark.parametrize("step", STEPS, ids=lambda s: s.exercise)
def test_moments_are_in_order_and_end_with_the_block(step):
    times = [m.at_s for m in moments(step)]
    assert times == sorted(times)
    assert times[-1] == pytest.approx(step.length_s)
    assert moments(step)[-1].mark == "practice end"


def test_nothing_is_said_when_it_is_over():
    coach = Coach(STEPS, 5)
    coach.stop(1.0)
    assert coach.advance(1e6) == coach.pause(2.0) == coach.skip(2.0) == coach.again(2.0) == coach.stop(3.0) == []
    assert coach.scene(2.0).phase == "done"
