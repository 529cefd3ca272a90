from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ankle_imu.calibration.plausibility import likely_units
from ankle_imu.errors import CorruptRecording, RecordingError
from ankle_imu.interchange import generic_csv, read
from ankle_imu.interchange.columns import parse_header
from ankle_imu.values import ImuSeries

HEADER = "time [s],acc_x [m/s^2],acc_y [m/s^2],acc_z [m/s^2],gyr_x (deg/s),gyr_y (deg/s),gyr_z (deg/s)"
ROWS = [f"{i / 100:.2f},{i}.5,0.25,9.75,{i}.0,-90.0,180.0" for i in range(20)]


def save(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def plain(tmp_path: Path, rows: list[str] = ROWS, header: str = HEADER, end: str = "\n") -> Path:
    return save(tmp_path / "walk.csv", end.join([header, *rows]) + end)


def check_plain(result) -> None:
    assert result.format == "generic_csv"
    np.testing.assert_array_equal(result.series.acc, [[i + 0.5, 0.25, 9.75] for i in range(20)])
    np.testing.assert_allclose(result.series.gyr[3], np.deg2rad([3.0, -90.0, 180.0]), rtol=1e-15)
    np.testing.assert_allclose(result.series.time, np.arange(20) / 100, atol=1e-12)
    assert result.series.sampling_rate == pytest.approx(100.0)
    assert (result.loss.expected, result.loss.received, result.loss.lost) == (20, 20, 0)


def test_obvious_headers_are_understood(tmp_path):
    check_plain(read(plain(tmp_path), "left_foot"))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("\n".join([HEADER, *ROWS]) + "\n", "utf-8-sig"),
        ("\n".join([HEADER, *ROWS]) + "\n", "utf-16"),
        ("\r\n".join([HEADER, *ROWS]) + "\r\n", "utf-8"),
        ("\n".join(["sep=,", "made by a logger", "", HEADER, *ROWS]) + "\n", "utf-8"),
        ("\n".join([HEADER, *ROWS]).replace(",", ";").replace(".", ",") + "\n", "utf-8"),
        ("\n".join([HEADER, *ROWS]).replace(",", "\t") + "\n", "utf-8"),
        ("\n".join([HEADER, *(row + "," for row in ROWS)]) + "\n", "utf-8"),
    ],
    ids=["bom", "utf-16", "crlf", "preamble", "decimal comma", "tab", "trailing separator"],
)
def test_ways_of_writing_the_same_numbers(tmp_path, text, encoding):
    check_plain(read(save(tmp_path / "walk.csv", text, encoding), "left_foot"))


def test_column_order_does_not_matter(tmp_path):
    header = "gyr_z (dps),acc_x [g],t [ms],acc_z [g],acc_y [g],gyr_y (dps),gyr_x (dps)"
    path = plain(tmp_path, [f"3,4,{i * 10},6,5,2,1" for i in range(10)], header)
    series = read(path, "right_shank").series
    np.testing.assert_allclose(series.acc[0] / 9.80665, [4, 5, 6])
    np.testing.assert_allclose(np.rad2deg(series.gyr[0]), [1, 2, 3])


def test_columns_of_the_placement_are_taken(tmp_path):
    names = [
        f"{leg}_foot_{q}_{a} [{u}]"
        for leg in ("left", "right")
        for q, u in (("acc", "g"), ("gyr", "dps"))
        for a in "xyz"
    ]
    path = plain(
        tmp_path, [f"{i / 50}," + ",".join(map(str, range(1, 13))) for i in range(9)], "time_s," + ",".join(names)
    )
    np.testing.assert_allclose(np.rad2deg(read(path, "right_foot").series.gyr[0]), [10, 11, 12])
    with pytest.raises(RecordingError, match="found 0 columns for acc"):
        read(path, "right_shank", "generic_csv")


