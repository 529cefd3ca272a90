"""Movella DOT: streamed modes, exported recordings, messages, damage."""

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
from ankle_imu.wire import movella_dot
from ankle_imu.wire.block import Block

STREAM = {"payload_mode": 21}
EXPORT = {"quantities": [0x00, 0x07, 0x08, 0x0A]}
STEP = 16_667


def decode(payloads: list[bytes], config: dict[str, Any]) -> Block:
    (block,) = wire.decode("movella_dot", [(0.1 * k, p) for k, p in enumerate(payloads)], config)
    return block


def streamed(time: int, acc: Any, gyr: Any, size: int = 28) -> bytes:
    """Payload of mode 21; acc in m/s^2, gyr in deg/s."""
    return struct.pack("<I6f", time % 2**32, *acc, *gyr).ljust(size, b"\0")


def exported(number: int, time: int, acc: Any, gyr: Any, kind: int = 0x71) -> bytes:
    data = struct.pack("<BII6fH", kind, number, time, *acc, *gyr, 0)
    return movella_dot.encode_message(movella_dot.RECORDING, data)


def walk(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.uniform(-150, 150, (n, 3)).astype(np.float32), rng.uniform(-2000, 2000, (n, 3)).astype(np.float32)


def test_vectors(shared: Path) -> None:
    for vector in json.loads((shared / "protocols" / "vectors" / "movella_dot.json").read_text("utf-8")):
        payload, expected = bytes.fromhex(vector["hex"]), vector["expected"]
        if "checksum_ok" in expected:
            assert movella_dot.is_message(payload) == expected["checksum_ok"], vector["id"]
        if expected.get("checksum_ok"):
            assert movella_dot.encode_message(payload[0], payload[2:-1]) == payload
        if "quantities" in expected:
            assert [*payload[3:-1]] == expected["quantities"]
        if "encode" in expected:
            told = vector["config"]
            assert movella_dot.encode_measurement(told["payload_mode"], is_on=told["action"] == "start") == payload
        if "checksum_ok" in expected and payload[0] == movella_dot.RECORDING:
            reason = "control" if expected["checksum_ok"] else "checksum"
            assert decode([payload], EXPORT).errors == {reason: 1}


def test_size_of_an_exported_sample_is_that_of_the_makers_example() -> None:
    # section 5.2.1: time, quaternion, dq, dv, acc, gyr, magnetic and status make messages of 0x55 data bytes
    quantities = {"quantities": [0x00, 0x01, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A]}
    message = movella_dot.encode_message(1, b"\x71" + bytes(0x54))
    assert message[1] == 0x55
    assert len(decode([message], quantities)) == 1


def test_by_hand() -> None:
    block = decode(
        [streamed(1000, (0, 0, 9.75), (180, 0, -90)), streamed(17667, (1, 2, 3), (0, 0, 0), 40)], STREAM
    )
    np.testing.assert_allclose(block.acc, [[0, 0, 9.75], [1, 2, 3]])
    assert block.gyr is not None
    np.testing.assert_allclose(block.gyr[0], [np.pi, 0, -np.pi / 2])
    assert block.ticks is not None
    assert block.ticks.tolist() == [1000, 17667]
    assert (block.tick_s, block.tick_wrap, block.sequence) == (1e-6, 2.0**32, None)
    assert not block.errors


def test_a_sample_that_comes_again_with_fewer_zeros_is_given_once() -> None:
    sent = [streamed(k * STEP, (k, 0, 0), (0, 0, 0), 40) for k in range(3)]
    block = decode([*sent, sent[1][:30], sent[2][:28]], STREAM)
    assert block.acc[:, 0].tolist() == [0, 1, 2]
    assert block.errors == {"duplicate": 2}


@pytest.mark.parametrize(("mode", "before", "after"), [(20, 0, 6), (21, 0, 0), (26, 16, 0)])
def test_modes(mode: int, before: int, after: int) -> None:
    acc, gyr = walk(5)
    payloads = [
        struct.pack("<I", k * STEP) + b"\1" * before + struct.pack("<6f", *acc[k], *gyr[k]) + b"\1" * after
        for k in range(5)
    ]
    block = decode(payloads, {"payload_mode": mode})
    np.testing.assert_allclose(block.acc, acc)
    np.testing.assert_allclose(block.gyr, np.radians(gyr.astype(float)))


@pytest.mark.parametrize("mode", [18, 19])
def test_delta_quantities(mode: int) -> None:
    # turning by 100 deg/s about y for 1/60 s, with either sign of the quaternion, then not at all
    half = np.radians(100 / 60) / 2
    rest = b"\1" * (6 if mode == 18 else 0)
    quats = [(np.cos(half), 0, np.sin(half), 0), (-np.cos(half), 0, -np.sin(half), 0), (1, 0, 0, 0)]
    payloads = [struct.pack("<I7f", k * STEP, *q, 0, 0, 9.80665 / 60) + rest for k, q in enumerate(quats)]
    block = decode(
        [*payloads, struct.pack("<I7f", 9, 0.5, 0, 0, 0, 0, 0, 0) + rest],
        {"payload_mode": mode, "nominal_rate_hz": 60},
    )
    np.testing.assert_allclose(block.acc, np.tile([0, 0, 9.80665], (3, 1)), rtol=1e-6)
    assert block.gyr is not None
    np.testing.assert_allclose(np.degrees(block.gyr), [[0, 100, 0], [0, 100, 0], [0, 0, 0]], atol=1e-3)
    assert block.errors == {"impossible": 1}


@given(st.integers(1, 30), st.integers(0, 100), st.sampled_from([28, 33, 40]), st.integers(0, 2**32 - 1))
def test_streamed_round_trip(n: int, seed: int, size: int, start: int) -> None:
    acc, gyr = walk(n, seed)
    block = decode([streamed(start + k * STEP, acc[k], gyr[k], size) for k in range(n)], STREAM)
    np.testing.assert_array_equal(block.acc, acc)
    np.testing.assert_allclose(block.gyr, np.radians(gyr.astype(float)))
    assert block.ticks is not None
    np.testing.assert_array_equal(block.ticks, (start + np.arange(n) * STEP) % 2**32)
    assert not block.errors


@given(st.integers(1, 30), st.integers(0, 100), st.data())
def test_exported_round_trip_with_lost_and_repeated_messages(n: int, seed: int, data: st.DataObject) -> None:
    acc, gyr = walk(n, seed)
    messages = [exported(k, k * STEP, acc[k], gyr[k]) for k in range(n)]
    order = data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=40))
    block = decode([messages[k] for k in order], EXPORT)
    kept = list(dict.fromkeys(order))
    assert block.sequence is not None
    assert block.sequence.tolist() == kept
    np.testing.assert_array_equal(block.acc, acc[kept])
    assert block.errors == ({"duplicate": len(order) - len(kept)} if len(order) > len(kept) else {})


