"""Base and extras resolve to ready-made wheels on every Python and system that the metadata promise."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = sorted(set(PROJECT["optional-dependencies"]) - {"test"})
PYTHONS = ("3.11", "3.12", "3.13")
SYSTEMS = ("x86_64-unknown-linux-gnu", "x86_64-pc-windows-msvc", "aarch64-apple-darwin", "x86_64-apple-darwin")


def resolve(stranger, built, extras: str, python: str, *more: str, ok: bool = True):
    """Ask for versions of everything, none of which may have to be compiled."""
    asked = built.wheel.parent / f"{extras or 'base'}.in"
    asked.write_text(f"ankle-imu{f'[{extras}]' if extras else ''} @ {built.wheel.as_uri()}\n")
    words = (
        "uv",
        "pip",
        "compile",
        "--quiet",
        "--no-header",
        "--only-binary",
        ":all:",
        "--python-version",
        python,
    )
    return stranger(*words, *more, asked, ok=ok)


@pytest.mark.parametrize("extras", ["", ",".join(EXTRAS), "test"], ids=["base", "all", "test"])
@pytest.mark.parametrize("python", PYTHONS)
def test_wheels_for_every_python(stranger, built, extras, python) -> None:
    told = resolve(stranger, built, extras, python).stdout
    assert "\nvqf==" in told


@pytest.mark.parametrize("system", SYSTEMS)
def test_wheels_for_every_system(stranger, built, system, full) -> None:
    for python in PYTHONS if full else PYTHONS[-1:]:
        resolve(stranger, built, ",".join(EXTRAS), python, "--python-platform", system)


@pytest.mark.parametrize("extra", EXTRAS)
def test_each_extra_alone(stranger, built, extra, full) -> None:
    for python in PYTHONS if full else PYTHONS[:1]:
        resolve(stranger, built, extra, python)


@pytest.mark.parametrize(("python", "without"), [("3.10", "cyclopts"), ("3.14", "vqf")])
def test_no_other_python_could_be_let_in(stranger, built, python, without, full) -> None:
    """Fails on the day on which `requires-python` can be widened."""
    if not full:
        pytest.skip("asked with --full only: the answer is other people's to change")
    asked = built.wheel.parent / "direct.in"
    asked.write_text("\n".join(PROJECT["dependencies"]))
    words = ("uv", "pip", "compile", "--quiet", "--only-binary", ":all:", "--python-version", python)
    done = stranger(*words, asked, ok=False)
    assert done.returncode
    assert without in done.stderr
