"""A wheel and a source distribution of this very tree, and programs run as a stranger to it would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent

Run = Callable[..., subprocess.CompletedProcess[str]]


@dataclass(frozen=True, kw_only=True)
class Built:
    """The two files that a release consists of."""

    wheel: Path
    sdist: Path


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a program without this checkout on its path, and with a home of its own."""
    missing = [name for name in ("uv", "uvx", "pipx") if shutil.which(name, path=str(PROGRAMS)) is None]
    if missing:
        pytest.skip(f"not installed beside this Python: {', '.join(missing)} (extra `test`)")
    home = tmp_path_factory.mktemp("stranger")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "ANKLE_IMU"))}
    for name in ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONWARNINGS"):
        env.pop(name, None)
    env |= {
        "PATH": os.pathsep.join((str(home / "bin"), str(PROGRAMS), env["PATH"])),
        "PIPX_HOME": str(home / "pipx"),
        "PIPX_BIN_DIR": str(home / "bin"),
        "PIPX_MAN_DIR": str(home / "man"),
        "UV_TOOL_DIR": str(home / "uv"),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_LINK_MODE": "copy",
        "UV_PYTHON": sys.executable,
        "ANKLE_IMU_LIBRARY": str(home / "library"),
        "ANKLE_IMU_CONFIG": str(home / "config"),
    }

    def run(
        *words: str | Path, cwd: Path = home, ok: bool = True, **more: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(word) for word in words], cwd=cwd, env=env | more, capture_output=True, text=True, timeout=900
        )
        assert not ok or done.returncode == 0, f"{words}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done

    return run


@pytest.fixture(scope="session")
def built(stranger: Run, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Both distributions, the wheel made from the unpacked source distribution."""
    out = tmp_path_factory.mktemp("dist")
    stranger("uv", "build", "--quiet", "--out-dir", out, ROOT)
    (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
    return Built(wheel=wheel, sdist=sdist)
