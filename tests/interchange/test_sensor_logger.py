from __future__ import annotations

import zipfile

import numpy as np
import pytest

from ankle_imu.errors import CorruptRecording, RecordingError
from ankle_imu.interchange import read, recognise
from ankle_imu.values import Marker

T0 = 1_787_903_504_000_000_000
META = (
    "version,device name,recording epoch time,recording time,recording timezone,platform,appVersion,device id,"
    "sensors,sampleRateMs,standardisation,platform version\n"
    "3,Test Phone,1787903504000,2026-08-28_07-51-44,Asia/Kolkata,{platform},1.64,abc,Accelerometer|Gyroscope,"
    "10|10,{standard},36\n"
)


def stream(times_s, xyz):
    rows = [
        f"{T0 + round(t * 1e9)},{t:.9f},{z!r},{y!r},{x!r}"
        for t, (x, y, z) in zip(times_s, np.asarray(xyz).tolist(), strict=True)
    ]
    return "time,seconds_elapsed,z,y,x\n" + "\n".join(rows) + "\n"


def pack(tmp_path, files, name="walk.zip"):
    path = tmp_path / name
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in files.items():
            archive.writestr(member, text)
    return path


@pytest.fixture
def walk(swing):
    t, acc, gyr = swing
    gravity = np.column_stack([acc[:, 0] * 0.5, acc[:, 1] * 0.0, acc[:, 2] * 0.5])
    return t, acc, gyr, gravity


def android(walk, **more):
    t, acc, gyr, _ = walk
    return {
        "TotalAcceleration.csv": stream(t, acc),
        "Accelerometer.csv": stream(t, acc * 0),
        "Gyroscope.csv": stream(t, gyr),
        "Metadata.csv": META.format(platform="android", standard="false"),
        **more,
    }


def ios(walk, standard="false", sign=-1.0):
    t, acc, gyr, gravity = walk
    return {
        "Accelerometer.csv": stream(t, sign * (acc - gravity)),
        "Gravity.csv": stream(t, sign * gravity),
        "Gyroscope.csv": stream(t, gyr),
        "Metadata.csv": META.format(platform="ios", standard=standard),
    }


def test_android_total_acceleration(tmp_path, walk):
    path = pack(tmp_path, android(walk))
    assert recognise(path) == "sensor_logger"
    result = read(path, "left_shank")
    np.testing.assert_array_equal(result.series.acc, walk[1])
    np.testing.assert_array_equal(result.series.gyr, walk[2])
    np.testing.assert_allclose(result.series.time, walk[0], atol=1e-9)
    assert result.started_utc == "2026-08-28T07:51:44.000Z"
    assert (result.loss.lost, result.sensor.serial) == (0, "Test Phone")


@pytest.mark.parametrize(("standard", "sign"), [("false", -1.0), ("true", 1.0)])
def test_ios_has_the_other_sign_unless_standardised(tmp_path, walk, standard, sign):
    result = read(pack(tmp_path, ios(walk, standard, sign)), "left_shank")
    np.testing.assert_allclose(result.series.acc, walk[1], atol=1e-12)
    np.testing.assert_array_equal(result.series.gyr, walk[2])


def test_platform_must_be_known_for_the_sign(tmp_path, walk):
    files = ios(walk)
    del files["Metadata.csv"]
    path = pack(tmp_path, files)
    with pytest.raises(RecordingError, match="opposite signs; say the platform"):
        read(path, "left_shank")
    np.testing.assert_allclose(read(path, "left_shank", platform="ios").series.acc, walk[1], atol=1e-12)
    with pytest.raises(ValueError, match="Unknown platform 'symbian'"):
        read(path, "left_shank", platform="symbian")


def test_only_gravity_free_acceleration_is_refused(tmp_path, walk):
    files = ios(walk)
    del files["Gravity.csv"]
    with pytest.raises(RecordingError, match="only acceleration without gravity"):
        read(pack(tmp_path, files), "left_shank")


@pytest.mark.parametrize("missing", ["Gyroscope.csv", "TotalAcceleration.csv"])
def test_missing_sensor_is_named(tmp_path, walk, missing):
    files = android(walk)
    del files["Accelerometer.csv"], files[missing]
    with pytest.raises(RecordingError, match=r"no Gyroscope\.csv|no acceleration"):
        read(pack(tmp_path, files), "left_shank", "sensor_logger")


def test_different_time_stamps_are_joined_on_the_gyroscopes(tmp_path):
    """acc a straight line in time: linear interpolation is exact; it starts later and ends earlier than gyr."""
    tg = np.arange(500) / 100
    ta = 0.503 + np.arange(200) / 52
    ramp = lambda t: np.column_stack([t, 2 * t, 9.8 - t])  # noqa: E731
    files = {"TotalAcceleration.csv": stream(ta, ramp(ta)), "Gyroscope.csv": stream(tg, ramp(tg) / 10)}
    result = read(pack(tmp_path, files), "left_foot")
    used = tg[(tg >= ta[0]) & (tg <= ta[-1])]
    np.testing.assert_allclose(result.series.acc, ramp(used), atol=1e-8)
    np.testing.assert_array_equal(result.series.gyr, (ramp(tg) / 10)[(tg >= ta[0]) & (tg <= ta[-1])])
    assert result.started_utc == "2026-08-28T07:51:44.510Z"


def test_gap_of_one_stream_is_not_bridged(tmp_path, walk):
    t, acc, _, _ = walk
    keep = (t < 3.0) | (t > 4.0)
    files = android(walk) | {"TotalAcceleration.csv": stream(t[keep], acc[keep])}
    result = read(pack(tmp_path, files), "left_foot")
    inside = (result.series.time >= 3.0) & (result.series.time <= 4.0)
    assert np.isnan(result.series.acc[inside]).all()
    assert result.series.is_valid[~inside].all()
    assert result.loss.lost == inside.sum()


def test_annotations_become_markers(tmp_path, walk):
    text = "time,seconds_elapsed,millisecond_press_duration,text\n"
    text += f'{T0 + 2_500_000_000},2.5,120,"rolled it, left"\n{T0 + 4_000_000_000},4.0,80,\n'
    result = read(pack(tmp_path, android(walk, **{"Annotation.csv": text})), "left_foot")
    assert result.markers == (Marker(time_s=2.5, text="rolled it, left"), Marker(time_s=4.0, text="marker"))


def test_unpacked_folder_and_zip_with_a_folder_read_alike(tmp_path, walk):
    files = android(walk)
    folder = tmp_path / "walk"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    inner = read(pack(tmp_path, {f"2026/{name}": text for name, text in files.items()}), "left_foot")
    np.testing.assert_array_equal(read(folder, "left_foot").series.acc, inner.series.acc)


def test_two_recordings_in_one_zip_are_refused(tmp_path, walk):
    files = android(walk)
    both = {f"{part}/{name}": text for part in "ab" for name, text in files.items()}
    with pytest.raises(RecordingError, match="several recordings"):
        read(pack(tmp_path, both), "left_foot")


def test_cut_or_damaged_zip(tmp_path, walk):
    path = tmp_path / "walk.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in android(walk).items():
            archive.writestr(name, text)
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(CorruptRecording, match="damaged"):
        read(path, "left_foot")
    for at in range(200, len(raw) - 2000, 3001):
        path.write_bytes(raw[:at] + bytes([raw[at] ^ 0x55]) + raw[at + 1 :])
        with pytest.raises(CorruptRecording):
            read(path, "left_foot", "sensor_logger")
