"""What the device code promises, checked alike on CPython and MicroPython: every `check_...` here is one test.

Plain functions and asserts, as MicroPython has no pytest: `test_device.py` runs them there, `run_checks.py` here.
"""

import binascii
import gc
import json
import struct

import models
from device import app, lsm6, wire
from device.core import Core
from device.lsm6ds3trc import Lsm6ds3trc
from device.lsm6dsox import Lsm6dsox
from device.ring import Ring
from device.ringlog import Full, RingLog

CHIPS = ((Lsm6dsox, models.Lsm6dsoxModel), (Lsm6ds3trc, models.Lsm6ds3trcModel))
DEVICE_ID, BOOT_ID = 0x1122334455667788, 0xCAFEBABE


class Bench:
    """A sensor on a table: time passes when it is told to."""

    def __init__(self, chip=0, ring=2000, blocks=64, room=1000000, fast=0.0, mtu=247, flash=None, boot_id=BOOT_ID):
        driver, model = CHIPS[chip]
        self.clock = models.Clock()
        self.imu = model(self.clock, fast)
        self.radio, self.board = models.Radio(room), models.Board()
        self.flash = flash or (models.FlashModel(blocks) if blocks else None)
        log = None
        if self.flash:
            log = RingLog(self.flash)
            log.mount()
        self.driver = driver(self.imu, self.clock)
        self.driver.begin()
        self.core = Core(self.radio, self.driver, log, self.board, ring, DEVICE_ID, boot_id)
        self.log = log
        self.core.connect(mtu, 0)
        self._ref = 0

    def wait(self, seconds, step_us=20000, drain=1000000):
        for _ in range(int(seconds * 1000000) // step_us):
            self.clock.us += step_us
            self.radio.drain(drain)
            self.core.poll(self.clock.us)

    def ask(self, op, *arguments):
        self._ref = self._ref + 1 & 0xFF
        request = bytes((op, self._ref)) + struct.pack(wire.ARGUMENTS[op], *arguments)
        before = len(self.radio.said)
        self.core.control(request, self.clock.us)
        for _ in range(200):
            for number, said in self.radio.said[before:]:
                if number == wire.CONTROL and said[:2] == bytes((op | 0x80, self._ref)):
                    if said[2]:
                        return said[2]
                    return struct.unpack(wire.ANSWERS[op], said[3:])
            self.wait(0.02)
        raise AssertionError("no answer")

    def configure(self, rate=208, batch=0):
        return self.ask(wire.SET_CONFIG, rate, 16, 2000, 0, batch)

    def start(self, rate=208):
        self.configure(rate)
        return self.ask(wire.START_STREAM)

    def packets(self, is_replayed=None):
        """(first, n, flags, epoch, t_us, counts) of the packets with samples."""
        found = []
        for number, said in self.radio.said:
            if number == wire.DATA and said[0] == wire.SAMPLES:
                _, epoch, _, index, t_us, n, flags = struct.unpack_from(wire.HEAD_FORM, said, 0)
                assert len(said) == wire.HEAD_BYTES + 12 * n and n
                if is_replayed is None or is_replayed == bool(flags & wire.REPLAYED):
                    found.append((index, n, flags, epoch, t_us, said[wire.HEAD_BYTES :]))
        return found

    def indices(self, is_replayed=None):
        return [p[0] + k for p in self.packets(is_replayed) for k in range(p[1])]

    def check_values(self):
        """Every sample that was said has the values and about the stamp that the model made."""
        for first, n, _, _, t_us, said in self.packets():
            for k in range(n):
                assert struct.unpack_from("<6h", said, 12 * k) == models.counts(first + k), first + k
            truth = int(self.imu.made_at(first) * (1.0 + self.imu.fast))
            off = (t_us - truth + 0x80000000 & 0xFFFFFFFF) - 0x80000000
            assert -600 <= off <= 600, (first, off)


def read_pages(flash):
    """{(log_id, page): (boot_id, [(first, n)], page bytes)} of the pages whose CRC holds."""
    found = {}
    for slot in range(2, flash.blocks):
        page = bytes(flash.data[slot * 4096 : slot * 4096 + 4096])
        head = struct.unpack_from(wire.PAGE_FORM, page, 0)
        if head[0] == wire.MAGIC and head[1] == binascii.crc32(page[8:]) & 0xFFFFFFFF:
            at, records = wire.PAGE_HEAD, []
            while at < wire.PAGE_HEAD + head[4]:
                if page[at + 1] == wire.SAMPLES:
                    records.append(struct.unpack_from("<I", page, at + 5) + (page[at + 13],))
                at += 1 + page[at]
            found[(head[5], head[6])] = (head[7], records, page)
    return found


# Streaming


def check_stream_of_both_chips():
    for chip in range(2):
        bench = Bench(chip, fast=0.013)
        assert bench.start() == (BOOT_ID, 1, 0)
        bench.wait(5)
        stop = bench.ask(wire.STOP_STREAM)[0]
        assert bench.indices() == list(range(stop)) and stop == bench.imu.made()
        assert 1040 < stop < 1060
        bench.check_values()
        assert bench.driver.torn == 0
        assert bench.radio.said[-2][1][0] == wire.CLOCK, "a clock packet comes last"


def check_silent_until_start():
    bench = Bench()
    bench.wait(3)
    assert not bench.radio.said
    bench.start()
    bench.wait(1)
    bench.core.disconnect(bench.clock.us)
    bench.core.connect(247, bench.clock.us)
    before = len(bench.radio.said)
    bench.wait(2)
    assert len(bench.radio.said) == before


def check_queue_full_keeps_the_packet():
    bench = Bench(room=3)
    bench.start()
    bench.wait(8, drain=1)
    stop = bench.ask(wire.STOP_STREAM)[0]
    bench.wait(1)
    assert bench.radio.refused == 0 or bench.indices() == list(range(stop))
    slow = Bench(room=1, ring=400)
    slow.start()
    for _ in range(30):
        slow.wait(0.2, drain=0)
        slow.radio.drain(1)
    slow.wait(1)
    said = slow.indices()
    assert slow.radio.refused and said == sorted(said), "the order is kept"
    missing = said[-1] + 1 - len(said)
    assert missing and missing == slow.core.sender.dropped, "what left the ring unsent is counted"
    slow.check_values()


def check_link_loss_and_replay():
    bench = Bench(1, ring=1000)
    bench.configure()
    bench.ask(wire.START_LOG, 7)
    bench.ask(wire.START_STREAM)
    bench.wait(3)
    bench.core.disconnect(bench.clock.us)
    bench.wait(20)
    bench.core.connect(247, bench.clock.us)
    boot, epoch, index = bench.ask(wire.START_STREAM)
    assert (boot, epoch, index) == (BOOT_ID, 1, bench.imu.made())
    bench.wait(1)
    had = set(bench.indices())
    hole = [k for k in range(index) if k not in had]
    bench.radio.said.clear()
    first, n = bench.ask(wire.REPLAY, hole[0], hole[-1])
    assert (first, n) == (hole[0], len(hole)), "older ones come from the log, the last from the ring"
    bench.wait(5)
    assert bench.indices(True) == hole, "in order, each once"
    end = [said for number, said in bench.radio.said if number == wire.CONTROL and said[0] == 0xCA]
    assert end == [wire.pack_replay_end(bench._ref, n)]
    live = bench.indices(False)
    assert live == list(range(live[0], live[0] + len(live))) and len(live) > 900, "live ones did not wait"
    bench.check_values()


def check_replay_at_every_mtu():
    for mtu in (23, 41, 185, 247, 512):
        bench = Bench(ring=400, mtu=mtu)
        bench.configure(104)
        bench.ask(wire.START_LOG, 0)
        bench.ask(wire.START_STREAM)
        bench.wait(15)
        bench.radio.said.clear()
        assert bench.ask(wire.REPLAY, 0, 1400) == (0, 1401)
        bench.wait(12)
        if mtu == 23:
            again = [
                struct.unpack_from("<BBHI6h", said) for k, said in bench.radio.said if k == 4 and said[0] == 0x11
            ]
            again = [packet for packet in again if packet[1] >> 3 & wire.REPLAYED]
            assert [packet[2] for packet in again] == list(range(1401))
            assert all(packet[4:] == models.counts(packet[2]) for packet in again)
        else:
            assert bench.indices(True) == list(range(1401))
            bench.check_values()
        assert max(len(said) for _, said in bench.radio.said) <= mtu - 3


def check_small_mtu_refuses_what_it_cannot_carry():
    bench = Bench(mtu=23)
    bench.configure(208)
    assert bench.ask(wire.START_STREAM) == wire.BAD_VALUE
    bench.configure(104)
    assert isinstance(bench.ask(wire.START_STREAM), tuple)


def check_change_of_settings():
    bench = Bench(1)
    bench.start(208)
    bench.wait(1.01)
    assert bench.configure(104) == (2, 104, 16, 2294, 0, 0)
    bench.wait(1.01)
    bench.ask(wire.STOP_STREAM)
    packets = bench.packets()
    assert bench.indices() == list(range(bench.imu.made()))
    jumps = [p[0] for p in packets if p[2] & wire.TIME_JUMP]
    assert jumps == [[p[0] for p in packets if p[3] == 2][0]]
    bench.check_values()
    assert bench.ask(wire.SET_CONFIG, 200, 12, 9000, 50, 9) == (3, 208, 16, 2294, 0, 9)
    assert bench.ask(wire.SET_CONFIG, 0, 12, 9000, 50, 9) == wire.BAD_VALUE
    assert bench.imu.runs[0][3] == (1, 6), "full scale of 16 g and 2000 deg/s"
    for wanted, scale in ((1, 143), (143, 143), (250, 287), (573, 573), (1000, 1147), (2294, 2294)):
        told = bench.ask(wire.SET_CONFIG, 104, 2, wanted, 0, 0)
        assert told[3] == scale and bench.ask(wire.SET_CONFIG, *told[1:]) == told


def check_overflow_of_the_fifo():
    for chip in range(2):
        bench = Bench(chip, fast=-0.02)
        bench.start(208)
        bench.wait(2)
        bench.clock.us += 3000000
        bench.wait(3)
        indices, packets = bench.indices(), bench.packets()
        gaps = [(a, b) for a, b in zip(indices, indices[1:]) if b != a + 1]
        assert len(gaps) == 1 and gaps[0][1] - gaps[0][0] > 300, "the hole is as long as it was"
        assert [p[0] for p in packets if p[2] & wire.OVERRUN] == [gaps[0][1]]
        bench.check_values()
        status = bench.core.status(bench.clock.us)
        assert struct.unpack(wire.STATUS_FORM, status)[8] == 1, struct.unpack(wire.STATUS_FORM, status)
        assert bench.core.ring.made == bench.imu.made()


def check_long_time():
    """The 24-bit counter of 25 us ends after 419 s; nothing of it is seen."""
    bench = Bench(1, fast=0.02, ring=300, blocks=0)
    bench.clock.us = 0
    bench.start(26)
    bench.wait(1000, step_us=40000)
    packets = bench.packets()
    assert bench.indices()[-1] > 26 * 1000
    assert not any(p[2] for p in packets if not p[2] & 3)
    for (a, n, _, _, t, _), (b, _, _, _, u, _) in zip(packets, packets[1:]):
        assert b == a + n
        step = ((u - t) & 0xFFFFFFFF) / n
        assert abs(step - 1e6 / 26) < 100, (a, step)
    for number, said in bench.radio.said:
        if number == wire.DATA and said[0] == wire.CLOCK:
            _, _, boot, _, imu, high, mcu, mcu_high = struct.unpack(wire.CLOCK_FORM, said)
            assert boot == BOOT_ID & 0xFFFF
            imu, mcu = imu + (high << 32), mcu + (mcu_high << 32)
            assert abs(imu - mcu * 1.02) < 600


def check_ticks_that_go_on_by_themselves():
    ticks = lsm6.Ticks(24)
    last, raw = 0, 0
    for _ in range(400):
        raw += 100000
        whole = ticks.whole(raw & 0xFFFFFF)
        assert whole == raw * 25 and whole > last
        last = whole
    assert ticks.whole((raw - 40000) & 0xFFFFFF) == (raw - 40000) * 25, "a stamp of the FIFO lies behind"


def check_ring_wraps():
    ring = Ring(10)
    ring.begin(0, 3, 0)
    source = memoryview(bytearray(12))
    for k in range(25):
        struct.pack_into("<6h", source, 0, k, -k, 1, 2, 3, 4)
        ring.add(source, 0, 6, k * 1000)
    assert (ring.made, ring.next_kept(0), ring.count(0, 100)) == (25, 15, 10)
    out = memoryview(bytearray(120))
    assert ring.copy(out, 0, 15, 10) == 0
    assert [struct.unpack_from("<2h", out, 12 * k) for k in range(10)] == [(k, -k) for k in range(15, 25)]
    struct.pack_into("<6h", source, 0, 0, -32768, 0, 0, 0, 32767)
    ring.add(source, 0, 6, 0)
    assert ring.copy(out, 0, 25, 1) == wire.CLIP_ACC | wire.CLIP_GYR


# Commands


def check_control_errors():
    bench = Bench()

    def say(payload):
        bench.radio.said.clear()
        bench.core.control(payload, bench.clock.us)
        return [said for number, said in bench.radio.said if number == wire.CONTROL]

    assert say(b"\x3f\x05") == [bytes((0xBF, 5, wire.UNKNOWN_OP))]
    assert say(b"") == [bytes((0x80, 0, wire.UNKNOWN_OP))]
    assert say(b"\x01") == [bytes((0x81, 0, wire.BAD_LENGTH))]
    for op in sorted(wire.ARGUMENTS):
        request = bytes((op, 9)) + bytes(struct.calcsize(wire.ARGUMENTS[op]) + 1)
        assert say(request) == [bytes((op | 0x80, 9, wire.BAD_LENGTH))]
    assert bench.ask(wire.REPLAY, 5, 4) == wire.BAD_VALUE
    assert bench.ask(wire.REPLAY, 5, 6) == (0, 0)
    assert bench.ask(wire.STOP_LOG) == wire.WRONG_STATE
    assert bench.ask(wire.READ_LOG, 4, 0, 1) == wire.NOT_FOUND
    assert bench.ask(wire.DELETE_LOG, 4) == wire.NOT_FOUND
    bench.ask(wire.START_LOG, 1)
    assert bench.ask(wire.START_LOG, 1) == wire.WRONG_STATE
    assert bench.ask(wire.DELETE_LOG, bench.log.running.log_id) == wire.BUSY
    bare = Bench(blocks=0)
    assert bare.ask(wire.START_LOG, 0) == wire.NO_FLASH
    assert not bench.core.time(b"", 1, 2) and bench.core.time(b"\x07", 1, (5 << 32) + 2)
    assert bench.radio.said[-1] == (wire.TIME, bytes((7, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 5, 0)))


def check_identify_blinks():
    bench = Bench()
    bench.ask(wire.IDENTIFY, 2)
    bench.wait(3)
    lights = bench.board.lights
    assert lights[0] and not lights[-1] and len(lights) > 12
    assert bench.core._blink_until == 0


def check_sleep_is_set_up():
    for chip in range(2):
        bench = Bench(chip)
        bench.driver.sleep()
        registers = bench.imu.registers
        assert registers[0x58] == 0x80 and registers[0x5E] == 0x20 and registers[0x5B] == 4
        assert registers[0x10] == 0x20 and registers[0x11] == 0
        assert registers[0x5C] == (0x10 if chip else 0), "stamps stay at 25 us"


class Rested(Exception):
    """The board sleeps."""


class Unwatched(models.Board):
    """A board in whose main loop time passes by itself, and whose bus fails at some turns."""

    device_id, boot_id, flash = DEVICE_ID, BOOT_ID, None

    def __init__(self, failing=()):
        super().__init__()
        self.clock, self.turns, self.failing = models.Clock(), 0, failing
        self.ticks = self.clock
        self.model = models.Lsm6dsoxModel(self.clock)
        self.write = self.model.write

    def read(self, register, buf):
        if self.turns in self.failing:
            raise OSError(5)
        self.model.read(register, buf)

    def zero(self):
        pass

    def sleep_ms(self, n):
        self.turns += 1
        self.clock.us += 1000 * n

    def rest(self):
        raise Rested

    def begin(self, core):
        self.core = core
        core._wake()

    def serve(self, core, now):
        core.is_wanted = now < 3000000


def check_main_loop_rests_and_bears_faults():
    board = Unwatched(range(50, 90))
    try:
        app.run(board, Lsm6dsox(board, board.ticks), board, 500)
    except Rested:
        pass
    assert app.REST_AFTER_US <= board.clock.us <= app.REST_AFTER_US + 100000
    assert board.model.registers[0x5E] == 0x20, "a movement wakes it"
    assert 300 <= board.core.ring.made <= 320, "104 Hz for 3 s, of which the FIFO bridged 0.8 s without a bus"
    board = Unwatched(range(50, 200))
    try:
        app.run(board, Lsm6dsox(board, board.ticks), board, 500)
    except OSError:
        assert board.turns == 50 + app.MOST_FAULTS
    else:
        raise AssertionError("it went on without a motion sensor")


def check_wrong_part_is_named():
    clock = models.Clock()
    try:
        Lsm6dsox(models.Lsm6ds3trcModel(clock), clock).begin()
    except lsm6.ImuError as error:
        assert "0x6a" in str(error) and "0x6c" in str(error)
    else:
        raise AssertionError("it began")


# The log


def check_log_is_fetched():
    bench = Bench()
    bench.configure()
    log_id = bench.ask(wire.START_LOG, 1790000000)[0]
    bench.core.disconnect(bench.clock.us)
    bench.wait(10)
    bench.core.connect(247, bench.clock.us)
    told, size = bench.ask(wire.STOP_LOG)
    made = bench.imu.made()
    assert told == log_id and bench.ask(wire.LIST_LOGS, 0) == (1, log_id, size, made, 1790000000)
    assert bench.ask(wire.LIST_LOGS, 1) == (1, 0, 0, 0, 0)
    data = bytearray(size)
    at = 0
    while at < size:
        bench.radio.said.clear()
        assert bench.ask(wire.READ_LOG, log_id, at, 9001) == (size, min(9001, size - at))
        assert bench.ask(wire.READ_LOG, log_id, at, 9001) == wire.BUSY
        bench.wait(1)
        pieces = [said for number, said in bench.radio.said if number == wire.LOG_DATA]
        begin = at
        for said in pieces[:-1]:
            assert struct.unpack_from(wire.PIECE_FORM, said) == (wire.PIECE, bench._ref - 1, at)
            data[at : at + len(said) - 6] = said[6:]
            at += len(said) - 6
        crc = binascii.crc32(data[begin:at]) & 0xFFFFFFFF
        assert pieces[-1] == struct.pack("<BBBII", wire.PIECE_END, bench._ref - 1, 0, at - begin, crc)
    pages = read_pages(bench.flash)
    assert b"".join([pages[key][2] for key in sorted(pages)]) == bytes(data)
    records = [record for key in sorted(pages) for record in pages[key][1]]
    assert [first + k for first, n in records for k in range(n)] == list(range(made))
    assert bench.ask(wire.DELETE_LOG, log_id) == ()
    assert bench.ask(wire.LIST_LOGS, 0)[0] == 0 and not read_pages(bench.flash)


def check_log_ends_with_the_flash():
    bench = Bench(blocks=5)
    bench.configure(208)
    bench.ask(wire.START_LOG, 0)
    bench.wait(20)
    count, _, size, n, _ = bench.ask(wire.LIST_LOGS, 0)
    assert (count, size) == (1, 3 * 4096) and 900 <= n <= 960
    assert bench.ask(wire.STOP_LOG) == wire.WRONG_STATE and not bench.core.is_sampling
    assert bench.ask(wire.START_LOG, 0) == wire.FLASH_FULL
    assert bench.ask(wire.DELETE_LOG, wire.ALL_LOGS) == ()
    assert bench.ask(wire.START_LOG, 0) == (2,)


def check_blocks_wear_evenly_and_ids_never_return():
    flash = models.FlashModel(10)
    for k in range(700):
        log = RingLog(flash)
        log.mount()
        assert log.begin(k, 0).log_id == k + 1
        log.open_page(0, 0, 0, (208, 16, 2000, 0, 0))
        log.end()
        for old in list(log.logs):
            log.delete(old)
        flash.trace.clear()
    assert max(flash.erases[2:]) - min(flash.erases[2:]) <= 2
    assert max(flash.erases[:2]) <= 3


def _written(flash):
    """Four pages in two logs, then the first is deleted: every kind of write there is."""
    bench = Bench(flash=flash)
    bench.configure(416)
    bench.ask(wire.START_LOG, 0)
    bench.wait(1.6)
    bench.ask(wire.STOP_LOG)
    bench.ask(wire.START_LOG, 0)
    bench.wait(0.9)
    bench.ask(wire.STOP_LOG)
    bench.ask(wire.DELETE_LOG, 1)


def check_power_cut_at_every_offset(stride=1):
    """No torn page is believed, and nothing older than the page in the making is lost."""
    whole = models.FlashModel(8)
    _written(whole)
    state = models.FlashModel(8)
    cuts = writes = 0
    for block, offset, data in whole.trace:
        known = read_pages(state)
        n = 1 if data is None else len(data)
        before = bytearray(state.data[block * 4096 : block * 4096 + 4096])
        for cut in range(0, n, stride if n > 100 else 1):
            torn = models.FlashModel(8, bytearray(state.data))
            torn.budget = cut
            try:
                torn.ioctl(6, block) if data is None else torn.writeblocks(block, data, offset)
            except models.PowerCut:
                pass
            if data and cut % 3 == 1:  # some bits of the byte at the cut
                torn.data[block * 4096 + offset + cut] &= data[cut] | 0xA5
            _check_mounts(torn, known, block, data, before)
            cuts += 1
        state.ioctl(6, block) if data is None else state.writeblocks(block, data, offset)
        writes += 1
    assert writes > 10 and cuts > 16000 // stride, (writes, cuts)
    assert state.data == whole.data


def _check_mounts(torn, known, block, data, before):
    torn.budget = None
    log = RingLog(torn)
    log.mount()
    found = read_pages(torn)
    for key in found:
        if key not in known:  # the page whose write was cut is there whole: only 0xFF were still to come
            assert data is not None and bytes(found[key][2]) == data
    lost = [key for key in known if key not in found]
    if lost:  # only a page that was being deleted or erased
        assert len(lost) == 1 and known[lost[0]][2] == bytes(before) and (data is None or data == b"\0\0\0\0")
    counted = sum([one.n for one in log.logs])
    assert counted == sum([n for key in found for _, n in found[key][1]])
    new = log.begin(1, 0)
    assert all(new.log_id > log_id for log_id, _ in known)


def check_goes_on_after_a_power_cut():
    bench = Bench(blocks=32)
    bench.configure(208)
    bench.ask(wire.START_LOG, 0)
    bench.wait(10)
    pages = read_pages(bench.flash)
    again = Bench(flash=bench.flash, boot_id=5)
    assert [log.boot_id for log in again.log.logs] == [BOOT_ID]
    assert again.ask(wire.LIST_LOGS, 0)[3] == sum([n for key in pages for _, n in pages[key][1]])
    assert again.ask(wire.REPLAY, 0, 100) == (0, 0), "numbers of another boot are never mixed up"
    again.configure(208)
    assert again.ask(wire.START_LOG, 0) == (2,)
    again.wait(5)
    again.ask(wire.STOP_LOG)
    assert again.ask(wire.LIST_LOGS, 0)[0] == 2
    assert {key: page for key, page in read_pages(again.flash).items() if key[0] == 1} == pages


def check_log_through_overrun_and_change_of_settings():
    """Each page is one run: without holes, of one epoch; what was made between two runs is nowhere."""
    bench = Bench(1, blocks=40, ring=600)
    bench.configure(208)
    bench.ask(wire.START_LOG, 0)
    bench.wait(4)
    bench.clock.us += 2500000
    bench.wait(4)
    bench.configure(104)
    bench.wait(4)
    bench.ask(wire.STOP_LOG)
    pages = read_pages(bench.flash)
    kept, epochs = [], []
    for key in sorted(pages):
        _, records, page = pages[key]
        indices = [first + k for first, n in records for k in range(n)]
        head = struct.unpack_from(wire.PAGE_FORM, page, 0)
        assert head[8] == indices[0] and indices == list(range(indices[0], indices[-1] + 1))
        assert abs(head[9] - bench.imu.made_at(indices[0])) < 100
        kept += indices
        epochs.append(head[3])
    holes = [b - a for a, b in zip(kept, kept[1:]) if b != a + 1]
    assert len(holes) == 1 and 280 < holes[0] < 310, holes
    assert kept[-1] == bench.imu.made() - 1 and sorted(epochs) == epochs and set(epochs) == {1, 2}
    assert len(kept) == bench.log.logs[0].n


def check_log_never_overtakes_its_own_start():
    """A block that comes free behind the running log's head would stand before its first pages."""
    flash = models.FlashModel(8)
    log = RingLog(flash)
    log.mount()

    def page(n):
        log.open_page(0, n, 0, (208, 16, 2000, 0, 0))
        log.record(b"\x10" + bytes(11) + b"\x01" + bytes(13), 26, 1)
        log.close_page()

    old = []
    for k in range(4):
        old.append(log.begin(1, 0))
        page(k)
        log.end()
    for k in (0, 2, 3):
        log.delete(old[k])
    new = log.begin(2, 0)
    for k in range(4):
        page(10 + k)
    log.delete(old[1])
    page(14)
    assert log.running is None and new.pages == 5, "the ring is round"
    for one in (log, RingLog(flash)):
        if one is not log:
            one.mount()
        found = one.find(new.log_id)
        firsts = [one._first[one.slot_of(found, k)] for k in range(found.pages)]
        assert firsts == [10, 11, 12, 13, 14], firsts


def check_log_slots_run_out():
    log = RingLog(models.FlashModel(3))
    log.mount()
    log.begin(1, 0)
    log.open_page(0, 0, 0, (208, 16, 2000, 0, 0))
    log.end()
    try:
        log.begin(1, 0)
    except Full:
        pass
    else:
        raise AssertionError("it found room")


# Bytes, heap


def check_golden_vectors():
    """The same vectors that `ankle_imu.wire` is held against."""
    with open(__file__.replace("checks.py", "vectors.json")) as file:
        known = json.load(file)
    told = known["samples"]
    n = len(told["counts"]) // 6
    buf = bytearray(wire.HEAD_BYTES + 12 * n)
    wire.pack_head(buf, told["epoch"], told["seq"], told["index"], told["t_us"], n, told["flags"])
    struct.pack_into("<12h", buf, wire.HEAD_BYTES, *told["counts"])
    assert _hex(buf) == told["hex"]
    told = known["compact"]
    buf = bytearray(wire.COMPACT_HEAD + 12)
    wire.pack_compact(buf, told["epoch"], told["index"], told["t_us"], told["flags"])
    struct.pack_into("<6h", buf, wire.COMPACT_HEAD, *told["counts"])
    assert _hex(buf) == told["hex"]
    told = known["clock"]
    buf = bytearray(wire.CLOCK_BYTES)
    wire.pack_clock(buf, 0, told["epoch"], told["boot_id"], told["index"], told["imu_us"], told["mcu_us"])
    assert _hex(buf) == told["hex"]
    for told in known["requests"]:
        data = binascii.unhexlify(told["hex"])
        values = struct.unpack(wire.ARGUMENTS[told["op"]], data[2:])
        assert sorted(values) == sorted(told["values"].values()) and data[:2] == bytes((told["op"], told["ref"]))
    for told in known["answers"]:
        data = binascii.unhexlify(told["hex"])
        values = struct.unpack(wire.ANSWERS[told["op"]], data[3:])
        assert sorted(values) == sorted(told["values"].values())
        assert wire.pack_answer(told["op"], told["ref"], wire.OK, *values) == data
    told = known["refusal"]
    assert _hex(wire.pack_answer(told["op"], told["ref"], told["outcome"])) == told["hex"]
    told = known["replay_end"]
    assert _hex(wire.pack_replay_end(told["ref"], told["count"])) == told["hex"]
    told = known["time"]
    assert _hex(wire.pack_time(told["seq"], told["received_us"], told["sent_us"])) == told["hex"]


def _hex(data):
    return binascii.hexlify(bytes(data)).decode()


def check_heap_does_not_grow():
    """Packets cost garbage, and none of it stays: only MicroPython can tell."""
    if not hasattr(gc, "mem_alloc"):
        return
    bench = Bench(1, ring=1000, blocks=40)
    bench.configure(208)
    bench.ask(wire.START_LOG, 0)
    bench.ask(wire.START_STREAM)
    levels = []
    for _ in range(4):
        for _ in range(150):
            bench.clock.us += 20000
            bench.core.poll(bench.clock.us)
            bench.radio.said.clear()
            bench.flash.trace.clear()
        gc.collect()
        levels.append(gc.mem_alloc())
    assert max(levels[1:]) - min(levels[1:]) <= 256, levels
    assert bench.core.ring.made > 2400 and bench.log.running.pages > 5


CHECKS = sorted([name for name in globals() if name.startswith("check_")])
