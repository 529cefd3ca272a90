"""Decoders of `ankle_imu.wire` against plain `struct` loops over the same bytes, in the same run.

Run as a script: `python tests/benchmarks/bench_wire.py [minutes] [protocol ...]`. Prints one ratio per kind of
payload (target 20), the smallest time of several rounds on either side; asserts only that both give the same
samples. Decoder and loop begin at the same columns: all payloads end to end, the length and the arrival of each.
The last figure is the decoder's time when it is given (arrival, bytes) pairs instead.
"""

from __future__ import annotations

import struct
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ankle_imu import wire
from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.wire import ankle, csv_lines, metawear, movesense, movesense_sbem, witmotion
from ankle_imu.wire.packets import Packets, collect

Pairs = list[tuple[float, bytes]]
Arrays = tuple[np.ndarray, ...]
RATE = 208.0
ROUNDS = 15
PERIOD = 4_807_692
"""Polar's clock: ns between samples."""
A, G = 16 * STANDARD_GRAVITY / 32768, 2000 * DEGREE / 32800


@dataclass
class Case:
    """One kind of payload, and the loop that reads it one sample at a time, giving acc, gyr and the rest."""

    protocol: str
    what: str
    payloads: Callable[[int], Pairs]
    loop: Callable[[Packets], Arrays]
    config: dict[str, Any] = field(default_factory=dict)


def walk_payloads(packets: Packets) -> Iterator[tuple[float, int, int]]:
    """Arrival, first byte and length of each payload."""
    at = 0
    for arrival, length in zip(packets.arrival.tolist(), packets.length.tolist(), strict=True):
        yield arrival, at, length
        at += length


def walk(n: int) -> Arrays:
    rng = np.random.default_rng(1)
    return np.arange(n) / RATE, rng.normal(0.0, 20.0, (n, 3)), rng.normal(0.0, 5.0, (n, 3))


def counts(n: int, width: int = 6) -> np.ndarray:
    return np.random.default_rng(1).integers(-9000, 9000, (n, width)).astype("<i2")


def ankle_payloads(n: int) -> Pairs:
    return ankle.encode(*walk(n), acc_range_g=16.0, gyr_range_dps=2000.0)


def ankle_loop(packets: Packets) -> Arrays:
    header, sample = struct.Struct("<BBHIIBB"), struct.Struct("<6h")
    a, g = 16.0 * STANDARD_GRAVITY / 32768, 2000.0 * DEGREE / 32768
    step = 1e6 / RATE
    acc, gyr, ticks, sequence, arrivals = [], [], [], [], []
    data = packets.join()
    for arrival, at, length in walk_payloads(packets):
        kind, _, _, index, t_us, count, _ = header.unpack_from(data, at)
        if kind != 0x10 or length != 14 + 12 * count:
            continue
        for k in range(count):
            ax, ay, az, gx, gy, gz = sample.unpack_from(data, at + 14 + 12 * k)
            acc.append((ax * a, ay * a, az * a))
            gyr.append((gx * g, gy * g, gz * g))
            ticks.append(t_us + k * step)
            sequence.append(index + k)
            arrivals.append(arrival)
    return np.array(acc), np.array(gyr), np.array(ticks), np.array(sequence), np.array(arrivals)


def witmotion_payloads(n: int) -> Pairs:
    time_s, acc, gyr = walk(n)
    frames = witmotion.encode(acc, gyr)
    return [(float(time_s[k]), b"".join(frames[k : k + 8])) for k in range(0, n, 8)]


def witmotion_loop(packets: Packets) -> Arrays:
    frame = struct.Struct("<BB9h")
    a, g = 16.0 * STANDARD_GRAVITY / 32768, 2000.0 * DEGREE / 32768
    acc, gyr, arrivals = [], [], []
    data = packets.join()
    at = 0
    for arrival, start, length in walk_payloads(packets):
        while start + length - at >= 20:
            head, kind, ax, ay, az, gx, gy, gz, _, _, _ = frame.unpack_from(data, at)
            if head != 0x55 or kind != 0x61:
                at += 1
                continue
            acc.append((ax * a, ay * a, az * a))
            gyr.append((gx * g, gy * g, gz * g))
            arrivals.append(arrival)
            at += 20
    return np.array(acc), np.array(gyr), np.array(arrivals)


