"""Lines of text: any cuts, headers, checksums, damage; and their numbers against Python's own."""

from __future__ import annotations

import binascii
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu import wire
from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.wire import csv_lines
from ankle_imu.wire.block import Block
from ankle_imu.wire.decimal_text import FRONT, parse_numbers

FIRST = b"0,0,0,0,0,0,0\n"
"""Never believed: its beginning could be missing."""


def decode(payloads: list[bytes], config: dict[str, Any] | None = None, gap: float = 0.01) -> Block:
    (block,) = wire.decode("csv_lines", [(gap * k, p) for k, p in enumerate(payloads)], config)
    return block


def test_a_line_by_hand() -> None:
    block = decode([FIRST, b"12,0.5,-1,2e0,180,-.5,+3.\r", b"\n"])
    assert block.acc.tolist() == [[0.5 * STANDARD_GRAVITY, -STANDARD_GRAVITY, 2 * STANDARD_GRAVITY]]
    assert block.gyr is not None
    assert block.gyr.tolist() == [[180 * DEGREE, -0.5 * DEGREE, 3 * DEGREE]]
    assert block.ticks is not None
    assert block.ticks.tolist() == [12.0]
    assert (block.tick_s, block.tick_wrap) == (1e-3, 0.0)
    assert block.arrival is not None
    assert block.arrival.tolist() == [0.02]
    assert block.errors == {"cut": 1}


def test_a_count_that_is_none_spoils_no_other_line() -> None:
    config = {"columns": ["counter", "acc_x", "acc_y", "acc_z"], "counter_wrap": 100}
    block = decode([b"\n98,1,0,0\n9.5,2,0,0\n1e300,3,0,0\n12345,4,0,0\n2,5,0,0\n"], config)
    assert block.sequence is not None
    assert block.sequence.tolist() == [98, 102]
    assert block.errors == {"impossible": 3}


def test_columns_units_and_wraps_of_the_configuration() -> None:
    config = {
        "columns": ["counter", "skip", "acc_z", "acc_y", "acc_x", "time"],
        "separator": ";",
        "units": {"acc": "m/s^2", "time": "us"},
        "counter_wrap": 256,
        "time_wrap": 1000,
    }
    block = decode([b"\n254;?;3;2;1;999\n255;x;3;2;1;999.5\n1; ;6;5;4;3\n"], config)
    assert block.acc.tolist() == [[1, 2, 3], [1, 2, 3], [4, 5, 6]]
    assert block.gyr is None
    assert block.sequence is not None
    assert block.sequence.tolist() == [254, 255, 257]
    assert block.tick_wrap == 1000.0
    assert not block.errors


@given(st.integers(1, 40), st.sampled_from(["", "xor", "crc16"]), st.data())
def test_any_cuts_give_the_same_samples(n: int, checksum: str, data: st.DataObject) -> None:
    values = np.random.default_rng(n).normal(0.0, 2.0, (n, 6)).round(3)
    columns = {"time": np.arange(n), **dict(zip(csv_lines.COLUMNS[1:], values.T, strict=True))}
    text = FIRST + csv_lines.encode(columns, checksum=checksum)
    places = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=20)))
    pieces = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
    block = decode(pieces, {"checksum": checksum})
    np.testing.assert_array_equal(block.acc, values[:, :3] * STANDARD_GRAVITY)
    assert block.ticks is not None
    assert block.ticks.tolist() == [*range(n)]
    assert block.errors == {"cut": 1}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"1,2,3,4,5,6", "cut"),
        (b"1,2,3,4,5,6,7,8", "merged"),
        (b"1,2,3,4,5,6,7" + b"0" * 512, "merged"),
        (b"1,2,3,,5,6,7", "malformed"),
        (b"1,2,3,nan,5,6,7", "malformed"),
        (b"1,2,3,4.5.6,5,6,7", "malformed"),
        (b"1,2,3,1e999,5,6,7", "impossible"),
        (b"1,17,3,4,5,6,7", "impossible"),
        (b"1000,1,3,4,5,6,7", "impossible"),
        (b"-1,1,3,4,5,6,7", "impossible"),
        (b"hello", "cut"),
        (b"\xff\0,2,3,4,5,6,7", "malformed"),
    ],
)
def test_reason_of_a_bad_line(line: bytes, reason: str) -> None:
    block = decode([FIRST, line + b"\n", b"9,1,1,1,1,1,1\n"], {"acc_range_g": 16, "time_wrap": 1000})
    assert block.errors - Counter(cut=1) == {reason: 1}
    assert block.acc.tolist() == [[STANDARD_GRAVITY] * 3]


def test_what_a_pause_parts_is_not_joined() -> None:
    """Between two connections bytes are missing: `12` and `34,...` are not the time 1234."""
    pairs = [(0.0, FIRST), (0.01, b"12"), (2.0, b"34,0,0,1,0,0,0\n35,0,0,1,0,0,0\n"), (9.0, b"6,0,0,1,0,0,0\n7")]
    (block,) = wire.decode("csv_lines", pairs, {})
    assert block.ticks is not None
    assert block.ticks.tolist() == [35.0]
    assert block.errors == {"cut": 4}


