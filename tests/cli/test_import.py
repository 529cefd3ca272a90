"""`import`: files of other makers become a session, or one sentence says why not."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vendor_files import VENDORS, Vendor

import ankle_imu as ai
from ankle_imu.interchange import FORMATS
from ankle_imu.interchange.generic_csv import write
from ankle_imu.simulate import Plan, walk
from ankle_imu.units import STANDARD_GRAVITY
from ankle_imu.values import ImuSeries

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def series() -> dict[str, ImuSeries]:
    plan = Plan(duration_s=45, sampling_rate=104, placements=("left_foot", "left_shank"))
    return dict(walk(plan, 2)[0].series)


@pytest.fixture
def files(series: dict[str, ImuSeries], tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "foot.csv", tmp_path / "shank.csv"
    for path, one in zip(paths, series.values(), strict=True):
        write(one, path)
    return paths


def test_a_file_behind_the_options_is_told_where_it_belongs(ankle_imu: Run, files: tuple[Path, Path]) -> None:
    done = ankle_imu("import", files[0], "--as", "left_foot", files[1], "--as", "left_shank")
    assert done.code == 2
    assert f"Found '{files[1]}' left over. What has no option before it comes first" in done.err
    assert "`ankle-imu import --help`" in done.err


def test_two_files_become_one_session(ankle_imu: Run, files: tuple[Path, Path], tmp_path: Path) -> None:
    words = ("--as", "left_foot", "--as", "left_shank", "--mount-site", "heel", "--mount-site", "mid_shank")
    more = (
        "--person",
        "P-imp",
        "--note",
        "rocks",
        "--affected-leg",
        "left",
        "--started",
        "2026-11-22T10:00+01:00",
    )
    done = ankle_imu("import", *files, *words, *more)
    assert done.code == 0
    folder = Path(done.lines[0])
    assert folder.parent == tmp_path / "library" / "people" / "P-imp" / "2026"
    assert folder.name.startswith("2026-11-22T090000Z")
    assert {p.name for p in (folder / "raw").iterdir()} == {
        "SHA256SUMS",
        "part-0001.mcap",
        "foot.csv",
        "shank.csv",
    }
    assert "foot.csv: generic_csv, left_foot" in done.err
    rec = ai.open_session(folder)
    assert rec.session.note == "rocks"
    assert rec.session.affected_leg == "left"
    assert rec.session.importer == "generic_csv 1"
    assert {p: s.mount_site for p, s in rec.session.sensors.items()} == {
        "left_foot": "heel",
        "left_shank": "mid_shank",
    }


def test_json_tells_what_was_understood(ankle_imu: Run, files: tuple[Path, Path]) -> None:
    os.utime(files[0], (1_790_000_000, 1_790_000_000))
    done = ankle_imu("import", files[0], "--as", "right_foot", "--json")
    (sensor,) = done.json["sensors"]
    assert (sensor["placement"], sensor["acc_unit"], sensor["gyr_unit"]) == ("right_foot", "m/s^2", "rad/s")
    assert sensor["sampling_rate_hz"] == pytest.approx(104.0)
    assert "2026-09-21T14:12:35Z" in done.err
    assert Path(done.json["files"][0]).name.startswith("2026-09-21T141235Z")


def test_clocks_of_two_files_are_joined(ankle_imu: Run, series: dict[str, ImuSeries], tmp_path: Path) -> None:
    paths = []
    for path, start, one in zip(
        ("a.csv", "b.csv"), (1_790_000_000.0, 1_790_000_002.5), series.values(), strict=True
    ):
        write(replace(one, time=one.time + start), tmp_path / path)
        paths.append(tmp_path / path)
    done = ankle_imu("import", *paths, "--as", "left_foot", "--as", "left_shank")
    rec = ai.open_session(Path(done.lines[0]))
    assert rec.session.started_utc == "2026-09-21T14:13:20Z"
    assert rec.series["left_foot"].time[0] == 0.0
    assert rec.series["left_shank"].time[0] == pytest.approx(2.5, abs=1e-4)


def test_walks_of_different_days_are_not_joined(
    ankle_imu: Run, series: dict[str, ImuSeries], tmp_path: Path
) -> None:
    for name, start in (("a.csv", 1_790_000_000.0), ("b.csv", 1_790_100_000.0)):
        one = series["left_foot"]
        write(replace(one, time=one.time + start), tmp_path / name)
    words = ("--as", "left_foot", "--as", "left_shank")
    ankle_imu("import", tmp_path / "a.csv", tmp_path / "b.csv", *words).refuses(5, "not one walk")
    assert not (tmp_path / "library").exists()


def test_mapping_names_columns_and_units(ankle_imu: Run, series: dict[str, ImuSeries], tmp_path: Path) -> None:
    one = series["left_foot"]
    table = np.column_stack([1000 * one.time, one.acc / STANDARD_GRAVITY, np.degrees(one.gyr)])
    file, mapping = tmp_path / "my.csv", tmp_path / "my.toml"
    np.savetxt(file, table, delimiter=",", header="t,ax,ay,az,gx,gy,gz", comments="")
    mapping.write_text(
        'time = "t"\nacc = ["ax", "ay", "az"]\ngyr = ["gx", "gy", "gz"]\n'
        '[units]\ntime = "ms"\nacc = "g"\ngyr = "deg/s"\n'
    )
    assert ankle_imu("import", file, "--as", "left_foot", "--mapping", mapping).code == 0
    mapping.write_text(mapping.read_text().replace('acc = "g"\n', ""))
    ankle_imu("import", file, "--as", "left_foot", "--mapping", mapping).refuses(
        5, "The numbers look like acc in g"
    )


@pytest.mark.parametrize(("acc", "gyr", "said"), [(1 / STANDARD_GRAVITY, 1, "g"), (1, 57.3, "deg/s")])
def test_units_that_physics_contradicts(
    ankle_imu: Run, series: dict[str, ImuSeries], tmp_path: Path, acc: float, gyr: float, said: str
) -> None:
    one = series["left_foot"]
    write(replace(one, acc=one.acc * acc, gyr=one.gyr * gyr), tmp_path / "wrong.csv")
    ankle_imu("import", tmp_path / "wrong.csv", "--as", "left_foot").refuses(5, f"is given in {said}")
    assert not (tmp_path / "library").exists()


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "empty"), (b"hello world\n", "no known format"), (bytes(range(256)) * 9, "binary")]
)
def test_files_that_are_no_recording(ankle_imu: Run, tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "bad.csv").write_bytes(content)
    ankle_imu("import", tmp_path / "bad.csv", "--as", "left_foot").refuses(5, "bad.csv", said)


def test_arguments_that_cannot_be(ankle_imu: Run, files: tuple[Path, Path], tmp_path: Path) -> None:
    foot, shank = files
    one = ("import", foot, "--as", "left_foot")
    ankle_imu("import", tmp_path / "absent.csv", "--as", "left_foot").refuses(5, "absent.csv")
    ankle_imu("import", foot, shank, "--as", "left_foot").refuses(2, "2 files and 1 --as")
    ankle_imu("import", foot, shank, "--as", "left_foot", "--as", "left_foot").refuses(2, "another placement")
    ankle_imu(*one, "--mount-site", "nose").refuses(2, "nose")
    ankle_imu(*one, "--format", "word").refuses(2, "word")
    ankle_imu(*one, "--platform", "ios").refuses(2, "platform")
    ankle_imu(*one, "--device", "WT1").refuses(2, "device")
    ankle_imu(*one, "--gyr-unit", "deg/s").refuses(2, "gyr_unit")
    ankle_imu(*one, "--started", "noon").refuses(2, "noon")
    ankle_imu(*one, "--person", "../x").refuses(2, "../x")
    ankle_imu(*one, "--affected-leg", "third").refuses(2, "third")
    assert not (tmp_path / "library").exists()


def test_files_that_share_a_clock_keep_it(ankle_imu: Run, tmp_path: Path, library: Path) -> None:
    """A shank file that starts 2.5 s later on the same clock must not be moved to the foot's start."""
    plan = Plan(duration_s=60.0, sampling_rate=104.0, placements=("left_foot", "left_shank"))
    recording, _ = walk(plan, seed=3)
    for placement, first in (("left_foot", 0), ("left_shank", 260)):
        s = recording.series[placement]
        rows = [
            ",".join(f"{v:.9g}" for v in (t + 100.0, *a, *g))
            for t, a, g in zip(s.time[first:], s.acc[first:], s.gyr[first:], strict=True)
        ]
        head = "time [s],acc_x [m/s^2],acc_y [m/s^2],acc_z [m/s^2],gyr_x [rad/s],gyr_y [rad/s],gyr_z [rad/s]"
        (tmp_path / f"{placement}.csv").write_text("\n".join([head, *rows]) + "\n")
    files = [tmp_path / "left_foot.csv", tmp_path / "left_shank.csv"]
    done = ankle_imu("import", *files, "--as", "left_foot", "--as", "left_shank")
    assert done.code == 0, done.err
    assert "share the clock" in done.err
    again = ai.open_session(done.out.strip().splitlines()[-1])
    assert again.series["left_shank"].time[0] - again.series["left_foot"].time[0] == pytest.approx(2.5, abs=1e-3)


