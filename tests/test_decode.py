"""Samples -> series: clips are counted, lost rows are NaN."""

from __future__ import annotations

import numpy as np
import pytest

from ankle_imu.decode import build_series, decode_packets, find_clipped, join_samples
from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.wire import ankle, import_rows

CONFIG = {"acc_range_g": 16.0, "gyr_range_dps": 2000.0}


def test_clip_is_the_last_count_and_not_the_one_before() -> None:
    step = 16 * STANDARD_GRAVITY / 32768
    acc = np.zeros((4, 3))
    acc[:, 1] = np.array([32766, 32767, -32768, -32766]) * step
    gyr = np.zeros((4, 3))
    assert find_clipped(acc, gyr, 16.0, 2000.0).tolist() == [False, True, True, False]
    gyr[0, 2] = 2000 * DEGREE
    assert find_clipped(acc, gyr, 16.0, 2000.0).tolist() == [True, True, True, False]


def test_unknown_range_finds_no_clip() -> None:
    assert not find_clipped(np.full((2, 3), 1e3), np.full((2, 3), 1e3), np.nan, np.nan).any()


def test_rows_without_source_are_nan_on_both_sensors() -> None:
    payloads = import_rows.encode([0.0, 0.1, 0.2], np.ones((3, 3)), np.ones((3, 3)))
    samples = decode_packets("import/csv", payloads, {})
    assert samples is not None
    series = build_series(samples, [0.0, 0.1, 0.2, 0.3], [0, -1, 1, 2], 10.0)
    assert series.is_valid.tolist() == [True, False, True, True]
    assert np.isnan(series.acc[1]).all()
    assert np.isnan(series.gyr[1]).all()


def test_no_packets_no_samples() -> None:
    assert decode_packets("ankle", [], CONFIG) is None


def test_errors_are_handed_on() -> None:
    good = ankle.encode([0.0, 0.1], np.ones((2, 3)), np.ones((2, 3)), acc_range_g=16.0, gyr_range_dps=2000.0)
    samples = decode_packets("ankle", [*good, (0.2, b"")], CONFIG)
    assert samples is not None
    assert len(samples) == 2
    assert samples.errors == {"short": 1}


def test_unknown_protocol() -> None:
    with pytest.raises(ValueError, match="Unknown protocol"):
        decode_packets("polar?", [], {})


def test_clock_and_count_are_none_where_the_sensor_sends_none() -> None:
    frame = bytes((0x55, 0x61)) + bytes(18)
    samples = decode_packets("witmotion", [(0.0, frame * 4), (0.04, frame * 4)], {})
    assert samples is not None
    assert len(samples) == 8
    assert samples.ticks is None
    assert samples.sequence is None
    np.testing.assert_array_equal(samples.arrival, np.repeat([0.0, 0.04], 4))


def test_rates_without_a_clock_stay_apart() -> None:
    acc, gyr = b"\x03\x04" + bytes((0, 0, 0, 0, 0, 8)), b"\x13\x05" + bytes((0, 1, 0, 0, 0, 0))
    config = {"chip": "bmi160", "acc_range_g": 16, "gyr_range_dps": 2000}
    samples = decode_packets("metawear", [(0.00, acc), (0.01, gyr), (0.02, acc), (0.03, b"\x03\x04")], config)
    assert samples is not None
    assert samples.rates is not None
    assert (len(samples), len(samples.rates)) == (2, 1)
    assert np.isnan(samples.gyr).all()
    assert np.isnan(samples.rates.acc).all()
    assert samples.rates.gyr[0, 0] == pytest.approx(256 / 16.4 * DEGREE)
    assert sum(samples.errors.values()) == 1


def test_streams_with_one_kind_of_clock_are_joined_in_order_of_arrival() -> None:
    time, values = np.arange(42) / 100.0, np.arange(126.0).reshape(42, 3) / 2
    packets = ankle.encode(time, values, values / 10, acc_range_g=16.0, gyr_range_dps=2000.0)
    wide = ankle.encode(time, values, values / 10, acc_range_g=4.0, gyr_range_dps=2000.0)
    first = decode_packets("ankle", [packets[0], packets[2]], CONFIG)
    second = decode_packets("ankle", wide[1:2], {**CONFIG, "acc_range_g": 4.0})
    rows = decode_packets("import/csv", import_rows.encode([0.5], values[:1], values[:1]), {})
    assert first is not None
    assert second is not None
    assert rows is not None
    joined = join_samples([first, second, rows])
    assert [len(samples) for samples in joined] == [42, 1]
    assert joined[0].sequence is not None
    assert joined[0].sequence.tolist() == list(range(42))
    # 4 g are passed by row 27: the stream of that range clips there, the other does not
    limit = 4 * STANDARD_GRAVITY
    assert joined[0].is_clipped.tolist() == [14 <= row < 28 and values[row].max() > limit for row in range(42)]
