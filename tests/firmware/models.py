"""What a sensor is made of, as models: two motion sensors register by register, a flash whose power can be cut,
a radio whose queue is short. Runs on MicroPython too, so no numpy here.

The motion sensors are written from the facts in the makers' own drivers and data sheets (ST lsm6dsox-pid,
lsm6ds3tr-c-pid; Linux st_lsm6dsx for the byte order of the 24-bit stamp), apart from the driver that reads them.
A wrong reading of those passes unseen: hence the bring-up list of `firmware_notes/build_esp32s3.md`.
"""

import struct

SAMPLE = "<6h"


def counts(index):
    """Acceleration and rate of the sample with this number: any 16-bit values, but always the same."""
    x = index * 0x9E3779B1 & 0xFFFFFFFF
    values = []
    for axis in range(6):
        x = (x * 1664525 + 1013904223 + axis) & 0xFFFFFFFF
        values.append((x >> 16) - 0x8000)
    return tuple(values)


class Clock:
    """World time, whole microseconds; passes when told to."""

    def __init__(self):
        self.us = 0

    def __call__(self):
        return self.us


class ImuModel:
    """A motion sensor on a bus: `read(register, buf)` and `write(register, value)`.

    `clock`: world time, us. `fast`: share by which its oscillator is fast. Samples are numbered from the first
    that went into the FIFO on; `made_at(k)` is the world time of one, `runs` has when they were started.
    """

    words_per_sample = 3
    word = 7
    capacity = 512
    stamp_bits = 32

    def __init__(self, clock, fast=0.0, source=counts):
        self.clock, self.fast, self.source = clock, fast, source
        self.registers = bytearray(128)
        self.runs = []
        self.started_at = 0.0
        self._zero = 0.0
        self._reset()

    def _reset(self):
        for k in range(128):
            self.registers[k] = 0
        self.registers[0x0F] = self.chip
        self.is_fifo_on = False
        self._made_before = self._position = 0
        self._overran = False
        self._stopped = None

    # Time

    def ticks(self, at_us):
        return int((at_us - self._zero) * (1.0 + self.fast) / 25.0) & ((1 << self.stamp_bits) - 1)

    def made(self):
        """Samples that went into the FIFO."""
        if not self.is_fifo_on:
            return self._made_before
        first, begun, period = self.runs[-1][:3]
        return (
            first + max(0, int((self.clock() - begun) / period + 1e-6) + 1)
            if self.clock() >= begun - 1e-3
            else first
        )

    def made_at(self, k):
        for first, begun, period, _ in reversed(self.runs):
            if k >= first:
                return begun + (k - first) * period
        raise IndexError(k)

    # The bus

    def write(self, register, value):
        if register == 0x12 and value & 1:
            self._reset()
            return
        if register == 0x42:
            if value == 0xAA:
                self._zero = self.clock()
            return
        self.registers[register] = value
        self._switched(register)

    def read(self, register, buf):
        n = len(buf)
        if register == self.data_at:
            self._pull(buf, n)
            return
        status = self._status() if 0x3A <= register <= 0x3D else None
        for k in range(n):
            buf[k] = status[register + k - 0x3A] if status else self._value(register + k)

    def _value(self, register):
        if 0x40 <= register < 0x44:
            return self.ticks(self.clock()) >> 8 * (register - 0x40) & 0xFF
        return self.registers[register]

    def rate(self):
        """Hz, as the registers say; 0 when off."""
        code = self.registers[0x10] >> 4
        return {2: 26, 3: 52, 4: 104, 5: 208, 6: 416, 7: 833}.get(code, 0)

    def _fifo(self, is_on):
        if self.is_fifo_on and not is_on:
            self._made_before = self.made()
            self.is_fifo_on = False
        elif is_on and not self.is_fifo_on:
            assert self.rate() and self.registers[0x10] >> 4 == self.registers[0x11] >> 4, "two rates"
            assert self.registers[0x12] & 0x44 == 0x44 and self.registers[0x19] & 0x20, "not set up"
            period = 1e6 / (self.rate() * (1.0 + self.fast))
            settings = (self.registers[0x10] >> 2 & 3, self.registers[0x11] >> 1 & 7)
            self.runs.append((self._made_before, self.clock() + period, period, settings))
            self._position = self._made_before * self.words_per_sample
            self.is_fifo_on = True

    def _unread(self):
        """Words in the FIFO; the oldest make room for the newest."""
        if not self.is_fifo_on:
            return 0
        stop = self.made() * self.words_per_sample
        if stop - self._position > self.capacity:
            self._overran = True
            self._position = stop - self.capacity
        return stop - self._position

    def _pull(self, buf, n):
        assert n % self.word == 0 and n // self.word <= self._unread(), "read beyond the FIFO"
        size, at = self.word * self.words_per_sample, 0
        while at < n:
            offset = self._position % self.words_per_sample * self.word
            k = self._position // self.words_per_sample
            part = self.sample_bytes(k)[offset : offset + n - at]
            buf[at : at + len(part)] = part
            at += len(part)
            self._position += len(part) // self.word
        assert size


