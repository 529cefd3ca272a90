"""Sensors of other makers through the whole recorder: what was lost stands in the ledger, what came is right."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from heard import motion
from simulated_time import run

import ankle_imu as ai
from ankle_imu import wire
from ankle_imu.capture import Wanted
from ankle_imu.capture.recorder import Order, Recorder
from ankle_imu.devices import catalog
from ankle_imu.simulate.sensors.mischief import parse_mischief
from ankle_imu.simulate.sensors.movesense import MovesenseSensor
from ankle_imu.simulate.sensors.radio import OnAir, VirtualRadio
from ankle_imu.simulate.sensors.witmotion import WitMotionSensor
from ankle_imu.values import Recording

FOOT, SHANK = "left_foot", "left_shank"
PLANS = {
    "nothing": (),
    "links": ("5:drop", "12:gone:3", "25:bye", "33:reboot:4"),
    "air": ("5:lose:1", "10:duplicate:2", "15:delay:1", "20:reorder:2", "28:mute:3", "40:stall:1.5"),
    "silence": ("10:mute:9",),
}


async def record(root: Path, plan: str) -> tuple[Path, OnAir, OnAir]:
    async with VirtualRadio(interval=0.03) as radio:
        foot = WitMotionSensor("C0:00:00:00:00:01", motion(200.0), rate_error=-0.008)
        shank = MovesenseSensor("C0:00:00:00:00:02", motion(200.0), ppm=40.0, rate_error=0.01)
        mischief = [parse_mischief(text) for text in PLANS[plan]]
        on_foot, on_shank = await radio.add(foot, mischief=mischief), await radio.add(shank, mischief=mischief)
        sensors = {
            Wanted(placement=FOOT, identifier=foot.address, model="witmotion"): catalog.adapter("witmotion"),
            Wanted(placement=SHANK, identifier=shank.address, model="movesense"): catalog.adapter("movesense"),
        }
        captured = await Recorder(radio, Order(sensors=sensors, root=root, duration_s=50.0)).run()
        assert captured.reason == "duration"
        assert captured.folder is not None
        return captured.folder, on_foot, on_shank


def arrived(air: OnAir, protocol: str, config: dict[str, object]) -> wire.Block:
    """Samples of all notifications that the air handed over, however often."""
    (block,) = wire.decode(protocol, [(at, payload) for at, _, payload in air.arrived], config)
    return block


Recorded = tuple[str, Recording, OnAir, OnAir]


@pytest.fixture(scope="module", params=PLANS)
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder, foot, shank = run(record(tmp_path_factory.mktemp("library"), request.param))
    return request.param, ai.open_session(folder), foot, shank


def test_ledger_of_a_sensor_with_a_clock(recorded: Recorded) -> None:
    _, recording, _, air = recorded
    loss, series = recording.loss[SHANK], recording.series[SHANK]
    block = arrived(air, "movesense", {"subscriptions": {99: "/Meas/IMU6/208"}})
    assert loss.received == len(block) == int(series.is_valid.sum())
    assert loss.expected == len(series.time)
    assert loss.lost == loss.expected - loss.received == sum(gap.samples for gap in loss.gaps)
    rate = 208.0 * 1.01 * (1.0 + 40e-6)
    assert series.sampling_rate == pytest.approx(rate, rel=2e-4)
    truth = air.sensor.truth  # type: ignore[attr-defined]
    whole = (truth[-1] - truth[0]) * rate + 1
    assert loss.expected == pytest.approx(whole, abs=2 + 25 * len(loss.gaps))
    np.testing.assert_allclose(np.sort(series.acc[series.is_valid, 2]), np.sort(block.acc[:, 2]))


def test_ledger_of_a_sensor_without_one(recorded: Recorded) -> None:
    """Eight frames a notification: a hole is known to a few of them."""
    plan, recording, air, _ = recorded
    loss, series = recording.loss[FOOT], recording.series[FOOT]
    assert loss.received == int(series.is_valid.sum())
    assert loss.lost == loss.expected - loss.received == sum(gap.samples for gap in loss.gaps)
    assert series.sampling_rate == pytest.approx(198.4, rel=3e-3)
    lost_s = sum(gap.samples for gap in loss.gaps) / 198.4
    truth = air.sensor.truth  # type: ignore[attr-defined]
    step = np.diff(truth[truth > truth[0] + 4.5])  # until then it is set, and its rate measured
    away = step[step > 0.02].sum()
    swallowed = 8 / 198.4 * sum(len(payload) == 160 for _, _, payload in air.courier.lost)
    assert lost_s == pytest.approx(away + swallowed, abs=0.1 + 0.15 * len(loss.gaps))
    assert (loss.lost == 0) == (plan == "nothing")
    assert math.isnan(loss.clock_ppm)
