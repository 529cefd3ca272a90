"""The virtual Ankle IMU: keeps to its protocol, numbers what it makes, and knows its own truth.

There are two of it, the product's model and the reference firmware; both must pass, so they cannot drift apart.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import pytest
from device_sensor import DeviceSensor
from hypothesis import given, settings
from hypothesis import strategies as st

from ankle_imu import wire
from ankle_imu.simulate.sensors.ankle import ALL_LOGS, BATTERY_LEVEL, AnkleSensor
from ankle_imu.simulate.sensors.peripheral import Motion, Refused
from ankle_imu.values import ImuSeries
from ankle_imu.wire.ankle_control import (
    ARGUMENTS,
    CONTROL,
    DATA,
    INFO,
    LOG_DATA,
    STATUS,
    TIME,
    TIME_ANSWER,
    Answer,
    Op,
    Outcome,
    decode_answer,
    encode_request,
)
from ankle_imu.wire.ankle_log import PAGE_BYTES, PIECE, PIECE_LAYOUT, decode_log
from ankle_imu.wire.ankle_packets import CLOCK, CLOCK_LAYOUT, COMPACT, Flag, Head, peek
from ankle_imu.wire.ankle_state import State, Status, decode_info, decode_status

WISH = {"rate_hz": 208, "acc_range_g": 16, "gyr_range_dps": 2000, "low_pass_hz": 0, "batch_max_ms": 0}
CONFIG = {"acc_range_g": 16.0, "gyr_range_dps": 2000.0, "nominal_rate_hz": 208.0}


def motion() -> Motion:
    rng = np.random.default_rng(3)
    time = np.arange(1000) / 100
    return Motion(
        ImuSeries(
            time=time, acc=rng.normal(0, 30, (1000, 3)), gyr=rng.normal(0, 8, (1000, 3)), sampling_rate=100.0
        )
    )


@pytest.fixture(params=[AnkleSensor, DeviceSensor], ids=["model", "firmware"], scope="module", autouse=True)
def kind(request: pytest.FixtureRequest) -> type:
    """Which of the two every test here is about."""
    Bench.kind = request.param
    return Bench.kind


class Bench:
    """A sensor on a table: time passes when it is told to, and all that is said is kept."""

    kind: type = AnkleSensor

    def __init__(self, mtu: int = 247, **sensor: float) -> None:
        self.sensor = self.kind(motion(), **sensor)
        self.now = 100.0
        self.heard: list[tuple[float, str, bytes]] = []
        self.sensor.boot(self.now)
        self.connect(mtu)
        self._ref = 0

    def connect(self, mtu: int = 247) -> None:
        self.sensor.connect(self.now, mtu)
        for uuid in (CONTROL, DATA, STATUS, TIME, LOG_DATA):
            self.sensor.subscribe(uuid, True, self.now)

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds / self.sensor.poll_s)):
            self.now += self.sensor.poll_s
            self.heard += [(self.now, *said) for said in self.sensor.poll(self.now)]

    def ask(self, op: Op, **values: int) -> Answer:
        self._ref = (self._ref + 1) % 256
        said = self.sensor.write(CONTROL, encode_request(op, self._ref, **values), self.now)
        self.heard += [(self.now, *one) for one in said]
        answer = decode_answer(said[-1][1])
        assert (answer.op, answer.ref) == (op, self._ref)
        return answer

    def start(self, **wish: int) -> Answer:
        self.ask(Op.SET_CONFIG, **{**WISH, **wish})
        return self.ask(Op.START_STREAM)

    def said(self, uuid: str) -> list[tuple[float, bytes]]:
        return [(at, payload) for at, said_on, payload in self.heard if said_on == uuid]

    def heads(self) -> Iterator[tuple[float, Head, bytes]]:
        for at, payload in self.said(DATA):
            head = peek(payload)
            assert head is not None, "the sensor said what is no packet"
            yield at, head, payload


def tick_us(kind: type) -> int:
    """How finely the motion sensor's clock is read."""
    return 25 if kind is DeviceSensor else 1


def page_samples(kind: type) -> int:
    """Samples of a page of the log."""
    return 314 if kind is DeviceSensor else 300


def test_silent_until_start_after_each_connect() -> None:
    bench = Bench()
    bench.wait(3.0)
    assert bench.said(DATA) == []
    bench.start()
    bench.wait(1.0)
    assert bench.said(DATA)
    bench.sensor.disconnect(bench.now)
    bench.connect()
    before = len(bench.said(DATA))
    bench.wait(2.0)
    assert len(bench.said(DATA)) == before


