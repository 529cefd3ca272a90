"""One exact simulated walk with both sensors of both legs, analyzed once."""

from __future__ import annotations

import pytest

import ankle_imu as ai


@pytest.fixture(scope="session")
def exact_walk():
    """Two minutes on uneven ground, sensors without error, mounted anyhow."""
    plan = ai.simulate.Plan(duration_s=120.0, sampling_rate=104.0, terrain="uneven", mounts="random")
    return ai.simulate.walk(plan, seed=11)


@pytest.fixture(scope="session")
def exact_result(exact_walk):
    """The same, analyzed."""
    return ai.analyze(exact_walk[0])
