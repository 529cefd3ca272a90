"""Time of exporting 1 h of two sensors, against pandas writing the same numbers as text.

Run as a script: `python tests/benchmarks/bench_export.py [hours]`. A simulated walk of two minutes is analyzed and
repeated. Prints times and ratios, asserts nothing. Times are by the wall clock, best of two; the
floor is `DataFrame.to_csv` of latency (float64) and six channels (float32) of both sensors, measured on a sixth of
the walk and multiplied. With `--all` the other large formats, which also hold angles and all tables, once.
Aim: Motion-BIDS at most 3 times the floor.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[2]))

import ankle_imu as ai
from ankle_imu.interchange.exporters import export
from ankle_imu.interchange.outgoing import Outgoing, prepare
from ankle_imu.values import ImuSeries

WALK_S = 120.0
TIMES = ("time_s", "start_s", "end_s", "ic_s", "ff_s", "to_s")


def long_walk(hours: float) -> Outgoing:
    """A short simulated walk with its result, repeated to the wanted length."""
    plan = ai.simulate.Plan(
        duration_s=WALK_S, sampling_rate=208.0, placements=("left_foot", "left_shank"), rolls=1, errors="typical",
    )  # fmt: skip
    recording, _ = ai.simulate.walk(plan, seed=3)
    short = ai.analyze(recording)
    n = max(1, round(hours * 3600.0 / WALK_S))
    names = ("angles", "strides", "events", "bouts", "context")
    result = replace(short, **{name: _repeated(getattr(short, name), n) for name in names})
    series = {placement: _longer(one, n) for placement, one in recording.series.items()}
    return prepare(replace(recording, series=series), result, key=b"bench")


def _longer(series: ImuSeries, n: int) -> ImuSeries:
    shift = np.repeat(np.arange(n) * WALK_S, len(series.time))
    return replace(
        series,
        time=np.tile(series.time, n) + shift,
        acc=np.tile(series.acc, (n, 1)),
        gyr=np.tile(series.gyr, (n, 1)),
    )


def _repeated(frame: pd.DataFrame, n: int) -> pd.DataFrame:
    whole = pd.concat([frame] * n, ignore_index=True)
    for column in set(TIMES) & set(whole.columns):
        whole[column] += np.repeat(np.arange(n) * WALK_S, len(frame))
    return whole


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _first_sixth(series: ImuSeries) -> ImuSeries:
    rows = slice(len(series.time) // 6)
    return replace(series, time=series.time[rows], acc=series.acc[rows], gyr=series.gyr[rows])


def by_pandas(out: Outgoing, folder: Path) -> None:
    for placement, series in out.series.items():
        frame = pd.DataFrame(np.column_stack([series.acc, series.gyr]).astype(np.float32))
        frame.insert(0, "latency", np.round(series.time, 6))
        frame.to_csv(folder / f"{placement}.tsv", sep="\t", header=False, index=False, na_rep="n/a")


def main(hours: float) -> None:
    out = long_walk(hours)
    samples = sum(len(series.time) for series in out.series.values())
    with TemporaryDirectory() as place:
        folder = Path(place)
        part = replace(out, series={p: _first_sixth(series) for p, series in out.series.items()})
        floor = 6.0 * min(timed(lambda: by_pandas(part, folder)) for _ in range(2))
        bids = min(timed(lambda k=k: export([out], "motion-bids", folder / f"bids{k}")) for k in range(2))
        print(
            f"{hours:g} h, {len(out.series)} sensors, {samples:,} samples, {len(out.tables['strides']):,} strides"
        )
        print(f"pandas writes the numbers of Motion-BIDS in {floor:.2f} s")
        print(f"Motion-BIDS in {bids:.2f} s, ratio {bids / floor:.2f} (aim: at most 3)")
        for to in ("parquet", "csv", "sto", "c3d", "mcap") if "--all" in sys.argv else ():
            written: list[Path] = []
            taken = timed(lambda to=to, written=written: written.extend(export([out], to, folder / f"out.{to}")))
            size = sum(path.stat().st_size for path in written)
            print(f"{to} in {taken:.2f} s, ratio {taken / floor:.2f}, {size / 1e6:.0f} MB")


if __name__ == "__main__":
    main(next((float(word) for word in sys.argv[1:] if word != "--all"), 1.0))
