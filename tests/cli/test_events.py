"""`events list` and `events review`: what is shown, asked, kept, and what stays after a new analysis."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ankle_imu.library import load_result

Run = Callable[..., Any]

PLAN = """\
duration_s = 110
sampling_rate = 104
placements = ["left_foot", "left_shank"]
terrain = "uneven"
errors = "typical"
rolls = 4
roll_from_deg = 30.0
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library with one analyzed walk with four rolls."""
    from ankle_imu.cli import run

    root = tmp_path_factory.mktemp("rolls")
    plan = root / "plan.toml"
    plan.write_text(PLAN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANKLE_IMU_CONFIG", str(root / "config"))
        assert run(["simulate", str(plan), "--seed", "2", "-o", str(root / "lib"), "--person", "P-test"]) == 0
        assert run(["analyze", "last", "--library", str(root / "lib")]) == 0
    return root / "lib"


@pytest.fixture
def walk(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that library, the one in use; its session."""
    shutil.copytree(made, tmp_path / "library")
    monkeypatch.setenv("ANKLE_IMU_LIBRARY", str(tmp_path / "library"))
    return next((tmp_path / "library").glob("people/*/*/*"))


def test_list(ankle_imu: Run, walk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = ankle_imu("events", "list", "last")
    assert done.code == 0
    assert done.lines[0] == walk.name
    assert done.lines[1].split()[:4] == ["No.", "Time", "Leg", "What"]
    assert sum("roll" in line for line in done.lines[2:]) == 4
    monkeypatch.setenv("COLUMNS", "80")
    narrow = ankle_imu("events", "list", "last").lines
    assert len(narrow) == len(done.lines), "a row was folded"
    told = ankle_imu("events", "list", "last", "--json").json
    rolls = [e for e in told["events"] if e["kind"] in ("roll", "hard_roll")]
    assert len(rolls) == 4
    assert {"event_id", "leg", "time_s", "verdict", "outcome", "recovery_strides", "recovery_s"} <= set(rolls[0])


def test_an_answer_stays_after_a_new_analysis(ankle_imu: Run, walk: Path) -> None:
    number = ankle_imu("events", "list", "last", "--json").json["events"][0]["event_id"]
    done = ankle_imu("events", "review", "last", "--event", number, "--verdict", "painful", "--note", "wet root")
    assert done.code == 0
    assert done.lines == [str(walk / "events.toml")]
    kept = tomllib.loads((walk / "events.toml").read_text())["event"]
    assert [(e["leg"], e["verdict"], e["note"]) for e in kept] == [("left", "painful", "wet root")]
    shutil.rmtree(walk / "derived")
    assert ankle_imu("analyze", "last").code == 0
    events = load_result(walk).events.set_index("event_id")
    assert (events["verdict"][number], events["note"][number]) == ("painful", "wet root")
    assert (events["verdict"] == "none").sum() == len(events) - 1
    assert "painful" in ankle_imu("events", "list", "last").out
    assert ankle_imu("events", "review", "last", "--event", number, "--verdict", "none").code == 0
    assert load_result(walk).events.set_index("event_id")["verdict"][number] == "none"
    assert load_result(walk).events.set_index("event_id")["note"][number] == "wet root"


def test_rejected_rolls_move_the_persons_own_limits(ankle_imu: Run, walk: Path) -> None:
    events = ankle_imu("events", "list", "last", "--json").json["events"]
    rolls = [e["event_id"] for e in events if e["kind"] != "wobble"]
    for number in rolls[:3]:
        done = ankle_imu("events", "review", "last", "--event", number, "--verdict", "false")
    person = walk.parents[1] / "person.toml"
    assert "From the next analysis on" in done.err
    assert done.lines == [str(walk / "events.toml"), str(person)]
    limits = tomllib.loads(person.read_text())["own_roll_limits"]
    assert 20.0 <= limits["roll_deg"] <= 30.0
    assert 300.0 <= limits["roll_dps"] <= 450.0
    assert ankle_imu("analyze", "last").code == 0
    assert load_result(walk).settings.roll_deg == limits["roll_deg"]
    again = ankle_imu("events", "list", "last", "--json").json["events"]
    told = [e["event_id"] for e in again if e["verdict"] == "false"]
    for number in [*told, again[0]["event_id"]]:
        ankle_imu("events", "review", "last", "--event", number, "--note", "seen")
    assert tomllib.loads(person.read_text())["own_roll_limits"] == limits, "undone by what they did"
    person.write_text('affected_leg = "left"\n\n' + person.read_text() + "\n[other]\nkept = true\n")
    for number in rolls[:3]:
        ankle_imu("events", "review", "last", "--event", number, "--verdict", "none")
    left = tomllib.loads(person.read_text())
    assert left == {"affected_leg": "left", "other": {"kept": True}}, "answers taken back, limits as before"


def test_asked_one_after_the_other(ankle_imu: Run, walk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["what", "y it was mud", "", "n", "q"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers))
    done = ankle_imu("events", "review", "last")
    assert done.code == 0
    assert "'what' is none of y, n, p, q." in done.err
    kept = tomllib.loads((walk / "events.toml").read_text())["event"]
    assert [(e["verdict"], e["note"]) for e in kept] == [("real", "it was mud"), ("false", "")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--event N"),
        (["--verdict", "real"], "need --event"),
        (["--event", "0"], "needs --verdict"),
        (["--event", "99", "--verdict", "real"], "no event 99"),
    ],
)
def test_review_refuses(ankle_imu: Run, walk: Path, words: list[str], said: str) -> None:
    ankle_imu("events", "review", walk.name, *words).refuses(2, said)
    assert not (walk / "events.toml").exists()


def test_not_analyzed_and_spoilt(ankle_imu: Run, walk: Path) -> None:
    (walk / "events.toml").write_text("[[event]]\nverdict = 3")
    result = load_result(walk)
    assert any("events.toml" in warning for warning in result.quality["warnings"])
    ankle_imu("events", "review", "last", "--event", "0", "--verdict", "real").refuses(5, "events.toml")
    shutil.rmtree(walk / "derived")
    ankle_imu("events", "list", "last").refuses(5, "ankle-imu analyze")
