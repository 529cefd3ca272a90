"""What the LSM6DSOX and the LSM6DS3TR-C have in common: registers, settings, clocks, sleep.

A driver is handed `bus` (`read(register, memoryview)`, `write(register, byte)`, register addresses go on by
themselves) and `ticks`, a function that gives the microcontroller's time in whole us. It gives samples to the
function that `read` is called with: `add(buffer, acc_at, gyr_at, imu_us)`.

Addresses and bits: data sheets of the two parts, as in ST's own drivers lsm6dsox-pid and lsm6ds3tr-c-pid;
`firmware_notes/imu.md` has them as a table.
"""

import struct

WHO_AM_I = 0x0F
CTRL1_XL, CTRL2_G, CTRL3_C, CTRL6_C, CTRL10_C = 0x10, 0x11, 0x12, 0x15, 0x19
OUT_TEMP = 0x20
FIFO_STATUS = 0x3A
TIMESTAMP, TIMESTAMP2 = 0x40, 0x42
TAP_CFG, WAKE_UP_THS, WAKE_UP_DUR, MD1_CFG = 0x58, 0x5B, 0x5C, 0x5E

BDU_IF_INC, SW_RESET = 0x44, 0x01
TIMESTAMP_EN = 0x20
RESET_TIMESTAMP = 0xAA
INTERRUPTS_ENABLE, INT1_WU = 0x80, 0x20
XL_LOW_POWER = 0x10
IDLE_XL = 0x20
"""26 Hz, 2 g: enough to feel a movement; with both sensors off the time stamp would stand still."""
WAKE_THS = 4
"""Of 64 parts of 2 g: 125 mg (own choice: picked up, not walked past)."""

RATES_HZ = (26, 52, 104, 208, 416, 833)
ODR = {26: 2, 52: 3, 104: 4, 208: 5, 416: 6, 833: 7}
ACC_FS = {2: 0, 4: 2, 8: 3, 16: 1}
GYR_FS = {143: 0x02, 287: 0x00, 573: 0x04, 1147: 0x08, 2294: 0x0C}
"""By the true full scale of 32768 counts: 4.375, 8.75, 17.5, 35 and 70 mdps each. Their names are 125 to 2000."""
TICK_US = 25
_RESET_READS = 200


class ImuError(Exception):
    """The motion sensor is not what it should be, or does not answer."""


class Ticks:
    """Whole microseconds from a counter of few bits, which goes on at zero or is set back to it."""

    def __init__(self, bits):
        self._mask, self._half = (1 << bits) - 1, 1 << (bits - 1)
        self.reset()

    def reset(self):
        """The counter is at zero, and so is time."""
        self._last = self._whole = 0
        self._cut = None

    def whole(self, raw):
        """Time of a counter value; it lies within half a turn of the last one."""
        passed = ((raw - self._last + self._half) & self._mask) - self._half
        whole = self._whole + passed
        if self._cut is not None and raw < self._half:
            whole -= self._cut  # counted from the reset, no longer from the wrap
            self._cut = None
        self._last, self._whole = raw, whole
        return whole * TICK_US

    def set_back(self, ticks_since):
        """The counter was set to zero, `ticks_since` the value that was last read; older values may still come."""
        self._cut = self._mask + 1 - self._last - ticks_since


class Lsm6:
    """Base of the two drivers."""

    rates = RATES_HZ[:5]
    acc_ranges = (2, 4, 8, 16)
    gyr_ranges = (125, 250, 500, 1000, 2000)
    gyr_scales = (143, 287, 573, 1147, 2294)
    chip = 0
    stamp_bits = 32
    reset_from = 1 << 32
    wake_dur = 0

    def __init__(self, bus, ticks):
        self._bus, self._mcu = bus, ticks
        self._small = memoryview(bytearray(4))
        self._ticks = Ticks(self.stamp_bits)
        self._has_overrun = False
        self.rate_hz = 104
        self.torn = 0

    def begin(self):
        """Reset it and set its clock to zero; do the same with the microcontroller's at this moment.

        Raises `ImuError` when another part, or none, is there.
        """
        found = self._read8(WHO_AM_I)
        if found != self.chip:
            raise ImuError("WHO_AM_I is 0x%02x, expected 0x%02x: check part and wiring" % (found, self.chip))
        self._bus.write(CTRL3_C, SW_RESET)
        for _ in range(_RESET_READS):
            if not self._read8(CTRL3_C) & SW_RESET:
                break
        else:
            raise ImuError("the motion sensor does not come out of reset")
        self._bus.write(CTRL3_C, BDU_IF_INC)
        self._bus.write(CTRL10_C, TIMESTAMP_EN)
        self._bus.write(WAKE_UP_DUR, self.wake_dur)
        self.idle()
        self._bus.write(TIMESTAMP2, RESET_TIMESTAMP)
        self._ticks.reset()

    def start(self, rate_hz, acc_g, gyr_dps):
        """Make samples into an empty FIFO."""
        self.rate_hz = rate_hz
        self._fifo_off()
        self._bus.write(CTRL6_C, 0)
        self._bus.write(CTRL1_XL, ODR[rate_hz] << 4 | ACC_FS[acc_g] << 2)
        self._bus.write(CTRL2_G, ODR[rate_hz] << 4 | GYR_FS[gyr_dps])
        self._fifo_on(ODR[rate_hz])

    def idle(self):
        """Make no samples, but feel movements."""
        self._fifo_off()
        self._bus.write(CTRL2_G, 0)
        self._bus.write(CTRL6_C, XL_LOW_POWER)
        self._bus.write(CTRL1_XL, IDLE_XL)

    def sleep(self):
        """Pull pin INT1 high at the next movement."""
        self.idle()
        self._bus.write(WAKE_UP_THS, WAKE_THS)
        self._bus.write(WAKE_UP_DUR, self.wake_dur)
        self._bus.write(TAP_CFG, INTERRUPTS_ENABLE)
        self._bus.write(MD1_CFG, INT1_WU)

    def clocks(self):
        """(motion sensor's time, microcontroller's time) of one moment, us. Call it at least once a minute."""
        before = self._mcu()
        self._bus.read(TIMESTAMP, self._small)
        after = self._mcu()
        raw = struct.unpack("<I", self._small)[0] & ((1 << self.stamp_bits) - 1)
        imu_us, mcu_us = self._ticks.whole(raw), (before + after) // 2
        if raw >= self.reset_from:
            self._bus.write(TIMESTAMP2, RESET_TIMESTAMP)
            self._ticks.set_back((self._mcu() - mcu_us) // TICK_US)
        return imu_us, mcu_us

    def temperature(self):
        """Of the die, 0.01 degrees C."""
        self._bus.read(OUT_TEMP, self._small[:2])
        return 2500 + struct.unpack("<h", self._small[:2])[0] * 100 // 256

    def take_overrun(self):
        """Whether the FIFO ran over since the last call."""
        had, self._has_overrun = self._has_overrun, False
        return had

    def _read8(self, register):
        self._bus.read(register, self._small[:1])
        return self._small[0]
