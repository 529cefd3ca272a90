"""Blocks from markers: words, pauses, damage."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu.mobility import ACTIONS, EXERCISES, LOADS, MODES, POSITIONS, Block
from ankle_imu.practice.blocks import read_blocks
from ankle_imu.values import Marker


def said(*words: tuple[float, str], leg: str = "left") -> list[Marker]:
    return [Marker(time_s=t, text=text, leg=leg) for t, text in words]


def test_a_block_lasts_until_the_next():
    read = read_blocks(
        said((1, "practice neutral"), (6, "practice rom inversion assisted"), (30, "practice end")), 40
    )
    assert [(b.exercise, b.start_s, b.end_s) for b in read.blocks] == [("neutral", 1, 6), ("rom", 6, 30)]
    assert read.blocks[1].mode == "assisted"
    assert read.problems == ()


def test_the_last_block_ends_with_the_session():
    assert read_blocks(said((3, "practice balance eyes-closed")), 20).blocks[0].end_s == 20


def test_pauses_are_taken_out_and_do_not_end_the_block():
    read = read_blocks(
        said(
            (1, "practice hold inversion"), (5, "practice pause"), (9, "practice resume"), (15, "practice pause")
        ),
        20,
    )
    assert len(read.blocks) == 1
    assert read.blocks[0].pauses == ((5, 9), (15, 20))


def test_other_markers_are_passed_over():
    read = read_blocks(said((1, "stone"), (2, ""), (3, "practice neutral")), 9)
    assert len(read.blocks) == 1
    assert read.problems == ()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("practice dance", "dance"),
        ("practice rom", "action"),
        ("practice inversion", "exercise"),
        ("practice hold inversion load=piano", "piano"),
        ("practice hold inversion kg=much", "much"),
        ("practice balance eyes-half", "half"),
    ],
)
def test_a_marker_that_cannot_be_read_is_named_and_ends_the_block_before(text, word):
    read = read_blocks(said((1, "practice neutral"), (5, text), (9, "practice lunge")), 12)
    assert [b.exercise for b in read.blocks] == ["neutral", "lunge"]
    assert read.blocks[0].end_s == 5
    assert len(read.problems) == 1
    assert word in read.problems[0]


def test_which_leg():
    markers = [Marker(time_s=1, text="practice neutral")]
    assert read_blocks(markers, 5, legs=("right",)).blocks[0].leg == "right"
    assert "which leg" in read_blocks(markers, 5).problems[0]
    assert read_blocks([Marker(time_s=1, text="practice left neutral")], 5).blocks[0].leg == "left"


@st.composite
def blocks(draw):
    exercise = draw(st.sampled_from(EXERCISES))
    number = st.one_of(st.just(math.nan), st.integers(1, 40).map(float))
    is_standing = exercise in ("lunge", "balance")
    positions = ("standing",) if is_standing else (POSITIONS if exercise == "neutral" else ("seated", "kneeling"))
    return Block(
        exercise=exercise,
        leg=draw(st.sampled_from(("left", "right"))),
        start_s=2.0,
        end_s=9.0,
        action=draw(st.sampled_from(ACTIONS)) if exercise in ("rom", "hold", "lift-off") else "",
        mode=draw(st.sampled_from(MODES)) if exercise == "rom" else "active",
        position=draw(st.sampled_from(positions)),
        eyes=draw(st.sampled_from(("open", "closed"))) if exercise == "balance" else "open",
        load=draw(st.sampled_from(LOADS)),
        load_kg=draw(number),
        deload_cm=draw(number),
        body_share=draw(st.one_of(st.just(math.nan), st.just(0.25))),
    )


@given(blocks())
def test_the_words_of_a_block_are_read_as_that_block(block):
    read = read_blocks([Marker(time_s=2.0, text=block.words, leg=block.leg)], 9.0).blocks
    assert repr(read) == repr((block,))


@given(st.lists(st.tuples(st.floats(0, 50), st.text(max_size=30)), max_size=8))
def test_no_text_breaks_the_reader(texts):
    read = read_blocks([Marker(time_s=t, text="practice " + text) for t, text in texts], 50.0)
    assert all(b.start_s <= b.end_s for b in read.blocks)


def test_a_wrong_block_is_refused():
    with pytest.raises(ValueError, match="expected dorsiflexion"):
        Block(exercise="rom", leg="left", start_s=0, end_s=1)
    with pytest.raises(ValueError, match="before it starts"):
        Block(exercise="lunge", leg="left", start_s=2, end_s=1)
