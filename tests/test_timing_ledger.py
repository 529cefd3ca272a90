"""A sensor over a bad radio: the ledger says what the generator knows, sample by sample."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ankle_imu import recording, timing
from ankle_imu.session_io.reading import Sensor, read_sensor
from ankle_imu.values import LinkEvent, Loss
from ankle_imu.wire import ankle

RATE = 208.0
SIZE = 14
CONFIG = {"acc_range_g": 16.0, "gyr_range_dps": 2000.0, "nominal_rate_hz": RATE, "epoch": 0}


@dataclass
class Air:
    """Packets on their way, and what became of each."""

    packets: list[tuple[float, bytes]] = field(default_factory=list)
    events: list[LinkEvent] = field(default_factory=list)

    def read(self) -> Sensor:
        arrived = tuple(sorted(self.packets, key=lambda packet: packet[0]))
        stream = recording.Stream(placement="left_foot", protocol="ankle", config=CONFIG, packets=arrived)
        return read_sensor([stream], self.events, arrived[-1][0])


def boot(start_s: float, n_packets: int, seed: int, ppm: float = 30.0) -> list[tuple[float, bytes]]:
    """Packets of a sensor switched on at `start_s`: clock and count begin anew, no two samples are alike."""
    n = n_packets * SIZE
    device = 0.5 + np.arange(n) / RATE * (1 + ppm * 1e-6)
    rng = np.random.default_rng(seed)
    acc, gyr = rng.uniform(-50, 50, (n, 3)), rng.uniform(-20, 20, (n, 3))
    packets = ankle.encode(device, acc, gyr, acc_range_g=16.0, gyr_range_dps=2000.0, samples_per_packet=SIZE)
    interval = 0.015
    delays = rng.exponential(0.003, n_packets)
    arrivals = np.ceil((start_s + np.arange(1, n_packets + 1) * SIZE / RATE) / interval) * interval + delays
    arrivals = np.maximum.accumulate(arrivals) + np.arange(n_packets) * 1e-7
    return [(float(at), payload) for at, (_, payload) in zip(arrivals, packets, strict=True)]


FATES = st.lists(st.sampled_from(["good"] * 12 + ["lost", "twice", "late", "replayed"]), min_size=60, max_size=160)


LATE_S = {"late": 0.13, "replayed": 5.0}


def send(air: Air, fates: list[str], start_s: float, seed: int) -> int:
    """One boot whose packets meet their fates; gives how many samples are healed."""
    packets = boot(start_s, len(fates), seed)
    end = packets[-1][0]
    came = np.full(len(fates), np.inf)
    for k, ((at, payload), fate) in enumerate(zip(packets, fates, strict=True)):
        if fate != "lost":
            came[k] = at if fate not in LATE_S else min(at + LATE_S[fate], end + 1e-4 * k)
            air.packets.append((float(came[k]), payload))
        if fate == "twice":
            air.packets.append((at + 0.02, payload))
    # healed is what came after a later packet
    later = np.append(np.minimum.accumulate(came[::-1])[::-1][1:], np.inf)
    return SIZE * int(np.count_nonzero((came > later) & np.isfinite(came)))


@given(FATES, st.integers(0, 2**16))
def test_ledger_equals_the_truth(fates: list[str], seed: int) -> None:
    # the ends arrive, so that the span of the series is the sensor's own
    fates = ["good", *fates, "good"]
    air = Air()
    healed = send(air, fates, 3.0, seed)
    sensor = air.read()
    assert sensor.loss is not None
    assert sensor.series is not None
    is_lost = np.repeat([fate == "lost" for fate in fates], SIZE)
    np.testing.assert_array_equal(~sensor.series.is_valid, is_lost)
    loss = sensor.loss
    assert (loss.expected, loss.lost, loss.healed) == (len(fates) * SIZE, int(is_lost.sum()), healed)
    assert loss.received == loss.expected - loss.lost
    assert sum(gap.samples for gap in loss.gaps) == loss.lost
    assert {gap.reason for gap in loss.gaps} <= {"packets lost"}
    assert loss.reasons.get("sensor restarts", 0) == 0


BOOTS = st.lists(st.tuples(FATES, st.floats(3.0, 600.0)), min_size=2, max_size=4)


@settings(max_examples=40)
@given(BOOTS, st.integers(0, 2**16))
def test_ledger_of_a_sensor_that_reboots(boots: list[tuple[list[str], float]], seed: int) -> None:
    air, start, healed, lost, n = Air(), 1.0, 0, 0, 0
    for k, (inner, away_s) in enumerate(boots):
        fates = ["good", *inner, "good"]
        healed += send(air, fates, start, seed + k)
        lost += SIZE * fates.count("lost")
        n += SIZE * len(fates)
        start = max(at for at, _ in air.packets) + away_s
    loss = air.read().loss
    assert loss is not None
    assert loss.received == n - lost
    assert loss.healed == healed
    assert loss.reasons["sensor restarts"] == len(boots) - 1
    away = [gap for gap in loss.gaps if gap.reason == "sensor restarted"]
    assert len(away) == len(boots) - 1
    assert sum(gap.samples for gap in loss.gaps if gap.reason == "packets lost") == lost
    for gap, (_, away_s) in zip(away, boots[:-1], strict=True):
        assert gap.end_s - gap.start_s == pytest.approx(away_s, abs=0.1)


def test_replayed_packets_are_healed() -> None:
    packets = boot(0.0, 400, 1)
    air = Air()
    air.packets = (
        packets[:100]
        + packets[150:]
        + [(packets[150][0] + 0.01 * k, p) for k, (_, p) in enumerate(packets[100:150], start=1)]
    )
    loss = air.read().loss
    assert loss is not None
    assert (loss.expected, loss.received, loss.lost, loss.healed) == (5600, 5600, 0, 700)
    assert loss.gaps == ()


@settings(max_examples=40)
@given(st.integers(0, 2**16), st.integers(3, 200), st.integers(3, 200), st.floats(2.0, 3000.0))
def test_reboot_with_the_same_configuration(seed: int, first: int, second: int, away_s: float) -> None:
    packets = boot(1.0, first, seed)
    again = boot(packets[-1][0] + away_s, second, seed + 1)
    air = Air(packets=packets + again)
    sensor = air.read()
    assert sensor.loss is not None
    assert sensor.series is not None
    assert sensor.loss.received == (first + second) * SIZE
    assert sensor.loss.reasons["sensor restarts"] == 1
    (gap,) = sensor.loss.gaps
    assert gap.reason == "sensor restarted"
    # between the last packet's arrival and the first sample of the next boot; a radio delay and a packet in doubt
    assert gap.end_s - gap.start_s == pytest.approx(away_s, abs=0.1)
    assert gap.samples == sensor.loss.lost
    assert (np.diff(sensor.series.time) > 0).all()


def test_absence_of_an_hour_is_one_gap_with_its_reason() -> None:
    packets = boot(0.0, 60_000, 2)
    gone = [(at, p) for at, p in packets if not 100.0 < at < 3700.0]
    lost = next(at for at, _ in gone if at > 99.9)
    air = Air(packets=gone)
    air.events = [
        LinkEvent(time_s=lost + 4.2, placement="left_foot", event="lost"),
        LinkEvent(time_s=3700.0, placement="left_foot", event="connected"),
    ]
    loss = air.read().loss
    assert loss is not None
    n_lost = (len(packets) - len(gone)) * SIZE
    assert (loss.expected, loss.lost) == (len(packets) * SIZE, n_lost)
    assert [(gap.reason, gap.samples) for gap in loss.gaps] == [("link lost", n_lost)]
    assert loss.gaps[0].start_s == pytest.approx(100.0, abs=0.1)


def test_minutes_replayed_between_live_packets_are_healed() -> None:
    # away from 30 to 150 s; then 20 old packets, in order, before each live one, the first of them old
    packets = boot(0.0, 4000, 7)
    old = [p for p in packets if 30.0 < p[0] < 150.0]
    live = [p for p in packets if p[0] >= 150.0]
    air = Air(packets=[p for p in packets if p[0] <= 30.0] + live)
    for k, (_, payload) in enumerate(old):
        air.packets.append((live[k // 20][0] - 0.02 + 0.001 * (k % 20), payload))
    air.events = [
        LinkEvent(time_s=32.0, placement="left_foot", event="lost"),
        LinkEvent(time_s=149.9, placement="left_foot", event="connected"),
    ]
    sensor = air.read()
    assert sensor.loss is not None
    assert (sensor.loss.expected, sensor.loss.lost, sensor.loss.gaps) == (56_000, 0, ())
    assert sensor.loss.healed == pytest.approx(len(old) * SIZE, abs=4 * SIZE)
    assert sensor.loss.reasons == {}


def test_what_a_sensor_kept_while_the_link_was_down_is_healed() -> None:
    # two seconds without a link; what was missed comes first and in order: no later sample was there before
    packets = boot(0.0, 300, 8)
    air = Air(packets=[(at if not 5.0 < at < 7.0 else 7.2, p) for at, p in packets])
    missed = sum(5.0 < at < 7.0 for at, _ in packets)
    air.packets = [(max(at, 7.2 + 1e-4 * k) if at > 5.0 else at, p) for k, (at, p) in enumerate(air.packets)]
    events = [
        LinkEvent(time_s=5.5, placement="left_foot", event="lost"),
        LinkEvent(time_s=7.1, placement="left_foot", event="connected"),
    ]
    assert (air.read().loss or fail()).healed == 0
    air.events = events
    loss = air.read().loss or fail()
    assert loss.lost == 0
    # but for the last 0.3 s, which could have waited for their packet
    assert loss.healed == pytest.approx((missed / 2.0) * 1.8 * SIZE, abs=2 * SIZE)


def fail() -> Loss:
    """The sensor gave nothing."""
    pytest.fail("no ledger")


def test_sensor_that_never_came_back_is_missing_until_the_end() -> None:
    packets = boot(0.0, 300, 3)
    air = Air(packets=packets)
    air.events = [
        LinkEvent(time_s=packets[-1][0] + 4.0, placement="left_foot", event="silent"),
        LinkEvent(time_s=packets[-1][0] + 4.0, placement="left_foot", event="lost"),
    ]
    stream = recording.Stream(placement="left_foot", protocol="ankle", config=CONFIG, packets=tuple(packets))
    loss = read_sensor([stream], air.events, packets[-1][0] + 50.0).loss
    assert loss is not None
    assert loss.received == 4200
    assert loss.lost == pytest.approx(50 * RATE, abs=RATE * 0.1)
    assert [gap.reason for gap in loss.gaps] == ["sensor silent"]


def test_range_changed_on_the_way_is_one_series() -> None:
    packets = boot(0.0, 400, 4)
    wide = dict(CONFIG, acc_range_g=32.0)
    streams = [
        recording.Stream(placement="left_foot", protocol="ankle", config=CONFIG, packets=tuple(packets[:200])),
        recording.Stream(placement="left_foot", protocol="ankle", config=wide, packets=tuple(packets[210:])),
    ]
    sensor = read_sensor(streams, [], packets[-1][0])
    assert sensor.loss is not None
    assert sensor.series is not None
    assert (sensor.loss.expected, sensor.loss.lost) == (5600, 140)
    narrow = read_sensor([replace_config(streams[1])], [], packets[-1][0])
    assert narrow.series is not None
    # the same counts at twice the range are twice the acceleration
    np.testing.assert_allclose(sensor.series.acc[2940:], 2 * narrow.series.acc, rtol=1e-12)


def replace_config(stream: recording.Stream) -> recording.Stream:
    return recording.Stream(
        placement=stream.placement, protocol=stream.protocol, config=CONFIG, packets=stream.packets
    )


def test_another_sensor_in_its_place_follows_on_the_session_time() -> None:
    first = recording.Stream(
        placement="left_foot", protocol="ankle", config=CONFIG, packets=tuple(boot(0.0, 150, 5))
    )
    frames = np.zeros((400, 10), dtype="<i2")
    frames.view("u1").reshape(400, 20)[:, :2] = (0x55, 0x61)
    frames[:, 1] = np.arange(400)
    notes = tuple((20.0 + 0.04 * (k + 1), frames[4 * k : 4 * k + 4].tobytes()) for k in range(100))
    second = recording.Stream(placement="left_foot", protocol="witmotion", config={}, packets=notes)
    sensor = read_sensor([first, second], [], 24.0)
    assert sensor.problems == ()
    assert sensor.loss is not None
    assert sensor.series is not None
    assert sensor.loss.received == 2100 + 400
    assert [gap.reason for gap in sensor.loss.gaps] == ["sensor restarted"]
    assert sensor.series.time[-1] == pytest.approx(24.0, abs=0.02)


def test_packets_gone_from_the_disk_are_named(tmp_path: Path) -> None:
    packets = boot(0.0, 200, 6)
    stream = recording.Stream(
        placement="left_foot",
        protocol="ankle",
        config=CONFIG,
        packets=tuple(packets[:80] + packets[90:150] + packets[155:]),
        lost_packets=10,
        holes=((packets[79][0], packets[90][0]),),
    )
    loss = read_sensor([stream], [], packets[-1][0]).loss
    assert loss is not None
    assert [(gap.reason, gap.samples) for gap in loss.gaps] == [("damaged on disk", 140), ("packets lost", 70)]


def test_overrun_inside_the_sensor_is_named() -> None:
    device = 0.5 + np.delete(np.arange(2840), range(1400, 1440)) / RATE
    values = np.ones((2800, 3))
    packets = ankle.encode(device, values, values, acc_range_g=16.0, gyr_range_dps=2000.0)
    stream = recording.Stream(placement="left_foot", protocol="ankle", config=CONFIG, packets=tuple(packets))
    loss = read_sensor([stream], [], 14.0).loss
    assert loss is not None
    assert [(gap.reason, gap.samples) for gap in loss.gaps] == [("overrun in the sensor", 40)]


def test_first_word_of_the_recorder_holds() -> None:
    events = [
        LinkEvent(time_s=2.0, placement="left_foot", event="silent"),
        LinkEvent(time_s=2.1, placement="left_foot", event="lost"),
        LinkEvent(time_s=3.0, placement="left_foot", event="connected"),
        LinkEvent(time_s=3.5, placement="left_foot", event="battery"),
        LinkEvent(time_s=6.0, placement="left_foot", event="lost"),
        LinkEvent(time_s=7.0, placement="left_foot", event="connected"),
    ]
    cause = np.zeros(10, dtype=int)
    cause[[2, 5, 6, 9]] = timing.Cause.LOST
    gaps = timing.name_gaps(np.arange(10.0), cause, events=events)
    assert [(gap.start_s, gap.end_s, gap.samples, gap.reason) for gap in gaps] == [
        (1.0, 3.0, 1, "sensor silent"),
        (4.0, 7.0, 2, "link lost"),
        (8.0, 9.0, 1, "packets lost"),
    ]
