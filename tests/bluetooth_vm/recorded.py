"""A recording of virtual Ankle IMUs through the real recorder, held against the truth that the sensors keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from bluetooth_vm.bumble_radio import Air, BumbleSensor
from device_sensor import DeviceSensor

from ankle_imu import recording, units, wire
from ankle_imu.capture import Captured, Order, Recorder, Wanted
from ankle_imu.devices import catalog
from ankle_imu.devices.adapter import Radio, Wish
from ankle_imu.ledger import Ledger, take_ledger
from ankle_imu.simulate import Plan, walk
from ankle_imu.simulate.sensors.mischief import parse_mischief
from ankle_imu.simulate.sensors.movesense import MovesenseSensor
from ankle_imu.simulate.sensors.peripheral import Motion, Peripheral, Said
from ankle_imu.simulate.sensors.witmotion import WitMotionSensor
from ankle_imu.values import ImuSeries, Loss
from ankle_imu.wire import ankle_control
from ankle_imu.wire.ankle import FULL_SCALE
from ankle_imu.wire.ankle_control import Op

PLACEMENTS = ("left_foot", "left_shank", "right_foot", "right_shank")
Indices = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What was recorded, and what should have been: one `BumbleSensor` for each placement, in order.

    `made`: samples of an Ankle IMU from the last boot to STOP, all of which are wanted.
    """

    captured: Captured
    log: recording.SessionLog
    ledger: Ledger
    on_air: Sequence[BumbleSensor]
    made: Mapping[str, int]

    def loss(self, number: int) -> Loss:
        """The ledger of one sensor."""
        assert self.ledger.recording is not None
        return self.ledger.recording.loss[PLACEMENTS[number]]

    def series(self, number: int) -> ImuSeries:
        """What the ledger's recording has of one sensor."""
        assert self.ledger.recording is not None
        return self.ledger.recording.series[PLACEMENTS[number]]

    def links(self, number: int = 0) -> int:
        """Connections that one sensor saw."""
        return [what for _, what in self.on_air[number].log].count("connected")

    def payloads(self, placement: str) -> list[bytes]:
        """Data packets in the file, in order."""
        return [payload for s in self.log.streams if s.placement == placement for _, payload in s.packets]

    def indices(self, placement: str) -> Indices:
        """Indices of the samples in the file, in the order in which they arrived."""
        blocks = [
            block
            for stream in self.log.streams
            if stream.placement == placement
            for block in wire.decode(stream.protocol, stream.packets, stream.config)
        ]
        return np.concatenate(
            [np.empty(0, dtype=np.int64), *(b.sequence for b in blocks if b.sequence is not None)]
        )


def arrived(on_air: BumbleSensor) -> list[bytes]:
    """Data packets that the air handed to the host, in order."""
    return [payload for _, uuid, payload in on_air.arrived if uuid == ankle_control.DATA]


class CountedSensor(DeviceSensor):
    """The reference firmware, that knows how many samples it had `made` when it was last told to stop."""

    made = 0

    def write(self, uuid: str, data: bytes, now: float) -> list[Said]:
        if uuid == ankle_control.CONTROL and data[:1] == bytes([Op.STOP_STREAM]):
            self.made = self.sampler.made(now)
        return super().write(uuid, data, now)


def sensor_of(on_air: BumbleSensor) -> CountedSensor:
    assert isinstance(on_air.sensor, CountedSensor)
    return on_air.sensor


@cache
def walked() -> Mapping[str, ImuSeries]:
    """What the sensors feel."""
    return walk(Plan(duration_s=60, placements=PLACEMENTS, errors="typical"), seed=1)[0].series