def test_samples_are_numbered_whether_anyone_listens_or_not() -> None:
    bench = Bench()
    assert bench.start().values["next_index"] == 0
    bench.wait(1.0)
    bench.sensor.disconnect(bench.now)
    bench.wait(10.0)
    bench.connect()
    begun = bench.ask(Op.START_STREAM)
    # 11 s at 208 Hz
    assert begun.values["next_index"] == 2288
    assert begun.values["boot_id"] == bench.sensor.sampler.boot_id


def test_stream_ends_with_the_last_sample_and_a_clock_packet() -> None:
    bench = Bench()
    bench.start()
    bench.wait(1.5)
    stop = bench.ask(Op.STOP_STREAM).values["next_index"]
    *packets, last = list(bench.heads())
    assert last[1].type == CLOCK
    indices = [head.first + k for _, head, _ in packets for k in range(head.n)]
    assert indices == list(range(stop))
    assert stop == 312
    bench.wait(1.0)
    assert bench.ask(Op.START_STREAM).values["next_index"] == stop, "nothing is made while nobody wants it"


@pytest.mark.parametrize(("mtu", "n"), [(247, 19), (185, 14), (41, 2), (29, 1), (23, 1)])
def test_packets_fill_the_mtu(mtu: int, n: int) -> None:
    bench = Bench(mtu)
    bench.start()
    bench.wait(2.0)
    sizes = {head.n for _, head, _ in bench.heads() if head.type != CLOCK}
    assert sizes == {n}
    assert max(len(payload) for _, _, payload in bench.heads()) <= mtu - 3
    assert max(len(payload) for _, payload in bench.said(STATUS)) <= mtu - 3
    assert any(head.type == COMPACT for _, head, _ in bench.heads()) == (mtu == 23)


def test_no_sample_waits_longer_than_it_may() -> None:
    bench = Bench()
    bench.start(rate_hz=52, batch_max_ms=100)
    bench.wait(5.0)
    packets = [(at, head) for at, head, _ in bench.heads() if head.n]
    age = [at - bench.sensor.sampler.world([head.first])[0] for at, head in packets]
    assert max(age) <= 0.1 + bench.sensor.poll_s + 1e-9
    assert min(age) > 0.09, "sent before it had to be"


def test_clock_packets_and_status_once_a_second(kind: type) -> None:
    bench = Bench(ppm=50.0, rate_error=0.01)
    bench.start()
    bench.wait(5.5)
    clocks = [(at, payload) for at, head, payload in bench.heads() if head.type == CLOCK]
    assert len(clocks) == 6
    assert np.diff([at for at, _ in clocks]) == pytest.approx(1.0)
    first = next(bench.heads())
    assert first[1].type == CLOCK
    for at, payload in clocks:
        told = CLOCK_LAYOUT.unpack(payload)
        # booted at 100 s
        assert told["mcu_us"] == pytest.approx((at - 100.0) * 1e6 * (1 + 50e-6), abs=1)
        assert told["imu_us"] == pytest.approx((at - 100.0) * 1e6 * 1.01, abs=tick_us(kind))
        assert told["boot"] == bench.sensor.sampler.boot_id % 2**16
    # subscribed at once, so the first comes with the first poll
    assert len(bench.said(STATUS)) == 6


def test_time_is_told_at_once() -> None:
    bench = Bench(ppm=-20.0)
    bench.wait(50.0)
    ((uuid, payload),) = bench.sensor.write(TIME, b"\x07", bench.now)
    told = TIME_ANSWER.unpack(payload)
    assert uuid == TIME
    assert len(payload) == 13
    assert told == {"seq": 7, "received_us": 49_999_000, "sent_us": 49_999_000}
    with pytest.raises(Refused):
        bench.sensor.write(TIME, b"", bench.now)


def test_recorded_is_what_was_made(kind: type) -> None:
    bench = Bench(ppm=40.0, rate_error=-0.02)
    bench.start()
    bench.wait(20.0)
    bench.ask(Op.STOP_STREAM)
    (block,) = wire.decode("ankle", bench.said(DATA), CONFIG)
    sampler = bench.sensor.sampler
    assert block.sequence is not None
    assert block.ticks is not None
    world = sampler.world(block.sequence)
    # true rate 2 % below nominal; stamps and the pairs of clocks are rounded to a tick each
    assert np.diff(world) == pytest.approx(1 / (208 * 0.98))
    np.testing.assert_allclose(block.ticks, (world - 100.0) * (1e6 + 40.0), atol=2.0 * tick_us(kind))
    made = sampler.samples(0, len(block)).counts
    np.testing.assert_allclose(block.acc, made[:, :3] * (16 * 9.80665 / 32768), atol=1e-9)
    np.testing.assert_allclose(block.acc, np.clip(motion().at(world)[0], -156.91, 156.91), atol=0.003)


