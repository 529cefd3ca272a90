"""The lines by which a stranger installs it, as README has them, and the commands tried first."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def lines() -> dict[str, str]:
    """README's lines of installation by the program they begin with."""
    (block,) = re.findall(r"<!-- install -->\n```console\n(.*?)```", README, re.DOTALL)
    found = re.findall(r"^\$ ((\w+) .+)$", block, re.MULTILINE)
    assert len(found) == len(block.splitlines()), "a line of something else"
    return {program: line for line, program in found}


def hold_good(stranger, *words: str) -> None:
    """The commands that need neither sensor nor walk answer."""
    assert "practice" in stranger(*words, "--help").stdout
    assert re.fullmatch(r"\d+\.\d+\S*\n", stranger(*words, "--version").stdout)
    told = stranger(*words, "doctor", "--json", ok=False)
    assert told.returncode in (0, 3, 6)
    assert json.loads(told.stdout)["schema_version"] == 1
    assert json.loads(stranger(*words, "library", "list", "--json").stdout)["sessions"] == []


pytestmark = pytest.mark.skipif(os.name == "nt", reason="the lines are for a POSIX shell")


def test_there_is_a_line_for_each_program() -> None:
    assert set(lines()) == {"pipx", "uvx"}


def test_pipx(stranger) -> None:
    stranger("bash", "-euo", "pipefail", "-c", lines()["pipx"], cwd=ROOT)
    hold_good(stranger, "ankle-imu")


def test_uvx_runs_the_demo(stranger, tmp_path) -> None:
    line = lines()["uvx"].replace("--from .", f"--from '{ROOT}'")
    done = stranger("bash", "-euo", "pipefail", "-c", line, cwd=tmp_path)
    files = [tmp_path / line for line in done.stdout.splitlines()]
    assert len(files) >= 3
    assert all(path.stat().st_size > 10_000 for path in files)


def test_uvx_runs_the_wheel(stranger, built) -> None:
    hold_good(stranger, "uvx", "--from", str(built.wheel), "ankle-imu")


def test_the_wheel_is_typed_for_its_users(stranger, built, tmp_path) -> None:
    """Who checks types sees ours: without `py.typed` this would be an error."""
    (tmp_path / "user.py").write_text("import ankle_imu\n\nreveal_type(ankle_imu.Settings())\n")
    with_wheel = (
        "uv",
        "run",
        "--quiet",
        "--no-project",
        "--isolated",
        "--with",
        str(built.wheel),
        "--with",
        "mypy",
    )
    told = stranger(*with_wheel, "mypy", "--strict", "user.py", cwd=tmp_path).stdout
    assert 'Revealed type is "ankle_imu.settings.Settings"' in told
