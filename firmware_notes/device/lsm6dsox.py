"""LSM6DSOX (and LSM6DSO): FIFO of 7-byte words with a tag, time stamps of 32 bits.

A time slot of the FIFO is three words: angular rate, acceleration, stamp. Which words belong together the tag's
counter tells, so their order does not matter.
"""

from device import lsm6

FIFO_CTRL3, FIFO_CTRL4 = 0x09, 0x0A
FIFO_DATA_OUT_TAG = 0x78
DEC_TS_1, CONTINUOUS = 0x40, 0x06
OVERRUN_BITS = 0x48
TAG_GYR, TAG_ACC, TAG_STAMP = 1, 2, 4
WORD = 7
SLOT = 3
_WORDS = 32 * SLOT


class Lsm6dsox(lsm6.Lsm6):
    """See `lsm6.Lsm6`."""

    chip = 0x6C

    def __init__(self, bus, ticks):
        super().__init__(bus, ticks)
        self._buf = memoryview(bytearray((_WORDS + SLOT) * WORD))
        self._kept = 0

    def read(self, add):
        """Empty the FIFO; gives the number of samples."""
        self._bus.read(lsm6.FIFO_STATUS, self._small[:2])
        words = self._small[0] | (self._small[1] & 3) << 8
        if self._small[1] & OVERRUN_BITS:
            self._has_overrun = True
        n = 0
        while words:
            take = min(words, _WORDS)
            start = self._kept * WORD
            self._bus.read(FIFO_DATA_OUT_TAG, self._buf[start : start + take * WORD])
            n += self._slots(self._kept + take, add)
            words -= take
        return n

    def _slots(self, words, add):
        """Give away whole time slots; what is left of the last one is kept for the next time."""
        buf, whole, n = self._buf, self._ticks.whole, 0
        at, stop = 0, words * WORD
        while at + SLOT * WORD <= stop:
            acc = gyr = stamp = -1
            counter, word = buf[at] & 6, at
            while word < at + SLOT * WORD and buf[word] & 6 == counter:
                tag = buf[word] >> 3
                if tag == TAG_GYR:
                    gyr = word + 1
                elif tag == TAG_ACC:
                    acc = word + 1
                elif tag == TAG_STAMP:
                    stamp = word + 1
                word += WORD
            if acc < 0 or gyr < 0 or stamp < 0:
                self.torn += 1
                at += WORD
                continue
            raw = buf[stamp] | buf[stamp + 1] << 8 | buf[stamp + 2] << 16 | buf[stamp + 3] << 24
            add(buf, acc, gyr, whole(raw))
            n += 1
            at += SLOT * WORD
        self._kept = (stop - at) // WORD
        if self._kept:
            buf[: stop - at] = bytes(buf[at:stop])
        return n

    def _fifo_on(self, odr):
        self._bus.write(FIFO_CTRL3, odr << 4 | odr)
        self._bus.write(FIFO_CTRL4, DEC_TS_1 | CONTINUOUS)

    def _fifo_off(self):
        self._bus.write(FIFO_CTRL4, 0)
        self._kept = 0