class Lsm6dsoxModel(ImuModel):
    """FIFO of 512 words, each with a tag whose counter says which belong together."""

    chip = 0x6C
    data_at = 0x78

    def sample_bytes(self, k):
        acc_gyr = struct.pack(SAMPLE, *self.source(k))
        stamp = struct.pack("<I", self.ticks(self.made_at(k)))
        turn = (k & 3) << 1
        words = ((1, acc_gyr[6:]), (2, acc_gyr[:6]), (4, stamp + b"\0\0"))
        return b"".join([bytes((self._tag(tag << 3 | turn),)) + data for tag, data in words])

    def _tag(self, value):
        parity = 0
        for bit in range(8):
            parity ^= value >> bit & 1
        return value | parity

    def _switched(self, register):
        if register in (0x09, 0x0A):
            batched = self.registers[0x09]
            is_on = self.registers[0x0A] == 0x46 and batched >> 4 == batched & 15 == self.registers[0x10] >> 4
            self._fifo(is_on)

    def _status(self):
        words = self._unread()
        flags = (0x40 | 0x08) * self._overran
        self._overran = False
        return (words & 0xFF, words >> 8 & 3 | flags, 0, 0)


class Lsm6ds3trcModel(ImuModel):
    """FIFO of 2048 16-bit words without tags. Its counter stands still at its end unless it is set back."""

    chip = 0x6A
    data_at = 0x3E
    words_per_sample = 9
    word = 2
    capacity = 2047
    stamp_bits = 24

    def ticks(self, at_us):
        assert self.registers[0x5C] & 0x10 or not self.is_fifo_on, "stamps of 6.4 ms"
        return min(int((at_us - self._zero) * (1.0 + self.fast) / 25.0), 0xFFFFFF)

    def write(self, register, value):
        if register == 0x42 and value == 0xAA:
            self._old_zero, self._zero_at = self._zero, self.clock()
        super().write(register, value)

    def sample_bytes(self, k):
        acc_gyr = struct.pack(SAMPLE, *self.source(k))
        at = self.made_at(k)
        if at < self._zero:  # made before the counter was set back
            ticks = min(int((at - self._old_zero) * (1.0 + self.fast) / 25.0), 0xFFFFFF)
        else:
            ticks = self.ticks(at)
        return acc_gyr[6:] + acc_gyr[:6] + bytes((ticks >> 8 & 0xFF, ticks >> 16, 0, ticks & 0xFF, 0, 0))

    def _switched(self, register):
        if register in (0x07, 0x08, 0x09, 0x0A):
            code = self.registers[0x10] >> 4
            r = self.registers
            self._fifo(r[0x07] == 0x80 and r[0x08] == 0x09 and r[0x09] == 0x08 and r[0x0A] == code << 3 | 6)

    def _status(self):
        words = self._unread()
        flags = 0x40 * self._overran | 0x10 * (not words)
        self._overran = False
        place = self._position % 9
        return (words & 0xFF, words >> 8 & 7 | flags, place, 0)


class PowerCut(Exception):
    """The power is gone in the middle of it."""


class FlashModel:
    """NOR flash of 4096-byte blocks: writing clears bits, erasing sets those of a block.

    `budget`: bytes that can still be written before the power is cut (an erase counts as one); None: no cut.
    `trace`: all that was done, (block, offset, bytes), bytes None for an erase; empty unless `is_traced`.
    """

    def __init__(self, blocks, data=None, is_traced=True):
        self.blocks = blocks
        self.data = bytearray(b"\xff" * (4096 * blocks)) if data is None else data
        self.budget = None
        self.trace = []
        self._is_traced = is_traced
        self.erases = [0] * blocks

    def ioctl(self, op, arg):
        if op == 4:
            return self.blocks
        if op == 5:
            return 4096
        if op == 6:
            if self._is_traced:
                self.trace.append((arg, 0, None))
            self.erases[arg] += 1
            if not self._pays(1):
                for k in range(arg * 4096, arg * 4096 + 1000):
                    self.data[k] = 0xFF
                raise PowerCut
            self.data[arg * 4096 : (arg + 1) * 4096] = b"\xff" * 4096
        return 0

    def readblocks(self, block, buf, offset=0):
        at = block * 4096 + offset
        assert offset + len(buf) <= 4096
        buf[:] = self.data[at : at + len(buf)]

    def writeblocks(self, block, buf, offset=0):
        assert offset + len(buf) <= 4096
        if self._is_traced:
            self.trace.append((block, offset, bytes(buf)))
        at, n = block * 4096 + offset, len(buf)
        done = n if self.budget is None else min(n, self.budget)
        if self.data[at : at + done] == b"\xff" * done:
            self.data[at : at + done] = buf[:done]
        else:
            for k in range(done):
                self.data[at + k] &= buf[k]
        if not self._pays(n):
            raise PowerCut

    def _pays(self, n):
        if self.budget is None:
            return True
        self.budget -= n
        return self.budget >= 0


class Radio:
    """Takes what is said, at most `room` packets until `drain`."""

    def __init__(self, room=1000000):
        self.room = room
        self.said = []
        self.refused = 0
        self._queued = 0

    def notify(self, number, buf):
        if self._queued >= self.room:
            self.refused += 1
            return False
        self._queued += 1
        self.said.append((number, bytes(buf)))
        return True

    def indicate(self, buf):
        return self.notify(3, buf)

    def drain(self, n=1000000):
        self._queued = max(0, self._queued - n)


class Board:
    """Battery and light."""

    def __init__(self):
        self.lights = []

    def battery(self):
        return 3900, 75, False

    def light(self, is_on):
        self.lights.append(is_on)