def test_mapping_file(tmp_path):
    path = plain(tmp_path, [f"{i * 10000},1,2,3,4,5,6" for i in range(9)], "tick,a1,a2,a3,r1,r2,r3")
    mapping = save(
        tmp_path / "map.toml",
        'time = "tick"\nacc = ["a3", "a1", "a2"]\ngyr = ["r1", "r2", "r3"]\n'
        '[units]\ntime = "us"\nacc = "mg"\ngyr = "rad/s"\n',
    )
    series = read(path, "left_foot", mapping=mapping).series
    np.testing.assert_allclose(series.acc[0] / 9.80665e-3, [3, 1, 2])
    np.testing.assert_array_equal(series.gyr[0], [4, 5, 6])
    assert series.sampling_rate == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('acc = ["a"]', "acc needs three columns"),
        ("speed = 3", "unknown key speed"),
        ("acc = [", "no TOML"),
        ('[units]\nacc = "furlong"', "Unknown unit 'furlong'"),
    ],
)
def test_mapping_file_that_says_something_else(tmp_path, text, said):
    with pytest.raises(RecordingError, match=said):
        read(plain(tmp_path), "left_foot", mapping=save(tmp_path / "map.toml", text))


def test_mapped_column_that_is_not_there_lists_those_that_are(tmp_path):
    mapping = generic_csv.ColumnMapping(acc=("ax", "ay", "az"))
    with pytest.raises(RecordingError, match=r"no column ax, ay, az. Columns seen: time \[s\]"):
        read(plain(tmp_path), "left_foot", mapping=mapping)


def test_counted_rows_need_no_time_column(tmp_path):
    header = HEADER.removeprefix("time [s],")
    path = plain(tmp_path, [row.partition(",")[2] for row in ROWS], header)
    with pytest.raises(RecordingError, match="no time column"):
        read(path, "left_foot")
    assert read(path, "left_foot", mapping=generic_csv.ColumnMapping(sampling_rate=52.0)).series.sampling_rate == (
        pytest.approx(52.0)
    )


def test_unsaid_unit_is_asked_for_with_what_the_numbers_look_like(tmp_path, swing):
    t, acc, gyr = swing
    rows = [",".join(map(repr, row)) for row in np.column_stack([t, acc / 9.80665, np.rad2deg(gyr)]).tolist()]
    path = plain(tmp_path, rows, "time_s,acc_x,acc_y,acc_z,gyr_x,gyr_y,gyr_z")
    with pytest.raises(RecordingError, match=r"unit of acc and gyr is not said \(acc: m/s\^2, g, mg; gyr: rad/s"):
        read(path, "left_foot")
    with pytest.raises(RecordingError, match="look like acc in g and gyr in deg/s"):
        read(path, "left_foot", suggest_units=likely_units)


def test_unknown_headers_are_listed(tmp_path):
    path = plain(tmp_path, header="when,c1,c2,c3,c4,c5,c6")
    with pytest.raises(RecordingError, match="Columns seen: when, c1, c2"):
        read(path, "left_foot", "generic_csv")


def test_missing_rows_stay_open(tmp_path):
    rows = ROWS[:5] + ROWS[8:12] + ROWS[13:]
    result = read(plain(tmp_path, rows), "left_foot")
    assert len(result.series.time) == 20
    np.testing.assert_array_equal(np.flatnonzero(~result.series.is_valid), [5, 6, 7, 12])
    np.testing.assert_allclose(result.series.time, np.arange(20) / 100, atol=1e-12)
    assert (result.loss.lost, result.loss.reasons) == (4, {"missing": 4})
    assert result.series.acc[8, 0] == 8.5
    assert "4 samples lost in 2 gap(s), the longest 0.03 s" in result.notes


