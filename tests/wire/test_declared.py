"""Declared packets: by hand, there and back, damage, and what is said of a declaration that cannot be."""

from __future__ import annotations

import struct
import tomllib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu import wire
from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.wire import columns as names
from ankle_imu.wire import declared
from ankle_imu.wire.block import Block

BATCHED = """
header = ["constant u8 = 0xA5", "counter u16", "time u32"]
sample = ["acc i16", "gyr i16"]
samples = 3
nominal_rate_hz = 100
[scale]
acc = 0.00048828125
gyr = 0.061035
[units]
time = "us"
"""


def config_of(toml: str) -> dict[str, Any]:
    return tomllib.loads(toml)


def decode(payloads: list[bytes], config: dict[str, Any]) -> Block:
    (block,) = wire.decode("declared", [(0.03 * k, p) for k, p in enumerate(payloads)], config)
    return block


def batch(counter: int, time: int, first: int) -> bytes:
    """A packet of `BATCHED`, by the letter of its declaration."""
    rows = range(first, first + 3)
    return struct.pack("<BHI", 0xA5, counter, time) + b"".join(
        struct.pack("<6h", k, 0, 2048, 0, k, 0) for k in rows
    )


@pytest.mark.parametrize("place", ["header", "sample"])
def test_a_signed_clock_goes_on_past_its_largest_number(place: str) -> None:
    config = {"sample": ["acc i16"], "samples": 1, "units": {"time": "us"}}
    config[place] = ["time i32", *config.get(place, ())]
    stamps = [2**31 - 10_000, -(2**31), 10_000 - 2**31]  # by hand: 2^31 is the smallest number of an i32
    block = decode([struct.pack("<i3h", t, k, 0, 0) for k, t in enumerate(stamps)], config)
    assert block.ticks is not None
    assert block.ticks.tolist() == [2**31 - 10_000, 2**31, 2**31 + 10_000]
    assert not block.errors


def test_a_count_that_is_none_spoils_no_other_sample() -> None:
    config = {"sample": ["counter f32", "acc i16"], "samples": 1, "counts": "samples", "wrap": {"counter": 128}}
    counts = [126.0, float("nan"), 0.0, float("inf"), 2.0, 3.5, 1e30, 200.0, 6.0]
    block = decode([struct.pack("<f3h", n, k, 0, 0) for k, n in enumerate(counts)], config)
    assert block.sequence is not None
    assert block.sequence.tolist() == [126, 128, 130, 134]
    assert block.errors == {"impossible": 5}


def test_batched_packets_by_hand() -> None:
    block = decode([batch(65535, 2**32 - 30_000, 0), batch(0, 0, 3), batch(2, 60_000, 9)], config_of(BATCHED))
    np.testing.assert_allclose(block.acc[:, 2], STANDARD_GRAVITY)
    np.testing.assert_allclose(block.acc[1], [STANDARD_GRAVITY / 2048, 0.0, STANDARD_GRAVITY])
    assert block.gyr is not None
    np.testing.assert_allclose(block.gyr[1], [0.0, 0.061035 * DEGREE, 0.0])
    assert block.sequence is not None
    assert (block.sequence - block.sequence[0]).tolist() == [0, 1, 2, 3, 4, 5, 9, 10, 11]
    assert block.ticks is not None
    assert block.ticks.tolist() == [2**32 - 30e3, 2**32 - 20e3, 2**32 - 10e3, 0, 10e3, 20e3, 60e3, 70e3, 80e3]
    assert (block.tick_s, block.tick_wrap) == (1e-6, 2.0**32)
    assert block.arrival is not None
    assert block.arrival.tolist() == [0.0] * 3 + [0.03] * 3 + [0.06] * 3
    assert not block.errors


def test_a_single_packet_goes_by_the_nominal_rate() -> None:
    assert decode([batch(0, 100, 0)], config_of(BATCHED)).ticks.tolist() == [100, 10_100, 20_100]  # type: ignore[union-attr]
    config = {k: v for k, v in config_of(BATCHED).items() if k != "nominal_rate_hz"}
    ticks = decode([batch(0, 100, 0)], config).ticks
    assert ticks is not None
    np.testing.assert_array_equal(ticks, [100, np.nan, np.nan])


def test_one_big_endian_sample_a_packet() -> None:
    config = config_of(
        'endian = "big"\nsample = ["skip u8", "acc_y f32", "acc_x f32", "acc_z f64", "time u16", "skip u16"]\n'
        '[units]\nacc = "m/s^2"\n[wrap]\ntime = 1000'
    )
    block = decode([struct.pack(">BffdHH", 9, 2.0, 1.0, 3.0, 998, 7)], config)
    assert block.acc.tolist() == [[1.0, 2.0, 3.0]]
    assert block.gyr is None
    assert block.ticks is not None
    assert (block.ticks.tolist(), block.tick_wrap, block.tick_s) == ([998.0], 1000.0, 1e-3)
    assert block.sequence is None


