"""The whole firmware on MicroPython as the peripheral, the product's own recorder over bumble as the central."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from bluetooth_vm.bleak_on_bumble import bleak_on
from bluetooth_vm.bumble_radio import BumbleSensor, HostAir
from bluetooth_vm.recorded import record
from device_sensor import MICROPYTHON, NO_MICROPYTHON, MicroPythonSensor
from simulated_time import run

from ankle_imu import recording, units, wire
from ankle_imu.capture import Order, Recorder, Wanted
from ankle_imu.devices import catalog
from ankle_imu.devices.adapter import Wish
from ankle_imu.devices.bleak_radio import BleakRadio
from ankle_imu.ledger import Ledger, take_ledger
from ankle_imu.simulate.sensors.mischief import parse_mischief
from ankle_imu.simulate.sensors.peripheral import Said
from ankle_imu.wire.ankle import FULL_SCALE
from ankle_imu.wire.ankle_control import CONTROL, DATA, Op, decode_request
from ankle_imu.wire.ankle_log import decode_log
from ankle_imu.wire.ankle_packets import Flag, peek

RATE, PLACEMENT, DURATION_S = 208.0, "left_foot", 600.0
LOSSES_S = (0.2, 30, 1, 3, 0.5, 12, 2, 6, 0.3, 20, 4, 1.5, 8, 0.2, 25, 5, 2.5, 10, 0.8, 15)

needs_micropython = pytest.mark.skipif(MICROPYTHON is None, reason=NO_MICROPYTHON)


class HeardSensor(MicroPythonSensor):
    """Keeps the ranges that it was asked to replay, (first, last)."""

    asked: list[tuple[int, int]]

    def write(self, uuid: str, data: bytes, now: float) -> list[Said]:
        if uuid == CONTROL and data[0] == Op.REPLAY:
            values = decode_request(data).values
            self.asked = [*getattr(self, "asked", []), (values["first"], values["last"])]
        return super().write(uuid, data, now)


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What was recorded, and the sensor."""

    log: recording.SessionLog
    ledger: Ledger
    on_air: BumbleSensor
    sensor: HeardSensor


def schedule() -> list[str]:
    """Twenty lost links, each well after the last, then a restart."""
    at, events = 6.0, []
    for seconds in LOSSES_S:
        events.append(f"{at:g}:gone:{seconds:g}")
        at += seconds + 19.0
    return [*events, f"{at:g}:reboot:3"]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    folder = tmp_path_factory.mktemp("firmware")
    sensor = HeardSensor(folder / "flash", blocks=700, fast=0.013)

    async def work() -> Recorded:
        async with HostAir() as air:
            on_air = await air.add(sensor, mischief=[parse_mischief(text) for text in schedule()])
            wanted = Wanted(identifier=sensor.address, placement=PLACEMENT, model="ankle")
            adapter = catalog.adapter("ankle")
            order = Order(sensors={wanted: adapter}, root=folder, wish=Wish(rate_hz=RATE), duration_s=DURATION_S)
            captured = await Recorder(BleakRadio(backend=bleak_on(air.host)), order).run()
            assert captured.folder is not None
            log = recording.read_log(recording.part_paths(captured.folder))
            return Recorded(log=log, ledger=take_ledger(captured.folder), on_air=on_air, sensor=sensor)

    try:
        yield run(work())
    finally:
        sensor.close()


def made(index: np.ndarray) -> np.ndarray:
    """Counts of samples, as `models.counts` makes them."""
    x = index.astype(np.uint64) * np.uint64(0x9E3779B1) & np.uint64(0xFFFFFFFF)
    columns = []
    for axis in range(6):
        x = (x * np.uint64(1664525) + np.uint64(1013904223 + axis)) & np.uint64(0xFFFFFFFF)
        columns.append((x >> np.uint64(16)).astype(np.int64) - 0x8000)
    return np.stack(columns, axis=1)


def by_boot(payloads: list[bytes], boots: list[int]) -> list[list[bytes]]:
    """Packets of each boot: a clock packet tells which one now is."""
    found: list[list[bytes]] = [[] for _ in boots]
    now = 0
    for payload in payloads:
        head = peek(payload)
        assert head is not None
        if head.n == 0:
            now = next(k for k, boot in enumerate(boots) if boot % 2**16 == head.boot)
        found[now].append(payload)
    return found


