"""Our own packet: by hand, as a round trip, and with damaged packets."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu import wire
from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.wire import ankle

CONFIG = {"acc_range_g": 16.0, "gyr_range_dps": 2000.0}
ACC_STEP = 16 * STANDARD_GRAVITY / 32768
GYR_STEP = 2000 * DEGREE / 32768


def packet(index: int = 0, t_us: int = 0, rows: Sequence[tuple[int, ...]] | None = None, epoch: int = 0) -> bytes:
    rows = [(0, 0, 2048, 0, 0, 0)] if rows is None else rows
    body = b"".join(struct.pack("<6h", *row) for row in rows)
    return struct.pack("<BBHIIBB", 0x10, epoch, 0, index, t_us, len(rows), 0) + body


def walk(n: int, rate: float = 208.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return np.arange(n) / rate, rng.normal(0, 20, (n, 3)), rng.normal(0, 5, (n, 3))


def test_by_hand() -> None:
    # 2048 of 32768 counts at 16 g is exactly 1 g; -16384 at 2000 deg/s is -1000 deg/s
    rows = [(0, 0, 2048, -16384, 0, 0), (2048, 0, 0, 0, 0, 1)]
    payloads = [(0.5, packet(7, 1000, rows)), (0.6, packet(9, 11000, rows))]
    (block,) = wire.decode("ankle", payloads, CONFIG)
    np.testing.assert_allclose(block.acc[:2], [[0, 0, 9.80665], [9.80665, 0, 0]])
    assert block.gyr is not None
    np.testing.assert_allclose(block.gyr[0], [np.radians(-1000), 0, 0])
    assert block.sequence is not None
    assert block.sequence.tolist() == [7, 8, 9, 10]
    assert block.ticks is not None
    assert block.ticks.tolist() == [1000, 6000, 11000, 16000]
    assert block.tick_s == 1e-6
    assert not block.errors


@given(st.integers(1, 60), st.integers(1, 20), st.integers(0, 2**32 - 100), st.data())
def test_round_trip(n: int, size: int, first: int, data: st.DataObject) -> None:
    time, acc, gyr = walk(n)
    lost = data.draw(st.sets(st.integers(0, n - 1)))
    acc[list(lost)] = np.nan
    sent = ankle.encode(
        time, acc, gyr, acc_range_g=16.0, gyr_range_dps=2000.0, samples_per_packet=size, first_index=first
    )
    kept = np.array([i for i in range(n) if i not in lost], dtype=int)
    blocks = wire.decode("ankle", sent, {**CONFIG, "nominal_rate_hz": 208.0})
    if not len(kept):
        assert blocks == []
        return
    (block,) = blocks
    assert block.sequence is not None
    assert block.gyr is not None
    np.testing.assert_array_equal(block.sequence, first + kept)
    np.testing.assert_allclose(block.acc, acc[kept], atol=ACC_STEP / 2 * 1.0001)
    np.testing.assert_allclose(block.gyr, gyr[kept], atol=GYR_STEP / 2 * 1.0001)


@given(st.integers(1, 40), st.data())
def test_stream_cut_into_any_batches_decodes_alike(n: int, data: st.DataObject) -> None:
    sent = ankle.encode(*walk(n), acc_range_g=16.0, gyr_range_dps=2000.0, samples_per_packet=3)
    cut = data.draw(st.integers(0, len(sent)))
    whole = wire.decode("ankle", sent, CONFIG)
    parts = wire.decode("ankle", sent[:cut], CONFIG) + wire.decode("ankle", sent[cut:], CONFIG)
    np.testing.assert_array_equal(np.concatenate([b.acc for b in whole]), np.concatenate([b.acc for b in parts]))


@given(st.binary(max_size=60), st.integers(0, 26))
def test_damaged_packets_are_counted_and_give_no_sample(foreign: bytes, cut: int) -> None:
    good = packet(1, 1000)
    bad = [good[:cut] if cut < len(good) else good + b"x", b"\x13" + foreign]
    (block,) = wire.decode("ankle", [(0.0, good), *((0.1, b) for b in bad)], CONFIG)
    # a single type 0x10 byte string of the right length cannot arise here: every bad payload is cut or foreign
    assert len(block) == 1
    assert sum(block.errors.values()) == 2


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "short"),
        (packet()[:13], "short"),
        (packet()[:-1], "cut"),
        (packet() + b"\0", "cut"),
        (b"\x13" + packet()[1:], "foreign"),
        (packet(rows=[]), "empty"),
    ],
)
def test_reason_of_a_bad_packet(payload: bytes, reason: str) -> None:
    (block,) = wire.decode("ankle", [(0.0, payload)], CONFIG)
    assert len(block) == 0
    assert block.errors == {reason: 1}


def test_other_epoch_is_never_scaled_with_the_wrong_range() -> None:
    payloads = [(0.0, packet(0)), (0.1, packet(1, 5000)), (0.2, packet(2, 9000, epoch=1))]
    (block,) = wire.decode("ankle", payloads, CONFIG)
    assert block.errors == {"other_epoch": 1}
    (block,) = wire.decode("ankle", payloads, {**CONFIG, "epoch": 1})
    assert len(block) == 1


def test_values_beyond_the_range_are_clipped_and_flagged() -> None:
    acc = np.array([[0.0, 0.0, 17 * STANDARD_GRAVITY]])
    ((_, payload),) = ankle.encode([0.0], acc, np.zeros((1, 3)), acc_range_g=16.0, gyr_range_dps=2000.0)
    assert payload[13] == ankle.Flag.CLIP_ACC
    (block,) = wire.decode("ankle", [(0.0, payload)], CONFIG)
    assert block.acc[0, 2] == pytest.approx(32767 * ACC_STEP)


@pytest.mark.parametrize(
    "config",
    [
        {"epoch": "1"},
        {"epoch": 1.0},
        {"epoch": True},
        {"epoch": 256},
        {"epoch": [1, None]},
        {"epoch": [2**70]},
        {"nominal_rate_hz": "104"},
        {"nominal_rate_hz": 10**400},
        {"acc_range_g": 10**400},
        {"gyr_range_dps": True},
    ],
)
def test_a_setting_of_the_wrong_kind_is_refused_in_our_words(config: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"Found epoch|Protocol ankle needs config"):
        wire.decode("ankle", [(0.0, packet())], {**CONFIG, **config})


@pytest.mark.parametrize("config", [{}, {"acc_range_g": 16}, {"acc_range_g": 0, "gyr_range_dps": 2000}])
def test_missing_range_is_refused(config: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="needs config"):
        wire.decode("ankle", [(0.0, packet())], config)
