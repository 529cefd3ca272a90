"""The recorder over a radio in this process: what arrives is kept, what is lost is healed or named.

Everything is held against what the virtual sensors say they made, sample by sample.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from capture_truth import Recorded, true_values
from simulated_time import run

from ankle_imu import wire
from ankle_imu.capture import Order, Recorder, Status, Wanted, host
from ankle_imu.devices import catalog
from ankle_imu.devices.ankle import AnkleAdapter
from ankle_imu.errors import BluetoothUnavailable, DeviceNotFound, StorageError
from ankle_imu.frames import PLACEMENTS
from ankle_imu.simulate.sensors.peripheral import Motion
from ankle_imu.simulate.sensors.radio import VirtualRadio

Record = Callable[..., Recorded]


def counts(recorded: Recorded, n: int = 0) -> np.ndarray:
    """The sensor's own counts of all samples on disk, in order of arrival."""
    streams = [s for s in recorded.log.streams if s.placement == PLACEMENTS[n]]
    blocks = [b for s in streams for b in wire.decode(s.protocol, s.packets, s.config)]
    return np.concatenate([b.sequence for b in blocks if b.sequence is not None])


def check_against_truth(recorded: Recorded, n: int = 0) -> None:
    """One boot: every row is the sensor's sample of that count, or named as lost with its time."""
    placement = PLACEMENTS[n]
    series, loss = recorded.recording.series[placement], recorded.recording.loss[placement]
    have = counts(recorded, n)
    first, stop = int(have.min()), int(have.max()) + 1
    true = true_values(recorded.air[n], 0, first, stop)
    values = np.hstack([series.acc, series.gyr])
    missing = np.setdiff1d(np.arange(first, stop), have) - first
    assert len(series.time) == loss.expected == stop - first
    assert np.flatnonzero(~series.is_valid).tolist() == missing.tolist()
    np.testing.assert_allclose(values[series.is_valid], true[series.is_valid], atol=1e-9)
    assert (loss.received, loss.lost) == (stop - first - len(missing), len(missing))
    assert sum(gap.samples for gap in loss.gaps) == loss.lost
    inside = np.zeros(len(series.time), dtype=bool)
    for gap in loss.gaps:
        inside |= (series.time >= gap.start_s - 1e-6) & (series.time < gap.end_s - 1e-6)
    assert inside[missing].all(), "a missing sample lies in no gap"


@pytest.mark.parametrize(("sensors", "rate"), [(1, 208.0), (2, 208.0), (4, 208.0), (1, 416.0)])
def test_a_good_link_loses_nothing(record: Record, sensors: int, rate: float) -> None:
    recorded = record(*[()] * sensors, rate=rate)
    for n in range(sensors):
        assert recorded.kept(n) == recorded.sent(n)
        loss = recorded.recording.loss[PLACEMENTS[n]]
        assert loss.lost == 0
        assert loss.true_rate_hz == pytest.approx(rate, rel=2e-4)
        assert loss.expected == pytest.approx(60.0 * rate, rel=0.05)
        check_against_truth(recorded, n)


@pytest.mark.parametrize(
    "mischief",
    ["10:bye", "10:drop", "10:gone:6", "10:mute:7", "10:stall:1.5", "10:stall:6", "10:lose:2", "10:delay:2"],
)
def test_what_is_lost_on_a_bad_link_is_healed(record: Record, mischief: str) -> None:
    recorded = record([mischief], seconds=40.0)
    loss = recorded.recording.loss["left_foot"]
    assert loss.lost == 0
    assert loss.healed > 0 or mischief in ("10:stall:1.5", "10:delay:2")
    assert recorded.kept() == recorded.sent()
    check_against_truth(recorded)


@pytest.mark.parametrize("mischief", ["10:duplicate:5", "10:reorder:5"])
def test_packets_out_of_order_cost_nothing(record: Record, mischief: str) -> None:
    recorded = record([mischief], seconds=30.0)
    assert recorded.recording.loss["left_foot"].lost == 0
    assert recorded.kept() == recorded.sent()
    check_against_truth(recorded)


def test_a_long_absence_is_healed_from_the_sensors_own_log(record: Record) -> None:
    recorded = record(["10:gone:90"], seconds=150.0)
    assert recorded.recording.loss["left_foot"].lost == 0
    assert recorded.recording.loss["left_foot"].healed > 80 * 208
    check_against_truth(recorded)


def test_what_the_sensor_no_longer_has_is_named(record: Record) -> None:
    """Without flash, its memory goes back 40 s at 208 Hz: the rest of a minute is lost, and said to be."""
    recorded = record(["10:gone:60"], seconds=120.0, flash_bytes=0)
    loss = recorded.recording.loss["left_foot"]
    check_against_truth(recorded)
    (gap,) = loss.gaps
    assert gap.reason == "link lost"
    assert loss.lost == pytest.approx((60.0 - 8330 / 208.0) * 208.0, abs=250)
    assert 9.0 < gap.start_s < 12.0