def kept(got: Recorded) -> list[bytes]:
    return [payload for stream in got.log.streams for _, payload in stream.packets]


def indices(payloads: list[bytes]) -> np.ndarray:
    heads = [head for payload in payloads if (head := peek(payload)) and head.n]
    return np.concatenate([np.arange(head.first, head.first + head.n) for head in heads])


@needs_micropython
def test_nothing_is_lost_within_the_span_of_the_log(recorded: Recorded) -> None:
    assert len(recorded.sensor.boots) == 2
    first, second = by_boot(kept(recorded), recorded.sensor.boots)
    pages = decode_log(recorded.sensor.flash.read_bytes()[2 * 4096 :])
    logged = [p for head, packets in pages.pages if head.boot_id == recorded.sensor.boots[0] for p in packets]
    of_log, of_first = np.unique(indices(logged)), np.unique(indices(first))
    assert np.array_equal(of_log, np.arange(len(of_log)))
    assert len(of_log) > 500 * RATE
    assert np.array_equal(of_first, np.arange(len(of_first)))
    # between the lost link and the restart nobody listened; the log of that boot has it, to be fetched
    assert np.isin(of_log[of_log < len(of_first)], of_first).all()
    assert len(of_first) > len(of_log) - 3.1 * RATE
    of_second = np.unique(indices(second))
    assert np.array_equal(of_second, np.arange(len(of_second)))
    assert recorded.ledger.recording is not None
    loss = recorded.ledger.recording.loss[PLACEMENT]
    assert [gap.reason for gap in loss.gaps] == ["sensor restarted"]
    assert loss.healed > sum(LOSSES_S) * RATE


@needs_micropython
def test_recording_is_bit_for_bit_what_was_made(recorded: Recorded) -> None:
    n = 0
    for stream in recorded.log.streams:
        scale = {name: stream.config[name] for name in ("acc_range_g", "gyr_range_dps")}
        for part in by_boot([payload for _, payload in stream.packets], recorded.sensor.boots):
            if any(head.n for payload in part if (head := peek(payload))):
                for block in wire.decode(stream.protocol, [(0.0, payload) for payload in part], stream.config):
                    assert block.gyr is not None
                    assert block.sequence is not None
                    acc = block.acc / (scale["acc_range_g"] * units.STANDARD_GRAVITY)
                    gyr = block.gyr / (scale["gyr_range_dps"] * units.DEGREE)
                    counts = np.rint(np.hstack([acc, gyr]) * FULL_SCALE)
                    assert np.array_equal(counts, made(block.sequence))
                    n += len(block)
    assert n > 590 * RATE


@needs_micropython
def test_replays_come_in_order(recorded: Recorded) -> None:
    begun = {first for first, _ in recorded.sensor.asked}
    arrived = [payload for _, uuid, payload in recorded.on_air.arrived if uuid == DATA]
    heads = [head for payload in arrived if (head := peek(payload)) and head.flags & Flag.REPLAYED]
    assert len(heads) > 1000
    ends = [head.first + head.n for head in heads]
    assert heads[0].first in begun
    assert all(head.first in (end, *begun) for head, end in zip(heads[1:], ends, strict=False))


@needs_micropython
def test_true_rate_is_found_through_two_clocks(recorded: Recorded) -> None:
    assert recorded.ledger.recording is not None
    loss = recorded.ledger.recording.loss[PLACEMENT]
    assert loss.true_rate_hz == pytest.approx(RATE * 1.013, rel=1e-4)  # its oscillator is 1.3 % fast
    assert abs(loss.clock_ppm) < 20  # the microcontroller's is right


def test_the_bluetooth_tests_sensor_is_the_firmware(tmp_path: Path) -> None:
    """What the guest's tests put on the air, here for a short while; the rest is theirs."""

    async def work() -> int:
        async with HostAir() as air:
            radio = BleakRadio(backend=bleak_on(air.host))
            got = await record(air, radio, tmp_path, schedules=[["5:gone:2"]], duration_s=12.0)
            assert np.array_equal(np.unique(got.indices(PLACEMENT)), np.arange(got.made[PLACEMENT]))
            return got.made[PLACEMENT]

    assert run(work()) > 11 * RATE
