"""`analyze --jobs 2` against one process: 6 sessions, or 40 with `--full`.

Run as a script; prints ratios, asserts nothing. The floor is the same command with `--jobs 1`, in turns with it.
On a machine that others use, wall time says little. So the ratio is also computed from processor time: that of one
process against the parent's plus half of the workers', as on two idle cores (target for 40 sessions: 1.7).
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

QUICK, FULL = (6, 1), (40, 3)
"""Sessions and rounds."""

PARENT = """
import resource, sys
from ankle_imu.cli import run
code = run(sys.argv[1:])
own = resource.getrusage(resource.RUSAGE_SELF)
print("parent:", own.ru_utime + own.ru_stime, file=sys.stderr)
sys.stderr.flush()
sys.exit(code)
"""


def make_library(root: Path, n: int) -> None:
    """Ten simulated minutes of two sensors, `n` times."""
    import ankle_imu as ai
    from ankle_imu.session_io import save_simulation

    plan = ai.simulate.Plan(
        duration_s=600.0, sampling_rate=104.0, placements=("left_foot", "left_shank"), errors="typical"
    )
    recording, _ = ai.simulate.walk(plan, seed=1)
    info = replace(recording.session, alias="P-test", started_utc="2026-11-01T09:00:00Z")
    first = save_simulation(recording, root, info=info)
    for k in range(1, n):
        shutil.copytree(first, first.with_name(f"{first.name}{k}"))


def measure(root: Path, jobs: int) -> tuple[float, float, float]:
    """Wall time, s; processor time of the parent; of its workers."""
    words = ["analyze", "--all", "--again", "--jobs", str(jobs), "--library", str(root)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", PARENT, *words], capture_output=True, text=True, check=True)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    whole = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    parent = float(done.stderr.rpartition("parent:")[2])
    return wall, parent, whole - parent


def main() -> None:
    """Measure and print."""
    n, rounds = FULL if "--full" in sys.argv else QUICK
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "library"
        make_library(root, n)
        measured = [(measure(root, 1), measure(root, 2)) for _ in range(rounds)]
    walls = [one[0] / two[0] for one, two in measured]
    cores = [sum(one[1:]) / (two[1] + two[2] / 2) for one, two in measured]
    ones, twos = zip(*measured, strict=True)
    load = os.getloadavg()[0]
    print(f"{n} sessions of 10 min x 2 sensors, {os.cpu_count()} cores, load {load:.1f}, {rounds} rounds")
    print(f"  one process {min(one[0] for one in ones):.1f} s, --jobs 2 {min(two[0] for two in twos):.1f} s wall")
    print(f"  {max(walls):.2f} x by wall time (best round; median {statistics.median(walls):.2f})")
    print(f"  {statistics.median(cores):.2f} x by processor time on two idle cores (target 1.7 with 40 sessions)")
    print(f"  workers: {statistics.median(two[2] for two in twos):.1f} s, parent {twos[0][1]:.1f} s; one process "
          f"{statistics.median(sum(one[1:]) for one in ones):.1f} s of processor time")  # fmt: skip


if __name__ == "__main__":
    main()
