"""Recordings of real sensors against an independent reading: another library, or the bytes by hand."""

from __future__ import annotations

import json
import re
import struct

import numpy as np
import pytest

from ankle_imu.calibration.plausibility import check_units
from ankle_imu.errors import RecordingError
from ankle_imu.interchange import NotTold, read, recognise

G = 9.80665


@pytest.fixture(scope="session")
def vendor_files(shared):
    return shared / "data/importer_files"


@pytest.fixture(scope="session")
def vectors(shared):
    return shared / "protocols/vectors/files"


def test_axivity_ax6(vendor_files):
    """Numbers of scikit-digital-health 0.17.18 `ReadCwa`, in g and deg/s; count and rate by hand."""
    path = vendor_files / "axivity_ax6_sample.cwa"
    assert recognise(path) == "axivity_cwa"
    result = read(path, "left_foot")
    acc, gyr = result.series.acc / G, np.rad2deg(result.series.gyr)
    np.testing.assert_allclose(acc[0], [-0.51855469, -0.02392578, -0.07714844], atol=1e-8)
    np.testing.assert_allclose(acc[-1], [-0.20068359, -0.00585938, 1.04638672], atol=1e-8)
    np.testing.assert_allclose(gyr[0], [-66.22314453, -27.22167969, 104.73632812], atol=1e-8)
    np.testing.assert_allclose(gyr[-1], [-41.80908203, -168.09082031, 16.47949219], atol=1e-8)
    raw = path.read_bytes()
    blocks = [raw[at : at + 512] for at in range(1024, len(raw), 512)]
    stamps = [b[4] + 256 * b[5] - 0x8000 + 32768 * (b[14] & 63) + 32768 * 60 * ((b[14] + 256 * b[15]) >> 6 & 63)
              for b in blocks]  # fmt: skip
    seconds = (stamps[-1] - stamps[0]) / 32768
    assert (len(acc), result.loss.lost) == (40 * len(blocks), 0) == (10360, 0)
    assert result.series.sampling_rate == pytest.approx(40 * (len(blocks) - 1) / seconds, rel=2e-4)
    assert result.sensor.nominal_rate_hz == 100.0
    assert (result.sensor.serial, result.sensor.acc_range_g, result.sensor.gyr_range_dps) == (
        "6011802",
        16.0,
        2000.0,
    )
    assert result.clock_start_s == pytest.approx(1_572_339_786.3, abs=0.05)  # skdh: 2019-10-29 09:03:06.3
    assert check_units(result.series, "left_foot") == ()


def test_ax6_range_by_physics(vendor_files):
    """dh/dt = -w x h for the direction h of gravity: the slope tells gyr's scale without any document."""
    from scipy.signal import butter, filtfilt

    series = read(vendor_files / "axivity_ax6_sample.cwa", "left_foot").series
    low = butter(2, 1.0 / (series.sampling_rate / 2))
    up = filtfilt(*low, series.acc, axis=0)
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    turned = np.gradient(up, axis=0) * series.sampling_rate
    told = -np.cross(filtfilt(*low, series.gyr, axis=0), up)
    quiet = np.abs(np.linalg.norm(series.acc, axis=1) - G) < 1.0
    slope = (turned[quiet] * told[quiet]).sum() / (told[quiet] ** 2).sum()
    assert 0.8 < slope < 1.25  # 0.5 or 2 with the other reading of the document


