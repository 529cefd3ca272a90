"""Cost of the streaming twin per sample, against plain online VQF on the same arrays in the same run.

Run as a script: `python tests/benchmarks/bench_streaming.py [minutes]`. Prints figures, asserts nothing. Times are
processor time of this process, so that a busy machine does not blur them.
"""

from __future__ import annotations

import sys
import time

import numpy as np

RATE = 208.0
PAIR = ("right_foot", "right_shank")
BLOCKS = (1, 14, 208)


def main() -> None:
    """Measure and print."""
    from vqf import VQF

    import ankle_imu as ai
    from ankle_imu.streaming import LiveAnalysis

    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 4.0
    plan = ai.simulate.Plan(
        duration_s=60.0 * minutes, gait="mixed", terrain="hill", errors="typical", placements=PAIR
    )
    recording, _ = ai.simulate.walk(plan, seed=1)
    sensors = {p: (s.time, np.array(s.acc), np.array(s.gyr)) for p, s in recording.series.items()}
    n = len(sensors[PAIR[0]][0])
    LiveAnalysis(sampling_rate=RATE, placements=PAIR)  # whatever is imported late is imported now
    print(f"{minutes:g} min x 2 sensors x {RATE:g} Hz, us per sample of one sensor (target 50)")
    for size in BLOCKS:
        twin = LiveAnalysis(sampling_rate=RATE, placements=PAIR)
        single, pushes = 0.0, []
        for at in range(0, n, size):
            part = slice(at, at + size)
            for placement, (t, acc, gyr) in sensors.items():
                block = t[part], acc[part], gyr[part]
                start = time.process_time()
                twin.push(placement, *block)
                pushes.append(time.process_time() - start)
        filters = {p: VQF(1.0 / RATE) for p in PAIR}
        for at in range(0, n, size):
            part = slice(at, at + size)
            for placement, (_, acc, gyr) in sensors.items():
                block = np.ascontiguousarray(gyr[part]), np.ascontiguousarray(acc[part])
                start = time.process_time()
                filters[placement].updateBatch(*block)
                single += time.process_time() - start
        whole = sum(pushes)
        print(
            f"  blocks of {size:>3}: {1e6 * whole / (2 * n):5.1f}, {whole / single:5.1f} x online VQF "
            f"({1e6 * single / (2 * n):.2f}); longest push, a calibration, {1e3 * max(pushes):.0f} ms"
        )


if __name__ == "__main__":
    main()
