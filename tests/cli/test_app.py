"""The frame of the command line: help, version, failures, exit codes."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ankle_imu import frames
from ankle_imu.cli import app, arguments, failures, output
from ankle_imu.errors import BluetoothUnavailable, ConnectionLost, QualityRefusal, StorageError

Run = Callable[..., Any]

COMMANDS = (
    "demo",
    "simulate",
    "doctor",
    "scan",
    "sensors add",
    "sensors list",
    "sensors identify",
    "sensors firmware",
    "sensors calibrate",
    "selfcheck",
    "record",
    "live",
    "practice rom",
    "practice hold",
    "practice balance",
    "practice guided",
    "practice plan",
    "practice report",
    "practice trend",
    "download",
    "check",
    "repair",
    "import",
    "analyze",
    "report",
    "trend",
    "compare",
    "events list",
    "events review",
    "track attach",
    "export",
    "library list",
    "library show",
    "library tag",
    "library move",
    "library reindex",
    "library verify",
    "library rm",
    "library backup",
    "library restore",
    "library name",
    "library page",
    "privacy report",
    "service install",
    "service uninstall",
    "service status",
    "service logs",
    "service run",
    "validate",
)
HEAVY = ("numpy", "scipy", "pandas", "matplotlib", "pyarrow", "vqf", "bleak")


def python(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, env=os.environ | variables, check=False
    )


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["analyze", "--help"]])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    code = (
        f"import sys; from ankle_imu.cli import run; code = run({words!r}); "
        f"print(code, [m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    assert python("-c", code).stderr.strip() == "0 []"


def test_version(ankle_imu: Run) -> None:
    from ankle_imu import __version__

    assert ankle_imu("--version").out.strip() == __version__


def test_help_names_every_command_and_no_other(ankle_imu: Run) -> None:
    for words in ([], ["--help"]):
        done = ankle_imu(*words)
        assert done.code == 0
        listed = set(re.findall(r"^│ ([a-z]\w*) ", done.out, re.MULTILINE))
        assert listed == {command.split()[0] for command in COMMANDS}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(ankle_imu: Run, command: str) -> None:
    done = ankle_imu(*command.split(), "--help")
    assert done.code == 0
    assert re.search(rf"Example:  (sudo )?ankle-imu {command}\b", done.out)
    assert "--json" in done.out or command == "service run"  # which runs until it is stopped


def test_help_fits_80_columns(ankle_imu: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for command in ("", *COMMANDS):
        assert max(map(len, ankle_imu(*command.split(), "--help").lines)) <= 80


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["frobnicate"], "frobnicate"),
        (["analyze"], "SESSION"),
        (["demo", "--weeks", "x"], "--weeks"),
        (["demo", "--weeks", "0"], "1 to 104"),
        (["demo", "extra"], "extra"),
        (["trend", "--metrik", "x"], "--metric"),
        (["import", "a.csv", "--as", "nose"], "left_foot"),
        (["library", "frob"], "frob"),
    ],
)
def test_usage_errors(ankle_imu: Run, words: list[str], said: str) -> None:
    ankle_imu(*words).refuses(2, said)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (failures.UsageError("No."), 2, "error: No."),
        (BluetoothUnavailable("Off."), 3, "error: Off."),
        (ConnectionLost("Gone."), 4, "error: Gone."),
        (StorageError("Full."), 6, "error: Full."),
        (OSError(errno.ENOSPC, "No space left", "/x"), 6, "error: The disk is full at /x."),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 6, "Permission denied"),
        (QualityRefusal("Too few."), 7, "error: Too few."),
        (KeyboardInterrupt(), 130, "Interrupted"),
        (ZeroDivisionError("1/0\nline"), 1, "error: bug: ZeroDivisionError: 1/0 line"),
        (ValueError("inside"), 1, "error: bug: ValueError: inside"),
    ],
)
def test_exceptions_become_one_line_and_a_code(
    ankle_imu: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, said: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("ankle_imu.library.select_rows", fail)
    done = ankle_imu("library", "list")
    assert (done.code, done.out, len(done.err.splitlines())) == (code, "", 1)
    assert said in done.err
    done = ankle_imu("library", "list", "--debug")
    assert done.code == code
    assert "Traceback" in done.err


def test_reader_that_leaves_is_no_failure(tmp_path: Path) -> None:
    code = (
        "import os, sys; from ankle_imu.cli import entry as app; r, w = os.pipe(); os.close(r); os.dup2(w, 1); "
        "sys.exit(app.run(['demo', '--help']))"
    )
    done = python("-c", code)
    assert (done.returncode, done.stderr) == (0, "")


def test_main_ends_with_the_exit_code() -> None:
    done = python("-m", "ankle_imu.cli", "simulate", "no_such_plan")
    assert done.returncode == 2
    assert done.stderr.startswith("error: Unknown plan 'no_such_plan'")
    assert done.stdout == ""


def test_placements_are_those_of_frames() -> None:
    assert arguments.Placement.__args__ == frames.PLACEMENTS


def test_tables_in_a_pipe_are_not_folded(capsys: pytest.CaptureFixture[str]) -> None:
    output.show_table(("Name", "n"), [["x" * 300, "1"], ["[bold]y[/bold]", "20"]], right=("n",))
    first, second, third = capsys.readouterr().out.splitlines()
    assert first.startswith("Name ")
    assert second == "x" * 300 + "   1"
    assert third.startswith("[bold]y[/bold] ")


def test_no_colours_and_no_bar_outside_a_terminal(ankle_imu: Run, walked: Path) -> None:
    done = ankle_imu("library", "list", "--library", walked)
    assert "\x1b" not in done.out + done.err
    with output.progress("reading") as tell:
        tell("half", 0.5)


def test_json_has_no_nan() -> None:
    text = output.to_json({"a": float("nan"), "b": Path("x"), "c": (1, None, True)})
    assert json.loads(text) == {"schema_version": 1, "a": None, "b": "x", "c": [1, None, True]}


def test_library_alone_is_as_within_the_whole(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["library", "--help"], ["library", "list", "--help"], ["library", "tag", "--help"]):
        told = []
        for only in ("", "library"):
            app.build(only)(words)
            told.append(capsys.readouterr().out)
        assert told[0] == told[1]
        assert "Usage: ankle-imu library" in told[0]


def test_application_can_be_built_twice() -> None:
    assert app.build().name == app.build().name
