"""What the guide pages show is run: commands in order in a library of their own, outputs compared, Python too.

A block that needs hardware, or has another reason not to be run, says so in a comment above it; its commands are
still held against the command line's own grammar.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ankle_imu.cli import app, run

ROOT = Path(__file__).parents[2]
GUIDES = sorted((ROOT / "notebooks" / "guide").glob("*.md"))

BLOCK = re.compile(r"(?:^<!-- (hardware|not run): (.+?) -->\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRAM = "ankle-imu"


@dataclass(frozen=True, kw_only=True)
class Block:
    """One fenced block: its kind, its text, and why it is not run, if it is not."""

    kind: str
    text: str
    reason: str

    def commands(self) -> Iterator[tuple[list[str], str]]:
        """Words of each command of the program, and what the page shows it print ("" in blocks without output)."""
        if self.kind == "console":
            for part in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
                line, _, output = part.partition("\n")
                yield shlex.split(line, comments=True)[1:], output
        elif self.kind == "sh" and self.text.startswith(PROGRAM):
            for line in self.text.splitlines():
                words = shlex.split(line, comments=True)
                assert words[0] == PROGRAM, f"{line!r} stands among commands of {PROGRAM}"
                yield words[1:], ""


def blocks(text: str) -> list[Block]:
    return [Block(kind=kind, text=body, reason=why) for _, why, kind, body in BLOCK.findall(text)]


def likeness(text: str) -> list[str]:
    """Text without what differs from run to run or machine to machine: places, names drawn by lot, numbers."""
    text = re.sub(r"^(/|[A-Z]:\\).*?([\w.-]+)$", r"PATH \2", text, flags=re.MULTILINE)
    text = re.sub(r"\d{4}-\d\d-\d\dT\d{6}Z_\w{4}", "SESSION", text)
    text = re.sub(r"P-\w{4}", "ALIAS", text)
    text = re.sub(r"[−-]?\d[\d.,:]*", "#", text)
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


@pytest.fixture
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a library of its own and the recordings that come with the project."""
    shutil.copytree(ROOT / "data" / "hill", tmp_path / "data" / "hill")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANKLE_IMU_LIBRARY", str(tmp_path / "walks"))
    monkeypatch.setenv("ANKLE_IMU_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("FORCE_COLOR", "ANKLE_IMU_DEBUG"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("_own_place")
@pytest.mark.parametrize("path", GUIDES, ids=lambda p: p.stem)
def test_examples_run(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for block in blocks(path.read_text("utf-8")):
        if block.reason:
            continue
        if block.kind == "python":
            exec(compile(block.text, path.name, "exec"), names)
        for words, shown in block.commands():
            capsys.readouterr()
            code = run(words)
            said = capsys.readouterr()
            assert code == 0, f"{' '.join(words)}: {said.err}"
            if shown:
                assert likeness(said.out + said.err) == likeness(shown) or sorted(
                    likeness(said.out + said.err)
                ) == sorted(likeness(shown)), " ".join(words)


@pytest.mark.parametrize("path", GUIDES, ids=lambda p: p.stem)
def test_commands_that_are_not_run_are_well_formed(path: Path) -> None:
    program = app.build()
    text = path.read_text("utf-8")
    for words in [words for block in blocks(text) for words, _ in block.commands() if block.reason]:
        program.parse_args(words, print_error=False, exit_on_error=False)
    for inline in re.findall(rf"`{PROGRAM} ([^`]+)`", text):
        group: Any = program
        words = shlex.split(inline)
        while words and not words[0].startswith("-") and any(not name.startswith("-") for name in group):
            assert words[0] in group, inline
            group = group[words.pop(0)]
        known = {name for argument in group.assemble_argument_collection() for name in argument.names}
        assert {word for word in words if re.match(r"--?[a-z]", word)} <= known, inline


def test_examples_are_found() -> None:
    found = [block for path in GUIDES for block in blocks(path.read_text("utf-8"))]
    assert {"sh", "console", "python"} <= {block.kind for block in found}
    assert len([1 for block in found for _ in block.commands() if not block.reason]) > 20
    assert any(block.reason for block in found)


def test_a_block_may_say_why_it_is_not_run() -> None:
    text = "<!-- hardware: needs a sensor -->\n```sh\nankle-imu scan\n```\n\n```sh\nankle-imu demo\n```\n"
    assert [(b.reason, [*b.commands()]) for b in blocks(text)] == [
        ("needs a sensor", [(["scan"], "")]),
        ("", [(["demo"], "")]),
    ]


def test_likeness_keeps_words_and_leaves_out_numbers() -> None:
    one = likeness("/home/you/a/2026-11-26T220550Z_ucak\nleft  walk  7.0 (5.5–8.2)  good\n")
    other = likeness("/tmp/b/2027-01-02T000000Z_abcd\nleft walk 7.1 (5.4–8.8) good\n\n")
    assert one == other
    assert likeness("alignment good") != likeness("alignment fair")