GOOD = streamed(0, (0, 0, 9.8), (1, 2, 3))
MESSAGE = exported(0, 0, (0, 0, 9.8), (1, 2, 3))


@pytest.mark.parametrize(
    ("config", "payload", "reason"),
    [
        (STREAM, b"", "short"),
        (STREAM, GOOD[:3], "short"),
        (STREAM, GOOD[:27], "cut"),
        (STREAM, GOOD + GOOD, "merged"),
        (STREAM, GOOD + b"\1", "foreign"),
        (STREAM, GOOD[:27] + b"\x7f", "impossible"),
        (STREAM, streamed(0, (np.nan, 0, 0), (0, 0, 0)), "impossible"),
        (EXPORT, b"\1\2", "short"),
        (EXPORT, MESSAGE[:-1], "cut"),
        (EXPORT, MESSAGE + MESSAGE, "merged"),
        (EXPORT, MESSAGE[:-1] + b"\0", "checksum"),
        (EXPORT, movella_dot.encode_message(2, b"\x51\x09"), "foreign"),
        (EXPORT, movella_dot.encode_message(1, b"\x72"), "control"),
        (EXPORT, movella_dot.encode_message(1, b"\x71" + bytes(40)), "foreign"),
        (EXPORT, exported(0, 0, (0, 0, 9), (0, 0, 0), kind=0x76), "damaged"),
        (EXPORT, exported(0, 0, (0, 0, np.inf), (0, 0, 0)), "impossible"),
    ],
)
def test_reason_of_a_bad_payload(config: dict[str, Any], payload: bytes, reason: str) -> None:
    block = decode([payload], config)
    assert len(block) == 0
    assert block.errors == {reason: 1}


def test_the_same_notification_twice_counts_once() -> None:
    block = decode([GOOD, GOOD, streamed(STEP, (0, 0, 9.8), (1, 2, 3))], STREAM)
    assert len(block) == 2
    assert block.errors == {"duplicate": 1}


@given(st.integers(0, 33), st.sampled_from([STREAM, EXPORT]))
def test_cut_payload_gives_no_sample(cut: int, config: dict[str, Any]) -> None:
    payload = GOOD if config is STREAM else MESSAGE
    block = decode([payload, payload[: min(cut, len(payload) - 1)]], config)
    assert len(block) == 1
    assert sum(block.errors.values()) == 1


@settings(max_examples=1000)
@given(
    st.lists(st.one_of(st.binary(max_size=90), st.binary(min_size=28, max_size=28)), min_size=1, max_size=10),
    st.sampled_from([STREAM, EXPORT, {"payload_mode": 19, "nominal_rate_hz": 60}, {"payload_mode": 26}]),
)
def test_random_bytes_are_counted_or_within_the_range(payloads: list[bytes], config: dict[str, Any]) -> None:
    block = decode(payloads, config)
    assert len(block) + sum(block.errors.values()) == len(payloads)
    assert (np.abs(block.acc) <= 32 * 9.80665).all()


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"payload_mode": 21, "quantities": [0, 7, 8]},
        {"payload_mode": 3},
        {"quantities": [0, 7]},
        {"quantities": [0, 7, 8, 8]},
        {"quantities": [7, 8, 99]},
        {"quantities": 7},
        {"quantities": [[7], [8]]},
        {"payload_mode": 19},
        {"quantities": [5, 6], "nominal_rate_hz": 0},
    ],
)
def test_what_cannot_be_decoded_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"needs|Found|hold no|need config"):
        wire.decode("movella_dot", [], config)


def test_export_without_time_has_no_ticks() -> None:
    message = movella_dot.encode_message(1, struct.pack("<BI6f", 0x71, 5, 0, 0, 9.8, 1, 2, 3))
    block = decode([message], {"quantities": [7, 8]})
    assert block.ticks is None
    assert block.sequence is not None
    assert block.sequence.tolist() == [5]


def test_message_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 157"):
        movella_dot.encode_message(1, bytes(158))
