"""Movesense over GSP: vectors of real sensors, round trips, lost parts and damage."""

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
from ankle_imu.units import DEGREE
from ankle_imu.wire import movesense, movesense_commands
from ankle_imu.wire.movesense_commands import Command

IMU6 = {"resource": "/Meas/IMU6/104"}
RATE = 104.0
Payloads = list[tuple[float, bytes]]


def walk(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return 1000 + np.round(np.arange(n) / RATE * 1e3), rng.normal(0, 20, (n, 3)), rng.normal(0, 5, (n, 3))


def stream(n: int, samples: int = 8, longest: int = 153, seed: int = 0) -> Payloads:
    """Notifications of `n` samples; the parts of a packet arrive together when its last sample is taken."""
    packets = movesense.encode(*walk(n, seed), reference=5, samples=samples, longest=longest)
    parts = 1 + (4 + 24 * samples > longest)
    return [((k // parts + 1) * samples / RATE, packet) for k, packet in enumerate(packets)]


def one(payloads: Payloads, config: dict[str, Any] | None = None) -> wire.Block:
    (block,) = wire.decode("movesense", payloads, config or IMU6)
    return block


def is_subset(block: wire.Block, whole: wire.Block) -> bool:
    return {*map(tuple, block.acc.tolist())} <= {*map(tuple, whole.acc.tolist())}


# Vectors


def vectors(shared: Path) -> dict[str, dict[str, Any]]:
    found = json.loads((shared / "protocols" / "vectors" / "movesense.json").read_text("utf-8"))
    return {vector["id"]: vector for vector in found}


def test_measurement_vectors(shared: Path) -> None:
    known = vectors(shared)
    for name, array in (("gsp-sub_Meas_Acc_52", "acc"), ("gsp-sub_Meas_Magn_13", "mag")):
        vector = known[name]
        stamp, values = movesense.read_measurement(vector["config"]["resource"], bytes.fromhex(vector["hex"]))
        rows = vector["expected"][f"Array{'Acc' if array == 'acc' else 'Magn'}"]
        assert stamp == vector["expected"]["Timestamp"]
        np.testing.assert_array_equal(values[array], [[row[axis] for axis in "xyz"] for row in rows])
    vector = known["gsp-sub_Meas_Acc_52"]
    block = one([(0.1, b"\x02\x07" + bytes.fromhex(vector["hex"]))], vector["config"])
    np.testing.assert_array_equal(
        block.acc, [[row[axis] for axis in "xyz"] for row in vector["expected"]["ArrayAcc"]]
    )
    assert block.gyr is None
    assert block.ticks is not None
    assert block.ticks[0] == 122371


def test_imu9_vector(shared: Path) -> None:
    vector = vectors(shared)["gsp-hw-imu9"]
    data = bytes.fromhex(vector["hex"])
    assert len(data) == vector["expected"]["consumed"]
    block = one([(0.1, b"\x02\x07" + data)], vector["config"])
    assert block.gyr is not None
    assert block.ticks is not None
    assert len(block) == vector["expected"]["n_samples"]
    assert block.ticks[0] == vector["expected"]["Timestamp"]
    assert block.acc[0, 2] == pytest.approx(-9.82, abs=0.05)
    assert abs(block.acc[0, 0]) < 1
    assert (np.abs(block.gyr[0, :2]) < 20 * DEGREE).all()
    _, values = movesense.read_measurement(vector["config"]["resource"], data)
    assert 10 < abs(values["mag"][0, 2]) < 1000
    np.testing.assert_allclose(block.gyr, values["gyr"] * DEGREE)


def test_answer_and_command_vectors(shared: Path) -> None:
    known = vectors(shared)
    for name in ("gsp-hw-accInfo", "gsp-hw-magnInfo"):
        vector = known[name]
        rates, ranges = movesense_commands.read_info(vector["config"]["resource"], bytes.fromhex(vector["hex"]))
        assert rates == vector["expected"].get("SampleRates", rates)
        assert ranges == vector["expected"]["Ranges"]
    stamp, kelvin = movesense_commands.read_temperature(bytes.fromhex(known["gsp-hw-temp"]["hex"]))
    assert stamp == known["gsp-hw-temp"]["expected"]["Timestamp"]
    assert kelvin == pytest.approx(known["gsp-hw-temp"]["expected"]["Measurement_K"], abs=1e-4)
    state = movesense_commands.command(Command.PUT_DATALOGGER_STATE, 13, b"\x03")
    mode = movesense_commands.command(Command.PUT_SYSTEMMODE, 14, b"\x05")
    assert [state.hex(), mode.hex()] == [known["gsp-frame-state"]["hex"], known["gsp-frame-mode"]["hex"]]


def test_log_piece_vectors(shared: Path) -> None:
    known = vectors(shared)
    chunk = known["gsp-frame-logchunk"]
    log = movesense_commands.join_log([(0.0, b"\x02\x04" + bytes.fromhex(chunk["hex"]))], 4)
    assert log.holes == ((0, chunk["expected"]["offset"]),)
    assert log.data[256:].hex() == chunk["expected"]["bytes"]
    log = movesense_commands.join_log([(0.0, bytes.fromhex(known["gsp-frame-data"]["hex"]))], 4)
    assert (len(log.data), log.holes, log.is_ended) == (3, (), False)


# Round trips


@given(
    st.integers(0, 12),
    st.sampled_from([1, 2, 4, 8]),
    st.integers(60, 200),
    st.integers(0, 2**32 - 1),
    st.booleans(),
)
def test_round_trip(packets: int, samples: int, longest: int, seed: int, is_wrapping: bool) -> None:
    n = packets * samples
    ticks, acc, gyr = walk(n, seed)
    ticks += (2**32 - 1100) * is_wrapping
    sent = movesense.encode(ticks, acc, gyr, reference=5, samples=samples, longest=max(longest, 2 + 12 * samples))
    blocks = wire.decode("movesense", [(0.001 * k, packet) for k, packet in enumerate(sent)], IMU6)
    if not n:
        assert blocks == []
        return
    (block,) = blocks
    assert not block.errors
    assert block.gyr is not None
    assert block.ticks is not None
    np.testing.assert_allclose(block.acc, acc, rtol=1e-6)
    np.testing.assert_allclose(block.gyr, gyr, rtol=1e-6)
    late = (block.ticks - ticks + 2**31) % 2**32 - 2**31
    assert np.abs(late).max() < 2.0
    assert block.ticks.max() < 2**32


@given(st.integers(1, 12), st.data())
def test_session_cut_into_two_decodes_alike(packets: int, data: st.DataObject) -> None:
    sent = stream(packets * 4, samples=4)
    cut = data.draw(st.integers(0, len(sent)))
    parts = wire.decode("movesense", sent[:cut], IMU6) + wire.decode("movesense", sent[cut:], IMU6)
    np.testing.assert_array_equal(one(sent).acc, np.concatenate([b.acc for b in parts]))


def test_two_subscriptions_are_two_blocks() -> None:
    acc = b"".join([struct.pack("<I3f", 7, 1, 2, 3)])
    sent = [*stream(16), (0.2, b"\x02\x09" + acc), (0.3, b"\x01\x09\xc8\x00"), (0.4, b"\x02\x0a" + acc)]
    blocks = wire.decode("movesense", sent, {"subscriptions": {"5": "/Meas/IMU6/104", "9": "/Meas/Acc/13"}})
    assert [len(b) for b in blocks] == [16, 1]
    assert blocks[1].gyr is None
    assert blocks[0].errors == {"foreign": 1}
    assert not blocks[1].errors


def test_ticks_do_not_smear_over_a_hole() -> None:
    sent = stream(160)
    whole, holed = one(sent), one(sent[:10] + sent[30:])
    assert whole.ticks is not None
    assert holed.ticks is not None
    kept = np.isin(whole.acc[:, 0], holed.acc[:, 0])
    np.testing.assert_allclose(holed.ticks, whole.ticks[kept], atol=1.0)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({}, "needs config"),
        ({"resource": "/Meas/HR"}, "Unknown Movesense path"),
        ({"subscriptions": {300: "x"}}, "reference 300; expected 0 to 255"),
        ({"subscriptions": {"a": "x"}}, "reference 'a'; expected 0 to 255"),
    ],
)
def test_configuration_that_says_too_little_is_refused(config: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        wire.decode("movesense", [(0.0, b"")], config)


# Damage


def test_every_lost_notification_costs_its_packet_and_nothing_else() -> None:
    sent = stream(80)
    whole = one(sent)
    for lost in range(len(sent)):
        block = one(sent[:lost] + sent[lost + 1 :])
        assert len(block) == 72
        assert block.errors == {"cut": 1}
        assert is_subset(block, whole)


def test_first_part_never_takes_the_second_of_another_packet() -> None:
    sent = stream(80)
    # second part of one packet and first part of the next are lost: what is left looks like one packet
    block = one(sent[:5] + sent[7:])
    assert len(block) == 64
    assert block.errors == {"cut": 1}
    assert is_subset(block, one(sent))


def test_first_parts_alone_are_no_packets() -> None:
    # cut so that the first part holds whole samples: only the clock tells that half of them are missing
    sent = stream(160, longest=100)
    block = one([packet for packet in sent if packet[1][0] == movesense.DATA])
    assert len(block) == 0
    assert block.errors == {"cut": 20}


@pytest.mark.parametrize("pattern", ["each", "pairs"])
def test_doubled_notifications(pattern: str) -> None:
    sent = stream(80)
    if pattern == "each":
        doubled = [packet for packet in sent for _ in range(2)]
    else:
        doubled = [packet for k in range(0, 20, 2) for packet in sent[k : k + 2] * 2]
    block = one(doubled)
    np.testing.assert_array_equal(block.acc, one(sent).acc)
    assert set(block.errors) == {"duplicate"}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"", "short"),
        (b"\x02", "short"),
        (b"\x09\x05abc", "foreign"),
        (b"\x02\x06abc", "foreign"),
        (b"\x02\x05", "cut"),
        (b"\x02\x05" + bytes(99), "cut"),
        (b"\x03\x05" + bytes(43), "cut"),
        (b"\x02\x05" + struct.pack("<I48f", 5000, *[np.nan] * 48), "implausible"),
        (b"\x02\x05" + struct.pack("<I48f", 5000, *[1e9] * 48), "implausible"),
    ],
    ids=range(9),
)
def test_reason_of_a_bad_packet(bad: bytes, reason: str) -> None:
    sent = stream(80, longest=200)
    block = one([*sent, (9.0, bad)])
    np.testing.assert_array_equal(block.acc, one(sent).acc)
    assert block.errors == {reason: 1}