def test_repeated_and_unreadable_rows_are_counted(tmp_path):
    rows = [f"{i / 100:.2f},{i}.5,0.25,9.75,{i}.0,-90.0,180.0" for i in range(200)]
    rows[7] = "0.07,oops,0.25,9.75,7.0,-90.0,180.0"
    rows[9] = "0.09,inf,0.25,9.75,7.0,-90.0,180.0"
    rows.insert(21, rows[20])
    rows.insert(50, "0.49,1,2")
    result = read(plain(tmp_path, rows), "left_foot")
    assert result.loss.reasons == {"unreadable": 2, "repeated": 1, "malformed": 1}
    assert (result.loss.expected, result.loss.lost) == (200, 2)
    assert np.isnan(result.series.gyr[7]).all()
    assert result.series.acc[21, 0] == 21.5


def test_cut_last_line_gives_no_wrong_number(tmp_path):
    text = "\n".join([HEADER, *ROWS])
    whole = read(save(tmp_path / "a.csv", text + "\n"), "left_foot").series
    for cut in range(1, len(ROWS[-1]) + 2):
        series = read(save(tmp_path / "b.csv", text[:-cut]), "left_foot").series
        ok = series.is_valid
        n = len(series.time)
        assert n in (19, 20)
        np.testing.assert_array_equal(series.acc[ok], whole.acc[:n][ok])
        np.testing.assert_array_equal(series.gyr[ok], whole.gyr[:n][ok])


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "header but no samples"),
        (ROWS[:1], "1 readable sample"),
        (["x,y,z,a,b,c,d"] * 9, "0 readable|no numbers"),
        ([row.replace(".", ",") for row in ROWS], "decimal commas between comma-separated"),
        ([f"{i},1,2,3,4,5,6" for i in range(20)], "another unit"),
        ([f"{i % 3},1,2,3,4,5,6" for i in range(20)], "runs back"),
        ([f"{i // 4 / 100},1,2,3,4,5,6" for i in range(40)], "stands still"),
        ([*ROWS, "90000.0,1,2,3,4,5,6"], "25 h without a sample after row 20"),
    ],
)
def test_useless_content_is_refused(tmp_path, rows, said):
    with pytest.raises(RecordingError, match=said):
        read(plain(tmp_path, rows), "left_foot")


def test_mixed_decimal_signs_are_refused(tmp_path):
    rows = [f"{i / 100:.2f};1,5;2;3;4;5;6" for i in range(20)]
    with pytest.raises(CorruptRecording, match=r"mixes decimal commas and points"):
        read(plain(tmp_path, rows, HEADER.replace(",", ";")), "left_foot")


def test_zeroed_block_costs_only_its_rows(tmp_path):
    raw = bytearray(plain(tmp_path).read_bytes())
    at = raw.index(b"0.08,")
    raw[at : at + 20] = bytes(20)
    (tmp_path / "walk.csv").write_bytes(raw)
    result = read(tmp_path / "walk.csv", "left_foot")
    assert result.loss.reasons == {"missing": 1, "malformed": 1}
    assert result.series.acc[9, 0] == 9.5


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_broken_byte_far_down_does_not_change_the_encoding(tmp_path, encoding):
    rows = [f"{i / 100:.2f},1,2,3,4,5,6" for i in range(400)]
    raw = "\n".join([HEADER.replace("deg", "°"), *rows, ""]).encode(encoding)
    (tmp_path / "walk.csv").write_bytes(raw[:6000] + b"\xff" + raw[6001:] + b"\xff")
    result = read(tmp_path / "walk.csv", "left_foot")
    assert (result.gyr_unit, result.loss.expected) == ("deg/s", 400)
    assert result.loss.lost <= 1


def test_coarse_time_stamps_keep_the_true_rate(tmp_path):
    rows = [f"{round(i / 0.208)},1,2,3,4,5,6" for i in range(2000)]
    result = read(plain(tmp_path, rows, HEADER.replace("time [s]", "time [ms]")), "left_foot")
    assert result.loss.lost == 0
    assert result.series.sampling_rate == pytest.approx(208.0, rel=1e-3)


