"""A virtual Movesense sensor with GSP firmware: subscriptions, the energy level, and a flash logbook.

It keeps the habits of the real ones: a measurement longer than a notification is sent in two parts; a log is sent
once, from its beginning, at the pace of a real one; while it records it refuses to be read; once its pool is
exhausted it refuses everything until it boots.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from ankle_imu.simulate.sensors.peripheral import (
    Advert,
    Array,
    Characteristic,
    Motion,
    Said,
    SensorClock,
    Service,
)
from ankle_imu.wire import movesense as wire
from ankle_imu.wire import movesense_sbem as sbem
from ankle_imu.wire.movesense_commands import Command

SERVICE: Final = "34802252-7185-4d5d-b431-630e7050e8f0"
WRITE: Final = "34800001-7185-4d5d-b431-630e7050e8f0"
NOTIFY: Final = "34800002-7185-4d5d-b431-630e7050e8f0"
ADVERTISED: Final = ("0000fdf3-0000-1000-8000-00805f9b34fb", "0000180d-0000-1000-8000-00805f9b34fb")

RATES_HZ: Final = (13, 26, 52, 104, 208, 416, 833, 1666)
LOG_BYTES_PER_S: Final = 11_300.0
"""As measured on a real one."""
_SAMPLES: Final = {13: 1, 26: 2, 52: 4}
_MOST_SAMPLES: Final = 8
READY, LOGGING = 2, 3
OK, NOT_FOUND, CONFLICT, EXHAUSTED = 200, 404, 409, 429


@dataclass(kw_only=True)
class _Subscription:
    """One running measurement: its rate on the sensor's clock, where it began and the next sample."""

    rate: float
    samples: int
    origin: float
    next: int = 0


@dataclass(kw_only=True)
class _Sending:
    """One log under way: what is left of it from `at` on."""

    ref: int
    data: bytes
    began: float
    skip: frozenset[int]
    at: int = 0