@pytest.mark.parametrize(
    ("name", "n", "acc", "gyr", "serial"),
    [
        ("7FAD", 9597, [0.49337402, 0.29698242, 9.97765137], [0.30517578, 0.24414062, -0.12207031], "fd:7f:ad"),
        ("922A", 9597, None, None, "b5:92:2a"),
    ],
)
def test_nilspod(vendor_files, name, n, acc, gyr, serial):
    """Numbers of nilspodlib 4.1.2 (which takes 9.81 m/s^2 for a g); the other file by `struct`."""
    path = vendor_files / f"NilsPodX-{name}_20190430_0933.bin"
    assert recognise(path) == "nilspod"
    result = read(path, "left_foot")
    raw = path.read_bytes()
    first = struct.unpack_from("<6hI", raw, 52)
    last = struct.unpack_from("<6hI", raw, 52 + 16 * (n - 1))
    series = result.series
    for at, row in ((0, first), (-1, last)):
        np.testing.assert_allclose(series.acc[at], np.array(row[3:6]) / 2048 * G, rtol=1e-12)
        np.testing.assert_allclose(np.rad2deg(series.gyr[at]), np.array(row[:3]) / 32768 * 2000, atol=1e-9)
    if acc:
        np.testing.assert_allclose(series.acc[0], np.array(acc) * G / 9.81, atol=1e-6)
        np.testing.assert_allclose(np.rad2deg(series.gyr[0]), gyr, atol=1e-6)
    assert result.loss.received + result.loss.reasons.get("repeated", 0) == n
    assert len(series.time) == last[6] - first[6] + 1
    assert series.sampling_rate == pytest.approx(204.8)
    assert result.started_utc == "2019-04-30T07:33:12.001Z"
    assert result.sensor.serial.endswith(serial)


def test_synchronised_nilspods_share_a_clock(vendor_files):
    starts = [read(p, "left_foot").clock_start_s for p in sorted(vendor_files.glob("NilsPodX-*.bin"))]
    assert starts == [5568922 / 204.8] * 2


@pytest.mark.parametrize(
    ("name", "separator"), [("ROT_EULER_TAB_00B42D4F", "\t"), ("ROT_MAT_COMMA_00B42D4B", ","),
                            ("ROT_MAT_SEMICOLON_00B42D4B", ";"), ("ROT_ALL_TAB_NAN_00B42D4B", "\t")],
)  # fmt: skip
def test_mt_manager(vendor_files, name, separator):
    """Cells by hand: the names in the 13th line, the numbers under them."""
    path = vendor_files / f"xsens_MT2022_ACC_GYRO_{name}.txt"
    assert recognise(path) == "mt_manager"
    with pytest.raises(NotTold, match="--rate"):
        read(path, "left_foot")
    result = read(path, "left_foot", rate=60.0)
    lines = path.read_text().splitlines()
    names = lines[12].split(separator)
    rows = [dict(zip(names, line.split(separator), strict=True)) for line in lines[13:]]
    values = np.array([[float(row[f"{q}_{a}"]) for q in ("Acc", "Gyr") for a in "XYZ"] for row in rows])
    good = np.isfinite(values).all(axis=1)
    np.testing.assert_array_equal(result.series.acc[good], values[good, :3])
    np.testing.assert_array_equal(result.series.gyr[good], values[good, 3:])
    assert (len(result.series.time), result.loss.lost) == (5, int((~good).sum()))
    assert result.sensor.serial == name[-8:]
    assert (result.sensor.model, result.sensor.firmware) == ("MTW2-3A7G6", "4.4.0")
    assert np.linalg.norm(result.series.acc[good][0]) == pytest.approx(9.9, abs=0.2)


@pytest.mark.parametrize(("label", "at", "serial"), [("Left Foot", 3, "6570"), ("Right Ankle", 1, "5778")])
def test_apdm_csv(vendor_files, label, at, serial):
    """Cells by hand: each sensor has 14 columns (3 x 3, barometer, 4 of orientation) after the time."""
    path = vendor_files / "apdm_format7.csv"
    assert recognise(path) == "apdm_csv"
    result = read(path, "left_foot", device=label)
    rows = [[float(cell) for cell in line.split(",")] for line in path.read_text().splitlines()[3:]]
    values = np.array([row[1 + 14 * at : 7 + 14 * at] for row in rows])
    np.testing.assert_array_equal(result.series.acc, values[:, :3])
    np.testing.assert_array_equal(result.series.gyr, values[:, 3:])
    np.testing.assert_allclose(result.series.time, [(row[0] - rows[0][0]) * 1e-6 for row in rows], atol=1e-9)
    assert result.series.sampling_rate == pytest.approx(128.0, rel=1e-3)
    assert (result.sensor.serial, result.started_utc) == (serial, "2019-02-22T23:51:44.438Z")
    assert 8.5 < np.linalg.norm(result.series.acc[0]) < 11.0


