"""MetaMotion boards: the maker's vectors, streams, accounters, the flash log, damage."""

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
from ankle_imu.wire import metawear
from ankle_imu.wire import metawear_commands as commands
from ankle_imu.wire.block import Block

CONFIG: dict[str, Any] = {"chip": "bmi160", "acc_range_g": 16, "gyr_range_dps": 2000}
FUSED = {**CONFIG, "processors": {"3": {"prefix": "count", "signal": "acc_gyr"}}}
TIMED = {
    **CONFIG,
    "processors": {1: {"prefix": "time", "signal": "acc"}, 2: {"prefix": "time", "signal": "gyr", "samples": 2}},
}
LOGGED = {
    **CONFIG,
    "loggers": {0: ["acc", 0, 4], 1: ["acc", 4, 2], 2: ["gyr", 0, 4], 3: ["gyr", 4, 2]},
}
ACC = 16 * STANDARD_GRAVITY / 32768
GYR = np.radians(1 / 16.4)


def decode(payloads: list[bytes], config: dict[str, Any]) -> list[Block]:
    return wire.decode("metawear", [(0.1 * k, p) for k, p in enumerate(payloads)], config)


def counts(n: int, width: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-32768, 32768, (n, width)).astype("<i2")


def log_entries(signal_ids: tuple[int, ...], tick: int, row: np.ndarray, reset: int = 1) -> list[bytes]:
    """Entries of one sample of three counts."""
    parts = [row[:2].tobytes(), row[2:].tobytes().ljust(4, b"\0")]
    return [struct.pack("<BI", i | reset << 5, tick) + part for i, part in zip(signal_ids, parts, strict=True)]


def log_payloads(entries: list[bytes]) -> list[bytes]:
    return [b"\x0b\x07" + b"".join(entries[k : k + 2]) for k in range(0, len(entries), 2)]


@pytest.fixture(scope="module")
def vectors(shared: Path) -> dict[str, dict[str, Any]]:
    found = json.loads((shared / "protocols" / "vectors" / "metawear.json").read_text("utf-8"))
    return {vector["id"]: vector for vector in found}


# The maker's vectors


@pytest.mark.parametrize("chip", metawear.CHIPS)
def test_log_of_one_axis(vectors: dict[str, Any], chip: str) -> None:
    vector = vectors[f"log-{chip.capitalize()}GyroYAxis"]
    config = {**CONFIG, "chip": chip, "gyr_range_dps": 250, "loggers": {0: ["gyr", 2, 2]}}
    (block,) = decode([bytes.fromhex(h) for h in vector["hex_list"]], config)
    assert block.gyr is not None
    np.testing.assert_allclose(np.degrees(block.gyr[:, 1]), vector["expected"]["values"], atol=6e-4)
    assert np.isnan(block.gyr[:, [0, 2]]).all()
    assert block.ticks is not None
    assert block.ticks[:2].tolist() == [0x4DF22, 0x4DF3D]
    assert not block.errors


@pytest.mark.parametrize("name", ["gyro-single-bmi160", "gyro-packed-bmi160"])
def test_plain_gyr(vectors: dict[str, Any], name: str) -> None:
    vector = vectors[name]
    (block,) = decode([bytes.fromhex(vector["hex"])], {**CONFIG, "gyr_range_dps": vector["config"]["range_dps"]})
    assert block.gyr is not None
    expected = np.atleast_2d(vector["expected"]["dps"])
    np.testing.assert_allclose(np.degrees(block.gyr), expected, atol=vector["expected"]["tol"])
    assert np.isnan(block.acc).all()
    assert block.ticks is None
    assert block.sequence is None


def test_count_of_an_accounter(vectors: dict[str, Any]) -> None:
    vector = vectors["acct-count-data"]
    config = {**CONFIG, "processors": {vector["config"]["processor"]: {"prefix": "count", "signal": "acc"}}}
    (block,) = decode([bytes.fromhex(vector["hex"])], config)
    assert block.sequence is not None
    assert block.sequence.tolist() == [vector["expected"]["count"]]


