"""The hill recorder over BlueZ: its remedies meet a real adapter that is off and a real bluetoothd that is gone.

`service run` finds no bluetoothd at its start, loses the adapter while it records, and then bluetoothd; sensors of
two placements are on the air all the time. No systemd runs in the guest: a stand-in on the real bus does the one
thing that is asked of it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bluetooth_vm.bumble_radio import BluezAir, BumbleSensor
from bluetooth_vm.recorded import PLACEMENTS, CountedSensor
from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

import ankle_imu as ai
from ankle_imu.library.sensors import KnownSensor, save_sensor
from ankle_imu.recording import part_paths, read_log
from ankle_imu.service.recovery import RUNGS, Remedy
from ankle_imu.simulate.sensors.peripheral import Motion
from ankle_imu.units import STANDARD_GRAVITY
from ankle_imu.values import ImuSeries

PAIR = PLACEMENTS[:2]
RATE = 26.0
OFF_AT, KILLED_AT, END_AT = 270.0, 380.0, 620.0
"""s: the adapter is switched off, bluetoothd is killed for the second time, the service is told to end."""
AFTER = {remedy: at for at, remedy in RUNGS}
BLUEZ, DBUS = "org.bluez", "org.freedesktop.DBus"


def felt() -> ImuSeries:
    """A foot that swings to and fro."""
    time = np.arange(round(60 * RATE)) / RATE
    swing, none = np.sin(2 * np.pi * time), np.zeros(len(time))
    acc = np.stack([2.0 * swing, none, np.full(len(time), STANDARD_GRAVITY)], axis=1)
    return ImuSeries(time=time, acc=acc, gyr=np.stack([none, 3.0 * swing, none], axis=1), sampling_rate=RATE)


async def ask(bus: MessageBus, to: str, path: str, what: str, signature: str, *body: Any) -> Any:
    """Body of the answer to one D-Bus call; `what` is interface and member."""
    interface, _, member = what.rpartition(".")
    reply = await bus.call(
        Message(destination=to, path=path, interface=interface, member=member, signature=signature, body=[*body])
    )
    assert reply is not None
    assert reply.message_type is MessageType.METHOD_RETURN, reply.body
    return reply.body


async def kill_bluetoothd(bus: MessageBus) -> None:
    (number,) = await ask(bus, DBUS, "/org/freedesktop/DBus", f"{DBUS}.GetConnectionUnixProcessID", "s", BLUEZ)
    os.kill(number, signal.SIGKILL)


async def switch_off(bus: MessageBus) -> None:
    """As another program does it."""
    off = (f"{BLUEZ}.Adapter1", "Powered", Variant("b", False))
    await ask(bus, BLUEZ, "/org/bluez/hci0", f"{DBUS}.Properties.Set", "ssv", *off)


@asynccontextmanager
async def systemd() -> AsyncIterator[tuple[MessageBus, list[str]]]:
    """A bus, and the units that a stand-in for systemd on it was told to restart; it does so with bluetoothd."""
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    told: list[str] = []

    def answer(message: Message) -> Message | None:
        if message.message_type is not MessageType.METHOD_CALL or message.member != "RestartUnit":
            return None
        told.append(str(message.body[0]))
        daemon = 'setsid /usr/libexec/bluetooth/bluetoothd -n >>"$OUT/bluetoothd.log" 2>&1 &'
        subprocess.run(["sh", "-c", daemon], check=True)
        return Message.new_method_return(message, "o", ["/org/freedesktop/systemd1/job/1"])

    bus.add_message_handler(answer)
    await bus.request_name("org.freedesktop.systemd1")
    yield bus, told
    bus.disconnect()


@dataclass(frozen=True, kw_only=True)
class Served:
    """What the service said and when, s; the sessions it left; what systemd was told; what the sensors saw."""

    said: Sequence[tuple[float, str]]
    folders: Sequence[Path]
    restarted: Sequence[str]
    on_air: Sequence[BumbleSensor]
    start: float

    def when(self, text: str) -> list[float]:
        return [at for at, line in self.said if text in line]

    def after(self, text: str) -> list[str]:
        """Each line that follows one with this text."""
        lines = [line for _, line in self.said]
        return [after for line, after in pairwise(lines) if text in line]

    def links(self, what: str) -> list[list[float]]:
        """When each sensor saw this happen to its link."""
        return [[at - self.start for at, seen in one.log if seen == what] for one in self.on_air]


async def serve(folder: Path) -> Served:
    root, loop = folder / "library", asyncio.get_running_loop()
    said: list[tuple[float, str]] = []
    async with BluezAir() as air, systemd() as (bus, restarted):
        for n, placement in enumerate(PAIR):
            sensor = CountedSensor(Motion(felt(), loop.time()), address=f"C0:00:00:00:04:{n:02X}", seed=n)
            await air.add(sensor)
            known = KnownSensor(serial=f"{n}", identifier=sensor.address, model="ankle", placement=placement)
            save_sensor(root, known)
        await kill_bluetoothd(bus)
        command = [sys.executable, "-P", "-m", "ankle_imu.cli", "service", "run", "--rate", f"{RATE:g}"]
        folders = {"ANKLE_IMU_LIBRARY": str(root), "ANKLE_IMU_CONFIG": str(folder / "config")}
        service = await asyncio.create_subprocess_exec(
            *command, env=os.environ | folders, stderr=asyncio.subprocess.PIPE
        )
        start = loop.time()

        async def listen() -> None:
            assert service.stderr is not None
            while line := (await service.stderr.readline()).decode():
                said.append((loop.time() - start, line.rstrip()))
                print(f"{said[-1][0]:6.1f} {said[-1][1]}")

        listening = asyncio.ensure_future(listen())
        await asyncio.sleep(OFF_AT)
        await switch_off(bus)
        await asyncio.sleep(KILLED_AT - OFF_AT)
        await kill_bluetoothd(bus)
        await asyncio.sleep(END_AT - KILLED_AT)
        service.send_signal(signal.SIGTERM)
        assert await service.wait() == 0
        await listening
    left = sorted(path for path in root.glob("people/*/*/*") if path.is_dir())
    return Served(said=said, folders=left, restarted=restarted, on_air=air.sensors, start=start)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    return asyncio.run(serve(tmp_path_factory.mktemp("hill")))


def test_it_goes_once_through_its_states(served: Served) -> None:
    states = [line for _, line in served.said if " -> " in line]
    assert states == ["idle -> armed", "armed -> recording", "recording -> saved", "saved -> idle"]
    assert len(served.folders) == 1


def test_a_bluetoothd_that_is_gone_is_named_and_started(served: Served) -> None:
    """At the start, and in the middle of the recording."""
    (first,) = served.when("idle -> armed")
    assert any("Bluetooth service cannot be reached" in line for at, line in served.said if at < 1.0)
    early, late = served.when(str(Remedy.RESTART).replace("restarting", "restart"))
    assert served.restarted == 2 * ["bluetooth.service"]
    assert served.after("restart the system's Bluetooth service") == 2 * ["... done"]
    assert early == pytest.approx(AFTER[Remedy.RESTART], abs=3.0)
    assert early < first < early + 10.0
    assert late - KILLED_AT == pytest.approx(AFTER[Remedy.RESTART], abs=5.0)
    for connected in served.links("connected"):
        assert late < connected[-1] < late + 10.0


def test_an_adapter_that_was_switched_off_is_switched_on(served: Served) -> None:
    told = served.after("switch the adapter off and on")
    assert told[1] == "... done"
    assert told[0] == told[2] == "... no adapter let itself be switched", "there was no bluetoothd"
    cycled = served.when("switch the adapter off and on")[1]
    assert cycled - OFF_AT == pytest.approx(AFTER[Remedy.CYCLE], abs=3.0)
    for connected in served.links("connected"):
        assert cycled < connected[1] < cycled + 10.0


def test_nothing_of_the_walk_is_missing(served: Served) -> None:
    """What was made in four minutes without Bluetooth comes out of the flash memory of the sensors."""
    (folder,) = served.folders
    assert read_log(part_paths(folder)).damage == ()
    recording = ai.open_session(folder)
    for placement in PAIR:
        print(placement, recording.loss[placement])
        assert recording.loss[placement].lost == 0
        away = AFTER[Remedy.CYCLE] + AFTER[Remedy.RESTART]
        assert recording.loss[placement].healed == pytest.approx(away * RATE, rel=0.1)
