"""The Movella DOT adapter against a sensor as its specification has it, and against ones that keep to nothing."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scripted_link import ScriptedLink
from simulated_time import run

from ankle_imu import wire
from ankle_imu.devices.adapter import LogFile, Sighting, Wish
from ankle_imu.devices.movella_dot import (
    BATTERY,
    COMPANY,
    DEVICE_CONTROL,
    DEVICE_INFO,
    MEASUREMENT_CONTROL,
    MEDIUM_PAYLOAD,
    MESSAGE_CONTROL,
    MESSAGE_NOTICE,
    MESSAGE_RECEIPT,
    MovellaDotAdapter,
    match,
)
from ankle_imu.errors import ProtocolError
from ankle_imu.wire import movella_dot_commands as commands
from ankle_imu.wire.movella_dot import encode_message

INFO = (
    bytes.fromhex("aabbccddeeff" + "030102" + "e907" + "0407010203" + "00000000" + "14000b80fc5b1940") + b"XS-T02"
)
OTHERS = (MEDIUM_PAYLOAD, MESSAGE_CONTROL, MESSAGE_NOTICE)


def sample(number: int) -> bytes:
    """Exported sample: time in us, 1 g up, `number` deg/s about x."""
    values = np.array([0, 0, 9.80665, number, 0, 0], dtype="<f4").tobytes()
    body = number.to_bytes(4, "little") + (16667 * number).to_bytes(4, "little") + values
    return encode_message(1, b"\x71" + body)


class Dot:
    """What the specification says of configuration, measurement, recording messages.

    `swallowed`: numbers of exported packets that are lost the first time.
    """

    def __init__(self, files: tuple[int, ...] = (), swallowed: tuple[int, ...] = ()) -> None:
        self.files, self.swallowed = files, set(swallowed)
        self.link = ScriptedLink(
            {
                DEVICE_INFO: INFO,
                DEVICE_CONTROL: bytes(32),
                MEASUREMENT_CONTROL: bytes((1, 0, 21)),
                MESSAGE_RECEIPT: b"",
                BATTERY: b"\x37\x00",
            },
            self.answer,
            others=OTHERS,
        )
        self.exported = 0

    def answer(self, uuid: str, data: bytes) -> list[tuple[str, bytes]]:
        if uuid == MEASUREMENT_CONTROL:
            self.link.values[uuid] = data
        elif uuid == DEVICE_CONTROL and data[0] == 0x10:
            self.link.values[uuid] = bytes(24) + data[24:26] + bytes(6)
        elif uuid == MESSAGE_CONTROL:
            assert sum(data) % 256 == 0, "the sum is wrong"
            content = data[2:-1]
            self.link.values[MESSAGE_RECEIPT] = encode_message(1, b"\x01\x00" + content)
            return [(MESSAGE_NOTICE, message) for message in self.notices(content)]
        return []

    def notices(self, content: bytes) -> list[bytes]:
        command = content[0]
        if command == commands.FILE_INFO:
            if content[1] > len(self.files):
                return [encode_message(1, b"\x63")]
            told = bytes.fromhex("6f636552" + "80000000" + "0100" + "b8c63365" + "ffff") + bytes(112)
            return [encode_message(1, b"\x61" + told), encode_message(1, b"\x62")]
        if command == commands.FILE_DATA:
            self.exported = content[1]
            return self.export(0)
        if command == commands.RETRANSMIT:
            return self.export(int.from_bytes(content[1:], "little"))
        return []

    def export(self, first: int) -> list[bytes]:
        numbers = [k for k in range(first, self.files[self.exported - 1]) if k not in self.swallowed]
        self.swallowed -= set(range(first, self.files[self.exported - 1]))
        return [*map(sample, numbers), encode_message(1, b"\x72")]


def vectors(shared: Path) -> dict[str, Any]:
    found = json.loads((shared / "protocols" / "vectors" / "movella_dot.json").read_text())
    return {vector["id"]: vector for vector in found}


def test_start_in_the_order_the_maker_asks_for() -> None:
    async def main() -> None:
        dot, heard = Dot(), []
        adapter = MovellaDotAdapter()
        stream = await adapter.start(dot.link, Wish(), lambda kind, payload: heard.append((kind, payload)))
        assert dot.link.written(MEASUREMENT_CONTROL) == ["010015", "010115"]
        assert dot.link.written(DEVICE_CONTROL) == ["10" + "00" * 23 + "3c00" + "00" * 6]
        steps = [(what, where) for what, where, _ in dot.link.done]
        assert steps.index(("subscribe", MEDIUM_PAYLOAD)) == len(steps) - 3, "listen, then start, then read back"
        assert stream.config == {
            "payload_mode": 21,
            "nominal_rate_hz": 60.0,
            "acc_range_g": 16.0,
            "gyr_range_dps": 2000.0,
        }
        values = np.array([0, 0, 9.80665, 90, 0, 0], dtype="<f4").tobytes()
        for k in range(3):
            dot.link.notify(MEDIUM_PAYLOAD, (16667 * k).to_bytes(4, "little") + values + bytes(12))
        assert [kind for kind, _ in heard] == ["packet"] * 3
        (block,) = wire.decode(stream.protocol, [(0.0, p) for _, p in heard], stream.config)
        np.testing.assert_allclose(block.gyr, np.tile([math.pi / 2, 0, 0], (3, 1)), rtol=1e-6)
        await adapter.stop(dot.link)
        assert dot.link.written(MEASUREMENT_CONTROL)[-1] == "010015"
        assert dot.link.done[-1][:2] == ("unsubscribe", MEDIUM_PAYLOAD)

    run(main())


def test_messages_are_those_of_the_specification(shared: Path) -> None:
    known = vectors(shared)

    async def main() -> None:
        dot = Dot()
        await MovellaDotAdapter().start(dot.link, Wish(), lambda kind, payload: None)
        assert known["start-rate-quantities"]["hex"] in dot.link.written(MEASUREMENT_CONTROL)

    run(main())
    assert commands.recording_command(commands.FILE_DATA, b"\x07").hex() == known["rec-filedata"]["hex"]
    assert commands.select_quantities([0, 1, 5, 6, 7, 8, 9, 10]).hex() == known["rec-select"]["hex"]
    assert commands.read_receipt(bytes.fromhex(known["rec-stop-ack"]["hex"]), 0x41) == 0


def test_receipts_with_a_wrong_sum_are_refused_as_the_printed_one_is(shared: Path) -> None:
    with pytest.raises(ValueError, match="right sum"):
        commands.read_receipt(bytes.fromhex(vectors(shared)["rec-start-ack"]["hex"]), 0x40)


def test_it_starts_again_on_a_new_link() -> None:
    async def main() -> None:
        adapter = MovellaDotAdapter()
        first, second = Dot(), Dot()
        stream = await adapter.start(first.link, Wish(), lambda kind, payload: None)
        first.link.lose()
        assert await adapter.start(second.link, Wish(), lambda kind, payload: None) == stream

    run(main())


@pytest.mark.parametrize(
    ("characteristic", "value", "words"),
    [
        (DEVICE_CONTROL, bytes(24) + b"\x78\x00" + bytes(6), "keeps a rate of 120 Hz"),
        (DEVICE_CONTROL, bytes(5), "device control of 5 bytes"),
        (MEASUREMENT_CONTROL, bytes((1, 0, 21)), "does not measure"),
        (MEASUREMENT_CONTROL, b"", "does not measure"),
    ],
)
def test_a_sensor_that_does_not_do_as_told(characteristic: str, value: bytes, words: str) -> None:
    async def main() -> None:
        dot = Dot()
        keep = dot.answer
        link = ScriptedLink(dot.link.values, lambda uuid, data: [], others=OTHERS)
        dot.link = link
        link._answer = lambda uuid, data: [] if uuid == characteristic else keep(uuid, data)
        link.values[characteristic] = value
        with pytest.raises(ProtocolError, match=words) as caught:
            await MovellaDotAdapter().start(link, Wish(), lambda kind, payload: None)
        assert caught.value.identifier == link.identifier

    run(main())


def test_identity_battery_and_light() -> None:
    async def main() -> None:
        dot = Dot()
        adapter = MovellaDotAdapter()
        who = await adapter.identify(dot.link)
        assert (who.serial, who.model, who.firmware, who.battery) == ("40195BFC800B0014", "XS-T02", "3.1.2", 0.55)
        await adapter.blink(dot.link)
        assert dot.link.written(DEVICE_CONTROL) == ["0101" + "00" * 30]
        del dot.link.values[BATTERY]
        assert math.isnan(await adapter.battery(dot.link))
        dot.link.values[DEVICE_INFO] = INFO[:20]
        with pytest.raises(ProtocolError, match="expected 34"):
            await adapter.identify(dot.link)

    run(main())


@pytest.mark.parametrize("swallowed", [(), (0,), (3, 4, 17), (59,), (58, 59)])
def test_recordings_are_listed_and_exported_whole(swallowed: tuple[int, ...]) -> None:
    async def main() -> None:
        dot, adapter = Dot(files=(10, 60), swallowed=swallowed), MovellaDotAdapter()
        logs = await adapter.list_logs(dot.link)
        assert [log.key for log in logs] == ["1", "2"]
        assert logs[0].started_s == 0x6533C6B8
        seen: list[tuple[int, int, bytes]] = []
        data, is_complete = await adapter.fetch_log(dot.link, logs[1], b"", lambda *told: seen.append(told))
        assert is_complete
        stream, payloads = adapter.log_stream(logs[1], data)
        assert payloads == [sample(k) for k in range(60)]
        assert seen[-1][:2] == (len(data), -1)
        assert b"".join(piece for *_, piece in seen) == data
        (block,) = wire.decode(stream.protocol, [(0.0, p) for p in payloads], stream.config)
        assert block.sequence is not None
        assert block.sequence.tolist() == [*range(60)]
        assert not block.errors

    run(main())


def test_export_goes_on_from_what_is_there() -> None:
    async def main() -> None:
        dot, adapter = Dot(files=(60,)), MovellaDotAdapter()
        have = b"".join(sample(k) for k in range(40))
        data, is_complete = await adapter.fetch_log(
            dot.link, LogFile(key="1"), have + sample(40)[:9], lambda *_: None
        )
        assert is_complete
        assert adapter.log_stream(LogFile(key="1"), data)[1] == [sample(k) for k in range(60)]
        asked = [bytes.fromhex(w) for w in dot.link.written(MESSAGE_CONTROL)]
        assert commands.retransmit(39) in asked

    run(main())


def test_lost_link_leaves_what_came() -> None:
    async def main() -> None:
        import asyncio

        dot, adapter = Dot(files=(60,)), MovellaDotAdapter()

        def lost_at_30(done: int, of: int, piece: bytes) -> None:
            if done == sum(len(sample(k)) for k in range(30)):
                dot.link.lose()

        data, is_complete = await adapter.fetch_log(dot.link, LogFile(key="1"), b"", lost_at_30)
        assert not is_complete
        assert 30 <= len(adapter.log_stream(LogFile(key="1"), data)[1]) < 60
        await asyncio.sleep(0)

    run(main())


def test_damaged_and_foreign_notices_are_passed_over() -> None:
    async def main() -> None:
        dot, adapter = Dot(files=(5,)), MovellaDotAdapter()
        export = dot.export
        broken = sample(0)[:-1] + bytes([sample(0)[-1] ^ 1])
        foreign = encode_message(2, b"\x51\x09")
        dot.export = lambda first: [broken, foreign, b"", *export(first)]  # type: ignore[method-assign]
        data, is_complete = await adapter.fetch_log(dot.link, LogFile(key="1"), b"", lambda *_: None)
        assert is_complete
        assert adapter.log_stream(LogFile(key="1"), data)[1] == [sample(k) for k in range(5)]

    run(main())


@pytest.mark.parametrize(
    ("receipt", "words"),
    [
        (encode_message(1, b"\x01\x40\x60\x01"), "result 0x40: it is recording"),
        (encode_message(1, b"\x01\x99\x60\x01"), "unknown result"),
        (encode_message(1, b"\x01\x00\x41\x01"), "receipt for command 0x41"),
        (encode_message(1, b"\x01\x00\x60\x01")[:-1] + b"\xee", "right sum"),
        (b"", "right sum"),
    ],
)
def test_bad_receipts_are_refused(receipt: bytes, words: str) -> None:
    async def main() -> None:
        dot = Dot(files=(5,))
        dot.link._answer = lambda uuid, data: []
        dot.link.values[MESSAGE_RECEIPT] = receipt
        with pytest.raises(ProtocolError, match=words):
            await MovellaDotAdapter().list_logs(dot.link)

    run(main())


def test_silence_after_a_good_receipt() -> None:
    async def main() -> None:
        dot = Dot(files=(5,))
        dot.notices = lambda content: []  # type: ignore[method-assign]
        with pytest.raises(ProtocolError, match="did not tell the information on file 1"):
            await MovellaDotAdapter().list_logs(dot.link)
        data, is_complete = await MovellaDotAdapter().fetch_log(dot.link, LogFile(key="1"), b"", lambda *_: None)
        assert (data, is_complete) == (b"", False)

    run(main())


@pytest.mark.parametrize(
    ("seen", "is_one"),
    [
        (Sighting(identifier="x", name="Movella DOT"), True),
        (Sighting(identifier="x", name="Xsens DOT"), True),
        (Sighting(identifier="x", manufacturer_data={COMPANY: b""}), True),
        (Sighting(identifier="x", name="Kitchen"), False),
    ],
)
def test_recognised_by_name_or_maker(seen: Sighting, is_one: bool) -> None:
    assert bool(match(seen)) is is_one
