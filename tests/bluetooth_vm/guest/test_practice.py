"""`practice rom` of sensors over BlueZ: a simulated person does what the prompts say, when they are said."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bluetooth_vm.bumble_radio import BluezAir
from bluetooth_vm.recorded import PLACEMENTS, CountedSensor
from numpy.typing import ArrayLike

import ankle_imu as ai
from ankle_imu.recording import part_paths, read_log
from ankle_imu.simulate.sensors.peripheral import Array, Motion
from ankle_imu.values import ImuSeries

PAIR = PLACEMENTS[:2]
WORDS = ("practice", "rom", "--action", "dorsiflexion", "--mode", "active", "--reps", "2", "--no-lunge", "--json")
PROMPT = re.compile(r" *(\d+):(\d+)  Left neutral pose")


class Led(Motion):
    """A movement that waits in its first posture until it is begun."""

    def __init__(self, series: ImuSeries) -> None:
        super().__init__(series, start=1e9)

    def begin(self, start: float) -> None:
        self._start = start

    def at(self, world: ArrayLike) -> tuple[Array, Array]:
        last = self._start + 0.999 * self._period
        return super().at(np.clip(world, self._start, last))


@dataclass(frozen=True, kw_only=True)
class Practised:
    """What was told of the same exercises, of sensors over BlueZ and of the simulated ones that these felt."""

    told: Mapping[str, Any]
    model: Mapping[str, Any]


async def command(folder: Path, *more: str) -> asyncio.subprocess.Process:
    env = {"ANKLE_IMU_LIBRARY": str(folder / "library"), "ANKLE_IMU_CONFIG": str(folder / "config")}
    pipe = asyncio.subprocess.PIPE
    program = (sys.executable, "-P", "-m", "ankle_imu.cli", *WORDS, *more)
    return await asyncio.create_subprocess_exec(
        *program, env=os.environ | env, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
    )


async def practise(folder: Path) -> Practised:
    printed, words = await (await command(folder, "--simulate", "both", "--fast")).communicate()
    assert printed, words.decode()
    model = json.loads(printed)
    felt = {placement: Led(series) for placement, series in ai.open_session(model["path"]).series.items()}
    loop = asyncio.get_running_loop()
    async with BluezAir() as air:
        named = []
        for n, placement in enumerate(PAIR):
            sensor = CountedSensor(felt[placement], address=f"C0:00:00:00:05:{n:02X}", seed=n)
            await air.add(sensor)
            named += ["--sensor", f"{sensor.address}={placement}"]
        practice = await command(folder, *named)
        assert practice.stderr is not None
        told = ""
        while line := (await practice.stderr.readline()).decode():
            told += line
            if found := PROMPT.match(line):
                for motion in felt.values():
                    motion.begin(loop.time() - 60 * int(found[1]) - int(found[2]))
        assert practice.stdout is not None
        printed = await practice.stdout.read()
        assert await practice.wait() == 0, told
    print(told)
    return Practised(told=json.loads(printed), model=model)


@pytest.fixture(scope="module")
def practised(tmp_path_factory: pytest.TempPathFactory) -> Practised:
    return asyncio.run(practise(tmp_path_factory.mktemp("practice")))


def test_all_that_was_asked_for_was_recorded(practised: Practised) -> None:
    folder = Path(practised.told["path"])
    assert read_log(part_paths(folder)).damage == ()
    loss = ai.open_session(folder).loss
    assert [loss[p].lost for p in PAIR] == [0, 0]
    assert [block["exercise"] for block in practised.told["blocks"]] == ["neutral", "swing", "rom"]
    starts = [[block["start_s"] for block in one["blocks"]] for one in (practised.told, practised.model)]
    assert starts[0] == pytest.approx(starts[1], abs=1.0), "prompts stand at their time of the recording"
    assert practised.told["skipped"] == []


def test_the_range_is_that_of_the_person(practised: Practised) -> None:
    """The same movement through the virtual sensors' own range, rate and rounding."""
    ((here,), (there,)) = practised.told["ranges"], practised.model["ranges"]
    print(here["active_deg"], there["active_deg"])
    assert (here["angle_source"], here["active_n"]) == ("joint", 2)
    assert here["active_deg"] == pytest.approx(there["active_deg"], abs=1.0)