@pytest.mark.parametrize("checksum", ["xor", "crc16"])
def test_a_checksum_finds_what_two_halves_made(checksum: str) -> None:
    whole = csv_lines.encode({name: np.array([1.5, 2.25]) for name in csv_lines.COLUMNS}, checksum=checksum)
    one, two, _ = whole.split(b"\n")
    bad = [one[:6] + two[6:], b"*", one[:-2] + b"G0", one[1:]]
    block = decode([FIRST, *(line + b"\n" for line in [*bad, one])], {"checksum": checksum})
    assert len(block) == 1
    assert block.errors == {"cut": 1, "checksum": 4}


@pytest.mark.parametrize(
    ("checksum", "sum_of"),
    [
        ("xor", lambda text: f"{np.bitwise_xor.reduce([*text]):02x}"),
        ("crc16", lambda text: f"{binascii.crc_hqx(text, 0xFFFF):04x}"),
    ],
)
@given(time=st.integers(0, 10**12))
def test_checksums_are_those_of_others(checksum: str, sum_of: Callable[[bytes], str], time: int) -> None:
    line = b"%d,0,0,1,0,0,0" % time
    block = decode([FIRST, line + b"*" + sum_of(line).encode() + b"\n"], {"checksum": checksum})
    assert len(block) == 1


def test_the_header_that_the_sensor_sends_is_followed() -> None:
    text = b"5,1,1,1\nacc_z [mg],acc_x,acc_y,time [us]\n3,1,2,7\nacc_z [mg],acc_x,acc_y,time [us]\n3,1,2,8\n"
    block = decode([FIRST, text], {"header": True})
    mg = STANDARD_GRAVITY / 1000
    np.testing.assert_allclose(block.acc, [[mg, 2 * mg, 3 * mg]] * 2)
    assert block.ticks is not None
    assert block.ticks.tolist() == [7.0, 8.0]
    assert block.tick_s == 1e-6
    assert block.errors == {"cut": 1, "before_header": 1}


def test_the_first_line_may_be_the_header() -> None:
    block = decode([b"acc_x,acc_y,acc_z\n", b"1,2,3\n"], {"header": True})
    assert len(block) == 1
    assert not block.errors
    assert len(decode([b"acc_x,acc_y\n", b"1,2\n"], {"header": True})) == 0


def test_a_header_that_changes_begins_another_block() -> None:
    text = b"acc_x,acc_y,acc_z\n1,2,3\nacc_z,acc_y,acc_x\n1,2,3\n1,2,x\n"
    first, second = wire.decode("csv_lines", [(0.0, text)], {"header": True, "units": {"acc": "m/s^2"}})
    assert (first.acc.tolist(), second.acc.tolist()) == ([[1, 2, 3]], [[3, 2, 1]])
    assert (first.errors, second.errors) == ({"malformed": 1}, {})


def test_a_line_that_came_twice_is_counted_once() -> None:
    block = decode([FIRST, b"1,0,0,1,0,0,0\n", b"2,0,0,1,0,0,0\n", b"1,0,0,1,0,0,0\n"])
    assert len(block) == 2
    assert block.errors == {"cut": 1, "duplicate": 1}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"columns": ["acc_x", "acc_y"]}, "Found no column acc_z"),
        ({"columns": ["acc_x", "acc_y", "acc_z", "acc_x"]}, "Found column acc_x 2 times"),
        ({"columns": ["ax"]}, "Found column 'ax'; expected names out of acc_x"),
        ({"columns": "acc_x"}, "expected a list of names"),
        ({"separator": "-"}, "Found separator '-'"),
        ({"checksum": "crc"}, "Found checksum 'crc'; expected 'crc16', 'xor'"),
        ({"checksum": ["xor"]}, "Found checksum"),
        ({"units": "g"}, "Found units = 'g'; expected a table"),
        ({"units": {"acc": ["g"]}}, "Found acc in"),
        ({"separator": ""}, "Found separator ''"),
        ({"time_wrap": -1}, "Found time_wrap = -1"),
        ({"units": {"gyr": "rpm"}}, "Found gyr in 'rpm'"),
    ],
)
def test_a_configuration_that_cannot_be_is_explained(config: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        decode([b""], config)


NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(allow_nan=False, allow_infinity=False, places=4).map(str),
    st.from_regex(r"[+-]?[0-9]{0,12}\.?[0-9]{0,12}", fullmatch=True),
    st.text(alphabet="0123456789.+-eE x", max_size=20),
)


@given(st.lists(NUMBERS, max_size=30))
def test_numbers_are_read_as_python_reads_them(texts: list[str]) -> None:
    data = bytes(FRONT) + ",".join(texts).encode() + bytes(8)
    length = np.array([*map(len, texts)], dtype=np.int64)
    stop = FRONT + np.cumsum(length + 1) - 1
    values, is_number = parse_numbers(data, stop - length, stop)
    for text, value, found in zip(texts, values.tolist(), is_number.tolist(), strict=True):
        try:
            expected = float(text) if set(text) <= set("0123456789.+-eE") else None
        except ValueError:
            expected = None
        assert found == (expected is not None)
        assert value == (expected or 0.0)
