"""Logs in flash: pages in a ring of erase blocks, so that the flash wears evenly. Nothing is overwritten.

A page is made in RAM and written at once, so a power cut costs at most the page in the making. Blocks 0 and 1 hold
the ids that were given away; every other block is one page. A page counts only when its CRC holds: see `mount`.

`flash` is what MicroPython calls an extended block device, of 4096-byte blocks: `readblocks(n, buf, offset)`,
`writeblocks(n, buf, offset)` (bits go from 1 to 0 only) and `ioctl(4, 0)` (blocks), `ioctl(6, n)` (erase).
"""

import binascii
import struct
from array import array

from device import wire

MOST_LOGS = 200
FIRST_SLOT = 2
_DELETED = 0
"""What stands in place of the magic number of a page of a deleted log."""
_ENTRY = "<III"
_ENTRY_BYTES = 12
_ENTRIES = wire.PAGE_BYTES // _ENTRY_BYTES


class Full(Exception):
    """No room for a log."""


class Log:
    """One log: `key` in `owner`, where it starts, how many pages and samples."""

    def __init__(self, key, log_id, boot_id, started_s, start):
        self.key, self.log_id, self.boot_id = key, log_id, boot_id
        self.started_s, self.start = started_s, start
        self.pages = self.n = 0


class RingLog:
    """All logs of a flash, oldest first in `logs`; `running` is the one that goes on, or None."""

    def __init__(self, flash):
        self._flash = flash
        self.slots = flash.ioctl(4, 0)
        self.bytes = max(0, self.slots - FIRST_SLOT) * wire.PAGE_BYTES
        self.logs = []
        self.running = None
        self.page_first = 0
        self._owner = bytearray(self.slots)
        self._first = array("I", bytes(4 * self.slots))
        self._n = array("H", bytes(2 * self.slots))
        self._page = memoryview(bytearray(wire.PAGE_BYTES))
        self._read = memoryview(bytearray(wire.PAGE_BYTES))
        self._read_slot = -1
        self._used = self._page_n = 0
        self._head = FIRST_SLOT
        self._erased = -1
        self._id_block = self._id_at = self._last_id = 0
        self._cursor = (0, 0, 0)

    # What is there

    def mount(self):
        """Find the logs. What a power cut left half written does not count, whatever it looks like."""
        self._mount_ids()
        page = array("H", bytes(2 * self.slots))
        known = {}
        head = memoryview(bytearray(wire.PAGE_HEAD))
        newest = (0, 0)
        for slot in range(FIRST_SLOT, self.slots):
            self._flash.readblocks(slot, head, 0)
            told = struct.unpack(wire.PAGE_FORM, head)
            if told[0] not in (wire.MAGIC, _DELETED):
                continue
            if newest < told[5:7] and told[5] <= self._last_id:
                newest, self._head = told[5:7], self._after(slot)
            if told[0] == _DELETED:
                continue
            found = self._load(slot)
            if found is None:
                continue
            log_id, page[slot], boot_id, self._first[slot], started_s, self._n[slot] = found
            if log_id not in known and len(known) < MOST_LOGS:
                known[log_id] = Log(len(known) + 1, log_id, boot_id, started_s, slot)
            if log_id in known:
                log = known[log_id]
                self._owner[slot] = log.key
                if page[slot] < page[log.start]:
                    log.start = slot
        for log_id in sorted(known):
            if self._count(known[log_id], page):
                self.logs.append(known[log_id])
                self._last_id = max(self._last_id, log_id)

    def _count(self, log, page):
        """Count the pages of a log, in the order in which they were written."""
        slot, last = log.start, -1
        for _ in range(self._room()):
            if self._owner[slot] == log.key:
                if page[slot] > last:
                    last = page[slot]
                    log.pages += 1
                    log.n += self._n[slot]
                else:
                    self._owner[slot] = 0
            slot = self._after(slot)
        return log.pages

    def _load(self, slot):
        """Read a page; gives what its head says and its samples, None when it is not whole."""
        self._read_slot = -1
        page = self._read
        self._flash.readblocks(slot, page, 0)
        head = struct.unpack_from(wire.PAGE_FORM, page, 0)
        if head[0] != wire.MAGIC or head[2] != wire.VERSION or head[4] > wire.PAGE_BYTES - wire.PAGE_HEAD:
            return None
        if binascii.crc32(page[wire.CRC_FROM :]) & 0xFFFFFFFF != head[1]:
            return None
        at, n, stop = wire.PAGE_HEAD, 0, wire.PAGE_HEAD + head[4]
        while at < stop:
            if page[at + 1] == wire.SAMPLES:
                n += page[at + 13]
            at += 1 + page[at]
        self._read_slot = slot
        return head[5], head[6], head[7], head[8], head[10], n

    def _mount_ids(self):
        entry = memoryview(bytearray(_ENTRY_BYTES))
        for block in range(min(FIRST_SLOT, self.slots)):
            for k in range(_ENTRIES):
                self._flash.readblocks(block, entry, k * _ENTRY_BYTES)
                log_id, slot, check = struct.unpack(_ENTRY, entry)
                if log_id == slot == check == 0xFFFFFFFF:
                    break
                is_good = check == binascii.crc32(entry[:8]) & 0xFFFFFFFF and slot < self.slots
                if is_good and log_id > self._last_id:
                    self._last_id, self._head = log_id, slot
                    self._id_block, self._id_at = block, k + 1
                elif block == self._id_block:
                    self._id_at = max(self._id_at, k + 1)

    def used_pct(self):
        """Share of the flash in use."""
        return 100 * sum([log.pages for log in self.logs]) // max(1, self._room())

    def find(self, log_id):
        """The log with this id, or None."""
        for log in self.logs:
            if log.log_id == log_id:
                return log
        return None

    # Writing

    def begin(self, boot_id, started_s):
        """Start a log. Raises `Full`."""
        slot = self._free_from(self._head, -1)
        if slot < 0 or len(self.logs) >= MOST_LOGS:
            raise Full
        taken = [log.key for log in self.logs]
        key = 1
        while key in taken:
            key += 1
        self._last_id += 1
        self._give_id(self._last_id, slot)
        self._head = slot
        self.running = Log(key, self._last_id, boot_id, started_s, slot)
        self.logs.append(self.running)
        self._used = 0
        return self.running

    def open_page(self, epoch, first, t_us, config):
        """Begin a page whose first sample is `first`."""
        log, page = self.running, self._page
        struct.pack_into(
            wire.PAGE_FORM,
            page,
            0,
            wire.MAGIC,
            0,
            wire.VERSION,
            epoch,
            0,
            log.log_id,
            log.pages,
            log.boot_id,
            first & 0xFFFFFFFF,
            t_us,
            log.started_s,
            *config,
        )
        self._used, self._page_n, self.page_first = wire.PAGE_HEAD, 0, first

    def is_page_open(self):
        """Whether a page is in the making."""
        return self._used > 0

    def room(self):
        """Bytes that a packet may have to fit into the page in the making."""
        return wire.PAGE_BYTES - self._used - 1

    def record(self, packet, n_bytes, n):
        """Put a packet of `n` samples into the page."""
        page, at = self._page, self._used
        page[at] = n_bytes
        page[at + 1 : at + 1 + n_bytes] = packet[:n_bytes]
        self._used = at + 1 + n_bytes
        self._page_n += n

    def close_page(self):
        """Write the page. When there is no block for it, the log ends and the page is lost: `running` is None."""
        page, log, used = self._page, self.running, self._used
        self._used = 0
        slot = self._free_from(self._head, log.start if log.pages else -1)
        if slot < 0:
            self._end_if_empty()
            return
        page[used:] = b"\xff" * (wire.PAGE_BYTES - used)
        struct.pack_into("<H", page, 10, used - wire.PAGE_HEAD)
        struct.pack_into("<I", page, 4, binascii.crc32(page[wire.CRC_FROM :]) & 0xFFFFFFFF)
        if slot != self._erased:
            self._flash.ioctl(6, slot)
        self._erased = -1
        if self._read_slot == slot:
            self._read_slot = -1
        self._flash.writeblocks(slot, page, 0)
        self._owner[slot], self._first[slot], self._n[slot] = log.key, self.page_first & 0xFFFFFFFF, self._page_n
        if not log.pages:
            log.start = slot
        log.pages += 1
        log.n += self._page_n
        self._head = self._after(slot)
        if self._free_from(self._head, log.start) < 0:
            self._end_if_empty()

    def tend(self):
        """Erase the next block ahead of time, when there is time."""
        if self.running and self._erased < 0:
            slot = self._free_from(self._head, self.running.start if self.running.pages else -1)
            if slot >= 0:
                self._flash.ioctl(6, slot)
                self._erased = slot

    def end(self):
        """End the running log, with the page in the making."""
        log = self.running
        if self._used:
            self.close_page()
        self._end_if_empty()
        return log

    def delete(self, log):
        """Forget a log, its last page first, so that a power cut leaves a shorter log and not a torn one."""
        slots, slot = array("H"), log.start
        while len(slots) < log.pages:
            if self._owner[slot] == log.key:
                slots.append(slot)
            slot = self._after(slot)
        for k in range(log.pages - 1, -1, -1):
            self._flash.writeblocks(slots[k], b"\0\0\0\0", 0)
            self._owner[slots[k]] = 0
        self._cursor = (0, 0, 0)
        self._read_slot = -1
        self.logs.remove(log)

    def _end_if_empty(self):
        log, self.running = self.running, None
        if log and not log.pages:
            self.logs.remove(log)

    def _give_id(self, log_id, slot):
        if self._id_at >= _ENTRIES or (self._last_id == 1 and self._id_at == 0):
            self._id_block = 1 - self._id_block if self._id_at else 0
            self._id_at = 0
            self._flash.ioctl(6, self._id_block)
        entry = struct.pack("<II", log_id, slot)
        entry += struct.pack("<I", binascii.crc32(entry) & 0xFFFFFFFF)
        self._flash.writeblocks(self._id_block, entry, self._id_at * _ENTRY_BYTES)
        self._id_at += 1

    # Reading

    def slot_of(self, log, page):
        """Block that holds this page of a log."""
        key, at, slot = self._cursor
        if key != log.key or at > page:
            at, slot = 0, log.start
        while True:
            if self._owner[slot] == log.key:
                if at == page:
                    self._cursor = (log.key, page, slot)
                    return slot
                at += 1
            slot = self._after(slot)

    def read_into(self, log, offset, out):
        """Bytes of a log from `offset` on into a memoryview; gives how many, up to the end of a page."""
        n = min(len(out), wire.PAGE_BYTES - offset % wire.PAGE_BYTES)
        self._flash.readblocks(self.slot_of(log, offset // wire.PAGE_BYTES), out[:n], offset % wire.PAGE_BYTES)
        return n

    def count(self, boot_id, first, stop):
        """Samples of [first, stop) of this boot that are in flash."""
        n, keys = 0, self._keys(boot_id)
        for slot in range(FIRST_SLOT, self.slots):
            if self._owner[slot] in keys:
                begin = self._first[slot]
                n += max(0, min(stop, begin + self._n[slot]) - max(first, begin))
        return n

    def page_with(self, boot_id, index):
        """(first, stop, page) of the samples of this boot in flash that hold `index`, or follow it; or None."""
        keys, best = self._keys(boot_id), self._read_slot
        if best < 0 or self._owner[best] not in keys or not 0 <= index - self._first[best] < self._n[best]:
            best = -1
            for slot in range(FIRST_SLOT, self.slots):
                if self._owner[slot] in keys and self._first[slot] + self._n[slot] > index:
                    if best < 0 or self._first[slot] < self._first[best]:
                        best = slot
        if best < 0:
            return None
        if best != self._read_slot and self._load(best) is None:
            return None
        return self._first[best], self._first[best] + self._n[best], self._read

    def _keys(self, boot_id):
        return [log.key for log in self.logs if log.boot_id == boot_id]

    # Blocks

    def _room(self):
        return self.slots - FIRST_SLOT

    def _after(self, slot):
        return slot + 1 if slot + 1 < self.slots else FIRST_SLOT

    def _free_from(self, slot, stop):
        """The first free block from `slot` on, not beyond `stop`; -1 when there is none."""
        slot = max(slot, FIRST_SLOT)
        for _ in range(self._room()):
            if slot == stop:
                return -1
            if not self._owner[slot]:
                return slot
            slot = self._after(slot)
        return -1