def test_time_of_the_last_sample_and_as_many_as_there_are() -> None:
    config = {"header": ["time u8"], "sample": ["acc i8"], "time_of": "last", "units": {"acc": "m/s^2"}}
    block = decode([b"\x0a" + bytes(6), b"\x14" + bytes(6), b"\x23" + bytes(9)], config)
    assert block.ticks is not None
    assert block.ticks.tolist() == [5, 10, 15, 20, 25, 30, 35]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "short"),
        (batch(0, 0, 0)[:18], "short"),
        (batch(0, 0, 0)[:-1], "cut"),
        (batch(0, 0, 0) * 2, "merged"),
        (b"\x5a" + batch(0, 0, 0)[1:], "foreign"),
    ],
)
def test_reason_of_a_bad_packet(payload: bytes, reason: str) -> None:
    block = decode([batch(7, 0, 0), payload, batch(8, 30_000, 3)], config_of(BATCHED))
    assert block.errors == {reason: 1}
    assert len(block) == 6


def test_a_constant_in_the_sample_is_looked_at_too() -> None:
    config = {"sample": ["acc i8", "constant i8 = -2"]}
    block = decode([b"\1\2\3\xfe" * 2, b"\1\2\3\xfe\4\5\6\xff"], config)
    assert (len(block), block.errors) == (2, {"foreign": 1})


def test_repeated_and_impossible_samples_are_counted() -> None:
    config = {**config_of(BATCHED), "acc_range_g": 2}
    block = decode([batch(1, 0, 0), batch(1, 0, 0), batch(2, 30_000, 4200), batch(3, 60_000, 0)], config)
    assert block.errors == {"duplicate": 3, "impossible": 3}
    assert len(block) == 6


@given(
    st.sampled_from(["little", "big"]),
    st.sampled_from(["i8", "i16", "i32"]),
    st.integers(1, 5),
    st.integers(0, 2**31),
    st.data(),
)
def test_there_and_back(endian: str, kind: str, samples: int, start: int, data: st.DataObject) -> None:
    config = {
        "header": ["constant u16 = 513", "counter u32"],
        "sample": [f"gyr {kind}", f"acc_z {kind}", "skip u8", f"acc_x {kind}", f"acc_y {kind}", "time u32"],
        "samples": samples,
        "endian": endian,
        "counts": "samples",
        "units": {"acc": "m/s^2", "gyr": "rad/s"},
    }
    n = 4 * samples
    limit = 2 ** (int(kind[1:]) - 1) - 1
    axes = (*names.ACC, *names.GYR)
    columns = {name: data.draw(st.lists(st.integers(-limit, limit), min_size=n, max_size=n)) for name in axes}
    columns["time"] = [*range(start, start + n)]
    columns["counter"] = [*range(7, 7 + n)]
    block = decode(declared.encode({k: np.array(v) for k, v in columns.items()}, config), config)
    assert block.gyr is not None
    assert block.ticks is not None
    assert block.sequence is not None
    np.testing.assert_array_equal(np.hstack([block.acc, block.gyr]).T, [columns[name] for name in axes])
    assert block.ticks.tolist() == columns["time"]
    assert block.sequence.tolist() == columns["counter"]
    assert not block.errors


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sample": []}, "Found no sample"),
        ({"sample": "acc i16"}, "Found sample = 'acc i16'; expected a list"),
        ({"sample": ["acc_x i16"]}, "Found no column acc_y, acc_z; expected all of acc_x, acc_y, acc_z"),
        ({"sample": ["acc i16", "gyr_x i16"]}, "Found no column gyr_y, gyr_z"),
        ({"sample": ["acc i16", "acc_x i16"]}, "Found acc_x twice in sample"),
        ({"sample": ["acc i12"]}, "Found type 'i12' of acc in sample; expected one of u8"),
        ({"sample": ["axl i16"]}, "Found field 'axl' in sample; expected one of acc"),
        ({"sample": ["acc"]}, "Found 'acc' in sample; expected \"name type\""),
        ({"sample": [3]}, "Found 3 in sample"),
        ({"sample": ["acc i16", "time u8", "counter u8"]}, "Found column counter 2 times"),
        ({"header": ["acc i16"]}, "Found acc_x in the header|Found column acc_x 2 times"),
        ({"header": ["constant u8"]}, "expected a value after a constant"),
        ({"header": ["time u8 = 3"]}, "expected a value after a constant"),
        ({"header": ["constant u8 = 256"]}, "expected 0 to 255, which u8 holds"),
        ({"header": ["constant u8 = x"]}, "expected a number such as 0xA5"),
        ({"endian": "middle"}, "Found endian = 'middle'; expected 'little' or 'big'"),
        ({"counts": "bytes"}, "expected 'packets' or 'samples'"),
        ({"samples": 0.5}, "Found samples = 0.5; expected 1 to 255"),
        ({"samples": 0}, "Found a counter of packets and no number of samples"),
        ({"scale": {"acc": -1}}, "Found acc = -1; expected a positive number"),
        ({"scale": {"mag": 1}}, "expected a table with acc and gyr"),
        ({"units": {"acc": "furlong"}}, "Found acc in 'furlong'; expected one of m/s"),
        ({"units": {"mag": "uT"}}, "Found units of 'mag'"),
        ({"wrap": 3}, "Found wrap = 3; expected a table"),
        ({"acc_range_g": "16"}, "Found acc_range_g = '16'; expected a positive number"),
    ],
)
def test_a_declaration_that_cannot_be_is_explained(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        decode([b""], {**config_of(BATCHED), **change})
