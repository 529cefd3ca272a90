"""The MetaWear adapter against boards that answer as in the maker's own tests, and against ones that do not."""

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
from ankle_imu.devices.adapter import Sighting, Wish
from ankle_imu.devices.gatt import BATTERY_LEVEL
from ankle_imu.devices.metawear import COMMAND, NOTIFY, SERVICE, MetaWearAdapter, match
from ankle_imu.errors import ProtocolError

BMI160 = {"0380": "03800101", "1380": "13800001", "0980": "098000031c", "0b80": "0b80000208802d0000"}
BMI270 = {
    "0383": "0383a803",
    "0380": "03800400",
    "1380": "13800100",
    "0980": "098000031c",
    "0b80": "0b8000030800000000",
}
OLD = BMI160 | {"0980": "098000001c"}


class Board:
    """Answers questions by `modules`; numbers processors from `first`."""

    def __init__(self, modules: dict[str, str], *, first: int = 0, log: list[str] | None = None) -> None:
        self.modules = modules
        self.next = first
        self.log = log or []
        self.loggers = {"0b8200": "0b820304ff60", "0b8201": "0b820304ff24"}
        self.pages_confirmed = 0

    def __call__(self, uuid: str, data: bytes) -> list[tuple[str, bytes]]:
        command = data.hex()
        known = {"0383": "0383280c", "1383": "13832800"} | self.loggers | self.modules
        if command in known:
            said = [known[command]]
        elif command.startswith("0b82"):
            said = ["0b82"]
        elif command.startswith("0902"):
            said = [f"0902{self.next:02x}"]
            self.next += 1
        elif command == "0b85":
            said = ["0b85" + len(self.log).to_bytes(4, "little").hex()]
        elif command.startswith("0b06"):
            half = len(self.log) // 2
            said = [*self.log[:half], "0b0d"]
        elif command == "0b0e":
            self.pages_confirmed += 1
            half = len(self.log) // 2
            said = [*self.log[half:], "0b0d", "0b0800000000"] if self.pages_confirmed == 1 else []
        else:
            said = []
        return [(NOTIFY, bytes.fromhex(one)) for one in said]


def link_of(board: Board, **values: bytes) -> ScriptedLink:
    return ScriptedLink(values, board, others=[COMMAND, NOTIFY])


def vectors(shared: Path) -> dict[str, Any]:
    found = json.loads((shared / "protocols" / "vectors" / "metawear.json").read_text())
    return {vector["id"]: vector for vector in found}


@pytest.mark.parametrize(
    ("modules", "acc", "gyr", "buffer"),
    [(BMI160, "0303280c", "13032800", "09021305ffa00f05"), (BMI270, "0303a803", "13032800", "09021304ffa00f05")],
)
def test_chain_of_buffer_fuser_accounter(modules: dict[str, str], acc: str, gyr: str, buffer: str) -> None:
    """The bytes of the chain are those of the maker's TestFuserAccounter."""

    async def main() -> None:
        link = link_of(Board(modules))
        stream = await MetaWearAdapter().start(link, Wish(), lambda kind, payload: None)
        written = link.written(COMMAND)
        assert written[:2] == ["0380", "1380"], "what is there is asked before anything else"
        assert "0908" in written
        begin = written.index(acc)
        assert written[begin:] == [
            acc,
            gyr,
            buffer,
            "09020304ffa01b0100" + "00" * 11,
            "0902090301601131" + "03",
            "09070201",
            "090301",
            "13020100",
            "130101",
            "03020100",
            "030101",
        ]
        assert link.done[0][:2] == ("subscribe", NOTIFY)
        assert stream.config["processors"] == {2: {"prefix": "time", "signal": "acc_gyr"}}
        assert (stream.config["nominal_rate_hz"], stream.config["acc_range_g"]) == (100.0, 16)

    run(main())


def test_settings_are_the_bytes_of_the_makers_tests(shared: Path) -> None:
    known = vectors(shared)

    async def main() -> None:
        link = link_of(Board(BMI270))
        await MetaWearAdapter().start(link, Wish(), lambda kind, payload: None)
        written = link.written(COMMAND)
        assert known["acc-16g-bmi270"]["hex"] in written
        assert known["gyro-enable"]["hex"] in written

    run(main())


