"""Seeed XIAO nRF52840 Sense (LSM6DS3TR-C on board), under CircuitPython.

`code.py` on the board: `from device import main_xiao_sense`, then `main_xiao_sense.main()`. See
`firmware_notes/build_xiao_sense.md`.
"""

import os
import time
import traceback

import _bleio
import alarm
import analogio
import board as pins
import busio
import digitalio
import microcontroller

from device import app
from device.lsm6ds3trc import Lsm6ds3trc
from device.radio_cp import Radio

ADDRESS = 0x6A
I2C_HZ = 400000
RING_SAMPLES = 4200
"""10 s at 416 Hz; 16 bytes each. CircuitPython gives no way to the flash, so this is all that a replay reaches."""
POWER_UP_S = 0.01
"""The motion sensor wants 3 ms after its supply comes."""
DIVIDER = 1510 / 510
"""Of the resistors 1 MOhm and 510 kOhm in front of the ADC."""
TOLD_S = 3
"""So long an error stands on the console before the restart, and Ctrl-C still gets the prompt."""


class Bus:
    """Registers of the motion sensor over I2C."""

    def __init__(self, i2c):
        self._i2c = i2c
        while not i2c.try_lock():
            pass
        self._register, self._pair = bytearray(1), bytearray(2)

    def read(self, register, buf):
        """Read registers from this one on."""
        self._register[0] = register
        self._i2c.writeto_then_readfrom(ADDRESS, self._register, buf)

    def write(self, register, value):
        """Write one register."""
        self._pair[0], self._pair[1] = register, value
        self._i2c.writeto(ADDRESS, self._pair)


class Board:
    """See `app`."""

    flash = None

    def __init__(self):
        self.device_id = int.from_bytes(microcontroller.cpu.uid[:8], "big")
        self.boot_id = int.from_bytes(os.urandom(4), "little")
        self._power = digitalio.DigitalInOut(pins.IMU_PWR)
        self._power.switch_to_output(True)
        time.sleep(POWER_UP_S)
        self.bus = Bus(busio.I2C(pins.IMU_SCL, pins.IMU_SDA, frequency=I2C_HZ))
        self._led = digitalio.DigitalInOut(pins.LED_BLUE)
        self._led.switch_to_output(True)
        self._measure = digitalio.DigitalInOut(pins.READ_BATT_ENABLE)
        self._measure.switch_to_output(False)  # never high: the ADC pin would see the whole battery while charging
        self._adc = analogio.AnalogIn(pins.VBATT)
        self._charging = digitalio.DigitalInOut(pins.CHARGE_STATUS)
        self.zero()

    def zero(self):
        """Time begins now."""
        self._began = time.monotonic_ns()

    def ticks(self):
        """Whole microseconds."""
        return (time.monotonic_ns() - self._began) // 1000

    def sleep_ms(self, n):
        """Let time pass."""
        time.sleep(n / 1000)

    def battery(self):
        """From the divider on the board."""
        mv = int(self._adc.value * self._adc.reference_voltage * 1000 * DIVIDER) // 65536
        return mv, app.percent_of(mv), not self._charging.value

    def light(self, is_on):
        """The blue light, lit when low."""
        self._led.value = not is_on

    def rest(self):
        """Sleep off the air until the motion sensor's INT1 goes high; then boot.

        A light sleep: before a deep one all pins are let go, and with `IMU_PWR` the motion sensor that should wake
        the board; `preserve_dios`, which would keep it, is not implemented for the nRF52840.
        """
        _bleio.adapter.enabled = False
        alarm.light_sleep_until_alarms(alarm.pin.PinAlarm(pin=pins.IMU_INT1, value=True))
        microcontroller.reset()


def main():
    """Run for ever; restart after whatever goes wrong. Ctrl-C gives the prompt."""
    try:
        board = Board()
        app.run(
            board, Lsm6ds3trc(board.bus, board.ticks), Radio(app.name_of(board.device_id), board), RING_SAMPLES
        )
    except Exception as error:
        traceback.print_exception(error)
        time.sleep(TOLD_S)
        microcontroller.reset()
