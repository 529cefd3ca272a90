"""A virtual WitMotion sensor: streams 0x61 frames from the moment it is listened to, and has registers.

It keeps the habits of the real ones: settings must be unlocked and are lost at the next boot unless saved; a save
keeps it busy, and then its battery register reads 0; at higher rates several frames share a notification; on
some prints the code that others use for 200 Hz gives 100. With `files` it is the SDCL model: frames with the time
of day, and a flash log.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.simulate.sensors.peripheral import (
    Advert,
    Array,
    Characteristic,
    Motion,
    Said,
    SensorClock,
    Service,
)
from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.wire import witmotion as wire
from ankle_imu.wire import witmotion_commands as log_wire

SERVICE: Final = "0000ffe5-0000-1000-8000-00805f9a34fb"
NOTIFY: Final = "0000ffe4-0000-1000-8000-00805f9a34fb"
WRITE: Final = "0000ffe9-0000-1000-8000-00805f9a34fb"

RATES_OF_CODES: Final = {0x06: 10.0, 0x07: 20.0, 0x08: 50.0, 0x09: 100.0, 0x0A: 100.0, 0x0B: 200.0}
"""As measured on a WT901BLE67; the maker's document has 200 Hz at 0x0A."""
UNLOCKED_S: Final = 10.0
BUSY_S: Final = 0.3
_FACTORY: Final = {wire.RATE: 0x06, wire.BANDWIDTH: 0x04, wire.DISPLACEMENT: 0, 0x2E: 13, 0x2F: 1701}
_SCALES: Final = np.array(
    [wire.ACC_RANGE_G * STANDARD_GRAVITY / wire.FULL_SCALE] * 3
    + [wire.GYR_RANGE_DPS * DEGREE / wire.FULL_SCALE] * 3
)
_PLAIN: Final = np.dtype([("head", "S2"), ("values", "<i2", 6), ("angle", "<i2", 3)])
_TIMED: Final = np.dtype([*_PLAIN.descr, ("calendar", "u1", 6), ("ms", "<u2")])
_EPOCH: Final = datetime(2026, 6, 22, 14, 41)
"""When the clock of the SDCL model begins at every boot: its own local time, without a zone."""


