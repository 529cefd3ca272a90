"""Polar PMD frames: the maker's vectors, round trips through a small encoder, damage, and pairing by time."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ankle_imu import wire
from ankle_imu.units import STANDARD_GRAVITY
from ankle_imu.wire import polar
from ankle_imu.wire.block import Block

CONFIG = {"acc_factor": 1.0, "gyr_factor": 1.0, "nominal_rate_hz": 52.0}
MILLI_G = STANDARD_GRAVITY / 1000
PERIOD = 19_230_769
START = 700_000_000 * 10**9


def packed(values: list[int], bits: int) -> bytes:
    whole = sum((value & ((1 << bits) - 1)) << (bits * k) for k, value in enumerate(values))
    return whole.to_bytes((bits * len(values) + 7) // 8, "little")


def delta_content(rows: np.ndarray, sizes: list[int]) -> bytes:
    """First sample, then blocks of so many samples, each as narrow as it can be."""
    content = struct.pack("<3h", *rows[0])
    steps = np.diff(rows.astype(int), axis=0)
    at = 0
    for size in [*sizes, *[20] * len(rows)]:
        part = steps[at : at + size].ravel().tolist()
        if part:
            bits = max(max(v if v >= 0 else ~v for v in part).bit_length() + 1, 1)
            content += bytes([bits, len(part) // 3]) + packed(part, bits)
        at += size
    return content


def frame(measurement: int, time: int, kind: int, content: bytes) -> bytes:
    return struct.pack("<BQB", measurement, time, kind) + content


def delta_frame(
    rows: np.ndarray, time: int = START, measurement: int = polar.ACC, sizes: list[int] | None = None
) -> bytes:
    kind = 0x81 if measurement == polar.ACC else 0x80
    return frame(measurement, time, kind, delta_content(rows, sizes or []))


def decode(*payloads: bytes, **config: Any) -> Block:
    pairs = [(0.1 * k, payload) for k, payload in enumerate(payloads)]
    (block,) = wire.decode("polar", pairs, {**CONFIG, **config})
    return block


def noise(n: int, seed: int = 0, spread: int = 300) -> np.ndarray:
    return np.random.default_rng(seed).integers(-spread, spread, (n, 3))


@pytest.fixture(scope="module")
def vectors(shared: Path) -> dict[str, dict[str, Any]]:
    found = json.loads((shared / "protocols" / "vectors" / "polar.json").read_text("utf-8"))
    return {vector["id"]: vector for vector in found}


# The maker's vectors


def test_raw_acc(vectors: dict[str, Any]) -> None:
    vector = vectors["acc-raw-type1"]
    block = decode(bytes.fromhex(vector["hex"]))
    assert len(block) == vector["expected"]["n_samples"]
    np.testing.assert_allclose(block.acc[:2] / MILLI_G, vector["expected"]["samples_mG[0:2]"])
    assert block.ticks is not None
    assert block.ticks[-1] == vector["expected"]["last_timestamp_ns"]
    assert block.gyr is None


@pytest.mark.parametrize("name", ["gyr-delta-type0", "gyr-delta-type1-float", "gyr-delta-type1-float-factor"])
def test_delta_gyr(vectors: dict[str, Any], name: str) -> None:
    vector = vectors[name]
    block = decode(bytes.fromhex(vector["hex"]), gyr_factor=vector["config"]["factor"])
    assert block.gyr is not None
    assert block.ticks is not None
    np.testing.assert_allclose(np.degrees(block.gyr), vector["expected"]["samples_dps"])
    assert block.ticks[-1] == vector["expected"]["last_timestamp_ns"]
    assert np.isnan(block.acc).all()


def test_delta_content_of_many_blocks(vectors: dict[str, Any]) -> None:
    vector = vectors["delta-multi-block-16bit"]
    block = decode(frame(polar.ACC, START, 0x81, bytes.fromhex(vector["hex"])))
    assert len(block) == vector["expected"]["n_samples"]
    np.testing.assert_allclose(block.acc[:2] / MILLI_G, vector["expected"]["raw[0:2]"])


def test_first_sample(vectors: dict[str, Any]) -> None:
    # the vector has four channels, a frame of ours three: the first three of them
    vector = vectors["ref-sample-16"]
    block = decode(frame(polar.ACC, START, 0x81, bytes.fromhex(vector["hex"])[:6]))
    np.testing.assert_allclose(block.acc / MILLI_G, [vector["expected"]["ref"][:3]])


def test_first_sample_of_24_bits(vectors: dict[str, Any]) -> None:
    vector = vectors["issue187-ppg-ref"]
    content = bytes.fromhex(vector["hex"])
    expected = vector["expected"]
    np.testing.assert_allclose(
        decode(frame(polar.ACC, START, 0x02, content[:9])).acc / MILLI_G, [expected["ref"][:3]]
    )
    assert [*content[12:14]] == [expected["delta_bits"], expected["delta_samples"]]


def test_real_frame_of_a_sensor_at_rest(vectors: dict[str, Any]) -> None:
    vector = vectors["issue443-verity-acc-81"]
    expected = vector["expected"]
    block = decode(bytes.fromhex(vector["hex"]))
    assert not block.errors
    assert len(block) == expected["n_samples(derived)"]
    np.testing.assert_allclose(block.acc[0] / MILLI_G, expected["ref_sample_mG"])
    norm = np.linalg.norm(block.acc, axis=1) / MILLI_G
    assert ((norm > 950) & (norm < 1050)).all()


def test_offline_recording(vectors: dict[str, Any]) -> None:
    vector = vectors["offline-gyroOfflineFrame"]
    frames, found = polar.split_recording(bytes.fromhex(vector["hex"]))
    assert found[5][0] == pytest.approx(vector["expected"]["factor"])
    block = decode(*frames, gyr_factor=vector["expected"]["factor"])
    assert block.gyr is not None
    assert block.ticks is not None
    np.testing.assert_allclose(np.degrees(block.gyr[:2]), vector["expected"]["samples_dps[0:2]"])
    assert block.ticks[-1] == float(vector["expected"]["last_timestamp_ns"])
    assert not block.errors


@given(st.integers(0, 519))
def test_cut_recording_is_refused_or_gives_its_whole_frames(cut: int) -> None:
    head = struct.pack("<BIIII20sB", 0, 0x3D7C4C2B, 1, 0, 0, b"2017-01-01 10:26:32", 3) + bytes([4, 1, 3]) + b"\0"
    parts = [delta_frame(noise(20, k), START + k * 20 * PERIOD) for k in range(3)]
    content = head + b"".join(struct.pack("<H", len(part)) + part for part in parts)
    try:
        frames, _ = polar.split_recording(content[:cut])
    except ValueError:
        assert cut < len(head)
        return
    assert all(found == part for found, part in zip(frames[:-1], parts, strict=False))
    assert parts[len(frames) - 1].startswith(frames[-1]) if frames else cut < len(content)


def test_times_of_samples(vectors: dict[str, Any]) -> None:
    vector = vectors["timestamps-from-rate"]["config"]
    expected = vectors["timestamps-from-rate"]["expected"]["timestamps_ns"]
    payload = frame(polar.ACC, vector["frame_ns"], 0x01, bytes(6 * vector["n"]))
    block = decode(payload, nominal_rate_hz=vector["rate_hz"])
    assert block.ticks is not None
    np.testing.assert_allclose(block.ticks, expected)


def test_start_message(vectors: dict[str, Any]) -> None:
    vector = vectors["cp-start-acc"]
    told = vector["config"]
    message = polar.encode_start(
        polar.ACC, {0: told["sample_rate"], 1: told["resolution"], 2: told["range_g"], 4: told["channels"]}
    )
    assert message.hex() == vector["hex"]
    assert polar.read_settings(message[2:]) == {0: [52], 1: [16], 2: [8], 4: [3]}
    assert vector["expected"]["response"] == bytes([0xF0, *message[:2], 0, 0]).hex()


# Round trips


@given(
    st.lists(st.integers(1, 120), min_size=1, max_size=6),
    st.lists(st.integers(1, 60), max_size=4),
    st.integers(0, 100),
    st.sampled_from([1, 5, 300, 16000]),
)
def test_round_trip(lengths: list[int], sizes: list[int], seed: int, spread: int) -> None:
    rows = noise(sum(lengths), seed, spread)
    payloads, at = [], 0
    for n in lengths:
        time = START + (at + n - 1) * PERIOD
        payloads.append(delta_frame(rows[at : at + n], time, sizes=sizes))
        at += n
    block = decode(*payloads)
    assert not block.errors
    np.testing.assert_allclose(block.acc / MILLI_G, rows, atol=1e-9)
    assert block.ticks is not None
    np.testing.assert_allclose(block.ticks - START, np.arange(len(rows)) * PERIOD, atol=500)


@pytest.mark.parametrize(("kind", "width"), [(0x00, 1), (0x01, 2), (0x02, 3)])
def test_raw_round_trip(kind: int, width: int) -> None:
    top = 2 ** (8 * width - 1)
    rows = np.random.default_rng(kind).integers(-top, top, (30, 3))
    content = b"".join(int(v).to_bytes(width, "little", signed=True) for v in rows.ravel())
    np.testing.assert_allclose(decode(frame(polar.ACC, START, kind, content)).acc / MILLI_G, rows)


def test_acc_in_g() -> None:
    content = delta_content(np.array([[0, 0, 4096], [0, 0, 4097]]), [])
    block = decode(frame(polar.ACC, START, 0x80, content), acc_factor=1 / 4096)
    np.testing.assert_allclose(block.acc[:, 2], [STANDARD_GRAVITY, STANDARD_GRAVITY * 4097 / 4096])


# Damage


@given(st.integers(0, 400), st.integers(0, 50))
def test_cut_frame_gives_no_sample_more_and_none_that_is_wrong(cut: int, seed: int) -> None:
    rows = noise(60, seed)
    payload = delta_frame(rows)
    block = decode(payload[:cut])
    if len(block):
        # cut exactly between two blocks: nothing tells, but what is there is right
        np.testing.assert_allclose(block.acc / MILLI_G, rows[: len(block)], atol=1e-9)
        assert len(block) == 60 or cut < len(payload)
    else:
        assert sum(block.errors.values()) == 1


@pytest.mark.parametrize(
    ("payloads", "reason"),
    [
        ([b""], "short"),
        ([frame(2, START, 0x81, b"")[:9]], "short"),
        ([frame(2, START, 0x81, b"")], "empty"),
        ([frame(1, START, 0x00, bytes(6))], "foreign"),
        ([frame(2, START, 0x82, bytes(6))], "unsupported"),
        ([frame(5, START, 0x00, bytes(6))], "unsupported"),
        ([frame(2, START, 0x01, bytes(7))], "cut"),
        ([frame(2, START, 0x81, bytes(5))], "cut"),
        ([frame(2, START, 0x81, bytes(6) + b"\x08")], "cut"),
        ([frame(2, START, 0x81, bytes(6) + b"\x08\x01\0\0")], "cut"),
        ([frame(2, START, 0x81, bytes(6) + b"\x11\x01" + bytes(7))], "malformed"),
        ([frame(2, START, 0x81, bytes(6) + b"\x00\x01")], "malformed"),
        ([frame(2, START, 0x81, b"\xff\x7f" * 3 + b"\x04\x01\x11\x01")], "malformed"),
        ([frame(5, START, 0x81, b"\0\0\x80\x7f" * 3)], "malformed"),
        ([delta_frame(noise(9)) + delta_frame(noise(8), START + 8 * PERIOD)], "merged"),
        ([frame(2, START, 0x01, bytes(6)) + delta_frame(noise(8), START + 8 * PERIOD, 5)], "merged"),
    ],
)
def test_reason_of_a_bad_frame(payloads: list[bytes], reason: str) -> None:
    block = decode(*payloads)
    assert len(block) == 0
    assert block.errors == {reason: 1}


def test_bad_frame_among_good_ones_takes_no_other_with_it() -> None:
    rows = noise(100)
    good = [delta_frame(rows[k : k + 20], START + (k + 19) * PERIOD) for k in range(0, 100, 20)]
    too_high = frame(2, START + 1, 0x81, b"\xff\x7f" * 3 + b"\x04\x01\x11\x01")
    block = decode(*good[:2], too_high, good[1], *good[2:], good[3][:-1], b"\x02")
    np.testing.assert_allclose(block.acc / MILLI_G, rows, atol=1e-9)
    assert block.errors == {"malformed": 1, "duplicate": 1, "cut": 1, "short": 1}


@settings(max_examples=1000)
@given(
    st.lists(st.tuples(st.sampled_from([b"", b"\x02", b"\x05"]), st.binary(max_size=80)), min_size=1, max_size=10)
)
def test_random_bytes_are_counted_or_give_finite_samples(parts: list[tuple[bytes, bytes]]) -> None:
    block = decode(*(head + rest for head, rest in parts))
    assert sum(block.errors.values()) <= len(parts)
    assert np.isfinite(block.acc).all() or block.gyr is not None


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([(2, 0), (2, 1), (2, 2), (2, 0x80), (2, 0x81), (5, 0x80), (5, 0x81)]),
            st.integers(0, 2**64 - 1),
            st.binary(max_size=60),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_random_contents_of_known_frames_never_raise(parts: list[tuple[tuple[int, int], int, bytes]]) -> None:
    decode(*(frame(m, time, kind, content) for (m, kind), time, content in parts))


def test_a_lost_frame_does_not_stretch_the_next_one() -> None:
    rows = noise(200)
    payloads = [delta_frame(rows[k : k + 20], START + (k + 19) * PERIOD) for k in range(0, 200, 20) if k != 80]
    ticks = decode(*payloads).ticks
    assert ticks is not None
    kept = np.r_[0:80, 100:200]
    np.testing.assert_allclose(ticks - START, kept * PERIOD, atol=500)


# Pairing


def both(n: int, shift: int, lost: tuple[int, ...] = ()) -> tuple[list[bytes], np.ndarray]:
    """Frames of 20 samples of a slow movement; gyr is `shift` ns later, some of its frames are lost."""
    index = np.arange(n)
    gyr = np.stack([10 * index, -5 * index, index], axis=1)
    payloads = []
    for k in range(0, n, 20):
        time = START + (k + 19) * PERIOD
        payloads.append(delta_frame(noise(20, k), time))
        if k // 20 not in lost:
            payloads.append(delta_frame(gyr[k : k + 20], time + shift, polar.GYR))
    return payloads, gyr


@pytest.mark.parametrize("shift", [0, PERIOD // 4, -PERIOD // 3])
def test_gyr_is_brought_to_the_times_of_acc(shift: int) -> None:
    payloads, gyr = both(100, shift)
    block = decode(*payloads)
    assert len(block) == 100
    assert block.gyr is not None
    inside = slice(1, 99)
    expected = gyr[inside] - np.array([10, -5, 1]) * shift / PERIOD
    np.testing.assert_allclose(np.degrees(block.gyr[inside]), expected, atol=1e-3)


def test_gyr_is_nan_where_its_frame_was_lost() -> None:
    payloads, _ = both(100, PERIOD // 4, lost=(2,))
    block = decode(*payloads)
    assert block.gyr is not None
    is_lost = np.isnan(block.gyr).any(axis=1)
    # row 0 lies before the first gyr sample; 40 lies before the last of the frame 1, so it goes as well
    assert np.flatnonzero(is_lost).tolist() == [0, *range(40, 61)]
    assert np.isfinite(block.acc).all()


@pytest.mark.parametrize("config", [{}, {"acc_factor": 1.0}, {"acc_factor": 1.0, "gyr_factor": 0}])
def test_missing_factor_is_refused(config: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="needs config"):
        wire.decode("polar", [], config)


def test_no_payloads_no_blocks() -> None:
    assert wire.decode("polar", [], CONFIG) == []


def test_a_frame_cut_between_two_blocks_is_noticed_by_its_clock() -> None:
    rows = np.arange(30)[:, None] * [3, -2, 1] + [0, 0, 1000]
    frames = [delta_frame(rows, START + 30 * k * PERIOD, sizes=[10, 10, 9]) for k in range(6)]
    shortened = delta_frame(rows[:11], START + 30 * 3 * PERIOD, sizes=[10])
    assert frames[3][10:].startswith(shortened[10:])
    block = decode(*frames[:3], shortened, *frames[4:])
    assert block.errors == {"cut": 1}
    assert len(block) == 5 * 30
    lost = decode(*frames[:3], *frames[4:])
    assert (len(lost), dict(lost.errors)) == (5 * 30, {})


def test_few_frames_with_losses_keep_the_rate_that_was_asked_for() -> None:
    rows = np.tile([[0, 0, 1000]], (10, 1))
    frames = [delta_frame(rows, START + 10 * k * PERIOD) for k in (0, 2, 4)]
    block = decode(*frames, nominal_rate_hz=1e9 / PERIOD)
    assert block.ticks is not None
    np.testing.assert_allclose(np.diff(block.ticks[:10]), PERIOD, rtol=1e-5)
