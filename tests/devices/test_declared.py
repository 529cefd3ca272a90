"""Sensors that a file describes: what the file may say, and that the adapter does it."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from scripted_link import ScriptedLink
from simulated_time import run

from ankle_imu import wire
from ankle_imu.devices import catalog
from ankle_imu.devices.adapter import Sighting, Wish
from ankle_imu.devices.declared import DeclaredAdapter, load_declaration, match, read_declaration
from ankle_imu.errors import ProtocolError

NOTIFY, WRITE = "6e400003-b5a3-f393-e0a9-e50e24dcca9e", "6e400002-b5a3-f393-e0a9-e50e24dcca9e"

FILE = f"""
name = "Shin logger"
name_prefix = "ShinIMU"
service = "6E400001-B5A3-F393-E0A9-E50E24DCCA9E"
notify = "{NOTIFY}"
write = "{WRITE}"
start = [0xA5, 0x01]
stop = "off\\n"
battery = "2a1a"
nominal_rate_hz = 104

[packets]
header = ["constant u8 = 0xA5", "counter u16", "time u32"]
sample = ["acc i16", "gyr i16"]
samples = 2
acc_range_g = 16

[packets.scale]
acc = 0.00048828125
gyr = 0.061035
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "shin.toml"
    file.write_text(FILE)
    return file


def test_file_is_read(path: Path) -> None:
    told = load_declaration(path)
    assert (told.name, told.start, told.stop) == ("Shin logger", b"\xa5\x01", b"off\n")
    assert told.service == "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
    assert told.battery == "00002a1a-0000-1000-8000-00805f9b34fb"
    assert (told.protocol, told.config["nominal_rate_hz"]) == ("declared", 104.0)


def test_it_is_listened_to_before_it_is_started_and_its_packets_decode(path: Path) -> None:
    packet = b"\xa5" + struct.pack("<HI", 0, 1000) + struct.pack("<12h", *[0, 0, 2048, 16, 0, 0] * 2)

    async def main() -> None:
        link, heard = ScriptedLink({}, lambda uuid, data: [], others=[NOTIFY, WRITE]), []
        adapter = DeclaredAdapter(load_declaration(path))
        stream = await adapter.start(link, Wish(), lambda kind, payload: heard.append((kind, payload)))
        assert link.done == [("subscribe", NOTIFY, b""), ("write", WRITE, b"\xa5\x01")]
        link.notify(NOTIFY, packet)
        assert heard == [("packet", packet)]
        (block,) = wire.decode(stream.protocol, [(0.0, packet)], stream.config)
        np.testing.assert_allclose(block.acc, [[0, 0, 9.80665]] * 2)
        await adapter.stop(link)
        assert link.done[2:] == [("write", WRITE, b"off\n"), ("unsubscribe", NOTIFY, b"")]
        link.notify(NOTIFY, packet)
        assert len(heard) == 1

    run(main())


def test_it_starts_again_on_a_new_link(path: Path) -> None:
    async def main() -> None:
        adapter = DeclaredAdapter(load_declaration(path))
        streams = []
        for _ in range(2):
            link = ScriptedLink({}, lambda uuid, data: [], others=[NOTIFY, WRITE])
            streams.append(await adapter.start(link, Wish(), lambda kind, payload: None))
            assert link.written(WRITE) == ["a501"]
            link.lose()
        assert streams[0] == streams[1]

    run(main())


def test_battery_of_its_own_characteristic_and_a_missing_one(path: Path) -> None:
    async def main() -> None:
        adapter = DeclaredAdapter(load_declaration(path))
        link = ScriptedLink({"00002a1a-0000-1000-8000-00805f9b34fb": b"\x21"}, lambda uuid, data: [])
        who = await adapter.identify(link)
        assert (who.model, who.battery) == ("Shin logger", 0.33)
        assert np.isnan(await adapter.battery(ScriptedLink({}, lambda uuid, data: [])))

    run(main())


def test_a_characteristic_that_is_not_there_is_named(path: Path) -> None:
    async def main() -> None:
        link = ScriptedLink({}, lambda uuid, data: [])
        with pytest.raises(ProtocolError, match=NOTIFY):
            await DeclaredAdapter(load_declaration(path)).start(link, Wish(), lambda kind, payload: None)

    run(main())


def test_lines_may_be_declared_too() -> None:
    told = read_declaration(
        {"name_prefix": "X", "notify": NOTIFY, "lines": {"columns": ["acc_x", "acc_y", "acc_z"]}}
    )
    assert told.protocol == "csv_lines"
    (block,) = wire.decode(told.protocol, [(0.0, b"0,0,1\n0,0,1\n")], told.config)
    assert len(block) == 1, "of the first line a part may be missing"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"notfy": NOTIFY}, "Found notfy"),
        ({"notify": ""}, "no `notify`"),
        ({"notify": "2a1"}, "4 or of 32 hexadecimal digits"),
        ({"notify": 7}, "expected a str"),
        ({"name_prefix": "", "service": ""}, "neither `name_prefix` nor `service`"),
        ({"start": [256]}, "numbers 0 to 255"),
        ({"start": [1], "write": ""}, "a command but no `write`"),
        ({"nominal_rate_hz": 0}, "positive number of Hz"),
        ({"lines": {}}, "packets and lines"),
        ({"packets": {"sample": ["acc i17"]}}, "type 'i17'"),
        ({"packets": {"sample": []}}, "no sample"),
        ({"packets": 3}, "expected a dict"),
    ],
)
def test_what_a_file_may_not_say(change: dict[str, object], words: str) -> None:
    good = {"name_prefix": "X", "notify": NOTIFY, "packets": {"sample": ["acc i16"]}}
    read_declaration(good)
    with pytest.raises(ValueError, match=words):
        read_declaration(good | change)


def test_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    file = tmp_path / "broken.toml"
    file.write_text("name = ")
    with pytest.raises(ValueError, match=r"broken\.toml"):
        load_declaration(file)
    with pytest.raises(OSError, match="absent"):
        load_declaration(tmp_path / "absent.toml")


def test_recognised_by_name_else_by_service(path: Path) -> None:
    told = load_declaration(path)
    assert match(Sighting(identifier="x", name="ShinIMU 3"), told) == 100
    assert match(Sighting(identifier="x", name="Knee", service_uuids=(told.service,)), told) == 0
    nameless = read_declaration({"service": "ffe5", "notify": "ffe4", "packets": {"sample": ["acc i16"]}})
    assert match(Sighting(identifier="x", service_uuids=(nameless.service,)), nameless) > 0


def test_the_catalog_knows_it_by_its_path(path: Path) -> None:
    seen = Sighting(identifier="x", name="ShinIMU 3", service_uuids=("6e400001-b5a3-f393-e0a9-e50e24dcca9e",))
    assert catalog.match(seen, [str(path)]) == [f"declared:{path}", "csv_lines"]
    adapter = catalog.adapter(f"declared:{path}")
    assert adapter.model == f"declared:{path}"
