"""The Polar adapter against a control point that keeps to the documents, and against ones that do not."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from scripted_link import ScriptedLink
from simulated_time import run

from ankle_imu import wire
from ankle_imu.devices.adapter import Sighting, Wish
from ankle_imu.devices.gatt import BATTERY_LEVEL, FIRMWARE_REVISION, MODEL_NUMBER, SERIAL_NUMBER
from ankle_imu.devices.polar import CONTROL, DATA, SERVICE, PolarAdapter, match
from ankle_imu.errors import ConnectionLost, ProtocolError
from ankle_imu.wire import polar_commands as pmd

VERITY = bytes.fromhex("0f6402")
"""Features: acceleration 2, angular rate 5, magnetic field 6, SDK mode 9."""
H10 = bytes.fromhex("0f0500")

ACC_OFFERS = bytes.fromhex("0007 1a00 3400 6800 d000 a001 1900 3200 0101 1000 0204 0200 0400 0800 1000 0401 03")
GYR_OFFERS = bytes.fromhex("0004 1a00 3400 6800 d000 0101 1000 0204 fa00 f401 e803 d007 0401 03")
PLAIN_ACC_OFFERS = bytes.fromhex("0001 3400 0101 1000 0201 0800 0401 03")
PLAIN_GYR_OFFERS = bytes.fromhex("0001 3400 0101 1000 0201 d007 0401 03")
FACTORS = {2: bytes.fromhex("0501 0000803f"), 5: bytes.fromhex("0501 295c8f3d")}


class ControlPoint:
    """A Verity Sense as the documents have it; `statuses`: (command, measurement) -> status other than success."""

    def __init__(self, statuses: dict[tuple[int, int], int] | None = None, *, in_parts: bool = False) -> None:
        self.statuses = statuses or {}
        self.in_parts = in_parts

    def __call__(self, uuid: str, data: bytes) -> list[tuple[str, bytes]]:
        command, measurement = data[0], data[1]
        status = self.statuses.get((command, measurement), 0)
        head = bytes((0xF0, command, measurement, status))
        content = b""
        if status == 0:
            content = {
                (1, 2): PLAIN_ACC_OFFERS,
                (1, 5): PLAIN_GYR_OFFERS,
                (4, 2): ACC_OFFERS,
                (4, 5): GYR_OFFERS,
            }.get((command, measurement), FACTORS.get(measurement, b"") if command == 2 else b"")
        if self.in_parts and len(content) > 8:
            parts = [b"\x01" + content[8:12], b"\x00" + content[12:]]
            return [(CONTROL, head + b"\x01" + content[:8]), *((CONTROL, part) for part in parts)]
        return [(CONTROL, head + b"\x00" + content)]


def link_of(answer: ControlPoint, features: bytes = VERITY, **values: bytes) -> ScriptedLink:
    known = {CONTROL: features, BATTERY_LEVEL: b"\x4b", SERIAL_NUMBER: b"7D29C02A\0", MODEL_NUMBER: b"4J"}
    return ScriptedLink(known | {FIRMWARE_REVISION: b"2.1.0"}, answer, others=[DATA])


@pytest.mark.parametrize("in_parts", [False, True])
def test_start_in_sdk_mode(in_parts: bool) -> None:
    async def main() -> None:
        link = link_of(ControlPoint(in_parts=in_parts))
        stream = await PolarAdapter().start(link, Wish(), lambda kind, payload: None)
        assert link.written(CONTROL) == [
            "0302",
            "0305",
            "0209",
            "0402",
            "0405",
            "0202" + "0001d000" + "01011000" + "02011000" + "040103",
            "0205" + "0001d000" + "01011000" + "0201d007" + "040103",
        ]
        where = [(what, uuid) for what, uuid, _ in link.done]
        assert where.index(("subscribe", DATA)) < len(where) - 2, (
            "the stream was started before it was listened to"
        )
        assert stream.config == {
            "acc_factor": 1.0,
            "gyr_factor": pytest.approx(0.07),
            "nominal_rate_hz": 208.0,
            "gyr_rate_hz": 208.0,
            "acc_range_g": 16.0,
            "gyr_range_dps": 2000.0,
        }

    run(main())


def test_without_sdk_mode_the_captured_start_is_written(shared: Path) -> None:
    vectors = json.loads((shared / "protocols" / "vectors" / "polar.json").read_text())
    captured = next(v for v in vectors if v["id"] == "cp-start-acc")

    async def main() -> None:
        link = link_of(ControlPoint({(2, 9): 3}))
        stream = await PolarAdapter().start(link, Wish(), lambda kind, payload: None)
        assert captured["hex"] in link.written(CONTROL)
        assert (stream.config["nominal_rate_hz"], stream.config["acc_range_g"]) == (52.0, 8.0)
        answer = pmd.read_answer(bytes.fromhex(captured["expected"]["response"]))
        assert answer is not None
        assert (answer.command, answer.measurement, answer.status, answer.has_more) == (2, 2, 0, False)

    run(main())


def test_frames_are_handed_on_as_they_came(shared: Path) -> None:
    vectors = json.loads((shared / "protocols" / "vectors" / "polar.json").read_text())
    frames = [bytes.fromhex(v["hex"]) for v in vectors if v["id"] in ("acc-raw-type1", "gyr-delta-type1-float")]

    async def main() -> None:
        link, heard = link_of(ControlPoint()), []
        adapter = PolarAdapter()
        stream = await adapter.start(link, Wish(), lambda kind, payload: heard.append((kind, payload)))
        for frame in frames:
            link.notify(DATA, frame)
        link.notify(CONTROL, b"\x01\x02")
        assert heard == [("packet", frames[0]), ("packet", frames[1]), ("status", b"\x01\x02")]
        (block,) = wire.decode(stream.protocol, [(0.0, p) for k, p in heard if k == "packet"], stream.config)
        assert len(block) == 36
        await adapter.stop(link)
        link.notify(DATA, frames[0])
        assert len(heard) == 3
        assert link.written(CONTROL)[-3:] == ["0302", "0305", "0309"]

    run(main())


def test_it_starts_again_on_a_new_link_in_spite_of_what_is_on_already() -> None:
    async def main() -> None:
        adapter, first = PolarAdapter(), link_of(ControlPoint(in_parts=True))
        stream = await adapter.start(first, Wish(), lambda kind, payload: None)
        first.notify(CONTROL, bytes.fromhex("f00102000100"))
        first.lose()
        second = link_of(ControlPoint({(2, 9): pmd.ALREADY}))
        assert await adapter.start(second, Wish(), lambda kind, payload: None) == stream

    run(main())


@pytest.mark.parametrize(
    ("statuses", "words"),
    [
        ({(2, 2): 13}, "acceleration with status 13: it is in the charger"),
        ({(2, 5): 12}, "angular rate with status 12: not possible"),
        ({(2, 9): 3, (1, 5): 2}, "status 2: unknown measurement"),
        ({(2, 2): 77}, "status 77: unknown status"),
    ],
)
def test_refusals_name_their_reason(statuses: dict[tuple[int, int], int], words: str) -> None:
    async def main() -> None:
        with pytest.raises(ProtocolError, match=words) as caught:
            await PolarAdapter().start(link_of(ControlPoint(statuses)), Wish(), lambda kind, payload: None)
        assert caught.value.identifier

    run(main())


def test_a_sensor_without_angular_rate_is_refused() -> None:
    async def main() -> None:
        with pytest.raises(ProtocolError, match="no angular rate"):
            await PolarAdapter().start(link_of(ControlPoint(), H10), Wish(), lambda kind, payload: None)

    run(main())


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "did not answer"), ("f00302", "cut its answer")],
)
def test_silence_and_cut_answers(content: str | None, words: str) -> None:
    async def main() -> None:
        said = [(CONTROL, bytes.fromhex(content))] if content else []
        link = ScriptedLink({CONTROL: VERITY}, lambda uuid, data: said, others=[DATA])
        with pytest.raises(ProtocolError, match=words):
            await PolarAdapter().start(link, Wish(), lambda kind, payload: None)

    run(main())


def test_unreadable_settings() -> None:
    def answer(uuid: str, data: bytes) -> list[tuple[str, bytes]]:
        return [(CONTROL, bytes((0xF0, data[0], data[1], 0, 0)) + b"\x77")]

    async def main() -> None:
        link = ScriptedLink({CONTROL: VERITY}, answer, others=[DATA])
        with pytest.raises(ProtocolError, match="unreadable settings"):
            await PolarAdapter().start(link, Wish(), lambda kind, payload: None)

    run(main())


def test_link_lost_while_an_answer_is_awaited() -> None:
    async def main() -> None:
        link = ScriptedLink({CONTROL: VERITY}, lambda uuid, data: link.lose() or [], others=[DATA])
        with pytest.raises(ConnectionLost):
            await PolarAdapter().start(link, Wish(), lambda kind, payload: None)

    run(main())


def test_identity_and_battery() -> None:
    async def main() -> None:
        link = link_of(ControlPoint())
        who = await PolarAdapter().identify(link)
        assert (who.serial, who.model, who.firmware, who.battery) == ("7D29C02A", "4J", "2.1.0", 0.75)
        link.values[BATTERY_LEVEL] = b"\xff"
        assert math.isnan(await PolarAdapter().battery(link))
        del link.values[BATTERY_LEVEL]
        assert math.isnan(await PolarAdapter().battery(link))
        bare = ScriptedLink({CONTROL: VERITY}, lambda uuid, data: [])
        who = await PolarAdapter().identify(bare)
        assert (who.serial, math.isnan(who.battery)) == ("", True)

    run(main())


def test_features_by_hand() -> None:
    assert pmd.read_features(VERITY) == {2, 5, 6, 9}
    assert pmd.read_features(b"\x01\xff\xff") == pmd.read_features(b"\x0f\xff") == frozenset()
    assert pmd.read_answer(b"\xf0\x01\x02") is None


@pytest.mark.parametrize(
    ("seen", "is_one"),
    [
        (Sighting(identifier="x", name="Polar Sense 7D29C02A"), True),
        (Sighting(identifier="x", service_uuids=(SERVICE,)), True),
        (Sighting(identifier="x", name="Kitchen"), False),
    ],
)
def test_recognised_by_name_or_service(seen: Sighting, is_one: bool) -> None:
    assert bool(match(seen)) is is_one