def test_a_reboot_is_named(record: Record) -> None:
    recorded = record(["20:reboot:5"], seconds=50.0)
    series, loss = recorded.recording.series["left_foot"], recorded.recording.loss["left_foot"]
    (gap,) = loss.gaps
    assert gap.reason == "sensor restarted"
    assert loss.reasons["sensor restarts"] == 1
    assert 5.0 < gap.end_s - gap.start_s < 8.0
    before = counts(recorded)[: int((series.time < gap.start_s).sum())]
    true = true_values(recorded.air[0], 0, int(before.min()), int(before.max()) + 1)
    np.testing.assert_allclose(np.hstack([series.acc, series.gyr])[: len(true)], true, atol=1e-9)
    assert loss.received == series.is_valid.sum() > 40 * 208


def test_twenty_lost_links(record: Record) -> None:
    recorded = record([f"{5 + 5 * k}:{what}" for k, what in enumerate(["drop", "bye"] * 10)], seconds=115.0)
    (status,) = recorded.captured.sensors
    assert status.links == 21
    assert recorded.recording.loss["left_foot"].lost == 0
    check_against_truth(recorded)
    events = Counter(event.event for event in recorded.log.events)
    assert events["lost"] == 20
    assert events["connected"] == 21


def test_random_losses_are_healed(record: Record) -> None:
    recorded = record([], loss=0.05, seconds=30.0)
    assert recorded.recording.loss["left_foot"].lost <= 19, "only what was lost again and again"
    assert recorded.recording.loss["left_foot"].healed > 100
    check_against_truth(recorded)


def test_losses_that_cannot_be_healed_are_counted(record: Record) -> None:
    class Plain(AnkleAdapter):
        async def heal(self, link: object) -> int:
            return 0

    recorded = record([], loss=0.05, seconds=30.0, adapter=Plain)
    loss = recorded.recording.loss["left_foot"]
    assert 100 < loss.lost < 1000
    assert {gap.reason for gap in loss.gaps} == {"packets lost"}
    check_against_truth(recorded)


def test_tiny_packets(record: Record) -> None:
    recorded = record([], mtu=23, rate=104.0, seconds=20.0)
    assert max(map(len, recorded.kept())) <= 20
    assert recorded.recording.loss["left_foot"].lost == 0
    check_against_truth(recorded)


def test_two_clocks_fit_together(record: Record) -> None:
    """+-60 ppm, arrivals every 15 ms: within 2 ms of one another over ten minutes, and the doubt covers it."""
    recorded = record([], [], seconds=600.0)
    errors = []
    for n in range(2):
        series = recorded.recording.series[PLACEMENTS[n]]
        have = counts(recorded, n)
        world = recorded.air[n].sensor.boots[0].world(np.arange(have.min(), have.max() + 1))  # type: ignore[attr-defined]
        errors.append((series.time, series.time - world))
        ppm = recorded.recording.loss[PLACEMENTS[n]].clock_ppm
        assert ppm == pytest.approx(60.0 - 120.0 * n, abs=3.0)
    common = np.arange(5.0, 595.0, 0.5)
    apart = np.subtract(*(np.interp(common, t, error) for t, error in errors))
    doubt = sum(recorded.recording.loss[PLACEMENTS[n]].clock_residual_s for n in range(2))
    assert np.abs(apart).max() <= 0.002
    assert np.abs(apart).max() <= doubt < 0.02


def test_a_sensor_that_is_away_does_not_hold_up_the_others(record: Record) -> None:
    """One sensor is gone for a minute; the other loses its link again and again, and is back within 3 s."""
    drops = [f"{10 + 7 * k}:drop" for k in range(8)]
    recorded = record(["8:gone:70"], drops, seconds=90.0)
    log = recorded.air[1].log
    lost = [t for t, what in log if what.startswith("lost: link")]
    back = [next(t for t, what in log if what == "connected" and t > at) for at in lost]
    assert len(lost) == 8
    assert max(np.subtract(back, lost)) < 3.0


def test_markers_and_states(record: Record) -> None:
    seen: list[Status] = []

    def meddle(recorder: Recorder, radio: VirtualRadio) -> None:
        assert not recorder.mark("too early")
        loop = asyncio.get_running_loop()
        loop.call_later(10.0, recorder.mark, "rock", "left")

    recorded = record(["20:gone:5"], seconds=40.0, meddle=meddle, watch=seen.append)
    (marker,) = recorded.recording.markers
    assert (marker.text, marker.leg) == ("rock", "left")
    assert marker.time_s == pytest.approx(9.0, abs=1.0)
    states = {status.sensors[0].state for status in seen}
    assert {"connecting", "streaming", "searching"} <= states
    steady = next(s for s in seen if s.elapsed_s > 15.0).sensors[0]
    assert steady.rate == pytest.approx(208.0, rel=0.03)
    assert steady.nominal_rate == 208.0
    assert steady.lost == 0
    assert seen[-1].markers == 1


def test_settings_are_those_that_were_wished(record: Record) -> None:
    recorded = record([], seconds=10.0, rate=104.0)
    sensor = recorded.recording.session.sensors["left_foot"]
    assert (sensor.nominal_rate_hz, sensor.acc_range_g, sensor.gyr_range_dps) == (104.0, 16.0, 2000.0)
    assert sensor.serial
    assert sensor.protocol == "ankle"


