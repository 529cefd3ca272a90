"""The page server for an hour of simulated time: it holds no more at the end than after some minutes."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from live_site import FOUR, PAIR

import ankle_imu as ai
from ankle_imu.live.host import WalkHost
from ankle_imu.live.walk import Packet, Worn
from ankle_imu.values import ImuSeries
from ankle_imu.wire import ankle

pytest.importorskip("starlette", reason="the extra `live` is not installed")

RANGES = {"acc_range_g": 16.0, "gyr_range_dps": 2000.0}
BATCH_S = 0.25
GROWTH_BYTES = 250_000
"""Of a few hundred kB that the last minute of a set-up, the rolls and the strip of 5 s come and go by."""
GROWTH_RESIDENT_BYTES = 4_000_000
"""The same by what the system gave the process, which comes in larger pieces."""
GROWTH_BLOCKS = 20_000
"""The same by Python's own count of objects, which sees what fits into memory that was freed before."""


def packets(placement: str, series: ImuSeries, minutes: int) -> Iterator[list[Packet]]:
    """A walk over and over as one sensor sends it, in batches."""
    rate, again = series.sampling_rate, minutes * 60.0 / series.duration
    acc, gyr = (np.tile(x, (int(np.ceil(again)), 1)) for x in (series.acc, series.gyr))
    time = np.arange(len(acc)) / rate
    said = ankle.encode(time, acc, gyr, **RANGES, samples_per_packet=max(5, round(rate / 15.0)))
    for _, batch in groupby(said, key=lambda one: int(one[0] / BATCH_S)):
        yield [Packet(placement=placement, time_s=at, stamp=at, payload=payload) for at, payload in batch]


def test_memory_is_flat_over_an_hour(full: bool) -> None:
    tracemalloc.start()
    try:
        held = held_over(PAIR, 52.0, 60 if full else 6, lambda: tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert max(held[2:]) - held[1] < GROWTH_BYTES


def test_memory_is_flat_with_four_sensors_at_208_hz(full: bool) -> None:
    if not full:
        pytest.skip("an hour of 4 x 208 Hz takes some minutes; --full")
    resident = Path("/proc/self/statm")
    if not resident.exists():
        pytest.skip("this system does not tell how much memory a process has in /proc")
    size = os.sysconf("SC_PAGE_SIZE")
    blocks: list[int] = []

    def measure() -> int:
        blocks.append(sys.getallocatedblocks())
        return size * int(resident.read_text().split()[1])

    held = held_over(FOUR, 208.0, 60, measure)
    print("blocks:", blocks)
    assert max(held[2:]) - held[1] < GROWTH_RESIDENT_BYTES
    assert max(blocks[2:]) - blocks[1] < GROWTH_BLOCKS


def held_over(placements: tuple[str, ...], rate: float, minutes: int, measure: Callable[[], int]) -> list[int]:
    """Bytes that a page server with one page open holds after each fifth of the time."""
    from ankle_imu.live.hub import Hub, Page

    plan = ai.simulate.Plan(
        duration_s=62.0, sampling_rate=rate, terrain="uneven", rolls=1, errors="typical", placements=placements
    )
    walked, _ = ai.simulate.walk(plan, seed=4)

    async def nothing(text: str) -> None:
        return None

    async def work() -> list[int]:
        hub = Hub(lambda word: "", lambda: 0.0)
        page = Page(nothing, "here", lambda: 0.0)
        hub.pages.add(page)
        sending = asyncio.ensure_future(page.keep_sending(list))
        host = WalkHost(Worn(placements=placements), hub.publish, lambda *word: None)
        for placement in placements:
            host.walk.begin(placement, "ankle", {**RANGES, "nominal_rate_hz": rate})
        held: list[int] = []
        try:
            sources = [packets(place, walked.series[place], minutes) for place in placements]
            for together in zip(*sources, strict=False):
                batch = sorted((p for one in together for p in one), key=lambda p: p.time_s)
                if batch:
                    host.walk.take_packets(batch)
                    await asyncio.sleep(0)
                if batch and batch[-1].time_s >= 0.2 * minutes * 60.0 * (len(held) + 1):
                    gc.collect()
                    held.append(measure())
        finally:
            sending.cancel()
        return held

    held = asyncio.run(work())
    print("held, bytes:", held)
    assert len(held) >= 4
    return held
