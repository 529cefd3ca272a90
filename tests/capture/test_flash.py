"""A sensor's own recording: fetched over broken links, made a session, used to heal one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from capture_truth import true_values
from simulated_time import run

from ankle_imu.capture import Order, Recorder, Wanted
from ankle_imu.capture.fetch import fetch
from ankle_imu.capture.flash import Healed, heal_session, place_payloads, save_log
from ankle_imu.capture.introduce import visit
from ankle_imu.devices.adapter import Identity, LogFile, Logging, Progress, Stream
from ankle_imu.devices.ankle import AnkleAdapter
from ankle_imu.errors import ConnectionLost, DeviceNotFound, ProtocolError, QualityRefusal, RecordingError
from ankle_imu.session_io import open_session
from ankle_imu.simulate.sensors.ankle import AnkleSensor
from ankle_imu.simulate.sensors.mischief import parse_mischief
from ankle_imu.simulate.sensors.peripheral import Motion
from ankle_imu.simulate.sensors.radio import OnAir, VirtualRadio
from ankle_imu.values import ImuSeries, SessionInfo
from ankle_imu.wire import ankle_packets, witmotion

ADDRESS = "C0:00:00:00:00:01"
WANTED = Wanted(identifier=ADDRESS, placement="left_foot", model="ankle")


async def record(radio: VirtualRadio, root: Path, seconds: float) -> Path:
    order = Order(
        sensors={WANTED: AnkleAdapter()}, root=root, duration_s=seconds, info=SessionInfo(alias="P-test")
    )
    captured = await Recorder(radio, order).run()
    assert captured.folder is not None
    return captured.folder


async def download(
    radio: VirtualRadio, kept: Path, *, lose_at: tuple[float, ...] = ()
) -> tuple[LogFile, Stream, list[bytes]]:
    """The newest log of the sensor; the link is lost when these shares of it have come."""
    adapter = AnkleAdapter()
    async with visit(radio, ADDRESS) as link:
        log = (await adapter.list_logs(link))[-1]
    shares = list(lose_at)

    def tell(have: int, size: int) -> None:
        if shares and have > shares[0] * size:
            shares.pop(0)
            radio.sensors[0].lose("link lost")

    data = await fetch(radio, ADDRESS, adapter, log, kept, tell)
    return log, *adapter.log_stream(log, data)


def cut_short(motion: Motion, tmp_path: Path) -> tuple[OnAir, Path, LogFile, Stream, list[bytes]]:
    """A recording that ended while its sensor was away and went on logging; its log, fetched later."""

    async def work() -> tuple[OnAir, Path, LogFile, Stream, list[bytes]]:
        async with VirtualRadio() as radio:
            mischief = [parse_mischief("10:lose:1"), parse_mischief("30:gone:60")]
            air = await radio.add(AnkleSensor(motion, address=ADDRESS), mischief=mischief)
            session = await record(radio, tmp_path / "library", 40.0)
            await asyncio.sleep(60.0)
            return air, session, *await download(radio, tmp_path / "log.bin", lose_at=(0.3, 0.6))

    return run(work())


def test_a_log_becomes_a_session(motion: Motion, tmp_path: Path) -> None:
    air, _, log, stream, payloads = cut_short(motion, tmp_path)
    assert sum(what == "lost: link lost" for _, what in air.log) >= 3, "the fetch was not interrupted"
    folder = save_log(tmp_path / "other", WANTED, Identity(serial="7"), log, stream, payloads, alias="P-test")
    recording = open_session(folder)
    series, loss = recording.series["left_foot"], recording.loss["left_foot"]
    assert loss.lost == 0
    assert loss.true_rate_hz == pytest.approx(208.0, rel=1e-3)
    true = true_values(air, 0, 0, len(series.time))
    np.testing.assert_allclose(np.hstack([series.acc, series.gyr]), true, atol=1e-9)
    assert series.duration > 85.0
    assert recording.session.sensors["left_foot"].acc_range_g == 16.0


def test_a_log_heals_a_session(motion: Motion, tmp_path: Path) -> None:
    _, session, _, stream, payloads = cut_short(motion, tmp_path)
    before = open_session(session)
    healed = heal_session(session, "left_foot", stream, payloads)
    after = open_session(session)
    assert healed.missing > 9 * 208, "the sensor was away for the last ten seconds"
    assert healed.found == healed.missing == pytest.approx(before.loss["left_foot"].lost, abs=30)
    assert after.loss["left_foot"].lost == 0
    assert after.duration == pytest.approx(40.0, abs=0.5)
    assert heal_session(session, "left_foot", stream, payloads) == Healed(missing=0, found=0)
    assert len(list((session / "raw").glob("part-*.mcap"))) == 2


def test_a_gap_that_was_not_replayed_is_healed(motion: Motion, tmp_path: Path) -> None:
    class Plain(AnkleAdapter):
        async def heal(self, link: object) -> int:
            return 0

    async def work() -> tuple[Path, Stream, list[bytes]]:
        async with VirtualRadio() as radio:
            mischief = [parse_mischief("10:lose:1"), parse_mischief("20:gone:7")]
            await radio.add(AnkleSensor(motion, address=ADDRESS), mischief=mischief)
            order = Order(
                sensors={WANTED: Plain()}, root=tmp_path, duration_s=40.0, info=SessionInfo(alias="P-test")
            )
            captured = await Recorder(radio, order).run()
            assert captured.folder is not None
            _, stream, payloads = await download(radio, tmp_path / "log.bin")
            return captured.folder, stream, payloads

    session, stream, payloads = run(work())
    lost = open_session(session).loss["left_foot"].lost
    assert lost > 8 * 208 * 0.9
    assert heal_session(session, "left_foot", stream, payloads) == Healed(missing=lost, found=lost)
    loss = open_session(session).loss["left_foot"]
    assert (loss.lost, loss.healed) == (0, lost)
    assert loss.gaps == ()


def test_a_log_of_another_run_is_refused(motion: Motion, tmp_path: Path) -> None:
    _, session, _, stream, payloads = cut_short(motion, tmp_path)
    shifted = [
        p[:8] + ((int.from_bytes(p[8:12], "little") + 5_000_000) % 2**32).to_bytes(4, "little") + p[12:]
        for p in payloads
        if p[0] == ankle_packets.SAMPLES
    ]
    with pytest.raises(QualityRefusal, match="another run"):
        heal_session(session, "left_foot", stream, shifted)
    with pytest.raises(RecordingError, match="right_foot"):
        heal_session(session, "right_foot", stream, payloads)


def test_a_sensor_that_stays_away_is_given_up_and_what_came_is_kept(motion: Motion, tmp_path: Path) -> None:
    async def work() -> None:
        async with VirtualRadio() as radio:
            air = await radio.add(AnkleSensor(motion, address=ADDRESS), mischief=[parse_mischief("5:gone:30")])
            await record(radio, tmp_path / "library", 20.0)
            await asyncio.sleep(30.0)
            adapter = AnkleAdapter()
            async with visit(radio, ADDRESS) as link:
                log = (await adapter.list_logs(link))[-1]

            def tell(have: int, size: int) -> None:
                if have > size / 3:
                    air.is_away = True
                    air.lose("link lost")

            with pytest.raises(DeviceNotFound, match="the next call goes on"):
                await fetch(radio, ADDRESS, adapter, log, tmp_path / "log.bin", tell)
            have = len((tmp_path / "log.bin").read_bytes())
            assert 0 < have < log.size
            air.is_away = False
            data = await fetch(radio, ADDRESS, adapter, log, tmp_path / "log.bin", lambda have, size: None)
            assert len(data) == log.size

    run(work())


class Talker:
    """A sensor family with one log; it sends `piece` bytes at a time and is lost or refuses when told to."""

    def __init__(self, data: bytes, *, piece: int = 500, links: Sequence[Exception | int | None] = ()) -> None:
        self.data, self.piece, self.links, self.asked = data, piece, list(links), list[int]()

    async def fetch_log(self, link: object, log: LogFile, have: bytes, progress: Progress) -> tuple[bytes, bool]:
        self.asked.append(len(have))
        fate, data = (self.links.pop(0) if self.links else None), bytearray(have)
        while len(data) < len(self.data):
            if isinstance(fate, int) and len(data) >= fate:
                return bytes(data), False
            piece = self.data[len(data) : len(data) + self.piece]
            data += piece
            progress(len(data), len(self.data), piece)
            if isinstance(fate, BaseException) and len(data) > len(self.data) / 2:
                raise fate
        return bytes(data), True


MONDAY, TUESDAY = (bytes(np.random.default_rng(day).integers(0, 256, 5000, dtype=np.uint8)) for day in (1, 2))


def fetched(kept: Path, talker: Talker, gone: Sequence[float] = ()) -> bytes:
    """Fetch from a sensor that is away for so many seconds after each of its links."""

    async def work() -> bytes:
        async with VirtualRadio() as radio:
            time = np.arange(0.0, 1.0, 0.01)
            series = ImuSeries(time=time, acc=np.ones((100, 3)), gyr=np.zeros((100, 3)), sampling_rate=100.0)
            air = await radio.add(AnkleSensor(Motion(series), address=ADDRESS))
            away = list(gone)

            class Leaving(Talker):
                async def fetch_log(self, *told: Any) -> tuple[bytes, bool]:
                    try:
                        return await talker.fetch_log(*told)
                    finally:
                        if away:
                            air.is_away = True
                            asyncio.get_running_loop().call_later(away.pop(0), setattr, air, "is_away", False)

            adapter = cast(Logging, Leaving(b""))
            return await fetch(radio, ADDRESS, adapter, LogFile(key="1"), kept, lambda have, size: None)

    return run(work())


@pytest.mark.parametrize("failure", [ProtocolError("nonsense"), KeyboardInterrupt(), asyncio.CancelledError()])
def test_what_came_is_kept_however_a_fetch_dies(tmp_path: Path, failure: Any) -> None:
    kept = tmp_path / "new" / "log.bin"
    with pytest.raises(type(failure)):
        fetched(kept, Talker(MONDAY, links=[failure]))
    assert kept.read_bytes() == MONDAY[:3000]
    talker = Talker(MONDAY)
    assert fetched(kept, talker) == MONDAY == kept.read_bytes()
    assert talker.asked == [3000 - 1024], "it did not go on from there"


def test_a_new_log_under_an_old_key_is_not_mixed_with_the_old_one(tmp_path: Path) -> None:
    kept = tmp_path / "log.bin"
    fetched(kept, Talker(MONDAY))
    talker = Talker(TUESDAY)
    assert fetched(kept, talker) == TUESDAY == kept.read_bytes()
    assert talker.asked == [5000 - 1024, 0]
    kept.write_bytes(MONDAY[:700])
    assert fetched(kept, Talker(TUESDAY)) == TUESDAY == kept.read_bytes()


def test_a_sensor_that_is_away_for_a_while_is_waited_for(tmp_path: Path) -> None:
    talker = Talker(MONDAY, links=[1000, 2000, 3000, 4000])
    assert fetched(tmp_path / "log.bin", talker, gone=[8.0, 12.0, 15.0]) == MONDAY
    assert talker.asked == [0, 1000, 2000, 3000, 4000]


def test_links_that_bring_nothing_are_counted(tmp_path: Path) -> None:
    talker = Talker(MONDAY, links=[1000] * 20)
    with pytest.raises(ConnectionLost, match=r"nothing new 5 times in a row.*1,000 bytes are kept"):
        fetched(tmp_path / "log.bin", talker)
    assert len(talker.asked) == 6
    assert (tmp_path / "log.bin").read_bytes() == MONDAY[:1000]


def test_payloads_without_a_clock_are_placed_by_their_count() -> None:
    frames = witmotion.encode(np.tile([0.0, 0.0, 9.8], (40, 1)), np.zeros((40, 3)))
    payloads = [b"".join(frames[k : k + 4]) for k in range(0, 40, 4)]
    placed = place_payloads(Stream(protocol="witmotion", config={"nominal_rate_hz": 100.0}), payloads)
    assert [p for _, p in placed] == payloads
    np.testing.assert_allclose([at for at, _ in placed], np.arange(10) * 0.04 + 0.03, atol=1e-9)


def test_a_log_without_samples() -> None:
    with pytest.raises(RecordingError, match="no sample"):
        place_payloads(Stream(protocol="witmotion", config={}), [b"", b"xx"])
