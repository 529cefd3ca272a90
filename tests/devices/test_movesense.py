"""The Movesense adapter against the virtual sensor, and against sensors that answer wrongly or not at all."""

from __future__ import annotations

import asyncio
import math

import numpy as np
import pytest
from heard import Heard, link_to, motion
from simulated_time import run

from ankle_imu import wire
from ankle_imu.devices.adapter import LogFile, Sighting, Wish
from ankle_imu.devices.movesense import SERVICE, STREAM_REF, WRITE, MovesenseAdapter, match
from ankle_imu.errors import ProtocolError
from ankle_imu.simulate.sensors.movesense import MovesenseSensor
from ankle_imu.simulate.sensors.peripheral import Said
from ankle_imu.simulate.sensors.radio import VirtualRadio
from ankle_imu.wire import movesense_sbem as sbem
from ankle_imu.wire.movesense_commands import (
    Command,
    command,
    path_payload,
    read_hello,
    read_log_entries,
    read_range,
)

ADDRESS = "C0:00:00:00:00:02"


def flash_log(n: int = 4160) -> bytes:
    ticks = np.arange(n) * 1000 // 208
    acc, gyr = motion(208.0).at(np.arange(n) / 208.0)
    return sbem.encode(ticks, acc, gyr, samples=8)


@pytest.mark.parametrize(("wanted", "rate", "mtu"), [(208.0, 208, 247), (208.0, 208, 158), (50.0, 52, 158)])
def test_stream_holds_every_sample_of_the_sensor_in_order(wanted: float, rate: int, mtu: int) -> None:
    """At MTU 158 a measurement of 8 samples comes in two parts."""

    async def main() -> None:
        async with VirtualRadio() as radio:
            sensor = MovesenseSensor(ADDRESS, motion(208.0), ppm=40.0, rate_error=0.01)
            await radio.add(sensor, mtu=mtu)
            link, adapter, heard = await link_to(radio), MovesenseAdapter(), Heard()
            stream = await adapter.start(link, Wish(rate_hz=wanted), heard)
            assert stream.config == {
                "subscriptions": {STREAM_REF: f"/Meas/IMU6/{rate}"},
                "nominal_rate_hz": float(rate),
                "acc_range_g": 16.0,
                "gyr_range_dps": 2000.0,
            }
            await asyncio.sleep(10.0)
            await adapter.stop(link)
            (block,) = wire.decode(stream.protocol, heard.packets, stream.config)
            assert not block.errors
            assert len(block) == len(sensor.truth) == pytest.approx(10 * 1.01 * rate, abs=12)
            acc, gyr = motion(208.0).at(sensor.truth)
            np.testing.assert_allclose(block.acc, acc, rtol=1e-6)
            np.testing.assert_allclose(block.gyr, gyr, rtol=1e-6, atol=1e-9)

    run(main())


def test_identity_comes_from_hello() -> None:
    async def main() -> None:
        async with VirtualRadio() as radio:
            await radio.add(MovesenseSensor(ADDRESS, motion(208.0), serial="214530002602", battery=0.42))
            who = await MovesenseAdapter().identify(await link_to(radio))
            assert (who.serial, who.model, who.battery) == ("214530002602", "Movesense MD", 0.42)
            assert who.firmware == "Ankle test 2.3.1"

    run(main())


def test_the_same_adapter_streams_again_after_a_lost_link() -> None:
    async def main() -> None:
        async with VirtualRadio() as radio:
            air = await radio.add(MovesenseSensor(ADDRESS, motion(208.0)))
            adapter, heard = MovesenseAdapter(), Heard()
            first = await adapter.start(await link_to(radio), Wish(), heard)
            await asyncio.sleep(1.0)
            air.lose("too far away")
            n = len(heard.packets)
            assert await adapter.start(await link_to(radio), Wish(), heard) == first
            await asyncio.sleep(1.0)
            assert len(heard.packets) > n + 20

    run(main())


