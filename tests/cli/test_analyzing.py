"""`analyze` of many sessions: which, what is told of those up to date, exit codes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture
def unanalyzed(library: Path) -> Path:
    """The library with the result of its first session gone."""
    first = sorted(library.glob("people/P-test/2026/*"))[0]
    shutil.rmtree(first / "derived")
    return library


@pytest.mark.usefixtures("_see_package")
def test_all_with_two_processes(ankle_imu: Run, unanalyzed: Path) -> None:
    first, last = sorted(unanalyzed.glob("people/P-test/2026/*"))
    (last / "session.toml").write_text("format_version = 99\n")
    done = ankle_imu("analyze", "--all", "--jobs", "2")
    assert done.code == 5
    assert done.lines[0].startswith(first.name)
    assert (Path(done.lines[-1]) / "result.json").is_file()
    counted, error = done.err.splitlines()
    assert counted == "1 of 2 sessions could not be analyzed:"
    assert error.startswith(f"error: {last.name}: ")


def test_those_up_to_date_are_only_counted(ankle_imu: Run, unanalyzed: Path) -> None:
    first, last = sorted(unanalyzed.glob("people/P-test/2026/*"))
    done = ankle_imu("analyze", "--person", "P-test")
    assert done.code == 0
    assert first.name in done.out
    assert last.name not in done.out
    assert done.err == "1 of 2 sessions are up to date; --again analyzes anyway.\n"
    told = ankle_imu("analyze", "--all", "--json").json
    assert (told["sessions"], told["up_to_date"]) == ([], [first.name, last.name])
    again = ankle_imu("analyze", "--all", "--again", "--json").json
    assert [one["up_to_date"] for one in again["sessions"]] == [False, False]


def test_one_that_is_named_is_shown_from_its_result(
    ankle_imu: Run, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ankle_imu.analysis.analyze", lambda *_, **__: pytest.fail("analyzed again"))
    done = ankle_imu("analyze", "last")
    assert done.err == "This session is up to date; --again analyzes anyway.\n"
    assert done.lines[0].startswith(session.name)


def test_a_session_named_twice_is_one(ankle_imu: Run, session: Path) -> None:
    told = ankle_imu("analyze", "last", session, session.name, "--json").json
    assert len(told["sessions"]) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Name a SESSION"),
        (["last", "--all"], "Name a SESSION"),
        (["--all", "--person", "P-test"], "Name a SESSION"),
        (["--all", "--jobs", "many"], "'many'"),
        (["--all", "--jobs", "-2"], "'-2'"),
    ],
)
def test_refusals(ankle_imu: Run, words: list[str], said: str) -> None:
    ankle_imu("analyze", *words).refuses(2, said)


def test_all_of_an_empty_library(ankle_imu: Run) -> None:
    done = ankle_imu("analyze", "--all", "--jobs", "auto")
    assert (done.code, done.out) == (0, "")
    assert "holds no sessions yet" in done.err
