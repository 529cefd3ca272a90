"""The recorder over bleak, D-Bus, bluetoothd and the kernel."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from bluetooth_vm.bumble_radio import BluezAir
from bluetooth_vm.promises import *  # noqa: F403  # its tests are those of this file
from bluetooth_vm.promises import Record
from bluetooth_vm.recorded import PLACEMENTS, CountedSensor, Recorded, arrived, record, walked

from ankle_imu.capture import Captured, Order, Recorder, Wanted
from ankle_imu.devices import catalog
from ankle_imu.devices.bleak_radio import BleakRadio
from ankle_imu.recording import part_paths, read_log
from ankle_imu.simulate.sensors.peripheral import Motion


@pytest.fixture
def recorded(tmp_path: Path) -> Record:
    def carry_out(*schedules: list[str], interval: float = 0.0, **options: Any) -> Recorded:
        async def work() -> Recorded:
            async with BluezAir(interval=interval) as air:
                return await record(air, BleakRadio(), tmp_path, schedules=schedules, **options)

        return asyncio.run(work())

    return carry_out


def test_a_page_shows_the_walk_while_it_is_recorded(tmp_path: Path) -> None:
    """`record --live` in its parts: what the page is sent, what it says, and nothing of the walk is missing."""
    client = pytest.importorskip("websockets.asyncio.client", reason="the extra `live` is not installed")
    from ankle_imu.live import Beside
    from ankle_imu.live.serving import Bind
    from ankle_imu.live.walk import Worn

    heard: list[dict[str, Any]] = []

    async def act(port: int, recorder: Recorder) -> None:
        origin = f"http://127.0.0.1:{port}"
        async with client.connect(f"ws://127.0.0.1:{port}/socket", origin=origin, proxy=None) as page:
            await page.send(json.dumps({"c": "mark", "id": "1", "kind": "stumble"}))
            while sum(one["k"] == "a" for one in heard) < 50 or recorder.elapsed() < 20.0:
                heard.append(json.loads(await page.recv()))
            await page.send(json.dumps({"c": "stop", "id": "2"}))
            while heard[-1].get("phase") != "ending":
                heard.append(json.loads(await page.recv()))

    async def work() -> tuple[Captured, list[list[bytes]]]:
        async with BluezAir() as air:
            sensors, on_air = {}, []
            for number, placement in enumerate(PLACEMENTS[:2]):
                address = f"C0:00:00:00:02:{number:02X}"
                sensor = CountedSensor(Motion(walked()[placement]), address=address, seed=number)
                on_air.append(await air.add(sensor))
                sensors[Wanted(identifier=address, placement=placement, model="ankle")] = catalog.adapter("ankle")
            beside = Beside(Bind(host="127.0.0.1", port=0), Worn(placements=PLACEMENTS[:2]))
            opened = await beside.open()
            order = Order(sensors=sensors, root=tmp_path, duration_s=300.0)
            recorder = Recorder(BleakRadio(), order, beside.show, listener=beside)
            beside.serve(recorder)
            recording = asyncio.ensure_future(recorder.run())
            while not recorder.elapsed():
                await asyncio.sleep(0.1)
            await asyncio.wait_for(act(opened.port, recorder), 120.0)
            captured = await recording
            await beside.close("saved")
            return captured, [arrived(one) for one in on_air]

    captured, said = asyncio.run(work())
    assert captured.reason == "interrupted", "the page ended it"
    assert captured.folder is not None
    log = read_log(part_paths(captured.folder))
    assert [marker.text for marker in log.markers] == ["stumble"]
    for placement, sent in zip(PLACEMENTS, said, strict=False):
        kept = [payload for s in log.streams if s.placement == placement for _, payload in s.packets]
        begin = sent.index(kept[0])
        assert kept == sent[begin : begin + len(kept)]
        assert len(kept) > 0.9 * len(sent)
    drawn = [one for one in heard if one["k"] == "a"]
    assert heard[0]["k"] == "hello"
    assert len(drawn) >= 50
    assert any(one["k"] == "ok" for one in heard)
