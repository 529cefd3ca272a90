"""No output judges a person: the banned words of the methods sheet, F4, stand in no sentence that people read.

Read are all texts of the program but docstrings of the library, the help of every command, the templates, and
pages made from sessions that fill every part of them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_house import commands

from ankle_imu.cli import run

PACKAGE = Path(__file__).parents[1] / "ankle_imu"

BANNED = re.compile(
    r"\b(risks?|risky|diagnos\w*|injury[ -]prediction|healthy|unhealthy|normal|normally|abnormal\w*)\b",
    re.IGNORECASE,
)

EXEMPT = ("It does not diagnose and does not predict.",)
"""The fixed disclaimer of the README; it says what this is not."""

METHODS = ("normal distribution", "normal equations", "normal quantile", "surface normal")
"""Names of methods, not of people."""


def banned(text: str) -> list[str]:
    for phrase in (*EXEMPT, *METHODS):
        text = text.replace(phrase, "")
    return BANNED.findall(re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL))


def texts(source: str, *, with_docstrings: bool) -> Iterator[str]:
    """String constants of a module, those inside f-strings too."""
    tree = ast.parse(source)
    spoken = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and (with_docstrings or id(node) not in spoken):
            yield node.value


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_text_of_the_program_judges(path: Path) -> None:
    in_cli = "cli" in path.relative_to(PACKAGE).parts
    found = {text: banned(text) for text in texts(path.read_text("utf-8"), with_docstrings=in_cli)}
    assert {text: words for text, words in found.items() if words} == {}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.j2")), ids=lambda p: p.name)
def test_no_template_judges(path: Path) -> None:
    assert banned(path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", sorted((PACKAGE / "live" / "page").iterdir()), ids=lambda p: p.name)
def test_no_live_page_judges(path: Path) -> None:
    assert banned(path.read_text("utf-8")) == []


def test_readme_does_not_judge() -> None:
    assert banned((PACKAGE.parent / "README.md").read_text("utf-8")) == []


@pytest.mark.parametrize("words", [*commands()], ids=" ".join)
def test_no_help_judges(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    run([*words, "--help"])
    assert banned(capsys.readouterr().out) == []


@pytest.mark.parametrize("text", ["A healthy ankle.", "your risk", "This is NORMAL", "diagnosed", "abnormal gait"])
def test_a_judging_word_is_found(text: str) -> None:
    assert banned(text)
    assert list(texts(f"x = f'{text} {{y}}'", with_docstrings=False))


@pytest.mark.parametrize("text", ["the normal distribution", "normalise", "asterisk", EXEMPT[0]])
def test_method_names_and_the_disclaimer_pass(text: str) -> None:
    assert not banned(text)
