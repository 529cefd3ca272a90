"""A short valid stream of every protocol, and which damage to it must be noticed."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from fuzz.mutations import Packet

from ankle_imu.wire import (
    ankle,
    csv_lines,
    declared,
    import_rows,
    movella_dot,
    movesense,
    movesense_sbem,
)
from ankle_imu.wire.ankle_packets import pack_clock
from ankle_imu.wire.columns import ACC, GYR

RATE = 104.0
LOSS = ("drop", "empty")
ORDER = ("repeat", "replay", "swap")
SHAPE = ("cut", "behead", "merge", "split")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One protocol as one sensor speaks it.

    `noticed` are the mutations that the protocol lets a decoder notice: whatever it gives after them are samples
    of the valid stream, their ticks within the tolerance. After the others only the form of what it gives is
    looked at: a flipped bit in a sample without checksum is another sample.
    """

    name: str
    protocol: str
    packets: list[Packet]
    config: dict[str, Any] = field(default_factory=dict)
    noticed: tuple[str, ...] = ()
    noticed_alone: tuple[str, ...] = ()
    """Noticed after the first `opening` packets when nothing else happens to the stream."""
    opening: int = 0
    tick_tolerance: float = 0.0
    gyr_tolerance: float = 0.0
    strangers: list[bytes] = field(default_factory=list)
    """Payloads in this sensor's own form that do not belong to the stream."""
    window: int = 12
    may_be_nan: bool = False
    counter_wrap: int = 0
    is_one_each: bool = False
    """Each payload gives one sample or one error."""


