"""Simulated time at another pace, and a person who waits and skips with the coach."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest

from ankle_imu.simulate.pace import PacedLoop, paced
from ankle_imu.simulate.practice.puppet import Puppet
from ankle_imu.values import ImuSeries


def test_a_paced_loop_waits_less_and_counts_all_of_it() -> None:
    """The clock on the wall is read around the loop's and within: however busy the machine, it is between."""

    async def work() -> tuple[float, float, float]:
        loop = asyncio.get_running_loop()
        outer, begun, inner = time.monotonic(), loop.time(), time.monotonic()
        await asyncio.sleep(4.0)
        waited, counted = time.monotonic() - inner, loop.time() - begun
        return waited, counted, time.monotonic() - outer

    with asyncio.Runner(loop_factory=lambda: PacedLoop(40.0)) as runner:
        waited, counted, wall = runner.run(work())
    assert counted >= 4.0
    assert 40.0 * waited - 1e-6 <= counted <= 40.0 * wall + 1e-6


def test_the_pace_of_the_wall_takes_a_loop_as_usual() -> None:
    assert paced(1.0) is None
    assert paced(2.0) is not None


def made() -> Puppet:
    time_s = np.arange(101) / 10.0
    acc = np.stack([time_s, time_s, time_s], axis=1)
    return Puppet(ImuSeries(time=time_s, acc=acc, gyr=np.ones((101, 3)), sampling_rate=10.0), 100.0)


def test_a_puppet_waits_skips_and_begins_anew() -> None:
    puppet = made()
    puppet.follow(101.0, 101.0, is_waiting=False)  # as planned: nothing changes
    puppet.follow(102.0, 102.0, is_waiting=True)
    puppet.follow(104.0, 102.0, is_waiting=False)
    puppet.follow(105.0, 107.0, is_waiting=False)  # skipped
    puppet.follow(106.0, 101.0, is_waiting=False)  # again
    acc, gyr = puppet.at([101.5, 103.0, 104.5, 105.5, 106.5])
    assert acc[:, 0] == pytest.approx([1.5, 2.0, 2.5, 7.5, 1.5])
    assert gyr[:, 0].tolist() == [1.0, 0.0, 1.0, 1.0, 1.0]


def test_a_puppet_asked_again_of_the_past_says_the_same() -> None:
    puppet = made()
    before = puppet.at([100.5, 101.0])[0]
    puppet.follow(101.5, 108.0, is_waiting=False)
    assert np.array_equal(puppet.at([100.5, 101.0])[0], before)
