"""The last samples in RAM, each with its stamp, and the runs that they were made in."""

import struct
from array import array

from device import wire

MOST_RUNS = 24
"""Runs that are remembered; with a change of settings every second still more than the ring of a small board."""
_FIRST, _STOP, _EPOCH, _FLAGS = 0, 1, 2, 3


class Ring:
    """Samples by index. Indices are whole; runs are without holes, between them may be samples that were lost.

    `size`: samples; 16 bytes of RAM each. `made`: index of the next sample.
    """

    def __init__(self, size):
        self.size = size
        self.made = 0
        self._counts = memoryview(bytearray(size * wire.SAMPLE_BYTES))
        self._stamps = array("I", bytes(4 * size))
        self._runs = []
        self._forms = {}

    def begin(self, first, epoch, flags):
        """A run begins with sample `first`; flags are true of that sample."""
        runs = self._runs
        if runs and runs[-1][_FIRST] == runs[-1][_STOP]:
            runs.pop()  # nothing was made in it
        if len(runs) == MOST_RUNS:
            runs.pop(0)
        runs.append([first, first, epoch, flags])
        self.made = first

    def add(self, source, acc_at, gyr_at, stamp):
        """Keep the next sample: 6 bytes each of acceleration and angular rate out of a memoryview."""
        slot = self.made % self.size
        self._stamps[slot] = stamp & 0xFFFFFFFF
        at = slot * 12
        counts = self._counts
        counts[at : at + 6] = source[acc_at : acc_at + 6]
        counts[at + 6 : at + 12] = source[gyr_at : gyr_at + 6]
        self.made += 1
        self._runs[-1][_STOP] = self.made

    def oldest(self):
        """Index of the first sample that is still here; `made` when there is none."""
        return self.next_kept(0)

    def next_kept(self, index):
        """Index of the first sample from `index` on that is here; `made` when there is none."""
        low = self.made - self.size
        for run in self._runs:
            found = max(run[_FIRST], low, index)
            if found < run[_STOP]:
                return found
        return self.made

    def run_end(self, index):
        """One past the last sample that was made in one run with this one."""
        return self._run(index)[_STOP]

    def is_ended(self, index):
        """Whether the run of this sample is over."""
        return self._run(index) is not self._runs[-1]

    def epoch(self, index):
        """Settings that this sample was made with."""
        return self._run(index)[_EPOCH]

    def count(self, first, stop):
        """Samples of [first, stop) that are here."""
        low, n = max(first, self.made - self.size), 0
        for run in self._runs:
            n += max(0, min(stop, run[_STOP]) - max(low, run[_FIRST]))
        return n

    def stamp(self, index):
        """Low 32 bits of the time of a sample, us."""
        return self._stamps[index % self.size]

    def copy(self, out, at, first, n):
        """Copy samples into a memoryview; gives their flags."""
        slot = first % self.size
        head = min(n, self.size - slot)
        end = at + 12 * n
        out[at : at + 12 * head] = self._counts[12 * slot : 12 * (slot + head)]
        if head < n:
            out[at + 12 * head : end] = self._counts[0 : 12 * (n - head)]
        run = self._run(first)
        return self._clipped(out, at, n) | (run[_FLAGS] if first == run[_FIRST] else 0)

    def _clipped(self, out, at, n):
        form = self._forms.get(n)
        if form is None:
            form = self._forms[n] = "<%dh" % (6 * n)
        values = struct.unpack_from(form, out, at)
        if max(values) < 32767 and min(values) > -32768:
            return 0
        flags = 0
        for k in range(6 * n):
            if not -32768 < values[k] < 32767:
                flags |= wire.CLIP_ACC if k % 6 < 3 else wire.CLIP_GYR
        return flags

    def _run(self, index):
        runs = self._runs
        k = len(runs) - 1
        while k and runs[k][_FIRST] > index:
            k -= 1
        return runs[k]
