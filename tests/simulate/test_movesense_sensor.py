"""The virtual Movesense sensor by itself: what it says, when, and what it keeps to."""

from __future__ import annotations

import numpy as np
import pytest
from heard import motion
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu import wire
from ankle_imu.simulate.sensors.movesense import NOTIFY, WRITE, MovesenseSensor
from ankle_imu.wire.movesense_commands import Command, command, join_log, path_payload, read_info

ADDRESS = "C0:00:00:00:00:02"
REF = 9


def connected(*, mtu: int = 247, now: float = 0.0, **told: object) -> MovesenseSensor:
    sensor = MovesenseSensor(ADDRESS, motion(208.0), **told)  # type: ignore[arg-type]
    sensor.boot(now)
    sensor.connect(now, mtu)
    sensor.subscribe(NOTIFY, True, now)
    return sensor


def ask(sensor: MovesenseSensor, code: Command, payload: bytes = b"", *, ref: int = 1, now: float = 0.0) -> bytes:
    """The answer, without kind and reference."""
    ((_, told),) = sensor.write(WRITE, command(code, ref, payload), now)
    assert told[:2] == bytes((1, ref))
    return told[2:]


def status(*args: object, **told: object) -> int:
    return int.from_bytes(ask(*args, **told)[:2], "little")  # type: ignore[arg-type]


def streaming(*, rate: int = 208, mtu: int = 247, **told: object) -> MovesenseSensor:
    sensor = connected(mtu=mtu, **told)
    assert status(sensor, Command.SUBSCRIBE, path_payload(f"/Meas/IMU6/{rate}"), ref=REF) == 200
    return sensor


@pytest.mark.parametrize(
    ("rate", "mtu", "sizes"),
    [(208, 247, {198}), (52, 247, {102}), (13, 247, {30}), (208, 158, {155, 45}), (52, 23, {20, 12})],
)
def test_packets_as_long_as_the_mtu_lets_them(rate: int, mtu: int, sizes: set[int]) -> None:
    """2 bytes of header, 4 of time, 24 a sample; the rest of a long one comes in a second part."""
    said = streaming(rate=rate, mtu=mtu).poll(5.0)
    assert {len(payload) for _, payload in said} == sizes


@given(st.lists(st.floats(min_value=0.001, max_value=1.0), min_size=1, max_size=30))
def test_how_often_it_is_asked_changes_nothing(steps: list[float]) -> None:
    times = np.cumsum(steps)
    often, once = streaming(), streaming()
    said = [one for now in times for one in often.poll(float(now))]
    assert said == once.poll(float(times[-1]))
    np.testing.assert_array_equal(often.truth, once.truth)


@pytest.mark.parametrize(("ppm", "rate_error"), [(0.0, 0.0), (60.0, 0.0), (0.0, 0.02)])
def test_truth_is_when_each_sample_was_taken(ppm: float, rate_error: float) -> None:
    sensor = streaming(ppm=ppm, rate_error=rate_error)
    payloads = [(0.0, payload) for _, payload in sensor.poll(100.0)]
    step = 1.0 / (208.0 * (1.0 + rate_error) * (1.0 + ppm * 1e-6))
    np.testing.assert_allclose(np.diff(sensor.truth), step, rtol=1e-6)
    (block,) = wire.decode("movesense", payloads, {"subscriptions": {REF: "/Meas/IMU6/208"}})
    assert block.ticks is not None
    device = sensor.truth * (1.0 + ppm * 1e-6) * 1000.0
    np.testing.assert_allclose(block.ticks, device, atol=1.1, err_msg="its own clock, in ms, cut off")
    acc, _ = motion(208.0).at(sensor.truth)
    np.testing.assert_allclose(block.acc, acc, rtol=1e-6)


def test_its_clock_begins_at_every_boot() -> None:
    sensor = connected()
    sensor.boot(50.0)
    sensor.connect(50.0, 247)
    sensor.subscribe(NOTIFY, True, 50.0)
    ask(sensor, Command.SUBSCRIBE, path_payload("/Meas/IMU6/208"), ref=REF, now=50.0)
    (_, first), *_ = sensor.poll(51.0)
    assert int.from_bytes(first[2:6], "little") < 10


def test_info_is_laid_out_as_captured() -> None:
    told = ask(connected(), Command.GET, path_payload("/Meas/Acc/Info"))
    captured = "080d001a0034006800d000a001410382060402040810"
    assert told[2:].hex() == captured
    assert read_info("/Meas/Acc/Info", told[2:])[1] == [2, 4, 8, 16]


@pytest.mark.parametrize(
    ("code", "payload", "expected"),
    [
        (Command.GET, b"/No/Such\0", 404),
        (Command.SUBSCRIBE, b"/Meas/IMU6/210\0", 404),
        (Command.SUBSCRIBE, b"nonsense\0", 404),
        (Command.UNSUBSCRIBE, b"", 404),
        (Command.FETCH_LOG, (5).to_bytes(4, "little"), 404),
        (Command.GET, b"/System/Energy/Level\0", 200),
    ],
)
def test_status_of_answers(code: Command, payload: bytes, expected: int) -> None:
    assert status(connected(), code, payload) == expected


def test_a_reference_is_used_once() -> None:
    assert status(streaming(), Command.SUBSCRIBE, b"/Meas/IMU6/52\0", ref=REF) == 409


def test_exhausted_until_it_boots_not_until_it_reconnects() -> None:
    sensor = connected()
    sensor.is_exhausted = True
    assert status(sensor, Command.GET, b"/System/Energy/Level\0") == 429
    sensor.disconnect(1.0)
    sensor.connect(2.0, 247)
    assert status(sensor, Command.GET, b"/System/Energy/Level\0", now=2.0) == 429
    sensor.boot(3.0)
    assert status(sensor, Command.GET, b"/System/Energy/Level\0", now=3.0) == 200


def test_what_it_logs_is_what_it_feels() -> None:
    sensor = connected()
    ask(sensor, Command.PUT_DATALOGGER_CONFIG, path_payload("/Meas/IMU6/208", "/Time/Detailed"))
    ask(sensor, Command.PUT_DATALOGGER_STATE, bytes([3]), now=2.0)
    assert status(sensor, Command.FETCH_LOG, (1).to_bytes(4, "little"), now=3.0) == 409
    ask(sensor, Command.PUT_DATALOGGER_STATE, bytes([2]), now=12.0)
    (block,) = wire.decode("movesense_sbem", [(0.0, sensor.logs[1])], {})
    assert len(block) == 2080
    acc, _ = motion(208.0).at(2.0 + np.arange(2080) / 208.0)
    np.testing.assert_allclose(block.acc, acc, rtol=1e-5)


@pytest.mark.parametrize("mtu", [247, 158])
def test_a_log_comes_in_pieces_at_its_pace_with_the_holes_it_was_told_to_have(mtu: int) -> None:
    content = bytes(range(256)) * 200
    sensor = connected(mtu=mtu, logs={4: content}, swallowed=(2,))
    for turn in range(2):
        assert status(sensor, Command.FETCH_LOG, (4).to_bytes(4, "little"), ref=7, now=10.0 * turn) == 200
        early = sensor.poll(10.0 * turn + 1.0)
        assert sum(len(payload) for _, payload in early) == pytest.approx(11_300, rel=0.1)
        said = early + sensor.poll(10.0 * turn + 9.0)
        assert max(len(payload) for _, payload in said) <= mtu - 3
        file = join_log([(0.0, payload) for _, payload in said], 7)
        assert file.is_ended
        body = mtu - 9
        assert file.holes == (((2 * body, 3 * body),) if turn == 0 else ())
    assert file.data == content
