"""Recordings made with virtual sensors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from capture_truth import Recorded, record_ankle

from ankle_imu.simulate import Plan, walk
from ankle_imu.simulate.sensors.peripheral import Motion


@pytest.fixture(scope="session")
def motion() -> Motion:
    """Two minutes of a walk as the left foot feels it."""
    walked, _ = walk(Plan(duration_s=120.0, placements=("left_foot",)), 3)
    return Motion(walked.series["left_foot"])


@pytest.fixture
def record(motion: Motion, tmp_path: Path) -> Callable[..., Recorded]:
    """Record from as many ankle sensors as there are schedules, see `record_ankle`."""
    return partial(record_ankle, motion, tmp_path)
