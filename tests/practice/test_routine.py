"""Plans of practice: the default one, what people write, and what they get wrong."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu.mobility import ACTIONS
from ankle_imu.practice import prompts
from ankle_imu.practice.moments import moments
from ankle_imu.practice.routine import MOST_S, load_routine, make_step, read_routine, remarks

BLOCK = '[[block]]\nexercise = "neutral"\n'


def test_the_default_plan_has_all_that_was_asked_for():
    steps = load_routine().for_legs(("left",))
    done = {(s.exercise, s.action, s.mode, s.position) for s in steps}
    assert {
        ("neutral", "", "active", "seated"),
        ("swing", "", "active", "seated"),
        ("rom", "dorsiflexion", "active", "seated"),
        ("rom", "dorsiflexion", "assisted", "seated"),
        ("lift-off", "dorsiflexion", "active", "seated"),
        ("rom", "plantarflexion", "active", "seated"),
        ("rom", "inversion", "active", "seated"),
        ("rom", "eversion", "active", "seated"),
        ("rocking", "", "active", "standing"),
        ("lunge", "", "active", "standing"),
        ("balance", "", "active", "standing"),
    } <= done
    blankets = {s.deload_cm for s in steps if s.position == "kneeling"}
    assert blankets == {10.0, 0.0}
    assert steps[0].exercise == "neutral"


def test_the_default_plan_lacks_nothing_and_others_are_told_what_they_lack():
    assert remarks(load_routine().steps) == ()
    hold = make_step(exercise="hold", action="eversion")
    assert len(remarks([hold])) == 3
    assert remarks([make_step(exercise="neutral"), make_step(exercise="lunge")]) == ()


def test_only_who_kneels_and_is_helped_into_plantarflexion_sits_back():
    for action, mode, said in (
        ("plantarflexion", "assisted", "Sit back"),
        ("plantarflexion", "active", "Point the toes away"),
        ("inversion", "assisted", "with a hand"),
    ):
        step = make_step(exercise="rom", action=action, mode=mode, position="kneeling")
        assert said in prompts.place(step)
        assert ("Sit back" in prompts.go(step)) == ("Sit back" in prompts.place(step))


def test_both_sides_of_the_default_plan_take_at_most_20_minutes():
    both = load_routine().for_legs(("left", "right"))
    assert sum(s.length_s for s in both) <= MOST_S
    assert [s.leg for s in both] == sorted(s.leg for s in both)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no [[block]]"),
        ("x = ", "line 1"),
        (BLOCK + '\n[[block]]\nexercise = "juggling"\n', "line 5: exercise is 'juggling'"),
        (BLOCK + "reps = 0\n", "line 3: reps is 0; expected 1 to 20"),
        (BLOCK + "reps = 2.5\n", "line 3: reps is 2.5; expected a whole number"),
        (BLOCK + "secs = 3\n", "line 3: secs is unknown"),
        (BLOCK + "say = 3\n", "line 3: say is 3"),
        ('[[block]]\nexercise = "rom"\n', "line 1: action of a rom is ''"),
        (
            '[[block]]\nexercise = "rom"\nload = "piano"\naction = "inversion"\n',
            "line 3: load of a rom is 'piano'",
        ),
        ("[[block]]\nreps = 2\n", "line 1: it names no exercise"),
        ("pain_stop = 11\n" + BLOCK, "line 1: pain_stop is 11"),
        ("pain_stop = true\n" + BLOCK, "line 1: pain_stop is True"),
        (BLOCK + "hold_s = 5\n", "line 3: hold_s means nothing to neutral"),
        ('[[block]]\nexercise = "hold"\naction = "inversion"\nkg = 2\n', "line 4: kg is 2, but no load"),
        ('[[block]]\nexercise = "lift-off"\naction = "inversion"\nreps = 3\n', "line 4: reps is 3; a lift-off"),
        ("colour = 1\n" + BLOCK, "line 1: colour is unknown"),
        ("block = 3", "no [[block]]"),
    ],
)
def test_a_bad_plan_is_one_sentence_with_its_line(text, said):
    with pytest.raises(ValueError, match=r"^[^\n]*$") as failure:
        read_routine(text)
    assert said in str(failure.value)


@given(st.text())
def test_any_text_is_a_plan_or_a_sentence(text):
    with suppress(ValueError):
        assert read_routine(text).steps


def test_a_routine_of_more_than_20_minutes_is_refused():
    long = read_routine('[[block]]\nexercise = "balance"\nseconds = 300\n' * 4)
    with pytest.raises(ValueError, match="at most 20 min"):
        long.for_legs(("left",))


def test_one_side_alone_is_not_told_to_do_one_side():
    long = read_routine('[[block]]\nexercise = "hold"\naction = "inversion"\nhold_s = 100\nreps = 20\n')
    with pytest.raises(ValueError, match=r"shorten hold_s\.$"):
        long.for_legs(("left",))
    with pytest.raises(ValueError, match=r"or do one side at a time\.$"):
        long.for_legs(("left", "right"))


@pytest.mark.parametrize("step", load_routine().steps, ids=prompts.title)
def test_every_prompt_is_said_in_a_breath(step):
    assert 3 < len(prompts.title(step)) < 70
    assert len(prompts.place(step)) < 230
    assert prompts.place(step).endswith(".")


def test_own_words_replace_the_usual_ones():
    assert prompts.place(make_step(exercise="neutral", say="As Anna showed.")) == "As Anna showed."


@pytest.mark.parametrize("worn", [("foot",), ("shank",), ("foot", "shank")])
def test_it_is_said_what_the_sensors_see(worn):
    assert "sensor" in prompts.sees(worn)
    assert ("for your eyes" in prompts.sees(worn)) == (len(worn) == 1)


@pytest.mark.parametrize("action", ACTIONS)
def test_only_dorsiflexion_is_lifted_off_a_book(action):
    step = make_step(exercise="lift-off", action=action)
    said = " ".join(moment.words for moment in moments(step))
    assert ("book" in said) == (action == "dorsiflexion")
    assert ("let go" in said.lower()) == (action != "dorsiflexion")
