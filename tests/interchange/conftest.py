from __future__ import annotations

import numpy as np
import pytest

G = 9.80665


@pytest.fixture(scope="session")
def swing():
    """time s, acc m/s^2, gyr rad/s at 60 Hz of a sensor that pitches +-0.6 rad once a second."""
    t = np.arange(600) / 60.0
    angle = 0.6 * np.sin(2 * np.pi * t)
    rng = np.random.default_rng(0)
    acc = np.column_stack([-G * np.sin(angle), 0 * t, G * np.cos(angle)]) + rng.normal(0, 0.05, (600, 3))
    gyr = np.column_stack([0 * t, 1.2 * np.pi * np.cos(2 * np.pi * t), 0 * t]) + rng.normal(0, 0.01, (600, 3))
    return t, acc, gyr