def test_settings_are_what_it_can_and_epoch_rises_when_they_change(kind: type) -> None:
    bench = Bench()
    assert bench.ask(Op.GET_CONFIG).values["epoch"] == 0
    told = bench.ask(
        Op.SET_CONFIG, rate_hz=200, acc_range_g=12, gyr_range_dps=9000, low_pass_hz=50, batch_max_ms=9
    )
    assert told.values == {
        "epoch": 1,
        "rate_hz": 208,
        "acc_range_g": 16,
        "gyr_range_dps": 2294 if kind is DeviceSensor else 2000,  # 70 mdps a count
        "low_pass_hz": 0 if kind is DeviceSensor else 50,  # the firmware has no choice of filters
        "batch_max_ms": 9,
    }
    again = {name: value for name, value in told.values.items() if name != "epoch"}
    assert bench.ask(Op.SET_CONFIG, **again).values["epoch"] == 1
    assert bench.ask(Op.SET_CONFIG, **{**again, "rate_hz": 0}).outcome == Outcome.BAD_VALUE
    assert bench.ask(Op.GET_CONFIG).values == told.values


def test_change_of_settings_on_the_way() -> None:
    bench = Bench()
    bench.start()
    bench.wait(1.01)
    bench.ask(Op.SET_CONFIG, **{**WISH, "rate_hz": 104})
    bench.wait(1.01)
    bench.ask(Op.STOP_STREAM)
    packets = [(head, payload) for _, head, payload in bench.heads() if head.n]
    indices = [head.first + k for head, _ in packets for k in range(head.n)]
    assert indices == list(range(len(indices)))
    changed = [head for head, _ in packets if head.epoch == 2]
    assert changed[0].flags & Flag.TIME_JUMP
    assert not any(head.flags & Flag.TIME_JUMP for head, _ in packets if head is not changed[0])
    for epoch, rate in ((1, 208.0), (2, 104.0)):
        (block,) = wire.decode("ankle", bench.said(DATA), {**CONFIG, "epoch": epoch})
        assert block.sequence is not None
        assert np.diff(bench.sensor.sampler.world(block.sequence)) == pytest.approx(1 / rate)


# Again


def test_replay_repeats_what_was_sent() -> None:
    bench = Bench()
    bench.start()
    bench.wait(5.0)
    sent = {head.first + k for _, head, _ in bench.heads() for k in range(head.n)}
    assert 500 in sent
    (before,) = wire.decode("ankle", bench.said(DATA), CONFIG)
    bench.heard.clear()
    answer = bench.ask(Op.REPLAY, first=300, last=700)
    assert answer.values == {"first": 300, "count": 401}
    bench.wait(2.0)
    again = [(head, payload) for _, head, payload in bench.heads() if head.flags & Flag.REPLAYED]
    assert [head.first + k for head, _ in again for k in range(head.n)] == list(range(300, 701))
    (block,) = wire.decode("ankle", [(0.0, payload) for _, payload in again], CONFIG)
    assert before.acc[300:701].tolist() == block.acc.tolist()
    ends = [decode_answer(payload) for _, payload in bench.said(CONTROL)]
    assert [end.values for end in ends if end.is_end] == [{"count": 401}]
    live = [head for _, head, _ in bench.heads() if head.n and not head.flags & Flag.REPLAYED]
    assert sum(head.n for head in live) >= 2 * 208 - 19, "the live stream had to wait"


@given(st.integers(0, 3000), st.integers(0, 3000))
@settings(max_examples=30)
def test_replay_gives_what_the_ring_still_holds(kind: type, first: int, n: int) -> None:
    bench = Bench(ring_samples=1000, flash_bytes=0)
    bench.start()
    bench.wait(10.0)
    made = bench.sensor.sampler.made(bench.now)
    answer = bench.ask(Op.REPLAY, first=first, last=first + n)
    kept = [k for k in range(first, first + n + 1) if made - 1000 <= k < made]
    assert answer.values["count"] == len(kept)
    assert answer.values["first"] == (kept[0] if kept else 0)
    bench.heard.clear()
    bench.wait(3.0)
    again = [head for _, head, _ in bench.heads() if head.flags & Flag.REPLAYED]
    came = [head.first + k for head in again for k in range(head.n)]
    gone = 5 if kind is DeviceSensor else 0  # left the ring in the turn before the first packet
    assert came in [kept[k:] for k in range(gone + 1)]


