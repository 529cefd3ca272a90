"""Where the shared recordings are, and the plain fixtures all tests use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Timings are no assertion here: a loaded machine must not fail a property.
settings.register_profile("plain", deadline=None)
settings.load_profile("plain")

SHARED = Path(os.environ.get("ANKLE_IMU_SHARED", Path(__file__).parents[1] / ".." / "shared")).resolve()


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real recordings that are not part of the project; skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the shared recordings are not on this machine (set ANKLE_IMU_SHARED)")
    return SHARED
