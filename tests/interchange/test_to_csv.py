"""CSV and Parquet give back every number to the last bit, and say what each is."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from outgoing_walk import outgoing

from ankle_imu import tables
from ankle_imu.interchange import read
from ankle_imu.interchange.exporters import export
from ankle_imu.interchange.outgoing import TABLES
from ankle_imu.interchange.to_csv import SAMPLES, _csv, samples_table
from ankle_imu.values import ImuSeries


@pytest.fixture(scope="module")
def csv_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("csv") / "walk"
    export([outgoing()], "csv", folder)
    return folder


@pytest.fixture(scope="module")
def parquet_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parquet") / "walk"
    export([outgoing()], "parquet", folder)
    return folder


def read_csv(path: Path, dtypes: list[str]) -> pd.DataFrame:
    """A table in the types of its columns; Python's own `float` takes each number to its last bit."""
    takes = {
        "float64": lambda cell: float(cell or "nan"),
        "int64": int,
        "bool": {"True": True, "False": False}.__getitem__,
        "str": str,
    }
    cells = pd.read_csv(path, dtype=str, keep_default_na=False)
    columns = zip(cells.columns, dtypes, strict=True)
    return pd.DataFrame({name: [takes[dtype](cell) for cell in cells[name]] for name, dtype in columns})


@pytest.mark.parametrize("placement", ["left_foot", "left_shank", "right_foot"])
def test_our_own_import_reads_the_samples_back(csv_folder: Path, placement: str) -> None:
    again, series = read(csv_folder / f"{placement}.csv", placement).series, outgoing().series[placement]
    np.testing.assert_array_equal(again.acc, series.acc)
    np.testing.assert_array_equal(again.gyr, series.gyr)
    np.testing.assert_array_equal(again.time, series.time)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_tables_come_back(csv_folder: Path, parquet_folder: Path, table: tables.Table) -> None:
    ours = outgoing().tables[table.name]
    again = read_csv(csv_folder / f"{table.name}.csv", [column.dtype for column in table.columns])
    stored = pd.read_parquet(parquet_folder / f"{table.name}.parquet")
    for frame in (again, stored):
        assert list(frame.columns) == table.names
        for column in table.columns:
            found, meant = frame[column.name].to_numpy(), ours[column.name].to_numpy()
            assert (found == meant).all() if column.dtype != "float64" else True, column.name
            if column.dtype == "float64":
                np.testing.assert_array_equal(found.astype(float), meant, err_msg=column.name)


def test_every_column_is_in_a_dictionary(csv_folder: Path, parquet_folder: Path) -> None:
    import pyarrow.parquet as pq

    for path in csv_folder.glob("*.csv"):
        name = "samples" if path.stem in outgoing().series else path.stem
        told = {row["name"]: row for row in json.loads((csv_folder / f"{name}.columns.json").read_text("utf-8"))}
        assert pd.read_csv(path, nrows=0).columns.tolist() == list(told), path.name
        assert all(row["meaning"] for row in told.values())
        schema = pq.read_schema(parquet_folder / f"{path.stem}.parquet")
        for field in schema:
            assert field.metadata[b"unit"].decode() == told[field.name]["unit"]
            assert field.metadata[b"meaning"].decode() == told[field.name]["meaning"]


def test_the_session_is_told_without_nan(csv_folder: Path) -> None:
    text = (csv_folder / "session.json").read_text("utf-8")
    told = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert told["session"] == outgoing().name
    assert told["sensors"]["left_shank"]["lost"] == outgoing().facts["sensors"]["left_shank"]["lost"]
    assert told["alignment"]["left_foot"]["verdict"] == "good"
    assert "warnings" not in told


@settings(max_examples=50)
@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 30), st.just(7)), elements=st.floats(allow_infinity=False)))
def test_any_numbers_come_back(tmp_path_factory, values) -> None:
    values[:, 0] = np.arange(len(values)) * 0.1
    series = ImuSeries(time=values[:, 0], acc=values[:, 1:4], gyr=values[:, 4:], sampling_rate=10.0)
    path = tmp_path_factory.mktemp("any") / "samples"
    _csv(SAMPLES, samples_table(series), path)
    again = read_csv(path.with_name("samples.csv"), ["float64"] * 7).to_numpy()
    np.testing.assert_array_equal(again, values)


def test_a_real_recording_comes_back(shared: Path, tmp_path: Path) -> None:
    """xio_gait, 400 Hz stamps with true losses: what our import makes of it, exported and imported again."""
    (tmp_path / "walk.csv").write_bytes(gzip.decompress((shared / "data/xio_gait/short_walk.csv.gz").read_bytes()))
    series = read(tmp_path / "walk.csv", "left_foot").series
    assert not series.is_valid.all()
    export([replace(outgoing(), series={"left_foot": series})], "csv", tmp_path / "out")
    again = read(tmp_path / "out/left_foot.csv", "left_foot").series
    np.testing.assert_array_equal(again.acc, series.acc)
    np.testing.assert_array_equal(again.gyr, series.gyr)
    np.testing.assert_allclose(again.time, series.time, rtol=0.0, atol=1e-9)