def test_other_processors_are_no_samples(vectors: dict[str, Any]) -> None:
    # processor 3 sends pressure, which is none of ours; processor 2 two packed samples with a count
    payloads = [bytes.fromhex(h) for h in vectors["acct-count-time-mixed"]["hex_list"]]
    config = {**CONFIG, "processors": {2: {"prefix": "count", "signal": "acc", "samples": 2}}}
    (block,) = decode(payloads, config)
    assert block.sequence is not None
    assert block.sequence.tolist() == [2 * 0x8D, 2 * 0x8D + 1]
    np.testing.assert_allclose(block.acc[0] / ACC, [-178, -715, 1913])
    assert block.errors == {"unknown_source": 2}
    ticks = [struct.unpack_from("<I", payloads[k], 3)[0] for k in (0, 2)]
    expected = vectors["acct-count-time-mixed"]["expected"]["epoch step of processor 3, ms"]
    assert (ticks[1] - ticks[0]) * metawear.TICK_S * 1000 == pytest.approx(expected, abs=0.5)


def test_time_of_an_accounter(vectors: dict[str, Any]) -> None:
    # four temperatures a packet: not ours, but the ticks before them are read alike, here before acc of 6 bytes
    vector = vectors["acct-packed-seq"]
    payloads = [bytes.fromhex(h)[:13] for h in vector["hex_list"]]
    (block,) = decode(payloads, {**CONFIG, "processors": {1: {"prefix": "time", "signal": "acc"}}})
    assert block.ticks is not None
    steps = np.diff(block.ticks) * block.tick_s * 1000
    np.testing.assert_allclose(steps, [s for s in vector["expected"]["epoch_steps_ms"] if s], atol=1.0)


def test_commands(vectors: dict[str, Any]) -> None:
    for name, vector in vectors.items():
        told = vector["config"]
        if name.startswith("acc-"):
            default = 2 if told["chip"] == "BMI160" else 8
            made = commands.configure_acc(told["chip"].lower(), told["odr_hz"], told.get("range_g", default))
            assert made.hex() == vector["hex"], name
    assert commands.configure_gyr(200, 2000).hex() == vectors["gyro-200"]["hex"]
    assert commands.configure_gyr(100, 250).hex() == vectors["gyro-250dps"]["hex"]
    assert commands.START_GYR[0].hex() == vectors["gyro-enable"]["hex"]
    assert [c.hex() for c in commands.START_LOG] == vectors["log-start-overwrite"]["hex_list"]
    assert commands.CLEAR_LOG.hex() == vectors["log-clear"]["hex"]
    assert [c.hex() for c in commands.create_loggers(3, 4, 6)] == vectors["log-trigger-acc"]["hex_list"]
    download = [*commands.ASK_LOG_LENGTH, commands.download_log(0x19E, 20), commands.CONFIRM_LOG_PAGE]
    assert [c.hex() for c in download] == vectors["log-download-seq"]["hex_list"]
    for prefix in ("time", "count"):
        assert commands.create_accounter(3, 4, 6, prefix).hex() == vectors[f"acct-{prefix}-create"]["hex"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: commands.configure_acc("bmi160", 99, 16),
        lambda: commands.configure_acc("bmi161", 100, 16),
        lambda: commands.configure_gyr(100, 2001),
        lambda: commands.configure_gyr(12.5, 2000),
        lambda: commands.create_accounter(3, 4, 6, "seconds"),
    ],
)
def test_settings_that_do_not_exist_are_refused(make: Any) -> None:
    with pytest.raises(ValueError, match="Found"):
        make()


# Round trips


@pytest.mark.parametrize(
    ("chip", "signal", "head", "n"),
    [
        ("bmi160", "acc", b"\x03\x04", 1),
        ("bmi160", "acc", b"\x03\x1c", 3),
        ("bmi270", "acc", b"\x03\x05", 3),
        ("bmi160", "gyr", b"\x13\x05", 1),
        ("bmi160", "gyr", b"\x13\x07", 3),
        ("bmi270", "gyr", b"\x13\x04", 1),
        ("bmi270", "gyr", b"\x13\x05", 3),
    ],
)
def test_plain_round_trip(chip: str, signal: str, head: bytes, n: int) -> None:
    rows = counts(12)
    payloads = [head + rows[k : k + n].tobytes() for k in range(0, 12, n)]
    (block,) = decode(payloads, {**CONFIG, "chip": chip})
    if signal == "acc":
        np.testing.assert_allclose(block.acc, rows * ACC)
        assert block.gyr is None
    else:
        np.testing.assert_allclose(block.gyr, rows * GYR)


def test_plain_streams_come_as_two_blocks() -> None:
    rows = counts(2)
    acc, gyr = decode([b"\x03\x04" + rows[0].tobytes(), b"\x13\x05" + rows[1].tobytes()], CONFIG)
    assert acc.gyr is None
    np.testing.assert_allclose(acc.acc, rows[:1] * ACC)
    assert np.isnan(gyr.acc).all()
    np.testing.assert_allclose(gyr.gyr, rows[1:] * GYR)


