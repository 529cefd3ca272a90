"""The air itself, by way of bleak on a bumble host in this process: no kernel, no BlueZ, simulated time."""

from __future__ import annotations

import asyncio

import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakGATTProtocolError
from bluetooth_vm.bleak_on_bumble import bleak_on
from bluetooth_vm.bumble_radio import HostAir, advertising, uuid_bytes
from bluetooth_vm.numbered import BATTERY, CONTROL, FRAME, SERVICE, STREAM, NumberedSensor
from simulated_time import run

from ankle_imu.simulate.sensors.mischief import SUPERVISION_S, parse_mischief
from ankle_imu.simulate.sensors.peripheral import Advert


async def connected(air: HostAir, name: str = "Numbered-1", lost: asyncio.Event | None = None) -> BleakClient:
    backend = bleak_on(air.host)
    device = await BleakScanner.find_device_by_name(name, service_uuids=[SERVICE], backend=backend)
    assert device is not None
    client = BleakClient(device, lambda _: lost and lost.set(), backend=backend)
    await client.connect()
    return client


def numbers(frames: list[bytes]) -> list[int]:
    return [FRAME.unpack_from(frame)[0] for frame in frames]


def test_a_minute_arrives_whole_and_in_order() -> None:
    async def minute() -> None:
        async with HostAir() as air:
            sensor = NumberedSensor(rate=200, size=100)
            on_air = await air.add(sensor)
            got: list[bytes] = []
            client = await connected(air)
            await client.start_notify(STREAM, lambda _, data: got.append(bytes(data)))
            await asyncio.sleep(60)
            await client.stop_notify(STREAM)
            await client.disconnect()
        assert len(got) > 11_900
        assert got == sensor.said
        assert got == [payload for _, _, payload in on_air.arrived]
        assert on_air.courier.lost == []

    run(minute())


def test_reads_writes_indications_and_refusals() -> None:
    async def talk() -> None:
        async with HostAir() as air:
            await air.add(NumberedSensor())
            client = await connected(air)
            heard: asyncio.Queue[bytes] = asyncio.Queue()
            assert await client.read_gatt_char(BATTERY) == bytes([87])
            await client.start_notify(CONTROL, lambda _, data: heard.put_nowait(bytes(data)))
            await client.write_gatt_char(CONTROL, b"abc", response=True)
            assert await heard.get() == b"cba"
            await client.write_gatt_char(CONTROL, b"xyz", response=False)
            assert await heard.get() == b"zyx"
            with pytest.raises(BleakGATTProtocolError) as refused:
                await client.write_gatt_char(CONTROL, b"", response=True)
            assert refused.value.code == 0x03
            await client.disconnect()

    run(talk())


@pytest.mark.parametrize("mtu", [23, 64, 247])
def test_the_sensor_is_told_the_mtu(mtu: int) -> None:
    async def small() -> None:
        async with HostAir() as air:
            sensor = NumberedSensor(size=200)
            await air.add(sensor, mtu=mtu)
            client = await connected(air)
            got: list[bytes] = []
            await client.start_notify(STREAM, lambda _, data: got.append(bytes(data)))
            await asyncio.sleep(1)
            assert client.mtu_size == sensor.mtu == mtu
            assert {len(frame) for frame in got} == {min(200, mtu - 3)}
            await client.disconnect()

    run(small())


