"""`events.toml` and `person.toml`: kept, edited, spoilt."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu import library
from ankle_imu.errors import CorruptRecording, RecordingError, UnknownFormatVersion
from ankle_imu.library.person import person_file
from ankle_imu.recording import write_session_info
from ankle_imu.values import EventReview, SessionInfo


def said(time_s: float = 12.345, verdict: str = "real", note: str = "", leg: str = "left") -> EventReview:
    return EventReview(leg=leg, time_s=time_s, verdict=verdict, note=note)


def test_kept_and_replaced(tmp_path: Path) -> None:
    assert library.read_reviews(tmp_path) == ()
    library.save_review(tmp_path, said())
    library.save_review(tmp_path, said(50.0, "false"))
    library.save_review(tmp_path, said(12.5, "painful", 'a "root"'))
    assert library.read_reviews(tmp_path) == (said(12.5, "painful", 'a "root"'), said(50.0, "false"))
    assert [p.name for p in tmp_path.iterdir()] == ["events.toml"]


@given(note=st.text(max_size=40), verdict=st.sampled_from(["none", "real", "false", "painful"]))
def test_any_note_comes_back(tmp_path_factory: pytest.TempPathFactory, note: str, verdict: str) -> None:
    folder = tmp_path_factory.mktemp("walk")
    library.save_review(folder, said(verdict=verdict, note=note))
    (found,) = library.read_reviews(folder)
    assert (found.note, found.verdict) == (note.encode("utf-8", "replace").decode(), verdict)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[[event]]\nleg = 3\ntime_s = 1", "leg"),
        ("[[event]]\nleg = 'left'", "time_s"),
        ("[[event]]\nleg = 'left'\ntime_s = 'noon'", "noon"),
        ("[[event]]\nleg = 'left'\ntime_s = 1\nverdict = 'maybe'", "maybe"),
        ("[[event]]\nleg = 'left'\ntime_s = 1\npeak_deg = 'far'", "peak_deg"),
        ("[[event]]\nleg = 'left'\ntime_s = 1\npeak_dps = nan", "peak_dps"),
        ("[[event]]\nleg = 'left'\ntime_s = 1\nkind = 3", "kind"),
        ("event = 3", "[[event]]"),
        ("event = [3]", "no table"),
        ("[[event", "TOML"),
        ("\xff", "TOML"),
    ],
)
def test_a_spoilt_file_is_named(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "events.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(CorruptRecording, match=r"events\.toml") as error:
        library.read_reviews(tmp_path)
    assert word in str(error.value)
    with pytest.raises(CorruptRecording):
        library.save_review(tmp_path, said())


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "events.toml").write_text("format_version = 2")
    with pytest.raises(UnknownFormatVersion):
        library.read_reviews(tmp_path)


def test_the_event_is_kept_with_the_answer(tmp_path: Path) -> None:
    roll = replace(said(), kind="roll", peak_deg=21.25, peak_dps=420.0, angle_source="joint")
    library.save_review(tmp_path, roll)
    assert library.read_reviews(tmp_path) == (roll,)
    again = replace(said(verdict="false"), kind="wobble", peak_deg=20.0, peak_dps=410.0, angle_source="joint")
    library.save_review(tmp_path, again)
    assert library.read_reviews(tmp_path) == (replace(roll, verdict="false"),), "answered as a roll once"
    hard = replace(roll, kind="hard_roll", peak_deg=46.5)
    library.save_review(tmp_path, hard)
    library.save_review(tmp_path, said(note="mud"))
    assert library.read_reviews(tmp_path) == (replace(hard, note="mud"),)


def test_a_file_without_the_events_reads_as_before(tmp_path: Path) -> None:
    (tmp_path / "events.toml").write_text(
        "format_version = 1\n[[event]]\ntime_s = 12.345\nleg = 'left'\nverdict = 'real'\nnote = ''\n"
    )
    assert library.read_reviews(tmp_path) == (said(),)
    library.save_review(tmp_path, said(80.0))
    assert library.read_reviews(tmp_path) == (said(), said(80.0))


def test_no_folder_no_answer(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no session folder"):
        library.save_review(tmp_path / "none", said())


def session_in(root: Path) -> Path:
    folder = root / "people" / "P-test" / "2026" / "2026-05-01T090000Z_abcd"
    folder.mkdir(parents=True)
    return folder


def test_own_limits_are_read_from_the_person(tmp_path: Path) -> None:
    folder = session_in(tmp_path)
    assert library.own_settings(folder).roll_deg == 20.0
    path = person_file(folder)
    assert path == tmp_path / "people" / "P-test" / "person.toml"
    assert person_file(tmp_path) is None
    path.write_text('note = "x"\n[own_roll_limits]\nroll_deg = 24\n')
    assert (library.own_settings(folder).roll_deg, library.own_settings(folder).roll_dps) == (24.0, 300.0)
    for wrong in ("roll_deg = 60", "roll_dps = '400'", "roll_deg = true", "roll_deg = nan"):
        path.write_text(f"[own_roll_limits]\n{wrong}\n")
        with pytest.raises(CorruptRecording, match="own_roll_limits"):
            library.own_settings(folder)


def rejected(folder: Path) -> None:
    """Three rejected rolls: limits of 22.5 deg and 300 deg/s."""
    write_session_info(folder, SessionInfo(session_id=folder.name, alias="P-test"))
    for at, deg in ((10.0, 21.0), (20.0, 22.0), (30.0, 21.5)):
        review = said(at, "false")
        library.save_review(
            folder, replace(review, kind="roll", peak_deg=deg, peak_dps=420.0, angle_source="joint")
        )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# mine\n\nheight_m = 1.8\n",
        "[own_roll_limits]\n# found by trying\nroll_deg = 24\n\n# of the shoes\n[other] # two\nx = 1\n",
        "[ own_roll_limits ] # mine\nroll_deg = 24 # was 23\nroll_dps = 310\nkeep = [1, 2]\n\n\n# end\n",
        'a = """\n# no comment\n"""\n',
    ],
)
def test_only_the_limits_are_rewritten(tmp_path: Path, text: str) -> None:
    folder = session_in(tmp_path)
    rejected(folder)
    path = person_file(folder)
    path.write_text(text)
    before = tomllib.loads(text)
    assert library.learn_limits(folder).roll_deg == 22.5
    raised = tomllib.loads(path.read_text())
    limits = before.pop("own_roll_limits", {}) | {"roll_deg": 22.5, "roll_dps": 300.0}
    assert raised.pop("own_roll_limits") == limits
    assert raised == before
    for at in (10.0, 20.0):
        library.save_review(folder, said(at, "none"))
    library.learn_limits(folder)
    for kept in (raised, tomllib.loads(path.read_text())):
        assert {k: v for k, v in kept.items() if k != "own_roll_limits"} == before
    for word in ("# mine", "# found by trying", "# of the shoes", "# two", "keep = [1, 2]", "# end"):
        assert (word in text) == (word in path.read_text())


