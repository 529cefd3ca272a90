"""LSM6DS3TR-C: FIFO of 16-bit words without tags, time stamps of 24 bits.

Nine words make a sample: angular rate, acceleration, and the fourth data set, the stamp, whose bytes are ts[15:8]
ts[23:16] - ts[7:0] (as the Linux driver st_lsm6dsx reads it). The counter is set back well before its end:
whether it would go on or stand still there, the documents that we know do not agree.
"""

from device import lsm6

FIFO_CTRL2, FIFO_CTRL3, FIFO_CTRL4, FIFO_CTRL5 = 0x07, 0x08, 0x09, 0x0A
FIFO_DATA_OUT = 0x3E
STAMP_TO_FIFO, EVERY_XL_G, EVERY_DS4, CONTINUOUS = 0x80, 0x09, 0x08, 0x06
OVER_RUN = 0x40
TIMER_HR = 0x10
WORDS = 9
SAMPLE = 18
_SAMPLES = 32


class Lsm6ds3trc(lsm6.Lsm6):
    """See `lsm6.Lsm6`."""

    chip = 0x6A
    stamp_bits = 24
    reset_from = 0xF00000
    wake_dur = TIMER_HR

    def __init__(self, bus, ticks):
        super().__init__(bus, ticks)
        self._buf = memoryview(bytearray(_SAMPLES * SAMPLE))

    def read(self, add):
        """Empty the FIFO; gives the number of samples."""
        small = self._small
        self._bus.read(lsm6.FIFO_STATUS, small)
        words = small[0] | (small[1] & 7) << 8
        if small[1] & OVER_RUN:
            self._has_overrun = True
        place = (small[2] | (small[3] & 3) << 8) % WORDS
        if place and words >= WORDS - place:
            self.torn += 1
            self._bus.read(FIFO_DATA_OUT, self._buf[: 2 * (WORDS - place)])
            words -= WORDS - place
        samples = words // WORDS
        n = 0
        while n < samples:
            take = min(samples - n, _SAMPLES)
            buf, whole = self._buf, self._ticks.whole
            self._bus.read(FIFO_DATA_OUT, buf[: take * SAMPLE])
            for at in range(0, take * SAMPLE, SAMPLE):
                raw = buf[at + 12] << 8 | buf[at + 13] << 16 | buf[at + 15]
                add(buf, at + 6, at, whole(raw))
            n += take
        return n

    def _fifo_on(self, odr):
        self._bus.write(FIFO_CTRL2, STAMP_TO_FIFO)
        self._bus.write(FIFO_CTRL3, EVERY_XL_G)
        self._bus.write(FIFO_CTRL4, EVERY_DS4)
        self._bus.write(FIFO_CTRL5, odr << 3 | CONTINUOUS)

    def _fifo_off(self):
        self._bus.write(FIFO_CTRL5, 0)
