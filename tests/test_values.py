from dataclasses import replace

import numpy as np
import pytest

import ankle_imu as ai
from ankle_imu import tables
from ankle_imu.values import Alignment, SensorInfo

GOOD = (np.tile([0.0, 0.0, 9.81], (50, 1)), np.zeros((50, 3)))


def make(acc=GOOD[0], gyr=GOOD[1], rate=100.0, **more):
    return ai.Recording.from_arrays(rate, {"left_foot": (acc, gyr)}, **more)


@pytest.mark.parametrize(
    ("acc", "gyr", "words"),
    [
        (np.empty((0, 3)), np.empty((0, 3)), "found 0 sample"),
        (np.ones((1, 3)), np.ones((1, 3)), "found 1 sample"),
        (np.ones((50, 2)), np.ones((50, 3)), "expected"),
        (np.ones(50), np.ones(50), "expected"),
        (np.ones((50, 3)), np.ones((49, 3)), "50 rows and gyr 49"),
        (np.full((50, 3), np.inf), np.ones((50, 3)), "infinite"),
        ([["a", "b", "c"]] * 5, np.ones((5, 3)), "number arrays"),
    ],
)
def test_bad_arrays_are_refused_with_what_was_found(acc, gyr, words):
    with pytest.raises(ValueError, match=words):
        make(acc, gyr)


@pytest.mark.parametrize("rate", [0.0, -1.0, np.nan, np.inf, None])
def test_bad_rates_are_refused(rate):
    with pytest.raises(ValueError, match="sampling_rate must be a positive number"):
        make(rate=rate)


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (np.zeros(50), "does not increase at row 1"),
        (np.r_[np.arange(49.0), 3.0], "does not increase at row 49"),
        (np.r_[np.arange(49.0), np.nan], "non-finite"),
        (np.arange(49.0), "expected"),
    ],
)
def test_bad_times_are_refused(time, words):
    with pytest.raises(ValueError, match=words):
        make(time={"left_foot": time})


def test_unknown_placements_and_stray_times_are_refused():
    with pytest.raises(ValueError, match="Unknown placement 'elbow'"):
        ai.Recording.from_arrays(100.0, {"elbow": GOOD})
    with pytest.raises(ValueError, match="No sensors"):
        ai.Recording.from_arrays(100.0, {})
    with pytest.raises(ValueError, match="not among the sensors"):
        make(time={"right_foot": np.arange(50.0)})


def test_sensors_of_different_length_cannot_share_a_clock():
    short = (GOOD[0][:40], GOOD[1][:40])
    with pytest.raises(ValueError, match="differ in length"):
        ai.Recording.from_arrays(100.0, {"left_foot": GOOD, "left_shank": short})


def test_nan_rows_are_gaps_and_counted():
    acc = GOOD[0].copy()
    acc[10:13, 1] = np.nan
    recording = make(acc)
    series = recording.series["left_foot"]
    assert np.isnan(series.gyr[10:13]).all()
    assert series.is_valid.sum() == 47
    assert recording.loss["left_foot"].lost == 3


def test_missing_times_are_counted_as_lost():
    time = np.delete(np.arange(53.0), [20, 21, 22]) / 100.0
    assert make(rate=None, time={"left_foot": time}).loss["left_foot"].lost == 3


def test_arrays_are_read_only_copies():
    acc = GOOD[0].copy()
    series = make(acc).series["left_foot"]
    acc[:] = 0.0
    assert series.acc[0, 2] == 9.81
    with pytest.raises(ValueError, match="read-only"):
        series.acc[0, 0] = 1.0
    assert series.duration == pytest.approx(0.5)


def test_alignment_must_be_a_rotation():
    with pytest.raises(ValueError, match="right-handed"):
        Alignment(segment_from_sensor=np.diag([1.0, -1.0, 1.0]), sigma_yaw_deg=1.0, method="", verdict="good")
    with pytest.raises(ValueError, match="rotation matrix"):
        Alignment(segment_from_sensor=np.ones((3, 3)), sigma_yaw_deg=1.0, method="", verdict="good")


def test_mount_sites_belong_to_their_segment():
    with pytest.raises(ValueError, match="expected one of above_ankle, mid_shank"):
        SensorInfo(placement="left_shank", mount_site="heel")


def test_tables_name_all_columns_that_differ():
    frame = tables.make_table(tables.BOUTS, {"bout_id": [0]}).rename(columns={"gait": "mode"})
    with pytest.raises(ValueError, match="missing gait, unexpected mode"):
        tables.check_columns(frame, tables.BOUTS)
    with pytest.raises(ValueError, match="has no column"):
        tables.make_table(tables.BOUTS, {"colour": [1]})


def test_values_introduce_themselves_in_a_line():
    assert repr(make()) == "Recording(0.5 s: left_foot 100 Hz)"
    assert repr(ai.Recording(series={})) == "Recording(0.0 s: no sensor)"
    plan = ai.simulate.Plan(duration_s=20, sampling_rate=52, placements=("left_foot",), movements=False)
    result = ai.analyze(ai.simulate.walk(plan)[0])
    usable = result.strides["accepted"].sum()
    assert repr(result) == f"SessionResult(20.0 s: {usable} of {len(result.strides)} strides usable, 0 events)"
    named = replace(result, session=replace(result.session, session_id="2026-11-01T090000Z_abcd"))
    assert repr(named).startswith("SessionResult(2026-11-01T090000Z_abcd, 20.0 s: ")
