"""Decoders of `ankle_imu.wire` against plain `struct` loops over the same bytes, in the same run.

Run as a script: `python tests/benchmarks/bench_wire.py [minutes]`. Prints one ratio per protocol (target 20), the
smallest of several rounds on either side; asserts only that both give the same samples.
"""

from __future__ import annotations

import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ankle_imu import wire
from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.wire import ankle, movesense, movesense_sbem, witmotion

Payloads = list[tuple[float, bytes]]
Arrays = tuple[np.ndarray, ...]
RATE = 208.0
ROUNDS = 15


@dataclass
class Case:
    """One protocol: its bytes, and the loop that reads them one sample at a time, giving acc, gyr and the rest."""

    protocol: str
    what: str
    payloads: Callable[[int], Payloads]
    loop: Callable[[Payloads], Arrays]
    config: dict[str, Any] = field(default_factory=dict)


def walk(n: int) -> Arrays:
    rng = np.random.default_rng(1)
    return np.arange(n) / RATE, rng.normal(0.0, 20.0, (n, 3)), rng.normal(0.0, 5.0, (n, 3))


def ankle_payloads(n: int) -> Payloads:
    return ankle.encode(*walk(n), acc_range_g=16.0, gyr_range_dps=2000.0)


def ankle_loop(payloads: Payloads) -> Arrays:
    header, sample = struct.Struct("<BBHIIBB"), struct.Struct("<6h")
    a, g = 16.0 * STANDARD_GRAVITY / 32768, 2000.0 * DEGREE / 32768
    step = 1e6 / RATE
    acc, gyr, ticks, sequence, arrivals = [], [], [], [], []
    for arrival, payload in payloads:
        kind, _, _, index, t_us, count, _ = header.unpack_from(payload)
        if kind != 0x10 or len(payload) != 14 + 12 * count:
            continue
        for k in range(count):
            ax, ay, az, gx, gy, gz = sample.unpack_from(payload, 14 + 12 * k)
            acc.append((ax * a, ay * a, az * a))
            gyr.append((gx * g, gy * g, gz * g))
            ticks.append(t_us + k * step)
            sequence.append(index + k)
            arrivals.append(arrival)
    return np.array(acc), np.array(gyr), np.array(ticks), np.array(sequence), np.array(arrivals)


def witmotion_payloads(n: int) -> Payloads:
    time_s, acc, gyr = walk(n)
    frames = witmotion.encode(acc, gyr)
    return [(float(time_s[k]), b"".join(frames[k : k + 8])) for k in range(0, n, 8)]


def witmotion_loop(payloads: Payloads) -> Arrays:
    frame = struct.Struct("<BB9h")
    a, g = 16.0 * STANDARD_GRAVITY / 32768, 2000.0 * DEGREE / 32768
    acc, gyr, arrivals = [], [], []
    rest = b""
    for arrival, payload in payloads:
        rest += payload
        at = 0
        while len(rest) - at >= 20:
            head, kind, ax, ay, az, gx, gy, gz, _, _, _ = frame.unpack_from(rest, at)
            if head != 0x55 or kind != 0x61:
                at += 1
                continue
            acc.append((ax * a, ay * a, az * a))
            gyr.append((gx * g, gy * g, gz * g))
            arrivals.append(arrival)
            at += 20
        rest = rest[at:]
    return np.array(acc), np.array(gyr), np.array(arrivals)