def test_samples_of_the_chain_are_handed_on_and_other_answers_not() -> None:
    sample = "09030500100000" + "0008" + "0000" + "0000" + "a401" + "0000" + "0000"

    async def main() -> None:
        link, heard = link_of(Board(BMI160, first=3)), []
        adapter = MetaWearAdapter()
        stream = await adapter.start(link, Wish(), lambda kind, payload: heard.append((kind, payload)))
        link.notify(NOTIFY, bytes.fromhex(sample))
        link.notify(NOTIFY, bytes.fromhex("0b8400000000"))
        assert heard == [("packet", bytes.fromhex(sample))]
        (block,) = wire.decode(stream.protocol, [(0.0, heard[0][1])], stream.config)
        np.testing.assert_allclose(block.acc, [[9.80665, 0, 0]])
        assert block.gyr is not None
        np.testing.assert_allclose(np.degrees(block.gyr), [[420 / 16.4, 0, 0]])
        await adapter.stop(link)
        assert link.written(COMMAND)[-7:-2] == ["030100", "03020001", "130100", "13020001", "0908"]
        link.notify(NOTIFY, bytes.fromhex(sample))
        assert len(heard) == 1

    run(main())


def test_without_a_fuser_two_packed_streams() -> None:
    async def main() -> None:
        link, heard = link_of(Board(OLD)), []
        stream = await MetaWearAdapter().start(link, Wish(), lambda kind, payload: heard.append(payload))
        assert link.written(COMMAND)[-6:-4] == ["031c01", "130701"]
        assert "0303290c" in link.written(COMMAND)
        assert stream.config["nominal_rate_hz"] == 200.0
        assert "processors" not in stream.config
        for payload in ("031c" + "0008" * 9, "1307" + "a401" * 9):
            link.notify(NOTIFY, bytes.fromhex(payload))
        blocks = wire.decode(stream.protocol, [(0.0, p) for p in heard], stream.config)
        assert [len(block) for block in blocks] == [3, 3]

    run(main())


def test_it_starts_again_on_a_new_link_with_a_new_chain() -> None:
    async def main() -> None:
        adapter, first = MetaWearAdapter(), link_of(Board(BMI160))
        await adapter.start(first, Wish(), lambda kind, payload: None)
        first.lose()
        second = link_of(Board(BMI160, first=7))
        stream = await adapter.start(second, Wish(), lambda kind, payload: None)
        assert list(stream.config["processors"]) == [9]
        assert second.written(COMMAND).index("0908") < second.written(COMMAND).index("09021305ffa00f05")

    run(main())


@pytest.mark.parametrize(
    ("modules", "words"),
    [
        ({}, "did not answer the acceleration module"),
        (BMI160 | {"0380": "03800301"}, "expected a BMI160 or BMI270"),
        (BMI160 | {"1380": "1380"}, "expected a BMI160 or BMI270"),
    ],
)
def test_unknown_or_mute_boards_are_refused(modules: dict[str, str], words: str) -> None:
    async def main() -> None:
        with pytest.raises(ProtocolError, match=words) as caught:
            await MetaWearAdapter().start(link_of(Board(modules)), Wish(), lambda kind, payload: None)
        assert caught.value.identifier

    run(main())


def test_a_board_that_creates_nothing() -> None:
    def answer(uuid: str, data: bytes) -> list[tuple[str, bytes]]:
        return [(NOTIFY, b"\x09\x02")] if data[:2] == b"\x09\x02" else Board(BMI160)(uuid, data)

    async def main() -> None:
        link = ScriptedLink({}, answer, others=[COMMAND, NOTIFY])
        with pytest.raises(ProtocolError, match="without telling its id"):
            await MetaWearAdapter().start(link, Wish(), lambda kind, payload: None)

    run(main())


def test_battery_by_service_by_board_or_not_at_all() -> None:
    async def main() -> None:
        assert await MetaWearAdapter().battery(link_of(Board({}), **{BATTERY_LEVEL: b"\x20"})) == 0.32
        assert await MetaWearAdapter().battery(link_of(Board({"11cc": "118c63e810"}))) == 0.99
        assert math.isnan(await MetaWearAdapter().battery(link_of(Board({}))))

    run(main())