@pytest.mark.parametrize("vendor", VENDORS.values(), ids=VENDORS)
def test_every_format_becomes_a_session(
    ankle_imu: Run, series: dict[str, ImuSeries], tmp_path: Path, vendor: Vendor
) -> None:
    """A simulated foot through the maker's file: what was understood is said, the numbers come back."""
    time = np.arange(4000) / vendor.rate
    one = series["left_foot"]
    acc = np.column_stack([np.interp(time, one.time, axis) for axis in one.acc.T])
    gyr = np.column_stack([np.interp(time, one.time, axis) for axis in one.gyr.T])
    path = vendor.save(tmp_path / "files", vendor.write(time, acc, gyr))
    options = [f"--{name}={value}" for name, value in vendor.options.items()]
    done = ankle_imu("import", path, "--as", "left_foot", "--started", "2026-11-22T10:00Z", *options)
    assert done.code == 0, done.err
    assert f": {vendor.name}, left_foot" in done.err
    assert "physics agrees" in done.err
    rate = vendor.rate
    assert f"4000 samples in {4000 / rate:.1f} s at {rate:g} Hz" in done.err
    kept = {p.name for p in (Path(done.lines[0]) / "raw").iterdir()} - {"SHA256SUMS", "part-0001.mcap"}
    assert kept == (
        {path.name} if vendor.zipped or vendor.name in ONE_FILE else {p.name for p in path.parent.iterdir()}
    )
    again = ai.open_session(done.lines[0]).series["left_foot"]
    np.testing.assert_allclose(again.acc, acc, atol=vendor.acc_step + 1e-5)
    np.testing.assert_allclose(again.gyr, gyr, atol=vendor.gyr_step + 1e-5)