def test_a_subscription_that_a_sensor_kept_is_ended_first() -> None:
    async def main() -> None:
        async with VirtualRadio() as radio:
            await radio.add(MovesenseSensor(ADDRESS, motion(208.0)))
            link, heard = await link_to(radio), Heard()
            await link.write(WRITE, command(Command.SUBSCRIBE, STREAM_REF, path_payload("/Meas/IMU6/52")))
            stream = await MovesenseAdapter().start(link, Wish(), heard)
            await asyncio.sleep(1.0)
            (block,) = wire.decode(stream.protocol, heard.packets, stream.config)
            assert len(block) > 180
            assert not block.errors

    run(main())


def test_exhausted_sensor_is_refused_with_advice() -> None:
    async def main() -> None:
        async with VirtualRadio() as radio:
            sensor = MovesenseSensor(ADDRESS, motion(208.0))
            await radio.add(sensor)
            sensor.is_exhausted = True
            link = await link_to(radio)
            with pytest.raises(ProtocolError, match=r"status 429: .*restart it") as caught:
                await MovesenseAdapter().start(link, Wish(), Heard())
            assert caught.value.payload[2:4] == (429).to_bytes(2, "little")
            assert math.isnan(await MovesenseAdapter().battery(link))

    run(main())


class Mute(MovesenseSensor):
    """Takes every command and answers none."""

    def write(self, uuid: str, data: bytes, now: float) -> list[Said]:
        return []


class Terse(MovesenseSensor):
    """Knows no configuration and no list of rates."""

    def _resource(self, path: str, now: float) -> bytes | None:
        return None


class Cut(MovesenseSensor):
    """Answers with the header alone."""

    def write(self, uuid: str, data: bytes, now: float) -> list[Said]:
        return [(uuid, payload[:2]) for uuid, payload in super().write(uuid, data, now)]


@pytest.mark.parametrize(("kind", "words"), [(Mute, "did not answer"), (Cut, "status 0")])
def test_bad_sensor_is_refused_with_the_reason(kind: type[MovesenseSensor], words: str) -> None:
    async def main() -> None:
        async with VirtualRadio() as radio:
            await radio.add(kind(ADDRESS, motion(208.0)))
            with pytest.raises(ProtocolError, match=words) as caught:
                await MovesenseAdapter().start(await link_to(radio), Wish(), Heard())
            assert caught.value.identifier == ADDRESS

    run(main())


def test_what_a_sensor_does_not_tell_is_left_open() -> None:
    async def main() -> None:
        async with VirtualRadio() as radio:
            await radio.add(Terse(ADDRESS, motion(208.0)))
            link = await link_to(radio)
            stream = await MovesenseAdapter().start(link, Wish(), Heard())
            assert set(stream.config) == {"subscriptions", "nominal_rate_hz"}
            assert math.isnan(await MovesenseAdapter().battery(link))

    run(main())


def test_link_lost_while_an_answer_is_awaited() -> None:
    async def main() -> None:
        async with VirtualRadio() as radio:
            air = await radio.add(Mute(ADDRESS, motion(208.0)))
            link = await link_to(radio)
            began = asyncio.get_running_loop().time()
            asyncio.get_running_loop().call_later(1.0, air.lose, "too far away")
            with pytest.raises(Exception, match="too far away"):
                await MovesenseAdapter().identify(link)
            assert asyncio.get_running_loop().time() - began == pytest.approx(1.0)

    run(main())


def test_log_with_holes_is_fetched_until_it_is_whole() -> None:
    content = flash_log()

    async def main() -> None:
        async with VirtualRadio() as radio:
            await radio.add(MovesenseSensor(ADDRESS, motion(208.0), logs={7: content}, swallowed=(0, 3, 4, 90)))
            link, adapter = await link_to(radio), MovesenseAdapter()
            (log,) = await adapter.list_logs(link)
            assert (log.key, log.size) == ("7", len(content))
            seen: list[tuple[int, int]] = []
            data, is_complete = await adapter.fetch_log(link, log, b"", lambda a, b, _: seen.append((a, b)))
            assert is_complete
            assert data == content
            assert seen[-1] == (len(content), len(content))
            stream, payloads = adapter.log_stream(log, data)
            (block,) = wire.decode(stream.protocol, [(0.0, p) for p in payloads], stream.config)
            assert len(block) == 4160

    run(main())


