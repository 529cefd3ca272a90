"""CPU of the recorder against a bare loop that receives the same notifications, in one process, in the same run.

Run as a script: `python tests/benchmarks/bench_recorder.py [minutes]`. Four sensors at 208 Hz send packets of 14
samples, made beforehand, over a transport that does nothing but call back. The bare loop stamps and queues them
and throws the queue away once a second. Prints the ratio of CPU time, all threads, in real time (target 1.5: the
median of several rounds, each side after the other), the cost of a notification without the waiting between
them, and the memory of the process every ten minutes of simulated time; asserts only that all was received and
kept.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from simulated_time import run

from ankle_imu.capture import Order, Recorder, Wanted
from ankle_imu.devices.adapter import Deliver, Identity, Link, Sighting, Stream, Wish
from ankle_imu.devices.ankle_ledger import Ledger
from ankle_imu.frames import PLACEMENTS
from ankle_imu.recording import part_paths, read_log
from ankle_imu.values import SessionInfo
from ankle_imu.wire import ankle
from ankle_imu.wire.ankle_packets import peek

RATE, PER_PACKET = 208.0, 14
CONFIG = {"acc_range_g": 16.0, "gyr_range_dps": 2000.0, "nominal_rate_hz": RATE}
PACKET_S = PER_PACKET / RATE
HEADER = struct.Struct("<BBHIIBB")
ROUNDS, REAL_S = 3, 15.0
T = TypeVar("T")


class Transport:
    """A radio and its links at once: calls back with each packet at its time."""

    def __init__(self, seconds: float) -> None:
        self.n = round(seconds / PACKET_S)
        n = 4096 * PER_PACKET
        rng = np.random.default_rng(1)
        time_s = np.arange(n) / RATE
        acc, gyr = rng.normal(0.0, 20.0, (n, 3)), rng.normal(0.0, 5.0, (n, 3))
        self.bodies = [
            payload for _, payload in ankle.encode(time_s, acc, gyr, acc_range_g=16, gyr_range_dps=2000)
        ]
        self.receivers: list[Callable[[bytes], None]] = []

    def packets(self, sensor: int) -> Iterator[bytes]:
        """Payload after payload, with the count and clock that belong to it."""
        for k in range(self.n):
            body = self.bodies[(k + 7 * sensor) % len(self.bodies)]
            index, t_us = k * PER_PACKET, round(k * PACKET_S * 1e6)
            yield HEADER.pack(0x10, 0, k % 65536, index, t_us % 2**32, PER_PACKET, 0) + body[14:]

    async def play(self) -> None:
        """Send everything; each sensor's packets at their own times."""
        loop = asyncio.get_running_loop()
        start = loop.time()

        async def one(sensor: int, receive: Callable[[bytes], None]) -> None:
            due = start + sensor * PACKET_S / 4
            for payload in self.packets(sensor):
                due += PACKET_S
                await asyncio.sleep(due - loop.time())
                receive(payload)

        await asyncio.gather(*(one(i, receive) for i, receive in enumerate(self.receivers)))

    async def scan(self, seconds: float, *, is_enough: object = None) -> list[Sighting]:
        return [Sighting(identifier=placement) for placement in PLACEMENTS]

    async def release(self, identifier: str) -> bool:
        return False

    async def connect(self, seen: Sighting, *, timeout: float) -> PlainLink:
        return PlainLink(self, seen.identifier)


class PlainLink:
    def __init__(self, transport: Transport, identifier: str) -> None:
        self.transport, self.identifier, self.mtu = transport, identifier, 247

    def has(self, uuid: str) -> bool:
        return True

    async def subscribe(self, uuid: str, receive: Callable[[bytes], None]) -> None:
        self.transport.receivers.append(receive)

    async def wait_lost(self) -> str:
        return await asyncio.get_running_loop().create_future()

    async def close(self) -> None:
        return None


