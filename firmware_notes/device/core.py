"""The sensor's state machine: commands, sampling, the log, status.

No radio, no clock and no pins: they are handed in. `radio`: see `sender`. `imu`: a driver, see `lsm6`. `log`: a
mounted `RingLog`, or None. `board`: `battery()` gives (mV or 0, per cent or 255, is charging), `light(is_on)`
switches the light. Times are whole microseconds since boot.
"""

import struct

from device import wire
from device.ring import Ring
from device.ringlog import Full
from device.sender import SECOND_US, Sender

POWER_ON = (104, 8, 1147, 0, 0)
"""Rate, ranges, low-pass, longest wait after a boot."""
RECORD_SAMPLES = 19
"""Of a record in the log: as many as a replay sends in one packet at an MTU of 247."""
MIN_RECORD = 4
"""A shorter rest of a page stays empty (own choice: a record costs 15 bytes beside its samples)."""
COMPACT_MOST_HZ = 104
"""At an MTU below 29 a faster stream is refused: one sample to a notification, and stacks bear some 100 a
second."""
FLUSH_US = 2 * SECOND_US
"""Longest that an answer to SET_CONFIG waits for the old samples to leave (own choice: the host waits longer)."""
BLINK_US = 125000


class Core:
    """One boot of a sensor."""

    def __init__(self, radio, imu, log, board, ring_samples, device_id, boot_id):
        self.ring = Ring(ring_samples)
        self.sender = Sender(radio, self.ring, log, boot_id)
        self.epoch, self.config = 0, POWER_ON
        self.is_sampling = self.is_connected = self.is_wanted = False
        self.overruns = self.interval = 0
        self.active_us = 0
        self._radio, self._imu, self._log, self._board = radio, imu, log, board
        self._device_id, self._boot_id = device_id, boot_id
        self._clock = (0, 0, 0, 0)
        self._next_clock = self._next_status = 0
        self._logged = 0
        self._packet = memoryview(bytearray(wire.HEAD_BYTES + RECORD_SAMPLES * wire.SAMPLE_BYTES))
        self._add = self._take
        self._is_new_run = True
        self._last_us = self._run_us = self._run_first = self._most_us = 0
        self._stretch = self._speed = 1.0
        self._waiting = None
        self._blink_until = 0
        self._is_lit = False
        imu.idle()

    # The link

    def connect(self, mtu, now):
        """A host has connected: silence until START."""
        self.is_connected = True
        self.active_us = now
        self._waiting = None
        self.sender.connect(mtu)

    def set_mtu(self, mtu):
        """The host has asked for another size of packets."""
        self.sender.set_mtu(mtu)

    def disconnect(self, now):
        """The link is gone; sampling goes on."""
        self.is_connected = False
        self.active_us = now
        self._waiting = None
        self.sender.connect(23)

    # What happens by itself

    def poll(self, now):
        """Take samples in, write the log, send what is due. Call it every 10 to 40 ms."""
        if now >= self._next_clock:
            self._next_clock = max(self._next_clock + SECOND_US, now)
            self.read(now)
        elif self.is_sampling:
            self._imu.read(self._add)
            self._write_log(False)
        if self.is_connected:
            self._pump(now)
            if self.sender.is_spoken_to and now >= self._next_status:
                self._next_status = max(self._next_status + SECOND_US, now)
                room = max(self.sender.mtu - wire.ATT_BYTES, wire.STATUS_LEAST)
                self._radio.notify(wire.STATUS, self.status(now)[:room])
        if self._log:
            self._log.tend()
        self._rest()
        if self._blink_until:
            self._blink(now)

    def read(self, now):
        """Take in what the motion sensor has, then both clocks together."""
        if self.is_sampling:
            self._imu.read(self._add)
        imu_us, mcu_us = self._imu.clocks()
        if mcu_us - self._clock[1] > SECOND_US // 2:
            self._speed = (imu_us - self._clock[0]) / (mcu_us - self._clock[1])
        self._clock = (imu_us, mcu_us, self.ring.made, self.epoch)
        if self._imu.take_overrun():
            self.overruns += 1
        if self.is_sampling:
            self._write_log(False)

    def is_idle(self):
        """Whether nobody wants samples."""
        return not (self.is_sampling or self.is_connected or self._blink_until)

    def _pump(self, now, is_own_turn=True):
        clock, batch_us = self._clock, 1000 * self.config[4]
        imu_now = clock[0] + int((now - clock[1]) * self._speed)
        self.sender.pump(now, clock, imu_now, batch_us, is_own_turn)
        if self._waiting and (self.sender.flush_to(self._waiting[1]) or now >= self._waiting[2]):
            self.sender.answer(self._waiting[0])
            self._waiting = None
            self.sender.pump(now, clock, imu_now, batch_us, is_own_turn)

    def _take(self, source, acc_at, gyr_at, t_us):
        """Keep one sample of the motion sensor. A hole in its stamps is as many samples as fit into it."""
        ring = self.ring
        if self._is_new_run:
            ring.begin(ring.made, self.epoch, wire.TIME_JUMP if ring.made else 0)
            self._begin_run(t_us)
            self._is_new_run = False
        elif t_us - self._last_us > self._most_us:
            self._write_log(True)
            step = self._stretch * SECOND_US / self._imu.rate_hz
            ring.begin(ring.made + int((t_us - self._last_us) / step + 0.5) - 1, self.epoch, wire.OVERRUN)
            self._begin_run(t_us)
        elif ring.made - self._run_first & 63 == 63:  # seldom, as each of these numbers is garbage
            made = ring.made - self._run_first
            self._stretch = (t_us - self._run_us) / made * self._imu.rate_hz / SECOND_US
        self._last_us = t_us
        ring.add(source, acc_at, gyr_at, t_us)

    def _begin_run(self, t_us):
        self._run_us, self._run_first = t_us, self.ring.made
        self._most_us = int(1.5 * self._stretch * SECOND_US / self._imu.rate_hz)

    def _wake(self):
        if not self.is_sampling:
            self.is_sampling = self._is_new_run = True
            self._imu.start(*self.config[:3])

    def _rest(self):
        if self.is_sampling and not (self.is_wanted or self.sender.is_streaming or self._is_logging()):
            self._imu.idle()
            self.is_sampling = False

    def _blink(self, now):
        is_over = now >= self._blink_until
        is_lit = not is_over and bool(now // BLINK_US & 1)
        if is_lit != self._is_lit:
            self._is_lit = is_lit
            self._board.light(is_lit)
        if is_over:
            self._blink_until = 0

    # The log

    def _is_logging(self):
        return self._log is not None and self._log.running is not None

    def _write_log(self, is_last):
        """Put what was made into pages; all of it, and the page into flash, when `is_last`."""
        if not self._is_logging():
            return
        ring, log = self.ring, self._log
        while log.running:
            first = ring.next_kept(self._logged)
            n = min(RECORD_SAMPLES, ring.made - first)
            if n <= 0:
                break
            end = ring.run_end(first)
            if n < RECORD_SAMPLES and not (is_last or ring.is_ended(first)):
                break
            n = min(n, end - first)
            if log.is_page_open():
                fits = (log.room() - wire.HEAD_BYTES) // wire.SAMPLE_BYTES
                if first != self._logged or fits < min(n, MIN_RECORD):
                    log.close_page()
                    continue
                n = min(n, fits)
            else:
                self._open_page(first)
                n = min(n, (log.room() - wire.HEAD_BYTES) // wire.SAMPLE_BYTES)
            self._record(first, n)
        if is_last and log.running and log.is_page_open():
            log.close_page()

    def _open_page(self, first):
        ring, log = self.ring, self._log
        t_us = self._last_us - (self._last_us - ring.stamp(first) & 0xFFFFFFFF)
        log.open_page(ring.epoch(first), first, t_us, self.config)
        imu_us, mcu_us, index, _ = self._clock
        wire.pack_clock(self._packet, 0, ring.epoch(first), self._boot_id, index, imu_us, mcu_us)
        log.record(self._packet, wire.CLOCK_BYTES, 0)

    def _record(self, first, n):
        ring, packet = self.ring, self._packet
        flags = ring.copy(packet, wire.HEAD_BYTES, first, n)
        wire.pack_head(packet, ring.epoch(first), first, first, ring.stamp(first), n, flags)
        self._log.record(packet, wire.HEAD_BYTES + wire.SAMPLE_BYTES * n, n)
        self._logged = first + n

    # Requests

    def control(self, data, now):
        """Take what the host wrote to Control."""
        op = data[0] if data else 0
        ref = data[1] if len(data) > 1 else 0
        self.active_us = now
        if op not in wire.ARGUMENTS:
            self.sender.answer(wire.pack_answer(op, ref, wire.UNKNOWN_OP))
        elif len(data) != 2 + struct.calcsize(wire.ARGUMENTS[op]):
            self.sender.answer(wire.pack_answer(op, ref, wire.BAD_LENGTH))
        else:
            arguments = struct.unpack_from(wire.ARGUMENTS[op], data, 2)
            if wire.START_LOG <= op <= wire.DELETE_LOG and self._log is None:
                outcome = wire.NO_FLASH
            else:
                outcome = self._do[op](self, ref, now, *arguments)
            if outcome is not None:
                self.sender.answer(wire.pack_answer(op, ref, outcome))
        self._pump(now, False)

    def time(self, data, received_us, now):
        """Answer a time request; gives whether it was one."""
        if len(data) != 1:
            return False
        self._radio.notify(wire.TIME, wire.pack_time(data[0], received_us, now))
        return True

    def _say(self, op, ref, *values):
        self.sender.answer(wire.pack_answer(op, ref, wire.OK, *values))

    def _get_config(self, ref, now):
        self._say(wire.GET_CONFIG, ref, self.epoch, *self.config)

    def _set_config(self, ref, now, rate, acc, gyr, low_pass, batch):
        """The filter is the motion sensor's own, whatever `low_pass` is wanted: what is in force says so.

        Ranges in force are true full scales, so that counts need no multiplication here.
        """
        if not (rate and acc and gyr):
            return wire.BAD_VALUE
        imu = self._imu
        config = (
            min(imu.rates, key=lambda known: abs(known - rate)),
            _sufficient(imu.acc_ranges, acc),
            _sufficient(imu.gyr_scales, gyr),
            0,
            batch,
        )
        is_waiting = False
        if config != self.config:
            if self.is_sampling:
                self.read(now)
                self._write_log(True)
                is_waiting = self.sender.is_streaming
            self.config, self.epoch = config, (self.epoch + 1) & 0xFF
            if self.is_sampling:
                self._imu.start(*config[:3])
                self._is_new_run = True
                self._clock = self._clock[:3] + (self.epoch,)
                if is_waiting:
                    self.ring.begin(self.ring.made, self.epoch, wire.TIME_JUMP)
        answer = wire.pack_answer(wire.SET_CONFIG, ref, wire.OK, self.epoch, *self.config)
        if is_waiting:
            self._waiting = (answer, self.ring.made, now + FLUSH_US)
        else:
            self.sender.answer(answer)

    def _start_stream(self, ref, now):
        if not self.sender.room and self.config[0] > self._compact_most():
            return wire.BAD_VALUE
        self.is_wanted = True
        self._wake()
        self.read(now)
        self._next_status = min(self._next_status, now)
        self._say(wire.START_STREAM, ref, self._boot_id, self.epoch, self.ring.made & 0xFFFFFFFF)
        self.sender.start(now, self._clock)

    def _compact_most(self):
        return getattr(self._radio, "compact_most_hz", COMPACT_MOST_HZ)

    def _stop_stream(self, ref, now):
        self.is_wanted = False
        self.read(now)
        answer = wire.pack_answer(wire.STOP_STREAM, ref, wire.OK, self.ring.made & 0xFFFFFFFF)
        self.sender.stop(self._clock, answer)
        self._pump(now, False)
        self._rest()

    def _start_log(self, ref, now, started_s):
        if self._log.running:
            return wire.WRONG_STATE
        try:
            if self.is_sampling:
                self.read(now)
            log_id = self._log.begin(self._boot_id, started_s).log_id
        except Full:
            return wire.FLASH_FULL
        self._logged = self.ring.made
        self._wake()
        self._say(wire.START_LOG, ref, log_id)

    def _stop_log(self, ref, now):
        if not self._log.running:
            return wire.WRONG_STATE
        self.read(now)
        log = self._log.running
        if log:
            self._write_log(True)
            self._log.end()
        self._rest()
        self._say(wire.STOP_LOG, ref, *((log.log_id, log.pages * wire.PAGE_BYTES) if log else (0, 0)))

    def _list_logs(self, ref, now, position):
        logs = self._log.logs
        if position >= len(logs):
            self._say(wire.LIST_LOGS, ref, len(logs), 0, 0, 0, 0)
        else:
            log = logs[position]
            size = log.pages * wire.PAGE_BYTES
            self._say(wire.LIST_LOGS, ref, len(logs), log.log_id, size, log.n, log.started_s)

    def _read_log(self, ref, now, log_id, offset, length):
        log = self._log.find(log_id)
        if log is None:
            return wire.NOT_FOUND
        if self.sender.is_fetching:
            return wire.BUSY
        size = log.pages * wire.PAGE_BYTES
        length = max(0, min(length, size - offset))
        self._say(wire.READ_LOG, ref, size, length)
        self.sender.fetch(ref, log, offset, length)

    def _delete_log(self, ref, now, log_id):
        found = [log for log in self._log.logs if log_id in (log.log_id, wire.ALL_LOGS)]
        if log_id != wire.ALL_LOGS and not found:
            return wire.NOT_FOUND
        if (log_id != wire.ALL_LOGS and found[0] is self._log.running) or self.sender.is_fetching:
            return wire.BUSY
        for log in found:
            if log is not self._log.running:
                self._log.delete(log)
        self._say(wire.DELETE_LOG, ref)

    def _replay(self, ref, now, first, last):
        if last < first:
            return wire.BAD_VALUE
        if self.is_sampling:
            self.read(now)
        ring = self.ring
        stop = min(last + 1, ring.made)
        n, begin = ring.count(first, stop), ring.next_kept(first)
        if self._log and begin > first:
            before = min(begin, stop)
            n += self._log.count(self._boot_id, first, before)
            found = self._log.page_with(self._boot_id, first)
            if found and found[0] < before:
                begin = max(found[0], first)
        self._say(wire.REPLAY, ref, begin if n else 0, n)
        self.sender.replay(ref, first, stop if n else first)

    def _identify(self, ref, now, seconds):
        self._blink_until = now + seconds * SECOND_US
        self._board.light(True)
        self._is_lit = True
        self._say(wire.IDENTIFY, ref)

    _do = {
        wire.GET_CONFIG: _get_config,
        wire.SET_CONFIG: _set_config,
        wire.START_STREAM: _start_stream,
        wire.STOP_STREAM: _stop_stream,
        wire.START_LOG: _start_log,
        wire.STOP_LOG: _stop_log,
        wire.LIST_LOGS: _list_logs,
        wire.READ_LOG: _read_log,
        wire.DELETE_LOG: _delete_log,
        wire.REPLAY: _replay,
        wire.IDENTIFY: _identify,
    }

    # What it says of itself

    def info(self):
        """Value of Info."""
        imu, log = self._imu, self._log
        features = wire.CAN_REPLAY | wire.CLOCK_PACKETS | wire.LIGHT | (wire.FLASH_LOG if log else 0)
        return (
            struct.pack(
                wire.INFO_FORM,
                wire.VERSION,
                self._device_id,
                self._boot_id,
                imu.chip,
                _mask(imu.rates, wire.RATES_HZ),
                _mask(imu.acc_ranges, wire.ACC_RANGES_G),
                _mask(imu.gyr_ranges, wire.GYR_RANGES_DPS),
                log.bytes if log else 0,
                self.ring.size,
                features,
            )
            + wire.FIRMWARE.encode()
        )

    def status(self, now):
        """Value of Status."""
        if self.is_sampling:
            self._imu.read(self._add)
        mv, percent, is_charging = self._board.battery()
        return struct.pack(
            wire.STATUS_FORM,
            self.is_sampling * wire.SAMPLING
            | self.sender.is_streaming * wire.STREAMING
            | self._is_logging() * wire.LOGGING
            | is_charging * wire.CHARGING,
            percent,
            now,
            self.ring.made & 0xFFFFFFFF,
            self._boot_id,
            self._imu.temperature(),
            mv,
            self.sender.dropped & 0xFFFFFFFF,
            self.overruns & 0xFFFF,
            self.interval,
            self.sender.mtu,
            self._log.used_pct() if self._log else 0,
        )


def _sufficient(ranges, wanted):
    """The smallest range that is not below the one wanted, else the largest."""
    for known in ranges:
        if known >= wanted:
            return known
    return ranges[-1]


def _mask(values, known):
    mask = 0
    for value in values:
        mask |= 1 << known.index(value)
    return mask