def test_answers_are_no_errors() -> None:
    block = one([(0.0, b"\x01\x05\xc8\x00"), *stream(8)])
    assert len(block) == 8
    assert not block.errors


def test_log_pieces_in_any_order_with_a_hole() -> None:
    data = bytes(range(200))
    pieces = [(0.0, b"\x02\x04" + struct.pack("<I", at) + data[at : at + 30]) for at in range(0, 200, 30)]
    ended = (0.0, b"\x02\x04" + struct.pack("<I", 200))
    log = movesense_commands.join_log([*reversed(pieces), ended, (0.0, b"\x02\x05abcdefgh"), (0.0, b"")], 4)
    assert (log.data, log.holes, log.is_ended) == (data, (), True)
    log = movesense_commands.join_log([*pieces[:2], *pieces[3:], ended], 4)
    assert log.holes == ((60, 90),)
    assert log.data == data[:60] + bytes(30) + data[90:]


@settings(max_examples=500)
@given(st.lists(st.binary(max_size=220) | st.builds(lambda b: b"\x02\x05" + b, st.binary(max_size=220))))
def test_any_bytes_are_counted_and_never_raise(blobs: list[bytes]) -> None:
    for config in (IMU6, {"subscriptions": {5: "/Meas/IMU9/52", 6: "/Meas/Acc/13"}}):
        for block in wire.decode("movesense", [(0.1 * k, blob) for k, blob in enumerate(blobs)], config):
            assert np.isfinite(block.acc).all()


def test_ten_thousand_damaged_streams() -> None:
    rng = np.random.default_rng(5)
    sent = stream(24, samples=4)
    for _ in range(10_000):
        payloads = []
        for arrival, packet in sent:
            damaged = bytearray(packet)
            if rng.random() < 0.2:
                damaged[int(rng.integers(len(damaged)))] = int(rng.integers(256))
            if rng.random() < 0.1:
                del damaged[int(rng.integers(len(damaged))) :]
            payloads.append((arrival, bytes(damaged)))
        for block in wire.decode("movesense", payloads, IMU6):
            assert np.isfinite(block.acc).all()


@pytest.mark.parametrize("kept", [(0, 2, 4), (0, 1, 3, 5), (0, 3)])
def test_few_packets_with_losses_do_not_stretch_their_samples(kept: tuple[int, ...]) -> None:
    stamps = np.array([80 * k for k in kept])
    assert movesense.spread_ticks(stamps, np.full(len(kept), 8), 104.0) == pytest.approx(10.0, abs=0.4)


def test_packets_that_changed_places_do_not_stretch_samples() -> None:
    stamps = np.array([0, 80, 40, 120, 160, 240, 280])
    assert movesense.spread_ticks(stamps, np.full(7, 4), float("nan")) == 10.0