def test_apdm_feet_are_found_by_placement(vendor_files):
    path = vendor_files / "apdm_format7.csv"
    assert [read(path, f"{leg}_foot").sensor.serial for leg in ("left", "right")] == ["6570", "6833"]
    with pytest.raises(NotTold, match="Left Ankle"):
        read(path, "left_shank")


def test_movesense_log_and_its_json(vectors):
    """The maker's own converter gave the JSON of the same log."""
    log, text = (read(vectors / f"movesense-imu9-prefix.{end}", "left_foot") for end in ("sbem", "expected.json"))
    assert (log.format, text.format) == ("movesense_sbem", "movesense_json")
    np.testing.assert_allclose(log.series.acc, text.series.acc, atol=1e-6)
    np.testing.assert_allclose(log.series.gyr, text.series.gyr, atol=1e-6)
    np.testing.assert_allclose(log.series.time, text.series.time, atol=1e-9)
    samples = json.loads((vectors / "movesense-imu9-prefix.expected.json").read_text())["Samples"]
    packets = [p["MeasIMU9"] for p in samples if "MeasIMU9" in p]
    first, last = packets[0], packets[-1]
    assert log.loss.received == sum(len(p["ArrayAcc"][0]["x"]) for p in packets) == 156
    np.testing.assert_allclose(log.series.acc[0], [first["ArrayAcc"][0][a][0] for a in "xyz"], atol=1e-6)
    np.testing.assert_allclose(
        np.rad2deg(log.series.gyr[-1]), [last["ArrayGyro"][0][a][-1] for a in "xyz"], atol=1e-4
    )
    span = last["MeasIMU9"]["Timestamp"] - first["MeasIMU9"]["Timestamp"]
    assert log.series.sampling_rate == pytest.approx(152 / span * 1000, rel=5e-3)


def test_movesense_log_without_motion(vectors):
    with pytest.raises(RecordingError, match="log IMU6 or IMU9"):
        read(vectors / "movesense-ecg-flash-log.sbem", "left_foot")


