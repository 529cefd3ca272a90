"""`BleakRadio` on BlueZ: what it finds and carries, and what it says when there is no Bluetooth."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from bluetooth_vm.bumble_radio import BluezAir
from bluetooth_vm.numbered import BATTERY, CONTROL, SERVICE, STREAM, NumberedSensor

from ankle_imu.capture.finder import Finder
from ankle_imu.devices.bleak_radio import BleakLink, BleakRadio
from ankle_imu.errors import BluetoothUnavailable, ConnectionLost, DeviceError, ProtocolError
from ankle_imu.simulate.sensors.mischief import parse_mischief


async def connected(radio: BleakRadio, name: str = "Numbered-1") -> BleakLink:
    seen = await radio.scan(10.0, is_enough=lambda s: s.name == name)
    return await radio.connect(next(s for s in seen if s.name == name), timeout=10.0)


def test_scan_connect_talk_close() -> None:
    async def talk() -> None:
        async with BluezAir() as air:
            sensor, radio = NumberedSensor(rate=50), BleakRadio()
            await air.add(sensor, mtu=185)
            seen = await radio.scan(2.0)
            assert [(s.identifier, s.name, s.service_uuids) for s in seen] == [
                (sensor.address, "Numbered-1", (SERVICE,))
            ]
            assert dict(seen[0].manufacturer_data) == {0xFFFF: b"\x01"}
            link = await connected(radio)
            assert (link.mtu, link.has(STREAM), link.has(SERVICE)) == (185, True, False)
            assert await link.read(BATTERY) == bytes([87])
            got: list[bytes] = []
            await link.subscribe(STREAM, got.append)
            await asyncio.sleep(5)
            await link.unsubscribe(STREAM)
            assert got == sensor.said
            answers: asyncio.Queue[bytes] = asyncio.Queue()
            await link.subscribe(CONTROL, answers.put_nowait)
            for response in (True, False):
                await link.write(CONTROL, b"abc", response=response)
                assert await asyncio.wait_for(answers.get(), 2) == b"cba"
            with pytest.raises(ProtocolError):
                await link.write(CONTROL, b"")
            await link.close()
            assert await link.wait_lost()
            with pytest.raises(ConnectionLost):
                await link.read(BATTERY)

    asyncio.run(talk())


def test_scans_and_connects_of_one_radio_take_turns() -> None:
    async def at_once() -> None:
        async with BluezAir() as air:
            radio = BleakRadio()
            for number in (1, 2, 3):
                await air.add(NumberedSensor(number))
            links = await asyncio.gather(*(connected(radio, f"Numbered-{n}") for n in (1, 2, 3)))
            assert [await link.read(BATTERY) for link in links] == [bytes([87])] * 3
            for link in links:
                await link.close()

    asyncio.run(at_once())


CONNECT_AND_STAY = """
import asyncio
from ankle_imu.capture.finder import Finder
from ankle_imu.devices.bleak_radio import BleakRadio

async def stay():
    radio = BleakRadio()
    (seen,) = await radio.scan(10.0, is_enough=lambda s: s.name == "Numbered-1")
    link = await radio.connect(seen, timeout=10.0)
    print("connected", flush=True)
    await link.wait_lost()

asyncio.run(stay())
"""


def test_a_sensor_that_a_killed_program_held_is_found_again() -> None:
    async def find_again() -> None:
        async with BluezAir() as air:
            sensor = NumberedSensor()
            await air.add(sensor)
            other = await asyncio.create_subprocess_exec(
                sys.executable, "-c", CONNECT_AND_STAY, stdout=asyncio.subprocess.PIPE
            )
            assert other.stdout
            assert await other.stdout.readline() == b"connected\n"
            other.kill()
            await other.wait()
            radio = BleakRadio()
            assert await radio.scan(3.0) == [], "BlueZ let go by itself: the release is not needed"
            link = await Finder(radio).link_to(sensor.address)
            assert await link.read(BATTERY) == bytes([87])
            await link.close()
            assert not await radio.release(sensor.address)

    asyncio.run(find_again())


@pytest.mark.parametrize("what", ["bye", "drop", "gone:5", "reboot:5"])
def test_loss_is_told_and_the_sensor_found_again(what: str) -> None:
    async def lose() -> None:
        async with BluezAir() as air:
            radio = BleakRadio()
            await air.add(NumberedSensor(), mischief=[parse_mischief(f"2:{what}")])
            link = await connected(radio)
            await link.subscribe(STREAM, lambda _: None)
            await asyncio.wait_for(link.wait_lost(), 10)
            with pytest.raises(ConnectionLost):
                await link.read(BATTERY)
            await link.close()
            again = await connected(radio)
            assert await again.read(BATTERY) == bytes([87])
            await again.close()

    asyncio.run(lose())


def test_silent_sensor_is_given_up() -> None:
    async def ask() -> None:
        async with BluezAir() as air:
            radio = BleakRadio()
            await air.add(NumberedSensor(), mischief=[parse_mischief("0:mute:100")])
            link = await connected(radio)
            await link.subscribe(STREAM, lambda _: None)
            await asyncio.sleep(0.5)
            with pytest.raises(ConnectionLost):
                await link.read(BATTERY)
            await link.close()

    asyncio.run(ask())


def test_sensor_that_went_away_after_the_scan_is_told() -> None:
    async def connect() -> None:
        async with BluezAir() as air:
            on_air, radio = await air.add(NumberedSensor()), BleakRadio()
            (seen,) = await radio.scan(2.0)
            await on_air.end()
            with pytest.raises(DeviceError):
                await radio.connect(seen, timeout=5.0)

    asyncio.run(connect())


def test_without_dbus_bluetooth_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    """bleak itself raises a bare FileNotFoundError."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere/socket")
    with pytest.raises(BluetoothUnavailable, match="D-Bus"):
        asyncio.run(BleakRadio().scan(1.0))


def test_without_adapter_bluetooth_is_unavailable() -> None:
    with pytest.raises(BluetoothUnavailable, match="adapter"):
        asyncio.run(BleakRadio().scan(1.0))


def test_switched_off_bluetooth_is_unavailable() -> None:
    async def scan() -> None:
        async with BluezAir():
            await switch("off")
            with pytest.raises(BluetoothUnavailable, match="switch it on"):
                await BleakRadio().scan(1.0)
            await switch("on")
            assert await BleakRadio().scan(0.5) == []

    asyncio.run(scan())


async def switch(to: str) -> None:
    """Power of the adapter; in a thread, because the controller answers from this event loop."""
    command = ["bluetoothctl", "--timeout", "5", "power", to]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