def test_replay_reaches_back_as_far_as_the_log() -> None:
    bench = Bench(ring_samples=1000)
    bench.ask(Op.SET_CONFIG, **WISH)
    assert bench.ask(Op.START_LOG, started_s=5).outcome == Outcome.OK
    bench.ask(Op.START_STREAM)
    bench.wait(60.0)
    assert bench.ask(Op.REPLAY, first=0, last=10_000).values == {"first": 0, "count": 10_001}


# Log


def fetch(bench: Bench, log_id: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        bench.heard.clear()
        length = bench.ask(Op.READ_LOG, log_id=log_id, offset=len(data), length=10_000).values["length"]
        bench.wait(1.0)
        pieces = [p for _, p in bench.said(LOG_DATA) if p[0] == PIECE]
        assert next(PIECE_LAYOUT.unpack_prefix(p)["offset"] for p in pieces) == len(data)
        piece = b"".join(p[PIECE_LAYOUT.size :] for p in pieces)
        assert len(piece) == length
        data += piece
    return data


def test_log_holds_what_was_made_and_outlives_the_link() -> None:
    bench = Bench()
    bench.ask(Op.SET_CONFIG, **WISH)
    log_id = bench.ask(Op.START_LOG, started_s=1_790_000_000).values["log_id"]
    bench.sensor.disconnect(bench.now)
    bench.wait(10.0)
    bench.connect()
    ended = bench.ask(Op.STOP_LOG).values
    told = bench.ask(Op.LIST_LOGS, position=0).values
    assert told == {"count": 1, "log_id": log_id, "size": ended["size"], "n": 2080, "started_s": 1_790_000_000}
    log = decode_log(fetch(bench, log_id, ended["size"]))
    assert not log.errors
    payloads = [(0.0, packet) for _, packets in log.pages for packet in packets]
    (block,) = wire.decode("ankle", payloads, CONFIG)
    assert block.sequence is not None
    assert block.sequence.tolist() == list(range(2080))
    made = bench.sensor.sampler.samples(0, 2080).counts[:, :3]
    np.testing.assert_allclose(block.acc, made * (16 * 9.80665 / 32768), atol=1e-9)
    assert {head.boot_id for head, _ in log.pages} == {bench.sensor.sampler.boot_id}
    assert bench.ask(Op.DELETE_LOG, log_id=log_id).outcome == Outcome.OK
    assert bench.ask(Op.LIST_LOGS, position=0).values["count"] == 0


def test_power_cut_costs_only_the_page_in_the_making(kind: type) -> None:
    bench = Bench()
    bench.ask(Op.SET_CONFIG, **WISH)
    bench.ask(Op.START_LOG, started_s=0)
    bench.wait(10.0)
    bench.sensor.disconnect(bench.now)
    bench.sensor.boot(bench.now + 1.0)
    bench.connect()
    # 2080 samples are 6 pages and a rest
    assert bench.ask(Op.LIST_LOGS, position=0).values["n"] == 6 * page_samples(kind)
    assert bench.ask(Op.STOP_LOG).outcome == Outcome.WRONG_STATE


def test_log_ends_where_the_flash_does(kind: type) -> None:
    bench = Bench(flash_bytes=3 * PAGE_BYTES)
    bench.ask(Op.START_LOG, started_s=0)
    bench.wait(20.0)
    told = bench.ask(Op.LIST_LOGS, position=0).values
    assert (told["n"], told["size"]) == (3 * page_samples(kind), 3 * PAGE_BYTES)
    assert bench.ask(Op.START_LOG, started_s=0).outcome == Outcome.FLASH_FULL
    assert bench.ask(Op.DELETE_LOG, log_id=ALL_LOGS).outcome == Outcome.OK
    assert bench.ask(Op.START_LOG, started_s=0).outcome == Outcome.OK


@pytest.mark.parametrize(
    ("op", "values", "outcome"),
    [
        (Op.REPLAY, {"first": 5, "last": 4}, Outcome.BAD_VALUE),
        (Op.STOP_LOG, {}, Outcome.WRONG_STATE),
        (Op.READ_LOG, {"log_id": 4, "offset": 0, "length": 1}, Outcome.NOT_FOUND),
        (Op.DELETE_LOG, {"log_id": 4}, Outcome.NOT_FOUND),
    ],
)
def test_refusals(op: Op, values: dict[str, int], outcome: Outcome) -> None:
    assert Bench().ask(op, **values).outcome == outcome


def test_no_flash_no_log() -> None:
    bench = Bench(flash_bytes=0)
    assert bench.ask(Op.START_LOG, started_s=0).outcome == Outcome.NO_FLASH
    assert bench.ask(Op.LIST_LOGS, position=0).outcome == Outcome.NO_FLASH


# Who it is and how it does


def test_each_boot_has_its_own_id_and_begins_at_zero() -> None:
    bench = Bench()
    bench.start()
    bench.wait(3.0)
    first = decode_info(bench.sensor.read(INFO, bench.now))
    bench.sensor.disconnect(bench.now)
    bench.sensor.boot(bench.now)
    bench.connect()
    second = decode_info(bench.sensor.read(INFO, bench.now))
    assert first.device_id == second.device_id
    assert first.boot_id % 2**16 != second.boot_id % 2**16
    assert bench.ask(Op.GET_CONFIG).values["rate_hz"] == 104, "settings outlived the boot"
    assert bench.start().values["next_index"] == 0
    assert [boot.boot_id for boot in bench.sensor.boots] == [first.boot_id, second.boot_id]


def test_battery_falls_and_can_be_set() -> None:
    bench = Bench(battery=0.8, drain_per_hour=3.6)
    bench.wait(100.0)
    assert bench.sensor.battery == pytest.approx(0.7)
    assert bench.sensor.read(BATTERY_LEVEL, bench.now) == bytes((70,))
    bench.sensor.battery = 0.03
    assert decode_status(bench.sensor.read(STATUS, bench.now)).battery_pct == 3
    bench.wait(100.0)
    assert bench.sensor.battery == 0.0


def test_status_says_what_goes_on() -> None:
    bench = Bench()

    def status() -> Status:
        return decode_status(bench.sensor.read(STATUS, bench.now))

    assert status().state == State(0)
    bench.start()
    bench.ask(Op.START_LOG, started_s=0)
    bench.wait(10.0)
    assert status().state == State.SAMPLING | State.STREAMING | State.LOGGING
    assert status().next_index == 2080
    assert status().t_us == 10_000_000
    assert status().mtu == 247


def test_unknown_ways_in_are_refused() -> None:
    bench = Bench()
    with pytest.raises(Refused):
        bench.sensor.read(DATA, bench.now)
    with pytest.raises(Refused):
        bench.sensor.write(DATA, b"", bench.now)
    ((_, said),) = bench.sensor.write(CONTROL, b"\x3f\x01", bench.now)
    assert decode_answer(said).outcome == Outcome.UNKNOWN_OP
    bench.sensor.subscribe(CONTROL, False, bench.now)
    with pytest.raises(Refused):
        bench.sensor.write(CONTROL, encode_request(Op.GET_CONFIG, 1), bench.now)


def requests() -> st.SearchStrategy[bytes]:
    """Requests whose lengths are right and whose values are anything, small ones often."""
    number = st.one_of(st.integers(0, 3000), st.integers(0, 2**32 - 1))

    def request(op: Op, ref: int, numbers: list[int]) -> bytes:
        layout = ARGUMENTS[op]
        top = {"u8": 2**8, "u16": 2**16, "u32": 2**32}
        return encode_request(op, ref, **{name: k % top[t] for (name, t), k in zip(layout.types.items(), numbers)})  # noqa: B905

    return st.builds(request, st.sampled_from(Op), st.integers(0, 255), st.lists(number, min_size=5, max_size=5))


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just(CONTROL), requests()),
            st.tuples(st.sampled_from([CONTROL, TIME, DATA]), st.binary(max_size=16)),
        ),
        max_size=12,
    ),
    st.sampled_from([23, 247]),
)
@settings(max_examples=100)
def test_no_command_breaks_it(commands: list[tuple[str, bytes]], mtu: int) -> None:
    bench = Bench(mtu, flash_bytes=4 * PAGE_BYTES)
    bench.start()
    for uuid, data in commands:
        with contextlib.suppress(Refused):
            bench.sensor.write(uuid, data, bench.now)
        bench.wait(0.1)
    assert bench.start().outcome == Outcome.OK
    bench.heard.clear()
    bench.wait(0.5)
    live = [head for _, head, _ in bench.heads() if not head.flags & Flag.REPLAYED]
    assert sum(head.n for head in live) > 80
