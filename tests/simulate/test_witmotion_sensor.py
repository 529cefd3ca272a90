"""The virtual WitMotion sensor by itself: what it says, when, and what it keeps to."""

from __future__ import annotations

import numpy as np
import pytest
from heard import motion
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu import wire
from ankle_imu.simulate.sensors.peripheral import Motion
from ankle_imu.simulate.sensors.witmotion import NOTIFY, WRITE, WitMotionSensor
from ankle_imu.values import ImuSeries
from ankle_imu.wire import witmotion as wit

ADDRESS = "C0:00:00:00:00:01"


def streaming(*, code: int = 0x0B, mtu: int = 247, **told: object) -> WitMotionSensor:
    """A sensor set to a rate and listened to from world time 0 on."""
    sensor = WitMotionSensor(ADDRESS, motion(200.0), **told)  # type: ignore[arg-type]
    sensor.boot(0.0)
    sensor.connect(0.0, mtu)
    for command in (wit.UNLOCK, wit.write_register(wit.RATE, code)):
        sensor.write(WRITE, command, 0.0)
    sensor.subscribe(NOTIFY, True, 0.0)
    return sensor


@pytest.mark.parametrize(
    ("code", "mtu", "size"),
    [(0x0B, 247, 160), (0x09, 247, 80), (0x08, 247, 20), (0x0B, 23, 20), (0x0B, 104, 100)],
)
def test_frames_share_a_notification_as_far_as_it_holds_them(code: int, mtu: int, size: int) -> None:
    said = streaming(code=code, mtu=mtu).poll(2.0)
    assert {len(payload) for _, payload in said} == {size}


def test_200_hz_are_25_notifications_a_second() -> None:
    assert len(streaming().poll(10.0)) == 250


@given(st.lists(st.floats(min_value=0.001, max_value=1.0), min_size=1, max_size=30))
def test_how_often_it_is_asked_changes_nothing(steps: list[float]) -> None:
    times = np.cumsum(steps)
    often, once = streaming(), streaming()
    said = [one for now in times for one in often.poll(float(now))]
    assert said == once.poll(float(times[-1]))
    np.testing.assert_array_equal(often.truth, once.truth)


@pytest.mark.parametrize(("ppm", "rate_error"), [(0.0, 0.0), (60.0, 0.0), (-200.0, 0.0), (0.0, -0.008)])
def test_truth_is_when_each_sample_was_taken(ppm: float, rate_error: float) -> None:
    """200 Hz on a clock that is `ppm` fast is a little more than 200 Hz in the world."""
    sensor = streaming(ppm=ppm, rate_error=rate_error)
    payloads = [payload for _, payload in sensor.poll(100.0)]
    step = np.diff(sensor.truth)
    np.testing.assert_allclose(step, 1.0 / (200.0 * (1.0 + rate_error) * (1.0 + ppm * 1e-6)), rtol=1e-6)
    (block,) = wire.decode("witmotion", [(0.0, payload) for payload in payloads], {})
    acc, gyr = motion(200.0).at(sensor.truth)
    np.testing.assert_allclose(block.acc, acc, atol=0.5 * 16 * 9.81 / 32768)
    assert block.gyr is not None
    np.testing.assert_allclose(block.gyr, gyr, atol=0.5 * np.radians(2000) / 32768)


def test_what_nobody_hears_is_not_made() -> None:
    sensor = streaming()
    sensor.poll(1.0)
    sensor.disconnect(1.0)
    assert sensor.poll(5.0) == []
    n = len(sensor.truth)
    sensor.connect(5.0, 247)
    sensor.subscribe(NOTIFY, True, 5.0)
    sensor.poll(6.0)
    assert len(sensor.truth) == n + 200
    assert sensor.truth[n] >= 5.0, "old samples came as new ones"


def test_settings_need_unlocking_and_saving() -> None:
    sensor = WitMotionSensor(ADDRESS, motion(200.0))
    sensor.boot(0.0)
    sensor.write(WRITE, wit.write_register(wit.RATE, 0x0B), 0.0)
    assert sensor.registers[wit.RATE] == 0x06, "locked"
    sensor.write(WRITE, wit.UNLOCK, 0.0)
    sensor.write(WRITE, wit.write_register(wit.RATE, 0x0B), 11.0)
    assert sensor.registers[wit.RATE] == 0x06, "locked again"
    sensor.write(WRITE, wit.UNLOCK, 20.0)
    sensor.write(WRITE, wit.write_register(wit.RATE, 0x0B), 21.0)
    assert sensor.registers[wit.RATE] == 0x0B
    sensor.boot(22.0)
    assert sensor.registers[wit.RATE] == 0x06, "not saved"


def test_battery_reads_nothing_while_it_saves() -> None:
    sensor = WitMotionSensor(ADDRESS, motion(200.0), battery=1.0)
    sensor.boot(0.0)
    for command in (wit.UNLOCK, wit.SAVE):
        sensor.write(WRITE, command, 1.0)
    volts = []
    for now in (1.2, 1.4):
        ((_, reply),) = sensor.write(WRITE, wit.read_register(wit.BATTERY), now)
        volts.append(wit.read_replies([(0.0, reply)])[0][wit.BATTERY])
    assert volts == [0, 396]


def test_model_with_flash_stamps_its_frames() -> None:
    sensor = streaming(code=0x09, files={"WIT01.TXT": b""})
    payloads = [payload for _, payload in sensor.poll(3.0)]
    (block,) = wire.decode("witmotion", [(0.0, payload) for payload in payloads], {})
    assert block.ticks is not None
    assert len(block) == 300
    np.testing.assert_allclose(np.diff(block.ticks), 10.0)
    assert not block.errors


def test_values_beyond_the_range_are_clipped() -> None:
    time = np.array([0.0, 1.0])
    hard = ImuSeries(time=time, acc=np.full((2, 3), 400.0), gyr=np.full((2, 3), -50.0), sampling_rate=1.0)
    sensor = WitMotionSensor(ADDRESS, Motion(hard))
    sensor.boot(0.0)
    sensor.connect(0.0, 247)
    sensor.subscribe(NOTIFY, True, 0.0)
    (block,) = wire.decode("witmotion", [(0.0, payload) for _, payload in sensor.poll(1.0)], {})
    np.testing.assert_allclose(block.acc, 16 * 9.80665 * 32767 / 32768)
    assert block.gyr is not None
    np.testing.assert_allclose(block.gyr, -np.radians(2000))
