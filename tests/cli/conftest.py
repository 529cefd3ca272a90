"""A small library of simulated walks, and a way to run a command line inside the test."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ankle_imu.cli import run

PLAN = """\
duration_s = 75
sampling_rate = 104
placements = ["left_foot", "left_shank"]
terrain = "uneven"
errors = "typical"
"""


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Run a command line with `--json`; gives its exit code and the object it printed."""

    def run_json(*words: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        code = run([*words, "--json"])
        return code, json.loads(capsys.readouterr().out or "{}")

    return run_json


@dataclass(frozen=True)
class Done:
    """What a command line left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        content = json.loads(self.out)
        assert content["schema_version"] == 1
        return content

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    def refuses(self, code: int, *words: str) -> None:
        """One sentence, the right code, nothing on stdout, no traceback."""
        assert self.code == code, self.err
        assert self.out == ""
        errors = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, self.err
        assert "Traceback" not in self.err
        assert "bug:" not in self.err
        for word in words:
            assert word in errors[0]


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANKLE_IMU_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("ANKLE_IMU_LIBRARY", str(tmp_path / "library"))
    for name in ("COLUMNS", "FORCE_COLOR", "ANKLE_IMU_DEBUG", "ANKLE_IMU_SHARED"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def ankle_imu(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Run one command line in this process."""

    def call(*words: object) -> Done:
        capsys.readouterr()
        code = run([str(word) for word in words])
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return call


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "short.toml"
    path.write_text(PLAN)
    return path


@pytest.fixture
def quick_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports without figures, where the page itself is not the matter."""

    def write(result: object, path: Path, **_: object) -> Path:
        path.write_text("<html></html>")
        return path

    monkeypatch.setattr("ankle_imu.report.write_report", write)


@pytest.fixture(scope="session")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of one person with two analyzed sessions; never changed."""
    from dataclasses import replace

    from ankle_imu import analyze, open_session
    from ankle_imu.library import save_result
    from ankle_imu.session_io import save_simulation
    from ankle_imu.simulate import plan_from_toml, walk

    root = tmp_path_factory.mktemp("walked")
    path = root / "plan.toml"
    path.write_text(PLAN)
    plan = plan_from_toml(path)
    for day in (1, 8):
        recording, _ = walk(plan, day)
        info = replace(recording.session, alias="P-test", started_utc=f"2026-11-{day:02d}T09:00:00Z")
        folder = save_simulation(recording, root / "library", info=info)
        save_result(folder, analyze(open_session(folder)))
    return root / "library"


@pytest.fixture
def library(walked: Path, tmp_path: Path) -> Path:
    """A copy of `walked` at the place that the commands look at."""
    return Path(shutil.copytree(walked, tmp_path / "library"))


@pytest.fixture
def session(library: Path) -> Path:
    """The last session of `library`."""
    return sorted(library.glob("people/P-test/2026/*"))[-1]