@given(st.integers(1, 40), st.integers(0, 2**32 - 100), st.data())
def test_fused_round_trip(n: int, first: int, data: st.DataObject) -> None:
    rows = counts(n, 6)
    payloads = [struct.pack("<3BI", 9, 3, 3, first + k) + rows[k].tobytes() for k in range(n)]
    order = data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=50))
    (block,) = decode([payloads[k] for k in order], FUSED)
    kept = np.array(list(dict.fromkeys(order)))
    assert block.sequence is not None
    np.testing.assert_array_equal(block.sequence, first + kept)
    np.testing.assert_allclose(block.acc, rows[kept, :3] * ACC)
    np.testing.assert_allclose(block.gyr, rows[kept, 3:] * GYR)
    assert sum(block.errors.values()) == len(order) - len(kept)


def test_timed_streams_are_paired() -> None:
    # acc at ticks 100, 107 ...; gyr, two in a packet, rising by 70 counts a sample, three ticks later
    acc = [struct.pack("<3BI3h", 9, 3, 1, 100 + 7 * k, 0, 0, 2048) for k in range(10)]
    gyr = [struct.pack("<3BI6h", 9, 3, 2, 110 + 14 * k, *[140 * k] * 3, *[140 * k + 70] * 3) for k in range(5)]
    (block,) = decode([*acc, *gyr], TIMED)
    assert block.ticks is not None
    assert block.ticks.tolist() == [100 + 7 * k for k in range(10)]
    assert block.gyr is not None
    assert np.isnan(block.gyr[0]).all()
    np.testing.assert_allclose(block.gyr[1:, 0] / GYR, 70 * np.arange(1, 10) - 30)


@given(st.integers(1, 30), st.integers(0, 2**32 - 1), st.data())
def test_log_round_trip_with_lost_and_repeated_entries(n: int, first: int, data: st.DataObject) -> None:
    acc, gyr = counts(n), counts(n, seed=1)
    entries, of = [], []
    for k in range(n):
        tick = (first + 14 * k) % 2**32
        entries += log_entries((0, 1), tick, acc[k]) + log_entries((2, 3), tick, gyr[k])
        of += [(k, part) for part in range(4)]
    lost = data.draw(st.sets(st.integers(0, len(entries) - 1), max_size=8))
    kept = [i for i in range(len(entries)) if i not in lost]
    again = data.draw(st.integers(0, len(kept)))
    blocks = decode(log_payloads([entries[i] for i in kept] + [entries[i] for i in kept[:again]]), LOGGED)
    whole = [k for k in range(n) if not {4 * k, 4 * k + 1} & lost]
    if not kept or not blocks[0].acc.size:
        return
    (block,) = blocks
    if whole:
        np.testing.assert_allclose(block.acc, acc[whole] * ACC)
        assert block.ticks is not None
        np.testing.assert_array_equal(block.ticks, [(first + 14 * k) % 2**32 for k in whole])
    assert block.errors["duplicate"] == again
    with_gyr = [j for j, k in enumerate(whole) if not {4 * k + 2, 4 * k + 3} & lost]
    if block.gyr is not None and whole:
        np.testing.assert_allclose(block.gyr[with_gyr], gyr[[whole[j] for j in with_gyr]] * GYR)


def test_time_is_that_of_the_last_entry() -> None:
    first, second = log_entries((0, 1), 16, counts(1)[0])
    late = second[:1] + struct.pack("<I", 17) + second[5:]
    (block,) = decode(log_payloads([first, late]), LOGGED)
    assert block.ticks is not None
    assert block.ticks.tolist() == [17]


def test_entries_of_two_samples_are_never_mixed() -> None:
    rows = counts(2)
    first, _ = log_entries((0, 1), 100, rows[0])
    _, second = log_entries((0, 1), 114, rows[1])
    (block,) = decode(log_payloads([first, second]), LOGGED)
    assert len(block) == 0
    assert block.errors == {"incomplete": 2}


def test_each_start_of_the_sensor_is_a_block() -> None:
    rows = counts(3)
    entries = [e for k, reset in enumerate((7, 0, 0)) for e in log_entries((0, 1), 50 * k, rows[k], reset)]
    blocks = decode(log_payloads(entries), LOGGED)
    assert [len(b) for b in blocks] == [1, 2]
    np.testing.assert_allclose(np.concatenate([b.acc for b in blocks]), rows * ACC)