def test_unix_time_gives_the_start(tmp_path):
    rows = [f"{1_787_903_504_250_000_000 + i * 10_000_000},1,2,3,4,5,6" for i in range(10)]
    result = read(plain(tmp_path, rows, HEADER.replace("time [s]", "time (ns)")), "left_foot")
    assert result.started_utc == "2026-08-28T07:51:44.250Z"
    np.testing.assert_allclose(result.series.time, np.arange(10) / 100, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("acc_x [m/s^2]", ("acc", "x", "m/s^2", "")),
        ("gyr_x (deg/s)", ("gyr", "x", "deg/s", "")),
        ("Gyroscope y (rad/s)", ("gyr", "y", "rad/s", "")),
        ("Angular velocity Z(°/s)", ("gyr", "z", "deg/s", "")),
        ("left_shank_gyr_z_dps", ("gyr", "z", "deg/s", "left_shank")),
        ("ax", ("acc", "x", "", "")),
        ("gz [dps]", ("gyr", "z", "deg/s", "")),
        ("Time (s)", ("time", "", "s", "")),
        ("time_ms", ("time", "", "ms", "")),
        ("elapsed (s)", ("time", "", "s", "")),
        ("mag_x [uT]", ("", "", "", "")),
        ("linear_acc_x [m/s^2]", ("acc", "x", "m/s^2", "linear")),
        ("quat_x", ("", "", "", "")),
    ],
)
def test_headers(text, expected):
    h = parse_header(text)
    assert (h.quantity, h.axis, h.unit, h.owner) == expected


def test_acceleration_without_gravity_is_not_taken_for_acc(tmp_path):
    with pytest.raises(RecordingError, match="found 0 columns for acc"):
        read(plain(tmp_path, header=HEADER.replace("acc_", "linear_acc_")), "left_foot", "generic_csv")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=hnp.arrays(
        np.float64,
        st.tuples(st.integers(2, 40), st.just(6)),
        elements=st.floats(-1e4, 1e4, allow_nan=False, width=64),
    ),
    rate=st.sampled_from([26.0, 100.0, 204.8, 208.0, 1000.0]),
    lost=st.sets(st.integers(1, 38)),
)
def test_written_series_is_read_back_exactly(tmp_path, values, rate, lost):
    values[[i for i in lost if i < len(values) - 1]] = np.nan
    if np.isnan(values).all(axis=1).mean() > 0.5:
        values = np.nan_to_num(values)
    time = np.arange(len(values)) / rate
    series = ImuSeries(time=time, acc=values[:, :3], gyr=values[:, 3:], sampling_rate=rate)
    generic_csv.write(series, tmp_path / "again.csv")
    again = read(tmp_path / "again.csv", "left_foot")
    np.testing.assert_array_equal(again.series.acc, series.acc)
    np.testing.assert_array_equal(again.series.gyr, series.gyr)
    np.testing.assert_array_equal(again.series.time, series.time)
    assert again.series.sampling_rate == pytest.approx(rate)
    assert again.loss.lost == np.count_nonzero(~series.is_valid)


def test_real_file(shared, tmp_path):
    """xio_gait: 400 Hz stamps with true repeats (identical rows) and true losses, counted independently here."""
    import gzip

    path = tmp_path / "short_walk.csv"
    path.write_bytes(gzip.decompress((shared / "data/xio_gait/short_walk.csv.gz").read_bytes()))
    raw = np.loadtxt(path, delimiter=",", skiprows=1)
    result = read(path, "right_foot")
    repeats = np.count_nonzero(np.diff(raw[:, 0]) == 0)
    steps = np.diff(np.unique(raw[:, 0]))
    assert result.loss.reasons["repeated"] == repeats == 205
    assert result.loss.lost == np.sum(np.rint(steps / np.median(steps)) - 1)
    np.testing.assert_allclose(result.series.acc[0], raw[0, 4:] * 9.80665)
    np.testing.assert_allclose(result.series.gyr[-1], np.deg2rad(raw[-1, 1:4]))
