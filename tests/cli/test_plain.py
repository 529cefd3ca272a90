"""Plain command lines are read as the command line library reads them, or left to it."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ankle_imu.cli import app, plain
from ankle_imu.cli.listing import list_

OPTIONS = [*plain.VALUES, "--tag", "--json"]
WORDS = st.sampled_from([
    *OPTIONS, *OPTIONS, "--no-json", "--json=true", "--tag=hill", "--person=P-a", "--help", "-h", "--", "-", "-1",
    "", " ", "hill", "P-kqzt", "2026-05", "walk", "ö\nü", "true", "none", "1", "--debug", "[1]", "{}", "a,b",
    "--alias",
])  # fmt: skip


def of_library(words: list[str]) -> dict[str, object]:
    """What cyclopts makes of a command line: the arguments that were given."""
    command, bound, *_ = app.build("library").parse_args(words, exit_on_error=False, print_error=False)
    assert command is list_
    return dict(bound.arguments)


def test_every_option_has_a_plain_form() -> None:
    """An option that is added to the command is read here too, or this fails."""
    read = {plain.VALUES.get(option, option.lstrip("-").replace("json", "as_json")) for option in OPTIONS}
    assert read == set(inspect.signature(list_).parameters)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(WORDS, st.text(max_size=6)), max_size=6))
def test_any_words_are_read_alike_or_not_at_all(words: list[str]) -> None:
    found = plain.read_list(["library", "list", *words])
    if found is not None:
        assert found == of_library(["library", "list", *words])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([*plain.VALUES, "--tag"]), st.text(min_size=1, max_size=8)), max_size=5))
def test_options_with_values_are_read_alike(pairs: list[tuple[str, str]]) -> None:
    words = ["library", "list", *(word for pair in pairs for word in pair)]
    found = plain.read_list(words)
    if found is not None:
        assert found == of_library(words)
    else:
        names = [option for option, _ in pairs if option != "--tag"]
        odd = any(value.startswith("-") or not value.strip() for _, value in pairs) or "--gait" in names
        assert odd or len(names) > len(set(names))


@pytest.mark.parametrize(
    "words",
    [["list"], ["library"], ["library", "show"], ["library", "list", "--person"], ["library", "list", "x"]],
)
def test_other_words_go_the_usual_way(words: list[str]) -> None:
    assert plain.read_list(words) is None


def test_a_plain_list_does_without_the_command_line_library(tmp_path: Path) -> None:
    code = (
        "import sys; from ankle_imu.cli import run; run(sys.argv[1:]); "
        "print([m for m in ('cyclopts', 'rich') if m in sys.modules])"
    )
    words = ["library", "list", "--library", str(tmp_path)]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    assert (done.stdout, "holds no sessions" in done.stderr) == ("[]\n", True)