class PlainAdapter:
    """As `AnkleAdapter`, but for the commands: hands on, and follows the sensor's count."""

    model = "ankle"

    def __init__(self) -> None:
        self.ledger = Ledger()

    def tally(self) -> tuple[int, int]:
        return self.ledger.received, self.ledger.lost

    async def identify(self, link: Link) -> Identity:
        return Identity(serial=link.identifier)

    async def start(self, link: Link, wish: Wish, deliver: Deliver) -> Stream:
        def take(payload: bytes) -> None:
            deliver("packet", payload)
            head = peek(payload)
            assert head is not None
            self.ledger.take(head)

        await link.subscribe("data", take)
        self.ledger.start(1, 0)
        return Stream(protocol="ankle", config=CONFIG)

    async def stop(self, link: Link) -> None:
        return None

    async def battery(self, link: Link) -> float:
        return 1.0


async def bare(transport: Transport) -> int:
    loop = asyncio.get_running_loop()
    queue: list[tuple[float, bytes]] = []
    count = 0
    for placement in PLACEMENTS:
        link = await transport.connect(Sighting(identifier=placement), timeout=1.0)
        await link.subscribe("data", lambda payload: queue.append((loop.time(), payload)))

    async def empty() -> None:
        nonlocal count
        while True:
            await asyncio.sleep(1.0)
            count += len(queue)
            queue.clear()

    emptying = asyncio.ensure_future(empty())
    await transport.play()
    emptying.cancel()
    return count + len(queue)


async def recorded(transport: Transport, root: Path, memory: list[float]) -> Path:
    sensors = {Wanted(identifier=p, placement=p, model="ankle"): PlainAdapter() for p in PLACEMENTS}
    order = Order(sensors=sensors, root=root, info=SessionInfo(alias="bench"))
    recorder = Recorder(transport, order)
    running = asyncio.ensure_future(recorder.run())
    while len(transport.receivers) < len(PLACEMENTS):
        await asyncio.sleep(0.01)

    async def watch() -> None:
        while True:
            memory.append(resident_mb())
            await asyncio.sleep(600.0)

    watching = asyncio.ensure_future(watch())
    await transport.play()
    memory.append(resident_mb())
    watching.cancel()
    recorder.stop("duration")
    captured = await running
    assert captured.folder is not None
    return captured.folder


def resident_mb() -> float:
    """Memory of the process in MB; where the system does not tell it now, the most it ever was."""
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * resource.getpagesize() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def cpu(work: Callable[[], T]) -> tuple[float, T]:
    gc.collect()
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def compare(seconds: float, go: Callable[[Coroutine[Any, Any, T]], T]) -> tuple[float, float, list[float]]:
    """CPU in us a notification of the bare loop and of the recorder, and the memory on the way."""
    expected = len(PLACEMENTS) * round(seconds / PACKET_S)
    memory: list[float] = []
    first, second = Transport(seconds), Transport(seconds)
    with tempfile.TemporaryDirectory() as folder:
        floor, count = cpu(lambda: go(bare(first)))
        spent, session = cpu(lambda: go(recorded(second, Path(folder), memory)))
        kept = sum(len(s.packets) for s in read_log(part_paths(session)).streams)
    assert count == kept == expected, (count, kept, expected)
    return 1e6 * floor / expected, 1e6 * spent / expected, memory


def main(minutes: float) -> None:
    real = [compare(REAL_S, asyncio.run) for _ in range(ROUNDS)]
    ratios = sorted(spent / floor for floor, spent, _ in real)
    for floor, spent, _ in real:
        print(f"real time: bare loop {floor:5.1f} us, recorder {spent:5.1f} us a notification")
    print(
        f"recorder, 4 x 208 Hz, {REAL_S:g} s of real time: {ratios[len(ratios) // 2]:.2f} x the bare loop "
        f"(target 1.5; {ratios[0]:.2f} to {ratios[-1]:.2f})"
    )
    floor, spent, memory = compare(60.0 * minutes, run)
    print(
        f"simulated time, no waiting between: bare loop {floor:.1f} us, recorder {spent:.1f} us a notification, "
        f"{100 * spent * 1e-6 * len(PLACEMENTS) / PACKET_S:.2f} % of a core at 4 x 208 Hz"
    )
    print(f"memory over {minutes:g} min of simulated time, MB: {', '.join(f'{mb:.0f}' for mb in memory)}")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0)
