"""One simulated walk with a pair of sensors, analyzed at once and streamed."""

from __future__ import annotations

import pytest
from streamed import PAIR, RATE, stream

import ankle_imu as ai
from ankle_imu.streaming import LiveAnalysis


@pytest.fixture(scope="session")
def walk():
    """Two minutes on uneven ground with two rolls, typical sensors."""
    plan = ai.simulate.Plan(
        duration_s=130.0, sampling_rate=RATE, terrain="uneven", errors="typical", placements=PAIR, rolls=2
    )
    return ai.simulate.walk(plan, seed=5)[0]


@pytest.fixture(scope="session")
def batch(walk):
    """The same, analyzed at once."""
    return ai.analyze(walk)


@pytest.fixture(scope="session")
def live(walk):
    """The same, streamed in packets of 14."""
    twin = LiveAnalysis(sampling_rate=RATE, placements=PAIR)
    return twin, list(stream(twin, walk, [14]))
