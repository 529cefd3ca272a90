"""A whole sensor on MicroPython: `device.app.run` as it stands, on a model of the motion sensor and a file as
flash.

Arguments: path|path, port, file for the flash, its blocks, device id, boot id, chip (sox or 3trc), share that
the motion sensor's clock is fast. `sleep_ms` hands what was said to the other side and waits until it tells how
far time goes.
"""

import socket
import struct
import sys

sys.path[:0] = sys.argv[1].split("|")
import bluetooth  # noqa: E402
import models  # noqa: E402
from device import app  # noqa: E402
from device.lsm6ds3trc import Lsm6ds3trc  # noqa: E402
from device.lsm6dsox import Lsm6dsox  # noqa: E402
from device.radio_mp import Radio  # noqa: E402

RING_SAMPLES = 4200


class FileFlash:
    """A flash whose bits stay when the process ends."""

    def __init__(self, path, blocks):
        self.blocks = blocks
        self.file = open(path, "r+b")

    def ioctl(self, op, arg):
        if op == 6:
            self.file.seek(arg * 4096)
            self.file.write(b"\xff" * 4096)
            self.file.flush()
        return self.blocks if op == 4 else 0

    def readblocks(self, block, buf, offset=0):
        self.file.seek(block * 4096 + offset)
        self.file.readinto(buf)

    def writeblocks(self, block, buf, offset=0):
        self.file.seek(block * 4096 + offset)
        self.file.write(buf)
        self.file.flush()


class Board(models.Board):
    def __init__(self):
        super().__init__()
        address = socket.getaddrinfo("127.0.0.1", int(sys.argv[2]))[0][-1]
        self.link = socket.socket()
        self.link.connect(address)
        self.clock = models.Clock()
        self.ticks = self.raw_us = self.clock
        self.flash = FileFlash(sys.argv[3], int(sys.argv[4])) if int(sys.argv[4]) else None
        self.device_id, self.boot_id = int(sys.argv[5]), int(sys.argv[6])
        self.ble = bluetooth.BLE()
        self.names_told = False

    def zero(self):
        pass

    def since_us(self, raw):
        return self.clock.us - raw

    def rest(self):
        raise SystemExit

    def sleep_ms(self, n):
        said = self.ble.sent()
        if not self.names_told:
            self.names_told = True
            said += [(b"U", handle, str(name).encode()) for handle, name in self.ble.names.items()]
        parts = [kind + struct.pack("<HH", handle, len(value)) + value for kind, handle, value in said]
        self.link.write(struct.pack("<H", len(parts)) + b"".join(parts))
        now, n_events = struct.unpack("<QH", self._read(10))
        self.clock.us = now
        for _ in range(n_events):
            kind, handle, size = struct.unpack("<BHH", self._read(5))
            self.ble.happen(bytes((kind,)), handle, self._read(size))

    def _read(self, n):
        found = b""
        while len(found) < n:
            more = self.link.read(n - len(found))
            if not more:
                raise SystemExit
            found += more
        return found


board = Board()
chip = sys.argv[7]
model = (models.Lsm6dsoxModel if chip == "sox" else models.Lsm6ds3trcModel)(board.clock, float(sys.argv[8]))
imu = (Lsm6dsox if chip == "sox" else Lsm6ds3trc)(model, board.ticks)
app.run(board, imu, Radio(app.name_of(board.device_id), board), RING_SAMPLES)
