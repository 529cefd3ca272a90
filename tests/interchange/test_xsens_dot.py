from __future__ import annotations

import numpy as np
import pytest

from ankle_imu.calibration.plausibility import check_units
from ankle_imu.errors import CorruptRecording, RecordingError
from ankle_imu.interchange import read, recognise

PREAMBLE = """sep=,
DeviceTag:,left foot
FirmwareVersion:,2.0.0
AppVersion:,2021.0
SyncStatus:,Synced
OutputRate:,60Hz
FilterProfile:,General
Measurement Mode:,Rate quantities (with mag)
StartTime: ,2021-08-20_20:21:13_804 GMT+8
© Xsens Technologies B. V. 2005-2021

"""
HEADER = "PacketCounter,SampleTimeFine,Acc_X,Acc_Y,Acc_Z,Gyr_X,Gyr_Y,Gyr_Z,Mag_X,Mag_Y,Mag_Z,Status"


def rows(ticks, counter=None):
    counter = range(1, len(ticks) + 1) if counter is None else counter
    return [
        f"{c},{t},{i}.5,0.25,9.75,{i},-90.0,180.0,0.1,0.2,0.3,0"
        for i, (c, t) in enumerate(zip(counter, ticks, strict=True))
    ]


def ticks_us(n, start=3_343_427_885):
    return [(start + round(i * 1e6 / 60)) % 2**32 for i in range(n)]


def save(tmp_path, lines, preamble=PREAMBLE, header=HEADER, encoding="utf-8", end="\n"):
    path = tmp_path / "dot.csv"
    path.write_bytes((preamble + "\n".join([header, *lines]) + "\n").replace("\n", end).encode(encoding))
    return path


def test_values_units_and_facts(tmp_path):
    result = read(save(tmp_path, rows(ticks_us(120))), "left_foot")
    assert result.format == "xsens_dot"
    np.testing.assert_array_equal(result.series.acc[7], [7.5, 0.25, 9.75])
    np.testing.assert_allclose(result.series.gyr[7], np.deg2rad([7, -90, 180]))
    assert result.series.sampling_rate == pytest.approx(60, rel=1e-6)
    assert (result.loss.expected, result.loss.lost) == (120, 0)
    assert result.sensor.serial == "left foot"
    assert result.sensor.nominal_rate_hz == 60
    assert result.started_utc == "2021-08-20T12:21:13.804Z"
    assert result.gyr_unit == "deg/s"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "latin-1"])
def test_written_on_windows(tmp_path, encoding):
    result = read(save(tmp_path, rows(ticks_us(50)), encoding=encoding, end="\r\n"), "left_foot")
    assert result.loss.received == 50


def test_clock_wraps_after_71_minutes(tmp_path):
    ticks = ticks_us(600, start=2**32 - 5_000_000)
    assert min(ticks) < 10_000 < max(ticks)
    series = read(save(tmp_path, rows(ticks)), "left_foot").series
    np.testing.assert_allclose(series.time, np.arange(600) / 60, atol=1e-6)


def test_lost_samples_stay_open(tmp_path):
    ticks = ticks_us(100)
    kept = [i for i in range(100) if not 40 <= i < 47]
    result = read(save(tmp_path, rows([ticks[i] for i in kept], [i + 1 for i in kept])), "left_foot")
    np.testing.assert_array_equal(np.flatnonzero(~result.series.is_valid), range(40, 47))
    assert result.loss.reasons == {"missing": 7}
    np.testing.assert_allclose(result.series.time, np.arange(100) / 60, atol=2e-6)


def test_clipped_samples_are_counted_from_the_status_bits(tmp_path):
    lines = rows(ticks_us(30))
    lines[4] = lines[4][:-1] + "4"  # acc z
    lines[5] = lines[5][:-1] + "32"  # gyr z
    lines[6] = lines[6][:-1] + "64"  # mag x: no concern
    assert read(save(tmp_path, lines), "left_foot").loss.clipped == 2


