"""Streams of the Lab Streaming Layer on this computer: what is sent is what is recorded, at the right times."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankle_imu.capture import Order, Recorder, Together, Wanted
from ankle_imu.devices import lsl
from ankle_imu.devices.adapter import Wish
from ankle_imu.errors import ExtraMissing, ProtocolError
from ankle_imu.recording import part_paths, read_log
from ankle_imu.session_io import open_session
from ankle_imu.simulate.sensors.ankle import AnkleSensor
from ankle_imu.simulate.sensors.peripheral import Motion
from ankle_imu.simulate.sensors.radio import VirtualRadio
from ankle_imu.units import STANDARD_GRAVITY
from ankle_imu.values import ImuSeries, SessionInfo


@pytest.fixture(scope="module")
def pylsl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The library, kept to this computer; its settings are read when it is loaded."""
    settings = tmp_path_factory.mktemp("lsl") / "lsl_api.cfg"
    settings.write_text("[multicast]\nResolveScope = machine\n[lab]\nKnownPeers = {}\n[ports]\nIPv6 = disable\n")
    os.environ["LSLAPICFG"] = str(settings)
    try:
        yield lsl.load_pylsl()
    except ExtraMissing as error:
        pytest.skip(str(error))
    finally:
        del os.environ["LSLAPICFG"]


@pytest.mark.parametrize(
    ("labels", "units", "places", "told"),
    [
        (["acc_x", "acc_y", "acc_z", "gyr_x", "gyr_y", "gyr_z"], ["g"] * 3 + ["deg/s"] * 3, range(6), "g deg/s"),
        (["GyroX", "GyroY", "GyroZ", "AccX", "AccY", "AccZ"], ["dps"] * 3 + ["m/s2"] * 3, (3, 4, 5, 0, 1, 2),
         "m/s^2 deg/s"),
        (["t", "Accelerometer X", "Accelerometer Y", "Accelerometer Z"], ["s"] + ["G"] * 3, (1, 2, 3), "g"),
        (["angular velocity x", "angular velocity y", "angular velocity z", "a_x", "a_y", "a_z", "mag_x"],
         ["rad/s"] * 3 + ["mg"] * 3 + ["uT"], (3, 4, 5, 0, 1, 2), "mg rad/s"),
    ],
)  # fmt: skip
def test_channels_are_known_by_their_labels(labels: list[str], units: list[str], places: Any, told: str) -> None:
    found, kinds = lsl.read_channels(labels, units)
    assert (found, " ".join(kinds.values())) == (list(places), told)


