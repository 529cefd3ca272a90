"""The smallest virtual sensor: numbered frames, to prove the air itself."""

from __future__ import annotations

import struct

from ankle_imu.simulate.sensors.peripheral import Advert, Characteristic, Refused, Said, Service

SERVICE = "6b1d0001-5a3c-4e7f-9a60-1d2c3b4a5968"
STREAM = "6b1d0002-5a3c-4e7f-9a60-1d2c3b4a5968"
CONTROL = "6b1d0003-5a3c-4e7f-9a60-1d2c3b4a5968"
BATTERY_SERVICE, BATTERY = "0000180f-0000-1000-8000-00805f9b34fb", "00002a19-0000-1000-8000-00805f9b34fb"
FRAME = struct.Struct("<II")  # number, boots
NOT_PERMITTED = 0x03  # ATT: write not permitted


class NumberedSensor:
    """Numbers its frames whether anyone listens or not, like samples of a real sensor.

    Parameters
    ----------
    rate : float, frames per s
    size : int, bytes of a frame, fewer where the MTU is smaller

    Attributes
    ----------
    said : every frame that it said, in order
    """

    poll_s = 0.02

    def __init__(self, number: int = 1, *, rate: float = 100.0, size: int = 40) -> None:
        self.address = f"C0:00:00:00:00:{number:02X}"
        self.advert = Advert(
            name=f"Numbered-{number}", service_uuids=(SERVICE,), manufacturer_data={0xFFFF: b"\x01"}
        )
        self.services = (
            Service(
                uuid=SERVICE,
                characteristics=(
                    Characteristic(uuid=STREAM, properties=frozenset({"notify"})),
                    Characteristic(
                        uuid=CONTROL, properties=frozenset({"write", "write-without-response", "indicate"})
                    ),
                ),
            ),
            Service(
                uuid=BATTERY_SERVICE,
                characteristics=(Characteristic(uuid=BATTERY, properties=frozenset({"read", "notify"})),),
            ),
        )
        self.rate, self.size, self.battery, self.boots = rate, size, 0.87, 0
        self.said: list[bytes] = []

    def boot(self, now: float) -> None:
        self.boots += 1
        self.mtu, self.booted, self.number = 23, now, 0
        self.wanted: set[str] = set()

    def connect(self, now: float, mtu: int) -> None:
        self.mtu = mtu

    def disconnect(self, now: float) -> None:
        self.wanted.clear()

    def subscribe(self, uuid: str, is_on: bool, now: float) -> None:
        (self.wanted.add if is_on else self.wanted.discard)(uuid)

    def read(self, uuid: str, now: float) -> bytes:
        return bytes([round(100 * self.battery)])

    def write(self, uuid: str, data: bytes, now: float) -> list[Said]:
        """Say it backwards; an empty command is refused."""
        if not data:
            raise Refused(NOT_PERMITTED)
        return [(CONTROL, data[::-1])]

    def poll(self, now: float) -> list[Said]:
        first, self.number = self.number, int((now - self.booted) * self.rate)
        if STREAM not in self.wanted:
            return []
        size = min(self.size, self.mtu - 3)
        frames = [FRAME.pack(n, self.boots).ljust(size, bytes([n & 0xFF])) for n in range(first, self.number)]
        self.said += frames
        return [(STREAM, frame) for frame in frames]
