"""`library list` and a person's trend as whole processes against the bare query, and how `reindex` grows.

Run as a script: `python tests/benchmarks/bench_library.py [sessions]` (600 without a number, some 20 s; the target
is for 10,000). The sessions are generated: a `session.toml` each, and a result with strides and summary, hard
links to a few dozen different ones. Both sides run in turn; printed are the shortest CPU time (user and system) of
a process and the shortest time on the clock. Asserts only that both sides give the same sessions and values.

The floors are processes of the same interpreter. `list`: imports `sqlite3`, selects the columns of the list from
the same index, writes one line per session. `trend`: imports `sqlite3` and `pandas`, selects the summary rows of
the same person from the same index and makes a `DataFrame` of them. Neither looks at a folder, while ours compares
two time stamps of every session with the index; `stamps` is a process that asks for nothing but those.
`floor in cyclopts` is the floor of `list` as the only command of a program made with the command line library.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ankle_imu import tables
from ankle_imu.library import index, marks
from ankle_imu.library.derived import write_table
from ankle_imu.manifest import format_utc, to_toml
from ankle_imu.values import SensorInfo, SessionInfo

PEOPLE = 20
RESULTS = 48
"""Different results."""

ROUNDS = 5
DIGEST = "0123456789abcdef"
WORDS = (("gravel", "hill"), ("roots and stones", "wet"), ("forest road", "physio"))

LIST_FLOOR = """
import sqlite3, sys
rows = sqlite3.connect(sys.argv[1]).execute(
    "SELECT session_id, alias, sensors, surface, result FROM sessions ORDER BY began, session_id").fetchall()
sys.stdout.write("".join("  ".join(row).replace(chr(10), ",") + chr(10) for row in rows))
"""
COMMAND_FLOOR = f"""
import cyclopts
app = cyclopts.App()
@app.command(name="list")
def list_():
    exec({LIST_FLOOR!r}, {{}})
app(["list"], result_action="return_value")
"""
STAMPS = """
import os, sys
for alias in os.scandir(sys.argv[1] + "/people"):
    for year in os.scandir(alias.path):
        folder = os.open(year.path, os.O_RDONLY)
        for name in os.listdir(folder):
            os.stat(name + "/session.toml", dir_fd=folder)
            os.stat(name + "/derived", dir_fd=folder)
"""
LIST = "from ankle_imu.cli import main; main()"
"""As the installed `ankle-imu` does."""
TREND_FLOOR = """
import sqlite3, sys
import pandas as pd
cursor = sqlite3.connect(sys.argv[1]).execute(
    "SELECT * FROM sessions JOIN summary USING (folder) WHERE alias = ? ORDER BY began, session_id", sys.argv[2:3])