def test_lower_case_columns(tmp_path):
    assert read(save(tmp_path, rows(ticks_us(30)), header=HEADER.lower()), "left_foot").loss.received == 30


def test_packet_counter_serves_where_the_clock_is_empty(tmp_path):
    counter = [1, 2, 3, 6, 7, 8, 9, 10, 11, 12]
    result = read(save(tmp_path, rows([""] * 10, counter)), "left_foot")
    assert result.loss.lost == 2
    assert result.series.sampling_rate == pytest.approx(60)
    with pytest.raises(RecordingError, match="rate is unknown"):
        read(save(tmp_path, rows([""] * 10), preamble=""), "left_foot")


def test_tenths_of_milliseconds_are_told_by_the_usual_step(tmp_path):
    path = save(tmp_path, rows([5 + 100 * i for i in range(50)]), preamble="")
    with pytest.raises(RecordingError, match="MTi and MTw"):
        read(path, "left_foot")
    result = read(path, "left_foot", gyr_unit="rad/s")
    assert result.series.sampling_rate == pytest.approx(100)
    np.testing.assert_array_equal(result.series.gyr[3], [3, -90, 180])


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("PacketCounter,SampleTimeFine,Euler_X,Euler_Y,Euler_Z,FreeAcc_X,FreeAcc_Y,FreeAcc_Z,Gyr_X,Gyr_Y,Gyr_Z,Status",
         "holds no acceleration with gravity, only Euler, FreeAcc, Gyr"),
        ("PacketCounter,SampleTimeFine,dq_W,dq_X,dq_Y,dq_Z,dv[1],dv[2],dv[3],Mag_X,Mag_Y,Mag_Z",
         "holds no acceleration with gravity and no angular rate, only Mag, dq, dv"),
    ],
)  # fmt: skip
def test_modes_without_rates_are_refused(tmp_path, header, said):
    with pytest.raises(RecordingError, match=said):
        read(save(tmp_path, rows(ticks_us(9)), header=header), "left_foot")


def test_random_clock_is_refused(tmp_path):
    ticks = np.random.default_rng(0).integers(0, 2**31, 50).tolist()
    with pytest.raises(CorruptRecording, match="time runs back"):
        read(save(tmp_path, rows(ticks)), "left_foot")


@pytest.mark.parametrize("side", ["LTibia_20210820_202113_811", "RTibia_20210820_202113_825"])
def test_real_files_of_an_orientation_mode(shared, side):
    path = shared / f"data/importer_files/xsensdot_{side}.csv"
    assert recognise(path) == "xsens_dot"
    with pytest.raises(
        RecordingError, match="no acceleration with gravity and no angular rate, only FreeAcc, Quat"
    ):
        read(path, "left_shank")


@pytest.mark.parametrize("side", ["LTibia_20210820_202113_811", "RTibia_20210820_202113_825"])
def test_real_files_of_an_orientation_mode_rebuilt(shared, side):
    """Rows by `csv`, rotations by scipy: what the sensor must have felt at the first and the last sample."""
    from scipy.spatial.transform import Rotation

    path = shared / f"data/importer_files/xsensdot_{side}.csv"
    result = read(path, "left_shank", rebuild=True)
    lines = path.read_text(encoding="utf-8").splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("PacketCounter"))
    rows = np.array([[float(cell) for cell in line.split(",")] for line in lines[at + 1 :]])
    turn = Rotation.from_quat(rows[:, [3, 4, 5, 2]])
    felt = turn.inv().apply(rows[:, 6:9] + [0, 0, 9.80665])
    np.testing.assert_allclose(result.series.acc[[0, -1]], felt[[0, -1]], atol=1e-9)
    rate = (turn[:-1].inv() * turn[1:]).as_rotvec() / np.diff(rows[:, 1] * 1e-6)[:, None]
    np.testing.assert_allclose(result.series.gyr[[0, -1]], rate[[0, -1]], atol=1e-6)
    assert result.loss.received == len(rows)
    assert result.loss.lost == np.sum(np.rint(np.diff(rows[:, 1]) / 16667) - 1)
    assert result.series.sampling_rate == pytest.approx(60.0, rel=1e-3)
    assert check_units(result.series, "left_shank") == ()
    assert any("REBUILT" in note for note in result.notes)


