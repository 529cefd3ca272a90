"""Whatever a sensor says, no callback raises, and what was asked for ends: with an answer or our own error."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_link import ScriptedLink
from simulated_time import run

from ankle_imu.devices import catalog, csv_lines, metawear, movella_dot, movesense, polar, witmotion
from ankle_imu.devices.adapter import LogFile, Logging, Wish
from ankle_imu.devices.gatt import BATTERY_LEVEL
from ankle_imu.errors import DeviceError

FAMILIES = {
    "witmotion": (witmotion.NOTIFY, witmotion.WRITE),
    "movesense": (movesense.NOTIFY, movesense.WRITE),
    "polar": (polar.CONTROL, polar.DATA),
    "metawear": (metawear.NOTIFY, metawear.COMMAND),
    "movella_dot": (
        movella_dot.MESSAGE_NOTICE,
        movella_dot.MEDIUM_PAYLOAD,
        movella_dot.MESSAGE_CONTROL,
        movella_dot.MESSAGE_RECEIPT,
        movella_dot.DEVICE_INFO,
        movella_dot.DEVICE_CONTROL,
        movella_dot.MEASUREMENT_CONTROL,
        movella_dot.BATTERY,
    ),
    "csv_lines": (csv_lines.NOTIFY,),
}
HEADS = [b"", b"\x55\x61", b"\x55\x71", b"\x55\xaa", b"\x01", b"\x02\x63", b"\xf0\x02\x02\x00", b"\x0f\xff\xff"]
HEADS += [b"\x03\x80\x01\x01", b"\x13\x80\x00\x01", b"\x09\x02", b"\x0b\x85", b"\x0b\x07", b"\x01\x03\x01\x00"]
BYTES = st.builds(lambda head, rest: head + rest, st.sampled_from(HEADS), st.binary(max_size=40))


@pytest.mark.parametrize("model", FAMILIES)
@settings(max_examples=40)
@given(said=st.lists(BYTES, min_size=1, max_size=12), values=st.lists(BYTES, min_size=1, max_size=8))
def test_nonsense_is_survived(model: str, said: list[bytes], values: list[bytes]) -> None:
    uuids = (*FAMILIES[model], BATTERY_LEVEL)

    def answer(uuid: str, data: bytes) -> list[tuple[str, bytes]]:
        echoes = [data[:2] + payload for payload in said[:3]]
        return [(where, payload) for payload in [*said, *echoes] for where in FAMILIES[model][:2]]

    async def main() -> None:
        told = {uuid: values[k % len(values)] for k, uuid in enumerate(uuids)}
        link = ScriptedLink(told, answer, others=uuids)
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: raised.append(context))
        adapter = catalog.adapter(model)
        questions: list[Callable[[], Awaitable[object]]] = [
            lambda: adapter.identify(link),
            lambda: adapter.start(link, Wish(), lambda kind, payload: None),
            lambda: adapter.battery(link),
            lambda: adapter.stop(link),
        ]
        if isinstance(adapter, Logging):
            log, have = LogFile(key="1"), said[0]
            questions += [
                lambda: adapter.list_logs(link),
                lambda: adapter.fetch_log(link, log, have, lambda *_: None),
            ]
        results: list[object] = []
        for question in questions:
            with suppress(DeviceError):
                results.append(await question())
        assert all(math.isnan(r) or 0.0 <= r <= 1.0 for r in results if isinstance(r, float))
        await asyncio.sleep(1.0)

    raised: list[dict[str, object]] = []
    run(main())
    assert raised == [], "a callback raised"


@pytest.mark.parametrize("model", [name for name in FAMILIES if isinstance(catalog.adapter(name), Logging)])
@given(data=st.binary(max_size=300))
def test_any_bytes_of_a_log_become_payloads(model: str, data: bytes) -> None:
    adapter = catalog.adapter(model)
    assert isinstance(adapter, Logging)
    stream, payloads = adapter.log_stream(LogFile(key="1"), data)
    assert stream.protocol
    assert sum(map(len, payloads)) <= len(data)
