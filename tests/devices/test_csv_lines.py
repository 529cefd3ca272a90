"""Lines over Nordic UART: with header or without, from a sensor that is cut off and comes back, and from none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest
from scripted_link import ScriptedLink
from simulated_time import run

from ankle_imu import wire
from ankle_imu.devices.adapter import Sighting, Wish
from ankle_imu.devices.csv_lines import NOTIFY, SERVICE, CsvLinesAdapter, match
from ankle_imu.devices.gatt import BATTERY_LEVEL
from ankle_imu.errors import ProtocolError

HEADER = b"time [ms],acc_x [g],acc_y [g],acc_z [g],gyr_x [deg/s],gyr_y [deg/s],gyr_z [deg/s]\n"


def lines(first: int = 0) -> Iterator[bytes]:
    """One sample each 10 ms: 1 g up, turning faster and faster."""
    k = first
    while True:
        yield b"%d,0,0,1,%d,0,0\n" % (10 * k, k)
        k += 1


async def talk(link: ScriptedLink, texts: Iterator[bytes], header: bytes = b"") -> None:
    """Print one line each 10 ms, 20 bytes a notification, for as long as somebody listens."""
    await asyncio.sleep(0.02)
    rest = header
    for text in texts:
        rest += text
        while len(rest) >= 20:
            link.notify(NOTIFY, rest[:20])
            rest = rest[20:]
        await asyncio.sleep(0.01)


def link_of(**values: bytes) -> ScriptedLink:
    return ScriptedLink(values, lambda uuid, data: [], others=[NOTIFY])


@pytest.mark.parametrize("header", [b"", HEADER])
def test_lines_are_recorded_whole_and_their_rate_measured(header: bytes) -> None:
    async def main() -> None:
        link, adapter, heard = link_of(), CsvLinesAdapter(), []
        talking = asyncio.ensure_future(talk(link, lines(), header))
        stream = await adapter.start(link, Wish(), lambda kind, payload: heard.append((kind, payload)))
        assert stream.config == {"header": bool(header), "nominal_rate_hz": pytest.approx(100, rel=0.03)}
        await asyncio.sleep(3.0)
        await adapter.stop(link)
        n = len(heard)
        await asyncio.sleep(1.0)
        talking.cancel()
        assert len(heard) == n
        (block,) = wire.decode(stream.protocol, [(0.0, payload) for _, payload in heard], stream.config)
        assert {kind for kind, _ in heard} == {"packet"}
        assert len(block) == pytest.approx(500, abs=10)
        np.testing.assert_allclose(block.acc[:, 2], 9.80665)
        assert block.gyr is not None
        np.testing.assert_allclose(np.diff(np.degrees(block.gyr[:, 0])), 1.0)

    run(main())


def test_after_a_lost_link_it_goes_on_at_once_as_before() -> None:
    async def main() -> None:
        adapter, heard = CsvLinesAdapter(), []
        for first in (0, 1000):
            link = link_of()
            talking = asyncio.ensure_future(talk(link, lines(first), HEADER if not first else b""))
            began = asyncio.get_running_loop().time()
            stream = await adapter.start(link, Wish(), lambda kind, payload: heard.append(payload))
            took = asyncio.get_running_loop().time() - began
            await asyncio.sleep(1.0)
            link.lose()
            talking.cancel()
        assert took < 0.1
        assert stream.config["header"]
        (block,) = wire.decode(stream.protocol, [(0.0, payload) for payload in heard], stream.config)
        assert block.ticks is not None
        assert block.ticks[-1] > 10_000

    run(main())


@pytest.mark.parametrize("said", [(), (b"ready",), (b"\x10\x00\x01" * 6,) * 100])
def test_what_sends_no_lines_is_refused(said: tuple[bytes, ...]) -> None:
    async def main() -> None:
        link = link_of()
        for k, payload in enumerate(said):
            asyncio.get_running_loop().call_later(0.02 * (k + 1), link.notify, NOTIFY, payload)
        with pytest.raises(ProtocolError, match="not two lines") as caught:
            await CsvLinesAdapter().start(link, Wish(), lambda kind, payload: None)
        assert caught.value.identifier == link.identifier

    run(main())


def test_battery_and_match() -> None:
    async def main() -> tuple[float, float]:
        with_battery = link_of(**{BATTERY_LEVEL: b"\x10"})
        return await CsvLinesAdapter().battery(with_battery), await CsvLinesAdapter().battery(link_of())

    told, missing = run(main())
    assert told == 0.16
    assert np.isnan(missing)
    assert match(Sighting(identifier="x", service_uuids=(SERVICE,))) > 0
    assert match(Sighting(identifier="x", name="Movesense 1")) == 0