def values(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return np.arange(n) / RATE, rng.normal(0.0, 20.0, (n, 3)), rng.normal(0.0, 5.0, (n, 3))


def timed(payloads: list[bytes], step: float = 0.05) -> list[Packet]:
    return [(step * k, payload) for k, payload in enumerate(payloads)]


def counts(n: int, width: int = 6, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(-30000, 30000, (n, width)).astype("<i2")


def ankle_case() -> Case:
    sent = ankle.encode(*values(210, 1), acc_range_g=16.0, gyr_range_dps=2000.0, samples_per_packet=7, epoch=3)
    packets = []
    for k, packet in enumerate(sent):
        stamp = round(7 * k / RATE * 1e6)
        if k % 3 == 0:
            clock = pack_clock(epoch=3, boot_id=77, index=7 * k, imu_us=stamp, mcu_us=stamp)
            packets.append((packet[0], clock))
        packets.append(packet)
    return Case(
        name="ankle",
        protocol="ankle",
        packets=packets,
        config={"acc_range_g": 16.0, "gyr_range_dps": 2000.0, "epoch": 3},
        noticed=(*LOSS, *ORDER, *SHAPE, "foreign"),
        strangers=[ankle.encode(*values(7, 2), acc_range_g=8.0, gyr_range_dps=1000.0, epoch=4)[0][1]],
        window=24,
        tick_tolerance=5.0,
    )


def witmotion_frames(n: int, tail: Callable[[int], bytes]) -> list[bytes]:
    """Frames whose numbers hold no 0x55, so that no head stands where none belongs."""
    rows = np.random.default_rng(5).integers(0, 0x55, (n, 18), dtype=np.uint8)
    return [b"\x55\x61" + rows[k].tobytes() + tail(k) for k in range(n)]


def witmotion_case() -> Case:
    frames = witmotion_frames(48, lambda k: b"")
    payloads = [b"".join(frames[k : k + 4]) for k in range(0, 48, 4)]
    return Case(
        name="witmotion",
        protocol="witmotion",
        packets=timed(payloads),
        noticed=(*LOSS, "merge", "split", "swap"),
        noticed_alone=("foreign", "cut", "behead", "repeat"),
    )


def witmotion_timed_case() -> Case:
    def stamp(k: int) -> bytes:
        ms = 10 * k
        return bytes([25, 6, 1, 12, 30, ms // 1000]) + struct.pack("<H", ms % 1000)

    frames = witmotion_frames(48, stamp)
    return Case(
        name="witmotion_timed",
        protocol="witmotion",
        packets=timed([b"".join(frames[k : k + 4]) for k in range(0, 48, 4)]),
        config={"frame_bytes": 28},
        noticed=(*LOSS, *ORDER, "merge", "split"),
        noticed_alone=("foreign", "cut", "behead"),
    )


def movesense_case(samples: int, longest: int, name: str, noticed: tuple[str, ...]) -> Case:
    time_s, acc, gyr = values(96, 7)
    payloads = movesense.encode(
        np.round(time_s * 1e3), acc * 5 / 20, gyr, reference=5, samples=samples, longest=longest
    )
    parts = 2 if 4 + 24 * samples > longest else 1
    step = samples / RATE
    packets = [(step * (k // parts) + 0.001 * (k % parts), p) for k, p in enumerate(payloads)]
    return Case(
        name=name,
        protocol="movesense",
        packets=packets,
        config={"resource": "/Meas/IMU6/104"},
        noticed=noticed,
        tick_tolerance=samples,
    )


def sbem_case() -> Case:
    time_s, acc, gyr = values(96, 8)
    log = movesense_sbem.encode(np.round(time_s * 1e3), acc / 4, gyr, samples=4)
    return Case(
        name="movesense_sbem",
        protocol="movesense_sbem",
        packets=timed([log[k : k + 200] for k in range(0, len(log), 200)]),
        noticed=("split", "merge", "empty"),
        tick_tolerance=4,
    )


def packed(numbers: list[int], bits: int) -> bytes:
    whole = sum((v & ((1 << bits) - 1)) << (bits * k) for k, v in enumerate(numbers))
    return whole.to_bytes((bits * len(numbers) + 7) // 8, "little")


def polar_case() -> Case:
    rng = np.random.default_rng(9)
    payloads = []
    for k in range(10):
        for measurement, kind in ((2, 0x81), (5, 0x80)):
            rows = rng.integers(-150, 150, (13, 3)).cumsum(axis=0) + rng.integers(-999, 999, 3)
            steps = np.diff(rows, axis=0).ravel().tolist()
            content = struct.pack("<3h", *rows[0].tolist()) + bytes([9, 12]) + packed(steps, 9)
            payloads.append(
                struct.pack("<BQB", measurement, 7 * 10**17 + (13 * k + 12) * 9_615_385, kind) + content
            )
    return Case(
        name="polar",
        protocol="polar",
        packets=timed(payloads),
        config={"acc_factor": 1.0, "gyr_factor": 0.07, "nominal_rate_hz": RATE},
        noticed=(*LOSS, *ORDER, "behead", "merge", "foreign"),
        noticed_alone=("cut", "split"),
        opening=2,
        tick_tolerance=1e6,
        gyr_tolerance=1e-4,
    )


def fused_case() -> Case:
    rows = counts(60)
    payloads = [struct.pack("<3BI", 9, 3, 0, k) + rows[k].tobytes() for k in range(60)]
    return Case(
        name="metawear",
        protocol="metawear",
        packets=timed(payloads, 0.01),
        config={
            "chip": "bmi160",
            "acc_range_g": 16,
            "gyr_range_dps": 2000,
            "processors": {0: {"prefix": "count", "signal": "acc_gyr"}},
        },
        noticed=(*LOSS, *ORDER, *SHAPE, "foreign", "noise"),
        is_one_each=True,
    )


def log_case() -> Case:
    rows = counts(40, seed=4)
    payloads = []
    for k in range(40):
        tick = 7 * k
        for i, at in ((0, 0), (2, 3)):
            entries = struct.pack(
                "<BI2hBIhh", i | 32, tick, *rows[k, at : at + 2].tolist(), i + 1 | 32, tick, rows[k, at + 2], 0
            )
            payloads.append(b"\x0b\x07" + entries)
    return Case(
        name="metawear_log",
        protocol="metawear",
        packets=timed(payloads, 0.005),
        config={
            "chip": "bmi160",
            "acc_range_g": 16,
            "gyr_range_dps": 2000,
            "loggers": {0: ["acc", 0, 4], 1: ["acc", 4, 2], 2: ["gyr", 0, 4], 3: ["gyr", 4, 2]},
        },
        noticed=(*LOSS, *ORDER, *SHAPE, "foreign", "noise"),
        may_be_nan=True,
        window=48,
    )


def dot_case() -> Case:
    rows = counts(60, seed=6).astype("<f4") / 500
    payloads = [struct.pack("<I", 16667 * k) + rows[k].tobytes() + bytes(12) for k in range(60)]
    return Case(
        name="movella_dot",
        protocol="movella_dot",
        packets=timed(payloads, 1 / 60),
        config={"payload_mode": 21},
        noticed=(*LOSS, *ORDER, "cut", "merge"),
        is_one_each=True,
    )


def export_case() -> Case:
    rows = counts(60, seed=6).astype("<f4") / 500
    payloads = [
        movella_dot.encode_message(1, struct.pack("<BII", 0x71, k, 16667 * k) + rows[k].tobytes())
        for k in range(60)
    ]
    return Case(
        name="movella_dot_export",
        protocol="movella_dot",
        packets=timed(payloads, 1 / 60),
        config={"quantities": [0, 7, 8]},
        noticed=(*LOSS, *ORDER, *SHAPE, "foreign", "noise"),
        noticed_alone=("flip",),
        is_one_each=True,
    )


def csv_columns(n: int) -> dict[str, np.ndarray]:
    _, acc, gyr = values(n, 11)
    numbers = dict(zip(csv_lines.COLUMNS[1:], np.hstack([acc, gyr]).round(3).T, strict=True))
    return {"counter": np.arange(n) % 1000, "time": 10 * np.arange(n), **numbers}


def csv_case(name: str, checksum: str, noticed: tuple[str, ...]) -> Case:
    columns = csv_columns(60)
    text = csv_lines.encode(columns, checksum=checksum)
    return Case(
        name=name,
        protocol="csv_lines",
        packets=timed([text[k : k + 61] for k in range(0, len(text), 61)], 0.01),
        config={"columns": [*columns], "checksum": checksum, "counter_wrap": 1000},
        noticed=noticed,
        counter_wrap=1000,
    )


def whole_lines_case() -> Case:
    columns = csv_columns(60)
    lines = csv_lines.encode(columns).splitlines(keepends=True)
    return Case(
        name="csv_lines_whole",
        protocol="csv_lines",
        packets=timed(lines, 0.01),
        config={"columns": [*columns]},
        noticed=(*LOSS, *ORDER, "merge", "foreign"),
    )


def declared_case(name: str, config: dict[str, Any], noticed: tuple[str, ...], wrap: int) -> Case:
    rows = counts(60, seed=12)
    columns = dict(zip(ACC + GYR, rows.T, strict=True))
    each = int(config.get("samples", 1))
    columns["time"] = 9615 * np.arange(60)
    columns["counter"] = np.arange(60) // each % 256
    if name == "declared_floats":
        columns |= {"time": 10 * np.arange(60), "counter": np.arange(60) // each % 128}
    return Case(
        name=name,
        protocol="declared",
        packets=timed(declared.encode(columns, config), 0.04),
        config=config,
        noticed=noticed,
        tick_tolerance=2.0,
        counter_wrap=wrap,
        is_one_each=each == 1,
    )


def import_case() -> Case:
    columns = values(600, 13)
    pieces = [p for at in range(0, 600, 60) for p in import_rows.encode(*(c[at : at + 60] for c in columns))]
    return Case(
        name="import",
        protocol="import/fuzz",
        packets=[(t, piece[:4] + struct.pack("<I", 60 * k) + piece[8:]) for k, (t, piece) in enumerate(pieces)],
        noticed=(*LOSS, "swap", *SHAPE, "foreign", "noise"),
        may_be_nan=True,
    )


BATCH = {
    "header": ["constant u16 = 0xA5B6", "counter u8", "time u32"],
    "sample": ["acc i16", "gyr i16"],
    "samples": 4,
    "units": {"time": "us"},
}
SINGLE = {
    "sample": ["constant u8 = 0x5A", "time u32", "counter u8", "acc i16", "gyr i16"],
    "counts": "samples",
    "samples": 1,
}

FLOATS = {
    "header": ["time f32", "counter f32"],
    "sample": ["acc f32", "skip u8", "gyr f64"],
    "samples": 2,
    "endian": "big",
    "time_of": "last",
    "acc_range_g": 32768,
    "wrap": {"time": 65536, "counter": 128},
}

CASES = [
    ankle_case(),
    witmotion_case(),
    witmotion_timed_case(),
    movesense_case(4, 153, "movesense", (*LOSS, *ORDER, *SHAPE, "foreign")),
    movesense_case(8, 153, "movesense_split", (*LOSS, "repeat", "cut", "merge", "foreign")),
    sbem_case(),
    polar_case(),
    fused_case(),
    log_case(),
    dot_case(),
    export_case(),
    csv_case("csv_lines", "", ("empty", "split", "merge")),
    csv_case("csv_lines_sum", "crc16", (*LOSS, "repeat", "swap", *SHAPE, "flip")),
    whole_lines_case(),
    declared_case("declared", BATCH, (*LOSS, *ORDER, *SHAPE, "foreign", "noise"), 4 * 256),
    declared_case("declared_single", SINGLE, (*LOSS, *ORDER, *SHAPE, "foreign"), 256),
    declared_case("declared_floats", FLOATS, (*LOSS, "swap", *SHAPE, "foreign"), 256),
    import_case(),
]