@pytest.mark.parametrize(
    ("schedule", "away", "boots"),
    [
        ("5:bye", 0.0, 1),
        ("5:drop", 0.0, 1),
        ("5:gone:3", 3.0, 1),
        ("5:reboot:4", 4.0 - SUPERVISION_S, 2),
        ("5:stall:1", None, 1),
        ("5:stall:4", 4.0 - SUPERVISION_S, 1),
        ("5:mute:1", None, 1),
    ],
)
def test_link_misbehaves_on_schedule(schedule: str, away: float | None, boots: int) -> None:
    """`away`: how long it cannot be found after the link is lost; None where the link stays."""

    async def misbehave() -> None:
        loop = asyncio.get_running_loop()
        async with HostAir() as air:
            sensor = NumberedSensor(rate=50)
            on_air = await air.add(sensor, mischief=[parse_mischief(schedule)])
            lost = asyncio.Event()
            got: list[bytes] = []
            client = await connected(air, lost=lost)
            await client.start_notify(STREAM, lambda _, data: got.append(bytes(data)))
            if away is None:
                await asyncio.sleep(10)
                assert not lost.is_set()
                await client.stop_notify(STREAM)
                await client.disconnect()
                missing = {payload for _, _, payload in on_air.courier.lost}
                assert [frame for frame in sensor.said if frame not in missing] == got
                assert len(missing) == (50 if "mute" in schedule else 0)
                return
            await asyncio.wait_for(lost.wait(), 10)
            start = loop.time()
            again = await connected(air)
            assert away <= loop.time() - start <= away + 0.3
            await again.start_notify(STREAM, lambda _, data: got.append(bytes(data)))
            await asyncio.sleep(1)
            assert sensor.boots == boots == FRAME.unpack_from(got[-1])[1]
            assert on_air.log[-1][1] == "subscribed"
            await again.disconnect()

    run(misbehave())


@pytest.mark.parametrize("what", ["lose", "duplicate", "delay", "reorder"])
def test_packets_misbehave_on_schedule(what: str) -> None:
    async def misbehave() -> None:
        async with HostAir() as air:
            sensor = NumberedSensor(rate=50)
            on_air = await air.add(sensor, mischief=[parse_mischief(f"2:{what}:1")])
            got: list[bytes] = []
            client = await connected(air)
            await client.start_notify(STREAM, lambda _, data: got.append(bytes(data)))
            await asyncio.sleep(5)
            await client.stop_notify(STREAM)
            await client.disconnect()
        said, heard = numbers(sensor.said), numbers(got)
        lost = [FRAME.unpack(payload[:8])[0] for _, _, payload in on_air.courier.lost]
        assert len(lost) == (50 if what == "lose" else 0)
        assert (len(heard) - len(said) + len(lost)) == (50 if what == "duplicate" else 0)
        assert sorted({*heard, *lost}) == said
        assert (heard == sorted(heard)) == (what != "reorder")

    run(misbehave())


def test_packets_wait_for_the_connection_event() -> None:
    async def quantised() -> None:
        async with HostAir(interval=0.015) as air:
            await air.add(NumberedSensor(rate=200))
            times: list[float] = []
            client = await connected(air)
            await client.start_notify(STREAM, lambda *_: times.append(asyncio.get_running_loop().time()))
            await asyncio.sleep(3)
            await client.disconnect()
        assert len(times) > 500
        assert all(abs(t / 0.015 - round(t / 0.015)) < 1e-6 for t in times)

    run(quantised())


def test_two_sensors_at_once() -> None:
    async def both() -> None:
        async with HostAir() as air:
            sensors = [NumberedSensor(n, rate=100) for n in (1, 2)]
            got: list[list[bytes]] = [[], []]
            clients = []
            for sensor, into in zip(sensors, got, strict=True):
                await air.add(sensor)
                clients.append(await connected(air, sensor.advert.name))
                await clients[-1].start_notify(STREAM, lambda _, data, into=into: into.append(bytes(data)))
            await asyncio.sleep(5)
            for client in clients:
                await client.stop_notify(STREAM)
                await client.disconnect()
        assert [len(frames) > 400 for frames in got] == [True, True]
        assert got == [sensor.said for sensor in sensors]

    run(both())


# Advertisements


def test_short_name_stands_beside_the_service() -> None:
    """3 bytes flags + 18 bytes UUID + 2 + 8 of the name = 31."""
    first, second = advertising(Advert(name="12345678", service_uuids=(SERVICE,)))
    assert (len(first), second) == (31, b"")


def test_longer_name_goes_into_the_scan_response() -> None:
    first, second = advertising(Advert(name="123456789", service_uuids=(SERVICE,)))
    assert (len(first), second) == (21, b"\x0a\x09123456789")


def test_advertisement_that_fits_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        advertising(Advert(name="x" * 30, service_uuids=(SERVICE,)))


def test_assigned_numbers_are_short() -> None:
    assert uuid_bytes("0000180f-0000-1000-8000-00805f9b34fb") == b"\x0f\x18"
    assert uuid_bytes(SERVICE) == bytes.fromhex("68594a3b2c1d609a7f4e3c5a01001d6b")
