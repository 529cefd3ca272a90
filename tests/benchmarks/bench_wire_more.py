"""More rows of `bench_wire`: Polar, MetaMotion, Movella DOT.

Run as a script: `python tests/benchmarks/bench_wire_more.py [minutes]`.
"""

from __future__ import annotations

import struct
import sys

import numpy as np
from bench_wire import RATE, Arrays, Case, Payloads, measure

from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.wire import metawear

PERIOD = 4_807_692
A, G = 16 * STANDARD_GRAVITY / 32768, 2000 * DEGREE / 32800


def counts(n: int, width: int = 6) -> np.ndarray:
    return np.random.default_rng(1).integers(-9000, 9000, (n, width)).astype("<i2")


def delta_content(rows: np.ndarray) -> bytes:
    """First sample, then blocks of 16 samples, each as narrow as it can be."""
    content = struct.pack("<3h", *rows[0])
    steps = np.diff(rows.astype(int), axis=0)
    for at in range(0, len(steps), 16):
        part = steps[at : at + 16].ravel().tolist()
        bits = max(v if v >= 0 else ~v for v in part).bit_length() + 1
        whole = sum((v & ((1 << bits) - 1)) << (bits * k) for k, v in enumerate(part))
        content += bytes([bits, len(part) // 3]) + whole.to_bytes((bits * len(part) + 7) // 8, "little")
    return content


def polar_payloads(n: int) -> Payloads:
    """Frames of 49 samples with steps of some 9 bits, as they fill a notification of 200 bytes."""
    rng = np.random.default_rng(1)
    payloads = []
    for at in range(0, n - n % 49, 49):
        for measurement, kind in ((2, 0x81), (5, 0x80)):
            rows = rng.integers(-150, 150, (49, 3)).cumsum(axis=0)
            head = struct.pack("<BQB", measurement, 7 * 10**17 + (at + 48) * PERIOD, kind)
            payloads.append((at / RATE, head + delta_content(rows)))
    return payloads


def polar_loop(payloads: Payloads) -> Arrays:
    header, first = struct.Struct("<BQB"), struct.Struct("<3h")
    found: dict[int, tuple[list, list, list]] = {2: ([], [], []), 5: ([], [], [])}
    for arrival, payload in payloads:
        measurement, time, kind = header.unpack_from(payload)
        if kind not in (0x80, 0x81):
            continue
        scale = STANDARD_GRAVITY / 1000 if measurement == 2 else 0.07 * DEGREE
        x, y, z = first.unpack_from(payload, 10)
        values, ticks, arrivals = found[measurement]
        n = len(values)
        values.append((x * scale, y * scale, z * scale))
        at = 16
        while at < len(payload):
            bits, samples = payload[at], payload[at + 1]
            size = (3 * bits * samples + 7) // 8
            word = int.from_bytes(payload[at + 2 : at + 2 + size], "little")
            mask, top, full = (1 << bits) - 1, 1 << (bits - 1), 1 << bits
            for _ in range(samples):
                step = word & mask
                x += step - full if step & top else step
                word >>= bits
                step = word & mask
                y += step - full if step & top else step
                word >>= bits
                step = word & mask
                z += step - full if step & top else step
                word >>= bits
                values.append((x * scale, y * scale, z * scale))
            at += 2 + size
        for k in range(len(values) - n):
            ticks.append(time - (len(values) - n - 1 - k) * PERIOD)
            arrivals.append(arrival)
    acc, gyr = found[2], found[5]
    assert acc[1] == gyr[1]
    return np.array(acc[0]), np.array(gyr[0]), np.array(acc[1], dtype=float), np.array(acc[2]), np.array(gyr[2])


def fused_payloads(n: int) -> Payloads:
    rows = counts(n)
    return [(k / RATE, struct.pack("<3BI", 9, 3, 0, k) + rows[k].tobytes()) for k in range(n)]


def fused_loop(payloads: Payloads) -> Arrays:
    sample = struct.Struct("<3BI6h")
    acc, gyr, sequence, arrivals = [], [], [], []
    for arrival, payload in payloads:
        if len(payload) != 19:
            continue
        module, register, source, count, ax, ay, az, gx, gy, gz = sample.unpack(payload)
        if (module, register, source) != (9, 3, 0):
            continue
        acc.append((ax * A, ay * A, az * A))
        gyr.append((gx * G, gy * G, gz * G))
        sequence.append(count)
        arrivals.append(arrival)
    return np.array(acc), np.array(gyr), np.array(sequence), np.array(arrivals)


def log_payloads(n: int) -> Payloads:
    rows = counts(n)
    payloads = []
    for k in range(n):
        for i, at in ((0, 0), (2, 3)):
            tick = round(k / RATE / metawear.TICK_S)
            entries = struct.pack(
                "<BI2hBIhh", i | 32, tick, *rows[k, at : at + 2], i + 1 | 32, tick, rows[k, at + 2], 0
            )
            payloads.append((k / RATE, b"\x0b\x07" + entries))
    return payloads


def log_loop(payloads: Payloads) -> Arrays:
    entry = struct.Struct("<BI2h")
    acc, gyr, ticks, arrivals = [], [], [], []
    waiting: dict[int, tuple[int, int, int]] = {}
    for arrival, payload in payloads:
        if payload[:2] != b"\x0b\x07" or len(payload) not in (11, 20):
            continue
        for at in range(2, len(payload), 9):
            source, tick, first, second = entry.unpack_from(payload, at)
            source &= 31
            if source in (0, 2):
                waiting[source] = (tick, first, second)
            elif source - 1 in waiting:
                begun, x, y = waiting.pop(source - 1)
                if tick - begun > 1:
                    continue
                if source == 1:
                    acc.append((x * A, y * A, first * A))
                    ticks.append(tick)
                    arrivals.append(arrival)
                else:
                    gyr.append((x * G, y * G, first * G))
    return np.array(acc), np.array(gyr), np.array(ticks), np.array(arrivals)


def dot_payloads(n: int) -> Payloads:
    rows = counts(n).astype("<f4") / 100
    return [(k / 60, struct.pack("<I", k * 16667 % 2**32) + rows[k].tobytes() + bytes(12)) for k in range(n)]


def dot_loop(payloads: Payloads) -> Arrays:
    sample = struct.Struct("<I6f")
    acc, gyr, ticks, arrivals = [], [], [], []
    for arrival, payload in payloads:
        if not 28 <= len(payload) <= 40 or any(payload[28:]):
            continue
        tick, ax, ay, az, gx, gy, gz = sample.unpack_from(payload)
        acc.append((ax, ay, az))
        gyr.append((gx * DEGREE, gy * DEGREE, gz * DEGREE))
        ticks.append(tick)
        arrivals.append(arrival)
    return np.array(acc), np.array(gyr), np.array(ticks), np.array(arrivals)


def export_payloads(n: int) -> Payloads:
    rows = counts(n).astype("<f4") / 100
    payloads = []
    for k in range(n):
        message = b"\1\x21\x71" + struct.pack("<II", k, k * 16667 % 2**32) + rows[k].tobytes()
        payloads.append((k / 60, message + bytes([-sum(message) % 256])))
    return payloads


def export_loop(payloads: Payloads) -> Arrays:
    sample = struct.Struct("<3BII6f")
    acc, gyr, ticks, sequence, arrivals = [], [], [], [], []
    for arrival, payload in payloads:
        if len(payload) != 36 or sum(payload) % 256:
            continue
        message, _, kind, number, tick, ax, ay, az, gx, gy, gz = sample.unpack_from(payload)
        if (message, kind) != (1, 0x71):
            continue
        acc.append((ax, ay, az))
        gyr.append((gx * DEGREE, gy * DEGREE, gz * DEGREE))
        ticks.append(tick)
        sequence.append(number)
        arrivals.append(arrival)
    return np.array(acc), np.array(gyr), np.array(ticks), np.array(sequence), np.array(arrivals)


RANGES = {"chip": "bmi160", "acc_range_g": 16, "gyr_range_dps": 2000}
CASES = [
    Case(
        "polar", "delta frames of 49 samples", polar_payloads, polar_loop, {"acc_factor": 1.0, "gyr_factor": 0.07}
    ),
    Case(
        "metawear",
        "fused, one a notification",
        fused_payloads,
        fused_loop,
        {**RANGES, "processors": {0: {"prefix": "count", "signal": "acc_gyr"}}},
    ),
    Case(
        "metawear",
        "log, two entries a payload",
        log_payloads,
        log_loop,
        {**RANGES, "loggers": {0: ["acc", 0, 4], 1: ["acc", 4, 2], 2: ["gyr", 0, 4], 3: ["gyr", 4, 2]}},
    ),
    Case("movella_dot", "streamed, one a notification", dot_payloads, dot_loop, {"payload_mode": 21}),
    Case("movella_dot", "exported, one a message", export_payloads, export_loop, {"quantities": [0, 7, 8]}),
]


def main() -> None:
    """Measure and print every case."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    for case in CASES:
        measure(case, round(minutes * 60 * RATE))


if __name__ == "__main__":
    main()