def split_payloads(n: int) -> Pairs:
    time_s, acc, gyr = walk(n)
    packets = movesense.encode(np.round(time_s * 1e3), acc, gyr, reference=5, samples=8, longest=153)
    return [(float(time_s[8 * (k // 2)]), packet) for k, packet in enumerate(packets)]


def movesense_loop(packets: Packets, samples: int = 8) -> Arrays:
    stamp_of, sample = struct.Struct("<I"), struct.Struct("<3f")
    step = 1e3 / RATE
    acc, gyr, ticks, arrivals = [], [], [], []
    begun, begun_at = b"", 0.0
    data = packets.join()
    for arrival, at, length in walk_payloads(packets):
        kind = data[at]
        if data[at + 1] != 5 or kind not in (2, 3):
            continue
        if kind == 2:
            begun, begun_at = data[at + 2 : at + length], arrival
        else:
            begun += data[at + 2 : at + length]
        if len(begun) != 4 + 24 * samples:
            continue
        (stamp,) = stamp_of.unpack_from(begun)
        for k in range(samples):
            acc.append(sample.unpack_from(begun, 4 + 12 * k))
            gx, gy, gz = sample.unpack_from(begun, 4 + 12 * (samples + k))
            gyr.append((gx * DEGREE, gy * DEGREE, gz * DEGREE))
            ticks.append(stamp + k * step)
            arrivals.append(begun_at)
    return np.array(acc), np.array(gyr), np.array(ticks), np.array(arrivals)


def whole_payloads(n: int) -> Pairs:
    time_s, acc, gyr = walk(n)
    packets = movesense.encode(np.round(time_s * 1e3), acc, gyr, reference=5, samples=4)
    return list(zip(time_s[::4].tolist(), packets, strict=True))


def sbem_payloads(n: int) -> Pairs:
    time_s, acc, gyr = walk(n)
    return [(0.0, movesense_sbem.encode(np.round(time_s * 1e3), acc, gyr, samples=4))]


def sbem_loop(packets: Packets) -> Arrays:
    stamp_of, sample = struct.Struct("<I"), struct.Struct("<3f")
    step = 1e3 / RATE
    acc, gyr, ticks = [], [], []
    data = packets.join()
    at = 8
    while at + 2 <= len(data):
        chunk_id, length = data[at], data[at + 1]
        at += 2
        if chunk_id == 94:
            (stamp,) = stamp_of.unpack_from(data, at)
            for k in range(4):
                acc.append(sample.unpack_from(data, at + 4 + 12 * k))
                gx, gy, gz = sample.unpack_from(data, at + 52 + 12 * k)
                gyr.append((gx * DEGREE, gy * DEGREE, gz * DEGREE))
                ticks.append(stamp + k * step)
        at += length
    return np.array(acc), np.array(gyr), np.array(ticks)


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


def polar_payloads(n: int) -> Pairs:
    """Frames of 49 samples with steps of some 9 bits, as they fill a notification of 200 bytes."""
    rng = np.random.default_rng(1)
    payloads = []
    for at in range(0, n - n % 49, 49):
        for measurement, kind in ((2, 0x81), (5, 0x80)):
            rows = rng.integers(-150, 150, (49, 3)).cumsum(axis=0)
            head = struct.pack("<BQB", measurement, 7 * 10**17 + (at + 48) * PERIOD, kind)
            payloads.append((at / RATE, head + delta_content(rows)))
    return payloads


def polar_loop(packets: Packets) -> Arrays:
    header, first = struct.Struct("<BQB"), struct.Struct("<3h")
    found: dict[int, tuple[list, list, list]] = {2: ([], [], []), 5: ([], [], [])}
    data = packets.join()
    for arrival, start, length in walk_payloads(packets):
        measurement, time, kind = header.unpack_from(data, start)
        if kind not in (0x80, 0x81):
            continue
        scale = STANDARD_GRAVITY / 1000 if measurement == 2 else 0.07 * DEGREE
        x, y, z = first.unpack_from(data, start + 10)
        values, ticks, arrivals = found[measurement]
        n = len(values)
        values.append((x * scale, y * scale, z * scale))
        at, stop = start + 16, start + length
        while at < stop:
            bits, samples = data[at], data[at + 1]
            size = (3 * bits * samples + 7) // 8
            word = int.from_bytes(data[at + 2 : at + 2 + size], "little")
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


def fused_payloads(n: int) -> Pairs:
    rows = counts(n)
    return [(k / RATE, struct.pack("<3BI", 9, 3, 0, k) + rows[k].tobytes()) for k in range(n)]


def fused_loop(packets: Packets) -> Arrays:
    sample = struct.Struct("<3BI6h")
    acc, gyr, sequence, arrivals = [], [], [], []
    data = packets.join()
    for arrival, at, length in walk_payloads(packets):
        if length != 19:
            continue
        module, register, source, count, ax, ay, az, gx, gy, gz = sample.unpack_from(data, at)
        if (module, register, source) != (9, 3, 0):
            continue
        acc.append((ax * A, ay * A, az * A))
        gyr.append((gx * G, gy * G, gz * G))
        sequence.append(count)
        arrivals.append(arrival)
    return np.array(acc), np.array(gyr), np.array(sequence), np.array(arrivals)


def log_payloads(n: int) -> Pairs:
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


def log_loop(packets: Packets) -> Arrays:
    entry = struct.Struct("<BI2h")
    acc, gyr, ticks, arrivals = [], [], [], []
    waiting: dict[int, tuple[int, int, int]] = {}
    data = packets.join()
    for arrival, start, length in walk_payloads(packets):
        if data[start : start + 2] != b"\x0b\x07" or length not in (11, 20):
            continue
        for at in range(start + 2, start + length, 9):
            source, tick, first, second = entry.unpack_from(data, at)
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


def dot_payloads(n: int) -> Pairs:
    rows = counts(n).astype("<f4") / 100
    return [(k / 60, struct.pack("<I", k * 16667 % 2**32) + rows[k].tobytes() + bytes(12)) for k in range(n)]


def dot_loop(packets: Packets) -> Arrays:
    sample = struct.Struct("<I6f")
    acc, gyr, ticks, arrivals = [], [], [], []
    data, zeros = packets.join(), bytes(12)
    for arrival, at, length in walk_payloads(packets):
        if not 28 <= length <= 40 or data[at + 28 : at + length] != zeros[: length - 28]:
            continue
        tick, ax, ay, az, gx, gy, gz = sample.unpack_from(data, at)
        acc.append((ax, ay, az))
        gyr.append((gx * DEGREE, gy * DEGREE, gz * DEGREE))
        ticks.append(tick)
        arrivals.append(arrival)
    return np.array(acc), np.array(gyr), np.array(ticks), np.array(arrivals)


def export_payloads(n: int) -> Pairs:
    rows = counts(n).astype("<f4") / 100
    payloads = []
    for k in range(n):
        message = b"\1\x21\x71" + struct.pack("<II", k, k * 16667 % 2**32) + rows[k].tobytes()
        payloads.append((k / 60, message + bytes([-sum(message) % 256])))
    return payloads


def export_loop(packets: Packets) -> Arrays:
    sample = struct.Struct("<3BII6f")
    acc, gyr, ticks, sequence, arrivals = [], [], [], [], []
    data = packets.join()
    for arrival, at, length in walk_payloads(packets):
        if length != 36 or sum(data[at : at + 36]) % 256:
            continue
        message, _, kind, number, tick, ax, ay, az, gx, gy, gz = sample.unpack_from(data, at)
        if (message, kind) != (1, 0x71):
            continue
        acc.append((ax, ay, az))
        gyr.append((gx * DEGREE, gy * DEGREE, gz * DEGREE))
        ticks.append(tick)
        sequence.append(number)
        arrivals.append(arrival)
    return np.array(acc), np.array(gyr), np.array(ticks), np.array(sequence), np.array(arrivals)


def batch_payloads(n: int) -> Pairs:
    rows = counts(n)
    head = struct.Struct("<BHI")
    return [
        (k / RATE, head.pack(0xA5, k // 8 % 65536, k * 4808 % 2**32) + rows[k : k + 8].tobytes())
        for k in range(0, n - n % 8, 8)
    ]


def batch_loop(packets: Packets) -> Arrays:
    header, sample = struct.Struct("<BHI"), struct.Struct("<6h")
    a, g = 16 * STANDARD_GRAVITY / 32768, 2000 * DEGREE / 32768
    acc, gyr, ticks, sequence, arrivals = [], [], [], [], []
    data = packets.join()
    for arrival, at, length in walk_payloads(packets):
        constant, number, t_us = header.unpack_from(data, at)
        if constant != 0xA5 or length != 7 + 96:
            continue
        for k in range(8):
            ax, ay, az, gx, gy, gz = sample.unpack_from(data, at + 7 + 12 * k)
            acc.append((ax * a, ay * a, az * a))
            gyr.append((gx * g, gy * g, gz * g))
            ticks.append(t_us + k * 4808)
            sequence.append(8 * number + k)
            arrivals.append(arrival)
    return np.array(acc), np.array(gyr), np.array(ticks), np.array(sequence), np.array(arrivals)


def line_payloads(n: int) -> Pairs:
    _, acc, gyr = walk(n)
    columns = dict(zip(csv_lines.COLUMNS[1:], np.hstack([acc / 10, gyr * 50]).round(3).T, strict=True))
    text = b"\n" + csv_lines.encode({"time": np.arange(n), **columns})
    return [(at / 1e5, text[at : at + 180]) for at in range(0, len(text), 180)]


def line_loop(packets: Packets) -> Arrays:
    acc, gyr, ticks, arrivals = [], [], [], []
    data, rest = packets.join(), b""
    for arrival, at, length in walk_payloads(packets):
        *lines, rest = (rest + data[at : at + length]).split(b"\n")
        for line in lines:
            words = line.split(b",")
            if len(words) != 7:
                continue
            t, ax, ay, az, gx, gy, gz = map(float, words)
            acc.append((ax * STANDARD_GRAVITY, ay * STANDARD_GRAVITY, az * STANDARD_GRAVITY))
            gyr.append((gx * DEGREE, gy * DEGREE, gz * DEGREE))
            ticks.append(t)
            arrivals.append(arrival)
    return np.array(acc), np.array(gyr), np.array(ticks), np.array(arrivals)


RANGES = {"acc_range_g": 16, "gyr_range_dps": 2000}
IMU6 = {"resource": "/Meas/IMU6/208"}
FUSED = {"chip": "bmi160", **RANGES, "processors": {0: {"prefix": "count", "signal": "acc_gyr"}}}
LOGGERS = {0: ["acc", 0, 4], 1: ["acc", 4, 2], 2: ["gyr", 0, 4], 3: ["gyr", 4, 2]}
LOGGED = {"chip": "bmi160", **RANGES, "loggers": LOGGERS}
BATCH = {
    "header": ["constant u8 = 0xA5", "counter u16", "time u32"],
    "sample": ["acc i16", "gyr i16"],
    "samples": 8,
    "scale": {"acc": 16 / 32768, "gyr": 2000 / 32768},
    "units": {"time": "us"},
}
FACTORS = {"acc_factor": 1.0, "gyr_factor": 0.07}

CASES = [
    Case("ankle", "14 samples a packet", ankle_payloads, ankle_loop, RANGES),
    Case("witmotion", "8 frames a notification", witmotion_payloads, witmotion_loop),
    Case("movesense", "8 samples in 2 parts", split_payloads, movesense_loop, IMU6),
    Case("movesense", "4 samples in one part", whole_payloads, lambda p: movesense_loop(p, 4), IMU6),
    Case("movesense_sbem", "4 samples a chunk", sbem_payloads, sbem_loop),
    Case("polar", "delta frames of 49 samples", polar_payloads, polar_loop, FACTORS),
    Case("metawear", "fused, one a notification", fused_payloads, fused_loop, FUSED),
    Case("metawear", "log, two entries a payload", log_payloads, log_loop, LOGGED),
    Case("movella_dot", "streamed, one a notification", dot_payloads, dot_loop, {"payload_mode": 21}),
    Case("movella_dot", "exported, one a message", export_payloads, export_loop, {"quantities": [0, 7, 8]}),
    Case("declared", "8 samples a packet", batch_payloads, batch_loop, BATCH),
    Case("csv_lines", "180 bytes, float() in the loop", line_payloads, line_loop),
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


def columns_of(pairs: Pairs) -> Packets:
    packets = collect(pairs)
    return Packets.from_columns(packets.join(), packets.length, packets.arrival)


def measure(case: Case, n: int) -> float:
    """Time of the loop over the time of the decoder; prints both."""
    pairs = case.payloads(n)
    data, length, arrival = (packets := columns_of(pairs)).join(), packets.length, packets.arrival

    def decode_columns() -> list[wire.Block]:
        return wire.decode(case.protocol, Packets.from_columns(data, length, arrival), case.config)

    ours, blocks = best(decode_columns)
    loop, (acc, gyr, *_) = best(lambda: case.loop(packets))
    slower, _ = best(lambda: wire.decode(case.protocol, pairs, case.config))
    np.testing.assert_allclose(np.concatenate([b.acc for b in blocks]), acc, rtol=1e-12)
    np.testing.assert_allclose(np.concatenate([b.gyr for b in blocks]), gyr, rtol=1e-12)
    each = [f"{seconds * 1e9 / len(acc):6.1f}" for seconds in (ours, loop, slower)]
    print(
        f"{case.protocol:<15} {case.what:<29} {len(acc):>7} samples   ns each: decoder {each[0]}   "
        f"loop {each[1]}   ratio {loop / ours:5.1f}   from pairs {each[2]}"
    )
    return loop / ours


def main() -> None:
    """Measure and print every case, or those of the protocols named."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    for case in CASES:
        if case.protocol in sys.argv[2:] or len(sys.argv) <= 2:
            measure(case, round(minutes * 60 * RATE))


if __name__ == "__main__":
    main()
