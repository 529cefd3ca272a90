"""What a sensor says by itself over one connection: live packets, clocks, answers, replays, pieces of a log.

`radio` is an adapter: `notify(number, buf) -> bool` and `indicate(buf) -> bool`; False means that its queue is
full, and then the packet stays here and is tried again. Live samples go first; replays and pieces go between.
"""

import binascii
import struct

from device import wire

MOST_EXTRA = 4
"""Replayed packets and pieces in one turn, so that live ones find room (own choice: at a turn of 20 ms, 200 a
second, half of what 6 packets in each 15 ms event carry)."""
SECOND_US = 1000000


class Sender:
    """Silent until `start`; `connect` begins anew."""

    def __init__(self, radio, ring, log, boot_id):
        self._radio, self._ring, self._log, self._boot_id = radio, ring, log, boot_id
        self._out = memoryview(bytearray(wire.HEAD_BYTES + 255 * wire.SAMPLE_BYTES))
        self._piece = memoryview(bytearray(512))
        self._clock = bytearray(wire.CLOCK_BYTES)
        self.dropped = 0
        self.connect(23)

    def connect(self, mtu):
        """Another connection: nothing is due."""
        self.is_streaming = self.is_spoken_to = False
        self.next = self._seq = 0
        self._answers = []
        self._is_clock_due = False
        self._next_clock = 0
        self._replay = None
        self._fetch = None
        self._last_answer = None
        self.set_mtu(mtu)

    def set_mtu(self, mtu):
        """The size of packets from now on."""
        self.mtu = mtu
        self.room = wire.room_of(mtu)

    @property
    def is_fetching(self):
        """Whether pieces of a log still wait."""
        return self._fetch is not None

    def start(self, now, clock):
        """Stream from the next sample on, after a clock packet."""
        self.is_streaming = self.is_spoken_to = True
        self._last_answer = None
        self.next = self._ring.made
        self._next_clock = now + SECOND_US
        self._put_clock(clock)

    def stop(self, clock, answer):
        """Send what is left, a clock packet, then the answer."""
        if self.is_streaming:
            self._last_answer = (answer, self._ring.made)
            self._stop_clock = clock
        else:
            self.answer(answer)

    def answer(self, payload):
        """Indicate this on Control as soon as the radio takes it."""
        self._answers.append(payload)

    def replay(self, ref, first, stop):
        """Repeat samples [first, stop), then say that it is done."""
        if self._replay:
            self.answer(wire.pack_replay_end(self._replay[2], self._replay[3]))
        self._replay = [first, stop, ref, 0]

    def fetch(self, ref, log, offset, length):
        """Send a range of a log in pieces, then the end."""
        self._fetch = [ref, log, offset, offset + length, 0, length]

    def pump(self, now, clock, imu_now, batch_us, has_time):
        """Send all that is due and that the radio takes; replays and pieces only when it `has_time`.

        `clock`: (imu_us, mcu_us, index, epoch), the last that was read; `imu_now`: the motion sensor's clock
        about now.
        """
        if self.is_streaming and now >= self._next_clock:
            self._next_clock = max(self._next_clock + SECOND_US, now)
            self._put_clock(clock)
        if self._is_clock_due:
            if not self._radio.notify(wire.DATA, self._clock):
                return
            self._is_clock_due = False
        if self.is_streaming and not self._live(imu_now, batch_us):
            return
        if self._last_answer and not self._is_clock_due:
            self._put_clock(self._stop_clock)
            self.answer(self._last_answer[0])
            self._last_answer, self.is_streaming = None, False
            if not self._radio.notify(wire.DATA, self._clock):
                return
            self._is_clock_due = False
        while self._answers:
            if not self._radio.indicate(self._answers[0]):
                break
            self._answers.pop(0)
        for _ in range(MOST_EXTRA if has_time else 0):
            if not (self._repeat() if self._replay else self._fetch and self._send_piece()):
                break

    def flush_to(self, index):
        """Whether all samples before `index` that should be streamed are with the radio, or are gone."""
        return not self.is_streaming or self.next >= index

    def _put_clock(self, clock):
        imu_us, mcu_us, index, epoch = clock
        wire.pack_clock(self._clock, 0, epoch, self._boot_id, index, imu_us, mcu_us)
        self._is_clock_due = True

    def _live(self, imu_now, batch_us):
        """Send packets that are due; False when the radio is full."""
        ring = self._ring
        stop = self._last_answer[1] if self._last_answer else ring.made
        while self.next < stop:
            first = ring.next_kept(self.next)
            if first > self.next:
                low = ring.made - ring.size
                if self.next < low:
                    self.dropped += min(first, low) - self.next
                self.next = first
                continue
            end = min(ring.run_end(first), stop)
            n = min(end - first, max(self.room, 1))
            is_due = n >= self.room or self._last_answer or ring.is_ended(first)
            if not is_due and not (batch_us and _passed(imu_now, ring.stamp(first)) >= batch_us):
                break
            if not self._send(first, n, 0):
                return False
            self.next = first + n
        return True

    def _send(self, first, n, flags):
        """Notify samples out of the ring."""
        ring, out = self._ring, self._out
        if not self.room:
            flags |= ring.copy(out, wire.COMPACT_HEAD, first, 1)
            wire.pack_compact(out, ring.epoch(first), first, ring.stamp(first), flags)
            return self._radio.notify(wire.DATA, out[: wire.COMPACT_HEAD + wire.SAMPLE_BYTES])
        flags |= ring.copy(out, wire.HEAD_BYTES, first, n)
        wire.pack_head(out, ring.epoch(first), self._seq, first, ring.stamp(first), n, flags)
        if not self._radio.notify(wire.DATA, out[: wire.HEAD_BYTES + wire.SAMPLE_BYTES * n]):
            return False
        self._seq += 1
        return True

    # Again

    def _repeat(self):
        """One packet of a replay, from the ring or the log; False when the radio is full."""
        job = self._replay
        first, stop = job[0], job[1]
        kept = self._ring.next_kept(first)
        if first < stop and kept > first:
            found = self._log.page_with(self._boot_id, first) if self._log else None
            if found and found[0] < min(kept, stop):
                return self._repeat_page(job, found)
        if first >= stop or kept >= stop:
            self.answer(wire.pack_replay_end(job[2], job[3]))
            self._replay = None
            return True
        n = min(self._ring.run_end(kept) - kept, stop - kept, max(self.room, 1))
        if not self._send(kept, n, wire.REPLAYED):
            return False
        job[0], job[3] = kept + n, job[3] + n
        return True

    def _repeat_page(self, job, found):
        """One packet out of a page of the log."""
        begin, _, page = found
        first = max(job[0], begin)
        at = wire.PAGE_HEAD
        while True:  # the record that holds `first`; the page has it
            if page[at + 1] == wire.SAMPLES:
                _, epoch, _, index, t_us, n, flags = struct.unpack_from(wire.HEAD_FORM, page, at + 1)
                if index + n > first:
                    break
            at += 1 + page[at]
        skip = first - index
        take = min(n - skip, job[1] - first, max(self.room, 1))
        if skip:
            flags &= ~(wire.TIME_JUMP | wire.OVERRUN)
            t_us += self._step(page, at + 1 + page[at], index, t_us, n) * skip // n
        source = at + 1 + wire.HEAD_BYTES + wire.SAMPLE_BYTES * skip
        head = wire.HEAD_BYTES if self.room else wire.COMPACT_HEAD
        end = head + wire.SAMPLE_BYTES * take
        out = self._out
        out[head:end] = page[source : source + wire.SAMPLE_BYTES * take]
        if self.room:
            wire.pack_head(out, epoch, self._seq, first, t_us, take, flags | wire.REPLAYED)
        else:
            wire.pack_compact(out, epoch, first, t_us, flags | wire.REPLAYED)
        if not self._radio.notify(wire.DATA, out[:end]):
            return False
        self._seq += 1
        job[0], job[3] = first + take, job[3] + take
        return True

    def _step(self, page, at, index, t_us, n):
        """Microseconds that the `n` samples of a record take: to the next record, else what the rate says."""
        if at + 1 + wire.HEAD_BYTES < wire.PAGE_BYTES and page[at + 1] == wire.SAMPLES and page[at] < 0xFF:
            _, _, _, follows, later, _, _ = struct.unpack_from(wire.HEAD_FORM, page, at + 1)
            if follows == index + n:
                return later - t_us & 0xFFFFFFFF
        return n * SECOND_US // struct.unpack_from("<H", page, 40)[0]

    # Pieces of a log

    def _send_piece(self):
        """One piece, or the end; False when the radio is full."""
        ref, log, offset, stop, crc, length = self._fetch
        if offset >= stop:
            end = struct.pack(wire.PIECE_END_FORM, wire.PIECE_END, ref, wire.OK, length, crc)
            if not self._radio.notify(wire.LOG_DATA, end):
                return False
            self._fetch = None
            return True
        piece = self._piece
        step = min(self.mtu - wire.ATT_BYTES - wire.PIECE_HEAD, len(piece) - wire.PIECE_HEAD, stop - offset)
        n, whole = 0, wire.PIECE_HEAD + step
        while n < step:
            n += self._log.read_into(log, offset + n, piece[wire.PIECE_HEAD + n : whole])
        struct.pack_into(wire.PIECE_FORM, piece, 0, wire.PIECE, ref, offset)
        if not self._radio.notify(wire.LOG_DATA, piece[:whole]):
            return False
        self._fetch[2] = offset + step
        self._fetch[4] = binascii.crc32(piece[wire.PIECE_HEAD : whole], crc) & 0xFFFFFFFF
        return True


def _passed(now, stamp):
    """Microseconds from a 32-bit stamp to `now`, which may lie a little before it."""
    return (now - stamp + 0x80000000 & 0xFFFFFFFF) - 0x80000000