# Damage


@pytest.mark.parametrize(
    ("config", "payload", "reason"),
    [
        (CONFIG, b"", "short"),
        (CONFIG, b"\x03", "short"),
        (CONFIG, b"\x77\x04" + bytes(6), "foreign"),
        (CONFIG, b"\x03\x04" + bytes(5), "cut"),
        (CONFIG, b"\x03\x04" + bytes(14), "merged"),
        (CONFIG, b"\x13\x04" + bytes(6), "control"),
        (CONFIG, b"\x0b\x0d", "control"),
        (CONFIG, b"\x11\xcc\x50\0\0", "control"),
        (FUSED, b"\x09\x03\x03\0", "cut"),
        (FUSED, b"\x09\x03\x03" + bytes(15), "cut"),
        (FUSED, b"\x09\x03\x03" + bytes(17), "merged"),
        (FUSED, b"\x09\x03\x04" + bytes(16), "unknown_source"),
        (LOGGED, b"\x0b\x07" + bytes(8), "cut"),
        (LOGGED, b"\x0b\x07" + bytes(12), "cut"),
        (LOGGED, b"\x0b\x07" + bytes(19), "merged"),
        (LOGGED, b"\x0b\x07\x1f" + bytes(8), "unknown_source"),
        (LOGGED, b"\x0b\x07" + bytes(9), "incomplete"),
    ],
)
def test_reason_of_a_bad_payload(config: dict[str, Any], payload: bytes, reason: str) -> None:
    (block,) = decode([payload], config)
    assert len(block) == 0
    assert block.errors == {reason: 1}


def test_repeated_packed_notification_counts_once_a_single_one_stays() -> None:
    packed, single = b"\x03\x1c" + counts(3).tobytes(), b"\x03\x04" + counts(1).tobytes()
    (block,) = decode([packed, packed, single, single], CONFIG)
    assert len(block) == 5
    assert block.errors == {"duplicate": 1}


@given(st.integers(0, 19), st.sampled_from([(FUSED, 19), (LOGGED, 20), (CONFIG, 20)]))
def test_cut_payload_gives_no_sample(cut: int, case: tuple[dict[str, Any], int]) -> None:
    config, size = case
    rows = counts(3, 6)
    whole = {
        id(FUSED): struct.pack("<3BI", 9, 3, 3, 5) + rows[0].tobytes(),
        id(LOGGED): log_payloads(log_entries((0, 1), 9, rows[0, :3]))[0],
        id(CONFIG): b"\x03\x1c" + rows[:, :3].tobytes(),
    }[id(config)]
    assert len(whole) == size
    blocks = decode([whole[: min(cut, size - 1)]], config)
    assert [len(b) for b in blocks] == [0]
    assert sum(blocks[0].errors.values()) == 1


HEADS = [b"", b"\x03\x04", b"\x03\x1c", b"\x13\x05", b"\x13\x07", b"\x09\x03\x01", b"\x09\x03\x02", b"\x0b\x07"]


@settings(max_examples=1000)
@given(
    st.lists(st.tuples(st.sampled_from(HEADS), st.binary(max_size=20)), min_size=1, max_size=12),
    st.sampled_from([CONFIG, FUSED, TIMED, LOGGED, {**LOGGED, "chip": "bmi270"}]),
)
def test_random_bytes_never_raise(parts: list[tuple[bytes, bytes]], config: dict[str, Any]) -> None:
    blocks = decode([head + rest for head, rest in parts], config)
    assert blocks
    assert sum(len(b) for b in blocks) <= 3 * len(parts)


@pytest.mark.parametrize(
    "change",
    [
        {"chip": None},
        {"acc_range_g": 3},
        {"gyr_range_dps": None},
        {"processors": {1: {"prefix": "none", "signal": "acc"}}},
        {"processors": {1: {"prefix": "time", "signal": "mag"}}},
        {"loggers": {0: ["acc", 4, 4]}},
        {"loggers": {0: ["acc", 0]}},
        {"loggers": {32: ["acc", 0, 4]}},
        {"loggers": [["acc", 0, 4]]},
        {"loggers": {0: 5}},
        {"processors": {0: "acc"}},
        {"processors": {"-1": {"prefix": "time", "signal": "acc"}}},
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"needs config|Found"):
        wire.decode("metawear", [], {**CONFIG, **change})


def test_no_payloads_no_blocks() -> None:
    assert wire.decode("metawear", [], CONFIG) == []