@pytest.mark.parametrize(
    ("labels", "units", "said"),
    [
        ([None] * 6, [None] * 6, "expected labels"),
        (["acc_x", "acc_y"], ["g", "g"], "expected labels"),
        (["acc_x", "acc_y", "acc_z"], [None] * 3, "no unit"),
        (["acc_x", "acc_y", "acc_z"], ["g", "g", "furlong"], "furlong"),
        (["acc_x", "AccX", "acc_y", "acc_z"], ["g"] * 4, "two channels"),
        (["acc_x", "acc_y", "acc_z", "gyr_x"], ["g"] * 3 + ["deg/s"], "gyr_y"),
    ],
)
def test_channels_that_cannot_be_used(labels: list[Any], units: list[Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        lsl.read_channels(labels, units)


class Sender:
    """Another program: sines at 100 Hz, stamped by a clock of its own."""

    def __init__(
        self, pylsl: Any, name: str, *, units: tuple[str, str] = ("g", "deg/s"), offset: float = 5000.0
    ) -> None:
        labels = ["gyr_x", "gyr_y", "gyr_z", "acc_x", "acc_y", "acc_z"]
        info = pylsl.StreamInfo(name, "IMU", 6, 100.0, "float32", f"id-{name}")
        info.set_channel_labels(labels)
        info.set_channel_units([units[1]] * 3 + [units[0]] * 3)
        self.outlet = pylsl.StreamOutlet(info)
        self.offset, self.rows, self.stamps = offset, [], []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)

    def __enter__(self) -> Sender:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _send(self) -> None:
        n, begun = 0, time.monotonic()
        while not self._over.wait(0.02):
            while n / 100.0 <= time.monotonic() - begun:
                row = [100 * np.sin(n / 7), 50 * np.cos(n / 9), 0.0, 0.1 * np.sin(n / 5), 0.2, 1.0]
                stamp = self.offset + n / 100.0
                self.outlet.push_sample(row, stamp)
                self.rows.append(row)
                self.stamps.append(stamp)
                n += 1


def record_stream(root: Path, name: str, seconds: float) -> Path:
    async def work() -> Path:
        wanted = Wanted(identifier=name, placement="left_foot", model=lsl.MODEL)
        order = Order(
            sensors={wanted: lsl.LslAdapter()},
            root=root,
            info=SessionInfo(alias="P-lab"),
            duration_s=seconds,
            find_s=15.0,
        )
        captured = await Recorder(lsl.LslRadio(), order).run()
        assert captured.folder is not None
        return captured.folder

    return asyncio.run(work())


def test_a_stream_is_recorded_as_it_was_sent(pylsl: Any, tmp_path: Path) -> None:
    with Sender(pylsl, "foot") as sender:
        folder = record_stream(tmp_path, "foot", 5.0)
    (stream,) = read_log(part_paths(folder)).streams
    rows = np.concatenate([np.frombuffer(p, "<f8").reshape(-1, 7) for _, p in stream.packets])
    assert len(rows) > 400
    first = sender.stamps.index(rows[0, 0])
    assert rows[:, 0].tolist() == sender.stamps[first : first + len(rows)], "every sample, in order, none twice"
    sent = np.float32(sender.rows[first : first + len(rows)])[:, [3, 4, 5, 0, 1, 2]]
    assert np.array_equal(rows[:, 1:], sent)
    series = open_session(folder).series["left_foot"]
    n = len(rows)
    assert series.acc[:n] == pytest.approx(sent[:, :3] * STANDARD_GRAVITY, abs=1e-5)
    assert series.gyr[:n] == pytest.approx(np.deg2rad(sent[:, 3:]), abs=1e-5)
    assert np.diff(series.time) == pytest.approx(0.01, abs=2e-3)


def test_a_stream_that_ends_is_lost_and_taken_up_again(pylsl: Any, tmp_path: Path) -> None:
    async def work() -> Any:
        wanted = Wanted(identifier="again", placement="left_foot", model=lsl.MODEL)
        order = Order(
            sensors={wanted: lsl.LslAdapter()}, root=tmp_path, info=SessionInfo(alias="P-lab"), find_s=15.0
        )
        recorder = Recorder(lsl.LslRadio(), order)
        task = asyncio.ensure_future(recorder.run())
        with Sender(pylsl, "again") as sender:
            while recorder.elapsed() < 2.0:
                await asyncio.sleep(0.1)
        del sender.outlet
        await asyncio.sleep(3.0)
        with Sender(pylsl, "again"):
            begun = recorder.status().sensors[0].received
            for _ in range(200):
                await asyncio.sleep(0.1)
                if recorder.status().sensors[0].received > begun + 150:
                    break
            recorder.stop()
            return await task

    captured = asyncio.run(work())
    assert captured.sensors[0].links == 2
    assert captured.sensors[0].received > 300


def test_a_stream_without_units_is_refused_in_words(pylsl: Any, tmp_path: Path) -> None:
    async def work() -> None:
        radio = lsl.LslRadio()
        found = await radio.scan(5.0, is_enough=lambda seen: seen.identifier == "odd")
        link = await radio.connect(next(s for s in found if s.identifier == "odd"), timeout=5.0)
        try:
            with pytest.raises(ProtocolError, match="furlong"):
                await lsl.LslAdapter().start(link, Wish(), lambda kind, payload: None)
        finally:
            await link.close()

    with Sender(pylsl, "odd", units=("furlong", "deg/s")):
        asyncio.run(work())


class Receiver:
    """Another program that records what it receives."""

    def __init__(self, pylsl: Any, name: str) -> None:
        (info,) = pylsl.resolve_byprop("name", name, timeout=10.0)
        self.inlet = pylsl.StreamInlet(info)
        self.inlet.open_stream(10.0)
        self.info = self.inlet.info(5.0)

    def pull(self) -> tuple[list[Any], list[float]]:
        values, stamps = [], []
        while True:
            more, at = self.inlet.pull_chunk(timeout=0.3)
            if not len(at):
                return values, stamps
            values += list(more)
            stamps += list(at)


def test_samples_and_markers_go_out_at_their_times(pylsl: Any, tmp_path: Path) -> None:
    """One clean swing: the moment of its peak by the received stamps is the true one."""
    from ankle_imu.devices import catalog
    from ankle_imu.lsl import Outlets

    rate, period = 104.0, 4.0
    at = np.arange(round(60 * rate)) / rate
    swing = np.exp(-0.5 * ((np.mod(at, period) - 2.0) / 0.1) ** 2)
    acc = np.stack([0 * at, 0 * at, np.full(len(at), STANDARD_GRAVITY)], axis=1)
    series = ImuSeries(time=at, acc=acc, gyr=np.stack([0 * at, 5 * swing, 0 * at], axis=1), sampling_rate=rate)

    async def work() -> tuple[Any, ...]:
        outlets = Outlets("test-out")
        async with VirtualRadio() as radio:
            begun = pylsl.local_clock() - asyncio.get_running_loop().time()
            start = asyncio.get_running_loop().time()
            sensor = AnkleSensor(Motion(series, start=start), address="C0:00:00:00:00:01", seed=1)
            await radio.add(sensor, seed=1)
            wanted = Wanted(identifier=sensor.address, placement="left_foot", model="ankle")
            order = Order(
                sensors={wanted: catalog.adapter("ankle")}, root=tmp_path, info=SessionInfo(alias="P-lab"),
                wish=Wish(rate_hz=rate), duration_s=10.0,
            )  # fmt: skip
            recorder = Recorder(radio, order, listener=Together([outlets]))
            outlets.serve(recorder.elapsed)
            task = asyncio.ensure_future(recorder.run())
            while recorder.elapsed() < 0.5:
                await asyncio.sleep(0.05)
            receiver = await asyncio.to_thread(Receiver, pylsl, "test-out left_foot")
            words = await asyncio.to_thread(Receiver, pylsl, "test-out markers")
            said_at = pylsl.local_clock()
            assert recorder.mark("stumble")
            await task
            got = await asyncio.to_thread(receiver.pull)
            heard = await asyncio.to_thread(words.pull)
            outlets.close()
        return begun + start, said_at, receiver.info, got, heard

    zero, said_at, info, (values, stamps), (heard, heard_at) = asyncio.run(work())
    assert info.get_channel_labels() == ["acc_x", "acc_y", "acc_z", "gyr_x", "gyr_y", "gyr_z"]
    assert info.get_channel_units() == ["m/s^2"] * 3 + ["rad/s"] * 3
    assert info.nominal_srate() == rate
    time_s, gyr = np.array(stamps) - zero, np.array(values)[:, 4]
    assert np.all(np.diff(time_s) > 0)
    peaks = [
        np.average(time_s[near], weights=gyr[near])
        for n in range(1, 4)
        if (near := np.abs(time_s - (n * period + 2.0)) < 0.5).sum() > 90 * rate / 104.0
    ]
    assert peaks, "no swing was received whole"
    late = np.mod(peaks, period) - 2.0
    print("late by, s:", late)
    assert np.abs(late).max() < 0.06, "no later than the sensor's packets are"
    assert [list(one) for one in heard] == [["stumble"]]
    assert heard_at[0] == pytest.approx(said_at, abs=0.05)


def test_one_who_fails_does_not_take_the_others_along() -> None:
    class Looks:
        def __init__(self, fails: bool) -> None:
            self.fails, self.taken = fails, 0

        def take(self, placement: str, time_s: float, payload: bytes) -> None:
            self.taken += 1
            if self.fails:
                raise ValueError("no")

    bad, good = Looks(True), Looks(False)
    both = Together([bad, good])  # type: ignore[list-item]
    for _ in range(3):
        both.take("left_foot", 0.0, b"")
    assert (bad.taken, good.taken) == (1, 3)
