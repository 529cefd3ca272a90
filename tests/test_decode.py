"""Samples -> series: clips are counted, lost rows are NaN."""

from __future__ import annotations

import numpy as np
import pytest

from ankle_imu.decode import build_series, decode_packets, find_clipped
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