@pytest.mark.parametrize("modules", [BMI160, BMI270])
def test_log_is_fetched_page_by_page(modules: dict[str, str]) -> None:
    """Two loggers, 4 bytes and 2: an acceleration of 1 g along x in each of ten samples, 16 g range."""
    samples = [
        bytes.fromhex("0b07") + b"\x00" + k.to_bytes(4, "little") + bytes.fromhex("00080000")
        + b"\x01" + k.to_bytes(4, "little") + bytes.fromhex("00000000")
        for k in range(1000, 1100, 10)
    ]  # fmt: skip

    async def main() -> None:
        log_hex = [sample.hex() for sample in samples]
        board = Board(modules, log=log_hex)
        link, adapter = link_of(board), MetaWearAdapter()
        (log,) = await adapter.list_logs(link)
        assert log.n == 10
        seen: list[tuple[int, int, bytes]] = []
        data, is_complete = await adapter.fetch_log(link, log, b"", lambda *told: seen.append(told))
        assert is_complete
        assert board.pages_confirmed == 2
        assert seen[-1][:2] == (len(data), len(data))
        assert b"".join(piece for *_, piece in seen) == data
        written = link.written(COMMAND)
        has_flushed = "0b1001" in written
        assert has_flushed == (modules is BMI270), "only paged flash is flushed"
        if has_flushed:
            assert written.index("0b0100") < written.index("0b1001") < written.index("0b0801")
        stream, payloads = adapter.log_stream(log, data)
        assert payloads == samples
        (block,) = wire.decode(stream.protocol, [(0.0, p) for p in payloads], stream.config)
        np.testing.assert_allclose(block.acc, np.tile([9.80665, 0, 0], (10, 1)))
        other = link_of(Board(modules, log=log_hex))
        again, is_complete = await adapter.fetch_log(other, log, data, lambda *_: None)
        assert again == data, "what was there already is not kept twice"
        newer = link_of(Board(modules, log=log_hex[5:]))
        fresh, is_complete = await adapter.fetch_log(newer, log, data, lambda *_: None)
        assert adapter.log_stream(log, fresh)[1] == samples[5:], "another log was mixed with the one before"

    run(main())


def test_download_commands_are_those_of_the_makers_tests(shared: Path) -> None:
    expected = vectors(shared)["log-download-seq"]["hex_list"]

    async def main() -> None:
        board = Board(BMI160, log=["0b07"] * 0x19E)
        link = link_of(board)
        adapter = MetaWearAdapter()
        (log,) = await adapter.list_logs(link)
        await adapter.fetch_log(link, log, b"", lambda *_: None)
        written = link.written(COMMAND)
        begin = written.index(expected[0])
        assert written[begin : begin + len(expected)] == expected

    run(main())


def test_download_that_stops_in_the_middle_is_not_complete() -> None:
    sample = bytes.fromhex("0b0700e8030000000800000 1e803000000000000".replace(" ", ""))

    def answer(uuid: str, data: bytes) -> list[tuple[str, bytes]]:
        if data[:2] == b"\x0b\x06":
            return [(NOTIFY, sample)]
        return Board(BMI160, log=["00"] * 5)(uuid, data)

    async def main() -> None:
        link, adapter = ScriptedLink({}, answer, others=[COMMAND, NOTIFY]), MetaWearAdapter()
        (log,) = await adapter.list_logs(link)
        data, is_complete = await adapter.fetch_log(link, log, b"", lambda *_: None)
        assert not is_complete
        assert adapter.log_stream(log, data)[1] == [sample]
        assert adapter.log_stream(log, data[:-1])[1] == [], "a cut notification is no notification"

    run(main())


def test_empty_log() -> None:
    async def main() -> None:
        assert await MetaWearAdapter().list_logs(link_of(Board(BMI160))) == []

    run(main())


@pytest.mark.parametrize(
    ("seen", "is_one"),
    [
        (Sighting(identifier="x", name="MetaWear"), True),
        (Sighting(identifier="x", service_uuids=(SERVICE,)), True),
        (Sighting(identifier="x", name="Kitchen"), False),
    ],
)
def test_recognised_by_name_or_service(seen: Sighting, is_one: bool) -> None:
    assert bool(match(seen)) is is_one
