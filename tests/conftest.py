"""Where the shared recordings are, and the plain fixtures all tests use."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# Timings are no assertion here: a loaded machine must not fail a property.
settings.register_profile("plain", deadline=None)
settings.load_profile("plain")

SHARED = Path(os.environ.get("ANKLE_IMU_SHARED", Path(__file__).parents[1] / ".." / "shared")).resolve()


AXE = "axe-core@4.10.3"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "ankle-imu-tests" / AXE


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="run the long repeats in full")
    parser.addoption("--device", action="store_true", help="run the tests that need real hardware")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep files whole, so that fixtures of a module are made once, and in their order: no long one comes last."""
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether the long repeats are to be run in full."""
    return bool(request.config.getoption("--full"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real recordings that are not part of the project; skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the shared recordings are not on this machine (set ANKLE_IMU_SHARED)")
    return SHARED


@pytest.fixture
def _see_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes that the tests start import the package these tests import."""
    import ankle_imu

    above = str(Path(ankle_imu.__file__).parents[1])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (above, os.environ.get("PYTHONPATH")))))


@pytest.fixture(scope="session")
def axe() -> str:
    """Source of axe-core, fetched once from the npm registry into the cache of the user."""
    script = CACHE / "package" / "axe.min.js"
    if not script.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip(f"npm is not installed, so {AXE} cannot be fetched (Debian: apt-get install npm)")
        CACHE.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE.parent) as aside:
            try:
                subprocess.run([npm, "pack", AXE], cwd=aside, check=True, capture_output=True, timeout=120)
            except (OSError, subprocess.SubprocessError) as error:
                pytest.skip(f"npm could not fetch {AXE}: {error}")
            shutil.unpack_archive(next(Path(aside).glob("*.tgz")), Path(aside) / AXE, filter="data")
            with suppress(OSError):  # another worker was first
                (Path(aside) / AXE).rename(CACHE)
    return script.read_text("utf-8")
