"""Motion-BIDS: the official validator has no error to tell, and pandas reads back what was written."""

from __future__ import annotations

import json
import shutil
import subprocess
import sysconfig
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from outgoing_walk import LOST, outgoing

from ankle_imu import tables
from ankle_imu.interchange.exporters import export
from ankle_imu.interchange.to_motion_bids import write_motion
from ankle_imu.values import ImuSeries, SensorInfo

VALIDATOR = shutil.which("bids-validator-deno", path=sysconfig.get_path("scripts"))
COLUMNS = ["latency", "acc_x", "acc_y", "acc_z", "gyr_x", "gyr_y", "gyr_z"]


def issues(folder: Path) -> list[dict[str, Any]]:
    if VALIDATOR is None:
        pytest.skip("the official validator is not installed (pip install bids-validator-deno)")
    done = subprocess.run(
        [VALIDATOR, "--format", "json", "--max-rows", "-1", str(folder)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return json.loads(done.stdout)["issues"]["issues"]


def errors(folder: Path) -> list[dict[str, Any]]:
    return [issue for issue in issues(folder) if issue["severity"] == "error"]


@pytest.fixture(scope="module")
def data_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people, three sessions: one as it is, one of which little is known, one without a stride or event."""
    walk = outgoing()
    bare = replace(
        walk,
        name="bare",
        person="0123456789",
        started_s=float("nan"),
        sensors={p: SensorInfo(placement=p, mount_site="instep" if "foot" in p else "") for p in walk.series},
        facts={},
    )
    empty = {name: tables.make_table(tables.TABLES[name], {}) for name in walk.tables}
    still = replace(
        walk, name="still", tables=empty, kind="practice", series={"right_foot": walk.series["right_foot"]}
    )
    folder = tmp_path_factory.mktemp("bids") / "set"
    export([walk, bare, still], "motion-bids", folder, 3)
    return folder


def motion_of(folder: Path, person: str, session: str, placement: str, what: str = "motion") -> Path:
    return next(folder.glob(f"sub-{person}/ses-{session}/motion/*_tracksys-{placement}_{what}.tsv"))


def test_the_validator_finds_no_error(data_set: Path) -> None:
    assert errors(data_set) == []
    codes = {issue["code"] for issue in issues(data_set)}
    recommended = {"SIDECAR_KEY_RECOMMENDED", "JSON_KEY_RECOMMENDED", "TOO_FEW_AUTHORS", "NO_AUTHORS"}
    assert codes <= recommended, "of its warnings, only what it would like to know of authors and institutions"


@pytest.mark.parametrize("spoil", ["channels.tsv", "motion.json", "column", "unit"])
def test_the_validator_would_find_one(data_set: Path, tmp_path: Path, spoil: str) -> None:
    copy = Path(shutil.copytree(data_set, tmp_path / "set"))
    channels = motion_of(copy, outgoing().person, "still", "rightfoot", "channels")
    if spoil == "channels.tsv":
        channels.unlink()
    elif spoil == "motion.json":
        Path(str(channels).replace("_channels.tsv", "_motion.json")).unlink()
    elif spoil == "column":
        channels.write_text(channels.read_text().replace("component\ttype", "type\tcomponent"))
    else:
        channels.write_text(channels.read_text().replace("GYRO", "GYROSCOPE"))
    assert errors(copy)


@pytest.mark.parametrize("placement", ["left_foot", "left_shank", "right_foot"])
def test_samples_come_back(data_set: Path, placement: str) -> None:
    out = outgoing()
    path = motion_of(data_set, out.person, "20261101T090000Zabcd", placement.replace("_", ""))
    channels = pd.read_csv(str(path).replace("_motion", "_channels"), sep="\t", keep_default_na=False)
    assert channels["name"].tolist() == COLUMNS
    assert channels["type"].tolist() == ["LATENCY", *["ACCEL"] * 3, *["GYRO"] * 3]
    assert channels["units"].tolist() == ["s", *["m/s^2"] * 3, *["rad/s"] * 3]
    again = pd.read_csv(path, sep="\t", header=None, names=COLUMNS).to_numpy()
    series = out.series[placement]
    np.testing.assert_allclose(again[:, 0], series.time, rtol=0.0, atol=5.1e-7)
    np.testing.assert_array_equal(again[:, 1:4].astype(np.float32), series.acc.astype(np.float32))
    np.testing.assert_array_equal(again[:, 4:7].astype(np.float32), series.gyr.astype(np.float32))
    told = json.loads(path.with_suffix(".json").read_text())
    assert told["SamplingFrequency"] == 104.0
    assert told["RecordingDuration"] == pytest.approx(series.duration)


def test_lost_samples_are_said_in_the_words_of_bids(data_set: Path) -> None:
    path = motion_of(data_set, outgoing().person, "20261101T090000Zabcd", "leftshank")
    lines = path.read_text().splitlines()
    at = [k for k, line in enumerate(lines) if "n/a" in line]
    assert at == list(range(LOST.start, LOST.stop))
    assert lines[at[0]].split("\t")[1:] == ["n/a"] * 6
    assert "nan" not in path.read_text()


def test_strides_bouts_and_rolls_are_events(data_set: Path) -> None:
    out = outgoing()
    path = motion_of(data_set, out.person, "20261101T090000Zabcd", "leftfoot", "events")
    events = pd.read_csv(path, sep="\t")
    assert events["onset"].is_monotonic_increasing
    strides = events[events["trial_type"] == "stride"]
    np.testing.assert_allclose(strides["onset"], out.tables["strides"]["ic_s"], rtol=1e-8)
    np.testing.assert_allclose(strides["foot_off"], out.tables["strides"]["to_s"], rtol=1e-8)
    assert len(events[events["trial_type"] == "bout"]) == len(out.tables["bouts"])
    rolls = events[~events["trial_type"].isin(["stride", "bout", "marker"])]
    np.testing.assert_allclose(rolls["peak_deg"], out.tables["events"]["peak_deg"].dropna(), rtol=1e-8)
    assert set(json.loads(path.with_suffix(".json").read_text())) == set(events.columns)


def test_people_and_sessions_are_listed(data_set: Path) -> None:
    people = pd.read_csv(data_set / "participants.tsv", sep="\t", keep_default_na=False)
    assert people["participant_id"].tolist() == [f"sub-{outgoing().person}", "sub-0123456789"]
    mine = pd.read_csv(next(data_set.glob(f"sub-{outgoing().person}/*_sessions.tsv")), sep="\t")
    assert mine["session_id"].tolist() == ["ses-20261101T090000Zabcd", "ses-still"]
    assert mine["acq_time"].tolist() == ["2026-11-01T09:00:00.000000Z"] * 2


@settings(max_examples=50)
@given(
    st.lists(st.floats(1e-5, 10.0), min_size=1, max_size=40),
    hnp.arrays(np.float64, (40, 6), elements=st.floats(-1e7, 1e7, allow_subnormal=False)),
    st.sets(st.integers(0, 39)),
)
def test_any_samples_come_back(tmp_path_factory, steps, values, lost) -> None:
    values = values[: len(steps)].copy()
    values[[k for k in lost if k < len(steps)]] = np.nan
    series = ImuSeries(time=np.cumsum(steps), acc=values[:, :3], gyr=values[:, 3:], sampling_rate=100.0)
    path = tmp_path_factory.mktemp("any") / "motion.tsv"
    write_motion(series, path)
    again = pd.read_csv(path, sep="\t", header=None).to_numpy(dtype=float)
    np.testing.assert_allclose(again[:, 0], series.time, rtol=0.0, atol=5.1e-7)
    np.testing.assert_array_equal(again[:, 1:].astype(np.float32), values.astype(np.float32))
