"""The simulated sensors of `record` are on one person, who waits for them."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankle_imu.cli.recording import simulated_sensors
from ankle_imu.simulate import named_plan, walk
from ankle_imu.simulate.sensors.peripheral import Beginning, Motion
from ankle_imu.simulate.sensors.radio import VirtualRadio

PLAN = """\
duration_s = 27
placements = ["left_foot", "left_shank"]
"""


def test_sensors_of_one_person_feel_the_same_instant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy computer takes its time for each sensor; foot and shank must not part by that."""
    (tmp_path / "plan.toml").write_text(PLAN)
    felt: list[Motion] = []
    add = VirtualRadio.add

    async def slowly(radio: VirtualRadio, sensor: Any, **more: Any) -> None:
        felt.append(sensor._motion)
        await asyncio.sleep(0.05)
        await add(radio, sensor, **more)

    monkeypatch.setattr(VirtualRadio, "add", slowly)

    async def made() -> None:
        async with contextlib.AsyncExitStack() as stack:
            await simulated_sensors(stack, str(tmp_path / "plan.toml"))

    asyncio.run(made())
    walked, _ = walk(named_plan(str(tmp_path / "plan.toml")), 1)
    for motion, series in zip(felt, walked.series.values(), strict=True):
        since = series.time - series.time[0]
        acc, gyr = motion.at(1000.0 + since[:-1])
        np.testing.assert_allclose(acc, series.acc[:-1], atol=1e-6)
        np.testing.assert_allclose(gyr, series.gyr[:-1], atol=1e-6)


def test_a_person_begins_when_the_first_sensor_looks() -> None:
    walked, _ = walk(named_plan("foot_only"), 1)
    (series,) = walked.series.values()
    beginning = Beginning()
    first, second = (Motion(series, beginning) for _ in range(2))
    assert first.at(np.array([]))[0].shape == (0, 3)
    np.testing.assert_allclose(first.at(np.array([70.0]))[0][0], series.acc[0])
    np.testing.assert_allclose(
        second.at(np.array([70.0 + series.time[40] - series.time[0]]))[0][0], series.acc[40]
    )
