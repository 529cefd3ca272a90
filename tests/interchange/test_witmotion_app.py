from __future__ import annotations

import numpy as np
import pytest

from ankle_imu.errors import RecordingError
from ankle_imu.interchange import read, witmotion_app

NEW = [
    "Time", "Device name", "Chip Time()",
    "Acceleration X(g)", "Acceleration Y(g)", "Acceleration Z(g)",
    "Angular velocity X(°/s)", "Angular velocity Y(°/s)", "Angular velocity Z(°/s)",
    "Angle X(°)", "Angle Y(°)", "Angle Z(°)",
]  # fmt: skip
OLD = [
    "time", "DeviceName", "Version()", "Temperature(°C)",
    "AccX(g)", "AccY(g)", "AccZ(g)", "AsX(°/s)", "AsY(°/s)", "AsZ(°/s)", "AngleX(°)", "AngleY(°)", "AngleZ(°)",
]  # fmt: skip
LEFT, RIGHT = "WT901BLE67(d6-a8-b9-ee-a0-b7)", "WT901BLE67(c0-11-22-33-44-55)"


def clock(seconds: float) -> str:
    ms = round(seconds * 1000) % 86_400_000
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"


def new_rows(n, rate=20.0, start=59583.24, device=LEFT, chip="2025-11-12 {}"):
    return [
        [f" {clock(start + i / rate)}", device, chip.format(clock(start + i / rate)),
         f"{i / 1000:.3f}", "0.5", "-1.0", str(i), "-90", "180", "0", "0", "0"]
        for i in range(n)
    ]  # fmt: skip


def old_rows(times, device=LEFT):
    return [
        [t, device, "9.1.1", "30.1", f"{i / 1000:.3f}", "0.5", "-1.0", str(i), "-90", "180", "0", "0", "0"]
        for i, t in enumerate(times)
    ]


def save(tmp_path, header, rows, separator="\t", encoding="utf-8"):
    path = tmp_path / "data.txt"
    path.write_bytes(("\n".join(separator.join(row) for row in [header, *rows]) + "\n").encode(encoding))
    return path


@pytest.mark.parametrize("separator", ["\t", ","])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_new_header(tmp_path, separator, encoding):
    result = read(save(tmp_path, NEW, new_rows(100), separator, encoding), "left_foot")
    assert result.format == "witmotion_app"
    np.testing.assert_allclose(result.series.acc[7] / 9.80665, [0.007, 0.5, -1.0])
    np.testing.assert_allclose(np.rad2deg(result.series.gyr[7]), [7, -90, 180])
    np.testing.assert_allclose(result.series.time, np.arange(100) / 20, atol=1e-9)
    assert (result.sensor.serial, result.loss.received, result.loss.lost) == (LEFT, 100, 0)
    assert (result.acc_unit, result.gyr_unit, result.started_utc) == ("g", "deg/s", "")
    assert any("16:33:03.240" in note for note in result.notes)


@pytest.mark.parametrize(
    "stamp",
    [
        lambda ms: (
            f"2025-10-9 8:{ms // 60000}:{ms // 1000 % 60}:{ms % 1000}"
        ),  # unpadded milliseconds after a colon
        lambda ms: f"2025-10-9 8:{ms // 60000}:{ms // 1000 % 60}.{ms % 1000}",  # and after a point
        lambda ms: f"10/9/2025 08:{ms // 60000:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}",
        lambda ms: f"2025-10-09T08:{ms // 60000:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}",
    ],
)
def test_old_header_and_its_clocks(tmp_path, stamp):
    result = read(save(tmp_path, OLD, old_rows([stamp(i * 20) for i in range(150)])), "left_foot")
    np.testing.assert_allclose(result.series.time, np.arange(150) / 50, atol=1e-9)
    np.testing.assert_allclose(result.series.acc[9] / 9.80665, [0.009, 0.5, -1.0])
    assert result.loss.lost == 0


def test_one_of_several_sensors(tmp_path):
    left, right = new_rows(50), new_rows(40, device=RIGHT)
    mixed = [row for pair in zip(left, right, strict=False) for row in pair] + left[40:]
    path = save(tmp_path, NEW, mixed)
    assert witmotion_app.devices(path) == {LEFT: 50, RIGHT: 40}
    with pytest.raises(RecordingError, match=r"choose one device out of .*b7\) \(50 rows\), .*55\) \(40 rows\)"):
        read(path, "left_foot")
    with pytest.raises(RecordingError, match="'WT901' names 2 of"):
        read(path, "left_foot", device="WT901")
    assert read(path, "left_foot", device="C0-11").loss.received == 40
    assert read(path, "left_foot", device=LEFT).loss.received == 50


def test_samples_of_one_message_are_spread(tmp_path):
    """8 samples a message every 40 ms (200 Hz) with 10 ms of jitter and no clock in the sensor."""
    rng = np.random.default_rng(1)
    message = 3600 + np.arange(100) * 0.04 + rng.uniform(0, 0.01, 100)
    times = np.repeat(message, 8)
    rows = new_rows(800, chip="null")
    for row, t in zip(rows, times, strict=True):
        row[0] = clock(t)
    result = read(save(tmp_path, NEW, rows), "left_foot")
    assert result.loss.received == 800
    assert result.loss.lost == 0
    assert result.series.sampling_rate == pytest.approx(200, rel=5e-3)
    np.testing.assert_allclose(np.diff(result.series.time), 1 / 200, rtol=6e-3)


def test_pause_in_the_messages_stays_open(tmp_path):
    message = 3600 + np.concatenate([np.arange(100), np.arange(150, 250)]) * 0.04
    rows = new_rows(1600, chip="null")
    for row, t in zip(rows, np.repeat(message, 8), strict=True):
        row[0] = clock(t)
    result = read(save(tmp_path, NEW, rows), "left_foot")
    assert result.loss.received == 1600
    assert result.loss.lost == pytest.approx(400, abs=4)
    assert result.series.duration == pytest.approx(250 * 0.04, abs=0.05)


def test_midnight(tmp_path):
    result = read(save(tmp_path, NEW, new_rows(100, start=86398.0)), "left_foot")
    np.testing.assert_allclose(result.series.time, np.arange(100) / 20, atol=1e-9)


def test_frames_sent_again_after_a_disconnect_are_dropped(tmp_path):
    rows = new_rows(400)
    rows[200:200] = [list(row) for row in rows[185:200]]
    result = read(save(tmp_path, NEW, rows), "left_foot")
    assert result.loss.reasons == {"repeated": 15}
    np.testing.assert_allclose(result.series.acc[:, 0] / 9.80665, np.arange(400) / 1000)


def test_decimal_commas(tmp_path):
    rows = [[cell.replace(".", ",") if i > 2 else cell for i, cell in enumerate(row)] for row in new_rows(60)]
    np.testing.assert_allclose(read(save(tmp_path, NEW, rows), "left_foot").series.acc[7, 0] / 9.80665, 0.007)
    with pytest.raises(RecordingError, match="decimal commas between comma-separated"):
        read(save(tmp_path, NEW, rows, ","), "left_foot")


def test_no_time_at_all(tmp_path):
    rows = new_rows(30, chip="null")
    for row in rows:
        row[0] = "soon"
    with pytest.raises(RecordingError, match="no time of day"):
        read(save(tmp_path, NEW, rows), "left_foot")


def test_clipped_values_are_counted(tmp_path):
    rows = new_rows(60)
    rows[3][4] = "15.9995"
    rows[9][8] = "-1999.94"
    assert read(save(tmp_path, NEW, rows), "left_foot").loss.clipped == 2