def test_witmotion_flash(vectors):
    """Frames by `struct`; the vendor's log keeps 20 Hz to the millisecond."""
    path = vectors / "witmotion-wt901sdcl-flash-20hz-head.bin"
    assert recognise(path) == "witmotion_flash"
    result = read(path, "left_foot")
    raw = path.read_bytes()
    first, last = struct.unpack_from("<6h", raw, 2), struct.unpack_from("<6h", raw, len(raw) - 26)
    for at, row in ((0, first), (-1, last)):
        np.testing.assert_allclose(result.series.acc[at] / G, np.array(row[:3]) / 2048, rtol=1e-12)
        np.testing.assert_allclose(np.rad2deg(result.series.gyr[at]), np.array(row[3:]) / 32768 * 2000, atol=1e-9)
    assert (result.loss.received, result.loss.lost) == (len(raw) // 28, 0) == (400, 0)
    assert result.series.sampling_rate == pytest.approx(20.0)
    assert any("2026-06-22 14:41:01.793" in note for note in result.notes)


@pytest.mark.parametrize(
    "name",
    ["axivity_ax6_sample.cwa", "NilsPodX-7FAD_20190430_0933.bin", "NilsPodX-922A_20190430_0933.bin"],
)
def test_real_files_cut_anywhere(vendor_files, tmp_path, name):
    raw = (vendor_files / name).read_bytes()
    whole = read(vendor_files / name, "left_foot").series
    readable = 0
    for cut in np.linspace(0, len(raw), 25).astype(int):
        (tmp_path / name).write_bytes(raw[:cut])
        try:
            part = read(tmp_path / name, "left_foot").series
        except RecordingError:
            continue
        n = len(part.time)
        np.testing.assert_array_equal(part.acc, whole.acc[:n])
        np.testing.assert_array_equal(part.gyr, whole.gyr[:n])
        np.testing.assert_allclose(part.time, whole.time[:n], atol=0.02)
        readable += 1
    assert readable >= 23


def test_flipped_bits_of_an_ax6_cost_their_block(vendor_files, tmp_path):
    raw = bytearray((vendor_files / "axivity_ax6_sample.cwa").read_bytes())
    whole = read(vendor_files / "axivity_ax6_sample.cwa", "left_foot").series
    for block in (20, 90, 91):
        raw[1024 + 512 * block + 100] ^= 0x10
    (tmp_path / "a.cwa").write_bytes(bytes(raw))
    result = read(tmp_path / "a.cwa", "left_foot")
    assert (result.loss.lost, result.loss.received) == (120, 10240)
    there = result.series.is_valid
    np.testing.assert_array_equal(result.series.acc[there], whole.acc[there])
    np.testing.assert_allclose(result.series.time, whole.time, atol=2e-3)


TEXTS = {
    "apdm_format7.csv": {},
    "xsens_MT2022_ACC_GYRO_ROT_ALL_TAB_NAN_00B42D4B.txt": {"rate": 60.0},
    "xsens_MT2022_ACC_GYRO_ROT_EULER_TAB_00B42D4F.txt": {"rate": 60.0},
    "xsens_MT2022_ACC_GYRO_ROT_MAT_COMMA_00B42D4B.txt": {"rate": 60.0},
    "xsens_MT2022_ACC_GYRO_ROT_MAT_SEMICOLON_00B42D4B.txt": {"rate": 60.0},
    "xsensdot_LTibia_20210820_202113_811.csv": {"rebuild": True},
    "xsensdot_RTibia_20210820_202113_825.csv": {"rebuild": True},
}
every_text = pytest.mark.parametrize(("name", "options"), TEXTS.items(), ids=TEXTS)


def same(one, other) -> None:
    for name in ("time", "acc", "gyr"):
        np.testing.assert_array_equal(getattr(one.series, name), getattr(other.series, name))


@every_text
def test_real_texts_saved_in_other_ways(vendor_files, tmp_path, name, options):
    whole = read(vendor_files / name, "left_foot", **options)
    raw = (vendor_files / name).read_bytes().replace(b"\r\n", b"\n")
    for k, changed in enumerate((b"\xef\xbb\xbf" + raw, raw.replace(b"\n", b"\r\n"), raw.rstrip(b"\n") + b"\n\n")):
        path = tmp_path / f"{k}_{name}"
        path.write_bytes(changed)
        same(read(path, "left_foot", **options), whole)


@every_text
def test_real_texts_of_another_locale(vendor_files, tmp_path, name, options):
    """Decimal commas: the same numbers between semicolons or tabs, a refusal between commas."""
    whole = read(vendor_files / name, "left_foot", **options)
    text = (vendor_files / name).read_text(encoding="utf-8")
    path = tmp_path / name
    path.write_text(re.sub(r"(?<=\d)\.(?=\d{4})", ",", text.replace(",", ";")), encoding="utf-8")
    same(read(path, "left_foot", **options), whole)
    if "," in text.splitlines()[-1]:
        path.write_text(re.sub(r"(?<=\d)\.(?=\d{4})", ",", text), encoding="utf-8")
        with pytest.raises(RecordingError):
            read(path, "left_foot", **options)


@every_text
def test_real_texts_cut_anywhere(vendor_files, tmp_path, name, options):
    whole = read(vendor_files / name, "left_foot", **options).series
    raw = (vendor_files / name).read_bytes()
    readable = 0
    for cut in np.linspace(0, len(raw) - 1, 40).astype(int):
        (tmp_path / name).write_bytes(raw[:cut])
        try:
            part = read(tmp_path / name, "left_foot", **options).series
        except RecordingError as error:
            assert "\n" not in str(error)  # noqa: PT017
            continue
        there = np.flatnonzero(part.is_valid)
        np.testing.assert_array_equal(part.acc[there], whole.acc[there])
        inner = there[:-1] if options.get("rebuild") else there  # the last rate has one side only
        np.testing.assert_array_equal(part.gyr[inner], whole.gyr[inner])
        readable += 1
    assert readable


def test_ten_times_longer_real_files(vendor_files, tmp_path):
    """The same recording ten times in a row, its counters and clocks going on."""
    raw = (vendor_files / "axivity_ax6_sample.cwa").read_bytes()
    blocks = np.frombuffer(raw[1024:], "u1").reshape(-1, 512)
    copies = [raw[:1024]]
    for k in range(10):
        more = blocks.copy()
        more[:, 10:14] = (np.arange(len(blocks)) + k * len(blocks)).astype("<u4").view("u1").reshape(-1, 4)
        packed = more[:, 14:18].copy().view("<u4")[:, 0].astype(np.int64)
        seconds = (packed >> 12 & 31) * 3600 + (packed >> 6 & 63) * 60 + (packed & 63) + 105 * k
        clock = (packed >> 17 << 17) | (seconds // 3600 << 12) | (seconds // 60 % 60 << 6) | seconds % 60
        more[:, 14:18] = clock.astype("<u4").view("u1").reshape(-1, 4)
        words = more[:, :510].copy().view("<u2").sum(axis=1, dtype=np.uint16)
        more[:, 510:] = (-words.astype(np.int64) % 65536).astype("<u2").view("u1").reshape(-1, 2)
        copies.append(more.tobytes())
    (tmp_path / "ten.cwa").write_bytes(b"".join(copies))
    once, ten = (read(p, "left_foot") for p in (vendor_files / "axivity_ax6_sample.cwa", tmp_path / "ten.cwa"))
    assert (ten.loss.received, ten.loss.lost) == (103600, 0)
    np.testing.assert_array_equal(ten.series.acc, np.tile(once.series.acc, (10, 1)))
    assert ten.series.duration == pytest.approx(9 * 105 + 105.3, abs=0.3)

    raw = (vendor_files / "NilsPodX-7FAD_20190430_0933.bin").read_bytes()
    rows = np.frombuffer(raw[52 : 52 + 16 * 9597], "u1").reshape(-1, 16)
    many = np.tile(rows, (10, 1))
    many[:, 12:] = (5568922 + np.arange(95970)).astype("<u4").view("u1").reshape(-1, 4)
    head = bytearray(raw[:52])
    head[23:27] = (95970).to_bytes(4, "little")
    (tmp_path / "ten.bin").write_bytes(bytes(head) + many.tobytes())
    ten = read(tmp_path / "ten.bin", "left_foot")
    assert (ten.loss.received, ten.loss.lost, ten.series.sampling_rate) == (95970, 0, pytest.approx(204.8))
    once = read(vendor_files / "NilsPodX-7FAD_20190430_0933.bin", "left_foot")
    np.testing.assert_array_equal(ten.series.gyr, np.tile(once.series.gyr, (10, 1)))


@pytest.mark.parametrize(("name", "at", "first"), [("apdm_format7.csv", 0, 3), *(
    (name, 0, 13) for name in TEXTS if "MT2022" in name)])  # fmt: skip
def test_ten_times_longer_real_texts(vendor_files, tmp_path, name, at, first):
    lines = (vendor_files / name).read_text(encoding="utf-8").splitlines()
    separator = next(s for s in ("\t", ";", ",") if s in lines[first])
    head, rows = lines[:first], [line.split(separator) for line in lines[first:]]
    step = int(rows[1][at]) - int(rows[0][at])
    many = []
    for k in range(10 * len(rows)):
        cells = list(rows[k % len(rows)])
        cells[at] = str(int(rows[0][at]) + k * step)
        many.append(separator.join(cells))
    (tmp_path / name).write_text("\n".join([*head, *many]) + "\n", encoding="utf-8")
    options = TEXTS[name]
    once, ten = (read(folder / name, "left_foot", **options) for folder in (vendor_files, tmp_path))
    assert ten.loss.expected == 10 * once.loss.expected
    np.testing.assert_array_equal(ten.series.acc, np.tile(once.series.acc, (10, 1)))
    assert ten.series.sampling_rate == pytest.approx(once.series.sampling_rate, rel=1e-3)