def movesense_payloads(n: int) -> Payloads:
    time_s, acc, gyr = walk(n)
    packets = movesense.encode(np.round(time_s * 1e3), acc, gyr, reference=5, samples=8, longest=153)
    return [(float(time_s[8 * (k // 2)]), packet) for k, packet in enumerate(packets)]


def movesense_loop(payloads: Payloads, samples: int = 8) -> Arrays:
    sample = struct.Struct("<3f")
    step = 1e3 / RATE
    acc, gyr, ticks, arrivals = [], [], [], []
    begun, begun_at = b"", 0.0
    for arrival, payload in payloads:
        if payload[1] != 5 or payload[0] not in (2, 3):
            continue
        if payload[0] == 2:
            begun, begun_at = payload[2:], arrival
        else:
            begun += payload[2:]
        if len(begun) != 4 + 24 * samples:
            continue
        (stamp,) = struct.unpack_from("<I", begun)
        for k in range(samples):
            acc.append(sample.unpack_from(begun, 4 + 12 * k))
            gx, gy, gz = sample.unpack_from(begun, 4 + 12 * (samples + k))
            gyr.append((gx * DEGREE, gy * DEGREE, gz * DEGREE))
            ticks.append(stamp + k * step)
            arrivals.append(begun_at)
    return np.array(acc), np.array(gyr), np.array(ticks), np.array(arrivals)


def whole_payloads(n: int) -> Payloads:
    time_s, acc, gyr = walk(n)
    packets = movesense.encode(np.round(time_s * 1e3), acc, gyr, reference=5, samples=4)
    return list(zip(time_s[::4].tolist(), packets, strict=True))


def sbem_payloads(n: int) -> Payloads:
    time_s, acc, gyr = walk(n)
    return [(0.0, movesense_sbem.encode(np.round(time_s * 1e3), acc, gyr, samples=4))]


def sbem_loop(payloads: Payloads) -> Arrays:
    sample = struct.Struct("<3f")
    step = 1e3 / RATE
    acc, gyr, ticks = [], [], []
    data = b"".join(payload for _, payload in payloads)
    at = 8
    while at + 2 <= len(data):
        chunk_id, length = data[at], data[at + 1]
        at += 2
        if chunk_id == 94:
            (stamp,) = struct.unpack_from("<I", data, at)
            for k in range(4):
                acc.append(sample.unpack_from(data, at + 4 + 12 * k))
                gx, gy, gz = sample.unpack_from(data, at + 52 + 12 * k)
                gyr.append((gx * DEGREE, gy * DEGREE, gz * DEGREE))
                ticks.append(stamp + k * step)
        at += length
    return np.array(acc), np.array(gyr), np.array(ticks)


CASES = [
    Case(
        "ankle", "14 samples a packet", ankle_payloads, ankle_loop, {"acc_range_g": 16.0, "gyr_range_dps": 2000.0}
    ),
    Case("witmotion", "8 frames a notification", witmotion_payloads, witmotion_loop),
    Case("movesense", "8 samples in 2 parts", movesense_payloads, movesense_loop, {"resource": "/Meas/IMU6/208"}),
    Case(
        "movesense",
        "4 samples in one part",
        whole_payloads,
        lambda p: movesense_loop(p, 4),
        {"resource": "/Meas/IMU6/208"},
    ),
    Case("movesense_sbem", "4 samples a chunk", sbem_payloads, sbem_loop),
]


def best(run: Callable[[], Any]) -> tuple[float, Any]:
    """Shortest time of several, and what came out."""
    times = []
    result = None
    for _ in range(ROUNDS):
        result = None
        start = time.perf_counter()
        result = run()
        times.append(time.perf_counter() - start)
    return min(times), result


def measure(case: Case, n: int) -> float:
    """Time of the loop over the time of the decoder; prints both."""
    payloads = case.payloads(n)
    ours, blocks = best(lambda: wire.decode(case.protocol, payloads, case.config))
    loop, (acc, gyr, *_) = best(lambda: case.loop(payloads))
    np.testing.assert_allclose(np.concatenate([b.acc for b in blocks]), acc, rtol=1e-12)
    np.testing.assert_allclose(np.concatenate([b.gyr for b in blocks]), gyr, rtol=1e-12)
    print(
        f"{case.protocol:<16} {case.what:<28} {len(acc):>8} samples   decoder {ours * 1e9 / len(acc):6.1f} ns   "
        f"loop {loop * 1e9 / len(acc):7.1f} ns a sample   ratio {loop / ours:5.1f}"
    )
    return loop / ours


def main() -> None:
    """Measure and print every case."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    for case in CASES:
        measure(case, round(minutes * 60 * RATE))


if __name__ == "__main__":
    main()