class MovesenseSensor:
    """See `peripheral.Peripheral`.

    Parameters
    ----------
    address : str
    motion : Motion, what it feels
    serial : str, 12 digits
    ppm : float, how fast its clock runs
    rate_error : float, share by which its true rate is above the nominal one
    battery : float, share 0..1
    logs : id and content of the logs in its flash
    swallowed : numbers of the pieces of a log that never leave it the first time the log is fetched

    Attributes
    ----------
    made : list of (n,) arrays, world time in s of every sample that was said, in order
    logs : what is in flash
    is_exhausted : whether it answers every request for a resource with 429; until it boots
    """

    def __init__(
        self,
        address: str,
        motion: Motion,
        *,
        serial: str = "214530002602",
        ppm: float = 0.0,
        rate_error: float = 0.0,
        battery: float = 0.9,
        logs: Mapping[int, bytes] | None = None,
        swallowed: Iterable[int] = (),
    ) -> None:
        self.address, self.serial = address, serial
        self.advert = Advert(name=f"Movesense {serial}", service_uuids=ADVERTISED)
        self.services: tuple[Service, ...] = (
            Service(
                uuid=SERVICE,
                characteristics=(
                    Characteristic(uuid=WRITE, properties=frozenset({"write"})),
                    Characteristic(uuid=NOTIFY, properties=frozenset({"notify"})),
                ),
            ),
        )
        self.poll_s = 0.02
        self.battery = battery
        self.made: list[Array] = []
        self.logs = dict(logs or {})
        self._motion, self._ppm, self._rate_error = motion, ppm, rate_error
        self._swallowed = frozenset(swallowed)
        self.boot(0.0)

    @property
    def truth(self) -> Array:
        """(n,) world time in s of all samples said so far."""
        return np.concatenate([np.empty(0), *self.made])

    def boot(self, now: float) -> None:
        """See `Peripheral.boot`; the logs stay."""
        self._clock = SensorClock(booted=now, ppm=self._ppm)
        self._state, self._paths = READY, [""]
        self.is_exhausted = False
        self._log_began = now
        self.disconnect(now)

    def connect(self, now: float, mtu: int) -> None:
        """See `Peripheral.connect`."""
        self._mtu = mtu

    def disconnect(self, now: float) -> None:
        """See `Peripheral.disconnect`."""
        self._mtu = 23
        self._is_heard = False
        self._subscriptions: dict[int, _Subscription] = {}
        self._sending: _Sending | None = None

    def subscribe(self, uuid: str, is_on: bool, now: float) -> None:
        """See `Peripheral.subscribe`."""
        self._is_heard = is_on

    def read(self, uuid: str, now: float) -> bytes:
        """Nothing can be read."""
        return b""

    def write(self, uuid: str, data: bytes, now: float) -> list[Said]:
        """Take a command; what is none is ignored."""
        if len(data) < 2 or data[0] not in [*Command]:
            return []
        command, ref, payload = Command(data[0]), data[1], data[2:]
        head = bytes((wire.ANSWER, ref))
        if command is Command.HELLO:
            texts = (self.serial, "Movesense MD", "0C8CDC000000", "Ankle test", "2.3.1")
            return [(NOTIFY, head + b"\x01" + b"".join(text.encode() + b"\0" for text in texts))]
        status, content = self._carry_out(command, ref, payload, now)
        return [(NOTIFY, (head + struct.pack("<H", status) + content)[: self._mtu - 3])]

    def poll(self, now: float) -> list[Said]:
        """All packets whose last sample has been taken, and what the pace of a log allows."""
        said: list[Said] = []
        if not self._is_heard:
            return said
        for ref, subscription in self._subscriptions.items():
            said += self._measure(ref, subscription, now)
        return said + self._send(now)

    def _carry_out(self, command: Command, ref: int, payload: bytes, now: float) -> tuple[int, bytes]:
        """Status and content of the answer."""
        if self.is_exhausted and command in (Command.GET, Command.SUBSCRIBE, Command.FETCH_LOG):
            return EXHAUSTED, b""
        if command is Command.GET:
            content = self._resource(_text(payload), now)
            return (NOT_FOUND, b"") if content is None else (OK, content)
        if command is Command.SUBSCRIBE:
            return self._begin(ref, _text(payload), now), b""
        if command is Command.UNSUBSCRIBE:
            return (OK if self._subscriptions.pop(ref, None) else NOT_FOUND), b""
        if command is Command.FETCH_LOG:
            return self._fetch(ref, int.from_bytes(payload, "little"), now), b""
        if command is Command.PUT_DATALOGGER_STATE:
            return self._set_state(int.from_bytes(payload[:1], "little"), now), b""
        if self._state == LOGGING and command in (Command.PUT_DATALOGGER_CONFIG, Command.CLEAR_LOGBOOK):
            return CONFLICT, b""
        if command is Command.PUT_DATALOGGER_CONFIG:
            self._paths = _text(payload).split("\0")
        elif command is Command.CLEAR_LOGBOOK:
            self.logs.clear()
        return OK, b""

    def _resource(self, path: str, now: float) -> bytes | None:
        if path == "/System/Energy/Level":
            return bytes([round(100 * self.battery)])
        if path == "/Mem/Logbook/entries":
            entries = [struct.pack("<IIQ", key, 0, len(data)) for key, data in sorted(self.logs.items())]
            return bytes([len(entries)]) + b"".join(entries)
        if path == "/Time/Detailed":
            return struct.pack("<QIII", 0, int(self._clock.read(now) * 1000) % 2**32, 1024, 100)
        info = struct.pack(f"<B{len(RATES_HZ)}H", len(RATES_HZ), *RATES_HZ)
        return {
            "/Meas/Acc/Info": info + bytes((4, 2, 4, 8, 16)),
            "/Meas/Gyro/Info": info + struct.pack("<B5H", 5, 125, 245, 500, 1000, 2000),
            "/Meas/Acc/Config": bytes([16]),
            "/Meas/Gyro/Config": struct.pack("<H", 2000),
        }.get(path)

    def _begin(self, ref: int, path: str, now: float) -> int:
        try:
            columns, rate = wire.parse_path(path)
        except ValueError:
            return NOT_FOUND
        if columns != ("acc", "gyr") or rate not in RATES_HZ:
            return NOT_FOUND
        if ref in self._subscriptions:
            return CONFLICT
        self._subscriptions[ref] = _Subscription(
            rate=rate * (1.0 + self._rate_error),
            samples=self._samples_per_packet(rate),
            origin=self._clock.read(now),
        )
        return OK

    def _samples_per_packet(self, rate: float) -> int:
        """As many as the rate has, halved until a packet fits in two notifications (own choice below MTU 103)."""
        samples = _SAMPLES.get(int(rate), _MOST_SAMPLES)
        while samples > 1 and 4 + 24 * samples > 2 * (self._mtu - 5):
            samples //= 2
        return samples

    def _measure(self, ref: int, subscription: _Subscription, now: float) -> list[Said]:
        taken = int((self._clock.read(now) - subscription.origin) * subscription.rate)
        n = (taken - subscription.next) // subscription.samples * subscription.samples
        if n <= 0:
            return []
        device = subscription.origin + np.arange(subscription.next, subscription.next + n) / subscription.rate
        subscription.next += n
        world = self._clock.world(0.0) + device / (1.0 + self._ppm * 1e-6)
        self.made.append(world)
        acc, gyr = self._motion.at(world)
        packets = wire.encode(
            np.floor(device * 1000.0).astype(np.int64),
            acc,
            gyr,
            reference=ref,
            samples=subscription.samples,
            longest=self._mtu - 5,
        )
        return [(NOTIFY, packet) for packet in packets]

    def _set_state(self, state: int, now: float) -> int:
        if self._state == READY and state == LOGGING:
            self._log_began = now
        elif self._state == LOGGING and state == READY:
            self.logs[max(self.logs, default=0) + 1] = self._record(now)
        self._state = state
        return OK

    def _record(self, now: float) -> bytes:
        """What the logger wrote since it began."""
        rate = max((wire.parse_path(p)[1] for p in self._paths if p.startswith("/Meas/IMU6")), default=52.0)
        samples = _SAMPLES.get(int(rate), _MOST_SAMPLES)
        rate *= 1.0 + self._rate_error
        first, last = self._clock.read(self._log_began), self._clock.read(now)
        device = first + np.arange(int((last - first) * rate)) / rate
        acc, gyr = self._motion.at(self._clock.world(0.0) + device / (1.0 + self._ppm * 1e-6))
        return sbem.encode(np.floor(device * 1000.0).astype(np.int64), acc, gyr, samples=samples)

    def _fetch(self, ref: int, key: int, now: float) -> int:
        if self._state == LOGGING:
            return CONFLICT
        if key not in self.logs:
            return NOT_FOUND
        self._sending = _Sending(ref=ref, data=self.logs[key], began=now, skip=self._swallowed)
        self._swallowed = frozenset()
        return OK

    def _send(self, now: float) -> list[Said]:
        sending = self._sending
        if sending is None:
            return []
        body = self._mtu - 9
        allowed = min(len(sending.data), int((now - sending.began) * LOG_BYTES_PER_S))
        said: list[Said] = []
        while sending.at < allowed:
            piece = sending.data[sending.at : sending.at + body]
            if sending.at // body not in sending.skip:
                said.append((NOTIFY, struct.pack("<BBI", wire.DATA, sending.ref, sending.at) + piece))
            sending.at += len(piece)
        if sending.at == len(sending.data):
            said.append((NOTIFY, struct.pack("<BBI", wire.DATA, sending.ref, sending.at)))
            self._sending = None
        return said


def _text(payload: bytes) -> str:
    return payload.rstrip(b"\0").decode(errors="replace")
