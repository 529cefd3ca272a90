"""Movesense flash logs: real files against Movesense's own converter, round trips and damage."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ankle_imu import wire
from ankle_imu.units import DEGREE
from ankle_imu.wire import movesense_sbem
from ankle_imu.wire.movesense_sbem import read_values


def walk(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return 1000 + np.round(np.arange(n) / 52.0 * 1e3), rng.normal(0, 20, (n, 3)), rng.normal(0, 5, (n, 3))


def one(data: bytes, **config: Any) -> wire.Block:
    (block,) = wire.decode("movesense_sbem", [(0.0, data)], config)
    return block


def is_subset(block: wire.Block, whole: wire.Block) -> bool:
    return {*map(tuple, block.acc.tolist())} <= {*map(tuple, whole.acc.tolist())}


LOG = movesense_sbem.encode(*walk(80), samples=4)
CHUNK = 2 + 4 + 24 * 4
FIRST = len(LOG) - 20 * CHUNK


# Real logs


def real(shared: Path, name: str) -> tuple[bytes, list[dict[str, Any]]]:
    folder = shared / "protocols" / "vectors" / "files"
    expected = json.loads((folder / f"{name}.expected.json").read_text("utf-8"))
    return (folder / f"{name}.sbem").read_bytes(), expected["Samples"]


def test_real_imu9_log(shared: Path) -> None:
    data, records = real(shared, "movesense-imu9-prefix")
    imu = [record["MeasIMU9"] for record in records if "MeasIMU9" in record]
    acc, gyr = (
        np.concatenate([np.transpose([r[array][0][axis] for axis in "xyz"]) for r in imu])
        for array in ("ArrayAcc", "ArrayGyro")
    )
    stamps = [record["MeasIMU9"]["Timestamp"] for record in imu]
    block = one(data)
    assert not block.errors
    assert block.gyr is not None
    assert block.ticks is not None
    np.testing.assert_array_equal(block.acc, acc)
    np.testing.assert_allclose(block.gyr, gyr * DEGREE, rtol=1e-15)
    np.testing.assert_array_equal(block.ticks[::4], stamps)
    (heart,) = [record["MeasHR"] for record in records if "MeasHR" in record]
    assert read_values(data, "MeasHR.average") == [heart["MeasHR"]["average"]]
    assert read_values(data, "MeasHR.rrData") == [heart["rrData"]]


def test_real_ecg_log_has_times_and_no_acceleration(shared: Path) -> None:
    data, records = real(shared, "movesense-ecg-flash-log")
    block = one(data)
    assert len(block) == 0
    assert not block.errors
    ecg = np.concatenate([record["MeasECGmV"]["Samples"] for record in records if "MeasECGmV" in record])
    np.testing.assert_array_equal(read_values(data, "MeasECGmV.Samples"), ecg)
    (time,) = [record["TimeDetailed"] for record in records if "TimeDetailed" in record]
    assert read_values(data, "TimeDetailed.utcTime") == [time["utcTime"]]
    assert read_values(data, "TimeDetailed.relativeTime") == [time["TimeDetailed"]["relativeTime"]]


def test_real_log_cut_at_any_byte_gives_its_intact_chunks(shared: Path) -> None:
    data, _ = real(shared, "movesense-imu9-prefix")
    whole = one(data)
    for cut in range(0, len(data), 13):
        for block in wire.decode("movesense_sbem", [(0.0, data[:cut])], {}):
            np.testing.assert_array_equal(block.acc, whole.acc[: len(block)])
            assert len(block) >= (cut - 2100) // 150 * 4


# Round trips


@given(st.integers(1, 30), st.sampled_from([1, 2, 4, 8, 16]), st.integers(0, 2**32 - 1))
def test_round_trip(chunks: int, samples: int, seed: int) -> None:
    ticks, acc, gyr = walk(chunks * samples, seed)
    block = one(movesense_sbem.encode(ticks, acc, gyr, samples=samples))
    assert not block.errors
    assert block.gyr is not None
    np.testing.assert_allclose(block.acc, acc, rtol=1e-6)
    np.testing.assert_allclose(block.gyr, gyr, rtol=1e-6)
    if chunks > 1:
        assert block.ticks is not None
        np.testing.assert_allclose(block.ticks, ticks, atol=2.0)


@given(st.sets(st.integers(1, len(LOG) - 1)))
def test_file_in_any_pieces_decodes_alike(places: set[int]) -> None:
    edges = [0, *sorted(places), len(LOG)]
    pieces = [(float(k), LOG[a:b]) for k, (a, b) in enumerate(pairwise(edges))]
    (block,) = wire.decode("movesense_sbem", pieces, {})
    np.testing.assert_array_equal(block.acc, one(LOG).acc)
    assert not block.errors


def test_chunks_of_different_length_come_in_file_order() -> None:
    eights = movesense_sbem.encode(*walk(16), samples=8)
    described = eights[8 : len(eights) - 2 * (2 + 196)].replace(b"\x5e\x00<GRP>", b"\x5f\x00<GRP>")
    chunks = eights[-2 * 198 :].replace(b"\x5e\xc4", b"\x5f\xc4")
    mixed = LOG[:FIRST] + described + LOG[FIRST : FIRST + CHUNK] + chunks + LOG[FIRST + CHUNK :]
    block = one(mixed)
    assert not block.errors
    whole, inserted = one(LOG), one(eights)
    np.testing.assert_array_equal(block.acc, np.concatenate([whole.acc[:4], inserted.acc, whole.acc[4:]]))


# Damage


@given(st.integers(FIRST, len(LOG) - 2), st.integers(1, 300))
def test_bytes_lost_in_the_middle_cost_only_their_chunks(at: int, n: int) -> None:
    assume(n % CHUNK or (at - FIRST) % CHUNK == 0)  # two halves make a chunk: only `holes` can tell
    block, whole = one(LOG[:at] + LOG[at + n :]), one(LOG)
    assert is_subset(block, whole)
    assert len(block) >= 80 - 4 * (n // CHUNK + 3)
    assert block.errors or n % CHUNK == 0 or at + n >= len(LOG)


@given(st.integers(FIRST, len(LOG) - 1), st.integers(1, 300))
def test_holes_of_a_fetch_are_not_samples(at: int, n: int) -> None:
    stop = min(at + n, len(LOG))
    block = one(LOG[:at] + bytes(stop - at) + LOG[stop:], holes=[(at, stop)])
    assert is_subset(block, one(LOG))
    assert block.errors


def test_chunk_written_twice_is_one_chunk() -> None:
    block = one(LOG + LOG[-CHUNK:])
    np.testing.assert_array_equal(block.acc, one(LOG).acc)
    assert block.errors == {"duplicate": 1}


@pytest.mark.parametrize(
    ("data", "errors"),
    [
        (b"", {"foreign": 1}),
        (b"WIT18", {"foreign": 1}),
        (b"SBEM01", {"cut": 1}),
        (LOG[:8], {}),
        (LOG[: FIRST + 50], {"cut": 1}),
        (LOG[:8] + LOG[FIRST:], {"undescribed": 20}),
    ],
)
def test_reason_of_no_samples(data: bytes, errors: dict[str, int]) -> None:
    block = one(data)
    assert len(block) == 0
    assert block.errors == errors


@pytest.mark.parametrize("holes", [None, 5, "ab", [5], [[1]], [[1, 2, 3]], [["a", "b"]], {1: 2}])
def test_holes_that_are_none_are_refused(holes: Any) -> None:
    with pytest.raises(ValueError, match="Found holes"):
        wire.decode("movesense_sbem", [(0.0, LOG)], {"holes": holes})


def test_group_that_holds_itself_ends() -> None:
    for text in (b"<GRP>94,94", b"<GRP>,", b"<GRP>99999999999", b"<FRM>utf8", b"<PTH>"):
        block = one(b"SBEM0112" + bytes((0, 2 + len(text))) + b"\x5e\x00" + text + LOG[FIRST:])
        assert len(block) == 0


@settings(max_examples=300)
@given(st.binary(max_size=300), st.integers(0, len(LOG)))
def test_any_bytes_never_raise(tail: bytes, cut: int) -> None:
    one(tail)
    one(b"SBEM0112" + tail)
    assert np.isfinite(one(LOG[:cut] + tail).acc).all()


def test_ten_thousand_flipped_bytes() -> None:
    # a flip inside the floats of a chunk cannot be seen; one anywhere else must not move a value
    rng = np.random.default_rng(3)
    short = movesense_sbem.encode(*walk(20), samples=4)
    whole = one(short)
    for _ in range(10_000):
        data = bytearray(short)
        at = int(rng.integers(len(data)))
        data[at] ^= 1 << int(rng.integers(8))
        block = one(bytes(data))
        into = (at - FIRST) % CHUNK
        if at >= FIRST and into < 2:
            assert is_subset(block, whole)
            assert block.errors
        assert len(block) <= 20
