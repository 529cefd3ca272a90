"""The Ankle IMU adapter against the virtual sensor on a bad radio, and against sensors that answer wrongly."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_time import run

from ankle_imu import wire
from ankle_imu.devices.adapter import Blinking, Healing, Link, LogFile, Logging, Sighting, Stream, Wish
from ankle_imu.devices.ankle import EXCHANGES, AnkleAdapter, match
from ankle_imu.devices.ankle_ledger import MAX_TRIES, Ledger
from ankle_imu.devices.ankle_talk import RequestFailed
from ankle_imu.errors import ConnectionLost, ProtocolError
from ankle_imu.simulate.sensors.ankle import AnkleSensor
from ankle_imu.simulate.sensors.mischief import parse_mischief
from ankle_imu.simulate.sensors.peripheral import Motion
from ankle_imu.simulate.sensors.radio import OnAir, VirtualLink, VirtualRadio
from ankle_imu.values import ImuSeries
from ankle_imu.wire.ankle_control import (
    CONTROL,
    LOG_DATA,
    NAME_PREFIX,
    SERVICE,
    TIME_ANSWER,
    Answer,
    Op,
    Outcome,
    encode_answer,
)
from ankle_imu.wire.ankle_packets import COMPACT, SAMPLES, Flag, Head
from ankle_imu.wire.ankle_state import decode_status

ACC_STEP = 16 * 9.80665 / 32768


def motion() -> Motion:
    rng = np.random.default_rng(3)
    time = np.arange(1000) / 100
    acc, gyr = rng.normal(0, 30, (1000, 3)), rng.normal(0, 8, (1000, 3))
    return Motion(ImuSeries(time=time, acc=acc, gyr=gyr, sampling_rate=100.0))


class Heard:
    """What an adapter delivers: (kind, arrival, payload)."""

    def __init__(self) -> None:
        self.all: list[tuple[str, float, bytes]] = []

    def __call__(self, kind: str, payload: bytes) -> None:
        self.all.append((kind, asyncio.get_running_loop().time(), payload))

    def of(self, kind: str) -> list[tuple[float, bytes]]:
        return [(at, payload) for said, at, payload in self.all if said == kind]


class Walk:
    """An adapter, its sensor on the air, and what was heard."""

    def __init__(self, radio: VirtualRadio, sensor: AnkleSensor, air: OnAir, adapter: AnkleAdapter) -> None:
        self.radio, self.sensor, self.air, self.adapter = radio, sensor, air, adapter
        self.heard = Heard()
        self.stream = Stream(protocol="", config={})

    async def connect(self) -> VirtualLink:
        seen = await self.radio.scan(120.0, is_enough=lambda _: True)
        return await self.radio.connect(seen[0], timeout=5.0)

    async def end(self, link: Link, *, is_safe: bool = True) -> None:
        """End as a recording does: stop, fetch what is missing, let the sensor forget."""
        await self.adapter.stop(link)
        await self.adapter.heal(link)
        await self.adapter.end_log(link, is_safe=is_safe)

    async def start(self, **wish: float) -> VirtualLink:
        link = await self.connect()
        self.stream = await self.adapter.start(link, Wish(**wish), self.heard)
        return link

    def block(self) -> wire.Block:
        (block,) = wire.decode("ankle", self.heard.of("packet"), self.stream.config)
        return block

    def check_all_came(self, boot: int = -1) -> int:
        """Every sample from the first to the last came as it was made; gives how many."""
        block, sampler = self.block(), self.sensor.boots[boot]
        assert block.sequence is not None
        assert block.ticks is not None
        indices, first = np.unique(block.sequence, return_index=True)
        np.testing.assert_array_equal(indices, np.arange(indices[0], indices[-1] + 1))
        made = [sampler.samples(a, b).counts for _, a, b in sampler.spans(int(indices[0]), int(indices[-1]) + 1)]
        np.testing.assert_allclose(block.acc[first], np.concatenate(made)[:, :3] * ACC_STEP, atol=1e-9)
        stamps = [sampler.mcu.read(world) * 1e6 for world in sampler.world(indices)]
        np.testing.assert_allclose(block.ticks[first], stamps, atol=2.0)
        return len(indices)


def walk(
    play: Callable[[Walk], object],
    *,
    mischief: str = "",
    mtu: int = 247,
    loss: float = 0.0,
    is_logging: bool = True,
    **sensor: float,
) -> Walk:
    """Run `play` with a sensor on the air, at a connection interval of 15 ms."""

    async def main() -> Walk:
        async with VirtualRadio(interval=0.015) as radio:
            virtual = AnkleSensor(motion(), ppm=40.0, rate_error=0.01, **sensor)  # type: ignore[arg-type]
            plan = [parse_mischief(text) for text in mischief.split()]
            air = await radio.add(virtual, mtu=mtu, mischief=plan, loss=loss)
            walked = Walk(radio, virtual, air, AnkleAdapter(is_logging=is_logging))
            await play(walked)  # type: ignore[misc]
            return walked

    return run(main())


def test_match_by_service_or_name() -> None:
    by_service = match(Sighting(identifier="a", service_uuids=(SERVICE,)))
    by_name = match(Sighting(identifier="a", name=NAME_PREFIX + "12AB"))
    assert by_service > by_name > 0
    assert match(Sighting(identifier="a", name="WT901BLE67")) == 0


def test_it_can_all_that_an_adapter_may() -> None:
    assert isinstance(AnkleAdapter(), Healing)
    assert isinstance(AnkleAdapter(), Logging)
    assert isinstance(AnkleAdapter(), Blinking)


def test_who_it_is() -> None:
    async def play(w: Walk) -> None:
        link = await w.connect()
        told = await w.adapter.identify(link)
        assert told.model == "ankle"
        assert len(told.serial) == 16
        assert told.firmware == "virtual 1"
        assert told.battery == pytest.approx(0.5, abs=0.01)
        assert w.air.arrived == [], "it was asked and yet it streamed"
        await w.adapter.blink(link)
        assert len(w.sensor.blinks) == 1

    walk(play, battery=0.5)


@pytest.mark.parametrize("mtu", [23, 185, 247])
def test_a_walk_comes_whole(mtu: int) -> None:
    async def play(w: Walk) -> None:
        link = await w.start(rate_hz=208.0)
        await asyncio.sleep(30.0)
        await w.end(link)
        before = len(w.heard.all)
        await asyncio.sleep(2.0)
        assert [kind for kind, *_ in w.heard.all[before:] if kind != "status"] == []

    w = walk(play, mtu=mtu)
    assert w.stream.config == {
        "acc_range_g": 16.0,
        "gyr_range_dps": 2000.0,
        "nominal_rate_hz": 208.0,
        "low_pass_hz": 0.0,
        "epoch": 1,
    }
    block = w.block()
    assert not block.errors
    # asked for 208, its oscillator is 1 % fast
    assert w.check_all_came() == pytest.approx(30 * 208 * 1.01, abs=40)
    assert len(block) == w.check_all_came(), "a sample came twice"
    # recorded bytes are what was said, in order
    said = [payload for _, uuid, payload in w.air.arrived if uuid.startswith("3cea0004")]
    assert [payload for _, payload in w.heard.of("packet")] == said


def test_the_replys_values_are_the_truth() -> None:
    async def play(w: Walk) -> None:
        await w.start(rate_hz=190.0, acc_range_g=64.0, gyr_range_dps=300.0)

    assert walk(play).stream.config == {
        "acc_range_g": 16.0,
        "gyr_range_dps": 500.0,
        "nominal_rate_hz": 208.0,
        "low_pass_hz": 0.0,
        "epoch": 1,
    }


def test_status_and_time_are_delivered_raw() -> None:
    async def play(w: Walk) -> None:
        link = await w.start()
        await asyncio.sleep(5.0)
        await w.adapter.exchange_time(link, 3)
        await asyncio.sleep(1.0)

    w = walk(play)
    statuses = w.heard.of("status")
    assert {decode_status(payload).boot_id for _, payload in statuses} == {w.sensor.sampler.boot_id}
    assert np.diff([at for at, _ in statuses]) == pytest.approx(1.0, abs=0.031)
    assert len(statuses) >= 6
    exchanges = w.heard.of("clock")
    asked = {payload[0]: at for at, payload in exchanges if len(payload) == 1}
    told = {payload[0]: (at, TIME_ANSWER.unpack(payload)) for at, payload in exchanges if len(payload) == 13}
    assert len(asked) == EXCHANGES + 3
    assert asked.keys() == told.keys()
    for seq, (at, answer) in told.items():
        world = w.sensor.sampler.mcu.world(answer["received_us"] * 1e-6)
        assert asked[seq] <= world <= at


def test_what_the_air_swallows_is_healed_once() -> None:
    async def play(w: Walk) -> None:
        link = await w.start()
        await asyncio.sleep(20.0)
        assert await w.adapter.heal(link) > 500
        assert await w.adapter.heal(link) == 0
        await w.end(link)

    w = walk(play, mischief="5:lose:3")
    w.check_all_came()
    lost = [payload for _, _, payload in w.air.courier.lost]
    assert lost
    # only what was missing came again
    assert len(w.block()) == w.check_all_came()


def test_random_losses_are_healed_though_repeats_get_lost_too() -> None:
    async def play(w: Walk) -> None:
        link = await w.start()
        for _ in range(15):
            await asyncio.sleep(2.0)
            await w.adapter.heal(link)
        await w.end(link)

    w = walk(play, loss=0.1)
    assert len(w.air.courier.lost) > 30
    block = w.block()
    assert block.sequence is not None
    missing = np.setdiff1d(np.arange(block.sequence.min(), block.sequence.max() + 1), block.sequence)
    # at most the last packets of all, asked for once more and lost again
    assert len(missing) <= 3 * 19


@pytest.mark.parametrize("flash_bytes", [0, 16 * 2**20])
def test_a_lost_link_is_healed_from_ring_or_flash(flash_bytes: int) -> None:
    async def play(w: Walk) -> None:
        link = await w.start()
        await link.wait_lost()
        link = await w.start()
        assert await w.adapter.heal(link) > 60 * 208
        await asyncio.sleep(1.0)
        assert await w.adapter.heal(link) == 0, "what is gone was asked for again"
        await asyncio.sleep(10.0)
        await w.end(link)

    # ring of 10 s at 208 Hz
    w = walk(play, mischief="10:gone:60", flash_bytes=flash_bytes, ring_samples=2080)
    block = w.block()
    assert block.sequence is not None
    if flash_bytes:
        assert w.check_all_came() > 70 * 208
        return
    indices = np.unique(block.sequence)
    (hole,) = np.flatnonzero(np.diff(indices) > 1)
    lost = indices[hole + 1] - indices[hole] - 1
    # 60 s and the reconnection, less the ring of 2080 samples, about 10 s
    assert 48 * 208 < lost < 53 * 208


@pytest.mark.parametrize(("mtu", "flash_bytes"), [(247, 0), (247, 16 * 2**20), (23, 16 * 2**20)])
def test_twenty_lost_links_lose_nothing(mtu: int, flash_bytes: int) -> None:
    async def play(w: Walk) -> None:
        losses = 0
        while losses < 20:
            link = await w.start()
            await w.adapter.heal(link)
            await link.wait_lost()
            losses += 1
        link = await w.start()
        await asyncio.sleep(3.0)
        made.append(w.sensor.sampler.made(w.air.now()))
        await w.end(link)

    made: list[int] = []
    plan = " ".join(f"{4 * k}:{'drop' if k % 2 else 'bye'}" for k in range(1, 21))
    w = walk(play, mischief=plan, mtu=mtu, flash_bytes=flash_bytes)
    assert made[0] > 80 * 208
    assert w.check_all_came() > made[0] - 20, "more is missing than what was made before the first START"


def test_another_boot_voids_what_was_missing() -> None:
    async def play(w: Walk) -> None:
        link = await w.start()
        await link.wait_lost()
        link = await w.start()
        await asyncio.sleep(5.0)
        assert await w.adapter.heal(link) == 0
        await w.end(link)

    w = walk(play, mischief="10:lose:2 11.5:reboot:3")
    block = w.block()
    assert block.sequence is not None
    (turn,) = np.flatnonzero(np.diff(block.sequence) < 0)
    assert block.sequence[turn + 1] < 20
    assert w.stream.config["epoch"] == 1


def test_log_is_deleted_when_nothing_is_missing_and_kept_otherwise() -> None:
    async def play(w: Walk) -> None:
        link = await w.start()
        await asyncio.sleep(5.0)
        (log,) = await w.adapter.list_logs(link)
        assert log.started_s > 1.7e9
        await w.end(link)
        assert await w.adapter.list_logs(link) == []

    walk(play)

    async def unsafe(w: Walk) -> None:
        link = await w.start()
        await asyncio.sleep(5.0)
        await w.end(link, is_safe=False)
        assert len(await w.adapter.list_logs(link)) == 1, "the disk did not take what the log still has"

    walk(unsafe)

    async def lossy(w: Walk) -> None:
        link = await w.start()
        await asyncio.sleep(5.0)
        await w.end(link)
        assert len(await w.adapter.list_logs(link)) == 1

    walk(lossy, mischief="4:lose:60")


# Flash


def test_a_log_is_fetched_over_a_lossy_and_lost_link() -> None:
    seen: list[tuple[int, int]] = []

    async def play(w: Walk) -> None:
        link = await w.start()
        await asyncio.sleep(60.0)
        w.adapter._own_log = None  # as after a crash of the host: the log stays
        await w.end(link)
        await w.adapter._talk.ask(link, Op.STOP_LOG)
        (log,) = await w.adapter.list_logs(link)
        w.air.courier.loss = 0.02
        data, is_complete = b"", False
        drops = 0
        while not is_complete:
            if drops < 2:
                asyncio.get_running_loop().call_later(1.0 + drops, w.air.lose, "test")
                drops += 1
            data, is_complete = await w.adapter.fetch_log(
                link, log, data, lambda got, of, _: seen.append((got, of))
            )
            if not is_complete:
                link = await w.connect()
        assert len(data) == log.size
        stream, payloads = w.adapter.log_stream(log, data)
        assert stream == w.stream
        (block,) = wire.decode("ankle", [(0.0, payload) for payload in payloads], stream.config)
        assert block.sequence is not None
        assert len(block) == log.n
        assert (np.diff(block.sequence) == 1).all()
        made = w.sensor.sampler.samples(int(block.sequence[0]), int(block.sequence[-1]) + 1).counts
        np.testing.assert_allclose(block.acc, made[:, :3] * ACC_STEP, atol=1e-9)

    walk(play)
    got = [n for n, _ in seen]
    assert got == sorted(got), "what was fetched before was thrown away"
    assert seen[-1][0] == seen[-1][1]


def test_own_log_is_ended_though_the_link_was_lost_before_the_stream_began() -> None:
    async def play(w: Walk) -> None:
        write = w.sensor.write

        def lose_at_start(uuid: str, data: bytes, now: float) -> list[tuple[str, bytes]]:
            if uuid == CONTROL and data[0] == Op.START_STREAM:
                w.sensor.write = write  # type: ignore[method-assign]
                w.air.lose("test")
                return []
            return write(uuid, data, now)

        w.sensor.write = lose_at_start  # type: ignore[method-assign]
        with pytest.raises(ConnectionLost):
            await w.start()
        link = await w.start()
        await asyncio.sleep(3.0)
        await w.end(link)
        assert await w.adapter.list_logs(link) == []
        assert not w.sensor.sampler.is_running

    walk(play)


def test_a_log_without_a_whole_page_is_refused() -> None:
    with pytest.raises(ProtocolError, match="no whole page"):
        AnkleAdapter().log_stream(LogFile(key="1"), b"\xff" * 5000)


def test_fetch_gives_up_on_a_sensor_that_sends_no_pieces() -> None:
    async def play(w: Walk) -> None:
        link = await w.start()
        await asyncio.sleep(10.0)
        (log,) = await w.adapter.list_logs(link)
        await link.unsubscribe(LOG_DATA)
        w.sensor.subscribe = lambda *_: None  # type: ignore[method-assign]
        assert await w.adapter.fetch_log(link, log, b"", lambda *_: None) == (b"", False)

    walk(play)


# Sensors that answer wrongly


class Deaf(AnkleSensor):
    """Never answers requests of one kind, or answers them with `instead`."""

    op = Op.START_STREAM
    instead: tuple[Answer, ...] = ()

    def write(self, uuid: str, data: bytes, now: float) -> list[tuple[str, bytes]]:
        if uuid == CONTROL and data[0] == self.op:
            return [(CONTROL, encode_answer(answer)) for answer in self.instead]
        return super().write(uuid, data, now)


def start_with(op: Op, *instead: Answer) -> None:
    async def main() -> None:
        async with VirtualRadio() as radio:
            sensor = Deaf(motion())
            sensor.op, sensor.instead = op, instead
            await radio.add(sensor)
            (seen,) = await radio.scan(0.2)
            link = await radio.connect(seen, timeout=5.0)
            await AnkleAdapter().start(link, Wish(), Heard())

    run(main())


@pytest.mark.parametrize("op", [Op.SET_CONFIG, Op.START_STREAM])
def test_no_answer_in_time_tells_what_was_asked(op: Op) -> None:
    with pytest.raises(ProtocolError, match=op.name) as raised:
        start_with(op)
    assert raised.value.identifier == "C0:00:00:00:00:01"


def test_answer_to_another_question_is_no_answer() -> None:
    wrong = Answer(op=Op.START_STREAM, ref=200, values={"boot_id": 1, "epoch": 1, "next_index": 0})
    with pytest.raises(ProtocolError, match="did not answer START_STREAM"):
        start_with(Op.START_STREAM, wrong)


def test_refusal_is_named() -> None:
    refused = [Answer(op=Op.SET_CONFIG, ref=ref, outcome=Outcome.FAILED) for ref in range(256)]
    with pytest.raises(RequestFailed, match="SET_CONFIG: FAILED"):
        start_with(Op.SET_CONFIG, *refused)


def test_a_refused_log_does_not_keep_it_from_streaming() -> None:
    start_with(Op.START_LOG, *[Answer(op=Op.START_LOG, ref=r, outcome=Outcome.FLASH_FULL) for r in range(256)])


def test_link_lost_in_the_middle_of_a_request() -> None:
    async def play(w: Walk) -> None:
        link = await w.start()
        asyncio.get_running_loop().call_later(0.5, w.air.lose, "out of reach")
        w.air.is_muted = True
        with pytest.raises(ConnectionLost):
            await w.adapter.blink(link)

    walk(play)


def test_requests_of_several_tasks_take_turns() -> None:
    async def play(w: Walk) -> None:
        link = await w.start()
        asked: Counter[int] = Counter()
        write = w.sensor.write

        def watch(uuid: str, data: bytes, now: float) -> list[tuple[str, bytes]]:
            asked[data[1]] += 1
            return write(uuid, data, now)

        w.sensor.write = watch  # type: ignore[method-assign]
        await asyncio.gather(*(w.adapter.blink(link) for _ in range(20)), w.adapter.list_logs(link))
        assert len(w.sensor.blinks) == 20
        assert set(asked.values()) == {1}, "a reference was used twice"

    walk(play)


# Ledger


def head(first: int, n: int, flags: int = 0, bits: int = 32) -> Head:
    kind = SAMPLES if bits == 32 else COMPACT
    return Head(type=kind, epoch=1, first=first % 2**bits, bits=bits, n=n, flags=flags)


@given(
    st.integers(0, 2**32 - 1), st.sets(st.integers(0, 60)), st.permutations(range(60)), st.sampled_from([16, 32])
)
def test_ledger_knows_what_is_missing(begun: int, lost: set[int], order: list[int], bits: int) -> None:
    """In any order, also across the wrap of the index."""
    ledger = Ledger()
    ledger.start(1, begun)
    for k in order:
        if k not in lost:
            ledger.take(head(begun + 5 * k, 5, bits=bits))
    missing = {k for a, b in ledger.missing() for k in range(a, b)}
    last = max(({*range(60)} - lost) | {-1})
    assert missing == {begun + 5 * k + j for k in lost if k < last for j in range(5)}
    for span in ledger.missing():
        ledger.expect(span)
        for k in range(*span):
            assert ledger.take(head(k, 1, Flag.REPLAYED, bits)) == 1
    assert ledger.missing() == []


def test_ledger_by_hand() -> None:
    ledger = Ledger()
    ledger.start(1, 100)
    assert ledger.take(head(100, 10)) == 10
    assert ledger.take(head(105, 10)) == 5
    assert ledger.take(head(130, 10)) == 10
    assert ledger.missing() == [(115, 130)]
    ledger.start(1, 160)
    assert ledger.missing() == [(115, 130), (140, 160)]
    # of the first only the end is still there, of the second nothing
    ledger.settle((115, 130), (120, 130))
    ledger.settle((140, 160), (0, 0))
    assert ledger.missing() == [(120, 130)]
    for _ in range(MAX_TRIES):
        ledger.settle((120, 130), (120, 130))
    assert ledger.missing() == [], "a promise broken again and again is no longer believed"
    assert ledger.abandoned == 10
    ledger.start(2, 0)
    assert ledger.missing() == []


def test_ledger_makes_short_indices_whole() -> None:
    ledger = Ledger()
    ledger.start(1, 0)
    for k in range(0, 200_000, 1000):
        assert ledger.take(head(k, 1, bits=16)) == 1
    assert ledger.missing()[-1] == (198_001, 199_000)
    ledger.expect((1, 1000))
    assert ledger.take(head(7, 1, Flag.REPLAYED, bits=16)) == 1
    assert ledger.missing()[:2] == [(1, 7), (8, 1000)]
