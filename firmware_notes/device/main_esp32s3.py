"""Seeed XIAO ESP32S3 with an LSM6DSOX breakout, under MicroPython.

`main.py` on the board: `from device import main_esp32s3`, then `main_esp32s3.main()`. Wiring and partitions:
`firmware_notes/build_esp32s3.md`.
"""

import os
import sys
import time

import esp32
import machine

from device import app
from device.lsm6dsox import Lsm6dsox
from device.radio_mp import Radio

SDA, SCL, INT1, LED, BATTERY_ADC = 5, 6, 2, 21, 1
"""GPIO numbers: D4, D5, D1, the yellow light (lit when low), D0."""
ADDRESS = 0x6A
I2C_HZ = 400000
RING_SAMPLES = 26000
"""A minute at 416 Hz; 16 bytes each, in PSRAM."""
PARTITION = "ankle"
DIVIDER = 2
TOLD_S = 3
"""So long an error stands on the console before the restart, and Ctrl-C still gets the prompt."""


class Bus:
    """Registers of the motion sensor over I2C."""

    def __init__(self, i2c):
        self._i2c = i2c
        self._one = bytearray(1)

    def read(self, register, buf):
        """Read registers from this one on."""
        self._i2c.readfrom_mem_into(ADDRESS, register, buf)

    def write(self, register, value):
        """Write one register."""
        self._one[0] = value
        self._i2c.writeto_mem(ADDRESS, register, self._one)


class Board:
    """See `app`."""

    def __init__(self):
        self.device_id = int.from_bytes((b"\0\0" + machine.unique_id())[-8:], "big")
        self.boot_id = int.from_bytes(os.urandom(4), "little")
        found = esp32.Partition.find(esp32.Partition.TYPE_DATA, label=PARTITION)
        self.flash = found[0] if found else None
        self.bus = Bus(machine.I2C(0, scl=machine.Pin(SCL), sda=machine.Pin(SDA), freq=I2C_HZ))
        self._led = machine.Pin(LED, machine.Pin.OUT, value=1)
        self._adc = machine.ADC(machine.Pin(BATTERY_ADC), atten=machine.ADC.ATTN_11DB)
        self.zero()

    def zero(self):
        """Time begins now."""
        self._us, self._last = 0, time.ticks_us()

    def ticks(self):
        """Whole microseconds; the main loop asks often enough for the short counter below."""
        now = time.ticks_us()
        self._us += time.ticks_diff(now, self._last)
        self._last = now
        return self._us

    def raw_us(self):
        """The short counter, for handlers of events."""
        return time.ticks_us()

    def since_us(self, raw):
        """Time since a moment of the short counter."""
        return time.ticks_diff(time.ticks_us(), raw)

    def sleep_ms(self, n):
        """Let time pass."""
        time.sleep_ms(n)

    def battery(self):
        """From a divider of two equal resistors at D0; the board has none of its own."""
        mv = self._adc.read_uv() * DIVIDER // 1000
        return mv, app.percent_of(mv), False

    def light(self, is_on):
        """The yellow light."""
        self._led.value(not is_on)

    def rest(self):
        """Sleep until INT1 goes high; then the board boots."""
        esp32.wake_on_ext0(pin=machine.Pin(INT1, machine.Pin.IN), level=esp32.WAKEUP_ANY_HIGH)
        machine.deepsleep()


def main():
    """Run for ever; restart after whatever goes wrong. Ctrl-C, which `mpremote` sends, gives the prompt."""
    machine.freq(80000000)
    try:
        board = Board()
        app.run(board, Lsm6dsox(board.bus, board.ticks), Radio(app.name_of(board.device_id), board), RING_SAMPLES)
    except Exception as error:
        sys.print_exception(error)
        time.sleep(TOLD_S)
        machine.reset()
