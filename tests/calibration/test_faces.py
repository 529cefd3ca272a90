"""Gravity on six faces, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ankle_imu.calibration.faces import FACES, accelerometer_errors, find_faces
from ankle_imu.units import STANDARD_GRAVITY

RATE = 100.0
G = STANDARD_GRAVITY


def lying(directions: list[tuple[float, float, float]], seconds: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Still for a while on each, with a second of turning between."""
    rng = np.random.default_rng(3)
    acc, gyr = [], []
    for direction in directions:
        n = round(seconds * RATE)
        acc += [np.tile(direction, (n, 1)), rng.normal(0.0, 10.0, (100, 3))]
        gyr += [np.zeros((n, 3)), rng.normal(0.0, 2.0, (100, 3))]
    return np.concatenate(acc), np.concatenate(gyr)


def test_six_faces_with_an_offset_and_a_scale() -> None:
    offset, scale = np.array([0.2, -0.1, 0.0]), np.array([1.0, 1.02, 0.99])
    up = np.vstack([np.eye(3), -np.eye(3)]) * G
    faces = find_faces(*lying([tuple(scale * a + offset) for a in up]), RATE)
    assert tuple(faces) == FACES
    errors = accelerometer_errors(faces)
    for axis, d, s in zip("xyz", offset, scale, strict=True):
        assert errors[axis][0] == pytest.approx(d, abs=2e-3)
        assert errors[axis][1] == pytest.approx(s - 1.0, abs=1e-3)


def test_an_edge_is_no_face_and_a_tilt_costs_nothing() -> None:
    edge = (G * np.sqrt(0.5), G * np.sqrt(0.5), 0.0)
    tilted = (0.0, G * np.sin(np.radians(10)), G * np.cos(np.radians(10)))
    faces = find_faces(*lying([edge, tilted]), RATE)
    assert list(faces) == ["+z"]
    assert faces["+z"].gravity == pytest.approx(G)


def test_the_longest_rest_on_a_face_counts() -> None:
    short, long = lying([(0, 0, 9.0)], 2.0), lying([(0, 0, 10.0)], 4.0)
    faces = find_faces(np.vstack([short[0], long[0]]), np.vstack([short[1], long[1]]), RATE)
    assert faces["+z"].gravity == pytest.approx(10.0)
    assert faces["+z"].seconds == pytest.approx(4.0, abs=0.3)
    assert accelerometer_errors(faces) == {}


def test_a_sensor_that_never_rests_has_no_faces() -> None:
    rng = np.random.default_rng(1)
    assert find_faces(rng.normal(0, 10, (500, 3)), rng.normal(0, 3, (500, 3)), RATE) == {}