def test_status_of_the_sensor_is_kept_as_it_came(record: Record) -> None:
    recorded = record([], seconds=20.0)
    (status,) = recorded.log.status
    assert len(status.packets) == pytest.approx(20, abs=2)
    assert recorded.log.host_clock


# Ends


def test_stop_ends_cleanly(record: Record) -> None:
    def meddle(recorder: Recorder, radio: VirtualRadio) -> None:
        asyncio.get_running_loop().call_later(12.0, recorder.stop)

    recorded = record([], seconds=600.0, meddle=meddle)
    assert recorded.captured.reason == "interrupted"
    assert recorded.captured.duration_s == pytest.approx(11.5, abs=1.0)
    assert recorded.log.damage == ()
    assert recorded.air[0].log[-1][1] == "lost: closed by the host"


def test_an_empty_sensor_ends_the_recording(record: Record) -> None:
    recorded = record(["30:battery:0.015"], seconds=600.0)
    assert recorded.captured.reason == "battery"
    assert 30.0 < recorded.captured.duration_s < 150.0


def test_an_empty_sensor_leaves_the_others_alone(record: Record) -> None:
    recorded = record(["30:battery:0.015"], [], seconds=200.0)
    assert recorded.captured.reason == "duration"
    assert [s.state for s in recorded.captured.sensors] == ["stopped", "stopped"]
    assert len(recorded.recording.series["right_foot"].time) > 190 * 208


def test_a_disk_that_fills_ends_the_recording(
    record: Record, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    room = iter([10**9] * 5 + [10**6] * 10**6)
    monkeypatch.setattr(host, "free_bytes", lambda path: next(room))
    with pytest.raises(StorageError, match="nearly full"):
        record([], seconds=600.0)
    assert list(tmp_path.glob("people/*/*/*/raw/part-0001.mcap"))


def test_a_computer_that_runs_empty_ends_the_recording(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "charge", lambda: 0.02)
    assert record([], seconds=600.0).captured.reason == "battery"


def nothing_on_the_air(tmp_path: Path, radio: VirtualRadio, find_s: float = 20.0) -> None:
    wanted = Wanted(identifier="C0:00:00:00:00:01", placement="left_foot", model="ankle")
    order = Order(sensors={wanted: catalog.adapter("ankle")}, root=tmp_path / "library", find_s=find_s)

    async def work() -> None:
        await Recorder(radio, order).run()

    run(work())


def test_no_sensor_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(DeviceNotFound, match="left_foot: C0:00:00:00:00:01 is not in reach"):
        nothing_on_the_air(tmp_path, VirtualRadio())
    assert list(tmp_path.iterdir()) == []


def test_bluetooth_that_is_off_is_told_at_once(tmp_path: Path) -> None:
    radio = VirtualRadio()
    radio.is_off = True
    with pytest.raises(BluetoothUnavailable):
        nothing_on_the_air(tmp_path, radio, find_s=1e9)


def test_bluetooth_that_is_switched_off_meanwhile_is_waited_for(record: Record) -> None:
    def meddle(recorder: Recorder, radio: VirtualRadio) -> None:
        def switch(is_off: bool) -> None:
            radio.is_off = is_off
            if is_off:
                radio.sensors[0].lose("adapter off")

        loop = asyncio.get_running_loop()
        loop.call_later(10.0, switch, True)
        loop.call_later(25.0, switch, False)

    recorded = record([], seconds=60.0, meddle=meddle)
    assert recorded.recording.loss["left_foot"].lost == 0
    check_against_truth(recorded)


def test_an_order_that_cannot_be(tmp_path: Path) -> None:
    one = Wanted(identifier="A", placement="left_foot", model="ankle")
    for other in (
        Wanted(identifier="A", placement="left_shank", model="ankle"),
        Wanted(identifier="B", placement="left_foot", model="ankle"),
    ):
        with pytest.raises(ValueError, match="each needs its own"):
            Order(sensors=dict.fromkeys((one, other), catalog.adapter("ankle")), root=tmp_path)
    with pytest.raises(ValueError, match="No sensor"):
        Order(sensors={}, root=tmp_path)


def test_motion_is_what_was_recorded(record: Record, motion: Motion) -> None:
    """The whole spine: what a foot felt is what the session holds, at the right time within 5 ms."""
    recorded = record([], seconds=60.0, interval=0.0)
    series = recorded.recording.series["left_foot"]
    have = counts(recorded)
    world = recorded.air[0].sensor.boots[0].world(np.arange(have.min(), have.max() + 1))  # type: ignore[attr-defined]
    acc, gyr = motion.at(world)
    np.testing.assert_allclose(series.acc, np.clip(acc, -156.9, 156.9), atol=0.006)
    np.testing.assert_allclose(series.gyr, np.clip(gyr, -34.9, 34.9), atol=0.002)
    assert np.ptp(series.time - world) < 0.005
