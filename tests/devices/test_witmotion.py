"""The WitMotion adapter against the virtual sensor, and against sensors that answer wrongly or not at all."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import numpy as np
import pytest
from heard import Heard, link_to, motion
from simulated_time import run

from ankle_imu import wire
from ankle_imu.devices.adapter import LogFile, Sighting, Wish
from ankle_imu.devices.witmotion import NOTIFY, SERVICE, WRITE, WitMotionAdapter, match
from ankle_imu.errors import ProtocolError
from ankle_imu.simulate.sensors.peripheral import Said
from ankle_imu.simulate.sensors.radio import VirtualRadio
from ankle_imu.simulate.sensors.witmotion import WitMotionSensor
from ankle_imu.wire import witmotion as wit

ADDRESS = "C0:00:00:00:00:01"


def test_stream_holds_every_sample_of_the_sensor_in_order() -> None:
    async def main() -> None:
        async with VirtualRadio() as radio:
            sensor = WitMotionSensor(ADDRESS, motion(200.0), rate_error=-0.008)
            await radio.add(sensor)
            link, adapter, heard = await link_to(radio), WitMotionAdapter(), Heard()
            stream = await adapter.start(link, Wish(), heard)
            assert stream.config["nominal_rate_hz"] == 200.0
            before = len(sensor.truth)
            await asyncio.sleep(10.0)
            await adapter.stop(link)
            (block,) = wire.decode(stream.protocol, heard.packets, stream.config)
            assert not block.errors
            made = sensor.truth[-len(block) :]
            assert len(block) == len(sensor.truth) - before == pytest.approx(1984, abs=8)
            assert block.gyr is not None
            acc, gyr = motion(200.0).at(made)
            np.testing.assert_allclose(block.acc, acc, atol=0.5 * 16 * 9.81 / 32768)
            np.testing.assert_allclose(block.gyr, gyr, atol=0.5 * math.radians(2000) / 32768)

    run(main())


def test_wide_range_of_the_filter_is_set_and_saved() -> None:
    async def main() -> None:
        async with VirtualRadio() as radio:
            sensor = WitMotionSensor(ADDRESS, motion(200.0))
            await radio.add(sensor)
            await WitMotionAdapter().start(await link_to(radio), Wish(), Heard())
            sensor.boot(asyncio.get_running_loop().time())
            assert sensor.registers[wit.RATE] == 0x0B
            assert sensor.registers[wit.BANDWIDTH] == 0

    run(main())


@pytest.mark.parametrize(
    ("codes", "wanted", "code", "rate"),
    [
        ({0x0A: 100.0, 0x0B: 200.0}, 208.0, 0x0B, 200.0),
        ({0x0A: 200.0, 0x0B: 100.0}, 208.0, 0x0A, 200.0),
        ({0x0A: 100.0, 0x0B: 100.0}, 208.0, 0x0B, 100.0),
        ({0x09: 100.0}, 104.0, 0x09, 100.0),
    ],
)
def test_rate_is_measured_not_believed(codes: dict[int, float], wanted: float, code: int, rate: float) -> None:
    async def main() -> None:
        async with VirtualRadio() as radio:
            sensor = WitMotionSensor(ADDRESS, motion(200.0), rates_of_codes=codes)
            await radio.add(sensor)
            stream = await WitMotionAdapter().start(await link_to(radio), Wish(rate_hz=wanted), Heard())
            assert stream.config["nominal_rate_hz"] == rate
            assert sensor.registers[wit.RATE] == code

    run(main())


def test_after_reconnection_it_goes_on_at_once() -> None:
    async def main() -> None:
        async with VirtualRadio() as radio:
            sensor = WitMotionSensor(ADDRESS, motion(200.0))
            air = await radio.add(sensor)
            adapter, heard = WitMotionAdapter(), Heard()
            first = await adapter.start(await link_to(radio), Wish(), heard)
            air.lose("too far away")
            link = await link_to(radio)
            await adapter.identify(link)
            began = asyncio.get_running_loop().time()
            assert await adapter.start(link, Wish(), heard) == first
            assert asyncio.get_running_loop().time() - began < 0.5
            n = len(heard.packets)
            await asyncio.sleep(1.0)
            assert len(heard.packets) >= n + 24

    run(main())


def test_a_sensor_that_forgot_its_settings_is_set_again() -> None:
    async def main() -> None:
        async with VirtualRadio() as radio:
            sensor = WitMotionSensor(ADDRESS, motion(200.0))
            air = await radio.add(sensor)
            adapter = WitMotionAdapter()
            await adapter.start(await link_to(radio), Wish(), Heard())
            air.lose("battery out")
            sensor.registers[wit.RATE] = 0x06
            await adapter.start(await link_to(radio), Wish(), Heard())
            assert sensor.registers[wit.RATE] == 0x0B

    run(main())


@pytest.mark.parametrize(("charge", "told"), [(1.0, 1.0), (0.55, 0.5), (0.1, 0.1), (0.0, 0.0)])
def test_battery_by_the_makers_stairs(charge: float, told: float) -> None:
    async def main() -> float:
        async with VirtualRadio() as radio:
            await radio.add(WitMotionSensor(ADDRESS, motion(200.0), battery=charge))
            return await WitMotionAdapter().battery(await link_to(radio))

    assert run(main()) == told


def test_battery_is_asked_again_while_the_sensor_saves() -> None:
    async def main() -> float:
        async with VirtualRadio() as radio:
            sensor = WitMotionSensor(ADDRESS, motion(200.0), battery=1.0)
            await radio.add(sensor)
            link = await link_to(radio)
            for command in (wit.UNLOCK, wit.SAVE):
                await link.write(WRITE, command)
            return await WitMotionAdapter().battery(link)

    assert run(main()) == 1.0


class Mute(WitMotionSensor):
    """Takes every command and answers none."""

    def write(self, uuid: str, data: bytes, now: float) -> list[Said]:
        return []


class Forgetful(WitMotionSensor):
    """Answers, but keeps no setting."""

    def write(self, uuid: str, data: bytes, now: float) -> list[Said]:
        return super().write(uuid, data, now) if data[2:3] == b"\x27" else []


class Still(WitMotionSensor):
    """Answers, but streams nothing."""

    def poll(self, now: float) -> list[Said]:
        return []


@pytest.mark.parametrize(
    ("kind", "words"), [(Mute, "did not answer"), (Forgetful, "does not keep"), (Still, "expected a stream")]
)
def test_bad_sensor_is_refused_with_the_reason(kind: type[WitMotionSensor], words: str) -> None:
    async def main() -> None:
        async with VirtualRadio() as radio:
            await radio.add(kind(ADDRESS, motion(200.0)))
            with pytest.raises(ProtocolError, match=words) as caught:
                await WitMotionAdapter().start(await link_to(radio), Wish(), Heard())
            assert caught.value.identifier == ADDRESS

    run(main())


def test_mute_sensor_has_no_battery_and_no_logs() -> None:
    async def main() -> None:
        async with VirtualRadio() as radio:
            await radio.add(Mute(ADDRESS, motion(200.0)))
            link = await link_to(radio)
            assert math.isnan(await WitMotionAdapter().battery(link))
            with pytest.raises(ProtocolError, match="only the SDCL model"):
                await WitMotionAdapter().list_logs(link)

    run(main())


def flash_file(shared: Any) -> bytes:
    path = shared / "protocols" / "vectors" / "files" / "witmotion-wt901sdcl-flash-20hz-head.bin"
    return bytes(path.read_bytes())


def test_real_flash_file_is_listed_fetched_and_decoded(shared: Any) -> None:
    content = flash_file(shared)

    async def main() -> None:
        async with VirtualRadio() as radio:
            sensor = WitMotionSensor(
                ADDRESS, motion(200.0), files={"WIT01.TXT": content[:900], "WIT18.TXT": content}
            )
            await radio.add(sensor)
            link, adapter = await link_to(radio), WitMotionAdapter()
            logs = await adapter.list_logs(link)
            assert [log.key for log in logs] == ["WIT01.TXT", "WIT18.TXT"]
            seen: list[tuple[int, int]] = []
            data, is_complete = await adapter.fetch_log(link, logs[1], b"", lambda a, b, _: seen.append((a, b)))
            assert is_complete
            assert data == content
            assert seen[-1] == (len(content), logs[1].size)
            stream, payloads = adapter.log_stream(logs[1], data)
            (block,) = wire.decode(stream.protocol, [(0.0, p) for p in payloads], stream.config)
            assert len(block) == 400
            assert not block.errors

    run(main())


def test_download_goes_on_where_the_link_was_lost() -> None:
    content = bytes(range(256)) * 20

    async def main() -> None:
        async with VirtualRadio() as radio:
            sensor = WitMotionSensor(ADDRESS, motion(200.0), files={"WIT18.TXT": content})
            air = await radio.add(sensor)
            adapter, log = WitMotionAdapter(), LogFile(key="WIT18.TXT")
            link = await link_to(radio)
            asyncio.get_running_loop().call_later(0.5, air.lose, "too far away")
            part, is_complete = await adapter.fetch_log(link, log, b"", lambda *_: None)
            assert not is_complete
            assert 0 < len(part) < len(content)
            assert content.startswith(part)
            asked: list[int] = []
            whole, is_complete = await adapter.fetch_log(
                await link_to(radio), log, part, lambda a, *_: asked.append(a)
            )
            assert is_complete
            assert whole == content
            assert asked[0] > len(part)

    run(main())


@pytest.mark.parametrize(
    ("seen", "is_one"),
    [
        (Sighting(identifier="x", name="WT901BLE67"), True),
        (Sighting(identifier="x", name="HWT905"), True),
        (Sighting(identifier="x", service_uuids=(SERVICE,)), True),
        (Sighting(identifier="x", name="Kitchen"), False),
        (Sighting(identifier="x"), False),
    ],
)
def test_recognised_by_name_or_service(seen: Sighting, is_one: bool) -> None:
    assert bool(match(seen)) is is_one


def test_notifications_are_named_as_the_sensor_names_them() -> None:
    sensor = WitMotionSensor(ADDRESS, motion(200.0))
    (service,) = sensor.services
    assert service.uuid == SERVICE
    assert {c.uuid for c in service.characteristics} == {NOTIFY, WRITE}