frame = pd.DataFrame(cursor.fetchall(), columns=[c[0] for c in cursor.description])
print(len(frame), frame["range_stance_deg_median"].sum())
"""
TREND = """
import sys
import ankle_imu
frame = ankle_imu.load_trend(sys.argv[1], sys.argv[2])
print(len(frame), frame["range_stance_deg_median"].sum())
"""


def alias_of(person: int) -> str:
    return f"P-{person:04d}"


def make_results(folder: Path) -> list[Path]:
    """Folders with the strides and the summary of one result each."""
    rng = np.random.default_rng(1)
    made = []
    for i in range(RESULTS):
        target = folder / str(i)
        target.mkdir()
        figures = {c.name: rng.normal(5.0, 1.0, 2) for c in tables.SUMMARY.columns if c.dtype == "float64"}
        words = {"leg": ["left"] * 2, "gait": ["walk", "jog"], "angle_source": ["joint"] * 2}
        counts = {"n_strides": [400, 60], "n_accepted": [380, 50]}
        write_table(target, tables.SUMMARY, tables.make_table(tables.SUMMARY, {**words, **counts, **figures}))
        strides = {"stride_id": np.arange(460), "range_stance_deg": rng.normal(5.0, 1.0, 460)}
        write_table(target, tables.STRIDES, tables.make_table(tables.STRIDES, strides))
        made.append(target)
    return made


def make_session(root: Path, number: int, results: list[Path]) -> None:
    """One session of a person, all of its files."""
    alias = alias_of(number % PEOPLE)
    start = datetime(2020, 1, 1, 8, tzinfo=UTC) + timedelta(hours=5 * number)
    name = f"{start:%Y-%m-%dT%H%M%SZ}_abcd"
    surface, tag = WORDS[number % len(WORDS)]
    sensors = {p: SensorInfo(placement=p, model="bench") for p in ("left_foot", "left_shank")}
    info = SessionInfo(
        session_id=name, alias=alias, started_utc=format_utc(start), surface=surface, tags=(tag,), sensors=sensors
    )
    folder = root / "people" / alias / f"{start:%Y}" / name
    result = folder / "derived" / DIGEST
    result.mkdir(parents=True)
    (folder / "session.toml").write_text(to_toml(info), encoding="utf-8")
    written = f'{{"format_version": 2, "version": "0", "written_utc": "{format_utc(start)}"}}'
    (result / "result.json").write_text(written, encoding="utf-8")
    for table in ("summary", "strides"):
        os.link(results[number % RESULTS] / f"{table}.parquet", result / f"{table}.parquet")


class Shortest(NamedTuple):
    """Shortest times of a process in s, and what it printed last."""

    cpu: float
    wall: float
    out: str


def in_turn(**commands: tuple[str, ...]) -> dict[str, Shortest]:
    """Run processes in turn, several rounds, so that a busy machine is busy for all of them."""
    found = {name: Shortest(9e9, 9e9, "") for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            out = subprocess.run([sys.executable, *command], check=True, capture_output=True, text=True).stdout
            wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            found[name] = Shortest(min(cpu, found[name].cpu), min(wall, found[name].wall), out)
    return found


def show(what: str, ours: Shortest, floor: Shortest) -> None:
    cpu, wall = (
        f"{1e3 * mine:4.0f} ms, floor {1e3 * bare:4.0f} ms, ratio {mine / bare:4.2f}"
        for mine, bare in ((ours.cpu, floor.cpu), (ours.wall, floor.wall))
    )
    print(f"{what:<28} CPU {cpu}   clock {wall}  (target 3)")


def measure_commands(root: Path, count: int) -> None:
    """Whole processes against their floors."""
    database, alias, library = str(root / index.FILE), alias_of(3), ("--library", str(root))
    found = in_turn(
        nothing=("-c", "import sqlite3"),
        stamps=("-c", STAMPS, str(root)),
        floor=("-c", LIST_FLOOR, database),
        command=("-c", COMMAND_FLOOR, database),
        ours=("-c", LIST, "library", "list", *library),
        json=("-c", LIST, "library", "list", "--json", *library),
        usual=("-c", LIST, "library", "list", f"--library={root}"),
        trend_floor=("-c", TREND_FLOOR, database, alias),
        trend=("-c", TREND, str(root), alias),
    )
    for name in ("nothing", "stamps"):
        print(f"{name:<28} CPU {1e3 * found[name].cpu:4.0f} ms")
    lines, told = found["floor"].out.splitlines(), found["ours"].out.splitlines()
    assert [line.split()[0] for line in told[-count:]] == [line.split()[0] for line in lines]
    assert found["usual"].out == found["ours"].out
    assert found["json"].out.count('"session"') == count
    assert found["trend"].out == found["trend_floor"].out
    show(f"library list, {count} rows", found["ours"], found["floor"])
    show("the same, --json", found["json"], found["floor"])
    show("read by cyclopts", found["usual"], found["floor"])
    show("the same, floor in cyclopts", found["usual"], found["command"])
    show(f"load_trend, {found['trend'].out.split()[0]} rows", found["trend"], found["trend_floor"])


def main() -> None:
    """Measure at a quarter, a half and all of the sessions."""
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "library"
        (root / "results").mkdir(parents=True)
        results = make_results(root / "results")
        made = 0
        for count in (total // 4, total // 2, total):
            for number in range(made, count):
                make_session(root, number, results)
            made = count
            start, busy = time.perf_counter(), time.process_time()
            assert index.reindex(root) == (count, count)
            busy, wall = time.process_time() - busy, time.perf_counter() - start
            cpu = f"CPU {busy:6.2f} s = {1e3 * busy / count:.2f} ms each"
            print(f"reindex, {count:>6} sessions     {cpu}   clock {wall:.2f} s")
        time.sleep(marks.SETTLED_NS / 1e9 + 0.1)
        assert index.ask(root, lambda c: c.execute("SELECT count(*) FROM sessions").fetchone()) == (total,)
        measure_commands(root, total)


if __name__ == "__main__":
    main()