async def record(
    air: Air,
    radio: Radio,
    root: Path,
    *,
    schedules: Sequence[Sequence[str]],
    model: str = "ankle",
    rate_hz: float = 208.0,
    duration_s: float = 60.0,
    mtu: int = 247,
    ppm: Sequence[float] = (0.0, 0.0, 0.0, 0.0),
    ring_samples: int = 10 * 833,
    flash_bytes: int = 4 * 2**20,
) -> Recorded:
    """Record as many sensors as there are schedules of mischief; the options from `ppm` on are the Ankle IMU's."""
    placements = PLACEMENTS[: len(schedules)]
    felt = walked()
    sensors = {}
    for number, (placement, schedule) in enumerate(zip(placements, schedules, strict=True)):
        motion, address = Motion(felt[placement]), f"C0:00:00:00:01:{number:02X}"
        if model == "ankle":
            sensor: Peripheral = CountedSensor(
                motion,
                address=address,
                seed=number,
                ppm=ppm[number],
                ring_samples=ring_samples,
                flash_bytes=flash_bytes,
            )
        else:
            sensor = {"witmotion": WitMotionSensor, "movesense": MovesenseSensor}[model](address, motion)
        await air.add(sensor, mtu=mtu, mischief=[parse_mischief(text) for text in schedule])
        wanted = Wanted(identifier=address, placement=placement, model=model)
        sensors[wanted] = catalog.adapter(model)
    order = Order(sensors=sensors, root=root, wish=Wish(rate_hz=rate_hz), duration_s=duration_s)
    captured = await Recorder(radio, order).run()
    assert captured.folder is not None
    return Recorded(
        captured=captured,
        log=recording.read_log(recording.part_paths(captured.folder)),
        ledger=take_ledger(captured.folder),
        on_air=air.sensors,
        made={p: sensor_of(a).made for p, a in zip(placements, air.sensors, strict=True) if model == "ankle"},
    )


# What must hold


def check_whole(got: Recorded) -> None:
    """Every sample that the sensors made is in the file as it was made, and the ledger says so."""
    assert got.ledger.recording is not None
    assert got.ledger.damage == ()
    for placement, on_air in zip(PLACEMENTS, got.on_air, strict=False):
        made = got.made[placement]
        loss = got.ledger.recording.loss[placement]
        assert (loss.expected, loss.received, loss.lost, loss.gaps) == (made, made, 0, ())
        check_truth(got, placement, on_air)
        assert np.array_equal(np.unique(got.indices(placement)), np.arange(made))


def check_order(got: Recorded) -> None:
    """Nothing came twice or late, and the bytes in the file are those that the air handed over."""
    for placement, on_air in zip(PLACEMENTS, got.on_air, strict=False):
        assert np.array_equal(got.indices(placement), np.arange(got.made[placement]))
        assert got.payloads(placement) == arrived(on_air)


def check_named(got: Recorded, tolerance_s: float = 0.01) -> int:
    """Every sample that is missing stands in the ledger, at its time and with its number; gives how many are.

    The ledger's times come from arrivals, which lie some ms behind the samples.
    """
    assert got.ledger.recording is not None
    total = 0
    for placement, on_air in zip(PLACEMENTS, got.on_air, strict=False):
        made, sampler = got.made[placement], sensor_of(on_air).sampler
        is_missing = ~np.isin(np.arange(made), got.indices(placement))
        edges = np.flatnonzero(np.diff(np.concatenate([[False], is_missing, [False]])))
        series, loss = got.ledger.recording.series[placement], got.ledger.recording.loss[placement]
        offset = sampler.world([0])[0] - series.time[0]
        named = [(g.start_s, g.end_s, g.samples) for g in loss.gaps]
        true = [
            (*(sampler.world([first - 1, stop]) - offset), stop - first)
            for first, stop in zip(edges[::2], edges[1::2], strict=True)
        ]
        assert [n for *_, n in named] == [n for *_, n in true]
        assert np.allclose(np.array(named), np.array(true), rtol=0, atol=tolerance_s)
        assert (loss.expected, loss.lost) == (made, is_missing.sum())
        check_truth(got, placement, on_air)
        total += int(is_missing.sum())
    return total


def check_truth(got: Recorded, placement: str, on_air: BumbleSensor) -> None:
    """Each sample in the file has the counts that the sensor made."""
    sampler = sensor_of(on_air).sampler
    spans = sampler.spans(0, got.made[placement])
    truth = np.concatenate([sampler.samples(first, stop).counts for _, first, stop in spans])
    for stream in got.log.streams:
        if stream.placement == placement:
            for block in wire.decode(stream.protocol, stream.packets, stream.config):
                assert block.gyr is not None
                acc = block.acc / (stream.config["acc_range_g"] * units.STANDARD_GRAVITY)
                gyr = block.gyr / (stream.config["gyr_range_dps"] * units.DEGREE)
                counts = np.rint(np.hstack([acc, gyr]) * FULL_SCALE)
                assert np.array_equal(counts, truth[block.sequence])