ONE_FILE = {v.name for v in VENDORS.values()} - {"metabase", "motion_bids"}


def test_sensors_of_one_file_by_label(ankle_imu: Run, series: dict[str, ImuSeries], tmp_path: Path) -> None:
    one = series["left_foot"]
    time = np.arange(3000) / 104.0
    path = VENDORS["apdm_csv"].save(tmp_path, VENDORS["apdm_csv"].write(time, one.acc[:3000], one.gyr[:3000]))
    words = ("import", path, path, "--as", "left_foot", "--as", "left_shank")
    ankle_imu(*words).refuses(5, "2 sensors (Lumbar, Left Foot)", "--device")
    ankle_imu(*words, "--device", "Foot", "--device", "Foot", "--device", "Foot").refuses(2, "3 --device")
    done = ankle_imu(*words, "--device", "Foot")
    assert done.code == 0, done.err
    assert set(ai.open_session(done.lines[0]).series) == {"left_foot", "left_shank"}
    assert [p.name for p in (Path(done.lines[0]) / "raw").glob("apdm*")] == ["apdm.csv"]


def test_a_person_at_the_terminal_is_asked(
    ankle_imu: Run, series: dict[str, ImuSeries], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = series["left_foot"]
    vendor = VENDORS["mt_manager+rate"]
    path = vendor.save(tmp_path, vendor.write(one.time[:3000], one.acc[:3000], one.gyr[:3000]))
    ankle_imu("import", path, "--as", "left_foot").refuses(5, "--rate")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: " 104 ")
    done = ankle_imu("import", path, "--as", "left_foot", "--json")
    assert done.code == 0, done.err
    assert done.json["sensors"][0]["sampling_rate_hz"] == pytest.approx(104.0)
    monkeypatch.setattr("builtins.input", lambda _: "quick")
    ankle_imu("import", path, "--as", "left_foot").refuses(2, "expected a number")


def test_help_names_every_format(ankle_imu: Run) -> None:
    done = ankle_imu("import", "--help")
    assert [name for name in FORMATS if name not in done.out] == []
    assert "Example" in done.out


def test_readme_has_a_row_for_every_format() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    rows = [line for line in readme.splitlines() if line.startswith("| `")]
    assert [name for name in FORMATS if sum(row.startswith(f"| `{name}` ") for row in rows) != 1] == []


def test_a_wall_clock_without_zone_is_read_in_this_computers(
    ankle_imu: Run, series: dict[str, ImuSeries], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    if not hasattr(time, "tzset"):
        pytest.skip("this system sets no zone for one process")
    one = series["left_foot"]
    vendor = VENDORS["axivity_cwa"]
    path = vendor.save(tmp_path, vendor.write(np.arange(4000) / 100, one.acc[:4000], one.gyr[:4000]))
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        done = ankle_imu("import", path, "--as", "left_foot")
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
    assert done.code == 0, done.err
    assert "2026-08-28 07:51:44.000 is read as time of this computer's zone, IST" in done.err
    assert ai.open_session(done.lines[0]).session.started_utc.startswith("2026-08-28T02:21:44")
