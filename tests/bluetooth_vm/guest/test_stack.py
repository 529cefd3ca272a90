"""bleak, D-Bus, bluetoothd, the kernel and the virtual controller carry what a sensor says, byte for byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakError
from bluetooth_vm.bumble_radio import BluezAir
from bluetooth_vm.numbered import BATTERY, CONTROL, FRAME, SERVICE, STREAM, NumberedSensor

from ankle_imu.simulate.sensors.mischief import SUPERVISION_S, parse_mischief


@asynccontextmanager
async def connected(name: str, lost: asyncio.Event | None = None) -> AsyncIterator[BleakClient]:
    device = await BleakScanner.find_device_by_name(name, service_uuids=[SERVICE], timeout=10)
    assert device is not None, f"{name} was not found"
    async with BleakClient(device, lambda _: lost.set() if lost else None, timeout=10) as client:
        yield client


def numbers(frames: list[bytes]) -> list[int]:
    return [FRAME.unpack_from(frame)[0] for frame in frames]


def test_advertisement_is_seen() -> None:
    async def look() -> None:
        async with BluezAir() as air:
            sensor = NumberedSensor()
            await air.add(sensor)
            async with asyncio.timeout(10):
                async with BleakScanner() as scanner:
                    async for found in scanner.advertisement_data():
                        if found[1].local_name:
                            break
            device, told = found
            assert device.address == sensor.address
            assert told.local_name == sensor.advert.name
            assert SERVICE in told.service_uuids
            assert told.manufacturer_data == sensor.advert.manufacturer_data

    asyncio.run(look())


@pytest.mark.parametrize(("sensors", "rate"), [(1, 200), (4, 25)])
def test_a_minute_arrives_whole_and_in_order(sensors: int, rate: float) -> None:
    """25 packets a second of 8 samples each are what a sensor at 208 Hz sends."""

    async def minute() -> None:
        async with BluezAir() as air:
            said = [NumberedSensor(n + 1, rate=rate, size=150) for n in range(sensors)]
            got: list[list[bytes]] = [[] for _ in said]
            for sensor in said:
                await air.add(sensor)

            async def listen(sensor: NumberedSensor, into: list[bytes], turn: asyncio.Lock) -> None:
                lost = asyncio.Event()
                await turn.acquire()
                async with connected(sensor.advert.name, lost) as client:
                    await client.start_notify(STREAM, lambda _, data: into.append(bytes(data)))
                    turn.release()
                    await asyncio.sleep(60)
                    assert not lost.is_set()
                    await client.stop_notify(STREAM)

            turn = asyncio.Lock()
            await asyncio.gather(*(listen(s, into, turn) for s, into in zip(said, got, strict=True)))
        for sensor, frames in zip(said, got, strict=True):
            assert len(frames) > 59 * rate
            assert frames == sensor.said

    asyncio.run(minute())


def test_reads_writes_indications_and_refusals() -> None:
    async def talk() -> None:
        async with BluezAir() as air:
            sensor = NumberedSensor()
            await air.add(sensor)
            heard: asyncio.Queue[bytes] = asyncio.Queue()
            async with connected(sensor.advert.name) as client:
                assert await client.read_gatt_char(BATTERY) == bytes([87])
                await client.start_notify(CONTROL, lambda _, data: heard.put_nowait(bytes(data)))
                await client.write_gatt_char(CONTROL, b"abc", response=True)
                assert await asyncio.wait_for(heard.get(), 2) == b"cba"
                await client.write_gatt_char(CONTROL, b"xyz", response=False)
                assert await asyncio.wait_for(heard.get(), 2) == b"zyx"
                with pytest.raises(BleakError):
                    await client.write_gatt_char(CONTROL, b"", response=True)

    asyncio.run(talk())


@pytest.mark.parametrize("mtu", [23, 247])
def test_mtu_is_the_smaller_of_both(mtu: int) -> None:
    async def small() -> None:
        async with BluezAir() as air:
            sensor = NumberedSensor(size=200)
            await air.add(sensor, mtu=mtu)
            got: list[bytes] = []
            async with connected(sensor.advert.name) as client:
                characteristic = client.services.get_characteristic(STREAM)
                assert characteristic is not None
                await client.start_notify(characteristic, lambda _, data: got.append(bytes(data)))
                await asyncio.sleep(1)
                assert characteristic.max_write_without_response_size + 3 == sensor.mtu == mtu
            assert {len(frame) for frame in got} == {min(200, mtu - 3)}

    asyncio.run(small())


@pytest.mark.parametrize(
    ("schedule", "away", "boots"),
    [
        ("5:bye", 0.0, 1),
        ("5:drop", 0.0, 1),
        ("5:gone:3", 3.0, 1),
        ("5:reboot:4", 4.0 - SUPERVISION_S, 2),
        ("5:stall:4", 4.0 - SUPERVISION_S, 1),
    ],
)
def test_lost_link_is_seen_and_made_again(schedule: str, away: float, boots: int) -> None:
    async def lose() -> None:
        loop = asyncio.get_running_loop()
        async with BluezAir() as air:
            sensor = NumberedSensor(rate=50)
            await air.add(sensor, mischief=[parse_mischief(schedule)])
            lost = asyncio.Event()
            got: list[bytes] = []
            async with connected(sensor.advert.name, lost) as client:
                await client.start_notify(STREAM, lambda _, data: got.append(bytes(data)))
                await asyncio.wait_for(lost.wait(), 5 + SUPERVISION_S + 1)
            before, start = numbers(got), loop.time()
            assert before == list(range(before[0], before[-1] + 1))
            async with connected(sensor.advert.name) as client:
                assert away - 0.1 <= loop.time() - start
                await client.start_notify(STREAM, lambda _, data: got.append(bytes(data)))
                await asyncio.sleep(1)
            assert FRAME.unpack_from(got[-1])[1] == boots

    asyncio.run(lose())


@pytest.mark.parametrize("schedule", ["5:mute:3", "5:stall:1", "5:delay:1"])
def test_silent_sensor_keeps_its_link(schedule: str) -> None:
    async def be_silent() -> None:
        async with BluezAir() as air:
            sensor = NumberedSensor(rate=50)
            on_air = await air.add(sensor, mischief=[parse_mischief(schedule)])
            lost = asyncio.Event()
            got: list[bytes] = []
            async with connected(sensor.advert.name, lost) as client:
                await client.start_notify(STREAM, lambda _, data: got.append(bytes(data)))
                await asyncio.sleep(10)
                assert not lost.is_set()
                await client.stop_notify(STREAM)
            missing = {payload for _, _, payload in on_air.courier.lost}
            assert bool(missing) == ("mute" in schedule)
            assert got == [frame for frame in sensor.said if frame not in missing]

    asyncio.run(be_silent())