def test_rebuilt_is_what_the_sensor_felt(tmp_path):
    """A known turning sensor: exact acc, and gyr to the curvature of the rate within two steps."""
    from scipy.spatial.transform import Rotation

    time = np.arange(300) / 60
    angle = 0.5 * np.sin(2 * np.pi * time)
    turn = Rotation.from_euler("ZX", np.column_stack([0.3 + 0 * time, angle]))
    free = np.column_stack([np.sin(time), np.cos(time), 0.1 * time])
    quat = turn.as_quat()[:, [3, 0, 1, 2]]
    head = "PacketCounter,SampleTimeFine,Quat_W,Quat_X,Quat_Y,Quat_Z,FreeAcc_X,FreeAcc_Y,FreeAcc_Z"
    keep = [i for i in range(300) if i not in (100, 101)]
    body = [
        ",".join([str(i), str(round(i * 1e6 / 60)), *(f"{v:.9f}" for v in (*quat[i], *free[i]))]) for i in keep
    ]
    path = tmp_path / "dot.csv"
    path.write_text("\n".join(["DeviceTag:,a", "OutputRate:,60Hz", head, *body]) + "\n")
    result = read(path, "left_shank", rebuild=True)
    there = result.series.is_valid
    assert there.sum() == 298
    np.testing.assert_allclose(
        result.series.acc[there], turn.inv().apply(free + [0, 0, 9.80665])[there], atol=1e-6
    )
    np.testing.assert_allclose(result.series.gyr[2:98, 0], np.pi * np.cos(2 * np.pi * time[2:98]), atol=0.02)
    np.testing.assert_allclose(result.series.gyr[2:98, 1:], 0, atol=1e-4)
    assert np.abs(result.series.gyr[[99, 102], 0] - np.pi * np.cos(2 * np.pi * time[[99, 102]])).max() < 0.2


def test_real_layout_with_rates(shared, tmp_path, swing):
    """The real file's own preamble and clock, its orientation columns exchanged for rates."""
    path = shared / "data/importer_files/xsensdot_LTibia_20210820_202113_811.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("PacketCounter"))
    header = lines[at].replace(
        "Quat_W,Quat_X,Quat_Y,Quat_Z,FreeAcc_X,FreeAcc_Y,FreeAcc_Z", "Acc_X,Acc_Y,Acc_Z,Gyr_X,Gyr_Y,Gyr_Z"
    )
    body = lines[at + 1 :]
    values = np.column_stack([swing[1], np.rad2deg(swing[2])])[: len(body)]
    new = [
        ",".join([*line.split(",")[:2], *(f"{v:.6f}" for v in value), line.split(",")[-1]])
        for line, value in zip(body, values, strict=True)
    ]
    (tmp_path / "dot.csv").write_text("\n".join([*lines[:at], header, *new]), encoding="utf-8")
    result = read(tmp_path / "dot.csv", "left_shank")
    ticks = np.array([int(line.split(",")[1]) for line in body])
    lost = np.sum(np.rint(np.diff(ticks) / 16667) - 1)
    assert (result.loss.received, result.loss.lost) == (len(body), lost)
    assert result.series.sampling_rate == pytest.approx(60, rel=1e-3)
    np.testing.assert_allclose(result.series.time[-1], (ticks[-1] - ticks[0]) * 1e-6, rtol=1e-12)
    assert check_units(result.series, "left_shank") == ()
