"""What an Ankle IMU tells of itself: who it is and what it can do (Info), how it is doing (Status)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import IntFlag
from typing import Final

from ankle_imu.errors import ProtocolError
from ankle_imu.wire.ankle_layout import Layout

VERSION: Final = 1

RATES_HZ: Final = (26, 52, 104, 208, 416, 833)
ACC_RANGES_G: Final = (2, 4, 8, 16, 32)
GYR_RANGES_DPS: Final = (125, 250, 500, 1000, 2000, 4000)
"""Bit k of the masks in Info stands for value k of these."""


class Feature(IntFlag):
    """Bits of `features` in Info."""

    FLASH_LOG = 1
    REPLAY = 2
    CLOCK_PACKETS = 4
    LIGHT = 8


class State(IntFlag):
    """Bits of `state` in Status."""

    SAMPLING = 1
    STREAMING = 2
    LOGGING = 4
    CHARGING = 8


NO_FEATURES: Final = Feature(0)

INFO_LAYOUT: Final = Layout(
    "info",
    {
        "version": "u8",
        "device_id": "u64",
        "boot_id": "u32",
        "chip": "u8",
        "rates": "u16",
        "acc_ranges": "u8",
        "gyr_ranges": "u8",
        "flash_bytes": "u32",
        "ring_samples": "u32",
        "features": "u16",
    },
)
"""The rest of Info is the firmware's name and version, UTF-8."""

STATUS_LAYOUT: Final = Layout(
    "status",
    {
        "state": "u8",
        "battery_pct": "u8",
        "t_us": "u64",
        "next_index": "u32",
        "boot_id": "u32",
        "temperature_cc": "i16",
        "battery_mv": "u16",
        "dropped": "u32",
        "overruns": "u16",
        "interval": "u16",
        "mtu": "u16",
        "flash_pct": "u8",
    },
)
STATUS_LEAST: Final = 20
"""Bytes of Status that fit a notification at an ATT MTU of 23."""


@dataclass(frozen=True, kw_only=True)
class Info:
    """Who a sensor is and what it can do.

    Parameters
    ----------
    device_id : int, 64 bit, the same for ever
    boot_id : int, 32 bit, another at each boot
    rates_hz, acc_ranges_g, gyr_ranges_dps : tuple of int, what can be set
    chip : int, WHO_AM_I of the motion sensor
    flash_bytes : int, room for logs
    ring_samples : int, samples that REPLAY can reach back without a log
    features : Feature
    firmware : str
    version : int, of the protocol
    """

    device_id: int
    boot_id: int
    rates_hz: tuple[int, ...]
    acc_ranges_g: tuple[int, ...]
    gyr_ranges_dps: tuple[int, ...]
    chip: int = 0
    flash_bytes: int = 0
    ring_samples: int = 0
    features: Feature = NO_FEATURES
    firmware: str = ""
    version: int = VERSION


@dataclass(frozen=True, kw_only=True)
class Status:
    """State of a sensor, once a second; what a short notification had no room for is None.

    Parameters
    ----------
    state : State
    battery_pct : int, 0..100; above: unknown
    t_us : int, the microcontroller's clock
    next_index : int, index of the sample to be made next
    boot_id : int
    temperature_cc : int, of the motion sensor, 0.01 °C
    battery_mv : int
    dropped : int, samples since boot that were to be streamed and left the ring unsent
    overruns : int, times since boot that the motion sensor's FIFO ran over
    interval : int, of the connection, 1.25 ms
    mtu : int
    flash_pct : int, share of the flash in use
    """

    state: State
    battery_pct: int
    t_us: int
    next_index: int
    boot_id: int
    temperature_cc: int
    battery_mv: int | None = None
    dropped: int | None = None
    overruns: int | None = None
    interval: int | None = None
    mtu: int | None = None
    flash_pct: int | None = None


def encode_info(info: Info) -> bytes:
    """Value of Info."""
    head = INFO_LAYOUT.pack(
        version=info.version,
        device_id=info.device_id,
        boot_id=info.boot_id,
        chip=info.chip,
        rates=_mask(info.rates_hz, RATES_HZ),
        acc_ranges=_mask(info.acc_ranges_g, ACC_RANGES_G),
        gyr_ranges=_mask(info.gyr_ranges_dps, GYR_RANGES_DPS),
        flash_bytes=info.flash_bytes,
        ring_samples=info.ring_samples,
        features=info.features,
    )
    return head + info.firmware.encode()


def decode_info(data: bytes) -> Info:
    """Read Info.

    Raises
    ------
    ProtocolError
        If it is too short or of another version of the protocol.
    """
    found = INFO_LAYOUT.unpack_prefix(data)
    if found.get("version") != VERSION:
        raise ProtocolError(
            f"The sensor speaks version {found.get('version')} of the protocol, this program version {VERSION}; "
            "update the older of the two.",
            payload=bytes(data),
        )
    found = INFO_LAYOUT.unpack(data[: INFO_LAYOUT.size])
    return Info(
        device_id=found["device_id"],
        boot_id=found["boot_id"],
        chip=found["chip"],
        rates_hz=_masked(found["rates"], RATES_HZ),
        acc_ranges_g=_masked(found["acc_ranges"], ACC_RANGES_G),
        gyr_ranges_dps=_masked(found["gyr_ranges"], GYR_RANGES_DPS),
        flash_bytes=found["flash_bytes"],
        ring_samples=found["ring_samples"],
        features=Feature(found["features"]),
        firmware=data[INFO_LAYOUT.size :].decode(errors="replace"),
    )


def encode_status(status: Status, limit: int = STATUS_LAYOUT.size) -> bytes:
    """Value of Status, cut to the `limit` that a notification has room for."""
    values = {name: 0 if value is None else int(value) for name, value in asdict(status).items()}
    return STATUS_LAYOUT.pack(**values)[: max(limit, STATUS_LEAST)]


def decode_status(data: bytes) -> Status:
    """Read Status, whole or cut after any field from the 20th byte on.

    Raises
    ------
    ProtocolError
        If it is shorter than 20 bytes.
    """
    if len(data) < STATUS_LEAST:
        raise ProtocolError(f"A status has at least {STATUS_LEAST} bytes, found {len(data)}.", payload=bytes(data))
    found = STATUS_LAYOUT.unpack_prefix(data)
    state = State(found.pop("state"))
    return Status(state=state, **found)


def _mask(values: tuple[int, ...], known: tuple[int, ...]) -> int:
    return sum(1 << known.index(value) for value in values)


def _masked(mask: int, known: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(value for k, value in enumerate(known) if mask >> k & 1)