def test_download_begun_before_is_completed() -> None:
    content = flash_log()

    async def main() -> None:
        async with VirtualRadio() as radio:
            air = await radio.add(MovesenseSensor(ADDRESS, motion(208.0), logs={7: content}, swallowed=(5,)))
            adapter, log = MovesenseAdapter(), LogFile(key="7", size=len(content))
            link = await link_to(radio)
            asyncio.get_running_loop().call_later(3.0, air.lose, "too far away")
            part, is_complete = await adapter.fetch_log(link, log, b"", lambda *_: None)
            assert not is_complete
            assert len(part) == 5 * (247 - 9), "what is behind a hole is not handed out as if it were joined"
            assert content.startswith(part)
            whole, is_complete = await adapter.fetch_log(await link_to(radio), log, part, lambda *_: None)
            assert is_complete
            assert whole == content

    run(main())


@pytest.mark.parametrize("state", ["logging", "unknown"])
def test_log_that_cannot_be_had(state: str) -> None:
    async def main() -> None:
        async with VirtualRadio() as radio:
            await radio.add(MovesenseSensor(ADDRESS, motion(208.0), logs={7: flash_log()}))
            link, adapter = await link_to(radio), MovesenseAdapter()
            if state == "logging":
                await link.write(WRITE, command(Command.PUT_DATALOGGER_STATE, 1, bytes([3])))
            words = {"logging": "status 409: it is recording", "unknown": "status 404"}[state]
            key = {"logging": "7", "unknown": "8"}[state]
            with pytest.raises(ProtocolError, match=words):
                await adapter.fetch_log(link, LogFile(key=key), b"", lambda *_: None)

    run(main())


def test_list_of_logs_that_does_not_fit_is_counted_on() -> None:
    async def main() -> list[LogFile]:
        async with VirtualRadio() as radio:
            await radio.add(
                MovesenseSensor(ADDRESS, motion(208.0), logs=dict.fromkeys(range(1, 13), b"SBEM")), mtu=100
            )
            return await MovesenseAdapter().list_logs(await link_to(radio))

    logs = run(main())
    assert [log.key for log in logs] == [str(k) for k in range(1, 13)]
    assert [log.size for log in logs] == [4] * 5 + [-1] * 7


def test_answers_by_hand() -> None:
    hello = read_hello(b"\x01" + b"214530002602\0Movesense\0AA\0app\0" + b"2.1\0")
    assert (hello.protocol_version, hello.serial, hello.app_version) == (1, "214530002602", "2.1")
    n, entries = read_log_entries(bytes([2]) + bytes.fromhex("0100000002000000") + (300).to_bytes(8, "little"))
    assert (n, entries[0].id, entries[0].modified, entries[0].size) == (2, 1, 2, 300)
    assert read_range("/Meas/Gyro/Config", (2000).to_bytes(2, "little")) == 2000
    for broken in (
        lambda: read_hello(b""),
        lambda: read_log_entries(b""),
        lambda: read_range("/Meas/Acc/Config", b""),
    ):
        with pytest.raises(ValueError, match=r"empty|expected"):
            broken()


@pytest.mark.parametrize(
    ("seen", "is_one"),
    [
        (Sighting(identifier="x", name="Movesense 214530002602"), True),
        (Sighting(identifier="x", service_uuids=(SERVICE,)), True),
        (Sighting(identifier="x", name="Kitchen", service_uuids=("0000180d-0000-1000-8000-00805f9b34fb",)), False),
        (Sighting(identifier="x"), False),
    ],
)
def test_recognised_by_name_or_service(seen: Sighting, is_one: bool) -> None:
    assert bool(match(seen)) is is_one