@pytest.mark.parametrize(
    "text",
    [
        "own_roll_limits = { roll_deg = 24 }\n",
        "own_roll_limits.roll_deg = 24\n",
        "['own_roll_limits']\nroll_deg = 24\n",
        "[own_roll_limits]\n'roll_deg' = 24\n",
        '[own_roll_limits]\nx = """\n[other]\n"""\nroll_deg = 24\n',
        'a = """\n[own_roll_limits]\n"""\n',
    ],
)
def test_what_cannot_be_rewritten_is_refused_and_left(tmp_path: Path, text: str) -> None:
    folder = session_in(tmp_path)
    rejected(folder)
    path = person_file(folder)
    path.write_text(text)
    with pytest.raises(CorruptRecording, match=r"person\.toml.*\[own_roll_limits\]"):
        library.learn_limits(folder)
    assert path.read_text() == text


def test_limits_do_not_undo_themselves(tmp_path: Path) -> None:
    """Three rejected rolls raise the limits; an analysis with these finds no roll, and the limits stay."""
    folder = session_in(tmp_path)
    rejected(folder)
    path = person_file(folder)
    assert library.learn_limits(folder).roll_deg == 22.5
    learned = path.read_text()
    assert library.learn_limits(folder) is None
    assert path.read_text() == learned
    for at in (10.0, 20.0):
        library.save_review(folder, said(at, "none"))
    assert library.learn_limits(folder).roll_deg == 20.0, "taken back by the person"
