"""The three packets of an Ankle IMU's Data characteristic, one per notification (protocol version 1).

    0x10 samples   header of 14 bytes | n x (acc xyz, gyr xyz) int16
    0x11 compact   20 bytes with one sample, for the smallest ATT MTU, 23
    0x12 clock     20 bytes: the motion sensor's clock and the microcontroller's, read together

`index` counts the samples since boot and belongs to the first sample of a packet, as does `t_us`, the motion
sensor's clock in microseconds; both wrap at 32 bits (the clock after 71.6 min). Full scale is 32768 counts. The
compact packet has only the low 16 bits of the index and the low 3 of the epoch: a clock packet once a second
tells the rest.
"""

from __future__ import annotations

from enum import IntFlag
from typing import Final, NamedTuple

from ankle_imu.wire.ankle_layout import Layout

SAMPLES: Final = 0x10
COMPACT: Final = 0x11
CLOCK: Final = 0x12

SAMPLE_BYTES: Final = 12
SAMPLE_TYPES: Final = {f"{sensor}_{axis}": "i16" for sensor in ("acc", "gyr") for axis in "xyz"}

SAMPLES_LAYOUT: Final = Layout(
    "samples header",
    {"type": "u8", "epoch": "u8", "seq": "u16", "index": "u32", "t_us": "u32", "n": "u8", "flags": "u8"},
)
COMPACT_LAYOUT: Final = Layout(
    "compact packet", {"type": "u8", "epoch_flags": "u8", "index": "u16", "t_us": "u32", **SAMPLE_TYPES}
)
CLOCK_LAYOUT: Final = Layout(
    "clock packet",
    {"type": "u8", "epoch": "u8", "boot": "u16", "index": "u32", "imu_us": "u48", "mcu_us": "u48"},
)
"""`boot`: low 16 bits of the boot id; `index`: of the next sample after `imu_us`."""

COMPACT_EPOCHS: Final = 8


_HEAD_BYTES: Final = SAMPLES_LAYOUT.size


class Flag(IntFlag):
    """Bits of `flags`, true of some sample of the packet; the upper five bits of `epoch_flags`."""

    CLIP_ACC = 1
    CLIP_GYR = 2
    OVERRUN = 4
    TIME_JUMP = 8
    REPLAYED = 16


class Head(NamedTuple):
    """What a packet says before its samples: `first` is the index of the first of them, of so many `bits`.

    n is 0 in a clock packet.
    """

    type: int
    epoch: int
    first: int
    bits: int
    n: int
    flags: int = 0
    boot: int = -1


def peek(payload: bytes) -> Head | None:
    """Read the first fields of a packet, quickly; None when it is none or not whole."""
    if len(payload) < _HEAD_BYTES:
        return None
    kind, second = payload[0], payload[1]
    if kind == SAMPLES and payload[12] and len(payload) == _HEAD_BYTES + SAMPLE_BYTES * payload[12]:
        index = int.from_bytes(payload[4:8], "little")
        return Head(kind, second, index, 32, payload[12], payload[13])  # in order: this runs for each packet
    if kind == COMPACT and len(payload) == COMPACT_LAYOUT.size:
        index = int.from_bytes(payload[2:4], "little")
        return Head(type=kind, epoch=second & 7, first=index, bits=16, n=1, flags=second >> 3)
    if kind == CLOCK and len(payload) == CLOCK_LAYOUT.size:
        boot, index = int.from_bytes(payload[2:4], "little"), int.from_bytes(payload[4:8], "little")
        return Head(type=kind, epoch=second, first=index, bits=32, n=0, boot=boot)
    return None


def pack_samples(*, epoch: int, seq: int, index: int, t_us: int, flags: int, counts: bytes) -> bytes:
    """A packet 0x10; `counts` are the samples as they stand in it, the rest wraps as it does in a sensor."""
    return (
        SAMPLES_LAYOUT.pack(
            type=SAMPLES,
            epoch=epoch % 2**8,
            seq=seq % 2**16,
            index=index % 2**32,
            t_us=t_us % 2**32,
            n=len(counts) // SAMPLE_BYTES,
            flags=flags,
        )
        + counts
    )


def pack_compact(*, epoch: int, index: int, t_us: int, flags: int, counts: bytes) -> bytes:
    """A packet 0x11; `counts` is its one sample."""
    head = bytes((COMPACT, epoch % COMPACT_EPOCHS | flags << 3))
    return head + (index % 2**16).to_bytes(2, "little") + (t_us % 2**32).to_bytes(4, "little") + counts


def pack_clock(*, epoch: int, boot_id: int, index: int, imu_us: int, mcu_us: int) -> bytes:
    """A packet 0x12."""
    return CLOCK_LAYOUT.pack(
        type=CLOCK,
        epoch=epoch % 2**8,
        boot=boot_id % 2**16,
        index=index % 2**32,
        imu_us=imu_us % 2**48,
        mcu_us=mcu_us % 2**48,
    )
