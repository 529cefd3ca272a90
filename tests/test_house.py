"""The house is in order: what is where, and what README and changelog promise is true."""

from __future__ import annotations

import doctest
import importlib
import inspect
import os
import pkgutil
import re
import runpy
import shutil
import subprocess
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

import ankle_imu
from ankle_imu import errors
from ankle_imu.cli import app, run

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def files_in_git() -> list[Path]:
    """Files git keeps or would keep; all files outside of a checkout."""
    listing = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        told = subprocess.run(listing, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout")
    return [path for name in told.split("\0") if name and (path := ROOT / name).is_file()]


def test_top_level_is_as_it_was_asked_for() -> None:
    folders = {path.relative_to(ROOT).parts[0] for path in files_in_git() if path.parent != ROOT}
    assert {f for f in folders if not f.startswith(".")} == {
        "ankle_imu",
        "data",
        "firmware_notes",
        "notebooks",
        "tests",
    }
    for name in ("README.md", "LICENSE", "CHANGELOG.md", "pyproject.toml", ".ci/run"):
        assert (ROOT / name).is_file(), name
    assert os.name == "nt" or os.access(ROOT / ".ci" / "run", os.X_OK)


def test_no_file_is_large() -> None:
    large = {p.relative_to(ROOT): p.stat().st_size for p in files_in_git() if p.stat().st_size > 1_500_000}
    assert large == {}


def test_shared_recordings_are_named_only_where_they_are_found() -> None:
    words = ("/".join(("..", "shared")), '".." / "shared"')
    named = {
        path.relative_to(ROOT).as_posix()
        for path in files_in_git()
        if path.suffix in (".py", ".md", ".toml", ".html", ".ipynb", "")
        and any(word in path.read_text("utf-8", errors="ignore") for word in words)
    }
    assert named - {Path(__file__).relative_to(ROOT).as_posix()} == {".ci/run", "tests/conftest.py"}


# Commands


def commands(group: Any = None, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command, those below others included."""
    group = group or app.build()
    for name in group:
        if not name.startswith("-"):
            inner = [*commands(group[name], (*words, name))]
            yield from inner or [(*words, name)]


def test_commands_are_found() -> None:
    assert {"demo", "import", "library list"} <= {" ".join(words) for words in commands()}


@pytest.mark.parametrize("words", [*commands()], ids=" ".join)
def test_every_command_has_help_and_stands_in_the_readme(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*words, "--help"]) == 0
    usage, _, rest = capsys.readouterr().out.strip().partition("\n")
    assert " ".join(words) in usage
    assert len(rest.strip().split("\n\n")[0]) > 20, "no sentence says what it does"
    assert f"`ankle-imu {' '.join(words)}" in README


def test_readme_names_no_command_that_is_not_there() -> None:
    named = set(re.findall(r"`ankle-imu ([a-z]+)", README)) | set(
        re.findall(r"^\| `ankle-imu (\w+)", README, re.M)
    )
    assert named == {words[0] for words in commands()}


def test_readme_explains_every_exit_code() -> None:
    kinds = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, errors.AnkleImuError)]
    codes = {kind.exit_code for kind in kinds} | {0, 1, 2, 130}
    for code in codes:
        assert re.search(rf"^\| {code} \|", README, re.MULTILINE), code


# README


def fenced(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_two_lines_do_all_their_set_up() -> None:
    lines = fenced("sh")
    assert len(lines) == 2
    for mark, line in zip(("demo", "tests"), lines, strict=True):
        assert f"<!-- ci: {mark} -->\n```sh\n{line}```" in README
        assert line.startswith("python3 -m venv ")
        assert line.count("\n") == 1
    assert "ankle-imu demo" in lines[0]
    assert "[test]" in lines[1]
    assert "pytest" in lines[1]


def test_walk_in_five_lines_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (source,) = fenced("python")
    assert len([line for line in source.splitlines() if line.strip()]) == 5
    shutil.copytree(ROOT / "data" / "hill", tmp_path / "data" / "hill")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(source, "README.md", "exec"), names)
    assert len(names["result"].strides) > 100
    assert "walk" in capsys.readouterr().out
    assert "<html" in (tmp_path / "report.html").read_text("utf-8")


def test_picture_is_there_and_small() -> None:
    (name,) = re.findall(r"!\[.+?\]\((.+?)\)", README)
    assert 0 < (ROOT / name).stat().st_size < 150_000


def test_links_lead_somewhere() -> None:
    for page in (ROOT / "README.md", ROOT / "data" / "README.md", ROOT / "firmware_notes" / "README.md"):
        for name in re.findall(
            r"`((?:ankle_imu|data|notebooks|tests|firmware_notes|\.ci)/[^`\s]*)`", page.read_text()
        ):
            assert (ROOT / name).exists(), f"{page.name} names {name}"


# Doctests


def modules() -> list[str]:
    return ["ankle_imu", *(m.name for m in pkgutil.walk_packages(ankle_imu.__path__, "ankle_imu."))]


@pytest.mark.parametrize("name", [m for m in modules() if not m.endswith("__main__")])
def test_examples_in_docstrings_are_true(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name))
    assert found.failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder()
    kept = [m for m in modules() if not m.endswith("__main__")]
    tests = [test for m in kept for test in finder.find(importlib.import_module(m)) if test.examples]
    assert len(tests) >= 5


# Docstrings

CONTRACT = (
    "analyze",
    "load_trend",
    "open_session",
    "orientation.ankle_angles",
    "orientation.fuse",
    "simulate.walk",
    "wire.decode",
    "write_report",
    "Recording.from_arrays",
)
"""What other people's programs call."""


@pytest.mark.parametrize("name", CONTRACT)
def test_docstring_says_what_goes_in_and_what_comes_out(name: str) -> None:
    text = inspect.getdoc(attrgetter(name)(ankle_imu)) or ""
    assert "\nParameters\n---" in text
    assert "\nReturns\n---" in text


def test_stages_of_the_benchmark_exist() -> None:
    """A stage that was renamed would end the benchmarks, which run last."""
    bench = runpy.run_path(str(ROOT / "tests" / "benchmarks" / "bench_analysis.py"))
    for path in bench["STAGES"].values():
        module, name = path.rsplit(".", 1)
        assert callable(getattr(importlib.import_module(module), name)), path
