"""What pages say: only what is meant gets through."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu.live.words import LONGEST_BYTES, LONGEST_NOTE, read_word

GOOD = {"c": "mark", "id": "a", "kind": "stumble"}


def test_every_word_is_read() -> None:
    said = [
        (GOOD, "stumble"),
        ({**GOOD, "kind": "pain", "value": 10}, "pain 10"),
        ({**GOOD, "kind": "surface", "value": "scree"}, "surface scree"),
        ({**GOOD, "kind": "note", "value": "  loose\nstone \x07 "}, "loose stone"),
        ({"c": "undo", "id": "b", "of": "a"}, "a"),
        ({"c": "verdict", "id": "b", "roll": 2, "verdict": "painful"}, "painful"),
        ({"c": "setup", "id": "b", "do": "begin"}, "begin"),
        ({"c": "stop", "id": "b", "ago": 1.5}, ""),
    ]
    for message, text in said:
        word = read_word(json.dumps(message))
        assert word is not None
        assert (word.kind, word.text) == (message["c"], text)
        assert word.ago_s == message.get("ago", 0.0)


@pytest.mark.parametrize(
    "change",
    [
        {"c": "rm"}, {"c": []}, {"id": "../../etc"}, {"id": "a" * 37}, {"id": ""}, {"id": 3}, {"ago": -1},
        {"ago": "1"},
        {"ago": 1e9}, {"kind": "pain", "value": 11}, {"kind": "pain", "value": True},
        {"kind": "pain", "value": 3.5},
        {"kind": "surface", "value": "../x"}, {"kind": "surface", "value": []}, {"kind": "note", "value": ""},
        {"kind": "note", "value": "x" * (LONGEST_NOTE + 1)}, {"kind": "note", "value": {"a": 1}},
        {"c": "verdict", "roll": 0, "verdict": "real"}, {"c": "verdict", "roll": 1, "verdict": "<b>"},
        {"c": "setup", "do": "rm"}, {"c": "undo", "of": 4},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_not_meant_is_refused(change: dict[str, object]) -> None:
    assert read_word(json.dumps({**GOOD, **change})) is None


def test_too_long_is_not_even_parsed() -> None:
    assert read_word(json.dumps({**GOOD, "more": "x" * LONGEST_BYTES})) is None
    assert read_word("[" * 900) is None
    assert read_word('{"c": "mark", "id": "a", "kind": "stumble", "ago": NaN}') is None


@given(
    st.one_of(
        st.text(), st.binary(), st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps)
    )
)
def test_junk_is_no_word(message: str | bytes) -> None:
    assert read_word(message) is None


@given(st.text(min_size=1, max_size=LONGEST_NOTE))
def test_a_note_keeps_its_letters_on_one_line(text: str) -> None:
    word = read_word(json.dumps({**GOOD, "kind": "note", "value": text}, ensure_ascii=False))
    if word is not None:
        assert word.text.isprintable()
        assert [c for c in word.text if not c.isspace()] == [
            c for c in text if c.isprintable() and not c.isspace()
        ]
