"""`validate`: what is printed and the exit code; the figures themselves are tested beside their code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ankle_imu.validation import validate
from ankle_imu.validation.score import Row

Run = Callable[..., Any]


def row(value: float, **more: Any) -> Row:
    return Row(
        dataset="simulation", case="walk 104 Hz", quantity="inversion SD", n=1200, value=value, unit="deg", **more
    )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    calls: list[tuple[Any, ...]] = []

    def run(data: Path | None, only: Any, progress: Any, *, full: bool) -> validate.Validation:
        progress("simulation", 0.5)
        calls.append((data, tuple(only), full))
        figures = (row(0.8, target=1.0), row(1.25, target=1.0, reference="1.1 | peer"), row(float("nan")))
        return validate.Validation(figures=figures, absent=(("xio_gait", "somewhere"),))

    monkeypatch.setattr(validate, "run", run)
    return calls


def test_table(ankle_imu: Run, asked: list[Any]) -> None:
    done = ankle_imu("validate")
    assert done.code == 0
    assert " ".join(done.lines[1].split()) == "walk 104 Hz inversion SD 1,200 0.8 deg ≤ 1 met –"
    assert "Not at hand: xio_gait: somewhere" in done.err
    assert "1 of 3 figures missed" in done.err
    assert asked == [(None, (), False)]


def test_strict_fails_on_a_missed_target(ankle_imu: Run, asked: list[Any]) -> None:
    assert ankle_imu("validate", "--strict").code == 7


def test_json_on_stdout_and_in_a_file(ankle_imu: Run, asked: list[Any], tmp_path: Path) -> None:
    told = ankle_imu("validate", "--json", "-o", tmp_path / "v.json", "--data", tmp_path).json
    assert [r["verdict"] for r in told["rows"]] == ["met", "missed", ""]
    assert told["rows"][2]["value"] is None
    assert json.loads((tmp_path / "v.json").read_text())["rows"] == told["rows"]
    assert asked == [(tmp_path, (), False)]


def test_markdown(ankle_imu: Run, asked: list[Any]) -> None:
    lines = ankle_imu("validate", "--markdown").lines
    assert lines[1] == "|" + " --- |" * 7
    assert len(lines) == 3  # one line per data set and figure, the three cases as a range
    assert "| 3, 3,600 | 0.8 to 1.25 deg | ≤ 1, 1 missed | 1.1 \\| peer |" in lines[2]


def test_data_of_the_environment(
    ankle_imu: Run, asked: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ANKLE_IMU_SHARED", str(tmp_path))
    ankle_imu("validate", "--only", "simulation", "xio_gait", "--full")
    assert asked == [(tmp_path / "data", ("simulation", "xio_gait"), True)]


def test_refusals(ankle_imu: Run, tmp_path: Path) -> None:
    ankle_imu("validate", "--only", "beauty").refuses(2, "beauty")
    ankle_imu("validate", "--data", tmp_path / "none").refuses(5, "no folder")
