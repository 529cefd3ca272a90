"""Time and memory of the whole analysis on 1 h of two sensors at 208 Hz, against offline VQF on the same arrays.

Run as a script: `python tests/benchmarks/bench_analysis.py [hours ...]`, by default 10 min and 1 h; `10` shows
that ten hours cost ten times one. Prints ratios, asserts nothing. Times are processor time on one thread, which a
busy machine does not change; the memory is the peak above the process's size after import.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

RATE = 208.0
STAGES = {
    "units": "ankle_imu.analysis.session.check_units",
    "grid": "ankle_imu.analysis.session.put_on_grid",
    "bias and VQF": "ankle_imu.analysis.session.prepare",
    "swings, trajectory": "ankle_imu.analysis.foot.follow",
    "alignment": "ankle_imu.analysis.foot.align",
    "worn wrongly": "ankle_imu.analysis.session.find_wrong",
    "slipped": "ankle_imu.analysis.session.straighten",
    "foot tilt": "ankle_imu.analysis.foot.tilt_and_pitch",
    "relative heading": "ankle_imu.analysis.joint.relative_heading",
    "joint angles": "ankle_imu.analysis.joint.joint",
    "stride columns": "ankle_imu.analysis.leg.stride_columns",
    "rolls": "ankle_imu.analysis.leg.roll_events",
    "clipping": "ankle_imu.analysis.session.is_clipped",
    "grade and place": "ankle_imu.analysis.session.context_table",
    "summary": "ankle_imu.analysis.session.summarize",
}


def make_arrays(folder: Path, hours: float) -> None:
    """Write ten simulated minutes, repeated to the wanted length, as plain arrays."""
    import ankle_imu as ai

    plan = ai.simulate.Plan(
        duration_s=600.0, gait="mixed", terrain="hill", errors="typical", placements=("right_foot", "right_shank")
    )
    recording, _ = ai.simulate.walk(plan, seed=1)
    for placement, series in recording.series.items():
        times = max(1, round(hours * 6.0))
        np.save(folder / f"{placement}.npy", np.tile(np.hstack([series.acc, series.gyr]), (times, 1)))


def child(folder: Path, mode: str) -> None:
    """Run one measurement in a process of its own and print it as JSON."""
    import matplotlib  # noqa: F401  the size after import is that of a session with everything loaded
    import pandas  # noqa: F401
    import scipy.interpolate
    import scipy.ndimage
    import scipy.signal  # noqa: F401
    from vqf import offlineVQF

    import ankle_imu as ai
    from ankle_imu.analysis import foot, joint, leg, session  # noqa: F401  import before the clock starts

    before = memory_mb("VmRSS")
    both = {p.stem: np.load(p) for p in sorted(folder.glob("*.npy"))}
    sensors = {name: (np.ascontiguousarray(d[:, :3]), np.ascontiguousarray(d[:, 3:])) for name, d in both.items()}
    del both
    raw = sum(acc.nbytes + gyr.nbytes for acc, gyr in sensors.values()) / 2**20
    if mode == "memory":
        recording = ai.Recording.from_arrays(RATE, sensors)
        del sensors  # a session read from disk holds its samples once
        ai.analyze(recording)
        peak = memory_mb("VmHWM")
        print(json.dumps({"raw_mb": raw, "above_import_mb": peak - before}))
        return
    rounds = []
    spent = dict.fromkeys(STAGES, 0.0)
    for k in range(4):
        start = time.process_time()
        for acc, gyr in sensors.values():
            offlineVQF(gyr, acc, None, 1.0 / RATE)
        vqf = time.process_time() - start
        recording = ai.Recording.from_arrays(RATE, sensors)
        if k == 1:
            watch(spent)
        start = time.process_time()
        result = ai.analyze(recording)
        whole = time.process_time() - start
        if k:  # the first round warms up
            rounds.append((whole, vqf))
    print(json.dumps({"rounds": rounds, "stages": spent, "strides": len(result.strides)}))


def memory_mb(field: str) -> float:
    """Size of this process now (`VmRSS`) or at most so far (`VmHWM`); `ru_maxrss` would hold the parent's too."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(float(line.split()[1]) / 1024.0 for line in lines if line.startswith(field))


def watch(spent: dict[str, float]) -> None:
    """Put a clock round each stage."""
    from importlib import import_module

    for stage, path in STAGES.items():
        module, name = path.rsplit(".", 1)
        home = import_module(module)
        setattr(home, name, clocked(getattr(home, name), stage, spent))


def clocked(function, stage, spent):
    """The same function, its time added to `spent[stage]`."""

    def run(*args, **kwargs):
        start = time.process_time()
        try:
            return function(*args, **kwargs)
        finally:
            spent[stage] += time.process_time() - start

    return run


def measure(folder: Path, mode: str) -> dict:
    """Run `child` in a fresh interpreter, on one thread."""
    done = subprocess.run(
        [sys.executable, __file__, "--child", str(folder), mode],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    return json.loads(done.stdout)


def main() -> None:
    """Measure and print."""
    lengths = [float(word) for word in sys.argv[1:]] or [1.0 / 6.0, 1.0]
    for hours in lengths:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            make_arrays(folder, hours)
            show(hours, measure(folder, "time"), measure(folder, "memory"))


def show(hours: float, timing: dict, memory: dict) -> None:
    """Print one length: ratio, time per hour, share of each stage, memory."""
    whole, vqf = (min(column) for column in zip(*timing["rounds"], strict=True))
    ratio = float(np.median([both / alone for both, alone in timing["rounds"]]))
    print(f"analysis of {hours:.3g} h x 2 sensors x {RATE:g} Hz, {timing['strides']} strides")
    print(f"  {ratio:.2f} x offline VQF alone on the same arrays in the same run (target 2)")
    print(f"  {whole:.2f} s, {whole / hours:.2f} s per hour of walking; VQF {vqf:.2f} s")
    total = sum(whole for whole, _ in timing["rounds"])
    for stage, seconds in timing["stages"].items():
        print(f"    {stage:<20} {100.0 * seconds / total:5.1f} %")
    print(f"    {'the rest':<20} {100.0 * (1.0 - sum(timing['stages'].values()) / total):5.1f} %")
    print(
        f"  peak memory {memory['above_import_mb']:.0f} MB = {memory['above_import_mb'] / memory['raw_mb']:.1f} x "
        f"the raw arrays of {memory['raw_mb']:.0f} MB (target 4)"
    )


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[1] == "--child":
        child(Path(sys.argv[2]), sys.argv[3])
    else:
        main()