class WitMotionSensor:
    """See `peripheral.Peripheral`.

    Parameters
    ----------
    address : str
    motion : Motion, what it feels
    name : str
    ppm : float, how fast its clock runs
    rate_error : float, share by which its true rate is above the nominal one
    battery : float, share 0..1
    rates_of_codes : mapping of register 0x03 to Hz
    files : names and contents of the flash log; given, it is the SDCL model

    Attributes
    ----------
    made : list of (n,) arrays, world time in s of every sample that was said, in order
    registers : what is set now
    """

    def __init__(
        self,
        address: str,
        motion: Motion,
        *,
        name: str = "WT901BLE67",
        ppm: float = 0.0,
        rate_error: float = 0.0,
        battery: float = 0.9,
        rates_of_codes: Mapping[int, float] = RATES_OF_CODES,
        files: Mapping[str, bytes] | None = None,
    ) -> None:
        self.address = address
        self.advert = Advert(name=name)
        properties = frozenset({"write", "write-without-response"})
        self.services: tuple[Service, ...] = (
            Service(
                uuid=SERVICE,
                characteristics=(
                    Characteristic(uuid=NOTIFY, properties=frozenset({"notify"})),
                    Characteristic(uuid=WRITE, properties=properties),
                ),
            ),
        )
        self.poll_s = 0.02
        self.battery = battery
        self.made: list[Array] = []
        self.registers = dict(_FACTORY)
        self._saved = dict(_FACTORY)
        self._motion, self._ppm, self._rate_error = motion, ppm, rate_error
        self._rates, self._files = rates_of_codes, files
        self._next = 0
        self.boot(0.0)

    @property
    def rate(self) -> float:
        """True rate on its own clock, Hz."""
        return self._rates.get(self.registers[wire.RATE], 10.0) * (1.0 + self._rate_error)

    @property
    def truth(self) -> Array:
        """(n,) world time in s of all samples said so far."""
        return np.concatenate([np.empty(0), *self.made])

    def boot(self, now: float) -> None:
        """See `Peripheral.boot`; settings are those saved last."""
        self._clock = SensorClock(booted=now, ppm=self._ppm)
        self.registers = dict(self._saved)
        self._unlocked_until = self._busy_until = -np.inf
        self._chosen = ""
        self.disconnect(now)
        self._restart(now)

    def connect(self, now: float, mtu: int) -> None:
        """See `Peripheral.connect`."""
        self._mtu = mtu

    def disconnect(self, now: float) -> None:
        """See `Peripheral.disconnect`."""
        self._mtu = 23
        self._is_heard = False

    def subscribe(self, uuid: str, is_on: bool, now: float) -> None:
        """See `Peripheral.subscribe`."""
        self.poll(now)
        self._is_heard = is_on

    def read(self, uuid: str, now: float) -> bytes:
        """Nothing can be read."""
        return b""

    def write(self, uuid: str, data: bytes, now: float) -> list[Said]:
        """Take a command; what is none is ignored."""
        if data[:2] == b"\xff\xaa" and len(data) == 5:
            return self._command(data, now)
        if self._files is not None and data[:2] == b"\x55\xbb":
            self._chosen = data[2:].strip().decode("ascii", errors="replace")
            pieces = -(-len(self._files.get(self._chosen, b"")) // log_wire.PIECE_BYTES)
            return [(NOTIFY, b"\x55\xbb" + f"{self._chosen}:{pieces}\r\n".encode())]
        if self._files is not None and data[:2] == b"\x55\xff" and len(data) == 4:
            at = int.from_bytes(data[2:], "big") * log_wire.PIECE_BYTES
            return [(NOTIFY, data + self._files.get(self._chosen, b"")[at : at + log_wire.PIECE_BYTES])]
        return []

    def poll(self, now: float) -> list[Said]:
        """All notifications that are full by now; as full as the rate has them."""
        due = int((self._clock.read(now) - self._origin) * self.rate)
        if not self._is_heard:
            self._next = max(due, self._next)
            return []
        per = self._frames_per_notification()
        first = self._next
        n = (due - first) // per * per
        if n <= 0:
            return []
        self._next += n
        device = self._origin + np.arange(first, first + n) / self.rate
        world = self._clock.world(0.0) + device / (1.0 + self._ppm * 1e-6)
        self.made.append(world)
        frames = self._encode(device, world)
        size = per * self._frame_bytes
        return [(NOTIFY, frames[at : at + size]) for at in range(0, len(frames), size)]

    def _command(self, data: bytes, now: float) -> list[Said]:
        register, value = data[2], int.from_bytes(data[3:], "little")
        if data == wire.UNLOCK:
            self._unlocked_until = now + UNLOCKED_S
        elif register == 0x27:
            return [(NOTIFY, self._reply(value, now))]
        elif self._files is not None and data == log_wire.LIST_FILES:
            return [(NOTIFY, b"\x55\xaa" + name.encode() + b"\r\n") for name in self._files]
        elif now <= self._unlocked_until:
            if register == 0:
                self._saved = dict(self.registers) if value == 0 else dict(_FACTORY)
                self._busy_until = now + BUSY_S
            elif register in self.registers:
                self.poll(now)
                self.registers[register] = value
                self._restart(now)
        return []

    def _reply(self, first: int, now: float) -> bytes:
        values = self.registers | {wire.BATTERY: log_wire.centivolts_of(self.battery)}
        if now < self._busy_until:
            values[wire.BATTERY] = 0
        words = [first, *(values.get(first + k, 0) for k in range(8))]
        return b"\x55\x71" + np.array(words, dtype="<u2").tobytes()

    def _restart(self, now: float) -> None:
        """Count samples from now on."""
        self._origin, self._next = self._clock.read(now), 0

    def _encode(self, device: Array, world: Array) -> bytes:
        acc, gyr = self._motion.at(world)
        counts = np.round(np.hstack([acc, gyr]) / _SCALES)
        frames: NDArray[Any] = np.zeros(len(device), dtype=_PLAIN if self._files is None else _TIMED)
        frames["head"] = b"\x55\x61"
        frames["values"] = np.clip(counts, -wire.FULL_SCALE, wire.FULL_SCALE - 1)
        if self._files is not None:
            frames["calendar"], frames["ms"] = _calendar(device)
        return frames.tobytes()

    @property
    def _frame_bytes(self) -> int:
        return _PLAIN.itemsize if self._files is None else _TIMED.itemsize

    def _frames_per_notification(self) -> int:
        usual = 8 if self.rate > 150.0 else 4 if self.rate > 75.0 else 1
        return max(1, min(usual, (self._mtu - 3) // self._frame_bytes))


def _calendar(device: Array) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Date and time of day of the sensor's clock, and its milliseconds."""
    ms = np.round(device * 1000.0).astype(np.int64)
    moments = [_EPOCH + timedelta(milliseconds=int(m)) for m in ms]
    rows = [(t.year - 2000, t.month, t.day, t.hour, t.minute, t.second) for t in moments]
    return np.array(rows, dtype=np.uint8).reshape(-1, 6), (ms % 1000).astype(np.uint16)
