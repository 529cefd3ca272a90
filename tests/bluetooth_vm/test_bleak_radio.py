"""`BleakRadio` against virtual sensors, by way of bleak on a bumble host in this process, in simulated time."""

from __future__ import annotations

import asyncio

import pytest
from bluetooth_vm.bleak_on_bumble import bleak_on
from bluetooth_vm.bumble_radio import HostAir
from bluetooth_vm.numbered import BATTERY, CONTROL, SERVICE, STREAM, NumberedSensor
from simulated_time import run

from ankle_imu.devices.bleak_radio import ANSWER_S, BleakLink, BleakRadio
from ankle_imu.errors import ConnectionLost, ProtocolError
from ankle_imu.simulate.sensors.mischief import parse_mischief


async def connected(air: HostAir) -> BleakLink:
    radio = BleakRadio(backend=bleak_on(air.host))
    (seen,) = await radio.scan(1.0, is_enough=lambda s: bool(s.name))
    return await radio.connect(seen, timeout=5.0)


def test_scan_shows_what_is_advertised_and_ends_when_told() -> None:
    async def scan() -> None:
        loop = asyncio.get_running_loop()
        async with HostAir() as air:
            for number in (1, 2):
                await air.add(NumberedSensor(number))
            radio = BleakRadio(backend=bleak_on(air.host))
            seen = await radio.scan(1.0)
            assert sorted(s.identifier for s in seen) == ["C0:00:00:00:00:01", "C0:00:00:00:00:02"]
            assert {s.name for s in seen} == {"Numbered-1", "Numbered-2"}
            assert {s.service_uuids for s in seen} == {(SERVICE,)}
            assert seen[0].manufacturer_data == {0xFFFF: b"\x01"}
            start = loop.time()
            await radio.scan(60.0, is_enough=lambda s: s.name == "Numbered-2")
            assert loop.time() - start < 1.0

    run(scan())


def test_reads_writes_and_hears() -> None:
    async def talk() -> None:
        async with HostAir() as air:
            sensor = NumberedSensor(rate=50)
            await air.add(sensor, mtu=185)
            link = await connected(air)
            assert (link.mtu, link.has(STREAM), link.has(SERVICE)) == (185, True, False)
            assert await link.read(BATTERY) == bytes([87])
            got: list[bytes] = []
            await link.subscribe(STREAM, got.append)
            await asyncio.sleep(2)
            await link.unsubscribe(STREAM)
            assert got == sensor.said
            answers: asyncio.Queue[bytes] = asyncio.Queue()
            await link.subscribe(CONTROL, answers.put_nowait)
            for response in (True, False):
                await link.write(CONTROL, b"abc", response=response)
                assert await answers.get() == b"cba"
            with pytest.raises(ProtocolError):
                await link.write(CONTROL, b"")
            with pytest.raises(ProtocolError):
                await link.read("00002a00-1111-1000-8000-00805f9b34fb")
            await link.close()
            assert await link.wait_lost()
            with pytest.raises(ConnectionLost):
                await link.read(BATTERY)

    run(talk())


def test_loss_is_told() -> None:
    async def lose() -> None:
        async with HostAir() as air:
            await air.add(NumberedSensor(), mischief=[parse_mischief("2:drop")])
            link = await connected(air)
            await link.subscribe(STREAM, lambda _: None)
            await asyncio.wait_for(link.wait_lost(), 3)
            with pytest.raises(ConnectionLost):
                await link.read(BATTERY)
            await link.close()

    run(lose())


def test_silent_sensor_is_given_up() -> None:
    async def ask() -> None:
        loop = asyncio.get_running_loop()
        async with HostAir() as air:
            await air.add(NumberedSensor(), mischief=[parse_mischief("0:mute:100")])
            link = await connected(air)
            await link.subscribe(STREAM, lambda _: None)
            await asyncio.sleep(0.1)
            start = loop.time()
            with pytest.raises(ConnectionLost, match="no answer"):
                await link.read(BATTERY)
            assert loop.time() - start == pytest.approx(ANSWER_S)
            await link.close()

    run(ask())


def test_sensor_that_went_away_after_the_scan_is_told() -> None:
    async def connect() -> None:
        async with HostAir() as air:
            on_air = await air.add(NumberedSensor())
            radio = BleakRadio(backend=bleak_on(air.host))
            (seen,) = await radio.scan(0.3)
            await on_air.end()
            with pytest.raises(ConnectionLost):
                await radio.connect(seen, timeout=5.0)

    run(connect())
