"""WitMotion frames: vectors of real sensors, by hand, round trips, cuts and damage."""

from __future__ import annotations

import datetime as dt
import json
import struct
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ankle_imu import wire
from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.wire import witmotion

ACC_STEP = 16 * STANDARD_GRAVITY / 32768
GYR_STEP = 2000 * DEGREE / 32768
Payloads = list[tuple[float, bytes]]


def walk(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(0, 20, (n, 3)), rng.normal(0, 5, (n, 3))


def timed(ms: int, acc_x: int = 0) -> bytes:
    """A 28-byte frame of an SDCL sensor, `ms` after 2026-06-22 14:00."""
    t = dt.datetime(2026, 6, 22, 14) + dt.timedelta(milliseconds=ms)
    fields = (t.year - 2000, t.month, t.day, t.hour, t.minute, t.second, t.microsecond // 1000)
    return struct.pack("<2s9h6BH", b"\x55\x61", acc_x, *[0] * 8, *fields)


def reply(first: int, *values: int) -> bytes:
    return struct.pack("<2sH8h", b"\x55\x71", first, *values)


def one(payloads: Payloads, **config: Any) -> wire.Block:
    (block,) = wire.decode("witmotion", payloads, config)
    return block


def apart(*blobs: bytes) -> Payloads:
    return [(0.1 * k, blob) for k, blob in enumerate(blobs)]


def cut_up(data: bytes, places: set[int]) -> Payloads:
    edges = [0, *sorted(places), len(data)]
    return apart(*(data[a:b] for a, b in pairwise(edges)))


# Vectors


def vectors(shared: Path) -> dict[str, dict[str, Any]]:
    found = json.loads((shared / "protocols" / "vectors" / "witmotion.json").read_text("utf-8"))
    return {vector["id"]: vector for vector in found}


def vector_payloads(shared: Path, vector: dict[str, Any]) -> Payloads:
    if "hex" in vector:
        return [(0.0, bytes.fromhex(vector["hex"]))]
    path = shared / "protocols" / "vectors" / vector["file"]
    if path.suffix == ".jsonl":
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        return [(line["t"], bytes.fromhex(line["hex"])) for line in lines if "hex" in line]
    return [(0.0, path.read_bytes())]


def test_every_vector(shared: Path) -> None:
    checked = 0
    for name, vector in vectors(shared).items():
        expected = vector["expected"]
        if "encode" in expected:
            continue
        block = one(vector_payloads(shared, vector), **vector["config"])
        assert block.gyr is not None
        checked += 1
        if "use" in expected:
            assert len(block) == 0, name
            assert block.errors == {"cut": 1}
            continue
        assert not block.errors, name
        assert len(block) == expected.get("n_frames", 1)
        if "raw_int16" in expected:
            raw = np.array(expected["raw_int16"])
            np.testing.assert_allclose(block.acc, raw[:, :3] * ACC_STEP)
            np.testing.assert_allclose(block.gyr, raw[:, 3:6] * GYR_STEP)
        for key in ("acc_g", "first_acc_g"):
            np.testing.assert_allclose(block.acc[0] / STANDARD_GRAVITY, expected.get(key, block.acc[0] / 9.80665))
        if "gyro_dps" in expected:
            np.testing.assert_allclose(block.gyr[0] / DEGREE, expected["gyro_dps"])
        if "chip_time" in expected:
            assert block.ticks is not None
            since = dt.datetime.fromisoformat(expected["chip_time"]) - dt.datetime(2000, 1, 1)
            assert block.ticks.tolist() == [since / dt.timedelta(milliseconds=1)]
        if "chip_time_step_ms" in expected:
            assert block.ticks is not None
            assert set(np.diff(block.ticks)) == {expected["chip_time_step_ms"]}
        if "mean |a| in m/s2 between" in expected:
            low, high = expected["mean |a| in m/s2 between"]
            assert low < np.linalg.norm(block.acc, axis=1).mean() < high
    assert checked == 13


def test_command_vectors(shared: Path) -> None:
    made = {
        "cmd-rate-20": witmotion.write_register(witmotion.RATE, witmotion.RATE_CODES[20]),
        "cmd-rate-100": witmotion.write_register(witmotion.RATE, witmotion.RATE_CODES[100]),
        "cmd-read-mag": witmotion.read_register(0x3A),
        "cmd-read-batt": witmotion.read_register(witmotion.BATTERY),
    }
    known = vectors(shared)
    assert {name for name in known if name.startswith("cmd-")} == set(made)
    for name, command in made.items():
        assert command.hex() == known[name]["hex"]


@pytest.mark.parametrize("size", [1, 7, 19, 20, 28, 100, 185])
def test_real_log_cut_into_notifications_decodes_alike(shared: Path, size: int) -> None:
    ((_, data),) = vector_payloads(shared, vectors(shared)["sdcl-file-head"])
    whole = one([(0.0, data)])
    parts = one(cut_up(data, set(range(size, len(data), size))))
    np.testing.assert_array_equal(whole.acc, parts.acc)
    assert parts.ticks is not None
    np.testing.assert_array_equal(whole.ticks, parts.ticks)
    assert not parts.errors


# By hand and as a round trip


def test_by_hand() -> None:
    # 2048 of 32768 counts at 16 g is exactly 1 g; -16384 at 2000 deg/s is -1000 deg/s
    frames = [struct.pack("<2s9h", b"\x55\x61", 0, 0, 2048, -16384, 0, k, 0, 0, 0) for k in range(3)]
    block = one([(0.5, frames[0] + frames[1][:7]), (0.6, frames[1][7:] + frames[2])])
    np.testing.assert_allclose(block.acc, np.tile([0, 0, 9.80665], (3, 1)))
    assert block.gyr is not None
    np.testing.assert_allclose(block.gyr[2], [np.radians(-1000), 0, 2 * GYR_STEP])
    assert block.arrival is not None
    assert block.arrival.tolist() == [0.5, 0.6, 0.6]
    assert block.ticks is None
    assert block.sequence is None
    assert not block.errors


@given(st.integers(0, 40), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_round_trip(n: int, packing: int, seed: int) -> None:
    acc, gyr = walk(n, seed)
    frames = witmotion.encode(acc, gyr)
    blocks = wire.decode("witmotion", apart(*(b"".join(frames[k : k + packing]) for k in range(0, n, packing))))
    if not n:
        assert blocks == []
        return
    assert blocks[0].gyr is not None
    np.testing.assert_allclose(blocks[0].acc, np.clip(acc, -16 * 9.80665, 16 * 9.80665), atol=ACC_STEP * 1.01)
    np.testing.assert_allclose(blocks[0].gyr, gyr, atol=GYR_STEP / 2 * 1.0001)
    assert not blocks[0].errors


@given(st.integers(1, 30), st.booleans(), st.data())
def test_stream_cut_into_any_chunks_decodes_alike(n: int, is_timed: bool, data: st.DataObject) -> None:
    frames = [timed(50 * k, k) for k in range(n)] if is_timed else witmotion.encode(*walk(n))
    stream = b"".join(frames)
    whole = one([(0.0, stream)])
    parts = one(cut_up(stream, data.draw(st.sets(st.integers(1, len(stream) - 1)))))
    assert len(whole) == n
    np.testing.assert_array_equal(whole.acc, parts.acc)
    assert whole.errors == parts.errors == {}


def test_ranges_of_the_configuration_scale() -> None:
    frame = struct.pack("<2s9h", b"\x55\x61", 0, 0, 16384, 16384, 0, 0, 0, 0, 0)
    block = one([(0.0, frame)], acc_range_g=8.0, gyr_range_dps=1000)
    assert block.gyr is not None
    assert block.acc[0, 2] == pytest.approx(4 * STANDARD_GRAVITY)
    assert block.gyr[0, 0] == pytest.approx(500 * DEGREE)


@pytest.mark.parametrize("config", [{"acc_range_g": 0}, {"gyr_range_dps": "wide"}, {"frame_bytes": 24}])
def test_wrong_configuration_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Protocol witmotion"):
        one([(0.0, b"x")], **config)


# Damage

GOOD = witmotion.encode(*walk(8))


@pytest.mark.parametrize(
    ("blobs", "n", "errors"),
    [
        ([b""], 0, {"short": 1}),
        ([GOOD[0][:16]], 0, {"cut": 1}),
        ([b"\x55"], 0, {"cut": 1}),
        ([GOOD[0][5:]], 0, {"foreign": 1}),
        ([GOOD[0], b"\x55\xaaWIT18.TXT\r\n", b"hello", GOOD[1]], 2, {"foreign": 2}),
        ([GOOD[0] + GOOD[1][:9], GOOD[2] + GOOD[3]], 3, {"cut": 1}),
        ([GOOD[0] + GOOD[1][:9] + GOOD[1][11:] + GOOD[2]], 2, {"cut": 1}),
        ([GOOD[0][:9] + b"!" + GOOD[0][9:] + GOOD[1]], 1, {"cut": 1}),
        ([b"junk" + GOOD[0] + GOOD[1]], 2, {"foreign": 1}),
        ([GOOD[0] + GOOD[1]] * 2, 2, {"duplicate": 1}),
        ([GOOD[0]] * 3, 3, {}),
        ([GOOD[0] + reply(0x64, 396, *[0] * 7) + GOOD[1]], 2, {}),
        ([reply(0x64, 396, *[0] * 7)], 0, {}),
    ],
)
def test_damage_is_counted_and_gives_no_sample(blobs: list[bytes], n: int, errors: dict[str, int]) -> None:
    block = one(apart(*blobs))
    assert len(block) == n
    assert block.errors == errors
    good = one([(0.0, b"".join(GOOD))]).acc.tolist()
    assert all(row in good for row in block.acc.tolist())


def test_callback_called_twice_is_one_frame() -> None:
    block = one([(0.2, GOOD[0]), (0.2005, GOOD[0]), (0.22, GOOD[1])])
    assert len(block) == 2
    assert block.errors == {"duplicate": 1}


def test_displacement_mode_has_no_acceleration() -> None:
    block = one([(0.0, b"".join(GOOD))], displacement=True)
    assert len(block) == 0
    assert block.errors == {"displacement": 8}


def test_frames_sent_again_after_a_short_disconnection() -> None:
    # as seen on a real sensor: one frame with the full hour, then dozens of old ones byte for byte
    sent = [timed(50 * k, k) for k in range(1, 60)]
    again = [timed(0, 99), *sent[20:55]]
    block = one(apart(*sent[:55], *again, *sent[55:]))
    assert block.ticks is not None
    assert (np.diff(block.ticks) == 50).all()
    assert len(block) == 59
    assert block.errors == {"duplicate": 35, "stale_time": 1}


def test_clock_set_back_keeps_its_samples() -> None:
    block = one(apart(*(timed(3_600_000 + 50 * k, k) for k in range(20)), *(timed(50 * k, k) for k in range(30))))
    assert len(block) == 50
    assert not block.errors


def test_frame_without_a_calendar_date_is_refused() -> None:
    bad = bytearray(timed(50))
    bad[21] = 13
    block = one(apart(timed(0), bytes(bad), timed(100)))
    assert len(block) == 2
    assert block.errors == {"bad_time": 1}


def test_register_replies() -> None:
    battery, rate = reply(0x64, 396, *range(7)), reply(0x03, 9, *[-1] * 7)
    found = witmotion.read_replies([(0.1, GOOD[0] + battery[:3]), (0.2, battery[3:] + GOOD[1]), (0.3, rate)])
    assert [r.arrival for r in found] == [0.2, 0.3]
    assert found[0][witmotion.BATTERY] == 396
    assert found[1][witmotion.RATE] == 9
    with pytest.raises(KeyError):
        found[1][witmotion.BATTERY]
    assert witmotion.read_replies([]) == []


@settings(max_examples=1000)
@given(st.lists(st.binary(max_size=90) | st.sampled_from([*GOOD, b"\x55\x61", b"\x55\x71", timed(0)])))
def test_any_bytes_are_counted_and_never_raise(blobs: list[bytes]) -> None:
    blocks = wire.decode("witmotion", apart(*blobs))
    assert len(blocks) == bool(blobs)
    for block in blocks:
        assert len(block) or block.errors or any(b"\x55\x71" in b for b in [b"".join(blobs)])


def test_ten_thousand_random_streams() -> None:
    rng = np.random.default_rng(7)
    good = b"".join(GOOD)
    for _ in range(10_000):
        stream = bytearray(good if rng.random() < 0.5 else rng.bytes(int(rng.integers(0, 120))))
        for _ in range(int(rng.integers(0, 4))):
            if stream:
                stream[int(rng.integers(len(stream)))] = int(rng.choice([0x55, 0x61, 0x71, 0]))
        cut = int(rng.integers(0, len(stream) + 1))
        one([(0.0, bytes(stream[:cut])), (0.1, bytes(stream[cut:]))])
