"""Walking and taps are movement, standing is none; for foot and shank, and without a gyroscope."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import ankle_imu as ai
from ankle_imu.devices.adapter import Stream
from ankle_imu.service.movement import ENOUGH, WINDOW, Movement, moves
from ankle_imu.wire import ankle, decode

CONFIG = {"acc_range_g": 16.0, "gyr_range_dps": 2000.0, "nominal_rate_hz": 104.0}


@pytest.fixture(scope="module")
def walked() -> tuple[ai.Recording, ai.Truth]:
    plan = ai.simulate.Plan(
        duration_s=60.0, sampling_rate=104.0, placements=("left_foot", "left_shank"), errors="typical"
    )
    return ai.simulate.walk(plan, seed=2)


def packets(recording: ai.Recording, placement: str) -> list[tuple[float, bytes]]:
    series = recording.series[placement]
    ranges = {"acc_range_g": 16.0, "gyr_range_dps": 2000.0}
    return [*ankle.encode(series.time, series.acc, series.gyr, **ranges, samples_per_packet=8)]


@pytest.mark.parametrize("placement", ["left_foot", "left_shank"])
@pytest.mark.parametrize("has_gyr", [True, False])
def test_each_second_of_a_walk(walked: tuple[ai.Recording, ai.Truth], placement: str, has_gyr: bool) -> None:
    recording, truth = walked
    said = packets(recording, placement)
    begin, end = float(truth.strides.start_s.min()) + 1.0, float(truth.strides.end_s.max()) - 1.0
    for second in range(1, 58):
        (block,) = decode("ankle", [p for p in said if second <= p[0] < second + 1], CONFIG)
        block = block if has_gyr else replace(block, gyr=None)
        if second < 5:
            assert not moves(block)
        elif begin <= second < end - 1:
            assert moves(block)


def look(recording: ai.Recording, placement: str) -> list[bool]:
    movement = Movement()
    movement.begin(placement, Stream(protocol="ankle", config=CONFIG))
    said, seen = packets(recording, placement), []
    for second in range(60):
        for at, payload in said:
            if second <= at < second + 1:
                movement.take(placement, at, payload)
        seen.append(movement.look())
        assert movement.is_streaming
    return seen


def test_a_walk_is_noticed_by_its_taps(walked: tuple[ai.Recording, ai.Truth]) -> None:
    seen = look(walked[0], "left_foot")
    assert not any(seen[:5])
    assert seen.index(True) == pytest.approx(6 + ENOUGH, abs=2)
    assert all(seen[25:55])


def test_a_knock_is_no_walk(walked: tuple[ai.Recording, ai.Truth]) -> None:
    movement = Movement()
    movement.begin("left_foot", Stream(protocol="ankle", config=CONFIG))
    n = 104
    still, rng = np.tile([0.0, 0.0, 9.81], (n, 1)), np.random.default_rng(0)
    for second in range(2 * WINDOW):
        gyr = rng.normal(0, 3.0 if second in (3, 4) else 0.01, (n, 3))
        ranges = {"acc_range_g": 16.0, "gyr_range_dps": 2000.0}
        for at, payload in ankle.encode(second + np.arange(n) / n, still, gyr, **ranges, samples_per_packet=8):
            movement.take("left_foot", at, payload)
        assert not movement.look()


def test_silence_is_neither_movement_nor_a_stream() -> None:
    movement = Movement()
    assert not movement.look()
    movement.begin("left_foot", Stream(protocol="ankle", config=CONFIG))
    assert not movement.look()
    assert not movement.is_streaming
