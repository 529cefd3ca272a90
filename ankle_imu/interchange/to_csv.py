"""CSV and Parquet: the samples of each sensor and every table, each with its column dictionary beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ankle_imu import tables
from ankle_imu.interchange.outgoing import TABLES, Outgoing
from ankle_imu.interchange.plain_json import json_text
from ankle_imu.values import ImuSeries

if TYPE_CHECKING:
    import pandas as pd

SAMPLES: Final = tables.Table(
    "samples",
    (
        tables.Column("time [s]", "s", "float64", "time from session start"),
        *(
            tables.Column(
                f"acc_{axis} [m/s^2]",
                "m/s^2",
                "float64",
                f"acceleration along the sensor's {axis} axis as measured, gravity included (+ on the axis "
                "that points up at rest); empty where lost",
            )
            for axis in "xyz"
        ),
        *(
            tables.Column(
                f"gyr_{axis} [rad/s]",
                "rad/s",
                "float64",
                f"angular rate about the sensor's {axis} axis as measured; empty where lost",
            )
            for axis in "xyz"
        ),
    ),
)
"""One sensor's samples; `import` reads the columns back by their names."""


def write_csv(out: Outgoing, folder: Path) -> None:
    """Write a session as CSV files: UTF-8, commas, points, one header line, empty cells where nothing is known.

    Parameters
    ----------
    out : Outgoing
    folder : Path of an existing folder; gets `<placement>.csv`, `<table>.csv`, a `.columns.json` for each kind of
        table, and `session.json`

    Notes
    -----
    Numbers are written so that reading gives the same 64 bits back.
    """
    _write(out, folder, _csv)


def write_parquet(out: Outgoing, folder: Path) -> None:
    """Write a session as Parquet files likewise; unit and meaning are in the metadata of each field, too.

    Parameters
    ----------
    out : Outgoing
    folder : Path of an existing folder
    """
    _write(out, folder, _parquet)


def _write(out: Outgoing, folder: Path, write_one: Callable[[tables.Table, pd.DataFrame, Path], None]) -> None:
    for name, table, frame in _frames(out):
        write_one(table, frame, folder / name)
        (folder / f"{table.name}.columns.json").write_text(_lines(tables.dictionary(table)), encoding="utf-8")
    told = {"session": out.name, "person": out.person, **out.facts, "left_out": list(out.told)}
    (folder / "session.json").write_text(json_text(told), encoding="utf-8")


def _frames(out: Outgoing) -> Iterator[tuple[str, tables.Table, pd.DataFrame]]:
    for placement, series in out.series.items():
        yield placement, SAMPLES, samples_table(series)
    for table in TABLES:
        yield table.name, table, out.tables[table.name]


def samples_table(series: ImuSeries) -> pd.DataFrame:
    """A series as a table `SAMPLES`."""
    import numpy as np
    import pandas as pd

    return pd.DataFrame(np.column_stack([series.time, series.acc, series.gyr]), columns=SAMPLES.names)


def _csv(table: tables.Table, frame: pd.DataFrame, path: Path) -> None:
    """Tables of floats by pyarrow, which takes a tenth of pandas' time; it would put all texts into quotes."""
    import pyarrow as pa
    from pyarrow import csv

    file = path.with_name(f"{path.name}.csv")
    if any(column.dtype != "float64" for column in table.columns):
        frame.to_csv(file, index=False, lineterminator="\n")
        return
    with file.open("wb") as sink:
        sink.write((",".join(table.names) + "\n").encode())
        content = pa.Table.from_pandas(frame, preserve_index=False)  # NaN becomes null, which is an empty cell
        csv.write_csv(content, sink, csv.WriteOptions(include_header=False))


def _parquet(table: tables.Table, frame: pd.DataFrame, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields = [
        pa.field(
            c.name, "string" if c.dtype == "str" else c.dtype, metadata={"unit": c.unit, "meaning": c.meaning}
        )
        for c in table.columns
    ]
    content = pa.Table.from_pandas(frame, schema=pa.schema(fields), preserve_index=False)
    pq.write_table(content, f"{path}.parquet", compression="zstd")


def _lines(rows: list[dict[str, str]]) -> str:
    """A list of objects as JSON, one line for each."""
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n"
