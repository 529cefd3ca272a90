"""A small library of sessions that were never analyzed, one of them spoilt."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from batches import SESSIONS, jobs_of

from ankle_imu.batch import Job
from ankle_imu.session_io import save_simulation
from ankle_imu.simulate import Plan, walk


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`SESSIONS` short walks of one person and a calibrated sensor; never changed."""
    root = tmp_path_factory.mktemp("recorded") / "library"
    plan = Plan(duration_s=40.0, sampling_rate=104.0, placements=("left_foot", "left_shank"), errors="typical")
    recording, _ = walk(plan, 1)
    for day in range(1, SESSIONS + 1):
        info = replace(recording.session, alias="P-test", started_utc=f"2026-11-{day:02d}T09:00:00Z")
        save_simulation(recording, root, info=info)
    return root


@pytest.fixture
def library(recorded: Path, tmp_path: Path) -> Path:
    """A copy of `recorded`, times of the files included."""
    return Path(shutil.copytree(recorded, tmp_path / "library"))


@pytest.fixture
def jobs(library: Path) -> list[Job]:
    return jobs_of(library)
