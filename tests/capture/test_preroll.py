"""A session that begins before it was asked for: with the last seconds of what came."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from simulated_time import run

from ankle_imu import recording
from ankle_imu.capture.preroll import Preroll
from ankle_imu.capture.sink import SessionSink
from ankle_imu.capture.wanted import Wanted
from ankle_imu.devices.adapter import Identity, Stream
from ankle_imu.recording import part_paths, read_log
from ankle_imu.session_io import open_session
from ankle_imu.values import SessionInfo
from ankle_imu.wire import ankle

CONFIG = {"acc_range_g": 16.0, "gyr_range_dps": 2000.0, "nominal_rate_hz": 100.0}
FOOT = Wanted(identifier="A", placement="left_foot", model="ankle")
SHANK = Wanted(identifier="B", placement="left_shank", model="ankle")
STREAM = Stream(protocol="ankle", config=CONFIG)


def packets(n: int) -> list[bytes]:
    acc, gyr = np.ones((n * 5, 3)), np.zeros((n * 5, 3))
    ranges = {"acc_range_g": 16.0, "gyr_range_dps": 2000.0}
    return [p for _, p in ankle.encode(np.arange(n * 5) / 100.0, acc, gyr, **ranges, samples_per_packet=5)]


def hold(root: Path, *, opened_after: float | None, hold_s: float = 2.0) -> tuple[list[bytes], Path | None]:
    """Ten seconds of two sensors at 20 packets/s, opened at some time; the packets, and the session."""
    said = packets(200)

    async def work() -> Path | None:
        sink = SessionSink(root, SessionInfo(alias="P-test"))
        preroll = Preroll(sink, hold_s)
        for wanted in (FOOT, SHANK):
            preroll.begin(wanted, Identity(serial=wanted.identifier), STREAM)
        preroll.note("left_foot", "connected", "A")
        loop = asyncio.get_running_loop()
        for n, payload in enumerate(said):
            if opened_after is not None and n / 20 >= opened_after:
                preroll.open()
            for wanted in (FOOT, SHANK):
                preroll.take(wanted.placement, "packet", loop.time(), payload)
            await asyncio.sleep(0.05)
        sink.end("duration")
        sink.close()
        assert sink.failure is None
        return sink.folder

    return said, run(work())


def test_what_is_held_is_the_beginning_of_the_session(tmp_path: Path) -> None:
    said, folder = hold(tmp_path, opened_after=6.0)
    assert folder is not None
    log = read_log(part_paths(folder))
    for stream in log.streams:
        assert [payload for _, payload in stream.packets] == said[80:], "2 s before the opening at 6 s"
        arrivals = np.array([at for at, _ in stream.packets])
        assert arrivals[0] == pytest.approx(0.0, abs=0.06)
        assert np.diff(arrivals) == pytest.approx(0.05, abs=1e-3)
    assert {s.placement for s in log.streams} == {"left_foot", "left_shank"}
    assert log.events[0].time_s == 0.0
    assert set(open_session(folder).session.sensors) == {"left_foot", "left_shank"}


def test_the_session_is_dated_by_its_first_packet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ankle_imu.capture import sink as sink_module

    monkeypatch.setattr(sink_module.time, "time_ns", lambda: 1_800_000_000 * 10**9)
    _, folder = hold(tmp_path, opened_after=6.0)
    assert folder is not None
    log = read_log(part_paths(folder))
    assert 1_800_000_000 - log.start_ns / 1e9 == pytest.approx(2.0, abs=0.06)
    first = log.host_clock[0]
    assert first.time_s == pytest.approx(2.0, abs=0.06)
    assert first.utc_ns == 1_800_000_000 * 10**9


def test_never_opened_leaves_nothing(tmp_path: Path) -> None:
    _, folder = hold(tmp_path, opened_after=None)
    assert folder is None
    assert list(tmp_path.iterdir()) == []


def test_it_can_be_opened_before_anything_came(tmp_path: Path) -> None:
    said, folder = hold(tmp_path, opened_after=0.0)
    assert folder is not None
    assert all(len(s.packets) == len(said) for s in read_log(part_paths(folder)).streams)


def test_a_sensor_that_began_long_ago_is_known(tmp_path: Path) -> None:
    """Its beginning is older than what is held; its packets still find their channel."""
    _, folder = hold(tmp_path, opened_after=9.5, hold_s=0.5)
    assert folder is not None
    for stream in recording.read_log(part_paths(folder)).streams:
        assert stream.config == CONFIG
        assert len(stream.packets) == 20
